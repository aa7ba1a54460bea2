/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: the content handler of push_status: a snapshot of the whole
 * machine from what every worker has written into shared memory.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_answer.h"
#include "ngx_http_push_conf.h"
#include "ngx_http_push_ctx.h"
#include "ngx_http_push_hub.h"
#include "ngx_http_push_origin.h"
#include "ngx_http_push_report.h"
#include "ngx_http_push_slots.h"
#include "ngx_http_push_status.h"
#include "ngx_http_push_worker.h"
#include "ngx_http_push_zone.h"


#define NGX_HTTP_PUSH_STATUS_CHANNELS      20
#define NGX_HTTP_PUSH_STATUS_CHANNELS_MAX  1000

/* ms without a proof that messages arrive, until a worker is not ready */
#define NGX_HTTP_PUSH_STATUS_DEAF          60000

#define NGX_HTTP_PUSH_STATUS_JSON_MAX      (8 * 1024 * 1024)
#define NGX_HTTP_PUSH_STATUS_READY_MAX     256


/* the arguments of a request, decoded */

typedef struct {
    ngx_str_t                       prefix;
    ngx_uint_t                      channels;
    unsigned                        ready:1;   /* ?ready */
    unsigned                        bus:1;     /* ?ready=bus */
} ngx_http_push_status_args_t;


/* a worker's links, with their texts copied: their owner may write anytime */

typedef struct {
    ngx_http_push_report_link_t     links[NGX_HTTP_PUSH_LINKS];
    char                            errors[NGX_HTTP_PUSH_LINKS]
                                          [NGX_HTTP_PUSH_LINK_ERROR];
} ngx_http_push_status_links_t;


static ngx_int_t ngx_http_push_status_refuse(ngx_http_request_t *r,
    ngx_uint_t status, const char *error);
static const char *ngx_http_push_status_read_args(ngx_http_request_t *r,
    ngx_http_push_status_args_t *args);
static const char *ngx_http_push_status_read_arg(
    ngx_http_push_status_args_t *args, ngx_str_t *name, ngx_str_t *value);
static ngx_uint_t ngx_http_push_status_is(ngx_str_t *s, const char *text);
static const char *ngx_http_push_status_not_ready(ngx_uint_t bus);
static ngx_int_t ngx_http_push_status_answer_ready(ngx_http_request_t *r,
    ngx_uint_t bus);
static ngx_int_t ngx_http_push_status_answer_report(ngx_http_request_t *r,
    ngx_http_push_status_args_t *args);

static uint64_t ngx_http_push_status_now(void);
static ngx_int_t ngx_http_push_status_add_workers(ngx_http_request_t *r,
    ngx_http_push_report_t *report);
static void ngx_http_push_status_fill_worker(
    ngx_http_push_report_worker_t *w, ngx_http_push_slot_t *slot,
    uint64_t now);
static void ngx_http_push_status_fill_links(ngx_http_push_report_worker_t *w,
    ngx_http_push_status_links_t *ls, ngx_http_push_figures_t *f,
    uint64_t now);
static void ngx_http_push_status_fill_link(ngx_http_push_report_link_t *link,
    ngx_http_push_link_figures_t *f, char *error, uint64_t now);
static void ngx_http_push_status_fill_figures(
    ngx_http_push_report_figures_t *to, ngx_http_push_figures_t *f);
static void ngx_http_push_status_add_zone(ngx_http_push_report_t *report,
    ngx_http_push_zone_t *z);
static ngx_int_t ngx_http_push_status_add_channels(ngx_http_request_t *r,
    ngx_http_push_report_t *report, ngx_http_push_zone_t *z,
    ngx_http_push_status_args_t *args);


/* by ngx_http_push_link_state_e */

static const char  *ngx_http_push_status_states[] = {
    "off",
    "waiting",
    "resolving",
    "connecting",
    "authenticating",
    "subscribing",
    "up"
};


static const char  *ngx_http_push_status_roles[NGX_HTTP_PUSH_LINKS] = {
    "sub",
    "cmd"
};


ngx_int_t
ngx_http_push_status_handler(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    const char                   *error;
    ngx_http_push_status_args_t   args;

    rc = ngx_http_push_origin_check(r);
    if (rc != NGX_OK) {
        return ngx_http_push_answer_error(r, rc, "origin is not allowed",
                                          NULL);
    }

    if (r->method == NGX_HTTP_OPTIONS) {
        return ngx_http_push_answer_options(r, ngx_http_push_conf_methods(r));
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_push_status_refuse(r, NGX_HTTP_NOT_ALLOWED,
                                           "method not allowed");
    }

    error = ngx_http_push_status_read_args(r, &args);

    if (error != NULL) {
        return ngx_http_push_status_refuse(r, NGX_HTTP_BAD_REQUEST, error);
    }

    if (args.ready) {
        return ngx_http_push_status_answer_ready(r, args.bus);
    }

    return ngx_http_push_status_answer_report(r, &args);
}


static ngx_int_t
ngx_http_push_status_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *error)
{
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "status request refused: %s", error);

    return ngx_http_push_answer_error(r, status, error,
                                      (status == NGX_HTTP_NOT_ALLOWED)
                                      ? ngx_http_push_conf_methods(r) : NULL);
}


/* names that are not known are ignored, as everywhere in HTTP */

static const char *
ngx_http_push_status_read_args(ngx_http_request_t *r,
    ngx_http_push_status_args_t *args)
{
    u_char      *p, *end, *last, *eq;
    ngx_str_t    name, value;
    const char  *error;

    ngx_memzero(args, sizeof(ngx_http_push_status_args_t));

    ngx_str_set(&args->prefix, "");
    args->channels = NGX_HTTP_PUSH_STATUS_CHANNELS;

    last = r->args.data + r->args.len;

    for (p = r->args.data; p < last; p = end + 1) {

        end = ngx_strlchr(p, last, '&');
        if (end == NULL) {
            end = last;
        }

        eq = ngx_strlchr(p, end, '=');

        name.data = p;
        name.len = (eq ? eq : end) - p;

        value.len = eq ? end - (eq + 1) : 0;
        value.data = ngx_pnalloc(r->pool, value.len);
        if (value.data == NULL) {
            return "out of memory";
        }

        if (eq != NULL
            && ngx_http_push_name_unescape(value.data, eq + 1, value.len,
                                           &value.len)
               != NGX_HTTP_PUSH_NAME_OK)
        {
            return "malformed percent escape in the arguments";
        }

        error = ngx_http_push_status_read_arg(args, &name, &value);
        if (error != NULL) {
            return error;
        }
    }

    return NULL;
}


static const char *
ngx_http_push_status_read_arg(ngx_http_push_status_args_t *args,
    ngx_str_t *name, ngx_str_t *value)
{
    ngx_int_t  n;

    if (ngx_http_push_status_is(name, "ready")) {
        args->ready = 1;
        args->bus = ngx_http_push_status_is(value, "bus");

    } else if (ngx_http_push_status_is(name, "prefix")) {
        args->prefix = *value;

    } else if (ngx_http_push_status_is(name, "format")) {

        if (!ngx_http_push_status_is(value, "json")) {
            return "format= is json; html and prometheus are not supported "
                   "yet";
        }

    } else if (ngx_http_push_status_is(name, "channels")) {
        n = ngx_atoi(value->data, value->len);

        if (n == NGX_ERROR || n > NGX_HTTP_PUSH_STATUS_CHANNELS_MAX) {
            return "channels= is a number, at most 1000";
        }

        args->channels = n;
    }

    return NULL;
}


static ngx_uint_t
ngx_http_push_status_is(ngx_str_t *s, const char *text)
{
    return s->len == ngx_strlen(text)
           && ngx_strncmp(s->data, text, s->len) == 0;
}


/* why this worker should get no new clients, or NULL */

static const char *
ngx_http_push_status_not_ready(ngx_uint_t bus)
{
    ngx_msec_t            since;
    ngx_http_push_hub_t  *h;
    ngx_http_push_bus_t  *b;

    h = ngx_http_push_worker_hub();

    if (h == NULL) {
        return "this worker has no bus";
    }

    if (ngx_http_push_worker_draining()) {
        return "this worker is draining";
    }

    b = ngx_http_push_hub_bus(h);
    since = b->deaf_since(b);

    if (since == 0) {
        return NULL;
    }

    if (bus || ngx_current_msec - since > NGX_HTTP_PUSH_STATUS_DEAF) {
        return "it is not proved that messages arrive";
    }

    return NULL;
}


static ngx_int_t
ngx_http_push_status_answer_ready(ngx_http_request_t *r, ngx_uint_t bus)
{
    const char            *why;
    ngx_http_push_json_t  *j;

    why = ngx_http_push_status_not_ready(bus);

    j = ngx_http_push_json_create(NGX_HTTP_PUSH_STATUS_READY_MAX, 0);
    if (j == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_push_json_open_object(j);
    ngx_http_push_json_key(j, "ready");
    ngx_http_push_json_bool(j, why == NULL);

    if (why != NULL) {
        ngx_http_push_json_key(j, "error");
        ngx_http_push_json_text(j, why);
    }

    ngx_http_push_json_close_object(j);

    return ngx_http_push_answer_document(r, (why == NULL)
                                            ? NGX_HTTP_OK
                                            : NGX_HTTP_SERVICE_UNAVAILABLE,
                                         j);
}


static ngx_int_t
ngx_http_push_status_answer_report(ngx_http_request_t *r,
    ngx_http_push_status_args_t *args)
{
    ngx_http_push_json_t       *j;
    ngx_http_push_report_t      report;
    ngx_http_push_loc_conf_t   *lcf;
    ngx_http_push_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_push_module);
    lcf = ngx_http_get_module_loc_conf(r, ngx_http_push_module);

    ngx_memzero(&report, sizeof(ngx_http_push_report_t));

    report.version = NGX_HTTP_PUSH_STATUS_VERSION;
    report.time = ngx_http_push_status_now();
    report.ready = (ngx_http_push_status_not_ready(0) == NULL);
    report.names_shown = (lcf->names_shown != 0);

    if (ngx_http_push_status_add_workers(r, &report) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_push_status_add_zone(&report, mcf->zone);

    if (lcf->names_shown
        && ngx_http_push_status_add_channels(r, &report, mcf->zone, args)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    j = ngx_http_push_json_create(NGX_HTTP_PUSH_STATUS_JSON_MAX, 1);
    if (j == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_push_report_json(&report, j);

    return ngx_http_push_answer_document(r, NGX_HTTP_OK, j);
}


static uint64_t
ngx_http_push_status_now(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (uint64_t) tp->sec * 1000 + tp->msec;
}


static ngx_int_t
ngx_http_push_status_add_workers(ngx_http_request_t *r,
    ngx_http_push_report_t *report)
{
    ngx_uint_t                      i, n;
    ngx_array_t                     workers;
    ngx_http_push_slot_t           *slot;
    ngx_http_push_figures_t         sum;
    ngx_http_push_status_links_t   *links;
    ngx_http_push_report_worker_t  *w;

    if (ngx_array_init(&workers, r->pool, 4,
                       sizeof(ngx_http_push_report_worker_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    n = ngx_http_push_slots_count();

    for (i = 0; i < n; i++) {
        slot = ngx_http_push_slots_get(i);

        if (slot->pid == 0) {
            continue;
        }

        w = ngx_array_push(&workers);
        links = ngx_palloc(r->pool, sizeof(ngx_http_push_status_links_t));

        if (w == NULL || links == NULL) {
            return NGX_ERROR;
        }

        w->slot = i;

        ngx_http_push_status_fill_worker(w, slot, report->time);
        ngx_http_push_status_fill_links(w, links, &slot->figures,
                                        report->time);
    }

    ngx_http_push_slots_sum(&sum);
    ngx_http_push_status_fill_figures(&report->totals, &sum);

    report->workers = workers.elts;
    report->nworkers = workers.nelts;

    return NGX_OK;
}


static void
ngx_http_push_status_fill_worker(ngx_http_push_report_worker_t *w,
    ngx_http_push_slot_t *slot, uint64_t now)
{
    w->pid = (int64_t) slot->pid;
    w->generation = slot->generation;
    w->draining = (slot->draining != 0);
    w->drain_left_ms = 0;

    if (w->draining && slot->drained > now) {
        w->drain_left_ms = slot->drained - now;
    }

    ngx_http_push_status_fill_figures(&w->figures, &slot->figures);
}


static void
ngx_http_push_status_fill_links(ngx_http_push_report_worker_t *w,
    ngx_http_push_status_links_t *ls, ngx_http_push_figures_t *f,
    uint64_t now)
{
    ngx_uint_t  i;

    w->links = ls->links;
    w->nlinks = 0;

    for (i = 0; i < NGX_HTTP_PUSH_LINKS; i++) {

        if (f->links[i].state == NGX_HTTP_PUSH_LINK_OFF) {
            continue;
        }

        ls->links[w->nlinks].role = ngx_http_push_status_roles[i];

        ngx_http_push_status_fill_link(&ls->links[w->nlinks], &f->links[i],
                                       ls->errors[w->nlinks], now);
        w->nlinks++;
    }
}


static void
ngx_http_push_status_fill_link(ngx_http_push_report_link_t *link,
    ngx_http_push_link_figures_t *f, char *error, uint64_t now)
{
    uint64_t  state;

    state = f->state;

    if (state > NGX_HTTP_PUSH_LINK_UP) {
        state = NGX_HTTP_PUSH_LINK_OFF;
    }

    link->state = ngx_http_push_status_states[state];

    ngx_memcpy(error, f->error, NGX_HTTP_PUSH_LINK_ERROR);
    error[NGX_HTTP_PUSH_LINK_ERROR - 1] = '\0';

    link->error = error[0] ? error : NULL;
    link->epochs = NULL;

    if (f->generation == NGX_HTTP_PUSH_GENERATION_SERVER) {
        link->epochs = "server";

    } else if (f->generation == NGX_HTTP_PUSH_GENERATION_LINK) {
        link->epochs = "link";
    }

    link->connected_ms = 0;

    if (state == NGX_HTTP_PUSH_LINK_UP && now > f->since) {
        link->connected_ms = now - f->since;
    }

    link->reconnects = f->reconnects;
    link->probe_lag_us = f->probed ? (int64_t) f->probe_lag : -1;
    link->gaps = f->gaps;
    link->subscriptions = f->subscriptions;
    link->pending = f->pending;
}


static void
ngx_http_push_status_fill_figures(ngx_http_push_report_figures_t *to,
    ngx_http_push_figures_t *f)
{
    to->connections = f->connections;
    to->channels = f->channels;
    to->kept_requests = f->kept;
    to->queue_bytes = f->queued;

    to->messages_in = f->messages_in;
    to->bytes_in = f->bytes_in;
    to->delivered = f->delivered;
    to->replayed = f->replayed;
    to->bytes_out = f->bytes_out;
    to->dropped = f->dropped;
    to->timeouts = f->ping_closed;
    to->slow_closed = f->slow_closed;
    to->gaps = f->gaps;

    to->websocket = f->websocket;
    to->eventsource = f->eventsource;
    to->longpoll = f->longpoll;
    to->stream = f->stream;
}


static void
ngx_http_push_status_add_zone(ngx_http_push_report_t *report,
    ngx_http_push_zone_t *z)
{
    ngx_http_push_zone_figures_t  f;

    ngx_http_push_zone_figures(z, &f);

    report->zone.size = f.size;
    report->zone.used = (f.size > f.free) ? f.size - f.free : 0;
    report->zone.free = f.free;
    report->zone.channels = f.channels;
    report->zone.channels_max = f.channels_max;
    report->zone.messages = f.messages;
    report->zone.message_bytes = f.message_bytes;
    report->zone.resets = f.resets;
    report->zone.free_run = f.free_run;
    report->zone.history_channels = f.history_channels;
    report->zone.history_messages = f.history_messages;
    report->zone.history_bytes = f.history_bytes;
    report->zone.evicted = f.evicted;

    /* not the sum of all workers: a channel of two is one channel */

    report->totals.channels = f.channels;
    report->channels_total = f.channels;
}


static ngx_int_t
ngx_http_push_status_add_channels(ngx_http_request_t *r,
    ngx_http_push_report_t *report, ngx_http_push_zone_t *z,
    ngx_http_push_status_args_t *args)
{
    ngx_uint_t                       i, n, total;
    ngx_http_push_zone_channel_t    *rows;
    ngx_http_push_report_channel_t  *ch;

    if (args->channels == 0) {
        return NGX_OK;
    }

    rows = ngx_palloc(r->pool,
                      args->channels * sizeof(ngx_http_push_zone_channel_t));
    if (rows == NULL) {
        return NGX_ERROR;
    }

    n = ngx_http_push_zone_top(z, &args->prefix, rows, args->channels,
                               &total);

    ch = ngx_palloc(r->pool, n * sizeof(ngx_http_push_report_channel_t));
    if (ch == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        ch[i].name = rows[i].name;
        ch[i].len = rows[i].len;
        ch[i].subscribers = rows[i].subscribers;
        ch[i].workers = rows[i].workers;
    }

    report->channels = ch;
    report->nchannels = n;
    report->channels_total = total;

    return NGX_OK;
}
