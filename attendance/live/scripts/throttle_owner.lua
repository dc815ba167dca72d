-- Read the entry of a credential and count an attempt of its owner. Runs without the prelude.
-- KEYS    1 entry, as users/credentials.py writes it
-- ARGV    1 what the key of the count begins with, 2 most attempts, 3 length of the window in ms
-- RETURNS false where there is no entry, nothing where it names no owner, else the entry, 0 or
--         the seconds until the window ends, and that key
local stored = redis.call('GET', KEYS[1])
if not stored then return false end
-- Bytes in msgpack, in them a map of three that begins with the digest of its owner.
local owner = string.match(stored, '^[\196\197]..?\131\170counted_as\217 (%x+)\166caller')
if not owner or #owner ~= 32 then return {} end
-- The cache is one server, so a key may be made here.
local place = ARGV[1] .. owner
local count = redis.call('INCR', place)
if count == 1 then redis.call('PEXPIRE', place, ARGV[3]) end
if count <= tonumber(ARGV[2]) then return {stored, 0, place} end
return {stored, math.max(1, math.ceil(redis.call('PTTL', place) / 1000)), place}
