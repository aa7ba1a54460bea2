/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: feeds: owns where each channel with a history stands, and what of
 * it came too early.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_bus.h"
#include "ngx_http_push_feed.h"
#include "ngx_http_push_stand.h"


#define NGX_HTTP_PUSH_FEED_TICK       500         /* ms */
#define NGX_HTTP_PUSH_FEED_SILENCE    40000       /* ms until a check */
#define NGX_HTTP_PUSH_FEED_CHECKS     1000        /* per tick at most */

#define NGX_HTTP_PUSH_FEED_HELD       1000        /* messages */
#define NGX_HTTP_PUSH_FEED_HELD_SIZE  (4 * 1024 * 1024)

/* one read for all who want the past, and how long it serves them */
#define NGX_HTTP_PUSH_FEED_WINDOW       1024
#define NGX_HTTP_PUSH_FEED_WINDOW_SIZE  (1024 * 1024)
#define NGX_HTTP_PUSH_FEED_WINDOW_MS    2000
#define NGX_HTTP_PUSH_FEED_WINDOWS      (64 * 1024 * 1024)  /* of the worker */


static void ngx_http_push_feed_forget(void *data, ngx_http_push_channel_t *ch);
static void ngx_http_push_feed_destroy(ngx_http_push_feed_t *f);
static void ngx_http_push_feed_settle(ngx_http_push_feed_t *f);
static void ngx_http_push_feed_take(ngx_http_push_feed_t *f,
    ngx_http_push_msg_t *m);
static ngx_int_t ngx_http_push_feed_offer(ngx_http_push_feed_t *f,
    ngx_http_push_msg_t *m);
static void ngx_http_push_feed_accept(ngx_http_push_feed_t *f,
    ngx_http_push_msg_t *m);
static void ngx_http_push_feed_hold(ngx_http_push_feed_t *f,
    ngx_http_push_msg_t *m);
static void ngx_http_push_feed_release(ngx_http_push_feed_t *f);
static void ngx_http_push_feed_tell(ngx_http_push_feeds_t *fs,
    ngx_http_push_channel_t *ch, ngx_uint_t kind);
static void ngx_http_push_feed_wake(ngx_http_push_feed_t *f);
static ngx_int_t ngx_http_push_feed_prepare(ngx_http_push_lookup_t *l);
static void ngx_http_push_feed_finish(ngx_http_push_lookup_t *l);
static ngx_int_t ngx_http_push_feed_locate(ngx_http_push_feed_t *f,
    ngx_http_push_read_t *rd);
static void ngx_http_push_feed_turn(ngx_http_push_feed_t *f,
    ngx_http_push_read_t *rd);
static void ngx_http_push_feed_turn_back(ngx_http_push_feed_t *f,
    ngx_http_push_read_t *rd);
static void ngx_http_push_feed_cross(ngx_http_push_feed_t *f,
    ngx_http_push_read_t *rd);
static void ngx_http_push_feed_enter_epoch(ngx_http_push_position_t *at,
    const ngx_http_push_position_t *from);
static void ngx_http_push_feed_catch_up(ngx_http_push_feed_t *f,
    ngx_http_push_read_t *rd);
static void ngx_http_push_feed_jump(ngx_http_push_feed_t *f,
    ngx_http_push_read_t *rd, uint64_t offset);
static void ngx_http_push_feed_fill_window(ngx_http_push_feed_t *f,
    ngx_http_push_read_t *rd);
static void ngx_http_push_feed_close_window(ngx_http_push_feeds_t *fs);
static void ngx_http_push_feed_drop_window(ngx_http_push_feed_t *f);
static void ngx_http_push_feed_tick_handler(ngx_event_t *ev);
static void ngx_http_push_feed_check(void *data, ngx_http_push_channel_t *ch);


ngx_http_push_feeds_t *
ngx_http_push_feed_start(ngx_http_push_hub_t *h,
    const ngx_http_push_policies_t *policies, ngx_uint_t lenient,
    ngx_log_t *log)
{
    ngx_http_push_feeds_t  *fs;

    fs = ngx_calloc(sizeof(ngx_http_push_feeds_t), log);
    if (fs == NULL) {
        return NULL;
    }

    ngx_queue_init(&fs->recents.queue);
    ngx_queue_init(&fs->windows);

    fs->hub = h;
    fs->policies = policies;
    fs->figures = ngx_http_push_hub_figures(h);
    fs->lenient = lenient;
    fs->log = log;

    fs->dummy.data = fs;
    fs->dummy.fd = (ngx_socket_t) -1;

    fs->recents.log = log;

    fs->lookups.hub = h;
    fs->lookups.log = log;
    fs->lookups.prepare = ngx_http_push_feed_prepare;
    fs->lookups.finish = ngx_http_push_feed_finish;

    ngx_http_push_lookup_start(&fs->lookups);

    fs->tick.handler = ngx_http_push_feed_tick_handler;
    fs->tick.data = &fs->dummy;
    fs->tick.log = log;
    fs->tick.cancelable = 1;

    ngx_http_push_hub_set_forget(h, ngx_http_push_feed_forget, fs);

    return fs;
}


void
ngx_http_push_feed_stop(ngx_http_push_feeds_t *fs)
{
    ngx_http_push_hub_walk(fs->hub, ngx_http_push_feed_forget, fs);
    ngx_http_push_hub_set_forget(fs->hub, NULL, NULL);

    ngx_http_push_lookup_stop(&fs->lookups);

    if (fs->tick.timer_set) {
        ngx_del_timer(&fs->tick);
    }

    ngx_free(fs);
}


void
ngx_http_push_feed_set_policies(ngx_http_push_feeds_t *fs,
    const ngx_http_push_policies_t *policies)
{
    fs->policies = policies;
}


const ngx_http_push_policy_t *
ngx_http_push_feed_policy(ngx_http_push_feeds_t *fs, ngx_str_t *channel)
{
    return ngx_http_push_policy_find(fs->policies, channel);
}


const ngx_http_push_policy_t *
ngx_http_push_feed_usual_policy(ngx_http_push_feeds_t *fs)
{
    const ngx_http_push_policy_t  *p;

    if (fs->policies->n == 0) {
        return NULL;
    }

    p = &fs->policies->elts[fs->policies->n - 1];

    return (p->pieces == NULL && p->count != 0) ? p : NULL;
}


ngx_http_push_feed_t *
ngx_http_push_feed_get(ngx_http_push_feeds_t *fs, ngx_http_push_channel_t *ch)
{
    ngx_http_push_feed_t  *f;

    f = ch->feed;

    if (f != NULL) {
        return f;
    }

    f = ngx_calloc(sizeof(ngx_http_push_feed_t), fs->log);
    if (f == NULL) {
        return NULL;
    }

    ngx_queue_init(&f->readers);

    f->fs = fs;
    f->channel = ch;
    f->heard = ngx_current_msec;

    f->lookup.ls = &fs->lookups;
    f->lookup.asked = ngx_current_msec - NGX_HTTP_PUSH_LOOKUP_AGAIN;

    if (ch->flags & NGX_HTTP_PUSH_FEED_FRESH) {
        ch->flags &= ~NGX_HTTP_PUSH_FEED_FRESH;

        f->known = 1;
        f->located = 1;
    }

    ch->feed = f;

    /* whoever uses history keeps the clock running */

    if (!fs->tick.timer_set) {
        ngx_add_timer(&fs->tick, NGX_HTTP_PUSH_FEED_TICK);
    }

    return f;
}


ngx_http_push_feed_work_t *
ngx_http_push_feed_work(ngx_http_push_feed_t *f)
{
    if (f->work == NULL) {
        f->work = ngx_calloc(sizeof(ngx_http_push_feed_work_t), f->fs->log);

        if (f->work != NULL) {
            f->work->feed = f;
        }
    }

    return f->work;
}


static void
ngx_http_push_feed_forget(void *data, ngx_http_push_channel_t *ch)
{
    if (ch->feed != NULL) {
        ngx_http_push_feed_destroy(ch->feed);
    }
}


static void
ngx_http_push_feed_destroy(ngx_http_push_feed_t *f)
{
    ngx_queue_t             *q;
    ngx_http_push_feeds_t   *fs;
    ngx_http_push_past_t  *reader;

    fs = f->fs;

    ngx_http_push_lookup_cancel(&f->lookup);

    while (!ngx_queue_empty(&f->readers)) {
        q = ngx_queue_head(&f->readers);
        ngx_queue_remove(q);

        reader = ngx_queue_data(q, ngx_http_push_past_t, queue);
        reader->waiting = 0;
    }

    ngx_http_push_recent_clear(&fs->recents, &f->recent);

    if (f->work != NULL) {
        ngx_http_push_feed_drop_window(f);
        ngx_http_push_run_clear(&f->work->held);
        ngx_free(f->work);
    }

    f->channel->feed = NULL;

    ngx_free(f);
}


/* gives back what is not needed any more; f may be gone afterwards */

static void
ngx_http_push_feed_settle(ngx_http_push_feed_t *f)
{
    ngx_http_push_feed_work_t  *work;

    work = f->work;

    if (f->lookup.state != NGX_HTTP_PUSH_LOOKUP_IDLE) {
        return;
    }

    if (work != NULL && work->held.n == 0 && !work->filled) {
        ngx_http_push_run_clear(&work->held);
        ngx_free(work);
        f->work = NULL;
    }

    if (f->work == NULL
        && f->known && f->located
        && f->last.len == 0
        && !f->wary
        && ngx_queue_empty(&f->readers))
    {
        f->channel->flags |= NGX_HTTP_PUSH_FEED_FRESH;

        ngx_http_push_feed_destroy(f);
    }
}


/*
 * A channel that begins is asked where it stands, so that after a lost link it
 * is known whether something was missed; one that goes on, whether something
 * was.
 */

void
ngx_http_push_feed_confirm(ngx_http_push_feeds_t *fs,
    ngx_http_push_channel_t *ch, ngx_uint_t flags)
{
    ngx_str_t              name;
    ngx_http_push_feed_t  *f;

    name.data = ch->name;
    name.len = ch->len;

    if (ngx_http_push_policy_find(fs->policies, &name) == NULL) {

        if (flags & NGX_HTTP_PUSH_FEED_MISSED) {
            ngx_http_push_feed_tell(fs, ch, NGX_HTTP_PUSH_MSG_GAP);
        }

        if (ch->feed != NULL) {
            ngx_http_push_feed_wake(ch->feed);
        }

        return;
    }

    ch->flags |= NGX_HTTP_PUSH_FEED_HISTORY|NGX_HTTP_PUSH_FEED_CONFIRMED;

    f = ngx_http_push_feed_get(fs, ch);

    if (f == NULL) {
        ngx_http_push_feed_tell(fs, ch, NGX_HTTP_PUSH_MSG_GAP);
        return;
    }

    f->life = fs->life;

    if (flags & NGX_HTTP_PUSH_FEED_MISSED) {
        ngx_http_push_feed_doubt(fs, ch);

        if (flags & NGX_HTTP_PUSH_FEED_UNKNOWN) {
            f->suspect = 1;
        }

    } else if (ngx_http_push_hub_bus(fs->hub)->instant) {

        /*
         * The client is not told yet that it is connected: what it may count
         * on comes behind the position of this moment.
         */

        f->need |= NGX_HTTP_PUSH_FEED_TOP;

        ngx_http_push_lookup_now(&f->lookup);

        return;
    }

    ngx_http_push_feed_ask(f, NGX_HTTP_PUSH_FEED_TOP, 1);
}


void
ngx_http_push_feed_doubt(ngx_http_push_feeds_t *fs,
    ngx_http_push_channel_t *ch)
{
    ngx_http_push_feed_t  *f;

    f = NULL;

    if (ch->flags & NGX_HTTP_PUSH_FEED_HISTORY) {
        f = ngx_http_push_feed_get(fs, ch);
    }

    /*
     * Nothing tells what is missing of messages without an id, nor what was
     * missed by who began at a place that was never known.
     */

    if (f == NULL || !f->known || (ch->flags & NGX_HTTP_PUSH_FEED_PLAIN)) {
        ngx_http_push_feed_tell(fs, ch, NGX_HTTP_PUSH_MSG_GAP);
    }

    if (f != NULL) {
        f->doubt = f->known;

        ngx_http_push_feed_ask(f, NGX_HTTP_PUSH_FEED_TOP, 0);
    }
}


void
ngx_http_push_feed_message(ngx_http_push_feeds_t *fs,
    ngx_http_push_channel_t *ch, ngx_http_push_msg_t *m)
{
    ngx_http_push_feed_t  *f;

    if (m->offset != 0 && (ch->flags & NGX_HTTP_PUSH_FEED_HISTORY)) {
        f = ngx_http_push_feed_get(fs, ch);

        if (f != NULL) {
            ngx_http_push_feed_take(f, m);
            return;
        }
    }

    if (m->offset == 0) {
        ch->flags |= NGX_HTTP_PUSH_FEED_PLAIN;
    }

    if (ch->nsubs != 0) {
        ngx_http_push_hub_deliver(fs->hub, ch, m);
    }
}


static void
ngx_http_push_feed_take(ngx_http_push_feed_t *f, ngx_http_push_msg_t *m)
{
    f->heard = ngx_current_msec;

    /* of what comes after one that is held nothing is believed */

    if (f->work != NULL && f->work->held.n != 0) {
        ngx_http_push_feed_hold(f, m);
        ngx_http_push_feed_release(f);

    } else if (ngx_http_push_feed_offer(f, m) == NGX_AGAIN) {
        ngx_http_push_feed_hold(f, m);
    }

    if (f->work != NULL && f->work->held.n != 0) {
        f->doubt = 1;
        ngx_http_push_feed_ask(f, NGX_HTTP_PUSH_FEED_MORE, 0);
    }
}


/*
 * NGX_OK: it was given to the subscribers; NGX_DECLINED: they have it already;
 * NGX_AGAIN: it is not the next one.
 */

static ngx_int_t
ngx_http_push_feed_offer(ngx_http_push_feed_t *f, ngx_http_push_msg_t *m)
{
    if (!f->known || (f->last.len == 0 && m->offset == 1 && !f->wary)) {

        if (ngx_http_push_position_set(&f->last, &m->epoch, m->offset - 1)
            != NGX_OK)
        {
            return NGX_DECLINED;
        }

        f->known = 1;
        f->adopted = 1;
    }

    if (!ngx_http_push_position_in(&f->last, &m->epoch)
        || m->offset > f->last.offset + 1)
    {
        return NGX_AGAIN;
    }

    if (m->offset <= f->last.offset) {
        return NGX_DECLINED;
    }

    ngx_http_push_feed_accept(f, m);

    return NGX_OK;
}


static void
ngx_http_push_feed_accept(ngx_http_push_feed_t *f, ngx_http_push_msg_t *m)
{
    f->last.offset = m->offset;
    f->moved = 1;
    f->loose = 0;
    f->wary = 0;

    ngx_http_push_recent_add(&f->fs->recents, &f->recent, m);

    if (f->channel->nsubs != 0) {
        f->fs->lookups.delivered += f->channel->nsubs;
        ngx_http_push_hub_deliver(f->fs->hub, f->channel, m);
    }

    if (f->ahead) {
        ngx_http_push_feed_wake(f);
    }
}


/* of too much nothing is held: the history has it */

static void
ngx_http_push_feed_hold(ngx_http_push_feed_t *f, ngx_http_push_msg_t *m)
{
    ngx_http_push_feed_work_t  *work;

    f->doubt = 1;

    work = ngx_http_push_feed_work(f);
    if (work == NULL) {
        return;
    }

    if (work->held.n >= NGX_HTTP_PUSH_FEED_HELD
        || work->held.size >= NGX_HTTP_PUSH_FEED_HELD_SIZE)
    {
        ngx_http_push_run_clear(&work->held);
        work->early = 0;
        work->sent = 0;
    }

    (void) ngx_http_push_run_push(&work->held, m, f->fs->log);
}


/*
 * Gives what has become the next one.  A message that was held before a read
 * that knows nothing of its epoch, or not so many messages, was never stored:
 * whoever can publish to Redis can make such a header.
 */

static void
ngx_http_push_feed_release(ngx_http_push_feed_t *f)
{
    ngx_int_t                   rc;
    ngx_http_push_msg_t        *m;
    ngx_http_push_feed_work_t  *work;

    work = f->work;

    while (work != NULL && work->held.n != 0) {

        m = ngx_http_push_msg_ref(ngx_http_push_run_get(&work->held, 0));

        rc = ngx_http_push_feed_offer(f, m);

        if (rc == NGX_AGAIN
            && (work->early == 0
                || (ngx_http_push_position_in(&f->last, &m->epoch)
                    && m->offset <= f->top.offset)))
        {
            ngx_http_push_msg_unref(m);
            return;
        }

        ngx_http_push_msg_unref(m);

        ngx_http_push_run_shift(&work->held);
        work->early -= (work->early != 0);
        work->sent -= (work->sent != 0);
    }
}


/* a notice is made for each channel: its forms tell the channel's name */

static void
ngx_http_push_feed_tell(ngx_http_push_feeds_t *fs, ngx_http_push_channel_t *ch,
    ngx_uint_t kind)
{
    ngx_http_push_msg_t  *m;

    if (kind == NGX_HTTP_PUSH_MSG_GAP) {
        fs->figures->gaps++;
    }

    if (ch->nsubs == 0) {
        return;
    }

    m = ngx_http_push_msg_notice(kind, fs->log);

    if (m != NULL) {
        ngx_http_push_hub_deliver(fs->hub, ch, m);
        ngx_http_push_msg_unref(m);
    }
}


static void
ngx_http_push_feed_wake(ngx_http_push_feed_t *f)
{
    ngx_queue_t             *q;
    ngx_http_push_past_t  *reader;

    f->ahead = 0;

    while (!ngx_queue_empty(&f->readers)) {
        q = ngx_queue_head(&f->readers);
        ngx_queue_remove(q);

        reader = ngx_queue_data(q, ngx_http_push_past_t, queue);
        reader->waiting = 0;

        reader->wake(reader);
    }
}


/* what was read of the life that is over, or is being read, is of no use */

void
ngx_http_push_feed_delete(ngx_http_push_feeds_t *fs,
    ngx_http_push_channel_t *ch)
{
    ngx_http_push_feed_t  *f;

    ngx_http_push_feed_tell(fs, ch, NGX_HTTP_PUSH_MSG_DELETED);

    f = ch->feed;

    ch->flags &= ~NGX_HTTP_PUSH_FEED_PLAIN;

    if (f == NULL) {
        return;
    }

    if (!ngx_queue_empty(&f->readers)) {
        ngx_http_push_feed_wake(f);
    }

    ngx_http_push_feed_destroy(f);

    if (ch->flags & NGX_HTTP_PUSH_FEED_CONFIRMED) {
        ch->flags |= NGX_HTTP_PUSH_FEED_FRESH;
    }
}


void
ngx_http_push_feed_lost(ngx_http_push_feeds_t *fs)
{
    fs->life++;
}


void
ngx_http_push_feed_resume(ngx_http_push_feeds_t *fs)
{
    ngx_http_push_lookup_resume(&fs->lookups);
}


void
ngx_http_push_feed_ask(ngx_http_push_feed_t *f, ngx_uint_t need,
    ngx_uint_t urgent)
{
    f->need |= need;

    ngx_http_push_lookup_ask(&f->lookup, urgent);
}


static ngx_int_t
ngx_http_push_feed_prepare(ngx_http_push_lookup_t *l)
{
    ngx_uint_t                  n;
    ngx_http_push_feed_t       *f;
    ngx_http_push_read_t       *rd;
    ngx_http_push_feed_work_t  *work;

    f = ngx_queue_data(l, ngx_http_push_feed_t, lookup);

    work = ngx_http_push_feed_work(f);
    if (work == NULL) {
        return NGX_ERROR;
    }

    rd = &work->rd;
    l->rd = rd;

    ngx_memzero(rd, sizeof(ngx_http_push_read_t));

    rd->channel.data = f->channel->name;
    rd->channel.len = f->channel->len;

    /* what has failed before is still to be done */

    f->need |= work->kind;
    work->kind = NGX_HTTP_PUSH_FEED_TOP;

    if ((f->need & NGX_HTTP_PUSH_FEED_MORE) && f->known) {
        work->kind = NGX_HTTP_PUSH_FEED_MORE;

        /* all of them are given to all subscribers in one turn of the loop */

        n = NGX_HTTP_PUSH_LOOKUP_DELIVERIES / (f->channel->nsubs + 1) + 1;

        rd->from = f->last.offset + 1;
        rd->limit = ngx_min(n, NGX_HTTP_PUSH_PAST_PIECE);
        rd->size = NGX_HTTP_PUSH_PAST_SIZE;

    } else if (f->need & NGX_HTTP_PUSH_FEED_WANTED) {
        work->kind = NGX_HTTP_PUSH_FEED_WANTED;

        /* readers at distant places would take turns with large windows */

        rd->from = work->wanted;
        rd->limit = (rd->from == 1) ? NGX_HTTP_PUSH_FEED_WINDOW
                                    : NGX_HTTP_PUSH_FEED_WINDOW / 4;
        rd->size = NGX_HTTP_PUSH_FEED_WINDOW_SIZE;
    }

    /* each of them tells the top */

    f->need &= ~(work->kind|NGX_HTTP_PUSH_FEED_TOP);
    work->sent = work->held.n;
    work->early = 0;
    f->moved = 0;
    f->sent++;
    f->adopted = 0;

    if (rd->limit != 0) {
        f->fs->figures->reads++;
    }

    return NGX_OK;
}


static void
ngx_http_push_feed_finish(ngx_http_push_lookup_t *l)
{
    ngx_uint_t                  kind, waited;
    ngx_http_push_feed_t       *f;
    ngx_http_push_feed_work_t  *work;

    f = ngx_queue_data(l, ngx_http_push_feed_t, lookup);

    work = f->work;

    kind = work->kind;
    work->kind = 0;

    f->heard = ngx_current_msec;

    if (ngx_http_push_feed_locate(f, &work->rd) != NGX_OK) {
        ngx_http_push_lookup_release(&work->rd);

        f->doubt = 1;
        ngx_http_push_feed_ask(f, kind|NGX_HTTP_PUSH_FEED_TOP, 0);

        return;
    }

    if (kind == NGX_HTTP_PUSH_FEED_MORE) {
        ngx_http_push_feed_catch_up(f, &work->rd);

    } else if (kind == NGX_HTTP_PUSH_FEED_WANTED) {
        ngx_http_push_feed_fill_window(f, &work->rd);
    }

    ngx_http_push_feed_cross(f, &work->rd);

    work->early = work->sent;
    ngx_http_push_feed_release(f);
    work->early = 0;

    ngx_http_push_lookup_release(&work->rd);

    /* messages that the broker has forgotten may have come since */

    if (f->last.offset >= f->top.offset
        && ngx_http_push_position_same_epoch(&f->last, &f->top))
    {
        f->doubt = 0;

    } else if (f->doubt) {
        ngx_http_push_feed_ask(f, NGX_HTTP_PUSH_FEED_MORE, 1);
    }

    if (work->held.n != 0) {
        f->doubt = 1;
        ngx_http_push_feed_ask(f, NGX_HTTP_PUSH_FEED_MORE, 0);
    }

    waited = !ngx_queue_empty(&f->readers);

    ngx_http_push_feed_wake(f);

    if (f->need != 0) {
        ngx_http_push_feed_ask(f, 0, f->need & NGX_HTTP_PUSH_FEED_WANTED);
        return;
    }

    /* they will look at the answer, which an empty feed would not keep */

    if (!waited || f->last.len != 0) {
        ngx_http_push_feed_settle(f);
    }
}


/* what the top says of where we stand; NGX_DECLINED: it is of no use */

static ngx_int_t
ngx_http_push_feed_locate(ngx_http_push_feed_t *f, ngx_http_push_read_t *rd)
{
    if (rd->status == NGX_HTTP_PUSH_READ_NEW) {
        ngx_http_push_position_reset(&rd->top);
        ngx_http_push_position_reset(&rd->prev);
    }

    if (!f->known) {

        /* is it where the subscribers began, or was the link lost since? */

        if (f->life != f->fs->life) {
            ngx_http_push_feed_tell(f->fs, f->channel, NGX_HTTP_PUSH_MSG_GAP);
        }

        f->last = rd->top;
        f->known = 1;

    } else if (!ngx_http_push_position_same_epoch(&f->last, &rd->top)) {

        if (f->adopted) {

            /* a message has overtaken the reply: which is true now? */

            return NGX_DECLINED;
        }

        /* what was read before may have been forgotten since */

        ngx_http_push_feed_drop_window(f);

        f->doubt = 1;

        if (!ngx_http_push_feed_ends(&f->last, &rd->prev)) {
            ngx_http_push_feed_turn(f, rd);
        }

    } else if (f->last.offset > rd->top.offset && !f->moved) {
        ngx_http_push_feed_turn_back(f, rd);

    } else if (f->suspect && !f->fs->lenient) {
        ngx_http_push_feed_tell(f->fs, f->channel, NGX_HTTP_PUSH_MSG_GAP);
    }

    f->suspect = 0;
    f->located = 1;
    f->seen = f->sent;
    f->prev = rd->prev;
    f->top = rd->top;

    return NGX_OK;
}


ngx_uint_t
ngx_http_push_feed_ends(const ngx_http_push_position_t *at,
    const ngx_http_push_position_t *prev)
{
    return prev->len != 0
           && ngx_http_push_position_same_epoch(at, prev)
           && at->offset <= prev->offset;
}


/* what our epoch had behind last is not known: we begin with the new one */

static void
ngx_http_push_feed_turn(ngx_http_push_feed_t *f, ngx_http_push_read_t *rd)
{
    uint64_t  offset;

    /* or an epoch has come and gone, and nobody here has heard of it */

    if (f->last.len != 0 || rd->prev.len != 0) {
        ngx_http_push_feed_tell(f->fs, f->channel, NGX_HTTP_PUSH_MSG_GAP);
    }

    offset = 0;

    if (f->last.len != 0) {
        offset = ngx_min(rd->prev.offset, rd->top.offset);
    }

    ngx_http_push_recent_clear(&f->fs->recents, &f->recent);

    f->wary = (f->last.len != 0 && rd->top.len == 0);

    f->last = rd->top;
    f->last.offset = offset;
    f->loose = 1;
}


/*
 * The broker goes on from an older state without a new epoch: a replica that
 * had not heard of all has taken over, and what it is cannot be seen.  Or what
 * was given last was never stored.  The same offsets will come again.
 */

static void
ngx_http_push_feed_turn_back(ngx_http_push_feed_t *f,
    ngx_http_push_read_t *rd)
{
    ngx_http_push_feed_tell(f->fs, f->channel, NGX_HTTP_PUSH_MSG_GAP);

    ngx_http_push_recent_clear(&f->fs->recents, &f->recent);
    ngx_http_push_feed_drop_window(f);

    f->last.offset = rd->top.offset;
}


/*
 * All of the epoch before has been given.  Nothing is known to be missing, and
 * it cannot be proved either: messages that the broker has forgotten are not
 * in its history (recover=).
 */

static void
ngx_http_push_feed_cross(ngx_http_push_feed_t *f, ngx_http_push_read_t *rd)
{
    if (ngx_http_push_position_same_epoch(&f->last, &rd->top)
        || f->last.offset < rd->prev.offset)
    {
        return;
    }

    if (!f->fs->lenient) {
        ngx_http_push_feed_tell(f->fs, f->channel, NGX_HTTP_PUSH_MSG_GAP);
    }

    ngx_http_push_feed_enter_epoch(&f->last, &rd->top);
}


static void
ngx_http_push_feed_enter_epoch(ngx_http_push_position_t *at,
    const ngx_http_push_position_t *from)
{
    uint64_t  offset;

    offset = at->offset;

    *at = *from;
    at->offset = offset;
}


static void
ngx_http_push_feed_catch_up(ngx_http_push_feed_t *f, ngx_http_push_read_t *rd)
{
    ngx_uint_t            i;
    ngx_http_push_msg_t  *m;

    if (rd->from > f->last.offset + 1) {

        /* asked for before the epoch turned: it may have begun earlier */

        return;
    }

    for (i = 0; i < rd->n; i++) {
        m = rd->msgs[i];

        if (m->offset <= f->last.offset) {
            continue;
        }

        if (m->offset != f->last.offset + 1) {
            ngx_http_push_feed_jump(f, rd, m->offset - 1);

        } else if (!ngx_http_push_position_in(&f->last, &m->epoch)) {

            /* here an epoch has ended; cross() tells why that is a gap */

            if (!f->loose && !f->fs->lenient) {
                ngx_http_push_feed_tell(f->fs, f->channel,
                                        NGX_HTTP_PUSH_MSG_GAP);
            }
        }

        (void) ngx_http_push_position_set(&f->last, &m->epoch, m->offset - 1);

        f->loose = 0;

        ngx_http_push_feed_accept(f, m);
    }

    if (rd->n == 0 && f->last.offset < rd->top.offset) {
        ngx_http_push_feed_jump(f, rd, rd->top.offset);
    }
}


/* what is between is trimmed or expired */

static void
ngx_http_push_feed_jump(ngx_http_push_feed_t *f, ngx_http_push_read_t *rd,
    uint64_t offset)
{
    ngx_http_push_feed_tell(f->fs, f->channel, NGX_HTTP_PUSH_MSG_GAP);
    ngx_http_push_recent_clear(&f->fs->recents, &f->recent);

    f->last.offset = offset;

    if (offset >= rd->prev.offset) {
        ngx_http_push_feed_enter_epoch(&f->last, &rd->top);
    }
}


static void
ngx_http_push_feed_fill_window(ngx_http_push_feed_t *f,
    ngx_http_push_read_t *rd)
{
    ngx_uint_t                  i;
    ngx_http_push_feed_work_t  *work;

    work = f->work;

    ngx_http_push_feed_drop_window(f);

    for (i = 0; i < rd->n; i++) {
        if (ngx_http_push_run_push(&work->window, rd->msgs[i], f->fs->log)
            != NGX_OK)
        {
            break;
        }
    }

    /* a history of large messages is not read as a whole again */

    if (rd->n != 0 && rd->msgs[rd->n - 1]->offset < rd->top.offset) {
        work->large = 1;
    }

    work->from = rd->from;
    work->until = rd->top.offset;
    work->used = ngx_current_msec;
    work->filled = 1;

    ngx_queue_insert_tail(&f->fs->windows, &work->queue);

    f->fs->size += work->window.size;

    /* whoever still wants one of these will have it read again */

    while (f->fs->size > NGX_HTTP_PUSH_FEED_WINDOWS
           && ngx_queue_head(&f->fs->windows) != &work->queue)
    {
        ngx_http_push_feed_close_window(f->fs);
    }
}


void
ngx_http_push_feed_use_window(ngx_http_push_feed_t *f)
{
    ngx_http_push_feed_work_t  *work;

    work = f->work;

    work->used = ngx_current_msec;

    ngx_queue_remove(&work->queue);
    ngx_queue_insert_tail(&f->fs->windows, &work->queue);
}


/* that which was used the longest ago, there is one */

static void
ngx_http_push_feed_close_window(ngx_http_push_feeds_t *fs)
{
    ngx_queue_t                *q;
    ngx_http_push_feed_t       *f;
    ngx_http_push_feed_work_t  *work;

    q = ngx_queue_head(&fs->windows);
    work = ngx_queue_data(q, ngx_http_push_feed_work_t, queue);

    f = work->feed;

    ngx_http_push_feed_drop_window(f);
    ngx_http_push_feed_settle(f);
}


static void
ngx_http_push_feed_drop_window(ngx_http_push_feed_t *f)
{
    if (f->work != NULL && f->work->filled) {
        f->fs->size -= f->work->window.size;

        ngx_queue_remove(&f->work->queue);
        ngx_http_push_run_clear(&f->work->window);

        f->work->filled = 0;
    }
}


static void
ngx_http_push_feed_tick_handler(ngx_event_t *ev)
{
    ngx_uint_t                  n;
    ngx_queue_t                *q;
    ngx_connection_t           *c;
    ngx_http_push_bus_t        *bus;
    ngx_http_push_feeds_t      *fs;
    ngx_http_push_feed_work_t  *work;

    c = ev->data;
    fs = c->data;

    ngx_add_timer(ev, NGX_HTTP_PUSH_FEED_TICK);

    ngx_http_push_lookup_tick(&fs->lookups);

    while (!ngx_queue_empty(&fs->windows)) {
        q = ngx_queue_head(&fs->windows);
        work = ngx_queue_data(q, ngx_http_push_feed_work_t, queue);

        if (ngx_current_msec - work->used < NGX_HTTP_PUSH_FEED_WINDOW_MS) {
            break;
        }

        ngx_http_push_feed_close_window(fs);
    }

    bus = ngx_http_push_hub_bus(fs->hub);

    if (!bus->silent) {
        return;
    }

    /* each channel once in the time that it may be silent */

    n = fs->figures->channels
        / (NGX_HTTP_PUSH_FEED_SILENCE / NGX_HTTP_PUSH_FEED_TICK) + 1;

    ngx_http_push_hub_step(fs->hub, &fs->place,
                           ngx_min(n, NGX_HTTP_PUSH_FEED_CHECKS),
                           ngx_http_push_feed_check, fs);
}


static void
ngx_http_push_feed_check(void *data, ngx_http_push_channel_t *ch)
{
    ngx_http_push_feeds_t  *fs = data;

    ngx_http_push_feed_t  *f;

    if (!(ch->flags & NGX_HTTP_PUSH_FEED_CONFIRMED)) {
        return;
    }

    f = ngx_http_push_feed_get(fs, ch);

    if (f == NULL
        || f->lookup.state != NGX_HTTP_PUSH_LOOKUP_IDLE
        || (f->work == NULL && f->last.len != 0
            && ngx_current_msec - f->heard < NGX_HTTP_PUSH_FEED_SILENCE))
    {
        return;
    }

    f->doubt = f->known;

    ngx_http_push_feed_ask(f, NGX_HTTP_PUSH_FEED_TOP, 0);
}


ngx_int_t
ngx_http_push_feed_position(ngx_http_push_channel_t *ch,
    ngx_http_push_position_t *position)
{
    ngx_http_push_feed_t  *f;

    f = ch->feed;

    if (f != NULL && f->known) {
        *position = f->last;
        return NGX_OK;
    }

    if (ch->flags & NGX_HTTP_PUSH_FEED_FRESH) {
        ngx_http_push_position_reset(position);
        return NGX_OK;
    }

    return NGX_DECLINED;
}
