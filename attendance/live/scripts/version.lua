-- What tells a board whether it is out of date, without reading records.
-- KEYS    1 lesson, 2 refusals
-- RETURNS version, revision, refused students and codes, changes of the roster | not_found
local found = redis.call('HMGET', KEYS[1], 'revision', 'roster_changes')
if not found[1] then return {'not_found'} end
return {'version', found[1], redis.call('HLEN', KEYS[2]), found[2] or '0'}
