/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: from a request to a connection that is ours, and back for the log
 * line; owns what is kept of the request.
 *
 * Of what nginx holds for a request nine tenths are of no use to a WebSocket
 * (FACTS 5).  Where nobody else has a claim in it, the request is freed after
 * the handshake; its head is kept if the end of the connection will be logged.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_ctx.h"
#include "ngx_http_push_detach.h"
#include "ngx_http_push_head.h"


/*
 * How ngx_http_log_module's configuration begins, which no header tells and
 * which has been so since nginx 0.7.
 */

typedef struct {
    ngx_array_t            *logs;
    ngx_open_file_cache_t  *open_file_cache;
    time_t                  open_file_cache_valid;
    ngx_uint_t              open_file_cache_min_uses;
    ngx_uint_t              off;
} ngx_http_push_detach_log_t;


extern ngx_module_t  ngx_http_log_module;


static ngx_uint_t ngx_http_push_detach_claimed(ngx_http_request_t *r);
static ngx_uint_t ngx_http_push_detach_logged(ngx_http_request_t *r);
static void ngx_http_push_detach_free(ngx_http_request_t *r);
static void ngx_http_push_detach_free_buffers(ngx_connection_t *c,
    ngx_chain_t **chain);


ngx_http_push_hold_t *
ngx_http_push_detach_prepare(ngx_http_request_t *r)
{
    ngx_http_push_hold_t  *hold;

    hold = ngx_calloc(sizeof(ngx_http_push_hold_t), r->connection->log);

    if (hold != NULL) {
        hold->request = r;
    }

    return hold;
}


ngx_http_push_hold_t *
ngx_http_push_detach_take(ngx_http_push_hold_t *hold)
{
    ngx_http_request_t    *r;
    ngx_http_push_hold_t  *saved;

    r = hold->request;
    saved = NULL;

    if (ngx_http_push_detach_claimed(r)) {
        return hold;
    }

    if (ngx_http_push_detach_logged(r)) {

        saved = ngx_http_push_head_save(r, sizeof(ngx_http_push_hold_t));
        if (saved == NULL) {
            return hold;
        }

        ngx_memcpy(saved, hold, sizeof(ngx_http_push_hold_t));
        saved->request = NULL;
    }

    ngx_free(hold);

    ngx_http_push_detach_free(r);

    return saved;
}


/*
 * Has another module something to do when this request ends?  An entry without
 * a handler is one whose time is over: each finished upstream leaves one.
 */

static ngx_uint_t
ngx_http_push_detach_claimed(ngx_http_request_t *r)
{
    ngx_http_cleanup_t  *hcln;
    ngx_pool_cleanup_t  *pcln;

    for (hcln = r->cleanup; hcln != NULL; hcln = hcln->next) {
        if (hcln->handler != NULL) {
            return 1;
        }
    }

    for (pcln = r->pool->cleanup; pcln != NULL; pcln = pcln->next) {
        if (pcln->handler != NULL) {
            return 1;
        }
    }

    return 0;
}


/* will anybody log the end?  With other handlers than nginx's: perhaps */

static ngx_uint_t
ngx_http_push_detach_logged(ngx_http_request_t *r)
{
    ngx_http_core_main_conf_t   *cmcf;
    ngx_http_push_detach_log_t  *log;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    if (cmcf->phases[NGX_HTTP_LOG_PHASE].handlers.nelts != 1) {
        return cmcf->phases[NGX_HTTP_LOG_PHASE].handlers.nelts != 0;
    }

    log = ngx_http_get_module_loc_conf(r, ngx_http_log_module);

    return !log->off && log->logs != NULL;
}


/* as nginx does before it waits for the next request of a connection */

static void
ngx_http_push_detach_free(ngx_http_request_t *r)
{
    ngx_buf_t              *b;
    ngx_connection_t       *c;
    ngx_http_log_ctx_t     *ctx;
    ngx_http_connection_t  *hc;

    c = r->connection;
    hc = r->http_connection;

    r->logged = 1;

    ngx_http_free_request(r, 0);

    /* the connection lives on */
    c->destroyed = 0;
    c->data = hc;

    ctx = c->log->data;
    ctx->current_request = NULL;

    b = c->buffer;

    if (b->start != NULL && ngx_pfree(c->pool, b->start) == NGX_OK) {
        b->start = NULL;
    }

    b->pos = b->start;
    b->last = b->start;

    ngx_http_push_detach_free_buffers(c, &hc->free);
    ngx_http_push_detach_free_buffers(c, &hc->busy);

    hc->nbusy = 0;

#if (NGX_HTTP_SSL)
    if (c->ssl) {
        ngx_ssl_free_buffer(c);
    }
#endif
}


static void
ngx_http_push_detach_free_buffers(ngx_connection_t *c, ngx_chain_t **chain)
{
    ngx_chain_t  *cl, *ln;

    for (cl = *chain; cl != NULL; /* void */) {
        ln = cl;
        cl = cl->next;

        (void) ngx_pfree(c->pool, ln->buf->start);
        ngx_free_chain(c->pool, ln);
    }

    *chain = NULL;
}


void
ngx_http_push_detach_end(ngx_connection_t *c, ngx_http_push_hold_t *hold,
    uint64_t sent)
{
    ngx_http_request_t  *r;

    if (hold != NULL) {

        if (hold->close_code == 0) {

            /* RFC 6455 7.1.5: the connection was lost without a goodbye */

            hold->close_code = 1006;
        }

        if (hold->request == NULL) {
            hold->request = ngx_http_push_head_restore(c, hold,
                                                sizeof(ngx_http_push_hold_t));
        }

        r = hold->request;

        if (r != NULL) {
            c->data = r;

            ngx_http_push_detach_show(hold, sent);
            ngx_http_free_request(r, 0);
        }

        ngx_free(hold);
    }

    /*
     * With TLS nginx may wait for the socket before it closes: whoever asks
     * for the session of this connection meanwhile finds none.
     */

    c->data = NULL;

    ngx_http_close_connection(c);
}


void
ngx_http_push_detach_show(ngx_http_push_hold_t *hold, uint64_t sent)
{
    ngx_http_push_ctx_t  *ctx;

    ctx = ngx_http_push_ctx_get(hold->request);
    if (ctx == NULL) {
        return;
    }

    ctx->sent = sent;
    ctx->received = hold->received;
    ctx->dropped = hold->dropped;
    ctx->queue_peak = hold->queue_peak;
    ctx->recovered = hold->recovered;
    ctx->close_code = hold->close_code;
    ctx->close_reason = hold->close_reason;
}
