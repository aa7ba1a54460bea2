/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the bus of many machines: every worker subscribes in Redis to the
 * channels that its own clients want.
 */


#ifndef _NGX_HTTP_PUSH_BUS_REDIS_H_INCLUDED_
#define _NGX_HTTP_PUSH_BUS_REDIS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_bus.h"
#include "ngx_http_push_feed.h"
#include "ngx_http_push_hub.h"
#include "ngx_http_push_redis_conf.h"


/*
 * In init_process; worker is a name unique in the cluster (letters, digits,
 * dots, at most 64 bytes) for this worker's control channel.  Starts to
 * connect; a Redis that is away is no error.  NULL: out of memory.
 */
ngx_http_push_bus_t *ngx_http_push_bus_redis_create(
    ngx_http_push_redis_conf_t *rc, ngx_http_push_hub_t *h,
    ngx_http_push_feeds_t *fs, ngx_str_t *worker, ngx_log_t *log);


#endif /* _NGX_HTTP_PUSH_BUS_REDIS_H_INCLUDED_ */
