-- One student says "here". attendance/rules/status.py has the same rule.
-- KEYS    1 lesson, 2 records, 3 corrupt, 4 refusals, 5 outbox, 6 roster, 7 events,
--         8 requests, 9 scans, 10 guesses, 11 devices
-- ARGV    1 lesson id, 2 school number, 3 JSON, 4 most records of a lesson, 5 most refusals,
--         6 code or '', 7 instant of a scan in ms or '', 8 its id or '', 9 its traits, with
--         commas between: typed, of_another (made by somebody else who had signed in),
--         elsewhere (made by nobody in particular, from another address)
--         10 address in 32 hex digits or '', 11 digest of the browser or ''
--         12 JSON of a record that is held, where PostgreSQL does not expect the student; or ''
--         13 other numbers of the student, with commas between, or ''
-- RETURNS created, record, lesson data, number | repeated, record, lesson data, number
--         arrived, record, lesson data, number: a teacher's word stands, the arrival is with it
--         not_expected: ask PostgreSQL, then try again with 12 | not_on_roster
--         lesson_not_open, opens at | lesson_closed, ends_at | rejected_by_teacher, record
--         code_missing | code_wrong | code_expired | code_longer | too_many_wrong_codes
--         scan_not_yours | network_not_allowed | lesson_full
--         lesson_not_held | clock_wrong | not_found | starting | unreadable
local function is_inside(networks, address)
  for _, network in ipairs(networks) do
    if network.first <= address and address <= network.last then return true end
  end
  return false
end

local function wanted_checks(plan)
  local wanted = {}
  for _, check in ipairs(plan.checks or {}) do wanted[check] = true end
  return wanted
end

-- Returns why this check-in is refused, or nil, and whether an external verifier decides.
-- A scan that was kept counts as its code.
local function broken_check(plan, now, scan, who)
  local wanted = wanted_checks(plan)
  if wanted.network and not is_inside(plan.networks, ARGV[10]) then return 'network_not_allowed' end
  if not wanted.code then return nil, wanted.external end
  if scan then return scan_fault(plan, now, scan, who), wanted.external end
  return code_fault(plan, now, ARGV[6], KEYS[10], who), wanted.external
end

-- The scan that stands for the code, or nil: of a lesson without codes it says nothing.
local function scan_of(plan)
  local at = counter(ARGV[7])
  if not (at and wanted_checks(plan).code) then return nil end
  return {at = at, id = ARGV[8], traits = ARGV[9], key = KEYS[9], guesses = KEYS[10]}
end

-- JSON null is userdata in Lua, not nil.
local function has(value, kind)
  return type(value) == kind
end

-- What becomes of whoever is not on the roster: accept, hold or refuse; nil for everybody else.
local function walk_in_rule(plan)
  if not has(plan.section, 'table') then return nil end
  local listed = redis.call('HGET', KEYS[6], ARGV[2])
  if listed and unseal(ARGV[1], 'roster', ARGV[2], listed) then return nil end
  return plan.section.walk_ins
end

-- When the student came: with the scan that stands for the code, else now. No scan opens a lesson
-- earlier.
local function arrival(scan, opens_at, now)
  return scan and math.max(opens_at, math.min(scan.at, now)) or now
end

local function worth(lesson, rule, at)
  local function is_past(seconds)
    return has(seconds, 'number') and at >= lesson.starts_at + seconds * 1000
  end
  if is_past(rule.absent_after_s) then return 'absent' end
  return is_past(rule.late_after_s) and 'late' or 'present'
end

local lesson, why = read_lesson(KEYS[1])
if not lesson then return {why} end
local now = stamp_now(KEYS[1], lesson)
if not now then return {'clock_wrong'} end
local function refuse(code, value)
  local keys = {lesson = KEYS[1], refusals = KEYS[4]}
  note_refusal(keys, ARGV[1], ARGV[2], code, now, ARGV[3], tonumber(ARGV[5]))
  return {code, value}
end
-- The record under a number, if it stands: one that the teacher added and undid is not a check-in
-- of the student.
local function standing(number)
  local raw = redis.call('HGET', KEYS[2], number)
  if not raw then return nil end
  local stamp, json = unseal(ARGV[1], 'record', number, raw)
  local before = stamp and split(stamp)
  return raw, stamp, json, before, before and before[6] ~= 'undone'
end

local number, who = ARGV[2], numbers_of(ARGV[2], ARGV[13])
local known, stamp, json, before, stands = standing(number)
-- Whoever has got another number since, or has two accounts, is here under the other one.
for i = 2, stands and 0 or #who do
  local other = who[i]
  local its_known, its_stamp, its_json, its_before, its_stands = standing(other)
  if its_stands then
    number, known, stamp, json, before, stands =
      other, its_known, its_stamp, its_json, its_before, true
    break
  end
end
if stands and (before[4] == 'rejected' or before[6] == 'deleted') then
  return refuse('rejected_by_teacher', known)
end
if stands and before[3] ~= '' then return {'repeated', known, lesson.data, number} end

local plan = cjson.decode(lesson.json)
local rule = has(plan.rule, 'table') and plan.rule or {}
local scan = scan_of(plan)
local opens_at = lesson.starts_at - (rule.opens_before_s or 0) * 1000
local is_open = opens_at <= now and now < lesson.ends_at
local fault, is_external
if is_open then fault, is_external = broken_check(plan, now, scan, who) end
if stands and (not is_open or fault) then return {'repeated', known, lesson.data, number} end
if now < opens_at then return refuse('lesson_not_open', int(opens_at)) end
if now >= lesson.ends_at then return refuse('lesson_closed', int(lesson.ends_at)) end
if has(plan.not_held, 'table') then return refuse('lesson_not_held') end
if fault then return refuse(fault) end
local revision = int(lesson.revision + 1)
local came_at = arrival(scan, opens_at, now)
if stands then
  -- Somebody has spoken of this student before: that word stands, with the arrival beside it.
  local fresh = {revision, int(now), int(came_at), before[4], before[5], before[6]}
  local record = seal(ARGV[1], 'record', number, table.concat(fresh, ','), json)
  local student = cjson.decode(ARGV[3])
  student = {school_number = number, full_name = student.full_name}
  -- No caller can send an id with ~, so nobody has used this one for another change.
  local request_id = '~arrival-' .. number .. '-' .. revision
  append_event(KEYS[7], KEYS[8], ARGV[1],
    {revision, int(now), request_id, '', before[4], worth(lesson, rule, came_at)},
    cjson.encode({kind = 'record_arrived', actor = student, source = 'student',
      student = student}))
  redis.call('HSET', KEYS[2], number, record)
  claim_scan(scan, ARGV[2])
  note_device(KEYS[11], number, ARGV[11])
  save_counts(KEYS[1], lesson,
    {now = now, revision = revision, event_count = lesson.event_count + 1})
  return {'arrived', record, lesson.data, number}
end
local walk_in = walk_in_rule(plan)
local is_held = walk_in == 'hold'
if (is_held or walk_in == 'refuse') and ARGV[12] == '' then return {'not_expected'} end
if walk_in == 'refuse' then return refuse('not_on_roster') end
local count = lesson.record_count
if not stamp then
  if count >= tonumber(ARGV[4]) then return refuse('lesson_full') end
  if known then move_to_corrupt(KEYS[3], ARGV[2], known) end
  count = count + 1
end
local status = (is_external or is_held) and 'pending' or worth(lesson, rule, came_at)
local fresh = table.concat({revision, int(now), int(came_at), status, '', 'kept'}, ',')
local record = seal(ARGV[1], 'record', ARGV[2], fresh, is_held and ARGV[12] or ARGV[3])
redis.call('HSET', KEYS[2], ARGV[2], record)
claim_scan(scan, ARGV[2])
note_device(KEYS[11], ARGV[2], ARGV[11])
save_counts(KEYS[1], lesson, {now = now, revision = revision, record_count = count})
if is_external and not is_held then redis.call('HSET', KEYS[5], ARGV[2], '0,0|' .. record) end
return {'created', record, lesson.data, number}
