-- Remove a lesson that never went live and that nobody touched.
-- KEYS    1 lesson, 2 roster
-- RETURNS abandoned | kept | not_found
local _, why, starting = read_lesson(KEYS[1])
if why == 'not_found' then return {why} end
if not starting or int(starting.revision) ~= '1' then return {'kept'} end
redis.call('DEL', KEYS[1], KEYS[2])
return {'abandoned'}
