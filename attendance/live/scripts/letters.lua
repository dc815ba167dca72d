-- How long the typed code of a lesson is: see guesses.lua.
-- KEYS    1 guesses
-- RETURNS many | few
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'hash' and redis.call('HEXISTS', KEYS[1], 'letters') == 1 then return {'many'} end
return {'few'}
