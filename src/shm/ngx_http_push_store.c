/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the messages of one channel: owns the blocks that they lie in.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_segment.h"
#include "ngx_http_push_store.h"


#define NGX_HTTP_PUSH_STORE_CELL        256   /* bytes: a small block */
#define NGX_HTTP_PUSH_STORE_CELL_SHIFT  8
#define NGX_HTTP_PUSH_STORE_ALIGN       8
#define NGX_HTTP_PUSH_STORE_RESERVE     16    /* a so-much-th of the pages */


typedef struct ngx_http_push_store_chunk_s  ngx_http_push_store_chunk_t;

struct ngx_http_push_store_chunk_s {
    ngx_http_push_store_chunk_t    *next;
    size_t                          room;
    u_char                          data[];
};


/*
 * All that is kept lies in cells and in pages, and whatever fits into a page
 * fits into some cells: what is freed is room for anybody, however fragmented
 * the slab is.  A block has either as many whole messages as it takes, or one,
 * which goes on in chunks.
 *
 * A channel with little has cells; from half a page on it gets pages.  A
 * message of 100 bytes is 142 with its header and takes 160; a page has 25 of
 * them, so that it costs 164 bytes in a channel with many, and a cell of 256
 * in one with few.
 */

struct ngx_http_push_store_block_s {
    ngx_queue_t                     queue;    /* in the store */
    ngx_http_push_store_chunk_t    *more;
    uint64_t                        first;    /* offset */
    uint32_t                        n;        /* messages */
    uint32_t                        used;     /* bytes of data */
    uint32_t                        room;     /* bytes of data, all */
    uint32_t                        size;     /* with the chunks, in the slab */
    uint32_t                        reserve;  /* filled behind so many */
    uint32_t                        filled;
    u_char                          data[];
};


static size_t ngx_http_push_store_pages_locked(ngx_http_push_segment_t *seg);
static ngx_uint_t ngx_http_push_store_free_slots(ngx_slab_pool_t *pool,
    size_t size);
static ngx_http_push_store_chunk_t *ngx_http_push_store_create_chunk_locked(
    ngx_http_push_segment_t *seg, size_t rest, size_t *size);
static void ngx_http_push_store_set_entry(ngx_http_push_store_block_t *block,
    ngx_str_t *header, ngx_str_t *body, ngx_msec_t expires);
static void ngx_http_push_store_pop_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_store_t *st, ngx_http_push_store_block_t *block);
static ngx_http_push_store_block_t *ngx_http_push_store_block(
    ngx_http_push_store_t *st, uint64_t offset);
static size_t ngx_http_push_store_entry_size(size_t len);
static void ngx_http_push_store_open_entry(ngx_http_push_store_block_t *block,
    ngx_http_push_store_entry_t *entry, ngx_http_push_store_pipe_t *pipe);
static void ngx_http_push_store_skip(ngx_http_push_store_pipe_t *pipe,
    size_t n);
static void ngx_http_push_store_write(ngx_http_push_store_pipe_t *pipe,
    ngx_str_t *src);
static void ngx_http_push_store_turn(ngx_http_push_store_pipe_t *pipe);


void *
ngx_http_push_store_alloc_locked(ngx_http_push_segment_t *seg, size_t size)
{
    if (ngx_http_push_store_pages_locked(seg) == 0
        && ngx_http_push_store_free_slots(seg->shpool, size) == 0)
    {
        return NULL;
    }

    return ngx_slab_alloc_locked(seg->shpool, size);
}


ngx_uint_t
ngx_http_push_store_room_locked(ngx_http_push_segment_t *seg, size_t len,
    size_t size)
{
    size_t  need, cell, cells, pages;

    cell = NGX_HTTP_PUSH_STORE_CELL - sizeof(ngx_http_push_store_block_t);
    need = ngx_http_push_store_entry_size(len);

    pages = ngx_http_push_store_pages_locked(seg);

    /* what is not of the size of cells may take a page of its own */

    if (size != 0 && ngx_http_push_store_free_slots(seg->shpool, size) == 0) {

        if (pages == 0) {
            return 0;
        }

        pages--;
    }

    /* a page that is taken for cells counts as these */

    cells = ngx_http_push_store_free_slots(seg->shpool,
                                           NGX_HTTP_PUSH_STORE_CELL);

    if (size > NGX_HTTP_PUSH_STORE_CELL / 2
        && size <= NGX_HTTP_PUSH_STORE_CELL && cells != 0)
    {
        cells--;
    }

    cells += pages * (ngx_pagesize / NGX_HTTP_PUSH_STORE_CELL);

    return cells * cell >= need;
}


ngx_uint_t
ngx_http_push_store_hopes_locked(ngx_http_push_segment_t *seg, size_t len)
{
    size_t  bytes, cell;

    cell = NGX_HTTP_PUSH_STORE_CELL - sizeof(ngx_http_push_store_block_t);

    bytes = ngx_http_push_store_pages_locked(seg) * ngx_pagesize
            + ngx_http_push_store_free_slots(seg->shpool,
                                             NGX_HTTP_PUSH_STORE_CELL)
              * NGX_HTTP_PUSH_STORE_CELL
            + seg->sh->history.bytes;

    return bytes / NGX_HTTP_PUSH_STORE_CELL * cell
           >= ngx_http_push_store_entry_size(len);
}


/* those that may be taken */

static size_t
ngx_http_push_store_pages_locked(ngx_http_push_segment_t *seg)
{
    size_t            left;
    ngx_slab_pool_t  *pool;

    pool = seg->shpool;
    left = (pool->last - pool->pages) / NGX_HTTP_PUSH_STORE_RESERVE;

    return (pool->pfree > left) ? pool->pfree - left : 0;
}


ngx_uint_t
ngx_http_push_store_short_locked(ngx_http_push_segment_t *seg)
{
    ngx_slab_pool_t  *pool;

    pool = seg->shpool;

    return pool->pfree < (ngx_uint_t) (pool->last - pool->pages)
                         / NGX_HTTP_PUSH_STORE_RESERVE;
}


/* of pages that the slab has cut into this size already */

static ngx_uint_t
ngx_http_push_store_free_slots(ngx_slab_pool_t *pool, size_t size)
{
    ngx_uint_t  shift, slot;

    if (size > ngx_pagesize / 2) {
        return 0;
    }

    for (shift = pool->min_shift; ((size_t) 1 << shift) < size; shift++) {
        /* void */
    }

    slot = shift - pool->min_shift;

    return pool->stats[slot].total - pool->stats[slot].used;
}


void
ngx_http_push_store_init(ngx_http_push_store_t *st)
{
    ngx_queue_init(&st->blocks);

    st->first = 1;
    st->top = 0;
    st->bytes = 0;
    st->at = 0;
}


ngx_uint_t
ngx_http_push_store_fits(ngx_http_push_store_t *st, size_t len)
{
    ngx_http_push_store_block_t  *block;

    if (ngx_queue_empty(&st->blocks)) {
        return 0;
    }

    block = ngx_queue_data(ngx_queue_last(&st->blocks),
                           ngx_http_push_store_block_t, queue);

    return block->more == NULL
           && ngx_http_push_store_entry_size(len) <= block->room - block->used;
}


ngx_http_push_store_block_t *
ngx_http_push_store_create_locked(ngx_http_push_segment_t *seg, size_t bytes,
    size_t len)
{
    size_t                         size, rest;
    ngx_http_push_store_block_t   *block;
    ngx_http_push_store_chunk_t  **next;

    rest = ngx_http_push_store_entry_size(len);

    block = NULL;
    size = ngx_pagesize;

    if (bytes + rest > ngx_pagesize / 2) {
        block = ngx_http_push_store_alloc_locked(seg, size);
    }

    if (block == NULL) {
        size = NGX_HTTP_PUSH_STORE_CELL;
        block = ngx_http_push_store_alloc_locked(seg, size);
    }

    if (block == NULL) {
        return NULL;
    }

    ngx_memzero(block, sizeof(ngx_http_push_store_block_t));

    block->size = size;
    block->room = size - sizeof(ngx_http_push_store_block_t);

    rest -= ngx_min(rest, block->room);

    for (next = &block->more; rest != 0; next = &(*next)->next) {

        *next = ngx_http_push_store_create_chunk_locked(seg, rest, &size);

        if (*next == NULL) {
            ngx_http_push_store_destroy_locked(seg, block);
            return NULL;
        }

        block->size += size;
        rest -= ngx_min(rest, (*next)->room);
    }

    return block;
}


static ngx_http_push_store_chunk_t *
ngx_http_push_store_create_chunk_locked(ngx_http_push_segment_t *seg,
    size_t rest, size_t *size)
{
    ngx_http_push_store_chunk_t  *chunk;

    chunk = NULL;
    *size = ngx_pagesize;

    if (rest > ngx_pagesize / 2) {
        chunk = ngx_http_push_store_alloc_locked(seg, *size);
    }

    if (chunk == NULL) {
        *size = NGX_HTTP_PUSH_STORE_CELL;
        chunk = ngx_http_push_store_alloc_locked(seg, *size);
    }

    if (chunk == NULL) {
        return NULL;
    }

    chunk->next = NULL;
    chunk->room = *size - sizeof(ngx_http_push_store_chunk_t);

    return chunk;
}


void
ngx_http_push_store_destroy_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_store_block_t *block)
{
    ngx_http_push_store_chunk_t  *chunk, *next;

    for (chunk = block->more; chunk != NULL; chunk = next) {
        next = chunk->next;
        ngx_slab_free_locked(seg->shpool, chunk);
    }

    ngx_slab_free_locked(seg->shpool, block);
}


void
ngx_http_push_store_fill(ngx_http_push_store_block_t *block, size_t reserve,
    ngx_str_t *body)
{
    ngx_http_push_store_pipe_t    pipe;
    ngx_http_push_store_entry_t  *entry;

    entry = (ngx_http_push_store_entry_t *) block->data;

    ngx_http_push_store_open_entry(block, entry, &pipe);
    ngx_http_push_store_skip(&pipe, reserve);
    ngx_http_push_store_write(&pipe, body);

    block->reserve = reserve;
    block->filled = 1;
}


void
ngx_http_push_store_append_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_store_t *st, ngx_http_push_store_block_t *block,
    ngx_str_t *header, ngx_str_t *body, ngx_msec_t expires)
{
    ngx_http_push_layout_history_t  *hs;

    hs = &seg->sh->history;

    if (block != NULL) {
        block->first = st->top + 1;

    } else {
        block = ngx_queue_data(ngx_queue_last(&st->blocks),
                               ngx_http_push_store_block_t, queue);
    }

    ngx_http_push_store_set_entry(block, header, body, expires);

    block->used += ngx_http_push_store_entry_size(header->len + body->len);
    block->used = ngx_min(block->used, block->room);

    if (block->n++ == 0) {

        if (ngx_queue_empty(&st->blocks)) {
            st->at = 0;
        }

        ngx_queue_insert_tail(&st->blocks, &block->queue);

        st->bytes += block->size;
        hs->bytes += block->size;
    }

    hs->messages++;

    ngx_memory_barrier();

    st->top++;
}


static void
ngx_http_push_store_set_entry(ngx_http_push_store_block_t *block,
    ngx_str_t *header, ngx_str_t *body, ngx_msec_t expires)
{
    ngx_http_push_store_pipe_t    pipe;
    ngx_http_push_store_entry_t  *entry;

    entry = (ngx_http_push_store_entry_t *) (block->data + block->used);

    entry->expires = expires;
    entry->len = header->len + body->len;
    entry->skip = block->filled ? block->reserve - header->len : 0;

    ngx_http_push_store_open_entry(block, entry, &pipe);
    ngx_http_push_store_skip(&pipe, entry->skip);
    ngx_http_push_store_write(&pipe, header);

    if (!block->filled) {
        ngx_http_push_store_write(&pipe, body);
    }
}


ngx_http_push_store_entry_t *
ngx_http_push_store_head(ngx_http_push_store_t *st)
{
    ngx_http_push_store_block_t  *block;

    if (ngx_queue_empty(&st->blocks)) {
        return NULL;
    }

    block = ngx_queue_data(ngx_queue_head(&st->blocks),
                           ngx_http_push_store_block_t, queue);

    return (ngx_http_push_store_entry_t *) (block->data + st->at);
}


void
ngx_http_push_store_shift_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_store_t *st)
{
    ngx_http_push_store_block_t  *block;
    ngx_http_push_store_entry_t  *entry;

    block = ngx_queue_data(ngx_queue_head(&st->blocks),
                           ngx_http_push_store_block_t, queue);

    if (st->first == block->first + block->n - 1) {
        (void) ngx_http_push_store_drop_locked(seg, st);
        return;
    }

    entry = (ngx_http_push_store_entry_t *) (block->data + st->at);

    st->at += ngx_http_push_store_entry_size(entry->len);
    st->first++;

    seg->sh->history.messages--;
}


ngx_uint_t
ngx_http_push_store_drop_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_store_t *st)
{
    ngx_uint_t                    n;
    ngx_http_push_store_block_t  *block;

    block = ngx_queue_data(ngx_queue_head(&st->blocks),
                           ngx_http_push_store_block_t, queue);

    n = block->first + block->n - st->first;

    st->first += n;
    st->at = 0;

    seg->sh->history.messages -= n;

    ngx_http_push_store_pop_locked(seg, st, block);

    return n;
}


static void
ngx_http_push_store_pop_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_store_t *st, ngx_http_push_store_block_t *block)
{
    ngx_queue_remove(&block->queue);

    st->bytes -= block->size;
    seg->sh->history.bytes -= block->size;

    ngx_http_push_store_destroy_locked(seg, block);
}


ngx_int_t
ngx_http_push_store_seek(ngx_http_push_store_t *st, uint64_t offset,
    ngx_http_push_store_cursor_t *cursor)
{
    if (offset < st->first || offset > st->top) {
        return NGX_DECLINED;
    }

    cursor->block = ngx_http_push_store_block(st, offset);
    cursor->entry = (ngx_http_push_store_entry_t *) cursor->block->data;

    for (cursor->offset = cursor->block->first;
         cursor->offset < offset;
         cursor->offset++)
    {
        cursor->entry = (ngx_http_push_store_entry_t *)
                            ((u_char *) cursor->entry
                             + ngx_http_push_store_entry_size(
                                                         cursor->entry->len));
    }

    return NGX_OK;
}


/* from the nearer end */

static ngx_http_push_store_block_t *
ngx_http_push_store_block(ngx_http_push_store_t *st, uint64_t offset)
{
    ngx_queue_t                  *q;
    ngx_http_push_store_block_t  *block;

    if (offset - st->first < st->top - offset) {

        for (q = ngx_queue_head(&st->blocks); ; q = ngx_queue_next(q)) {

            block = ngx_queue_data(q, ngx_http_push_store_block_t, queue);

            if (offset < block->first + block->n) {
                return block;
            }
        }
    }

    for (q = ngx_queue_last(&st->blocks); ; q = ngx_queue_prev(q)) {

        block = ngx_queue_data(q, ngx_http_push_store_block_t, queue);

        if (offset >= block->first) {
            return block;
        }
    }
}


ngx_int_t
ngx_http_push_store_next(ngx_http_push_store_t *st,
    ngx_http_push_store_cursor_t *cursor)
{
    ngx_http_push_store_block_t  *block;

    if (cursor->offset == st->top) {
        return NGX_DECLINED;
    }

    cursor->offset++;

    block = cursor->block;

    if (cursor->offset < block->first + block->n) {
        cursor->entry = (ngx_http_push_store_entry_t *)
                            ((u_char *) cursor->entry
                             + ngx_http_push_store_entry_size(
                                                         cursor->entry->len));
        return NGX_OK;
    }

    block = ngx_queue_data(ngx_queue_next(&block->queue),
                           ngx_http_push_store_block_t, queue);

    cursor->block = block;
    cursor->entry = (ngx_http_push_store_entry_t *) block->data;

    return NGX_OK;
}


void
ngx_http_push_store_open(ngx_http_push_store_cursor_t *cursor,
    ngx_http_push_store_pipe_t *pipe)
{
    ngx_http_push_store_open_entry(cursor->block, cursor->entry, pipe);
    ngx_http_push_store_skip(pipe, cursor->entry->skip);
}


void
ngx_http_push_store_read(ngx_http_push_store_pipe_t *pipe, u_char *dst,
    size_t n)
{
    size_t  len;

    while (n != 0) {

        if (pipe->room == 0) {
            ngx_http_push_store_turn(pipe);
        }

        len = ngx_min(n, pipe->room);

        dst = ngx_cpymem(dst, pipe->p, len);

        pipe->p += len;
        pipe->room -= len;
        n -= len;
    }
}


static size_t
ngx_http_push_store_entry_size(size_t len)
{
    return ngx_align(sizeof(ngx_http_push_store_entry_t) + len,
                     NGX_HTTP_PUSH_STORE_ALIGN);
}


static void
ngx_http_push_store_open_entry(ngx_http_push_store_block_t *block,
    ngx_http_push_store_entry_t *entry, ngx_http_push_store_pipe_t *pipe)
{
    pipe->p = entry->data;
    pipe->room = block->data + block->room - entry->data;
    pipe->next = block->more;
}


static void
ngx_http_push_store_skip(ngx_http_push_store_pipe_t *pipe, size_t n)
{
    size_t  len;

    while (n != 0) {

        if (pipe->room == 0) {
            ngx_http_push_store_turn(pipe);
        }

        len = ngx_min(n, pipe->room);

        pipe->p += len;
        pipe->room -= len;
        n -= len;
    }
}


static void
ngx_http_push_store_write(ngx_http_push_store_pipe_t *pipe, ngx_str_t *src)
{
    size_t   n, rest;
    u_char  *p;

    p = src->data;

    for (rest = src->len; rest != 0; rest -= n) {

        if (pipe->room == 0) {
            ngx_http_push_store_turn(pipe);
        }

        n = ngx_min(rest, pipe->room);

        pipe->p = ngx_cpymem(pipe->p, p, n);
        pipe->room -= n;
        p += n;
    }
}


static void
ngx_http_push_store_turn(ngx_http_push_store_pipe_t *pipe)
{
    pipe->p = pipe->next->data;
    pipe->room = pipe->next->room;
    pipe->next = pipe->next->next;
}
