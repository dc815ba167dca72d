-- Remove a lesson that never went live and that nobody touched.
-- KEYS    1 lesson
-- RETURNS abandoned | kept | not_found
local phase = redis.call('HGET', KEYS[1], 'phase')
if not phase then return {'not_found'} end
if phase ~= 'starting' or redis.call('HGET', KEYS[1], 'revision') ~= '1' then return {'kept'} end
redis.call('DEL', KEYS[1])
return {'abandoned'}
