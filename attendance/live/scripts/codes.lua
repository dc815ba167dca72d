-- Put before the scripts that check a code. attendance/live/codes.py derives the same codes.
local CODE_LETTERS = 'ACDEFGHJKMNPQRTUVWXY34679'
local WHOLE_DIGITS = 20

-- The code of one step, whole and typed: nothing is stored but the lesson's secret.
local function code_at(plan, step, letters)
  local digest = redis.sha1hex(plan.secret .. '|' .. int(step) .. '|' .. plan.secret)
  local number, typed = tonumber(string.sub(digest, 21, 32), 16), ''
  for _ = 1, letters do
    local letter = number % 25
    typed = typed .. string.sub(CODE_LETTERS, letter + 1, letter + 1)
    number = (number - letter) / 25
  end
  return string.upper(string.sub(digest, 1, WHOLE_DIGITS)), typed
end

-- The code of the current step or the one before is valid; a code of the twenty steps before
-- them is expired, any other is wrong.
local function judge_code(plan, now, given, letters)
  local step = math.floor(now / (plan.code_seconds * 1000))
  for back = 0, 21 do
    local whole, typed = code_at(plan, step - back, letters)
    if given == whole or given == typed or given == plan.short_code .. typed then
      return back > 1 and 'code_expired' or nil
    end
  end
  return 'code_wrong'
end
