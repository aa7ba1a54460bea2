/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: TLS to a Redis server: who it has to be, and the handshake.
 */


#ifndef _NGX_HTTP_PUSH_REDIS_TLS_H_INCLUDED_
#define _NGX_HTTP_PUSH_REDIS_TLS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* what push_redis says of it; memory of the configuration */

typedef struct {
    ngx_str_t    name;                /* name=, or the URL's host */
    ngx_str_t    ca;                  /* empty: the system's bundle */
    ngx_str_t    cert;                /* empty: none is shown */
    ngx_str_t    key;
    ngx_flag_t   verify;
    ngx_ssl_t   *ssl;                 /* NULL: no TLS */
    unsigned     address:1;           /* the name is an IP address */
} ngx_http_push_redis_tls_conf_t;


/*
 * Makes ssl from the rest; a name that is empty becomes host.  NGX_ERROR after
 * a message, also where nginx was built without SSL.
 */
ngx_int_t ngx_http_push_redis_tls_configure(ngx_conf_t *cf,
    ngx_http_push_redis_tls_conf_t *conf, ngx_str_t *host);

/* of a connection with or without TLS, its pool included; never waits */
void ngx_http_push_redis_tls_close(ngx_connection_t *c);


#if (NGX_SSL)

typedef struct ngx_http_push_redis_tls_s  ngx_http_push_redis_tls_t;


/* NGX_OK: the server is who it has to be; NGX_ERROR: see tls_error() */
typedef void (*ngx_http_push_redis_tls_done_pt)(void *data, ngx_int_t rc);


/* for one connection at a time; it remembers the session.  NULL: no memory */
ngx_http_push_redis_tls_t *ngx_http_push_redis_tls_create(
    ngx_http_push_redis_tls_conf_t *conf, ngx_log_t *log);

/* its connection is closed already */
void ngx_http_push_redis_tls_destroy(ngx_http_push_redis_tls_t *t);

/*
 * The handshake on the connected c; done may be called before this returns.
 * c stays the caller's, and with it the time that this may take.  It logs to t
 * from now on.
 */
void ngx_http_push_redis_tls_begin(ngx_http_push_redis_tls_t *t,
    ngx_connection_t *c, ngx_http_push_redis_tls_done_pt done, void *data);

/*
 * Why the handshake, c->recv() or c->send() failed, for people; valid until
 * the next begin().  refused: by one of the two sides, so that trying again
 * will hardly help.
 */
const char *ngx_http_push_redis_tls_error(ngx_connection_t *c,
    ngx_uint_t *refused);

#endif


#endif /* _NGX_HTTP_PUSH_REDIS_TLS_H_INCLUDED_ */
