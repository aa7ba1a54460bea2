/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: which Origin may come (push_origin; RFC 6454 7).
 */


#ifndef _NGX_HTTP_PUSH_ORIGIN_H_INCLUDED_
#define _NGX_HTTP_PUSH_ORIGIN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* NGX_OK; NGX_HTTP_FORBIDDEN after a log line at info; or 500 */
ngx_int_t ngx_http_push_origin_check(ngx_http_request_t *r);


#endif /* _NGX_HTTP_PUSH_ORIGIN_H_INCLUDED_ */
