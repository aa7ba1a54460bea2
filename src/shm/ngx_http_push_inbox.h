/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: what is in this worker's mailbox, taken out as messages of this
 * process.
 */


#ifndef _NGX_HTTP_PUSH_INBOX_H_INCLUDED_
#define _NGX_HTTP_PUSH_INBOX_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_msg.h"
#include "ngx_http_push_segment.h"


/* process heap, made and freed by who reads */
typedef struct ngx_http_push_inbox_s  ngx_http_push_inbox_t;


/* valid until the next fetch, but for m, which is a reference of the taker's */

typedef struct {
    ngx_str_t                channel;
    uint32_t                 hash;
    ngx_http_push_msg_t     *m;       /* NULL: there was no memory for it */
} ngx_http_push_inbox_item_t;


/* NULL: out of memory */
ngx_http_push_inbox_t *ngx_http_push_inbox_create(
    ngx_http_push_segment_t *seg, ngx_log_t *log);
void ngx_http_push_inbox_destroy(ngx_http_push_inbox_t *in);

/*
 * The next messages, at most 64 and, but for the first, 256 KB.  *gap:
 * something before them is missing, *lost how many at least.  NGX_OK;
 * NGX_AGAIN: they were lost meanwhile, call again in another turn;
 * NGX_DECLINED: there are none.
 */
ngx_int_t ngx_http_push_inbox_fetch(ngx_http_push_inbox_t *in,
    ngx_uint_t *gap, uint64_t *lost);

/* NGX_DECLINED: fetch more */
ngx_int_t ngx_http_push_inbox_take(ngx_http_push_inbox_t *in,
    ngx_http_push_inbox_item_t *item);

/* 1: there is nothing to take; there is something to take or to fetch */
ngx_uint_t ngx_http_push_inbox_empty(ngx_http_push_inbox_t *in);
ngx_uint_t ngx_http_push_inbox_pending(ngx_http_push_inbox_t *in);


#endif /* _NGX_HTTP_PUSH_INBOX_H_INCLUDED_ */
