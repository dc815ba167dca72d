-- Read a lesson without its records, and the instant of reading.
-- KEYS    1 lesson, 2 records
-- RETURNS found, now ms, lesson fields as in the prelude
--         not_found, now ms | wrong_type, now ms
--         headless, now ms: records whose lesson is gone
local kind = redis.call('TYPE', KEYS[1]).ok
local now = int(now_ms())
if kind == 'hash' then return {'found', now, lesson_fields(KEYS[1])} end
if kind ~= 'none' then return {'wrong_type', now} end
if redis.call('EXISTS', KEYS[2]) == 1 then return {'headless', now} end
return {'not_found', now}
