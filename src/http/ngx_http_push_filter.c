/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: the header filter: every answer of a location with an endpoint goes
 * through it, whoever has made it: nginx refuses by answers of its own, and an
 * error_page may come from elsewhere.  No cache shall keep one and no browser
 * guess at it; pages of other origins shall see why they were refused.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_answer.h"
#include "ngx_http_push_conf.h"
#include "ngx_http_push_cors.h"
#include "ngx_http_push_ctx.h"
#include "ngx_http_push_filter.h"
#include "ngx_http_push_headers.h"
#include "ngx_http_push_reject.h"


static ngx_int_t ngx_http_push_filter_header(ngx_http_request_t *r);
static ngx_http_push_loc_conf_t *ngx_http_push_filter_find(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_push_filter_protect(ngx_http_request_t *r);


static ngx_http_output_header_filter_pt  ngx_http_push_filter_next;


void
ngx_http_push_filter_install(void)
{
    ngx_http_push_filter_next = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_push_filter_header;
}


static ngx_int_t
ngx_http_push_filter_header(ngx_http_request_t *r)
{
    ngx_int_t                      rc;
    ngx_http_push_loc_conf_t      *lcf;
    const ngx_http_push_reason_t  *reason;

    lcf = ngx_http_push_filter_find(r);

    if (lcf == NULL
        || r->headers_out.status == NGX_HTTP_SWITCHING_PROTOCOLS)
    {
        return ngx_http_push_filter_next(r);
    }

    if (lcf->auth_reject && lcf->endpoint->clients) {

        rc = ngx_http_push_reject_prepare(r, lcf->dialects, &reason);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_OK) {
            rc = ngx_http_push_filter_next(r);

            if (rc == NGX_ERROR || rc > NGX_OK) {
                return rc;
            }

            return ngx_http_push_reject_close(r, reason);
        }
    }

    if (ngx_http_push_filter_protect(r) != NGX_OK
        || ngx_http_push_cors_add_headers(r, lcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_push_filter_next(r);
}


/* the location that was asked for, if it is one of ours */

static ngx_http_push_loc_conf_t *
ngx_http_push_filter_find(ngx_http_request_t *r)
{
    ngx_http_push_ctx_t       *ctx;
    ngx_http_push_loc_conf_t  *lcf;

    if (r != r->main) {
        return NULL;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_push_module);

    if (lcf->endpoint != NULL) {
        return lcf;
    }

    if (!r->internal) {
        return NULL;
    }

    ctx = ngx_http_push_ctx_recall(r);

    return ctx ? ctx->conf : NULL;
}


/* against "expires" and add_header of a whole server, too */

static ngx_int_t
ngx_http_push_filter_protect(ngx_http_request_t *r)
{
    ngx_http_push_headers_remove(r, "Cache-Control");
    ngx_http_push_headers_remove(r, "Expires");

    if (ngx_http_push_answer_header(r, "Cache-Control", "no-store")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_push_headers_find(r, "X-Content-Type-Options") == NULL
        && ngx_http_push_answer_header(r, "X-Content-Type-Options", "nosniff")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_push_answer_header(r, "Vary",
                           ngx_http_push_cors_preflight(r)
                           ? "Accept, Origin, Access-Control-Request-Method, "
                             "Access-Control-Request-Headers"
                           : "Accept, Origin");
}
