-- Take what has to be sent now; until `retry_at` nobody else takes it.
-- KEYS    1 outbox
-- ARGV    1 most entries, 2 first pause in ms, 3 longest pause in ms
-- RETURNS number, entry without its stamp, attempts, ... | clock_wrong
local now, taken = sane_now_ms(), {}
if not now then return {'clock_wrong'} end
-- What a clock that was ahead has stamped is due as well.
local latest = now + tonumber(ARGV[3])
local entries = redis.call('HGETALL', KEYS[1])
for i = 1, #entries, 2 do
  local due, attempts, record = string.match(entries[i + 1], '^(%d+),(%d+)|(.*)$')
  local is_due = due and (tonumber(due) <= now or tonumber(due) > latest)
  if is_due and #taken < tonumber(ARGV[1]) * 3 then
    local pause = math.min(tonumber(ARGV[2]) * 2 ^ tonumber(attempts), tonumber(ARGV[3]))
    local stamp = int(now + pause) .. ',' .. int(tonumber(attempts) + 1)
    redis.call('HSET', KEYS[1], entries[i], stamp .. '|' .. record)
    taken[#taken + 1] = entries[i]
    taken[#taken + 1] = record
    taken[#taken + 1] = int(tonumber(attempts) + 1)
  end
end
return taken
