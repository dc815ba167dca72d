-- The refused check-ins of a lesson.
-- KEYS    1 refusals
-- RETURNS field, value, ...; nothing where the key has another type
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return {} end
return redis.call('HGETALL', KEYS[1])
