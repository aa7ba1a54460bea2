/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Any bytes as a message in JSON: one line, which a strict parser takes.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "ngx_http_push_record.h"


static void
expect(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "broken: %s\n", what);
        abort();
    }
}


static void
set(ngx_http_push_envelope_str_t *s, const u_char *data, size_t len)
{
    s->data = data;
    s->len = len;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                   part, len;
    u_char                  *in;
    yajl_handle              parser;
    const u_char            *p;
    ngx_http_push_json_t    *j;
    ngx_http_push_record_t   record;

    if (size == 0) {
        return 0;
    }

    in = malloc(size);
    memcpy(in, data, size);

    memset(&record, 0, sizeof(record));

    record.binary = in[0] & 1;
    record.notice = in[0] >> 1 & 1;

    part = (size - 1) / 4;

    set(&record.meta.channel, in + 1, part);
    set(&record.meta.event, in + 1 + part, part);
    set(&record.meta.type, in + 1 + 2 * part, part);
    set(&record.body, in + 1 + 3 * part, size - 1 - 3 * part);

    if (in[0] & 4) {
        set(&record.meta.epoch, (const u_char *) "k3f9", 4);
        record.meta.offset = size;
    }

    j = ngx_http_push_record_create(&record);

    expect(j != NULL, "memory");
    expect(ngx_http_push_json_finish(j, &p, &len) == NGX_HTTP_PUSH_JSON_OK,
           "a document");
    expect(memchr(p, '\n', len) == NULL && memchr(p, '\r', len) == NULL,
           "one line");

    parser = yajl_alloc(NULL, NULL, NULL);

    expect(yajl_parse(parser, p, len) == yajl_status_ok
           && yajl_complete_parse(parser) == yajl_status_ok, "JSON");

    yajl_free(parser);
    ngx_http_push_json_destroy(j);
    free(in);

    return 0;
}
