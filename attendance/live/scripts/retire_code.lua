-- A lesson has left Redis: its short code says for a while that it is over, and is nobody else's.
-- KEYS    1 code
-- ARGV    1 lesson id, 2 value that says so, 3 ms
-- RETURNS retired | other
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'other'} end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return {'retired'}
