/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: a timer wheel for very many connections: nothing is moved in a
 * tree when a heartbeat is set again.
 */


#ifndef _NGX_HTTP_PUSH_WHEEL_H_INCLUDED_
#define _NGX_HTTP_PUSH_WHEEL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


#define NGX_HTTP_PUSH_WHEEL_TICK   128    /* ms */
#define NGX_HTTP_PUSH_WHEEL_SLOTS  1024   /* 131 s; what is later goes round */


/* in the object that waits; 24 bytes */

typedef struct {
    ngx_queue_t                   queue;
    uint32_t                      due;        /* tick */
} ngx_http_push_wheel_node_t;


typedef struct {
    ngx_queue_t                   slots[NGX_HTTP_PUSH_WHEEL_SLOTS];
    ngx_event_t                   timer;
    uint32_t                      now;        /* last tick that was run */
    ngx_msec_t                    start;      /* ngx_current_msec of tick 0 */
    ngx_uint_t                    nodes;
    ngx_uint_t                    hold;       /* keeps a quitting worker */
    void                        (*handler)(ngx_http_push_wheel_node_t *node);
} ngx_http_push_wheel_t;


/*
 * handler is called once for a node that is due, after it was taken out; it
 * may set it again, and may take out and free any node.
 */
void ngx_http_push_wheel_init(ngx_http_push_wheel_t *w,
    void (*handler)(ngx_http_push_wheel_node_t *node), ngx_log_t *log);

void ngx_http_push_wheel_destroy(ngx_http_push_wheel_t *w);

/* never early, at most a tick late; the node is not set */
void ngx_http_push_wheel_set(ngx_http_push_wheel_t *w,
    ngx_http_push_wheel_node_t *node, ngx_msec_t ms);

/* the node is set */
void ngx_http_push_wheel_unset(ngx_http_push_wheel_t *w,
    ngx_http_push_wheel_node_t *node);

/*
 * From now on a worker that is quitting stays while a node is set: its timer
 * is no longer cancelable (FACTS 3).
 */
void ngx_http_push_wheel_hold(ngx_http_push_wheel_t *w);

/* calls visit for each node; it may set again or take out that node only */
void ngx_http_push_wheel_walk(ngx_http_push_wheel_t *w,
    void (*visit)(void *data, ngx_http_push_wheel_node_t *node), void *data);


#endif /* _NGX_HTTP_PUSH_WHEEL_H_INCLUDED_ */
