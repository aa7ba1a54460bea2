/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: looks into histories in Redis, on the link for commands.
 */


#ifndef _NGX_HTTP_PUSH_READS_H_INCLUDED_
#define _NGX_HTTP_PUSH_READS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_figures.h"
#include "ngx_http_push_hist.h"
#include "ngx_http_push_link.h"
#include "ngx_http_push_marks.h"
#include "ngx_http_push_read.h"


typedef struct ngx_http_push_reads_s  ngx_http_push_reads_t;


/*
 * All of them stay as they are.  Where the top is, is told when the messages
 * up to there that were published after the channel was subscribed have come.
 * NULL: out of memory.
 */
ngx_http_push_reads_t *ngx_http_push_reads_create(
    ngx_http_push_hist_conf_t *conf, ngx_http_push_marks_t *marks,
    ngx_http_push_link_figures_t *figures);

/* after the link was destroyed, when nobody waits for an answer any more */
void ngx_http_push_reads_destroy(ngx_http_push_reads_t *rs);

/* the server behind the link is known, or the link is lost */
void ngx_http_push_reads_set_up(ngx_http_push_reads_t *rs, ngx_uint_t up);

/* a mark is passed */
void ngx_http_push_reads_reached(ngx_http_push_reads_t *rs);

/* as the bus interface has them; FAILED at once while the link is not up */
ngx_int_t ngx_http_push_reads_give(ngx_http_push_reads_t *rs,
    ngx_http_push_link_t *l, ngx_http_push_read_t *rd);
void ngx_http_push_reads_cancel(ngx_http_push_read_t *rd);


#endif /* _NGX_HTTP_PUSH_READS_H_INCLUDED_ */
