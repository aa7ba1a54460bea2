
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: cursors, by which a client says where it goes on; owns
 * nothing.
 */


#include <string.h>

#include "ngx_http_push_cursor.h"
#include "ngx_http_push_decimal.h"
#include "ngx_http_push_envelope.h"


#define NGX_HTTP_PUSH_CURSOR_HASH  8          /* hex digits */


static const u_char *ngx_http_push_cursor_find(const u_char *text, size_t len,
    u_char ch);
static void ngx_http_push_cursor_read_named(const u_char *text, size_t len,
    const u_char *id, ngx_http_push_cursor_t *channels, size_t n);
static int ngx_http_push_cursor_read_entries(const u_char *text, size_t len,
    ngx_http_push_cursor_t *channels, size_t n);
static int ngx_http_push_cursor_read_hash(const u_char *text, size_t len,
    uint32_t *hash);
static int ngx_http_push_cursor_read_id(const u_char *text, size_t len,
    ngx_http_push_cursor_t *cursor);
static int ngx_http_push_cursor_epoch_valid(const u_char *text, size_t len);
static void ngx_http_push_cursor_set(ngx_http_push_cursor_t *channel,
    const ngx_http_push_cursor_t *value);
static void ngx_http_push_cursor_spoil(ngx_http_push_cursor_t *channels,
    size_t n);
static u_char *ngx_http_push_cursor_write_id(u_char *dst,
    const ngx_http_push_cursor_t *channel);


void
ngx_http_push_cursor_read(const u_char *text, size_t len,
    ngx_http_push_cursor_t *channels, size_t n)
{
    size_t                  i;
    const u_char           *p;
    ngx_http_push_cursor_t  id;

    if (len == 0) {
        return;
    }

    /* a name may have any of our characters, an id has no "=" */

    for (p = text + len; p > text; p--) {

        if (p[-1] == '=') {
            ngx_http_push_cursor_read_named(text, len, p, channels, n);
            return;
        }
    }

    if (ngx_http_push_cursor_read_id(text, len, &id)) {

        if (n != 1 && id.kind != NGX_HTTP_PUSH_CURSOR_TAIL) {
            ngx_http_push_cursor_spoil(channels, n);
            return;
        }

        for (i = 0; i < n; i++) {
            ngx_http_push_cursor_set(&channels[i], &id);
        }

        return;
    }

    if (!ngx_http_push_cursor_read_entries(text, len, channels, n)) {
        ngx_http_push_cursor_spoil(channels, n);
    }
}


static const u_char *
ngx_http_push_cursor_find(const u_char *text, size_t len, u_char ch)
{
    const u_char  *p;

    p = memchr(text, ch, len);

    return p ? p : text + len;
}


/* the id begins behind the "=" */

static void
ngx_http_push_cursor_read_named(const u_char *text, size_t len,
    const u_char *id, ngx_http_push_cursor_t *channels, size_t n)
{
    size_t                  i, name;
    ngx_http_push_cursor_t  value;

    name = id - 1 - text;
    len -= name + 1;

    if (len == 0) {
        return;
    }

    if (!ngx_http_push_cursor_read_id(id, len, &value)) {
        value.kind = NGX_HTTP_PUSH_CURSOR_BAD;
    }

    for (i = 0; i < n; i++) {

        if (channels[i].len == name
            && memcmp(channels[i].name, text, name) == 0)
        {
            ngx_http_push_cursor_set(&channels[i], &value);
        }
    }
}


/* 0: not all of it could be read; what could is set */

static int
ngx_http_push_cursor_read_entries(const u_char *text, size_t len,
    ngx_http_push_cursor_t *channels, size_t n)
{
    int                     ok;
    size_t                  i, size;
    uint32_t                hash;
    const u_char           *last;
    ngx_http_push_cursor_t  value;

    ok = 1;
    last = text + len;

    for ( ;; ) {
        size = ngx_http_push_cursor_find(text, last - text, ',') - text;

        if (ngx_http_push_cursor_read_hash(text, size, &hash)
            && ngx_http_push_cursor_read_id(
                                     text + NGX_HTTP_PUSH_CURSOR_HASH + 1,
                                     size - NGX_HTTP_PUSH_CURSOR_HASH - 1,
                                     &value))
        {
            for (i = 0; i < n; i++) {

                if (channels[i].hash == hash) {
                    ngx_http_push_cursor_set(&channels[i], &value);
                }
            }

        } else {
            ok = 0;
        }

        text += size;

        if (text == last) {
            return ok;
        }

        text++;
    }
}


static int
ngx_http_push_cursor_read_hash(const u_char *text, size_t len, uint32_t *hash)
{
    size_t    i;
    u_char    ch;
    uint32_t  value;

    if (len <= NGX_HTTP_PUSH_CURSOR_HASH
        || text[NGX_HTTP_PUSH_CURSOR_HASH] != '.')
    {
        return 0;
    }

    value = 0;

    for (i = 0; i < NGX_HTTP_PUSH_CURSOR_HASH; i++) {
        ch = text[i];

        if (ch >= '0' && ch <= '9') {
            ch -= '0';

        } else if (ch >= 'a' && ch <= 'f') {
            ch -= 'a' - 10;

        } else {
            return 0;
        }

        value = value << 4 | ch;
    }

    *hash = value;

    return 1;
}


static int
ngx_http_push_cursor_read_id(const u_char *text, size_t len,
    ngx_http_push_cursor_t *cursor)
{
    size_t  size;

    if (len > 1 && text[0] == '-' && text[1] != ':') {
        cursor->kind = NGX_HTTP_PUSH_CURSOR_TAIL;

        return ngx_http_push_decimal_read(text + 1, len - 1, &cursor->n);
    }

    size = ngx_http_push_cursor_find(text, len, ':') - text;

    if (size == len
        || !ngx_http_push_decimal_read(text + size + 1, len - size - 1,
                                       &cursor->n))
    {
        return 0;
    }

    cursor->kind = NGX_HTTP_PUSH_CURSOR_AFTER;
    cursor->epoch = text;
    cursor->epoch_len = size;

    if (size == 1 && text[0] == '-') {
        cursor->epoch_len = 0;

        return cursor->n == 0;
    }

    return ngx_http_push_cursor_epoch_valid(text, size);
}


static int
ngx_http_push_cursor_epoch_valid(const u_char *text, size_t len)
{
    size_t  i;
    u_char  ch;

    if (len == 0 || len > NGX_HTTP_PUSH_ENVELOPE_EPOCH_MAX) {
        return 0;
    }

    for (i = 0; i < len; i++) {
        ch = text[i];

        if (!(ch >= '0' && ch <= '9')
            && !(ch >= 'a' && ch <= 'z')
            && !(ch >= 'A' && ch <= 'Z'))
        {
            return 0;
        }
    }

    return 1;
}


/* what was understood before holds */

static void
ngx_http_push_cursor_set(ngx_http_push_cursor_t *channel,
    const ngx_http_push_cursor_t *value)
{
    if (channel->kind != NGX_HTTP_PUSH_CURSOR_NOW
        && channel->kind != NGX_HTTP_PUSH_CURSOR_BAD)
    {
        return;
    }

    channel->kind = value->kind;

    if (value->kind == NGX_HTTP_PUSH_CURSOR_BAD) {
        return;
    }

    channel->n = value->n;

    if (value->kind == NGX_HTTP_PUSH_CURSOR_AFTER) {
        channel->epoch = value->epoch;
        channel->epoch_len = value->epoch_len;
    }
}


static void
ngx_http_push_cursor_spoil(ngx_http_push_cursor_t *channels, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {

        if (channels[i].kind == NGX_HTTP_PUSH_CURSOR_NOW) {
            channels[i].kind = NGX_HTTP_PUSH_CURSOR_BAD;
        }
    }
}


u_char *
ngx_http_push_cursor_write(u_char *dst,
    const ngx_http_push_cursor_t *channels, size_t n)
{
    int       shift;
    size_t    i;
    u_char   *p;

    static const char  hex[] = "0123456789abcdef";

    if (n == 1) {
        return ngx_http_push_cursor_write_id(dst, channels);
    }

    p = dst;

    for (i = 0; i < n; i++) {

        if (channels[i].kind != NGX_HTTP_PUSH_CURSOR_AFTER) {
            continue;
        }

        if (p != dst) {
            *p++ = ',';
        }

        for (shift = 28; shift >= 0; shift -= 4) {
            *p++ = (u_char) hex[channels[i].hash >> shift & 0xf];
        }

        *p++ = '.';
        p = ngx_http_push_cursor_write_id(p, &channels[i]);
    }

    return p;
}


static u_char *
ngx_http_push_cursor_write_id(u_char *dst,
    const ngx_http_push_cursor_t *channel)
{
    if (channel->kind != NGX_HTTP_PUSH_CURSOR_AFTER) {
        return dst;
    }

    if (channel->epoch_len == 0) {
        *dst++ = '-';

    } else {
        memcpy(dst, channel->epoch, channel->epoch_len);
        dst += channel->epoch_len;
    }

    *dst++ = ':';

    return ngx_http_push_decimal_write(dst, channel->n);
}
