-- @include _entries.lua
-- How a promise takes its place in line, whether alone or with many others in a rebuild.

-- Into `place` (due or later), from wherever they wait now; who has an agent stays as they are. Returns the entry.
-- Where they stand elsewhere from now on, `tell` is called before with the entry as it will be, in its old place.
local function put_promise(queue, id, score, joined, place, number, tell)
  local e = load_entry(id)
  if not e or WAITS_IN[e.place] then
    if not e or e.place ~= place or e.score ~= score or e.queue ~= queue or e.joined ~= joined then
      tell({ id = id, queue = queue, score = score, joined = joined, place = e and e.place }, place)
    end
    if not e then
      e = { id = id, token = '', number = '', leg = '', lang = '' }
    elseif e.queue ~= queue then
      step_out(e)
      close_promise(e)
      e.place = nil
    end
    if number == '' then
      number = e.number ~= '' and e.number or unbook(id)
    elseif e.number ~= '' and e.queue == queue and e.number ~= string.sub(number, 1, OPEN_CHARACTERS) then
      close_promise(e)
    end
    e.queue, e.score, e.joined = queue, score, joined
    e.place = e.place or place
    write_entry(e, 'p', e.place)
    if number ~= '' then
      open_promise(e, number)
    end
    set_leg(e, '')
    redis.call('HDEL', entry_key(id), 'h')
    redis.call('ZREM', queue_key(queue, 'rung'), id)
    step_into(e, place)
  end
  return e
end
