/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: what the segment knows of histories and of what was published with
 * an id: where they begin.  Only for the files of shm/.
 */


#ifndef _NGX_HTTP_PUSH_LAYOUT_H_INCLUDED_
#define _NGX_HTTP_PUSH_LAYOUT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_PUSH_LAYOUT_SIZES  40        /* powers of two */


/* shm/store */

typedef struct ngx_http_push_store_block_s  ngx_http_push_store_block_t;


/*
 * The channels that have a history; owned by shm/history.  What stands first
 * survives a rebuild: no epoch is given out twice.
 */

typedef struct {
    uint64_t                       births;    /* channels ever */
    uint64_t                       evicted;   /* messages ever */
    ngx_msec_t                     tidied;
    ngx_uint_t                     warned;    /* it was said to be full */

    ngx_rbtree_node_t             *root;      /* by name */
    ngx_rbtree_node_t             *due;       /* by when to look at them */
    ngx_queue_t                    ages;      /* longest silent first */
    ngx_queue_t                    sizes[NGX_HTTP_PUSH_LAYOUT_SIZES];
    ngx_http_push_store_block_t   *draft;     /* filled without the lock */
    ngx_uint_t                     drafter;   /* slot */
    ngx_uint_t                     channels;
    ngx_uint_t                     messages;
    size_t                         bytes;     /* of messages, in the slab */
} ngx_http_push_layout_history_t;


/* what was published with an id; owned by shm/repeat */

typedef struct {
    ngx_rbtree_node_t             *root;      /* by channel and id */
    ngx_queue_t                    ages;      /* oldest first */
    ngx_uint_t                     n;
} ngx_http_push_layout_repeats_t;


#endif /* _NGX_HTTP_PUSH_LAYOUT_H_INCLUDED_ */
