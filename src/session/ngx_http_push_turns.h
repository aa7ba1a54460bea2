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
 * Who waits, in the order of turns.  A session is in it once, and knows where.
 * For ngx_http_push_turns_append(), which is a part of every delivery.
 */

typedef struct {
    ngx_http_push_session_t  **turns;
    uint32_t                   mask;          /* its room, a power of two, less
                                                 one */
    uint32_t                   head;
    uint32_t                   tail;
    ngx_event_t                event;         /* posted while one waits */
} ngx_http_push_turns_ring_t;


extern ngx_http_push_turns_ring_t  ngx_http_push_turns_ring;


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

/* called by ngx_http_push_turns_append() only */
void ngx_http_push_turns_wake(void);

/* s ends: it has no turn any more */
void ngx_http_push_turns_remove(ngx_http_push_session_t *s);


/*
 * What is in the queue of s, which is not posted, is written at the end of
 * this turn of the loop.
 */

static ngx_inline void
ngx_http_push_turns_append(ngx_http_push_session_t *s)
{
    ngx_http_push_turns_ring_t  *t;

    t = &ngx_http_push_turns_ring;

    s->posted = 1;
    s->turn = t->tail;

    t->turns[t->tail++ & t->mask] = s;

    if (!t->event.posted) {
        ngx_http_push_turns_wake();
    }
}


/* likewise, whether it is posted or not */

static ngx_inline void
ngx_http_push_turns_post(ngx_http_push_session_t *s)
{
    if (!s->posted) {
        ngx_http_push_turns_append(s);
    }
}


#endif /* _NGX_HTTP_PUSH_TURNS_H_INCLUDED_ */
