/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: copies the past of a channel out of the zone, a little per
 * locking.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_history.h"
#include "ngx_http_push_hub.h"
#include "ngx_http_push_msg.h"
#include "ngx_http_push_recall.h"
#include "ngx_http_push_store.h"


#define NGX_HTTP_PUSH_RECALL_TRIES  4
#define NGX_HTTP_PUSH_RECALL_ITEMS  64            /* measured in a locking */
#define NGX_HTTP_PUSH_RECALL_SLICE  (64 * 1024)   /* bytes copied in one */
#define NGX_HTTP_PUSH_RECALL_MAX    4096          /* messages of a read */


/*
 * The epoch tells that it is the same life of the channel: then a message that
 * is not older than its first has been there all the time, with its bytes.
 */

typedef struct {
    ngx_http_push_segment_t       *seg;
    ngx_http_push_read_t          *rd;
    ngx_log_t                     *log;
    uint32_t                       hash;
    uint64_t                       epoch;
    uint64_t                       next;      /* offset to be read next */
    uint64_t                       until;     /* the top when it began */
    size_t                         size;      /* bytes that may come */

    /* those of this step, and which of them is being copied */
    ngx_uint_t                     n;
    ngx_uint_t                     i;
    size_t                         at;
    ngx_http_push_store_cursor_t   cursor;
    ngx_http_push_store_pipe_t     pipe;
    uint32_t                       lens[NGX_HTTP_PUSH_RECALL_ITEMS];
} ngx_http_push_recall_t;


static ngx_int_t ngx_http_push_recall_begin(ngx_http_push_recall_t *rl);
static ngx_int_t ngx_http_push_recall_measure(ngx_http_push_recall_t *rl,
    ngx_uint_t max);
static ngx_int_t ngx_http_push_recall_make(ngx_http_push_recall_t *rl);
static ngx_int_t ngx_http_push_recall_copy(ngx_http_push_recall_t *rl);
static ngx_int_t ngx_http_push_recall_slice_locked(
    ngx_http_push_recall_t *rl);
static void ngx_http_push_recall_parse(ngx_http_push_recall_t *rl);
static void ngx_http_push_recall_cut(ngx_http_push_read_t *rd, ngx_uint_t n);


void
ngx_http_push_recall(ngx_http_push_segment_t *seg, ngx_http_push_read_t *rd,
    ngx_log_t *log)
{
    ngx_uint_t              i, max;
    ngx_http_push_recall_t  rl;

    rl.seg = seg;
    rl.rd = rd;
    rl.log = log;
    rl.hash = ngx_http_push_hub_hash(rd->channel.data, rd->channel.len);

    rd->n = 0;
    rd->msgs = NULL;

    for (i = 0; i < NGX_HTTP_PUSH_RECALL_TRIES; i++) {

        if (ngx_http_push_recall_begin(&rl) != NGX_OK) {
            return;
        }

        max = ngx_min(rd->limit, NGX_HTTP_PUSH_RECALL_MAX);

        while (rd->n < max
               && ngx_http_push_recall_measure(&rl, max - rd->n) == NGX_OK
               && ngx_http_push_recall_make(&rl) == NGX_OK
               && ngx_http_push_recall_copy(&rl) == NGX_OK)
        {
            /* void */
        }

        ngx_http_push_recall_parse(&rl);

        if (rd->n != 0) {
            return;
        }

        /* what it began with was forgotten meanwhile, or there is no memory */

        ngx_http_push_recall_cut(rd, 0);
    }

    rd->status = NGX_HTTP_PUSH_READ_FAILED;
}


/* NGX_DONE: there is nothing to copy */

static ngx_int_t
ngx_http_push_recall_begin(ngx_http_push_recall_t *rl)
{
    uint64_t                          n;
    ngx_http_push_read_t             *rd;
    ngx_http_push_history_channel_t  *ch;

    rd = rl->rd;
    n = 0;

    ngx_http_push_position_reset(&rd->top);
    ngx_http_push_position_reset(&rd->prev);

    ngx_http_push_segment_lock(rl->seg);

    ch = ngx_http_push_history_find_locked(rl->seg, &rd->channel, rl->hash);

    if (ch != NULL) {
        ngx_http_push_history_position(ch, &rd->top);

        rl->epoch = ch->epoch;
        rl->next = ngx_max(rd->from, ch->store.first);
        rl->until = ch->store.top;
        rl->size = rd->size;

        n = (rl->next <= rl->until) ? rl->until - rl->next + 1 : 0;
    }

    ngx_http_push_segment_unlock(rl->seg);

    rd->status = (rd->top.offset != 0) ? NGX_HTTP_PUSH_READ_OK
                                       : NGX_HTTP_PUSH_READ_NEW;

    n = ngx_min(n, rd->limit);
    n = ngx_min(n, NGX_HTTP_PUSH_RECALL_MAX);

    if (n == 0) {
        return NGX_DONE;
    }

    rd->msgs = ngx_alloc(n * sizeof(ngx_http_push_msg_t *), rl->log);

    if (rd->msgs == NULL) {
        rd->status = NGX_HTTP_PUSH_READ_FAILED;
        return NGX_DONE;
    }

    return NGX_OK;
}


/* how long the next ones are; NGX_DECLINED: there are no more */

static ngx_int_t
ngx_http_push_recall_measure(ngx_http_push_recall_t *rl, ngx_uint_t max)
{
    ngx_http_push_read_t             *rd;
    ngx_http_push_store_cursor_t      cursor;
    ngx_http_push_history_channel_t  *ch;

    rd = rl->rd;

    rl->n = 0;
    rl->i = 0;
    rl->at = 0;

    max = ngx_min(max, NGX_HTTP_PUSH_RECALL_ITEMS);

    ngx_http_push_segment_lock_read(rl->seg);

    ch = ngx_http_push_history_get_locked(rl->seg, &rd->channel, rl->hash);

    if (ch != NULL
        && ch->epoch == rl->epoch
        && ngx_http_push_store_seek(&ch->store, rl->next, &cursor) == NGX_OK)
    {
        while (rl->n < max && cursor.offset <= rl->until) {

            if (cursor.entry->len > rl->size && rd->n + rl->n != 0) {
                break;
            }

            rl->lens[rl->n++] = cursor.entry->len;
            rl->size -= ngx_min(rl->size, cursor.entry->len);

            if (ngx_http_push_store_next(&ch->store, &cursor) != NGX_OK) {
                break;
            }
        }
    }

    ngx_http_push_segment_unlock(rl->seg);

    return (rl->n != 0) ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_push_recall_make(ngx_http_push_recall_t *rl)
{
    ngx_uint_t             i;
    ngx_http_push_read_t  *rd;

    rd = rl->rd;

    for (i = 0; i < rl->n; i++) {

        rd->msgs[rd->n + i] = ngx_http_push_msg_create(rl->lens[i], rl->log);

        if (rd->msgs[rd->n + i] == NULL) {
            break;
        }
    }

    rl->n = i;

    return (i != 0) ? NGX_OK : NGX_ERROR;
}


/* rd->n counts those that are copied; NGX_DECLINED: not all of this step */

static ngx_int_t
ngx_http_push_recall_copy(ngx_http_push_recall_t *rl)
{
    ngx_int_t              rc;
    ngx_uint_t             i;
    ngx_http_push_read_t  *rd;

    rd = rl->rd;

    do {
        ngx_http_push_segment_lock_read(rl->seg);

        rc = ngx_http_push_recall_slice_locked(rl);

        ngx_http_push_segment_unlock(rl->seg);

    } while (rc == NGX_AGAIN);

    for (i = rl->i; i < rl->n; i++) {
        ngx_http_push_msg_unref(rd->msgs[rd->n + i]);
    }

    rd->n += rl->i;
    rl->next += rl->i;

    return rc;
}


/*
 * The cursor and the pipe of the slice before point to where they did as long
 * as the message is there.
 */

static ngx_int_t
ngx_http_push_recall_slice_locked(ngx_http_push_recall_t *rl)
{
    size_t                            n, left;
    ngx_http_push_msg_t              *m;
    ngx_http_push_read_t             *rd;
    ngx_http_push_history_channel_t  *ch;

    rd = rl->rd;

    ch = ngx_http_push_history_get_locked(rl->seg, &rd->channel, rl->hash);

    if (ch == NULL
        || ch->epoch != rl->epoch
        || ch->store.first > rl->next + rl->i)
    {
        return NGX_DECLINED;
    }

    for (left = NGX_HTTP_PUSH_RECALL_SLICE; left != 0; left -= n) {

        if (rl->at == 0) {
            if (rl->i == 0) {
                (void) ngx_http_push_store_seek(&ch->store, rl->next,
                                                &rl->cursor);
            }

            ngx_http_push_store_open(&rl->cursor, &rl->pipe);
        }

        m = rd->msgs[rd->n + rl->i];
        n = ngx_min(left, m->len - rl->at);

        ngx_http_push_store_read(&rl->pipe, m->wire + rl->at, n);

        rl->at += n;

        if (rl->at == m->len) {
            rl->at = 0;

            if (++rl->i == rl->n) {
                return NGX_OK;
            }

            (void) ngx_http_push_store_next(&ch->store, &rl->cursor);
        }
    }

    return NGX_AGAIN;
}


static void
ngx_http_push_recall_parse(ngx_http_push_recall_t *rl)
{
    ngx_int_t              rc;
    ngx_uint_t             i;
    ngx_http_push_read_t  *rd;

    rd = rl->rd;

    for (i = 0; i < rd->n; i++) {

        rc = ngx_http_push_msg_parse(rd->msgs[i], rl->log);

        if (rc == NGX_OK) {
            continue;
        }

        if (rc == NGX_DECLINED) {
            ngx_log_error(NGX_LOG_ALERT, rl->log, 0,
                          "push zone: malformed message in the history");
        }

        ngx_http_push_recall_cut(rd, i);
    }
}


static void
ngx_http_push_recall_cut(ngx_http_push_read_t *rd, ngx_uint_t n)
{
    while (rd->n > n) {
        ngx_http_push_msg_unref(rd->msgs[--rd->n]);
    }

    if (n == 0 && rd->msgs != NULL) {
        ngx_free(rd->msgs);
        rd->msgs = NULL;
    }
}
