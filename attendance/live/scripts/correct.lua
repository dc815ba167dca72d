-- Write a record that the caller made from the revision it has read.
-- KEYS    1 lesson, 2 records, 3 corrupt, 4 events
-- ARGV    1 lesson id, 2 school number, 3 revision that was read (0: no record), 4 request id,
--         5 status, 6 checked_in_at ms or '', 7 previous, 8 mark, 9 record JSON,
--         10 old, 11 new, 12 event JSON, 13 most records of a lesson
-- RETURNS corrected, record | repeated, record | conflict | full
--         clock_wrong | not_found | starting | unreadable
local lesson, why = read_lesson(KEYS[1])
if not lesson then return {why} end
local known = redis.call('HGET', KEYS[2], ARGV[2])
if find_event(KEYS[4], ARGV[4]) then return {'repeated', known or ''} end
local stamp = known and unseal(ARGV[1], 'record', ARGV[2], known)
if ARGV[3] ~= (stamp and split(stamp)[1] or '0') then return {'conflict'} end
local at = stamp_now(KEYS[1], lesson)
if not at then return {'clock_wrong'} end
local count = lesson.record_count
if not stamp then
  if count >= tonumber(ARGV[13]) then return {'full'} end
  if known then move_to_corrupt(KEYS[3], ARGV[2], known) end
  count = count + 1
end
local now = int(at)
local revision = int(lesson.revision + 1)
local fresh = table.concat({revision, now, ARGV[6], ARGV[5], ARGV[7], ARGV[8]}, ',')
local record = seal(ARGV[1], 'record', ARGV[2], fresh, ARGV[9])
redis.call('HSET', KEYS[2], ARGV[2], record)
append_event(KEYS[4], ARGV[1], revision, now, ARGV[4], ARGV[10], ARGV[11], ARGV[12])
save_counts(KEYS[1], lesson,
  {now = at, revision = revision, record_count = count, event_count = lesson.event_count + 1})
return {'corrected', record}
