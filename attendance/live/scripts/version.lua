-- What tells a board whether it is out of date, without reading records. Time passes too: a lesson
-- begins and ends by itself, and its board shows the minutes that are left.
-- KEYS    1 lesson
-- RETURNS version, revision, refusals noted, changes of the roster, 0 not begun or 1 live or
--         2 over, minutes that a live lesson has left, begun ones as whole ones | not_found
local found = redis.call('HMGET', KEYS[1], 'revision', 'refusals_noted', 'roster_changes',
  'starts_at', 'ends_at')
if not found[1] then return {'not_found'} end
local now, phase, minutes = now_ms(), 0, 0
local starts_at, ends_at = counter(found[4] or ''), counter(found[5] or '')
if ends_at and now >= ends_at then
  phase = 2
elseif ends_at and starts_at and now >= starts_at then
  phase, minutes = 1, math.ceil((ends_at - now) / 60000)
end
return {'version', found[1], found[2] or '0', found[3] or '0', int(phase), int(minutes)}
