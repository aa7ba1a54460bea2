/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: hiredis' reader with object functions of our own: bytes from Redis
 * become replies, and a payload a message.
 */


#ifndef _NGX_HTTP_PUSH_READER_H_INCLUDED_
#define _NGX_HTTP_PUSH_READER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_reply.h"


/* what a reply may have beyond the largest message */
#define NGX_HTTP_PUSH_READER_SLACK  65536


typedef struct ngx_http_push_reader_s  ngx_http_push_reader_t;


typedef struct {
    size_t                   max_message;     /* bytes of a payload */
    ngx_uint_t               max_values;      /* of other replies */
    size_t                   max_bytes;       /* of their strings */
    unsigned                 pubsub:1;        /* payloads are in msg */
} ngx_http_push_reader_limits_t;


/* text is for people; malformed: what came was not what Redis sends */

typedef struct {
    const char              *text;
    ngx_uint_t               malformed;
} ngx_http_push_reader_error_t;


/* the limits are copied; NULL when out of memory */
ngx_http_push_reader_t *ngx_http_push_reader_create(
    ngx_http_push_reader_limits_t *limits, ngx_log_t *log);

void ngx_http_push_reader_destroy(ngx_http_push_reader_t *r);

/* copies what was received; what is whole is then to be had by next() */
ngx_int_t ngx_http_push_reader_feed(ngx_http_push_reader_t *r, u_char *data,
    size_t len, ngx_http_push_reader_error_t *error);

/*
 * NGX_OK: reply is the next one, valid until the reader is called again.
 * NGX_AGAIN: no more of them are whole.  NGX_ERROR, which is final: error says
 * why.
 */
ngx_int_t ngx_http_push_reader_next(ngx_http_push_reader_t *r,
    ngx_http_push_reply_t *reply, ngx_http_push_reader_error_t *error);


#endif /* _NGX_HTTP_PUSH_READER_H_INCLUDED_ */
