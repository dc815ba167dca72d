-- Put after codes: nobody guesses a whole code, but of many typed ones one is right. So wrong ones
-- are counted, by student and for all of a lesson. A run that is repeated may count one twice.
local MOST_WRONG_OF_STUDENT, MOST_WRONG_OF_LESSON = 5, 40
local FEW_LETTERS, MANY_LETTERS = 4, 8
-- No number of a student is this.
local ALL = '*'

-- A damaged key must not keep anybody from checking in.
local function is_usable(key)
  local kind = redis.call('TYPE', key).ok
  return kind == 'none' or kind == 'hash'
end

-- Who tries: the number of the account, and the other numbers of the same person.
local function numbers_of(number, others)
  local numbers = others ~= '' and split(others) or {}
  if number ~= '' then table.insert(numbers, 1, number) end
  return numbers
end

local function count_in(key, field)
  return counter(redis.call('HGET', key, field) or '') or 0
end

local function wrong_codes(key, who)
  local sum = 0
  for _, number in ipairs(who) do sum = sum + count_in(key, number) end
  return sum
end

local function has_spent_codes(key, who)
  return is_usable(key) and wrong_codes(key, who) >= MOST_WRONG_OF_STUDENT
end

-- A count that cannot be read begins anew.
local function count_one(key, field)
  local count = count_in(key, field) + 1
  redis.call('HSET', key, field, int(count))
  return count
end

-- `letters` tells the screen to show more of them; it stays for the rest of the lesson.
local function count_wrong_code(key, who)
  if not is_usable(key) then return end
  if who[1] then count_one(key, who[1]) end
  if count_one(key, ALL) >= MOST_WRONG_OF_LESSON then
    redis.call('HSET', key, 'letters', MANY_LETTERS)
  end
end

-- Whether this was typed from a screen that showed fewer letters. It could not be right, so it is
-- not counted, and whether it was right then is not told.
local function is_of_before(plan, given)
  local starts_so = string.sub(given, 1, #plan.short_code) == plan.short_code
  return #given == FEW_LETTERS or (starts_so and #given == #plan.short_code + FEW_LETTERS)
end

-- Returns why a code is refused, or nil, and counts it where it was guessed wrong.
local function code_fault(plan, now, given, key, who)
  if given == '' then return 'code_missing' end
  local is_typed = #given ~= WHOLE_DIGITS
  -- A right one as well: guessing would go on otherwise.
  if is_typed and has_spent_codes(key, who) then return 'too_many_wrong_codes' end
  local is_longer = is_usable(key) and redis.call('HEXISTS', key, 'letters') == 1
  if is_longer and is_of_before(plan, given) then return 'code_longer' end
  local fault = judge_code(plan, now, given, is_longer and MANY_LETTERS or FEW_LETTERS)
  if is_typed and fault == 'code_wrong' then count_wrong_code(key, who) end
  return fault
end
