/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: cursors of clients of HTTP; owns nothing.
 *
 * What a client has got it knows from the marks of the forms that it was
 * given.  A client that was given nothing of a channel stands where the channel
 * did when it came: that is seen as soon as the feed knows it.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_deliver.h"
#include "ngx_http_push_feed.h"
#include "ngx_http_push_replay.h"
#include "ngx_http_push_trail.h"


static ngx_http_push_trail_place_t *ngx_http_push_trail_find(
    ngx_http_push_trail_t *t, uint32_t hash);
static void ngx_http_push_trail_set(ngx_http_push_trail_t *t,
    ngx_http_push_trail_place_t *place, const ngx_http_push_position_t *at);
static ngx_uint_t ngx_http_push_trail_waits(ngx_http_push_session_t *s,
    uint32_t hash, ngx_http_push_position_t *before);


ngx_http_push_form_t *
ngx_http_push_trail_create_form(size_t len, ngx_log_t *log)
{
    ngx_http_push_form_t  *f;

    f = ngx_http_push_form_create(len + sizeof(ngx_http_push_trail_mark_t),
                                  log);
    if (f == NULL) {
        return NULL;
    }

    f->len = (uint32_t) len;

    ngx_memzero(f->data + len, sizeof(ngx_http_push_trail_mark_t));

    return f;
}


void
ngx_http_push_trail_mark(ngx_http_push_form_t *f, ngx_http_push_msg_t *m,
    ngx_http_push_channel_t *ch)
{
    ngx_http_push_trail_mark_t  mark;

    ngx_memzero(&mark, sizeof(ngx_http_push_trail_mark_t));

    mark.hash = ch->hash;
    mark.kind = m->kind;

    if (m->kind == NGX_HTTP_PUSH_MSG_DATA) {
        (void) ngx_http_push_position_set(&mark.at, &m->epoch, m->offset);

    } else {
        f->control = 1;
    }

    /* it may begin anywhere */

    ngx_memcpy(f->data + f->len, &mark, sizeof(ngx_http_push_trail_mark_t));
}


void
ngx_http_push_trail_read_mark(ngx_http_push_form_t *f,
    ngx_http_push_trail_mark_t *mark)
{
    ngx_memcpy(mark, f->data + f->len, sizeof(ngx_http_push_trail_mark_t));
}


ngx_http_push_trail_t *
ngx_http_push_trail_create(ngx_pool_t *pool, ngx_http_push_session_t *s,
    const ngx_http_push_cursor_t *cursors)
{
    ngx_str_t                     epoch;
    ngx_uint_t                    i, n;
    ngx_http_push_sub_t          *sub;
    ngx_http_push_trail_t        *t;
    ngx_http_push_position_t      at;
    ngx_http_push_trail_place_t  *place;

    n = 0;

    for (sub = &s->sub; sub != NULL; sub = sub->next) {
        n++;
    }

    t = ngx_pcalloc(pool, sizeof(ngx_http_push_trail_t)
                          + n * sizeof(ngx_http_push_trail_place_t));
    if (t == NULL) {
        return NULL;
    }

    for (sub = &s->sub; sub != NULL; sub = sub->next) {
        place = &t->places[t->n++];

        place->hash = sub->channel->hash;
        place->kept = ngx_http_push_replay_possible(sub->channel);

        t->unknown += place->kept;
    }

    for (i = 0; cursors != NULL && i < n; i++) {

        if (cursors[i].kind != NGX_HTTP_PUSH_CURSOR_AFTER) {
            continue;
        }

        place = ngx_http_push_trail_find(t, cursors[i].hash);

        if (place == NULL) {
            continue;
        }

        epoch.data = (u_char *) cursors[i].epoch;
        epoch.len = cursors[i].epoch_len;

        ngx_http_push_position_reset(&at);
        (void) ngx_http_push_position_set(&at, &epoch, cursors[i].n);

        ngx_http_push_trail_set(t, place, &at);
    }

    return t;
}


static ngx_http_push_trail_place_t *
ngx_http_push_trail_find(ngx_http_push_trail_t *t, uint32_t hash)
{
    ngx_uint_t  i;

    for (i = 0; i < t->n; i++) {

        if (t->places[i].hash == hash) {
            return &t->places[i];
        }
    }

    return NULL;
}


static void
ngx_http_push_trail_set(ngx_http_push_trail_t *t,
    ngx_http_push_trail_place_t *place, const ngx_http_push_position_t *at)
{
    if (!place->kept) {
        return;
    }

    if (!place->known) {
        place->known = 1;
        t->unknown--;
    }

    place->at = *at;
}


void
ngx_http_push_trail_look(ngx_http_push_trail_t *t, ngx_http_push_session_t *s)
{
    ngx_http_push_sub_t          *sub;
    ngx_http_push_position_t      at;
    ngx_http_push_trail_place_t  *place;

    for (sub = &s->sub; sub != NULL; sub = sub->next) {

        if (sub->channel == NULL) {
            continue;
        }

        place = ngx_http_push_trail_find(t, sub->channel->hash);

        if (place == NULL) {
            continue;
        }

        if (ngx_http_push_trail_waits(s, place->hash, &at)) {

            if (!place->known && at.len != 0) {
                ngx_http_push_trail_set(t, place, &at);
            }

            continue;
        }

        /*
         * A session that is over is given no messages any more, and one that
         * reads the past is not where the channel is.
         */

        if (!s->over
            && !s->closing
            && ngx_http_push_deliver_live(sub)
            && ngx_http_push_feed_position(sub->channel, &at) == NGX_OK)
        {
            ngx_http_push_trail_set(t, place, &at);
        }
    }
}


/* is there something of it in the queue?  *before is where that begins */

static ngx_uint_t
ngx_http_push_trail_waits(ngx_http_push_session_t *s, uint32_t hash,
    ngx_http_push_position_t *before)
{
    ngx_uint_t                   i;
    ngx_http_push_form_t        *f;
    ngx_http_push_trail_mark_t   mark;

    for (i = 0; i < s->outq.count; i++) {
        f = ngx_http_push_outq_get(&s->outq, i);

        ngx_http_push_trail_read_mark(f, &mark);

        if (mark.hash == hash && mark.at.len != 0) {
            *before = mark.at;
            before->offset--;

            return 1;
        }
    }

    return 0;
}


ngx_http_push_trail_place_t *
ngx_http_push_trail_pass(ngx_http_push_trail_t *t, ngx_http_push_form_t *f)
{
    ngx_http_push_trail_mark_t    mark;
    ngx_http_push_trail_place_t  *place;

    ngx_http_push_trail_read_mark(f, &mark);

    place = ngx_http_push_trail_find(t, mark.hash);

    if (place != NULL && mark.at.len != 0) {
        ngx_http_push_trail_set(t, place, &mark.at);
    }

    return place;
}


u_char *
ngx_http_push_trail_write(ngx_http_push_trail_t *t, u_char *dst)
{
    ngx_uint_t                    i, n;
    ngx_http_push_cursor_t        cursors[NGX_HTTP_PUSH_CURSOR_CHANNELS];
    ngx_http_push_trail_place_t  *place;

    n = ngx_min(t->n, NGX_HTTP_PUSH_CURSOR_CHANNELS);

    ngx_memzero(cursors, sizeof(cursors));

    for (i = 0; i < n; i++) {
        place = &t->places[i];

        if (!place->known) {
            continue;
        }

        cursors[i].hash = place->hash;
        cursors[i].kind = NGX_HTTP_PUSH_CURSOR_AFTER;
        cursors[i].epoch = place->at.epoch;
        cursors[i].epoch_len = place->at.len;
        cursors[i].n = place->at.offset;
    }

    return ngx_http_push_cursor_write(dst, cursors, n);
}
