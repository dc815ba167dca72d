-- Write a record that the caller made from the revision it has read.
-- KEYS    1 lesson, 2 records, 3 corrupt, 4 events, 5 requests
-- ARGV    1 lesson id, 2 school number, 3 revision that was read (0: no record), 4 request id,
--         5 digest, 6 status, 7 checked_in_at ms or '', 8 previous, 9 mark, 10 record JSON,
--         11 old, 12 new, 13 event JSON, 14 most records of a lesson, 15 most events or '',
--         16 '1' where the record was here before: it was counted then, if any is missing
-- RETURNS corrected, record | repeated, record | reused | conflict | full | too_many
--         clock_wrong | not_found | starting | unreadable
-- How many values stand where records should be, corrupt ones that were moved among them.
local function how_many(keys)
  local moved = redis.call('TYPE', keys[3]).ok == 'list' and redis.call('LLEN', keys[3]) or 0
  return redis.call('HLEN', keys[2]) + moved
end

local lesson, why = read_lesson(KEYS[1])
if not lesson then return {why} end
local known = redis.call('HGET', KEYS[2], ARGV[2])
local before = find_request(lesson, KEYS[4], KEYS[5], ARGV[4], ARGV[5])
if before then return {before, known or ''} end
local stamp = known and unseal(ARGV[1], 'record', ARGV[2], known)
if ARGV[3] ~= (stamp and split(stamp)[1] or '0') then return {'conflict'} end
if has_too_many(lesson, ARGV[15]) then return {'too_many'} end
local at = stamp_now(KEYS[1], lesson)
if not at then return {'clock_wrong'} end
local count = lesson.record_count
if not stamp then
  if count >= tonumber(ARGV[14]) then return {'full'} end
  if known then move_to_corrupt(KEYS[3], ARGV[2], known) end
  if ARGV[16] ~= '1' or how_many(KEYS) >= count then count = count + 1 end
end
local now = int(at)
local revision = int(lesson.revision + 1)
local fresh = table.concat({revision, now, ARGV[7], ARGV[6], ARGV[8], ARGV[9]}, ',')
local record = seal(ARGV[1], 'record', ARGV[2], fresh, ARGV[10])
redis.call('HSET', KEYS[2], ARGV[2], record)
append_event(KEYS[4], KEYS[5], ARGV[1],
  {revision, now, ARGV[4], ARGV[5], ARGV[11], ARGV[12]}, ARGV[13])
save_counts(KEYS[1], lesson,
  {now = at, revision = revision, record_count = count, event_count = lesson.event_count + 1})
return {'corrected', record}
