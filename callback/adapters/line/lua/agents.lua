-- Every agent's live state, in no order.
--
-- KEYS[1]  the event stream (only for its slot)
-- ARGV     none
-- Returns  OK and each agent (`add_agent`)
-- Time     none
-- @include _agents.lua

local reply = { OK }
for _, key in ipairs(redis.call('SMEMBERS', TAG .. 'agents')) do
  local a = load_agent(key)
  if a then
    add_agent(reply, a)
  end
end
return reply
