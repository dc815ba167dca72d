-- The register of a live lesson, unless the caller already has this revision.
-- KEYS    1 lesson, 2 records, 3 events, 4 corrupt
-- ARGV    1 revision that the caller has, or '', 2 '1' to see events as well
-- RETURNS unchanged, now ms, lesson fields
--         register, now ms, lesson fields, records, events, corrupt
--         not_found | starting | unreadable
local lesson, why = read_lesson(KEYS[1])
if not lesson then return {why} end
if ARGV[1] == int(lesson.revision) then
  return {'unchanged', int(now_ms()), lesson_fields(KEYS[1])}
end
local events = ARGV[2] == '1' and redis.call('LRANGE', KEYS[3], 0, -1) or {}
return {'register', int(now_ms()), lesson_fields(KEYS[1]), redis.call('HGETALL', KEYS[2]), events,
  redis.call('LRANGE', KEYS[4], 0, -1)}
