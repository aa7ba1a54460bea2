/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: which Origin may come (push_origin; RFC 6454 7).
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_answer.h"
#include "ngx_http_push_conf.h"
#include "ngx_http_push_ctx.h"
#include "ngx_http_push_origin.h"


/* points into a header's value */

typedef struct {
    ngx_str_t     host;
    ngx_uint_t    port;                   /* 0: none, or 80 or 443 */
} ngx_http_push_origin_authority_t;


static ngx_int_t ngx_http_push_origin_judge(ngx_http_request_t *r,
    ngx_http_push_loc_conf_t *lcf, ngx_str_t *origin);
static ngx_uint_t ngx_http_push_origin_find(ngx_http_request_t *r,
    ngx_str_t *origin);
static ngx_uint_t ngx_http_push_origin_has_more(ngx_str_t *origin);
static ngx_uint_t ngx_http_push_origin_is_plain(u_char ch);
static ngx_int_t ngx_http_push_origin_is_same(ngx_http_request_t *r,
    ngx_str_t *origin);
static void ngx_http_push_origin_get_host(ngx_http_request_t *r,
    ngx_str_t *host);
static ngx_int_t ngx_http_push_origin_skip_scheme(ngx_str_t *origin);
static ngx_int_t ngx_http_push_origin_parse(ngx_str_t *text,
    ngx_http_push_origin_authority_t *a);
static ngx_int_t ngx_http_push_origin_parse_host(u_char *p, u_char *last,
    u_char **end);
static ngx_int_t ngx_http_push_origin_parse_port(u_char *p, u_char *last,
    ngx_uint_t *port);
static void ngx_http_push_origin_log(ngx_http_request_t *r,
    ngx_http_push_loc_conf_t *lcf, ngx_str_t *origin);


ngx_int_t
ngx_http_push_origin_check(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_str_t                  origin;
    ngx_uint_t                 n;
    ngx_http_push_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_push_module);

    if (lcf->origin.mode == NGX_HTTP_PUSH_ALLOW_ON) {
        return NGX_OK;
    }

    n = ngx_http_push_origin_find(r, &origin);

    if (n == 0) {
        return NGX_OK;
    }

    if (n > 1) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client sent %ui Origin headers", n);
        return NGX_HTTP_FORBIDDEN;
    }

    rc = ngx_http_push_origin_judge(r, lcf, &origin);

    if (rc == NGX_DECLINED) {
        ngx_http_push_origin_log(r, lcf, &origin);
        return NGX_HTTP_FORBIDDEN;
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_push_origin_get(ngx_http_request_t *r, ngx_http_push_loc_conf_t *lcf,
    ngx_str_t *origin)
{
    if (ngx_http_push_origin_find(r, origin) != 1 || origin->len == 0) {
        return NGX_DECLINED;
    }

    return ngx_http_push_origin_judge(r, lcf, origin);
}


static ngx_int_t
ngx_http_push_origin_judge(ngx_http_request_t *r,
    ngx_http_push_loc_conf_t *lcf, ngx_str_t *origin)
{
    switch (lcf->origin.mode) {

    case NGX_HTTP_PUSH_ALLOW_ON:
        return NGX_OK;

    case NGX_HTTP_PUSH_ALLOW_SAME:
        return ngx_http_push_origin_is_same(r, origin);
    }

    if (ngx_http_push_origin_has_more(origin)) {
        return NGX_DECLINED;
    }

    return ngx_http_push_conf_allows(r, &lcf->origin, origin);
}


/* how many there are; no client sends two */

static ngx_uint_t
ngx_http_push_origin_find(ngx_http_request_t *r, ngx_str_t *origin)
{
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    n = 0;
    ngx_str_null(origin);

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].hash == 0
                || h[i].key.len != sizeof("origin") - 1
                || ngx_strncmp(h[i].lowcase_key, "origin",
                               sizeof("origin") - 1)
                   != 0)
            {
                continue;
            }

            *origin = h[i].value;
            n++;
        }
    }

    return n;
}


/*
 * A star of a pattern would pass "https://evil.com/.example.com": no browser
 * sends a path or a user, and nobody else is let in by one.
 */

static ngx_uint_t
ngx_http_push_origin_has_more(ngx_str_t *origin)
{
    u_char     *p, *last;
    ngx_str_t   text;

    text = *origin;

    /* "null" has no scheme and is judged as it is */

    (void) ngx_http_push_origin_skip_scheme(&text);

    p = text.data;
    last = p + text.len;

    for ( /* void */ ; p < last; p++) {

        if (!ngx_http_push_origin_is_plain(*p)) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_push_origin_is_plain(u_char ch)
{
    return ch > ' ' && ch != 0x7f && ngx_strchr("/\\?#@", ch) == NULL;
}


static ngx_int_t
ngx_http_push_origin_is_same(ngx_http_request_t *r, ngx_str_t *origin)
{
    ngx_str_t                         text;
    ngx_http_push_origin_authority_t  theirs, ours;

    text = *origin;

    if (ngx_http_push_origin_skip_scheme(&text) != NGX_OK
        || ngx_http_push_origin_parse(&text, &theirs) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_http_push_origin_get_host(r, &text);

    if (ngx_http_push_origin_parse(&text, &ours) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (theirs.port != ours.port
        || theirs.host.len != ours.host.len
        || ngx_strncasecmp(theirs.host.data, ours.host.data, ours.host.len)
           != 0)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* over HTTP/3 there may be an :authority alone */

static void
ngx_http_push_origin_get_host(ngx_http_request_t *r, ngx_str_t *host)
{
    if (r->headers_in.host != NULL) {
        *host = r->headers_in.host->value;
        return;
    }

    ngx_str_null(host);

    if (r->http_version >= NGX_HTTP_VERSION_20 && r->host_start != NULL) {
        host->data = r->host_start;
        host->len = r->host_end - r->host_start;
    }
}


/* RFC 3986 3.1; "null" and whatever else has no scheme is nobody's origin */

static ngx_int_t
ngx_http_push_origin_skip_scheme(ngx_str_t *origin)
{
    u_char  *p, *last, ch;

    p = origin->data;
    last = p + origin->len;

    for ( /* void */ ; p < last; p++) {
        ch = *p | 0x20;

        if (ch >= 'a' && ch <= 'z') {
            continue;
        }

        if (p > origin->data
            && ((*p >= '0' && *p <= '9')
                || *p == '+' || *p == '-' || *p == '.'))
        {
            continue;
        }

        break;
    }

    if (p == origin->data || last - p < 3 || ngx_strncmp(p, "://", 3) != 0) {
        return NGX_ERROR;
    }

    origin->data = p + 3;
    origin->len = last - origin->data;

    return NGX_OK;
}


/* host[:port] and nothing else (RFC 3986 3.2, without userinfo) */

static ngx_int_t
ngx_http_push_origin_parse(ngx_str_t *text,
    ngx_http_push_origin_authority_t *a)
{
    u_char  *end, *last;

    last = text->data + text->len;

    if (ngx_http_push_origin_parse_host(text->data, last, &end) != NGX_OK) {
        return NGX_ERROR;
    }

    a->host.data = text->data;
    a->host.len = end - text->data;
    a->port = 0;

    if (end == last) {
        return NGX_OK;
    }

    if (*end != ':') {
        return NGX_ERROR;
    }

    return ngx_http_push_origin_parse_port(end + 1, last, &a->port);
}


static ngx_int_t
ngx_http_push_origin_parse_host(u_char *p, u_char *last, u_char **end)
{
    u_char  *start;

    if (p < last && *p == '[') {
        p = ngx_strlchr(p, last, ']');

        if (p == NULL) {
            return NGX_ERROR;
        }

        *end = p + 1;

        return NGX_OK;
    }

    for (start = p; p < last && *p != ':'; p++) {

        if (!ngx_http_push_origin_is_plain(*p) || *p == '[' || *p == ']') {
            return NGX_ERROR;
        }
    }

    if (p == start) {
        return NGX_ERROR;
    }

    *end = p;

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_origin_parse_port(u_char *p, u_char *last, ngx_uint_t *port)
{
    ngx_int_t  n;

    n = ngx_atoi(p, last - p);

    if (n <= 0 || n > 65535) {
        return NGX_ERROR;
    }

    *port = (n == 80 || n == 443) ? 0 : n;

    return NGX_OK;
}


static void
ngx_http_push_origin_log(ngx_http_request_t *r, ngx_http_push_loc_conf_t *lcf,
    ngx_str_t *origin)
{
    ngx_str_t              host;
    ngx_http_push_quote_t  q, qh;

    if (lcf->origin.mode == NGX_HTTP_PUSH_ALLOW_PATTERNS) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "origin \"%V\" matches no pattern of \"push_origin\"",
                      ngx_http_push_answer_quote(&q, origin));
        return;
    }

    ngx_http_push_origin_get_host(r, &host);

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "origin \"%V\" is not that of host \"%V\"",
                  ngx_http_push_answer_quote(&q, origin),
                  ngx_http_push_answer_quote(&qh, &host));
}
