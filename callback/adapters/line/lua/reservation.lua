-- The reservation or talk that a token stands for.
--
-- KEYS[1]  the event stream (only for its slot)
-- ARGV     token
-- Returns  OK and the reservation (`add_reservation`), or STALE
-- Time     none
-- @include _reservations.lua

local r = load_reservation(ARGV[1])
if not r then
  return { STALE }
end
return add_reservation({ OK }, r, load_entry(r.entry))
