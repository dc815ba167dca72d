-- The register of a live lesson, unless the caller already has all of it.
-- KEYS    1 lesson, 2 records, 3 events, 4 corrupt, 5 refusals, 6 roster, 10 devices
-- ARGV    1 revision that the caller has, or '', 2 refused attempts that the caller has, or '' for
--         a caller who does not want them, 3 '1' to see events as well, 4 changes of the roster
--         that the caller has, or '' for a caller who does not mind
-- RETURNS unchanged, now ms, lesson fields, refused attempts, changes of the roster
--         register, now ms, lesson fields, refused attempts, records, events, corrupt, refusals,
--         roster, changes of the roster, devices (for a caller who wants refused attempts)
--         not_found | starting | unreadable

-- How often somebody was refused; the revision does not show it.
local function refused_attempts()
  if ARGV[2] == '' or redis.call('TYPE', KEYS[5]).ok ~= 'hash' then return 0 end
  local times = 0
  for _, raw in ipairs(redis.call('HVALS', KEYS[5])) do
    times = times + (tonumber(string.match(raw, '^1|%x+|(%d+),')) or 0)
  end
  return times
end

local lesson, why = read_lesson(KEYS[1])
if not lesson then return {why} end
local fields, refused = lesson_fields(KEYS[1]), int(refused_attempts())
local roster_changes = redis.call('HGET', KEYS[1], 'roster_changes') or '0'
local has_refused = ARGV[2] == '' or ARGV[2] == refused
local has_roster = ARGV[4] == '' or ARGV[4] == roster_changes
if ARGV[1] == int(lesson.revision) and has_refused and has_roster then
  return {'unchanged', int(now_ms()), fields, refused, roster_changes}
end
local events = ARGV[3] == '1' and redis.call('LRANGE', KEYS[3], 0, -1) or {}
local refusals = refused ~= '0' and redis.call('HGETALL', KEYS[5]) or {}
local has_devices = ARGV[2] ~= '' and redis.call('TYPE', KEYS[10]).ok == 'hash'
return {'register', int(now_ms()), fields, refused, redis.call('HGETALL', KEYS[2]), events,
  redis.call('LRANGE', KEYS[4], 0, -1), refusals, redis.call('HGETALL', KEYS[6]),
  roster_changes, has_devices and redis.call('HGETALL', KEYS[10]) or {}}
