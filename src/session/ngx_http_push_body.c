/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: sessions in the bodies of answers; owns what they keep beside the
 * session, in the memory of the request.
 *
 * The request is kept, with nginx's own handlers for its connection: what it
 * calls for the request comes here.  On HTTP/1.1 the header goes out by the
 * filters, then each form is a chunk that goes to the socket as it is, and the
 * end by the filters again.  Elsewhere (HTTP/2 and 3, HTTP/1.0) all goes by the
 * filters, one form at a time: until it is written it is the first in the
 * queue.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_body.h"
#include "ngx_http_push_chunk.h"
#include "ngx_http_push_ctx.h"
#include "ngx_http_push_detach.h"
#include "ngx_http_push_socket.h"
#include "ngx_http_push_turns.h"


#define NGX_HTTP_PUSH_BODY_ID  "id: "


static void ngx_http_push_body_cleanup(void *data);
static ngx_http_push_session_t *ngx_http_push_body_session(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_push_body_send_header(ngx_http_request_t *r,
    ngx_str_t *type, ngx_str_t *begin);
static ngx_int_t ngx_http_push_body_forbid_encoding(ngx_http_request_t *r);
static ngx_int_t ngx_http_push_body_open(ngx_http_push_session_t *s);
static void ngx_http_push_body_read_handler(ngx_http_request_t *r);
static ngx_uint_t ngx_http_push_body_gone(ngx_http_request_t *r);
static void ngx_http_push_body_write_handler(ngx_http_request_t *r);
static void ngx_http_push_body_leave(ngx_http_request_t *r);
static void ngx_http_push_body_timer_handler(ngx_event_t *ev);
static ngx_int_t ngx_http_push_body_flush_header(ngx_http_push_session_t *s);
static ngx_int_t ngx_http_push_body_flush_forms(ngx_http_push_session_t *s);
static void ngx_http_push_body_load(ngx_http_push_session_t *s,
    ngx_http_push_body_t *b);
static void ngx_http_push_body_load_id(ngx_http_push_session_t *s,
    ngx_http_push_body_t *b, ngx_http_push_form_t *f);
static ngx_int_t ngx_http_push_body_write(ngx_http_push_session_t *s,
    ngx_http_push_body_t *b);
static ngx_int_t ngx_http_push_body_filter(ngx_http_push_body_t *b);
static ngx_int_t ngx_http_push_body_send(ngx_connection_t *c,
    ngx_http_push_body_t *b);


void *
ngx_http_push_body_create(ngx_http_push_session_t *s, ngx_http_request_t *r,
    size_t size, const ngx_http_push_cursor_t *cursors)
{
    ngx_http_cleanup_t    *cln;
    ngx_http_push_ctx_t   *ctx;
    ngx_http_push_body_t  *b;

    ctx = ngx_http_push_ctx_get(r);

    cln = ngx_http_cleanup_add(r, 0);

    if (cln == NULL) {
        ngx_free(s->hold);
        ngx_http_push_session_abandon(s);

        return NULL;
    }

    ctx->session = s;

    cln->handler = ngx_http_push_body_cleanup;
    cln->data = ctx;

    b = ngx_pcalloc(r->pool, size);
    if (b == NULL) {
        return NULL;
    }

    s->input = b;

    b->request = r;
    b->timer.handler = ngx_http_push_body_timer_handler;
    b->timer.data = r->connection;
    b->timer.log = r->connection->log;
    b->timer.cancelable = 1;

#if (NGX_HTTP_V2)

    if (r->stream) {

        /* the streams of one connection are clients of their own */

        r->connection->number = ngx_atomic_fetch_add(ngx_connection_counter,
                                                     1);
    }

#endif

    b->trail = ngx_http_push_trail_create(r->pool, s, cursors);

    return b->trail ? b : NULL;
}


/* nginx ends the request by itself */

static void
ngx_http_push_body_cleanup(void *data)
{
    ngx_http_push_ctx_t *ctx = data;

    uint64_t                  sent;
    ngx_http_push_hold_t     *hold;
    ngx_http_push_session_t  *s;

    s = ctx->session;

    if (s == NULL) {
        return;
    }

    hold = s->hold;
    sent = s->sent;

    ngx_http_push_session_abandon(s);

    (void) ngx_http_push_body_detach(hold, sent);
}


ngx_http_request_t *
ngx_http_push_body_detach(ngx_http_push_hold_t *hold, uint64_t sent)
{
    ngx_http_request_t   *r;
    ngx_http_push_ctx_t  *ctx;

    r = hold->request;

    ctx = ngx_http_push_ctx_get(r);
    ctx->session = NULL;

    ngx_http_push_detach_show(hold, sent);

    ngx_free(hold);

    return r;
}


static ngx_http_push_session_t *
ngx_http_push_body_session(ngx_http_request_t *r)
{
    ngx_http_push_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_push_module);

    return ctx ? ctx->session : NULL;
}


ngx_int_t
ngx_http_push_body_stream(ngx_http_push_session_t *s, ngx_str_t *type,
    ngx_str_t *begin, ngx_uint_t ids)
{
    ngx_int_t              rc;
    ngx_connection_t      *c;
    ngx_http_request_t    *r;
    ngx_http_push_body_t  *b;

    c = s->connection;
    b = s->input;
    r = b->request;

    if (ids) {
        b->id = ngx_pnalloc(r->pool, NGX_HTTP_PUSH_CHUNK_HEAD
                                     + sizeof(NGX_HTTP_PUSH_BODY_ID)
                                     + NGX_HTTP_PUSH_CURSOR_MAX
                                     + NGX_HTTP_PUSH_CHUNK_TAIL);
        if (b->id == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    b->chain[0].buf = &b->bufs[0];
    b->chain[0].next = &b->chain[1];
    b->chain[1].buf = &b->bufs[1];

    rc = ngx_http_push_body_send_header(r, type, begin);

    if (rc != NGX_OK) {
        return rc;
    }

    b->pending = 1;
    b->filtered = !r->chunked;

    /* a connection with other streams is not ours to tune */

    if (r->http_version >= NGX_HTTP_VERSION_20) {
        s->untuned = 0;
    }

    s->indirect = 1;

    if (ngx_http_push_body_flush_header(s) == NGX_ERROR) {
        return NGX_ERROR;
    }

    c->log->action = "pushing to client";

    return ngx_http_push_body_open(s);
}


static ngx_int_t
ngx_http_push_body_send_header(ngx_http_request_t *r, ngx_str_t *type,
    ngx_str_t *begin)
{
    ngx_int_t     rc;
    ngx_buf_t    *buf;
    ngx_chain_t   out;

    /* "error_page 404 /events" would have its 404 instead */
    r->err_status = 0;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_type = *type;
    r->headers_out.content_type_len = type->len;
    r->headers_out.content_type_lowcase = NULL;

    ngx_http_clear_content_length(r);

    r->disable_not_modified = 1;

    if (ngx_http_push_body_forbid_encoding(r) != NGX_OK
        || ngx_http_push_body_add_header(r, "X-Accel-Buffering",
                                         &(ngx_str_t) ngx_string("no"))
           == NULL)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    if (begin->len == 0) {
        rc = ngx_http_send_special(r, NGX_HTTP_FLUSH);

        return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
    }

    buf = ngx_calloc_buf(r->pool);
    if (buf == NULL) {
        return NGX_ERROR;
    }

    buf->pos = begin->data;
    buf->last = begin->data + begin->len;
    buf->memory = 1;
    buf->flush = 1;

    out.buf = buf;
    out.next = NULL;

    rc = ngx_http_output_filter(r, &out);

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


/*
 * No filter compresses what says that it is encoded already, and headers
 * without a hash are not sent.
 */

static ngx_int_t
ngx_http_push_body_forbid_encoding(ngx_http_request_t *r)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    ngx_str_set(&h->key, "Content-Encoding");
    ngx_str_set(&h->value, "identity");

    r->headers_out.content_encoding = h;

    return NGX_OK;
}


ngx_table_elt_t *
ngx_http_push_body_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NULL;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value = *value;

    return h;
}


ngx_int_t
ngx_http_push_body_wait(ngx_http_push_session_t *s)
{
    s->untuned = 0;
    s->indirect = 1;

    s->connection->log->action = "waiting for a message to client";

    return ngx_http_push_body_open(s);
}


static ngx_int_t
ngx_http_push_body_open(ngx_http_push_session_t *s)
{
    ngx_http_request_t    *r;
    ngx_http_push_body_t  *b;

    b = s->input;
    r = b->request;

    r->read_event_handler = ngx_http_push_body_read_handler;
    r->write_event_handler = ngx_http_push_body_write_handler;

    ngx_http_push_session_open(s);

    /* it may have left while others handled the request */

    ngx_post_event(r->connection->read, &ngx_posted_events);

    r->main->count++;

    return NGX_DONE;
}


static void
ngx_http_push_body_read_handler(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    if (!ngx_http_push_body_gone(r)) {
        return;
    }

    c = r->connection;

    c->read->eof = 1;
    c->error = 1;

    ngx_log_error(NGX_LOG_INFO, c->log, 0, "push client has left");

    ngx_http_push_body_leave(r);
}


/*
 * As ngx_http_test_reading(), which would end the request itself.  What the
 * client sends is its next request and waits.
 */

static ngx_uint_t
ngx_http_push_body_gone(ngx_http_request_t *r)
{
    int                n;
    char               buf[1];
    ngx_event_t       *rev;
    ngx_connection_t  *c;

    c = r->connection;
    rev = c->read;

    if (c->error || rev->pending_eof) {
        return 1;
    }

    if (r->http_version >= NGX_HTTP_VERSION_20) {
        return 0;
    }

    n = recv(c->fd, buf, 1, MSG_PEEK);

    if (n == -1) {
        return ngx_socket_errno != NGX_EAGAIN;
    }

    if (n > 0
        && (ngx_event_flags & NGX_USE_LEVEL_EVENT)
        && rev->active
        && ngx_del_event(rev, NGX_READ_EVENT, 0) != NGX_OK)
    {
        return 1;
    }

    return n == 0;
}


static void
ngx_http_push_body_write_handler(ngx_http_request_t *r)
{
    ngx_http_push_body_t     *b;
    ngx_http_push_session_t  *s;

    if (r->connection->error) {
        ngx_http_push_body_leave(r);
        return;
    }

    s = ngx_http_push_body_session(r);

    if (s == NULL) {
        return;
    }

    b = s->input;

    if (s->blocked) {
        ngx_http_push_session_writable(s);

    } else if (b->pending) {
        ngx_http_push_turns_post(s);
    }
}


/* the session first, because nginx may have something else to do with r yet */

static void
ngx_http_push_body_leave(ngx_http_request_t *r)
{
    ngx_http_push_body_cleanup(ngx_http_push_ctx_get(r));

    ngx_http_finalize_request(r, NGX_HTTP_CLIENT_CLOSED_REQUEST);
}


void
ngx_http_push_body_set_timer(ngx_http_push_body_t *b, ngx_msec_t ms)
{
    ngx_add_timer(&b->timer, ms);
}


static void
ngx_http_push_body_timer_handler(ngx_event_t *ev)
{
    ngx_http_push_body_t     *b;
    ngx_http_push_session_t  *s;

    b = (ngx_http_push_body_t *)
            ((u_char *) ev - offsetof(ngx_http_push_body_t, timer));

    s = ngx_http_push_body_session(b->request);

    if (s != NULL) {
        b->tick(s);
    }
}


void
ngx_http_push_body_destroy(ngx_http_push_session_t *s)
{
    ngx_http_push_body_t  *b;

    b = s->input;

    if (b != NULL && b->timer.timer_set) {
        ngx_del_timer(&b->timer);
    }
}


ssize_t
ngx_http_push_body_flush(ngx_http_push_session_t *s)
{
    off_t                  sent;
    ngx_int_t              rc;
    ngx_connection_t      *c;
    ngx_http_push_body_t  *b;

    c = s->connection;
    b = s->input;

    sent = c->sent;

    if (b->pending) {
        rc = ngx_http_push_body_flush_header(s);

        if (rc != NGX_OK) {
            return (rc == NGX_ERROR) ? NGX_ERROR : c->sent - sent;
        }
    }

    if (!b->filtered && b->id == NULL) {
        return ngx_http_push_socket_flush(s) == NGX_ERROR ? NGX_ERROR
                                                          : c->sent - sent;
    }

    if (ngx_http_push_body_flush_forms(s) == NGX_ERROR) {
        return NGX_ERROR;
    }

    return c->sent - sent;
}


/* NGX_OK: all of it is in the socket; NGX_AGAIN: the rest waits for it */

static ngx_int_t
ngx_http_push_body_flush_header(ngx_http_push_session_t *s)
{
    ngx_connection_t      *c;
    ngx_http_request_t    *r;
    ngx_http_push_body_t  *b;

    c = s->connection;
    b = s->input;
    r = b->request;

    if ((r->out != NULL || c->buffered)
        && ngx_http_output_filter(r, NULL) == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    if (r->out != NULL || c->buffered) {

        if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
            return NGX_ERROR;
        }

        return NGX_AGAIN;
    }

    b->pending = 0;

    s->indirect = b->filtered || b->id != NULL;

#if (NGX_HTTP_SSL)

    if (c->ssl != NULL) {
        s->indirect = 1;

        if (r->http_version < NGX_HTTP_VERSION_20) {
            ngx_ssl_free_buffer(c);
        }
    }

#endif

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_body_flush_forms(ngx_http_push_session_t *s)
{
    ngx_int_t              rc;
    ngx_http_push_body_t  *b;

    b = s->input;

    while (s->outq.count != 0) {

        rc = ngx_http_push_body_write(s, b);

        if (rc == NGX_OK) {
            continue;
        }

        if (rc == NGX_ERROR
            || ngx_handle_write_event(s->connection->write, 0) != NGX_OK)
        {
            return NGX_ERROR;
        }

        break;
    }

    return NGX_OK;
}


/* the first form of the queue; NGX_AGAIN: not all of it could be written */

static ngx_int_t
ngx_http_push_body_write(ngx_http_push_session_t *s, ngx_http_push_body_t *b)
{
    ngx_int_t  rc;

    if (!b->busy) {
        ngx_http_push_body_load(s, b);
    }

    rc = b->filtered ? ngx_http_push_body_filter(b)
                     : ngx_http_push_body_send(s->connection, b);

    if (rc == NGX_OK) {
        b->busy = 0;

        ngx_http_push_outq_advance(&s->outq,
                                   ngx_http_push_outq_get(&s->outq, 0)->len);
    }

    return rc;
}


static void
ngx_http_push_body_load(ngx_http_push_session_t *s, ngx_http_push_body_t *b)
{
    ngx_buf_t             *buf;
    ngx_str_t              data;
    ngx_http_push_form_t  *f;

    f = ngx_http_push_outq_get(&s->outq, 0);

    ngx_memzero(b->bufs, sizeof(b->bufs));

    if (b->id != NULL && !f->control) {
        ngx_http_push_body_load_id(s, b, f);
    }

    if (b->filtered) {
        data = ngx_http_push_chunk_data(f);

    } else {
        data.data = f->data;
        data.len = f->len;
    }

    buf = &b->bufs[1];

    buf->pos = data.data;
    buf->last = data.data + data.len;
    buf->memory = 1;
    buf->flush = 1;

    /* it stays in the queue, whatever is dropped there */
    ngx_http_push_outq_begin(&s->outq);

    b->busy = 1;
}


/* the line that stands before a message where each client has its own */

static void
ngx_http_push_body_load_id(ngx_http_push_session_t *s, ngx_http_push_body_t *b,
    ngx_http_push_form_t *f)
{
    u_char     *p, *last;
    ngx_buf_t  *buf;

    (void) ngx_http_push_trail_pass(b->trail, f);

    if (b->trail->unknown != 0) {
        ngx_http_push_trail_look(b->trail, s);
    }

    p = b->id + NGX_HTTP_PUSH_CHUNK_HEAD;

    last = ngx_cpymem(p, NGX_HTTP_PUSH_BODY_ID,
                      sizeof(NGX_HTTP_PUSH_BODY_ID) - 1);
    last = ngx_http_push_trail_write(b->trail, last);

    if (last == p + sizeof(NGX_HTTP_PUSH_BODY_ID) - 1) {
        return;
    }

    *last++ = LF;

    buf = &b->bufs[0];

    buf->memory = 1;
    buf->pos = p;
    buf->last = last;

    if (!b->filtered) {
        buf->last = ngx_http_push_chunk_wrap(p, last - p, &buf->pos);
    }
}


/* what the filters have not written yet they keep, and are asked for again */

static ngx_int_t
ngx_http_push_body_filter(ngx_http_push_body_t *b)
{
    ngx_int_t     rc;
    ngx_chain_t  *out;

    out = NULL;

    if (!b->given) {
        b->given = 1;
        out = ngx_buf_size(&b->bufs[0]) ? &b->chain[0] : &b->chain[1];
    }

    rc = ngx_http_output_filter(b->request, out);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_AGAIN
        || ngx_buf_size(&b->bufs[0]) != 0
        || ngx_buf_size(&b->bufs[1]) != 0)
    {
        return NGX_AGAIN;
    }

    b->given = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_body_send(ngx_connection_t *c, ngx_http_push_body_t *b)
{
    size_t         rest, size;
    ssize_t        n;
    ngx_buf_t     *buf;
    ngx_uint_t     i, niov;
    struct iovec   iov[2];

    for ( ;; ) {
        niov = 0;

        for (i = 0; i < 2; i++) {
            buf = &b->bufs[i];

            if (buf->pos != buf->last) {
                iov[niov].iov_base = buf->pos;
                iov[niov++].iov_len = buf->last - buf->pos;
            }
        }

        if (niov == 0) {
            return NGX_OK;
        }

        n = c->ssl ? c->send(c, iov[0].iov_base, iov[0].iov_len)
                   : ngx_http_push_socket_write(c, iov, niov);

        if (n == NGX_ERROR || n == NGX_AGAIN) {
            return n;
        }

        rest = n;

        for (i = 0; i < 2; i++) {
            buf = &b->bufs[i];

            size = ngx_min(rest, (size_t) (buf->last - buf->pos));

            buf->pos += size;
            rest -= size;
        }
    }
}


ngx_int_t
ngx_http_push_body_ping(ngx_http_push_session_t *s, ngx_http_push_form_t *f)
{
    off_t                  sent;
    ngx_http_push_body_t  *b;

    b = s->input;
    sent = b->sent;

    if (!s->blocked && !b->pending) {
        b->sent = 0;

        return ngx_http_push_session_send(s, f) == NGX_OK ? NGX_DONE
                                                          : NGX_ERROR;
    }

    b->sent = s->connection->sent;

    return (sent == b->sent) ? NGX_DECLINED : NGX_DONE;
}


void
ngx_http_push_body_end(ngx_connection_t *c, ngx_http_push_hold_t *hold,
    uint64_t sent)
{
    ngx_int_t            rc;
    ngx_uint_t           complete;
    ngx_http_request_t  *r;

    complete = hold->complete;

    r = ngx_http_push_body_detach(hold, sent);

    rc = complete ? ngx_http_send_special(r, NGX_HTTP_LAST) : NGX_ERROR;

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}
