/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: the module's context of a request; memory of the request.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_ctx.h"


static void ngx_http_push_ctx_cleanup(void *data);


ngx_http_push_ctx_t *
ngx_http_push_ctx_get(ngx_http_request_t *r)
{
    ngx_http_push_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_push_module);

    if (ctx == NULL) {
        ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_push_ctx_t));
        if (ctx == NULL) {
            return NULL;
        }

        ngx_http_set_ctx(r, ctx, ngx_http_push_module);
    }

    return ctx;
}


ngx_int_t
ngx_http_push_ctx_keep(ngx_http_request_t *r, void *conf)
{
    ngx_http_cleanup_t   *cln;
    ngx_http_push_ctx_t  *ctx;

    ctx = ngx_http_push_ctx_get(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ctx->conf = conf;

    if (ctx->cleanup != NULL) {
        return NGX_OK;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_push_ctx_cleanup;
    cln->data = ctx;

    ctx->cleanup = cln;

    return NGX_OK;
}


ngx_http_push_ctx_t *
ngx_http_push_ctx_recall(ngx_http_request_t *r)
{
    ngx_http_cleanup_t  *cln;

    if (ngx_http_get_module_ctx(r, ngx_http_push_module) != NULL) {
        return NULL;
    }

    for (cln = r->main->cleanup; cln; cln = cln->next) {

        if (cln->handler == ngx_http_push_ctx_cleanup) {
            return cln->data;
        }
    }

    return NULL;
}


/* to be found by: the context is memory of the request */

static void
ngx_http_push_ctx_cleanup(void *data)
{
}
