-- A run of the persistence task begins: is this Redis the site's, and how old are both stores?
-- KEYS    1 site, 2 where a key of another type is kept
-- ARGV    1 the site's id, 2 ids that it has adopted, with commas between
--         3 the highest number of a run that PostgreSQL knows
-- RETURNS begun, number of this run, commits that were told | foreign, id that stands there
--         older, runs that have begun, commits that were told: this run is not counted
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= 'hash' then redis.call('RENAME', KEYS[1], KEYS[2]) end
local id = redis.call('HGET', KEYS[1], 'id')
if id and id ~= ARGV[1] and not string.find(',' .. ARGV[2] .. ',', ',' .. id .. ',', 1, true) then
  return {'foreign', id}
end
redis.call('HSET', KEYS[1], 'id', ARGV[1])
local commits = redis.call('HGET', KEYS[1], 'commits') or '0'
local runs = tonumber(redis.call('HGET', KEYS[1], 'runs') or '0') or 0
if runs < tonumber(ARGV[3]) then return {'older', int(runs), commits} end
return {'begun', int(redis.call('HINCRBY', KEYS[1], 'runs', 1)), commits}
