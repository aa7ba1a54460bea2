/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the way to one Redis server: its addresses, looked up where the
 * host is a name, and connecting to one of them, with TLS where it is wanted.
 */


#ifndef _NGX_HTTP_PUSH_DIAL_H_INCLUDED_
#define _NGX_HTTP_PUSH_DIAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_redis_conf.h"


typedef struct ngx_http_push_dial_s  ngx_http_push_dial_t;


/*
 * enter: RESOLVE or CONNECT begins, see ngx_http_push_figures.h.
 * connected: c is the handler's from now on.
 * failed: text is for people, err may be 0; refused: the server is there, but
 *     not one to be trusted, or it will not have us.  Nothing is closed yet.
 *
 * Any of them may be called before ngx_http_push_dial_begin() returns.
 */

typedef struct {
    void                       (*enter)(void *data, ngx_uint_t state);
    void                       (*connected)(void *data, ngx_connection_t *c);
    void                       (*failed)(void *data, ngx_err_t err,
                                         const char *text, ngx_uint_t refused);
    void                        *data;

    const char                  *name;        /* of the link, for the log */
    ngx_http_push_redis_conf_t  *rc;
} ngx_http_push_dial_conf_t;


/* the configuration is copied; NULL: out of memory */
ngx_http_push_dial_t *ngx_http_push_dial_create(
    ngx_http_push_dial_conf_t *conf, ngx_log_t *log);

/* not from within a handler */
void ngx_http_push_dial_destroy(ngx_http_push_dial_t *d);

/* one attempt, at the current address; not while another is under way */
void ngx_http_push_dial_begin(ngx_http_push_dial_t *d);

/* ends what is under way, calls no handler; failed may call it */
void ngx_http_push_dial_close(ngx_http_push_dial_t *d);

/* goes on to the next address; 0: all have failed since the last restart */
ngx_uint_t ngx_http_push_dial_next(ngx_http_push_dial_t *d);

/* the next attempt is the first of a round: a name is looked up again */
void ngx_http_push_dial_restart(ngx_http_push_dial_t *d);

/* the next attempt is at the first address */
void ngx_http_push_dial_rewind(ngx_http_push_dial_t *d);

/* the current address, or the host while it has none */
ngx_str_t *ngx_http_push_dial_peer(ngx_http_push_dial_t *d);


#endif /* _NGX_HTTP_PUSH_DIAL_H_INCLUDED_ */
