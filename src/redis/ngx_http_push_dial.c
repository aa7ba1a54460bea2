/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the way to Redis: owns the addresses of its host, the name lookup,
 * the socket until it is connected and its TLS until the link ends.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>

#include "ngx_http_push_dial.h"
#include "ngx_http_push_figures.h"


#define NGX_HTTP_PUSH_DIAL_ADDRS  8          /* of a resolved name */

/* a peer that is gone without a word is noticed within half a minute */
#define NGX_HTTP_PUSH_DIAL_KEEPIDLE   15
#define NGX_HTTP_PUSH_DIAL_KEEPINTVL  5
#define NGX_HTTP_PUSH_DIAL_KEEPCNT    3


struct ngx_http_push_dial_s {
    ngx_http_push_dial_conf_t    conf;
    ngx_log_t                   *log;
    ngx_log_t                    quiet;      /* for connect_peer */

    ngx_event_t                  timer;
    ngx_connection_t             dummy;      /* what a timer's data must be */

    ngx_peer_connection_t        peer;
#if (NGX_SSL)
    ngx_http_push_redis_tls_t   *tls;        /* NULL: none */
#endif
    ngx_resolver_ctx_t          *resolve;

    ngx_addr_t                  *addrs;      /* configured, or found */
    ngx_uint_t                   naddrs;
    ngx_uint_t                   current;
    ngx_uint_t                   tried;      /* failed since the last restart */

    ngx_addr_t                   found[NGX_HTTP_PUSH_DIAL_ADDRS];
    ngx_sockaddr_t               sockaddrs[NGX_HTTP_PUSH_DIAL_ADDRS];
    u_char                       names[NGX_HTTP_PUSH_DIAL_ADDRS]
                                      [NGX_SOCKADDR_STRLEN];
};


static void ngx_http_push_dial_resolve(ngx_http_push_dial_t *d);
static void ngx_http_push_dial_resolve_handler(ngx_resolver_ctx_t *ctx);
static void ngx_http_push_dial_set_addrs(ngx_http_push_dial_t *d,
    ngx_resolver_ctx_t *ctx);
static void ngx_http_push_dial_connect(ngx_http_push_dial_t *d);
static void ngx_http_push_dial_connect_handler(ngx_event_t *ev);
static void ngx_http_push_dial_timer_handler(ngx_event_t *ev);
static void ngx_http_push_dial_reached(ngx_http_push_dial_t *d);
#if (NGX_SSL)
static void ngx_http_push_dial_tls_handler(void *data, ngx_int_t rc);
#endif
static void ngx_http_push_dial_connected(ngx_http_push_dial_t *d);
static void ngx_http_push_dial_set_options(ngx_http_push_dial_t *d,
    ngx_connection_t *c);
static void ngx_http_push_dial_fail(ngx_http_push_dial_t *d, ngx_err_t err,
    const char *text);


ngx_http_push_dial_t *
ngx_http_push_dial_create(ngx_http_push_dial_conf_t *conf, ngx_log_t *log)
{
    ngx_http_push_dial_t  *d;

    d = ngx_calloc(sizeof(ngx_http_push_dial_t), log);
    if (d == NULL) {
        return NULL;
    }

#if (NGX_SSL)

    if (conf->rc->tls.ssl != NULL) {
        d->tls = ngx_http_push_redis_tls_create(&conf->rc->tls, log);
        if (d->tls == NULL) {
            ngx_free(d);
            return NULL;
        }
    }

#endif

    d->conf = *conf;
    d->log = log;

    /* what fails to connect is told by the link, and not each time */

    d->quiet = *log;
    d->quiet.log_level = ngx_min(log->log_level, NGX_LOG_ALERT);

    d->dummy.data = d;
    d->dummy.fd = (ngx_socket_t) -1;

    d->timer.handler = ngx_http_push_dial_timer_handler;
    d->timer.data = &d->dummy;
    d->timer.log = log;
    d->timer.cancelable = 1;

    d->addrs = conf->rc->url.addrs;
    d->naddrs = conf->rc->url.naddrs;

    return d;
}


void
ngx_http_push_dial_destroy(ngx_http_push_dial_t *d)
{
    ngx_http_push_dial_close(d);

#if (NGX_SSL)

    if (d->tls != NULL) {
        ngx_http_push_redis_tls_destroy(d->tls);
    }

#endif

    ngx_free(d);
}


void
ngx_http_push_dial_close(ngx_http_push_dial_t *d)
{
    if (d->timer.timer_set) {
        ngx_del_timer(&d->timer);
    }

    if (d->resolve != NULL) {
        ngx_resolve_name_done(d->resolve);
        d->resolve = NULL;
    }

    if (d->peer.connection != NULL) {
        ngx_http_push_redis_tls_close(d->peer.connection);
        d->peer.connection = NULL;
    }
}


ngx_uint_t
ngx_http_push_dial_next(ngx_http_push_dial_t *d)
{
    if (d->naddrs == 0) {
        return 0;
    }

    d->current = (d->current + 1) % d->naddrs;

    return ++d->tried < d->naddrs;
}


void
ngx_http_push_dial_restart(ngx_http_push_dial_t *d)
{
    d->tried = 0;
}


void
ngx_http_push_dial_rewind(ngx_http_push_dial_t *d)
{
    d->current = 0;
}


ngx_str_t *
ngx_http_push_dial_peer(ngx_http_push_dial_t *d)
{
    return (d->naddrs != 0) ? &d->addrs[d->current].name
                            : &d->conf.rc->url.host;
}


void
ngx_http_push_dial_begin(ngx_http_push_dial_t *d)
{
    if (d->conf.rc->resolver != NULL && d->tried == 0) {
        ngx_http_push_dial_resolve(d);
        return;
    }

    ngx_http_push_dial_connect(d);
}


static void
ngx_http_push_dial_resolve(ngx_http_push_dial_t *d)
{
    ngx_resolver_ctx_t  *ctx;

    d->conf.enter(d->conf.data, NGX_HTTP_PUSH_LINK_RESOLVE);

    d->naddrs = 0;
    d->current = 0;

    ctx = ngx_resolve_start(d->conf.rc->resolver, NULL);

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        ngx_http_push_dial_fail(d, 0, "resolver failed");
        return;
    }

    ctx->name = d->conf.rc->url.host;
    ctx->handler = ngx_http_push_dial_resolve_handler;
    ctx->data = d;
    ctx->timeout = d->conf.rc->resolver_timeout;
    ctx->cancelable = 1;

    /* the handler may be called before ngx_resolve_name() returns */

    d->resolve = ctx;

    if (ngx_resolve_name(ctx) != NGX_OK) {
        d->resolve = NULL;
        ngx_http_push_dial_fail(d, 0, "resolver failed");
    }
}


static void
ngx_http_push_dial_resolve_handler(ngx_resolver_ctx_t *ctx)
{
    u_char                 text[NGX_HTTP_PUSH_LINK_ERROR];
    ngx_int_t              state;
    ngx_http_push_dial_t  *d;

    d = ctx->data;
    state = ctx->state;

    if (state == NGX_OK) {
        ngx_http_push_dial_set_addrs(d, ctx);
    }

    d->resolve = NULL;
    ngx_resolve_name_done(ctx);

    if (state != NGX_OK) {
        *ngx_snprintf(text, sizeof(text) - 1, "host not found (%i: %s)",
                      state, ngx_resolver_strerror(state)) = '\0';

        ngx_http_push_dial_fail(d, 0, (char *) text);
        return;
    }

    if (d->naddrs == 0) {
        ngx_http_push_dial_fail(d, 0, "host has no address");
        return;
    }

    ngx_http_push_dial_connect(d);
}


static void
ngx_http_push_dial_set_addrs(ngx_http_push_dial_t *d, ngx_resolver_ctx_t *ctx)
{
    ngx_uint_t   i, n;
    ngx_addr_t  *addr;

    n = 0;

    for (i = 0; i < ctx->naddrs && n < NGX_HTTP_PUSH_DIAL_ADDRS; i++) {

        if (ctx->addrs[i].socklen > (socklen_t) sizeof(ngx_sockaddr_t)) {
            continue;
        }

        addr = &d->found[n];

        addr->sockaddr = &d->sockaddrs[n].sockaddr;
        addr->socklen = ctx->addrs[i].socklen;

        ngx_memcpy(addr->sockaddr, ctx->addrs[i].sockaddr, addr->socklen);
        ngx_inet_set_port(addr->sockaddr, d->conf.rc->url.port);

        addr->name.data = d->names[n];
        addr->name.len = ngx_sock_ntop(addr->sockaddr, addr->socklen,
                                       d->names[n], NGX_SOCKADDR_STRLEN, 1);
        n++;
    }

    d->addrs = d->found;
    d->naddrs = n;
}


static void
ngx_http_push_dial_connect(ngx_http_push_dial_t *d)
{
    ngx_int_t          rc;
    ngx_addr_t        *addr;
    ngx_connection_t  *c;

    d->conf.enter(d->conf.data, NGX_HTTP_PUSH_LINK_CONNECT);

    addr = &d->addrs[d->current];

    ngx_memzero(&d->peer, sizeof(ngx_peer_connection_t));

    d->peer.sockaddr = addr->sockaddr;
    d->peer.socklen = addr->socklen;
    d->peer.name = &addr->name;
    d->peer.get = ngx_event_get_peer;
    d->peer.log = &d->quiet;
    d->peer.log_error = NGX_ERROR_INFO;
    d->peer.so_keepalive = (addr->sockaddr->sa_family != AF_UNIX);

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, d->log, 0,
                   "push redis %s connect to %V", d->conf.name, &addr->name);

    rc = ngx_event_connect_peer(&d->peer);

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        ngx_http_push_dial_fail(d, (rc == NGX_DECLINED) ? ngx_socket_errno : 0,
                                "connect() failed");
        return;
    }

    c = d->peer.connection;

    c->data = d;
    c->log = d->log;
    c->read->log = d->log;
    c->write->log = d->log;

    /*
     * As nginx does with the channels to its master: the link lives as long
     * as the worker, so a quitting one does not ask it to leave.
     */
    c->read->channel = 1;

    ngx_add_timer(&d->timer, d->conf.rc->connect_timeout);

    if (rc == NGX_OK) {
        ngx_http_push_dial_reached(d);
        return;
    }

    c->read->handler = ngx_http_push_dial_connect_handler;
    c->write->handler = ngx_http_push_dial_connect_handler;
}


static void
ngx_http_push_dial_connect_handler(ngx_event_t *ev)
{
    int                    err;
    socklen_t              len;
    ngx_connection_t      *c;
    ngx_http_push_dial_t  *d;

    c = ev->data;
    d = c->data;

    err = 0;
    len = sizeof(int);

    /* BSDs and Linux return 0 and set a pending error, Solaris fails */

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err != 0) {
        ngx_http_push_dial_fail(d, err, "connect() failed");
        return;
    }

    if (!c->write->ready) {
        return;
    }

    ngx_http_push_dial_reached(d);
}


/* one time for all, with TLS or without */

static void
ngx_http_push_dial_timer_handler(ngx_event_t *ev)
{
    ngx_connection_t      *c;
    ngx_http_push_dial_t  *d;

    c = ev->data;
    d = c->data;

#if (NGX_SSL)

    if (d->peer.connection->ssl != NULL) {
        ngx_http_push_dial_fail(d, 0, "tls: handshake timed out");
        return;
    }

#endif

    ngx_http_push_dial_fail(d, 0, "connect() timed out");
}


static void
ngx_http_push_dial_reached(ngx_http_push_dial_t *d)
{
    ngx_http_push_dial_set_options(d, d->peer.connection);

#if (NGX_SSL)

    if (d->tls != NULL) {
        ngx_http_push_redis_tls_begin(d->tls, d->peer.connection,
                                      ngx_http_push_dial_tls_handler, d);
        return;
    }

#endif

    ngx_http_push_dial_connected(d);
}


#if (NGX_SSL)

static void
ngx_http_push_dial_tls_handler(void *data, ngx_int_t rc)
{
    ngx_http_push_dial_t *d = data;

    const char  *text;
    ngx_uint_t   refused;

    if (rc == NGX_OK) {
        ngx_http_push_dial_connected(d);
        return;
    }

    text = ngx_http_push_redis_tls_error(d->peer.connection, &refused);

    d->conf.failed(d->conf.data, 0, text, refused);
}

#endif


static void
ngx_http_push_dial_connected(ngx_http_push_dial_t *d)
{
    ngx_connection_t  *c;

    if (d->timer.timer_set) {
        ngx_del_timer(&d->timer);
    }

    c = d->peer.connection;

    /* the handler closes it from now on */

    d->peer.connection = NULL;

    d->conf.connected(d->conf.data, c);
}


/* what cannot be set is not worth losing the link */

static void
ngx_http_push_dial_set_options(ngx_http_push_dial_t *d, ngx_connection_t *c)
{
#if (NGX_HAVE_KEEPALIVE_TUNABLE)
    int  idle, interval, count;
#endif

    if (d->addrs[d->current].sockaddr->sa_family == AF_UNIX) {
        return;
    }

    (void) ngx_tcp_nodelay(c);

#if (NGX_HAVE_KEEPALIVE_TUNABLE)

    idle = NGX_HTTP_PUSH_DIAL_KEEPIDLE;
    interval = NGX_HTTP_PUSH_DIAL_KEEPINTVL;
    count = NGX_HTTP_PUSH_DIAL_KEEPCNT;

    if (setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPIDLE, (const void *) &idle,
                   sizeof(int)) == -1
        || setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPINTVL,
                      (const void *) &interval, sizeof(int)) == -1
        || setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPCNT, (const void *) &count,
                      sizeof(int)) == -1)
    {
        ngx_log_error(NGX_LOG_INFO, d->log, ngx_socket_errno,
                      "setsockopt(TCP_KEEPIDLE) failed, ignored");
    }

#endif
}


static void
ngx_http_push_dial_fail(ngx_http_push_dial_t *d, ngx_err_t err,
    const char *text)
{
    d->conf.failed(d->conf.data, err, text, 0);
}
