/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: push_history: how much of a channel is kept, by its name.
 */


#ifndef _NGX_HTTP_PUSH_POLICY_H_INCLUDED_
#define _NGX_HTTP_PUSH_POLICY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_name.h"


#define NGX_HTTP_PUSH_POLICY_TTL      3600000     /* ms, if none is given */
#define NGX_HTTP_PUSH_POLICY_TTL_MAX  315360000000LL  /* ms, ten years */


/* one pattern of a push_history line; all memory of the configuration */

typedef struct {
    ngx_uint_t                    count;      /* messages, 0: none is kept */
    ngx_msec_t                    ttl;        /* ms */
    ngx_http_push_name_piece_t   *pieces;     /* NULL: every channel */
    ngx_uint_t                    npieces;
} ngx_http_push_policy_t;


typedef struct {
    ngx_http_push_policy_t       *elts;       /* in the order of the file */
    ngx_uint_t                    n;
} ngx_http_push_policies_t;


/*
 * The first that matches: a channel has one policy, whoever publishes or
 * subscribes.  NULL: nothing of it is kept.
 */
const ngx_http_push_policy_t *ngx_http_push_policy_find(
    const ngx_http_push_policies_t *policies, ngx_str_t *channel);


#endif /* _NGX_HTTP_PUSH_POLICY_H_INCLUDED_ */
