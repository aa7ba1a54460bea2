/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: publishing by a request, for the endpoints where that is possible.
 */


#ifndef _NGX_HTTP_PUSH_PUBLISH_H_INCLUDED_
#define _NGX_HTTP_PUSH_PUBLISH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * Orders of kind (ngx_http_push_order_e) for the channels of the location,
 * and the answer to them.  For PUBLISH the body of the request is read, which
 * nobody may have done or discarded.  The Origin is checked by the caller.
 * client: the request comes from a client, so push_client_publish has to allow
 * each of the channels, and headers that only publishers may use are refused.
 * Returns what a content handler returns.
 */
ngx_int_t ngx_http_push_publish_begin(ngx_http_request_t *r, ngx_uint_t kind,
    ngx_uint_t client);


#endif /* _NGX_HTTP_PUSH_PUBLISH_H_INCLUDED_ */
