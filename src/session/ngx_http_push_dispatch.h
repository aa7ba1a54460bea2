/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: what a client says becomes orders to the bus.
 */


#ifndef _NGX_HTTP_PUSH_DISPATCH_H_INCLUDED_
#define _NGX_HTTP_PUSH_DISPATCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_session.h"


/* publishes of one client that wait for the bus; above it is not read */
#define NGX_HTTP_PUSH_DISPATCH_INFLIGHT  64


/* is there a channel that the client may publish to? */
ngx_uint_t ngx_http_push_dispatch_wanted(ngx_http_push_session_t *s);

/*
 * A complete message of the raw dialect: published to those of the session's
 * channels that it may publish to, copied.  Without any it is dropped: raw has
 * no way to say no.  NGX_OK, also when the bus refuses (logged, counted);
 * NGX_ERROR: out of memory.
 */
ngx_int_t ngx_http_push_dispatch_raw(ngx_http_push_session_t *s, u_char *data,
    size_t len, ngx_uint_t binary);


#endif /* _NGX_HTTP_PUSH_DISPATCH_H_INCLUDED_ */
