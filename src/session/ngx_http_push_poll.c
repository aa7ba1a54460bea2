/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: the longpoll transport: decides when a poll is answered; owns
 * nothing.
 *
 * A poll takes what comes first.  What comes in the same moment and has no
 * place in the answer is behind the cursor, for the next poll.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_body.h"
#include "ngx_http_push_ctx.h"
#include "ngx_http_push_deliver.h"
#include "ngx_http_push_line.h"
#include "ngx_http_push_parcel.h"
#include "ngx_http_push_poll.h"


/* ms until it is looked again where the channels stand */
#define NGX_HTTP_PUSH_POLL_LOOK  20


/* what a session keeps, memory of its request */

typedef struct {
    ngx_http_push_body_t           body;
    ngx_http_push_poll_options_t   options;
    ngx_http_push_parcel_t         parcel;
    ngx_msec_t                     deadline;
    ngx_msec_t                     look;      /* ms until the next */
} ngx_http_push_poll_t;


static ngx_http_push_form_t *ngx_http_push_poll_encode(
    ngx_http_push_session_t *s, ngx_http_push_msg_t *m,
    ngx_http_push_channel_t *ch);
static ssize_t ngx_http_push_poll_flush(ngx_http_push_session_t *s);
static ngx_uint_t ngx_http_push_poll_full(ngx_http_push_session_t *s,
    ngx_http_push_poll_t *poll, ngx_http_push_form_t *f);
static void ngx_http_push_poll_return(ngx_http_push_session_t *s);
static ngx_int_t ngx_http_push_poll_ping(ngx_http_push_session_t *s);
static void ngx_http_push_poll_close(ngx_http_push_session_t *s,
    const ngx_http_push_reason_t *reason);
static void ngx_http_push_poll_end(ngx_connection_t *c,
    ngx_http_push_hold_t *hold, uint64_t sent);
static void ngx_http_push_poll_tick(ngx_http_push_session_t *s);
static void ngx_http_push_poll_set_timer(ngx_http_push_poll_t *poll);
static ngx_int_t ngx_http_push_poll_conclude(ngx_http_push_session_t *s,
    ngx_http_push_poll_t *poll);


const ngx_http_push_transport_t  ngx_http_push_poll_transport = {
    ngx_string("longpoll"),
    offsetof(ngx_http_push_figures_t, longpoll),
    0,
    ngx_http_push_poll_encode,
    ngx_http_push_poll_flush,
    ngx_http_push_poll_ping,
    ngx_http_push_poll_close,
    ngx_http_push_body_destroy,
    ngx_http_push_poll_end
};


ngx_uint_t
ngx_http_push_poll_form(ngx_uint_t json)
{
    return json ? NGX_HTTP_PUSH_FORM_JSON : NGX_HTTP_PUSH_FORM_POLL;
}


ngx_int_t
ngx_http_push_poll_open(ngx_http_push_session_t *s, ngx_http_request_t *r,
    const ngx_http_push_cursor_t *cursors,
    const ngx_http_push_poll_options_t *options)
{
    ngx_int_t              rc;
    ngx_http_push_poll_t  *poll;

    poll = ngx_http_push_body_create(s, r, sizeof(ngx_http_push_poll_t),
                                     cursors);
    if (poll == NULL
        || ngx_http_push_parcel_init(&poll->parcel, r, options->json)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_push_ctx_get(r)->answer = &poll->parcel;

    /* if nobody says another */
    poll->parcel.status = NGX_HTTP_SERVICE_UNAVAILABLE;

    poll->options = *options;
    poll->deadline = ngx_current_msec + options->wait;
    poll->look = NGX_HTTP_PUSH_POLL_LOOK;
    poll->body.tick = ngx_http_push_poll_tick;

    ngx_http_push_trail_look(poll->body.trail, s);

    rc = ngx_http_push_body_wait(s);

    ngx_http_push_poll_set_timer(poll);

    return rc;
}


static ngx_http_push_form_t *
ngx_http_push_poll_encode(ngx_http_push_session_t *s, ngx_http_push_msg_t *m,
    ngx_http_push_channel_t *ch)
{
    if (s->outq.form == NGX_HTTP_PUSH_FORM_JSON) {
        return ngx_http_push_line_encode(s, m, ch);
    }

    return ngx_http_push_parcel_encode(s, m, ch);
}


/*
 * A gap alone is no answer: where nothing is kept a client that is told at once
 * would ask again at once, with the same cursor.
 */

static ssize_t
ngx_http_push_poll_flush(ngx_http_push_session_t *s)
{
    ngx_http_push_form_t  *f;
    ngx_http_push_poll_t  *poll;

    poll = s->input;

    while (s->outq.count != 0) {
        f = ngx_http_push_outq_get(&s->outq, 0);

        if (ngx_http_push_poll_full(s, poll, f)) {
            break;
        }

        if (ngx_http_push_parcel_add(&poll->parcel, poll->body.trail, f)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        ngx_http_push_outq_advance(&s->outq, f->len);
    }

    if (poll->parcel.messages == 0) {
        return 0;
    }

    if (ngx_http_push_poll_conclude(s, poll) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_push_poll_return(s);

    return NGX_DONE;
}


static ngx_uint_t
ngx_http_push_poll_full(ngx_http_push_session_t *s, ngx_http_push_poll_t *poll,
    ngx_http_push_form_t *f)
{
    size_t                   max;
    ngx_http_push_parcel_t  *parcel;

    parcel = &poll->parcel;
    max = s->limits->queue_size;

    if (parcel->messages == 0) {
        return 0;
    }

    return !parcel->json || (max != 0 && parcel->size + f->len > max);
}


/* what it was given too much */

static void
ngx_http_push_poll_return(ngx_http_push_session_t *s)
{
    ngx_uint_t  i, n;

    n = 0;

    for (i = 0; i < s->outq.count; i++) {
        n += !ngx_http_push_outq_get(&s->outq, i)->control;
    }

    if (n != 0) {
        ngx_http_push_deliver_return(s, n);
    }
}


/* nothing is sent while it waits: nginx tells when the client leaves */

static ngx_int_t
ngx_http_push_poll_ping(ngx_http_push_session_t *s)
{
    return NGX_DONE;
}


static void
ngx_http_push_poll_close(ngx_http_push_session_t *s,
    const ngx_http_push_reason_t *reason)
{
    ngx_http_push_poll_t  *poll;

    poll = s->input;

    s->peer_closed = 1;

    if (reason->http != 0) {
        poll->parcel.status = reason->http;
        return;
    }

    (void) ngx_http_push_poll_conclude(s, poll);
}


static void
ngx_http_push_poll_end(ngx_connection_t *c, ngx_http_push_hold_t *hold,
    uint64_t sent)
{
    ngx_http_request_t   *r;
    ngx_http_push_ctx_t  *ctx;

    r = ngx_http_push_body_detach(hold, sent);

    ctx = ngx_http_push_ctx_get(r);

    ngx_http_finalize_request(r, ngx_http_push_parcel_send(ctx->answer, r));
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_push_poll_tick(ngx_http_push_session_t *s)
{
    ngx_http_push_poll_t  *poll;

    poll = s->input;

    if (s->over || s->closing) {
        return;
    }

    if (poll->body.trail->unknown != 0) {
        ngx_http_push_trail_look(poll->body.trail, s);
        poll->look *= 2;
    }

    /* what is about to be written is an answer, or a step to it */

    if (!s->posted
        && poll->options.wait != 0
        && (ngx_msec_int_t) (poll->deadline - ngx_current_msec) <= 0)
    {
        if (ngx_http_push_poll_conclude(s, poll) == NGX_OK) {
            ngx_http_push_session_end(s);
            return;
        }

        ngx_http_push_session_close(s, NGX_HTTP_PUSH_REASON_OVERLOAD);
        return;
    }

    ngx_http_push_poll_set_timer(poll);
}


static void
ngx_http_push_poll_set_timer(ngx_http_push_poll_t *poll)
{
    ngx_msec_int_t  left;

    left = (ngx_msec_int_t) (poll->deadline - ngx_current_msec);

    if (left <= 0) {
        left = 1;
    }

    if (poll->body.trail->unknown != 0
        && (poll->options.wait == 0 || poll->look < (ngx_msec_t) left))
    {
        ngx_http_push_body_set_timer(&poll->body, poll->look);

    } else if (poll->options.wait != 0) {
        ngx_http_push_body_set_timer(&poll->body, left);
    }
}


/* the answer is what has come, or that nothing has */

static ngx_int_t
ngx_http_push_poll_conclude(ngx_http_push_session_t *s,
    ngx_http_push_poll_t *poll)
{
    poll->parcel.status = poll->options.conditional ? NGX_HTTP_NOT_MODIFIED
                                                    : NGX_HTTP_NO_CONTENT;

    ngx_http_push_trail_look(poll->body.trail, s);

    return ngx_http_push_parcel_set_etag(&poll->parcel, poll->body.request,
                                         poll->body.trail);
}
