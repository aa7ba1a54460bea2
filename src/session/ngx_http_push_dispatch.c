/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: orders of clients; owns them until the bus has answered.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_detach.h"
#include "ngx_http_push_dispatch.h"


/* more has no place in the session; above INFLIGHT it only has to go down */
#define NGX_HTTP_PUSH_DISPATCH_COUNTED  511


/*
 * One client's publish to one channel, with a copy of its body behind it.  It
 * may outlive its session: the connection is recognised by its number, which
 * nginx gives to no other.
 */

typedef struct {
    ngx_http_push_order_t      order;
    ngx_connection_t          *connection;
    ngx_atomic_uint_t          number;
    unsigned                   counted:1;     /* in the session's inflight */
    u_char                     data[];
} ngx_http_push_dispatch_t;


static ngx_int_t ngx_http_push_dispatch_publish(ngx_http_push_session_t *s,
    ngx_http_push_channel_t *ch, ngx_str_t *body, ngx_uint_t binary);
static void ngx_http_push_dispatch_done(ngx_http_push_order_t *o);
static void ngx_http_push_dispatch_finish(ngx_http_push_dispatch_t *d);
static ngx_http_push_session_t *ngx_http_push_dispatch_session(
    ngx_http_push_dispatch_t *d);


ngx_uint_t
ngx_http_push_dispatch_wanted(ngx_http_push_session_t *s)
{
    ngx_http_push_sub_t  *sub;

    for (sub = &s->sub; sub != NULL; sub = sub->next) {

        if (sub->channel != NULL && (sub->mark & NGX_HTTP_PUSH_SUB_PUBLISH)) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_push_dispatch_raw(ngx_http_push_session_t *s, u_char *data,
    size_t len, ngx_uint_t binary)
{
    ngx_int_t             rc;
    ngx_str_t             body;
    ngx_http_push_sub_t  *sub;

    body.data = data;
    body.len = len;

    rc = NGX_OK;

    for (sub = &s->sub; sub != NULL; sub = sub->next) {

        if (sub->channel == NULL || !(sub->mark & NGX_HTTP_PUSH_SUB_PUBLISH)) {
            continue;
        }

        if (ngx_http_push_dispatch_publish(s, sub->channel, &body, binary)
            != NGX_OK)
        {
            rc = NGX_ERROR;
        }
    }

    return rc;
}


static ngx_int_t
ngx_http_push_dispatch_publish(ngx_http_push_session_t *s,
    ngx_http_push_channel_t *ch, ngx_str_t *body, ngx_uint_t binary)
{
    ngx_http_push_hub_t       *h;
    ngx_http_push_bus_t       *bus;
    ngx_http_push_order_t     *o;
    ngx_http_push_figures_t   *figures;
    ngx_http_push_dispatch_t  *d;

    d = ngx_alloc(sizeof(ngx_http_push_dispatch_t) + ch->len + body->len,
                  s->connection->log);
    if (d == NULL) {
        return NGX_ERROR;
    }

    h = ngx_http_push_session_hub();
    bus = ngx_http_push_hub_bus(h);
    figures = ngx_http_push_hub_figures(h);

    ngx_memzero(d, sizeof(ngx_http_push_dispatch_t));

    d->connection = s->connection;
    d->number = s->connection->number;

    o = &d->order;

    o->kind = NGX_HTTP_PUSH_ORDER_PUBLISH;
    o->channel.len = ch->len;
    o->channel.data = d->data;
    o->body.len = body->len;
    o->body.data = ngx_cpymem(d->data, ch->name, ch->len);
    o->binary = binary;
    o->handler = ngx_http_push_dispatch_done;
    o->data = d;

    ngx_memcpy(o->body.data, body->data, body->len);

    figures->messages_in++;
    figures->bytes_in += body->len;

    if (bus->order(bus, o) == NGX_AGAIN) {
        figures->publishing++;

        if (s->inflight < NGX_HTTP_PUSH_DISPATCH_COUNTED) {
            s->inflight++;
            d->counted = 1;
        }

        return NGX_OK;
    }

    ngx_http_push_dispatch_finish(d);

    return NGX_OK;
}


static void
ngx_http_push_dispatch_done(ngx_http_push_order_t *o)
{
    ngx_http_push_session_t   *s;
    ngx_http_push_dispatch_t  *d;

    d = o->data;

    ngx_http_push_hub_figures(ngx_http_push_session_hub())->publishing--;

    s = ngx_http_push_dispatch_session(d);

    if (s != NULL
        && d->counted
        && s->inflight-- == NGX_HTTP_PUSH_DISPATCH_INFLIGHT)
    {

        /* what it had to keep waiting is read now */

        ngx_post_event(s->connection->read, &ngx_posted_events);
    }

    ngx_http_push_dispatch_finish(d);
}


/* there is an outcome; the client of the raw dialect is not told */

static void
ngx_http_push_dispatch_finish(ngx_http_push_dispatch_t *d)
{
    ngx_http_push_session_t  *s;

    if (d->order.status >= NGX_HTTP_BAD_REQUEST) {

        if (d->order.status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
            ngx_http_push_hub_figures(ngx_http_push_session_hub())->failed++;
        }

        s = ngx_http_push_dispatch_session(d);

        if (s != NULL) {
            ngx_log_error(NGX_LOG_INFO, s->connection->log, 0,
                          "push client's message to \"%V\" was refused: "
                          "%ui %s", &d->order.channel, d->order.status,
                          d->order.error);
        }
    }

    ngx_free(d);
}


static ngx_http_push_session_t *
ngx_http_push_dispatch_session(ngx_http_push_dispatch_t *d)
{
    ngx_connection_t  *c;

    c = d->connection;

    if (c->fd == (ngx_socket_t) -1 || c->number != d->number) {
        return NULL;
    }

    return c->data;
}
