/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: a place in the history of a channel.
 */


#ifndef _NGX_HTTP_PUSH_POSITION_H_INCLUDED_
#define _NGX_HTTP_PUSH_POSITION_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_envelope.h"


/* letters and digits; ours are 16 hex digits */
#define NGX_HTTP_PUSH_POSITION_EPOCH  NGX_HTTP_PUSH_ENVELOPE_EPOCH_MAX


/*
 * Behind the message with this offset, counted from 1 without a hole; 0 is
 * before the first.  len 0: no epoch, nothing was ever stored.  The epoch is
 * another one whenever offsets may have been handed out twice; in Redis they
 * go on, so that old and new epoch share one row of offsets.
 */

typedef struct {
    uint64_t             offset;
    u_char               len;
    u_char               epoch[NGX_HTTP_PUSH_POSITION_EPOCH];
} ngx_http_push_position_t;


static ngx_inline void
ngx_http_push_position_reset(ngx_http_push_position_t *p)
{
    p->offset = 0;
    p->len = 0;
}


/* NGX_DECLINED: that is no epoch */

static ngx_inline ngx_int_t
ngx_http_push_position_set(ngx_http_push_position_t *p, ngx_str_t *epoch,
    uint64_t offset)
{
    if (epoch->len == 0 || epoch->len > NGX_HTTP_PUSH_POSITION_EPOCH) {
        return NGX_DECLINED;
    }

    p->offset = offset;
    p->len = (u_char) epoch->len;
    ngx_memcpy(p->epoch, epoch->data, epoch->len);

    return NGX_OK;
}


static ngx_inline ngx_uint_t
ngx_http_push_position_in(const ngx_http_push_position_t *p,
    const ngx_str_t *epoch)
{
    return p->len == epoch->len
           && ngx_memcmp(p->epoch, epoch->data, epoch->len) == 0;
}


static ngx_inline ngx_uint_t
ngx_http_push_position_same_epoch(const ngx_http_push_position_t *a,
    const ngx_http_push_position_t *b)
{
    return a->len == b->len && ngx_memcmp(a->epoch, b->epoch, a->len) == 0;
}


#endif /* _NGX_HTTP_PUSH_POSITION_H_INCLUDED_ */
