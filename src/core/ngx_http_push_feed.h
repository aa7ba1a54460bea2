/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: what reaches a channel, in order and without a silent gap: the
 * state machine between a bus and the hub (REDIS 6), the same for both buses.
 */


#ifndef _NGX_HTTP_PUSH_FEED_H_INCLUDED_
#define _NGX_HTTP_PUSH_FEED_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_hub.h"
#include "ngx_http_push_policy.h"
#include "ngx_http_push_position.h"


typedef struct ngx_http_push_feeds_s   ngx_http_push_feeds_t;
typedef struct ngx_http_push_feed_s   ngx_http_push_feed_t;
typedef struct ngx_http_push_past_s   ngx_http_push_past_t;


/* it was subscribed before, and messages may be missing; no position can
   prove that none is: perhaps it is another server */
#define NGX_HTTP_PUSH_FEED_MISSED      0x01
#define NGX_HTTP_PUSH_FEED_UNKNOWN     0x02


/* what a pull gives at most, in messages and bytes */
#define NGX_HTTP_PUSH_PAST_PIECE  64
#define NGX_HTTP_PUSH_PAST_SIZE   (256 * 1024)


/*
 * Whoever returns with a cursor reads the past of one channel until he stands
 * where the channel does.  Memory of the session's, which sets all but queue
 * and feed; gone after ngx_http_push_past_close() only.
 *
 * wake: ngx_http_push_past_pull() has something to say again.  Called from
 * within the feed: it may post, and neither pull, close nor subscribe.
 */

struct ngx_http_push_past_s {
    ngx_queue_t                queue;         /* waits; the feed's own */
    ngx_http_push_channel_t   *channel;
    ngx_http_push_position_t   at;            /* has all up to there; without
                                                 an epoch: nothing yet */
    ngx_uint_t                 tail;          /* instead: the last so many */
    void                     (*wake)(ngx_http_push_past_t *reader);

    unsigned                   bad:1;         /* cursor could not be read */
    unsigned                   waiting:1;     /* these are the feed's own */
    unsigned                   begun:1;
    unsigned                   loose:1;       /* at stands for any epoch */
    uint32_t                   check;         /* a read, before it is judged */
};


/*
 * In init_process, before the bus is made, and in exit_process, after the
 * sessions and before the bus.  policies are the configuration's.  lenient:
 * recover=lenient.  NULL: out of memory.
 */
ngx_http_push_feeds_t *ngx_http_push_feed_start(ngx_http_push_hub_t *h,
    const ngx_http_push_policies_t *policies, ngx_uint_t lenient,
    ngx_log_t *log);
void ngx_http_push_feed_stop(ngx_http_push_feeds_t *fs);

/* in the single-process mode, when the configuration is another one */
void ngx_http_push_feed_set_policies(ngx_http_push_feeds_t *fs,
    const ngx_http_push_policies_t *policies);

/* NULL: nothing is kept of this channel, or of those that no pattern names */
const ngx_http_push_policy_t *ngx_http_push_feed_policy(
    ngx_http_push_feeds_t *fs, ngx_str_t *channel);
const ngx_http_push_policy_t *ngx_http_push_feed_usual_policy(
    ngx_http_push_feeds_t *fs);

/*
 * For the buses, never from within a deliver function.
 *
 * confirm: from now on every message of ch is given to message(), flags as
 *     above.
 * message: the next one of ch, parsed, of the kind DATA; m stays the caller's.
 * doubt: messages of ch may have been lost on the way.
 * delete: the present life of ch has ended, in order with its messages.
 * lost: nothing is given to message() until confirm() is called again.
 * resume: reads that have failed would succeed now.
 */
void ngx_http_push_feed_confirm(ngx_http_push_feeds_t *fs,
    ngx_http_push_channel_t *ch, ngx_uint_t flags);
void ngx_http_push_feed_message(ngx_http_push_feeds_t *fs,
    ngx_http_push_channel_t *ch, ngx_http_push_msg_t *m);
void ngx_http_push_feed_doubt(ngx_http_push_feeds_t *fs,
    ngx_http_push_channel_t *ch);
void ngx_http_push_feed_delete(ngx_http_push_feeds_t *fs,
    ngx_http_push_channel_t *ch);
void ngx_http_push_feed_lost(ngx_http_push_feeds_t *fs);
void ngx_http_push_feed_resume(ngx_http_push_feeds_t *fs);

/* where the channel stands now; NGX_DECLINED: not known, or no history */
ngx_int_t ngx_http_push_feed_position(ngx_http_push_channel_t *ch,
    ngx_http_push_position_t *position);


/* below: for core/past only */

/* of the channel, made if there is none, and its work; NULL: out of memory */
ngx_http_push_feed_t *ngx_http_push_feed_get(ngx_http_push_feeds_t *fs,
    ngx_http_push_channel_t *ch);
struct ngx_http_push_feed_work_s *ngx_http_push_feed_work(
    ngx_http_push_feed_t *f);

/* something is to be read; urgent as in ngx_http_push_lookup_ask() */
void ngx_http_push_feed_ask(ngx_http_push_feed_t *f, ngx_uint_t need,
    ngx_uint_t urgent);

/* somebody was served out of the window */
void ngx_http_push_feed_use_window(ngx_http_push_feed_t *f);

/* is at in the epoch that ended with prev, and not behind its end? */
ngx_uint_t ngx_http_push_feed_ends(const ngx_http_push_position_t *at,
    const ngx_http_push_position_t *prev);


#endif /* _NGX_HTTP_PUSH_FEED_H_INCLUDED_ */
