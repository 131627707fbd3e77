-- @include _keys.lua
-- What the line knows of its own age: a hash `epoch`, and a string `unsure` while nobody may rely on the line.
--
-- Hash fields: n number, one more at every tick   run of the server for which the line was found whole
-- `unsure` says why: `lost`, `restarted`, or `rebuilding NUMBER RUN`. While it exists nobody is paired (`_pairing.lua`),
-- and standings carry the configuration 0 (`_standing.lua`).

local EPOCH = TAG .. 'epoch'

-- A server's name for this run of itself: another after each restart, and on each replica. '' where it does not tell.
local function run_id()
  local told = redis.pcall('INFO', 'server')
  return type(told) == 'string' and string.match(told, 'run_id:(%w+)') or ''
end

local function rebuild_of(number)
  return 'rebuilding ' .. number .. ' ' .. run_id()
end
