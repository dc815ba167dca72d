-- Judge a code by Redis's clock, so that its scan can be kept.
-- KEYS    1 lesson, 2 refusals, 3 guesses
-- ARGV    1 code, 2 number of who has signed in or '', 3 other numbers of theirs, with commas
--         between, or '', 4 JSON for the teacher, where a student has signed in, or ''
--         5 most refusals
-- RETURNS valid, now ms | code_missing | code_wrong | code_expired | code_longer
--         too_many_wrong_codes | closed, ends_at | clock_wrong | not_found | starting | unreadable
local lesson, why = read_lesson(KEYS[1])
if not lesson then return {why} end
local now = stamp_now(KEYS[1], lesson)
if not now then return {'clock_wrong'} end
if now >= lesson.ends_at then return {'closed', int(lesson.ends_at)} end
local who = numbers_of(ARGV[2], ARGV[3])
local fault = code_fault(cjson.decode(lesson.json), now, ARGV[1], KEYS[3], who)
if not fault then return {'valid', int(now)} end
-- An old link that is opened again is no attempt.
if ARGV[4] ~= '' and (fault == 'code_wrong' or fault == 'too_many_wrong_codes') then
  note_refusal({lesson = KEYS[1], refusals = KEYS[2]}, lesson.id, ARGV[2], fault, now, ARGV[4],
    tonumber(ARGV[5]))
end
return {fault}
