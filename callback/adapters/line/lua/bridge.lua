-- They talk: the entry has left the line, the agent is busy, and the lease is over. A repeat changes nothing.
--
-- KEYS[1]  the event stream
-- ARGV     token, now, the agent's leg ('' unknown)
-- Returns  OK, or STALE
-- Time     ARGV, microseconds of the shared clock
-- @include _reservations.lua
-- @include _measure.lua

local token, now, leg = unpack(ARGV)
local r = load_reservation(token)
if not r then
  return { STALE }
end
if r.phase == 'busy' then
  return { OK }
end

redis.call('HSET', reservation_key(token), 'p', 'busy', 'b', now, 'l', leg)
redis.call('HDEL', reservation_key(token), 'u')
redis.call('ZREM', LEASES, token)
local a = load_agent(r.agent)
if a then
  move_agent(a, 'busy', now, 'bridged', { queue = r.queue, token = token, entry = r.entry })
end
local e = load_entry(r.entry)
if e then
  tell_call(e, 'bridged', now, 'bridged', r.agent, token)
  redis.call('HSET', entry_key(e.id), 'p', 'busy')
  measure_wait(e, now, false)
end
return { OK }
