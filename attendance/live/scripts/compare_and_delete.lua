-- Delete a name, only if it still stands for this lesson.
-- KEYS    1 teacher or code
-- ARGV    1 lesson id
-- RETURNS deleted | other
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'other'} end
redis.call('DEL', KEYS[1])
return {'deleted'}
