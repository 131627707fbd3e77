-- A talk is over: the entry is gone, or back in its old place when it was cut off; the agent wraps up, or goes where they
-- wanted meanwhile. A talk that was cut off is not counted as a conversation; who is on hold after it may be paired again
-- as in release.lua, also with the agent who is free by this.
--
-- KEYS[1]  the event stream
-- ARGV     token, seconds of wrap-up, now, place of the entry (gone, or as in release.lua), leg of the entry ('' unknown),
--          token of the next pairing ('' none now), end of its lease
-- Returns  OK and the agent (`add_agent`), STALE where nobody talks under this token, or ILLEGAL as in release.lua
-- Time     ARGV, microseconds of the shared clock
-- @include _leaving.lua
-- @include _pairing.lua

local token, wrap_up_s, now, place, leg, again, lease = unpack(ARGV)
local r = load_reservation(token)
if not r or r.phase ~= 'busy' then
  return { STALE }
end
local e = load_entry(r.entry)
if e and not may_stand(e, place) then
  return { ILLEGAL }
end

local reason = place == 'gone' and 'completed' or 'cut_off'
local a = end_talk(r, wrap_up_s, now, reason)

if place == 'gone' then
  measure_talk(r.queue, r.bridged, now, wrap_up_s)
  if e then
    tell_call(e, 'completed', now, reason, r.agent, token)
    forget_entry(e)
  end
elseif e then
  tell_call(e, CALL_STATES[place], now, reason, r.agent, token)
  redis.call('HSET', entry_key(e.id), 'm', 1)
  if e.leg == '' and leg and leg ~= '' then
    set_leg(e, leg)
  end
  stand_again(e, place, now, reason)
  pair_again(e, again, now, lease)
end
if not a then
  return { UNKNOWN_AGENT }
end
return add_agent({ OK }, load_agent(r.agent))
