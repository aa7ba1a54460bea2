/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: what is asked of a bus: a publish, a question, a delete.
 */


#ifndef _NGX_HTTP_PUSH_ORDER_H_INCLUDED_
#define _NGX_HTTP_PUSH_ORDER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_position.h"


typedef struct ngx_http_push_order_s  ngx_http_push_order_t;

typedef void (*ngx_http_push_order_pt)(ngx_http_push_order_t *o);


typedef enum {
    NGX_HTTP_PUSH_ORDER_PUBLISH = 0,
    NGX_HTTP_PUSH_ORDER_INFO,
    NGX_HTTP_PUSH_ORDER_DELETE
} ngx_http_push_order_e;


/*
 * One thing that is asked of the bus, and its outcome.  Owned by who asks; it
 * and all its strings must stay as they are until the handler was called or
 * the order was cancelled.
 */

struct ngx_http_push_order_s {
    ngx_uint_t                 kind;          /* ngx_http_push_order_e */
    ngx_str_t                  channel;
    ngx_str_t                  body;
    ngx_str_t                  event;
    ngx_str_t                  content_type;
    ngx_str_t                  except;        /* connection id or empty */
    ngx_str_t                  id;            /* Push-Id or empty */
    ngx_msec_t                 ttl;           /* Push-TTL, 0: the policy's */
    unsigned                   binary:1;
    unsigned                   volatile_:1;   /* never stored */
    unsigned                   has_ttl:1;     /* also one of 0 */

    ngx_http_push_order_pt     handler;
    void                      *data;

    /*
     * The outcome: status is the HTTP status (201, 202, 200 for INFO and
     * DELETE, 403, 404 for a DELETE of what nobody knows, 409, 413, 503, 504,
     * 507), error a static text for 4xx and 5xx.  subscribers counts the
     * connections of this machine, links the workers of the cluster that took
     * it.  position is that of the message, or of the channel's last one;
     * without an epoch nothing is kept.  messages is for INFO: how many the
     * history has.
     */
    ngx_uint_t                 status;
    const char                *error;
    ngx_uint_t                 subscribers;
    ngx_uint_t                 links;
    ngx_uint_t                 messages;
    ngx_http_push_position_t   position;
    unsigned                   has_links:1;

    void                      *pending;       /* the bus's own */
};


#endif /* _NGX_HTTP_PUSH_ORDER_H_INCLUDED_ */
