/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: which transport a request gets: reads Accept and what is offered;
 * owns nothing.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_choose.h"
#include "ngx_http_push_handshake.h"


#define NGX_HTTP_PUSH_CHOOSE_QUALITY  1000
#define NGX_HTTP_PUSH_CHOOSE_NEXT     3


/* how much a request wants each, 0: not at all */

typedef struct {
    ngx_int_t    eventsource;
    ngx_int_t    stream;
    ngx_int_t    json;
} ngx_http_push_choose_accept_t;


static ngx_uint_t ngx_http_push_choose_wanted(ngx_http_request_t *r,
    ngx_http_push_choose_accept_t *accept);
static void ngx_http_push_choose_read(ngx_http_request_t *r,
    ngx_http_push_choose_accept_t *accept);
static void ngx_http_push_choose_read_value(ngx_str_t *value,
    ngx_http_push_choose_accept_t *accept);
static void ngx_http_push_choose_read_range(u_char *p, u_char *last,
    ngx_http_push_choose_accept_t *accept);
static ngx_int_t ngx_http_push_choose_quality(u_char *p, u_char *last);
static ngx_uint_t ngx_http_push_choose_is(u_char *p, u_char *last,
    const char *type);


/* whom a request falls to, in turn */

static const ngx_uint_t  ngx_http_push_choose_next[NGX_HTTP_PUSH_CHOOSE_NEXT] =
{
    NGX_HTTP_PUSH_TRANSPORT_EVENTSOURCE,
    NGX_HTTP_PUSH_TRANSPORT_LONGPOLL,
    NGX_HTTP_PUSH_TRANSPORT_STREAM
};


void
ngx_http_push_choose_transport(ngx_http_request_t *r, ngx_uint_t offered,
    ngx_http_push_choice_t *choice)
{
    ngx_uint_t                     i, n, wanted;
    ngx_http_push_choose_accept_t  accept;

    ngx_memzero(&accept, sizeof(ngx_http_push_choose_accept_t));

    ngx_http_push_choose_read(r, &accept);

    wanted = ngx_http_push_choose_wanted(r, &accept);

    choice->transport = NGX_HTTP_PUSH_TRANSPORT_WEBSOCKET;
    choice->json = (accept.json > 0);

    if (wanted == NGX_HTTP_PUSH_TRANSPORT_WEBSOCKET && (offered & wanted)) {
        return;
    }

    for (i = 0; i < NGX_HTTP_PUSH_CHOOSE_NEXT; i++) {

        if (ngx_http_push_choose_next[i] == wanted) {
            break;
        }
    }

    /* a WebSocket falls to the first */

    for (n = 0; n < NGX_HTTP_PUSH_CHOOSE_NEXT; n++) {
        wanted = ngx_http_push_choose_next[(i + n)
                                           % NGX_HTTP_PUSH_CHOOSE_NEXT];

        if (offered & wanted) {
            choice->transport = wanted;
            return;
        }
    }
}


static ngx_uint_t
ngx_http_push_choose_wanted(ngx_http_request_t *r,
    ngx_http_push_choose_accept_t *accept)
{
    if (ngx_http_push_handshake_wanted(r)) {
        return NGX_HTTP_PUSH_TRANSPORT_WEBSOCKET;
    }

    if (accept->stream > accept->eventsource) {
        return NGX_HTTP_PUSH_TRANSPORT_STREAM;
    }

    return accept->eventsource ? NGX_HTTP_PUSH_TRANSPORT_EVENTSOURCE
                               : NGX_HTTP_PUSH_TRANSPORT_LONGPOLL;
}


static void
ngx_http_push_choose_read(ngx_http_request_t *r,
    ngx_http_push_choose_accept_t *accept)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = sizeof("accept") - 1;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == len
                && ngx_memcmp(h[i].lowcase_key, "accept", len) == 0)
            {
                ngx_http_push_choose_read_value(&h[i].value, accept);
            }
        }
    }
}


static void
ngx_http_push_choose_read_value(ngx_str_t *value,
    ngx_http_push_choose_accept_t *accept)
{
    u_char  *p, *end, *last;

    last = value->data + value->len;

    for (p = value->data; p < last; p = end + 1) {

        end = ngx_strlchr(p, last, ',');
        if (end == NULL) {
            end = last;
        }

        ngx_http_push_choose_read_range(p, end, accept);
    }
}


/* wildcards ask for nothing in particular */

static void
ngx_http_push_choose_read_range(u_char *p, u_char *last,
    ngx_http_push_choose_accept_t *accept)
{
    u_char     *end;
    ngx_int_t   quality;

    end = ngx_strlchr(p, last, ';');
    if (end == NULL) {
        end = last;
    }

    quality = ngx_http_push_choose_quality(end, last);

    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }

    while (end > p && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }

    if (ngx_http_push_choose_is(p, end, "text/event-stream")) {
        accept->eventsource = quality;

    } else if (ngx_http_push_choose_is(p, end, "application/x-ndjson")) {
        accept->stream = quality;

    } else if (ngx_http_push_choose_is(p, end, "application/json")) {
        accept->json = quality;
    }
}


/* of the parameters behind a type, RFC 9110 12.4.2, in thousandths */

static ngx_int_t
ngx_http_push_choose_quality(u_char *p, u_char *last)
{
    u_char     *end;
    ngx_int_t   q;

    for ( /* void */ ; p < last; p = end) {
        p++;

        end = ngx_strlchr(p, last, ';');
        if (end == NULL) {
            end = last;
        }

        while (p < end && (*p == ' ' || *p == '\t')) {
            p++;
        }

        if (end - p < 3 || (p[0] | 0x20) != 'q' || p[1] != '=') {
            continue;
        }

        p += 2;

        while (end > p && (end[-1] == ' ' || end[-1] == '\t')) {
            end--;
        }

        q = ngx_atofp(p, end - p, 3);

        return (q == NGX_ERROR) ? NGX_HTTP_PUSH_CHOOSE_QUALITY : q;
    }

    return NGX_HTTP_PUSH_CHOOSE_QUALITY;
}


static ngx_uint_t
ngx_http_push_choose_is(u_char *p, u_char *last, const char *type)
{
    return (size_t) (last - p) == ngx_strlen(type)
           && ngx_strncasecmp(p, (u_char *) type, last - p) == 0;
}
