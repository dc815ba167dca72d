-- Put before every script: the envelope, and reading a lesson.
-- Envelope: 1|<checksum>|<stamp>|<JSON>, see attendance/live/payloads.py.

local function int(number)
  -- tostring() would write large numbers as 1.7e+12.
  return string.format('%d', number)
end

local function checksum(lesson, kind, field, tail)
  return string.sub(redis.sha1hex(lesson .. '|' .. kind .. '|' .. field .. '|' .. tail), 1, 16)
end

local function seal(lesson, kind, field, stamp, json)
  local tail = stamp .. '|' .. json
  return '1|' .. checksum(lesson, kind, field, tail) .. '|' .. tail
end

-- Returns stamp and JSON, or nothing where the value is corrupt.
local function unseal(lesson, kind, field, raw)
  local sum, tail = string.match(raw, '^1|(%x+)|(.*)$')
  if not sum or sum ~= checksum(lesson, kind, field, tail) then return nil end
  return string.match(tail, '^([^|]*)|(.*)$')
end

local function split(text)
  local parts = {}
  for part in string.gmatch(text .. ',', '([^,]*),') do parts[#parts + 1] = part end
  return parts
end

local function counter(text)
  return string.match(text, '^%d+$') and tonumber(text)
end

-- The fields of a lesson in one order; what is missing is ''.
local function lesson_fields(key)
  local raw = redis.call('HMGET', key, 'data', 'revision', 'record_count', 'event_count',
    'starts_at', 'ends_at', 'phase', 'clock', 'checksum')
  for i = 1, 9 do raw[i] = raw[i] or '' end
  return raw
end

-- The checksum of a lesson's revision, counts, phase and clock; its data has one of its own.
local function counts_checksum(id, revision, record_count, event_count, phase, clock)
  local counts = {revision, record_count, event_count, phase}
  -- A lesson of before there was a clock has none.
  if clock ~= '' then counts[5] = clock end
  return checksum(id, 'lesson', 'counts', table.concat(counts, ','))
end

-- The newest instant with which an open lesson was stamped, and since when the clock is behind it.
local function clock_of(lesson, changes)
  local stamped_at = lesson.stamped_at
  -- Corrections may come long after the end, by a clock that is far ahead.
  local is_newer = changes.now and changes.now > stamped_at and changes.now < lesson.ends_at
  if is_newer then stamped_at = changes.now end
  return int(stamped_at) .. ',' .. (changes.behind_at and int(changes.behind_at) or '')
end

-- Write the counts of a lesson that was read, with these changes; `now` is that of their stamps.
local function save_counts(key, lesson, changes)
  local revision = int(changes.revision or lesson.revision)
  local record_count = int(changes.record_count or lesson.record_count)
  local event_count = int(changes.event_count or lesson.event_count)
  local phase = changes.phase or lesson.phase
  local clock = clock_of(lesson, changes)
  redis.call('HSET', key, 'revision', revision, 'record_count', record_count,
    'event_count', event_count, 'phase', phase, 'clock', clock, 'checksum',
    counts_checksum(lesson.id, revision, record_count, event_count, phase, clock))
end

-- Whether a script wrote these values: data and counts match their checksums, and the window is
-- the one that is sealed with the data.
local function is_sealed(lesson, raw)
  if not (lesson.revision and lesson.record_count and lesson.event_count) then return false end
  local sum = counts_checksum(lesson.id, raw[2], raw[3], raw[4], raw[7], raw[8])
  if raw[9] ~= sum or not lesson.stamp then return false end
  local stamp, clock = split(lesson.stamp), split(raw[8])
  lesson.stamped_at = counter(raw[8] == '' and stamp[2] or clock[1])
  lesson.behind_at = counter(clock[2] or '')
  return lesson.stamped_at and lesson.starts_at and raw[5] == stamp[3]
    and lesson.ends_at and raw[6] == stamp[4]
end

-- Returns a lesson, or nil and the outcome word that says why not. A lesson that is starting is
-- the third value. Every value in a lesson is under a checksum.
local function read_lesson(key)
  local raw = lesson_fields(key)
  if raw[1] == '' and redis.call('EXISTS', key) == 0 then return nil, 'not_found' end
  local lesson = {id = string.match(key, '{(.-)}'), data = raw[1], revision = counter(raw[2]),
    record_count = counter(raw[3]), event_count = counter(raw[4]), starts_at = counter(raw[5]),
    ends_at = counter(raw[6]), phase = raw[7]}
  lesson.stamp, lesson.json = unseal(lesson.id, 'lesson', 'data', raw[1])
  if not is_sealed(lesson, raw) then return nil, 'unreadable' end
  if lesson.phase == 'starting' then return nil, 'starting', lesson end
  return lesson
end

-- Keeps the bytes that stand where a record should be, so that nothing is overwritten.
local function move_to_corrupt(key, field, raw)
  redis.call('RPUSH', key, field .. '|' .. raw)
end
