-- Tell the number of a commit that took a word for a stored lesson.
-- KEYS    1 site
-- ARGV    1 number, 2 token of this commit
-- RETURNS told | given_twice: another commit has had this number
local mark, known = tonumber(ARGV[1]), tonumber(redis.call('HGET', KEYS[1], 'commits') or '0') or 0
if mark > known then
  redis.call('HSET', KEYS[1], 'commits', ARGV[1], 'word', ARGV[2])
elseif mark == known and redis.call('HGET', KEYS[1], 'word') ~= ARGV[2] then
  return {'given_twice'}
end
return {'told'}
