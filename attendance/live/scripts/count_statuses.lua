-- How many records of a lesson have each status; what is deleted or cannot be read is left out.
-- KEYS    1 lesson, 2 records
-- RETURNS counts, status, count, ... | not_found | starting | unreadable
local lesson, why = read_lesson(KEYS[1])
if not lesson then return {why} end
local counts = {}
for _, raw in ipairs(redis.call('HVALS', KEYS[2])) do
  local status, mark = string.match(raw, '^1|%x+|%d+,%d+,%d*,(%l+),%l*,(%l+)|')
  if mark == 'kept' then counts[status] = (counts[status] or 0) + 1 end
end
local reply = {'counts'}
for status, count in pairs(counts) do
  reply[#reply + 1] = status
  reply[#reply + 1] = int(count)
end
return reply
