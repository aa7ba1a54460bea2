/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the scripts that run in Redis: owns their text, its digests, and
 * the source of epochs.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_sha1.h>

#include "ngx_http_push_script.h"


#define NGX_HTTP_PUSH_SCRIPT_DIGEST  20
#define NGX_HTTP_PUSH_SCRIPT_HEAD    3       /* words before the keys */


/*
 * The text is that of conf-examples/push.lua, which offers the same to other
 * publishers: it is changed there and taken over by "t/lint/script --write".
 */

/* push.lua { */

#define NGX_HTTP_PUSH_SCRIPT_SHARED \
    "local function whole(n)\n" \
    "return string.format('%.0f', n)\n" \
    "end\n" \
    "local function last_of(s, e)\n" \
    "s = tonumber(s)\n" \
    "if s and s >= 0 and s < 2^53 and s % 1 == 0\n" \
    "and e and #e < 24 and string.match(e, '^%w+$')\n" \
    "then\n" \
    "return s\n" \
    "end\n" \
    "end\n" \
    "local function clock()\n" \
    "local t = redis.call('TIME')\n" \
    "return t[1] * 1000 + math.floor(t[2] / 1000)\n" \
    "end\n" \
    "local function dies(entry, ttl)\n" \
    "local ms, more = string.match(entry,\n" \
    "'^\\255P1M %S+ %d+ (%d+)([^\\n]*)')\n" \
    "if not ms then\n" \
    "return 0\n" \
    "end\n" \
    "local own = tonumber(string.match(more, ' t=(%d+)'))\n" \
    "return ms + math.min(own or ttl, ttl)\n" \
    "end\n" \
    "local function sweep(h, now, ttl)\n" \
    "local head = redis.call('LINDEX', h, 0)\n" \
    "local left = 1024\n" \
    "while head and left > 0 and dies(head, ttl) <= now do\n" \
    "local heads = redis.call('LRANGE', h, 0, 31)\n" \
    "local n = 1\n" \
    "while heads[n + 1] and dies(heads[n + 1], ttl) <= now do\n" \
    "n = n + 1\n" \
    "end\n" \
    "redis.call('LTRIM', h, n, -1)\n" \
    "head = n == #heads and redis.call('LINDEX', h, 0)\n" \
    "left = left - n\n" \
    "end\n" \
    "end\n" \
    "local function keep(h, m, ttl)\n" \
    "redis.call('PEXPIRE', h, whole(ttl * 1.25 + 1000))\n" \
    "redis.call('PEXPIRE', m, whole(ttl * 1.25 + 86400000))\n" \
    "end\n"

#define NGX_HTTP_PUSH_SCRIPT_PUB_TEXT \
    "local function pub(keys, args)\n" \
    "local h, m, d = keys[1], keys[2], keys[3]\n" \
    "local channel, fresh, run, rest = args[1], args[4], args[5], args[7]\n" \
    "local count, ttl = tonumber(args[2]), tonumber(args[3])\n" \
    "local sum = d and redis.sha1hex(rest)\n" \
    "local first = d and redis.call('GET', d)\n" \
    "if first then\n" \
    "local e, o, n, here, other =\n" \
    "string.match(first, '^(%S+) (%d+) (%d+) (%d+) (%x+)$')\n" \
    "if other ~= sum then\n" \
    "return redis.error_reply('CONFLICT the id is of another message')\n" \
    "end\n" \
    "return { e, o, tonumber(n), tonumber(here) }\n" \
    "end\n" \
    "local function remember(e, o, n)\n" \
    "if d then\n" \
    "redis.call('SET', d, e .. ' ' .. o .. ' ' .. n .. ' ' .. args[8]\n" \
    ".. ' ' .. sum, 'PX', 300000)\n" \
    "end\n" \
    "return { e, o, n }\n" \
    "end\n" \
    "local now = clock()\n" \
    "if count == 0 then\n" \
    "remember('-', '0', 0)\n" \
    "local n = redis.call('PUBLISH', channel,\n" \
    "'\\255P1M - 0 ' .. whole(now) .. rest)\n" \
    "return remember('-', '0', n)\n" \
    "end\n" \
    "local v = redis.call('HMGET', m, 's', 'e', 'g', 'x', 'c', 't')\n" \
    "local s, e, x = last_of(v[1], v[2]), v[2], tonumber(v[4])\n" \
    "local turn = not s or (run ~= '' and run ~= v[3])\n" \
    "if turn then\n" \
    "e = fresh\n" \
    "end\n" \
    "local top = whole((s or 0) + 1)\n" \
    "local envelope = '\\255P1M ' .. e .. ' ' .. top .. ' ' .. whole(now)\n" \
    ".. rest\n" \
    "local n = redis.call('RPUSH', h, envelope)\n" \
    "local links = redis.pcall('PUBLISH', channel, envelope)\n" \
    "if type(links) == 'table' then\n" \
    "redis.call('LTRIM', h, 0, -2)\n" \
    "return links\n" \
    "end\n" \
    "if turn or not x or now >= x or x - now > ttl\n" \
    "or v[5] ~= args[2] or v[6] ~= args[3] or args[6] == '1'\n" \
    "then\n" \
    "if turn and s then\n" \
    "redis.call('HSET', m, 'pe', v[2], 'pf', v[1])\n" \
    "elseif n ~= 1 and not s then\n" \
    "redis.call('LTRIM', h, -1, -1)\n" \
    "end\n" \
    "redis.call('HSET', m, 's', top, 'e', e,\n" \
    "'g', run ~= '' and run or v[3] or '',\n" \
    "'x', whole(now + ttl / 4), 'c', args[2], 't', args[3])\n" \
    "if args[6] == '1' then\n" \
    "redis.call('HSET', m, 'o', 1)\n" \
    "end\n" \
    "sweep(h, now, ttl)\n" \
    "keep(h, m, ttl)\n" \
    "else\n" \
    "redis.call('HSET', m, 's', top)\n" \
    "end\n" \
    "if n > count * 1.125 then\n" \
    "redis.call('LTRIM', h, -count, -1)\n" \
    "end\n" \
    "return remember(e, top, links)\n" \
    "end\n"

#define NGX_HTTP_PUSH_SCRIPT_HIST_TEXT \
    "local function hist(keys, args)\n" \
    "local h, m = keys[1], keys[2]\n" \
    "local count, ttl, fresh, run = args[1], args[2], args[3], args[4]\n" \
    "local from, limit = tonumber(args[6]), tonumber(args[7])\n" \
    "local bytes, most = tonumber(args[8]), tonumber(args[9])\n" \
    "local v = redis.call('HMGET', m, 's', 'e', 'g', 'pf', 'pe', 'c', 't',\n" \
    "'o', 'x')\n" \
    "local now = clock()\n" \
    "local s, e = last_of(v[1], v[2]), v[2]\n" \
    "local pf, pe = v[4] or '0', v[5] or ''\n" \
    "local set = {}\n" \
    "if s and run ~= '' and run ~= v[3] then\n" \
    "set = { 'e', fresh, 'g', run, 'pe', e, 'pf', v[1] }\n" \
    "end\n" \
    "if (s or args[5] ~= '1') and (count ~= v[6] or ttl ~= v[7]) then\n" \
    "for _, value in ipairs({ 'c', count, 't', ttl, 'x', '0' }) do\n" \
    "set[#set + 1] = value\n" \
    "end\n" \
    "end\n" \
    "if s and not set[1] and now > (tonumber(v[9]) or 0) + 43200000 then\n" \
    "set = { 'x', whole(now) }\n" \
    "end\n" \
    "if set[1] then\n" \
    "local done = redis.pcall('HSET', m, unpack(set))\n" \
    "if type(done) == 'table' then\n" \
    "set = {}\n" \
    "else\n" \
    "redis.call('PEXPIRE', m, whole(ttl * 1.25 + 86400000))\n" \
    "end\n" \
    "end\n" \
    "if not s then\n" \
    "return { '', '0', '', '0', '0' }\n" \
    "end\n" \
    "if set[1] == 'e' then\n" \
    "e, pe, pf = fresh, e, v[1]\n" \
    "end\n" \
    "ttl = tonumber(ttl)\n" \
    "pcall(sweep, h, now, ttl)\n" \
    "local n = math.min(redis.call('LLEN', h), tonumber(count), s)\n" \
    "local answer = { e, whole(s), pe, pf, whole(n) }\n" \
    "local sum = 0\n" \
    "from = math.max(from, s - n + 1)\n" \
    "while from <= s and limit > 0 do\n" \
    "local last = math.min(from + 15, from + limit - 1, s)\n" \
    "local piece = redis.call('LRANGE', h, whole(from - s - 1),\n" \
    "whole(last - s - 1))\n" \
    "for _, entry in ipairs(piece) do\n" \
    "if #entry > most or (v[8] and dies(entry, ttl) <= now) then\n" \
    "if sum ~= 0 then\n" \
    "return answer\n" \
    "end\n" \
    "elseif sum ~= 0 and sum + #entry > bytes then\n" \
    "return answer\n" \
    "else\n" \
    "answer[#answer + 1] = entry\n" \
    "sum = sum + #entry\n" \
    "limit = limit - 1\n" \
    "end\n" \
    "end\n" \
    "from = last + 1\n" \
    "end\n" \
    "return answer\n" \
    "end\n"

#define NGX_HTTP_PUSH_SCRIPT_DEL_TEXT \
    "local function del(keys, args)\n" \
    "local had = redis.call('HEXISTS', keys[2], 's')\n" \
    "local n = redis.call('PUBSUB', 'NUMSUB', args[1])[2]\n" \
    "redis.call('DEL', keys[1], keys[2])\n" \
    "if had ~= 0 or n ~= 0 or args[4] == '1' then\n" \
    "redis.call('PUBLISH', args[2], args[3])\n" \
    "end\n" \
    "return { had, n }\n" \
    "end\n"

/* } push.lua */


#define ngx_http_push_script_source(function, text)                           \
    ngx_string(NGX_HTTP_PUSH_SCRIPT_SHARED text                               \
               "return " function "(KEYS, ARGV)\n")


typedef struct {
    ngx_str_t    text;
    u_char       digest[NGX_HTTP_PUSH_SCRIPT_DIGEST * 2];
} ngx_http_push_script_t;


static void ngx_http_push_script_add_copy(ngx_http_push_script_call_t *call,
    u_char *last);
static void ngx_http_push_script_add_key(ngx_http_push_script_call_t *call,
    ngx_http_push_redis_conf_t *rc, const char *kind, ngx_str_t *channel);


static ngx_http_push_script_t  ngx_http_push_script_list[] = {

    { ngx_http_push_script_source("pub", NGX_HTTP_PUSH_SCRIPT_PUB_TEXT),
      "" },

    { ngx_http_push_script_source("hist", NGX_HTTP_PUSH_SCRIPT_HIST_TEXT),
      "" },

    { ngx_http_push_script_source("del", NGX_HTTP_PUSH_SCRIPT_DEL_TEXT),
      "" }
};


static uint64_t  ngx_http_push_script_state;


ngx_int_t
ngx_http_push_script_init(ngx_log_t *log)
{
    u_char                   digest[NGX_HTTP_PUSH_SCRIPT_DIGEST];
    ssize_t                  n;
    ngx_fd_t                 fd;
    ngx_uint_t               i;
    ngx_sha1_t               sha1;
    ngx_http_push_script_t  *script;

    for (i = 0; i <= NGX_HTTP_PUSH_SCRIPT_DEL; i++) {
        script = &ngx_http_push_script_list[i];

        ngx_sha1_init(&sha1);
        ngx_sha1_update(&sha1, script->text.data, script->text.len);
        ngx_sha1_final(digest, &sha1);

        (void) ngx_hex_dump(script->digest, digest, sizeof(digest));
    }

    fd = ngx_open_file((u_char *) "/dev/urandom", NGX_FILE_RDONLY,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      ngx_open_file_n " \"/dev/urandom\" failed");
        return NGX_ERROR;
    }

    n = ngx_read_fd(fd, &ngx_http_push_script_state,
                    sizeof(ngx_http_push_script_state));

    if (n != sizeof(ngx_http_push_script_state)) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      ngx_read_fd_n " \"/dev/urandom\" failed");
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      ngx_close_file_n " \"/dev/urandom\" failed");
    }

    return (n == sizeof(ngx_http_push_script_state)) ? NGX_OK : NGX_ERROR;
}


void
ngx_http_push_script_begin(ngx_http_push_script_call_t *call,
    ngx_uint_t script, ngx_http_push_redis_conf_t *rc, ngx_str_t *channel)
{
    call->script = script;
    call->nkeys = 2;
    call->argc = NGX_HTTP_PUSH_SCRIPT_HEAD;
    call->last = call->room;

    ngx_http_push_script_add_key(call, rc, "h", channel);
    ngx_http_push_script_add_key(call, rc, "m", channel);
}


void
ngx_http_push_script_add_id(ngx_http_push_script_call_t *call,
    ngx_http_push_redis_conf_t *rc, ngx_str_t *channel, ngx_str_t *id)
{
    call->nkeys++;

    ngx_http_push_script_add_copy(call,
                                  ngx_sprintf(call->last, "%Vd:{%V}:%V",
                                              &rc->keys, channel, id));
}


static void
ngx_http_push_script_add_key(ngx_http_push_script_call_t *call,
    ngx_http_push_redis_conf_t *rc, const char *kind, ngx_str_t *channel)
{
    ngx_http_push_script_add_copy(call,
                                  ngx_sprintf(call->last, "%V%s:{%V}",
                                              &rc->keys, kind, channel));
}


/* the next word is what was written up to last */

static void
ngx_http_push_script_add_copy(ngx_http_push_script_call_t *call, u_char *last)
{
    ngx_str_t  word;

    word.data = call->last;
    word.len = last - call->last;

    call->last = last;

    ngx_http_push_script_add(call, &word);
}


void
ngx_http_push_script_add(ngx_http_push_script_call_t *call, ngx_str_t *text)
{
    call->argv[call->argc++] = *text;
}


void
ngx_http_push_script_add_number(ngx_http_push_script_call_t *call, uint64_t n)
{
    ngx_http_push_script_add_copy(call, ngx_sprintf(call->last, "%uL", n));
}


void
ngx_http_push_script_add_wire(ngx_http_push_script_call_t *call,
    ngx_http_push_redis_conf_t *rc, ngx_str_t *channel)
{
    ngx_http_push_script_add_copy(call, ngx_sprintf(call->last, "%V%V",
                                                    &rc->prefix, channel));
}


void
ngx_http_push_script_add_policy(ngx_http_push_script_call_t *call,
    const ngx_http_push_policy_t *policy)
{
    ngx_http_push_script_add_number(call, policy ? policy->count : 0);
    ngx_http_push_script_add_number(call, policy ? policy->ttl : 0);
}


/* SplitMix64: each of its 2^64 values comes once, from a random beginning */

void
ngx_http_push_script_add_epoch(ngx_http_push_script_call_t *call)
{
    uint64_t  n;

    ngx_http_push_script_state += 0x9e3779b97f4a7c15;

    n = ngx_http_push_script_state;
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9;
    n = (n ^ (n >> 27)) * 0x94d049bb133111eb;
    n = n ^ (n >> 31);

    ngx_http_push_script_add_copy(call, ngx_sprintf(call->last, "%016xL", n));
}


ngx_int_t
ngx_http_push_script_load(ngx_http_push_link_t *l,
    ngx_http_push_link_command_t *cmd, ngx_uint_t script)
{
    ngx_str_t  argv[3];

    ngx_str_set(&argv[0], "SCRIPT");
    ngx_str_set(&argv[1], "LOAD");

    argv[2] = ngx_http_push_script_list[script].text;

    cmd->replies = 1;

    return ngx_http_push_link_send(l, cmd, 3, argv);
}


ngx_int_t
ngx_http_push_script_send(ngx_http_push_script_call_t *call,
    ngx_http_push_link_t *l, ngx_http_push_link_command_t *cmd,
    ngx_uint_t whole)
{
    ngx_http_push_script_t  *script;

    script = &ngx_http_push_script_list[call->script];

    if (whole) {
        ngx_str_set(&call->argv[0], "EVAL");
        call->argv[1] = script->text;

    } else {
        ngx_str_set(&call->argv[0], "EVALSHA");
        call->argv[1].data = script->digest;
        call->argv[1].len = sizeof(script->digest);
    }

    call->argv[2].data = call->last;
    call->argv[2].len = ngx_sprintf(call->last, "%ui", call->nkeys)
                        - call->last;

    cmd->replies = 1;

    return ngx_http_push_link_send(l, cmd, call->argc, call->argv);
}


ngx_int_t
ngx_http_push_script_send_command(ngx_http_push_script_call_t *call,
    ngx_http_push_link_t *l, ngx_http_push_link_command_t *cmd,
    const char *name)
{
    ngx_str_t  *argv;

    argv = &call->argv[NGX_HTTP_PUSH_SCRIPT_HEAD];

    argv[0].data = (u_char *) name;
    argv[0].len = ngx_strlen(name);

    cmd->replies = 1;

    return ngx_http_push_link_send(l, cmd,
                                   call->argc - NGX_HTTP_PUSH_SCRIPT_HEAD,
                                   argv);
}


ngx_uint_t
ngx_http_push_script_is_forgotten(ngx_http_push_reply_t *reply)
{
    return ngx_http_push_reply_is_error(reply, "NOSCRIPT");
}
