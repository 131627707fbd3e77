-- A rebuild has ended: the line is whole, and serves again. Not where the server was emptied or restarted meanwhile, nor
-- where another rebuild has begun.
--
-- KEYS[1]  the event stream (only for its slot)
-- ARGV     number of the rebuild
-- Returns  OK and this run of the server, or STALE
-- Time     none
-- @include _epoch.lua

local number = ARGV[1]
if redis.call('GET', UNSURE) ~= rebuild_of(number) then
  return { STALE }
end
local run = run_id()
redis.call('HSET', EPOCH, 'n', number, 'run', run)
redis.call('DEL', UNSURE)
return { OK, run }
