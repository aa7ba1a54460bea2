/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: what waits for a client goes to its socket as it is.
 */


#ifndef _NGX_HTTP_PUSH_SOCKET_H_INCLUDED_
#define _NGX_HTTP_PUSH_SOCKET_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_client.h"


/* as ngx_http_push_transport_t's flush, which it is for who is direct */
ssize_t ngx_http_push_socket_flush(ngx_http_push_session_t *s);

/*
 * Without TLS.  What was written, counted in c->sent; NGX_AGAIN: nothing can
 * be, ask for a write event; NGX_ERROR is logged.
 */
ssize_t ngx_http_push_socket_write(ngx_connection_t *c, struct iovec *iov,
    ngx_uint_t n);


#endif /* _NGX_HTTP_PUSH_SOCKET_H_INCLUDED_ */
