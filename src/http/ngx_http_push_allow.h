/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: NAMEs and PATTERNs as they are kept when they are compiled.
 */


#ifndef _NGX_HTTP_PUSH_ALLOW_H_INCLUDED_
#define _NGX_HTTP_PUSH_ALLOW_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_name.h"


/*
 * A NAME or a PATTERN is an array of parts.  A part is the directive's own
 * text, for a PATTERN one piece of codec/name, or a variable, whose value
 * stands for itself: never a wildcard, never a reserved beginning.
 */

typedef struct {
    ngx_http_complex_value_t    *value;       /* NULL: own text */
    ngx_http_push_name_piece_t   piece;
} ngx_http_push_part_t;


typedef enum {
    NGX_HTTP_PUSH_ALLOW_OFF = 0,
    NGX_HTTP_PUSH_ALLOW_ON,                   /* "any" of push_origin */
    NGX_HTTP_PUSH_ALLOW_SAME,                 /* push_origin only */
    NGX_HTTP_PUSH_ALLOW_PATTERNS
} ngx_http_push_allow_e;


typedef struct {
    ngx_uint_t                   mode;        /* ngx_http_push_allow_e */
    ngx_uint_t                   fold;        /* case is of no account */
    ngx_array_t                 *patterns;    /* ngx_array_t of parts */
} ngx_http_push_allow_t;


#endif /* _NGX_HTTP_PUSH_ALLOW_H_INCLUDED_ */
