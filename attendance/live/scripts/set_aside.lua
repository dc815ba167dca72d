-- Rename a queue's key that is not a sorted set; its bytes are kept.
-- KEYS    1 queue, 2 where it is kept
-- RETURNS kept | right
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' or kind == 'zset' then return {'right'} end
redis.call('RENAME', KEYS[1], KEYS[2])
return {'kept'}
