/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the parameters of push_redis.
 */


#ifndef _NGX_HTTP_PUSH_REDIS_CONF_H_INCLUDED_
#define _NGX_HTTP_PUSH_REDIS_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_redis_tls.h"
#include "ngx_http_push_redis_url.h"


/* made from the arguments of push_redis; memory of the configuration */

typedef struct {
    /*
     * Once resolved, addrs are there for a name, too; the password may be from
     * password_file=.
     */
    ngx_http_push_redis_url_t        url;

    ngx_http_push_redis_tls_conf_t   tls;

    ngx_str_t                        prefix;          /* default "" */
    ngx_str_t                        keys;            /* default "push:" */
    ngx_msec_t                       connect_timeout; /* 1s */
    ngx_msec_t                       timeout;         /* 4s */
    ngx_msec_t                       reconnect_min;   /* 100ms */
    ngx_msec_t                       reconnect_max;   /* 10s */
    ngx_msec_t                       probe;           /* 5s */
    ngx_uint_t                       lenient;         /* recover=lenient */

    /*
     * The largest body that is published or received, 16m; a larger one from
     * elsewhere costs the link.  May be raised until the workers start, to
     * the largest client_max_body_size of a publisher.
     */
    size_t                           max_message;

    /* set when the http block's resolver is known, or NULL */

    ngx_resolver_t                  *resolver;
    ngx_msec_t                       resolver_timeout;
} ngx_http_push_redis_conf_t;


/*
 * Reads cf->args of push_redis (URL, then param=value ...) into rc.  Names are
 * not resolved here.  NGX_CONF_OK, or NGX_CONF_ERROR after a message that names
 * the parameter, its value (never the password) and what would be right.
 */
char *ngx_http_push_redis_conf_parse(ngx_conf_t *cf,
    ngx_http_push_redis_conf_t *rc);

/*
 * At the end of http{}: with a resolver the name waits for each connect,
 * without one it is resolved now, once, and a notice says so.  NGX_ERROR
 * after a message: unknown host.
 */
ngx_int_t ngx_http_push_redis_conf_resolve(ngx_conf_t *cf,
    ngx_http_push_redis_conf_t *rc, ngx_resolver_t *resolver,
    ngx_msec_t resolver_timeout);


#endif /* _NGX_HTTP_PUSH_REDIS_CONF_H_INCLUDED_ */
