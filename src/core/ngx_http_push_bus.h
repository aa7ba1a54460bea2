/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: what the hub and the endpoints know of a bus.  A new broker is one
 * folder that fills this table.
 */


#ifndef _NGX_HTTP_PUSH_BUS_H_INCLUDED_
#define _NGX_HTTP_PUSH_BUS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct ngx_http_push_bus_s      ngx_http_push_bus_t;
typedef struct ngx_http_push_order_s    ngx_http_push_order_t;
typedef struct ngx_http_push_channel_s  ngx_http_push_channel_t;

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
    unsigned                   binary:1;
    unsigned                   volatile_:1;

    ngx_http_push_order_pt     handler;
    void                      *data;

    /*
     * The outcome: status is the HTTP status (201, 202, 200 for INFO and
     * DELETE, 403, 404 for a DELETE of what nobody knows, 413, 503, 504, 507),
     * error a static text for 4xx and 5xx.  subscribers counts the connections
     * of this machine, links the workers of the cluster that took it.
     */
    ngx_uint_t                 status;
    const char                *error;
    ngx_uint_t                 subscribers;
    ngx_uint_t                 links;
    unsigned                   has_links:1;

    void                      *pending;       /* the bus's own */
};


/*
 * subscribe: the channel got its first local subscriber.  NGX_OK, or
 *     NGX_ERROR when out of memory (the client is refused with 503).  While
 *     the broker is away it is NGX_OK: the channel waits.
 *
 * unsubscribe: the channel lost its last local subscriber.  NGX_OK: the hub
 *     may free the channel; NGX_AGAIN: the bus holds it for a while (linger)
 *     and will call ngx_http_push_hub_release().  subscribe may come again
 *     before that.
 *
 * order: NGX_OK: done at once, the outcome is filled, the handler is not
 *     called; NGX_AGAIN: the handler will be called once, never from within
 *     this call.  Never blocks, and bounds what waits.
 *
 * cancel: who gave the order goes away; its handler will not be called.  What
 *     was sent stays sent.
 *
 * deaf_since: 0 while messages are known to arrive, else the ngx_current_msec
 *     since when that is not proved (DESIGN 3.4).
 *
 * quit: the worker was asked to leave: deliveries go on, nothing new begins
 *     that would hold the worker.
 *
 * destroy: at worker exit; unsubscribes politely and frees.
 */

struct ngx_http_push_bus_s {
    ngx_str_t                  name;          /* "zone", "redis" */

    ngx_int_t                (*subscribe)(ngx_http_push_bus_t *bus,
                                          ngx_http_push_channel_t *ch);
    ngx_int_t                (*unsubscribe)(ngx_http_push_bus_t *bus,
                                            ngx_http_push_channel_t *ch);
    ngx_int_t                (*order)(ngx_http_push_bus_t *bus,
                                      ngx_http_push_order_t *o);
    void                     (*cancel)(ngx_http_push_bus_t *bus,
                                       ngx_http_push_order_t *o);
    ngx_msec_t               (*deaf_since)(ngx_http_push_bus_t *bus);
    void                     (*quit)(ngx_http_push_bus_t *bus);
    void                     (*destroy)(ngx_http_push_bus_t *bus);
};


#endif /* _NGX_HTTP_PUSH_BUS_H_INCLUDED_ */
