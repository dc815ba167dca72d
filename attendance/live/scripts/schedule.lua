-- Enter a lesson into due before the lesson itself exists.
-- KEYS    1 due
-- ARGV    1 lesson id, 2 ends_at ms
-- RETURNS scheduled | past | clock_wrong
local now = sane_now_ms()
if not now then return {'clock_wrong'} end
if tonumber(ARGV[2]) <= now then return {'past'} end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
return {'scheduled'}
