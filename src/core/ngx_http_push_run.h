/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: some messages of one channel in a row, oldest first.
 */


#ifndef _NGX_HTTP_PUSH_RUN_H_INCLUDED_
#define _NGX_HTTP_PUSH_RUN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_msg.h"


/* zeroed by its owner, who ends with clear(); a reference of each message */

typedef struct {
    ngx_http_push_msg_t  **msgs;
    uint32_t               head;
    uint32_t               n;
    uint32_t               room;           /* a power of two, or 0 */
    size_t                 size;           /* of them, with what they carry */
} ngx_http_push_run_t;


/* takes a reference; NGX_ERROR: out of memory, nothing was changed */
ngx_int_t ngx_http_push_run_push(ngx_http_push_run_t *run,
    ngx_http_push_msg_t *m, ngx_log_t *log);

/* gives up the oldest, there is one; and all, with the memory */
void ngx_http_push_run_shift(ngx_http_push_run_t *run);
void ngx_http_push_run_clear(ngx_http_push_run_t *run);

/* what a message costs that is kept: itself, and a form or two */
size_t ngx_http_push_run_cost(ngx_http_push_msg_t *m);


static ngx_inline ngx_http_push_msg_t *
ngx_http_push_run_get(ngx_http_push_run_t *run, ngx_uint_t i)
{
    return run->msgs[(run->head + i) & (run->room - 1)];
}


#endif /* _NGX_HTTP_PUSH_RUN_H_INCLUDED_ */
