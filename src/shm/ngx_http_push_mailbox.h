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

#include "ngx_http_push_audience.h"
#include "ngx_http_push_segment.h"


/* to every worker that has the channel, from the caller's memory */

typedef struct {
    ngx_str_t                       channel;
    uint32_t                        hash;
    size_t                          reserve;  /* the header's, at most */
    ngx_str_t                       body;
    ngx_uint_t                      patient;  /* readers lose nothing for it */

    ngx_uint_t                      subscribers;  /* the outcome */
    ngx_uint_t                      known;    /* somebody may have it */
    ngx_uint_t                      self;     /* it is in our mailbox, too */
} ngx_http_push_mailbox_letter_t;


typedef struct ngx_http_push_mailbox_chunk_s  ngx_http_push_mailbox_chunk_t;

/* of a page */

struct ngx_http_push_mailbox_chunk_s {
    ngx_http_push_mailbox_chunk_t  *next;
    u_char                          data[];
};


/*
 * A message: this and the name and what else fits into a page, the rest in
 * chunks, so that a fragmented arena still takes it.  Counted by the mailboxes
 * that refer to it, and by who is making it.  The wire begins behind the name
 * and skip bytes.
 */

struct ngx_http_push_segment_msg_s {
    ngx_http_push_mailbox_chunk_t  *more;
    uint32_t                        refs;
    uint32_t                        hash;
    uint32_t                        len;      /* of the wire */
    uint32_t                        inlined;  /* of it, in here */
    uint32_t                        size;     /* in the arena */
    uint16_t                        name_len;
    uint16_t                        skip;
    u_char                          data[];
};


/* a place in a mailbox; zeroed: before the first */

typedef struct {
    ngx_http_push_segment_refs_t   *refs;
    ngx_uint_t                      i;
    ngx_uint_t                      n;        /* seen */
} ngx_http_push_mailbox_cursor_t;


/*
 * A message is made, filled, sealed and linked; nobody sees it before.
 *
 * create: where there is no room readers lose what waits for them.  NULL:
 *     still none.  fill: the body; without the lock, too, by who made it.
 * seal: the header, when it is known.  link: gives it to the mailboxes of all
 *     workers that have ch, which may be NULL, and returns how many slots are
 *     to be rung after the unlock.  discard: instead.
 */
ngx_http_push_segment_msg_t *ngx_http_push_mailbox_create_locked(
    ngx_http_push_segment_t *seg, ngx_http_push_mailbox_letter_t *letter);
void ngx_http_push_mailbox_fill(ngx_http_push_segment_msg_t *m,
    ngx_http_push_mailbox_letter_t *letter);
void ngx_http_push_mailbox_seal(ngx_http_push_segment_msg_t *m,
    ngx_str_t *header);
ngx_uint_t ngx_http_push_mailbox_link_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_audience_channel_t *ch, ngx_http_push_segment_msg_t *m,
    ngx_http_push_mailbox_letter_t *letter, uint16_t *rung);
void ngx_http_push_mailbox_discard_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_segment_msg_t *m);

/*
 * 1: a reader that is not late would lose what it has, because it has as many
 * as it may, or because there is no page for the reference.
 */
ngx_uint_t ngx_http_push_mailbox_full_locked(ngx_http_push_segment_t *seg);

/* the next message in the box; NULL: no more.  It stays there */
ngx_http_push_segment_msg_t *ngx_http_push_mailbox_next_locked(
    ngx_http_push_segment_box_t *box, ngx_http_push_mailbox_cursor_t *cursor);

/* takes the oldest n out of the box, which has them */
void ngx_http_push_mailbox_pop_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_segment_box_t *box, ngx_uint_t n);

/*
 * Of a slot whose worker is gone: empties its mailbox in steps.  NGX_OK, or
 * NGX_AGAIN: there is more.
 */
ngx_int_t ngx_http_push_mailbox_clear_locked(ngx_http_push_segment_t *seg,
    ngx_uint_t slot);


#endif /* _NGX_HTTP_PUSH_MAILBOX_H_INCLUDED_ */
