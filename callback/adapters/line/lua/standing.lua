-- Where an entry stands; for '' what a newcomer would find.
--
-- KEYS[1]  the event stream (only for its slot)
-- ARGV     queue, entry or '', now
-- Returns  the standing (`_standing.lua`)
-- Time     ARGV, microseconds of the shared clock
-- @include _standing.lua

local queue, id, now = unpack(ARGV)
if id == '' then
  local reply = standing(queue, nil, nil, nil, nil, now)
  reply[3] = reply[6] + reply[7] + 1
  return reply
end
local e = load_entry(id)
return standing(e and e.queue or queue, e, nil, nil, nil, now)
