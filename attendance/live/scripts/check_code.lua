-- Judge a code by Redis's clock, so that its scan can be kept.
-- KEYS    1 lesson
-- ARGV    1 code
-- RETURNS valid, now ms | code_missing | code_wrong | code_expired | closed, ends_at
--         clock_wrong | not_found | starting | unreadable
local lesson, why = read_lesson(KEYS[1])
if not lesson then return {why} end
local now = stamp_now(KEYS[1], lesson)
if not now then return {'clock_wrong'} end
if now >= lesson.ends_at then return {'closed', int(lesson.ends_at)} end
local fault = code_fault(cjson.decode(lesson.json), now, ARGV[1])
if fault then return {fault} end
return {'valid', int(now)}
