/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: pages of other origins: answers preflights, and says on answers who
 * may read them; owns nothing.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_answer.h"
#include "ngx_http_push_cors.h"
#include "ngx_http_push_ctx.h"
#include "ngx_http_push_headers.h"
#include "ngx_http_push_origin.h"


/* what the endpoints read, beyond what a page may always send */

#define NGX_HTTP_PUSH_CORS_ALLOW                                              \
    "Authorization, Content-Type, If-None-Match, Last-Event-ID, "             \
    "Push-Ack, Push-Event, Push-Except, Push-Id, Push-TTL, Push-User, "       \
    "Push-Volatile"

/* what the endpoints tell, beyond what a page may always read */

#define NGX_HTTP_PUSH_CORS_EXPOSE                                             \
    "Allow, ETag, Push-Channel, Push-Event, Push-Recovered, Retry-After"

#define NGX_HTTP_PUSH_CORS_MAX_AGE  "3600"


static ngx_int_t ngx_http_push_cors_add_handler(ngx_conf_t *cf,
    ngx_uint_t phase, ngx_http_handler_pt handler);
static ngx_int_t ngx_http_push_cors_rewrite_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_push_cors_preaccess_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_push_cors_keep(ngx_http_request_t *r,
    ngx_http_push_loc_conf_t *lcf);
static ngx_uint_t ngx_http_push_cors_varies(ngx_http_push_allow_t *allow);
static ngx_int_t ngx_http_push_cors_add(ngx_http_request_t *r,
    const char *name, const char *value);


ngx_int_t
ngx_http_push_cors_install(ngx_conf_t *cf)
{
    if (ngx_http_push_cors_add_handler(cf, NGX_HTTP_REWRITE_PHASE,
                                       ngx_http_push_cors_rewrite_handler)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_push_cors_add_handler(cf, NGX_HTTP_PREACCESS_PHASE,
                                        ngx_http_push_cors_preaccess_handler);
}


static ngx_int_t
ngx_http_push_cors_add_handler(ngx_conf_t *cf, ngx_uint_t phase,
    ngx_http_handler_pt handler)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[phase].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = handler;

    return NGX_OK;
}


/*
 * nginx calls what was added last first, so this comes before the location's
 * "if" and "return", which are access checks, too.  What they might change is
 * left to the next handler: nobody is refused here.
 */

static ngx_int_t
ngx_http_push_cors_rewrite_handler(ngx_http_request_t *r)
{
    ngx_str_t                  origin;
    ngx_http_push_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_push_module);

    if (lcf->endpoint == NULL || r != r->main) {
        return NGX_DECLINED;
    }

    if (ngx_http_push_cors_keep(r, lcf) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!ngx_http_push_cors_preflight(r)
        || ngx_http_push_cors_varies(&lcf->origin)
        || ngx_http_push_origin_get(r, lcf, &origin) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    return NGX_HTTP_NO_CONTENT;
}


/* the location and its variables are final, nothing has been checked yet */

static ngx_int_t
ngx_http_push_cors_preaccess_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_str_t                  origin;
    ngx_http_push_ctx_t       *ctx;
    ngx_http_push_loc_conf_t  *lcf;

    if (r != r->main) {
        return NGX_DECLINED;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_push_module);

    if (lcf->endpoint == NULL) {

        /* it was rewritten away from one of ours */

        ctx = ngx_http_get_module_ctx(r, ngx_http_push_module);

        if (ctx != NULL) {
            ctx->conf = NULL;
        }

        return NGX_DECLINED;
    }

    if (ngx_http_push_cors_keep(r, lcf) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!ngx_http_push_cors_preflight(r)) {
        return NGX_DECLINED;
    }

    if (ngx_http_push_origin_get(r, lcf, &origin) == NGX_OK) {
        return NGX_HTTP_NO_CONTENT;
    }

    /* for its log line */

    (void) ngx_http_push_origin_check(r);

    rc = ngx_http_push_answer_error(r, NGX_HTTP_FORBIDDEN,
                                    "origin is not allowed", NULL);

    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


/* an error_page may answer from another location */

static ngx_int_t
ngx_http_push_cors_keep(ngx_http_request_t *r, ngx_http_push_loc_conf_t *lcf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (clcf->error_pages == NULL) {
        return NGX_OK;
    }

    return ngx_http_push_ctx_keep(r, lcf);
}


/* is there a variable in it that "set" could give its value? */

static ngx_uint_t
ngx_http_push_cors_varies(ngx_http_push_allow_t *allow)
{
    ngx_uint_t             i, k;
    ngx_array_t           *parts;
    ngx_http_push_part_t  *part;

    if (allow->mode != NGX_HTTP_PUSH_ALLOW_PATTERNS) {
        return 0;
    }

    parts = allow->patterns->elts;

    for (i = 0; i < allow->patterns->nelts; i++) {
        part = parts[i].elts;

        for (k = 0; k < parts[i].nelts; k++) {
            if (part[k].value != NULL) {
                return 1;
            }
        }
    }

    return 0;
}


ngx_uint_t
ngx_http_push_cors_preflight(ngx_http_request_t *r)
{
    return r->method == NGX_HTTP_OPTIONS
           && ngx_http_push_headers_sent(r, "origin")
           && ngx_http_push_headers_sent(r, "access-control-request-method");
}


ngx_int_t
ngx_http_push_cors_add_headers(ngx_http_request_t *r,
    ngx_http_push_loc_conf_t *lcf)
{
    ngx_str_t  origin;

    if (ngx_http_push_origin_get(r, lcf, &origin) != NGX_OK
        || ngx_http_push_headers_find(r, "Access-Control-Allow-Origin"))
    {
        return NGX_OK;
    }

    /* never "*": with credentials browsers do not take it */

    if (ngx_http_push_cors_add(r, "Access-Control-Allow-Origin",
                               (char *) origin.data)
        != NGX_OK
        || ngx_http_push_cors_add(r, "Access-Control-Allow-Credentials",
                                  "true")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!ngx_http_push_cors_preflight(r)) {
        return ngx_http_push_cors_add(r, "Access-Control-Expose-Headers",
                                      NGX_HTTP_PUSH_CORS_EXPOSE);
    }

    if (ngx_http_push_cors_add(r, "Access-Control-Allow-Methods",
                               lcf->endpoint->methods)
        != NGX_OK
        || ngx_http_push_cors_add(r, "Access-Control-Allow-Headers",
                                  NGX_HTTP_PUSH_CORS_ALLOW)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_push_cors_add(r, "Access-Control-Max-Age",
                                  NGX_HTTP_PUSH_CORS_MAX_AGE);
}


static ngx_int_t
ngx_http_push_cors_add(ngx_http_request_t *r, const char *name,
    const char *value)
{
    if (ngx_http_push_headers_find(r, name) != NULL) {
        return NGX_OK;
    }

    return ngx_http_push_answer_header(r, name, value);
}
