/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: delivery: appends references, counts and posts; owns nothing.  What
 * it may not do is written at ngx_http_push_deliver_pt.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_deliver.h"
#include "ngx_http_push_detach.h"
#include "ngx_http_push_feed.h"
#include "ngx_http_push_ident.h"
#include "ngx_http_push_turns.h"


#define NGX_HTTP_PUSH_DELIVER_SNDBUF  (64 * 1024)
#define NGX_HTTP_PUSH_DELIVER_QUEUED  (256 * 1024 * 1024)  /* of the worker */


static ngx_inline void ngx_http_push_deliver_to(ngx_http_push_session_t *s,
    ngx_http_push_sub_t *sub, ngx_http_push_msg_t *m);
static void ngx_http_push_deliver_append(ngx_http_push_session_t *s,
    ngx_http_push_sub_t *sub, ngx_http_push_msg_t *m);
static NGX_HTTP_PUSH_COLD void ngx_http_push_deliver_slowly(
    ngx_http_push_session_t *s, ngx_http_push_sub_t *sub,
    ngx_http_push_msg_t *m);
static ngx_uint_t ngx_http_push_deliver_skips(ngx_http_push_session_t *s,
    ngx_http_push_msg_t *m);
static ngx_http_push_form_t *ngx_http_push_deliver_form(
    ngx_http_push_session_t *s, ngx_http_push_sub_t *sub,
    ngx_http_push_msg_t *m);
static ngx_int_t ngx_http_push_deliver_push(ngx_http_push_session_t *s,
    ngx_http_push_form_t *f);
static void ngx_http_push_deliver_notice(ngx_http_push_session_t *s,
    ngx_http_push_sub_t *sub, ngx_http_push_msg_t *m);
static ngx_int_t ngx_http_push_deliver_make_room(ngx_http_push_session_t *s,
    ngx_http_push_form_t *f);
static ngx_uint_t ngx_http_push_deliver_is_full(ngx_http_push_session_t *s,
    ngx_http_push_form_t *f);


static ngx_http_push_figures_t  *ngx_http_push_deliver_figures;

/* what blocked sessions got of the past; it is in figures->queued, too */
static uint64_t                  ngx_http_push_deliver_replayed;


void
ngx_http_push_deliver_start(ngx_http_push_figures_t *figures)
{
    ngx_http_push_deliver_figures = figures;
    ngx_http_push_deliver_replayed = 0;
}


void
ngx_http_push_deliver_first(ngx_http_push_sub_t *sub, ngx_http_push_msg_t *m)
{
    ngx_http_push_deliver_to((ngx_http_push_session_t *) sub, sub, m);
}


void
ngx_http_push_deliver_more(ngx_http_push_sub_t *sub,
    ngx_http_push_msg_t *m)
{
    ngx_http_push_deliver_to(((ngx_http_push_session_sub_t *) sub)->session,
                             sub, m);
}


ngx_uint_t
ngx_http_push_deliver_live(ngx_http_push_sub_t *sub)
{
    return sub->deliver == ngx_http_push_deliver_first
           || sub->deliver == ngx_http_push_deliver_more;
}


/* the usual case: a message for all, a client that has got all before it */

static ngx_inline void
ngx_http_push_deliver_to(ngx_http_push_session_t *s, ngx_http_push_sub_t *sub,
    ngx_http_push_msg_t *m)
{
    ngx_http_push_form_t  *f;

    f = m->forms[s->outq.form];

    if (f == NULL || !m->simple || s->outq.count != 0
        || s->posted || s->blocked || s->closing || s->deleted || s->over)
    {
        ngx_http_push_deliver_append(s, sub, m);
        return;
    }

    ngx_http_push_outq_set(&s->outq, f);

    s->sent++;
    ngx_http_push_deliver_figures->delivered++;

    ngx_http_push_turns_append(s);
}


/* a client that keeps up, but has not been written to since the last one */

static void
ngx_http_push_deliver_append(ngx_http_push_session_t *s,
    ngx_http_push_sub_t *sub, ngx_http_push_msg_t *m)
{
    ngx_http_push_form_t  *f;

    f = m->forms[s->outq.form];

    if (f == NULL || !m->simple
        || s->blocked || s->closing || s->deleted || s->over)
    {
        ngx_http_push_deliver_slowly(s, sub, m);
        return;
    }

    if (ngx_http_push_outq_push(&s->outq, f) != NGX_OK) {
        s->over = NGX_HTTP_PUSH_REASON_OVERLOAD;

    } else {
        s->sent++;
        ngx_http_push_deliver_figures->delivered++;
    }

    ngx_http_push_turns_post(s);
}


static void
ngx_http_push_deliver_slowly(ngx_http_push_session_t *s,
    ngx_http_push_sub_t *sub, ngx_http_push_msg_t *m)
{
    ngx_http_push_form_t     *f;
    ngx_http_push_figures_t  *figures;

    figures = ngx_http_push_deliver_figures;

    if (s->over || s->closing) {
        return;
    }

    if (sub->mark & NGX_HTTP_PUSH_SUB_DELETED) {

        /* the channel's next life, in which it has no part */

        return;
    }

    if (m->kind != NGX_HTTP_PUSH_MSG_DATA) {
        ngx_http_push_deliver_notice(s, sub, m);
        return;
    }

    if (m->except.len != 0 && ngx_http_push_deliver_skips(s, m)) {
        return;
    }

    if (s->blocked && m->volatile_) {
        ngx_http_push_deliver_drop(s, 1);
        return;
    }

    f = ngx_http_push_deliver_form(s, sub, m);

    if (f == NULL) {
        return;
    }

    if (s->blocked && ngx_http_push_deliver_make_room(s, f) != NGX_OK) {
        return;
    }

    if (ngx_http_push_deliver_push(s, f) == NGX_OK) {
        s->sent++;
        figures->delivered++;
    }
}


/* the id is read by the first session that is asked */

static ngx_uint_t
ngx_http_push_deliver_skips(ngx_http_push_session_t *s, ngx_http_push_msg_t *m)
{
    if (!m->skips) {
        m->skip = ngx_http_push_ident_read(&m->except);
        m->skips = 1;
    }

    return m->skip == s->connection->number;
}


void
ngx_http_push_deliver_past(ngx_http_push_session_t *s,
    ngx_http_push_sub_t *sub, ngx_http_push_msg_t *m)
{
    ngx_http_push_form_t  *f;

    if (m->except.len != 0 && ngx_http_push_deliver_skips(s, m)) {
        return;
    }

    f = ngx_http_push_deliver_form(s, sub, m);

    if (f == NULL || ngx_http_push_deliver_push(s, f) != NGX_OK) {
        return;
    }

    s->sent++;
    ngx_http_push_deliver_figures->delivered++;
    ngx_http_push_deliver_figures->replayed++;

    if (s->hold != NULL) {
        s->hold->recovered++;
    }
}


void
ngx_http_push_deliver_gap(ngx_http_push_session_t *s,
    ngx_http_push_sub_t *sub)
{
    ngx_str_t             name;
    ngx_http_push_msg_t  *m;

    name.data = sub->channel->name;
    name.len = sub->channel->len;

    ngx_log_error(NGX_LOG_INFO, s->connection->log, 0,
                  "push client cannot have all that it missed of \"%V\"",
                  &name);

    m = ngx_http_push_msg_notice(NGX_HTTP_PUSH_MSG_GAP, s->connection->log);

    if (m == NULL) {
        s->over = NGX_HTTP_PUSH_REASON_OVERLOAD;
        ngx_http_push_turns_post(s);
        return;
    }

    ngx_http_push_deliver_notice(s, sub, m);
    ngx_http_push_msg_unref(m);
}


/* encoded by the first session that needs it; NULL: s is over */

static ngx_http_push_form_t *
ngx_http_push_deliver_form(ngx_http_push_session_t *s,
    ngx_http_push_sub_t *sub, ngx_http_push_msg_t *m)
{
    ngx_http_push_form_t  *f;

    f = m->forms[s->outq.form];

    if (f != NULL) {
        return f;
    }

    f = s->transport->encode(s, m, sub->channel);

    m->forms[s->outq.form] = f;

    if (f == NULL) {
        s->over = NGX_HTTP_PUSH_REASON_OVERLOAD;
        ngx_http_push_turns_post(s);
    }

    return f;
}


/* NGX_ERROR: s is over */

static ngx_int_t
ngx_http_push_deliver_push(ngx_http_push_session_t *s,
    ngx_http_push_form_t *f)
{
    if (ngx_http_push_outq_push(&s->outq, f) != NGX_OK) {
        s->over = NGX_HTTP_PUSH_REASON_OVERLOAD;
        ngx_http_push_turns_post(s);

        return NGX_ERROR;
    }

    if (!s->blocked) {
        ngx_http_push_turns_post(s);

        return NGX_OK;
    }

    /* the write event will find it */

    ngx_http_push_deliver_figures->queued += f->len;

    if (s->hold != NULL && s->outq.bytes > s->hold->queue_peak) {
        s->hold->queue_peak = s->outq.bytes;
    }

    return NGX_OK;
}


/*
 * Told whatever waits already: a client that never heard of a gap would take
 * what it has for all there was.
 */

static void
ngx_http_push_deliver_notice(ngx_http_push_session_t *s,
    ngx_http_push_sub_t *sub, ngx_http_push_msg_t *m)
{
    ngx_http_push_form_t  *f;

    f = ngx_http_push_deliver_form(s, sub, m);

    if (f == NULL
        || (f->len != 0 && ngx_http_push_deliver_push(s, f) != NGX_OK))
    {
        return;
    }

    if (m->kind == NGX_HTTP_PUSH_MSG_DELETED) {
        sub->mark |= NGX_HTTP_PUSH_SUB_DELETED;
        s->deleted = 1;

        ngx_http_push_turns_post(s);
    }
}


/*
 * The client reads slowly: its socket takes no more.  NGX_OK: the form may be
 * appended; NGX_DECLINED: it is dropped or the session is over.
 */

static ngx_int_t
ngx_http_push_deliver_make_room(ngx_http_push_session_t *s,
    ngx_http_push_form_t *f)
{
    size_t  dropped;

    while (ngx_http_push_deliver_is_full(s, f)) {

        switch (s->limits->overflow) {

        case NGX_HTTP_PUSH_OVERFLOW_DROP_OLDEST:
            dropped = ngx_http_push_outq_drop(&s->outq);

            if (dropped == 0) {
                ngx_http_push_deliver_drop(s, 1);
                return NGX_DECLINED;
            }

            ngx_http_push_deliver_figures->queued -= dropped;
            ngx_http_push_deliver_drop(s, 1);
            continue;

        case NGX_HTTP_PUSH_OVERFLOW_DROP_NEWEST:
            ngx_http_push_deliver_drop(s, 1);
            return NGX_DECLINED;

        default:
            s->over = NGX_HTTP_PUSH_REASON_SLOW;
            ngx_http_push_deliver_drop(s, 1);
            ngx_http_push_turns_post(s);
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


/*
 * What the kernel holds for the client counts as well, what it gets of the
 * past does not.
 */

static ngx_uint_t
ngx_http_push_deliver_is_full(ngx_http_push_session_t *s,
    ngx_http_push_form_t *f)
{
    size_t                         bytes;
    ngx_uint_t                     count;
    const ngx_http_push_limits_t  *l;

    l = s->limits;

    count = s->outq.count;
    bytes = (size_t) s->outq.bytes + f->len + ngx_http_push_deliver_sndbuf(l);

    if (count >= NGX_HTTP_PUSH_OUTQ_MAX) {
        return 1;
    }

    if (s->past != 0) {
        count -= ngx_min(count, NGX_HTTP_PUSH_PAST_PIECE + 1);
        bytes -= ngx_min(bytes, s->past);
    }

    if (l->queue_count != 0 && count >= l->queue_count) {
        return 1;
    }

    if (ngx_http_push_deliver_figures->queued
        > NGX_HTTP_PUSH_DELIVER_QUEUED + ngx_http_push_deliver_replayed)
    {
        return 1;
    }

    return l->queue_size != 0 && bytes > l->queue_size;
}


void
ngx_http_push_deliver_block(ngx_http_push_session_t *s)
{
    s->blocked = 1;

    ngx_http_push_deliver_figures->queued += s->outq.bytes;
    ngx_http_push_deliver_replayed += s->past;
}


void
ngx_http_push_deliver_unblock(ngx_http_push_session_t *s)
{
    s->blocked = 0;

    ngx_http_push_deliver_figures->queued -= s->outq.bytes;
    ngx_http_push_deliver_replayed -= s->past;
}


void
ngx_http_push_deliver_drop(ngx_http_push_session_t *s, ngx_uint_t n)
{
    ngx_http_push_deliver_figures->dropped += n;

    if (s->hold != NULL) {
        s->hold->dropped += n;
    }
}


void
ngx_http_push_deliver_return(ngx_http_push_session_t *s, ngx_uint_t n)
{
    ngx_uint_t                past;
    ngx_http_push_figures_t  *figures;

    figures = ngx_http_push_deliver_figures;

    s->sent -= (uint32_t) n;
    figures->delivered -= n;

    if (s->hold != NULL) {
        past = ngx_min(n, s->hold->recovered);

        s->hold->recovered -= (uint32_t) past;
        figures->replayed -= past;
    }
}


size_t
ngx_http_push_deliver_sndbuf(const ngx_http_push_limits_t *l)
{
    if (l->queue_size == 0) {
        return NGX_HTTP_PUSH_DELIVER_SNDBUF;
    }

    return ngx_min(l->queue_size / 2, NGX_HTTP_PUSH_DELIVER_SNDBUF);
}
