-- Raise the counts of runs and commits to at least these.
-- KEYS    1 site
-- ARGV    1 runs, 2 commits
-- RETURNS raised
local names = {'runs', 'commits'}
for i, name in ipairs(names) do
  local known = tonumber(redis.call('HGET', KEYS[1], name) or '0') or 0
  if tonumber(ARGV[i]) > known then redis.call('HSET', KEYS[1], name, ARGV[i]) end
end
return {'raised'}
