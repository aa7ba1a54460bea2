
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: the bytes of WebSocket, HTTP and RESP, as far as the tools
 * beside this file speak them.
 */


#define _GNU_SOURCE

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "wire.h"


#define ngx_http_push_wire_rotate(x, n)  (((x) << (n)) | ((x) >> (32 - (n))))


static void ngx_http_push_wire_sha1(const uint8_t *p, size_t size,
    uint8_t *digest);
static void ngx_http_push_wire_sha1_block(uint32_t *h, const uint8_t *p);
static long ngx_http_push_wire_read_number(const char *p, size_t size,
    int64_t *number);


static const char  ngx_http_push_wire_guid[] =
                                       "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

static const char  ngx_http_push_wire_base64[] =
           "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";


void
ngx_http_push_wire_accept(const char *key, size_t length, char *accept)
{
    char      text[128];
    int       i, n;
    uint8_t   digest[21];
    uint32_t  v;

    if (length > 64) {
        length = 64;
    }

    n = snprintf(text, sizeof(text), "%.*s%s", (int) length, key,
                 ngx_http_push_wire_guid);

    ngx_http_push_wire_sha1((uint8_t *) text, (size_t) n, digest);
    digest[20] = 0;

    for (i = 0; i < 7; i++) {
        v = (uint32_t) digest[i * 3] << 16
            | (uint32_t) digest[i * 3 + 1] << 8
            | digest[i * 3 + 2];

        *accept++ = ngx_http_push_wire_base64[v >> 18 & 63];
        *accept++ = ngx_http_push_wire_base64[v >> 12 & 63];
        *accept++ = ngx_http_push_wire_base64[v >> 6 & 63];
        *accept++ = ngx_http_push_wire_base64[v & 63];
    }

    /* 20 bytes are six groups and two thirds */
    accept[-1] = '=';
    *accept = '\0';
}


int
ngx_http_push_wire_read_frame(ngx_http_push_wire_frame_t *f, const uint8_t *p,
    size_t size)
{
    int       i, n;
    uint64_t  length;

    if (size < 2) {
        return 0;
    }

    if (p[0] & 0x70) {
        return -1;
    }

    f->fin = p[0] >> 7;
    f->opcode = p[0] & 0x0f;
    f->masked = p[1] >> 7;

    length = p[1] & 0x7f;
    n = (length == 126) ? 2 : (length == 127) ? 8 : 0;

    f->head = (uint32_t) (2 + n + (f->masked ? 4 : 0));

    if (size < f->head) {
        return 0;
    }

    if (n) {
        length = 0;

        for (i = 0; i < n; i++) {
            length = length << 8 | p[2 + i];
        }
    }

    f->length = length;

    return 1;
}


size_t
ngx_http_push_wire_write_frame(uint8_t *p, uint8_t opcode, size_t length,
    const uint8_t *mask)
{
    int     i, n;
    size_t  head;

    p[0] = 0x80 | opcode;

    if (length < 126) {
        p[1] = (uint8_t) length;
        n = 0;

    } else if (length < 65536) {
        p[1] = 126;
        n = 2;

    } else {
        p[1] = 127;
        n = 8;
    }

    for (i = 0; i < n; i++) {
        p[2 + i] = (uint8_t) ((uint64_t) length >> 8 * (n - 1 - i));
    }

    head = 2 + (size_t) n;

    if (mask) {
        p[1] |= 0x80;
        memcpy(p + head, mask, 4);
        head += 4;
    }

    return head;
}


size_t
ngx_http_push_wire_head(const char *p, size_t size)
{
    const char  *end;

    end = memmem(p, size, "\r\n\r\n", 4);

    return (end == NULL) ? 0 : (size_t) (end - p) + 4;
}


int
ngx_http_push_wire_header(const char *head, size_t size, const char *name,
    const char **value)
{
    size_t       length;
    const char  *p, *end, *line;

    p = head;
    end = head + size;
    length = strlen(name);

    for ( ;; ) {
        line = memchr(p, '\n', (size_t) (end - p));

        if (line == NULL || (size_t) (end - line) <= length) {
            return -1;
        }

        p = line + 1;

        if (strncasecmp(p, name, length) != 0) {
            continue;
        }

        p += length;

        while (p < end && *p == ' ') {
            p++;
        }

        line = memchr(p, '\r', (size_t) (end - p));

        if (line == NULL) {
            return -1;
        }

        *value = p;

        return (int) (line - p);
    }
}


long
ngx_http_push_wire_read_reply(ngx_http_push_wire_reply_t *r, const char *p,
    size_t size)
{
    long  n;

    if (size < 3) {
        return 0;
    }

    r->type = p[0];
    r->data = p + 1;
    r->length = 0;

    if (p[0] == '+' || p[0] == '-') {
        r->data = p + 1;
        p = memchr(p, '\n', size);

        if (p == NULL) {
            return 0;
        }

        r->length = (size_t) (p - r->data) - 1;

        return (long) r->length + 3;
    }

    if (p[0] != ':' && p[0] != '$' && p[0] != '*') {
        return -1;
    }

    n = ngx_http_push_wire_read_number(p + 1, size - 1, &r->number);

    if (n <= 0) {
        return n;
    }

    n++;

    if (p[0] != '$' || r->number < 0) {
        return n;
    }

    if (r->number > 1 << 26) {
        return -1;
    }

    if (size < (size_t) n + (size_t) r->number + 2) {
        return 0;
    }

    r->data = p + n;
    r->length = (size_t) r->number;

    return n + (long) r->number + 2;
}


size_t
ngx_http_push_wire_write_command(char *p, size_t size, int argc,
    const char **argv, const size_t *length)
{
    int     i;
    size_t  n;

    if (size < 32) {
        return 0;
    }

    n = (size_t) snprintf(p, size, "*%d\r\n", argc);

    for (i = 0; i < argc; i++) {
        if (size - n < length[i] + 32) {
            return 0;
        }

        n += (size_t) snprintf(p + n, size - n, "$%zu\r\n", length[i]);
        memcpy(p + n, argv[i], length[i]);
        n += length[i];
        p[n++] = '\r';
        p[n++] = '\n';
    }

    return n;
}


static long
ngx_http_push_wire_read_number(const char *p, size_t size, int64_t *number)
{
    int      negative;
    long     i;
    int64_t  value;

    value = 0;
    negative = (p[0] == '-');

    for (i = negative; (size_t) i < size && i < 20; i++) {

        if (p[i] == '\r') {
            if ((size_t) i + 1 >= size) {
                return 0;
            }

            *number = negative ? -value : value;

            return i + 2;
        }

        if (p[i] < '0' || p[i] > '9') {
            return -1;
        }

        value = value * 10 + (p[i] - '0');
    }

    return (i < 20) ? 0 : -1;
}


static void
ngx_http_push_wire_sha1(const uint8_t *p, size_t size, uint8_t *digest)
{
    int       i;
    size_t    n;
    uint8_t   block[128];
    uint32_t  h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
                       0xc3d2e1f0 };

    for (n = size; n >= 64; n -= 64) {
        ngx_http_push_wire_sha1_block(h, p);
        p += 64;
    }

    memset(block, 0, sizeof(block));
    memcpy(block, p, n);
    block[n] = 0x80;

    n = (n < 56) ? 64 : 128;

    for (i = 0; i < 8; i++) {
        block[n - 1 - (size_t) i] = (uint8_t) ((uint64_t) size * 8 >> 8 * i);
    }

    ngx_http_push_wire_sha1_block(h, block);

    if (n == 128) {
        ngx_http_push_wire_sha1_block(h, block + 64);
    }

    for (i = 0; i < 20; i++) {
        digest[i] = (uint8_t) (h[i / 4] >> 8 * (3 - i % 4));
    }
}


static void
ngx_http_push_wire_sha1_block(uint32_t *h, const uint8_t *p)
{
    int       i;
    uint32_t  a, b, c, d, e, f, k, t, w[80];

    for (i = 0; i < 16; i++) {
        w[i] = (uint32_t) p[i * 4] << 24 | (uint32_t) p[i * 4 + 1] << 16
               | (uint32_t) p[i * 4 + 2] << 8 | p[i * 4 + 3];
    }

    for (i = 16; i < 80; i++) {
        t = w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16];
        w[i] = ngx_http_push_wire_rotate(t, 1);
    }

    a = h[0];
    b = h[1];
    c = h[2];
    d = h[3];
    e = h[4];

    for (i = 0; i < 80; i++) {

        if (i < 20) {
            f = (b & c) | (~b & d);
            k = 0x5a827999;

        } else if (i < 40) {
            f = b ^ c ^ d;
            k = 0x6ed9eba1;

        } else if (i < 60) {
            f = (b & c) | (b & d) | (c & d);
            k = 0x8f1bbcdc;

        } else {
            f = b ^ c ^ d;
            k = 0xca62c1d6;
        }

        t = ngx_http_push_wire_rotate(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = ngx_http_push_wire_rotate(b, 30);
        b = a;
        a = t;
    }

    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}
