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
    'starts_at', 'ends_at', 'late_at', 'phase')
  for i = 1, 8 do raw[i] = raw[i] or '' end
  return raw
end

-- Returns the lesson's fields, or nil and the outcome word that says why not.
local function read_lesson(key)
  local raw = lesson_fields(key)
  local lesson = {data = raw[1] ~= '' and raw[1], revision = counter(raw[2]),
    record_count = counter(raw[3]), event_count = counter(raw[4]), starts_at = counter(raw[5]),
    ends_at = counter(raw[6]), late_at = counter(raw[7]), phase = raw[8]}
  if not lesson.data and redis.call('EXISTS', key) == 0 then return nil, 'not_found' end
  if not (lesson.data and lesson.revision and lesson.record_count and lesson.event_count
      and lesson.starts_at and lesson.ends_at) then
    return nil, 'unreadable'
  end
  if lesson.phase == 'starting' then return nil, 'starting' end
  return lesson
end

-- Keeps what stands where a record should be, so that nothing is overwritten.
local function move_to_corrupt(key, field, raw)
  redis.call('RPUSH', key, field .. '|' .. raw)
end
