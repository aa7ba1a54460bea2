/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the subscriptions of this worker in Redis: owns the state that
 * hangs on each channel, and says which go into the next batch.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_batch.h"
#include "ngx_http_push_interest.h"


#define NGX_HTTP_PUSH_INTEREST_LINGER  10000    /* ms */
#define NGX_HTTP_PUSH_INTEREST_RETRY   10000    /* ms, of refused channels */
#define NGX_HTTP_PUSH_INTEREST_AGAIN   100      /* ms, after out of memory */
#define NGX_HTTP_PUSH_INTEREST_GRACE   1000     /* ms without a link: no gap */
#define NGX_HTTP_PUSH_INTEREST_LEAVE   64       /* batches at exit */
#define NGX_HTTP_PUSH_INTEREST_STALE   512      /* freed in a turn */

/*
 * What may be under way: names that wait to be written, and channels whose
 * confirmation has not come.  Redis kills a link that lets confirmations pile
 * up, and a million names are not kept in a buffer.
 */
#define NGX_HTTP_PUSH_INTEREST_OUT     262144   /* bytes */
#define NGX_HTTP_PUSH_INTEREST_WINDOW  16384    /* channels */


/*
 * SUBSCRIBING and LIVE hold for the life of the link in which they came about:
 * with another number of lives the channel is DEGRADED, and waits for its turn
 * to be subscribed again.  So a lost link touches no channel.
 *
 *     waiting    WAITING, or DEGRADED
 *     held       SUBSCRIBING, LIVE
 *     lingering  SUBSCRIBING, LIVE, or DEGRADED, without subscribers
 *     refused    REFUSED
 *     no queue   LEAVING: UNSUBSCRIBE is under way
 */

typedef enum {
    NGX_HTTP_PUSH_INTEREST_WAITING = 0,
    NGX_HTTP_PUSH_INTEREST_SUBSCRIBING,
    NGX_HTTP_PUSH_INTEREST_LIVE,
    NGX_HTTP_PUSH_INTEREST_LEAVING,
    NGX_HTTP_PUSH_INTEREST_REFUSED
} ngx_http_push_interest_state_e;


/*
 * ch->bus of a channel, 40 bytes.  Freed with its channel, which is held while
 * a batch under way names it.  The generation tells a confirmation for its
 * present life from one for an earlier one.
 */

typedef struct {
    ngx_queue_t                    queue;
    ngx_http_push_channel_t       *channel;
    uint32_t                       due;        /* end of the linger, ms */
    uint32_t                       generation;
    uint32_t                       life;       /* of the link */
    uint16_t                       refs;       /* batches under way */

    unsigned                       state:4;
    unsigned                       lingering:1;
    unsigned                       gap:1;
    unsigned                       again:1;
} ngx_http_push_interest_feed_t;


struct ngx_http_push_interest_s {
    ngx_queue_t                        waiting;
    ngx_queue_t                        held;
    ngx_queue_t                        lingering;    /* by due */
    ngx_queue_t                        refused;

    ngx_http_push_hub_t               *hub;
    ngx_http_push_link_t              *link;         /* NULL: not up */
    ngx_http_push_link_figures_t      *figures;
    ngx_http_push_interest_handlers_t  handlers;
    ngx_http_push_batch_conf_t         batches;
    ngx_log_t                         *log;

    ngx_event_t                        flush;
    ngx_event_t                        timer;        /* linger */
    ngx_event_t                        retry;        /* of the refused */
    ngx_connection_t                   dummy;

    ngx_uint_t                         under_way;    /* channels */
    ngx_uint_t                         refusals;     /* in this life */
    uint32_t                           life;
    ngx_msec_t                         since;        /* without a link */

    unsigned                           unsynced:1;
    unsigned                           told:1;       /* of a refused one */
    unsigned                           quit:1;
};


static void ngx_http_push_interest_flush_handler(ngx_event_t *ev);
static void ngx_http_push_interest_timer_handler(ngx_event_t *ev);
static void ngx_http_push_interest_retry_handler(ngx_event_t *ev);
static void ngx_http_push_interest_post(ngx_http_push_interest_t *i);
static void ngx_http_push_interest_pump(ngx_http_push_interest_t *i);
static ngx_queue_t *ngx_http_push_interest_next(ngx_http_push_interest_t *i);
static void ngx_http_push_interest_set_timer(ngx_http_push_interest_t *i);
static ngx_uint_t ngx_http_push_interest_release_stale(
    ngx_http_push_interest_t *i);
static ngx_uint_t ngx_http_push_interest_is_due(ngx_http_push_interest_t *i,
    ngx_http_push_interest_feed_t *f);

static ngx_int_t ngx_http_push_interest_send(ngx_http_push_interest_t *i,
    ngx_queue_t *queue, ngx_uint_t unsubscribe);
static ngx_http_push_batch_t *ngx_http_push_interest_gather(
    ngx_http_push_interest_t *i, ngx_queue_t *queue, ngx_uint_t unsubscribe);
static void ngx_http_push_interest_commit(ngx_http_push_interest_t *i,
    ngx_http_push_batch_t *batch);

static void ngx_http_push_interest_confirmed_handler(void *data,
    ngx_http_push_batch_entry_t *entry, ngx_uint_t unsubscribe);
static void ngx_http_push_interest_refused_handler(void *data,
    ngx_http_push_batch_entry_t *entry, ngx_http_push_reply_t *reply);
static void ngx_http_push_interest_dropped_handler(void *data,
    ngx_http_push_batch_entry_t *entry);
static ngx_uint_t ngx_http_push_interest_wanted_handler(void *data,
    ngx_http_push_batch_entry_t *entry);
static void ngx_http_push_interest_finished_handler(void *data,
    ngx_uint_t sync);
static void ngx_http_push_interest_tell_refused(ngx_http_push_interest_t *i,
    ngx_http_push_channel_t *ch, ngx_http_push_reply_t *reply);
static void ngx_http_push_interest_unref(ngx_http_push_interest_t *i,
    ngx_http_push_interest_feed_t *f);
static void ngx_http_push_interest_release(ngx_http_push_interest_t *i,
    ngx_http_push_interest_feed_t *f);
static void ngx_http_push_interest_forget(void *data,
    ngx_http_push_channel_t *ch);


ngx_http_push_interest_t *
ngx_http_push_interest_create(ngx_http_push_redis_conf_t *rc,
    ngx_http_push_hub_t *h, ngx_http_push_link_figures_t *figures,
    ngx_http_push_interest_handlers_t *handlers, ngx_log_t *log)
{
    ngx_http_push_interest_t  *i;

    i = ngx_calloc(sizeof(ngx_http_push_interest_t), log);
    if (i == NULL) {
        return NULL;
    }

    ngx_queue_init(&i->waiting);
    ngx_queue_init(&i->held);
    ngx_queue_init(&i->lingering);
    ngx_queue_init(&i->refused);

    i->hub = h;
    i->figures = figures;
    i->handlers = *handlers;
    i->log = log;
    i->since = ngx_current_msec;

    i->batches.confirmed = ngx_http_push_interest_confirmed_handler;
    i->batches.refused = ngx_http_push_interest_refused_handler;
    i->batches.dropped = ngx_http_push_interest_dropped_handler;
    i->batches.wanted = ngx_http_push_interest_wanted_handler;
    i->batches.finished = ngx_http_push_interest_finished_handler;
    i->batches.data = i;
    i->batches.prefix = &rc->prefix;
    i->batches.log = log;

    i->dummy.data = i;
    i->dummy.fd = (ngx_socket_t) -1;

    i->flush.handler = ngx_http_push_interest_flush_handler;
    i->flush.data = &i->dummy;
    i->flush.log = log;

    i->timer.handler = ngx_http_push_interest_timer_handler;
    i->timer.data = &i->dummy;
    i->timer.log = log;
    i->timer.cancelable = 1;

    i->retry.handler = ngx_http_push_interest_retry_handler;
    i->retry.data = &i->dummy;
    i->retry.log = log;
    i->retry.cancelable = 1;

    return i;
}


void
ngx_http_push_interest_destroy(ngx_http_push_interest_t *i)
{
    if (i->flush.posted) {
        ngx_delete_posted_event(&i->flush);
    }

    if (i->timer.timer_set) {
        ngx_del_timer(&i->timer);
    }

    if (i->retry.timer_set) {
        ngx_del_timer(&i->retry);
    }

    ngx_http_push_hub_walk(i->hub, ngx_http_push_interest_forget, i);

    ngx_free(i);
}


static void
ngx_http_push_interest_forget(void *data, ngx_http_push_channel_t *ch)
{
    if (ch->bus != NULL) {
        ngx_free(ch->bus);
        ch->bus = NULL;
    }
}


void
ngx_http_push_interest_up(ngx_http_push_interest_t *i, ngx_http_push_link_t *l)
{
    i->link = l;

    if (i->refusals == 0) {
        i->told = 0;
    }

    i->refusals = 0;

    /* who came in the meantime has waited too long to have missed nothing */

    if (ngx_current_msec - i->since > NGX_HTTP_PUSH_INTEREST_GRACE) {
        i->life++;
    }

    if (ngx_queue_empty(&i->waiting)) {
        i->handlers.synced(i->handlers.data);
        return;
    }

    i->unsynced = 1;

    ngx_http_push_interest_post(i);
}


void
ngx_http_push_interest_down(ngx_http_push_interest_t *i)
{
    if (i->link == NULL) {
        return;
    }

    i->link = NULL;
    i->unsynced = 0;
    i->life++;
    i->since = ngx_current_msec;
    i->figures->subscriptions = 0;

    if (!ngx_queue_empty(&i->held) || !ngx_queue_empty(&i->waiting)) {
        i->figures->gaps++;
    }

    if (i->retry.timer_set) {
        ngx_del_timer(&i->retry);
    }

    /* what was held comes before what has waited, and both stay in order */

    ngx_queue_add(&i->held, &i->waiting);
    ngx_queue_add(&i->held, &i->refused);

    ngx_queue_init(&i->waiting);
    ngx_queue_init(&i->refused);

    ngx_queue_add(&i->waiting, &i->held);
    ngx_queue_init(&i->held);
}


void
ngx_http_push_interest_written(ngx_http_push_interest_t *i)
{
    if (i->link != NULL) {
        ngx_http_push_interest_pump(i);
    }
}


void
ngx_http_push_interest_quit(ngx_http_push_interest_t *i)
{
    i->quit = 1;

    ngx_http_push_interest_post(i);
}


void
ngx_http_push_interest_leave(ngx_http_push_interest_t *i)
{
    ngx_uint_t    n;
    ngx_queue_t  *queue;

    i->quit = 1;

    for (n = 0; n < NGX_HTTP_PUSH_INTEREST_LEAVE; n++) {

        if (ngx_http_push_interest_release_stale(i) == 0) {
            continue;
        }

        queue = ngx_queue_empty(&i->lingering) ? &i->held : &i->lingering;

        if (i->link == NULL
            || ngx_queue_empty(queue)
            || ngx_http_push_interest_send(i, queue, 1) != NGX_OK)
        {
            return;
        }

        ngx_http_push_link_flush(i->link);

        if (ngx_http_push_link_waiting(i->link) != 0) {
            return;
        }
    }
}


ngx_int_t
ngx_http_push_interest_subscribe(ngx_http_push_interest_t *i,
    ngx_http_push_channel_t *ch)
{
    ngx_http_push_interest_feed_t  *f;

    f = ch->bus;

    if (f == NULL) {
        f = ngx_calloc(sizeof(ngx_http_push_interest_feed_t), i->log);
        if (f == NULL) {
            return NGX_ERROR;
        }

        f->channel = ch;
        f->life = i->life;
        ch->bus = f;

    } else if (f->state == NGX_HTTP_PUSH_INTEREST_LEAVING) {

        /* too late to stay: it is subscribed again, as another life */

        f->generation++;
        f->life = i->life;
        f->gap = 0;
        f->again = 1;

    } else {
        ngx_queue_remove(&f->queue);
        f->lingering = 0;

        if (f->life == i->life) {
            ngx_queue_insert_tail(&i->held, &f->queue);
            return NGX_OK;
        }

        f->life = i->life;
        f->gap = 0;
        f->again = 1;
    }

    f->state = NGX_HTTP_PUSH_INTEREST_WAITING;

    ngx_queue_insert_tail(&i->waiting, &f->queue);

    if (i->link != NULL) {
        ngx_http_push_interest_post(i);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_push_interest_unsubscribe(ngx_http_push_interest_t *i,
    ngx_http_push_channel_t *ch)
{
    ngx_http_push_interest_feed_t  *f;

    f = ch->bus;

    ngx_queue_remove(&f->queue);

    if (f->life != i->life
        || f->state == NGX_HTTP_PUSH_INTEREST_WAITING
        || f->state == NGX_HTTP_PUSH_INTEREST_REFUSED)
    {
        /* Redis does not know of it, or has it from an earlier life only */

        if (f->refs == 0) {
            ngx_free(f);
            ch->bus = NULL;

            return NGX_OK;
        }

        f->state = NGX_HTTP_PUSH_INTEREST_LEAVING;

        return NGX_AGAIN;
    }

    f->lingering = 1;
    f->due = (uint32_t) ngx_current_msec + NGX_HTTP_PUSH_INTEREST_LINGER;

    ngx_queue_insert_tail(&i->lingering, &f->queue);

    if (i->quit) {
        ngx_http_push_interest_post(i);

    } else if (!i->timer.timer_set) {
        ngx_add_timer(&i->timer, NGX_HTTP_PUSH_INTEREST_LINGER);
    }

    return NGX_AGAIN;
}


/* at the end of this turn of the loop, so that one command has them all */

static void
ngx_http_push_interest_post(ngx_http_push_interest_t *i)
{
    ngx_post_event(&i->flush, &ngx_posted_events);
}


static void
ngx_http_push_interest_flush_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    ngx_http_push_interest_pump(c->data);
}


static void
ngx_http_push_interest_timer_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    ngx_http_push_interest_pump(c->data);
}


static void
ngx_http_push_interest_retry_handler(ngx_event_t *ev)
{
    ngx_connection_t          *c;
    ngx_http_push_interest_t  *i;

    c = ev->data;
    i = c->data;

    ngx_queue_add(&i->waiting, &i->refused);
    ngx_queue_init(&i->refused);

    ngx_http_push_interest_pump(i);
}


/* sends as much as may be under way; called again when there is room */

static void
ngx_http_push_interest_pump(ngx_http_push_interest_t *i)
{
    ngx_queue_t  *queue;

    for ( ;; ) {

        if (ngx_http_push_interest_release_stale(i) == 0) {

            /* the rest is for the next turn of the loop */

            ngx_post_event(&i->flush, &ngx_posted_next_events);
            return;
        }

        queue = ngx_http_push_interest_next(i);

        if (queue == NULL) {
            break;
        }

        if (ngx_http_push_interest_send(i, queue, queue == &i->lingering)
            != NGX_OK)
        {
            if (!i->timer.timer_set) {
                ngx_add_timer(&i->timer, NGX_HTTP_PUSH_INTEREST_AGAIN);
            }

            return;
        }
    }

    ngx_http_push_interest_set_timer(i);

    /* all that waited has left meanwhile */

    if (i->link != NULL && i->unsynced && ngx_queue_empty(&i->waiting)) {
        i->unsynced = 0;
        i->handlers.synced(i->handlers.data);
    }
}


/* the queue that is to be sent from, or NULL */

static ngx_queue_t *
ngx_http_push_interest_next(ngx_http_push_interest_t *i)
{
    ngx_queue_t                    *q;
    ngx_http_push_interest_feed_t  *f;

    if (i->link == NULL
        || i->under_way >= NGX_HTTP_PUSH_INTEREST_WINDOW
        || ngx_http_push_link_waiting(i->link) >= NGX_HTTP_PUSH_INTEREST_OUT)
    {
        return NULL;
    }

    if (!ngx_queue_empty(&i->waiting)) {
        return &i->waiting;
    }

    if (ngx_queue_empty(&i->lingering)) {
        return NULL;
    }

    q = ngx_queue_head(&i->lingering);
    f = ngx_queue_data(q, ngx_http_push_interest_feed_t, queue);

    return ngx_http_push_interest_is_due(i, f) ? &i->lingering : NULL;
}


/* where the linger is over already, a confirmation or the link goes on */

static void
ngx_http_push_interest_set_timer(ngx_http_push_interest_t *i)
{
    ngx_queue_t                    *q;
    ngx_http_push_interest_feed_t  *f;

    if (i->timer.timer_set || ngx_queue_empty(&i->lingering)) {
        return;
    }

    q = ngx_queue_head(&i->lingering);
    f = ngx_queue_data(q, ngx_http_push_interest_feed_t, queue);

    if (!ngx_http_push_interest_is_due(i, f)) {
        ngx_add_timer(&i->timer, f->due - (uint32_t) ngx_current_msec);
    }
}


/*
 * Channels that lingered when the link was lost need no UNSUBSCRIBE.  0: there
 * are more of them than may be freed in one turn.
 */

static ngx_uint_t
ngx_http_push_interest_release_stale(ngx_http_push_interest_t *i)
{
    ngx_uint_t                      n;
    ngx_queue_t                    *q;
    ngx_http_push_interest_feed_t  *f;

    for (n = 0; n < NGX_HTTP_PUSH_INTEREST_STALE; n++) {

        if (ngx_queue_empty(&i->lingering)) {
            return 1;
        }

        q = ngx_queue_head(&i->lingering);
        f = ngx_queue_data(q, ngx_http_push_interest_feed_t, queue);

        if (f->life == i->life || !ngx_http_push_interest_is_due(i, f)) {
            return 1;
        }

        ngx_http_push_interest_release(i, f);
    }

    return 0;
}


static ngx_uint_t
ngx_http_push_interest_is_due(ngx_http_push_interest_t *i,
    ngx_http_push_interest_feed_t *f)
{
    return i->quit || (int32_t) (f->due - (uint32_t) ngx_current_msec) <= 0;
}


/* the queue has at least one channel that may go */

static ngx_int_t
ngx_http_push_interest_send(ngx_http_push_interest_t *i, ngx_queue_t *queue,
    ngx_uint_t unsubscribe)
{
    ngx_http_push_batch_t  *batch;

    batch = ngx_http_push_interest_gather(i, queue, unsubscribe);
    if (batch == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_push_batch_send(batch) != NGX_OK) {
        ngx_http_push_batch_destroy(batch);
        return NGX_ERROR;
    }

    ngx_http_push_interest_commit(i, batch);

    return NGX_OK;
}


/* takes nothing off the queue yet: sending may fail */

static ngx_http_push_batch_t *
ngx_http_push_interest_gather(ngx_http_push_interest_t *i, ngx_queue_t *queue,
    ngx_uint_t unsubscribe)
{
    ngx_uint_t                       n;
    ngx_queue_t                     *q;
    ngx_http_push_interest_feed_t   *f;
    ngx_http_push_batch_t  *batch;

    n = 0;

    for (q = ngx_queue_head(queue);
         q != ngx_queue_sentinel(queue) && n < NGX_HTTP_PUSH_BATCH_MAX;
         q = ngx_queue_next(q))
    {
        f = ngx_queue_data(q, ngx_http_push_interest_feed_t, queue);

        if (f->lingering
            && (f->life != i->life || !ngx_http_push_interest_is_due(i, f)))
        {
            break;
        }

        n++;
    }

    batch = ngx_http_push_batch_create(&i->batches, i->link, n, unsubscribe);
    if (batch == NULL) {
        return NULL;
    }

    for (q = ngx_queue_head(queue); n != 0; q = ngx_queue_next(q)) {
        f = ngx_queue_data(q, ngx_http_push_interest_feed_t, queue);

        batch->entries[batch->n - n].channel = f->channel;
        batch->entries[batch->n - n].generation = f->generation;

        n--;
    }

    return batch;
}


static void
ngx_http_push_interest_commit(ngx_http_push_interest_t *i,
    ngx_http_push_batch_t *batch)
{
    ngx_uint_t                      k;
    ngx_http_push_interest_feed_t  *f;

    for (k = 0; k < batch->n; k++) {
        f = batch->entries[k].channel->bus;

        f->refs++;

        ngx_queue_remove(&f->queue);

        if (batch->unsubscribe) {
            f->state = NGX_HTTP_PUSH_INTEREST_LEAVING;
            f->lingering = 0;
            continue;
        }

        f->state = NGX_HTTP_PUSH_INTEREST_SUBSCRIBING;

        if (f->life != i->life) {
            f->life = i->life;
            f->gap = 1;
        }

        ngx_queue_insert_tail(&i->held, &f->queue);
    }

    i->under_way += batch->n;

    if (i->unsynced && ngx_queue_empty(&i->waiting)) {
        i->unsynced = 0;
        batch->sync = 1;
    }
}


static void
ngx_http_push_interest_confirmed_handler(void *data,
    ngx_http_push_batch_entry_t *entry, ngx_uint_t unsubscribe)
{
    ngx_http_push_interest_t       *i = data;
    ngx_uint_t                      flags;
    ngx_http_push_interest_feed_t  *f;

    f = entry->channel->bus;

    i->under_way--;

    if (unsubscribe) {
        i->figures->subscriptions -= (i->figures->subscriptions != 0);

    } else {
        i->figures->subscriptions++;

        if (ngx_http_push_interest_wanted_handler(i, entry)) {
            flags = (f->gap ? NGX_HTTP_PUSH_INTEREST_MISSED : 0)
                    | (f->again ? NGX_HTTP_PUSH_INTEREST_RETURNED : 0);

            f->state = NGX_HTTP_PUSH_INTEREST_LIVE;
            f->gap = 0;
            f->again = 0;

            i->handlers.live(i->handlers.data, f->channel, flags);
        }
    }

    ngx_http_push_interest_unref(i, f);
}


static void
ngx_http_push_interest_refused_handler(void *data,
    ngx_http_push_batch_entry_t *entry, ngx_http_push_reply_t *reply)
{
    ngx_http_push_interest_t       *i = data;
    ngx_http_push_interest_feed_t  *f;

    f = entry->channel->bus;

    i->under_way--;

    if (ngx_http_push_interest_wanted_handler(i, entry)) {
        ngx_queue_remove(&f->queue);

        if (f->lingering) {
            f->lingering = 0;
            f->state = NGX_HTTP_PUSH_INTEREST_LEAVING;

        } else {
            ngx_http_push_interest_tell_refused(i, f->channel, reply);

            f->state = NGX_HTTP_PUSH_INTEREST_REFUSED;
            f->gap = 1;

            ngx_queue_insert_tail(&i->refused, &f->queue);

            if (!i->retry.timer_set) {
                ngx_add_timer(&i->retry, NGX_HTTP_PUSH_INTEREST_RETRY);
            }
        }
    }

    ngx_http_push_interest_unref(i, f);
}


static void
ngx_http_push_interest_dropped_handler(void *data,
    ngx_http_push_batch_entry_t *entry)
{
    ngx_http_push_interest_t  *i = data;

    i->under_way--;

    ngx_http_push_interest_unref(i, entry->channel->bus);
}


/* not who has left meanwhile, even if he is back: that is another life */

static ngx_uint_t
ngx_http_push_interest_wanted_handler(void *data,
    ngx_http_push_batch_entry_t *entry)
{
    ngx_http_push_interest_feed_t  *f;

    f = entry->channel->bus;

    return f->generation == entry->generation
           && f->state == NGX_HTTP_PUSH_INTEREST_SUBSCRIBING;
}


static void
ngx_http_push_interest_finished_handler(void *data, ngx_uint_t sync)
{
    ngx_http_push_interest_t  *i = data;

    ngx_http_push_interest_post(i);

    if (sync) {
        i->handlers.synced(i->handlers.data);
    }
}


/* one error, until a link has lived without any; the status names the last */

static void
ngx_http_push_interest_tell_refused(ngx_http_push_interest_t *i,
    ngx_http_push_channel_t *ch, ngx_http_push_reply_t *reply)
{
    u_char     text[NGX_HTTP_PUSH_REPLY_TEXT];
    ngx_str_t  name;

    name.data = ch->name;
    name.len = ngx_min(ch->len, 64);

    ngx_http_push_reply_quote(reply, text);

    *ngx_snprintf(i->figures->error, NGX_HTTP_PUSH_LINK_ERROR - 1,
                  "%s, \"%V\"", text, &name) = '\0';

    i->refusals++;

    if (i->told) {
        ngx_log_debug2(NGX_LOG_DEBUG_EVENT, i->log, 0,
                       "push redis refused channel \"%V\": %s", &name, text);
        return;
    }

    i->told = 1;

    ngx_log_error(NGX_LOG_ERR, i->log, 0,
                  "redis refused channel \"%V\": %s; others are not told",
                  &name, text);
}


static void
ngx_http_push_interest_unref(ngx_http_push_interest_t *i,
    ngx_http_push_interest_feed_t *f)
{
    if (--f->refs == 0 && f->state == NGX_HTTP_PUSH_INTEREST_LEAVING) {
        ngx_queue_init(&f->queue);
        ngx_http_push_interest_release(i, f);
    }
}


static void
ngx_http_push_interest_release(ngx_http_push_interest_t *i,
    ngx_http_push_interest_feed_t *f)
{
    ngx_http_push_channel_t  *ch;

    ch = f->channel;

    ngx_queue_remove(&f->queue);
    ngx_free(f);

    ch->bus = NULL;

    ngx_http_push_hub_release(i->hub, ch);
}
