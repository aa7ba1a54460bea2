
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: where a client wants to go on; owns nothing, all memory is the
 * request's.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_hub.h"
#include "ngx_http_push_name.h"
#include "ngx_http_push_resume.h"


#define NGX_HTTP_PUSH_RESUME_ARG     "last_event_id="
#define NGX_HTTP_PUSH_RESUME_HEADER  "last-event-id"


static ngx_uint_t ngx_http_push_resume_find(ngx_http_request_t *r,
    ngx_uint_t poll, ngx_str_t *value);
static void ngx_http_push_resume_unquote(ngx_str_t *value);
static ngx_uint_t ngx_http_push_resume_find_header(ngx_http_request_t *r,
    ngx_str_t *value);
static ngx_uint_t ngx_http_push_resume_next_arg(ngx_str_t *args,
    ngx_str_t *value);
static ngx_int_t ngx_http_push_resume_decode(ngx_http_request_t *r,
    ngx_str_t *value);
static ngx_http_push_cursor_t *ngx_http_push_resume_create(
    ngx_http_request_t *r, ngx_array_t *names);


/*
 * The header comes first: a browser sends it when it comes back, and the URL
 * is the one that it began with.
 */

ngx_int_t
ngx_http_push_resume_get(ngx_http_request_t *r, ngx_array_t *names,
    ngx_uint_t poll, ngx_http_push_cursor_t **cursors)
{
    ngx_str_t   value, args;
    ngx_uint_t  header;

    *cursors = NULL;

    args = r->args;
    header = ngx_http_push_resume_find(r, poll, &value);

    if (!header && !ngx_http_push_resume_next_arg(&args, &value)) {
        return NGX_OK;
    }

    *cursors = ngx_http_push_resume_create(r, names);
    if (*cursors == NULL) {
        return NGX_ERROR;
    }

    do {

        if (!header && ngx_http_push_resume_decode(r, &value) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_http_push_cursor_read(value.data, value.len, *cursors,
                                  names->nelts);
        header = 0;

    } while (ngx_http_push_resume_next_arg(&args, &value));

    return NGX_OK;
}


static ngx_uint_t
ngx_http_push_resume_find(ngx_http_request_t *r, ngx_uint_t poll,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = r->headers_in.if_none_match;

    if (!poll || h == NULL) {
        return ngx_http_push_resume_find_header(r, value);
    }

    *value = h->value;

    ngx_http_push_resume_unquote(value);

    return 1;
}


/* the first entity tag, RFC 9110 8.8.3 */

static void
ngx_http_push_resume_unquote(ngx_str_t *value)
{
    u_char  *p, *end, *last;

    p = value->data;
    last = p + value->len;

    if (last - p > 2 && p[0] == 'W' && p[1] == '/') {
        p += 2;
    }

    if (p == last || *p != '"') {
        return;
    }

    p++;

    end = ngx_strlchr(p, last, '"');

    value->data = p;
    value->len = (end ? end : last) - p;
}


static ngx_uint_t
ngx_http_push_resume_find_header(ngx_http_request_t *r, ngx_str_t *value)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = sizeof(NGX_HTTP_PUSH_RESUME_HEADER) - 1;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == len
                && ngx_memcmp(h[i].lowcase_key, NGX_HTTP_PUSH_RESUME_HEADER,
                              len)
                   == 0)
            {
                *value = h[i].value;
                return 1;
            }
        }
    }

    return 0;
}


/* the value of the next one, as it stands; args is what follows */

static ngx_uint_t
ngx_http_push_resume_next_arg(ngx_str_t *args, ngx_str_t *value)
{
    size_t   len;
    u_char  *p, *last, *end;

    len = sizeof(NGX_HTTP_PUSH_RESUME_ARG) - 1;

    p = args->data;
    last = p + args->len;

    while (p < last) {

        end = ngx_strlchr(p, last, '&');

        if (end == NULL) {
            end = last;
        }

        if ((size_t) (end - p) > len
            && ngx_strncasecmp(p, (u_char *) NGX_HTTP_PUSH_RESUME_ARG, len)
               == 0)
        {
            value->data = p + len;
            value->len = end - value->data;

            args->data = end;
            args->len = last - end;

            return 1;
        }

        p = end + 1;
    }

    args->len = 0;

    return 0;
}


/* what cannot be decoded stays as it is, and cannot be read either */

static ngx_int_t
ngx_http_push_resume_decode(ngx_http_request_t *r, ngx_str_t *value)
{
    size_t   len;
    u_char  *text;

    text = ngx_pnalloc(r->pool, value->len);
    if (text == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_push_name_unescape(text, value->data, value->len, &len)
        == NGX_HTTP_PUSH_NAME_OK)
    {
        value->data = text;
        value->len = len;
    }

    return NGX_OK;
}


static ngx_http_push_cursor_t *
ngx_http_push_resume_create(ngx_http_request_t *r, ngx_array_t *names)
{
    ngx_str_t               *name;
    ngx_uint_t               i;
    ngx_http_push_cursor_t  *cursors;

    cursors = ngx_pcalloc(r->pool,
                          names->nelts * sizeof(ngx_http_push_cursor_t));
    if (cursors == NULL) {
        return NULL;
    }

    /* set by ngx_pcalloc(): cursors[i].kind = NGX_HTTP_PUSH_CURSOR_NOW */

    name = names->elts;

    for (i = 0; i < names->nelts; i++) {
        cursors[i].name = name[i].data;
        cursors[i].len = name[i].len;
        cursors[i].hash = ngx_http_push_hub_hash(name[i].data, name[i].len);
    }

    return cursors;
}


const ngx_http_push_cursor_t *
ngx_http_push_resume_from(const ngx_http_push_cursor_t *cursors, ngx_uint_t i)
{
    if (cursors == NULL
        || cursors[i].kind == NGX_HTTP_PUSH_CURSOR_NOW
        || (cursors[i].kind == NGX_HTTP_PUSH_CURSOR_TAIL
            && cursors[i].n == 0))
    {
        return NULL;
    }

    return &cursors[i];
}
