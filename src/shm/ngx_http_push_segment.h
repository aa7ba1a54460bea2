/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the segment behind push_zone: how it is laid out, its lock, and
 * how it is put in order after a worker was killed inside.  Only for the
 * files of shm/.
 */


#ifndef _NGX_HTTP_PUSH_SEGMENT_H_INCLUDED_
#define _NGX_HTTP_PUSH_SEGMENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_layout.h"


#define NGX_HTTP_PUSH_SEGMENT_ATTACHED    0x01  /* a worker speaks for it */
#define NGX_HTTP_PUSH_SEGMENT_EVERYTHING  0x02  /* is woken for all channels */
#define NGX_HTTP_PUSH_SEGMENT_DEAD        0x04  /* its worker is gone */
#define NGX_HTTP_PUSH_SEGMENT_GAP         0x08  /* messages may be missing */


typedef struct ngx_http_push_segment_msg_s   ngx_http_push_segment_msg_t;
typedef struct ngx_http_push_segment_refs_s  ngx_http_push_segment_refs_t;


/*
 * What a worker slot has in the segment: one cache line outside of the slabs,
 * which survives a rebuild.  Written under the lock, but for busy.
 */

typedef struct {
    ngx_atomic_t                   busy;      /* pid, if without the lock */
    ngx_http_push_segment_refs_t  *head;      /* the mailbox, oldest first */
    ngx_http_push_segment_refs_t  *tail;
    uint16_t                       first;     /* of head */
    uint16_t                       last;      /* of tail, behind the last */
    uint32_t                       n;         /* references in it */
    uint32_t                       flags;
    uint32_t                       drops;     /* times that it lost them */
    uint32_t                       lost;      /* messages, until it knows */
    uint32_t                       moved;     /* ms: it took some last */
    size_t                         bytes;     /* that it pins */
    uint32_t                       interests; /* entries in the table */
    uint32_t                       owner;     /* pid */
} ngx_http_push_segment_box_t;


/*
 * The end of the segment, outside of both slabs.  All pointers here and there
 * point into the segment, which every process has at the same address.
 */

typedef struct {
    ngx_atomic_t                   incarnation;  /* of the slabs' contents */
    ngx_atomic_t                   dirty;     /* holder has not finished */
    uint64_t                       id;        /* random */
    ngx_uint_t                     resets;
    ngx_slab_pool_t               *arena;     /* messages under way */
    size_t                         arena_size;
    ngx_rbtree_node_t             *root;      /* the channels, shm/audience */
    ngx_rbtree_node_t              sentinel;
    ngx_uint_t                     channels;
    ngx_uint_t                     messages;
    size_t                         message_bytes;
    ngx_http_push_segment_msg_t   *making;    /* filled without the lock */
    ngx_uint_t                     maker;     /* slot */
    ngx_uint_t                     everything;   /* boxes with this flag */
    ngx_uint_t                     high;      /* no box is used from here */
    ngx_http_push_layout_history_t  history;
    ngx_http_push_layout_repeats_t  repeats;
    ngx_uint_t                     nboxes;
    ngx_http_push_segment_box_t   *boxes;     /* cache lines behind this */
} ngx_http_push_segment_sh_t;


/* this process's view */

typedef struct ngx_http_push_segment_s {
    ngx_http_push_segment_sh_t    *sh;
    ngx_slab_pool_t               *shpool;    /* tables */
    ngx_http_push_segment_box_t   *box;       /* ours, NULL: not attached */
    ngx_uint_t                     slot;
    size_t                         message_max;
    ngx_uint_t                     mailbox_max;  /* references in one */
    ngx_atomic_uint_t              incarnation;  /* our places are of this */
    ngx_uint_t                     missing;   /* channels without a place */
    ngx_uint_t                     rebuilt;   /* by us; to be announced */
} ngx_http_push_segment_t;


/*
 * Zone initialization, in the master.  open takes over what is there, create
 * lays it out for nboxes slots; NGX_ERROR: too small, *least bytes are needed.
 */
void ngx_http_push_segment_open(ngx_http_push_segment_t *seg,
    ngx_shm_zone_t *zone, ngx_http_push_segment_sh_t *sh);
ngx_int_t ngx_http_push_segment_create(ngx_http_push_segment_t *seg,
    ngx_shm_zone_t *zone, ngx_uint_t nboxes, size_t *least);

/*
 * The lock of both slabs and of everything above.  A holder that dies inside
 * leaves the mark dirty: the next one rebuilds the slabs from nothing, and
 * sh->incarnation tells all others that what they knew of them is void.
 * Whoever held a pointer from an earlier locking compares it.  lock_read sets
 * no mark: who only reads does no harm when it dies.
 */
void ngx_http_push_segment_lock(ngx_http_push_segment_t *seg);
void ngx_http_push_segment_lock_read(ngx_http_push_segment_t *seg);
void ngx_http_push_segment_unlock(ngx_http_push_segment_t *seg);

/*
 * Around a write into the slab without the lock.  enter gives 0, and is not
 * to be left, when the slabs are not of the given incarnation any more.  A
 * rebuild waits between the two: no lock may be taken there.
 */
ngx_uint_t ngx_http_push_segment_enter(ngx_http_push_segment_t *seg,
    ngx_atomic_uint_t incarnation);
void ngx_http_push_segment_leave(ngx_http_push_segment_t *seg);

/* the flag "wake me for everything" */
void ngx_http_push_segment_everything_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_segment_box_t *box, ngx_uint_t on);


#endif /* _NGX_HTTP_PUSH_SEGMENT_H_INCLUDED_ */
