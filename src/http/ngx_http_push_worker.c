/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: one worker process: claims its slot, starts hub and bus, keeps
 * house once a second, drains when it is asked to quit.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>

#include "ngx_http_push_bell.h"
#include "ngx_http_push_bus_redis.h"
#include "ngx_http_push_bus_shm.h"
#include "ngx_http_push_conf.h"
#include "ngx_http_push_ctx.h"
#include "ngx_http_push_feed.h"
#include "ngx_http_push_ident.h"
#include "ngx_http_push_session.h"
#include "ngx_http_push_slots.h"
#include "ngx_http_push_sse.h"
#include "ngx_http_push_stream.h"
#include "ngx_http_push_worker.h"
#include "ngx_http_push_ws.h"
#include "ngx_http_push_zone.h"


#define NGX_HTTP_PUSH_WORKER_TICK   500   /* ms between two sweeps */
#define NGX_HTTP_PUSH_WORKER_SOON   10    /* ms, while a sweep has more to do */
#define NGX_HTTP_PUSH_WORKER_HURRY  1000  /* ms: drain that was cut short */


typedef struct {
    ngx_http_push_hub_t        *hub;          /* NULL: no push here */
    ngx_http_push_bus_t        *bus;
    ngx_http_push_feeds_t      *feeds;
    ngx_http_push_zone_t       *zone;
    ngx_http_push_census_t      census;
    ngx_uint_t                  slot;
    ngx_event_t                 tick;
    ngx_connection_t            dummy;
    ngx_cycle_t                *cycle;
    ngx_http_push_main_conf_t  *conf;
    unsigned                    mail:1;       /* the bus has a mailbox */
    unsigned                    draining:1;
    unsigned                    hurried:1;
} ngx_http_push_worker_t;


static void ngx_http_push_worker_stay(ngx_http_push_main_conf_t *pmcf);
static ngx_int_t ngx_http_push_worker_start(void);
static ngx_http_push_bus_t *ngx_http_push_worker_bus(void);
static void ngx_http_push_worker_start_late(void);
static void ngx_http_push_worker_name(ngx_str_t *name, u_char *buf,
    size_t size);
static void ngx_http_push_worker_ring(void *data);
static void ngx_http_push_worker_quit(void *data, ngx_uint_t forced);
static void ngx_http_push_worker_drain(ngx_msec_t ms);
static void ngx_http_push_worker_tick(ngx_event_t *ev);
static void ngx_http_push_worker_hurry(void);
static ngx_uint_t ngx_http_push_worker_outdated(void);
static ngx_uint_t ngx_http_push_worker_severed(ngx_http_push_slot_t *slot);
static ngx_int_t ngx_http_push_worker_gone(void *data, ngx_uint_t slot);


static ngx_http_push_worker_t  ngx_http_push_worker;


ngx_int_t
ngx_http_push_worker_init_module(ngx_cycle_t *cycle)
{
    ngx_http_push_main_conf_t  *pmcf;

    /* without http{} there is no main configuration */

    pmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_push_module);

    if (pmcf == NULL || pmcf->zone == NULL || ngx_test_config) {
        return NGX_OK;
    }

    if (ngx_http_push_ident_init(cycle->log) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_push_slots_open(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_push_worker_stay(pmcf);

    return NGX_OK;
}


/*
 * After a reload in the single-process mode nginx does not call init_process
 * again.  The links remain those of the old configuration.
 */

static void
ngx_http_push_worker_stay(ngx_http_push_main_conf_t *pmcf)
{
    ngx_http_push_worker_t  *w;

    w = &ngx_http_push_worker;

    if (w->hub == NULL) {
        return;
    }

    ngx_http_push_feed_set_policies(w->feeds, &pmcf->history);
    ngx_http_push_zone_move(w->zone, pmcf->zone, w->hub);

    (void) ngx_http_push_slots_claim(ngx_http_push_zone_id(w->zone),
                                     w->cycle->log);
}


ngx_int_t
ngx_http_push_worker_init_process(ngx_cycle_t *cycle)
{
    ngx_http_push_worker_t     *w;
    ngx_http_push_main_conf_t  *pmcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    pmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_push_module);

    if (pmcf == NULL || pmcf->zone == NULL) {
        return NGX_OK;
    }

    w = &ngx_http_push_worker;

    ngx_memzero(w, sizeof(ngx_http_push_worker_t));

    w->cycle = cycle;
    w->conf = pmcf;
    w->zone = pmcf->zone;

    w->dummy.fd = (ngx_socket_t) -1;
    w->dummy.data = w;

    w->tick.handler = ngx_http_push_worker_tick;
    w->tick.data = &w->dummy;
    w->tick.log = cycle->log;
    w->tick.cancelable = 1;

    w->slot = ngx_http_push_slots_claim(ngx_http_push_zone_id(w->zone),
                                        cycle->log);

    if (w->slot != NGX_HTTP_PUSH_SLOT_NONE
        && ngx_http_push_worker_start() != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* without a slot the site goes on, push answers 503 until there is one */

    ngx_add_timer(&w->tick, NGX_HTTP_PUSH_WORKER_TICK);

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_worker_start(void)
{
    ngx_log_t                      *log;
    ngx_http_push_worker_t         *w;
    ngx_http_push_bell_handlers_t   handlers;

    w = &ngx_http_push_worker;
    log = w->cycle->log;

    ngx_http_push_zone_attach(w->zone, w->slot);
    ngx_http_push_zone_census(w->zone, &w->census);

    w->hub = ngx_http_push_hub_create(
                 &ngx_http_push_slots_get(w->slot)->figures, &w->census, log);
    if (w->hub == NULL) {
        return NGX_ERROR;
    }

    w->feeds = ngx_http_push_feed_start(w->hub, &w->conf->history,
                   w->conf->redis != NULL && w->conf->redis->lenient, log);
    if (w->feeds == NULL) {
        return NGX_ERROR;
    }

    w->bus = ngx_http_push_worker_bus();
    if (w->bus == NULL) {
        return NGX_ERROR;
    }

    ngx_http_push_hub_attach_bus(w->hub, w->bus);

    if (ngx_http_push_session_start(w->hub, w->feeds, log) != NGX_OK
        || ngx_http_push_ws_start(log) != NGX_OK
        || ngx_http_push_sse_start(log) != NGX_OK
        || ngx_http_push_stream_start(log) != NGX_OK)
    {
        return NGX_ERROR;
    }

    handlers.ring = ngx_http_push_worker_ring;
    handlers.quit = ngx_http_push_worker_quit;
    handlers.data = w;

    return ngx_http_push_bell_open(w->cycle, w->slot, &handlers);
}


/* an older generation has made room meanwhile */

static void
ngx_http_push_worker_start_late(void)
{
    ngx_http_push_worker_t  *w;

    w = &ngx_http_push_worker;

    w->slot = ngx_http_push_slots_claim(ngx_http_push_zone_id(w->zone),
                                        w->cycle->log);

    if (w->slot != NGX_HTTP_PUSH_SLOT_NONE
        && ngx_http_push_worker_start() != NGX_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, w->cycle->log, 0,
                      "push cannot start in this worker");
        ngx_terminate = 1;
    }
}


static ngx_http_push_bus_t *
ngx_http_push_worker_bus(void)
{
    u_char                   buf[64];
    ngx_str_t                name;
    ngx_http_push_worker_t  *w;

    w = &ngx_http_push_worker;

    if (w->conf->redis == NULL) {
        w->mail = 1;

        return ngx_http_push_bus_shm_create(w->zone, w->hub, w->feeds,
                                            w->cycle->log);
    }

    ngx_http_push_worker_name(&name, buf, sizeof(buf));

    return ngx_http_push_bus_redis_create(w->conf->redis, w->hub, w->feeds,
                                          &name, w->cycle->log);
}


/* unique in the cluster, also where hosts have the same name */

static void
ngx_http_push_worker_name(ngx_str_t *name, u_char *buf, size_t size)
{
    u_char      *p;
    ngx_uint_t   i;

    p = buf;

    for (i = 0; i < ngx_cycle->hostname.len && i < 32; i++) {
        *p = ngx_cycle->hostname.data[i];

        if (!((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z')
              || (*p >= 'A' && *p <= 'Z')))
        {
            *p = '.';
        }

        p++;
    }

    p = ngx_snprintf(p, size - (p - buf), ".%P.%08xD", ngx_pid,
                     (uint32_t) ngx_random() ^ (uint32_t) ngx_time());

    name->data = buf;
    name->len = p - buf;
}


void
ngx_http_push_worker_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_push_worker_t  *w;

    w = &ngx_http_push_worker;

    if (w->tick.timer_set) {
        ngx_del_timer(&w->tick);
    }

    if (w->hub == NULL) {
        return;
    }

    ngx_http_push_session_stop();
    ngx_http_push_ws_stop();
    ngx_http_push_sse_stop();
    ngx_http_push_stream_stop();
    ngx_http_push_feed_stop(w->feeds);

    w->bus->destroy(w->bus);

    ngx_http_push_bell_close();
    ngx_http_push_hub_destroy(w->hub);
    ngx_http_push_zone_detach(w->zone);
    ngx_http_push_slots_release();

    w->hub = NULL;
}


ngx_http_push_hub_t *
ngx_http_push_worker_hub(void)
{
    return ngx_http_push_worker.hub;
}


ngx_uint_t
ngx_http_push_worker_draining(void)
{
    return ngx_http_push_worker.draining;
}


static void
ngx_http_push_worker_ring(void *data)
{
    ngx_http_push_worker_t  *w = data;

    ngx_http_push_zone_reenter(w->zone, w->hub);

    if (w->mail) {
        ngx_http_push_bus_shm_ring(w->bus);
    }
}


static void
ngx_http_push_worker_quit(void *data, ngx_uint_t forced)
{
    ngx_http_push_worker_t  *w = data;

    if (w->draining || forced) {
        return;
    }

    w->draining = 1;
    w->bus->quit(w->bus);

    /* the new workers are there already, nginx has started them before */

    if (ngx_http_push_worker_outdated()
        && w->conf->drain > NGX_HTTP_PUSH_WORKER_HURRY)
    {
        w->hurried = 1;
        ngx_http_push_worker_drain(NGX_HTTP_PUSH_WORKER_HURRY);
        return;
    }

    ngx_http_push_worker_drain(w->conf->drain);
}


static void
ngx_http_push_worker_drain(ngx_msec_t ms)
{
    uint64_t               now;
    ngx_time_t            *tp;
    ngx_http_push_slot_t  *slot;

    tp = ngx_timeofday();
    now = (uint64_t) tp->sec * 1000 + tp->msec;

    slot = ngx_http_push_slots_get(ngx_http_push_worker.slot);
    slot->draining = now;
    slot->drained = now + ms;

    ngx_log_error(NGX_LOG_NOTICE, ngx_http_push_worker.cycle->log, 0,
                  "push sends %uL clients away over %M ms",
                  slot->figures.connections, ms);

    ngx_http_push_session_drain(ms);
}


/* what has to be right again within a second after a worker was killed */

static void
ngx_http_push_worker_tick(ngx_event_t *ev)
{
    ngx_int_t                rc;
    ngx_connection_t        *c;
    ngx_http_push_worker_t  *w;

    c = ev->data;
    w = c->data;

    rc = ngx_http_push_slots_sweep(ngx_http_push_worker_gone, w);

    if (w->hub == NULL) {
        ngx_http_push_worker_start_late();

    } else {
        ngx_http_push_worker_ring(w);
        ngx_http_push_zone_tidy(w->zone);
        ngx_http_push_worker_hurry();
    }

    ngx_add_timer(ev, rc == NGX_AGAIN ? NGX_HTTP_PUSH_WORKER_SOON
                                      : NGX_HTTP_PUSH_WORKER_TICK);
}


/*
 * A drain that takes its time is cut short when a younger generation needs the
 * slot, when there was another reload meanwhile (two generations may overlap,
 * not three), and when the younger one cannot be heard from here.
 */

static void
ngx_http_push_worker_hurry(void)
{
    ngx_http_push_worker_t  *w;

    w = &ngx_http_push_worker;

    if (!w->draining || w->hurried) {
        return;
    }

    if (!ngx_http_push_slots_get(w->slot)->leave
        && !ngx_http_push_worker_outdated())
    {
        return;
    }

    w->hurried = 1;

    ngx_http_push_worker_drain(NGX_HTTP_PUSH_WORKER_HURRY);
}


static ngx_uint_t
ngx_http_push_worker_outdated(void)
{
    uint64_t               own;
    ngx_uint_t             i;
    ngx_http_push_slot_t  *slot;

    own = ngx_http_push_slots_generation();

    for (i = 0; i < ngx_http_push_slots_count(); i++) {
        slot = ngx_http_push_slots_get(i);

        if (slot->pid != 0
            && (slot->generation > own + 1
                || (slot->generation > own
                    && ngx_http_push_worker_severed(slot))))
        {
            return 1;
        }
    }

    return 0;
}


/*
 * After a reload with another size of the zone the mailboxes of the new
 * workers are in a zone that this one has not mapped: what is published there
 * never comes to the clients here, who do better to come back at once.
 */

static ngx_uint_t
ngx_http_push_worker_severed(ngx_http_push_slot_t *slot)
{
    ngx_http_push_worker_t  *w;

    w = &ngx_http_push_worker;

    return w->mail && slot->zone_id != ngx_http_push_zone_id(w->zone);
}


static ngx_int_t
ngx_http_push_worker_gone(void *data, ngx_uint_t slot)
{
    ngx_http_push_worker_t  *w = data;

    return ngx_http_push_zone_sweep(w->zone, slot);
}
