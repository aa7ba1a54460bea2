/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: the EventSource transport, HTML 9.2.
 */


#ifndef _NGX_HTTP_PUSH_SSE_H_INCLUDED_
#define _NGX_HTTP_PUSH_SSE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_cursor.h"
#include "ngx_http_push_session.h"


extern const ngx_http_push_transport_t  ngx_http_push_sse_transport;


/* in init_process, and in exit_process */
ngx_int_t ngx_http_push_sse_start(ngx_log_t *log);
void ngx_http_push_sse_stop(void);

/* the form of a message for a client of so many channels */
ngx_uint_t ngx_http_push_sse_form(ngx_uint_t channels);

/*
 * Begins the answer.  s has its channels and what it holds of r; cursors are
 * what the client came with, one for each channel, or NULL.  What a content
 * handler returns; s is taken back when r ends.
 */
ngx_int_t ngx_http_push_sse_open(ngx_http_push_session_t *s,
    ngx_http_request_t *r, const ngx_http_push_cursor_t *cursors);


#endif /* _NGX_HTTP_PUSH_SSE_H_INCLUDED_ */
