-- Out of the line, wherever they are; a reservation of theirs is dissolved and its agent freed. A live call's leaving is
-- told as its end: `reason` where that is the name of one, else `abandoned` (`completed` from a talk). An appointment, which
-- stands in no line, is forgotten.
--
-- KEYS[1]  the event stream
-- ARGV     entry, reason, now
-- Returns  the standing (`_standing.lua`) with the place they were in and the reservation that was dissolved
-- Time     ARGV, microseconds of the shared clock
-- @include _leaving.lua
-- @include _standing.lua

local id, reason, now = unpack(ARGV)
local e = load_entry(id)
if not e then
  unbook(id)
  return standing('', nil)
end
local dissolved = depart(e, reason, now)
local reply = standing(e.queue, nil)
reply[2], reply[4], reply[5] = e.place, e.score, e.joined
if dissolved then
  add_reservation(reply, dissolved, e)
end
return reply
