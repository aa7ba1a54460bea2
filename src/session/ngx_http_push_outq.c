/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: the queue of one client: owns its ring and its references.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_outq.h"


#define NGX_HTTP_PUSH_OUTQ_ROOM  4        /* first size of a ring */
#define NGX_HTTP_PUSH_OUTQ_SKIP  8        /* forms that are no messages */


static ngx_int_t ngx_http_push_outq_grow(ngx_http_push_outq_t *q);
static void ngx_http_push_outq_release(ngx_http_push_outq_t *q);
static void ngx_http_push_outq_shrink(ngx_http_push_outq_t *q);


ngx_int_t
ngx_http_push_outq_push(ngx_http_push_outq_t *q, ngx_http_push_form_t *f)
{
    if (q->count == 0) {
        ngx_http_push_outq_set(q, f);
        return NGX_OK;
    }

    if (q->bytes + f->len < q->bytes) {
        return NGX_ERROR;
    }

    if (q->count >= q->room && ngx_http_push_outq_grow(q) != NGX_OK) {
        return NGX_ERROR;
    }

    q->u.ring[(q->head + q->count) & (q->room - 1)] = f;

    q->count++;
    q->bytes += f->len;
    f->refs++;

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_outq_grow(ngx_http_push_outq_t *q)
{
    ngx_uint_t               i, room;
    ngx_http_push_form_t   **ring;

    room = q->room ? q->room * 2 : NGX_HTTP_PUSH_OUTQ_ROOM;

    if (room > NGX_HTTP_PUSH_OUTQ_MAX) {
        return NGX_ERROR;
    }

    ring = ngx_alloc(room * sizeof(ngx_http_push_form_t *), ngx_cycle->log);
    if (ring == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < q->count; i++) {
        ring[i] = ngx_http_push_outq_get(q, i);
    }

    if (q->room != 0) {
        ngx_free(q->u.ring);
    }

    q->u.ring = ring;
    q->room = (uint16_t) room;
    q->head = 0;

    return NGX_OK;
}


void
ngx_http_push_outq_advance(ngx_http_push_outq_t *q, size_t n)
{
    size_t                 rest;
    ngx_http_push_form_t  *f;

    q->bytes -= (uint32_t) n;

    while (n != 0) {
        f = ngx_http_push_outq_get(q, 0);
        rest = f->len - q->sent;

        if (n < rest) {
            q->sent += (uint32_t) n;
            return;
        }

        n -= rest;

        ngx_http_push_outq_release(q);
    }
}


/* gives back the first form */

static void
ngx_http_push_outq_release(ngx_http_push_outq_t *q)
{
    ngx_http_push_form_t  *f;

    f = ngx_http_push_outq_get(q, 0);

    q->sent = 0;
    q->begun = 0;
    q->count--;

    if (q->room != 0) {
        q->head = (q->head + 1) & (q->room - 1);
    }

    ngx_http_push_form_unref(f);
    ngx_http_push_outq_shrink(q);
}


/* an idle connection keeps no ring */

static void
ngx_http_push_outq_shrink(ngx_http_push_outq_t *q)
{
    if (q->count == 0 && q->room != 0) {
        ngx_free(q->u.ring);

        q->room = 0;
        q->head = 0;
    }
}


size_t
ngx_http_push_outq_drop(ngx_http_push_outq_t *q)
{
    size_t                 len;
    ngx_uint_t             i, first;
    ngx_http_push_form_t  *f;

    first = (q->sent != 0 || q->begun);

    /* a bounded walk: who has so many pings waiting does not miss one */

    for (i = first; i < q->count; i++) {

        if (!ngx_http_push_outq_get(q, i)->control
            || i - first == NGX_HTTP_PUSH_OUTQ_SKIP)
        {
            break;
        }
    }

    if (i >= q->count) {
        return 0;
    }

    f = ngx_http_push_outq_get(q, i);
    len = f->len;

    /* those before it move up */

    for ( /* void */ ; i != 0; i--) {
        q->u.ring[(q->head + i) & (q->room - 1)] =
            q->u.ring[(q->head + i - 1) & (q->room - 1)];
    }

    q->bytes -= (uint32_t) len;
    q->count--;

    if (q->room != 0) {
        q->head = (q->head + 1) & (q->room - 1);
    }

    ngx_http_push_form_unref(f);
    ngx_http_push_outq_shrink(q);

    return len;
}


ngx_uint_t
ngx_http_push_outq_trim(ngx_http_push_outq_t *q)
{
    ngx_uint_t  n;

    n = 0;

    while (ngx_http_push_outq_drop(q) != 0) {
        n++;
    }

    return n;
}


void
ngx_http_push_outq_clear(ngx_http_push_outq_t *q)
{
    while (q->count != 0) {
        ngx_http_push_outq_release(q);
    }

    q->bytes = 0;
}
