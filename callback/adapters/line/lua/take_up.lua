-- The reservation that a token stands for, for whoever acts on it: with a slot of the shared pace, where nobody has acted
-- on it yet and a phone is to ring.
--
-- KEYS[1]  the event stream (only for its slot)
-- ARGV     token, bucket, microseconds between two slots, now
-- Returns  OK, microseconds from now until the slot (0: act now, or none was taken) and the reservation
--          (`add_reservation`); or STALE
-- Time     ARGV, microseconds of the shared clock
-- @include _reservations.lua
-- @include _pace.lua

local token, bucket, step, now = unpack(ARGV)
local r = load_reservation(token)
if not r then
  return { STALE }
end
local e = load_entry(r.entry)
local to_ring = r.phase == 'reserved' and (not e or e.leg == '')
return add_reservation({ OK, to_ring and take_slot(bucket, tonumber(step), tonumber(now)) or 0 }, r, e)
