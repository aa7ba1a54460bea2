/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the latest messages of a channel, kept for those who return soon;
 * bounded for a channel, and for all channels of the worker.
 */


#ifndef _NGX_HTTP_PUSH_RECENT_H_INCLUDED_
#define _NGX_HTTP_PUSH_RECENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_run.h"


/* of a worker; zeroed by its owner, then the queue is initialised */

typedef struct {
    ngx_queue_t             queue;        /* by last use */
    size_t                  size;
    ngx_log_t              *log;
} ngx_http_push_recents_t;


/* of a channel; zeroed by its owner, who ends with clear() */

typedef struct {
    ngx_queue_t             queue;        /* if there are some */
    ngx_http_push_run_t     run;          /* offsets without a hole */
} ngx_http_push_recent_t;


/*
 * The next message of the channel.  May give up others of this channel and of
 * any other; without memory nothing is kept.
 */
void ngx_http_push_recent_add(ngx_http_push_recents_t *rs,
    ngx_http_push_recent_t *r, ngx_http_push_msg_t *m);

void ngx_http_push_recent_clear(ngx_http_push_recents_t *rs,
    ngx_http_push_recent_t *r);


#endif /* _NGX_HTTP_PUSH_RECENT_H_INCLUDED_ */
