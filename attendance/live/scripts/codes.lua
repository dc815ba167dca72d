-- Put before the scripts that look at a code: see attendance/live/codes.py, which makes the same.
local CODE_LETTERS = 'ACDEFGHJKMNPQRTUVWXY34679'

-- The code of one step, whole and typed: nothing is stored but the lesson's secret.
local function code_at(plan, step)
  local digest = redis.sha1hex(plan.secret .. '|' .. int(step) .. '|' .. plan.secret)
  local number, typed = tonumber(string.sub(digest, 21, 32), 16), ''
  for _ = 1, 4 do
    local letter = number % 25
    typed = typed .. string.sub(CODE_LETTERS, letter + 1, letter + 1)
    number = (number - letter) / 25
  end
  return string.upper(string.sub(digest, 1, 20)), typed
end

-- The current step and the one before are valid; the twenty before them are told from wrong ones.
local function code_fault(plan, now, given)
  if given == '' then return 'code_missing' end
  local step = math.floor(now / (plan.code_seconds * 1000))
  for back = 0, 21 do
    local whole, typed = code_at(plan, step - back)
    if given == whole or given == typed or given == plan.short_code .. typed then
      return back > 1 and 'code_expired' or nil
    end
  end
  return 'code_wrong'
end
