-- The records of one person in lessons, as they stand: who reads them looks at their checksums.
-- KEYS    records of each lesson
-- ARGV    the numbers of the person
-- RETURNS for each lesson a list: place of the number in ARGV, envelope, ...
--         nothing where the key has another type
local replies = {}
for i, key in ipairs(KEYS) do
  local found, values = {}, redis.pcall('HMGET', key, unpack(ARGV))
  if not values.err then
    for place, raw in ipairs(values) do
      if raw then
        found[#found + 1] = place - 1
        found[#found + 1] = raw
      end
    end
  end
  replies[i] = found
end
return replies
