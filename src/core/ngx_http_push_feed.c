/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: feeds: owns where each channel with a history stands, what of it
 * came too early, and its latest messages.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_bus.h"
#include "ngx_http_push_feed.h"
#include "ngx_http_push_run.h"


#define NGX_HTTP_PUSH_FEED_TICK       500         /* ms */
#define NGX_HTTP_PUSH_FEED_AGAIN      1000        /* ms between doubts */
#define NGX_HTTP_PUSH_FEED_SILENCE    40000       /* ms until a check */
#define NGX_HTTP_PUSH_FEED_CHECKS     1000        /* per tick at most */
#define NGX_HTTP_PUSH_FEED_READING    512         /* reads under way */
#define NGX_HTTP_PUSH_FEED_STARTS     64          /* reads begun in a turn */
#define NGX_HTTP_PUSH_FEED_DELIVERIES 16384       /* in a turn, by reads */

#define NGX_HTTP_PUSH_FEED_HELD       1000        /* messages */
#define NGX_HTTP_PUSH_FEED_HELD_SIZE  (4 * 1024 * 1024)

/* kept of each channel for those who return, and of all of a worker */
#define NGX_HTTP_PUSH_FEED_KEPT       64
#define NGX_HTTP_PUSH_FEED_KEPT_SIZE  (128 * 1024)
#define NGX_HTTP_PUSH_FEED_KEPT_ALL   (32 * 1024 * 1024)

/* one read for all who want the past, and how long it serves them */
#define NGX_HTTP_PUSH_FEED_PAST       1024
#define NGX_HTTP_PUSH_FEED_PAST_SIZE  (1024 * 1024)
#define NGX_HTTP_PUSH_FEED_PAST_ALL   512         /* smaller: all of it */
#define NGX_HTTP_PUSH_FEED_PAST_MS    2000


/*
 * channel->flags.  FRESH: nothing was ever stored, and there is no feed, so
 * that a channel nobody publishes to costs nothing.
 */

#define NGX_HTTP_PUSH_FEED_HISTORY    0x01
#define NGX_HTTP_PUSH_FEED_CONFIRMED  0x02
#define NGX_HTTP_PUSH_FEED_FRESH      0x04
#define NGX_HTTP_PUSH_FEED_PLAIN      0x08        /* had some without an id */


/* what is to be read: where the top is, what follows last, what readers want */

#define NGX_HTTP_PUSH_FEED_TOP        0x01
#define NGX_HTTP_PUSH_FEED_MORE       0x02
#define NGX_HTTP_PUSH_FEED_WANTED     0x04


typedef enum {
    NGX_HTTP_PUSH_FEED_IDLE = 0,
    NGX_HTTP_PUSH_FEED_DUE,               /* in fs->due */
    NGX_HTTP_PUSH_FEED_LATER,             /* in fs->later */
    NGX_HTTP_PUSH_FEED_WAITS,             /* in fs->failed */
    NGX_HTTP_PUSH_FEED_READS              /* a read is under way */
} ngx_http_push_feed_state_e;


/* what a feed needs only while it reads or somebody returned */

typedef struct {
    ngx_http_push_read_t          rd;
    ngx_uint_t                    kind;       /* of the read under way */
    ngx_http_push_run_t           held;       /* came before its turn */
    ngx_uint_t                    early;      /* of them: before the read */

    ngx_queue_t                   queue;      /* in fs->windows */
    ngx_http_push_run_t           window;     /* the past, for readers */
    uint64_t                      from;       /* where it was read from */
    uint64_t                      until;      /* the top at that moment */
    uint64_t                      wanted;     /* where the next one begins */
    ngx_msec_t                    used;
    unsigned                      filled:1;   /* there is a window */
    unsigned                      large:1;    /* a whole one is too large */
} ngx_http_push_feed_work_t;


/* channel->feed; freed with its channel, or when nothing is stored of it */

typedef struct {
    ngx_queue_t                   queue;      /* by state */
    ngx_queue_t                   kept;       /* in fs->kept, if it has some */
    ngx_queue_t                   readers;    /* that wait */
    ngx_http_push_feeds_t        *fs;
    ngx_http_push_channel_t      *channel;
    ngx_http_push_feed_work_t    *work;
    ngx_http_push_run_t           latest;     /* dense, up to last */
    ngx_http_push_position_t      last;       /* given to the subscribers */
    ngx_http_push_position_t      prev;       /* end of the epoch before */
    uint64_t                      top;        /* as the last read told it */
    ngx_msec_t                    heard;
    ngx_msec_t                    asked;

    unsigned                      state:3;
    unsigned                      need:3;
    unsigned                      known:1;    /* last is valid */
    unsigned                      located:1;  /* and a read has told prev */
    unsigned                      doubt:1;    /* something may be missing */
    unsigned                      suspect:1;  /* whatever a read tells */
    unsigned                      ahead:1;    /* a reader waits for last */
    unsigned                      moved:1;    /* since the read was sent */
    unsigned                      loose:1;    /* last is of any epoch */
    unsigned                      wary:1;     /* messages that are forgotten
                                                 may still be on their way */
} ngx_http_push_feed_t;


struct ngx_http_push_feeds_s {
    ngx_queue_t                       due;
    ngx_queue_t                       later;      /* by time */
    ngx_queue_t                       failed;
    ngx_queue_t                       kept;       /* by last use */
    ngx_queue_t                       windows;    /* by last fill */
    size_t                            kept_size;

    ngx_http_push_hub_t              *hub;
    const ngx_http_push_policies_t   *policies;
    ngx_http_push_figures_t          *figures;
    ngx_log_t                        *log;
    ngx_uint_t                        lenient;
    ngx_uint_t                        reading;
    ngx_uint_t                        delivered;  /* in this turn, by reads */
    ngx_uint_t                        pumping;
    ngx_uint_t                        place;      /* of the checks */

    ngx_event_t                       pump;
    ngx_event_t                       tick;
    ngx_connection_t                  dummy;
};


static ngx_http_push_feed_t *ngx_http_push_feed_get(ngx_http_push_feeds_t *fs,
    ngx_http_push_channel_t *ch);
static ngx_http_push_feed_work_t *ngx_http_push_feed_work(
    ngx_http_push_feed_t *f);
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
static void ngx_http_push_feed_keep(ngx_http_push_feed_t *f,
    ngx_http_push_msg_t *m);
static void ngx_http_push_feed_drop_kept(ngx_http_push_feed_t *f);
static void ngx_http_push_feed_drop_window(ngx_http_push_feed_t *f);
static void ngx_http_push_feed_tell(ngx_http_push_feeds_t *fs,
    ngx_http_push_channel_t *ch, ngx_uint_t kind);

static void ngx_http_push_feed_ask(ngx_http_push_feed_t *f, ngx_uint_t need,
    ngx_uint_t urgent);
static void ngx_http_push_feed_enqueue(ngx_http_push_feed_t *f,
    ngx_uint_t urgent);
static void ngx_http_push_feed_post(ngx_http_push_feeds_t *fs);
static void ngx_http_push_feed_pump_handler(ngx_event_t *ev);
static void ngx_http_push_feed_start_read(ngx_http_push_feed_t *f);
static void ngx_http_push_feed_read_handler(ngx_http_push_read_t *rd);
static void ngx_http_push_feed_finish_read(ngx_http_push_feed_t *f);
static ngx_int_t ngx_http_push_feed_locate(ngx_http_push_feed_t *f,
    ngx_http_push_read_t *rd);
static ngx_uint_t ngx_http_push_feed_ends(const ngx_http_push_position_t *at,
    const ngx_http_push_position_t *prev);
static void ngx_http_push_feed_turn(ngx_http_push_feed_t *f,
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
static void ngx_http_push_feed_free_read(ngx_http_push_read_t *rd);
static void ngx_http_push_feed_tick_handler(ngx_event_t *ev);
static void ngx_http_push_feed_requeue(ngx_http_push_feeds_t *fs,
    ngx_queue_t *queue, ngx_uint_t n, ngx_uint_t aged);
static void ngx_http_push_feed_check(void *data, ngx_http_push_channel_t *ch);

static ngx_int_t ngx_http_push_feed_place(ngx_http_push_feed_t *f,
    ngx_http_push_reader_t *reader, ngx_http_push_feed_piece_t *piece);
static ngx_int_t ngx_http_push_feed_enter(ngx_http_push_feed_t *f,
    ngx_http_push_reader_t *reader, ngx_http_push_feed_piece_t *piece);
static ngx_int_t ngx_http_push_feed_serve(ngx_http_push_feed_t *f,
    ngx_http_push_reader_t *reader, ngx_http_push_feed_piece_t *piece);
static ngx_uint_t ngx_http_push_feed_slice(ngx_http_push_feed_t *f,
    ngx_http_push_run_t *run, ngx_http_push_reader_t *reader,
    ngx_http_push_feed_piece_t *piece);
static ngx_int_t ngx_http_push_feed_wait(ngx_http_push_feed_t *f,
    ngx_http_push_reader_t *reader);
static void ngx_http_push_feed_wake(ngx_http_push_feed_t *f);


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

    ngx_queue_init(&fs->due);
    ngx_queue_init(&fs->later);
    ngx_queue_init(&fs->failed);
    ngx_queue_init(&fs->kept);
    ngx_queue_init(&fs->windows);

    fs->hub = h;
    fs->policies = policies;
    fs->figures = ngx_http_push_hub_figures(h);
    fs->lenient = lenient;
    fs->log = log;

    fs->dummy.data = fs;
    fs->dummy.fd = (ngx_socket_t) -1;

    fs->pump.handler = ngx_http_push_feed_pump_handler;
    fs->pump.data = &fs->dummy;
    fs->pump.log = log;

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

    if (fs->pump.posted) {
        ngx_delete_posted_event(&fs->pump);
    }

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


/* NULL: out of memory */

static ngx_http_push_feed_t *
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
    f->asked = ngx_current_msec - NGX_HTTP_PUSH_FEED_AGAIN;

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


static ngx_http_push_feed_work_t *
ngx_http_push_feed_work(ngx_http_push_feed_t *f)
{
    if (f->work == NULL) {
        f->work = ngx_calloc(sizeof(ngx_http_push_feed_work_t), f->fs->log);
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
    ngx_http_push_bus_t     *bus;
    ngx_http_push_feeds_t   *fs;
    ngx_http_push_reader_t  *reader;

    fs = f->fs;

    if (f->state == NGX_HTTP_PUSH_FEED_READS) {
        bus = ngx_http_push_hub_bus(fs->hub);

        bus->unread(bus, &f->work->rd);
        fs->reading--;

    } else if (f->state != NGX_HTTP_PUSH_FEED_IDLE) {
        ngx_queue_remove(&f->queue);
    }

    while (!ngx_queue_empty(&f->readers)) {
        q = ngx_queue_head(&f->readers);
        ngx_queue_remove(q);

        reader = ngx_queue_data(q, ngx_http_push_reader_t, queue);
        reader->waiting = 0;
    }

    ngx_http_push_feed_drop_kept(f);

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

    if (f->state != NGX_HTTP_PUSH_FEED_IDLE) {
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

    if (flags & NGX_HTTP_PUSH_FEED_MISSED) {
        ngx_http_push_feed_doubt(fs, ch);

        if (flags & NGX_HTTP_PUSH_FEED_UNKNOWN) {
            f->suspect = 1;
        }
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

    /* nothing tells what is missing of messages without an id */

    if (f == NULL || (ch->flags & NGX_HTTP_PUSH_FEED_PLAIN)) {
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

    ngx_http_push_feed_keep(f, m);

    if (f->channel->nsubs != 0) {
        f->fs->delivered += f->channel->nsubs;
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
    }

    (void) ngx_http_push_run_push(&work->held, m, f->fs->log);
}


/*
 * Gives what has become the next one.  A message of another epoch, held before
 * a read that knows nothing of that epoch, was never stored: whoever can
 * publish to Redis can make such a header.
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
                || ngx_http_push_position_in(&f->last, &m->epoch)))
        {
            ngx_http_push_msg_unref(m);
            return;
        }

        ngx_http_push_msg_unref(m);

        ngx_http_push_run_shift(&work->held);
        work->early -= (work->early != 0);
    }
}


/* the latest stay for those who return soon */

static void
ngx_http_push_feed_keep(ngx_http_push_feed_t *f, ngx_http_push_msg_t *m)
{
    size_t                  size;
    ngx_queue_t            *q;
    ngx_http_push_feeds_t  *fs;

    fs = f->fs;
    size = f->latest.size;

    if (f->latest.n != 0) {
        ngx_queue_remove(&f->kept);
    }

    if (ngx_http_push_run_push(&f->latest, m, fs->log) != NGX_OK) {
        ngx_http_push_run_clear(&f->latest);
    }

    while (f->latest.n > NGX_HTTP_PUSH_FEED_KEPT
           || f->latest.size > NGX_HTTP_PUSH_FEED_KEPT_SIZE)
    {
        ngx_http_push_run_shift(&f->latest);
    }

    fs->kept_size += f->latest.size - size;

    if (f->latest.n != 0) {
        ngx_queue_insert_tail(&fs->kept, &f->kept);
    }

    while (fs->kept_size > NGX_HTTP_PUSH_FEED_KEPT_ALL) {
        q = ngx_queue_head(&fs->kept);

        ngx_http_push_feed_drop_kept(ngx_queue_data(q, ngx_http_push_feed_t,
                                                    kept));
    }
}


static void
ngx_http_push_feed_drop_kept(ngx_http_push_feed_t *f)
{
    if (f->latest.n != 0) {
        ngx_queue_remove(&f->kept);
        f->fs->kept_size -= f->latest.size;
    }

    ngx_http_push_run_clear(&f->latest);
}


static void
ngx_http_push_feed_drop_window(ngx_http_push_feed_t *f)
{
    if (f->work != NULL && f->work->filled) {
        ngx_queue_remove(&f->work->queue);
        ngx_http_push_run_clear(&f->work->window);

        f->work->filled = 0;
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
ngx_http_push_feed_resume(ngx_http_push_feeds_t *fs)
{
    ngx_http_push_feed_requeue(fs, &fs->failed, (ngx_uint_t) -1, 0);
}


static void
ngx_http_push_feed_requeue(ngx_http_push_feeds_t *fs, ngx_queue_t *queue,
    ngx_uint_t n, ngx_uint_t aged)
{
    ngx_queue_t           *q;
    ngx_http_push_feed_t  *f;

    while (n-- != 0 && !ngx_queue_empty(queue)) {
        q = ngx_queue_head(queue);
        f = ngx_queue_data(q, ngx_http_push_feed_t, queue);

        if (aged
            && ngx_current_msec - f->asked < NGX_HTTP_PUSH_FEED_AGAIN)
        {
            return;
        }

        ngx_queue_remove(q);

        ngx_http_push_feed_enqueue(f, 1);
    }
}


/* who has read in vain just now waits, unless a reply has said what to do */

static void
ngx_http_push_feed_ask(ngx_http_push_feed_t *f, ngx_uint_t need,
    ngx_uint_t urgent)
{
    f->need |= need;

    if (f->state == NGX_HTTP_PUSH_FEED_LATER && urgent) {
        ngx_queue_remove(&f->queue);
        f->state = NGX_HTTP_PUSH_FEED_IDLE;
    }

    if (f->state == NGX_HTTP_PUSH_FEED_IDLE) {
        ngx_http_push_feed_enqueue(f, urgent);
    }
}


static void
ngx_http_push_feed_enqueue(ngx_http_push_feed_t *f, ngx_uint_t urgent)
{
    ngx_http_push_feeds_t  *fs;

    fs = f->fs;

    if (!urgent && ngx_current_msec - f->asked < NGX_HTTP_PUSH_FEED_AGAIN) {
        f->state = NGX_HTTP_PUSH_FEED_LATER;
        ngx_queue_insert_tail(&fs->later, &f->queue);
        return;
    }

    f->state = NGX_HTTP_PUSH_FEED_DUE;
    ngx_queue_insert_tail(&fs->due, &f->queue);

    ngx_http_push_feed_post(fs);
}


/* what the pump itself brings about waits for the next turn of the loop */

static void
ngx_http_push_feed_post(ngx_http_push_feeds_t *fs)
{
    if (fs->pumping) {
        ngx_post_event(&fs->pump, &ngx_posted_next_events);

    } else {
        ngx_post_event(&fs->pump, &ngx_posted_events);
    }
}


/*
 * Not while clients still have to be written to what was read before: a
 * thousand missed messages reach a client that keeps up through any queue.
 */

static void
ngx_http_push_feed_pump_handler(ngx_event_t *ev)
{
    ngx_uint_t              n;
    ngx_queue_t            *q;
    ngx_connection_t       *c;
    ngx_http_push_feeds_t  *fs;

    c = ev->data;
    fs = c->data;

    fs->pumping = 1;
    fs->delivered = 0;

    for (n = 0; !ngx_queue_empty(&fs->due); n++) {

        if (fs->reading >= NGX_HTTP_PUSH_FEED_READING) {

            /* an answer goes on */

            break;
        }

        if (n == NGX_HTTP_PUSH_FEED_STARTS
            || fs->delivered > NGX_HTTP_PUSH_FEED_DELIVERIES
            || ngx_http_push_hub_busy(fs->hub))
        {
            ngx_http_push_feed_post(fs);
            break;
        }

        q = ngx_queue_head(&fs->due);
        ngx_queue_remove(q);

        ngx_http_push_feed_start_read(ngx_queue_data(q, ngx_http_push_feed_t,
                                                     queue));
    }

    fs->pumping = 0;
}


static void
ngx_http_push_feed_start_read(ngx_http_push_feed_t *f)
{
    ngx_uint_t                  n;
    ngx_http_push_bus_t        *bus;
    ngx_http_push_read_t       *rd;
    ngx_http_push_feed_work_t  *work;

    f->state = NGX_HTTP_PUSH_FEED_IDLE;
    f->asked = ngx_current_msec;

    work = ngx_http_push_feed_work(f);

    if (work == NULL) {
        ngx_http_push_feed_enqueue(f, 0);
        return;
    }

    rd = &work->rd;

    ngx_memzero(rd, sizeof(ngx_http_push_read_t));

    rd->channel.data = f->channel->name;
    rd->channel.len = f->channel->len;
    rd->handler = ngx_http_push_feed_read_handler;
    rd->data = f;

    if ((f->need & NGX_HTTP_PUSH_FEED_MORE) && f->known) {
        work->kind = NGX_HTTP_PUSH_FEED_MORE;

        /* all of them are given to all subscribers in one turn of the loop */

        n = NGX_HTTP_PUSH_FEED_DELIVERIES / (f->channel->nsubs + 1) + 1;

        rd->from = f->last.offset + 1;
        rd->limit = ngx_min(n, NGX_HTTP_PUSH_FEED_PIECE);
        rd->size = NGX_HTTP_PUSH_FEED_PIECE_SIZE;

    } else if (f->need & NGX_HTTP_PUSH_FEED_WANTED) {
        work->kind = NGX_HTTP_PUSH_FEED_WANTED;

        rd->from = work->wanted;
        rd->limit = NGX_HTTP_PUSH_FEED_PAST;
        rd->size = NGX_HTTP_PUSH_FEED_PAST_SIZE;

    } else {
        work->kind = NGX_HTTP_PUSH_FEED_TOP;
    }

    /* each of them tells the top */

    f->need &= ~(work->kind|NGX_HTTP_PUSH_FEED_TOP);
    work->early = work->held.n;
    f->moved = 0;

    if (rd->limit != 0) {
        f->fs->figures->reads++;
    }

    f->state = NGX_HTTP_PUSH_FEED_READS;
    f->fs->reading++;

    bus = ngx_http_push_hub_bus(f->fs->hub);

    if (bus->read(bus, rd) == NGX_OK) {
        ngx_http_push_feed_finish_read(f);
    }
}


static void
ngx_http_push_feed_read_handler(ngx_http_push_read_t *rd)
{
    ngx_http_push_feed_t  *f = rd->data;

    if (!ngx_queue_empty(&f->fs->due)) {
        ngx_http_push_feed_post(f->fs);
    }

    ngx_http_push_feed_finish_read(f);
}


static void
ngx_http_push_feed_finish_read(ngx_http_push_feed_t *f)
{
    ngx_http_push_feeds_t      *fs;
    ngx_http_push_feed_work_t  *work;

    fs = f->fs;
    work = f->work;

    fs->reading--;
    f->state = NGX_HTTP_PUSH_FEED_IDLE;

    if (work->rd.status == NGX_HTTP_PUSH_READ_FAILED) {
        f->need |= work->kind;
        f->state = NGX_HTTP_PUSH_FEED_WAITS;

        ngx_queue_insert_tail(&fs->failed, &f->queue);
        return;
    }

    f->heard = ngx_current_msec;

    if (ngx_http_push_feed_locate(f, &work->rd) != NGX_OK) {
        ngx_http_push_feed_free_read(&work->rd);

        f->doubt = 1;
        ngx_http_push_feed_ask(f, work->kind|NGX_HTTP_PUSH_FEED_TOP, 0);

        return;
    }

    if (work->kind == NGX_HTTP_PUSH_FEED_MORE) {
        ngx_http_push_feed_catch_up(f, &work->rd);

    } else if (work->kind == NGX_HTTP_PUSH_FEED_WANTED) {
        ngx_http_push_feed_fill_window(f, &work->rd);
    }

    ngx_http_push_feed_cross(f, &work->rd);
    ngx_http_push_feed_release(f);

    ngx_http_push_feed_free_read(&work->rd);

    work->early = 0;

    if (f->last.offset >= f->top) {
        f->doubt = 0;

    } else if (f->doubt) {
        ngx_http_push_feed_ask(f, NGX_HTTP_PUSH_FEED_MORE, 1);
    }

    if (work->held.n != 0) {
        f->doubt = 1;
        ngx_http_push_feed_ask(f, NGX_HTTP_PUSH_FEED_MORE, 0);
    }

    ngx_http_push_feed_wake(f);

    if (f->need != 0) {
        ngx_http_push_feed_ask(f, 0, f->need & NGX_HTTP_PUSH_FEED_WANTED);
        return;
    }

    ngx_http_push_feed_settle(f);
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
        f->last = rd->top;
        f->known = 1;

    } else if (!ngx_http_push_position_same_epoch(&f->last, &rd->top)) {

        if (f->moved) {

            /* messages have overtaken the reply: which is true now? */

            return NGX_DECLINED;
        }

        /* what was read before may have been forgotten since */

        ngx_http_push_feed_drop_window(f);

        f->doubt = 1;

        if (!ngx_http_push_feed_ends(&f->last, &rd->prev)) {
            ngx_http_push_feed_turn(f, rd);
        }

    } else if (f->suspect && !f->fs->lenient) {
        ngx_http_push_feed_tell(f->fs, f->channel, NGX_HTTP_PUSH_MSG_GAP);
    }

    f->suspect = 0;
    f->located = 1;
    f->prev = rd->prev;
    f->top = rd->top.offset;

    return NGX_OK;
}


/* is at in the epoch that ended with prev, and not behind its end? */

static ngx_uint_t
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

    offset = 0;

    if (f->last.len != 0) {
        ngx_http_push_feed_tell(f->fs, f->channel, NGX_HTTP_PUSH_MSG_GAP);

        offset = ngx_min(rd->prev.offset, rd->top.offset);
    }

    ngx_http_push_feed_drop_kept(f);

    f->wary = (f->last.len != 0 && rd->top.len == 0);

    f->last = rd->top;
    f->last.offset = offset;
    f->loose = 1;
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
    ngx_http_push_feed_drop_kept(f);

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
}


static void
ngx_http_push_feed_free_read(ngx_http_push_read_t *rd)
{
    ngx_uint_t  i;

    for (i = 0; i < rd->n; i++) {
        ngx_http_push_msg_unref(rd->msgs[i]);
    }

    if (rd->msgs != NULL) {
        ngx_free(rd->msgs);
        rd->msgs = NULL;
    }

    rd->n = 0;
}


static void
ngx_http_push_feed_tick_handler(ngx_event_t *ev)
{
    ngx_uint_t                  n;
    ngx_queue_t                *q;
    ngx_connection_t           *c;
    ngx_http_push_bus_t        *bus;
    ngx_http_push_feed_t       *f;
    ngx_http_push_feeds_t      *fs;
    ngx_http_push_feed_work_t  *work;

    c = ev->data;
    fs = c->data;

    ngx_add_timer(ev, NGX_HTTP_PUSH_FEED_TICK);

    ngx_http_push_feed_requeue(fs, &fs->later, (ngx_uint_t) -1, 1);
    ngx_http_push_feed_requeue(fs, &fs->failed, NGX_HTTP_PUSH_FEED_STARTS, 1);

    while (!ngx_queue_empty(&fs->windows)) {
        q = ngx_queue_head(&fs->windows);
        work = ngx_queue_data(q, ngx_http_push_feed_work_t, queue);

        if (ngx_current_msec - work->used < NGX_HTTP_PUSH_FEED_PAST_MS) {
            break;
        }

        f = work->rd.data;

        ngx_http_push_feed_drop_window(f);
        ngx_http_push_feed_settle(f);
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
        || f->state != NGX_HTTP_PUSH_FEED_IDLE
        || (f->work == NULL && f->last.len != 0
            && ngx_current_msec - f->heard < NGX_HTTP_PUSH_FEED_SILENCE))
    {
        return;
    }

    f->doubt = f->known;

    ngx_http_push_feed_ask(f, NGX_HTTP_PUSH_FEED_TOP, 0);
}


ngx_int_t
ngx_http_push_feed_pull(ngx_http_push_feeds_t *fs,
    ngx_http_push_reader_t *reader, ngx_http_push_feed_piece_t *piece)
{
    ngx_int_t                 rc;
    ngx_str_t                 name;
    ngx_http_push_feed_t     *f;
    ngx_http_push_channel_t  *ch;

    ngx_http_push_feed_close_reader(reader);

    piece->n = 0;
    piece->gap = 0;

    ch = reader->channel;

    name.data = ch->name;
    name.len = ch->len;

    f = NULL;

    if ((ch->flags & NGX_HTTP_PUSH_FEED_HISTORY)
        || ngx_http_push_policy_find(fs->policies, &name) != NULL)
    {
        f = ngx_http_push_feed_get(fs, ch);
    }

    if (f == NULL) {
        piece->gap = (reader->bad || reader->at.len != 0);
        return NGX_DONE;
    }

    if (!(ch->flags & NGX_HTTP_PUSH_FEED_CONFIRMED)
        || !f->known || !f->located)
    {
        return ngx_http_push_feed_wait(f, reader);
    }

    rc = ngx_http_push_feed_place(f, reader, piece);

    if (rc != NGX_OK) {
        return rc;
    }

    if (reader->at.offset == f->last.offset) {
        return NGX_DONE;
    }

    return ngx_http_push_feed_serve(f, reader, piece);
}


void
ngx_http_push_feed_close_reader(ngx_http_push_reader_t *reader)
{
    if (reader->waiting) {
        ngx_queue_remove(&reader->queue);
        reader->waiting = 0;
    }
}


/*
 * Brings reader->at into the row of offsets that last is in, at last or before
 * it.  NGX_OK, or NGX_AGAIN.
 */

static ngx_int_t
ngx_http_push_feed_place(ngx_http_push_feed_t *f,
    ngx_http_push_reader_t *reader, ngx_http_push_feed_piece_t *piece)
{
    ngx_int_t  rc;

    if (!reader->begun && reader->tail != 0) {
        reader->at = f->last;
        reader->at.offset -= ngx_min(reader->at.offset, reader->tail);
        reader->loose = 1;

    } else if (reader->bad
               || !ngx_http_push_position_same_epoch(&reader->at, &f->last))
    {
        if (!reader->bad && ngx_http_push_feed_ends(&reader->at, &f->prev)) {
            rc = NGX_OK;

        } else {
            rc = ngx_http_push_feed_enter(f, reader, piece);
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    reader->begun = 1;
    reader->bad = 0;

    if (reader->at.offset < f->last.offset) {
        return NGX_OK;
    }

    if (reader->at.offset == f->last.offset) {

        if (!ngx_http_push_position_same_epoch(&reader->at, &f->last)) {
            piece->gap |= !f->fs->lenient;
            reader->at = f->last;
        }

        return NGX_OK;
    }

    /*
     * It has heard of messages that have not come here yet, unless somebody
     * has made them up: then the history does not know them either.
     */

    if (!reader->checked || reader->at.offset <= f->top) {
        reader->checked = 1;
        f->ahead = 1;
        f->doubt = 1;

        ngx_http_push_feed_ask(f, NGX_HTTP_PUSH_FEED_TOP, 0);

        return ngx_http_push_feed_wait(f, reader);
    }

    piece->gap = 1;
    reader->at = f->last;

    return NGX_OK;
}


/*
 * A cursor of another epoch, or of a time when nothing had been stored: then
 * all there is comes after it, unless that is not the first epoch.
 */

static ngx_int_t
ngx_http_push_feed_enter(ngx_http_push_feed_t *f,
    ngx_http_push_reader_t *reader, ngx_http_push_feed_piece_t *piece)
{
    uint64_t    offset;
    ngx_uint_t  none;

    none = !reader->bad && reader->at.len == 0;

    if (!none && !reader->bad && !reader->checked) {

        /* the epoch may have turned, and nothing has told us yet */

        reader->checked = 1;

        if (ngx_current_msec - f->asked >= NGX_HTTP_PUSH_FEED_AGAIN) {
            f->doubt = 1;
            ngx_http_push_feed_ask(f, NGX_HTTP_PUSH_FEED_TOP, 0);

            return ngx_http_push_feed_wait(f, reader);
        }
    }

    if (!none || f->prev.len != 0) {
        piece->gap = 1;
    }

    offset = f->prev.offset;

    reader->at = f->last;
    reader->at.offset = ngx_min(offset, f->last.offset);
    reader->loose = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_feed_serve(ngx_http_push_feed_t *f,
    ngx_http_push_reader_t *reader, ngx_http_push_feed_piece_t *piece)
{
    uint64_t                    from;
    ngx_str_t                   name;
    ngx_http_push_msg_t        *first;
    ngx_http_push_feed_work_t  *work;

    if (ngx_http_push_feed_slice(f, &f->latest, reader, piece)) {
        return NGX_OK;
    }

    work = ngx_http_push_feed_work(f);

    if (work == NULL) {
        piece->gap = 1;
        reader->at = f->last;

        return NGX_DONE;
    }

    from = reader->at.offset + 1;

    if (work->filled && work->from <= from && from <= work->until) {

        if (work->window.n == 0) {

            /* trimmed or expired, all of it */

            piece->gap = 1;
            reader->at = f->last;

            return NGX_DONE;
        }

        first = ngx_http_push_run_get(&work->window, 0);

        if (from < first->offset && first->offset <= f->last.offset) {
            piece->gap = 1;

            (void) ngx_http_push_position_set(&reader->at, &first->epoch,
                                              first->offset - 1);
        }

        if (ngx_http_push_feed_slice(f, &work->window, reader, piece)) {
            work->used = ngx_current_msec;
            return NGX_OK;
        }
    }

    name.data = f->channel->name;
    name.len = f->channel->len;

    if (!work->large
        && ngx_http_push_policy_find(f->fs->policies, &name) != NULL
        && ngx_http_push_policy_find(f->fs->policies, &name)->count
           <= NGX_HTTP_PUSH_FEED_PAST_ALL)
    {
        from = 1;
    }

    if (!(f->need & NGX_HTTP_PUSH_FEED_WANTED) || from < work->wanted) {
        work->wanted = from;
    }

    ngx_http_push_feed_ask(f, NGX_HTTP_PUSH_FEED_WANTED, 1);

    return ngx_http_push_feed_wait(f, reader);
}


/* what follows reader->at, as far as the subscribers have it; 0: not there */

static ngx_uint_t
ngx_http_push_feed_slice(ngx_http_push_feed_t *f, ngx_http_push_run_t *run,
    ngx_http_push_reader_t *reader, ngx_http_push_feed_piece_t *piece)
{
    size_t                size;
    uint64_t              first;
    ngx_uint_t            i;
    ngx_http_push_msg_t  *m;

    if (run->n == 0) {
        return 0;
    }

    first = ngx_http_push_run_get(run, 0)->offset;

    if (reader->at.offset + 1 < first) {
        return 0;
    }

    size = 0;

    for (i = reader->at.offset + 1 - first; i < run->n; i++) {
        m = ngx_http_push_run_get(run, i);

        if (piece->n == NGX_HTTP_PUSH_FEED_PIECE
            || size > NGX_HTTP_PUSH_FEED_PIECE_SIZE
            || m->offset > f->last.offset)
        {
            break;
        }

        if (!ngx_http_push_position_in(&reader->at, &m->epoch)) {

            /* the end of an epoch is told where it is */

            if (piece->n != 0) {
                break;
            }

            piece->gap |= !f->fs->lenient && !reader->loose;

            (void) ngx_http_push_position_set(&reader->at, &m->epoch,
                                              m->offset);
        }

        reader->loose = 0;

        piece->msgs[piece->n++] = m;
        reader->at.offset = m->offset;
        size += m->len;
    }

    return piece->n;
}


static ngx_int_t
ngx_http_push_feed_wait(ngx_http_push_feed_t *f,
    ngx_http_push_reader_t *reader)
{
    ngx_queue_insert_tail(&f->readers, &reader->queue);
    reader->waiting = 1;

    return NGX_AGAIN;
}


static void
ngx_http_push_feed_wake(ngx_http_push_feed_t *f)
{
    ngx_queue_t             *q;
    ngx_http_push_reader_t  *reader;

    f->ahead = 0;

    while (!ngx_queue_empty(&f->readers)) {
        q = ngx_queue_head(&f->readers);
        ngx_queue_remove(q);

        reader = ngx_queue_data(q, ngx_http_push_reader_t, queue);
        reader->waiting = 0;

        reader->wake(reader);
    }
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
