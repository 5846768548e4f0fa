-- wrk: POSTs the body in the file BODY with the fields in FIELDS (one `name: value` a line)
-- and prints one line that measure.py reads. Latencies are in microseconds.
wrk.method = "POST"
local file = assert(io.open(os.getenv("BODY"), "rb"))
wrk.body = file:read("*a")
file:close()
for name, value in os.getenv("FIELDS"):gmatch("([^\n:]+): ([^\n]*)") do
  wrk.headers[name] = value
end

done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT requests=%d duration=%d p50=%d p99=%d errors=%d\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
