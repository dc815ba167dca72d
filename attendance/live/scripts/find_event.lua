-- Put before the scripts that append an event.

-- Returns the event that an earlier run of this request made, so that it is not made twice.
local function find_event(key, request_id)
  for _, raw in ipairs(redis.call('LRANGE', key, 0, -1)) do
    -- The request id is the third of the stamp: revision, instant, request id, old, new.
    if string.match(raw, '^1|%x+|%d+,%d+,([^,|]*),') == request_id then return raw end
  end
  return nil
end

local function append_event(key, id, revision, now, request_id, old, new, json)
  local stamp = table.concat({revision, now, request_id, old, new}, ',')
  redis.call('RPUSH', key, seal(id, 'event', revision, stamp, json))
end
