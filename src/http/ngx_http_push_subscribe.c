/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: push_channel: from a request to a session.  Before any byte is sent
 * everything is checked, so that refusals are HTTP.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_answer.h"
#include "ngx_http_push_channels.h"
#include "ngx_http_push_choose.h"
#include "ngx_http_push_conf.h"
#include "ngx_http_push_ctx.h"
#include "ngx_http_push_detach.h"
#include "ngx_http_push_handshake.h"
#include "ngx_http_push_origin.h"
#include "ngx_http_push_permessage.h"
#include "ngx_http_push_poll.h"
#include "ngx_http_push_publish.h"
#include "ngx_http_push_resume.h"
#include "ngx_http_push_sse.h"
#include "ngx_http_push_stream.h"
#include "ngx_http_push_subscribe.h"
#include "ngx_http_push_worker.h"
#include "ngx_http_push_ws.h"


#define NGX_HTTP_PUSH_SUBSCRIBE_RETRY  20     /* ms */


static ngx_int_t ngx_http_push_subscribe_other(ngx_http_request_t *r);
static ngx_int_t ngx_http_push_subscribe_refuse(ngx_http_request_t *r,
    ngx_int_t status, const char *error);
static ngx_int_t ngx_http_push_subscribe_answer(ngx_http_request_t *r,
    ngx_int_t status, const char *error);
static ngx_int_t ngx_http_push_subscribe_upgrade(ngx_http_request_t *r,
    ngx_http_push_handshake_t *hs);
static ngx_int_t ngx_http_push_subscribe_websocket(ngx_http_request_t *r,
    ngx_http_push_handshake_t *hs, ngx_array_t *names);
static ngx_int_t ngx_http_push_subscribe_body(ngx_http_request_t *r,
    ngx_http_push_choice_t *choice, ngx_array_t *names);
static const ngx_http_push_transport_t *ngx_http_push_subscribe_transport(
    ngx_http_push_choice_t *choice, ngx_array_t *names, ngx_uint_t *form);
static ngx_http_push_session_t *ngx_http_push_subscribe_create(
    ngx_http_request_t *r, ngx_pool_t *pool,
    const ngx_http_push_transport_t *transport, ngx_uint_t form);
static ngx_int_t ngx_http_push_subscribe_fail(ngx_http_request_t *r,
    ngx_int_t rc);
static ngx_int_t ngx_http_push_subscribe_all(ngx_http_request_t *r,
    ngx_http_push_session_t *s, ngx_array_t *names,
    ngx_http_push_cursor_t **cursors);
static ngx_int_t ngx_http_push_subscribe_names(ngx_http_request_t *r,
    ngx_http_push_session_t *s, ngx_array_t *names,
    ngx_http_push_cursor_t *cursors);
static ngx_int_t ngx_http_push_subscribe_add_cleanup(ngx_http_request_t *r,
    ngx_http_push_session_t *s);
static void ngx_http_push_subscribe_cleanup(void *data);
static void ngx_http_push_subscribe_wait(ngx_http_request_t *r);
static void ngx_http_push_subscribe_detach(ngx_event_t *rev);


ngx_int_t
ngx_http_push_subscribe_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    const char                 *error;
    ngx_array_t                *names;
    ngx_http_push_choice_t      choice;
    ngx_http_push_loc_conf_t   *plcf;
    ngx_http_push_handshake_t   hs;

    if (r != r->main) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "push_channel cannot answer a subrequest");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_push_origin_check(r);
    if (rc != NGX_OK) {
        return ngx_http_push_subscribe_answer(r, rc, "origin is not allowed");
    }

    if (r->method != NGX_HTTP_GET) {
        return ngx_http_push_subscribe_other(r);
    }

    plcf = ngx_http_get_module_loc_conf(r, ngx_http_push_module);

    error = NULL;

    rc = ngx_http_push_channels_get(r, &names, &error);
    if (rc != NGX_OK) {
        return ngx_http_push_subscribe_answer(r, rc, error);
    }

    ngx_http_push_choose_transport(r, plcf->transports, &choice);

    /* what is still to come of it could not be told from a request */

    if (choice.transport != NGX_HTTP_PUSH_TRANSPORT_WEBSOCKET
        && (r->headers_in.content_length_n > 0 || r->headers_in.chunked))
    {
        return ngx_http_push_subscribe_refuse(r, NGX_HTTP_BAD_REQUEST,
                                              "request with a body");
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (choice.transport == NGX_HTTP_PUSH_TRANSPORT_WEBSOCKET) {

        rc = ngx_http_push_subscribe_upgrade(r, &hs);
        if (rc != NGX_OK) {
            return ngx_http_push_subscribe_refuse(r, rc, hs.error);
        }
    }

    if (ngx_http_push_worker_hub() == NULL) {
        return ngx_http_push_subscribe_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                              "no slot for this worker");
    }

    if (choice.transport == NGX_HTTP_PUSH_TRANSPORT_WEBSOCKET) {
        return ngx_http_push_subscribe_websocket(r, &hs, names);
    }

    return ngx_http_push_subscribe_body(r, &choice, names);
}


/* methods that open no connection */

static ngx_int_t
ngx_http_push_subscribe_other(ngx_http_request_t *r)
{
    const char  *methods;

    methods = ngx_http_push_conf_methods(r);

    switch (r->method) {

    case NGX_HTTP_POST:
    case NGX_HTTP_PUT:
        return ngx_http_push_publish_begin(r, NGX_HTTP_PUSH_ORDER_PUBLISH, 1);

    case NGX_HTTP_OPTIONS:
        return ngx_http_push_answer_options(r, methods);
    }

    return ngx_http_push_answer_error(r, NGX_HTTP_NOT_ALLOWED,
                                      "method is not allowed", methods);
}


/* what it is on our side is told there, and not once for each client */

static ngx_int_t
ngx_http_push_subscribe_refuse(ngx_http_request_t *r, ngx_int_t status,
    const char *error)
{
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "push refused client: %i %s", status, error);

    return ngx_http_push_subscribe_answer(r, status, error);
}


/* the reason is in the log already */

static ngx_int_t
ngx_http_push_subscribe_answer(ngx_http_request_t *r, ngx_int_t status,
    const char *error)
{
    ngx_http_push_hub_t  *h;

    h = ngx_http_push_worker_hub();

    if (h != NULL) {
        ngx_http_push_hub_figures(h)->refused++;
    }

    return ngx_http_push_answer_error(r, status, error ? error
                                                       : "internal error",
                                      NULL);
}


/* only websocket is offered: what is no valid handshake is refused */

static ngx_int_t
ngx_http_push_subscribe_upgrade(ngx_http_request_t *r,
    ngx_http_push_handshake_t *hs)
{
    ngx_int_t                  rc;
    ngx_http_push_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_http_push_module);

    if (!ngx_http_push_handshake_wanted(r)) {

        ngx_memzero(hs, sizeof(ngx_http_push_handshake_t));

        hs->version = 1;
        hs->error = "only websocket is offered here";

        rc = 426;

    } else {
        rc = ngx_http_push_handshake_check(r, plcf->dialects, hs);

        if (rc == NGX_OK && plcf->limits.deflate) {
            rc = ngx_http_push_handshake_extensions(r, hs);
        }
    }

    if (hs->dialect == 0) {
        hs->dialect = plcf->dialect;
    }

    if (rc != 426) {
        return rc;
    }

    if (r->http_version >= NGX_HTTP_VERSION_20) {

        /* an answer with Upgrade would be malformed, RFC 9113 8.2.2 */

        return rc;
    }

    /* RFC 9110 15.5.22, RFC 6455 4.4 */

    if (ngx_http_push_answer_header(r, "Upgrade", "websocket") != NGX_OK
        || ngx_http_push_answer_header(r, "Sec-WebSocket-Version", "13")
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return rc;
}


static ngx_int_t
ngx_http_push_subscribe_websocket(ngx_http_request_t *r,
    ngx_http_push_handshake_t *hs, ngx_array_t *names)
{
    ngx_int_t                 rc;
    ngx_http_push_session_t  *s;
    ngx_http_push_cursor_t   *cursors;

    s = ngx_http_push_subscribe_create(r, r->connection->pool,
                                       &ngx_http_push_ws_transport,
                                       ngx_http_push_ws_form(hs->dialect));
    if (s == NULL) {
        return ngx_http_push_subscribe_fail(r, NGX_ERROR);
    }

    ngx_http_push_ctx_get(r)->protocol =
        ngx_http_push_handshake_name(hs->dialect);

    if (hs->deflate.accepted) {
        ngx_http_push_permessage_open(s, hs->deflate.server_bits);
    }

    rc = ngx_http_push_subscribe_all(r, s, names, &cursors);

    if (rc != NGX_OK) {
        return ngx_http_push_subscribe_fail(r, rc);
    }

    if (ngx_http_push_subscribe_add_cleanup(r, s) != NGX_OK
        || ngx_http_push_handshake_accept(r, hs) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /*
     * nginx still touches r when this handler returns: the connection is
     * taken over in an event of its own.
     */

    r->main->count++;

    ngx_http_push_subscribe_wait(r);

    return NGX_DONE;
}


/* an answer whose body is what the client hears */

static ngx_int_t
ngx_http_push_subscribe_body(ngx_http_request_t *r,
    ngx_http_push_choice_t *choice, ngx_array_t *names)
{
    ngx_int_t                         rc;
    ngx_uint_t                        form;
    ngx_http_push_cursor_t           *cursors;
    ngx_http_push_session_t          *s;
    ngx_http_push_loc_conf_t         *plcf;
    ngx_http_push_poll_options_t      options;
    const ngx_http_push_transport_t  *transport;

    plcf = ngx_http_get_module_loc_conf(r, ngx_http_push_module);

    if (names->nelts > NGX_HTTP_PUSH_CURSOR_CHANNELS
        && choice->transport != NGX_HTTP_PUSH_TRANSPORT_STREAM)
    {
        return ngx_http_push_subscribe_refuse(r, NGX_HTTP_BAD_REQUEST,
                                              "too many channels for this "
                                              "transport");
    }

    transport = ngx_http_push_subscribe_transport(choice, names, &form);

    s = ngx_http_push_subscribe_create(r, r->pool, transport, form);

    if (s == NULL) {
        return ngx_http_push_subscribe_fail(r, NGX_ERROR);
    }

    rc = ngx_http_push_subscribe_all(r, s, names, &cursors);

    if (rc != NGX_OK) {
        return ngx_http_push_subscribe_fail(r, rc);
    }

    switch (choice->transport) {

    case NGX_HTTP_PUSH_TRANSPORT_EVENTSOURCE:
        return ngx_http_push_sse_open(s, r, cursors);

    case NGX_HTTP_PUSH_TRANSPORT_STREAM:
        return ngx_http_push_stream_open(s, r, cursors);
    }

    options.wait = plcf->wait;
    options.json = choice->json;
    options.conditional = (r->headers_in.if_none_match != NULL);

    return ngx_http_push_poll_open(s, r, cursors, &options);
}


static const ngx_http_push_transport_t *
ngx_http_push_subscribe_transport(ngx_http_push_choice_t *choice,
    ngx_array_t *names, ngx_uint_t *form)
{
    switch (choice->transport) {

    case NGX_HTTP_PUSH_TRANSPORT_EVENTSOURCE:
        *form = ngx_http_push_sse_form(names->nelts);
        return &ngx_http_push_sse_transport;

    case NGX_HTTP_PUSH_TRANSPORT_STREAM:
        *form = NGX_HTTP_PUSH_FORM_JSON;
        return &ngx_http_push_stream_transport;
    }

    *form = ngx_http_push_poll_form(choice->json);

    return &ngx_http_push_poll_transport;
}


/* without channels, with what is held of r; NULL: out of memory */

static ngx_http_push_session_t *
ngx_http_push_subscribe_create(ngx_http_request_t *r, ngx_pool_t *pool,
    const ngx_http_push_transport_t *transport, ngx_uint_t form)
{
    ngx_http_push_ctx_t       *ctx;
    ngx_http_push_session_t   *s;
    ngx_http_push_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_http_push_module);

    ctx = ngx_http_push_ctx_get(r);
    if (ctx == NULL) {
        return NULL;
    }

    /* what the $push_* variables tell of this connection */
    ctx->transport = transport->name;

    s = ngx_http_push_session_create(r->connection, pool, transport, form,
                                     &plcf->limits);
    if (s == NULL) {
        return NULL;
    }

    s->hold = ngx_http_push_detach_prepare(r);

    if (s->hold == NULL) {
        ngx_http_push_session_abandon(s);
        return NULL;
    }

    return s;
}


static ngx_int_t
ngx_http_push_subscribe_fail(ngx_http_request_t *r, ngx_int_t rc)
{
    return ngx_http_push_subscribe_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     rc == NGX_DECLINED ? "too many channels"
                                                        : "out of memory");
}


/*
 * Until the connection is taken over nginx may end the request, and close the
 * connection, by itself: where a mirror's location says "return 444", say.
 */

static ngx_int_t
ngx_http_push_subscribe_add_cleanup(ngx_http_request_t *r,
    ngx_http_push_session_t *s)
{
    ngx_http_cleanup_t   *cln;
    ngx_http_push_ctx_t  *ctx;

    ctx = ngx_http_push_ctx_get(r);

    cln = ctx->cleanup;

    if (cln == NULL) {
        cln = ngx_http_cleanup_add(r, 0);
    }

    if (cln == NULL) {
        ngx_free(s->hold);
        ngx_http_push_session_abandon(s);

        return NGX_ERROR;
    }

    ctx->session = s;
    ctx->cleanup = cln;

    cln->handler = ngx_http_push_subscribe_cleanup;
    cln->data = ctx;

    return NGX_OK;
}


static void
ngx_http_push_subscribe_cleanup(void *data)
{
    ngx_http_push_ctx_t *ctx = data;

    ngx_http_push_session_t  *s;

    s = ctx->session;
    ctx->session = NULL;

    ngx_free(s->hold);
    ngx_http_push_session_abandon(s);
}


/*
 * Also what nginx calls for r until then: it takes its event handlers back
 * when a background subrequest ends with an error.
 */

static void
ngx_http_push_subscribe_wait(ngx_http_request_t *r)
{
    ngx_event_t  *rev;

    r->read_event_handler = ngx_http_push_subscribe_wait;
    r->write_event_handler = ngx_http_request_empty_handler;

    rev = r->connection->read;
    rev->handler = ngx_http_push_subscribe_detach;

    /*
     * TLS that has more to read posts it for the next turn of the loop, which
     * a worker that quits does not wait for.
     */

    if (rev->posted) {
        ngx_delete_posted_event(rev);
    }

    ngx_post_event(rev, &ngx_posted_events);
}


/*
 * NGX_DECLINED: too many channels in the zone; NGX_ERROR: out of memory.  Then
 * s is taken back.
 */

static ngx_int_t
ngx_http_push_subscribe_all(ngx_http_request_t *r, ngx_http_push_session_t *s,
    ngx_array_t *names, ngx_http_push_cursor_t **cursors)
{
    ngx_int_t  rc;

    rc = ngx_http_push_resume_get(r, names,
                                  s->transport
                                  == &ngx_http_push_poll_transport,
                                  cursors);

    if (rc == NGX_OK) {
        rc = ngx_http_push_subscribe_names(r, s, names, *cursors);
    }

    if (rc != NGX_OK) {
        ngx_free(s->hold);
        ngx_http_push_session_abandon(s);
    }

    return rc;
}


static ngx_int_t
ngx_http_push_subscribe_names(ngx_http_request_t *r,
    ngx_http_push_session_t *s, ngx_array_t *names,
    ngx_http_push_cursor_t *cursors)
{
    ngx_int_t                  rc;
    ngx_str_t                 *name;
    ngx_uint_t                 i, marks;
    ngx_http_push_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_http_push_module);

    name = names->elts;

    for (i = 0; i < names->nelts; i++) {

        rc = ngx_http_push_conf_allows(r, &plcf->client_publish, &name[i]);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        marks = (rc == NGX_OK) ? NGX_HTTP_PUSH_SUB_PUBLISH : 0;

        rc = ngx_http_push_session_subscribe(s, &name[i], marks,
                                 ngx_http_push_resume_from(cursors, i));

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static void
ngx_http_push_subscribe_detach(ngx_event_t *rev)
{
    ngx_buf_t                *b;
    ngx_str_t                 early;
    ngx_connection_t         *c;
    ngx_http_request_t       *r;
    ngx_http_push_ctx_t      *ctx;
    ngx_http_push_session_t  *s;

    c = rev->data;
    r = c->data;

    ctx = ngx_http_push_ctx_get(r);
    s = ctx->session;

    if (s == NULL) {

        /* the request is ending */

        return;
    }

    if (r->main->count > 1) {

        /* a background subrequest (mirror) still works for it */

        if (c->close) {

            /* worker_shutdown_timeout is over: nobody is waited for */

            ngx_http_finalize_request(r, NGX_ERROR);
            ngx_http_run_posted_requests(c);
            return;
        }

        rev->timedout = 0;

        ngx_add_timer(rev, NGX_HTTP_PUSH_SUBSCRIBE_RETRY);
        return;
    }

    rev->timedout = 0;

    if (rev->timer_set) {
        ngx_del_timer(rev);
    }

    /* an entry without a handler is nobody's claim in the request */
    ctx->cleanup->handler = NULL;

    /* what came together with the handshake */

    b = r->header_in;

    ngx_str_null(&early);
    early.len = b->last - b->pos;

    if (early.len != 0) {
        early.data = ngx_alloc(early.len, c->log);

        if (early.data == NULL) {
            c->data = s;
            ngx_http_push_session_end(s);
            return;
        }

        ngx_memcpy(early.data, b->pos, early.len);
    }

    s->hold = ngx_http_push_detach_take(s->hold);

    ngx_http_push_session_open(s);
    ngx_http_push_ws_open(s, &early);

    if (early.data != NULL) {
        ngx_free(early.data);
    }
}
