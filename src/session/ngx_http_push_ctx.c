/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: the module's context of a request; memory of the request.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_ctx.h"


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
