/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the channels of the zone that have a history: an epoch, offsets,
 * messages and their end.
 */


#ifndef _NGX_HTTP_PUSH_HISTORY_H_INCLUDED_
#define _NGX_HTTP_PUSH_HISTORY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_position.h"
#include "ngx_http_push_segment.h"
#include "ngx_http_push_store.h"


#define NGX_HTTP_PUSH_HISTORY_EPOCH  16       /* hex digits */


/*
 * A channel, from its first message on.  184 bytes and the name: 256 of the
 * slab for names of up to 72 bytes, as is a cell of the store.  With all its
 * messages expired it still knows where it stands, so that who comes back to a
 * quiet channel finds no gap: as long as there are subscribers, and for twice
 * the time that messages are kept.
 */

typedef struct {
    ngx_rbtree_node_t              node;      /* key is the name's hash, data
                                                 the name's length */
    ngx_rbtree_node_t              due;       /* key is the time, data 1 if
                                                 it is in the tree */
    ngx_queue_t                    age;
    ngx_queue_t                    size;
    ngx_http_push_store_t          store;
    uint64_t                       epoch;
    ngx_msec_t                     keep;      /* ms behind the last message */
    ngx_msec_t                     gone;      /* at this time, when empty */
    u_char                         name[];
} ngx_http_push_history_channel_t;


/* what is to be kept */

typedef struct {
    ngx_str_t                      channel;
    uint32_t                       hash;
    ngx_uint_t                     count;     /* messages of the channel */
    ngx_msec_t                     ttl;       /* of the channel; 0: for ever */
    ngx_msec_t                     expires;   /* of this message; 0: never */
} ngx_http_push_history_item_t;


/*
 * NULL: it has none.  With find what has expired is forgotten before; get
 * changes nothing, so that lock_read will do.
 */
ngx_http_push_history_channel_t *ngx_http_push_history_find_locked(
    ngx_http_push_segment_t *seg, ngx_str_t *name, uint32_t hash);
ngx_http_push_history_channel_t *ngx_http_push_history_get_locked(
    ngx_http_push_segment_t *seg, ngx_str_t *name, uint32_t hash);

/*
 * The channel, made where there is none, with room for a message of len bytes
 * in its last block or else in *block, which is made where it is NULL.  What
 * is old elsewhere goes for it.  Good until the next call.  NGX_AGAIN: there
 * is more that may go, unlock and call again; NGX_DECLINED: no room.
 */
ngx_int_t ngx_http_push_history_open_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_history_item_t *item, size_t len,
    ngx_http_push_store_block_t **block,
    ngx_http_push_history_channel_t **ch);

/* the next message of the channel that open has given; block, too */
void ngx_http_push_history_append_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_history_channel_t *ch, ngx_http_push_history_item_t *item,
    ngx_http_push_store_block_t *block, ngx_str_t *header, ngx_str_t *body);

/* 1: there was one; its epoch never comes back */
ngx_uint_t ngx_http_push_history_forget_locked(ngx_http_push_segment_t *seg,
    ngx_str_t *name, uint32_t hash);

/*
 * Takes a step to more room in the tables: what has expired, then the oldest
 * of channels without subscribers, then of the largest.  NGX_DECLINED: nothing
 * is left that may go.
 */
ngx_int_t ngx_http_push_history_evict_locked(ngx_http_push_segment_t *seg);

/* the slot's worker is gone: so is what it was about to write */
void ngx_http_push_history_clear_locked(ngx_http_push_segment_t *seg,
    ngx_uint_t slot);

/*
 * Once a second, by any worker: forgets what has expired, and enough for the
 * table of interest to grow.  Does nothing if another has done it just now.
 */
void ngx_http_push_history_tidy(ngx_http_push_segment_t *seg);

void ngx_http_push_history_write_epoch(u_char *dst, uint64_t epoch);

/* the offset is that of the last message */
void ngx_http_push_history_position(ngx_http_push_history_channel_t *ch,
    ngx_http_push_position_t *position);


#endif /* _NGX_HTTP_PUSH_HISTORY_H_INCLUDED_ */
