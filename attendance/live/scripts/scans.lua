-- Put after guesses: a scan that was kept stands for its code, once, for whom it was made.
local SCAN_MS = 300000

local function has_trait(scan, trait)
  return string.find(',' .. scan.traits .. ',', ',' .. trait .. ',', 1, true) ~= nil
end

local function is_one_of(who, holder)
  for _, number in ipairs(who) do
    if number == holder then return true end
  end
  return false
end

-- Where it was made by nobody in particular and is used elsewhere, it was passed on: it is worth
-- no more than the code on the screen.
local function worth_ms(plan, scan)
  return has_trait(scan, 'elsewhere') and 2 * plan.code_seconds * 1000 or SCAN_MS
end

-- Returns why a scan is refused, or nil.
local function scan_fault(plan, now, scan, who)
  if now - scan.at > worth_ms(plan, scan) then return 'code_expired' end
  if has_trait(scan, 'of_another') then return 'scan_not_yours' end
  local holder = is_usable(scan.key) and redis.call('HGET', scan.key, scan.id)
  if holder and not is_one_of(who, holder) then return 'scan_not_yours' end
  if has_trait(scan, 'typed') and has_spent_codes(scan.guesses, who) then
    return 'too_many_wrong_codes'
  end
end

-- From which browser a mark came: shown to the teacher where it is one for several marks.
local function note_device(key, number, device)
  if device ~= '' and is_usable(key) then redis.call('HSET', key, number, device) end
end

-- The first mark that a scan makes claims it.
local function claim_scan(scan, number)
  if scan and scan.id ~= '' and is_usable(scan.key) then
    redis.call('HSET', scan.key, scan.id, number)
  end
end
