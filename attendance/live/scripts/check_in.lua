-- One student says "here". The window is [starts_at, ends_at).
-- KEYS    1 lesson, 2 records, 3 corrupt, 4 refusals, 5 outbox
-- ARGV    1 lesson id, 2 school number, 3 JSON, 4 most records of a lesson, 5 most refusals,
--         6 code or '', 7 instant of a scan in ms or '', 8 address in 32 hex digits or ''
-- RETURNS created, record, lesson data | repeated, record, lesson data
--         lesson_not_open, starts_at | lesson_closed, ends_at | rejected_by_teacher, record
--         code_missing | code_wrong | code_expired | network_not_allowed | lesson_full
--         not_found | starting | unreadable
local SCAN_MS = 300000

local function is_inside(networks, address)
  for _, network in ipairs(networks) do
    if network.first <= address and address <= network.last then return true end
  end
  return false
end

-- Returns why this check-in is refused, or nil, and whether an external verifier decides.
-- A scan that was kept counts as its code.
local function broken_check(plan, now)
  local wanted = {}
  for _, check in ipairs(plan.checks or {}) do wanted[check] = true end
  if wanted.network and not is_inside(plan.networks, ARGV[8]) then return 'network_not_allowed' end
  if not wanted.code then return nil, wanted.external end
  local scanned_at = counter(ARGV[7])
  if not scanned_at then return code_fault(plan, now, ARGV[6]), wanted.external end
  return now - scanned_at > SCAN_MS and 'code_expired' or nil, wanted.external
end

local lesson, why = read_lesson(KEYS[1])
if not lesson then return {why} end
local now = now_ms()
local function refuse(code, value)
  note_refusal(KEYS[4], ARGV[1], ARGV[2], code, now, ARGV[3], tonumber(ARGV[5]))
  return {code, value}
end
local known = redis.call('HGET', KEYS[2], ARGV[2])
local stamp = known and unseal(ARGV[1], 'record', ARGV[2], known)
local before = stamp and split(stamp)
-- A record that the teacher added and undid is not a check-in of the student.
if before and before[6] ~= 'undone' then
  if before[4] == 'rejected' or before[6] == 'deleted' then
    return refuse('rejected_by_teacher', known)
  end
  return {'repeated', known, lesson.data}
end
if now < lesson.starts_at then return refuse('lesson_not_open', int(lesson.starts_at)) end
if now >= lesson.ends_at then return refuse('lesson_closed', int(lesson.ends_at)) end
local plan = cjson.decode(lesson.json)
local fault, is_external = broken_check(plan, now)
if fault then return refuse(fault) end
local count = lesson.record_count
if not stamp then
  if count >= tonumber(ARGV[4]) then return refuse('lesson_full') end
  if known then move_to_corrupt(KEYS[3], ARGV[2], known) end
  count = count + 1
end
-- attendance/rules/status.py holds the same rule. JSON null is userdata in Lua, not nil.
local late_after = type(plan.late_after_minutes) == 'number' and plan.late_after_minutes * 60000
local status = 'present'
if late_after and now >= lesson.starts_at + late_after then status = 'late' end
if is_external then status = 'pending' end
local revision = int(lesson.revision + 1)
local fresh = table.concat({revision, int(now), int(now), status, '', 'kept'}, ',')
local record = seal(ARGV[1], 'record', ARGV[2], fresh, ARGV[3])
redis.call('HSET', KEYS[2], ARGV[2], record)
save_counts(KEYS[1], lesson, {revision = revision, record_count = count})
if is_external then redis.call('HSET', KEYS[5], ARGV[2], '0,0|' .. record) end
return {'created', record, lesson.data}
