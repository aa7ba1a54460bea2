/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the figures of one worker, written by that worker alone.
 */


#ifndef _NGX_HTTP_PUSH_FIGURES_H_INCLUDED_
#define _NGX_HTTP_PUSH_FIGURES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_PUSH_LINKS       2     /* sub and cmd, REDIS 1.4 */
#define NGX_HTTP_PUSH_LINK_ERROR  96


typedef enum {
    NGX_HTTP_PUSH_LINK_OFF = 0,       /* no push_redis */
    NGX_HTTP_PUSH_LINK_WAIT,          /* backoff before the next connect */
    NGX_HTTP_PUSH_LINK_RESOLVE,
    NGX_HTTP_PUSH_LINK_CONNECT,       /* TCP or unix, and TLS */
    NGX_HTTP_PUSH_LINK_AUTH,          /* HELLO, AUTH, SELECT under way */
    NGX_HTTP_PUSH_LINK_SYNC,          /* resubscribing */
    NGX_HTTP_PUSH_LINK_UP
} ngx_http_push_link_state_e;


typedef enum {
    NGX_HTTP_PUSH_GENERATION_NONE = 0,    /* not asked for yet */
    NGX_HTTP_PUSH_GENERATION_SERVER,      /* by its run_id */
    NGX_HTTP_PUSH_GENERATION_LINK         /* Redis does not tell it: every
                                             lost link may be another one */
} ngx_http_push_generation_e;


/* a link of a worker as the status of any worker shows it */

typedef struct {
    uint64_t    state;                /* ngx_http_push_link_state_e */
    uint64_t    since;                /* ms since 1970: state was entered */
    uint64_t    reconnects;
    uint64_t    probe_lag;            /* microseconds, sub link only */
    uint64_t    probed;               /* ms since 1970: last probe heard */
    uint64_t    subscriptions;
    uint64_t    pending;              /* commands without an answer yet */
    uint64_t    gaps;                 /* losses after which messages may miss */
    uint64_t    bad;                  /* envelopes dropped as malformed */
    uint64_t    generation;           /* ngx_http_push_generation_e, cmd link:
                                         how a server is told from another */
    u_char      error[NGX_HTTP_PUSH_LINK_ERROR];  /* last one, NUL ended */
} ngx_http_push_link_figures_t;


/*
 * Lives in the worker's slot (shm/slots), so that any worker can sum them.
 * Only the owner writes, by plain 64-bit stores: no lock, no atomic
 * instruction on the way of a message.  The first group is what there is
 * now and vanishes with the worker, the second only grows and is folded into
 * the totals of the machine when the worker is gone.
 */

typedef struct {
    uint64_t    connections;          /* of these, by transport: */
    uint64_t    websocket;
    uint64_t    eventsource;
    uint64_t    longpoll;
    uint64_t    stream;
    uint64_t    kept;                 /* connections that keep their request */
    uint64_t    channels;
    uint64_t    subscriptions;
    uint64_t    queued;               /* bytes waiting for slow clients */
    uint64_t    publishing;           /* publishes waiting for the bus */

    uint64_t    totals[0];            /* all below are totals */

    uint64_t    accepted;             /* connections ever */
    uint64_t    refused;              /* handshakes refused */
    uint64_t    messages_in;          /* published through this worker */
    uint64_t    bytes_in;
    uint64_t    received;             /* heard from the bus */
    uint64_t    delivered;            /* given to a client's queue */
    uint64_t    bytes_out;
    uint64_t    dropped;              /* not given: overflow, volatile */
    uint64_t    lost;                 /* mailbox overrun, in messages */
    uint64_t    slow_closed;
    uint64_t    ping_closed;
    uint64_t    drained;              /* sent away at reload or quit */
    uint64_t    failed;               /* publishes answered 5xx */
    uint64_t    replayed;             /* of delivered, from the history */
    uint64_t    gaps;                 /* told to the clients of a channel */
    uint64_t    reads;                /* of the history, from the bus */

    uint64_t    end[0];

    ngx_http_push_link_figures_t  links[NGX_HTTP_PUSH_LINKS];
} ngx_http_push_figures_t;


#endif /* _NGX_HTTP_PUSH_FIGURES_H_INCLUDED_ */
