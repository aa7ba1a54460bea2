
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: where a client wants to go on, as its request says.
 */


#ifndef _NGX_HTTP_PUSH_RESUME_H_INCLUDED_
#define _NGX_HTTP_PUSH_RESUME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_cursor.h"


/*
 * A cursor for each of the names (ngx_str_t), from the header Last-Event-ID, of
 * a poll from If-None-Match before it, and from last_event_id= in the query,
 * which may be there more than once; NULL where the request says nothing.
 * NGX_ERROR: out of memory.
 */
ngx_int_t ngx_http_push_resume_get(ngx_http_request_t *r, ngx_array_t *names,
    ngx_uint_t poll, ngx_http_push_cursor_t **cursors);

/* the i-th of them, as a session takes it: NULL means from now on */
const ngx_http_push_cursor_t *ngx_http_push_resume_from(
    const ngx_http_push_cursor_t *cursors, ngx_uint_t i);


#endif /* _NGX_HTTP_PUSH_RESUME_H_INCLUDED_ */
