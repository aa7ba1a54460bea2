/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: pages of other origins (CORS; the Fetch standard, 3.2).
 */


#ifndef _NGX_HTTP_PUSH_CORS_H_INCLUDED_
#define _NGX_HTTP_PUSH_CORS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_conf.h"


/* in postconfiguration: preflights are answered before any access check */
ngx_int_t ngx_http_push_cors_install(ngx_conf_t *cf);

/* for the header filter: does r ask what another request may do? */
ngx_uint_t ngx_http_push_cors_preflight(ngx_http_request_t *r);

/*
 * For the header filter: what lets a page of the request's Origin read the
 * answer, if lcf, the location's that was asked for, lets it come.  What
 * others have added already (add_header) is not added again.
 */
ngx_int_t ngx_http_push_cors_add_headers(ngx_http_request_t *r,
    ngx_http_push_loc_conf_t *lcf);


#endif /* _NGX_HTTP_PUSH_CORS_H_INCLUDED_ */
