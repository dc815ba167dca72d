-- All that one lesson holds, at one revision, once it is over.
-- KEYS    1 lesson, 2 records, 3 events, 4 corrupt, 5 refusals, 6 devices
-- RETURNS snapshot, now ms, lesson fields, records, events, corrupt, refusals,
--         devices
--         not_found | headless | not_over, ends_at | starting
--         wrong_type, which key | unreadable, data | clock_wrong
local types = {'hash', 'hash', 'list', 'list'}
for i, wanted in ipairs(types) do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= 'none' and kind ~= wanted then return {'wrong_type', KEYS[i]} end
end
local lesson, why = read_lesson(KEYS[1])
if why == 'not_found' and redis.call('EXISTS', KEYS[2]) == 1 then why = 'headless' end
if why == 'unreadable' then return {why, lesson_fields(KEYS[1])[1]} end
if why then return {why} end
local now = sane_now_ms()
if not now then return {'clock_wrong'} end
if now < lesson.ends_at then return {'not_over', int(lesson.ends_at)} end
local refusals = {}
if redis.call('TYPE', KEYS[5]).ok == 'hash' then refusals = redis.call('HGETALL', KEYS[5]) end
local devices = {}
if redis.call('TYPE', KEYS[6]).ok == 'hash' then devices = redis.call('HGETALL', KEYS[6]) end
return {'snapshot', int(now), lesson_fields(KEYS[1]), redis.call('HGETALL', KEYS[2]),
  redis.call('LRANGE', KEYS[3], 0, -1), redis.call('LRANGE', KEYS[4], 0, -1), refusals,
  devices}
