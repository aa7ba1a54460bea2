/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the queues of channels that have to read their history; owns the
 * event that begins the reads.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_lookup.h"


#define NGX_HTTP_PUSH_LOOKUP_READING  512     /* reads under way */
#define NGX_HTTP_PUSH_LOOKUP_STARTS   64      /* begun in a turn */


static void ngx_http_push_lookup_enqueue(ngx_http_push_lookup_t *l,
    ngx_uint_t urgent);
static void ngx_http_push_lookup_post(ngx_http_push_lookups_t *ls);
static void ngx_http_push_lookup_pump_handler(ngx_event_t *ev);
static void ngx_http_push_lookup_begin(ngx_http_push_lookup_t *l);
static void ngx_http_push_lookup_read_handler(ngx_http_push_read_t *rd);
static void ngx_http_push_lookup_end(ngx_http_push_lookup_t *l);
static void ngx_http_push_lookup_requeue(ngx_queue_t *queue, ngx_uint_t n,
    ngx_uint_t aged);


void
ngx_http_push_lookup_start(ngx_http_push_lookups_t *ls)
{
    ngx_queue_init(&ls->due);
    ngx_queue_init(&ls->later);
    ngx_queue_init(&ls->failed);

    ls->dummy.data = ls;
    ls->dummy.fd = (ngx_socket_t) -1;

    ls->pump.handler = ngx_http_push_lookup_pump_handler;
    ls->pump.data = &ls->dummy;
    ls->pump.log = ls->log;
}


void
ngx_http_push_lookup_stop(ngx_http_push_lookups_t *ls)
{
    if (ls->pump.posted) {
        ngx_delete_posted_event(&ls->pump);
    }
}


void
ngx_http_push_lookup_ask(ngx_http_push_lookup_t *l, ngx_uint_t urgent)
{
    if (l->state == NGX_HTTP_PUSH_LOOKUP_LATER && urgent) {
        ngx_queue_remove(&l->queue);
        l->state = NGX_HTTP_PUSH_LOOKUP_IDLE;
    }

    if (l->state == NGX_HTTP_PUSH_LOOKUP_IDLE) {
        ngx_http_push_lookup_enqueue(l, urgent);
    }
}


void
ngx_http_push_lookup_now(ngx_http_push_lookup_t *l)
{
    if (l->state == NGX_HTTP_PUSH_LOOKUP_IDLE) {
        ngx_http_push_lookup_begin(l);
    }
}


static void
ngx_http_push_lookup_enqueue(ngx_http_push_lookup_t *l, ngx_uint_t urgent)
{
    if (!urgent && ngx_current_msec - l->asked < NGX_HTTP_PUSH_LOOKUP_AGAIN) {
        l->state = NGX_HTTP_PUSH_LOOKUP_LATER;
        ngx_queue_insert_tail(&l->ls->later, &l->queue);
        return;
    }

    l->state = NGX_HTTP_PUSH_LOOKUP_DUE;
    ngx_queue_insert_tail(&l->ls->due, &l->queue);

    ngx_http_push_lookup_post(l->ls);
}


/* what the pump itself brings about waits for the next turn of the loop */

static void
ngx_http_push_lookup_post(ngx_http_push_lookups_t *ls)
{
    if (ls->pumping) {
        ngx_post_event(&ls->pump, &ngx_posted_next_events);

    } else {
        ngx_post_event(&ls->pump, &ngx_posted_events);
    }
}


void
ngx_http_push_lookup_cancel(ngx_http_push_lookup_t *l)
{
    ngx_http_push_bus_t  *bus;

    if (l->state == NGX_HTTP_PUSH_LOOKUP_READS) {
        bus = ngx_http_push_hub_bus(l->ls->hub);

        bus->unread(bus, l->rd);
        l->ls->reading--;

    } else if (l->state != NGX_HTTP_PUSH_LOOKUP_IDLE) {
        ngx_queue_remove(&l->queue);
    }

    l->state = NGX_HTTP_PUSH_LOOKUP_IDLE;
}


void
ngx_http_push_lookup_resume(ngx_http_push_lookups_t *ls)
{
    ngx_http_push_lookup_requeue(&ls->failed, (ngx_uint_t) -1, 0);
}


void
ngx_http_push_lookup_tick(ngx_http_push_lookups_t *ls)
{
    ngx_http_push_lookup_requeue(&ls->later, (ngx_uint_t) -1, 1);
    ngx_http_push_lookup_requeue(&ls->failed, NGX_HTTP_PUSH_LOOKUP_STARTS, 1);
}


static void
ngx_http_push_lookup_requeue(ngx_queue_t *queue, ngx_uint_t n, ngx_uint_t aged)
{
    ngx_queue_t             *q;
    ngx_http_push_lookup_t  *l;

    while (n-- != 0 && !ngx_queue_empty(queue)) {
        q = ngx_queue_head(queue);
        l = ngx_queue_data(q, ngx_http_push_lookup_t, queue);

        if (aged
            && ngx_current_msec - l->asked < NGX_HTTP_PUSH_LOOKUP_AGAIN)
        {
            return;
        }

        ngx_queue_remove(q);

        ngx_http_push_lookup_enqueue(l, 1);
    }
}


/*
 * Not while clients still have to be written to what was read before: a
 * thousand missed messages reach a client that keeps up through any queue.
 */

static void
ngx_http_push_lookup_pump_handler(ngx_event_t *ev)
{
    ngx_uint_t                n;
    ngx_queue_t              *q;
    ngx_connection_t         *c;
    ngx_http_push_lookups_t  *ls;

    c = ev->data;
    ls = c->data;

    ls->pumping = 1;
    ls->delivered = 0;

    for (n = 0; !ngx_queue_empty(&ls->due); n++) {

        if (ls->reading >= NGX_HTTP_PUSH_LOOKUP_READING) {

            /* an answer goes on */

            break;
        }

        if (n == NGX_HTTP_PUSH_LOOKUP_STARTS
            || ls->delivered > NGX_HTTP_PUSH_LOOKUP_DELIVERIES
            || ngx_http_push_hub_busy(ls->hub))
        {
            ngx_http_push_lookup_post(ls);
            break;
        }

        q = ngx_queue_head(&ls->due);
        ngx_queue_remove(q);

        ngx_http_push_lookup_begin(ngx_queue_data(q, ngx_http_push_lookup_t,
                                                  queue));
    }

    ls->pumping = 0;
}


static void
ngx_http_push_lookup_begin(ngx_http_push_lookup_t *l)
{
    ngx_http_push_bus_t      *bus;
    ngx_http_push_lookups_t  *ls;

    ls = l->ls;

    l->state = NGX_HTTP_PUSH_LOOKUP_IDLE;
    l->asked = ngx_current_msec;

    if (ls->prepare(l) != NGX_OK) {
        ngx_http_push_lookup_enqueue(l, 0);
        return;
    }

    l->rd->handler = ngx_http_push_lookup_read_handler;
    l->rd->data = l;

    l->state = NGX_HTTP_PUSH_LOOKUP_READS;
    ls->reading++;

    bus = ngx_http_push_hub_bus(ls->hub);

    if (bus->read(bus, l->rd) == NGX_OK) {
        ngx_http_push_lookup_end(l);
    }
}


static void
ngx_http_push_lookup_read_handler(ngx_http_push_read_t *rd)
{
    ngx_http_push_lookup_t  *l = rd->data;

    if (!ngx_queue_empty(&l->ls->due)) {
        ngx_http_push_lookup_post(l->ls);
    }

    ngx_http_push_lookup_end(l);
}


static void
ngx_http_push_lookup_end(ngx_http_push_lookup_t *l)
{
    l->ls->reading--;

    if (l->rd->status == NGX_HTTP_PUSH_READ_FAILED) {
        l->state = NGX_HTTP_PUSH_LOOKUP_FAILED;
        ngx_queue_insert_tail(&l->ls->failed, &l->queue);
        return;
    }

    l->state = NGX_HTTP_PUSH_LOOKUP_IDLE;

    l->ls->finish(l);
}


void
ngx_http_push_lookup_release(ngx_http_push_read_t *rd)
{
    ngx_uint_t  i;

    for (i = 0; i < rd->n; i++) {
        ngx_http_push_msg_unref(rd->msgs[i]);
    }

    if (rd->msgs != NULL) {
        ngx_free(rd->msgs);
        rd->msgs = NULL;
    }

    rd->n = 0;
}
