/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: a channel of one worker, and a subscriber's place in it.
 */


#ifndef _NGX_HTTP_PUSH_CHANNEL_H_INCLUDED_
#define _NGX_HTTP_PUSH_CHANNEL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_msg.h"


typedef struct ngx_http_push_channel_s  ngx_http_push_channel_t;
typedef struct ngx_http_push_sub_s      ngx_http_push_sub_t;


/*
 * Called for each subscriber of a channel.  It may append, count, mark and
 * post; it may not close, write, subscribe, unsubscribe or allocate from a
 * pool, so that the list never changes under its loop.
 */
typedef void (*ngx_http_push_deliver_pt)(ngx_http_push_sub_t *sub,
    ngx_http_push_msg_t *m);


/*
 * A place in a channel.  Memory of the session's; freed by the session after
 * ngx_http_push_hub_unsubscribe().  32 bytes.
 */

struct ngx_http_push_sub_s {
    ngx_http_push_deliver_pt   deliver;
    uint32_t                   place;         /* in channel->subs */
    uint32_t                   mark;          /* the session's own */
    ngx_http_push_channel_t   *channel;       /* NULL: not subscribed */
    ngx_http_push_sub_t       *next;          /* of the same session */
};


/*
 * A channel as this worker knows it, from its first local subscriber until
 * the bus lets it go.  Freed by the hub only.  bus, census and feed are
 * handles of their owners.
 */

struct ngx_http_push_channel_s {
    ngx_http_push_channel_t   *next;          /* in the hub's bucket */
    ngx_http_push_sub_t      **subs;          /* dense, order has no meaning */
    ngx_http_push_sub_t       *one;           /* where subs points first */
    void                      *bus;
    void                      *census;
    void                      *feed;
    uint32_t                   hash;
    uint32_t                   nsubs;
    uint32_t                   room;          /* of subs */
    uint8_t                    len;
    uint8_t                    flags;         /* core/feed's */
    u_char                     name[];
};


#endif /* _NGX_HTTP_PUSH_CHANNEL_H_INCLUDED_ */
