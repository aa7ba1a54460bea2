/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: the WebSocket transport: reads frames, writes the queue; owns what
 * of a client's message has not come yet.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_detach.h"
#include "ngx_http_push_dispatch.h"
#include "ngx_http_push_frame.h"
#include "ngx_http_push_handshake.h"
#include "ngx_http_push_meta.h"
#include "ngx_http_push_permessage.h"
#include "ngx_http_push_socket.h"
#include "ngx_http_push_ws.h"


#define NGX_HTTP_PUSH_WS_BUFFER    16384  /* of the worker, not the client */
#define NGX_HTTP_PUSH_WS_READS     4      /* buffers per turn and client */
#define NGX_HTTP_PUSH_WS_MESSAGES  64     /* published per turn and client */
#define NGX_HTTP_PUSH_WS_INFLATED  (256 * 1024)  /* per turn and client */
#define NGX_HTTP_PUSH_WS_BODY      1024   /* first room for a message */


/*
 * What a client has begun and not finished: a frame, a message, or input that
 * has to wait for its turn.  Allocated when needed and given back as soon as
 * nothing is left: an idle connection has none.
 */

typedef struct {
    ngx_http_push_frame_parser_t   parser;
    ngx_str_t                      rest;      /* not parsed yet */
    u_char                        *body;      /* of the message */
    size_t                         len;
    size_t                         room;
    size_t                         inflated;  /* in this turn */
    unsigned                       failed:1;  /* input is not looked at */
} ngx_http_push_ws_input_t;


static ngx_http_push_form_t *ngx_http_push_ws_encode(
    ngx_http_push_session_t *s, ngx_http_push_msg_t *m,
    ngx_http_push_channel_t *ch);
static ngx_http_push_form_t *ngx_http_push_ws_encode_plain(
    ngx_http_push_msg_t *m, ngx_http_push_channel_t *ch, ngx_uint_t form,
    ngx_log_t *log);
static ngx_http_push_form_t *ngx_http_push_ws_encode_raw(
    ngx_http_push_msg_t *m, ngx_log_t *log);
static ngx_http_push_form_t *ngx_http_push_ws_encode_meta(
    ngx_http_push_msg_t *m, ngx_http_push_channel_t *ch, ngx_log_t *log);
static ngx_http_push_form_t *ngx_http_push_ws_create_data(
    ngx_http_push_msg_t *m, size_t head, u_char **p, ngx_log_t *log);
static ngx_int_t ngx_http_push_ws_ping(ngx_http_push_session_t *s);
static void ngx_http_push_ws_close(ngx_http_push_session_t *s,
    const ngx_http_push_reason_t *reason);
static void ngx_http_push_ws_destroy(ngx_http_push_session_t *s);
static ngx_http_push_form_t *ngx_http_push_ws_control(ngx_uint_t opcode,
    u_char *data, size_t len, ngx_log_t *log);

static void ngx_http_push_ws_read_handler(ngx_event_t *rev);
static ngx_int_t ngx_http_push_ws_read(ngx_http_push_session_t *s);
static ngx_int_t ngx_http_push_ws_input(ngx_http_push_session_t *s, u_char *p,
    u_char *last);
static ngx_int_t ngx_http_push_ws_parse(ngx_http_push_session_t *s,
    ngx_http_push_ws_input_t *in, u_char *p, u_char *last);
static void ngx_http_push_ws_fail(ngx_http_push_session_t *s,
    ngx_http_push_ws_input_t *in, ngx_http_push_frame_event_t *ev);
static ngx_int_t ngx_http_push_ws_keep(ngx_http_push_session_t *s,
    ngx_http_push_ws_input_t *in);
static void ngx_http_push_ws_control_frame(ngx_http_push_session_t *s,
    ngx_http_push_frame_event_t *ev);
static void ngx_http_push_ws_close_frame(ngx_http_push_session_t *s,
    ngx_http_push_frame_event_t *ev);
static ngx_int_t ngx_http_push_ws_data(ngx_http_push_session_t *s,
    ngx_http_push_ws_input_t *in, ngx_http_push_frame_event_t *ev);
static ngx_int_t ngx_http_push_ws_inflated(ngx_http_push_session_t *s,
    ngx_http_push_ws_input_t *in, ngx_http_push_frame_event_t *ev,
    ngx_str_t *payload, ngx_uint_t wanted);
static ngx_int_t ngx_http_push_ws_message(ngx_http_push_session_t *s,
    ngx_http_push_frame_event_t *ev, ngx_str_t *message, ngx_uint_t wanted);
static ngx_int_t ngx_http_push_ws_append(ngx_http_push_ws_input_t *in,
    ngx_http_push_frame_event_t *ev, ngx_log_t *log);
static ngx_uint_t ngx_http_push_ws_reason(ngx_uint_t code);


static u_char                 ngx_http_push_ws_buffer[NGX_HTTP_PUSH_WS_BUFFER];
static ngx_http_push_form_t  *ngx_http_push_ws_ping_form;


const ngx_http_push_transport_t  ngx_http_push_ws_transport = {
    ngx_string("websocket"),
    offsetof(ngx_http_push_figures_t, websocket),
    1,
    ngx_http_push_ws_encode,
    ngx_http_push_socket_flush,
    ngx_http_push_ws_ping,
    ngx_http_push_ws_close,
    ngx_http_push_ws_destroy,
    ngx_http_push_detach_end
};


ngx_int_t
ngx_http_push_ws_start(ngx_log_t *log)
{
    ngx_http_push_ws_ping_form =
        ngx_http_push_ws_control(NGX_HTTP_PUSH_FRAME_PING, NULL, 0, log);

    return ngx_http_push_ws_ping_form ? NGX_OK : NGX_ERROR;
}


void
ngx_http_push_ws_stop(void)
{
    ngx_http_push_permessage_stop();

    if (ngx_http_push_ws_ping_form != NULL) {
        ngx_http_push_form_unref(ngx_http_push_ws_ping_form);
        ngx_http_push_ws_ping_form = NULL;
    }
}


ngx_uint_t
ngx_http_push_ws_form(ngx_uint_t dialect)
{
    return (dialect == NGX_HTTP_PUSH_DIALECT_META) ? NGX_HTTP_PUSH_FORM_WS_META
                                                   : NGX_HTTP_PUSH_FORM_WS_RAW;
}


void
ngx_http_push_ws_open(ngx_http_push_session_t *s, ngx_str_t *early)
{
    ngx_connection_t  *c;

    c = s->connection;

    c->data = s;
    c->read->handler = ngx_http_push_ws_read_handler;
    c->write->handler = ngx_http_push_session_write_handler;
    c->log->action = "pushing to client";

    /* nginx tells idle connections about its shutdown (FACTS 3) */
    c->idle = 1;

    if (early->len != 0
        && ngx_http_push_ws_input(s, early->data, early->data + early->len)
           == NGX_ERROR)
    {
        ngx_http_push_session_end(s);
        return;
    }

    ngx_http_push_ws_read_handler(c->read);
}


static ngx_http_push_form_t *
ngx_http_push_ws_encode(ngx_http_push_session_t *s, ngx_http_push_msg_t *m,
    ngx_http_push_channel_t *ch)
{
    ngx_log_t             *log;
    ngx_uint_t             index;
    ngx_http_push_form_t  *f, *plain;

    log = s->connection->log;
    index = ngx_http_push_form_plain(s->outq.form);

    if (s->outq.form == index) {
        return ngx_http_push_ws_encode_plain(m, ch, index, log);
    }

    plain = m->forms[index];

    if (plain != NULL) {
        (void) ngx_http_push_form_ref(plain);

    } else {
        plain = ngx_http_push_ws_encode_plain(m, ch, index, log);
        if (plain == NULL) {
            return NULL;
        }
    }

    f = ngx_http_push_permessage_encode(s, m, plain);

    if (f == NULL) {
        f = plain;

        if (m->forms[index] == NULL) {
            m->forms[index] = ngx_http_push_form_ref(plain);
        }

    } else {
        ngx_http_push_form_unref(plain);
    }

    return f;
}


static ngx_http_push_form_t *
ngx_http_push_ws_encode_plain(ngx_http_push_msg_t *m,
    ngx_http_push_channel_t *ch, ngx_uint_t form, ngx_log_t *log)
{
    if (form == NGX_HTTP_PUSH_FORM_WS_META) {
        return ngx_http_push_ws_encode_meta(m, ch, log);
    }

    return ngx_http_push_ws_encode_raw(m, log);
}


static ngx_http_push_form_t *
ngx_http_push_ws_encode_raw(ngx_http_push_msg_t *m, ngx_log_t *log)
{
    u_char                *p;
    ngx_http_push_form_t  *f;

    if (m->kind != NGX_HTTP_PUSH_MSG_DATA) {

        /* no place for a notice: a gap was counted and logged before */

        return ngx_http_push_form_create(0, log);
    }

    f = ngx_http_push_ws_create_data(m, 0, &p, log);

    if (f != NULL) {
        ngx_memcpy(p, m->body.data, m->body.len);
    }

    return f;
}


/* a notice has the lines of a message, an event of ours, and no body */

static ngx_http_push_form_t *
ngx_http_push_ws_encode_meta(ngx_http_push_msg_t *m,
    ngx_http_push_channel_t *ch, ngx_log_t *log)
{
    u_char                *p;
    ngx_http_push_form_t  *f;
    ngx_http_push_meta_t   meta;

    meta.epoch.data = m->epoch.data;
    meta.epoch.len = m->epoch.len;
    meta.offset = m->offset;
    meta.channel.data = ch->name;
    meta.channel.len = ch->len;
    meta.event.data = m->event.data;
    meta.event.len = m->event.len;
    meta.type.data = m->content_type.data;
    meta.type.len = m->content_type.len;

    if (m->kind != NGX_HTTP_PUSH_MSG_DATA) {
        meta.event = ngx_http_push_meta_notice(m->kind
                                               == NGX_HTTP_PUSH_MSG_GAP);
    }

    f = ngx_http_push_ws_create_data(m, ngx_http_push_meta_size(&meta), &p,
                                     log);
    if (f == NULL) {
        return NULL;
    }

    f->control = (m->kind != NGX_HTTP_PUSH_MSG_DATA);

    p = ngx_http_push_meta_write(p, &meta);

    if (m->body.len != 0) {
        ngx_memcpy(p, m->body.data, m->body.len);
    }

    return f;
}


/* a frame for the body of m behind so many bytes, which begin at *p */

static ngx_http_push_form_t *
ngx_http_push_ws_create_data(ngx_http_push_msg_t *m, size_t head, u_char **p,
    ngx_log_t *log)
{
    size_t                 len;
    ngx_uint_t             opcode;
    ngx_http_push_form_t  *f;

    len = head + m->body.len;

    f = ngx_http_push_form_create(ngx_http_push_frame_header_size(len) + len,
                                  log);
    if (f == NULL) {
        return NULL;
    }

    opcode = m->binary ? NGX_HTTP_PUSH_FRAME_BINARY : NGX_HTTP_PUSH_FRAME_TEXT;

    *p = f->data + ngx_http_push_frame_header(f->data, opcode, 0, len);

    return f;
}


static ngx_int_t
ngx_http_push_ws_ping(ngx_http_push_session_t *s)
{
    return ngx_http_push_session_send(s, ngx_http_push_ws_ping_form);
}


/* where the peer has said goodbye first its close frame is answered already */

static void
ngx_http_push_ws_close(ngx_http_push_session_t *s,
    const ngx_http_push_reason_t *reason)
{
    u_char                 payload[NGX_HTTP_PUSH_FRAME_CONTROL_MAX];
    ngx_http_push_form_t  *f;

    if (reason->raw == 0) {
        return;
    }

    payload[0] = (u_char) (reason->raw >> 8);
    payload[1] = (u_char) reason->raw;

    ngx_memcpy(payload + 2, reason->text.data, reason->text.len);

    f = ngx_http_push_ws_control(NGX_HTTP_PUSH_FRAME_CLOSE, payload,
                                 2 + reason->text.len, s->connection->log);
    if (f == NULL) {
        return;
    }

    (void) ngx_http_push_session_send(s, f);

    ngx_http_push_form_unref(f);
}


static void
ngx_http_push_ws_destroy(ngx_http_push_session_t *s)
{
    ngx_http_push_ws_input_t  *in;

    in = s->input;

    if (in == NULL) {
        return;
    }

    if (in->body != NULL) {
        ngx_free(in->body);
    }

    if (in->rest.data != NULL) {
        ngx_free(in->rest.data);
    }

    ngx_free(in);
    s->input = NULL;
}


/* a complete control frame; NULL: out of memory */

static ngx_http_push_form_t *
ngx_http_push_ws_control(ngx_uint_t opcode, u_char *data, size_t len,
    ngx_log_t *log)
{
    size_t                 header;
    ngx_http_push_form_t  *f;

    header = ngx_http_push_frame_header_size(len);

    f = ngx_http_push_form_create(header + len, log);
    if (f == NULL) {
        return NULL;
    }

    f->control = 1;

    (void) ngx_http_push_frame_header(f->data, opcode, 0, len);

    if (len != 0) {
        ngx_memcpy(f->data + header, data, len);
    }

    return f;
}


static void
ngx_http_push_ws_read_handler(ngx_event_t *rev)
{
    ngx_connection_t         *c;
    ngx_http_push_session_t  *s;

    c = rev->data;
    s = c->data;

    if (c->close) {

        /*
         * Not an event of the socket: nginx quits.  The bell has heard it as
         * well and spreads the goodbyes; when worker_shutdown_timeout is over
         * there is no time for one.
         */

        c->close = 0;

        if (c->error) {
            ngx_http_push_session_end(s);
        }

        return;
    }

    if (ngx_http_push_ws_read(s) == NGX_ERROR) {
        ngx_http_push_session_end(s);
    }
}


/* NGX_ERROR: the connection is gone or not to be kept */

static ngx_int_t
ngx_http_push_ws_read(ngx_http_push_session_t *s)
{
    ssize_t                    n;
    ngx_int_t                  rc;
    ngx_str_t                  rest;
    ngx_uint_t                 i;
    ngx_connection_t          *c;
    ngx_http_push_ws_input_t  *in;

    c = s->connection;
    in = s->input;

    if (s->inflight >= NGX_HTTP_PUSH_DISPATCH_INFLIGHT) {
        return NGX_OK;
    }

    if (in != NULL && in->rest.data != NULL) {
        rest = in->rest;
        ngx_str_null(&in->rest);

        rc = ngx_http_push_ws_input(s, rest.data, rest.data + rest.len);

        ngx_free(rest.data);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    for (i = 0; i < NGX_HTTP_PUSH_WS_READS; i++) {

        n = c->recv(c, ngx_http_push_ws_buffer, NGX_HTTP_PUSH_WS_BUFFER);

        if (n == NGX_AGAIN) {
            return ngx_handle_read_event(c->read, 0);
        }

        if (n == NGX_ERROR || n == 0) {
            return NGX_ERROR;
        }

        rc = ngx_http_push_ws_input(s, ngx_http_push_ws_buffer,
                                    ngx_http_push_ws_buffer + n);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    /* whoever sends without end waits for the others' turn */

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_next_events);
    }

    return ngx_handle_read_event(c->read, 0);
}


/*
 * NGX_OK: all of it was taken; NGX_AGAIN: the rest waits, and the read event
 * will come; NGX_ERROR: out of memory.
 */

static ngx_int_t
ngx_http_push_ws_input(ngx_http_push_session_t *s, u_char *p, u_char *last)
{
    ngx_int_t                  rc;
    ngx_http_push_ws_input_t  *in, fresh;

    /* whatever comes proves that the peer lives */
    ngx_http_push_session_pong(s);

    in = s->input;

    if (in == NULL) {
        in = &fresh;

        ngx_memzero(in, sizeof(ngx_http_push_ws_input_t));
        ngx_http_push_frame_init(&in->parser, s->limits->max_message_size);
        in->parser.allow_rsv1 = s->deflate;
    }

    rc = ngx_http_push_ws_parse(s, in, p, last);

    if (ngx_http_push_ws_keep(s, in) != NGX_OK) {
        return NGX_ERROR;
    }

    return rc;
}


static ngx_int_t
ngx_http_push_ws_parse(ngx_http_push_session_t *s,
    ngx_http_push_ws_input_t *in, u_char *p, u_char *last)
{
    ngx_uint_t                   n;
    ngx_http_push_frame_event_t  ev;

    in->inflated = 0;

    for (n = 0; /* void */ ; n++) {

        if (in->failed) {
            return NGX_OK;
        }

        if (n == NGX_HTTP_PUSH_WS_MESSAGES
            || in->inflated >= NGX_HTTP_PUSH_WS_INFLATED
            || s->inflight >= NGX_HTTP_PUSH_DISPATCH_INFLIGHT)
        {
            break;
        }

        switch (ngx_http_push_frame_parse(&in->parser, &p, last, &ev)) {

        case NGX_HTTP_PUSH_FRAME_AGAIN:
            return NGX_OK;

        case NGX_HTTP_PUSH_FRAME_CONTROL:
            ngx_http_push_ws_control_frame(s, &ev);
            break;

        case NGX_HTTP_PUSH_FRAME_DATA:
            if (ngx_http_push_ws_data(s, in, &ev) != NGX_OK) {
                return NGX_ERROR;
            }

            break;

        default: /* NGX_HTTP_PUSH_FRAME_ERROR */
            ngx_http_push_ws_fail(s, in, &ev);
        }
    }

    if (p == last) {
        return NGX_OK;
    }

    in->rest.len = last - p;
    in->rest.data = ngx_alloc(in->rest.len, s->connection->log);

    if (in->rest.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(in->rest.data, p, in->rest.len);

    /* otherwise the answer of the bus posts it */

    if (s->inflight < NGX_HTTP_PUSH_DISPATCH_INFLIGHT) {
        ngx_post_event(s->connection->read, &ngx_posted_next_events);
    }

    return NGX_AGAIN;
}


/* the input cannot be read any more */

static void
ngx_http_push_ws_fail(ngx_http_push_session_t *s,
    ngx_http_push_ws_input_t *in, ngx_http_push_frame_event_t *ev)
{
    ngx_log_error(NGX_LOG_INFO, s->connection->log, 0,
                  "push client sent invalid frame: %s", ev->reason);

    in->failed = 1;
    s->fin = 1;

    ngx_http_push_session_close(s, ngx_http_push_ws_reason(ev->code));
}


/* what is unfinished moves to the heap, what is finished leaves nothing */

static ngx_int_t
ngx_http_push_ws_keep(ngx_http_push_session_t *s, ngx_http_push_ws_input_t *in)
{
    ngx_uint_t  idle;

    idle = in->body == NULL
           && in->rest.data == NULL
           && !in->failed
           && ngx_http_push_frame_idle(&in->parser);

    if (s->input == NULL && !idle) {

        s->input = ngx_alloc(sizeof(ngx_http_push_ws_input_t),
                             s->connection->log);

        if (s->input == NULL) {

            if (in->body != NULL) {
                ngx_free(in->body);
            }

            if (in->rest.data != NULL) {
                ngx_free(in->rest.data);
            }

            return NGX_ERROR;
        }

        ngx_memcpy(s->input, in, sizeof(ngx_http_push_ws_input_t));

    } else if (s->input != NULL && idle) {
        ngx_http_push_ws_destroy(s);
    }

    return NGX_OK;
}


static void
ngx_http_push_ws_control_frame(ngx_http_push_session_t *s,
    ngx_http_push_frame_event_t *ev)
{
    ngx_http_push_form_t  *f;

    switch (ev->opcode) {

    case NGX_HTTP_PUSH_FRAME_CLOSE:
        ngx_http_push_ws_close_frame(s, ev);
        return;

    case NGX_HTTP_PUSH_FRAME_PONG:
        return;
    }

    /*
     * A ping.  Who sends pings and does not read is answered once, RFC 6455
     * 5.5.3.
     */

    if (s->closing || s->over || (s->blocked && s->ponged)) {
        return;
    }

    f = ngx_http_push_ws_control(NGX_HTTP_PUSH_FRAME_PONG, ev->data, ev->len,
                                 s->connection->log);

    if (f == NULL || ngx_http_push_session_send(s, f) != NGX_OK) {
        ngx_http_push_session_close(s, NGX_HTTP_PUSH_REASON_OVERLOAD);
    }

    if (f != NULL) {
        ngx_http_push_form_unref(f);
    }

    s->ponged = s->blocked;
}


/* the closing handshake, RFC 6455 7.1.2 */

static void
ngx_http_push_ws_close_frame(ngx_http_push_session_t *s,
    ngx_http_push_frame_event_t *ev)
{
    size_t                 len;
    u_char                 code[2];
    ngx_http_push_form_t  *f;

    if (!s->closing && !s->over) {

        len = 0;

        if (ev->code != NGX_HTTP_PUSH_FRAME_CODE_NONE) {
            code[0] = (u_char) (ev->code >> 8);
            code[1] = (u_char) ev->code;
            len = 2;
        }

        f = ngx_http_push_ws_control(NGX_HTTP_PUSH_FRAME_CLOSE, code, len,
                                     s->connection->log);
        if (f != NULL) {
            (void) ngx_http_push_session_send(s, f);
            ngx_http_push_form_unref(f);
        }

        if (s->hold != NULL) {
            s->hold->close_code = ev->code;
        }
    }

    ngx_http_push_session_peer_close(s);
}


static ngx_int_t
ngx_http_push_ws_data(ngx_http_push_session_t *s, ngx_http_push_ws_input_t *in,
    ngx_http_push_frame_event_t *ev)
{
    ngx_int_t   rc;
    ngx_str_t   message;
    ngx_uint_t  looked_at, wanted;

    /* nothing is gathered of what nobody will read, or inflate to check it */

    looked_at = !s->closing && !s->over;
    wanted = looked_at && ngx_http_push_dispatch_wanted(s);

    message.data = ev->data;
    message.len = ev->len;

    if ((wanted || (looked_at && ev->compressed))
        && !(ev->first && ev->last))
    {
        if (ngx_http_push_ws_append(in, ev, s->connection->log) != NGX_OK) {
            return NGX_ERROR;
        }

        message.data = in->body;
        message.len = in->len;
    }

    if (!ev->last) {
        return NGX_OK;
    }

    if (looked_at && ev->compressed) {
        rc = ngx_http_push_ws_inflated(s, in, ev, &message, wanted);

    } else {
        rc = ngx_http_push_ws_message(s, ev, &message, wanted);
    }

    if (in->body != NULL) {
        ngx_free(in->body);

        in->body = NULL;
        in->len = 0;
        in->room = 0;
    }

    return rc;
}


static ngx_int_t
ngx_http_push_ws_inflated(ngx_http_push_session_t *s,
    ngx_http_push_ws_input_t *in, ngx_http_push_frame_event_t *ev,
    ngx_str_t *payload, ngx_uint_t wanted)
{
    ngx_int_t  rc;
    ngx_str_t  message;

    ngx_str_null(&message);

    rc = ngx_http_push_permessage_inflate(s, ev, payload, &message);

    in->inflated += message.len;

    if (rc == NGX_DECLINED) {
        ngx_http_push_ws_fail(s, in, ev);
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_push_ws_message(s, ev, &message, wanted);

    ngx_http_push_permessage_release(&message);

    return rc;
}


static ngx_int_t
ngx_http_push_ws_message(ngx_http_push_session_t *s,
    ngx_http_push_frame_event_t *ev, ngx_str_t *message, ngx_uint_t wanted)
{
    if (s->hold != NULL) {
        s->hold->received++;
    }

    if (!wanted) {
        return NGX_OK;
    }

    return ngx_http_push_dispatch_raw(s, message->data, message->len,
                                 ev->opcode == NGX_HTTP_PUSH_FRAME_BINARY);
}


/* the parser has bounded the sum by push_max_message_size */

static ngx_int_t
ngx_http_push_ws_append(ngx_http_push_ws_input_t *in,
    ngx_http_push_frame_event_t *ev, ngx_log_t *log)
{
    size_t   room;
    u_char  *body;

    if (in->body == NULL || in->room - in->len < ev->len) {

        room = ngx_max(in->room * 2, NGX_HTTP_PUSH_WS_BODY);
        room = ngx_max(room, in->len + ev->len);

        body = ngx_alloc(room, log);
        if (body == NULL) {
            return NGX_ERROR;
        }

        if (in->body != NULL) {
            ngx_memcpy(body, in->body, in->len);
            ngx_free(in->body);
        }

        in->body = body;
        in->room = room;
    }

    ngx_memcpy(in->body + in->len, ev->data, ev->len);
    in->len += ev->len;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_push_ws_reason(ngx_uint_t code)
{
    switch (code) {

    case NGX_HTTP_PUSH_FRAME_CODE_DATA:
        return NGX_HTTP_PUSH_REASON_INVALID_DATA;

    case NGX_HTTP_PUSH_FRAME_CODE_TOO_LARGE:
        return NGX_HTTP_PUSH_REASON_TOO_LARGE;
    }

    return NGX_HTTP_PUSH_REASON_PROTOCOL;
}
