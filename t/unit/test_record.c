/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Messages as JSON objects: which members there are, and that whatever was
 * published is one line of JSON from which it can be read again.
 */


#include <yajl/yajl_tree.h>

#include "ngx_http_push_base64.h"
#include "ngx_http_push_record.h"
#include "ngx_http_push_utf8.h"
#include "tap.h"


#define ROUNDS  5000
#define BODY    200


static void
set(ngx_http_push_envelope_str_t *s, const char *text)
{
    s->data = (const u_char *) text;
    s->len = text ? strlen(text) : 0;
}


static void
claim(ngx_http_push_record_t *record, const char *body, const char *expected,
    const char *name)
{
    int                    rc;
    char                   text[1024];
    size_t                 len;
    const u_char          *p;
    ngx_http_push_json_t  *j;

    set(&record->body, body);

    j = ngx_http_push_record_create(record);
    rc = ngx_http_push_json_finish(j, &p, &len);

    if (rc != NGX_HTTP_PUSH_JSON_OK || len >= sizeof(text)) {
        tap_ok(0, "%s", name);
        return;
    }

    memcpy(text, p, len);
    text[len] = '\0';

    tap_is_text(text, expected, name);

    ngx_http_push_json_destroy(j);
}


static int
is(yajl_val tree, const char *name, const u_char *value, size_t len)
{
    yajl_val     v;
    const char  *path[2];

    path[0] = name;
    path[1] = NULL;

    v = yajl_tree_get(tree, path, yajl_t_string);

    return v != NULL && strlen(v->u.string) == len
           && memcmp(v->u.string, value, len) == 0;
}


static int
has(yajl_val tree, const char *name)
{
    const char  *path[2];

    path[0] = name;
    path[1] = NULL;

    return yajl_tree_get(tree, path, yajl_t_any) != NULL;
}


/* text without NUL, which yajl's tree cannot tell from an end */

static int
survives(size_t len)
{
    int                      ok;
    char                     error[256], *text;
    size_t                   i, size;
    u_char                   body[BODY], base64[2 * BODY];
    yajl_val                 tree;
    const u_char            *p;
    ngx_http_push_json_t    *j;
    ngx_http_push_record_t   record;

    memset(&record, 0, sizeof(record));
    set(&record.meta.channel, "news");

    record.binary = tap_random(2);

    for (i = 0; i < len; i++) {
        body[i] = record.binary ? (u_char) tap_random(256)
                                : (u_char) (1 + tap_random(127));
    }

    record.body.data = body;
    record.body.len = len;

    j = ngx_http_push_record_create(&record);

    if (ngx_http_push_json_finish(j, &p, &size) != NGX_HTTP_PUSH_JSON_OK) {
        return 0;
    }

    text = malloc(size + 1);
    memcpy(text, p, size);
    text[size] = '\0';

    ok = memchr(text, '\n', size) == NULL && memchr(text, '\r', size) == NULL;

    tree = yajl_tree_parse(text, error, sizeof(error));

    if (record.binary) {
        size = ngx_http_push_base64_write(base64, body, len) - base64;
        ok = ok && tree && is(tree, "base64", base64, size)
             && !has(tree, "data");

    } else {
        ok = ok && tree && is(tree, "data", body, len) && !has(tree, "base64");
    }

    ok = ok && is(tree, "channel", (const u_char *) "news", 4);

    yajl_tree_free(tree);
    free(text);
    ngx_http_push_json_destroy(j);

    return ok;
}


int
main(void)
{
    int                     i, ok;
    ngx_http_push_record_t  record;

    tap_seed();

    memset(&record, 0, sizeof(record));
    set(&record.meta.channel, "news");

    claim(&record, "hello", "{\"channel\":\"news\",\"data\":\"hello\"}",
          "a text without an id");
    claim(&record, "", "{\"channel\":\"news\",\"data\":\"\"}",
          "an empty text");

    set(&record.meta.epoch, "k3f9");
    record.meta.offset = 12;
    set(&record.meta.event, "tick");
    set(&record.meta.type, "text/plain");

    claim(&record, "a\n\"b\"\x01",
          "{\"id\":\"k3f9:12\",\"channel\":\"news\",\"event\":\"tick\","
          "\"data\":\"a\\n\\\"b\\\"\\u0001\",\"content_type\":\"text/plain\"}",
          "all there can be");

    record.binary = 1;

    claim(&record, "\xff",
          "{\"id\":\"k3f9:12\",\"channel\":\"news\",\"event\":\"tick\","
          "\"base64\":\"/w==\",\"content_type\":\"text/plain\"}",
          "bytes");

    memset(&record, 0, sizeof(record));
    set(&record.meta.channel, "a\"b");
    record.meta.event = ngx_http_push_meta_notice(1);
    record.notice = 1;

    claim(&record, NULL, "{\"channel\":\"a\\\"b\",\"event\":\"push.gap\"}",
          "a gap has no data");

    record.meta.event = ngx_http_push_meta_notice(0);

    claim(&record, NULL, "{\"channel\":\"a\\\"b\",\"event\":\"push.deleted\"}",
          "nor has a deletion");

    ok = 1;

    for (i = 0; i < ROUNDS && ok; i++) {
        ok = survives(tap_random(BODY));
    }

    tap_ok(ok, "%d bodies come out as they were, on one line", i);

    return tap_done();
}
