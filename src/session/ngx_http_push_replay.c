
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: clients that come back; owns their readers.
 *
 * A channel's subscriber that reads the past is subscribed as all others are,
 * but its deliver function lets pass what has an id: the history has it, too.
 * When the reader says that nothing is missing, the subscriber is given its
 * usual deliver function before anything else can happen, so that each message
 * comes once.  Pieces are taken when nothing waits for the socket, hence a
 * client is sent the past as fast as it reads, and push_queue is for what is
 * live.
 *
 * A session has no room for a pointer: the upper bits of its first subscriber's
 * mark are a place in the table of all sessions that replay.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_deliver.h"
#include "ngx_http_push_past.h"
#include "ngx_http_push_replay.h"
#include "ngx_http_push_turns.h"


#define NGX_HTTP_PUSH_REPLAY_ROOM   64        /* first room of the table */
#define NGX_HTTP_PUSH_REPLAY_SHIFT  8         /* above SUB_MARKS */


/* one channel of one session; freed when it has joined, or is left */

typedef struct {
    ngx_queue_t                  queue;       /* in its replay */
    ngx_http_push_past_t         reader;
    ngx_http_push_sub_t         *sub;
    ngx_http_push_session_t     *session;
    unsigned                     gap:1;       /* told by the feed meanwhile */
    unsigned                     given:1;     /* some messages already */
} ngx_http_push_replay_item_t;


/*
 * One session; freed when its channels have joined and the last piece is
 * written, which does not count as a slow client's until then.
 */

typedef struct {
    ngx_queue_t                  items;
    uint32_t                     place;       /* in the table */
} ngx_http_push_replay_t;


/* of the table: a replay, or the next free place */

typedef union {
    ngx_http_push_replay_t      *replay;
    uintptr_t                    next;
} ngx_http_push_replay_place_t;


typedef struct {
    ngx_http_push_feeds_t         *feeds;
    ngx_http_push_figures_t       *figures;
    ngx_log_t                     *log;
    ngx_http_push_replay_place_t  *table;     /* its first is never used */
    uint32_t                       room;
    uint32_t                       free;      /* 0: none */
} ngx_http_push_replay_shared_t;


static ngx_http_push_replay_t *ngx_http_push_replay_get(
    ngx_http_push_session_t *s);
static ngx_int_t ngx_http_push_replay_create(ngx_http_push_session_t *s);
static ngx_int_t ngx_http_push_replay_grow(void);
static void ngx_http_push_replay_destroy(ngx_http_push_session_t *s);
static void ngx_http_push_replay_destroy_item(
    ngx_http_push_replay_item_t *item);
static void ngx_http_push_replay_place(ngx_http_push_past_t *reader,
    const ngx_http_push_cursor_t *cursor);
static void ngx_http_push_replay_wake(ngx_http_push_past_t *reader);
static ngx_int_t ngx_http_push_replay_pull(ngx_http_push_replay_item_t *item);
static void ngx_http_push_replay_join(ngx_http_push_replay_item_t *item);
static void ngx_http_push_replay_deliver(ngx_http_push_sub_t *sub,
    ngx_http_push_msg_t *m);
static void ngx_http_push_replay_deliver_more(ngx_http_push_sub_t *sub,
    ngx_http_push_msg_t *m);
static ngx_uint_t ngx_http_push_replay_passes(ngx_http_push_session_t *s,
    ngx_http_push_sub_t *sub, ngx_http_push_msg_t *m);
static ngx_http_push_replay_item_t *ngx_http_push_replay_find(
    ngx_http_push_session_t *s, ngx_http_push_sub_t *sub);


static ngx_http_push_replay_shared_t  ngx_http_push_replay_shared;


void
ngx_http_push_replay_start(ngx_http_push_feeds_t *fs,
    ngx_http_push_figures_t *figures, ngx_log_t *log)
{
    ngx_http_push_replay_shared_t  *sh;

    sh = &ngx_http_push_replay_shared;

    ngx_memzero(sh, sizeof(ngx_http_push_replay_shared_t));

    sh->feeds = fs;
    sh->figures = figures;
    sh->log = log;
}


void
ngx_http_push_replay_stop(void)
{
    ngx_http_push_replay_shared_t  *sh;

    sh = &ngx_http_push_replay_shared;

    if (sh->table != NULL) {
        ngx_free(sh->table);
    }

    ngx_memzero(sh, sizeof(ngx_http_push_replay_shared_t));
}


ngx_uint_t
ngx_http_push_replay_possible(ngx_http_push_channel_t *ch)
{
    ngx_str_t  name;

    name.data = ch->name;
    name.len = ch->len;

    return ngx_http_push_feed_policy(ngx_http_push_replay_shared.feeds, &name)
           != NULL;
}


ngx_int_t
ngx_http_push_replay_open(ngx_http_push_session_t *s, ngx_http_push_sub_t *sub,
    const ngx_http_push_cursor_t *cursor)
{
    ngx_http_push_replay_t       *rp;
    ngx_http_push_replay_item_t  *item;

    if (!s->replays && ngx_http_push_replay_create(s) != NGX_OK) {
        return NGX_ERROR;
    }

    item = ngx_calloc(sizeof(ngx_http_push_replay_item_t),
                      s->connection->log);
    if (item == NULL) {
        return NGX_ERROR;
    }

    item->session = s;
    item->sub = sub;

    item->reader.channel = sub->channel;
    item->reader.wake = ngx_http_push_replay_wake;

    ngx_http_push_replay_place(&item->reader, cursor);

    rp = ngx_http_push_replay_get(s);
    ngx_queue_insert_tail(&rp->items, &item->queue);

    sub->deliver = (sub == &s->sub) ? ngx_http_push_replay_deliver
                                    : ngx_http_push_replay_deliver_more;
    return NGX_OK;
}


static ngx_http_push_replay_t *
ngx_http_push_replay_get(ngx_http_push_session_t *s)
{
    return ngx_http_push_replay_shared
               .table[s->sub.mark >> NGX_HTTP_PUSH_REPLAY_SHIFT].replay;
}


static ngx_int_t
ngx_http_push_replay_create(ngx_http_push_session_t *s)
{
    ngx_http_push_replay_t         *rp;
    ngx_http_push_replay_shared_t  *sh;

    sh = &ngx_http_push_replay_shared;

    if (sh->free == 0 && ngx_http_push_replay_grow() != NGX_OK) {
        return NGX_ERROR;
    }

    rp = ngx_alloc(sizeof(ngx_http_push_replay_t), sh->log);
    if (rp == NULL) {
        return NGX_ERROR;
    }

    ngx_queue_init(&rp->items);

    rp->place = sh->free;
    sh->free = (uint32_t) sh->table[rp->place].next;
    sh->table[rp->place].replay = rp;

    s->sub.mark |= rp->place << NGX_HTTP_PUSH_REPLAY_SHIFT;
    s->replays = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_replay_grow(void)
{
    uint32_t                        i, room;
    ngx_http_push_replay_place_t   *table;
    ngx_http_push_replay_shared_t  *sh;

    sh = &ngx_http_push_replay_shared;

    room = sh->room ? sh->room * 2 : NGX_HTTP_PUSH_REPLAY_ROOM;

    if (room > UINT32_MAX >> NGX_HTTP_PUSH_REPLAY_SHIFT) {
        return NGX_ERROR;
    }

    table = ngx_alloc(room * sizeof(ngx_http_push_replay_place_t), sh->log);
    if (table == NULL) {
        return NGX_ERROR;
    }

    if (sh->table != NULL) {
        ngx_memcpy(table, sh->table,
                   sh->room * sizeof(ngx_http_push_replay_place_t));
        ngx_free(sh->table);
    }

    for (i = ngx_max(sh->room, 1); i < room; i++) {
        table[i].next = sh->free;
        sh->free = i;
    }

    sh->table = table;
    sh->room = room;

    return NGX_OK;
}


static void
ngx_http_push_replay_destroy(ngx_http_push_session_t *s)
{
    ngx_queue_t                    *q;
    ngx_http_push_replay_t         *rp;
    ngx_http_push_replay_shared_t  *sh;

    sh = &ngx_http_push_replay_shared;
    rp = ngx_http_push_replay_get(s);

    while (!ngx_queue_empty(&rp->items)) {
        q = ngx_queue_head(&rp->items);

        ngx_http_push_replay_destroy_item(
                      ngx_queue_data(q, ngx_http_push_replay_item_t, queue));
    }

    sh->table[rp->place].next = sh->free;
    sh->free = rp->place;

    s->sub.mark &= NGX_HTTP_PUSH_SUB_MARKS;
    s->replays = 0;

    ngx_free(rp);
}


static void
ngx_http_push_replay_destroy_item(ngx_http_push_replay_item_t *item)
{
    ngx_http_push_past_close(&item->reader);
    ngx_queue_remove(&item->queue);
    ngx_free(item);
}


static void
ngx_http_push_replay_place(ngx_http_push_past_t *reader,
    const ngx_http_push_cursor_t *cursor)
{
    ngx_str_t  epoch;

    switch (cursor->kind) {

    case NGX_HTTP_PUSH_CURSOR_TAIL:
        reader->tail = (ngx_uint_t) ngx_min(cursor->n, NGX_MAX_INT32_VALUE);
        break;

    case NGX_HTTP_PUSH_CURSOR_AFTER:
        epoch.data = (u_char *) cursor->epoch;
        epoch.len = cursor->epoch_len;

        /* without an epoch it is where nothing had been stored */

        (void) ngx_http_push_position_set(&reader->at, &epoch, cursor->n);
        break;

    default: /* NGX_HTTP_PUSH_CURSOR_BAD */
        reader->bad = 1;
    }
}


/* from within the feed: the flush that is due takes the step */

static void
ngx_http_push_replay_wake(ngx_http_push_past_t *reader)
{
    ngx_http_push_replay_item_t  *item;

    item = ngx_queue_data(reader, ngx_http_push_replay_item_t, reader);

    ngx_http_push_turns_post(item->session);
}


/* whoever has given a piece is the last to be asked for the next */

void
ngx_http_push_replay_step(ngx_http_push_session_t *s)
{
    ngx_int_t                     rc;
    ngx_queue_t                  *q, *next;
    ngx_http_push_replay_t       *rp;
    ngx_http_push_replay_item_t  *item;

    rp = ngx_http_push_replay_get(s);

    s->past = 0;

    for (q = ngx_queue_head(&rp->items);
         q != ngx_queue_sentinel(&rp->items);
         q = next)
    {
        next = ngx_queue_next(q);
        item = ngx_queue_data(q, ngx_http_push_replay_item_t, queue);

        if (item->reader.waiting) {
            continue;
        }

        rc = ngx_http_push_replay_pull(item);

        if (rc == NGX_DONE) {
            ngx_http_push_replay_join(item);

        } else if (rc == NGX_OK) {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(&rp->items, q);
        }

        if (rc == NGX_OK || s->outq.count != 0 || s->over) {
            s->past = s->outq.bytes;

            ngx_http_push_turns_post(s);
            return;
        }
    }

    if (ngx_queue_empty(&rp->items)) {
        ngx_http_push_replay_destroy(s);
    }
}


static ngx_int_t
ngx_http_push_replay_pull(ngx_http_push_replay_item_t *item)
{
    ngx_int_t                    rc;
    ngx_uint_t                   i;
    ngx_http_push_session_t     *s;
    ngx_http_push_past_piece_t   piece;

    s = item->session;

    rc = ngx_http_push_past_pull(ngx_http_push_replay_shared.feeds,
                                 &item->reader, &piece);

    /* who asks for the last ones gets what there is, without a gap */

    if (piece.gap && (item->reader.tail == 0 || item->given)) {
        item->gap = 1;
    }

    /* a reader that has to wait may know of a gap already */

    if (rc == NGX_AGAIN) {
        return rc;
    }

    if (item->gap) {
        item->gap = 0;

        ngx_http_push_replay_shared.figures->gaps++;
        ngx_http_push_deliver_gap(s, item->sub);
    }

    for (i = 0; i < piece.n && !s->over; i++) {
        item->given = 1;

        ngx_http_push_deliver_past(s, item->sub, piece.msgs[i]);
    }

    return rc;
}


static void
ngx_http_push_replay_join(ngx_http_push_replay_item_t *item)
{
    ngx_http_push_sub_t  *sub;

    sub = item->sub;

    sub->deliver = (sub == &item->session->sub) ? ngx_http_push_deliver_first
                                                : ngx_http_push_deliver_more;

    ngx_http_push_replay_destroy_item(item);
}


void
ngx_http_push_replay_leave(ngx_http_push_session_t *s,
    ngx_http_push_sub_t *sub)
{
    ngx_http_push_replay_item_t  *item;

    if (!s->replays) {
        return;
    }

    item = ngx_http_push_replay_find(s, sub);

    if (item != NULL) {
        ngx_http_push_replay_join(item);
    }
}


void
ngx_http_push_replay_close(ngx_http_push_session_t *s)
{
    if (s->replays) {
        ngx_http_push_replay_destroy(s);
    }
}


static void
ngx_http_push_replay_deliver(ngx_http_push_sub_t *sub, ngx_http_push_msg_t *m)
{
    if (ngx_http_push_replay_passes((ngx_http_push_session_t *) sub, sub, m)) {
        ngx_http_push_deliver_first(sub, m);
    }
}


static void
ngx_http_push_replay_deliver_more(ngx_http_push_sub_t *sub,
    ngx_http_push_msg_t *m)
{
    ngx_http_push_session_t  *s;

    s = ((ngx_http_push_session_sub_t *) sub)->session;

    if (ngx_http_push_replay_passes(s, sub, m)) {
        ngx_http_push_deliver_more(sub, m);
    }
}


/*
 * What has no id is in no history: it is for whoever is here.  A gap may be in
 * what this client has before it or already behind it, so it is told with the
 * next piece.
 */

static ngx_uint_t
ngx_http_push_replay_passes(ngx_http_push_session_t *s,
    ngx_http_push_sub_t *sub, ngx_http_push_msg_t *m)
{
    ngx_http_push_replay_item_t  *item;

    if (m->kind == NGX_HTTP_PUSH_MSG_DATA) {
        return m->offset == 0;
    }

    if (m->kind != NGX_HTTP_PUSH_MSG_GAP) {
        return 1;
    }

    item = ngx_http_push_replay_find(s, sub);

    if (item != NULL) {
        item->gap = 1;
    }

    return 0;
}


static ngx_http_push_replay_item_t *
ngx_http_push_replay_find(ngx_http_push_session_t *s, ngx_http_push_sub_t *sub)
{
    ngx_queue_t                  *q;
    ngx_http_push_replay_t       *rp;
    ngx_http_push_replay_item_t  *item;

    rp = ngx_http_push_replay_get(s);

    for (q = ngx_queue_head(&rp->items);
         q != ngx_queue_sentinel(&rp->items);
         q = ngx_queue_next(q))
    {
        item = ngx_queue_data(q, ngx_http_push_replay_item_t, queue);

        if (item->sub == sub) {
            return item;
        }
    }

    return NULL;
}
