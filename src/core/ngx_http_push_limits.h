/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the limits that a location sets for its clients.
 */


#ifndef _NGX_HTTP_PUSH_LIMITS_H_INCLUDED_
#define _NGX_HTTP_PUSH_LIMITS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef enum {
    NGX_HTTP_PUSH_OVERFLOW_CLOSE = 0,
    NGX_HTTP_PUSH_OVERFLOW_DROP_OLDEST,
    NGX_HTTP_PUSH_OVERFLOW_DROP_NEWEST
} ngx_http_push_overflow_e;


#define NGX_HTTP_PUSH_LIMITS_DEFLATE_LEVEL  1
#define NGX_HTTP_PUSH_LIMITS_DEFLATE_MIN    512


/* memory of the configuration; 0 switches a limit off */

typedef struct {
    size_t        max_message_size;   /* from a client, 64k */
    ngx_uint_t    max_channels;       /* per connection, 128 */
    ngx_uint_t    queue_count;        /* messages, 256 */
    size_t        queue_size;         /* bytes, 1m */
    ngx_uint_t    overflow;           /* ngx_http_push_overflow_e */
    ngx_msec_t    ping_interval;      /* 25s */
    ngx_msec_t    ping_timeout;       /* 10s */
    ngx_flag_t    deflate;            /* off */
    ngx_uint_t    deflate_level;      /* 1 */
    size_t        deflate_min;        /* of a message, 512 */
} ngx_http_push_limits_t;


#endif /* _NGX_HTTP_PUSH_LIMITS_H_INCLUDED_ */
