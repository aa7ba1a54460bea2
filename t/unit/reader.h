/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * An event stream read by the letter of HTML 9.2.6, for tests and fuzzers of
 * what writes one: of a single event.
 */


#ifndef _NGX_HTTP_PUSH_READER_TEST_H_INCLUDED_
#define _NGX_HTTP_PUSH_READER_TEST_H_INCLUDED_


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ngx_http_push_base64.h"
#include "ngx_http_push_eventsource.h"


/* what has been heard; events counts the dispatched ones */

typedef struct {
    u_char    *data;
    size_t     len;
    u_char    *type;
    size_t     type_len;
    u_char    *id;
    size_t     id_len;
    unsigned   events;
    unsigned   others;            /* fields of other names, comments */
} reader_t;


__attribute__((unused))
static void
reader_field(reader_t *r, const u_char *p, size_t len)
{
    size_t         name;
    const u_char  *colon, *value, *last;

    last = p + len;
    colon = memchr(p, ':', len);
    value = colon ? colon + 1 : last;
    name = (colon ? colon : last) - p;

    if (value < last && *value == ' ') {
        value++;
    }

    if (name == 4 && memcmp(p, "data", 4) == 0) {
        memcpy(r->data + r->len, value, last - value);
        r->len += last - value;
        r->data[r->len++] = '\n';

    } else if (name == 5 && memcmp(p, "event", 5) == 0) {
        r->type_len = last - value;
        memcpy(r->type, value, r->type_len);

    } else if (name == 2 && memcmp(p, "id", 2) == 0) {
        r->id_len = last - value;
        memcpy(r->id, value, r->id_len);

    } else {
        r->others++;
    }
}


/* 0: there is something behind the event, or none */

__attribute__((unused))
static int
reader_take(reader_t *r, const u_char *text, size_t size)
{
    const u_char  *p, *end, *last;

    memset(r, 0, sizeof(reader_t));

    r->data = malloc(size + 1);
    r->type = malloc(size + 1);
    r->id = malloc(size + 1);

    last = text + size;

    for (p = text; p < last; p = end) {

        for (end = p; end < last && *end != '\r' && *end != '\n'; end++) { }

        if (end == last) {
            return 0;
        }

        if (end == p) {
            r->events += (r->len != 0);

        } else if (r->events) {
            return 0;

        } else {
            reader_field(r, p, end - p);
        }

        end += (*end == '\r' && end + 1 < last && end[1] == '\n') ? 2 : 1;
    }

    if (r->len != 0) {
        r->len--;
    }

    return r->events == 1;
}


/* a body as a page gets it: each line break is LF */

__attribute__((unused))
static size_t
reader_normalize(u_char *dst, const ngx_http_push_eventsource_t *ev)
{
    size_t  i, n;

    if (ev->binary) {
        return ngx_http_push_base64_write(dst, ev->body.data, ev->body.len)
               - dst;
    }

    n = 0;

    for (i = 0; i < ev->body.len; i++) {

        if (ev->body.data[i] != '\r') {
            dst[n++] = ev->body.data[i];
            continue;
        }

        dst[n++] = '\n';

        if (i + 1 < ev->body.len && ev->body.data[i + 1] == '\n') {
            i++;
        }
    }

    return n;
}


/* is it what was published, and nothing else? */

__attribute__((unused))
static int
reader_is(const reader_t *r, const ngx_http_push_eventsource_t *ev)
{
    int      ok;
    char     id[64];
    size_t   len, name;
    u_char  *body;

    body = malloc(2 * ev->body.len + 4);
    len = reader_normalize(body, ev);

    ok = r->len == len && memcmp(r->data, body, len) == 0 && r->others == 0;

    free(body);

    for (name = 0; name < ev->event.len; name++) {

        if (ev->event.data[name] == '\r' || ev->event.data[name] == '\n') {
            break;
        }
    }

    if (ev->binary) {
        ok = ok && r->type_len == 11
             && memcmp(r->type, "push.binary", 11) == 0;

    } else {
        ok = ok && r->type_len == name
             && (name == 0 || memcmp(r->type, ev->event.data, name) == 0);
    }

    if (ev->epoch.len == 0) {
        return ok && r->id_len == 0;
    }

    len = (size_t) snprintf(id, sizeof(id), "%.*s:%llu", (int) ev->epoch.len,
                            (const char *) ev->epoch.data,
                            (unsigned long long) ev->offset);

    return ok && r->id_len == len && memcmp(r->id, id, len) == 0;
}


__attribute__((unused))
static void
reader_free(reader_t *r)
{
    free(r->data);
    free(r->type);
    free(r->id);
}


#endif /* _NGX_HTTP_PUSH_READER_TEST_H_INCLUDED_ */
