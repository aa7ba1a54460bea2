
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Any bytes as an envelope: what is read can be written, and what was written
 * is read as the same and written as the same again.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ngx_http_push_envelope.h"


static void
expect(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "broken: %s\n", what);
        abort();
    }
}


static int
same(const ngx_http_push_envelope_str_t *a,
    const ngx_http_push_envelope_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


static void
expect_same(const ngx_http_push_envelope_t *a,
    const ngx_http_push_envelope_t *b)
{
    expect(a->kind == b->kind, "kind");
    expect(a->offset == b->offset, "offset");
    expect(a->time == b->time, "time");
    expect(a->ttl == b->ttl, "ttl");
    expect(a->is_binary == b->is_binary, "binary");
    expect(a->is_volatile == b->is_volatile, "volatile");
    expect(same(&a->epoch, &b->epoch), "epoch");
    expect(same(&a->event, &b->event), "event");
    expect(same(&a->type, &b->type), "type");
    expect(same(&a->id, &b->id), "id");
    expect(same(&a->receipt, &b->receipt), "receipt");
    expect(same(&a->except, &b->except), "except");
    expect(same(&a->body, &b->body), "body");
}


static void
expect_text(const ngx_http_push_envelope_str_t *s)
{
    expect(s->data == NULL
           || ngx_http_push_envelope_text_valid(s->data, s->len), "a text");
}


static void
check(const u_char *data, size_t size)
{
    int                        rc;
    size_t                     len, header;
    u_char                    *in, *out, *twice;
    ngx_http_push_envelope_t   a, b;

    in = malloc(size ? size : 1);

    if (size) {
        memcpy(in, data, size);
    }

    a.scratch = malloc(NGX_HTTP_PUSH_ENVELOPE_SCRATCH);
    b.scratch = malloc(NGX_HTTP_PUSH_ENVELOPE_SCRATCH);

    rc = ngx_http_push_envelope_parse(in, size, &a);

    expect((rc == NGX_HTTP_PUSH_ENVELOPE_PLAIN)
           == (size < 3 || memcmp(in, "\xffP1", 3) != 0), "plain or not");

    if (rc == NGX_HTTP_PUSH_ENVELOPE_PLAIN) {
        expect(a.body.data == in && a.body.len == size, "a plain body");
    }

    if (rc == NGX_HTTP_PUSH_ENVELOPE_MESSAGE) {
        expect_text(&a.event);
        expect_text(&a.type);
        expect_text(&a.id);
        expect_text(&a.receipt);
        expect_text(&a.except);
        expect(a.body.data + a.body.len == in + size, "the end of the body");
    }

    if (rc != NGX_HTTP_PUSH_ENVELOPE_BAD) {
        len = ngx_http_push_envelope_size(&a);
        header = ngx_http_push_envelope_header_size(&a);

        expect(len == header + a.body.len, "sizes");
        expect(header && header <= NGX_HTTP_PUSH_ENVELOPE_HEADER_MAX,
               "what was read can be written");

        out = malloc(len);
        twice = malloc(len);

        expect(ngx_http_push_envelope_write(out, &a) == out + len, "end");
        expect(ngx_http_push_envelope_parse(out, len, &b)
               == NGX_HTTP_PUSH_ENVELOPE_MESSAGE, "what was written is read");
        expect_same(&a, &b);

        expect(ngx_http_push_envelope_size(&b) == len, "size again");
        expect(ngx_http_push_envelope_write(twice, &b) == twice + len
               && memcmp(out, twice, len) == 0, "written the same again");

        free(twice);
        free(out);
    }

    free(b.scratch);
    free(a.scratch);
    free(in);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t       i;
    u_char      *with;

    static const char *const  heads[] = {
        "\xffP1M - 0 0 ", "\xffP1M e 1 2 n=", "\xffP1", "\xffP1M - 0 0 q="
    };

    check(data, size);

    /* behind a header's beginning, so that all of it is reached soon */

    with = malloc(size + 32);

    for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        memcpy(with, heads[i], strlen(heads[i]));

        if (size) {
            memcpy(with + strlen(heads[i]), data, size);
        }

        check(with, strlen(heads[i]) + size);
    }

    free(with);

    return 0;
}
