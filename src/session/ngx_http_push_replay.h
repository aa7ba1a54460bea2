
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: clients that come back: they get the past of their channels piece
 * by piece, and join each where it stands.
 */


#ifndef _NGX_HTTP_PUSH_REPLAY_H_INCLUDED_
#define _NGX_HTTP_PUSH_REPLAY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_cursor.h"
#include "ngx_http_push_feed.h"
#include "ngx_http_push_transport.h"


/* in init_process, and in exit_process when no session is left */
void ngx_http_push_replay_start(ngx_http_push_feeds_t *fs,
    ngx_http_push_figures_t *figures, ngx_log_t *log);
void ngx_http_push_replay_stop(void);

/* is there a past, does push_history say? */
ngx_uint_t ngx_http_push_replay_possible(ngx_http_push_channel_t *ch);

/*
 * sub, which has been subscribed in this turn of the loop, does not begin with
 * what is live but where the cursor says.  NGX_ERROR: out of memory.
 */
ngx_int_t ngx_http_push_replay_open(ngx_http_push_session_t *s,
    ngx_http_push_sub_t *sub, const ngx_http_push_cursor_t *cursor);

/*
 * s->replays, and nothing waits for its socket: the next piece is put into its
 * queue and the session posted, unless there is none at the moment, or it is
 * at the end.
 */
void ngx_http_push_replay_step(ngx_http_push_session_t *s);

/* sub is about to be unsubscribed; whether it replays or not */
void ngx_http_push_replay_leave(ngx_http_push_session_t *s,
    ngx_http_push_sub_t *sub);

/* all channels of s are about to be left */
void ngx_http_push_replay_close(ngx_http_push_session_t *s);


#endif /* _NGX_HTTP_PUSH_REPLAY_H_INCLUDED_ */
