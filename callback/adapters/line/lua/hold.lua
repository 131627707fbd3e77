-- A live leg is on hold and can be connected: from the menu, from a callback's place, or back into a line that was lost, by
-- the score and time of joining it carries. Pairs at once as `arrive` does. Also the heartbeat of the leg. Who has an agent
-- already only changes their leg.
--
-- KEYS[1]  the event stream
-- ARGV     queue, entry, leg, score, joined, language ('' unknown), now, end of the lease, token
-- Returns  the standing (`_standing.lua`)
-- Time     ARGV, microseconds of the shared clock
-- @include _pairing.lua
-- @include _standing.lua

local queue, id, leg, score, joined, language, now, lease, token = unpack(ARGV)
local e = load_entry(id)
local found = e ~= nil
if not found then
  e = { id = id, queue = queue, score = score, joined = joined, leg = is_callback(id) and '' or id, token = '', number = '',
    lang = '', measured = false }
  write_entry(e)
  local number = unbook(id)
  if number ~= '' then
    open_promise(e, number)
  end
end
set_leg(e, leg)
e.lang = language ~= '' and language or e.lang
redis.call('HSET', entry_key(id), 'h', now, 'l', e.lang)

local reservation
if e.place ~= 'reserved' and e.place ~= 'busy' then
  if e.place ~= 'hold' then
    tell_call(e, 'waiting', now, found and 'on_hold' or 'back_in_line')
    tell_place(e, 'hold', now, found and 'on_hold' or 'back_in_line')
  end
  step_into(e, 'hold')
  reservation = pair_newcomer(e, token, now, lease)
end
return standing(e.queue, e, reservation, nil, nil, now)
