/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: the longpoll transport: an answer to each message, or to all that
 * wait.
 */


#ifndef _NGX_HTTP_PUSH_POLL_H_INCLUDED_
#define _NGX_HTTP_PUSH_POLL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_cursor.h"
#include "ngx_http_push_session.h"


extern const ngx_http_push_transport_t  ngx_http_push_poll_transport;


/* json: all that wait, as an array of objects */

typedef struct {
    ngx_msec_t    wait;               /* 0: without end */
    unsigned      json:1;
    unsigned      conditional:1;      /* If-None-Match: nothing new is 304 */
} ngx_http_push_poll_options_t;


/* the form of a message */
ngx_uint_t ngx_http_push_poll_form(ngx_uint_t json);

/* as ngx_http_push_sse_open() */
ngx_int_t ngx_http_push_poll_open(ngx_http_push_session_t *s,
    ngx_http_request_t *r, const ngx_http_push_cursor_t *cursors,
    const ngx_http_push_poll_options_t *options);


#endif /* _NGX_HTTP_PUSH_POLL_H_INCLUDED_ */
