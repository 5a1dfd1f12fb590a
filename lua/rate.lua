-- Counts how often somebody does something, by the generic cell rate algorithm, on the clock of Redis.
-- Mode `give` gives one back, mode `forget` everything.
--
-- KEYS[1]  {prefix}:rate:{key}   string, when all that was taken is back, microseconds since 1970; lives until then
-- ARGV[1]  mode                  "take", "give" or "forget"
-- ARGV[2]  step_us               in which time one comes back, microseconds
-- ARGV[3]  n                     how many may be taken at once
--
-- Returns  "left:{left}:{full_us}"          one was taken; how many are left, and when all are back
--          "none:{retry_us}:{full_us}"      nothing was left; when there is one, and when all are back
--          "given"                          one is back, if any was taken
--          "forgotten"                      nothing is kept any more
local rate_key = KEYS[1]
local mode = ARGV[1]
if mode == 'forget' then
    redis.call('DEL', rate_key)
    return 'forgotten'
end
local step_us, n = tonumber(ARGV[2]), tonumber(ARGV[3])
local whole_us = step_us * n

local time = redis.call('TIME')
local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
local until_us = tonumber(redis.call('GET', rate_key) or now_us)
if until_us < now_us then
    until_us = now_us
end
if mode == 'give' then
    local back_us = until_us - step_us
    if back_us > now_us then
        redis.call('SET', rate_key, string.format('%.0f', back_us), 'PX', math.ceil((back_us - now_us) / 1000))
    else
        redis.call('DEL', rate_key)
    end
    return 'given'
end
local next_us = until_us + step_us
if next_us - now_us > whole_us then
    return string.format('none:%.0f:%.0f', next_us - now_us - whole_us, until_us - now_us)
end
redis.call('SET', rate_key, string.format('%.0f', next_us), 'PX', math.ceil((next_us - now_us) / 1000))
return string.format('left:%.0f:%.0f', math.floor((whole_us - (next_us - now_us)) / step_us), next_us - now_us)
