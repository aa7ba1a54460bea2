/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: the module's configuration: made, inherited and completed here;
 * filled by directives.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_choose.h"
#include "ngx_http_push_conf.h"
#include "ngx_http_push_ctx.h"
#include "ngx_http_push_handshake.h"
#include "ngx_http_push_name.h"


#define NGX_HTTP_PUSH_CONF_ZONE_SIZE         (32 * 1024 * 1024)
#define NGX_HTTP_PUSH_CONF_DRAIN             30000
#define NGX_HTTP_PUSH_CONF_RESOLVER_TIMEOUT  30000

#define NGX_HTTP_PUSH_CONF_MESSAGE_SIZE      (64 * 1024)
#define NGX_HTTP_PUSH_CONF_CHANNELS          128
#define NGX_HTTP_PUSH_CONF_QUEUE_COUNT       256
#define NGX_HTTP_PUSH_CONF_QUEUE_SIZE        (1024 * 1024)
#define NGX_HTTP_PUSH_CONF_WAIT              30000
#define NGX_HTTP_PUSH_CONF_PING_INTERVAL     25000
#define NGX_HTTP_PUSH_CONF_PING_TIMEOUT      10000

/* a bulk of Redis is not larger */
#define NGX_HTTP_PUSH_CONF_MESSAGE_MAX       (512 * 1024 * 1024)


static void ngx_http_push_conf_check_polls(ngx_conf_t *cf,
    ngx_http_push_loc_conf_t *conf);
static ngx_uint_t ngx_http_push_conf_is_kept(ngx_http_push_main_conf_t *mcf,
    ngx_array_t *parts);
static void ngx_http_push_conf_bound_body(ngx_conf_t *cf,
    ngx_http_push_loc_conf_t *conf);
static ngx_int_t ngx_http_push_conf_merge_endpoint(ngx_conf_t *cf,
    ngx_http_push_loc_conf_t *prev, ngx_http_push_loc_conf_t *conf);
static void ngx_http_push_conf_merge_allow(ngx_http_push_allow_t *prev,
    ngx_http_push_allow_t *conf, ngx_uint_t mode);
static void ngx_http_push_conf_merge_limits(ngx_http_push_limits_t *prev,
    ngx_http_push_limits_t *conf);
static ngx_uint_t ngx_http_push_conf_stays(void);
static ngx_int_t ngx_http_push_conf_resolve(ngx_conf_t *cf,
    ngx_http_push_redis_conf_t *redis);
static ngx_int_t ngx_http_push_conf_check_notes(ngx_conf_t *cf,
    ngx_http_push_main_conf_t *mcf);
static void ngx_http_push_conf_warn(ngx_conf_t *cf,
    ngx_http_push_main_conf_t *mcf, ngx_http_push_note_t *note);
static ngx_int_t ngx_http_push_conf_match(ngx_http_request_t *r,
    ngx_array_t *parts, ngx_str_t *text, ngx_uint_t fold);
static ngx_int_t ngx_http_push_conf_fold(ngx_pool_t *pool, ngx_str_t *text);


void *
ngx_http_push_conf_create_main(ngx_conf_t *cf)
{
    ngx_http_push_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_push_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     mcf->zone = NULL;
     *     mcf->redis = NULL;
     *     mcf->zone_name = { 0, NULL };
     *     mcf->zone_size = 0;
     *     mcf->zone_channels = 0;
     *     mcf->history = { NULL, 0 };
     *     mcf->used = 0;
     */

    mcf->drain = NGX_CONF_UNSET_MSEC;

    if (ngx_array_init(&mcf->notes, cf->temp_pool, 4,
                       sizeof(ngx_http_push_note_t))
        != NGX_OK)
    {
        return NULL;
    }

    return mcf;
}


char *
ngx_http_push_conf_init_main(ngx_conf_t *cf, void *conf)
{
    ngx_http_push_main_conf_t *mcf = conf;

    if (mcf->zone_size == 0) {
        ngx_str_set(&mcf->zone_name, "push");
        mcf->zone_size = NGX_HTTP_PUSH_CONF_ZONE_SIZE;
    }

    ngx_conf_init_msec_value(mcf->drain, NGX_HTTP_PUSH_CONF_DRAIN);

    /* what is a good name does not depend on whether there is a broker */

    if (mcf->redis != NULL) {
        mcf->keys = mcf->redis->keys;

    } else {
        ngx_str_set(&mcf->keys, "push:");
    }

    return NGX_CONF_OK;
}


void *
ngx_http_push_conf_create_loc(ngx_conf_t *cf)
{
    ngx_http_push_loc_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_push_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     conf->endpoint = NULL;
     *     conf->names = NULL;
     *     conf->names_shown = 0;
     *     conf->split = 0;
     *     conf->origin.patterns = NULL;
     *     conf->client_publish.patterns = NULL;
     */

    conf->transports = NGX_CONF_UNSET_UINT;
    conf->wait = NGX_CONF_UNSET_MSEC;
    conf->dialects = NGX_CONF_UNSET_UINT;
    conf->dialect = NGX_CONF_UNSET_UINT;

    conf->origin.mode = NGX_CONF_UNSET_UINT;
    conf->client_publish.mode = NGX_CONF_UNSET_UINT;
    conf->auth_reject = NGX_CONF_UNSET_UINT;

    conf->limits.max_message_size = NGX_CONF_UNSET_SIZE;
    conf->limits.max_channels = NGX_CONF_UNSET_UINT;
    conf->limits.queue_count = NGX_CONF_UNSET_UINT;
    conf->limits.ping_interval = NGX_CONF_UNSET_MSEC;
    conf->limits.deflate = NGX_CONF_UNSET;

    return conf;
}


char *
ngx_http_push_conf_merge_loc(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_push_loc_conf_t *prev = parent;
    ngx_http_push_loc_conf_t *conf = child;

    if (ngx_http_push_conf_merge_endpoint(cf, prev, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_conf_merge_uint_value(conf->transports, prev->transports,
                              NGX_HTTP_PUSH_TRANSPORT_ALL);
    ngx_conf_merge_msec_value(conf->wait, prev->wait,
                              NGX_HTTP_PUSH_CONF_WAIT);
    ngx_conf_merge_uint_value(conf->dialects, prev->dialects,
                              NGX_HTTP_PUSH_DIALECT_RAW
                              |NGX_HTTP_PUSH_DIALECT_META);
    ngx_conf_merge_uint_value(conf->dialect, prev->dialect,
                              NGX_HTTP_PUSH_DIALECT_RAW);

    ngx_http_push_conf_merge_allow(&prev->origin, &conf->origin,
                                   NGX_HTTP_PUSH_ALLOW_SAME);
    ngx_http_push_conf_merge_allow(&prev->client_publish,
                                   &conf->client_publish,
                                   NGX_HTTP_PUSH_ALLOW_OFF);

    ngx_conf_merge_uint_value(conf->auth_reject, prev->auth_reject, 0);

    ngx_http_push_conf_merge_limits(&prev->limits, &conf->limits);

    if (conf->endpoint != NULL) {
        ngx_http_push_conf_bound_body(cf, conf);
    }

    if (conf->names != prev->names
        && conf->endpoint->clients
        && (conf->transports & NGX_HTTP_PUSH_TRANSPORT_LONGPOLL))
    {
        ngx_http_push_conf_check_polls(cf, conf);
    }

    return NGX_CONF_OK;
}


/*
 * As proxy_pass: an "if" or "limit_except" block has the endpoint of the
 * location around it unless it sets one of its own.  In an "if" the location's
 * handler stays, in a "limit_except" it has to be set again.
 */

static ngx_int_t
ngx_http_push_conf_merge_endpoint(ngx_conf_t *cf,
    ngx_http_push_loc_conf_t *prev, ngx_http_push_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (conf->endpoint != NULL && clcf->handler != conf->endpoint->handler) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"%V\" directive in location \"%V\" conflicts with "
                      "another directive there that sets the handler, too",
                      &conf->endpoint->directive, &clcf->name);
        return NGX_ERROR;
    }

    if (clcf->noname && conf->endpoint == NULL) {
        conf->endpoint = prev->endpoint;
        conf->names = prev->names;
        conf->names_shown = prev->names_shown;
        conf->split = prev->split;

        if (clcf->lmt_excpt && clcf->handler == NULL
            && conf->endpoint != NULL)
        {
            clcf->handler = conf->endpoint->handler;
        }
    }

    return NGX_OK;
}


/*
 * Who polls is away between two polls: without a history it does not get what
 * comes then.  A name with a variable may be any channel's.
 */

static void
ngx_http_push_conf_check_polls(ngx_conf_t *cf, ngx_http_push_loc_conf_t *conf)
{
    ngx_uint_t                  i;
    ngx_array_t                *parts;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_push_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_push_module);
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    parts = conf->names->elts;

    for (i = 0; i < conf->names->nelts; i++) {

        if (ngx_http_push_conf_is_kept(mcf, &parts[i])) {
            continue;
        }

        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"push_channel\" in location \"%V\" offers longpoll "
                      "for a channel without \"push_history\": what is "
                      "published between two polls is lost; see also "
                      "\"push_transport\"", &clcf->name);
        return;
    }
}


/* is there a history, or may there be one? */

static ngx_uint_t
ngx_http_push_conf_is_kept(ngx_http_push_main_conf_t *mcf, ngx_array_t *parts)
{
    ngx_str_t              name;
    ngx_http_push_part_t  *part;

    if (mcf->history.n == 0) {
        return 0;
    }

    part = parts->elts;

    if (parts->nelts != 1 || part[0].value != NULL) {
        return 1;
    }

    name.data = (u_char *) part[0].piece.p;
    name.len = part[0].piece.len;

    return ngx_http_push_policy_find(&mcf->history, &name) != NULL;
}


/*
 * A client's body is a message: nginx itself keeps it within the smaller of
 * the two bounds, before it is stored.  What a publisher may send the links to
 * Redis have to take.
 */

static void
ngx_http_push_conf_bound_body(ngx_conf_t *cf, ngx_http_push_loc_conf_t *conf)
{
    off_t                       size;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_push_main_conf_t  *mcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_push_module);

    size = (off_t) conf->limits.max_message_size;

    if (conf->endpoint->clients && size != 0
        && (clcf->client_max_body_size == 0
            || clcf->client_max_body_size > size))
    {
        clcf->client_max_body_size = size;
    }

    if (mcf->redis == NULL) {
        return;
    }

    size = ngx_min(clcf->client_max_body_size, NGX_HTTP_PUSH_CONF_MESSAGE_MAX);

    if (size > (off_t) mcf->redis->max_message) {
        mcf->redis->max_message = (size_t) size;
    }
}


static void
ngx_http_push_conf_merge_allow(ngx_http_push_allow_t *prev,
    ngx_http_push_allow_t *conf, ngx_uint_t mode)
{
    if (conf->mode != NGX_CONF_UNSET_UINT) {
        return;
    }

    *conf = *prev;

    if (conf->mode == NGX_CONF_UNSET_UINT) {
        conf->mode = mode;
    }
}


/* push_queue, push_ping and push_deflate are inherited as a whole */

static void
ngx_http_push_conf_merge_limits(ngx_http_push_limits_t *prev,
    ngx_http_push_limits_t *conf)
{
    ngx_conf_merge_size_value(conf->max_message_size, prev->max_message_size,
                              NGX_HTTP_PUSH_CONF_MESSAGE_SIZE);
    ngx_conf_merge_uint_value(conf->max_channels, prev->max_channels,
                              NGX_HTTP_PUSH_CONF_CHANNELS);

    if (prev->queue_count == NGX_CONF_UNSET_UINT) {
        prev->queue_count = NGX_HTTP_PUSH_CONF_QUEUE_COUNT;
        prev->queue_size = NGX_HTTP_PUSH_CONF_QUEUE_SIZE;
        prev->overflow = NGX_HTTP_PUSH_OVERFLOW_CLOSE;
    }

    if (conf->queue_count == NGX_CONF_UNSET_UINT) {
        conf->queue_count = prev->queue_count;
        conf->queue_size = prev->queue_size;
        conf->overflow = prev->overflow;
    }

    if (prev->ping_interval == NGX_CONF_UNSET_MSEC) {
        prev->ping_interval = NGX_HTTP_PUSH_CONF_PING_INTERVAL;
        prev->ping_timeout = NGX_HTTP_PUSH_CONF_PING_TIMEOUT;
    }

    if (conf->ping_interval == NGX_CONF_UNSET_MSEC) {
        conf->ping_interval = prev->ping_interval;
        conf->ping_timeout = prev->ping_timeout;
    }

    if (prev->deflate == NGX_CONF_UNSET) {
        prev->deflate = 0;
        prev->deflate_level = NGX_HTTP_PUSH_LIMITS_DEFLATE_LEVEL;
        prev->deflate_min = NGX_HTTP_PUSH_LIMITS_DEFLATE_MIN;
    }

    if (conf->deflate == NGX_CONF_UNSET) {
        conf->deflate = prev->deflate;
        conf->deflate_level = prev->deflate_level;
        conf->deflate_min = prev->deflate_min;
    }

    /* push_ping with an interval alone */

    if (conf->ping_timeout == NGX_CONF_UNSET_MSEC) {
        conf->ping_timeout = NGX_HTTP_PUSH_CONF_PING_TIMEOUT;
    }
}


ngx_int_t
ngx_http_push_conf_finish(ngx_conf_t *cf)
{
    ngx_http_push_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_push_module);

    if (!mcf->used && !ngx_http_push_conf_stays()) {
        return NGX_OK;
    }

    if (ngx_http_push_conf_check_notes(cf, mcf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (mcf->redis != NULL
        && ngx_http_push_conf_resolve(cf, mcf->redis) != NGX_OK)
    {
        return NGX_ERROR;
    }

    mcf->zone = ngx_http_push_zone_create(cf, &mcf->zone_name, mcf->zone_size,
                                          mcf->zone_channels,
                                          &ngx_http_push_module);
    if (mcf->zone == NULL) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* 1: a single process reloads and keeps its clients, who need the zone */

static ngx_uint_t
ngx_http_push_conf_stays(void)
{
    ngx_cycle_t                *old;
    ngx_http_push_main_conf_t  *mcf;

    old = (ngx_cycle_t *) ngx_cycle;

    if (ngx_process != NGX_PROCESS_SINGLE || ngx_is_init_cycle(old)) {
        return 0;
    }

    mcf = ngx_http_cycle_get_module_main_conf(old, ngx_http_push_module);

    return mcf != NULL && mcf->zone != NULL;
}


/*
 * Where http{} has no resolver, nginx has put one without servers there by
 * now, for the locations to inherit.
 */

static ngx_int_t
ngx_http_push_conf_resolve(ngx_conf_t *cf, ngx_http_push_redis_conf_t *redis)
{
    ngx_msec_t                 timeout;
    ngx_resolver_t            *resolver;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    resolver = clcf->resolver;
    timeout = clcf->resolver_timeout;

    if (resolver != NULL && resolver->connections.nelts == 0) {
        resolver = NULL;
    }

    if (timeout == NGX_CONF_UNSET_MSEC) {
        timeout = NGX_HTTP_PUSH_CONF_RESOLVER_TIMEOUT;
    }

    return ngx_http_push_redis_conf_resolve(cf, redis, resolver, timeout);
}


static ngx_int_t
ngx_http_push_conf_check_notes(ngx_conf_t *cf, ngx_http_push_main_conf_t *mcf)
{
    int                    code;
    ngx_uint_t             i;
    ngx_http_push_note_t  *note;

    note = mcf->notes.elts;

    for (i = 0; i < mcf->notes.nelts; i++) {

        if (note[i].name.len == 0) {
            ngx_http_push_conf_warn(cf, mcf, &note[i]);
            continue;
        }

        code = ngx_http_push_name_reserved(note[i].name.data,
                                           note[i].name.len,
                                           mcf->keys.data, mcf->keys.len);

        if (code == NGX_HTTP_PUSH_NAME_INTERNAL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"%V\" directive: channel name \"%V\" begins with "
                          "\"__\" or with \"%V\", which is reserved in %V:%ui",
                          &note[i].directive, &note[i].name, &mcf->keys,
                          &note[i].file, note[i].line);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* a NAME that begins with a variable: whoever reads by it can name anything */

static void
ngx_http_push_conf_warn(ngx_conf_t *cf, ngx_http_push_main_conf_t *mcf,
    ngx_http_push_note_t *note)
{
    if (mcf->redis == NULL || mcf->redis->prefix.len
        || ngx_strcmp(note->directive.data, "push_channel") != 0)
    {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "\"%V\" begins with a variable and \"push_redis\" has no "
                  "\"prefix=\": clients can choose any pub/sub channel of "
                  "that Redis in %V:%ui",
                  &note->directive, &note->file, note->line);
}


char *
ngx_http_push_conf_fail(ngx_conf_t *cf, const char *fmt, ...)
{
    u_char      text[NGX_MAX_CONF_ERRSTR], *p;
    va_list     args;
    ngx_str_t  *value;

    va_start(args, fmt);
    p = ngx_vslprintf(text, text + NGX_MAX_CONF_ERRSTR, fmt, args);
    va_end(args);

    value = cf->args->elts;

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" directive: %*s",
                       &value[0], (size_t) (p - text), text);

    return NGX_CONF_ERROR;
}


const char *
ngx_http_push_conf_methods(ngx_http_request_t *r)
{
    ngx_http_push_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_push_module);

    return lcf->endpoint->methods;
}


ngx_int_t
ngx_http_push_conf_allows(ngx_http_request_t *r, ngx_http_push_allow_t *allow,
    ngx_str_t *text)
{
    ngx_int_t     rc;
    ngx_str_t     name;
    ngx_uint_t    i;
    ngx_array_t  *parts;

    if (allow->mode == NGX_HTTP_PUSH_ALLOW_ON) {
        return NGX_OK;
    }

    if (allow->mode != NGX_HTTP_PUSH_ALLOW_PATTERNS) {
        return NGX_DECLINED;
    }

    name = *text;

    if (allow->fold && ngx_http_push_conf_fold(r->pool, &name) != NGX_OK) {
        return NGX_ERROR;
    }

    parts = allow->patterns->elts;

    for (i = 0; i < allow->patterns->nelts; i++) {

        rc = ngx_http_push_conf_match(r, &parts[i], &name, allow->fold);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_push_conf_match(ngx_http_request_t *r, ngx_array_t *parts,
    ngx_str_t *text, ngx_uint_t fold)
{
    ngx_str_t                    value;
    ngx_uint_t                   i;
    ngx_http_push_part_t        *part;
    ngx_http_push_name_piece_t   pieces[NGX_HTTP_PUSH_NAME_MAX_PIECES];

    part = parts->elts;

    for (i = 0; i < parts->nelts; i++) {
        pieces[i] = part[i].piece;

        if (part[i].value == NULL) {
            continue;
        }

        if (ngx_http_complex_value(r, part[i].value, &value) != NGX_OK) {
            return NGX_ERROR;
        }

        if (value.len == 0) {
            return NGX_DECLINED;
        }

        if (fold && ngx_http_push_conf_fold(r->pool, &value) != NGX_OK) {
            return NGX_ERROR;
        }

        pieces[i].p = value.data;
        pieces[i].len = value.len;
    }

    if (ngx_http_push_name_match_pieces(pieces, parts->nelts, text->data,
                                        text->len))
    {
        return NGX_OK;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_push_conf_fold(ngx_pool_t *pool, ngx_str_t *text)
{
    u_char  *p;

    p = ngx_pnalloc(pool, text->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_strlow(p, text->data, text->len);
    text->data = p;

    return NGX_OK;
}
