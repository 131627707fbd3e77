-- Many promises into the line at once, each as `enter` would put it: a rebuild of a hundred thousand is two hundred steps
-- of a few milliseconds, between which callers are served.
--
-- KEYS[1]  the event stream (only for its slot)
-- ARGV     for each: queue, entry, score, joined, place (due or later), number hash ('' unknown)
-- Returns  OK
-- Time     none
-- @include _promising.lua

for i = 1, #ARGV, 6 do
  put_promise(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5])
end
return { OK }
