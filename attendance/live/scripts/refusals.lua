-- Put before check_in: a refusal is kept by student and code, and raises no revision.
local function note_refusal(keys, id, number, code, now, json, most)
  local key = keys.refusals
  -- A damaged refusals key must not keep anybody from checking in.
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'none' and kind ~= 'hash' then return end
  local field = number .. '|' .. code
  local known = redis.call('HGET', key, field)
  if not known and redis.call('HLEN', key) >= most then return end
  local stamp = known and unseal(id, 'refusal', field, known)
  local before = stamp and split(stamp) or {}
  local times, first = counter(before[1] or '') or 0, counter(before[2] or '') or now
  stamp = table.concat({int(times + 1), int(first), int(now)}, ',')
  redis.call('HSET', key, field, seal(id, 'refusal', field, stamp, json))
  -- A hint for boards, which no script decides by; a damaged one keeps nobody from checking in.
  redis.pcall('HINCRBY', keys.lesson, 'refusals_noted', 1)
end
