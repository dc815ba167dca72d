-- Write a new lesson in phase starting: nobody can check in yet.
-- KEYS    1 lesson
-- ARGV    1 lesson id, 2 starts_at ms, 3 ends_at ms, 4 JSON
-- RETURNS created | exists | clock_wrong
if redis.call('EXISTS', KEYS[1]) == 1 then return {'exists'} end
local now = sane_now_ms()
if not now then return {'clock_wrong'} end
local stamp = '1,' .. int(now) .. ',' .. ARGV[2] .. ',' .. ARGV[3]
redis.call('HSET', KEYS[1], 'data', seal(ARGV[1], 'lesson', 'data', stamp, ARGV[4]),
  'starts_at', ARGV[2], 'ends_at', ARGV[3])
local lesson = {id = ARGV[1], revision = 1, record_count = 0, event_count = 0, stamped_at = now}
save_counts(KEYS[1], lesson, {phase = 'starting'})
return {'created'}
