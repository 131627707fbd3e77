-- Pairs this agent, if free, with the lowest score among their queues. A repeat with the same token gives the same
-- reservation.
--
-- KEYS[1]  the event stream
-- ARGV     agent, token, now, end of the lease
-- Returns  OK and the reservation (`add_reservation`), NONE, or UNKNOWN_AGENT
-- Time     ARGV, microseconds of the shared clock
-- @include _pairing.lua

local agent, token, now, lease = unpack(ARGV)
local made = load_reservation(token)
if made then
  return add_reservation({ OK }, made, load_entry(made.entry))
end
local a = load_agent(agent)
if not a then
  return { UNKNOWN_AGENT }
end
if a.status ~= 'available' then
  return { NONE }
end
local r, e = pair_agent(a, token, now, lease)
if not r then
  return { NONE }
end
return add_reservation({ OK }, r, e)
