/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: why a connection is refused or ends: one row per reason with its
 * codes in every dialect, its word in the log and its metric label.
 */


#ifndef _NGX_HTTP_PUSH_REASON_H_INCLUDED_
#define _NGX_HTTP_PUSH_REASON_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef enum {
    NGX_HTTP_PUSH_REASON_NONE = 0,        /* the peer ended it, or none yet */
    NGX_HTTP_PUSH_REASON_DRAIN,
    NGX_HTTP_PUSH_REASON_LIFETIME,
    NGX_HTTP_PUSH_REASON_SLOW,
    NGX_HTTP_PUSH_REASON_OVERLOAD,
    NGX_HTTP_PUSH_REASON_PING,
    NGX_HTTP_PUSH_REASON_EXPIRED,
    NGX_HTTP_PUSH_REASON_UNAUTHORIZED,
    NGX_HTTP_PUSH_REASON_FORBIDDEN,
    NGX_HTTP_PUSH_REASON_SENT_AWAY,
    NGX_HTTP_PUSH_REASON_REPLACED,
    NGX_HTTP_PUSH_REASON_RATE,
    NGX_HTTP_PUSH_REASON_TOO_LARGE,
    NGX_HTTP_PUSH_REASON_PROTOCOL,
    NGX_HTTP_PUSH_REASON_DATA_TYPE,
    NGX_HTTP_PUSH_REASON_INVALID_DATA,
    NGX_HTTP_PUSH_REASON_DELETED,
    NGX_HTTP_PUSH_REASON_INTERNAL,
    NGX_HTTP_PUSH_REASON_LAST
} ngx_http_push_reason_e;


/* DESIGN 2.3; 0: has no such code */

typedef struct {
    ngx_uint_t    http;
    ngx_uint_t    raw;                    /* close code, raw and meta */
    ngx_uint_t    json;
    ngx_str_t     text;                   /* close reason and log word */
    ngx_str_t     label;                  /* metrics */
} ngx_http_push_reason_t;


/* reason is below NGX_HTTP_PUSH_REASON_LAST */
const ngx_http_push_reason_t *ngx_http_push_reason_get(ngx_uint_t reason);


#endif /* _NGX_HTTP_PUSH_REASON_H_INCLUDED_ */
