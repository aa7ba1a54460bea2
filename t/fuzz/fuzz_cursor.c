
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Any bytes as cursors of any number of channels: what is understood is within
 * its bounds, and is written and read as the same again.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ngx_http_push_cursor.h"
#include "ngx_http_push_envelope.h"


static void
expect(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "broken: %s\n", what);
        abort();
    }
}


static void
expect_good(const ngx_http_push_cursor_t *c, const u_char *in, size_t len)
{
    switch (c->kind) {

    case NGX_HTTP_PUSH_CURSOR_NOW:
    case NGX_HTTP_PUSH_CURSOR_TAIL:
    case NGX_HTTP_PUSH_CURSOR_BAD:
        return;

    case NGX_HTTP_PUSH_CURSOR_AFTER:
        expect(c->epoch_len <= NGX_HTTP_PUSH_ENVELOPE_EPOCH_MAX, "length");
        expect(c->epoch_len != 0 || c->n == 0, "nothing before the first");
        expect(c->epoch >= in && c->epoch + c->epoch_len <= in + len,
               "inside");
        return;
    }

    expect(0, "kind");
}


static void
check(const u_char *in, size_t len, size_t n)
{
    size_t                  i;
    u_char                  out[NGX_HTTP_PUSH_CURSOR_MAX], *end;
    ngx_http_push_cursor_t  a[NGX_HTTP_PUSH_CURSOR_CHANNELS],
                            b[NGX_HTTP_PUSH_CURSOR_CHANNELS];

    static const char *const  names[] = { "a", "b=c", "", "news" };

    memset(a, 0, sizeof(a));

    for (i = 0; i < n; i++) {
        a[i].name = (const u_char *) names[i % 4];
        a[i].len = strlen(names[i % 4]);
        a[i].hash = (uint32_t) i;
    }

    memcpy(b, a, sizeof(a));

    ngx_http_push_cursor_read(in, len, a, n);

    for (i = 0; i < n; i++) {
        expect_good(&a[i], in, len);
    }

    end = ngx_http_push_cursor_write(out, a, n);

    expect(end >= out && end <= out + sizeof(out), "room");

    ngx_http_push_cursor_read(out, end - out, b, n);

    for (i = 0; i < n; i++) {

        if (a[i].kind != NGX_HTTP_PUSH_CURSOR_AFTER) {
            expect(b[i].kind == NGX_HTTP_PUSH_CURSOR_NOW, "left out");
            continue;
        }

        expect(b[i].kind == NGX_HTTP_PUSH_CURSOR_AFTER
               && a[i].n == b[i].n
               && a[i].epoch_len == b[i].epoch_len
               && memcmp(a[i].epoch, b[i].epoch, a[i].epoch_len) == 0,
               "the same again");
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char  *in;

    in = malloc(size ? size : 1);

    if (size) {
        memcpy(in, data, size);
    }

    check(in, size, 1);
    check(in, size, 4);
    check(in, size, NGX_HTTP_PUSH_CURSOR_CHANNELS);

    free(in);

    return 0;
}
