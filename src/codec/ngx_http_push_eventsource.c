/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: a message as an event of an event stream, HTML 9.2.6; owns
 * nothing.
 */


#include <string.h>

#include "ngx_http_push_base64.h"
#include "ngx_http_push_decimal.h"
#include "ngx_http_push_eventsource.h"


#define NGX_HTTP_PUSH_EVENTSOURCE_ID     "id: "
#define NGX_HTTP_PUSH_EVENTSOURCE_EVENT  "event: "
#define NGX_HTTP_PUSH_EVENTSOURCE_DATA   "data: "


static ngx_http_push_envelope_str_t ngx_http_push_eventsource_name(
    const ngx_http_push_eventsource_t *ev);
static size_t ngx_http_push_eventsource_body_size(
    const ngx_http_push_eventsource_t *ev);
static u_char *ngx_http_push_eventsource_write_body(u_char *dst,
    const ngx_http_push_eventsource_t *ev);
static const u_char *ngx_http_push_eventsource_end(const u_char *p,
    const u_char *last);
static u_char *ngx_http_push_eventsource_put(u_char *dst, const void *text,
    size_t len);


/* "data: " and the LF of a line */
#define NGX_HTTP_PUSH_EVENTSOURCE_LINE  sizeof(NGX_HTTP_PUSH_EVENTSOURCE_DATA)

#define ngx_http_push_eventsource_text(dst, text)                             \
    ngx_http_push_eventsource_put(dst, text, sizeof(text) - 1)


size_t
ngx_http_push_eventsource_size(const ngx_http_push_eventsource_t *ev)
{
    size_t                        size;
    ngx_http_push_envelope_str_t  name;

    size = ngx_http_push_eventsource_body_size(ev) + 1;

    if (ev->epoch.len != 0) {
        size += sizeof(NGX_HTTP_PUSH_EVENTSOURCE_ID) - 1 + ev->epoch.len + 1
                + ngx_http_push_decimal_size(ev->offset) + 1;
    }

    name = ngx_http_push_eventsource_name(ev);

    if (name.len != 0) {
        size += sizeof(NGX_HTTP_PUSH_EVENTSOURCE_EVENT) - 1 + name.len + 1;
    }

    return size;
}


u_char *
ngx_http_push_eventsource_write(u_char *dst,
    const ngx_http_push_eventsource_t *ev)
{
    ngx_http_push_envelope_str_t  name;

    if (ev->epoch.len != 0) {
        dst = ngx_http_push_eventsource_text(dst,
                                             NGX_HTTP_PUSH_EVENTSOURCE_ID);
        dst = ngx_http_push_eventsource_put(dst, ev->epoch.data,
                                            ev->epoch.len);
        *dst++ = ':';
        dst = ngx_http_push_decimal_write(dst, ev->offset);
        *dst++ = '\n';
    }

    name = ngx_http_push_eventsource_name(ev);

    if (name.len != 0) {
        dst = ngx_http_push_eventsource_text(dst,
                                             NGX_HTTP_PUSH_EVENTSOURCE_EVENT);
        dst = ngx_http_push_eventsource_put(dst, name.data, name.len);
        *dst++ = '\n';
    }

    dst = ngx_http_push_eventsource_write_body(dst, ev);

    *dst++ = '\n';

    return dst;
}


/* up to the first line break: of an event's name nobody expects one */

static ngx_http_push_envelope_str_t
ngx_http_push_eventsource_name(const ngx_http_push_eventsource_t *ev)
{
    ngx_http_push_envelope_str_t  name;

    if (ev->binary) {
        name.data = (const u_char *) NGX_HTTP_PUSH_EVENTSOURCE_BINARY;
        name.len = sizeof(NGX_HTTP_PUSH_EVENTSOURCE_BINARY) - 1;

        return name;
    }

    name = ev->event;

    if (name.len != 0) {
        name.len = ngx_http_push_eventsource_end(name.data,
                                                 name.data + name.len)
                   - name.data;
    }

    return name;
}


static size_t
ngx_http_push_eventsource_body_size(const ngx_http_push_eventsource_t *ev)
{
    size_t         size;
    const u_char  *p, *end, *last;

    if (ev->binary) {
        return NGX_HTTP_PUSH_EVENTSOURCE_LINE
               + ngx_http_push_base64_size(ev->body.len);
    }

    size = 0;

    p = ev->body.data;
    last = p + ev->body.len;

    for ( ;; ) {
        end = ngx_http_push_eventsource_end(p, last);

        size += NGX_HTTP_PUSH_EVENTSOURCE_LINE + (end - p);

        if (end == last) {
            return size;
        }

        p = end + 1;

        if (*end == '\r' && p != last && *p == '\n') {
            p++;
        }
    }
}


static u_char *
ngx_http_push_eventsource_write_body(u_char *dst,
    const ngx_http_push_eventsource_t *ev)
{
    const u_char  *p, *end, *last;

    if (ev->binary) {
        dst = ngx_http_push_eventsource_text(dst,
                                             NGX_HTTP_PUSH_EVENTSOURCE_DATA);
        dst = ngx_http_push_base64_write(dst, ev->body.data, ev->body.len);
        *dst++ = '\n';

        return dst;
    }

    p = ev->body.data;
    last = p + ev->body.len;

    for ( ;; ) {
        end = ngx_http_push_eventsource_end(p, last);

        dst = ngx_http_push_eventsource_text(dst,
                                             NGX_HTTP_PUSH_EVENTSOURCE_DATA);
        dst = ngx_http_push_eventsource_put(dst, p, end - p);
        *dst++ = '\n';

        if (end == last) {
            return dst;
        }

        p = end + 1;

        if (*end == '\r' && p != last && *p == '\n') {
            p++;
        }
    }
}


/* of the line that begins at p: its line break or last */

static const u_char *
ngx_http_push_eventsource_end(const u_char *p, const u_char *last)
{
    while (p != last && *p != '\n' && *p != '\r') {
        p++;
    }

    return p;
}


static u_char *
ngx_http_push_eventsource_put(u_char *dst, const void *text, size_t len)
{
    if (len != 0) {
        memcpy(dst, text, len);
    }

    return dst + len;
}
