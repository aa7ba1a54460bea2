/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: what the endpoints ask of Redis: publishes, questions, deletes, each
 * a command or two on the link for commands.
 */


#ifndef _NGX_HTTP_PUSH_ORDERS_H_INCLUDED_
#define _NGX_HTTP_PUSH_ORDERS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_bus.h"
#include "ngx_http_push_hist.h"
#include "ngx_http_push_hub.h"
#include "ngx_http_push_link.h"


typedef struct ngx_http_push_orders_s  ngx_http_push_orders_t;


/* conf stays as it is; NULL: out of memory */
ngx_http_push_orders_t *ngx_http_push_orders_create(
    ngx_http_push_hist_conf_t *conf, ngx_http_push_hub_t *h);

/* after the link was destroyed; no handler is called any more */
void ngx_http_push_orders_destroy(ngx_http_push_orders_t *os);

/*
 * As the bus interface has it.  While the link is not up, or too much waits
 * for it, the outcome is 503 at once.  Only in a new worker, until it is up or
 * has failed for the first time, an order waits for that.
 */
ngx_int_t ngx_http_push_orders_give(ngx_http_push_orders_t *os,
    ngx_http_push_link_t *l, ngx_http_push_order_t *o);

void ngx_http_push_orders_cancel(ngx_http_push_order_t *o);

/*
 * The link is up and the server behind it known; it is lost, or was not to be
 * had: what has waited is sent or refused.
 */
void ngx_http_push_orders_up(ngx_http_push_orders_t *os);
void ngx_http_push_orders_down(ngx_http_push_orders_t *os);

/*
 * Whether this worker's channels are subscribed.  If they are not, a publish
 * that nobody took while somebody waits for it is 503, not a success, unless
 * it is stored.
 */
void ngx_http_push_orders_set_listening(ngx_http_push_orders_t *os,
    ngx_uint_t listening);


#endif /* _NGX_HTTP_PUSH_ORDERS_H_INCLUDED_ */
