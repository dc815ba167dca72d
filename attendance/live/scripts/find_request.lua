-- Whether a request has changed this lesson before; for a change that would change nothing.
-- KEYS    1 lesson, 2 events, 3 requests
-- ARGV    1 request id, 2 digest
-- RETURNS new | repeated | reused | not_found | starting | unreadable
local lesson, why = read_lesson(KEYS[1])
if not lesson then return {why} end
return {find_request(lesson, KEYS[2], KEYS[3], ARGV[1], ARGV[2]) or 'new'}
