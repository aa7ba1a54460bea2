/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: one connected client, whatever its transport.
 */


#ifndef _NGX_HTTP_PUSH_SESSION_H_INCLUDED_
#define _NGX_HTTP_PUSH_SESSION_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_cursor.h"
#include "ngx_http_push_feed.h"
#include "ngx_http_push_transport.h"


/* in init_process, and in exit_process; forms of heartbeats live between */
ngx_int_t ngx_http_push_session_start(ngx_http_push_hub_t *h,
    ngx_http_push_feeds_t *fs, ngx_log_t *log);
void ngx_http_push_session_stop(void);

ngx_http_push_hub_t *ngx_http_push_session_hub(void);

/*
 * Without channels; in what is left of the pool or on the heap.  form is one of
 * those that the transport encodes.  NULL: out of memory.
 */
ngx_http_push_session_t *ngx_http_push_session_create(ngx_connection_t *c,
    ngx_pool_t *pool, const ngx_http_push_transport_t *transport,
    ngx_uint_t form, const ngx_http_push_limits_t *limits);

/*
 * Adds a channel with marks (NGX_HTTP_PUSH_SUB_PUBLISH), from where the cursor
 * says; NULL: from now on.  NGX_OK; NGX_DECLINED: too many channels in the
 * zone; NGX_ERROR: out of memory, the session is to be abandoned.
 */
ngx_int_t ngx_http_push_session_subscribe(ngx_http_push_session_t *s,
    ngx_str_t *name, ngx_uint_t marks, const ngx_http_push_cursor_t *cursor);

/*
 * Takes a session back, with its channels, whose connection or request somebody
 * else ends: it was never opened, or nginx is ending the request that it keeps.
 * What it holds is the caller's.
 */
void ngx_http_push_session_abandon(ngx_http_push_session_t *s);

/* the opening is done: heartbeats begin */
void ngx_http_push_session_open(ngx_http_push_session_t *s);

/* appends a form that is no message (pong, ping, close) and posts */
ngx_int_t ngx_http_push_session_send(ngx_http_push_session_t *s,
    ngx_http_push_form_t *f);

/*
 * Begins to close, once: at the end of this turn of the loop the channels are
 * left and the transport says goodbye.  Never ends s before it returns.
 */
void ngx_http_push_session_close(ngx_http_push_session_t *s, ngx_uint_t reason);

/*
 * The one door for every end: unlinks and releases everything, has the log
 * line written and the connection closed.  s is gone afterwards.  May not be
 * called from within a deliver function.
 */
void ngx_http_push_session_end(ngx_http_push_session_t *s);

/*
 * The peer has said goodbye first: as session_close(), and the session ends
 * when the answer is written.
 */
void ngx_http_push_session_peer_close(ngx_http_push_session_t *s);

/* the peer has answered the heartbeat */
void ngx_http_push_session_pong(ngx_http_push_session_t *s);

/* the worker quits: every session is sent away at a moment of the next ms */
void ngx_http_push_session_drain(ngx_msec_t ms);

/* its socket may take more; and the handler for c->write that says so */
void ngx_http_push_session_writable(ngx_http_push_session_t *s);
void ngx_http_push_session_write_handler(ngx_event_t *wev);


#endif /* _NGX_HTTP_PUSH_SESSION_H_INCLUDED_ */
