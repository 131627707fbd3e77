-- One agent's live state.
--
-- KEYS[1]  the event stream (only for its slot)
-- ARGV     agent
-- Returns  OK and the agent (`add_agent`), or UNKNOWN_AGENT
-- Time     none
-- @include _agents.lua

local a = load_agent(ARGV[1])
if not a then
  return { UNKNOWN_AGENT }
end
return add_agent({ OK }, a)
