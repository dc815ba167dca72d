-- Take an entry out of the outbox, unless a newer check-in has taken its place.
-- KEYS    1 outbox
-- ARGV    1 school number, 2 record that was sent
-- RETURNS settled | other
local entry = redis.call('HGET', KEYS[1], ARGV[1])
if not entry or string.match(entry, '^%d+,%d+|(.*)$') ~= ARGV[2] then return {'other'} end
redis.call('HDEL', KEYS[1], ARGV[1])
return {'settled'}
