-- Change a lesson's own data; the caller made the new JSON from the one that it has read.
-- KEYS    1 lesson, 2 events, 3 requests
-- ARGV    1 lesson id, 2 revision of the data that was read, 3 new JSON, 4 request id,
--         5 digest, 6 event JSON, 7 most events of a lesson or ''
-- RETURNS changed, revision | repeated | reused | conflict | too_many | clock_wrong
--         not_found | starting | unreadable
local lesson, why = read_lesson(KEYS[1])
if not lesson then return {why} end
local before = find_request(lesson, KEYS[2], KEYS[3], ARGV[4], ARGV[5])
if before then return {before} end
if split(lesson.stamp)[1] ~= ARGV[2] then return {'conflict'} end
if has_too_many(lesson, ARGV[7]) then return {'too_many'} end
local at = stamp_now(KEYS[1], lesson)
if not at then return {'clock_wrong'} end
local now = int(at)
local revision = int(lesson.revision + 1)
local stamp = table.concat({revision, now, int(lesson.starts_at), int(lesson.ends_at)}, ',')
append_event(KEYS[2], KEYS[3], ARGV[1], {revision, now, ARGV[4], ARGV[5], '', ''}, ARGV[6])
redis.call('HSET', KEYS[1], 'data', seal(ARGV[1], 'lesson', 'data', stamp, ARGV[3]))
save_counts(KEYS[1], lesson,
  {now = at, revision = revision, event_count = lesson.event_count + 1})
return {'changed', revision}
