/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: where a channel stands: a feed from within, for feed and past.
 */


#ifndef _NGX_HTTP_PUSH_STAND_H_INCLUDED_
#define _NGX_HTTP_PUSH_STAND_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_hub.h"
#include "ngx_http_push_lookup.h"
#include "ngx_http_push_policy.h"
#include "ngx_http_push_position.h"
#include "ngx_http_push_recent.h"


/*
 * channel->flags.  FRESH: nothing was ever stored, and there is no feed, so
 * that a channel nobody publishes to costs nothing.
 */

#define NGX_HTTP_PUSH_FEED_HISTORY    0x01
#define NGX_HTTP_PUSH_FEED_CONFIRMED  0x02
#define NGX_HTTP_PUSH_FEED_FRESH      0x04
#define NGX_HTTP_PUSH_FEED_PLAIN      0x08        /* had some without an id */


/* what is to be read: where the top is, what follows last, what readers want */

#define NGX_HTTP_PUSH_FEED_TOP        0x01
#define NGX_HTTP_PUSH_FEED_MORE       0x02
#define NGX_HTTP_PUSH_FEED_WANTED     0x04


/* what a feed needs only while it reads or somebody returned */

typedef struct ngx_http_push_feed_work_s {
    struct ngx_http_push_feed_s  *feed;
    ngx_http_push_read_t          rd;
    ngx_uint_t                    kind;       /* of the read under way */
    ngx_http_push_run_t           held;       /* came before its turn */
    ngx_uint_t                    sent;       /* of them: before the read */
    ngx_uint_t                    early;      /* that has its answer: so many */

    ngx_queue_t                   queue;      /* in fs->windows */
    ngx_http_push_run_t           window;     /* the past, for readers */
    uint64_t                      from;       /* where it was read from */
    uint64_t                      until;      /* the top at that moment */
    uint64_t                      wanted;     /* where the next one begins */
    ngx_msec_t                    used;
    unsigned                      filled:1;   /* there is a window */
    unsigned                      large:1;    /* a whole one is too large */
} ngx_http_push_feed_work_t;


/* channel->feed; freed with its channel, or when nothing is stored of it */

struct ngx_http_push_feed_s {
    ngx_http_push_lookup_t        lookup;
    ngx_queue_t                   readers;    /* that wait */
    struct ngx_http_push_feeds_s *fs;
    ngx_http_push_channel_t      *channel;
    ngx_http_push_feed_work_t    *work;
    ngx_http_push_recent_t        recent;     /* up to last */
    ngx_http_push_position_t      last;       /* given to the subscribers */
    ngx_http_push_position_t      prev;       /* end of the epoch before */
    ngx_http_push_position_t      top;        /* as the last read told it */
    ngx_msec_t                    heard;
    uint32_t                      life;       /* of fs, when confirmed */
    uint32_t                      sent;       /* reads, and the number of the */
    uint32_t                      seen;       /* last that told something */

    unsigned                      need:3;
    unsigned                      known:1;    /* last is valid */
    unsigned                      located:1;  /* and a read has told prev */
    unsigned                      doubt:1;    /* something may be missing */
    unsigned                      suspect:1;  /* whatever a read tells */
    unsigned                      ahead:1;    /* a reader waits for last */
    unsigned                      moved:1;    /* since the read was sent */
    unsigned                      adopted:1;  /* since then: an epoch */
    unsigned                      loose:1;    /* last is of any epoch */
    unsigned                      wary:1;     /* messages that are forgotten
                                                 may still be on their way */
};


struct ngx_http_push_feeds_s {
    ngx_http_push_lookups_t           lookups;
    ngx_http_push_recents_t           recents;
    ngx_queue_t                       windows;    /* by last use */
    size_t                            size;       /* of all of them */

    ngx_http_push_hub_t              *hub;
    const ngx_http_push_policies_t   *policies;
    ngx_http_push_figures_t          *figures;
    ngx_log_t                        *log;
    ngx_uint_t                        lenient;
    ngx_uint_t                        place;      /* of the checks */
    uint32_t                          life;       /* times that it was lost */

    ngx_event_t                       tick;
    ngx_connection_t                  dummy;
};


#endif /* _NGX_HTTP_PUSH_STAND_H_INCLUDED_ */
