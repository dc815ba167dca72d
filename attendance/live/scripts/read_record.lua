-- One record, and whether a request has corrected this lesson before.
-- KEYS    1 lesson, 2 records, 3 events
-- ARGV    1 school number, 2 request id or ''
-- RETURNS record, envelope or '', '1' where the request is known
--         not_found | starting | unreadable
local lesson, why = read_lesson(KEYS[1])
if not lesson then return {why} end
local known = redis.call('HGET', KEYS[2], ARGV[1]) or ''
-- A caller that only reads sends no request id: then no events are searched.
local is_known = ARGV[2] ~= '' and find_event(KEYS[3], ARGV[2])
return {'record', known, is_known and '1' or ''}
