-- Count one attempt. Unlike the others, it runs without the prelude.
-- KEYS    1 counter
-- ARGV    1 most attempts, 2 length of the window in ms
-- RETURNS 0, or the seconds until the window ends
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if count <= tonumber(ARGV[1]) then return 0 end
return math.max(1, math.ceil(redis.call('PTTL', KEYS[1]) / 1000))
