/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: the content handler of push_publish.
 */


#ifndef _NGX_HTTP_PUSH_PUBLISHER_H_INCLUDED_
#define _NGX_HTTP_PUSH_PUBLISHER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


ngx_int_t ngx_http_push_publisher_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_PUSH_PUBLISHER_H_INCLUDED_ */
