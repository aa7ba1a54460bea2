/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: messages under way on this machine: owns all that is in the arena
 * of the zone, and the mailboxes of the worker slots.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_audience.h"
#include "ngx_http_push_mailbox.h"
#include "ngx_http_push_segment.h"
#include "ngx_http_push_slots.h"


#define NGX_HTTP_PUSH_MAILBOX_STEP   256          /* references per locking */
#define NGX_HTTP_PUSH_MAILBOX_REFS   63           /* in a piece */
#define NGX_HTTP_PUSH_MAILBOX_LATE   1000         /* ms without a step */


/* a piece of a mailbox; 512 bytes */

struct ngx_http_push_segment_refs_s {
    ngx_http_push_segment_refs_t   *next;
    ngx_http_push_segment_msg_t    *refs[NGX_HTTP_PUSH_MAILBOX_REFS];
};


/* where the next byte of a message goes */

typedef struct {
    u_char                         *p;
    size_t                          room;
    ngx_http_push_mailbox_chunk_t  *next;
} ngx_http_push_mailbox_writer_t;


static void ngx_http_push_mailbox_write(ngx_http_push_mailbox_writer_t *w,
    ngx_str_t *src);
static void ngx_http_push_mailbox_append_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_segment_box_t *box, ngx_http_push_segment_msg_t *m);
static ngx_http_push_segment_msg_t *ngx_http_push_mailbox_shift_locked(
    ngx_http_push_segment_t *seg, ngx_http_push_segment_box_t *box);
static void ngx_http_push_mailbox_drop_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_segment_box_t *box);
static void ngx_http_push_mailbox_trim_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_segment_box_t *box);
static void ngx_http_push_mailbox_unref_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_segment_msg_t *m);
static void *ngx_http_push_mailbox_alloc_locked(ngx_http_push_segment_t *seg,
    size_t size, ngx_uint_t patient);
static ngx_int_t ngx_http_push_mailbox_evict_locked(
    ngx_http_push_segment_t *seg, ngx_uint_t patient);
static ngx_uint_t ngx_http_push_mailbox_late(ngx_http_push_segment_box_t *box);
static size_t ngx_http_push_mailbox_block(size_t size);


ngx_http_push_segment_msg_t *
ngx_http_push_mailbox_create_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_mailbox_letter_t *letter)
{
    size_t                           head, len, rest, size;
    ngx_http_push_segment_msg_t     *m;
    ngx_http_push_mailbox_chunk_t  **next;

    head = offsetof(ngx_http_push_segment_msg_t, data) + letter->channel.len;
    len = letter->reserve + letter->body.len;

    size = ngx_min(head + len, ngx_pagesize);

    m = ngx_http_push_mailbox_alloc_locked(seg, size, letter->patient);
    if (m == NULL) {
        return NULL;
    }

    m->more = NULL;
    m->refs = 1;
    m->hash = letter->hash;
    m->len = len;
    m->inlined = size - head;
    m->size = ngx_http_push_mailbox_block(size);
    m->name_len = letter->channel.len;
    m->skip = letter->reserve;

    seg->sh->messages++;

    next = &m->more;

    for (rest = len - m->inlined; rest != 0; /* void */ ) {

        size = ngx_min(rest + sizeof(ngx_http_push_mailbox_chunk_t),
                       ngx_pagesize);

        *next = ngx_http_push_mailbox_alloc_locked(seg, size,
                                                   letter->patient);
        if (*next == NULL) {
            seg->sh->message_bytes += m->size;
            ngx_http_push_mailbox_unref_locked(seg, m);
            return NULL;
        }

        (*next)->next = NULL;
        next = &(*next)->next;

        m->size += ngx_http_push_mailbox_block(size);
        rest -= size - sizeof(ngx_http_push_mailbox_chunk_t);
    }

    seg->sh->message_bytes += m->size;

    return m;
}


void
ngx_http_push_mailbox_fill(ngx_http_push_segment_msg_t *m,
    ngx_http_push_mailbox_letter_t *letter)
{
    ngx_http_push_mailbox_writer_t  w;

    w.p = ngx_cpymem(m->data, letter->channel.data, letter->channel.len);
    w.p += letter->reserve;
    w.room = m->inlined - letter->reserve;
    w.next = m->more;

    ngx_http_push_mailbox_write(&w, &letter->body);
}


/* until here skip is what was reserved: the header ends at the body */

void
ngx_http_push_mailbox_seal(ngx_http_push_segment_msg_t *m, ngx_str_t *header)
{
    m->skip -= header->len;
    m->len -= m->skip;
    m->inlined -= m->skip;

    ngx_memcpy(m->data + m->name_len + m->skip, header->data, header->len);
}


static void
ngx_http_push_mailbox_write(ngx_http_push_mailbox_writer_t *w, ngx_str_t *src)
{
    size_t   n, rest;
    u_char  *p;

    p = src->data;

    for (rest = src->len; rest != 0; rest -= n) {

        if (w->room == 0) {
            w->p = w->next->data;
            w->room = ngx_pagesize - sizeof(ngx_http_push_mailbox_chunk_t);
            w->next = w->next->next;
        }

        n = ngx_min(rest, w->room);

        w->p = ngx_cpymem(w->p, p, n);
        w->room -= n;
        p += n;
    }
}


/*
 * All mailboxes get it under one locking: that is the one order per channel
 * of all workers.  Returns how many slots are to be rung.
 */

ngx_uint_t
ngx_http_push_mailbox_link_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_audience_channel_t *ch, ngx_http_push_segment_msg_t *m,
    ngx_http_push_mailbox_letter_t *letter, uint16_t *rung)
{
    ngx_uint_t                    i, n, wanted;
    ngx_http_push_audience_t     *e;
    ngx_http_push_segment_sh_t   *sh;
    ngx_http_push_segment_box_t  *box;

    n = 0;
    sh = seg->sh;

    for (e = (ch != NULL) ? ngx_http_push_audience_next(ch, NULL) : NULL;
         e != NULL;
         e = ngx_http_push_audience_next(ch, e))
    {
        if (!ngx_http_push_audience_alive(seg, e)) {
            continue;
        }

        letter->subscribers += e->count;

        box = &sh->boxes[e->slot];

        if (box->flags & NGX_HTTP_PUSH_SEGMENT_EVERYTHING) {
            continue;
        }

        ngx_http_push_mailbox_append_locked(seg, box, m);
        rung[n++] = e->slot;
    }

    wanted = NGX_HTTP_PUSH_SEGMENT_ATTACHED|NGX_HTTP_PUSH_SEGMENT_EVERYTHING;

    for (i = 0; sh->everything != 0 && i < sh->high; i++) {
        box = &sh->boxes[i];

        if ((box->flags & (wanted|NGX_HTTP_PUSH_SEGMENT_DEAD)) == wanted) {
            ngx_http_push_mailbox_append_locked(seg, box, m);
            rung[n++] = i;
        }
    }

    ngx_http_push_mailbox_unref_locked(seg, m);

    letter->known = (n != 0);

    for (i = 0; i < n; i++) {

        if (rung[i] == seg->slot) {
            letter->self = 1;
            rung[i] = rung[--n];
            break;
        }
    }

    return n;
}


/*
 * m is not freed here: its maker holds it.  The room for the reference may
 * have been taken from this same mailbox.
 */

static void
ngx_http_push_mailbox_append_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_segment_box_t *box, ngx_http_push_segment_msg_t *m)
{
    ngx_http_push_segment_refs_t  *refs;

    if (box->n >= seg->mailbox_max) {
        ngx_http_push_mailbox_drop_locked(seg, box);
    }

    if (box->tail == NULL || box->last == NGX_HTTP_PUSH_MAILBOX_REFS) {

        refs = ngx_http_push_mailbox_alloc_locked(seg,
                                     sizeof(ngx_http_push_segment_refs_t), 0);

        if (refs == NULL) {
            ngx_http_push_mailbox_drop_locked(seg, box);
            box->lost++;
            return;
        }

        refs->next = NULL;

        if (box->tail == NULL) {
            box->head = refs;
            box->first = 0;

        } else {
            box->tail->next = refs;
        }

        box->tail = refs;
        box->last = 0;
    }

    /* of one that has not noticed yet that it lost something: still late */

    if (box->n == 0 && !(box->flags & NGX_HTTP_PUSH_SEGMENT_GAP)) {
        box->moved = (uint32_t) ngx_current_msec;
    }

    box->tail->refs[box->last++] = m;
    box->bytes += m->size;
    box->n++;

    m->refs++;
}


ngx_http_push_segment_msg_t *
ngx_http_push_mailbox_next_locked(ngx_http_push_segment_box_t *box,
    ngx_http_push_mailbox_cursor_t *cursor)
{
    if (cursor->n == box->n) {
        return NULL;
    }

    if (cursor->n++ == 0) {
        cursor->refs = box->head;
        cursor->i = box->first;
    }

    if (cursor->i == NGX_HTTP_PUSH_MAILBOX_REFS) {
        cursor->refs = cursor->refs->next;
        cursor->i = 0;
    }

    return cursor->refs->refs[cursor->i++];
}


void
ngx_http_push_mailbox_pop_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_segment_box_t *box, ngx_uint_t n)
{
    ngx_http_push_segment_msg_t  *m;

    box->moved = (uint32_t) ngx_current_msec;

    while (n-- != 0) {
        m = ngx_http_push_mailbox_shift_locked(seg, box);
        ngx_http_push_mailbox_unref_locked(seg, m);
    }
}


ngx_int_t
ngx_http_push_mailbox_clear_locked(ngx_http_push_segment_t *seg,
    ngx_uint_t slot)
{
    ngx_uint_t                    i;
    ngx_http_push_segment_sh_t   *sh;
    ngx_http_push_segment_box_t  *box;
    ngx_http_push_segment_msg_t  *m;

    sh = seg->sh;
    box = &sh->boxes[slot];

    for (i = 0; box->n != 0 && i < NGX_HTTP_PUSH_MAILBOX_STEP; i++) {
        m = ngx_http_push_mailbox_shift_locked(seg, box);
        ngx_http_push_mailbox_unref_locked(seg, m);
    }

    box->drops++;

    if (box->n != 0) {
        return NGX_AGAIN;
    }

    ngx_http_push_mailbox_trim_locked(seg, box);

    if (sh->making != NULL && sh->maker == slot) {
        ngx_http_push_mailbox_unref_locked(seg, sh->making);
        sh->making = NULL;
    }

    return NGX_OK;
}


/* takes the oldest reference out; it is the caller's */

static ngx_http_push_segment_msg_t *
ngx_http_push_mailbox_shift_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_segment_box_t *box)
{
    ngx_http_push_segment_msg_t   *m;
    ngx_http_push_segment_refs_t  *refs;

    refs = box->head;

    if (box->first == NGX_HTTP_PUSH_MAILBOX_REFS) {
        box->head = refs->next;
        box->first = 0;
        ngx_slab_free_locked(seg->sh->arena, refs);
        refs = box->head;
    }

    m = refs->refs[box->first++];

    box->bytes -= m->size;
    box->n--;

    if (box->n == 0) {

        /* the last piece stays for the next messages */

        box->first = 0;
        box->last = 0;
    }

    return m;
}


/* the worker has fallen behind: what waits for it is lost to it */

static void
ngx_http_push_mailbox_drop_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_segment_box_t *box)
{
    ngx_http_push_segment_msg_t  *m;

    box->lost += box->n;
    box->drops++;
    box->flags |= NGX_HTTP_PUSH_SEGMENT_GAP;

    while (box->n != 0) {
        m = ngx_http_push_mailbox_shift_locked(seg, box);
        ngx_http_push_mailbox_unref_locked(seg, m);
    }

    ngx_http_push_mailbox_trim_locked(seg, box);
}


/* of an empty mailbox */

static void
ngx_http_push_mailbox_trim_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_segment_box_t *box)
{
    if (box->head != NULL) {
        ngx_slab_free_locked(seg->sh->arena, box->head);
    }

    box->head = NULL;
    box->tail = NULL;
    box->first = 0;
    box->last = 0;
}


void
ngx_http_push_mailbox_discard_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_segment_msg_t *m)
{
    ngx_http_push_mailbox_unref_locked(seg, m);
}


static void
ngx_http_push_mailbox_unref_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_segment_msg_t *m)
{
    ngx_http_push_segment_sh_t     *sh;
    ngx_http_push_mailbox_chunk_t  *chunk, *next;

    if (--m->refs != 0) {
        return;
    }

    sh = seg->sh;

    sh->messages--;
    sh->message_bytes -= m->size;

    for (chunk = m->more; chunk != NULL; chunk = next) {
        next = chunk->next;
        ngx_slab_free_locked(sh->arena, chunk);
    }

    ngx_slab_free_locked(sh->arena, m);
}


/* takes the room from the mailboxes where there is none */

static void *
ngx_http_push_mailbox_alloc_locked(ngx_http_push_segment_t *seg, size_t size,
    ngx_uint_t patient)
{
    void  *p;

    do {
        p = ngx_slab_alloc_locked(seg->sh->arena, size);

    } while (p == NULL
             && ngx_http_push_mailbox_evict_locked(seg, patient) == NGX_OK);

    return p;
}


/*
 * Of those that are late who pins the most loses all: a worker that is stopped
 * or far behind, for whom the messages come too late anyway.  Who has taken
 * some a moment ago loses them only where nobody is late, and to nobody who
 * is patient: a burst is more than the arena holds, not more than they read.
 */

static ngx_int_t
ngx_http_push_mailbox_evict_locked(ngx_http_push_segment_t *seg,
    ngx_uint_t patient)
{
    ngx_uint_t                    i, late, most_late;
    ngx_http_push_segment_sh_t   *sh;
    ngx_http_push_segment_box_t  *box, *most, *idle;

    sh = seg->sh;
    most = NULL;
    idle = NULL;
    most_late = 0;

    for (i = 0; i < sh->high; i++) {
        box = &sh->boxes[i];

        if (box->n == 0) {
            idle = (box->head != NULL) ? box : idle;
            continue;
        }

        late = ngx_http_push_mailbox_late(box);

        if (most == NULL
            || late > most_late
            || (late == most_late && box->bytes > most->bytes))
        {
            most = box;
            most_late = late;
        }
    }

    if (most != NULL) {

        if (patient && !most_late) {
            return NGX_DECLINED;
        }

        ngx_http_push_mailbox_drop_locked(seg, most);
        return NGX_OK;
    }

    if (idle != NULL) {
        ngx_http_push_mailbox_trim_locked(seg, idle);
        return NGX_OK;
    }

    return NGX_DECLINED;
}


ngx_uint_t
ngx_http_push_mailbox_full_locked(ngx_http_push_segment_t *seg)
{
    ngx_uint_t                    i;
    ngx_http_push_segment_sh_t   *sh;
    ngx_http_push_segment_box_t  *box;

    sh = seg->sh;

    for (i = 0; i < sh->high; i++) {
        box = &sh->boxes[i];

        if (box->n < seg->mailbox_max
            && (box->n == 0 || sh->arena->pfree != 0))
        {
            continue;
        }

        if (!ngx_http_push_mailbox_late(box)) {
            return 1;
        }
    }

    return 0;
}


/* each worker has a time of its own, from the beginning of its turn */

static ngx_uint_t
ngx_http_push_mailbox_late(ngx_http_push_segment_box_t *box)
{
    int32_t  ms;

    ms = (int32_t) ((uint32_t) ngx_current_msec - box->moved);

    return (box->flags & NGX_HTTP_PUSH_SEGMENT_GAP)
           || ms > NGX_HTTP_PUSH_MAILBOX_LATE;
}


/* what the slab takes for it */

static size_t
ngx_http_push_mailbox_block(size_t size)
{
    size_t  block;

    if (size > ngx_pagesize / 2) {
        return ngx_pagesize;
    }

    for (block = 64; block < size; block <<= 1) { /* void */ }

    return block;
}
