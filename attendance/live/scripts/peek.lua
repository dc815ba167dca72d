-- Read lessons without their records, and the instant of reading.
-- KEYS    1 lesson, 2 records of the first lesson, then of the next one, ...
-- RETURNS for each lesson one of
--         found, now ms, lesson fields as in the prelude
--         not_found, now ms | wrong_type, now ms
--         headless, now ms: records whose lesson is gone
local now = int(now_ms())

local function peek(lesson, records)
  local kind = redis.call('TYPE', lesson).ok
  if kind == 'hash' then return {'found', now, lesson_fields(lesson)} end
  if kind ~= 'none' then return {'wrong_type', now} end
  if redis.call('EXISTS', records) == 1 then return {'headless', now} end
  return {'not_found', now}
end

local replies = {}
for i = 1, #KEYS, 2 do replies[#replies + 1] = peek(KEYS[i], KEYS[i + 1]) end
return replies
