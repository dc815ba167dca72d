-- What tells a board whether it is out of date, without reading records.
-- KEYS    1 lesson, 2 refusals
-- RETURNS version, revision, refused students and codes | not_found
local revision = redis.call('HGET', KEYS[1], 'revision')
if not revision then return {'not_found'} end
return {'version', revision, redis.call('HLEN', KEYS[2])}
