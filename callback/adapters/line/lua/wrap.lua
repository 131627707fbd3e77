-- An agent who is wrapping up needs longer, or less. Nothing is told: they are in it as before.
--
-- KEYS[1]  the event stream
-- ARGV     agent, end of the wrap-up
-- Returns  OK and the agent (`add_agent`), NONE where they are not wrapping up, or UNKNOWN_AGENT
-- Time     ARGV, microseconds of the shared clock
-- @include _agents.lua

local key, wrap_until = unpack(ARGV)
local a = load_agent(key)
if not a then
  return { UNKNOWN_AGENT }
end
if a.status ~= 'wrap_up' then
  return { NONE }
end
a.wrap_until = wrap_until
redis.call('HSET', agent_key(key), 'u', wrap_until)
redis.call('ZADD', WRAPS, wrap_until, key)
return add_agent({ OK }, a)
