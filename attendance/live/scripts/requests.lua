-- Put before the scripts that append an event: one request id stands for one change.

-- A key of another type must harm nobody: nothing is kept in it then.
local function takes_requests(key)
  local kind = redis.call('TYPE', key).ok
  return kind == 'none' or kind == 'hash'
end

local function digest_in_events(key, request_id)
  for _, raw in ipairs(redis.call('LRANGE', key, 0, -1)) do
    -- The stamp: revision, instant, request id, digest, old, new.
    local id, digest = string.match(raw, '^1|%x+|%d+,%d+,([^,|]*),([^,|]*),')
    if id == request_id then return digest end
  end
  return nil
end

-- Returns the digest of what was asked for under this id, or nil. Each event has an entry; where
-- some are missing or this one is damaged, the events themselves are searched.
local function digest_of(lesson, events, requests, request_id)
  -- Fails for a key of another type before anything is written.
  redis.call('LLEN', events)
  if not takes_requests(requests) then return digest_in_events(events, request_id) end
  local raw = redis.call('HGET', requests, request_id)
  local stamp = raw and unseal(lesson.id, 'request', request_id, raw)
  if stamp then return split(stamp)[2] end
  if not raw and redis.call('HLEN', requests) == lesson.event_count then return nil end
  return digest_in_events(events, request_id)
end

-- Returns nil for a new request, 'repeated', or 'reused' where the id stands for another change.
local function find_request(lesson, events, requests, request_id, digest)
  local known = digest_of(lesson, events, requests, request_id)
  if not known then return nil end
  return known == digest and 'repeated' or 'reused'
end

-- Whether a lesson has as many events as whoever asks may bring it to; '' for no limit.
local function has_too_many(lesson, most)
  return most ~= '' and lesson.event_count >= tonumber(most)
end

-- The stamp is a list: revision, instant, request id, digest, old, new.
local function append_event(events, requests, id, stamp, json)
  redis.call('RPUSH', events, seal(id, 'event', stamp[1], table.concat(stamp, ','), json))
  if not takes_requests(requests) then return end
  local entry = seal(id, 'request', stamp[3], stamp[1] .. ',' .. stamp[4], '')
  redis.call('HSET', requests, stamp[3], entry)
end
