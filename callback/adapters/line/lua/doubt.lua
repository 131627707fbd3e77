-- From now on nobody relies on the line, until it has been rebuilt: where it is behind, or this run of the server is another
-- than the one for which it was found whole.
--
-- KEYS[1]  the event stream (only for its slot)
-- ARGV     why (a word), the number that the line should have at least ('' whatever it has)
-- Returns  OK where the line is unsure now, else NONE
-- Time     none
-- @include _epoch.lua

local why, number = ARGV[1], ARGV[2]
local known = redis.call('HMGET', EPOCH, 'n', 'run')
local behind = number ~= '' and (not known[1] or tonumber(known[1]) < tonumber(number))
if behind or (known[2] and known[2] ~= run_id()) then
  redis.call('SET', UNSURE, why, 'NX')
end
return { redis.call('EXISTS', UNSURE) == 1 and OK or NONE }
