/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: whose turn it is to write: each session that has something waits
 * once, and a turn of the event loop takes as many as fit into its slice.
 */


#ifndef _NGX_HTTP_PUSH_TURNS_H_INCLUDED_
#define _NGX_HTTP_PUSH_TURNS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_transport.h"


/*
 * In init_process, and in exit_process when no session is left.  flush is
 * called for a session whose turn it is; it may end that session and any other.
 */
void ngx_http_push_turns_start(ngx_http_push_hub_t *h,
    void (*flush)(ngx_http_push_session_t *s), ngx_log_t *log);
void ngx_http_push_turns_stop(void);

/*
 * Makes room for one more than so many sessions, because a delivery may not
 * fail for want of it.  NGX_ERROR: out of memory.
 */
ngx_int_t ngx_http_push_turns_reserve(uint32_t sessions);

/* what is in the queue of s is written at the end of this turn of the loop */
void ngx_http_push_turns_post(ngx_http_push_session_t *s);

/* s ends: it has no turn any more */
void ngx_http_push_turns_remove(ngx_http_push_session_t *s);


#endif /* _NGX_HTTP_PUSH_TURNS_H_INCLUDED_ */
