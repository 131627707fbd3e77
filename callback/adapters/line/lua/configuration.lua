-- What `configure` published.
--
-- KEYS[1]  the event stream (only for its slot)
-- ARGV     none
-- Returns  OK, the version ('0': nothing was published), the number of queues, each queue's JSON, each agent's JSON
-- Time     none
-- @include _keys.lua

local queues = redis.call('HVALS', TAG .. 'queues')
local reply = { OK, redis.call('GET', TAG .. 'version') or '0', #queues }
for _, json in ipairs(queues) do
  reply[#reply + 1] = json
end
for _, json in ipairs(redis.call('HVALS', TAG .. 'staff')) do
  reply[#reply + 1] = json
end
return reply
