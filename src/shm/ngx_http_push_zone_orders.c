/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: from an order to a post in the zone, and to its outcome; owns the
 * orders that wait for room.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_envelope.h"
#include "ngx_http_push_history.h"
#include "ngx_http_push_post.h"
#include "ngx_http_push_zone_orders.h"


#define NGX_HTTP_PUSH_ZONE_ORDERS_WAITING   10000  /* orders */
#define NGX_HTTP_PUSH_ZONE_ORDERS_PATIENCE  2000   /* ms that one waits */
#define NGX_HTTP_PUSH_ZONE_ORDERS_RETRY     1      /* ms */
#define NGX_HTTP_PUSH_ZONE_ORDERS_TURN      64     /* orders done in a turn */

/* twice of it is still a time to come, for nginx's clock */
#define NGX_HTTP_PUSH_ZONE_ORDERS_TTL       ((ngx_msec_t) -1 / 8)


struct ngx_http_push_zone_orders_s {
    ngx_http_push_segment_t         *seg;
    ngx_http_push_hub_t             *hub;
    ngx_http_push_feeds_t           *feeds;
    ngx_event_t                     *mail;
    ngx_log_t                       *log;

    ngx_queue_t                      waiting;      /* for room in the arena */
    ngx_uint_t                       nwaiting;
    ngx_event_t                      retry;
    ngx_connection_t                 stub;         /* its data, fd is -1 */
};


/* an order that waits; freed when it is done or cancelled */

typedef struct {
    ngx_queue_t                      queue;
    ngx_http_push_zone_orders_t     *orders;
    ngx_http_push_order_t           *order;
    ngx_msec_t                       since;
} ngx_http_push_zone_orders_task_t;


static ngx_int_t ngx_http_push_zone_orders_wait(
    ngx_http_push_zone_orders_t *os, ngx_http_push_order_t *o);
static void ngx_http_push_zone_orders_remove(
    ngx_http_push_zone_orders_task_t *task);
static void ngx_http_push_zone_orders_retry_handler(ngx_event_t *ev);
static void ngx_http_push_zone_orders_inform(ngx_http_push_zone_orders_t *os,
    ngx_http_push_order_t *o);
static ngx_int_t ngx_http_push_zone_orders_send(
    ngx_http_push_zone_orders_t *os, ngx_http_push_order_t *o,
    ngx_uint_t patient);
static void ngx_http_push_zone_orders_address(ngx_http_push_order_t *o,
    ngx_http_push_post_t *post);
static void ngx_http_push_zone_orders_set(ngx_http_push_envelope_str_t *dst,
    ngx_str_t *src);
static void ngx_http_push_zone_orders_keep(ngx_http_push_zone_orders_t *os,
    ngx_http_push_order_t *o, ngx_http_push_post_t *post);
static void ngx_http_push_zone_orders_refuse(ngx_http_push_order_t *o,
    ngx_uint_t status, const char *error);
static ngx_uint_t ngx_http_push_zone_orders_uncounted(
    ngx_http_push_zone_orders_t *os, ngx_http_push_order_t *o, uint32_t hash);


/* the event of a C envelope, as over Redis */

static ngx_str_t  ngx_http_push_zone_orders_delete = ngx_string("delete");


ngx_http_push_zone_orders_t *
ngx_http_push_zone_orders_create(ngx_http_push_segment_t *seg,
    ngx_http_push_hub_t *h, ngx_http_push_feeds_t *fs, ngx_event_t *mail,
    ngx_log_t *log)
{
    ngx_http_push_zone_orders_t  *os;

    os = ngx_calloc(sizeof(ngx_http_push_zone_orders_t), log);
    if (os == NULL) {
        return NULL;
    }

    os->seg = seg;
    os->hub = h;
    os->feeds = fs;
    os->mail = mail;
    os->log = log;

    ngx_queue_init(&os->waiting);

    os->stub.fd = (ngx_socket_t) -1;
    os->stub.data = os;

    os->retry.data = &os->stub;
    os->retry.handler = ngx_http_push_zone_orders_retry_handler;
    os->retry.log = log;

    return os;
}


void
ngx_http_push_zone_orders_destroy(ngx_http_push_zone_orders_t *os)
{
    if (os->retry.posted) {
        ngx_delete_posted_event(&os->retry);
    }

    if (os->retry.timer_set) {
        ngx_del_timer(&os->retry);
    }

    while (!ngx_queue_empty(&os->waiting)) {
        ngx_http_push_zone_orders_remove(
            ngx_queue_data(ngx_queue_head(&os->waiting),
                           ngx_http_push_zone_orders_task_t, queue));
    }

    ngx_free(os);
}


ngx_int_t
ngx_http_push_zone_orders_give(ngx_http_push_zone_orders_t *os,
    ngx_http_push_order_t *o)
{
    o->error = NULL;
    o->subscribers = 0;
    o->links = 0;
    o->messages = 0;
    o->has_links = 0;
    o->pending = NULL;

    ngx_http_push_position_reset(&o->position);

    if (o->kind == NGX_HTTP_PUSH_ORDER_INFO) {
        ngx_http_push_zone_orders_inform(os, o);
        return NGX_OK;
    }

    /* what comes later does not overtake what waits */

    if (ngx_queue_empty(&os->waiting)
        && ngx_http_push_zone_orders_send(os, o, 1) == NGX_OK)
    {
        return NGX_OK;
    }

    return ngx_http_push_zone_orders_wait(os, o);
}


void
ngx_http_push_zone_orders_cancel(ngx_http_push_zone_orders_t *os,
    ngx_http_push_order_t *o)
{
    if (o->pending != NULL) {
        ngx_http_push_zone_orders_remove(o->pending);
    }
}


/*
 * More at once than the arena holds: the readers, this worker among them, take
 * it in the next turns of their loops.
 */

static ngx_int_t
ngx_http_push_zone_orders_wait(ngx_http_push_zone_orders_t *os,
    ngx_http_push_order_t *o)
{
    ngx_http_push_zone_orders_task_t  *task;

    task = NULL;

    if (os->nwaiting < NGX_HTTP_PUSH_ZONE_ORDERS_WAITING) {
        task = ngx_alloc(sizeof(ngx_http_push_zone_orders_task_t), os->log);
    }

    if (task == NULL) {
        ngx_http_push_zone_orders_refuse(o, 503,
                                         "too much is waiting for the zone");
        return NGX_OK;
    }

    task->orders = os;
    task->order = o;
    task->since = ngx_current_msec;

    o->pending = task;

    ngx_queue_insert_tail(&os->waiting, &task->queue);
    os->nwaiting++;

    if (!os->retry.timer_set && !os->retry.posted) {
        ngx_add_timer(&os->retry, NGX_HTTP_PUSH_ZONE_ORDERS_RETRY);
    }

    return NGX_AGAIN;
}


static void
ngx_http_push_zone_orders_remove(ngx_http_push_zone_orders_task_t *task)
{
    task->order->pending = NULL;
    task->orders->nwaiting--;

    ngx_queue_remove(&task->queue);
    ngx_free(task);
}


/* a handler may end a request, which may cancel any of the others */

static void
ngx_http_push_zone_orders_retry_handler(ngx_event_t *ev)
{
    ngx_uint_t                         n, patient;
    ngx_connection_t                  *c;
    ngx_http_push_order_t             *o;
    ngx_http_push_zone_orders_t       *os;
    ngx_http_push_zone_orders_task_t  *task;

    c = ev->data;
    os = c->data;

    for (n = 0; !ngx_queue_empty(&os->waiting); n++) {

        if (n == NGX_HTTP_PUSH_ZONE_ORDERS_TURN) {
            ngx_post_event(ev, &ngx_posted_next_events);
            return;
        }

        task = ngx_queue_data(ngx_queue_head(&os->waiting),
                              ngx_http_push_zone_orders_task_t, queue);
        o = task->order;

        patient = ngx_current_msec - task->since
                  < NGX_HTTP_PUSH_ZONE_ORDERS_PATIENCE;

        if (ngx_http_push_zone_orders_send(os, o, patient) == NGX_AGAIN) {

            if (!ev->timer_set) {
                ngx_add_timer(ev, NGX_HTTP_PUSH_ZONE_ORDERS_RETRY);
            }

            return;
        }

        ngx_http_push_zone_orders_remove(task);

        o->handler(o);
    }
}


static void
ngx_http_push_zone_orders_inform(ngx_http_push_zone_orders_t *os,
    ngx_http_push_order_t *o)
{
    uint32_t                          hash;
    ngx_http_push_census_t           *census;
    ngx_http_push_history_channel_t  *ch;

    census = ngx_http_push_hub_census(os->hub);
    hash = ngx_http_push_hub_hash(o->channel.data, o->channel.len);

    o->subscribers = census->subscribers(census->data, &o->channel, hash)
                     + ngx_http_push_zone_orders_uncounted(os, o, hash);
    o->status = 200;

    if (ngx_http_push_feed_policy(os->feeds, &o->channel) == NULL) {
        return;
    }

    ngx_http_push_segment_lock(os->seg);

    ch = ngx_http_push_history_find_locked(os->seg, &o->channel, hash);

    if (ch != NULL && ch->store.top != 0) {
        ngx_http_push_history_position(ch, &o->position);
        o->messages = ch->store.top + 1 - ch->store.first;
    }

    ngx_http_push_segment_unlock(os->seg);
}


/* NGX_OK: the outcome is filled; NGX_AGAIN, for who is patient: later */

static ngx_int_t
ngx_http_push_zone_orders_send(ngx_http_push_zone_orders_t *os,
    ngx_http_push_order_t *o, ngx_uint_t patient)
{
    ngx_int_t             rc;
    ngx_http_push_post_t  post;

    ngx_http_push_zone_orders_address(o, &post);
    ngx_http_push_zone_orders_keep(os, o, &post);

    post.letter.patient = patient;

    rc = ngx_http_push_post(os->seg, &post);

    if (post.self) {
        ngx_post_event(os->mail, &ngx_posted_events);
    }

    switch (rc) {

    case NGX_OK:
        post.subscribers += ngx_http_push_zone_orders_uncounted(os, o,
                                                            post.letter.hash);
        break;

    case NGX_DONE:
        break;

    case NGX_AGAIN:
        return NGX_AGAIN;

    case NGX_ABORT:
        ngx_http_push_zone_orders_refuse(o, 409,
                                         "this id was used for another body");
        return NGX_OK;

    case NGX_DECLINED:
        ngx_http_push_zone_orders_refuse(o, 413, "message too large");
        return NGX_OK;

    case NGX_BUSY:
        ngx_http_push_zone_orders_refuse(o, 507, "no room for history");
        return NGX_OK;

    case NGX_ERROR:
        ngx_http_push_zone_orders_refuse(o, 503,
                                         "no room for messages under way");
        return NGX_OK;

    default: /* NGX_HTTP_PUSH_POST_BAD */
        ngx_http_push_zone_orders_refuse(o, 400,
                                         "invalid message properties");
        return NGX_OK;
    }

    o->subscribers = post.subscribers;
    o->position = post.position;

    if (o->kind == NGX_HTTP_PUSH_ORDER_PUBLISH) {
        o->status = o->subscribers ? 201 : 202;

    } else if (post.known) {
        o->status = 200;

    } else {
        ngx_http_push_zone_orders_refuse(o, 404, "unknown channel");
    }

    return NGX_OK;
}


static void
ngx_http_push_zone_orders_address(ngx_http_push_order_t *o,
    ngx_http_push_post_t *post)
{
    ngx_time_t                *tp;
    ngx_http_push_envelope_t  *env;

    ngx_memzero(post, sizeof(ngx_http_push_post_t));

    post->letter.channel = o->channel;
    post->letter.hash = ngx_http_push_hub_hash(o->channel.data,
                                               o->channel.len);

    env = &post->env;

    tp = ngx_timeofday();
    env->time = (uint64_t) tp->sec * 1000 + tp->msec;

    if (o->kind == NGX_HTTP_PUSH_ORDER_DELETE) {
        env->kind = NGX_HTTP_PUSH_ENVELOPE_KIND_CONTROL;

        ngx_http_push_zone_orders_set(&env->event,
                                      &ngx_http_push_zone_orders_delete);
        post->forget = 1;

        return;
    }

    env->kind = NGX_HTTP_PUSH_ENVELOPE_KIND_MESSAGE;
    env->is_binary = o->binary;
    env->is_volatile = o->volatile_;

    ngx_http_push_zone_orders_set(&env->event, &o->event);
    ngx_http_push_zone_orders_set(&env->type, &o->content_type);
    ngx_http_push_zone_orders_set(&env->id, &o->id);
    ngx_http_push_zone_orders_set(&env->except, &o->except);
    ngx_http_push_zone_orders_set(&env->body, &o->body);

    post->letter.body = o->body;

    if (o->id.len != 0) {
        ngx_http_push_repeat_mark(&post->mark, &o->channel, &o->id, &o->body);
        post->once = 1;
    }
}


static void
ngx_http_push_zone_orders_set(ngx_http_push_envelope_str_t *dst,
    ngx_str_t *src)
{
    if (src->len != 0) {
        dst->data = src->data;
        dst->len = src->len;
    }
}


static void
ngx_http_push_zone_orders_keep(ngx_http_push_zone_orders_t *os,
    ngx_http_push_order_t *o, ngx_http_push_post_t *post)
{
    ngx_msec_t                     ttl;
    const ngx_http_push_policy_t  *policy;

    if (o->kind != NGX_HTTP_PUSH_ORDER_PUBLISH || o->volatile_) {
        return;
    }

    policy = ngx_http_push_feed_policy(os->feeds, &o->channel);

    if (policy == NULL) {
        return;
    }

    ttl = ngx_min(policy->ttl, NGX_HTTP_PUSH_ZONE_ORDERS_TTL);

    post->keep = 1;
    post->item.channel = o->channel;
    post->item.hash = post->letter.hash;
    post->item.count = policy->count;
    post->item.ttl = ttl;

    if (o->has_ttl && (ttl == 0 || o->ttl < ttl)) {
        ttl = ngx_min(o->ttl, NGX_HTTP_PUSH_ZONE_ORDERS_TTL);

        post->env.ttl = ttl;
        post->item.expires = ngx_current_msec + ttl;

    } else if (ttl != 0) {
        post->item.expires = ngx_current_msec + ttl;
    }
}


static void
ngx_http_push_zone_orders_refuse(ngx_http_push_order_t *o, ngx_uint_t status,
    const char *error)
{
    o->status = status;
    o->error = error;
}


/*
 * Subscribers here that the full zone has no entry for; those that other
 * workers have are not known.
 */

static ngx_uint_t
ngx_http_push_zone_orders_uncounted(ngx_http_push_zone_orders_t *os,
    ngx_http_push_order_t *o, uint32_t hash)
{
    ngx_http_push_channel_t  *ch;

    if (os->seg->missing == 0) {
        return 0;
    }

    ch = ngx_http_push_hub_find(os->hub, &o->channel, hash);

    return (ch != NULL && ch->census == NULL) ? ch->nsubs : 0;
}
