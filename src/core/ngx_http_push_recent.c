/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the latest messages of channels: owns references of them.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_recent.h"


#define NGX_HTTP_PUSH_RECENT_COUNT  64
#define NGX_HTTP_PUSH_RECENT_SIZE   (128 * 1024)
#define NGX_HTTP_PUSH_RECENT_ALL    (32 * 1024 * 1024)    /* of the worker */


void
ngx_http_push_recent_add(ngx_http_push_recents_t *rs,
    ngx_http_push_recent_t *r, ngx_http_push_msg_t *m)
{
    ngx_queue_t  *q;

    if (r->run.n != 0) {
        ngx_queue_remove(&r->queue);
    }

    rs->size -= r->run.size;

    if (ngx_http_push_run_push(&r->run, m, rs->log) != NGX_OK) {
        ngx_http_push_run_clear(&r->run);
    }

    while (r->run.n > NGX_HTTP_PUSH_RECENT_COUNT
           || r->run.size > NGX_HTTP_PUSH_RECENT_SIZE)
    {
        ngx_http_push_run_shift(&r->run);
    }

    rs->size += r->run.size;

    if (r->run.n != 0) {
        ngx_queue_insert_tail(&rs->queue, &r->queue);
    }

    while (rs->size > NGX_HTTP_PUSH_RECENT_ALL) {
        q = ngx_queue_head(&rs->queue);

        ngx_http_push_recent_clear(rs, ngx_queue_data(q,
                                              ngx_http_push_recent_t, queue));
    }
}


void
ngx_http_push_recent_clear(ngx_http_push_recents_t *rs,
    ngx_http_push_recent_t *r)
{
    if (r->run.n != 0) {
        ngx_queue_remove(&r->queue);
        rs->size -= r->run.size;
    }

    ngx_http_push_run_clear(&r->run);
}
