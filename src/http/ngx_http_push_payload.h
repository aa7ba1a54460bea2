/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: what a publisher's request says of its message: headers and body.
 */


#ifndef _NGX_HTTP_PUSH_PAYLOAD_H_INCLUDED_
#define _NGX_HTTP_PUSH_PAYLOAD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* zeroed by its owner; all strings are memory of the request */

typedef struct {
    ngx_str_t     body;
    ngx_str_t     event;                  /* Push-Event */
    ngx_str_t     content_type;           /* empty: not to be told */
    ngx_str_t     except;                 /* Push-Except, lower case */
    ngx_str_t     id;                     /* Push-Id, or empty */
    ngx_str_t     user;                   /* Push-User, with has_user */
    ngx_msec_t    ttl;                    /* Push-TTL in ms, or 0 */
    ngx_uint_t    seen;                   /* headers, by their index */

    unsigned      client:1;               /* set by the owner: no publisher */
    unsigned      binary:1;
    unsigned      volatile_:1;            /* Push-Volatile */
    unsigned      text:1;                 /* the body has to be UTF-8 */
    unsigned      encoded:1;
    unsigned      has_user:1;
} ngx_http_push_payload_t;


/*
 * Each gives back NGX_OK, or an HTTP status with a static text in *error,
 * which the caller logs.
 */

/* the Push- headers, whatever the method */
ngx_int_t ngx_http_push_payload_read_headers(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, const char **error);

/* after the headers, and before a body is read: is its type acceptable */
ngx_int_t ngx_http_push_payload_read_type(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, const char **error);

/* after nginx has read the body: one piece, and whether it is text */
ngx_int_t ngx_http_push_payload_read_body(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, const char **error);


#endif /* _NGX_HTTP_PUSH_PAYLOAD_H_INCLUDED_ */
