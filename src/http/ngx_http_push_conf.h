/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: the module's configuration as the other files read it: made,
 * inherited and completed here; filled by directives.
 */


#ifndef _NGX_HTTP_PUSH_CONF_H_INCLUDED_
#define _NGX_HTTP_PUSH_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_allow.h"
#include "ngx_http_push_limits.h"
#include "ngx_http_push_policy.h"
#include "ngx_http_push_redis_conf.h"
#include "ngx_http_push_zone.h"


typedef struct {
    ngx_http_push_zone_t        *zone;        /* NULL: module not used */
    ngx_http_push_redis_conf_t  *redis;       /* NULL: no push_redis */
    ngx_str_t                    keys;        /* of redis, or "push:" */
    ngx_str_t                    zone_name;
    size_t                       zone_size;
    ngx_uint_t                   zone_channels;
    ngx_msec_t                   drain;       /* 30s */
    ngx_http_push_policies_t     history;     /* push_history */
    ngx_uint_t                   used;        /* a handler was configured */
    ngx_array_t                  notes;       /* ngx_http_push_note_t */
} ngx_http_push_main_conf_t;


/* a name, or its beginning, to be judged when push_redis is known */

typedef struct {
    ngx_str_t                    directive;
    ngx_str_t                    name;        /* empty: begins with variable */
    ngx_str_t                    file;
    ngx_uint_t                   line;
} ngx_http_push_note_t;


/* what the handler of a location can be; one each in the command table */

typedef struct {
    ngx_str_t                    directive;
    ngx_http_handler_pt          handler;
    const char                  *methods;     /* Allow */
    ngx_uint_t                   clients;     /* connect here */
} ngx_http_push_endpoint_t;


typedef struct {
    ngx_http_push_endpoint_t    *endpoint;    /* of this location, or NULL */
    ngx_array_t                 *names;       /* ngx_array_t of parts */
    ngx_uint_t                   names_shown; /* push_status ... names */
    u_char                       split;       /* 0: none */
    ngx_uint_t                   transports;  /* mask */
    ngx_msec_t                   wait;        /* of a poll, 30s */
    ngx_uint_t                   dialects;    /* mask */
    ngx_uint_t                   dialect;     /* for who has not chosen */
    ngx_http_push_allow_t        origin;
    ngx_http_push_allow_t        client_publish;
    ngx_uint_t                   auth_reject; /* 1: close */
    ngx_http_push_limits_t       limits;
} ngx_http_push_loc_conf_t;


void *ngx_http_push_conf_create_main(ngx_conf_t *cf);
char *ngx_http_push_conf_init_main(ngx_conf_t *cf, void *conf);
void *ngx_http_push_conf_create_loc(ngx_conf_t *cf);
char *ngx_http_push_conf_merge_loc(ngx_conf_t *cf, void *parent, void *child);

/*
 * Logs what is wrong with a directive, with its name and place, while cf->args
 * are its own.  Always NGX_CONF_ERROR.
 */
char *ngx_http_push_conf_fail(ngx_conf_t *cf, const char *fmt, ...);

/* postconfiguration: adds the zone, resolves push_redis, if it is used */
ngx_int_t ngx_http_push_conf_finish(ngx_conf_t *cf);

/* Allow, in a location that has an endpoint */
const char *ngx_http_push_conf_methods(ngx_http_request_t *r);

/*
 * Is text (a channel name or an Origin) allowed for this request?  NGX_OK,
 * NGX_DECLINED, NGX_ERROR (no memory).  SAME is decided by the caller.
 */
ngx_int_t ngx_http_push_conf_allows(ngx_http_request_t *r,
    ngx_http_push_allow_t *allow, ngx_str_t *text);


#endif /* _NGX_HTTP_PUSH_CONF_H_INCLUDED_ */
