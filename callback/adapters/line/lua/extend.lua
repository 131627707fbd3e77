-- Renews a lease, and names the phase they are in now. A talk has no lease: it stays as it is.
--
-- KEYS[1]  the event stream (only for its slot)
-- ARGV     token, end of the lease, phase ('' as it is)
-- Returns  OK, or STALE
-- Time     ARGV, microseconds of the shared clock
-- @include _reservations.lua

local token, lease, phase = unpack(ARGV)
local r = load_reservation(token)
if not r then
  return { STALE }
end
if r.phase ~= 'busy' then
  redis.call('HSET', reservation_key(token), 'u', lease, 'p', phase ~= '' and phase or r.phase)
  redis.call('ZADD', LEASES, lease, token)
end
return { OK }
