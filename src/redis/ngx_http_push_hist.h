/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: asks Redis for the history of a channel and reads the answer.
 */


#ifndef _NGX_HTTP_PUSH_HIST_H_INCLUDED_
#define _NGX_HTTP_PUSH_HIST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_feed.h"
#include "ngx_http_push_link.h"
#include "ngx_http_push_redis_conf.h"
#include "ngx_http_push_script.h"
#include "ngx_http_push_server.h"


/* of one answer, whatever is asked for; a larger message comes alone */
#define NGX_HTTP_PUSH_HIST_MESSAGES  1024
#define NGX_HTTP_PUSH_HIST_SIZE      (1024 * 1024)


/* what all that is stored has in common; memory of the bus */

typedef struct {
    ngx_http_push_redis_conf_t    *rc;
    ngx_http_push_feeds_t         *feeds;
    ngx_http_push_server_t        *server;
    ngx_str_t                     *control;   /* of all workers */
    size_t                         max_message;
    ngx_log_t                     *log;
} ngx_http_push_hist_conf_t;


typedef struct {
    ngx_str_t                     *channel;
    uint64_t                       from;
    ngx_uint_t                     limit;     /* 0: only what is told of it */
    size_t                         size;
} ngx_http_push_hist_query_t;


/* entries are those of the reply; without an epoch nothing is stored */

typedef struct {
    ngx_http_push_position_t       top;
    ngx_http_push_position_t       prev;
    ngx_uint_t                     messages;
    ngx_http_push_value_t         *entries;
    ngx_uint_t                     n;
} ngx_http_push_hist_t;


/*
 * Tells publishers that do not know it the policy of most channels, and what
 * stands before their names.  Redis may refuse it.
 */
ngx_int_t ngx_http_push_hist_announce(ngx_http_push_hist_conf_t *conf,
    ngx_http_push_link_t *l, ngx_http_push_link_command_t *cmd);

/*
 * By the script: as ngx_http_push_script_send().  Its epoch turns there, so
 * that every position is of the process that is known to be behind the link.
 */
ngx_int_t ngx_http_push_hist_send(ngx_http_push_hist_conf_t *conf,
    ngx_http_push_link_t *l, ngx_http_push_link_command_t *cmd,
    ngx_http_push_hist_query_t *query, ngx_uint_t whole);

/* NGX_ERROR: that is not what the script answers */
ngx_int_t ngx_http_push_hist_parse(ngx_http_push_hist_t *hist,
    ngx_http_push_reply_t *reply);

/* by HMGET, where only the top is wanted: cheaper by far */
ngx_int_t ngx_http_push_hist_peek(ngx_http_push_hist_conf_t *conf,
    ngx_http_push_link_t *l, ngx_http_push_link_command_t *cmd,
    ngx_str_t *channel);

/*
 * NGX_OK; NGX_DECLINED: the script has to have a look, because it is another
 * process or policy; NGX_ERROR: that is not what HMGET answers.
 */
ngx_int_t ngx_http_push_hist_parse_peek(ngx_http_push_hist_conf_t *conf,
    ngx_str_t *channel, ngx_http_push_reply_t *reply,
    ngx_http_push_hist_t *hist);


#endif /* _NGX_HTTP_PUSH_HIST_H_INCLUDED_ */
