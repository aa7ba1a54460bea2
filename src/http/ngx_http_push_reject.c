/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: refusals that a browser can see.  Its WebSocket tells a page nothing
 * of an HTTP status, but it tells the code of a close frame.  So the refusal,
 * whoever has made it, becomes a 101 and a close frame as its body, on its way
 * through the header filter; nginx ends the request as it would have done.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_ctx.h"
#include "ngx_http_push_frame.h"
#include "ngx_http_push_handshake.h"
#include "ngx_http_push_reject.h"
#include "ngx_http_push_ws.h"


static const ngx_http_push_reason_t *ngx_http_push_reject_find(
    ngx_uint_t status);
static ngx_int_t ngx_http_push_reject_show(ngx_http_request_t *r,
    const ngx_http_push_reason_t *reason);


ngx_int_t
ngx_http_push_reject_prepare(ngx_http_request_t *r, ngx_uint_t dialects,
    const ngx_http_push_reason_t **reason)
{
    ngx_http_push_handshake_t  hs;

    *reason = ngx_http_push_reject_find(r->headers_out.status);

    if (*reason == NULL
        || r->method != NGX_HTTP_GET
        || !ngx_http_push_handshake_wanted(r)
        || ngx_http_push_handshake_check(r, dialects, &hs) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "push closes %V: %ui \"%V\"",
                  &ngx_http_push_ws_transport.name, (*reason)->raw,
                  &(*reason)->text);

    /* what belongs to the refusal: its type, WWW-Authenticate, Retry-After */

    ngx_http_clean_header(r);

    if (ngx_http_push_reject_show(r, *reason) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_push_handshake_fill(r, &hs);
}


static const ngx_http_push_reason_t *
ngx_http_push_reject_find(ngx_uint_t status)
{
    switch (status) {

    case NGX_HTTP_UNAUTHORIZED:
        return ngx_http_push_reason_get(NGX_HTTP_PUSH_REASON_UNAUTHORIZED);

    case NGX_HTTP_FORBIDDEN:
        return ngx_http_push_reason_get(NGX_HTTP_PUSH_REASON_FORBIDDEN);

    case NGX_HTTP_TOO_MANY_REQUESTS:
        return ngx_http_push_reason_get(NGX_HTTP_PUSH_REASON_RATE);

    case NGX_HTTP_SERVICE_UNAVAILABLE:
        return ngx_http_push_reason_get(NGX_HTTP_PUSH_REASON_OVERLOAD);
    }

    return NULL;
}


/* what the $push_* variables tell; an error_page has forgotten the context */

static ngx_int_t
ngx_http_push_reject_show(ngx_http_request_t *r,
    const ngx_http_push_reason_t *reason)
{
    ngx_http_push_ctx_t  *ctx;

    ctx = ngx_http_push_ctx_recall(r);

    if (ctx != NULL) {
        ngx_http_set_ctx(r, ctx, ngx_http_push_module);

    } else {
        ctx = ngx_http_push_ctx_get(r);
        if (ctx == NULL) {
            return NGX_ERROR;
        }
    }

    ctx->transport = ngx_http_push_ws_transport.name;
    ctx->close_code = reason->raw;
    ctx->close_reason = reason->text;

    return NGX_OK;
}


ngx_int_t
ngx_http_push_reject_close(ngx_http_request_t *r,
    const ngx_http_push_reason_t *reason)
{
    size_t        len;
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    len = 2 + reason->text.len;

    b = ngx_create_temp_buf(r->pool,
                            ngx_http_push_frame_header_size(len) + len);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->last += ngx_http_push_frame_header(b->last, NGX_HTTP_PUSH_FRAME_CLOSE,
                                          0, len);

    *b->last++ = (u_char) (reason->raw >> 8);
    *b->last++ = (u_char) reason->raw;

    b->last = ngx_cpymem(b->last, reason->text.data, reason->text.len);
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    rc = ngx_http_output_filter(r, &out);

    r->header_only = 1;

    /*
     * The peer answers by a close frame of its own and waits for the end of
     * the connection: a close() before it is read would reset the connection
     * under ours.
     */

    r->lingering_close = 1;

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}
