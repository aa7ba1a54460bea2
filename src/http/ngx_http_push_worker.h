/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: what one worker process has: its slot, hub, bus and housekeeping.
 */


#ifndef _NGX_HTTP_PUSH_WORKER_H_INCLUDED_
#define _NGX_HTTP_PUSH_WORKER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_hub.h"


ngx_int_t ngx_http_push_worker_init_module(ngx_cycle_t *cycle);
ngx_int_t ngx_http_push_worker_init_process(ngx_cycle_t *cycle);
void ngx_http_push_worker_exit_process(ngx_cycle_t *cycle);

/* NULL in a process that is no worker (cache manager) or has no push */
ngx_http_push_hub_t *ngx_http_push_worker_hub(void);

/* the worker was asked to leave */
ngx_uint_t ngx_http_push_worker_draining(void);


#endif /* _NGX_HTTP_PUSH_WORKER_H_INCLUDED_ */
