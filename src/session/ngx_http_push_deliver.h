/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: a message meets a session: its limits and its queue decide.
 */


#ifndef _NGX_HTTP_PUSH_DELIVER_H_INCLUDED_
#define _NGX_HTTP_PUSH_DELIVER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_transport.h"


/* in init_process, before the first session */
void ngx_http_push_deliver_start(ngx_http_push_figures_t *figures);

/* what sub->deliver is: of s->sub, and of a ngx_http_push_session_sub_t */
void ngx_http_push_deliver_first(ngx_http_push_sub_t *sub,
    ngx_http_push_msg_t *m);
void ngx_http_push_deliver_more(ngx_http_push_sub_t *sub,
    ngx_http_push_msg_t *m);

/* is sub one of these, so that it gets what comes? */
ngx_uint_t ngx_http_push_deliver_live(ngx_http_push_sub_t *sub);

/*
 * For a replay, when nothing waits for the socket: a message of the past, and
 * that some may be missing there.  s->over if there is no memory.
 */
void ngx_http_push_deliver_past(ngx_http_push_session_t *s,
    ngx_http_push_sub_t *sub, ngx_http_push_msg_t *m);
void ngx_http_push_deliver_gap(ngx_http_push_session_t *s,
    ngx_http_push_sub_t *sub);

/*
 * The socket of s takes no more, which it must have done before; it does
 * again, or s ends.
 */
void ngx_http_push_deliver_block(ngx_http_push_session_t *s);
void ngx_http_push_deliver_unblock(ngx_http_push_session_t *s);

/*
 * SO_SNDBUF of a client with these limits, in bytes: what the kernel may hold
 * counts into push_queue SIZE.
 */
size_t ngx_http_push_deliver_sndbuf(const ngx_http_push_limits_t *l);

/* counts that s does not get n messages after all: they are for the next */
void ngx_http_push_deliver_return(ngx_http_push_session_t *s, ngx_uint_t n);

/* counts n messages that s does not get */
void ngx_http_push_deliver_drop(ngx_http_push_session_t *s, ngx_uint_t n);


#endif /* _NGX_HTTP_PUSH_DELIVER_H_INCLUDED_ */
