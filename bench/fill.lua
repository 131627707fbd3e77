-- Puts many into the line at once, every second one a promise that is due and the others callers on hold, with the
-- line's own functions, so that every key is as the line would write it. What they told the record is left out: the
-- stream is forgotten as soon as the record has it.
--
-- KEYS[1]  the event stream
-- ARGV     queue, first number, how many, score of number 0 (microseconds; the next ones a millisecond later each)
-- Returns  how many
-- @include _entries.lua

local queue, first, count, base = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
for number = first, first + count - 1 do
  local at = string.format('%.0f', base + number * 1000)
  local e = { queue = queue, score = at, joined = at, leg = '', token = '', number = '', lang = '' }
  if number % 2 == 0 then
    e.id, e.place = string.format('CA%032x', number), 'menu'
    write_entry(e, 'p', 'menu', 'h', at, 'l', 'en')
    step_into(e, 'hold')
  else
    e.id = string.format('cb%018x', number)
    write_entry(e)
    open_promise(e, redis.sha1hex(e.id))
    step_into(e, 'due')
  end
end
return count
