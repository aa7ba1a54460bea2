/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: the session, as the files that work on it know it.
 */


#ifndef _NGX_HTTP_PUSH_CLIENT_H_INCLUDED_
#define _NGX_HTTP_PUSH_CLIENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_hub.h"
#include "ngx_http_push_limits.h"
#include "ngx_http_push_outq.h"
#include "ngx_http_push_wheel.h"


typedef struct ngx_http_push_session_s    ngx_http_push_session_t;
typedef struct ngx_http_push_transport_s  ngx_http_push_transport_t;
typedef struct ngx_http_push_hold_s       ngx_http_push_hold_t;


/* keeps what a delivery hardly ever needs out of the way of the rest */
#if (__GNUC__)
#define NGX_HTTP_PUSH_COLD  __attribute__((cold, noinline))
#else
#define NGX_HTTP_PUSH_COLD
#endif


/* marks of a session's sub */
#define NGX_HTTP_PUSH_SUB_PUBLISH  0x0001     /* client may publish to it */
#define NGX_HTTP_PUSH_SUB_DELETED  0x0002     /* to be unsubscribed */
#define NGX_HTTP_PUSH_SUB_MARKS    0x00ff     /* the rest is session/replay's */


/*
 * 136 bytes: it fits into what nginx leaves unused of a connection's pool of
 * 512.  The first 64, a cache line, are all that a delivery touches.  Made by
 * session_create(), freed only by session_end() and session_abandon().
 *
 * The bits from blocked to indirect are 0 where nothing is special: a delivery
 * and a write ask for all that concerns them in one test.
 */

struct ngx_http_push_session_s {
    ngx_http_push_sub_t                sub;        /* the first channel's */
    ngx_http_push_outq_t               outq;

    unsigned                           posted:1;   /* in the flush list */
    unsigned                           blocked:1;  /* socket takes no more */
    unsigned                           closing:1;  /* goodbye is appended */
    unsigned                           deleted:1;  /* a sub is marked */
    unsigned                           over:5;     /* reason to close with */
    unsigned                           untuned:1;  /* socket options not set */
    unsigned                           replays:1;  /* reads the past */
    unsigned                           indirect:1; /* flush has to write */
    unsigned                           opened:1;   /* is ours */
    unsigned                           timed:1;    /* in the wheel */
    unsigned                           pinged:1;   /* wheel: look for pong */
    unsigned                           waiting:1;  /* no pong yet */
    unsigned                           draining:1; /* wheel: send away */
    unsigned                           ponged:1;   /* since it is blocked */
    unsigned                           fin:1;      /* goodbye, then a FIN */
    unsigned                           shut:1;     /* the FIN is sent */
    unsigned                           peer_closed:1;
    unsigned                           heap:1;     /* not in a pool */
    unsigned                           deflate:1;  /* RSV1 was agreed on */
    unsigned                           inflight:9; /* publishes under way */

    uint32_t                           turn;       /* in the flush list */

    ngx_connection_t                  *connection;
    const ngx_http_push_transport_t   *transport;
    const ngx_http_push_limits_t      *limits;
    ngx_http_push_wheel_node_t         wheel;
    uint32_t                           sent;       /* messages given to it */
    uint32_t                           past;       /* bytes: outq's replay */
    void                              *input;      /* the transport's own */
    ngx_http_push_hold_t              *hold;
};


/* the second and later channels of a session, 40 bytes each */

typedef struct {
    ngx_http_push_sub_t                sub;
    ngx_http_push_session_t           *session;
} ngx_http_push_session_sub_t;


#endif /* _NGX_HTTP_PUSH_CLIENT_H_INCLUDED_ */
