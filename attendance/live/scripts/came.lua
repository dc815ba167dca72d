-- Who came to a lesson, as its records say: a hint, so no checksum is looked at.
-- KEYS    1 records
-- RETURNS school numbers
local came = {}
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return came end
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local status = string.match(all[i + 1], '^1|%x+|%d+,%d+,%d+,(%a+),%a*,kept|')
  if status and status ~= 'rejected' then came[#came + 1] = all[i] end
end
return came
