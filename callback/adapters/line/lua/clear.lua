-- Empties the line in slices, so that a rebuild stops nobody: first whoever waits, then pairings, agents, sums and the
-- configuration. What must outlive a rebuild stays: events on their way to the record, languages, paces, documents.
--
-- Between `clearing` and `cleared` nobody can tell from the stream who stood where.
--
-- KEYS[1]  the event stream
-- ARGV     how many entries to remove at most, now
-- Returns  OK, 1 while something may be left
-- Time     ARGV, microseconds of the shared clock
-- @include _reservations.lua
-- @include _events.lua

local limit, now = tonumber(ARGV[1]), ARGV[2]
if redis.call('SETNX', TAG .. 'clearing', now) == 1 then
  tell_setting('line', 'clearing', now)
end
local queues = redis.call('SMEMBERS', TAG .. 'lines')
for _, queue in ipairs(queues) do
  for _, place in ipairs(PLACES) do
    local ids = redis.call('ZRANGE', queue_key(queue, place), 0, limit - 1)
    for _, id in ipairs(ids) do
      redis.call('DEL', entry_key(id))
    end
    if #ids > 0 then
      redis.call('ZREMRANGEBYRANK', queue_key(queue, place), 0, #ids - 1)
      return { OK, 1 }
    end
  end
  redis.call('UNLINK', queue_key(queue, 'open'))
end

for _, key in ipairs(redis.call('SMEMBERS', TAG .. 'agents')) do
  local a = load_agent(key)
  if a then
    count_out(a)
    local r = a.token ~= '' and load_reservation(a.token)
    if r then
      redis.call('DEL', entry_key(r.entry), reservation_key(r.token))
    end
    redis.call('DEL', agent_key(key))
  end
end
for _, hash in ipairs({ 'lines', 'queues' }) do
  local names = hash == 'lines' and queues or redis.call('HKEYS', TAG .. hash)
  for _, queue in ipairs(names) do
    redis.call('DEL', queue_key(queue, 's'), queue_key(queue, 'rung'))
  end
end
redis.call('DEL', TAG .. 'agents', TAG .. 'lines', TAG .. 'queues', TAG .. 'staff', TAG .. 'version',
  TAG .. 'wording', TAG .. 'clearing', BOOKED, LEASES, WRAPS)
tell_setting('line', 'cleared', now)
return { OK, 0 }
