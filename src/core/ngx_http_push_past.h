/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: from a cursor to the present: what somebody missed of a channel,
 * piece by piece.
 */


#ifndef _NGX_HTTP_PUSH_PAST_H_INCLUDED_
#define _NGX_HTTP_PUSH_PAST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_feed.h"


/* valid until the loop goes on; who keeps a message takes a reference */

typedef struct {
    ngx_uint_t                 n;
    ngx_http_push_msg_t       *msgs[NGX_HTTP_PUSH_PAST_PIECE];
    unsigned                   gap:1;         /* to be told before them */
} ngx_http_push_past_piece_t;


/*
 * For the sessions.  pull gives the next piece and moves reader->at behind it:
 *
 * NGX_OK: there is a piece, of messages, a gap or both; pull again when it is
 *     written.  NGX_DONE: nothing is missing, the subscriber has to join what
 *     is live before the loop goes on; the piece may tell a gap.  NGX_AGAIN:
 *     wake will be called.
 *
 * Without a history a channel is at its end at once, with a gap if a cursor was
 * given.  close may be called at any time, also more than once.
 */
ngx_int_t ngx_http_push_past_pull(ngx_http_push_feeds_t *fs,
    ngx_http_push_past_t *reader, ngx_http_push_past_piece_t *piece);
void ngx_http_push_past_close(ngx_http_push_past_t *reader);


#endif /* _NGX_HTTP_PUSH_PAST_H_INCLUDED_ */
