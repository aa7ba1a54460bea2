/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: the EventSource transport: messages as events; owns nothing.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_body.h"
#include "ngx_http_push_chunk.h"
#include "ngx_http_push_eventsource.h"
#include "ngx_http_push_meta.h"
#include "ngx_http_push_sse.h"


/* ms that a client is told to wait before it comes back */

#define NGX_HTTP_PUSH_SSE_RETRY        1000
#define NGX_HTTP_PUSH_SSE_RETRY_SPAN   2000
#define NGX_HTTP_PUSH_SSE_RETURN       100       /* when it is sent away */
#define NGX_HTTP_PUSH_SSE_RETURN_SPAN  900
#define NGX_HTTP_PUSH_SSE_LATER        5000      /* because it is too much */
#define NGX_HTTP_PUSH_SSE_LATER_SPAN   5000

/* ms until it is looked again where the channels stand */
#define NGX_HTTP_PUSH_SSE_LOOK         20
#define NGX_HTTP_PUSH_SSE_LOOK_MAX     10000

#define NGX_HTTP_PUSH_SSE_OK           ":ok\n"
#define NGX_HTTP_PUSH_SSE_ID           "id: "

/* of lines */
#define NGX_HTTP_PUSH_SSE_RETRY_MAX    (sizeof("retry: \n") + NGX_INT_T_LEN)
#define NGX_HTTP_PUSH_SSE_ID_MAX       (sizeof("id: \n")                      \
                                        + NGX_HTTP_PUSH_CURSOR_MAX)
#define NGX_HTTP_PUSH_SSE_BEGIN_MAX    (sizeof(NGX_HTTP_PUSH_SSE_OK)          \
                                        + NGX_HTTP_PUSH_SSE_RETRY_MAX         \
                                        + NGX_HTTP_PUSH_SSE_ID_MAX + 1)


/* what a session keeps, memory of its request */

typedef struct {
    ngx_http_push_body_t   body;
    ngx_msec_t             look;          /* ms until the next */
} ngx_http_push_sse_t;


static ngx_http_push_form_t *ngx_http_push_sse_encode(
    ngx_http_push_session_t *s, ngx_http_push_msg_t *m,
    ngx_http_push_channel_t *ch);
static ngx_int_t ngx_http_push_sse_ping(ngx_http_push_session_t *s);
static void ngx_http_push_sse_close(ngx_http_push_session_t *s,
    const ngx_http_push_reason_t *reason);
static void ngx_http_push_sse_tick(ngx_http_push_session_t *s);
static ngx_int_t ngx_http_push_sse_look(ngx_http_push_session_t *s,
    ngx_http_push_sse_t *sse);
static u_char *ngx_http_push_sse_write_id(ngx_http_push_sse_t *sse,
    u_char *dst);
static u_char *ngx_http_push_sse_write_retry(u_char *p, ngx_uint_t ms,
    ngx_uint_t span);
static ngx_int_t ngx_http_push_sse_send(ngx_http_push_session_t *s,
    u_char *text, size_t len);


static ngx_http_push_form_t  *ngx_http_push_sse_ping_form;


const ngx_http_push_transport_t  ngx_http_push_sse_transport = {
    ngx_string("eventsource"),
    offsetof(ngx_http_push_figures_t, eventsource),
    1,
    ngx_http_push_sse_encode,
    ngx_http_push_body_flush,
    ngx_http_push_sse_ping,
    ngx_http_push_sse_close,
    ngx_http_push_body_destroy,
    ngx_http_push_body_end
};


ngx_int_t
ngx_http_push_sse_start(ngx_log_t *log)
{
    ngx_http_push_sse_ping_form =
        ngx_http_push_chunk_create_control((u_char *) ":\n\n", 3, log);

    return ngx_http_push_sse_ping_form ? NGX_OK : NGX_ERROR;
}


void
ngx_http_push_sse_stop(void)
{
    if (ngx_http_push_sse_ping_form != NULL) {
        ngx_http_push_form_unref(ngx_http_push_sse_ping_form);
        ngx_http_push_sse_ping_form = NULL;
    }
}


ngx_uint_t
ngx_http_push_sse_form(ngx_uint_t channels)
{
    return (channels > 1) ? NGX_HTTP_PUSH_FORM_SSE_MANY
                          : NGX_HTTP_PUSH_FORM_SSE;
}


ngx_int_t
ngx_http_push_sse_open(ngx_http_push_session_t *s, ngx_http_request_t *r,
    const ngx_http_push_cursor_t *cursors)
{
    u_char               *p;
    ngx_int_t             rc;
    ngx_str_t             begin;
    ngx_http_push_sse_t  *sse;

    static ngx_str_t  type = ngx_string("text/event-stream");

    sse = ngx_http_push_body_create(s, r, sizeof(ngx_http_push_sse_t),
                                    cursors);
    if (sse == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    begin.data = ngx_pnalloc(r->pool, NGX_HTTP_PUSH_SSE_BEGIN_MAX);
    if (begin.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_push_trail_look(sse->body.trail, s);

    p = ngx_cpymem(begin.data, NGX_HTTP_PUSH_SSE_OK,
                   sizeof(NGX_HTTP_PUSH_SSE_OK) - 1);
    p = ngx_http_push_sse_write_retry(p, NGX_HTTP_PUSH_SSE_RETRY,
                                      NGX_HTTP_PUSH_SSE_RETRY_SPAN);
    p = ngx_http_push_sse_write_id(sse, p);
    *p++ = LF;

    begin.len = p - begin.data;

    rc = ngx_http_push_body_stream(s, &type, &begin, sse->body.trail->n > 1);

    if (rc == NGX_DONE && sse->body.trail->unknown != 0) {
        sse->look = NGX_HTTP_PUSH_SSE_LOOK;
        sse->body.tick = ngx_http_push_sse_tick;

        ngx_http_push_body_set_timer(&sse->body, sse->look);
    }

    return rc;
}


/* with one channel the id is a part of the form that all share */

static ngx_http_push_form_t *
ngx_http_push_sse_encode(ngx_http_push_session_t *s, ngx_http_push_msg_t *m,
    ngx_http_push_channel_t *ch)
{
    u_char                       *p;
    ngx_http_push_form_t         *f;
    ngx_http_push_eventsource_t   ev;

    ngx_memzero(&ev, sizeof(ngx_http_push_eventsource_t));

    if (m->kind == NGX_HTTP_PUSH_MSG_DATA) {

        if (s->outq.form == NGX_HTTP_PUSH_FORM_SSE) {
            ev.epoch.data = m->epoch.data;
            ev.epoch.len = m->epoch.len;
            ev.offset = m->offset;
        }

        ev.event.data = m->event.data;
        ev.event.len = m->event.len;
        ev.body.data = m->body.data;
        ev.body.len = m->body.len;
        ev.binary = m->binary;

    } else {
        ev.event = ngx_http_push_meta_notice(m->kind
                                             == NGX_HTTP_PUSH_MSG_GAP);
        ev.body.data = ch->name;
        ev.body.len = ch->len;
    }

    f = ngx_http_push_chunk_create(ngx_http_push_eventsource_size(&ev), &p,
                                   s->connection->log);

    if (f != NULL) {
        (void) ngx_http_push_eventsource_write(p, &ev);

        ngx_http_push_trail_mark(f, m, ch);
    }

    return f;
}


/* nobody answers; with it, where it was not known until now, the id */

static ngx_int_t
ngx_http_push_sse_ping(ngx_http_push_session_t *s)
{
    ngx_http_push_sse_t  *sse;

    sse = s->input;

    if (ngx_http_push_sse_look(s, sse) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_push_body_ping(s, ngx_http_push_sse_ping_form);
}


/*
 * The end of the answer is the goodbye: a client comes back by itself, when it
 * is told to.
 */

static void
ngx_http_push_sse_close(ngx_http_push_session_t *s,
    const ngx_http_push_reason_t *reason)
{
    u_char  text[NGX_HTTP_PUSH_SSE_RETRY_MAX + 1], *p;

    s->peer_closed = 1;

    switch (s->over) {

    case NGX_HTTP_PUSH_REASON_DRAIN:
    case NGX_HTTP_PUSH_REASON_LIFETIME:
        p = ngx_http_push_sse_write_retry(text, NGX_HTTP_PUSH_SSE_RETURN,
                                          NGX_HTTP_PUSH_SSE_RETURN_SPAN);
        break;

    case NGX_HTTP_PUSH_REASON_SLOW:
    case NGX_HTTP_PUSH_REASON_OVERLOAD:
        p = ngx_http_push_sse_write_retry(text, NGX_HTTP_PUSH_SSE_LATER,
                                          NGX_HTTP_PUSH_SSE_LATER_SPAN);
        break;

    default:
        return;
    }

    *p++ = LF;

    (void) ngx_http_push_sse_send(s, text, p - text);
}


/*
 * A client that has heard nothing yet, and goes, has to know from where on it
 * missed something.
 */

static void
ngx_http_push_sse_tick(ngx_http_push_session_t *s)
{
    ngx_http_push_sse_t  *sse;

    sse = s->input;

    if (s->over || s->closing) {
        return;
    }

    if (ngx_http_push_sse_look(s, sse) != NGX_OK) {
        ngx_http_push_session_close(s, NGX_HTTP_PUSH_REASON_OVERLOAD);
        return;
    }

    sse->look *= 2;

    if (sse->body.trail->unknown != 0
        && sse->look <= NGX_HTTP_PUSH_SSE_LOOK_MAX)
    {
        ngx_http_push_body_set_timer(&sse->body, sse->look);
    }
}


/*
 * Tells what has become known.  Where something waits to be written it would
 * come behind that, whose id may be a later one: next time.
 */

static ngx_int_t
ngx_http_push_sse_look(ngx_http_push_session_t *s, ngx_http_push_sse_t *sse)
{
    u_char      text[NGX_HTTP_PUSH_SSE_ID_MAX + 1], *p;
    ngx_uint_t  unknown;

    unknown = sse->body.trail->unknown;

    if (unknown == 0 || s->outq.count != 0 || sse->body.pending) {
        return NGX_OK;
    }

    ngx_http_push_trail_look(sse->body.trail, s);

    if (sse->body.trail->unknown == unknown) {
        return NGX_OK;
    }

    p = ngx_http_push_sse_write_id(sse, text);
    *p++ = LF;

    return ngx_http_push_sse_send(s, text, p - text);
}


/* nothing if nothing is known */

static u_char *
ngx_http_push_sse_write_id(ngx_http_push_sse_t *sse, u_char *dst)
{
    u_char  *p, *last;

    p = ngx_cpymem(dst, NGX_HTTP_PUSH_SSE_ID, sizeof(NGX_HTTP_PUSH_SSE_ID) - 1);

    last = ngx_http_push_trail_write(sse->body.trail, p);

    if (last == p) {
        return dst;
    }

    *last++ = LF;

    return last;
}


/* with jitter, so that not all come back at the same moment */

static u_char *
ngx_http_push_sse_write_retry(u_char *p, ngx_uint_t ms, ngx_uint_t span)
{
    return ngx_sprintf(p, "retry: %ui\n",
                       ms + (ngx_uint_t) ngx_random() % span);
}


static ngx_int_t
ngx_http_push_sse_send(ngx_http_push_session_t *s, u_char *text, size_t len)
{
    ngx_int_t              rc;
    ngx_http_push_form_t  *f;

    f = ngx_http_push_chunk_create_control(text, len, s->connection->log);
    if (f == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_push_session_send(s, f);

    ngx_http_push_form_unref(f);

    return rc;
}
