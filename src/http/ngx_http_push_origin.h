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

#include "ngx_http_push_conf.h"


/* NGX_OK; NGX_HTTP_FORBIDDEN after a log line at info; or 500 */
ngx_int_t ngx_http_push_origin_check(ngx_http_request_t *r);

/*
 * The one Origin of r, if lcf lets it come: NGX_OK.  NGX_DECLINED: there is
 * none, or it may not; nothing is logged.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_push_origin_get(ngx_http_request_t *r,
    ngx_http_push_loc_conf_t *lcf, ngx_str_t *origin);


#endif /* _NGX_HTTP_PUSH_ORIGIN_H_INCLUDED_ */
