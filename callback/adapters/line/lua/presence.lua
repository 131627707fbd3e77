-- What an agent asks for: at once where they are idle, away or in wrap-up; reserved and busy ones get it afterwards.
--
-- KEYS[1]  the event stream
-- ARGV     agent, wanted status (available, away, offline), now, why they will be away ('' not said)
-- Returns  OK and the agent (`add_agent`), or UNKNOWN_AGENT
-- Time     ARGV, microseconds of the shared clock
-- @include _agents.lua

local key, wanted, now, why = unpack(ARGV)
local a = load_agent(key)
if not a then
  return { UNKNOWN_AGENT }
end
want(a, wanted, wanted == 'away' and why or '')
if a.status ~= 'reserved' and a.status ~= 'busy' then
  move_agent(a, wanted, now, 'presence', {})
end
return add_agent({ OK }, a)
