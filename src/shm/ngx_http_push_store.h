/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the messages of one channel in the slab of the tables: a row of
 * blocks, oldest first.  Knows no channel and no time.
 */


#ifndef _NGX_HTTP_PUSH_STORE_H_INCLUDED_
#define _NGX_HTTP_PUSH_STORE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_segment.h"


/* in the segment; the offsets are dense */

typedef struct {
    ngx_queue_t                    blocks;
    uint64_t                       first;     /* of those that are kept */
    uint64_t                       top;       /* first - 1: none is */
    size_t                         bytes;     /* what they take */
    uint32_t                       at;        /* of first, in its block */
} ngx_http_push_store_t;


/* a message, never changed once it is there; wire begins behind skip bytes */

typedef struct {
    ngx_msec_t                     expires;   /* 0: never */
    uint32_t                       len;       /* of the wire */
    uint32_t                       skip;
    u_char                         data[];
} ngx_http_push_store_entry_t;


/* a place among the messages */

typedef struct {
    ngx_http_push_store_block_t   *block;
    ngx_http_push_store_entry_t   *entry;
    uint64_t                       offset;
} ngx_http_push_store_cursor_t;


/* a place among the bytes of a message */

typedef struct {
    u_char                        *p;
    size_t                         room;      /* from p on in one piece */
    struct ngx_http_push_store_chunk_s  *next;
} ngx_http_push_store_pipe_t;


/*
 * Memory of the tables for what may be forgotten: a part of the slab is left
 * to the table of interest, so it may be NULL where the slab has some.
 */
void *ngx_http_push_store_alloc_locked(ngx_http_push_segment_t *seg,
    size_t size);

/* 1: a message of len bytes, and size bytes beside it, do find room */
ngx_uint_t ngx_http_push_store_room_locked(ngx_http_push_segment_t *seg,
    size_t len, size_t size);

/* 0: it would not even if nothing were kept */
ngx_uint_t ngx_http_push_store_hopes_locked(ngx_http_push_segment_t *seg,
    size_t len);

/* 1: the slab has less free than is left to the table of interest */
ngx_uint_t ngx_http_push_store_short_locked(ngx_http_push_segment_t *seg);

void ngx_http_push_store_init(ngx_http_push_store_t *st);

/* 1: the last block has room for len bytes */
ngx_uint_t ngx_http_push_store_fits(ngx_http_push_store_t *st, size_t len);

/*
 * A block of no store yet, with room for len bytes; bytes: what its channel
 * has already.  NULL: no room.  Who does not append it destroys it.
 */
ngx_http_push_store_block_t *ngx_http_push_store_create_locked(
    ngx_http_push_segment_t *seg, size_t bytes, size_t len);
void ngx_http_push_store_destroy_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_store_block_t *block);

/*
 * May be called without the lock, by who made the block: writes the body
 * behind reserve bytes, which the header must not exceed.
 */
void ngx_http_push_store_fill(ngx_http_push_store_block_t *block,
    size_t reserve, ngx_str_t *body);

/*
 * The next message: into block or, where that is NULL, into the last one, in
 * which it fits.
 */
void ngx_http_push_store_append_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_store_t *st, ngx_http_push_store_block_t *block,
    ngx_str_t *header, ngx_str_t *body, ngx_msec_t expires);

/* the oldest, NULL: there is none */
ngx_http_push_store_entry_t *ngx_http_push_store_head(
    ngx_http_push_store_t *st);

/* forgets the oldest, or the oldest block; returns how many messages */
void ngx_http_push_store_shift_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_store_t *st);
ngx_uint_t ngx_http_push_store_drop_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_store_t *st);

/* NGX_DECLINED: there is no such offset */
ngx_int_t ngx_http_push_store_seek(ngx_http_push_store_t *st, uint64_t offset,
    ngx_http_push_store_cursor_t *cursor);
ngx_int_t ngx_http_push_store_next(ngx_http_push_store_t *st,
    ngx_http_push_store_cursor_t *cursor);

/* the bytes of the message under the cursor, n at a time */
void ngx_http_push_store_open(ngx_http_push_store_cursor_t *cursor,
    ngx_http_push_store_pipe_t *pipe);
void ngx_http_push_store_read(ngx_http_push_store_pipe_t *pipe, u_char *dst,
    size_t n);


#endif /* _NGX_HTTP_PUSH_STORE_H_INCLUDED_ */
