-- Put before the scripts that stamp a change of a lesson: docs/explanation/protocol.md, Time.
local STEP_MS = 10000
local BELIEVED_AFTER_MS = 30000

-- The instant of a change, or nil where the clock is wrong: outside 2000 to 2100, or before what
-- this lesson was stamped with. For a small step back, time stands still. A clock that has run on
-- from further back for half a minute is believed: then it was ahead before.
local function stamp_now(key, lesson)
  local now = sane_now_ms()
  if not now or now >= lesson.stamped_at then return now end
  if lesson.stamped_at - now <= STEP_MS then return lesson.stamped_at end
  local behind_at = lesson.behind_at
  if behind_at and now >= behind_at + BELIEVED_AFTER_MS then
    lesson.stamped_at = now
    return now
  end
  if not behind_at or now < behind_at then save_counts(key, lesson, {behind_at = now}) end
  return nil
end
