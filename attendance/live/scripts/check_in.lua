-- One student says "here". The window is [starts_at, ends_at).
-- KEYS    1 lesson, 2 records, 3 corrupt
-- ARGV    1 lesson id, 2 school number, 3 JSON, 4 most records of a lesson
-- RETURNS created, record | repeated, record | not_open, starts_at | closed, ends_at
--         full | not_found | starting | unreadable
local lesson, why = read_lesson(KEYS[1])
if not lesson then return {why} end
local now = now_ms()
local known = redis.call('HGET', KEYS[2], ARGV[2])
local stamp = known and unseal(ARGV[1], 'record', ARGV[2], known)
-- An addition that the teacher has undone is not the student's own word.
if stamp and split(stamp)[6] ~= 'undone' then return {'repeated', known} end
if now < lesson.starts_at then return {'not_open', int(lesson.starts_at)} end
if now >= lesson.ends_at then return {'closed', int(lesson.ends_at)} end
local count = lesson.record_count
if not stamp then
  if count >= tonumber(ARGV[4]) then return {'full'} end
  if known then move_to_corrupt(KEYS[3], ARGV[2], known) end
  count = count + 1
end
local status = 'present'
if lesson.late_at and now >= lesson.late_at then status = 'late' end
local revision = int(lesson.revision + 1)
local fresh = table.concat({revision, int(now), int(now), status, '', 'kept'}, ',')
local record = seal(ARGV[1], 'record', ARGV[2], fresh, ARGV[3])
redis.call('HSET', KEYS[2], ARGV[2], record)
redis.call('HSET', KEYS[1], 'revision', revision, 'record_count', int(count))
return {'created', record}
