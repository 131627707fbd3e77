-- The time of a callback has come: from later to due. A repeat changes nothing.
--
-- KEYS[1]  the event stream
-- ARGV     entry, now
-- Returns  OK where it is due now, else NONE
-- Time     ARGV, microseconds of the shared clock
-- @include _entries.lua
-- @include _events.lua

local e = load_entry(ARGV[1])
if not e or (e.place ~= 'later' and e.place ~= 'due') then
  return { NONE }
end
if e.place == 'later' then
  tell_place(e, 'due', ARGV[2], 'due')
  step_into(e, 'due')
end
return { OK }
