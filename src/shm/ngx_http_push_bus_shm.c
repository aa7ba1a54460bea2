/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the bus of one machine: from this worker's mailbox to the feeds,
 * and what they have to doubt.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_bus_shm.h"
#include "ngx_http_push_inbox.h"
#include "ngx_http_push_msg.h"
#include "ngx_http_push_recall.h"
#include "ngx_http_push_zone_orders.h"


#define NGX_HTTP_PUSH_BUS_SHM_DELIVERIES  32768   /* per turn of the loop */
#define NGX_HTTP_PUSH_BUS_SHM_WARN        10      /* seconds between lines */
#define NGX_HTTP_PUSH_BUS_SHM_TELL        1000    /* ms between walks */


/*
 * Process heap; bus stands first: the table that the hub knows.  channel->bus
 * is the number of the last gap that its feed was told of.
 */

typedef struct {
    ngx_http_push_bus_t              bus;
    ngx_http_push_zone_t            *zone;
    ngx_http_push_segment_t         *seg;
    ngx_http_push_hub_t             *hub;
    ngx_http_push_feeds_t           *feeds;
    ngx_http_push_zone_orders_t     *orders;
    ngx_http_push_inbox_t           *inbox;
    ngx_http_push_figures_t         *figures;
    ngx_log_t                       *log;

    ngx_event_t                      event;       /* there is more to read */
    ngx_connection_t                 stub;        /* its data, fd is -1 */

    uint64_t                         lost;        /* since the last warning */
    time_t                           warned;
    uintptr_t                        gap;         /* number of the last one */
    uintptr_t                        told;        /* that all channels know */
    ngx_msec_t                       walked;
} ngx_http_push_bus_shm_t;


static ngx_int_t ngx_http_push_bus_shm_subscribe(ngx_http_push_bus_t *bus,
    ngx_http_push_channel_t *ch);
static ngx_int_t ngx_http_push_bus_shm_unsubscribe(ngx_http_push_bus_t *bus,
    ngx_http_push_channel_t *ch);
static ngx_int_t ngx_http_push_bus_shm_order(ngx_http_push_bus_t *bus,
    ngx_http_push_order_t *o);
static void ngx_http_push_bus_shm_cancel(ngx_http_push_bus_t *bus,
    ngx_http_push_order_t *o);
static ngx_int_t ngx_http_push_bus_shm_recall(ngx_http_push_bus_t *bus,
    ngx_http_push_read_t *rd);
static void ngx_http_push_bus_shm_unread(ngx_http_push_bus_t *bus,
    ngx_http_push_read_t *rd);
static ngx_msec_t ngx_http_push_bus_shm_deaf_since(ngx_http_push_bus_t *bus);
static void ngx_http_push_bus_shm_quit(ngx_http_push_bus_t *bus);
static void ngx_http_push_bus_shm_destroy(ngx_http_push_bus_t *bus);
static void ngx_http_push_bus_shm_event_handler(ngx_event_t *ev);
static void ngx_http_push_bus_shm_read(ngx_http_push_bus_shm_t *sb);
static ngx_int_t ngx_http_push_bus_shm_fetch(ngx_http_push_bus_shm_t *sb);
static ngx_uint_t ngx_http_push_bus_shm_deliver(ngx_http_push_bus_shm_t *sb,
    ngx_http_push_inbox_item_t *item);
static void ngx_http_push_bus_shm_give(ngx_http_push_bus_shm_t *sb,
    ngx_http_push_channel_t *ch, ngx_http_push_msg_t *m);
static void ngx_http_push_bus_shm_note_gap(ngx_http_push_bus_shm_t *sb,
    uint64_t lost);
static void ngx_http_push_bus_shm_tell_gap(ngx_http_push_bus_shm_t *sb);
static void ngx_http_push_bus_shm_gap_handler(void *data,
    ngx_http_push_channel_t *ch);


/* the event of a C envelope, as over Redis */

static ngx_str_t  ngx_http_push_bus_shm_delete = ngx_string("delete");


ngx_http_push_bus_t *
ngx_http_push_bus_shm_create(ngx_http_push_zone_t *z, ngx_http_push_hub_t *h,
    ngx_http_push_feeds_t *fs, ngx_log_t *log)
{
    ngx_http_push_bus_shm_t  *sb;

    sb = ngx_calloc(sizeof(ngx_http_push_bus_shm_t), log);
    if (sb == NULL) {
        return NULL;
    }

    ngx_str_set(&sb->bus.name, "zone");
    sb->bus.instant = 1;
    sb->bus.subscribe = ngx_http_push_bus_shm_subscribe;
    sb->bus.unsubscribe = ngx_http_push_bus_shm_unsubscribe;
    sb->bus.order = ngx_http_push_bus_shm_order;
    sb->bus.cancel = ngx_http_push_bus_shm_cancel;
    sb->bus.read = ngx_http_push_bus_shm_recall;
    sb->bus.unread = ngx_http_push_bus_shm_unread;
    sb->bus.deaf_since = ngx_http_push_bus_shm_deaf_since;
    sb->bus.quit = ngx_http_push_bus_shm_quit;
    sb->bus.destroy = ngx_http_push_bus_shm_destroy;

    sb->zone = z;
    sb->seg = ngx_http_push_zone_segment(z);
    sb->hub = h;
    sb->feeds = fs;
    sb->figures = ngx_http_push_hub_figures(h);
    sb->log = log;

    sb->stub.fd = (ngx_socket_t) -1;
    sb->stub.data = sb;

    sb->event.data = &sb->stub;
    sb->event.handler = ngx_http_push_bus_shm_event_handler;
    sb->event.log = log;

    sb->inbox = ngx_http_push_inbox_create(sb->seg, log);
    sb->orders = ngx_http_push_zone_orders_create(sb->seg, h, fs, &sb->event,
                                                  log);

    if (sb->inbox == NULL || sb->orders == NULL) {
        ngx_http_push_bus_shm_destroy(&sb->bus);
        return NULL;
    }

    return &sb->bus;
}


static void
ngx_http_push_bus_shm_destroy(ngx_http_push_bus_t *bus)
{
    ngx_http_push_bus_shm_t  *sb;

    sb = (ngx_http_push_bus_shm_t *) bus;

    if (sb->event.posted) {
        ngx_delete_posted_event(&sb->event);
    }

    if (sb->orders != NULL) {
        ngx_http_push_zone_orders_destroy(sb->orders);
    }

    if (sb->inbox != NULL) {
        ngx_http_push_inbox_destroy(sb->inbox);
    }

    ngx_free(sb);
}


/* the zone knows already, from the census; earlier gaps do not concern it */

static ngx_int_t
ngx_http_push_bus_shm_subscribe(ngx_http_push_bus_t *bus,
    ngx_http_push_channel_t *ch)
{
    ngx_http_push_bus_shm_t  *sb;

    sb = (ngx_http_push_bus_shm_t *) bus;

    ch->bus = (void *) sb->gap;

    ngx_http_push_feed_confirm(sb->feeds, ch, 0);

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_bus_shm_unsubscribe(ngx_http_push_bus_t *bus,
    ngx_http_push_channel_t *ch)
{
    ch->bus = NULL;

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_bus_shm_order(ngx_http_push_bus_t *bus, ngx_http_push_order_t *o)
{
    ngx_http_push_bus_shm_t  *sb;

    sb = (ngx_http_push_bus_shm_t *) bus;

    return ngx_http_push_zone_orders_give(sb->orders, o);
}


static void
ngx_http_push_bus_shm_cancel(ngx_http_push_bus_t *bus,
    ngx_http_push_order_t *o)
{
    ngx_http_push_bus_shm_t  *sb;

    sb = (ngx_http_push_bus_shm_t *) bus;

    ngx_http_push_zone_orders_cancel(sb->orders, o);
}


static ngx_int_t
ngx_http_push_bus_shm_recall(ngx_http_push_bus_t *bus,
    ngx_http_push_read_t *rd)
{
    ngx_http_push_bus_shm_t  *sb;

    sb = (ngx_http_push_bus_shm_t *) bus;

    ngx_http_push_recall(sb->seg, rd, sb->log);

    return NGX_OK;
}


static void
ngx_http_push_bus_shm_unread(ngx_http_push_bus_t *bus,
    ngx_http_push_read_t *rd)
{
}


static ngx_msec_t
ngx_http_push_bus_shm_deaf_since(ngx_http_push_bus_t *bus)
{
    return 0;
}


static void
ngx_http_push_bus_shm_quit(ngx_http_push_bus_t *bus)
{
}


void
ngx_http_push_bus_shm_ring(ngx_http_push_bus_t *bus)
{
    ngx_http_push_bus_shm_t  *sb;

    sb = (ngx_http_push_bus_shm_t *) bus;

    ngx_http_push_zone_reenter(sb->zone, sb->hub);

    ngx_http_push_bus_shm_tell_gap(sb);

    ngx_http_push_bus_shm_read(sb);
}


static void
ngx_http_push_bus_shm_event_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    ngx_http_push_bus_shm_read(c->data);
}


/*
 * A batch per turn of the loop, and of a batch so much that accepts, reads and
 * timers run before the rest.
 */

static void
ngx_http_push_bus_shm_read(ngx_http_push_bus_shm_t *sb)
{
    ngx_uint_t                  n;
    ngx_http_push_inbox_item_t  item;

    n = 0;

    if (ngx_http_push_hub_busy(sb->hub)) {
        ngx_post_event(&sb->event, &ngx_posted_next_events);
        return;
    }

    if (ngx_http_push_inbox_empty(sb->inbox)
        && ngx_http_push_bus_shm_fetch(sb) == NGX_DECLINED)
    {
        return;
    }

    while (n < NGX_HTTP_PUSH_BUS_SHM_DELIVERIES
           && ngx_http_push_inbox_take(sb->inbox, &item) == NGX_OK)
    {
        n += ngx_http_push_bus_shm_deliver(sb, &item);
    }

    if (ngx_http_push_inbox_pending(sb->inbox)) {
        ngx_post_event(&sb->event, &ngx_posted_next_events);
    }
}


static ngx_int_t
ngx_http_push_bus_shm_fetch(ngx_http_push_bus_shm_t *sb)
{
    uint64_t    lost;
    ngx_int_t   rc;
    ngx_uint_t  gap;

    rc = ngx_http_push_inbox_fetch(sb->inbox, &gap, &lost);

    if (lost != 0 || gap) {
        ngx_http_push_bus_shm_note_gap(sb, lost);
    }

    return rc;
}


/* returns what it cost, in deliveries */

static ngx_uint_t
ngx_http_push_bus_shm_deliver(ngx_http_push_bus_shm_t *sb,
    ngx_http_push_inbox_item_t *item)
{
    ngx_uint_t                n;
    ngx_http_push_channel_t  *ch;

    n = 1;

    ch = ngx_http_push_hub_find(sb->hub, &item->channel, item->hash);

    if (ch != NULL) {
        n += ch->nsubs;

        ngx_http_push_bus_shm_gap_handler(sb, ch);

        ngx_http_push_bus_shm_give(sb, ch, item->m);
    }

    if (item->m != NULL) {
        ngx_http_push_msg_unref(item->m);
    }

    return n;
}


static void
ngx_http_push_bus_shm_give(ngx_http_push_bus_shm_t *sb,
    ngx_http_push_channel_t *ch, ngx_http_push_msg_t *m)
{
    if (m == NULL) {
        sb->figures->lost++;
        ngx_http_push_feed_doubt(sb->feeds, ch);
        return;
    }

    if (m->kind == NGX_HTTP_PUSH_MSG_DATA) {
        sb->figures->received++;
        ngx_http_push_feed_message(sb->feeds, ch, m);
        return;
    }

    if (m->kind == NGX_HTTP_PUSH_MSG_CONTROL
        && m->event.len == ngx_http_push_bus_shm_delete.len
        && ngx_memcmp(m->event.data, ngx_http_push_bus_shm_delete.data,
                      m->event.len)
           == 0)
    {
        ngx_http_push_feed_delete(sb->feeds, ch);
    }
}


/*
 * Which channels have lost something is not known any more.  Each is told
 * before its next message, and all within a second: under a load that loses
 * messages all the time, a walk for each loss would only make it worse.
 */

static void
ngx_http_push_bus_shm_note_gap(ngx_http_push_bus_shm_t *sb, uint64_t lost)
{
    sb->gap++;

    sb->figures->lost += lost;
    sb->lost += lost;

    if (ngx_time() - sb->warned >= NGX_HTTP_PUSH_BUS_SHM_WARN) {

        ngx_log_error(NGX_LOG_WARN, sb->log, 0,
                      "push zone: this worker fell behind, %uL messages "
                      "to it are lost", sb->lost);

        sb->warned = ngx_time();
        sb->lost = 0;
    }

    ngx_http_push_bus_shm_tell_gap(sb);
}


static void
ngx_http_push_bus_shm_tell_gap(ngx_http_push_bus_shm_t *sb)
{
    if (sb->told == sb->gap
        || ngx_current_msec - sb->walked < NGX_HTTP_PUSH_BUS_SHM_TELL)
    {
        return;
    }

    sb->told = sb->gap;
    sb->walked = ngx_current_msec;

    ngx_http_push_hub_walk(sb->hub, ngx_http_push_bus_shm_gap_handler, sb);
}


static void
ngx_http_push_bus_shm_gap_handler(void *data, ngx_http_push_channel_t *ch)
{
    ngx_http_push_bus_shm_t  *sb = data;

    if (ch->bus != (void *) sb->gap) {
        ch->bus = (void *) sb->gap;
        ngx_http_push_feed_doubt(sb->feeds, ch);
    }
}
