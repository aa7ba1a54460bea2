/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: one link to one Redis server: connected again whenever it is lost,
 * with a queue of commands that wait for their replies.
 */


#ifndef _NGX_HTTP_PUSH_LINK_H_INCLUDED_
#define _NGX_HTTP_PUSH_LINK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_attach.h"
#include "ngx_http_push_figures.h"
#include "ngx_http_push_redis_conf.h"


typedef struct ngx_http_push_link_s          ngx_http_push_link_t;
typedef struct ngx_http_push_link_command_s  ngx_http_push_link_command_t;


typedef enum {
    NGX_HTTP_PUSH_LINK_REPLIED = 0,
    NGX_HTTP_PUSH_LINK_UNSENT,        /* lost: Redis cannot have run it */
    NGX_HTTP_PUSH_LINK_UNKNOWN        /* lost: Redis may have run it */
} ngx_http_push_link_outcome_e;


/*
 * reply is NULL unless outcome is REPLIED.  NGX_ERROR if it is no reply to this
 * command: the link is dropped and the handler called again.  May not drop.
 */
typedef ngx_int_t (*ngx_http_push_link_reply_pt)(
    ngx_http_push_link_command_t *cmd, ngx_uint_t outcome,
    ngx_http_push_reply_t *reply);


/*
 * Memory of who sends it, until the handler was called for the last time:
 * after as many replies as set here, after one that is an error, or when the
 * link is lost.
 */

struct ngx_http_push_link_command_s {
    ngx_http_push_link_reply_pt    handler;   /* set by the sender */
    void                          *data;      /* set by the sender */
    ngx_uint_t                     replies;   /* set by the sender */

    ngx_http_push_link_command_t  *next;
    uint64_t                       end;       /* in the link's output */
    ngx_msec_t                     since;
};


/*
 * Links that speak with one voice: the first that is lost is an error, the
 * others info, and when all are back it is one notice.  Zeroed by its owner.
 */

typedef struct {
    ngx_uint_t                     links;     /* not ready */
    ngx_uint_t                     cause;
    u_char                         text[NGX_HTTP_PUSH_LINK_ERROR];
} ngx_http_push_link_outage_t;


/*
 * up: authenticated; the owner prepares the link, then calls
 *     ngx_http_push_link_ready().  NGX_ERROR when out of memory.
 * down: lost, or not connected; its commands have been answered.
 * message: NGX_OK, or NGX_ERROR for a stray one; m stays the link's.
 * written, busy: see ngx_http_push_attach.h.
 */

typedef struct {
    ngx_int_t                    (*up)(void *data);
    void                         (*down)(void *data);
    ngx_int_t                    (*message)(void *data, ngx_str_t *channel,
                                            ngx_http_push_msg_t *m);
    void                         (*written)(void *data);
    ngx_uint_t                   (*busy)(void *data);
    void                          *data;

    const char                    *name;      /* "sub" has subscriptions */
    ngx_http_push_redis_conf_t    *rc;
    ngx_http_push_link_figures_t  *figures;
    ngx_http_push_link_outage_t   *outage;
    ngx_http_push_reader_limits_t  limits;
} ngx_http_push_link_conf_t;


/* the configuration is copied; starts to connect.  NULL: out of memory */
ngx_http_push_link_t *ngx_http_push_link_create(
    ngx_http_push_link_conf_t *conf, ngx_log_t *log);

/* answers the commands, calls nothing else; never from within a handler */
void ngx_http_push_link_destroy(ngx_http_push_link_t *l);

/* the owner's part is done: the link counts as back */
void ngx_http_push_link_ready(ngx_http_push_link_t *l);

/* from up to down; and: it is connected for the first time */
ngx_uint_t ngx_http_push_link_is_up(ngx_http_push_link_t *l);
ngx_uint_t ngx_http_push_link_is_new(ngx_http_push_link_t *l);

/* NGX_OK: the handler will be called; NGX_DECLINED: not up; NGX_ERROR */
ngx_int_t ngx_http_push_link_send(ngx_http_push_link_t *l,
    ngx_http_push_link_command_t *cmd, ngx_uint_t argc, ngx_str_t *argv);

/* commands without an answer, bytes that the kernel has not taken */
ngx_uint_t ngx_http_push_link_pending(ngx_http_push_link_t *l);
size_t ngx_http_push_link_waiting(ngx_http_push_link_t *l);

/* lost by decision of the owner, who says why; not from within a handler */
void ngx_http_push_link_drop(ngx_http_push_link_t *l, const char *text);

/* for a handler that cannot go on after an error reply; returns NGX_ERROR */
ngx_int_t ngx_http_push_link_refuse(ngx_http_push_link_t *l,
    ngx_http_push_reply_t *reply);

/* writes what the socket takes now, for a worker that exits */
void ngx_http_push_link_flush(ngx_http_push_link_t *l);


#endif /* _NGX_HTTP_PUSH_LINK_H_INCLUDED_ */
