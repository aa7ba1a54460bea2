/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: questions about a history and their answers; owns nothing.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_decimal.h"
#include "ngx_http_push_envelope.h"
#include "ngx_http_push_hist.h"


#define NGX_HTTP_PUSH_HIST_KEY     256       /* room for keys= and "cfg" */
#define NGX_HTTP_PUSH_HIST_HEAD    5         /* values before the entries */
#define NGX_HTTP_PUSH_HIST_FIELDS  8         /* of the meta, by HMGET */

/* places in the reply */
#define NGX_HTTP_PUSH_HIST_RUN_ID  3
#define NGX_HTTP_PUSH_HIST_COUNT   6
#define NGX_HTTP_PUSH_HIST_TTL     7
#define NGX_HTTP_PUSH_HIST_KEPT    8

/* what is asked for is kept, by a look of the script so often, in ms */
#define NGX_HTTP_PUSH_HIST_KEEP    (12 * 3600 * 1000)


static void ngx_http_push_hist_get_position(
    ngx_http_push_position_t *position, ngx_http_push_value_t *epoch,
    ngx_http_push_value_t *offset);
static ngx_int_t ngx_http_push_hist_get_number(ngx_http_push_value_t *value,
    uint64_t *n);
static ngx_uint_t ngx_http_push_hist_is(ngx_http_push_value_t *value,
    uint64_t n);


ngx_int_t
ngx_http_push_hist_announce(ngx_http_push_hist_conf_t *conf,
    ngx_http_push_link_t *l, ngx_http_push_link_command_t *cmd)
{
    u_char                         key[NGX_HTTP_PUSH_HIST_KEY];
    u_char                         count[NGX_INT_T_LEN], ttl[NGX_INT_T_LEN];
    ngx_str_t                      argv[8];
    const ngx_http_push_policy_t  *policy;

    policy = ngx_http_push_feed_usual_policy(conf->feeds);

    ngx_str_set(&argv[0], "HSET");

    argv[1].data = key;
    argv[1].len = ngx_sprintf(key, "%Vcfg", &conf->rc->keys) - key;

    ngx_str_set(&argv[2], "c");

    argv[3].data = count;
    argv[3].len = ngx_sprintf(count, "%ui", policy ? policy->count : 0)
                  - count;

    ngx_str_set(&argv[4], "t");

    argv[5].data = ttl;
    argv[5].len = ngx_sprintf(ttl, "%M", policy ? policy->ttl
                                                : NGX_HTTP_PUSH_POLICY_TTL)
                  - ttl;

    ngx_str_set(&argv[6], "p");

    argv[7] = conf->rc->prefix;

    cmd->replies = 1;

    return ngx_http_push_link_send(l, cmd, 8, argv);
}


ngx_int_t
ngx_http_push_hist_send(ngx_http_push_hist_conf_t *conf,
    ngx_http_push_link_t *l, ngx_http_push_link_command_t *cmd,
    ngx_http_push_hist_query_t *query, ngx_uint_t whole)
{
    size_t                         size;
    ngx_str_t                      usual;
    ngx_uint_t                     limit;
    ngx_http_push_script_call_t    call;
    const ngx_http_push_policy_t  *policy;

    policy = ngx_http_push_feed_policy(conf->feeds, query->channel);

    usual.data = (u_char *) "1";
    usual.len = (policy != NULL && policy->pieces == NULL) ? 1 : 0;

    limit = ngx_min(query->limit, NGX_HTTP_PUSH_HIST_MESSAGES);
    size = ngx_min(query->size, NGX_HTTP_PUSH_HIST_SIZE);

    ngx_http_push_script_begin(&call, NGX_HTTP_PUSH_SCRIPT_HIST, conf->rc,
                               query->channel);

    ngx_http_push_script_add_policy(&call, policy);
    ngx_http_push_script_add_epoch(&call);
    ngx_http_push_script_add(&call,
                             ngx_http_push_server_generation(conf->server));
    ngx_http_push_script_add(&call, &usual);
    ngx_http_push_script_add_number(&call, query->from);
    ngx_http_push_script_add_number(&call, limit);
    ngx_http_push_script_add_number(&call, size);
    ngx_http_push_script_add_number(&call, conf->max_message
                                        + NGX_HTTP_PUSH_ENVELOPE_HEADER_MAX);

    return ngx_http_push_script_send(&call, l, cmd, whole);
}


ngx_int_t
ngx_http_push_hist_parse(ngx_http_push_hist_t *hist,
    ngx_http_push_reply_t *reply)
{
    uint64_t                n;
    ngx_uint_t              i;
    ngx_http_push_value_t  *value;

    if (reply->n <= NGX_HTTP_PUSH_HIST_HEAD
        || !ngx_http_push_reply_is_list(reply, reply->n - 1))
    {
        return NGX_ERROR;
    }

    value = &reply->values[1];

    if (ngx_http_push_hist_get_number(&value[4], &n) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_push_hist_get_position(&hist->top, &value[0], &value[1]);
    ngx_http_push_hist_get_position(&hist->prev, &value[2], &value[3]);

    hist->messages = (ngx_uint_t) n;
    hist->entries = &value[NGX_HTTP_PUSH_HIST_HEAD];
    hist->n = reply->n - 1 - NGX_HTTP_PUSH_HIST_HEAD;

    for (i = 0; i < hist->n; i++) {
        if (hist->entries[i].type != NGX_HTTP_PUSH_VALUE_STRING) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_push_hist_peek(ngx_http_push_hist_conf_t *conf,
    ngx_http_push_link_t *l, ngx_http_push_link_command_t *cmd,
    ngx_str_t *channel)
{
    ngx_uint_t                   i;
    ngx_http_push_script_call_t  call;

    static ngx_str_t             fields[NGX_HTTP_PUSH_HIST_FIELDS] = {
        ngx_string("e"), ngx_string("s"), ngx_string("g"), ngx_string("pe"),
        ngx_string("pf"), ngx_string("c"), ngx_string("t"), ngx_string("x")
    };

    /* the second key of each script is what is wanted here */

    ngx_http_push_script_begin(&call, NGX_HTTP_PUSH_SCRIPT_HIST, conf->rc,
                               channel);

    for (i = 0; i < NGX_HTTP_PUSH_HIST_FIELDS; i++) {
        ngx_http_push_script_add(&call, &fields[i]);
    }

    return ngx_http_push_script_send_command(&call, l, cmd, "HMGET");
}


ngx_int_t
ngx_http_push_hist_parse_peek(ngx_http_push_hist_conf_t *conf,
    ngx_str_t *channel, ngx_http_push_reply_t *reply,
    ngx_http_push_hist_t *hist)
{
    uint64_t                       x;
    ngx_str_t                     *run_id, *generation;
    ngx_uint_t                     kept;
    ngx_time_t                    *tp;
    ngx_http_push_value_t         *value;
    const ngx_http_push_policy_t  *policy;

    if (!ngx_http_push_reply_is_list(reply, NGX_HTTP_PUSH_HIST_FIELDS)) {
        return NGX_ERROR;
    }

    value = reply->values;

    ngx_memzero(hist, sizeof(ngx_http_push_hist_t));

    ngx_http_push_hist_get_position(&hist->top, &value[1], &value[2]);
    ngx_http_push_hist_get_position(&hist->prev, &value[4], &value[5]);

    policy = ngx_http_push_feed_policy(conf->feeds, channel);

    if (policy == NULL) {
        return NGX_OK;
    }

    kept = ngx_http_push_hist_is(&value[NGX_HTTP_PUSH_HIST_COUNT],
                                 policy->count)
           && ngx_http_push_hist_is(&value[NGX_HTTP_PUSH_HIST_TTL],
                                    policy->ttl);

    if (hist->top.len == 0) {

        /* who else publishes finds the policy of all channels elsewhere */

        return (kept || policy->pieces == NULL) ? NGX_OK : NGX_DECLINED;
    }

    /* nil has no length */

    run_id = &value[NGX_HTTP_PUSH_HIST_RUN_ID].str;
    generation = ngx_http_push_server_generation(conf->server);

    if (generation->len != 0
        && (generation->len != run_id->len
            || ngx_memcmp(generation->data, run_id->data, run_id->len) != 0))
    {
        return NGX_DECLINED;
    }

    if (ngx_http_push_hist_get_number(&value[NGX_HTTP_PUSH_HIST_KEPT], &x)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    tp = ngx_timeofday();

    if ((uint64_t) tp->sec * 1000 + tp->msec > x + NGX_HTTP_PUSH_HIST_KEEP) {
        return NGX_DECLINED;
    }

    return kept ? NGX_OK : NGX_DECLINED;
}


/* what makes no sense is none: who can write to Redis breaks no link */

static void
ngx_http_push_hist_get_position(ngx_http_push_position_t *position,
    ngx_http_push_value_t *epoch, ngx_http_push_value_t *offset)
{
    uint64_t  n;

    ngx_http_push_position_reset(position);

    if (epoch->type == NGX_HTTP_PUSH_VALUE_STRING
        && ngx_http_push_hist_get_number(offset, &n) == NGX_OK)
    {
        (void) ngx_http_push_position_set(position, &epoch->str, n);
    }
}


static ngx_int_t
ngx_http_push_hist_get_number(ngx_http_push_value_t *value, uint64_t *n)
{
    if (value->type != NGX_HTTP_PUSH_VALUE_STRING
        || !ngx_http_push_decimal_read(value->str.data, value->str.len, n))
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_push_hist_is(ngx_http_push_value_t *value, uint64_t n)
{
    uint64_t  number;

    return ngx_http_push_hist_get_number(value, &number) == NGX_OK
           && number == n;
}
