-- Somebody who is in touch with us stands again where the record says, in a line that is being rebuilt: waiting on a leg, or
-- with their agent under the token they had. Whoever is here already stays as they are.
--
-- KEYS[1]  the event stream
-- ARGV     queue, entry, score, joined, leg ('' none), language, number hash ('' none), place (menu or hold, for those
--          without an agent), token ('' none), agent, phase, of the pairing: at, end of the lease; begin of the talk ('' they
--          do not talk), now
-- Returns  OK, or NONE where the agent is unknown, or in another pairing, or the entry is, or the pairing was dissolved
-- Time     ARGV, microseconds of the shared clock
-- @include _promising.lua
-- @include _reservations.lua

local queue, id, score, joined, leg, lang, number, place, token, agent, phase, at, lease, bridged, now = unpack(ARGV)

local e = load_entry(id)
if e and e.token ~= '' then
  return { e.token == token and OK or NONE }
end
local a
if token ~= '' then
  a = load_agent(agent)
  if not a or a.token ~= '' or redis.call('EXISTS', over_key(token)) == 1 then
    return { NONE }
  end
end

local found = e ~= nil
if not found then
  e = { id = id, queue = queue, score = score, joined = joined, leg = is_callback(id) and '' or id, token = '', number = '',
    lang = lang, measured = false }
  write_entry(e, 'l', lang, 'h', now)
  if number == '' then
    number = unbook(id)
  end
  if number ~= '' then
    open_promise(e, number)
  end
end
if leg ~= '' then
  set_leg(e, leg)
end

if not a then
  if not found or (is_callback(id) and e.place ~= 'hold') then
    tell_call(e, CALL_STATES[place], now, 'back_in_line')
    tell_place(e, place, now, 'back_in_line')
    step_into(e, place)
  end
  return { OK }
end

if not found then
  tell_place(e, leg == '' and 'due' or 'hold', now, 'back_in_line')
end
if a.status ~= 'available' then
  move_agent(a, 'available', now, 'rebuilt', {})
end
reserve(e, a, token, at, lease, 'resumed')
redis.call('HSET', reservation_key(token), 'p', phase)
if bridged ~= '' then
  redis.call('HSET', reservation_key(token), 'p', 'busy', 'b', bridged)
  redis.call('HDEL', reservation_key(token), 'u')
  redis.call('ZREM', LEASES, token)
  move_agent(a, 'busy', bridged, 'bridged', { queue = queue, token = token, entry = id })
  tell_call(e, 'bridged', bridged, 'bridged', agent, token)
  redis.call('HSET', entry_key(id), 'p', 'busy')
end
return { OK }
