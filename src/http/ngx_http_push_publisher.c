/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: the content handler of push_publish: what the methods mean.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_answer.h"
#include "ngx_http_push_bus.h"
#include "ngx_http_push_conf.h"
#include "ngx_http_push_origin.h"
#include "ngx_http_push_publish.h"
#include "ngx_http_push_publisher.h"


static ngx_int_t ngx_http_push_publisher_choose(ngx_http_request_t *r,
    ngx_uint_t *kind, const char **error);


ngx_int_t
ngx_http_push_publisher_handler(ngx_http_request_t *r)
{
    ngx_int_t    rc;
    ngx_uint_t   kind;
    const char  *error;

    rc = ngx_http_push_origin_check(r);
    if (rc != NGX_OK) {
        return ngx_http_push_answer_error(r, rc, "origin is not allowed",
                                          NULL);
    }

    if (r->method == NGX_HTTP_OPTIONS) {
        return ngx_http_push_answer_options(r, ngx_http_push_conf_methods(r));
    }

    rc = ngx_http_push_publisher_choose(r, &kind, &error);

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "publish request refused: %s", error);

        return ngx_http_push_answer_error(r, rc, error,
                                          (rc == NGX_HTTP_NOT_ALLOWED)
                                          ? ngx_http_push_conf_methods(r)
                                          : NULL);
    }

    return ngx_http_push_publish_begin(r, kind, 0);
}


/*
 * A subrequest may ask (SSI can show a number), but a request that somebody
 * else makes on the way to another answer publishes nothing.
 */

static ngx_int_t
ngx_http_push_publisher_choose(ngx_http_request_t *r, ngx_uint_t *kind,
    const char **error)
{
    switch (r->method) {

    case NGX_HTTP_GET:
    case NGX_HTTP_HEAD:
        *kind = NGX_HTTP_PUSH_ORDER_INFO;
        return NGX_OK;

    case NGX_HTTP_POST:
    case NGX_HTTP_PUT:
        *kind = NGX_HTTP_PUSH_ORDER_PUBLISH;
        break;

    case NGX_HTTP_DELETE:
        *kind = NGX_HTTP_PUSH_ORDER_DELETE;
        break;

    default:
        *error = "method not allowed";
        return NGX_HTTP_NOT_ALLOWED;
    }

    if (r != r->main) {
        *error = "a subrequest can not publish";
        return NGX_HTTP_FORBIDDEN;
    }

    return NGX_OK;
}
