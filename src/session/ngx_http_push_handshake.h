/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: the opening handshake of a WebSocket, RFC 6455 4.2.
 */


#ifndef _NGX_HTTP_PUSH_HANDSHAKE_H_INCLUDED_
#define _NGX_HTTP_PUSH_HANDSHAKE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_deflate.h"


/* a dialect, and in a mask those that a location offers */

#define NGX_HTTP_PUSH_DIALECT_RAW   0x0001
#define NGX_HTTP_PUSH_DIALECT_META  0x0002


typedef struct {
    ngx_str_t                      key;
    ngx_str_t                      protocol;  /* to be answered, or empty */
    const char                    *error;     /* of a refusal, static */
    ngx_uint_t                     dialect;   /* chosen by the client, or 0 */
    ngx_uint_t                     version;   /* 426 because of the version */
    ngx_http_push_deflate_terms_t  deflate;   /* to be answered if accepted */
} ngx_http_push_handshake_t;


/* does the request ask for an upgrade to websocket at all? */
ngx_uint_t ngx_http_push_handshake_wanted(ngx_http_request_t *r);

/* "raw", ... */
ngx_str_t ngx_http_push_handshake_name(ngx_uint_t dialect);

/*
 * dialects are those that are offered.  NGX_OK; else the HTTP status of the
 * refusal (400, 405, 426) with hs->error.  A 426 carries Sec-WebSocket-Version:
 * 13 if hs->version, and is the caller's to send.
 */
ngx_int_t ngx_http_push_handshake_check(ngx_http_request_t *r,
    ngx_uint_t dialects, ngx_http_push_handshake_t *hs);

/* makes the answer of r a 101, for whoever sends it; NGX_ERROR: no memory */
ngx_int_t ngx_http_push_handshake_fill(ngx_http_request_t *r,
    ngx_http_push_handshake_t *hs);

/*
 * After check(), where permessage-deflate is offered: reads what of it the
 * client wants.  NGX_OK, hs->deflate tells whether there is an agreement; else
 * as check().
 */
ngx_int_t ngx_http_push_handshake_extensions(ngx_http_request_t *r,
    ngx_http_push_handshake_t *hs);

/*
 * Sends the 101 with what add_header and other filters add.  NGX_OK: all of it
 * is in the socket; NGX_ERROR: nothing more can be sent.
 */
ngx_int_t ngx_http_push_handshake_accept(ngx_http_request_t *r,
    ngx_http_push_handshake_t *hs);


#endif /* _NGX_HTTP_PUSH_HANDSHAKE_H_INCLUDED_ */
