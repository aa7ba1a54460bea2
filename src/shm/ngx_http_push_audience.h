/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the table of interest in the segment: which channels there are,
 * and which worker slots have how many subscribers of each.
 */


#ifndef _NGX_HTTP_PUSH_AUDIENCE_H_INCLUDED_
#define _NGX_HTTP_PUSH_AUDIENCE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_segment.h"


#define NGX_HTTP_PUSH_AUDIENCE_NONE  0xffff   /* slot of an empty entry */
#define NGX_HTTP_PUSH_AUDIENCE_MORE  7        /* entries in a block */
#define NGX_HTTP_PUSH_AUDIENCE_NAME  255


/*
 * One slot's interest in a channel.  It never moves: its worker keeps the
 * address and stores the count without the lock.
 */

typedef struct {
    uint32_t                         count;
    uint16_t                         slot;
    uint16_t                         pad;
} ngx_http_push_audience_t;


typedef struct ngx_http_push_audience_more_s  ngx_http_push_audience_more_t;

struct ngx_http_push_audience_more_s {
    ngx_http_push_audience_more_t   *next;
    ngx_http_push_audience_t         entries[NGX_HTTP_PUSH_AUDIENCE_MORE];
};


/*
 * A channel; there is none without an entry.  56 bytes and the name: 128 of
 * the slab for names of up to 72 bytes, 64 for up to 8.  Blocks of 64 where
 * more than one worker has it.
 */

typedef struct {
    ngx_rbtree_node_t                node;    /* key is the name's hash, data
                                                 the name's length */
    ngx_http_push_audience_more_t   *more;
    ngx_http_push_audience_t         first;
    u_char                           name[];
} ngx_http_push_audience_channel_t;


/* a place in the order of the table that outlives unlocking; zeroed: begin */

typedef struct {
    uint32_t                         hash;
    uint32_t                         len;     /* 0: before the first */
    u_char                           name[NGX_HTTP_PUSH_AUDIENCE_NAME];
} ngx_http_push_audience_cursor_t;


/* NULL: nobody has it (or there was no room to say so) */
ngx_http_push_audience_channel_t *ngx_http_push_audience_find_locked(
    ngx_http_push_segment_t *seg, ngx_str_t *name, uint32_t hash);

/*
 * Enters that seg->slot has n subscribers.  max is the bound of channels or 0.
 * NULL: no room, *full tells whether it was the bound.
 */
ngx_http_push_audience_t *ngx_http_push_audience_enter_locked(
    ngx_http_push_segment_t *seg, ngx_str_t *name, uint32_t hash,
    ngx_uint_t n, ngx_uint_t max, ngx_uint_t *full);

/* removes the slot's entry, and the channel with its last one; 0: no entry */
ngx_uint_t ngx_http_push_audience_remove_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_audience_channel_t *ch, ngx_uint_t slot);

/* the entry behind e, from the first for NULL; NULL: no more */
ngx_http_push_audience_t *ngx_http_push_audience_next(
    ngx_http_push_audience_channel_t *ch, ngx_http_push_audience_t *e);

/* 1: the entry counts, its worker is not known to be gone */
ngx_uint_t ngx_http_push_audience_alive(ngx_http_push_segment_t *seg,
    ngx_http_push_audience_t *e);

/* sums the entries that count; *workers how many they are, may be NULL */
ngx_uint_t ngx_http_push_audience_sum(ngx_http_push_segment_t *seg,
    ngx_http_push_audience_channel_t *ch, ngx_uint_t *workers);

/* the first channel behind the cursor, and the one behind ch; NULL: no more */
ngx_http_push_audience_channel_t *ngx_http_push_audience_seek_locked(
    ngx_http_push_segment_t *seg, ngx_http_push_audience_cursor_t *cursor);
ngx_http_push_audience_channel_t *ngx_http_push_audience_after_locked(
    ngx_http_push_segment_t *seg, ngx_http_push_audience_channel_t *ch);

/* puts the cursor on ch */
void ngx_http_push_audience_mark(ngx_http_push_audience_cursor_t *cursor,
    ngx_http_push_audience_channel_t *ch);


#endif /* _NGX_HTTP_PUSH_AUDIENCE_H_INCLUDED_ */
