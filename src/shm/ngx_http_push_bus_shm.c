/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the bus of one machine: from an order to a letter in the zone, and
 * from this worker's mailbox to the hub.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_bus_shm.h"
#include "ngx_http_push_envelope.h"
#include "ngx_http_push_mailbox.h"
#include "ngx_http_push_msg.h"
#include "ngx_http_push_segment.h"


#define NGX_HTTP_PUSH_BUS_SHM_NAME        256
#define NGX_HTTP_PUSH_BUS_SHM_DELIVERIES  32768   /* per turn of the loop */
#define NGX_HTTP_PUSH_BUS_SHM_WARN        10      /* seconds between lines */
#define NGX_HTTP_PUSH_BUS_SHM_TELL        1000    /* ms between walks */
#define NGX_HTTP_PUSH_BUS_SHM_WAITING     10000   /* orders */
#define NGX_HTTP_PUSH_BUS_SHM_PATIENCE    2000    /* ms that one waits */
#define NGX_HTTP_PUSH_BUS_SHM_RETRY       1       /* ms */
#define NGX_HTTP_PUSH_BUS_SHM_TURN        64      /* orders done in a turn */


/*
 * Process heap; bus stands first: the table that the hub knows.  channel->bus
 * is the number of the last gap that its subscribers have been told of.
 */

typedef struct {
    ngx_http_push_bus_t              bus;
    ngx_http_push_zone_t            *zone;
    ngx_http_push_segment_t         *seg;
    ngx_http_push_hub_t             *hub;
    ngx_http_push_feeds_t           *feeds;
    ngx_http_push_figures_t         *figures;
    ngx_log_t                       *log;

    ngx_event_t                      event;       /* there is more to read */
    ngx_connection_t                 stub;        /* its data, fd is -1 */

    ngx_queue_t                      waiting;     /* for room in the arena */
    ngx_uint_t                       nwaiting;
    ngx_event_t                      retry;

    uint64_t                         lost;        /* since the last warning */
    time_t                           warned;
    uintptr_t                        gap;         /* number of the last one */
    uintptr_t                        told;        /* that all channels know */
    ngx_msec_t                       walked;

    /* what was taken out of the mailbox and is delivered next */
    ngx_uint_t                       next;
    ngx_uint_t                       n;
    ngx_http_push_msg_t             *msgs[NGX_HTTP_PUSH_MAILBOX_ITEMS];
    u_char                           names[NGX_HTTP_PUSH_MAILBOX_ITEMS]
                                          [NGX_HTTP_PUSH_BUS_SHM_NAME];
    ngx_http_push_mailbox_batch_t    batch;
} ngx_http_push_bus_shm_t;


/* an order that waits; freed when it is done or cancelled */

typedef struct {
    ngx_queue_t                      queue;
    ngx_http_push_bus_shm_t         *bus;
    ngx_http_push_order_t           *order;
    ngx_msec_t                       since;
} ngx_http_push_bus_shm_task_t;


static ngx_int_t ngx_http_push_bus_shm_subscribe(ngx_http_push_bus_t *bus,
    ngx_http_push_channel_t *ch);
static ngx_int_t ngx_http_push_bus_shm_unsubscribe(ngx_http_push_bus_t *bus,
    ngx_http_push_channel_t *ch);
static ngx_int_t ngx_http_push_bus_shm_order(ngx_http_push_bus_t *bus,
    ngx_http_push_order_t *o);
static void ngx_http_push_bus_shm_cancel(ngx_http_push_bus_t *bus,
    ngx_http_push_order_t *o);
static ngx_msec_t ngx_http_push_bus_shm_deaf_since(ngx_http_push_bus_t *bus);
static void ngx_http_push_bus_shm_quit(ngx_http_push_bus_t *bus);
static void ngx_http_push_bus_shm_destroy(ngx_http_push_bus_t *bus);
static void ngx_http_push_bus_shm_inform(ngx_http_push_bus_shm_t *sb,
    ngx_http_push_order_t *o);
static ngx_int_t ngx_http_push_bus_shm_send(ngx_http_push_bus_shm_t *sb,
    ngx_http_push_order_t *o, ngx_uint_t patient);
static ngx_int_t ngx_http_push_bus_shm_wait(ngx_http_push_bus_shm_t *sb,
    ngx_http_push_order_t *o);
static void ngx_http_push_bus_shm_remove(ngx_http_push_bus_shm_task_t *task);
static void ngx_http_push_bus_shm_retry_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_push_bus_shm_uncounted(
    ngx_http_push_bus_shm_t *sb, ngx_http_push_order_t *o, uint32_t hash);
static void ngx_http_push_bus_shm_address(ngx_http_push_order_t *o,
    ngx_http_push_envelope_t *env, ngx_str_t *body);
static void ngx_http_push_bus_shm_set(ngx_http_push_envelope_str_t *dst,
    ngx_str_t *src);
static void ngx_http_push_bus_shm_event_handler(ngx_event_t *ev);
static void ngx_http_push_bus_shm_read(ngx_http_push_bus_shm_t *sb);
static ngx_int_t ngx_http_push_bus_shm_fetch(ngx_http_push_bus_shm_t *sb);
static ngx_int_t ngx_http_push_bus_shm_copy(ngx_http_push_bus_shm_t *sb);
static size_t ngx_http_push_bus_shm_copy_item(ngx_http_push_msg_t *m,
    ngx_http_push_mailbox_piece_t *piece, ngx_uint_t n, size_t at);
static void ngx_http_push_bus_shm_parse(ngx_http_push_bus_shm_t *sb);
static void ngx_http_push_bus_shm_forget(ngx_http_push_bus_shm_t *sb);
static ngx_uint_t ngx_http_push_bus_shm_deliver(ngx_http_push_bus_shm_t *sb,
    ngx_uint_t i);
static void ngx_http_push_bus_shm_notify(ngx_http_push_bus_shm_t *sb,
    ngx_http_push_channel_t *ch, ngx_uint_t kind);
static void ngx_http_push_bus_shm_note_gap(ngx_http_push_bus_shm_t *sb);
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
    sb->bus.subscribe = ngx_http_push_bus_shm_subscribe;
    sb->bus.unsubscribe = ngx_http_push_bus_shm_unsubscribe;
    sb->bus.order = ngx_http_push_bus_shm_order;
    sb->bus.cancel = ngx_http_push_bus_shm_cancel;
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

    ngx_queue_init(&sb->waiting);

    sb->retry.data = &sb->stub;
    sb->retry.handler = ngx_http_push_bus_shm_retry_handler;
    sb->retry.log = log;

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

    if (sb->retry.posted) {
        ngx_delete_posted_event(&sb->retry);
    }

    if (sb->retry.timer_set) {
        ngx_del_timer(&sb->retry);
    }

    while (!ngx_queue_empty(&sb->waiting)) {
        ngx_http_push_bus_shm_remove(
            ngx_queue_data(ngx_queue_head(&sb->waiting),
                           ngx_http_push_bus_shm_task_t, queue));
    }

    ngx_http_push_bus_shm_forget(sb);

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

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_bus_shm_unsubscribe(ngx_http_push_bus_t *bus,
    ngx_http_push_channel_t *ch)
{
    ch->bus = NULL;

    return NGX_OK;
}


static void
ngx_http_push_bus_shm_cancel(ngx_http_push_bus_t *bus,
    ngx_http_push_order_t *o)
{
    if (o->pending != NULL) {
        ngx_http_push_bus_shm_remove(o->pending);
    }
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


static ngx_int_t
ngx_http_push_bus_shm_order(ngx_http_push_bus_t *bus, ngx_http_push_order_t *o)
{
    ngx_http_push_bus_shm_t  *sb;

    sb = (ngx_http_push_bus_shm_t *) bus;

    o->error = NULL;
    o->subscribers = 0;
    o->links = 0;
    o->has_links = 0;
    o->pending = NULL;

    if (o->kind == NGX_HTTP_PUSH_ORDER_INFO) {
        ngx_http_push_bus_shm_inform(sb, o);
        return NGX_OK;
    }

    /* what comes later does not overtake what waits */

    if (ngx_queue_empty(&sb->waiting)
        && ngx_http_push_bus_shm_send(sb, o, 1) == NGX_OK)
    {
        return NGX_OK;
    }

    return ngx_http_push_bus_shm_wait(sb, o);
}


/*
 * More at once than the arena holds: the readers, this worker among them, take
 * it in the next turns of their loops.
 */

static ngx_int_t
ngx_http_push_bus_shm_wait(ngx_http_push_bus_shm_t *sb,
    ngx_http_push_order_t *o)
{
    ngx_http_push_bus_shm_task_t  *task;

    task = NULL;

    if (sb->nwaiting < NGX_HTTP_PUSH_BUS_SHM_WAITING) {
        task = ngx_alloc(sizeof(ngx_http_push_bus_shm_task_t), sb->log);
    }

    if (task == NULL) {
        o->status = 503;
        o->error = "too much is waiting for the zone";
        return NGX_OK;
    }

    task->bus = sb;
    task->order = o;
    task->since = ngx_current_msec;

    o->pending = task;

    ngx_queue_insert_tail(&sb->waiting, &task->queue);
    sb->nwaiting++;

    if (!sb->retry.timer_set && !sb->retry.posted) {
        ngx_add_timer(&sb->retry, NGX_HTTP_PUSH_BUS_SHM_RETRY);
    }

    return NGX_AGAIN;
}


static void
ngx_http_push_bus_shm_remove(ngx_http_push_bus_shm_task_t *task)
{
    task->order->pending = NULL;
    task->bus->nwaiting--;

    ngx_queue_remove(&task->queue);
    ngx_free(task);
}


/* a handler may end a request, which may cancel any of the others */

static void
ngx_http_push_bus_shm_retry_handler(ngx_event_t *ev)
{
    ngx_uint_t                     n, patient;
    ngx_connection_t              *c;
    ngx_http_push_order_t         *o;
    ngx_http_push_bus_shm_t       *sb;
    ngx_http_push_bus_shm_task_t  *task;

    c = ev->data;
    sb = c->data;

    for (n = 0; !ngx_queue_empty(&sb->waiting); n++) {

        if (n == NGX_HTTP_PUSH_BUS_SHM_TURN) {
            ngx_post_event(ev, &ngx_posted_next_events);
            return;
        }

        task = ngx_queue_data(ngx_queue_head(&sb->waiting),
                              ngx_http_push_bus_shm_task_t, queue);
        o = task->order;

        patient = ngx_current_msec - task->since
                  < NGX_HTTP_PUSH_BUS_SHM_PATIENCE;

        if (ngx_http_push_bus_shm_send(sb, o, patient) == NGX_AGAIN) {

            if (!ev->timer_set) {
                ngx_add_timer(ev, NGX_HTTP_PUSH_BUS_SHM_RETRY);
            }

            return;
        }

        ngx_http_push_bus_shm_remove(task);

        o->handler(o);
    }
}


static void
ngx_http_push_bus_shm_inform(ngx_http_push_bus_shm_t *sb,
    ngx_http_push_order_t *o)
{
    uint32_t                 hash;
    ngx_http_push_census_t  *census;

    census = ngx_http_push_hub_census(sb->hub);
    hash = ngx_http_push_hub_hash(o->channel.data, o->channel.len);

    o->subscribers = census->subscribers(census->data, &o->channel, hash)
                     + ngx_http_push_bus_shm_uncounted(sb, o, hash);
    o->status = 200;
}


/* NGX_OK: the outcome is filled; NGX_AGAIN, for who is patient: later */

static ngx_int_t
ngx_http_push_bus_shm_send(ngx_http_push_bus_shm_t *sb,
    ngx_http_push_order_t *o, ngx_uint_t patient)
{
    size_t                           len;
    u_char                           header[
                                         NGX_HTTP_PUSH_ENVELOPE_HEADER_MAX];
    ngx_int_t                        rc;
    ngx_http_push_envelope_t         env;
    ngx_http_push_mailbox_letter_t   letter;

    ngx_http_push_bus_shm_address(o, &env, &letter.body);

    len = ngx_http_push_envelope_header_size(&env);

    if (len == 0) {
        o->status = 400;
        o->error = "invalid message properties";
        return NGX_OK;
    }

    (void) ngx_http_push_envelope_write_header(header, &env);

    letter.header.data = header;
    letter.header.len = len;
    letter.channel = o->channel;
    letter.hash = ngx_http_push_hub_hash(o->channel.data, o->channel.len);
    letter.patient = patient;

    rc = ngx_http_push_mailbox_post(sb->seg, &letter);

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (letter.self) {
        ngx_post_event(&sb->event, &ngx_posted_events);
    }

    o->subscribers = letter.subscribers
                     + ngx_http_push_bus_shm_uncounted(sb, o, letter.hash);

    if (rc == NGX_DECLINED) {
        o->status = 413;
        o->error = "message too large";

    } else if (rc == NGX_ERROR) {
        o->status = 503;
        o->error = "no room for messages under way";

    } else if (o->kind == NGX_HTTP_PUSH_ORDER_PUBLISH) {
        o->status = o->subscribers ? 201 : 202;

    } else if (letter.known) {
        o->status = 200;

    } else {
        o->status = 404;
        o->error = "unknown channel";
    }

    return NGX_OK;
}


/*
 * Subscribers here that the full zone has no entry for; those that other
 * workers have are not known.
 */

static ngx_uint_t
ngx_http_push_bus_shm_uncounted(ngx_http_push_bus_shm_t *sb,
    ngx_http_push_order_t *o, uint32_t hash)
{
    ngx_http_push_channel_t  *ch;

    if (sb->seg->missing == 0) {
        return 0;
    }

    ch = ngx_http_push_hub_find(sb->hub, &o->channel, hash);

    return (ch != NULL && ch->census == NULL) ? ch->nsubs : 0;
}


static void
ngx_http_push_bus_shm_address(ngx_http_push_order_t *o,
    ngx_http_push_envelope_t *env, ngx_str_t *body)
{
    ngx_time_t  *tp;

    ngx_memzero(env, sizeof(ngx_http_push_envelope_t));

    tp = ngx_timeofday();
    env->time = (uint64_t) tp->sec * 1000 + tp->msec;

    if (o->kind == NGX_HTTP_PUSH_ORDER_DELETE) {
        env->kind = NGX_HTTP_PUSH_ENVELOPE_KIND_CONTROL;
        ngx_str_null(body);

        ngx_http_push_bus_shm_set(&env->event, &ngx_http_push_bus_shm_delete);

    } else {
        env->kind = NGX_HTTP_PUSH_ENVELOPE_KIND_MESSAGE;
        env->is_binary = o->binary;
        env->is_volatile = o->volatile_;
        *body = o->body;

        ngx_http_push_bus_shm_set(&env->event, &o->event);
        ngx_http_push_bus_shm_set(&env->type, &o->content_type);
        ngx_http_push_bus_shm_set(&env->except, &o->except);
    }

    ngx_http_push_bus_shm_set(&env->body, body);
}


static void
ngx_http_push_bus_shm_set(ngx_http_push_envelope_str_t *dst, ngx_str_t *src)
{
    if (src->len != 0) {
        dst->data = src->data;
        dst->len = src->len;
    }
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
 * timers run before the rest.  What comes after the last look at box->n rings.
 */

static void
ngx_http_push_bus_shm_read(ngx_http_push_bus_shm_t *sb)
{
    ngx_uint_t                    n;
    ngx_http_push_segment_box_t  *box;

    n = 0;
    box = sb->seg->box;

    if (ngx_http_push_hub_busy(sb->hub)) {
        ngx_post_event(&sb->event, &ngx_posted_next_events);
        return;
    }

    if (sb->next == sb->n && ngx_http_push_bus_shm_fetch(sb) == NGX_DECLINED) {
        return;
    }

    while (sb->next < sb->n && n < NGX_HTTP_PUSH_BUS_SHM_DELIVERIES) {
        n += ngx_http_push_bus_shm_deliver(sb, sb->next++);
    }

    if (sb->next < sb->n
        || box->n != 0
        || (box->flags & NGX_HTTP_PUSH_SEGMENT_GAP))
    {
        ngx_post_event(&sb->event, &ngx_posted_next_events);
    }
}


/*
 * Messages are copied without the lock, and believed only when the mailbox
 * takes them back.  Its references are given up no sooner: if this process is
 * killed before, the sweep finds them where they were.
 */

static ngx_int_t
ngx_http_push_bus_shm_fetch(ngx_http_push_bus_shm_t *sb)
{
    ngx_int_t                       rc;
    ngx_http_push_mailbox_batch_t  *b;

    b = &sb->batch;

    sb->next = 0;
    sb->n = 0;

    b->partial = 0;

    rc = ngx_http_push_mailbox_peek(sb->seg, b);

    if (b->lost != 0 || b->gap) {
        ngx_http_push_bus_shm_note_gap(sb);
    }

    if (rc != NGX_OK) {
        return NGX_DECLINED;
    }

    if (ngx_http_push_bus_shm_copy(sb) != NGX_OK
        || ngx_http_push_mailbox_pop(sb->seg, b) != NGX_OK)
    {
        ngx_http_push_bus_shm_forget(sb);
        return NGX_AGAIN;
    }

    ngx_http_push_bus_shm_parse(sb);

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_bus_shm_copy(ngx_http_push_bus_shm_t *sb)
{
    size_t                          at;
    ngx_uint_t                      i, piece;
    ngx_http_push_mailbox_item_t   *item;
    ngx_http_push_mailbox_batch_t  *b;

    b = &sb->batch;
    piece = 0;
    at = 0;

    for (i = 0; i < b->nitems; i++) {
        item = &b->items[i];

        ngx_memcpy(sb->names[i], item->name.data, item->name.len);

        /* without memory its channel is told that it is missing */

        sb->msgs[i] = ngx_http_push_msg_create(item->len, sb->log);
        sb->n++;

        at = ngx_http_push_bus_shm_copy_item(sb->msgs[i], &b->pieces[piece],
                                   b->partial ? b->npieces : item->npieces,
                                   0);
        piece += item->npieces;
    }

    while (b->partial) {

        if (ngx_http_push_mailbox_peek(sb->seg, b) != NGX_OK) {
            return NGX_DECLINED;
        }

        at = ngx_http_push_bus_shm_copy_item(sb->msgs[0], b->pieces,
                                             b->npieces, at);
    }

    return NGX_OK;
}


/* n pieces to their place behind the first bytes, of which there are at */

static size_t
ngx_http_push_bus_shm_copy_item(ngx_http_push_msg_t *m,
    ngx_http_push_mailbox_piece_t *piece, ngx_uint_t n, size_t at)
{
    ngx_uint_t  i;

    if (m == NULL) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        ngx_memcpy(m->wire + at, piece[i].data, piece[i].len);
        at += piece[i].len;
    }

    return at;
}


static void
ngx_http_push_bus_shm_parse(ngx_http_push_bus_shm_t *sb)
{
    ngx_int_t             rc;
    ngx_uint_t            i;
    ngx_http_push_msg_t  *m;

    for (i = 0; i < sb->n; i++) {
        m = sb->msgs[i];

        if (m == NULL) {
            continue;
        }

        rc = ngx_http_push_msg_parse(m, sb->log);

        if (rc == NGX_OK) {
            continue;
        }

        if (rc == NGX_DECLINED) {
            ngx_log_error(NGX_LOG_ALERT, sb->log, 0,
                          "push zone: malformed message in the mailbox");
        }

        ngx_http_push_msg_unref(m);
        sb->msgs[i] = NULL;
    }
}


/* what is copied and not delivered */

static void
ngx_http_push_bus_shm_forget(ngx_http_push_bus_shm_t *sb)
{
    for ( /* void */ ; sb->next < sb->n; sb->next++) {
        if (sb->msgs[sb->next] != NULL) {
            ngx_http_push_msg_unref(sb->msgs[sb->next]);
        }
    }

    sb->next = 0;
    sb->n = 0;
}


/* returns what it cost, in deliveries */

static ngx_uint_t
ngx_http_push_bus_shm_deliver(ngx_http_push_bus_shm_t *sb, ngx_uint_t i)
{
    ngx_str_t                 name;
    ngx_uint_t                n;
    ngx_http_push_msg_t      *m;
    ngx_http_push_channel_t  *ch;

    m = sb->msgs[i];
    n = 1;

    name.data = sb->names[i];
    name.len = sb->batch.items[i].name.len;

    ch = ngx_http_push_hub_find(sb->hub, &name, sb->batch.items[i].hash);

    if (ch != NULL) {
        n += ch->nsubs;

        ngx_http_push_bus_shm_gap_handler(sb, ch);

        if (m == NULL) {
            sb->figures->lost++;
            ngx_http_push_bus_shm_notify(sb, ch, NGX_HTTP_PUSH_MSG_GAP);

        } else if (m->kind == NGX_HTTP_PUSH_MSG_DATA) {
            sb->figures->received++;
            ngx_http_push_hub_deliver(sb->hub, ch, m);

        } else if (m->kind == NGX_HTTP_PUSH_MSG_CONTROL
                   && m->event.len == ngx_http_push_bus_shm_delete.len
                   && ngx_memcmp(m->event.data,
                                 ngx_http_push_bus_shm_delete.data,
                                 m->event.len)
                      == 0)
        {
            ngx_http_push_bus_shm_notify(sb, ch, NGX_HTTP_PUSH_MSG_DELETED);
        }
    }

    if (m != NULL) {
        ngx_http_push_msg_unref(m);
    }

    return n;
}


static void
ngx_http_push_bus_shm_notify(ngx_http_push_bus_shm_t *sb,
    ngx_http_push_channel_t *ch, ngx_uint_t kind)
{
    ngx_http_push_msg_t  *m;

    m = ngx_http_push_msg_notice(kind, sb->log);
    if (m == NULL) {
        return;
    }

    ngx_http_push_hub_deliver(sb->hub, ch, m);

    ngx_http_push_msg_unref(m);
}


/*
 * Which channels have lost something is not known any more.  Each is told
 * before its next message, and all within a second: under a load that loses
 * messages all the time, a walk for each loss would only make it worse.
 */

static void
ngx_http_push_bus_shm_note_gap(ngx_http_push_bus_shm_t *sb)
{
    sb->gap++;

    sb->figures->lost += sb->batch.lost;
    sb->lost += sb->batch.lost;

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
        ngx_http_push_bus_shm_notify(sb, ch, NGX_HTTP_PUSH_MSG_GAP);
    }
}
