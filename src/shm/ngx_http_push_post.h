/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: a publish or a delete on this machine as one step: for all
 * mailboxes, for the history and for who repeats it.
 */


#ifndef _NGX_HTTP_PUSH_POST_H_INCLUDED_
#define _NGX_HTTP_PUSH_POST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_envelope.h"
#include "ngx_http_push_history.h"
#include "ngx_http_push_mailbox.h"
#include "ngx_http_push_position.h"
#include "ngx_http_push_repeat.h"
#include "ngx_http_push_segment.h"


/*
 * env is the header's, but for epoch and offset; item counts only with keep,
 * mark with once.  letter has name, hash, body and patience.  All is the
 * caller's, and may be posted again after NGX_AGAIN.
 */

typedef struct {
    ngx_http_push_envelope_t         env;
    ngx_http_push_mailbox_letter_t   letter;
    ngx_http_push_history_item_t     item;
    ngx_http_push_repeat_mark_t      mark;
    unsigned                         keep:1;
    unsigned                         once:1;
    unsigned                         forget:1;    /* the history, and keeps
                                                     none of this */

    /* the outcome: the position without an epoch where it is not kept */
    ngx_uint_t                       subscribers;
    ngx_uint_t                       known;       /* somebody may have the
                                                     channel, or it is kept */
    ngx_uint_t                       self;        /* to be read here soon */
    ngx_http_push_position_t         position;
} ngx_http_push_post_t;


/*
 * NGX_OK, also where nobody has the channel; NGX_DONE: it was posted before,
 * the outcome is that of then; NGX_ABORT: with another body.  Else nothing was
 * sent and nothing kept: NGX_DECLINED: larger than the zone's eighth (413);
 * NGX_ERROR: no room in the arena, which only messages that are being written
 * at this moment can cause (503); NGX_BUSY: no room in the history (507);
 * NGX_AGAIN, for who is patient: no room but what readers would lose that are
 * about to take it; NGX_HTTP_PUSH_POST_BAD: no header can be made of it.
 */

#define NGX_HTTP_PUSH_POST_BAD  -100

ngx_int_t ngx_http_push_post(ngx_http_push_segment_t *seg,
    ngx_http_push_post_t *post);


#endif /* _NGX_HTTP_PUSH_POST_H_INCLUDED_ */
