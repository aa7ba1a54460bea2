/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: reads the mailbox of this worker: owns what was taken out of it and
 * not been given on.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_inbox.h"
#include "ngx_http_push_mailbox.h"
#include "ngx_http_push_msg.h"
#include "ngx_http_push_segment.h"


#define NGX_HTTP_PUSH_INBOX_ITEMS   64      /* messages in a batch */
#define NGX_HTTP_PUSH_INBOX_PIECES  128     /* and pieces of memory */
#define NGX_HTTP_PUSH_INBOX_BYTES   (256 * 1024)
#define NGX_HTTP_PUSH_INBOX_NAME    256


/*
 * A message of the batch, still in the mailbox.  It is copied without the
 * lock: the name, and the len bytes of its wire, which lie in npieces pieces,
 * one item's after the other's.  Another process may take the memory away
 * meanwhile: the copies may only be looked at when pop() has found them true.
 */

typedef struct {
    u_char                        *name;
    ngx_uint_t                     name_len;
    uint32_t                       hash;
    uint32_t                       len;
    ngx_uint_t                     npieces;
} ngx_http_push_inbox_entry_t;


typedef struct {
    u_char                        *data;
    size_t                         len;
} ngx_http_push_inbox_piece_t;


struct ngx_http_push_inbox_s {
    ngx_http_push_segment_t       *seg;
    ngx_log_t                     *log;

    ngx_uint_t                     nentries;
    ngx_uint_t                     npieces;
    ngx_http_push_inbox_entry_t    entries[NGX_HTTP_PUSH_INBOX_ITEMS];
    ngx_http_push_inbox_piece_t    pieces[NGX_HTTP_PUSH_INBOX_PIECES];

    uint64_t                       lost;      /* messages before these */
    ngx_uint_t                     gap;       /* something before is missing */

    /*
     * A message with more pieces is an entry of its own, the only one of its
     * batch: partial is set, and peek() gives the next pieces of it.
     */
    ngx_uint_t                     partial;
    ngx_http_push_mailbox_chunk_t *resume;
    size_t                         rest;
    ngx_atomic_uint_t              incarnation;
    uint32_t                       drops;

    /* the copies, and which is taken next */
    ngx_uint_t                     next;
    ngx_uint_t                     n;
    ngx_http_push_msg_t           *msgs[NGX_HTTP_PUSH_INBOX_ITEMS];
    u_char                         names[NGX_HTTP_PUSH_INBOX_ITEMS]
                                        [NGX_HTTP_PUSH_INBOX_NAME];
};


static ngx_int_t ngx_http_push_inbox_peek(ngx_http_push_inbox_t *in);
static void ngx_http_push_inbox_gather_locked(ngx_http_push_inbox_t *in);
static ngx_uint_t ngx_http_push_inbox_add_entry(ngx_http_push_inbox_t *in,
    ngx_http_push_segment_msg_t *m);
static void ngx_http_push_inbox_add_pieces(ngx_http_push_inbox_t *in);
static ngx_int_t ngx_http_push_inbox_pop(ngx_http_push_inbox_t *in);
static ngx_int_t ngx_http_push_inbox_copy(ngx_http_push_inbox_t *in);
static size_t ngx_http_push_inbox_copy_entry(ngx_http_push_msg_t *m,
    ngx_http_push_inbox_piece_t *piece, ngx_uint_t n, size_t at);
static void ngx_http_push_inbox_parse(ngx_http_push_inbox_t *in);
static void ngx_http_push_inbox_forget(ngx_http_push_inbox_t *in);


ngx_http_push_inbox_t *
ngx_http_push_inbox_create(ngx_http_push_segment_t *seg, ngx_log_t *log)
{
    ngx_http_push_inbox_t  *in;

    in = ngx_calloc(sizeof(ngx_http_push_inbox_t), log);
    if (in == NULL) {
        return NULL;
    }

    in->seg = seg;
    in->log = log;

    return in;
}


void
ngx_http_push_inbox_destroy(ngx_http_push_inbox_t *in)
{
    ngx_http_push_inbox_forget(in);

    ngx_free(in);
}


/*
 * Messages are copied without the lock, and believed only when the mailbox
 * takes them back.  Its references are given up no sooner: if this process is
 * killed before, the sweep finds them where they were.
 */

ngx_int_t
ngx_http_push_inbox_fetch(ngx_http_push_inbox_t *in, ngx_uint_t *gap,
    uint64_t *lost)
{
    ngx_int_t  rc;

    in->next = 0;
    in->n = 0;
    in->partial = 0;

    rc = ngx_http_push_inbox_peek(in);

    *gap = in->gap;
    *lost = in->lost;

    if (rc != NGX_OK) {
        return NGX_DECLINED;
    }

    if (ngx_http_push_inbox_copy(in) != NGX_OK
        || ngx_http_push_inbox_pop(in) != NGX_OK)
    {
        ngx_http_push_inbox_forget(in);
        return NGX_AGAIN;
    }

    ngx_http_push_inbox_parse(in);

    return NGX_OK;
}


ngx_int_t
ngx_http_push_inbox_take(ngx_http_push_inbox_t *in,
    ngx_http_push_inbox_item_t *item)
{
    ngx_uint_t  i;

    if (in->next == in->n) {
        return NGX_DECLINED;
    }

    i = in->next++;

    item->channel.data = in->names[i];
    item->channel.len = in->entries[i].name_len;
    item->hash = in->entries[i].hash;
    item->m = in->msgs[i];

    return NGX_OK;
}


ngx_uint_t
ngx_http_push_inbox_empty(ngx_http_push_inbox_t *in)
{
    return in->next == in->n;
}


/* what comes after this look at box->n rings */

ngx_uint_t
ngx_http_push_inbox_pending(ngx_http_push_inbox_t *in)
{
    ngx_http_push_segment_box_t  *box;

    box = in->seg->box;

    return in->next < in->n
           || box->n != 0
           || (box->flags & NGX_HTTP_PUSH_SEGMENT_GAP);
}


static ngx_int_t
ngx_http_push_inbox_peek(ngx_http_push_inbox_t *in)
{
    ngx_int_t                     rc;
    ngx_http_push_segment_t      *seg;
    ngx_http_push_segment_sh_t   *sh;
    ngx_http_push_segment_box_t  *box;

    seg = in->seg;
    sh = seg->sh;
    box = seg->box;
    rc = NGX_OK;

    in->lost = 0;
    in->gap = 0;
    in->npieces = 0;

    /* all that is written is our own box's, and gone with us */

    ngx_http_push_segment_lock_read(seg);

    if (!in->partial) {
        in->lost = box->lost;
        in->gap = (box->flags & NGX_HTTP_PUSH_SEGMENT_GAP) ? 1 : 0;

        box->lost = 0;
        box->flags &= ~NGX_HTTP_PUSH_SEGMENT_GAP;

        in->incarnation = sh->incarnation;
        in->drops = box->drops;
        in->nentries = 0;

        ngx_http_push_inbox_gather_locked(in);

        if (in->nentries == 0) {
            rc = NGX_DECLINED;
        }

    } else if (in->incarnation == sh->incarnation && in->drops == box->drops) {
        ngx_http_push_inbox_add_pieces(in);

    } else {
        rc = NGX_DECLINED;
    }

    ngx_http_push_segment_unlock(seg);

    return rc;
}


static void
ngx_http_push_inbox_gather_locked(ngx_http_push_inbox_t *in)
{
    size_t                          bytes;
    ngx_uint_t                      i;
    ngx_http_push_segment_msg_t    *m;
    ngx_http_push_mailbox_cursor_t  cursor;

    ngx_memzero(&cursor, sizeof(ngx_http_push_mailbox_cursor_t));

    bytes = 0;

    for (i = 0; i < NGX_HTTP_PUSH_INBOX_ITEMS; i++) {

        m = ngx_http_push_mailbox_next_locked(in->seg->box, &cursor);

        if (m == NULL) {
            return;
        }

        bytes += m->len;

        if ((i != 0 && bytes > NGX_HTTP_PUSH_INBOX_BYTES)
            || !ngx_http_push_inbox_add_entry(in, m))
        {
            return;
        }
    }
}


/* 0: no room for its pieces, it is for another batch */

static ngx_uint_t
ngx_http_push_inbox_add_entry(ngx_http_push_inbox_t *in,
    ngx_http_push_segment_msg_t *m)
{
    size_t                        chunk;
    ngx_uint_t                    n;
    ngx_http_push_inbox_entry_t  *e;

    chunk = ngx_pagesize - sizeof(ngx_http_push_mailbox_chunk_t);

    n = 1 + (m->len - m->inlined + chunk - 1) / chunk;

    if (in->nentries != 0 && n > NGX_HTTP_PUSH_INBOX_PIECES - in->npieces) {
        return 0;
    }

    e = &in->entries[in->nentries++];

    e->name = m->data;
    e->name_len = m->name_len;
    e->hash = m->hash;
    e->len = m->len;
    e->npieces = n;

    in->pieces[in->npieces].data = m->data + m->name_len + m->skip;
    in->pieces[in->npieces++].len = m->inlined;

    in->resume = m->more;
    in->rest = m->len - m->inlined;

    ngx_http_push_inbox_add_pieces(in);

    return !in->partial;
}


static void
ngx_http_push_inbox_add_pieces(ngx_http_push_inbox_t *in)
{
    size_t                          len;
    ngx_http_push_mailbox_chunk_t  *chunk;

    while (in->rest != 0 && in->npieces < NGX_HTTP_PUSH_INBOX_PIECES) {

        chunk = in->resume;
        len = ngx_min(in->rest,
                      ngx_pagesize - sizeof(ngx_http_push_mailbox_chunk_t));

        in->pieces[in->npieces].data = chunk->data;
        in->pieces[in->npieces++].len = len;

        in->rest -= len;
        in->resume = chunk->next;
    }

    in->partial = (in->rest != 0);
}


static ngx_int_t
ngx_http_push_inbox_pop(ngx_http_push_inbox_t *in)
{
    ngx_int_t                     rc;
    ngx_http_push_segment_t      *seg;
    ngx_http_push_segment_box_t  *box;

    seg = in->seg;
    box = seg->box;
    rc = NGX_DECLINED;

    ngx_http_push_segment_lock(seg);

    if (in->incarnation == seg->sh->incarnation && in->drops == box->drops) {
        ngx_http_push_mailbox_pop_locked(seg, box, in->nentries);
        rc = NGX_OK;
    }

    ngx_http_push_segment_unlock(seg);

    return rc;
}


static ngx_int_t
ngx_http_push_inbox_copy(ngx_http_push_inbox_t *in)
{
    size_t                        at;
    ngx_uint_t                    i, piece;
    ngx_http_push_inbox_entry_t  *e;

    piece = 0;
    at = 0;

    for (i = 0; i < in->nentries; i++) {
        e = &in->entries[i];

        ngx_memcpy(in->names[i], e->name, e->name_len);

        /* without memory its channel is told that it is missing */

        in->msgs[i] = ngx_http_push_msg_create(e->len, in->log);
        in->n++;

        at = ngx_http_push_inbox_copy_entry(in->msgs[i], &in->pieces[piece],
                                      in->partial ? in->npieces : e->npieces,
                                      0);
        piece += e->npieces;
    }

    while (in->partial) {

        if (ngx_http_push_inbox_peek(in) != NGX_OK) {
            return NGX_DECLINED;
        }

        at = ngx_http_push_inbox_copy_entry(in->msgs[0], in->pieces,
                                            in->npieces, at);
    }

    return NGX_OK;
}


/* n pieces to their place behind the first bytes, of which there are at */

static size_t
ngx_http_push_inbox_copy_entry(ngx_http_push_msg_t *m,
    ngx_http_push_inbox_piece_t *piece, ngx_uint_t n, size_t at)
{
    ngx_uint_t  i;

    if (m == NULL) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        ngx_memcpy(m->wire + at, piece[i].data, piece[i].len);
        at += piece[i].len;
    }

    return at;
}


static void
ngx_http_push_inbox_parse(ngx_http_push_inbox_t *in)
{
    ngx_int_t             rc;
    ngx_uint_t            i;
    ngx_http_push_msg_t  *m;

    for (i = 0; i < in->n; i++) {
        m = in->msgs[i];

        if (m == NULL) {
            continue;
        }

        rc = ngx_http_push_msg_parse(m, in->log);

        if (rc == NGX_OK) {
            continue;
        }

        if (rc == NGX_DECLINED) {
            ngx_log_error(NGX_LOG_ALERT, in->log, 0,
                          "push zone: malformed message in the mailbox");
        }

        ngx_http_push_msg_unref(m);
        in->msgs[i] = NULL;
    }
}


/* what is copied and not delivered */

static void
ngx_http_push_inbox_forget(ngx_http_push_inbox_t *in)
{
    for ( /* void */ ; in->next < in->n; in->next++) {
        if (in->msgs[in->next] != NULL) {
            ngx_http_push_msg_unref(in->msgs[in->next]);
        }
    }

    in->next = 0;
    in->n = 0;
}
