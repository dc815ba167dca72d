-- Move the end of a lesson: finish it now, or extend it.
-- KEYS    1 lesson, 2 events, 3 requests
-- ARGV    1 lesson id, 2 new ends_at ms or 'now', 3 request id, 4 digest, 5 event JSON,
--         6 longest lesson in ms, 7 most events of a lesson that is extended, or ''
-- RETURNS changed, ends_at, revision | repeated, ends_at | over, ends_at | not_later, ends_at
--         too_long, latest ends_at | reused | too_many | clock_wrong
--         not_found | starting | unreadable
local lesson, why = read_lesson(KEYS[1])
if not lesson then return {why} end
local finish = ARGV[2] == 'now'
local before = find_request(lesson, KEYS[2], KEYS[3], ARGV[3], ARGV[4])
if before then return {before, int(lesson.ends_at)} end
local now = stamp_now(KEYS[1], lesson)
if not now then return {'clock_wrong'} end
if now >= lesson.ends_at then return {finish and 'repeated' or 'over', int(lesson.ends_at)} end
-- Whatever a lesson holds, it can be finished.
if not finish and has_too_many(lesson, ARGV[7]) then return {'too_many'} end
local ends_at = finish and now or tonumber(ARGV[2])
-- A lesson that is finished before its start gets a window of length 0.
local starts_at = math.min(lesson.starts_at, ends_at)
if not finish and ends_at <= lesson.ends_at then return {'not_later', int(lesson.ends_at)} end
if ends_at - starts_at > tonumber(ARGV[6]) then
  return {'too_long', int(starts_at + tonumber(ARGV[6]))}
end
local revision = int(lesson.revision + 1)
local stamp = table.concat({revision, int(now), int(starts_at), int(ends_at)}, ',')
append_event(KEYS[2], KEYS[3], ARGV[1],
  {revision, int(now), ARGV[3], ARGV[4], int(lesson.ends_at), int(ends_at)}, ARGV[5])
redis.call('HSET', KEYS[1], 'data', seal(ARGV[1], 'lesson', 'data', stamp, lesson.json),
  'starts_at', int(starts_at), 'ends_at', int(ends_at))
save_counts(KEYS[1], lesson,
  {now = now, revision = revision, event_count = lesson.event_count + 1})
return {'changed', int(ends_at), revision}
