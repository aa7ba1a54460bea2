/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: the stream transport: a JSON object a line, without an end.
 */


#ifndef _NGX_HTTP_PUSH_STREAM_H_INCLUDED_
#define _NGX_HTTP_PUSH_STREAM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_cursor.h"
#include "ngx_http_push_session.h"


extern const ngx_http_push_transport_t  ngx_http_push_stream_transport;


/* in init_process, and in exit_process */
ngx_int_t ngx_http_push_stream_start(ngx_log_t *log);
void ngx_http_push_stream_stop(void);

/* as ngx_http_push_sse_open() */
ngx_int_t ngx_http_push_stream_open(ngx_http_push_session_t *s,
    ngx_http_request_t *r, const ngx_http_push_cursor_t *cursors);


#endif /* _NGX_HTTP_PUSH_STREAM_H_INCLUDED_ */
