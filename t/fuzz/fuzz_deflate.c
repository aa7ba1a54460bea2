
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Any bytes as a header, as a compressed message and as a message: an answer
 * is an offer that gets the same answer; what comes out is the same in
 * whatever pieces it went in, and within its bound; what was compressed comes
 * back.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ngx_http_push_deflate.h"


#define MOST  20000


typedef struct {
    int      rc;
    size_t   len;
    u_char   out[MOST + 1];
} outcome_t;


static ngx_http_push_deflate_t  *deflater;


static void
expect(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "broken: %s\n", what);
        abort();
    }
}


static void
check_header(const u_char *data, size_t size)
{
    u_char                         *in;
    size_t                          len, twice;
    u_char                          answer[NGX_HTTP_PUSH_DEFLATE_ANSWER_MAX];
    u_char                          again[NGX_HTTP_PUSH_DEFLATE_ANSWER_MAX];
    ngx_http_push_deflate_terms_t   a, b;

    in = malloc(size ? size : 1);

    if (size) {
        memcpy(in, data, size);
    }

    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));

    (void) ngx_http_push_deflate_negotiate(&a, in, size);

    free(in);

    if (!a.accepted) {
        return;
    }

    expect(a.server_bits >= 8 && a.server_bits <= 15, "the server's window");
    expect(a.client_bits >= 8 && a.client_bits <= 15, "the client's window");
    expect(ngx_http_push_deflate_window(a.server_bits) <= a.server_bits,
           "our window");

    len = ngx_http_push_deflate_answer(&a, answer);

    expect(len <= sizeof(answer), "the size of an answer");
    expect(ngx_http_push_deflate_negotiate(&b, answer, len) && b.accepted,
           "an answer is an offer");

    twice = ngx_http_push_deflate_answer(&b, again);

    expect(twice == len && memcmp(answer, again, len) == 0,
           "the same answer");
}


/* in pieces of up to most bytes, out pieces of up to room; 0: at once */

static void
inflate_in(outcome_t *o, const u_char *data, size_t size, uint64_t max,
    size_t most, size_t room)
{
    int            rc, last;
    size_t         at, n, size_out;
    u_char        *in, *out;
    const u_char  *pos;

    ngx_http_push_deflate_begin(deflater, max);

    o->len = 0;
    at = 0;

    do {
        n = most && most < size - at ? most : size - at;
        last = (at + n == size);

        in = malloc(n ? n : 1);

        if (n) {
            memcpy(in, data + at, n);
        }

        pos = in;

        do {
            size_out = room ? room : MOST + 1;
            out = malloc(size_out);

            rc = ngx_http_push_deflate_inflate(deflater, &pos, in + n, last,
                                               out, &size_out);

            expect(o->len + size_out <= max + 1, "the bound");
            memcpy(o->out + o->len, out, size_out);
            o->len += size_out;

            free(out);

        } while (rc == NGX_HTTP_PUSH_DEFLATE_MORE);

        expect(rc != NGX_HTTP_PUSH_DEFLATE_OK || pos == in + n,
               "all is taken");

        free(in);
        at += n;

    } while (rc == NGX_HTTP_PUSH_DEFLATE_OK && !last);

    o->rc = rc;
}


static void
check_inflate(const u_char *data, size_t size, unsigned how)
{
    uint64_t          max;
    static outcome_t  a, b;

    max = (how & 3) == 3 ? MOST : 1 + how * 7;

    inflate_in(&a, data, size, max, 0, 0);
    inflate_in(&b, data, size, max, 1 + how % 7, 1 + how % 300);

    expect(a.rc == b.rc, "the outcome is the same in any pieces");
    expect(a.len == b.len && memcmp(a.out, b.out, a.len) == 0,
           "what comes out is the same in any pieces");
    expect((a.rc == NGX_HTTP_PUSH_DEFLATE_TOO_LARGE) == (a.len == max + 1),
           "one byte too many is told");
}


static void
check_compress(const u_char *data, size_t size, unsigned how)
{
    size_t                        len;
    u_char                       *out;
    static outcome_t              o;
    ngx_http_push_deflate_how_t   method;

    if (size > MOST) {
        return;
    }

    method.level = 1 + how % 9;
    method.window = how & 16 ? NGX_HTTP_PUSH_DEFLATE_SMALL
                             : NGX_HTTP_PUSH_DEFLATE_LARGE;

    len = size + size / 8 + 100;
    out = malloc(len);

    expect(ngx_http_push_deflate_compress(deflater, method, data, size, out,
                                          &len)
           == NGX_HTTP_PUSH_DEFLATE_OK, "room for what is compressed");

    inflate_in(&o, out, len, size ? size : 1, 1 + how % 50, 0);

    expect(o.rc == NGX_HTTP_PUSH_DEFLATE_OK && o.len == size
           && (size == 0 || memcmp(o.out, data, size) == 0),
           "what was compressed comes back");

    free(out);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char    *with;
    unsigned   how;

    static const char  name[] = "permessage-deflate; ";

    if (deflater == NULL) {
        deflater = ngx_http_push_deflate_create();
    }

    how = size ? data[0] : 0;

    check_header(data, size);
    check_inflate(data, size, how);
    check_compress(data, size, how);

    /* behind the name, so that all of the grammar is reached soon */

    with = malloc(size + sizeof(name));
    memcpy(with, name, sizeof(name) - 1);

    if (size) {
        memcpy(with + sizeof(name) - 1, data, size);
        check_inflate(data + 1, size - 1, how);
    }

    check_header(with, size + sizeof(name) - 1);

    free(with);

    return 0;
}
