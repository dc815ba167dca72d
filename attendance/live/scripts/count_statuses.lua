-- How many records of a lesson have each status; what is deleted or cannot be read is left out.
-- KEYS    1 lesson, 2 records, 3 roster
-- RETURNS counts, how many are expected, how many of them came, status, count, ...
--         not_found | starting | unreadable
local CAME = {present = true, late = true, pending = true}
local lesson, why = read_lesson(KEYS[1])
if not lesson then return {why} end
local counts, came = {}, 0
local expected = redis.call('HLEN', KEYS[3])
local records = redis.call('HGETALL', KEYS[2])
for i = 1, #records, 2 do
  local status, mark = string.match(records[i + 1], '^1|%x+|%d+,%d+,%d*,(%l+),%l*,(%l+)|')
  if mark == 'kept' then
    counts[status] = (counts[status] or 0) + 1
    if expected > 0 and CAME[status] and redis.call('HEXISTS', KEYS[3], records[i]) == 1 then
      came = came + 1
    end
  end
end
local reply = {'counts', int(expected), int(came)}
for status, count in pairs(counts) do
  reply[#reply + 1] = status
  reply[#reply + 1] = int(count)
end
return reply
