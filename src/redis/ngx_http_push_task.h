/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: one order as commands to Redis, and its outcome from their replies.
 */


#ifndef _NGX_HTTP_PUSH_TASK_H_INCLUDED_
#define _NGX_HTTP_PUSH_TASK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_hist.h"
#include "ngx_http_push_link.h"
#include "ngx_http_push_order.h"
#include "ngx_http_push_outcome.h"


/* the event of a C envelope that ends the life of the channel in its body */
#define NGX_HTTP_PUSH_TASK_DELETE  "delete"


typedef struct ngx_http_push_task_s  ngx_http_push_task_t;

/* all replies have come, or never will; called from within the link */
typedef void (*ngx_http_push_task_pt)(ngx_http_push_task_t *task);


/*
 * Zeroed and filled by its owner, who frees it after done was called or when
 * begin has failed.  It outlives an order that was cancelled: its replies are
 * still to come.
 */

struct ngx_http_push_task_s {
    ngx_http_push_link_command_t   cmd;
    ngx_http_push_link_command_t   count;     /* an INFO's second command */
    ngx_queue_t                    queue;     /* the owner's */
    ngx_http_push_hist_conf_t     *conf;
    ngx_http_push_link_t          *link;
    ngx_http_push_order_t         *order;     /* NULL: cancelled */
    ngx_http_push_task_pt          done;
    void                          *data;
    ngx_uint_t                     kind;      /* ngx_http_push_order_e */
    ngx_uint_t                     waiting;   /* replies to come */

    ngx_http_push_outcome_t        outcome;   /* 200 unless it failed */
    ngx_http_push_position_t       position;
    ngx_uint_t                     messages;
    ngx_uint_t                     links;
    ngx_uint_t                     here;      /* subscribers, set by the owner
                                                 for a DELETE or an id */
    unsigned                       has_links:1;
    unsigned                       stored:1;  /* a publish by the script */
    unsigned                       whole:1;   /* the script itself was sent */
    unsigned                       told:1;    /* a DELETE: it was known */
    unsigned                       repeated:1; /* here is the first answer's */
    unsigned                       early:1;   /* the owner's: not sent yet */
};


/*
 * Sends what the order needs.  NGX_OK: done will be called; NGX_DECLINED: it
 * has a value that cannot be in an envelope; NGX_ERROR: out of memory.
 */
ngx_int_t ngx_http_push_task_begin(ngx_http_push_task_t *task);

/* would this publish be stored? */
ngx_uint_t ngx_http_push_task_stores(ngx_http_push_hist_conf_t *conf,
    ngx_http_push_order_t *o);


#endif /* _NGX_HTTP_PUSH_TASK_H_INCLUDED_ */
