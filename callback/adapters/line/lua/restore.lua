-- Many promises into the line at once, each as `enter` would put it: a rebuild of a hundred thousand is a thousand steps
-- of a few milliseconds, between which callers are served.
--
-- KEYS[1]  the event stream
-- ARGV     now, then for each: queue, entry, score, joined, place (due or later), number hash ('' unknown)
-- Returns  OK
-- Time     ARGV, microseconds of the shared clock
-- @include _events.lua
-- @include _promising.lua

-- Told all in one event: a row each of queue, entry, place, score, and joined where it differs from the score.
local rows = {}
local function note(e, place)
  local row = { e.queue, e.id, place, e.score }
  if e.joined ~= e.score then
    row[5] = e.joined
  end
  rows[#rows + 1] = table.concat(row, '\t')
end

for i = 2, #ARGV, 6 do
  put_promise(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], note)
end
if #rows > 0 then
  tell_setting('line', 'restored', ARGV[1], table.concat(rows, '\n'))
end
return { OK }
