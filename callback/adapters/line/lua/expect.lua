-- Somebody is being rung before an agent is free: whoever comes free is kept for them until then, where nobody stands
-- before them. Whatever else becomes of their place ends that.
--
-- KEYS[1]  the event stream
-- ARGV     entry, until
-- Returns  OK, or NONE where they do not stand in `later`
-- Time     ARGV, microseconds of the shared clock
-- @include _entries.lua

local id, til = unpack(ARGV)
local e = load_entry(id)
if not e or e.place ~= 'later' then
  return { NONE }
end
redis.call('HSET', entry_key(id), 'k', til)
redis.call('ZADD', queue_key(e.queue, 'rung'), e.score, id)
return { OK }
