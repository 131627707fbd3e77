-- Live entries whose leg has not been heard of for long: one slice of one place of one queue, so that nobody waits for a
-- long listing.
--
-- KEYS[1]  the event stream (only for its slot)
-- ARGV     queue, place, first row, number of rows, heard of last before this time
-- Returns  OK, number of rows looked at, then of each silent one: entry, leg
-- Time     ARGV, microseconds of the shared clock
-- @include _entries.lua

local queue, place, offset, limit, before = unpack(ARGV)
local rows = redis.call('ZRANGE', queue_key(queue, place), offset, offset + limit - 1)
local reply = { OK, #rows }
for _, id in ipairs(rows) do
  local f = redis.call('HMGET', entry_key(id), 'h', 'g')
  local leg = f[2] or (not is_callback(id) and id)
  if leg and tonumber(f[1] or 0) < tonumber(before) then
    reply[#reply + 1] = id
    reply[#reply + 1] = leg
  end
end
return reply
