/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: refusals that a browser can see (push_auth_reject close).
 */


#ifndef _NGX_HTTP_PUSH_REJECT_H_INCLUDED_
#define _NGX_HTTP_PUSH_REJECT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_reason.h"


/*
 * Both for the header filter.  prepare: where the answer is a refusal of a
 * WebSocket that has a close code, it becomes a 101, and *reason is set; one of
 * the dialects that the location offers is answered as it would have been.
 * NGX_OK; NGX_DECLINED: the answer stays what it is; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_push_reject_prepare(ngx_http_request_t *r,
    ngx_uint_t dialects, const ngx_http_push_reason_t **reason);

/*
 * After the header has been sent: the close frame.  Whoever makes the body of
 * the refusal is told that there is none to be sent, as for HEAD.
 */
ngx_int_t ngx_http_push_reject_close(ngx_http_request_t *r,
    const ngx_http_push_reason_t *reason);


#endif /* _NGX_HTTP_PUSH_REJECT_H_INCLUDED_ */
