-- Pairs the queue's next free agent with the lowest score among all the queues that agent serves; where that one is kept
-- for a phone that rings, the next of them. A repeat with the same token gives the same reservation.
--
-- KEYS[1]  the event stream
-- ARGV     queue, token, now, end of the lease
-- Returns  OK and the reservation (`add_reservation`), or NONE
-- Time     ARGV, microseconds of the shared clock
-- @include _pairing.lua

local queue, token, now, lease = unpack(ARGV)
local made = load_reservation(token)
if made then
  return add_reservation({ OK }, made, load_entry(made.entry))
end
local r, e = pair_one(queue, token, now, lease)
if not r then
  return { NONE }
end
return add_reservation({ OK }, r, e)
