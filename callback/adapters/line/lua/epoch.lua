-- How old the line is; and, in a line that is what it should be, the next tick.
--
-- KEYS[1]  the event stream (only for its slot)
-- ARGV     the record's number ('' only look): where the line has it or the next, the line has the next from now on
-- Returns  OK, the number as it was ('' none), this run of the server, why the line is unsure ('' it is sure), 1 when
--          anything was configured
-- Time     none
-- @include _epoch.lua

local expected = ARGV[1]
local known = redis.call('HMGET', EPOCH, 'n', 'run')
local run, unsure = run_id(), redis.call('GET', UNSURE) or ''
local number = known[1] or ''
if unsure == '' and expected ~= '' and known[2] == run then
  if number == expected or tonumber(number) == tonumber(expected) + 1 then
    redis.call('HSET', EPOCH, 'n', string.format('%.0f', expected + 1))
  end
end
return { OK, number, run, unsure, redis.call('EXISTS', TAG .. 'version') }
