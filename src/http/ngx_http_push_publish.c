/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: publishing by a request, whoever may do so: from its channels and
 * its body to orders of the bus, and from their outcomes to an answer.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_answer.h"
#include "ngx_http_push_channels.h"
#include "ngx_http_push_conf.h"
#include "ngx_http_push_ctx.h"
#include "ngx_http_push_hub.h"
#include "ngx_http_push_json.h"
#include "ngx_http_push_payload.h"
#include "ngx_http_push_publish.h"
#include "ngx_http_push_worker.h"


/* beyond what the bus itself waits for an answer */
#define NGX_HTTP_PUSH_PUBLISH_GRACE  5000

/* of an answer: the frame, and each channel with its name escaped */
#define NGX_HTTP_PUSH_PUBLISH_JSON_FRAME  256
#define NGX_HTTP_PUSH_PUBLISH_JSON_ITEM   2048


typedef struct ngx_http_push_publish_s  ngx_http_push_publish_t;


/* one channel of a request */

typedef struct {
    ngx_http_push_order_t            order;
    ngx_http_push_publish_t         *publish;
    ngx_uint_t                       waiting;  /* the bus has the order */
} ngx_http_push_publish_item_t;


/*
 * One request: in its memory, found by its cleanup handler, which takes back
 * the orders that the bus still has.
 */

struct ngx_http_push_publish_s {
    ngx_http_request_t              *request;
    ngx_http_push_hub_t             *hub;
    ngx_uint_t                       kind;     /* ngx_http_push_order_e */
    ngx_uint_t                       client;   /* not a publisher */
    ngx_http_push_payload_t          payload;
    ngx_http_push_publish_item_t    *items;
    ngx_uint_t                       nitems;
    ngx_uint_t                       waiting;  /* of the items */
    ngx_event_t                      timer;
};


static ngx_int_t ngx_http_push_publish_refuse(ngx_http_request_t *r,
    ngx_uint_t status, const char *error);
static ngx_int_t ngx_http_push_publish_prepare(ngx_http_push_publish_t *p,
    const char **error);
static ngx_http_push_publish_t *ngx_http_push_publish_create(
    ngx_http_request_t *r, ngx_uint_t kind);
static ngx_http_push_publish_t *ngx_http_push_publish_find(
    ngx_http_request_t *r);
static void ngx_http_push_publish_cleanup(void *data);

static ngx_int_t ngx_http_push_publish_set_channels(
    ngx_http_push_publish_t *p, const char **error);
static ngx_int_t ngx_http_push_publish_check_client(
    ngx_http_push_publish_t *p, const char **error);

static void ngx_http_push_publish_body_handler(ngx_http_request_t *r);
static void ngx_http_push_publish_load(ngx_http_push_order_t *o,
    ngx_http_push_payload_t *pl);

static void ngx_http_push_publish_start(ngx_http_push_publish_t *p);
static ngx_int_t ngx_http_push_publish_wait(ngx_http_push_publish_t *p);
static void ngx_http_push_publish_order_handler(ngx_http_push_order_t *o);
static void ngx_http_push_publish_timer_handler(ngx_event_t *ev);
static void ngx_http_push_publish_resume(ngx_http_push_publish_t *p);
static void ngx_http_push_publish_settle(
    ngx_http_push_publish_item_t *item);
static void ngx_http_push_publish_count(ngx_http_push_publish_t *p,
    ngx_http_push_order_t *o);
static ngx_int_t ngx_http_push_publish_answer(ngx_http_push_publish_t *p);
static void ngx_http_push_publish_write_item(ngx_http_push_json_t *j,
    ngx_http_push_order_t *o, ngx_uint_t several);
static void ngx_http_push_publish_write_position(ngx_http_push_json_t *j,
    ngx_http_push_order_t *o);
static void ngx_http_push_publish_log(ngx_http_push_publish_t *p,
    ngx_http_push_order_t *o);


ngx_int_t
ngx_http_push_publish_begin(ngx_http_request_t *r, ngx_uint_t kind,
    ngx_uint_t client)
{
    ngx_int_t                 rc;
    const char               *error;
    ngx_http_push_publish_t  *p;

    p = ngx_http_push_publish_create(r, kind);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p->client = client;

    rc = ngx_http_push_publish_prepare(p, &error);
    if (rc != NGX_OK) {
        return ngx_http_push_publish_refuse(r, rc, error);
    }

    rc = ngx_http_push_publish_set_channels(p, &error);
    if (rc != NGX_OK) {
        return ngx_http_push_answer_error(r, rc, error, NULL);
    }

    if (client) {
        rc = ngx_http_push_publish_check_client(p, &error);
        if (rc != NGX_OK) {
            return ngx_http_push_publish_refuse(r, rc, error);
        }
    }

    if (kind == NGX_HTTP_PUSH_ORDER_PUBLISH) {
        r->request_body_in_single_buf = 1;

        rc = ngx_http_read_client_request_body(r,
                                          ngx_http_push_publish_body_handler);
        if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
            return rc;
        }

        return NGX_DONE;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    r->main->count++;

    ngx_http_push_publish_start(p);

    return NGX_DONE;
}


/* a refusal that nobody has logged yet */

static ngx_int_t
ngx_http_push_publish_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *error)
{
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "publish request refused: %s", error);

    return ngx_http_push_answer_error(r, status, error, NULL);
}


/* all that can be known before the channels are */

static ngx_int_t
ngx_http_push_publish_prepare(ngx_http_push_publish_t *p, const char **error)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = p->request;

    if (p->hub == NULL) {
        *error = "this worker has no bus";
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    p->payload.client = (p->client != 0);

    rc = ngx_http_push_payload_read_headers(r, &p->payload, error);

    if (rc == NGX_OK && p->kind == NGX_HTTP_PUSH_ORDER_PUBLISH) {
        rc = ngx_http_push_payload_read_type(r, &p->payload, error);
    }

    return rc;
}


/*
 * All of the channels or none: unlike for a frame of a WebSocket there is an
 * answer that can tell.
 */

static ngx_int_t
ngx_http_push_publish_check_client(ngx_http_push_publish_t *p,
    const char **error)
{
    ngx_int_t                  rc;
    ngx_uint_t                 i;
    ngx_http_push_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(p->request, ngx_http_push_module);

    for (i = 0; i < p->nitems; i++) {

        rc = ngx_http_push_conf_allows(p->request, &lcf->client_publish,
                                       &p->items[i].order.channel);

        if (rc == NGX_ERROR) {
            *error = "out of memory";
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        if (rc != NGX_OK) {
            *error = "clients may not publish to this channel";
            return NGX_HTTP_FORBIDDEN;
        }
    }

    return NGX_OK;
}


static ngx_http_push_publish_t *
ngx_http_push_publish_create(ngx_http_request_t *r, ngx_uint_t kind)
{
    ngx_http_cleanup_t       *cln;
    ngx_http_push_publish_t  *p;

    p = ngx_pcalloc(r->pool, sizeof(ngx_http_push_publish_t));
    if (p == NULL) {
        return NULL;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_push_publish_cleanup;
    cln->data = p;

    p->request = r;
    p->hub = ngx_http_push_worker_hub();
    p->kind = kind;

    p->timer.handler = ngx_http_push_publish_timer_handler;
    p->timer.data = r->connection;
    p->timer.log = r->connection->log;

    return p;
}


/* what the content handler has made, when the body is there */

static ngx_http_push_publish_t *
ngx_http_push_publish_find(ngx_http_request_t *r)
{
    ngx_http_cleanup_t       *cln;
    ngx_http_push_publish_t  *p;

    for (cln = r->main->cleanup; cln; cln = cln->next) {

        if (cln->handler != ngx_http_push_publish_cleanup) {
            continue;
        }

        p = cln->data;

        if (p->request == r) {
            return p;
        }
    }

    return NULL;
}


/* the request ends, perhaps before its orders: the client has gone */

static void
ngx_http_push_publish_cleanup(void *data)
{
    ngx_http_push_publish_t *p = data;

    ngx_uint_t            i;
    ngx_http_push_bus_t  *bus;

    if (p->timer.timer_set) {
        ngx_del_timer(&p->timer);
    }

    if (p->waiting == 0) {
        return;
    }

    bus = ngx_http_push_hub_bus(p->hub);

    for (i = 0; i < p->nitems; i++) {

        if (p->items[i].waiting) {
            bus->cancel(bus, &p->items[i].order);
            ngx_http_push_publish_settle(&p->items[i]);
        }
    }
}


static ngx_int_t
ngx_http_push_publish_set_channels(ngx_http_push_publish_t *p,
    const char **error)
{
    ngx_int_t                      rc;
    ngx_str_t                     *name;
    ngx_uint_t                     i;
    ngx_array_t                   *names;
    ngx_http_push_publish_item_t  *item;

    if (p->payload.has_user) {
        rc = ngx_http_push_channels_get_user(p->request, &p->payload.user,
                                             &names, error);
    } else {
        rc = ngx_http_push_channels_get(p->request, &names, error);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    item = ngx_pcalloc(p->request->pool,
                       names->nelts * sizeof(ngx_http_push_publish_item_t));
    if (item == NULL) {
        *error = "out of memory";
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    name = names->elts;

    for (i = 0; i < names->nelts; i++) {
        item[i].order.kind = p->kind;
        item[i].order.channel = name[i];
        item[i].order.handler = ngx_http_push_publish_order_handler;
        item[i].order.data = &item[i];
        item[i].publish = p;
    }

    p->items = item;
    p->nitems = names->nelts;

    return NGX_OK;
}


static void
ngx_http_push_publish_body_handler(ngx_http_request_t *r)
{
    ngx_int_t                 rc;
    ngx_uint_t                i;
    const char               *error;
    ngx_http_push_publish_t  *p;

    p = ngx_http_push_publish_find(r);

    if (p == NULL) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "push body without a publish request");
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    rc = ngx_http_push_payload_read_body(r, &p->payload, &error);

    if (rc != NGX_OK) {
        ngx_http_finalize_request(r,
                                  ngx_http_push_publish_refuse(r, rc, error));
        return;
    }

    for (i = 0; i < p->nitems; i++) {
        ngx_http_push_publish_load(&p->items[i].order, &p->payload);
    }

    ngx_http_push_publish_start(p);
}


static void
ngx_http_push_publish_load(ngx_http_push_order_t *o,
    ngx_http_push_payload_t *pl)
{
    o->body = pl->body;
    o->event = pl->event;
    o->content_type = pl->content_type;
    o->except = pl->except;
    o->id = pl->id;
    o->ttl = pl->ttl;
    o->has_ttl = (pl->ttl != 0);
    o->binary = pl->binary;
    o->volatile_ = pl->volatile_;
}


/*
 * The request's count is raised by now, by who called or by the reading of
 * its body: from here on it ends by ngx_http_finalize_request() only.
 */

static void
ngx_http_push_publish_start(ngx_http_push_publish_t *p)
{
    ngx_uint_t                     i;
    ngx_http_request_t            *r;
    ngx_http_push_bus_t           *bus;
    ngx_http_push_figures_t       *figures;
    ngx_http_push_publish_item_t  *item;

    r = p->request;
    r->connection->log->action = "waiting for the push bus";

    bus = ngx_http_push_hub_bus(p->hub);
    figures = ngx_http_push_hub_figures(p->hub);

    for (i = 0; i < p->nitems; i++) {
        item = &p->items[i];

        if (bus->order(bus, &item->order) == NGX_AGAIN) {
            item->waiting = 1;
            p->waiting++;
            figures->publishing++;
            continue;
        }

        ngx_http_push_publish_count(p, &item->order);
    }

    if (p->waiting == 0) {
        ngx_http_finalize_request(r, ngx_http_push_publish_answer(p));
        return;
    }

    if (ngx_http_push_publish_wait(p) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


/*
 * The bus answers in its own time, which is bounded.  The timer stands in for
 * that promise, and as it is not cancelable it keeps a worker that was asked
 * to quit until the publisher has its answer.
 */

static ngx_int_t
ngx_http_push_publish_wait(ngx_http_push_publish_t *p)
{
    ngx_msec_t                  msec;
    ngx_event_t                *rev;
    ngx_http_request_t         *r;
    ngx_http_push_main_conf_t  *mcf;

    r = p->request;
    mcf = ngx_http_get_module_main_conf(r, ngx_http_push_module);

    msec = NGX_HTTP_PUSH_PUBLISH_GRACE;

    if (mcf->redis != NULL) {
        msec += mcf->redis->connect_timeout + mcf->redis->timeout;
    }

    ngx_add_timer(&p->timer, msec);

    r->write_event_handler = ngx_http_request_empty_handler;

    if (r->discard_body) {
        /* the rest of a body that nobody wants is still read */
        return NGX_OK;
    }

    r->read_event_handler = ngx_http_test_reading;
    rev = r->connection->read;

    if (rev->ready) {
        ngx_post_event(rev, &ngx_posted_events);
        return NGX_OK;
    }

    return ngx_handle_read_event(rev, 0);
}


static void
ngx_http_push_publish_order_handler(ngx_http_push_order_t *o)
{
    ngx_http_push_publish_t       *p;
    ngx_http_push_publish_item_t  *item;

    item = o->data;
    p = item->publish;

    ngx_http_push_publish_settle(item);
    ngx_http_push_publish_count(p, o);

    if (p->waiting == 0) {
        ngx_http_push_publish_resume(p);
    }
}


static void
ngx_http_push_publish_timer_handler(ngx_event_t *ev)
{
    ngx_uint_t                     i;
    ngx_http_push_bus_t           *bus;
    ngx_http_push_publish_t       *p;
    ngx_http_push_publish_item_t  *item;

    p = ngx_queue_data(ev, ngx_http_push_publish_t, timer);
    bus = ngx_http_push_hub_bus(p->hub);

    for (i = 0; i < p->nitems; i++) {
        item = &p->items[i];

        if (!item->waiting) {
            continue;
        }

        bus->cancel(bus, &item->order);

        item->order.status = NGX_HTTP_GATEWAY_TIME_OUT;
        item->order.error = "the outcome is unknown";

        ngx_http_push_publish_settle(item);
        ngx_http_push_publish_count(p, &item->order);
    }

    ngx_http_push_publish_resume(p);
}


/* called from an event of somebody else's; p is gone afterwards */

static void
ngx_http_push_publish_resume(ngx_http_push_publish_t *p)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = p->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    if (p->timer.timer_set) {
        ngx_del_timer(&p->timer);
    }

    ngx_http_finalize_request(r, ngx_http_push_publish_answer(p));

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_push_publish_settle(ngx_http_push_publish_item_t *item)
{
    item->waiting = 0;
    item->publish->waiting--;

    ngx_http_push_hub_figures(item->publish->hub)->publishing--;
}


static void
ngx_http_push_publish_count(ngx_http_push_publish_t *p,
    ngx_http_push_order_t *o)
{
    ngx_http_push_figures_t  *figures;

    if (o->kind != NGX_HTTP_PUSH_ORDER_PUBLISH) {
        return;
    }

    figures = ngx_http_push_hub_figures(p->hub);

    if (o->status < NGX_HTTP_SPECIAL_RESPONSE) {
        figures->messages_in++;
        figures->bytes_in += o->body.len;

    } else if (o->status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        figures->failed++;
    }
}


static ngx_int_t
ngx_http_push_publish_answer(ngx_http_push_publish_t *p)
{
    ngx_uint_t              i;
    ngx_http_push_json_t   *j;
    ngx_http_push_order_t  *worst;

    worst = &p->items[0].order;

    j = ngx_http_push_json_create(NGX_HTTP_PUSH_PUBLISH_JSON_FRAME
                                  + p->nitems
                                    * NGX_HTTP_PUSH_PUBLISH_JSON_ITEM, 0);
    if (j == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (p->nitems == 1) {
        ngx_http_push_publish_write_item(j, worst, 0);

    } else {
        ngx_http_push_json_open_array(j);

        for (i = 0; i < p->nitems; i++) {
            ngx_http_push_publish_write_item(j, &p->items[i].order, 1);

            if (p->items[i].order.status > worst->status) {
                worst = &p->items[i].order;
            }
        }

        ngx_http_push_json_close_array(j);
    }

    if (worst->status >= NGX_HTTP_SPECIAL_RESPONSE) {
        ngx_http_push_publish_log(p, worst);
    }

    return ngx_http_push_answer_document(p->request, worst->status, j);
}


static void
ngx_http_push_publish_write_item(ngx_http_push_json_t *j,
    ngx_http_push_order_t *o, ngx_uint_t several)
{
    ngx_uint_t  failed;

    failed = (o->status >= NGX_HTTP_SPECIAL_RESPONSE);

    ngx_http_push_json_open_object(j);

    if (several) {
        ngx_http_push_json_key(j, "status");
        ngx_http_push_json_uint(j, o->status);
    }

    if (several || !failed) {
        ngx_http_push_json_key(j, "channel");
        ngx_http_push_json_string(j, o->channel.data, o->channel.len);
    }

    if (failed) {
        ngx_http_push_json_key(j, "error");
        ngx_http_push_json_text(j, o->error);

    } else {
        ngx_http_push_publish_write_position(j, o);

        ngx_http_push_json_key(j, "subscribers");
        ngx_http_push_json_uint(j, o->subscribers);
    }

    if (!failed && o->has_links) {
        ngx_http_push_json_key(j, "links");
        ngx_http_push_json_uint(j, o->links);
    }

    ngx_http_push_json_close_object(j);
}


/* of what was deleted there is none, and of what is not kept */

static void
ngx_http_push_publish_write_position(ngx_http_push_json_t *j,
    ngx_http_push_order_t *o)
{
    if (o->position.len == 0 || o->kind == NGX_HTTP_PUSH_ORDER_DELETE) {
        return;
    }

    ngx_http_push_json_key(j, "epoch");
    ngx_http_push_json_string(j, o->position.epoch, o->position.len);

    ngx_http_push_json_key(j, "offset");
    ngx_http_push_json_uint(j, o->position.offset);

    if (o->kind == NGX_HTTP_PUSH_ORDER_INFO) {
        ngx_http_push_json_key(j, "messages");
        ngx_http_push_json_uint(j, o->messages);
    }
}


/*
 * One line for a request, whatever the number of its channels.  That the bus
 * is away is told by the bus, once: a publisher that goes on would fill the
 * disk with errors.
 */

static void
ngx_http_push_publish_log(ngx_http_push_publish_t *p,
    ngx_http_push_order_t *o)
{
    const char            *what;
    ngx_http_push_quote_t  q;

    switch (o->kind) {

    case NGX_HTTP_PUSH_ORDER_PUBLISH:
        what = "publish to";
        break;

    case NGX_HTTP_PUSH_ORDER_DELETE:
        what = "delete of";
        break;

    default:
        what = "lookup of";
    }

    ngx_log_error(NGX_LOG_INFO, p->request->connection->log, 0,
                  "%s push channel \"%V\" failed with %ui: %s", what,
                  ngx_http_push_answer_quote(&q, &o->channel), o->status,
                  o->error);
}
