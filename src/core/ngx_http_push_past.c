/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: readers of a channel's past: finds the place of a cursor, and gives
 * what follows it out of what the feed has at hand or has to read.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_feed.h"
#include "ngx_http_push_past.h"
#include "ngx_http_push_stand.h"


/* a history of so many messages is read as a whole, for all who come back */
#define NGX_HTTP_PUSH_PAST_ALL    512

/* ms between two questions for who came with a cursor that we do not know */
#define NGX_HTTP_PUSH_PAST_CHECK  100


static ngx_int_t ngx_http_push_past_place(ngx_http_push_feed_t *f,
    ngx_http_push_past_t *reader, ngx_http_push_past_piece_t *piece);
static ngx_int_t ngx_http_push_past_check(ngx_http_push_feed_t *f,
    ngx_http_push_past_t *reader);
static ngx_int_t ngx_http_push_past_enter(ngx_http_push_feed_t *f,
    ngx_http_push_past_t *reader, ngx_http_push_past_piece_t *piece);
static ngx_int_t ngx_http_push_past_serve(ngx_http_push_feed_t *f,
    ngx_http_push_past_t *reader, ngx_http_push_past_piece_t *piece);
static ngx_uint_t ngx_http_push_past_slice(ngx_http_push_feed_t *f,
    ngx_http_push_run_t *run, ngx_http_push_past_t *reader,
    ngx_http_push_past_piece_t *piece);
static ngx_int_t ngx_http_push_past_wait(ngx_http_push_feed_t *f,
    ngx_http_push_past_t *reader);


ngx_int_t
ngx_http_push_past_pull(ngx_http_push_feeds_t *fs,
    ngx_http_push_past_t *reader, ngx_http_push_past_piece_t *piece)
{
    ngx_int_t                 rc;
    ngx_str_t                 name;
    ngx_http_push_feed_t     *f;
    ngx_http_push_channel_t  *ch;

    ngx_http_push_past_close(reader);

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
        return ngx_http_push_past_wait(f, reader);
    }

    rc = ngx_http_push_past_place(f, reader, piece);

    if (rc != NGX_OK) {
        return rc;
    }

    if (reader->at.offset == f->last.offset) {
        return NGX_DONE;
    }

    return ngx_http_push_past_serve(f, reader, piece);
}


void
ngx_http_push_past_close(ngx_http_push_past_t *reader)
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
ngx_http_push_past_place(ngx_http_push_feed_t *f,
    ngx_http_push_past_t *reader, ngx_http_push_past_piece_t *piece)
{
    ngx_int_t  rc;

    if (!reader->begun && reader->tail != 0) {
        reader->at = f->last;
        reader->at.offset -= ngx_min(reader->at.offset, reader->tail);
        reader->loose = 1;

    } else if (reader->bad
               || !ngx_http_push_position_same_epoch(&reader->at, &f->last))
    {
        if (!reader->bad && reader->at.len != 0
            && ngx_http_push_position_same_epoch(&reader->at, &f->top))
        {
            /* we have still to enter the epoch that it has been in */

            (void) ngx_http_push_past_check(f, reader);

            f->ahead = 1;

            return ngx_http_push_past_wait(f, reader);
        }

        if (!reader->bad && ngx_http_push_feed_ends(&reader->at, &f->prev)) {
            rc = NGX_OK;

        } else {
            rc = ngx_http_push_past_enter(f, reader, piece);
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

    rc = ngx_http_push_past_check(f, reader);

    if (rc != NGX_OK || reader->at.offset <= f->top.offset) {
        f->ahead = 1;

        return ngx_http_push_past_wait(f, reader);
    }

    piece->gap = 1;
    reader->at = f->last;

    return NGX_OK;
}


/*
 * Before a cursor is judged to be of no use the broker is asked, and since it
 * came: where we stand may be out of date.  NGX_AGAIN: it is being asked.
 */

static ngx_int_t
ngx_http_push_past_check(ngx_http_push_feed_t *f,
    ngx_http_push_past_t *reader)
{
    if (reader->check == 0) {
        reader->check = f->sent + 1;
    }

    /* and all that was there by then has come */

    if ((int32_t) (f->seen - reader->check) >= 0
        && f->last.offset >= f->top.offset
        && ngx_http_push_position_same_epoch(&f->last, &f->top))
    {
        reader->check = 0;
        return NGX_OK;
    }

    f->doubt = 1;

    ngx_http_push_feed_ask(f, NGX_HTTP_PUSH_FEED_TOP,
                           ngx_current_msec - f->lookup.asked
                           >= NGX_HTTP_PUSH_PAST_CHECK);
    return NGX_AGAIN;
}


/*
 * A cursor of another epoch, or of a time when nothing had been stored: then
 * all there is comes after it, unless that is not the first epoch.
 */

static ngx_int_t
ngx_http_push_past_enter(ngx_http_push_feed_t *f,
    ngx_http_push_past_t *reader, ngx_http_push_past_piece_t *piece)
{
    uint64_t    offset;
    ngx_uint_t  none;

    none = !reader->bad && reader->at.len == 0;

    /* the epoch may have turned, and nothing has told us yet */

    if (!none && !reader->bad
        && ngx_http_push_past_check(f, reader) != NGX_OK)
    {
        return ngx_http_push_past_wait(f, reader);
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
ngx_http_push_past_serve(ngx_http_push_feed_t *f,
    ngx_http_push_past_t *reader, ngx_http_push_past_piece_t *piece)
{
    uint64_t                    from;
    ngx_str_t                   name;
    ngx_http_push_msg_t        *first;
    ngx_http_push_feed_work_t  *work;

    if (ngx_http_push_past_slice(f, &f->recent.run, reader, piece)) {
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

        if (first->offset > f->last.offset) {

            /* up to where the channel is here; what is left comes live */

            piece->gap = 1;
            reader->at = f->last;

            return NGX_DONE;
        }

        if (from < first->offset) {
            piece->gap = 1;

            (void) ngx_http_push_position_set(&reader->at, &first->epoch,
                                              first->offset - 1);
        }

        if (ngx_http_push_past_slice(f, &work->window, reader, piece)) {
            ngx_http_push_feed_use_window(f);
            return NGX_OK;
        }
    }

    name.data = f->channel->name;
    name.len = f->channel->len;

    if (!work->large
        && ngx_http_push_policy_find(f->fs->policies, &name) != NULL
        && ngx_http_push_policy_find(f->fs->policies, &name)->count
           <= NGX_HTTP_PUSH_PAST_ALL)
    {
        from = 1;
    }

    if (!(f->need & NGX_HTTP_PUSH_FEED_WANTED) || from < work->wanted) {
        work->wanted = from;
    }

    ngx_http_push_feed_ask(f, NGX_HTTP_PUSH_FEED_WANTED, 1);

    return ngx_http_push_past_wait(f, reader);
}


/* what follows reader->at, as far as the subscribers have it; 0: not there */

static ngx_uint_t
ngx_http_push_past_slice(ngx_http_push_feed_t *f, ngx_http_push_run_t *run,
    ngx_http_push_past_t *reader, ngx_http_push_past_piece_t *piece)
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

        if (piece->n == NGX_HTTP_PUSH_PAST_PIECE
            || size > NGX_HTTP_PUSH_PAST_SIZE
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

            if (m->offset <= f->prev.offset
                || ngx_http_push_position_in(&f->last, &m->epoch))
            {
                (void) ngx_http_push_position_set(&reader->at, &m->epoch,
                                                  m->offset);
            }
        }

        reader->loose = 0;

        piece->msgs[piece->n++] = m;
        reader->at.offset = m->offset;
        size += m->len;
    }

    return piece->n;
}


static ngx_int_t
ngx_http_push_past_wait(ngx_http_push_feed_t *f,
    ngx_http_push_past_t *reader)
{
    ngx_queue_insert_tail(&f->readers, &reader->queue);
    reader->waiting = 1;

    return NGX_AGAIN;
}
