-- A callback stands in line, due or for later; one that stands there already moves, and loses its leg. The live call it
-- replaces leaves in the same step, as `callback`. One that has an agent stays as it is.
--
-- KEYS[1]  the event stream
-- ARGV     queue, entry, score, joined, place (due or later), number hash ('' unknown), replaced entry ('' none), now
-- Returns  the standing (`_standing.lua`)
-- Time     ARGV, microseconds of the shared clock
-- @include _leaving.lua
-- @include _standing.lua

local queue, id, score, joined, place, number, replaces, now = unpack(ARGV)
local replaced = replaces ~= '' and load_entry(replaces)
if replaced then
  depart(replaced, 'callback', now)
end

local e = load_entry(id)
if not e or WAITS_IN[e.place] then
  if not e then
    e = { id = id, token = '', number = '', leg = '', lang = '' }
  elseif e.queue ~= queue then
    step_out(e)
    close_promise(e)
    e.place = nil
  end
  if number == '' then
    number = e.number
  elseif e.number ~= '' and e.queue == queue and e.number ~= string.sub(number, 1, OPEN_CHARACTERS) then
    close_promise(e)
  end
  e.queue, e.score, e.joined = queue, score, joined
  redis.call('HSET', entry_key(id), 'q', queue, 's', score, 'j', joined)
  if number ~= '' then
    open_promise(e, number)
  end
  set_leg(e, '')
  redis.call('HDEL', entry_key(id), 'h')
  step_into(e, place)
end
return standing(e.queue, e)
