/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the hub of one worker: name -> channel -> subscribers.  It knows
 * no request, no socket and no transport.
 */


#ifndef _NGX_HTTP_PUSH_HUB_H_INCLUDED_
#define _NGX_HTTP_PUSH_HUB_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_bus.h"
#include "ngx_http_push_census.h"
#include "ngx_http_push_channel.h"
#include "ngx_http_push_figures.h"
#include "ngx_http_push_msg.h"


typedef struct ngx_http_push_hub_s  ngx_http_push_hub_t;


/* the worker's hub; census may be NULL (tests).  NULL: out of memory */
ngx_http_push_hub_t *ngx_http_push_hub_create(ngx_http_push_figures_t *figures,
    ngx_http_push_census_t *census, ngx_log_t *log);

/* the bus is attached before the first subscription and only once */
void ngx_http_push_hub_attach_bus(ngx_http_push_hub_t *h,
    ngx_http_push_bus_t *bus);

/* forget is called for each channel before it is freed */
void ngx_http_push_hub_set_forget(ngx_http_push_hub_t *h,
    void (*forget)(void *data, ngx_http_push_channel_t *ch), void *data);

/* at worker exit, after the bus: frees every channel */
void ngx_http_push_hub_destroy(ngx_http_push_hub_t *h);

uint32_t ngx_http_push_hub_hash(u_char *name, size_t len);

/* NULL: no subscriber here (and not held by the bus) */
ngx_http_push_channel_t *ngx_http_push_hub_find(ngx_http_push_hub_t *h,
    ngx_str_t *name, uint32_t hash);

/*
 * Subscribes; sub->deliver is set by the caller.  NGX_OK; NGX_DECLINED: the
 * zone's bound of channels is reached (503); NGX_ERROR: out of memory.
 */
ngx_int_t ngx_http_push_hub_subscribe(ngx_http_push_hub_t *h,
    ngx_str_t *name, ngx_http_push_sub_t *sub);

/* may not be called from within a deliver function */
void ngx_http_push_hub_unsubscribe(ngx_http_push_hub_t *h,
    ngx_http_push_sub_t *sub);

/* gives m to every subscriber; m stays the caller's */
void ngx_http_push_hub_deliver(ngx_http_push_hub_t *h,
    ngx_http_push_channel_t *ch, ngx_http_push_msg_t *m);

/* bus: the linger of a channel without subscribers is over; frees it */
void ngx_http_push_hub_release(ngx_http_push_hub_t *h,
    ngx_http_push_channel_t *ch);

/*
 * Sessions say how much of what was delivered has not been written yet; a bus
 * that finds the hub busy reads no more from its broker in this turn, so that
 * the queue of a client that keeps up stays short (DESIGN 4.2).
 */
void ngx_http_push_hub_set_busy(ngx_http_push_hub_t *h, ngx_uint_t busy);
ngx_uint_t ngx_http_push_hub_busy(ngx_http_push_hub_t *h);

/*
 * bus: calls handler for every channel, those without subscribers that the
 * bus holds too; the handler may not add or remove channels.
 */
void ngx_http_push_hub_walk(ngx_http_push_hub_t *h,
    void (*handler)(void *data, ngx_http_push_channel_t *ch), void *data);

/*
 * The same for the next n channels or some more, *place is 0 at the start and
 * again after the last; channels may come and go in between.
 */
void ngx_http_push_hub_step(ngx_http_push_hub_t *h, ngx_uint_t *place,
    ngx_uint_t n, void (*handler)(void *data, ngx_http_push_channel_t *ch),
    void *data);

ngx_http_push_bus_t *ngx_http_push_hub_bus(ngx_http_push_hub_t *h);
ngx_http_push_figures_t *ngx_http_push_hub_figures(ngx_http_push_hub_t *h);
ngx_http_push_census_t *ngx_http_push_hub_census(ngx_http_push_hub_t *h);


#endif /* _NGX_HTTP_PUSH_HUB_H_INCLUDED_ */
