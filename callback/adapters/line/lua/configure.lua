-- Publishes the configuration. Agents who are new start offline; agents who are no longer there go offline, at once or when
-- their call ends, and serve nothing. Whoever stays keeps their status.
--
-- KEYS[1]  the event stream
-- ARGV     now, a random first version (so that a lost Redis never repeats one), number of queues,
--          for each queue: key, JSON, 1 when dialling;  then for each agent: key, JSON,
--          queues served (a line each: key, tab, level)
-- Returns  OK, the new version
-- Time     ARGV, microseconds of the shared clock
-- @include _agents.lua

local now, first_version, queues = ARGV[1], ARGV[2], tonumber(ARGV[3])

for _, queue in ipairs(redis.call('HKEYS', TAG .. 'queues')) do
  redis.call('HDEL', queue_key(queue, 's'), 'd', 'v')
end
redis.call('DEL', TAG .. 'queues', TAG .. 'staff')
redis.call('SET', TAG .. 'version', first_version, 'NX')
local version = redis.call('INCR', TAG .. 'version')
local at = 4
for _ = 1, queues do
  redis.call('HSET', TAG .. 'queues', ARGV[at], ARGV[at + 1])
  redis.call('HSET', queue_key(ARGV[at], 's'), 'd', ARGV[at + 2], 'v', version)
  at = at + 3
end

local configured = {}
while at <= #ARGV do
  local key, serves = ARGV[at], ARGV[at + 2]
  redis.call('HSET', TAG .. 'staff', key, ARGV[at + 1])
  at = at + 3
  configured[key] = true
  local a = load_agent(key)
  if a then
    count_out(a)
    a.serves = serves
    redis.call('HSET', agent_key(key), 'q', serves)
    count_in(a)
  else
    a = { key = key, status = 'offline', since = now, serves = serves }
    redis.call('HSET', agent_key(key), 's', 'offline', 'c', now, 'w', 'offline', 'q', serves)
    redis.call('SADD', TAG .. 'agents', key)
    count_in(a)
    tell_agent(key, '', 'offline', now, 'configured', {})
  end
end

local known = redis.call('SMEMBERS', TAG .. 'agents')
table.sort(known, bytes_before)
for _, key in ipairs(known) do
  local a = not configured[key] and load_agent(key)
  if a then
    want(a, 'offline')
    if a.status ~= 'reserved' and a.status ~= 'busy' then
      move_agent(a, 'offline', now, 'configured', {})
    end
    count_out(a)
    redis.call('HSET', agent_key(key), 'q', '')
  end
end

return { OK, version }
