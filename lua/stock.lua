-- Keeps buyers of what is sold out away from SQL, which has the last word: what SQL committed is
-- told here with its version, and orders on their way to SQL hold their pieces for a moment.
--
-- KEYS[1]  {prefix}:stock:{product}      hash; lives ARGV[7] milliseconds after SQL was heard last
--            left, version               what SQL said last
--            pending                     pieces that orders on their way to SQL hold
--            o:ORDER                     "PIECES:UNTIL_MS" of one of them
-- ARGV[1]  mode                          "reserve", "confirm", "release" or "fill"
-- ARGV[2]  order_id                      empty if no order is concerned; unused by "fill"
-- ARGV[3]  pieces                        how many an order wants; "reserve" only
-- ARGV[4]  hold_ms                       how long they are held at most, milliseconds; "reserve" only
-- ARGV[5]  left                          what SQL says; "confirm" and "fill" only
-- ARGV[6]  version                       what it says it about; "confirm" and "fill" only
-- ARGV[7]  ttl_ms                        how long that is remembered; "confirm" and "fill" only
--
-- Returns  "reserved"                    the order may go on to SQL
--          "already_yours"               it was let through before
--          "sold_out"                    SQL said that so many are not left
--          "held"                        others who are on their way would take them: ask again
--          "unknown"                     nothing is known (reserve), or nothing was held (release)
--          "confirmed"                   what SQL says is news; the order holds nothing any more
--          "known"                       something as new was known; the order holds nothing any more
--          "released"                    the order holds nothing any more
--          "filled"                      what was known is forgotten, this is what counts
local key = KEYS[1]
local mode, order = ARGV[1], ARGV[2]
local field = 'o:' .. order

local function pieces_of(held)
    return tonumber(string.match(held, '^%d+'))
end

local function drop()
    local held = redis.call('HGET', key, field)
    if not held then
        return false
    end
    redis.call('HDEL', key, field)
    redis.call('HINCRBY', key, 'pending', -pieces_of(held))
    return true
end

local function forget_late(now_ms)
    local all = redis.call('HGETALL', key)
    for i = 1, #all, 2 do
        if string.sub(all[i], 1, 2) == 'o:' then
            local till = tonumber(string.match(all[i + 1], '%d+$'))
            if till < now_ms then
                redis.call('HDEL', key, all[i])
                redis.call('HINCRBY', key, 'pending', -pieces_of(all[i + 1]))
            end
        end
    end
end

if mode == 'reserve' then
    local pieces, hold_ms = tonumber(ARGV[3]), tonumber(ARGV[4])
    local left = tonumber(redis.call('HGET', key, 'left'))
    if not left then
        return 'unknown'
    end
    if redis.call('HEXISTS', key, field) == 1 then
        return 'already_yours'
    end
    if left < pieces then
        return 'sold_out'
    end
    local time = redis.call('TIME')
    local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
    if left - tonumber(redis.call('HGET', key, 'pending') or 0) < pieces then
        forget_late(now_ms)
        if left - tonumber(redis.call('HGET', key, 'pending') or 0) < pieces then
            return 'held'
        end
    end
    redis.call('HSET', key, field, pieces .. ':' .. string.format('%.0f', now_ms + hold_ms))
    redis.call('HINCRBY', key, 'pending', pieces)
    return 'reserved'
end

if mode == 'release' then
    return drop() and 'released' or 'unknown'
end

local left, version, ttl_ms = ARGV[5], ARGV[6], ARGV[7]
if mode == 'fill' then
    redis.call('DEL', key)
else
    if order ~= '' then
        drop()
    end
    local known = tonumber(redis.call('HGET', key, 'version'))
    if known and known >= tonumber(version) then
        return 'known'
    end
end
redis.call('HSET', key, 'left', left, 'version', version)
redis.call('PEXPIRE', key, ttl_ms)
return mode == 'fill' and 'filled' or 'confirmed'
