#!lua name=push

-- Copyright (C) the ngx_http_push_module authors
--
-- Publishing through Redis with all that the module's own publishers have:
-- messages with an id, kept in the history.  Redis 7 or later:
--
--     make redis-functions                  (REDIS_URL=redis://127.0.0.1:6379)
--     redis-cli -x FUNCTION LOAD REPLACE <push.lua
--
--     FCALL push_pub 1 CHANNEL BODY [NAME VALUE ...]
--
-- gives back epoch, offset and the number of workers that took it; neither the
-- epoch nor push_history need be known.  Names: event, type (a content type),
-- id (a repeat within five minutes is not sent again, and gets the first
-- answer), ttl (seconds in the history), except (a connection that does not
-- get it), volatile (1: never stored).
--
--     FCALL push_hist 1 CHANNEL [FROM [LIMIT]]
--
-- gives back epoch, offset of the last message, the epoch before and where it
-- ended, how many there are, and the messages from that offset on as they are
-- stored.
--
--     FCALL push_del 1 CHANNEL
--
-- ends the channel's present life: history and epoch are gone, subscribers
-- are told.  Gives back whether it had a history, and its subscribed workers.
--
-- Where an ACL knows only the names of keys, the channel may come as the first
-- argument: FCALL push_pub 0 CHANNEL BODY.

-- keys= of push_redis; its prefix= is found there
local PREFIX = 'push:'

-- What stands between the two lines of signs is the module's own, too:
-- "t/lint/script --write" takes it over.  An entry of a history is what is
-- published, so there is one way to read both:
--
--     \255 P 1 M SP epoch SP offset SP ms [SP key=value ...] LF body
--
-- Offsets are dense: offset o is at index o - top - 1 of the list.

--8<----------------------------------------------------------------------

-- Lua writes large numbers with an exponent
local function whole(n)
    return string.format('%.0f', n)
end

-- the top of a channel; what no script has written is none
local function last_of(s, e)
    s = tonumber(s)
    if s and s >= 0 and s < 2^53 and s % 1 == 0
        and e and #e < 24 and string.match(e, '^%w+$')
    then
        return s
    end
end

-- all entries have the time of one clock
local function clock()
    local t = redis.call('TIME')
    return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- the end of an entry's time, which may be shorter than the channel's
local function dies(entry, ttl)
    local ms, more = string.match(entry,
                                  '^\255P1M %S+ %d+ (%d+)([^\n]*)')
    if not ms then
        return 0
    end
    local own = tonumber(string.match(more, ' t=(%d+)'))
    return ms + math.min(own or ttl, ttl)
end

local function sweep(h, now, ttl)
    local head = redis.call('LINDEX', h, 0)
    local left = 1024
    while head and left > 0 and dies(head, ttl) <= now do
        local heads = redis.call('LRANGE', h, 0, 31)
        local n = 1
        while heads[n + 1] and dies(heads[n + 1], ttl) <= now do
            n = n + 1
        end
        redis.call('LTRIM', h, n, -1)
        head = n == #heads and redis.call('LINDEX', h, 0)
        left = left - n
    end
end

-- the keys outlive the last message: its time must be over, not more
local function keep(h, m, ttl)
    redis.call('PEXPIRE', h, whole(ttl * 1.25 + 1000))
    redis.call('PEXPIRE', m, whole(ttl * 1.25 + 86400000))
end

--8<------------------------------------------------------------------ pub

-- keys: history, meta, the publisher's id if there is one
-- args: channel in Redis, count, ttl, a fresh epoch, run_id or nothing,
-- 1 if the message has a time of its own, the envelope behind its time, and
-- what else belongs to the first answer: how many subscribers are here
local function pub(keys, args)
    local h, m, d = keys[1], keys[2], keys[3]
    local channel, fresh, run, rest = args[1], args[4], args[5], args[7]
    local count, ttl = tonumber(args[2]), tonumber(args[3])
    local sum = d and redis.sha1hex(rest)
    local first = d and redis.call('GET', d)
    if first then
        local e, o, n, here, other =
            string.match(first, '^(%S+) (%d+) (%d+) (%d+) (%x+)$')
        if other ~= sum then
            return redis.error_reply('CONFLICT the id is of another message')
        end
        return { e, o, tonumber(n), tonumber(here) }
    end
    local function remember(e, o, n)
        if d then
            redis.call('SET', d, e .. ' ' .. o .. ' ' .. n .. ' ' .. args[8]
                                 .. ' ' .. sum, 'PX', 300000)
        end
        return { e, o, n }
    end
    local now = clock()
    if count == 0 then
        -- without memory it is not sent either
        remember('-', '0', 0)
        local n = redis.call('PUBLISH', channel,
                             '\255P1M - 0 ' .. whole(now) .. rest)
        return remember('-', '0', n)
    end
    local v = redis.call('HMGET', m, 's', 'e', 'g', 'x', 'c', 't')
    local s, e, x = last_of(v[1], v[2]), v[2], tonumber(v[4])
    -- another process may have forgotten offsets that it has handed out
    local turn = not s or (run ~= '' and run ~= v[3])
    if turn then
        e = fresh
    end
    local top = whole((s or 0) + 1)
    local envelope = '\255P1M ' .. e .. ' ' .. top .. ' ' .. whole(now)
                     .. rest
    -- the first write: if there is no memory it fails, and nothing was done
    local n = redis.call('RPUSH', h, envelope)
    -- who may not publish has stored nothing
    local links = redis.pcall('PUBLISH', channel, envelope)
    if type(links) == 'table' then
        redis.call('LTRIM', h, 0, -2)
        return links
    end
    if turn or not x or now >= x or x - now > ttl
        or v[5] ~= args[2] or v[6] ~= args[3] or args[6] == '1'
    then
        if turn and s then
            redis.call('HSET', m, 'pe', v[2], 'pf', v[1])
        elseif n ~= 1 and not s then
            redis.call('LTRIM', h, -1, -1)
        end
        redis.call('HSET', m, 's', top, 'e', e,
                   'g', run ~= '' and run or v[3] or '',
                   'x', whole(now + ttl / 4), 'c', args[2], 't', args[3])
        if args[6] == '1' then
            redis.call('HSET', m, 'o', 1)
        end
        sweep(h, now, ttl)
        keep(h, m, ttl)
    else
        redis.call('HSET', m, 's', top)
    end
    if n > count * 1.125 then
        redis.call('LTRIM', h, -count, -1)
    end
    return remember(e, top, links)
end

--8<----------------------------------------------------------------- hist

-- keys: history, meta
-- args: count, ttl, a fresh epoch, run_id or nothing, 1 if all channels have
-- this policy, the first offset, how many, in how many bytes, of which none
-- has more than that
local function hist(keys, args)
    local h, m = keys[1], keys[2]
    local count, ttl, fresh, run = args[1], args[2], args[3], args[4]
    local from, limit = tonumber(args[6]), tonumber(args[7])
    local bytes, most = tonumber(args[8]), tonumber(args[9])
    local v = redis.call('HMGET', m, 's', 'e', 'g', 'pf', 'pe', 'c', 't',
                         'o', 'x')
    local now = clock()
    local s, e = last_of(v[1], v[2]), v[2]
    local pf, pe = v[4] or '0', v[5] or ''
    local set = {}
    if s and run ~= '' and run ~= v[3] then
        set = { 'e', fresh, 'g', run, 'pe', e, 'pf', v[1] }
    end
    if (s or args[5] ~= '1') and (count ~= v[6] or ttl ~= v[7]) then
        -- for publishers that do not know it
        for _, value in ipairs({ 'c', count, 't', ttl, 'x', '0' }) do
            set[#set + 1] = value
        end
    end
    if s and not set[1] and now > (tonumber(v[9]) or 0) + 43200000 then
        -- nobody publishes, but somebody asks: it must not be forgotten
        set = { 'x', whole(now) }
    end
    if set[1] then
        -- a replica, or one without memory, says what it can
        local done = redis.pcall('HSET', m, unpack(set))
        if type(done) == 'table' then
            set = {}
        else
            redis.call('PEXPIRE', m, whole(ttl * 1.25 + 86400000))
        end
    end
    if not s then
        return { '', '0', '', '0', '0' }
    end
    if set[1] == 'e' then
        e, pe, pf = fresh, e, v[1]
    end
    ttl = tonumber(ttl)
    pcall(sweep, h, now, ttl)
    local n = math.min(redis.call('LLEN', h), tonumber(count), s)
    local answer = { e, whole(s), pe, pf, whole(n) }
    local sum = 0
    from = math.max(from, s - n + 1)
    while from <= s and limit > 0 do
        local last = math.min(from + 15, from + limit - 1, s)
        local piece = redis.call('LRANGE', h, whole(from - s - 1),
                                 whole(last - s - 1))
        for _, entry in ipairs(piece) do
            if #entry > most or (v[8] and dies(entry, ttl) <= now) then
                -- not behind others, for these have no hole
                if sum ~= 0 then
                    return answer
                end
            elseif sum ~= 0 and sum + #entry > bytes then
                return answer
            else
                answer[#answer + 1] = entry
                sum = sum + #entry
                limit = limit - 1
            end
        end
        from = last + 1
    end
    return answer
end

--8<------------------------------------------------------------------ del

-- keys: history, meta
-- args: channel in Redis, control channel, what is told there, 1 if it is told
-- in any case
local function del(keys, args)
    local had = redis.call('HEXISTS', keys[2], 's')
    local n = redis.call('PUBSUB', 'NUMSUB', args[1])[2]
    redis.call('DEL', keys[1], keys[2])
    if had ~= 0 or n ~= 0 or args[4] == '1' then
        redis.call('PUBLISH', args[2], args[3])
    end
    return { had, n }
end

--8<----------------------------------------------------------------------

local process

-- bound to the life of this process, which has handed out the offsets
local function generation()
    if not process then
        local info = redis.pcall('INFO', 'server')
        process = type(info) == 'string'
                  and string.match(info, 'run_id:(%x+)')
    end
    return process or ''
end

local function fresh(channel)
    local t = redis.call('TIME')
    return string.sub(redis.sha1hex(generation() .. t[1] .. ' ' .. t[2]
                                    .. channel .. tostring({})), 1, 16)
end

-- the channel is taken from keys or arguments
local function take(keys, args)
    local channel = keys[1] or table.remove(args, 1) or ''
    if channel == '' or #channel > 255
        or string.find(channel, '[%c%s,{}]')
        or string.sub(channel, 1, 2) == '__'
        or string.sub(channel, 1, #PREFIX) == PREFIX
    then
        error({ err = 'ERR invalid channel' })
    end
    return channel
end

-- what there is of it: keys, name in Redis, count, ttl
local function find(channel)
    local keys = { PREFIX .. 'h:{' .. channel .. '}',
                   PREFIX .. 'm:{' .. channel .. '}' }
    local own = redis.call('HMGET', keys[2], 'c', 't')
    local all = redis.pcall('HMGET', PREFIX .. 'cfg', 'c', 't', 'p')
    local count = tonumber(own[1] or all[1] or 0) or 0
    local ttl = tonumber(own[2] or all[2] or 3600000) or 3600000
    return keys, (all[3] or '') .. channel, whole(count), whole(ttl)
end

-- 1 to 128 bytes of UTF-8 without control characters, as the module wants it
local function text(name, value)
    local rest = string.gsub(value, '[\194-\223][\128-\191]', '.')
    rest = string.gsub(rest, '\224[\160-\191][\128-\191]', '.')
    rest = string.gsub(rest, '[\225-\236\238\239][\128-\191][\128-\191]', '.')
    rest = string.gsub(rest, '\237[\128-\159][\128-\191]', '.')
    rest = string.gsub(rest, '\240[\144-\191][\128-\191][\128-\191]', '.')
    rest = string.gsub(rest, '[\241-\243][\128-\191][\128-\191][\128-\191]',
                       '.')
    rest = string.gsub(rest, '\244[\128-\143][\128-\191][\128-\191]', '.')
    if #value == 0 or #value > 128 or string.find(rest, '[%z\1-\31\127-\255]')
        or (name == 'event' and string.sub(value, 1, 5) == 'push.')
    then
        error({ err = 'ERR invalid ' .. name })
    end
    return (string.gsub(value, '[^%w._~/-]', function(c)
        return string.format('%%%02X', string.byte(c))
    end))
end

local function number(name, value, most)
    local n = tonumber(value)
    if not n or n < 0 or n > most or n ~= n then
        error({ err = 'ERR invalid ' .. name })
    end
    return n
end

local function pairs_of(given)
    local head = ''
    local ttl = given.ttl and number('ttl', given.ttl, 1e9)
    for _, key in ipairs({ 'n event', 'y type', 'i id', 'x except' }) do
        local name = string.sub(key, 3)
        if given[name] then
            head = head .. ' ' .. string.sub(key, 1, 1) .. '='
                   .. text(name, given[name])
        end
    end
    if ttl and ttl > 0 then
        head = head .. ' t=' .. whole(math.ceil(ttl * 1000))
    end
    if given.volatile == '1' then
        head = head .. ' f=v'
    end
    return head, ttl
end

local known = { event = 1, type = 1, id = 1, ttl = 1, except = 1,
                volatile = 1 }

local function push_pub(keys, args)
    local channel = take(keys, args)
    local given = {}
    for i = 2, #args, 2 do
        if not known[args[i]] or not args[i + 1] then
            return redis.error_reply('ERR unknown option or no value: '
                                     .. args[i])
        end
        given[args[i]] = args[i + 1]
    end
    if not args[1] then
        return redis.error_reply('ERR no body')
    end
    local head, own = pairs_of(given)
    local names, wire, count, ttl = find(channel)
    if given.volatile == '1' or own == 0 then
        count = '0'
    end
    if given.id then
        names[3] = PREFIX .. 'd:{' .. channel .. '}:' .. given.id
    end
    local answer = pub(names, { wire, count, ttl, fresh(channel),
                                generation(), own and '1' or '',
                                head .. '\n' .. args[1], '0' })
    answer[4] = nil
    return answer
end

local function push_hist(keys, args)
    local channel = take(keys, args)
    local from = number('offset', args[1] or 1, 2 ^ 53)
    local limit = number('limit', args[2] or 100, 1024)
    local names, wire, count, ttl = find(channel)
    return hist(names, { count, ttl, fresh(channel), generation(), '1',
                         from, limit, 1048576, 536870912 })
end

local function push_del(keys, args)
    local channel = take(keys, args)
    local names, wire = find(channel)
    return del(names, { wire, PREFIX .. 'ctl',
                        '\255P1C - 0 ' .. whole(clock()) .. ' n=delete\n'
                        .. channel, '' })
end

redis.register_function('push_pub', push_pub)
redis.register_function('push_hist', push_hist)
redis.register_function('push_del', push_del)
