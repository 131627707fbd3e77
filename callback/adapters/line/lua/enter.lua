-- A callback stands in line, due or for later; one that stands there already moves, and loses its leg. The live call it
-- replaces leaves in the same step, as `callback`. One that has an agent stays as it is.
--
-- KEYS[1]  the event stream
-- ARGV     queue, entry, score, joined, place (due or later), number hash ('' unknown), replaced entry ('' none), now
-- Returns  the standing (`_standing.lua`)
-- Time     ARGV, microseconds of the shared clock
-- @include _leaving.lua
-- @include _promising.lua
-- @include _standing.lua

local queue, id, score, joined, place, number, replaces, now = unpack(ARGV)
local replaced = replaces ~= '' and load_entry(replaces)
if replaced then
  depart(replaced, 'callback', now)
end

local e = put_promise(queue, id, score, joined, place, number, function(moving, to)
  tell_place(moving, to, now, replaced and 'callback' or 'entered')
end)
return standing(e.queue, e)
