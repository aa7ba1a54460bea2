/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: messages under way on this machine: written once into the zone's
 * arena, with a reference in the mailbox of every worker concerned.
 */


#ifndef _NGX_HTTP_PUSH_MAILBOX_H_INCLUDED_
#define _NGX_HTTP_PUSH_MAILBOX_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_segment.h"


#define NGX_HTTP_PUSH_MAILBOX_ITEMS   64      /* messages in a batch */
#define NGX_HTTP_PUSH_MAILBOX_PIECES  128     /* and pieces of memory */
#define NGX_HTTP_PUSH_MAILBOX_BYTES   (256 * 1024)


/* to every worker that has the channel, from the caller's memory */

typedef struct {
    ngx_str_t                      channel;
    uint32_t                       hash;
    ngx_str_t                      header;    /* one after the other */
    ngx_str_t                      body;
    ngx_uint_t                     patient;   /* NGX_AGAIN is taken */

    ngx_uint_t                     subscribers;  /* the outcome */
    ngx_uint_t                     known;     /* somebody may have it */
    ngx_uint_t                     self;      /* it is in our mailbox, too */
} ngx_http_push_mailbox_letter_t;


/*
 * Some messages of our mailbox, still in it.  The reader copies them without
 * the lock: the name of each, and the len bytes of its wire, which lie in
 * npieces pieces, one item's after the other's.  Another process may take the
 * memory away meanwhile: the copies may only be looked at when pop() has found
 * them true.
 */

typedef struct {
    ngx_str_t                      name;      /* 255 bytes at most */
    uint32_t                       hash;
    uint32_t                       len;
    ngx_uint_t                     npieces;
} ngx_http_push_mailbox_item_t;


typedef struct {
    u_char                        *data;
    size_t                         len;
} ngx_http_push_mailbox_piece_t;


typedef struct {
    ngx_uint_t                     nitems;
    ngx_uint_t                     npieces;
    ngx_http_push_mailbox_item_t   items[NGX_HTTP_PUSH_MAILBOX_ITEMS];
    ngx_http_push_mailbox_piece_t  pieces[NGX_HTTP_PUSH_MAILBOX_PIECES];

    uint64_t                       lost;      /* messages before these */
    ngx_uint_t                     gap;       /* something before is missing */

    /*
     * A message with more pieces is an item of its own, the only one of its
     * batch: partial is set, and peek() gives the next pieces of it.
     */
    ngx_uint_t                     partial;

    /* the mailbox's own */
    void                          *resume;
    size_t                         rest;
    ngx_atomic_uint_t              incarnation;
    uint32_t                       drops;
} ngx_http_push_mailbox_batch_t;


/*
 * NGX_OK, also where nobody has the channel; NGX_DECLINED: it is larger than
 * the zone's eighth (413); NGX_ERROR: no room, which only messages that are
 * being written at this moment can cause (503); NGX_AGAIN, for who is patient:
 * no room but what readers would lose that are about to take it.  Where self
 * is set the caller looks into its mailbox soon, it is not rung.
 */
ngx_int_t ngx_http_push_mailbox_post(ngx_http_push_segment_t *seg,
    ngx_http_push_mailbox_letter_t *letter);

/*
 * NGX_OK; NGX_DECLINED: there is nothing; b->lost and b->gap are told in both
 * cases.  With partial set, which the caller clears when it begins: NGX_OK, or
 * NGX_DECLINED: the message was lost meanwhile, drop what was copied.
 */
ngx_int_t ngx_http_push_mailbox_peek(ngx_http_push_segment_t *seg,
    ngx_http_push_mailbox_batch_t *b);

/*
 * Gives the batch back.  NGX_OK: the copies are true; NGX_DECLINED: they were
 * lost meanwhile, and are counted as such in the next peek().
 */
ngx_int_t ngx_http_push_mailbox_pop(ngx_http_push_segment_t *seg,
    ngx_http_push_mailbox_batch_t *b);

/*
 * Of a slot whose worker is gone: empties its mailbox in steps.  NGX_OK, or
 * NGX_AGAIN: there is more.
 */
ngx_int_t ngx_http_push_mailbox_clear_locked(ngx_http_push_segment_t *seg,
    ngx_uint_t slot);


#endif /* _NGX_HTTP_PUSH_MAILBOX_H_INCLUDED_ */
