/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the proof that what this worker publishes comes back to it; nothing
 * else shows that the links are alive.
 */


#ifndef _NGX_HTTP_PUSH_PROBE_H_INCLUDED_
#define _NGX_HTTP_PUSH_PROBE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_link.h"
#include "ngx_http_push_msg.h"
#include "ngx_http_push_redis_conf.h"


typedef struct ngx_http_push_probe_s  ngx_http_push_probe_t;


/*
 * channel is this worker's own control channel, figures are those of the link
 * for subscriptions; both stay as they are.  lost(data): a probe has not come
 * back, both links are to be dropped.  NULL: out of memory.
 */
ngx_http_push_probe_t *ngx_http_push_probe_create(
    ngx_http_push_redis_conf_t *rc, ngx_str_t *channel,
    ngx_http_push_link_figures_t *figures, void (*lost)(void *data),
    void *data, ngx_log_t *log);

/* after the link was destroyed */
void ngx_http_push_probe_destroy(ngx_http_push_probe_t *p);

/* both links are up: probes at once, and then at each interval */
void ngx_http_push_probe_start(ngx_http_push_probe_t *p,
    ngx_http_push_link_t *cmd);

/*
 * A link is lost.  1: a probe had been under way for so long that the other
 * link is in doubt, too.
 */
ngx_uint_t ngx_http_push_probe_stop(ngx_http_push_probe_t *p);

/* a B envelope on the channel; NGX_DECLINED: not one of ours */
ngx_int_t ngx_http_push_probe_hear(ngx_http_push_probe_t *p,
    ngx_http_push_msg_t *m);

/* as the bus interface has it */
ngx_msec_t ngx_http_push_probe_deaf_since(ngx_http_push_probe_t *p);


#endif /* _NGX_HTTP_PUSH_PROBE_H_INCLUDED_ */
