/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: headers by their names, where nginx has no field for them.
 */


#ifndef _NGX_HTTP_PUSH_HEADERS_H_INCLUDED_
#define _NGX_HTTP_PUSH_HEADERS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* has the request this header?  name is in lower case */
ngx_uint_t ngx_http_push_headers_sent(ngx_http_request_t *r,
    const char *name);

/* the answer's first header of this name, or NULL; case is of no account */
ngx_table_elt_t *ngx_http_push_headers_find(ngx_http_request_t *r,
    const char *name);

/* takes them all out of the answer */
void ngx_http_push_headers_remove(ngx_http_request_t *r, const char *name);


#endif /* _NGX_HTTP_PUSH_HEADERS_H_INCLUDED_ */
