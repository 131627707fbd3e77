-- Sends the requests of a file one after the other, each once, as they stand there: signed beforehand, so that neither
-- signing nor random numbers are measured. The file: for each request its length in bytes, a line break, the request.

local requests, at = {}, 0

function init(arguments)
  local file = assert(io.open(arguments[1], 'rb'))
  local whole = file:read('*a')
  file:close()
  local from = 1
  while from <= #whole do
    local ends = string.find(whole, '\n', from, true)
    local length = tonumber(string.sub(whole, from, ends - 1))
    requests[#requests + 1] = string.sub(whole, ends + 1, ends + length)
    from = ends + length + 1
  end
end

function request()
  at = at + 1
  return requests[(at - 1) % #requests + 1]
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format('RESULT %d %d %d %d %d\n', summary.requests, summary.duration,
    failed.connect + failed.read + failed.write + failed.status + failed.timeout,
    latency:percentile(50), latency:percentile(99)))
end
