-- A rebuild begins: nobody is paired before it has ended. Events told from now on come after all that the record has, also
-- on a server whose clock is behind the one that was lost.
--
-- KEYS[1]  the event stream
-- ARGV     number of the rebuild, the record's mark in the stream
-- Returns  OK
-- Time     none
-- @include _epoch.lua

local number, mark = ARGV[1], ARGV[2]
redis.call('SET', UNSURE, rebuild_of(number))
local at, nth = string.match(mark, '^(%d+)-(%d+)$')
if at then
  -- Refused where the stream is beyond the mark already, as it nearly always is.
  local id = redis.pcall('XADD', EVENTS, at .. '-' .. string.format('%.0f', nth + 1), 'kind', '')
  if type(id) == 'string' then
    redis.call('XDEL', EVENTS, id)
  end
end
return { OK }
