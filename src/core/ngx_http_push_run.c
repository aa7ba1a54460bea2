/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: rows of messages; each holds a reference of its messages.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_run.h"


#define NGX_HTTP_PUSH_RUN_ROOM  4


ngx_int_t
ngx_http_push_run_push(ngx_http_push_run_t *run, ngx_http_push_msg_t *m,
    ngx_log_t *log)
{
    uint32_t               i, room;
    ngx_http_push_msg_t  **msgs;

    if (run->n == run->room) {
        room = run->room ? run->room * 2 : NGX_HTTP_PUSH_RUN_ROOM;

        msgs = ngx_alloc(room * sizeof(ngx_http_push_msg_t *), log);
        if (msgs == NULL) {
            return NGX_ERROR;
        }

        for (i = 0; i < run->n; i++) {
            msgs[i] = ngx_http_push_run_get(run, i);
        }

        if (run->msgs != NULL) {
            ngx_free(run->msgs);
        }

        run->msgs = msgs;
        run->head = 0;
        run->room = room;
    }

    run->msgs[(run->head + run->n++) & (run->room - 1)] =
                                                     ngx_http_push_msg_ref(m);
    run->size += ngx_http_push_run_cost(m);

    return NGX_OK;
}


void
ngx_http_push_run_shift(ngx_http_push_run_t *run)
{
    ngx_http_push_msg_t  *m;

    m = ngx_http_push_run_get(run, 0);

    run->head++;
    run->n--;
    run->size -= ngx_http_push_run_cost(m);

    ngx_http_push_msg_unref(m);
}


void
ngx_http_push_run_clear(ngx_http_push_run_t *run)
{
    while (run->n != 0) {
        ngx_http_push_run_shift(run);
    }

    if (run->msgs != NULL) {
        ngx_free(run->msgs);
    }

    ngx_memzero(run, sizeof(ngx_http_push_run_t));
}


size_t
ngx_http_push_run_cost(ngx_http_push_msg_t *m)
{
    return sizeof(ngx_http_push_msg_t) + m->len + m->body.len;
}
