/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the orders under way: owns a task for each, says which may be given
 * and calls their handlers.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_name.h"
#include "ngx_http_push_orders.h"
#include "ngx_http_push_task.h"


/* what may wait for Redis; beyond it is 503 */
#define NGX_HTTP_PUSH_ORDERS_PENDING  100000              /* commands */
#define NGX_HTTP_PUSH_ORDERS_WAITING  (64 * 1024 * 1024)  /* bytes */

#define NGX_HTTP_PUSH_ORDERS_EARLY    1000  /* before the first connect */
#define NGX_HTTP_PUSH_ORDERS_TURN     256   /* handlers called in a turn */


struct ngx_http_push_orders_s {
    ngx_queue_t                    early;     /* wait for the first connect */
    ngx_queue_t                    done;      /* handlers to be called */
    ngx_event_t                    finish;
    ngx_uint_t                     nearly;
    ngx_http_push_hist_conf_t     *conf;
    ngx_http_push_hub_t           *hub;

    unsigned                       up:1;
    unsigned                       used:1;    /* was up, or failed */
    unsigned                       listening:1;
};


static const char *ngx_http_push_orders_check(ngx_http_push_orders_t *os,
    ngx_http_push_link_t *l, ngx_http_push_order_t *o);
static const char *ngx_http_push_orders_check_room(ngx_http_push_orders_t *os,
    ngx_http_push_link_t *l);
static void ngx_http_push_orders_leave_early(ngx_http_push_task_t *task);
static void ngx_http_push_orders_begin(ngx_http_push_task_t *task);
static ngx_int_t ngx_http_push_orders_refuse(ngx_http_push_order_t *o,
    ngx_uint_t status, const char *error);
static ngx_uint_t ngx_http_push_orders_subscribers(
    ngx_http_push_orders_t *os, ngx_http_push_order_t *o);

static void ngx_http_push_orders_done_handler(ngx_http_push_task_t *task);
static void ngx_http_push_orders_finish_handler(ngx_event_t *ev);
static void ngx_http_push_orders_fill(ngx_http_push_orders_t *os,
    ngx_http_push_task_t *task);
static void ngx_http_push_orders_fill_publish(ngx_http_push_orders_t *os,
    ngx_http_push_task_t *task);


static const char  ngx_http_push_orders_away[] = "redis is away";
static const char  ngx_http_push_orders_memory[] = "out of memory";
static const char  ngx_http_push_orders_deaf[] =
    "redis is back, its subscribers are not yet";


ngx_http_push_orders_t *
ngx_http_push_orders_create(ngx_http_push_hist_conf_t *conf,
    ngx_http_push_hub_t *h)
{
    ngx_http_push_orders_t  *os;

    os = ngx_calloc(sizeof(ngx_http_push_orders_t), conf->log);
    if (os == NULL) {
        return NULL;
    }

    ngx_queue_init(&os->early);
    ngx_queue_init(&os->done);

    os->conf = conf;
    os->hub = h;

    os->finish.handler = ngx_http_push_orders_finish_handler;
    os->finish.data = os;
    os->finish.log = conf->log;

    return os;
}


void
ngx_http_push_orders_destroy(ngx_http_push_orders_t *os)
{
    ngx_queue_t           *q;
    ngx_http_push_task_t  *task;

    if (os->finish.posted) {
        ngx_delete_posted_event(&os->finish);
    }

    ngx_queue_add(&os->done, &os->early);

    while (!ngx_queue_empty(&os->done)) {
        q = ngx_queue_head(&os->done);
        ngx_queue_remove(q);

        task = ngx_queue_data(q, ngx_http_push_task_t, queue);

        if (task->order != NULL) {
            task->order->pending = NULL;
        }

        ngx_free(task);
    }

    ngx_free(os);
}


ngx_int_t
ngx_http_push_orders_give(ngx_http_push_orders_t *os, ngx_http_push_link_t *l,
    ngx_http_push_order_t *o)
{
    const char            *error;
    ngx_http_push_task_t  *task;

    o->pending = NULL;

    if (o->channel.len > NGX_HTTP_PUSH_NAME_MAX) {
        return ngx_http_push_orders_refuse(o, 400, "channel name is too long");
    }

    if (o->body.len > os->conf->max_message) {
        return ngx_http_push_orders_refuse(o, 413, "message is too large");
    }

    error = ngx_http_push_orders_check(os, l, o);

    if (error != NULL) {
        return ngx_http_push_orders_refuse(o, 503, error);
    }

    task = ngx_calloc(sizeof(ngx_http_push_task_t), os->conf->log);
    if (task == NULL) {
        return ngx_http_push_orders_refuse(o, 503,
                                           ngx_http_push_orders_memory);
    }

    task->conf = os->conf;
    task->link = l;
    task->order = o;
    task->done = ngx_http_push_orders_done_handler;
    task->data = os;

    o->pending = task;

    if (!os->up) {
        ngx_queue_insert_tail(&os->early, &task->queue);
        os->nearly++;

        task->early = 1;

        return NGX_AGAIN;
    }

    ngx_http_push_orders_begin(task);

    return NGX_AGAIN;
}


/* NULL: it may be given */

static const char *
ngx_http_push_orders_check(ngx_http_push_orders_t *os,
    ngx_http_push_link_t *l, ngx_http_push_order_t *o)
{
    const char  *error;

    error = ngx_http_push_orders_check_room(os, l);

    if (error != NULL) {
        return error;
    }

    /* its id would keep the repeat from being sent */

    if (os->up
        && !os->listening
        && o->kind == NGX_HTTP_PUSH_ORDER_PUBLISH
        && o->id.len != 0
        && !ngx_http_push_task_stores(os->conf, o)
        && ngx_http_push_orders_subscribers(os, o) != 0)
    {
        return ngx_http_push_orders_deaf;
    }

    return NULL;
}


static const char *
ngx_http_push_orders_check_room(ngx_http_push_orders_t *os,
    ngx_http_push_link_t *l)
{
    if (!os->up) {
        return (!os->used && os->nearly < NGX_HTTP_PUSH_ORDERS_EARLY)
               ? NULL : ngx_http_push_orders_away;
    }

    if (ngx_http_push_link_pending(l) >= NGX_HTTP_PUSH_ORDERS_PENDING
        || ngx_http_push_link_waiting(l) >= NGX_HTTP_PUSH_ORDERS_WAITING)
    {
        return "too much is waiting for redis";
    }

    return NULL;
}


void
ngx_http_push_orders_up(ngx_http_push_orders_t *os)
{
    ngx_queue_t           *q;
    ngx_http_push_task_t  *task;

    os->up = 1;
    os->used = 1;

    while (!ngx_queue_empty(&os->early)) {
        q = ngx_queue_head(&os->early);
        task = ngx_queue_data(q, ngx_http_push_task_t, queue);

        ngx_http_push_orders_leave_early(task);
        ngx_http_push_orders_begin(task);
    }
}


void
ngx_http_push_orders_down(ngx_http_push_orders_t *os)
{
    ngx_queue_t           *q;
    ngx_http_push_task_t  *task;

    os->up = 0;
    os->used = 1;

    while (!ngx_queue_empty(&os->early)) {
        q = ngx_queue_head(&os->early);
        task = ngx_queue_data(q, ngx_http_push_task_t, queue);

        ngx_http_push_orders_leave_early(task);

        task->outcome.status = 503;
        task->outcome.text = ngx_http_push_orders_away;

        ngx_http_push_orders_done_handler(task);
    }
}


static void
ngx_http_push_orders_leave_early(ngx_http_push_task_t *task)
{
    ngx_http_push_orders_t  *os;

    os = task->data;

    ngx_queue_remove(&task->queue);

    task->early = 0;
    os->nearly--;
}


void
ngx_http_push_orders_set_listening(ngx_http_push_orders_t *os,
    ngx_uint_t listening)
{
    os->listening = listening;
}


static void
ngx_http_push_orders_begin(ngx_http_push_task_t *task)
{
    ngx_int_t               rc;
    ngx_http_push_order_t  *o;

    o = task->order;

    if (o->kind == NGX_HTTP_PUSH_ORDER_DELETE || o->id.len != 0) {
        task->here = ngx_http_push_orders_subscribers(task->data, o);
    }

    rc = ngx_http_push_task_begin(task);

    if (rc == NGX_OK) {
        return;
    }

    if (rc == NGX_DECLINED) {
        task->outcome.status = 400;
        task->outcome.text = "invalid event name, content type, connection "
                             "or id";

    } else {
        task->outcome.status = 503;
        task->outcome.text = ngx_http_push_orders_memory;
    }

    ngx_http_push_orders_done_handler(task);
}


static ngx_int_t
ngx_http_push_orders_refuse(ngx_http_push_order_t *o, ngx_uint_t status,
    const char *error)
{
    o->status = status;
    o->error = error;
    o->subscribers = 0;
    o->links = 0;
    o->messages = 0;
    o->has_links = 0;

    ngx_http_push_position_reset(&o->position);

    return NGX_OK;
}


void
ngx_http_push_orders_cancel(ngx_http_push_order_t *o)
{
    ngx_http_push_task_t  *task;

    task = o->pending;

    if (task == NULL) {
        return;
    }

    task->order = NULL;
    o->pending = NULL;

    if (task->early) {
        ngx_http_push_orders_leave_early(task);
        ngx_free(task);
    }
}


static ngx_uint_t
ngx_http_push_orders_subscribers(ngx_http_push_orders_t *os,
    ngx_http_push_order_t *o)
{
    uint32_t                 hash;
    ngx_http_push_census_t  *census;

    census = ngx_http_push_hub_census(os->hub);

    if (census == NULL) {
        return 0;
    }

    hash = ngx_http_push_hub_hash(o->channel.data, o->channel.len);

    return census->subscribers(census->data, &o->channel, hash);
}


/*
 * Handlers end requests and may give other orders: they are called neither
 * while replies are read, nor all in one turn of the loop.
 */

static void
ngx_http_push_orders_done_handler(ngx_http_push_task_t *task)
{
    ngx_http_push_orders_t  *os;

    if (task->order == NULL) {
        ngx_free(task);
        return;
    }

    os = task->data;

    ngx_queue_insert_tail(&os->done, &task->queue);

    ngx_post_event(&os->finish, &ngx_posted_events);
}


static void
ngx_http_push_orders_finish_handler(ngx_event_t *ev)
{
    ngx_uint_t               n;
    ngx_queue_t             *q;
    ngx_http_push_task_t    *task;
    ngx_http_push_order_t   *o;
    ngx_http_push_orders_t  *os;

    os = ev->data;

    for (n = 0; n < NGX_HTTP_PUSH_ORDERS_TURN; n++) {

        if (ngx_queue_empty(&os->done)) {
            return;
        }

        q = ngx_queue_head(&os->done);
        ngx_queue_remove(q);

        task = ngx_queue_data(q, ngx_http_push_task_t, queue);
        o = task->order;

        if (o != NULL) {
            ngx_http_push_orders_fill(os, task);
            o->pending = NULL;
        }

        ngx_free(task);

        if (o != NULL) {
            o->handler(o);
        }
    }

    if (!ngx_queue_empty(&os->done)) {
        ngx_post_event(&os->finish, &ngx_posted_next_events);
    }
}


static void
ngx_http_push_orders_fill(ngx_http_push_orders_t *os,
    ngx_http_push_task_t *task)
{
    ngx_http_push_order_t  *o;

    o = task->order;

    (void) ngx_http_push_orders_refuse(o, task->outcome.status,
                                       task->outcome.text);

    if (o->status >= 300) {
        return;
    }

    o->links = task->links;
    o->has_links = task->has_links;
    o->messages = task->messages;
    o->position = task->position;
    o->subscribers = task->repeated ? task->here
                                    : ngx_http_push_orders_subscribers(os, o);

    if (o->kind == NGX_HTTP_PUSH_ORDER_PUBLISH) {
        ngx_http_push_orders_fill_publish(os, task);

    } else if (o->kind == NGX_HTTP_PUSH_ORDER_DELETE && !task->told) {
        o->status = 404;
        o->error = "unknown channel";
    }
}


/* what is stored will be read by who listens again */

static void
ngx_http_push_orders_fill_publish(ngx_http_push_orders_t *os,
    ngx_http_push_task_t *task)
{
    ngx_http_push_order_t  *o;

    o = task->order;

    if (o->links == 0 && o->subscribers == 0) {
        o->status = 202;
        return;
    }

    o->status = 201;

    if (o->links == 0
        && !os->listening
        && !task->stored
        && !task->repeated)
    {
        o->status = 503;
        o->error = ngx_http_push_orders_deaf;
    }
}
