/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: what was published with an id of the publisher's (Push-Id) in the
 * last five minutes: who repeats it gets the first answer.
 */


#ifndef _NGX_HTTP_PUSH_REPEAT_H_INCLUDED_
#define _NGX_HTTP_PUSH_REPEAT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_segment.h"


#define NGX_HTTP_PUSH_REPEAT_KEY  20          /* SHA-1 */
#define NGX_HTTP_PUSH_REPEAT_SUM  16          /* of another */


/* of the channel and the id, and of the body */

typedef struct {
    u_char                         key[NGX_HTTP_PUSH_REPEAT_KEY];
    u_char                         sum[NGX_HTTP_PUSH_REPEAT_SUM];
} ngx_http_push_repeat_mark_t;


/* 128 bytes of the slab */

typedef struct {
    ngx_rbtree_node_t              node;      /* key: the first bytes of the
                                                 mark's */
    ngx_queue_t                    age;
    ngx_http_push_repeat_mark_t    mark;
    uint32_t                       subscribers;
    uint64_t                       epoch;     /* the first answer; offset 0: */
    uint64_t                       offset;    /* without a position */
    ngx_msec_t                     gone;      /* at this time */
} ngx_http_push_repeat_t;


/* outside of the lock */
void ngx_http_push_repeat_mark(ngx_http_push_repeat_mark_t *mark,
    ngx_str_t *channel, ngx_str_t *id, ngx_str_t *body);

/* NULL: it is the first; NGX_OK of same(): with the same body */
ngx_http_push_repeat_t *ngx_http_push_repeat_find_locked(
    ngx_http_push_segment_t *seg, ngx_http_push_repeat_mark_t *mark);
ngx_uint_t ngx_http_push_repeat_same(ngx_http_push_repeat_t *rp,
    ngx_http_push_repeat_mark_t *mark);

/*
 * The caller fills in the answer.  Beyond a sixteenth of the zone the oldest
 * go.  NULL: no room.
 */
ngx_http_push_repeat_t *ngx_http_push_repeat_create_locked(
    ngx_http_push_segment_t *seg, ngx_http_push_repeat_mark_t *mark);

/*
 * Forgets the oldest if its time has come, or anyway.  NGX_DECLINED: there is
 * none.
 */
ngx_int_t ngx_http_push_repeat_evict_locked(ngx_http_push_segment_t *seg,
    ngx_uint_t anyway);


#endif /* _NGX_HTTP_PUSH_REPEAT_H_INCLUDED_ */
