-- Remove a lesson from Redis, only at the revision that was stored, only if it is over.
-- KEYS    1 lesson, 2 records, 3 events, 4 corrupt, 5 refusals, 6 roster,
--         7 requests, 8 scans, 9 guesses, 10 devices
-- ARGV    1 revision, 2 last event or '', 3 ids of the site and of those it has adopted
-- RETURNS discarded, refusals | changed | not_over | clock_wrong | not_found | foreign, site
local lesson, why = read_lesson(KEYS[1])
if why == 'not_found' then return {why} end
if not lesson or ARGV[1] ~= int(lesson.revision) then return {'changed'} end
-- Another site's lesson is stored by that site, whatever was committed here.
local site = cjson.decode(lesson.json).site
if ARGV[3] ~= '' and type(site) == 'string' and not string.find(ARGV[3], site, 1, true) then
  return {'foreign', site}
end
-- A store that came back older may have reached the same revision by other changes. After the
-- end of a lesson every change is an event, so the last event shows that.
if ARGV[2] ~= (redis.call('LINDEX', KEYS[3], -1) or '') then return {'changed'} end
local now = sane_now_ms()
if not now then return {'clock_wrong'} end
if now < lesson.ends_at then return {'not_over'} end
-- Refusals raise no revision, so those that came after the snapshot are returned here.
local refusals = {}
if redis.call('TYPE', KEYS[5]).ok == 'hash' then refusals = redis.call('HGETALL', KEYS[5]) end
redis.call('UNLINK', unpack(KEYS))
return {'discarded', refusals}
