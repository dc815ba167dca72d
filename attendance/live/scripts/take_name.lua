-- Compare and set the lesson that a name stands for; a name is a teacher or a short code.
-- KEYS    1 teacher or code
-- ARGV    1 lesson id that is expected there, or '', 2 new lesson id
-- RETURNS taken | held, lesson id that is there
local holder = redis.call('GET', KEYS[1]) or ''
if holder ~= ARGV[1] and holder ~= ARGV[2] then return {'held', holder} end
redis.call('SET', KEYS[1], ARGV[2])
return {'taken'}
