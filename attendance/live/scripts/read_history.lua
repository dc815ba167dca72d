-- One record with the events of its lesson, which show how it changed.
-- KEYS    1 lesson, 2 records, 3 events
-- ARGV    1 school number
-- RETURNS history, now ms, lesson fields, envelope or '', events
--         not_found | starting | unreadable
local lesson, why = read_lesson(KEYS[1])
if not lesson then return {why} end
local record = redis.call('HGET', KEYS[2], ARGV[1]) or ''
local events = redis.call('LRANGE', KEYS[3], 0, -1)
return {'history', int(now_ms()), lesson_fields(KEYS[1]), record, events}
