-- Let a short code stand for a lesson that starts; until it is live, only for a while.
-- KEYS    1 code
-- ARGV    1 lesson id, 2 ms, 3 value of a lesson that is over, whose code is used again, or ''
-- RETURNS taken | held, value, ms that are left, or less than 0
local holder = redis.call('GET', KEYS[1]) or ''
if holder ~= ARGV[3] and holder ~= ARGV[1] then
  return {'held', holder, int(redis.call('PTTL', KEYS[1]))}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {'taken'}
