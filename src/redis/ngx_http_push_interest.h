/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: which channels Redis sends to this worker: SUBSCRIBE at the first
 * local subscriber, UNSUBSCRIBE some time after the last one, both in batches,
 * and everything again after a lost link.
 */


#ifndef _NGX_HTTP_PUSH_INTEREST_H_INCLUDED_
#define _NGX_HTTP_PUSH_INTEREST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_hub.h"
#include "ngx_http_push_link.h"
#include "ngx_http_push_redis_conf.h"


typedef struct ngx_http_push_interest_s  ngx_http_push_interest_t;


/* what became of a channel before Redis sends it */

/* it had subscribers through a lost link: they may have missed messages */
#define NGX_HTTP_PUSH_INTEREST_MISSED    0x01

/* it was live before, and what came since is not known */
#define NGX_HTTP_PUSH_INTEREST_RETURNED  0x02


/*
 * live: Redis sends the channel from now on, also if it only lingers; flags as
 *     above.
 *
 * synced: what waited when the link came up has been confirmed or refused.
 */

typedef struct {
    void                       (*live)(void *data,
                                       ngx_http_push_channel_t *ch,
                                       ngx_uint_t flags);
    void                       (*synced)(void *data);
    void                        *data;
} ngx_http_push_interest_handlers_t;


/* the handlers are copied; NULL: out of memory */
ngx_http_push_interest_t *ngx_http_push_interest_create(
    ngx_http_push_redis_conf_t *rc, ngx_http_push_hub_t *h,
    ngx_http_push_link_figures_t *figures,
    ngx_http_push_interest_handlers_t *handlers, ngx_log_t *log);

/* after the link was destroyed; the channels are left to the hub */
void ngx_http_push_interest_destroy(ngx_http_push_interest_t *i);

/* the link is up, its control channels are subscribed */
void ngx_http_push_interest_up(ngx_http_push_interest_t *i,
    ngx_http_push_link_t *l);

/* the link is lost, its commands have been answered; it may not be up yet */
void ngx_http_push_interest_down(ngx_http_push_interest_t *i);

/* the link has taken output: there is room for more */
void ngx_http_push_interest_written(ngx_http_push_interest_t *i);

/* as the bus interface has them */
ngx_int_t ngx_http_push_interest_subscribe(ngx_http_push_interest_t *i,
    ngx_http_push_channel_t *ch);
ngx_int_t ngx_http_push_interest_unsubscribe(ngx_http_push_interest_t *i,
    ngx_http_push_channel_t *ch);

/* the worker drains: no channel lingers any more */
void ngx_http_push_interest_quit(ngx_http_push_interest_t *i);

/*
 * The worker exits: unsubscribes what can be written at once, because closing
 * a link with very many subscriptions stalls Redis.
 */
void ngx_http_push_interest_leave(ngx_http_push_interest_t *i);


#endif /* _NGX_HTTP_PUSH_INTEREST_H_INCLUDED_ */
