/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: the timer wheel: owns its slots and one timer of nginx's.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_wheel.h"


static void ngx_http_push_wheel_tick(ngx_event_t *ev);
static void ngx_http_push_wheel_run(ngx_http_push_wheel_t *w,
    ngx_queue_t *slot);
static void ngx_http_push_wheel_start(ngx_http_push_wheel_t *w);


/* a timer's data has to look like a connection without a file */

static ngx_connection_t  ngx_http_push_wheel_dummy;


void
ngx_http_push_wheel_init(ngx_http_push_wheel_t *w,
    void (*handler)(ngx_http_push_wheel_node_t *node), ngx_log_t *log)
{
    ngx_uint_t  i;

    ngx_memzero(w, sizeof(ngx_http_push_wheel_t));

    for (i = 0; i < NGX_HTTP_PUSH_WHEEL_SLOTS; i++) {
        ngx_queue_init(&w->slots[i]);
    }

    ngx_http_push_wheel_dummy.fd = (ngx_socket_t) -1;
    ngx_http_push_wheel_dummy.data = w;

    w->timer.handler = ngx_http_push_wheel_tick;
    w->timer.data = &ngx_http_push_wheel_dummy;
    w->timer.log = log;
    w->timer.cancelable = 1;

    w->handler = handler;
    w->start = ngx_current_msec;
}


void
ngx_http_push_wheel_destroy(ngx_http_push_wheel_t *w)
{
    if (w->timer.timer_set) {
        ngx_del_timer(&w->timer);
    }
}


void
ngx_http_push_wheel_set(ngx_http_push_wheel_t *w,
    ngx_http_push_wheel_node_t *node, ngx_msec_t ms)
{
    if (w->nodes++ == 0) {
        ngx_http_push_wheel_start(w);
    }

    node->due = (uint32_t) ((ngx_current_msec - w->start + ms)
                            / NGX_HTTP_PUSH_WHEEL_TICK) + 1;

    ngx_queue_insert_tail(&w->slots[node->due % NGX_HTTP_PUSH_WHEEL_SLOTS],
                          &node->queue);
}


void
ngx_http_push_wheel_unset(ngx_http_push_wheel_t *w,
    ngx_http_push_wheel_node_t *node)
{
    ngx_queue_remove(&node->queue);

    if (--w->nodes == 0 && w->timer.timer_set) {
        ngx_del_timer(&w->timer);
    }
}


void
ngx_http_push_wheel_hold(ngx_http_push_wheel_t *w)
{
    w->hold = 1;
    w->timer.cancelable = 0;

    /* the timers that are left are counted by nginx, set or not */

    if (w->timer.timer_set) {
        ngx_del_timer(&w->timer);
        ngx_add_timer(&w->timer, NGX_HTTP_PUSH_WHEEL_TICK);
    }
}


void
ngx_http_push_wheel_walk(ngx_http_push_wheel_t *w,
    void (*visit)(void *data, ngx_http_push_wheel_node_t *node), void *data)
{
    ngx_uint_t                   i;
    ngx_queue_t                  all, *q;
    ngx_http_push_wheel_node_t  *node;

    /*
     * All are gathered first: a node that visit sets again may land in a slot
     * that is still to come.
     */

    ngx_queue_init(&all);

    for (i = 0; i < NGX_HTTP_PUSH_WHEEL_SLOTS; i++) {

        if (!ngx_queue_empty(&w->slots[i])) {
            ngx_queue_add(&all, &w->slots[i]);
            ngx_queue_init(&w->slots[i]);
        }
    }

    while (!ngx_queue_empty(&all)) {
        q = ngx_queue_head(&all);
        node = ngx_queue_data(q, ngx_http_push_wheel_node_t, queue);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&w->slots[node->due % NGX_HTTP_PUSH_WHEEL_SLOTS],
                              q);

        visit(data, node);
    }
}


static void
ngx_http_push_wheel_start(ngx_http_push_wheel_t *w)
{
    w->now = (uint32_t) ((ngx_current_msec - w->start)
                         / NGX_HTTP_PUSH_WHEEL_TICK);

    ngx_add_timer(&w->timer, NGX_HTTP_PUSH_WHEEL_TICK);
}


static void
ngx_http_push_wheel_tick(ngx_event_t *ev)
{
    uint32_t                now;
    ngx_connection_t       *c;
    ngx_http_push_wheel_t  *w;

    c = ev->data;
    w = c->data;

    now = (uint32_t) ((ngx_current_msec - w->start)
                      / NGX_HTTP_PUSH_WHEEL_TICK);

    /* a process that was stopped for long runs each slot once, not more */

    if (now - w->now > NGX_HTTP_PUSH_WHEEL_SLOTS) {
        w->now = now - NGX_HTTP_PUSH_WHEEL_SLOTS;
    }

    while (w->now != now) {
        w->now++;
        ngx_http_push_wheel_run(w, &w->slots[w->now
                                             % NGX_HTTP_PUSH_WHEEL_SLOTS]);
    }

    if (w->nodes != 0 && !w->timer.timer_set) {
        ngx_add_timer(&w->timer, NGX_HTTP_PUSH_WHEEL_TICK);
    }
}


static void
ngx_http_push_wheel_run(ngx_http_push_wheel_t *w, ngx_queue_t *slot)
{
    ngx_queue_t                  later, *q;
    ngx_http_push_wheel_node_t  *node;

    ngx_queue_init(&later);

    while (!ngx_queue_empty(slot)) {
        q = ngx_queue_head(slot);
        node = ngx_queue_data(q, ngx_http_push_wheel_node_t, queue);

        ngx_queue_remove(q);

        if ((int32_t) (node->due - w->now) > 0) {

            /* another round; its own queue may still be taken out of it */

            ngx_queue_insert_tail(&later, q);
            continue;
        }

        w->nodes--;
        w->handler(node);
    }

    if (!ngx_queue_empty(&later)) {
        ngx_queue_add(slot, &later);
    }
}
