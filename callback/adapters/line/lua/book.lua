-- Appointments, which stand in no line until their time comes: whoever rings in from their number is recognised. Somebody
-- who stands in line stays as they are.
--
-- KEYS[1]  the event stream
-- ARGV     for each: queue, entry, number hash ('' unknown: nobody is recognised by it)
-- Returns  OK
-- Time     none
-- @include _entries.lua

for i = 1, #ARGV, 3 do
  local queue, id, number = ARGV[i], ARGV[i + 1], string.sub(ARGV[i + 2], 1, OPEN_CHARACTERS)
  if redis.call('EXISTS', entry_key(id)) == 0 then
    unbook(id)
    if number ~= '' then
      redis.call('HSET', BOOKED, id, queue .. '\t' .. number)
      redis.call('HSET', queue_key(queue, 'open'), number, id)
      redis.call('SADD', TAG .. 'lines', queue)
    end
  end
end
return { OK }
