-- Forgets a number: the language it chose, and an open promise of it that stands in no line any more. One that does stays:
-- somebody waits by it.
--
-- KEYS[1]  the event stream
-- ARGV     the number's hash
-- Returns  OK, how much there was
-- Time     none
-- @include _entries.lua

local number = ARGV[1]
local short = string.sub(number, 1, OPEN_CHARACTERS)
local count = redis.call('DEL', TAG .. 'lang:' .. number)
for _, queue in ipairs(redis.call('SMEMBERS', TAG .. 'lines')) do
  local id = redis.call('HGET', queue_key(queue, 'open'), short)
  if id and redis.call('EXISTS', entry_key(id)) == 0 then
    count = count + redis.call('HDEL', queue_key(queue, 'open'), short)
  end
end
return { OK, count }
