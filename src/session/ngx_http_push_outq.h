/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: what waits to be written to one client: references to shared
 * forms, and how much of the first has gone already.
 */


#ifndef _NGX_HTTP_PUSH_OUTQ_H_INCLUDED_
#define _NGX_HTTP_PUSH_OUTQ_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_form.h"


#define NGX_HTTP_PUSH_OUTQ_MAX  32768     /* forms; above it push refuses */


/*
 * 24 bytes in the session.  Without a ring (room 0) it holds one form, which
 * is what nearly every delivery needs; the ring is allocated for the second
 * and freed when all has been written.
 */

typedef struct {
    union {
        ngx_http_push_form_t     *one;
        ngx_http_push_form_t    **ring;
    } u;

    uint16_t                      count;
    uint16_t                      room;       /* a power of two, or 0 */
    uint32_t                      sent;       /* bytes of the first form */
    uint32_t                      bytes;      /* not written yet, of all */
    uint16_t                      head;
    uint8_t                       form;       /* the session's own */
    uint8_t                       begun;      /* the first form has to stay */
} ngx_http_push_outq_t;


static ngx_inline ngx_http_push_form_t *
ngx_http_push_outq_get(ngx_http_push_outq_t *q, ngx_uint_t i)
{
    return q->room ? q->u.ring[(q->head + i) & (q->room - 1)] : q->u.one;
}


/*
 * Appends and takes a reference of its own.  NGX_OK; NGX_ERROR: no memory or
 * NGX_HTTP_PUSH_OUTQ_MAX reached, nothing was changed.
 */
ngx_int_t ngx_http_push_outq_push(ngx_http_push_outq_t *q,
    ngx_http_push_form_t *f);

/*
 * The first form was offered to the socket, which has taken nothing that it
 * tells of: TLS may hold a part of it and wants to be offered the same again.
 */
static ngx_inline void
ngx_http_push_outq_begin(ngx_http_push_outq_t *q)
{
    q->begun = 1;
}


/* n more bytes have been written: gives back the forms that are done */
void ngx_http_push_outq_advance(ngx_http_push_outq_t *q, size_t n);

/*
 * Drops the oldest message that has not begun to be written.  Returns the
 * bytes that were dropped, 0 if there is none.  What is no message stays: a
 * client that never got the ping cannot answer it.
 */
size_t ngx_http_push_outq_drop(ngx_http_push_outq_t *q);

/* drops every message but one that has begun; returns how many */
ngx_uint_t ngx_http_push_outq_trim(ngx_http_push_outq_t *q);

/* gives everything back */
void ngx_http_push_outq_clear(ngx_http_push_outq_t *q);


/*
 * As push, where nothing waits.  Then there is no ring, and nothing is sent:
 * that is said again because with count it is one store.
 */

static ngx_inline void
ngx_http_push_outq_set(ngx_http_push_outq_t *q, ngx_http_push_form_t *f)
{
    q->u.one = f;
    q->count = 1;
    q->room = 0;
    q->sent = 0;
    q->bytes = f->len;
    f->refs++;
}


/* does one form wait, and nothing of it was written?  It is u.one then */

static ngx_inline ngx_uint_t
ngx_http_push_outq_single(ngx_http_push_outq_t *q)
{
    return q->count == 1 && q->room == 0 && q->sent == 0;
}


/* the single form was written as a whole */

static ngx_inline void
ngx_http_push_outq_done(ngx_http_push_outq_t *q)
{
    q->count = 0;
    q->room = 0;
    q->sent = 0;
    q->bytes = 0;

    ngx_http_push_form_unref(q->u.one);
}


#endif /* _NGX_HTTP_PUSH_OUTQ_H_INCLUDED_ */
