/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: the WebSocket transport, RFC 6455.
 */


#ifndef _NGX_HTTP_PUSH_WS_H_INCLUDED_
#define _NGX_HTTP_PUSH_WS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_session.h"


extern const ngx_http_push_transport_t  ngx_http_push_ws_transport;


/* in init_process, and in exit_process */
ngx_int_t ngx_http_push_ws_start(ngx_log_t *log);
void ngx_http_push_ws_stop(void);

/* the form of a message in a dialect, NGX_HTTP_PUSH_DIALECT_RAW or _META */
ngx_uint_t ngx_http_push_ws_form(ngx_uint_t dialect);

/*
 * The connection is the session's now: sets its handlers and reads.  early is
 * what the client sent together with its handshake; it is written to.  s may
 * be gone when this returns.
 */
void ngx_http_push_ws_open(ngx_http_push_session_t *s, ngx_str_t *early);


#endif /* _NGX_HTTP_PUSH_WS_H_INCLUDED_ */
