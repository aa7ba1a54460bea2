/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: which Redis process is behind the link for commands: offsets are
 * its own, and another one may hand them out again.
 */


#ifndef _NGX_HTTP_PUSH_SERVER_H_INCLUDED_
#define _NGX_HTTP_PUSH_SERVER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_link.h"


typedef struct ngx_http_push_server_s  ngx_http_push_server_t;


/*
 * figures are those of the link and stay where they are.  known(data): the
 * answers have come, what is stored may be sent.  NULL: out of memory.
 */
ngx_http_push_server_t *ngx_http_push_server_create(
    ngx_http_push_link_figures_t *figures, void (*known)(void *data),
    void *data, ngx_log_t *log);

/* after the link was destroyed */
void ngx_http_push_server_destroy(ngx_http_push_server_t *sv);

/* the link has come up; NGX_ERROR: out of memory */
ngx_int_t ngx_http_push_server_ask(ngx_http_push_server_t *sv,
    ngx_http_push_link_t *l);

/* its run_id; empty until known() was called, and where Redis does not tell */
ngx_str_t *ngx_http_push_server_generation(ngx_http_push_server_t *sv);

/* Redis does not tell, so that each lost link may lead to another process */
ngx_uint_t ngx_http_push_server_is_hidden(ngx_http_push_server_t *sv);


#endif /* _NGX_HTTP_PUSH_SERVER_H_INCLUDED_ */
