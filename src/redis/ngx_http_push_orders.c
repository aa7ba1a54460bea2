/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: carries out orders by commands to Redis: owns a task for each order
 * under way.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_envelope.h"
#include "ngx_http_push_name.h"
#include "ngx_http_push_orders.h"


/* what may wait for Redis; beyond it is 503 */
#define NGX_HTTP_PUSH_ORDERS_PENDING  100000              /* commands */
#define NGX_HTTP_PUSH_ORDERS_WAITING  (64 * 1024 * 1024)  /* bytes */

#define NGX_HTTP_PUSH_ORDERS_EARLY    1000  /* before the first connect */
#define NGX_HTTP_PUSH_ORDERS_TURN     256   /* handlers called in a turn */
#define NGX_HTTP_PUSH_ORDERS_WIRE     512   /* prefix= and a channel's name */


/*
 * A DELETE asks first who listens, then tells them.  The task outlives an
 * order that was cancelled: its reply is still to come.
 */

typedef struct {
    ngx_http_push_link_command_t   cmd;
    ngx_queue_t                    queue;     /* in early or done */
    ngx_http_push_orders_t        *orders;
    ngx_http_push_link_t          *link;
    ngx_http_push_order_t         *order;     /* NULL: cancelled */
    ngx_uint_t                     kind;      /* ngx_http_push_order_e */
    ngx_uint_t                     status;
    const char                    *error;
    ngx_uint_t                     links;
    unsigned                       has_links:1;
    unsigned                       early:1;   /* not sent yet */
    unsigned                       told:1;    /* of a DELETE: it is sent */
} ngx_http_push_orders_task_t;


struct ngx_http_push_orders_s {
    ngx_queue_t                    early;     /* wait for the first connect */
    ngx_queue_t                    done;      /* handlers to be called */
    ngx_event_t                    finish;
    ngx_uint_t                     nearly;
    ngx_uint_t                     listening;
    ngx_http_push_redis_conf_t    *rc;
    ngx_http_push_hub_t           *hub;
    ngx_str_t                     *control;
    size_t                         max_message;
    ngx_log_t                     *log;
};


typedef struct {
    const char                    *word;      /* how Redis' error begins */
    ngx_uint_t                     status;
    const char                    *error;
} ngx_http_push_orders_error_t;


static ngx_int_t ngx_http_push_orders_refuse(ngx_http_push_order_t *o,
    ngx_uint_t status, const char *error);
static const char *ngx_http_push_orders_check_room(ngx_http_push_orders_t *os,
    ngx_http_push_link_t *l);
static void ngx_http_push_orders_leave_early(
    ngx_http_push_orders_task_t *task);
static ngx_int_t ngx_http_push_orders_begin(ngx_http_push_orders_task_t *task,
    ngx_http_push_order_t *o);
static ngx_int_t ngx_http_push_orders_publish(
    ngx_http_push_orders_task_t *task, ngx_http_push_order_t *o);
static ngx_int_t ngx_http_push_orders_count(ngx_http_push_orders_task_t *task,
    ngx_http_push_order_t *o);
static ngx_int_t ngx_http_push_orders_tell(ngx_http_push_orders_task_t *task,
    ngx_http_push_order_t *o);
static ngx_int_t ngx_http_push_orders_send(ngx_http_push_orders_task_t *task,
    ngx_str_t *channel, ngx_http_push_envelope_t *env);
static void ngx_http_push_orders_set_wire(ngx_http_push_orders_t *os,
    ngx_http_push_order_t *o, ngx_str_t *wire);

static ngx_int_t ngx_http_push_orders_handler(
    ngx_http_push_link_command_t *cmd, ngx_uint_t outcome,
    ngx_http_push_reply_t *reply);
static ngx_int_t ngx_http_push_orders_answer_count(
    ngx_http_push_orders_task_t *task, ngx_http_push_reply_t *reply);
static void ngx_http_push_orders_answer_error(
    ngx_http_push_orders_task_t *task, ngx_http_push_reply_t *reply);
static ngx_uint_t ngx_http_push_orders_subscribers(
    ngx_http_push_orders_t *os, ngx_http_push_order_t *o);
static void ngx_http_push_orders_done(ngx_http_push_orders_task_t *task,
    ngx_uint_t status, const char *error);
static void ngx_http_push_orders_finish_handler(ngx_event_t *ev);
static void ngx_http_push_orders_fill(ngx_http_push_orders_task_t *task,
    ngx_http_push_order_t *o);


static const char  ngx_http_push_orders_away[] = "redis is away";
static const char  ngx_http_push_orders_memory[] = "out of memory";
static const char  ngx_http_push_orders_invalid[] =
    "invalid event name, content type or connection";
static const char  ngx_http_push_orders_unknown[] =
    "redis did not answer, outcome unknown";


static ngx_http_push_orders_error_t  ngx_http_push_orders_errors[] = {
    { "NOPERM", 403, "redis does not permit it" },
    { "NOAUTH", 503, "redis wants another password" },
    { "WRONGPASS", 503, "redis wants another password" },
    { "OOM", 503, "redis is out of memory" },
    { "LOADING", 503, "redis is loading" },
    { "BUSY", 503, "redis is busy with a script" },
    { "READONLY", 503, "redis is read-only" },
    { "MISCONF", 503, "redis cannot save its data" },
    { "MASTERDOWN", 503, "redis has lost its master" },
    { "CLUSTERDOWN", 503, "redis cluster is down" },
    { "", 503, "redis refused the command" }
};


ngx_http_push_orders_t *
ngx_http_push_orders_create(ngx_http_push_redis_conf_t *rc,
    ngx_http_push_hub_t *h, ngx_str_t *control, size_t max_message,
    ngx_log_t *log)
{
    ngx_http_push_orders_t  *os;

    os = ngx_calloc(sizeof(ngx_http_push_orders_t), log);
    if (os == NULL) {
        return NULL;
    }

    ngx_queue_init(&os->early);
    ngx_queue_init(&os->done);

    os->rc = rc;
    os->hub = h;
    os->control = control;
    os->max_message = max_message;
    os->log = log;

    os->finish.handler = ngx_http_push_orders_finish_handler;
    os->finish.data = os;
    os->finish.log = log;

    return os;
}


void
ngx_http_push_orders_destroy(ngx_http_push_orders_t *os)
{
    ngx_queue_t                  *q;
    ngx_http_push_orders_task_t  *task;

    if (os->finish.posted) {
        ngx_delete_posted_event(&os->finish);
    }

    ngx_queue_add(&os->done, &os->early);

    while (!ngx_queue_empty(&os->done)) {
        q = ngx_queue_head(&os->done);
        ngx_queue_remove(q);

        task = ngx_queue_data(q, ngx_http_push_orders_task_t, queue);

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
    ngx_int_t                     rc;
    ngx_uint_t                    early;
    const char                   *error;
    ngx_http_push_orders_task_t  *task;

    o->pending = NULL;

    early = !ngx_http_push_link_is_up(l);
    error = ngx_http_push_orders_check_room(os, l);

    if (error != NULL) {
        return ngx_http_push_orders_refuse(o, 503, error);
    }

    if (o->channel.len > NGX_HTTP_PUSH_NAME_MAX) {
        return ngx_http_push_orders_refuse(o, 400, "channel name is too long");
    }

    if (o->body.len > os->max_message) {
        return ngx_http_push_orders_refuse(o, 413, "message is too large");
    }

    task = ngx_calloc(sizeof(ngx_http_push_orders_task_t), os->log);
    if (task == NULL) {
        return ngx_http_push_orders_refuse(o, 503,
                                           ngx_http_push_orders_memory);
    }

    task->cmd.handler = ngx_http_push_orders_handler;
    task->cmd.data = task;
    task->orders = os;
    task->link = l;
    task->order = o;
    task->kind = o->kind;
    task->early = early;

    if (early) {
        ngx_queue_insert_tail(&os->early, &task->queue);
        os->nearly++;

        o->pending = task;
        return NGX_AGAIN;
    }

    rc = ngx_http_push_orders_begin(task, o);

    if (rc == NGX_OK) {
        o->pending = task;
        return NGX_AGAIN;
    }

    ngx_free(task);

    if (rc == NGX_DECLINED) {
        return ngx_http_push_orders_refuse(o, 400,
                                           ngx_http_push_orders_invalid);
    }

    return ngx_http_push_orders_refuse(o, 503, ngx_http_push_orders_memory);
}


/* NULL: one more may be given */

static const char *
ngx_http_push_orders_check_room(ngx_http_push_orders_t *os,
    ngx_http_push_link_t *l)
{
    if (!ngx_http_push_link_is_up(l)) {

        if (ngx_http_push_link_is_new(l)
            && os->nearly < NGX_HTTP_PUSH_ORDERS_EARLY)
        {
            return NULL;
        }

        return ngx_http_push_orders_away;
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
    ngx_int_t                     rc;
    ngx_queue_t                  *q;
    ngx_http_push_orders_task_t  *task;

    while (!ngx_queue_empty(&os->early)) {
        q = ngx_queue_head(&os->early);
        task = ngx_queue_data(q, ngx_http_push_orders_task_t, queue);

        ngx_http_push_orders_leave_early(task);

        rc = ngx_http_push_orders_begin(task, task->order);

        if (rc == NGX_DECLINED) {
            ngx_http_push_orders_done(task, 400, ngx_http_push_orders_invalid);

        } else if (rc != NGX_OK) {
            ngx_http_push_orders_done(task, 503, ngx_http_push_orders_memory);
        }
    }
}


void
ngx_http_push_orders_down(ngx_http_push_orders_t *os)
{
    ngx_queue_t                  *q;
    ngx_http_push_orders_task_t  *task;

    while (!ngx_queue_empty(&os->early)) {
        q = ngx_queue_head(&os->early);
        task = ngx_queue_data(q, ngx_http_push_orders_task_t, queue);

        ngx_http_push_orders_leave_early(task);
        ngx_http_push_orders_done(task, 503, ngx_http_push_orders_away);
    }
}


static void
ngx_http_push_orders_leave_early(ngx_http_push_orders_task_t *task)
{
    ngx_queue_remove(&task->queue);

    task->early = 0;
    task->orders->nearly--;
}


void
ngx_http_push_orders_set_listening(ngx_http_push_orders_t *os,
    ngx_uint_t listening)
{
    os->listening = listening;
}


/* NGX_DECLINED: a value cannot be in an envelope */

static ngx_int_t
ngx_http_push_orders_begin(ngx_http_push_orders_task_t *task,
    ngx_http_push_order_t *o)
{
    if (o->kind == NGX_HTTP_PUSH_ORDER_PUBLISH) {
        return ngx_http_push_orders_publish(task, o);
    }

    return ngx_http_push_orders_count(task, o);
}


static ngx_int_t
ngx_http_push_orders_refuse(ngx_http_push_order_t *o, ngx_uint_t status,
    const char *error)
{
    o->status = status;
    o->error = error;
    o->subscribers = 0;
    o->links = 0;
    o->has_links = 0;

    return NGX_OK;
}


void
ngx_http_push_orders_cancel(ngx_http_push_order_t *o)
{
    ngx_http_push_orders_task_t  *task;

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


static ngx_int_t
ngx_http_push_orders_publish(ngx_http_push_orders_task_t *task,
    ngx_http_push_order_t *o)
{
    u_char                     buf[NGX_HTTP_PUSH_ORDERS_WIRE];
    ngx_str_t                  wire;
    ngx_http_push_envelope_t   env;

    ngx_memzero(&env, sizeof(ngx_http_push_envelope_t));

    env.kind = NGX_HTTP_PUSH_ENVELOPE_KIND_MESSAGE;
    env.event.data = o->event.data;
    env.event.len = o->event.len;
    env.type.data = o->content_type.data;
    env.type.len = o->content_type.len;
    env.except.data = o->except.data;
    env.except.len = o->except.len;
    env.body.data = o->body.data;
    env.body.len = o->body.len;
    env.is_binary = o->binary;
    env.is_volatile = o->volatile_;

    wire.data = buf;
    ngx_http_push_orders_set_wire(task->orders, o, &wire);

    return ngx_http_push_orders_send(task, &wire, &env);
}


static ngx_int_t
ngx_http_push_orders_count(ngx_http_push_orders_task_t *task,
    ngx_http_push_order_t *o)
{
    u_char     buf[NGX_HTTP_PUSH_ORDERS_WIRE];
    ngx_str_t  argv[3];

    ngx_str_set(&argv[0], "PUBSUB");
    ngx_str_set(&argv[1], "NUMSUB");

    argv[2].data = buf;
    ngx_http_push_orders_set_wire(task->orders, o, &argv[2]);

    task->cmd.replies = 1;

    return (ngx_http_push_link_send(task->link, &task->cmd, 3, argv) == NGX_OK)
           ? NGX_OK : NGX_ERROR;
}


/*
 * Redis carries out the commands of all links one after the other, and sends
 * on in that order: so what was published to the channel before the delete
 * arrives before it, everywhere, and what comes later after it.
 */

static ngx_int_t
ngx_http_push_orders_tell(ngx_http_push_orders_task_t *task,
    ngx_http_push_order_t *o)
{
    ngx_http_push_envelope_t  env;

    ngx_memzero(&env, sizeof(ngx_http_push_envelope_t));

    env.kind = NGX_HTTP_PUSH_ENVELOPE_KIND_CONTROL;
    env.event.data = (u_char *) NGX_HTTP_PUSH_ORDERS_DELETE;
    env.event.len = sizeof(NGX_HTTP_PUSH_ORDERS_DELETE) - 1;
    env.body.data = o->channel.data;
    env.body.len = o->channel.len;

    task->told = 1;

    return ngx_http_push_orders_send(task, task->orders->control, &env);
}


static ngx_int_t
ngx_http_push_orders_send(ngx_http_push_orders_task_t *task,
    ngx_str_t *channel, ngx_http_push_envelope_t *env)
{
    u_char      *p;
    size_t       size;
    ngx_int_t    rc;
    ngx_str_t    argv[3];
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    env->time = (uint64_t) tp->sec * 1000 + tp->msec;

    size = ngx_http_push_envelope_size(env);
    if (size == 0) {
        return NGX_DECLINED;
    }

    p = ngx_alloc(size, task->orders->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_http_push_envelope_write(p, env);

    ngx_str_set(&argv[0], "PUBLISH");

    argv[1] = *channel;

    argv[2].data = p;
    argv[2].len = size;

    task->cmd.replies = 1;

    rc = ngx_http_push_link_send(task->link, &task->cmd, 3, argv);

    ngx_free(p);

    return (rc == NGX_OK) ? NGX_OK : NGX_ERROR;
}


/* wire->data has room for the longest */

static void
ngx_http_push_orders_set_wire(ngx_http_push_orders_t *os,
    ngx_http_push_order_t *o, ngx_str_t *wire)
{
    u_char  *p;

    p = ngx_cpymem(wire->data, os->rc->prefix.data, os->rc->prefix.len);
    p = ngx_cpymem(p, o->channel.data, o->channel.len);

    wire->len = p - wire->data;
}


static ngx_int_t
ngx_http_push_orders_handler(ngx_http_push_link_command_t *cmd,
    ngx_uint_t outcome, ngx_http_push_reply_t *reply)
{
    ngx_http_push_value_t        *value;
    ngx_http_push_orders_task_t  *task;

    task = cmd->data;

    if (outcome == NGX_HTTP_PUSH_LINK_UNSENT) {
        ngx_http_push_orders_done(task, 503, ngx_http_push_orders_away);
        return NGX_OK;
    }

    if (outcome == NGX_HTTP_PUSH_LINK_UNKNOWN) {

        /* a question has no outcome that could be in doubt */

        if (task->kind == NGX_HTTP_PUSH_ORDER_PUBLISH || task->told) {
            ngx_http_push_orders_done(task, 504,
                                      ngx_http_push_orders_unknown);
        } else {
            ngx_http_push_orders_done(task, 503, ngx_http_push_orders_away);
        }

        return NGX_OK;
    }

    if (ngx_http_push_reply_is_error(reply, "")) {
        ngx_http_push_orders_answer_error(task, reply);
        return NGX_OK;
    }

    if (task->kind != NGX_HTTP_PUSH_ORDER_PUBLISH && !task->told) {
        return ngx_http_push_orders_answer_count(task, reply);
    }

    value = &reply->values[0];

    if (value->type != NGX_HTTP_PUSH_VALUE_INTEGER || value->integer < 0) {
        return NGX_ERROR;
    }

    if (task->told) {
        ngx_http_push_orders_done(task, 200, NULL);
        return NGX_OK;
    }

    task->links = (ngx_uint_t) value->integer;
    task->has_links = 1;

    ngx_http_push_orders_done(task, 201, NULL);

    return NGX_OK;
}


/* of PUBSUB NUMSUB: [channel, number] */

static ngx_int_t
ngx_http_push_orders_answer_count(ngx_http_push_orders_task_t *task,
    ngx_http_push_reply_t *reply)
{
    ngx_http_push_order_t  *o;

    if (!ngx_http_push_reply_is_list(reply, 2)
        || reply->values[2].type != NGX_HTTP_PUSH_VALUE_INTEGER
        || reply->values[2].integer < 0)
    {
        return NGX_ERROR;
    }

    task->links = (ngx_uint_t) reply->values[2].integer;
    task->has_links = 1;

    o = task->order;

    if (o == NULL
        || o->kind != NGX_HTTP_PUSH_ORDER_DELETE
        || (task->links == 0
            && ngx_http_push_orders_subscribers(task->orders, o) == 0))
    {
        ngx_http_push_orders_done(task, 200, NULL);

    } else if (ngx_http_push_orders_tell(task, o) != NGX_OK) {
        ngx_http_push_orders_done(task, 503, ngx_http_push_orders_memory);
    }

    return NGX_OK;
}


static void
ngx_http_push_orders_answer_error(ngx_http_push_orders_task_t *task,
    ngx_http_push_reply_t *reply)
{
    u_char                         text[NGX_HTTP_PUSH_REPLY_TEXT];
    ngx_http_push_orders_error_t  *e;

    e = ngx_http_push_orders_errors;

    while (!ngx_http_push_reply_is_error(reply, e->word)) {
        e++;
    }

    ngx_log_error(NGX_LOG_INFO, task->orders->log, 0,
                  "redis refused a command: %s",
                  ngx_http_push_reply_quote(reply, text));

    ngx_http_push_orders_done(task, e->status, e->error);
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
ngx_http_push_orders_done(ngx_http_push_orders_task_t *task, ngx_uint_t status,
    const char *error)
{
    if (task->order == NULL) {
        ngx_free(task);
        return;
    }

    task->status = status;
    task->error = error;

    ngx_queue_insert_tail(&task->orders->done, &task->queue);

    ngx_post_event(&task->orders->finish, &ngx_posted_events);
}


static void
ngx_http_push_orders_finish_handler(ngx_event_t *ev)
{
    ngx_uint_t                    n;
    ngx_queue_t                  *q;
    ngx_http_push_order_t        *o;
    ngx_http_push_orders_t       *os;
    ngx_http_push_orders_task_t  *task;

    os = ev->data;

    for (n = 0; n < NGX_HTTP_PUSH_ORDERS_TURN; n++) {

        if (ngx_queue_empty(&os->done)) {
            return;
        }

        q = ngx_queue_head(&os->done);
        ngx_queue_remove(q);

        task = ngx_queue_data(q, ngx_http_push_orders_task_t, queue);
        o = task->order;

        if (o != NULL) {
            ngx_http_push_orders_fill(task, o);
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
ngx_http_push_orders_fill(ngx_http_push_orders_task_t *task,
    ngx_http_push_order_t *o)
{
    o->status = task->status;
    o->error = task->error;
    o->links = task->links;
    o->has_links = task->has_links;
    o->subscribers = 0;

    if (o->status >= 300) {
        return;
    }

    o->subscribers = ngx_http_push_orders_subscribers(task->orders, o);

    if (o->links != 0) {
        return;
    }

    if (o->subscribers != 0) {

        if (o->kind == NGX_HTTP_PUSH_ORDER_PUBLISH
            && !task->orders->listening)
        {
            o->status = 503;
            o->error = "redis is back, its subscribers are not yet";
        }

        return;
    }

    if (o->kind == NGX_HTTP_PUSH_ORDER_PUBLISH) {
        o->status = 202;

    } else if (o->kind == NGX_HTTP_PUSH_ORDER_DELETE && !task->told) {
        o->status = 404;
        o->error = "unknown channel";
    }
}
