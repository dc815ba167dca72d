-- One record, and whether a request has corrected this lesson before.
-- KEYS    1 lesson, 2 records, 3 events, 4 requests
-- ARGV    1 school number, 2 request id or '', 3 digest
-- RETURNS record, envelope or '', '1' where the request is known
--         reused | not_found | starting | unreadable
local lesson, why = read_lesson(KEYS[1])
if not lesson then return {why} end
local known = redis.call('HGET', KEYS[2], ARGV[1]) or ''
-- A caller that only reads sends no request id.
local before = ARGV[2] ~= '' and find_request(lesson, KEYS[3], KEYS[4], ARGV[2], ARGV[3])
if before == 'reused' then return {before} end
return {'record', known, before and '1' or ''}
