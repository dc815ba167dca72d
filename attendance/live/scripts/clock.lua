-- The one clock that decides: Redis's own, in milliseconds since 1970.
local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- The same, or nil where it is outside 2000 to 2100: attendance/rules/instants.py.
local function sane_now_ms()
  local now = now_ms()
  return now >= 946684800000 and now < 4102444800000 and now or nil
end
