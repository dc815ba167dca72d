-- Count anew what a lesson holds, where its counts were damaged and its own data was not.
-- KEYS    1 lesson, 2 records, 3 events, 4 corrupt
-- ARGV    1 lesson id, 2 the highest revision that was seen of it elsewhere
-- RETURNS recounted | right | not_found | unreadable: its data, or a key of another type
local types = {'hash', 'hash', 'list', 'list'}
for i, wanted in ipairs(types) do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= 'none' and kind ~= wanted then return {'unreadable'} end
end
local lesson, why = read_lesson(KEYS[1])
if lesson or why ~= 'unreadable' then return {lesson and 'right' or why} end
local raw = lesson_fields(KEYS[1])
local sealed = unseal(ARGV[1], 'lesson', 'data', raw[1])
if not sealed then return {'unreadable'} end
local stamp = split(sealed)
local ends_at = tonumber(stamp[4])
local newest = {revision = math.max(tonumber(ARGV[2]), tonumber(stamp[1])), at = tonumber(stamp[2])}

-- What a script has sealed tells how far the lesson had come.
local function look(kind, field, value)
  local parts = unseal(ARGV[1], kind, field, value)
  if not parts then return end
  parts = split(parts)
  newest.revision = math.max(newest.revision, tonumber(parts[1]))
  local at = tonumber(parts[2])
  if at < ends_at then newest.at = math.max(newest.at, at) end
end

local records = redis.call('HGETALL', KEYS[2])
for i = 1, #records, 2 do look('record', records[i], records[i + 1]) end
local events = redis.call('LRANGE', KEYS[3], 0, -1)
for _, event in ipairs(events) do
  look('event', string.match(event, '^1|%x+|(%d+),') or '', event)
end
redis.call('HSET', KEYS[1], 'starts_at', stamp[3], 'ends_at', stamp[4])
save_counts(KEYS[1], {id = ARGV[1], stamped_at = newest.at, ends_at = ends_at},
  -- Above all of them: a newer one may be among what cannot be read.
  {revision = newest.revision + 1, record_count = #records / 2 + redis.call('LLEN', KEYS[4]),
    event_count = #events, phase = 'live'})
return {'recounted'}
