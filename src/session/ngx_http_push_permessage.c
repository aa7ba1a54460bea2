/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: permessage-deflate: owns this worker's compressors and inflater.
 *
 * No connection has any of its own.  What a client sends compressed is
 * gathered as it comes, like any unfinished message, and inflated when it is
 * complete: a client that stops in the middle holds what it has sent.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_deflate.h"
#include "ngx_http_push_permessage.h"
#include "ngx_http_push_utf8.h"


#define NGX_HTTP_PUSH_PERMESSAGE_BUFFER  16384
#define NGX_HTTP_PUSH_PERMESSAGE_OPCODE  0x0f    /* RFC 6455 5.2 */

/* to compress more would hold the loop for longer than a broadcast may */
#define NGX_HTTP_PUSH_PERMESSAGE_MAX     (512 * 1024)


static ngx_http_push_deflate_t *ngx_http_push_permessage_codec(void);
static ngx_http_push_form_t *ngx_http_push_permessage_compress(
    ngx_http_push_form_t *plain, ngx_http_push_deflate_how_t how,
    u_char *room, ngx_log_t *log);
static size_t ngx_http_push_permessage_header(ngx_http_push_form_t *f);
static ngx_int_t ngx_http_push_permessage_grow(ngx_str_t *message,
    size_t *room, ngx_log_t *log);
static ngx_int_t ngx_http_push_permessage_refuse(
    ngx_http_push_frame_event_t *ev, ngx_uint_t code, const char *reason);
static ngx_int_t ngx_http_push_permessage_check(
    ngx_http_push_frame_event_t *ev, ngx_str_t *message);


static ngx_http_push_deflate_t  *ngx_http_push_permessage_deflate;
static u_char  ngx_http_push_permessage_buffer[NGX_HTTP_PUSH_PERMESSAGE_BUFFER];


void
ngx_http_push_permessage_stop(void)
{
    if (ngx_http_push_permessage_deflate != NULL) {
        ngx_http_push_deflate_destroy(ngx_http_push_permessage_deflate);
        ngx_http_push_permessage_deflate = NULL;
    }
}


static ngx_http_push_deflate_t *
ngx_http_push_permessage_codec(void)
{
    if (ngx_http_push_permessage_deflate == NULL) {
        ngx_http_push_permessage_deflate = ngx_http_push_deflate_create();
    }

    return ngx_http_push_permessage_deflate;
}


void
ngx_http_push_permessage_open(ngx_http_push_session_t *s, ngx_uint_t bits)
{
    s->deflate = 1;

    switch (ngx_http_push_deflate_window(bits)) {

    case NGX_HTTP_PUSH_DEFLATE_LARGE:
        s->outq.form += NGX_HTTP_PUSH_FORM_DEFLATE;
        break;

    case NGX_HTTP_PUSH_DEFLATE_SMALL:
        s->outq.form += NGX_HTTP_PUSH_FORM_DEFLATE_4K;
        break;
    }
}


ngx_http_push_form_t *
ngx_http_push_permessage_encode(ngx_http_push_session_t *s,
    ngx_http_push_msg_t *m, ngx_http_push_form_t *plain)
{
    u_char                       *room;
    size_t                        len;
    ngx_log_t                    *log;
    ngx_uint_t                    first;
    ngx_http_push_form_t         *f;
    ngx_http_push_deflate_how_t   how;

    log = s->connection->log;

    if (plain->control || plain->len == 0) {

        /* a notice */

        return NULL;
    }

    len = plain->len - ngx_http_push_permessage_header(plain);

    if (len < s->limits->deflate_min || len < 2
        || len > NGX_HTTP_PUSH_PERMESSAGE_MAX)
    {
        return NULL;
    }

    how.level = s->limits->deflate_level;
    how.window = NGX_HTTP_PUSH_DEFLATE_LARGE;

    first = ngx_http_push_form_plain(s->outq.form);

    if (s->outq.form == first + NGX_HTTP_PUSH_FORM_DEFLATE_4K) {
        how.window = NGX_HTTP_PUSH_DEFLATE_SMALL;
    }

    if (len <= NGX_HTTP_PUSH_DEFLATE_SMALL_SIZE) {

        /* in both forms it is the same */

        f = m->forms[first + NGX_HTTP_PUSH_FORM_DEFLATE];

        if (f == NULL) {
            f = m->forms[first + NGX_HTTP_PUSH_FORM_DEFLATE_4K];
        }

        if (f != NULL) {
            return ngx_http_push_form_ref(f);
        }

        how.window = NGX_HTTP_PUSH_DEFLATE_SMALL;
    }

    room = ngx_alloc(len + NGX_HTTP_PUSH_DEFLATE_MARGIN, log);
    if (room == NULL) {
        return NULL;
    }

    f = ngx_http_push_permessage_compress(plain, how, room, log);

    ngx_free(room);

    return f;
}


/* NULL also where the result would not be smaller */

static ngx_http_push_form_t *
ngx_http_push_permessage_compress(ngx_http_push_form_t *plain,
    ngx_http_push_deflate_how_t how, u_char *room, ngx_log_t *log)
{
    size_t                    len, size, header;
    ngx_uint_t                opcode;
    ngx_http_push_form_t     *f;
    ngx_http_push_deflate_t  *d;

    d = ngx_http_push_permessage_codec();
    if (d == NULL) {
        return NULL;
    }

    header = ngx_http_push_permessage_header(plain);
    len = plain->len - header;

    size = len - 1 + NGX_HTTP_PUSH_DEFLATE_MARGIN;

    if (ngx_http_push_deflate_compress(d, how, plain->data + header, len, room,
                                       &size)
        != NGX_HTTP_PUSH_DEFLATE_OK)
    {
        return NULL;
    }

    header = ngx_http_push_frame_header_size(size);

    f = ngx_http_push_form_create(header + size, log);
    if (f == NULL) {
        return NULL;
    }

    opcode = plain->data[0] & NGX_HTTP_PUSH_PERMESSAGE_OPCODE;

    (void) ngx_http_push_frame_header(f->data, opcode, 1, size);

    ngx_memcpy(f->data + header, room, size);

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, log, 0,
                   "push deflate: %uz bytes to %uz, window %ui",
                   len, size, (ngx_uint_t) how.window);

    return f;
}


/* how much of a frame of ours is its header */

static size_t
ngx_http_push_permessage_header(ngx_http_push_form_t *f)
{
    size_t  header;

    for (header = 2; header < NGX_HTTP_PUSH_FRAME_HEADER_MAX; header += 2) {

        if (ngx_http_push_frame_header_size(f->len - header) == header) {
            break;
        }
    }

    return header;
}


ngx_int_t
ngx_http_push_permessage_inflate(ngx_http_push_session_t *s,
    ngx_http_push_frame_event_t *ev, ngx_str_t *payload, ngx_str_t *message)
{
    int                       rc;
    size_t                    room, size;
    const u_char             *pos, *end;
    ngx_http_push_deflate_t  *d;

    d = ngx_http_push_permessage_codec();
    if (d == NULL) {
        return NGX_ERROR;
    }

    pos = payload->data;
    end = pos + payload->len;

    message->data = ngx_http_push_permessage_buffer;
    message->len = 0;

    room = NGX_HTTP_PUSH_PERMESSAGE_BUFFER;

    ngx_http_push_deflate_begin(d, s->limits->max_message_size);

    for ( ;; ) {
        size = room - message->len;

        rc = ngx_http_push_deflate_inflate(d, &pos, end, 1,
                                           message->data + message->len,
                                           &size);
        message->len += size;

        if (rc != NGX_HTTP_PUSH_DEFLATE_MORE) {
            break;
        }

        if (ngx_http_push_permessage_grow(message, &room, s->connection->log)
            != NGX_OK)
        {
            rc = NGX_HTTP_PUSH_DEFLATE_NO_MEMORY;
            break;
        }
    }

    switch (rc) {

    case NGX_HTTP_PUSH_DEFLATE_OK:
        rc = ngx_http_push_permessage_check(ev, message);
        break;

    case NGX_HTTP_PUSH_DEFLATE_TOO_LARGE:
        rc = ngx_http_push_permessage_refuse(ev,
                                        NGX_HTTP_PUSH_FRAME_CODE_TOO_LARGE,
                                        "message too large when inflated");
        break;

    case NGX_HTTP_PUSH_DEFLATE_INVALID:
        rc = ngx_http_push_permessage_refuse(ev,
                                        NGX_HTTP_PUSH_FRAME_CODE_DATA,
                                        "compressed data is invalid");
        break;

    default:
        rc = NGX_ERROR;
    }

    if (rc != NGX_OK) {
        ngx_http_push_permessage_release(message);
    }

    return rc;
}


/* doubles it, and so stays below twice what the client may send */

static ngx_int_t
ngx_http_push_permessage_grow(ngx_str_t *message, size_t *room,
    ngx_log_t *log)
{
    u_char  *data;

    data = ngx_alloc(2 * *room, log);
    if (data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(data, message->data, message->len);

    ngx_http_push_permessage_release(message);

    message->data = data;
    *room *= 2;

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_permessage_refuse(ngx_http_push_frame_event_t *ev,
    ngx_uint_t code, const char *reason)
{
    ev->code = code;
    ev->reason = reason;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_push_permessage_check(ngx_http_push_frame_event_t *ev,
    ngx_str_t *message)
{
    uint32_t  utf8;

    if (ev->opcode != NGX_HTTP_PUSH_FRAME_TEXT) {
        return NGX_OK;
    }

    utf8 = NGX_HTTP_PUSH_UTF8_START;

    if (!ngx_http_push_utf8_validate(&utf8, message->data, message->len)
        || !ngx_http_push_utf8_complete(utf8))
    {
        return ngx_http_push_permessage_refuse(ev,
                                               NGX_HTTP_PUSH_FRAME_CODE_DATA,
                                               "text is not UTF-8");
    }

    return NGX_OK;
}


void
ngx_http_push_permessage_release(ngx_str_t *message)
{
    if (message->data != ngx_http_push_permessage_buffer) {
        ngx_free(message->data);
    }

    message->data = ngx_http_push_permessage_buffer;
}
