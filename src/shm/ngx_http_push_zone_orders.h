/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: orders to the bus of one machine: what becomes of them in the zone,
 * and those that wait for room in it.
 */


#ifndef _NGX_HTTP_PUSH_ZONE_ORDERS_H_INCLUDED_
#define _NGX_HTTP_PUSH_ZONE_ORDERS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_feed.h"
#include "ngx_http_push_hub.h"
#include "ngx_http_push_order.h"
#include "ngx_http_push_segment.h"


/* process heap, made and freed by the bus */
typedef struct ngx_http_push_zone_orders_s  ngx_http_push_zone_orders_t;


/*
 * mail is posted when something for this worker is in its mailbox that nobody
 * rings for.  NULL: out of memory.
 */
ngx_http_push_zone_orders_t *ngx_http_push_zone_orders_create(
    ngx_http_push_segment_t *seg, ngx_http_push_hub_t *h,
    ngx_http_push_feeds_t *fs, ngx_event_t *mail, ngx_log_t *log);
void ngx_http_push_zone_orders_destroy(ngx_http_push_zone_orders_t *os);

/* as order and cancel of core/bus */
ngx_int_t ngx_http_push_zone_orders_give(ngx_http_push_zone_orders_t *os,
    ngx_http_push_order_t *o);
void ngx_http_push_zone_orders_cancel(ngx_http_push_zone_orders_t *os,
    ngx_http_push_order_t *o);


#endif /* _NGX_HTTP_PUSH_ZONE_ORDERS_H_INCLUDED_ */
