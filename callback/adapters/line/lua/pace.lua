-- Takes a slot of the shared pace.
--
-- KEYS[1]  the event stream (only for its slot)
-- ARGV     bucket, microseconds between two slots, now
-- Returns  OK, microseconds from now until the slot that was given (0: act now)
-- Time     ARGV, microseconds of the shared clock
-- @include _pace.lua

return { OK, take_slot(ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])) }
