-- Forgets a number: the language it chose, and an open promise of it that stands in no line any more. One that does stays,
-- since somebody may be waiting, and is told.
--
-- KEYS[1]  the event stream
-- ARGV     the number's hash
-- Returns  OK, the entries that stand in line by this number
-- Time     none
-- @include _entries.lua

local number = ARGV[1]
local short = string.sub(number, 1, OPEN_CHARACTERS)
local reply = { OK }
redis.call('DEL', TAG .. 'lang:' .. number)
for _, queue in ipairs(redis.call('SMEMBERS', TAG .. 'lines')) do
  local id = redis.call('HGET', queue_key(queue, 'open'), short)
  if id and redis.call('EXISTS', entry_key(id)) == 0 then
    unbook(id)
    redis.call('HDEL', queue_key(queue, 'open'), short)
  elseif id then
    reply[#reply + 1] = id
  end
end
return reply
