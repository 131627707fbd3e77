-- The time of a callback has come: from later to due. A repeat changes nothing.
--
-- KEYS[1]  the event stream (only for its slot)
-- ARGV     entry
-- Returns  OK where it is due now, else NONE
-- Time     none
-- @include _entries.lua

local e = load_entry(ARGV[1])
if not e or (e.place ~= 'later' and e.place ~= 'due') then
  return { NONE }
end
step_into(e, 'due')
return { OK }
