/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: from the NAMEs of a location and a request to channel names.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_answer.h"
#include "ngx_http_push_channels.h"
#include "ngx_http_push_conf.h"
#include "ngx_http_push_ctx.h"
#include "ngx_http_push_name.h"


/* what one call gathers; on its stack */

typedef struct {
    ngx_http_request_t         *request;
    ngx_http_push_main_conf_t  *mcf;
    ngx_http_push_loc_conf_t   *lcf;
    ngx_array_t                *names;
    const char                 *error;
} ngx_http_push_channels_t;


/*
 * A NAME with its variables filled in.  own has a byte for each of data: 1
 * where it is the directive's own text, 0 where a variable brought it.
 */

typedef struct {
    u_char                     *data;
    u_char                     *own;
    size_t                      len;
} ngx_http_push_channels_value_t;


static ngx_int_t ngx_http_push_channels_begin(ngx_http_push_channels_t *cs,
    ngx_http_request_t *r, ngx_uint_t n);
static ngx_int_t ngx_http_push_channels_evaluate(ngx_http_request_t *r,
    ngx_array_t *parts, ngx_http_push_channels_value_t *v);
static ngx_int_t ngx_http_push_channels_split(ngx_http_push_channels_t *cs,
    ngx_http_push_channels_value_t *v);
static ngx_int_t ngx_http_push_channels_decode(ngx_http_push_channels_t *cs,
    ngx_str_t *name, u_char *own);
static ngx_int_t ngx_http_push_channels_add(ngx_http_push_channels_t *cs,
    ngx_str_t *name, ngx_uint_t own);
static ngx_uint_t ngx_http_push_channels_have(ngx_http_push_channels_t *cs,
    ngx_str_t *name);
static ngx_int_t ngx_http_push_channels_refuse(ngx_http_push_channels_t *cs,
    ngx_int_t status, ngx_str_t *name, const char *error);
static const char *ngx_http_push_channels_text(int code);
static ngx_int_t ngx_http_push_channels_show(ngx_http_push_channels_t *cs);


ngx_int_t
ngx_http_push_channels_get(ngx_http_request_t *r, ngx_array_t **names,
    const char **error)
{
    ngx_int_t                        rc;
    ngx_uint_t                       i;
    ngx_array_t                     *parts;
    ngx_http_push_channels_t         cs;
    ngx_http_push_channels_value_t   v;

    *error = "internal error";

    cs.lcf = ngx_http_get_module_loc_conf(r, ngx_http_push_module);

    rc = ngx_http_push_channels_begin(&cs, r, cs.lcf->names->nelts);
    if (rc != NGX_OK) {
        return rc;
    }

    parts = cs.lcf->names->elts;

    for (i = 0; i < cs.lcf->names->nelts; i++) {

        if (ngx_http_push_channels_evaluate(r, &parts[i], &v) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        rc = ngx_http_push_channels_split(&cs, &v);

        if (rc != NGX_OK) {
            *error = cs.error;
            return rc;
        }
    }

    if (cs.names->nelts == 0) {
        rc = ngx_http_push_channels_refuse(&cs, NGX_HTTP_BAD_REQUEST, NULL,
                                           "no channel name");
        *error = cs.error;
        return rc;
    }

    *names = cs.names;

    return ngx_http_push_channels_show(&cs);
}


ngx_int_t
ngx_http_push_channels_get_user(ngx_http_request_t *r, ngx_str_t *user,
    ngx_array_t **names, const char **error)
{
    ngx_int_t                 rc;
    ngx_str_t                 name;
    ngx_http_push_channels_t  cs;

    *error = "internal error";

    cs.lcf = ngx_http_get_module_loc_conf(r, ngx_http_push_module);

    rc = ngx_http_push_channels_begin(&cs, r, 1);
    if (rc != NGX_OK) {
        return rc;
    }

    name.len = 1 + user->len;
    name.data = ngx_pnalloc(r->pool, name.len);
    if (name.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    name.data[0] = '@';
    ngx_memcpy(&name.data[1], user->data, user->len);

    if (user->len == 0) {
        rc = ngx_http_push_channels_refuse(&cs, NGX_HTTP_BAD_REQUEST, NULL,
                                           "no user name");
    } else {
        rc = ngx_http_push_channels_add(&cs, &name, 1);
    }

    if (rc != NGX_OK) {
        *error = cs.error;
        return rc;
    }

    *names = cs.names;

    return ngx_http_push_channels_show(&cs);
}


static ngx_int_t
ngx_http_push_channels_begin(ngx_http_push_channels_t *cs,
    ngx_http_request_t *r, ngx_uint_t n)
{
    cs->request = r;
    cs->error = "internal error";
    cs->mcf = ngx_http_get_module_main_conf(r, ngx_http_push_module);

    cs->names = ngx_array_create(r->pool, n, sizeof(ngx_str_t));
    if (cs->names == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_channels_evaluate(ngx_http_request_t *r,
    ngx_array_t *parts, ngx_http_push_channels_value_t *v)
{
    size_t                 at;
    ngx_str_t             *value;
    ngx_uint_t             i;
    ngx_http_push_part_t  *part;

    value = ngx_palloc(r->pool, parts->nelts * sizeof(ngx_str_t));
    if (value == NULL) {
        return NGX_ERROR;
    }

    part = parts->elts;
    v->len = 0;

    for (i = 0; i < parts->nelts; i++) {

        if (part[i].value == NULL) {
            value[i].data = (u_char *) part[i].piece.p;
            value[i].len = part[i].piece.len;

        } else if (ngx_http_complex_value(r, part[i].value, &value[i])
                   != NGX_OK)
        {
            return NGX_ERROR;
        }

        v->len += value[i].len;
    }

    v->data = ngx_pnalloc(r->pool, 2 * v->len);
    if (v->data == NULL) {
        return NGX_ERROR;
    }

    v->own = v->data + v->len;
    at = 0;

    for (i = 0; i < parts->nelts; i++) {
        ngx_memcpy(v->data + at, value[i].data, value[i].len);
        ngx_memset(v->own + at, part[i].value == NULL, value[i].len);
        at += value[i].len;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_channels_split(ngx_http_push_channels_t *cs,
    ngx_http_push_channels_value_t *v)
{
    u_char     *p, *end, *last;
    ngx_int_t   rc;
    ngx_str_t   name;

    p = v->data;
    last = v->data + v->len;

    while (p < last) {

        end = cs->lcf->split ? ngx_strlchr(p, last, cs->lcf->split) : NULL;

        if (end == NULL) {
            end = last;
        }

        if (end > p) {
            name.data = p;
            name.len = end - p;

            rc = ngx_http_push_channels_decode(cs, &name,
                                               v->own + (p - v->data));
            if (rc != NGX_OK) {
                return rc;
            }
        }

        p = end + 1;
    }

    return NGX_OK;
}


/*
 * The directive's own text has to have brought the whole first character: a
 * reserved one may come as "%40", too.
 */

static ngx_int_t
ngx_http_push_channels_decode(ngx_http_push_channels_t *cs, ngx_str_t *name,
    u_char *own)
{
    int         code;
    ngx_str_t   raw;
    ngx_uint_t  first;

    raw = *name;
    first = own[0];

    if (raw.data[0] == '%' && raw.len > 2) {
        first = own[0] && own[1] && own[2];
    }

    code = ngx_http_push_name_unescape(name->data, raw.data, raw.len,
                                       &name->len);

    if (code != NGX_HTTP_PUSH_NAME_OK) {
        return ngx_http_push_channels_refuse(cs, NGX_HTTP_BAD_REQUEST, &raw,
                                          ngx_http_push_channels_text(code));
    }

    return ngx_http_push_channels_add(cs, name, first);
}


static ngx_int_t
ngx_http_push_channels_add(ngx_http_push_channels_t *cs, ngx_str_t *name,
    ngx_uint_t own)
{
    int         code;
    ngx_str_t  *n;

    code = ngx_http_push_name_check(name->data, name->len);

    if (code != NGX_HTTP_PUSH_NAME_OK) {
        return ngx_http_push_channels_refuse(cs, NGX_HTTP_BAD_REQUEST, name,
                                          ngx_http_push_channels_text(code));
    }

    code = ngx_http_push_name_reserved(name->data, name->len,
                                       cs->mcf->keys.data, cs->mcf->keys.len);

    if (code == NGX_HTTP_PUSH_NAME_INTERNAL
        || (code == NGX_HTTP_PUSH_NAME_PRIVATE && !own))
    {
        return ngx_http_push_channels_refuse(cs, NGX_HTTP_FORBIDDEN, name,
                                             "channel name is reserved");
    }

    if (code == NGX_HTTP_PUSH_NAME_PRIVATE && name->len == 1) {

        /*
         * "@$remote_user" of somebody who has not logged in is nobody's
         * channel, rather than one that all such clients share
         */

        return NGX_OK;
    }

    if (ngx_http_push_channels_have(cs, name)) {
        return NGX_OK;
    }

    if (cs->lcf->limits.max_channels
        && cs->names->nelts >= cs->lcf->limits.max_channels)
    {
        return ngx_http_push_channels_refuse(cs, NGX_HTTP_BAD_REQUEST, name,
                                             "too many channels");
    }

    n = ngx_array_push(cs->names);
    if (n == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    *n = *name;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_push_channels_have(ngx_http_push_channels_t *cs, ngx_str_t *name)
{
    ngx_str_t   *n;
    ngx_uint_t   i;

    n = cs->names->elts;

    for (i = 0; i < cs->names->nelts; i++) {

        if (n[i].len == name->len
            && ngx_memcmp(n[i].data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_push_channels_refuse(ngx_http_push_channels_t *cs, ngx_int_t status,
    ngx_str_t *name, const char *error)
{
    ngx_log_t              *log;
    ngx_http_push_quote_t   q;

    log = cs->request->connection->log;
    cs->error = error;

    if (name == NULL) {
        ngx_log_error(NGX_LOG_INFO, log, 0, "client sent %s", error);

    } else {
        ngx_log_error(NGX_LOG_INFO, log, 0, "%s: \"%V\"", error,
                      ngx_http_push_answer_quote(&q, name));
    }

    return status;
}


static const char *
ngx_http_push_channels_text(int code)
{
    switch (code) {

    case NGX_HTTP_PUSH_NAME_LONG:
        return "channel name is longer than 255 bytes";

    case NGX_HTTP_PUSH_NAME_CHARACTER:
        return "channel name has a forbidden character";

    case NGX_HTTP_PUSH_NAME_UTF8:
        return "channel name is not UTF-8";

    case NGX_HTTP_PUSH_NAME_ESCAPE:
        return "channel name has a malformed percent escape";

    default:
        return "invalid channel name";
    }
}


/* one name is shown where it lies, several are joined */

static ngx_int_t
ngx_http_push_channels_show(ngx_http_push_channels_t *cs)
{
    u_char               *p;
    size_t                len;
    ngx_str_t            *n;
    ngx_uint_t            i;
    ngx_http_push_ctx_t  *ctx;

    ctx = ngx_http_push_ctx_get(cs->request);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    n = cs->names->elts;

    if (cs->names->nelts == 1) {
        ctx->channels = n[0];
        return NGX_OK;
    }

    len = cs->names->nelts - 1;

    for (i = 0; i < cs->names->nelts; i++) {
        len += n[i].len;
    }

    p = ngx_pnalloc(cs->request->pool, len);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->channels.data = p;
    ctx->channels.len = len;

    for (i = 0; i < cs->names->nelts; i++) {

        if (i > 0) {
            *p++ = ',';
        }

        p = ngx_cpymem(p, n[i].data, n[i].len);
    }

    return NGX_OK;
}
