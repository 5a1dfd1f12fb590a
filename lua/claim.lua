-- Gives a pooled delivery to the first rider who asks for it, before SQL hears of anybody.
-- Mode `free` gives a claim back that its holder could not use.
--
-- KEYS[1]  {prefix}:pool:{order}:claim   string, the rider who claims it; lives ARGV[3] milliseconds
-- ARGV[1]  mode                          "take" or "free"
-- ARGV[2]  rider_id
-- ARGV[3]  ttl_ms                        how long a claim holds, milliseconds; unused by "free"
--
-- Returns  "won"                         the caller holds the claim now
--          "already_yours"               the caller held it before; its time is not renewed
--          "lost"                        somebody else holds it
--          "freed"                       the caller's claim is gone
local claim_key = KEYS[1]
local mode, rider_id, ttl_ms = ARGV[1], ARGV[2], ARGV[3]

local holder = redis.call('GET', claim_key)
if mode == 'free' then
    if holder == rider_id then
        redis.call('DEL', claim_key)
        return 'freed'
    end
    return 'lost'
end
if holder == rider_id then
    return 'already_yours'
end
if holder then
    return 'lost'
end
redis.call('SET', claim_key, rider_id, 'PX', ttl_ms)
return 'won'
