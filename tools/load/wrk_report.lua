-- Loads the user's script, if there is one, and reports exactly what wrk has counted. It does so before wrk closes its
-- connections, so that the bench can read the sockets as the load left them.
--
-- TIMEWAIT_SCRIPT  the user's script; empty for none
-- TIMEWAIT_TEXT    the text of the user's script, on a machine that does not have the file; not set where it does
-- TIMEWAIT_HEADERS header lines of each request, as wrk's own -H would set them
-- TIMEWAIT_BEAT_MS all connections send together at each multiple of this time; 0 for as soon as they are answered
-- TIMEWAIT_BURST   requests are sent for so many milliseconds, then none for so many: "1000 500"; empty for no pauses
-- TIMEWAIT_METHOD  the method of each request
-- TIMEWAIT_BODY    bytes of each request's body; empty for no body
-- TIMEWAIT_TOKEN   the beginning of each line of ours, by which it is told from what the user's script prints

local script = os.getenv("TIMEWAIT_SCRIPT")
local token = os.getenv("TIMEWAIT_TOKEN")

for name, value in os.getenv("TIMEWAIT_HEADERS"):gmatch("([^:\n]+): ([^\n]*)") do
  wrk.headers[name] = value
end
wrk.method = os.getenv("TIMEWAIT_METHOD")
local body_bytes = tonumber(os.getenv("TIMEWAIT_BODY"))
if body_bytes then wrk.body = string.rep("x", body_bytes) end
local report = io.write

if script ~= "" then
  -- What the script prints goes to standard error, where it is told from what wrk itself prints.
  io.write = function(...) io.stderr:write(...) end
  print = function(...)
    local words = {}
    for i = 1, select("#", ...) do words[i] = tostring((select(i, ...))) end
    io.stderr:write(table.concat(words, "\t"), "\n")
  end
  local worked, why = pcall(function()
    local text = os.getenv("TIMEWAIT_TEXT")
    if not text then return dofile(script) end
    assert(loadstring(text, "@" .. script))()
  end)
  if not worked then
    -- wrk itself would run on without the script.
    io.stderr:write("the Lua script failed: ", tostring(why), "\n")
    os.exit(1)
  end
end
local users_done = done

local function clock()
  local ffi = require("ffi")
  ffi.cdef("typedef struct { long sec, usec; } timewait_time; int gettimeofday(timewait_time *, void *);")
  local now = ffi.new("timewait_time")
  return function()
    ffi.C.gettimeofday(now, nil)
    return tonumber(now.sec) * 1000 + tonumber(now.usec) / 1000
  end
end

-- wrk waits as long as delay() says before each request of a connection, the first included.
local beat_ms = tonumber(os.getenv("TIMEWAIT_BEAT_MS"))
local on_ms, off_ms = os.getenv("TIMEWAIT_BURST"):match("(%S+) (%S+)")
if beat_ms > 0 then
  local now_ms = clock()
  function delay()
    return math.ceil(beat_ms - now_ms() % beat_ms)
  end
elseif on_ms then
  if delay then
    io.stderr:write("the Lua script has a delay() of its own, which cannot be with bursts\n")
    os.exit(1)
  end
  local now_ms, began_ms = clock(), nil
  on_ms, off_ms = tonumber(on_ms), tonumber(off_ms)
  -- Requests that a thread was about to send, and those of them that wait for the burst that begins at `due`. They are
  -- global so that done() can read them.
  timewait_asked, timewait_waiting, timewait_due_ms = 0, 0, 0
  -- Each thread asks first when its first connection stands, so that the load begins with a burst.
  function delay()
    local ms = now_ms()
    began_ms = began_ms or ms
    local at = (ms - began_ms) % (on_ms + off_ms)
    timewait_asked = timewait_asked + 1
    if at < on_ms then return 0 end
    local wait_ms = math.ceil(on_ms + off_ms - at)
    if ms > timewait_due_ms then timewait_waiting = 0 end
    timewait_waiting, timewait_due_ms = timewait_waiting + 1, ms + wait_ms
    return wait_ms
  end

  local users_setup = setup
  threads = {}
  function setup(thread)
    threads[#threads + 1] = thread
    if users_setup then users_setup(thread) end
  end
end

-- With bursts: requests that were sent and not answered. Whatever was sent less than 100 ms ago was not waited for.
local function in_flight(answered)
  local sent, now_ms = 0, clock()()
  for _, thread in ipairs(threads) do
    local waits = now_ms < thread:get("timewait_due_ms") + 100
    sent = sent + thread:get("timewait_asked") - (waits and thread:get("timewait_waiting") or 0)
  end
  return math.max(0, sent - answered)
end

-- wrk's `latency(i)` searches from the start for each i, which takes minutes for a wide histogram. In memory the histogram
-- is four numbers and an array of counts by microsecond. It is read from there if everything that can be checked agrees.
local function read_directly(latency)
  local ffi = require("ffi")
  ffi.cdef("typedef struct { uint64_t count, limit, min, max; uint64_t data[]; } timewait_stats;")
  local stats = ffi.cast("timewait_stats **", latency)[0]
  local min, max, count = tonumber(stats.min), tonumber(stats.max), 0
  if min ~= latency.min or max ~= latency.max or max >= tonumber(stats.limit) then return nil end
  local pairs_of, known = {}, 0
  -- From 0: where a script pipelines, wrk's correction adds answers below its own minimum.
  for value = 0, max do
    local n = tonumber(stats.data[value])
    if n > 0 then
      count = count + n
      if value >= min then known = known + 1 end
      pairs_of[#pairs_of + 1] = value .. "," .. n
    end
  end
  if count ~= tonumber(stats.count) or known ~= #latency then return nil end
  return pairs_of
end

local function read_slowly(latency)
  local pairs_of = {}
  for i = 1, #latency do
    local value, n = latency(i)
    pairs_of[i] = value .. "," .. n
  end
  return pairs_of
end

local function histogram(latency)
  if #latency == 0 then return "" end
  local worked, pairs_of = pcall(read_directly, latency)
  if not worked or pairs_of == nil then pairs_of = read_slowly(latency) end
  return table.concat(pairs_of, ",")
end

function done(summary, latency, requests)
  local e = summary.errors
  report("\n", token, string.format(
    '{"requests":%.0f,"durationUs":%.0f,"bytesRead":%.0f,%s' ..
    '"errors":{"connect":%.0f,"read":%.0f,"write":%.0f,"timeout":%.0f,"status":%.0f},"histogram":[%s]}\n',
    summary.requests, summary.duration, summary.bytes,
    on_ms and string.format('"inFlight":%.0f,', in_flight(summary.requests)) or "",
    e.connect, e.read, e.write, e.timeout, e.status, histogram(latency)))
  io.flush()
  io.read() -- until the bench has looked
  if not users_done then return end
  local worked, why = pcall(users_done, summary, latency, requests)
  if not worked then io.stderr:write("done of the Lua script failed: ", tostring(why), "\n") end
end
