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

#include "ngx_http_push_channel.h"
#include "ngx_http_push_order.h"
#include "ngx_http_push_read.h"


typedef struct ngx_http_push_bus_s  ngx_http_push_bus_t;


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
 * read, unread: as order and cancel.
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
    ngx_uint_t                 silent;        /* loses without a sign: silent
                                                 channels are to be checked */
    ngx_uint_t                 instant;       /* read is always NGX_OK */

    ngx_int_t                (*subscribe)(ngx_http_push_bus_t *bus,
                                          ngx_http_push_channel_t *ch);
    ngx_int_t                (*unsubscribe)(ngx_http_push_bus_t *bus,
                                            ngx_http_push_channel_t *ch);
    ngx_int_t                (*order)(ngx_http_push_bus_t *bus,
                                      ngx_http_push_order_t *o);
    void                     (*cancel)(ngx_http_push_bus_t *bus,
                                       ngx_http_push_order_t *o);
    ngx_int_t                (*read)(ngx_http_push_bus_t *bus,
                                     ngx_http_push_read_t *rd);
    void                     (*unread)(ngx_http_push_bus_t *bus,
                                       ngx_http_push_read_t *rd);
    ngx_msec_t               (*deaf_since)(ngx_http_push_bus_t *bus);
    void                     (*quit)(ngx_http_push_bus_t *bus);
    void                     (*destroy)(ngx_http_push_bus_t *bus);
};


#endif /* _NGX_HTTP_PUSH_BUS_H_INCLUDED_ */
