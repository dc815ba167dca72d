-- Open a lesson, once due and its teacher's key name it.
-- KEYS    1 lesson
-- RETURNS live | not_found | unreadable
local lesson, why, starting = read_lesson(KEYS[1])
if starting then save_counts(KEYS[1], starting, {phase = 'live'}) end
if lesson or starting then return {'live'} end
return {why}
