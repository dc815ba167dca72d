-- Open a lesson that has its entry in due and its teacher.
-- KEYS    1 lesson
-- RETURNS live | not_found
local phase = redis.call('HGET', KEYS[1], 'phase')
if not phase then return {'not_found'} end
redis.call('HSET', KEYS[1], 'phase', 'live')
return {'live'}
