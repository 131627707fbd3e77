-- Where an entry stands; for '' what a newcomer would find.
--
-- KEYS[1]  the event stream (only for its slot)
-- ARGV     queue, entry or ''
-- Returns  the standing (`_standing.lua`)
-- Time     none
-- @include _standing.lua

local queue, id = unpack(ARGV)
if id == '' then
  local reply = standing(queue, nil)
  reply[3] = reply[6] + reply[7] + 1
  return reply
end
local e = load_entry(id)
return standing(e and e.queue or queue, e)
