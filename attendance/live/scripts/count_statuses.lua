-- How many records of a lesson have each status; what is deleted or cannot be read is left out.
-- KEYS    1 lesson, 2 records, 3 roster, 4 events
-- ARGV    1 the state that the caller has counted before, or ''
-- RETURNS counts, state, how many are expected, how many of them came, '1' where somebody of the
--         roster has two records that stand: the register shows one of them; status, count, ...
--         unchanged: the lesson is in the state that the caller has counted
--         not_found | starting | unreadable
local CAME = {present = true, late = true, pending = true}

-- What was counted changes with the lesson's sealed counts or its roster. An older copy may have
-- reached the same counts by other changes: after its end by an event, before by its clock, which
-- is among them.
local function state()
  local found = redis.call('HMGET', KEYS[1], 'checksum', 'roster_changes')
  local last = redis.pcall('LINDEX', KEYS[4], -1)
  local event = type(last) == 'string' and string.sub(last, 3, 18) or ''
  return table.concat({found[1], found[2] or '0', event}, '-')
end

-- The person behind each number of the roster, and how many people there are.
local function read_roster()
  local people, number_of, expected = {}, {}, 0
  local flat = redis.call('HGETALL', KEYS[3])
  for i = 1, #flat, 2 do
    local other = string.match(flat[i + 1], '^1|%x+|([^|]*)|')
    local person = other and other ~= '' and other or flat[i]
    number_of[flat[i]] = person
    if not people[person] then
      people[person] = true
      expected = expected + 1
    end
  end
  return number_of, expected
end

local lesson, why = read_lesson(KEYS[1])
if not lesson then return {why} end
local now_in = state()
if now_in == ARGV[1] then return {'unchanged'} end
local number_of, expected = read_roster()
local counts, seen, here, came, has_two = {}, {}, {}, 0, false
local records = redis.call('HGETALL', KEYS[2])
for i = 1, #records, 2 do
  local status, mark = string.match(records[i + 1], '^1|%x+|%d+,%d+,%d*,(%l+),%l*,(%l+)|')
  if mark == 'kept' then
    counts[status] = (counts[status] or 0) + 1
    local person = number_of[records[i]]
    if person then
      has_two = has_two or seen[person]
      seen[person] = true
      if CAME[status] and not here[person] then
        here[person] = true
        came = came + 1
      end
    end
  end
end
local reply = {'counts', now_in, int(expected), int(came), has_two and '1' or ''}
for status, count in pairs(counts) do
  reply[#reply + 1] = status
  reply[#reply + 1] = int(count)
end
return reply
