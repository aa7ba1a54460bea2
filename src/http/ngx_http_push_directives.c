/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: reads the directives into the configuration.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_choose.h"
#include "ngx_http_push_compile.h"
#include "ngx_http_push_conf.h"
#include "ngx_http_push_ctx.h"
#include "ngx_http_push_deflate.h"
#include "ngx_http_push_directives.h"
#include "ngx_http_push_handshake.h"
#include "ngx_http_push_policy.h"
#include "ngx_http_push_redis_conf.h"
#include "ngx_http_push_zone.h"


#define NGX_HTTP_PUSH_DIRECTIVES_MAX_MESSAGE  (1024 * 1024 * 1024)
#define NGX_HTTP_PUSH_DIRECTIVES_MAX_HISTORY  1000000


/* a word that a directive knows; mask 0: of a later release */

typedef struct {
    ngx_str_t                 name;
    ngx_uint_t                mask;
} ngx_http_push_directives_word_t;


static ngx_uint_t ngx_http_push_directives_is(ngx_str_t *value,
    const char *text);
static ngx_uint_t ngx_http_push_directives_begins(ngx_str_t *value,
    const char *text, ngx_str_t *rest);

static char *ngx_http_push_directives_parse_zone(ngx_conf_t *cf,
    ngx_http_push_main_conf_t *mcf, ngx_str_t *value);
static char *ngx_http_push_directives_parse_size(ngx_conf_t *cf,
    ngx_str_t *value, size_t *size);
static char *ngx_http_push_directives_parse_number(ngx_conf_t *cf,
    ngx_str_t *value, ngx_uint_t *n);
static char *ngx_http_push_directives_parse_time(ngx_conf_t *cf,
    ngx_str_t *value, ngx_msec_t *msec);
static char *ngx_http_push_directives_parse_deflate(ngx_conf_t *cf,
    ngx_http_push_limits_t *limits, ngx_str_t *value);
static char *ngx_http_push_directives_parse_overflow(ngx_conf_t *cf,
    ngx_str_t *value, ngx_uint_t *overflow);

static char *ngx_http_push_directives_parse_policy(ngx_conf_t *cf,
    ngx_http_push_policy_t *policy, ngx_uint_t *first);
static ngx_http_push_policy_t *ngx_http_push_directives_add_policies(
    ngx_conf_t *cf, ngx_http_push_policies_t *policies, ngx_uint_t n);
static char *ngx_http_push_directives_compile_policy(ngx_conf_t *cf,
    ngx_http_push_policy_t *policy, ngx_str_t *value);

static char *ngx_http_push_directives_take_location(ngx_conf_t *cf,
    ngx_command_t *cmd, ngx_http_push_loc_conf_t *lcf);
static char *ngx_http_push_directives_add_patterns(ngx_conf_t *cf,
    ngx_http_push_allow_t *allow);
static char *ngx_http_push_directives_check_origin(ngx_conf_t *cf,
    ngx_str_t *value);

static char *ngx_http_push_directives_set_words(ngx_conf_t *cf,
    ngx_http_push_directives_word_t *words, const char *kind,
    const char *expected, ngx_uint_t *mask, ngx_uint_t *first);


static ngx_http_push_directives_word_t
    ngx_http_push_directives_transports[] =
{
    { ngx_string("websocket"), NGX_HTTP_PUSH_TRANSPORT_WEBSOCKET },
    { ngx_string("eventsource"), NGX_HTTP_PUSH_TRANSPORT_EVENTSOURCE },
    { ngx_string("longpoll"), NGX_HTTP_PUSH_TRANSPORT_LONGPOLL },
    { ngx_string("stream"), NGX_HTTP_PUSH_TRANSPORT_STREAM },
    { ngx_null_string, 0 }
};


static ngx_http_push_directives_word_t
    ngx_http_push_directives_protocols[] =
{
    { ngx_string("raw"), NGX_HTTP_PUSH_DIALECT_RAW },
    { ngx_string("meta"), NGX_HTTP_PUSH_DIALECT_META },
    { ngx_string("json"), 0 },
    { ngx_null_string, 0 }
};


char *
ngx_http_push_directives_set_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_push_main_conf_t *mcf = conf;

    char        *rv;
    ngx_str_t   *value, rest;
    ngx_uint_t   i;

    if (mcf->zone_size) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_push_directives_begins(&value[i], "zone=", &rest)
            && mcf->zone_size == 0)
        {
            rv = ngx_http_push_directives_parse_zone(cf, mcf, &rest);

        } else if (ngx_http_push_directives_begins(&value[i], "channels=",
                                                   &rest))
        {
            rv = ngx_http_push_directives_parse_number(cf, &rest,
                                                       &mcf->zone_channels);
        } else {
            rv = ngx_http_push_conf_fail(cf,
                               "invalid parameter \"%V\", \"zone=NAME:SIZE\" "
                               "and optionally \"channels=N\" expected",
                               &value[i]);
        }

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (mcf->zone_size == 0) {
        return ngx_http_push_conf_fail(cf,
                                             "no \"zone=NAME:SIZE\" in it");
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_push_directives_parse_zone(ngx_conf_t *cf,
    ngx_http_push_main_conf_t *mcf, ngx_str_t *value)
{
    u_char     *p;
    ssize_t     size;
    ngx_str_t   s;

    p = ngx_strlchr(value->data, value->data + value->len, ':');

    if (p == NULL || p == value->data) {
        return ngx_http_push_conf_fail(cf,
                                "invalid zone \"%V\", \"zone=NAME:SIZE\" "
                                "expected, such as \"zone=push:32m\"", value);
    }

    s.data = p + 1;
    s.len = value->data + value->len - s.data;

    size = ngx_parse_size(&s);

    if (size == NGX_ERROR) {
        return ngx_http_push_conf_fail(cf,
                                "invalid zone size \"%V\", a size such as "
                                "\"32m\" expected", &s);
    }

    if (size < NGX_HTTP_PUSH_ZONE_MIN) {
        return ngx_http_push_conf_fail(cf,
                                "zone size \"%V\" is too small, at least "
                                "\"%dk\" expected", &s,
                                NGX_HTTP_PUSH_ZONE_MIN / 1024);
    }

    mcf->zone_name.data = value->data;
    mcf->zone_name.len = p - value->data;
    mcf->zone_size = size;

    return NGX_CONF_OK;
}


char *
ngx_http_push_directives_set_redis(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_push_main_conf_t *mcf = conf;

    if (mcf->redis != NULL) {
        return "is duplicate, there can be one Redis server";
    }

    mcf->redis = ngx_pcalloc(cf->pool, sizeof(ngx_http_push_redis_conf_t));
    if (mcf->redis == NULL) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_push_redis_conf_parse(cf, mcf->redis);
}


char *
ngx_http_push_directives_set_history(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_push_main_conf_t *mcf = conf;

    char                      *rv;
    ngx_str_t                 *value;
    ngx_uint_t                 i, n, first;
    ngx_http_push_policy_t     policy, *p;
    ngx_http_push_policies_t  *all;

    all = &mcf->history;
    value = cf->args->elts;

    if (all->n && all->elts[all->n - 1].pieces == NULL) {
        return ngx_http_push_conf_fail(cf,
                                    "can never hold: the one before has no "
                                    "pattern, so it holds for every channel");
    }

    rv = ngx_http_push_directives_parse_policy(cf, &policy, &first);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    n = cf->args->nelts - first;

    p = ngx_http_push_directives_add_policies(cf, all, n ? n : 1);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    p[0] = policy;

    for (i = 0; i < n; i++) {
        p[i] = policy;

        rv = ngx_http_push_directives_compile_policy(cf, &p[i],
                                                     &value[first + i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


/* COUNT and TTL; *first is the argument after them */

static char *
ngx_http_push_directives_parse_policy(ngx_conf_t *cf,
    ngx_http_push_policy_t *policy, ngx_uint_t *first)
{
    char       *rv;
    ngx_int_t   msec;
    ngx_str_t  *value;

    value = cf->args->elts;

    ngx_memzero(policy, sizeof(ngx_http_push_policy_t));

    rv = ngx_http_push_directives_parse_number(cf, &value[1], &policy->count);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (policy->count > NGX_HTTP_PUSH_DIRECTIVES_MAX_HISTORY) {
        return ngx_http_push_conf_fail(cf,
                                    "invalid number \"%V\", at most %d "
                                    "messages expected", &value[1],
                                    NGX_HTTP_PUSH_DIRECTIVES_MAX_HISTORY);
    }

    policy->ttl = NGX_HTTP_PUSH_POLICY_TTL;
    *first = 2;

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    /* whatever can be a time is none of the patterns */

    msec = ngx_parse_time(&value[2], 0);

    if (msec == NGX_ERROR) {

        /* nginx knows months and years only where it counts seconds */

        msec = ngx_parse_time(&value[2], 1);

        if (msec == NGX_ERROR) {
            return NGX_CONF_OK;
        }

        msec = ngx_min(msec, NGX_HTTP_PUSH_POLICY_TTL_MAX) * 1000;
    }

    if (msec == 0 || msec > NGX_HTTP_PUSH_POLICY_TTL_MAX) {
        return ngx_http_push_conf_fail(cf,
                                    "invalid time \"%V\", a time such as "
                                    "\"1h\", at most 10 years, expected",
                                    &value[2]);
    }

    policy->ttl = msec;
    *first = 3;

    return NGX_CONF_OK;
}


/* room for n more, the first of which is returned; seldom more than a few */

static ngx_http_push_policy_t *
ngx_http_push_directives_add_policies(ngx_conf_t *cf,
    ngx_http_push_policies_t *policies, ngx_uint_t n)
{
    ngx_http_push_policy_t  *elts, *p;

    elts = ngx_palloc(cf->pool, (policies->n + n)
                                * sizeof(ngx_http_push_policy_t));
    if (elts == NULL) {
        return NULL;
    }

    if (policies->n) {
        ngx_memcpy(elts, policies->elts,
                   policies->n * sizeof(ngx_http_push_policy_t));
    }

    p = elts + policies->n;

    policies->elts = elts;
    policies->n += n;

    return p;
}


/*
 * A channel has one policy, for whoever publishes or subscribes: no request
 * has a say in it, hence no variables.
 */

static char *
ngx_http_push_directives_compile_policy(ngx_conf_t *cf,
    ngx_http_push_policy_t *policy, ngx_str_t *value)
{
    size_t                      n;
    ngx_http_push_name_piece_t  pieces[NGX_HTTP_PUSH_NAME_MAX_PIECES];

    if (value->len == 0) {
        return ngx_http_push_conf_fail(cf, "empty pattern \"\"");
    }

    if (ngx_strlchr(value->data, value->data + value->len, '$') != NULL) {
        return ngx_http_push_conf_fail(cf,
                                    "invalid pattern \"%V\", there can be no "
                                    "variables in it", value);
    }

    if (ngx_http_push_name_compile(value->data, value->len, pieces,
                                   NGX_HTTP_PUSH_NAME_MAX_PIECES, &n)
        != NGX_HTTP_PUSH_NAME_OK)
    {
        return ngx_http_push_conf_fail(cf,
                                    "pattern \"%V\" is too long, at most %d "
                                    "texts, \"*\" and \"**\" expected", value,
                                    NGX_HTTP_PUSH_NAME_MAX_PIECES);
    }

    policy->pieces = ngx_palloc(cf->pool,
                                n * sizeof(ngx_http_push_name_piece_t));
    if (policy->pieces == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(policy->pieces, pieces, n * sizeof(ngx_http_push_name_piece_t));
    policy->npieces = n;

    return NGX_CONF_OK;
}


char *
ngx_http_push_directives_set_names(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_push_loc_conf_t *lcf = conf;

    char        *rv;
    ngx_str_t   *value, rest;
    ngx_uint_t   i;

    rv = ngx_http_push_directives_take_location(cf, cmd, lcf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    lcf->names = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                  sizeof(ngx_array_t));
    if (lcf->names == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    /* names without variables are cut by split=, wherever it stands */

    for (i = 1; i < cf->args->nelts; i++) {

        if (!ngx_http_push_directives_begins(&value[i], "split=", &rest)) {
            continue;
        }

        if (rest.len != 1 || lcf->split) {
            return ngx_http_push_conf_fail(cf,
                                     "invalid \"%V\", \"split=\" and exactly "
                                     "one byte expected, once", &value[i]);
        }

        lcf->split = rest.data[0];
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_push_directives_begins(&value[i], "split=", &rest)) {
            continue;
        }

        rv = ngx_http_push_compile_name(cf, lcf, &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (lcf->names->nelts == 0) {
        return ngx_http_push_conf_fail(cf,
                                    "no channel name, NAME ... [split=CHAR] "
                                    "expected");
    }

    return NGX_CONF_OK;
}


/* the one door to a location's handler */

static char *
ngx_http_push_directives_take_location(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_http_push_loc_conf_t *lcf)
{
    ngx_http_push_endpoint_t   *endpoint;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_push_main_conf_t  *mcf;

    endpoint = cmd->post;

    if (lcf->endpoint == endpoint) {
        return "is duplicate";
    }

    if (lcf->endpoint != NULL) {
        return ngx_http_push_conf_fail(cf,
                                    "conflicts with \"%V\" in this location, "
                                    "only one of them can answer",
                                    &lcf->endpoint->directive);
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler != NULL) {
        return ngx_http_push_conf_fail(cf,
                                    "conflicts with another directive of "
                                    "this location that sets the handler, "
                                    "only one of them can answer");
    }

    clcf->handler = endpoint->handler;
    lcf->endpoint = endpoint;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_push_module);
    mcf->used = 1;

    return NGX_CONF_OK;
}


char *
ngx_http_push_directives_set_status(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_push_loc_conf_t *lcf = conf;

    char        *rv;
    ngx_str_t   *value;
    ngx_uint_t   i, format;

    rv = ngx_http_push_directives_take_location(cf, cmd, lcf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    format = 0;
    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_push_directives_is(&value[i], "names")
            && !lcf->names_shown)
        {
            lcf->names_shown = 1;
            continue;
        }

        if (ngx_http_push_directives_is(&value[i], "json") && !format) {
            format = 1;
            continue;
        }

        if (ngx_http_push_directives_is(&value[i], "html")
            || ngx_http_push_directives_is(&value[i], "prometheus"))
        {
            return ngx_http_push_conf_fail(cf,
                                   "format \"%V\" is not supported yet, "
                                   "\"json\" expected", &value[i]);
        }

        return ngx_http_push_conf_fail(cf,
                                   "invalid parameter \"%V\", \"json\" or "
                                   "\"names\" expected, each once", &value[i]);
    }

    return NGX_CONF_OK;
}


char *
ngx_http_push_directives_set_size(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char *p = conf;

    size_t     *size;
    ngx_str_t  *value;

    size = (size_t *) (p + cmd->offset);

    if (*size != NGX_CONF_UNSET_SIZE) {
        return "is duplicate";
    }

    value = cf->args->elts;

    return ngx_http_push_directives_parse_size(cf, &value[1], size);
}


char *
ngx_http_push_directives_set_number(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char *p = conf;

    ngx_str_t   *value;
    ngx_uint_t  *n;

    n = (ngx_uint_t *) (p + cmd->offset);

    if (*n != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    return ngx_http_push_directives_parse_number(cf, &value[1], n);
}


char *
ngx_http_push_directives_set_time(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char *p = conf;

    ngx_str_t   *value;
    ngx_msec_t  *msec;

    msec = (ngx_msec_t *) (p + cmd->offset);

    if (*msec != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    return ngx_http_push_directives_parse_time(cf, &value[1], msec);
}


char *
ngx_http_push_directives_set_queue(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_push_loc_conf_t *lcf = conf;

    char                    *rv;
    ngx_str_t               *value, rest;
    ngx_http_push_limits_t  *limits;

    limits = &lcf->limits;

    if (limits->queue_count != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    rv = ngx_http_push_directives_parse_number(cf, &value[1],
                                               &limits->queue_count);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_http_push_directives_parse_size(cf, &value[2],
                                             &limits->queue_size);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    limits->overflow = NGX_HTTP_PUSH_OVERFLOW_CLOSE;

    if (cf->args->nelts == 3) {
        return NGX_CONF_OK;
    }

    if (!ngx_http_push_directives_begins(&value[3], "overflow=", &rest)) {
        return ngx_http_push_conf_fail(cf,
                                    "invalid parameter \"%V\", COUNT SIZE "
                                    "[overflow=close|drop_oldest|drop_newest] "
                                    "expected", &value[3]);
    }

    return ngx_http_push_directives_parse_overflow(cf, &rest,
                                                   &limits->overflow);
}


char *
ngx_http_push_directives_set_ping(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_push_loc_conf_t *lcf = conf;

    char                    *rv;
    ngx_str_t               *value;
    ngx_http_push_limits_t  *limits;

    limits = &lcf->limits;

    if (limits->ping_interval != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    rv = ngx_http_push_directives_parse_time(cf, &value[1],
                                             &limits->ping_interval);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (cf->args->nelts == 2) {
        limits->ping_timeout = NGX_CONF_UNSET_MSEC;
        return NGX_CONF_OK;
    }

    return ngx_http_push_directives_parse_time(cf, &value[2],
                                               &limits->ping_timeout);
}


char *
ngx_http_push_directives_set_deflate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_push_loc_conf_t *lcf = conf;

    char                    *rv;
    ngx_str_t               *value;
    ngx_uint_t               i;
    ngx_http_push_limits_t  *limits;

    limits = &lcf->limits;

    if (limits->deflate != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    limits->deflate = ngx_http_push_directives_is(&value[1], "on");

    if (!limits->deflate && !ngx_http_push_directives_is(&value[1], "off")) {
        return ngx_http_push_conf_fail(cf,
                                    "invalid value \"%V\", \"on\" or \"off\" "
                                    "expected", &value[1]);
    }

    limits->deflate_level = NGX_HTTP_PUSH_LIMITS_DEFLATE_LEVEL;
    limits->deflate_min = NGX_HTTP_PUSH_LIMITS_DEFLATE_MIN;

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_http_push_directives_parse_deflate(cf, limits, &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_push_directives_parse_deflate(ngx_conf_t *cf,
    ngx_http_push_limits_t *limits, ngx_str_t *value)
{
    ngx_int_t  n;
    ngx_str_t  rest;

    if (ngx_http_push_directives_begins(value, "min=", &rest)) {
        return ngx_http_push_directives_parse_size(cf, &rest,
                                                   &limits->deflate_min);
    }

    if (!ngx_http_push_directives_begins(value, "level=", &rest)) {
        return ngx_http_push_conf_fail(cf,
                                    "invalid parameter \"%V\", \"level=N\" or "
                                    "\"min=SIZE\" expected", value);
    }

    n = ngx_atoi(rest.data, rest.len);

    if (n < NGX_HTTP_PUSH_DEFLATE_LEVEL_MIN
        || n > NGX_HTTP_PUSH_DEFLATE_LEVEL_MAX)
    {
        return ngx_http_push_conf_fail(cf,
                                    "invalid level \"%V\", a number from %d "
                                    "to %d expected", &rest,
                                    NGX_HTTP_PUSH_DEFLATE_LEVEL_MIN,
                                    NGX_HTTP_PUSH_DEFLATE_LEVEL_MAX);
    }

    limits->deflate_level = n;

    return NGX_CONF_OK;
}


char *
ngx_http_push_directives_set_origin(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_push_loc_conf_t *lcf = conf;

    char        *rv;
    ngx_str_t   *value;
    ngx_uint_t   i, alone;

    if (lcf->origin.mode != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;
    alone = (cf->args->nelts == 2);

    if (alone && ngx_http_push_directives_is(&value[1], "same")) {
        lcf->origin.mode = NGX_HTTP_PUSH_ALLOW_SAME;
        return NGX_CONF_OK;
    }

    if (alone && ngx_http_push_directives_is(&value[1], "any")) {
        lcf->origin.mode = NGX_HTTP_PUSH_ALLOW_ON;
        return NGX_CONF_OK;
    }

    for (i = 1; i < cf->args->nelts; i++) {
        rv = ngx_http_push_directives_check_origin(cf, &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    lcf->origin.fold = 1;

    return ngx_http_push_directives_add_patterns(cf, &lcf->origin);
}


/* refuses what no Origin of any browser could match */

static char *
ngx_http_push_directives_check_origin(ngx_conf_t *cf, ngx_str_t *value)
{
    u_char  *last, *p;

    if (ngx_http_push_directives_is(value, "same")
        || ngx_http_push_directives_is(value, "any"))
    {
        return ngx_http_push_conf_fail(cf,
                                    "\"%V\" has to stand alone: same, any, "
                                    "or PATTERN ... expected", value);
    }

    last = value->data + value->len;

    if (ngx_http_push_directives_is(value, "null")
        || ngx_http_push_directives_is(value, "file://")
        || ngx_strlchr(value->data, last, '$') != NULL
        || ngx_strnstr(value->data, "**", value->len) != NULL)
    {
        return NGX_CONF_OK;
    }

    p = (u_char *) ngx_strnstr(value->data, "://", value->len);

    if (p == NULL || p + 3 == last || ngx_strlchr(p + 3, last, '/') != NULL) {
        return ngx_http_push_conf_fail(cf,
                                    "invalid origin \"%V\", \"same\", "
                                    "\"any\", \"null\" or a pattern such as "
                                    "\"https://*.example.com\" expected",
                                    value);
    }

    return NGX_CONF_OK;
}


char *
ngx_http_push_directives_set_auth_reject(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_push_loc_conf_t *lcf = conf;

    ngx_str_t  *value;

    if (lcf->auth_reject != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_http_push_directives_is(&value[1], "http")) {
        lcf->auth_reject = 0;

    } else if (ngx_http_push_directives_is(&value[1], "close")) {
        lcf->auth_reject = 1;

    } else {
        return ngx_http_push_conf_fail(cf,
                                    "invalid value \"%V\", \"http\" or "
                                    "\"close\" expected", &value[1]);
    }

    return NGX_CONF_OK;
}


char *
ngx_http_push_directives_set_client_publish(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf)
{
    ngx_http_push_loc_conf_t *lcf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i, off;

    if (lcf->client_publish.mode != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        off = ngx_http_push_directives_is(&value[i], "off");

        if (!off && !ngx_http_push_directives_is(&value[i], "on")) {
            continue;
        }

        if (cf->args->nelts > 2) {
            return ngx_http_push_conf_fail(cf,
                                        "\"%V\" has to stand alone: off, on, "
                                        "or PATTERN ... expected", &value[i]);
        }

        lcf->client_publish.mode = off ? NGX_HTTP_PUSH_ALLOW_OFF
                                       : NGX_HTTP_PUSH_ALLOW_ON;
        return NGX_CONF_OK;
    }

    return ngx_http_push_directives_add_patterns(cf, &lcf->client_publish);
}


static char *
ngx_http_push_directives_add_patterns(ngx_conf_t *cf,
    ngx_http_push_allow_t *allow)
{
    char        *rv;
    ngx_str_t   *value;
    ngx_uint_t   i;

    allow->mode = NGX_HTTP_PUSH_ALLOW_PATTERNS;

    allow->patterns = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                       sizeof(ngx_array_t));
    if (allow->patterns == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        rv = ngx_http_push_compile_pattern(cf, allow, &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_http_push_directives_set_transport(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_push_loc_conf_t *lcf = conf;

    return ngx_http_push_directives_set_words(cf,
                                          ngx_http_push_directives_transports,
                                          "transport",
                                          "\"websocket\", \"eventsource\", "
                                          "\"longpoll\" or \"stream\"",
                                          &lcf->transports, NULL);
}


char *
ngx_http_push_directives_set_protocol(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_push_loc_conf_t *lcf = conf;

    return ngx_http_push_directives_set_words(cf,
                                          ngx_http_push_directives_protocols,
                                          "protocol",
                                          "\"raw\" or \"meta\"",
                                          &lcf->dialects, &lcf->dialect);
}


/* *first, where it is asked for, is the one that was named first */

static char *
ngx_http_push_directives_set_words(ngx_conf_t *cf,
    ngx_http_push_directives_word_t *words, const char *kind,
    const char *expected, ngx_uint_t *mask, ngx_uint_t *first)
{
    ngx_str_t                        *value;
    ngx_uint_t                        i;
    ngx_http_push_directives_word_t  *w;

    if (*mask != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    *mask = 0;
    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        for (w = words; w->name.len; w++) {

            if (w->name.len == value[i].len
                && ngx_strncmp(w->name.data, value[i].data, w->name.len) == 0)
            {
                break;
            }
        }

        if (w->name.len == 0) {
            return ngx_http_push_conf_fail(cf,
                                        "unknown %s \"%V\", %s expected",
                                        kind, &value[i], expected);
        }

        if (w->mask == 0) {
            return ngx_http_push_conf_fail(cf,
                                        "%s \"%V\" is not supported yet, "
                                        "%s expected",
                                        kind, &value[i], expected);
        }

        if (*mask & w->mask) {
            return ngx_http_push_conf_fail(cf, "%s \"%V\" is duplicate",
                                                 kind, &value[i]);
        }

        if (*mask == 0 && first != NULL) {
            *first = w->mask;
        }

        *mask |= w->mask;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_push_directives_parse_size(ngx_conf_t *cf, ngx_str_t *value,
    size_t *size)
{
    ssize_t  n;

    n = ngx_http_push_directives_is(value, "off") ? 0 : ngx_parse_size(value);

    if (n == NGX_ERROR || n > NGX_HTTP_PUSH_DIRECTIVES_MAX_MESSAGE) {
        return ngx_http_push_conf_fail(cf,
                                     "invalid size \"%V\", a size such as "
                                     "\"64k\", at most \"%dm\", or \"off\" "
                                     "expected", value,
                                     NGX_HTTP_PUSH_DIRECTIVES_MAX_MESSAGE
                                     / (1024 * 1024));
    }

    *size = n;

    return NGX_CONF_OK;
}


static char *
ngx_http_push_directives_parse_number(ngx_conf_t *cf, ngx_str_t *value,
    ngx_uint_t *n)
{
    ngx_int_t  i;

    i = ngx_http_push_directives_is(value, "off") ? 0
                                       : ngx_atoi(value->data, value->len);

    if (i == NGX_ERROR) {
        return ngx_http_push_conf_fail(cf,
                                     "invalid number \"%V\", a number or "
                                     "\"off\" expected", value);
    }

    *n = i;

    return NGX_CONF_OK;
}


static char *
ngx_http_push_directives_parse_time(ngx_conf_t *cf, ngx_str_t *value,
    ngx_msec_t *msec)
{
    ngx_int_t  n;

    n = ngx_http_push_directives_is(value, "off") ? 0
                                                  : ngx_parse_time(value, 0);

    if (n == NGX_ERROR) {
        return ngx_http_push_conf_fail(cf,
                                     "invalid time \"%V\", a time such as "
                                     "\"25s\" or \"off\" expected", value);
    }

    *msec = n;

    return NGX_CONF_OK;
}


static char *
ngx_http_push_directives_parse_overflow(ngx_conf_t *cf, ngx_str_t *value,
    ngx_uint_t *overflow)
{
    if (ngx_http_push_directives_is(value, "close")) {
        *overflow = NGX_HTTP_PUSH_OVERFLOW_CLOSE;

    } else if (ngx_http_push_directives_is(value, "drop_oldest")) {
        *overflow = NGX_HTTP_PUSH_OVERFLOW_DROP_OLDEST;

    } else if (ngx_http_push_directives_is(value, "drop_newest")) {
        *overflow = NGX_HTTP_PUSH_OVERFLOW_DROP_NEWEST;

    } else {
        return ngx_http_push_conf_fail(cf,
                                     "invalid overflow \"%V\", \"close\", "
                                     "\"drop_oldest\" or \"drop_newest\" "
                                     "expected", value);
    }

    return NGX_CONF_OK;
}


static ngx_uint_t
ngx_http_push_directives_is(ngx_str_t *value, const char *text)
{
    return value->len == ngx_strlen(text)
           && ngx_strncmp(value->data, text, value->len) == 0;
}


static ngx_uint_t
ngx_http_push_directives_begins(ngx_str_t *value, const char *text,
    ngx_str_t *rest)
{
    size_t  len;

    len = ngx_strlen(text);

    if (value->len < len || ngx_strncmp(value->data, text, len) != 0) {
        return 0;
    }

    rest->data = value->data + len;
    rest->len = value->len - len;

    return 1;
}
