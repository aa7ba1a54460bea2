/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the URL of a Redis server.
 */


#ifndef _NGX_HTTP_PUSH_REDIS_URL_H_INCLUDED_
#define _NGX_HTTP_PUSH_REDIS_URL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* bytes of a user or a password */
#define NGX_HTTP_PUSH_REDIS_URL_SECRET  1024


/* what a URL says; memory of its pool, name and host of the URL itself */

typedef struct {
    ngx_str_t    shown;               /* without user and password */
    ngx_str_t    name;                /* the host as it stands; unix: empty */
    ngx_str_t    host;                /* to be resolved, or empty */
    in_port_t    port;
    ngx_addr_t  *addrs;               /* numeric or unix; else NULL */
    ngx_uint_t   naddrs;
    ngx_str_t    user;
    ngx_str_t    password;
    ngx_int_t    db;                  /* -1: none given */
    unsigned     tls:1;               /* rediss:// */
} ngx_http_push_redis_url_t;


/*
 *     redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]
 *     rediss://, and the same
 *     unix:/PATH[?db=DB]
 *     unix://[USER]:PASSWORD@/PATH[?db=DB]
 *
 * USER and PASSWORD are percent-decoded, an IPv6 HOST stands in brackets.
 * Names are not resolved here.  NULL: it is right; else what is wrong with it,
 * for a message that quotes u->shown.
 */
const char *ngx_http_push_redis_url_parse(ngx_pool_t *pool,
    ngx_http_push_redis_url_t *u, ngx_str_t *url);


#endif /* _NGX_HTTP_PUSH_REDIS_URL_H_INCLUDED_ */
