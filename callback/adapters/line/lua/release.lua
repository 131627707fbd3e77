-- A pairing comes to nothing: the entry goes back to a place in line, or leaves; the agent goes where they are sent, or
-- where they wanted. Once they talk it is too late: STALE. Who is on hold again may be paired as `hold` does, before
-- anybody else sees them there.
--
-- KEYS[1]  the event stream
-- ARGV     token, place of the entry (menu, hold, due, later, gone), status of the agent ('' as wanted), reason, now,
--          score ('' as before), token of the next pairing ('' none now), end of its lease
-- Returns  OK, STALE, or ILLEGAL (a caller who never hung up is never due; no such move of an agent)
-- Time     ARGV, microseconds of the shared clock
-- @include _leaving.lua
-- @include _pairing.lua

local token, place, status, reason, now, score, again, lease = unpack(ARGV)
local r = load_reservation(token)
if not r or r.phase == 'busy' then
  return { STALE }
end
local e = load_entry(r.entry)
if (status ~= '' and not may_move('reserved', status)) or status == 'busy' or (e and not may_stand(e, place)) then
  return { ILLEGAL }
end

drop_reservation(r)
if status ~= '' then
  local a = load_agent(r.agent)
  if a then
    want(a, status)
  end
end
free_agent(r.agent, nil, now, reason, { queue = r.queue, token = token, entry = r.entry })

if e and place == 'gone' then
  e.token = ''
  depart(e, reason, now)
elseif e then
  if score ~= '' then
    e.score = score
    redis.call('HSET', entry_key(e.id), 's', score)
  end
  tell_call(e, CALL_STATES[place], now, reason, r.agent, token)
  stand_again(e, place, now, reason)
  pair_again(e, again, now, lease)
end
return { OK }
