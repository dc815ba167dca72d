-- Put a part of the roster beside a lesson that is there; the first part replaces what was there.
-- KEYS    1 lesson, 2 roster
-- ARGV    1 'first' or 'more', then school number and envelope, ...
-- RETURNS kept | not_found
if redis.call('EXISTS', KEYS[1]) == 0 then return {'not_found'} end
if ARGV[1] == 'first' then redis.call('DEL', KEYS[2]) end
for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
-- A hint for boards, which no script decides by: it raises no revision.
redis.call('HINCRBY', KEYS[1], 'roster_changes', 1)
return {'kept'}
