-- An agent becomes available, as `presence` has it, and is paired as `match_agent` has it, in one step. A repeat with the
-- same token gives the same reservation.
--
-- KEYS[1]  the event stream
-- ARGV     agent, token, now, end of the lease
-- Returns  OK and the agent (`add_agent`), followed by the reservation (`add_reservation`) where they are paired; or
--          UNKNOWN_AGENT
-- Time     ARGV, microseconds of the shared clock
-- @include _pairing.lua

local key, token, now, lease = unpack(ARGV)
local a = load_agent(key)
if not a then
  return { UNKNOWN_AGENT }
end
local made = load_reservation(token)
if made then
  return add_reservation(add_agent({ OK }, a), made, load_entry(made.entry))
end
want(a, 'available')
if a.status ~= 'reserved' and a.status ~= 'busy' then
  move_agent(a, 'available', now, 'presence', {})
end
local r, e
if a.status == 'available' then
  r, e = pair_agent(a, token, now, lease)
end
local reply = add_agent({ OK }, a)
return r and add_reservation(reply, r, e) or reply
