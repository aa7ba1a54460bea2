/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: the $push_* variables.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_ctx.h"
#include "ngx_http_push_ident.h"
#include "ngx_http_push_variables.h"


static ngx_int_t ngx_http_push_variables_get_text(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_push_variables_get_count(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_push_variables_get_code(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_push_variables_get_connection(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_push_variables_set_number(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uint64_t n);


/* they change while a connection lives, so none is cached */

static ngx_http_variable_t  ngx_http_push_variables[] = {

    { ngx_string("push_channel"), NULL, ngx_http_push_variables_get_text,
      offsetof(ngx_http_push_ctx_t, channels), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("push_transport"), NULL, ngx_http_push_variables_get_text,
      offsetof(ngx_http_push_ctx_t, transport), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("push_protocol"), NULL, ngx_http_push_variables_get_text,
      offsetof(ngx_http_push_ctx_t, protocol), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("push_user"), NULL, ngx_http_push_variables_get_text,
      offsetof(ngx_http_push_ctx_t, user), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("push_connection"), NULL,
      ngx_http_push_variables_get_connection, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("push_messages_sent"), NULL,
      ngx_http_push_variables_get_count,
      offsetof(ngx_http_push_ctx_t, sent), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("push_messages_received"), NULL,
      ngx_http_push_variables_get_count,
      offsetof(ngx_http_push_ctx_t, received), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("push_messages_dropped"), NULL,
      ngx_http_push_variables_get_count,
      offsetof(ngx_http_push_ctx_t, dropped), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("push_queue_peak"), NULL, ngx_http_push_variables_get_count,
      offsetof(ngx_http_push_ctx_t, queue_peak), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("push_recovered"), NULL, ngx_http_push_variables_get_count,
      offsetof(ngx_http_push_ctx_t, recovered), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("push_close_code"), NULL, ngx_http_push_variables_get_code,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("push_close_reason"), NULL, ngx_http_push_variables_get_text,
      offsetof(ngx_http_push_ctx_t, close_reason), NGX_HTTP_VAR_NOCACHEABLE,
      0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_push_variables_add(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_push_variables; v->name.len; v++) {

        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


/* data is the offset of an ngx_str_t in the context; empty is not found */

static ngx_int_t
ngx_http_push_variables_get_text(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t            *s;
    ngx_http_push_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_push_module);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    s = (ngx_str_t *) ((u_char *) ctx + data);

    if (s->len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->len = s->len;
    v->data = s->data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


/* data is the offset of a uint64_t: counted for what is a connection */

static ngx_int_t
ngx_http_push_variables_get_count(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_push_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_push_module);

    if (ctx == NULL || ctx->transport.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_http_push_variables_set_number(r, v,
                                     *(uint64_t *) ((u_char *) ctx + data));
}


static ngx_int_t
ngx_http_push_variables_get_code(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_push_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_push_module);

    if (ctx == NULL || ctx->close_code == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_http_push_variables_set_number(r, v, ctx->close_code);
}


/* made when somebody asks: most logs do not */

static ngx_int_t
ngx_http_push_variables_get_connection(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_push_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_push_module);

    if (ctx == NULL || ctx->transport.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = ngx_pnalloc(r->pool, NGX_HTTP_PUSH_IDENT_LEN);
    if (v->data == NULL) {
        return NGX_ERROR;
    }

    v->len = ngx_http_push_ident_write(v->data, r->connection) - v->data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_variables_set_number(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uint64_t n)
{
    v->data = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (v->data == NULL) {
        return NGX_ERROR;
    }

    v->len = ngx_sprintf(v->data, "%uL", n) - v->data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}
