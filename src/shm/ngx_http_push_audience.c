/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the table of interest: a tree of channels, each with the worker
 * slots that have subscribers.  Owns all that is in the slab of the tables.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_audience.h"


#define NGX_HTTP_PUSH_AUDIENCE_BLOCK  64


static ngx_http_push_audience_channel_t *
    ngx_http_push_audience_create_channel_locked(
    ngx_http_push_segment_t *seg, ngx_str_t *name, uint32_t hash);
static void ngx_http_push_audience_destroy_channel_locked(
    ngx_http_push_segment_t *seg, ngx_http_push_audience_channel_t *ch);
static ngx_http_push_audience_t *ngx_http_push_audience_entry(
    ngx_http_push_audience_channel_t *ch, ngx_uint_t slot);
static ngx_http_push_audience_t *ngx_http_push_audience_add_entry_locked(
    ngx_http_push_segment_t *seg, ngx_http_push_audience_channel_t *ch);
static ngx_uint_t ngx_http_push_audience_trim_locked(
    ngx_http_push_segment_t *seg, ngx_http_push_audience_channel_t *ch);
static void ngx_http_push_audience_insert_value(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);
static ngx_int_t ngx_http_push_audience_compare(ngx_uint_t hash, size_t len,
    u_char *name, ngx_http_push_audience_channel_t *ch);


ngx_http_push_audience_channel_t *
ngx_http_push_audience_find_locked(ngx_http_push_segment_t *seg,
    ngx_str_t *name, uint32_t hash)
{
    ngx_int_t                          rc;
    ngx_rbtree_node_t                 *node, *sentinel;
    ngx_http_push_audience_channel_t  *ch;

    node = seg->sh->root;
    sentinel = &seg->sh->sentinel;

    while (node != sentinel) {
        ch = (ngx_http_push_audience_channel_t *) node;

        rc = ngx_http_push_audience_compare(hash, name->len, name->data, ch);

        if (rc == 0) {
            return ch;
        }

        node = (rc < 0) ? node->left : node->right;
    }

    return NULL;
}


ngx_http_push_audience_t *
ngx_http_push_audience_enter_locked(ngx_http_push_segment_t *seg,
    ngx_str_t *name, uint32_t hash, ngx_uint_t n, ngx_uint_t max,
    ngx_uint_t *full)
{
    ngx_http_push_audience_t          *e;
    ngx_http_push_audience_channel_t  *ch;

    *full = 0;

    ch = ngx_http_push_audience_find_locked(seg, name, hash);

    if (ch != NULL) {
        e = ngx_http_push_audience_entry(ch, seg->slot);

        if (e != NULL) {
            e->count = n;
            return e;
        }

        e = ngx_http_push_audience_add_entry_locked(seg, ch);

    } else {
        if (max != 0 && seg->sh->channels >= max) {
            *full = 1;
            return NULL;
        }

        ch = ngx_http_push_audience_create_channel_locked(seg, name, hash);
        e = (ch != NULL) ? &ch->first : NULL;
    }

    if (e == NULL) {
        return NULL;
    }

    e->count = n;
    e->slot = seg->slot;

    seg->box->interests++;

    return e;
}


ngx_uint_t
ngx_http_push_audience_remove_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_audience_channel_t *ch, ngx_uint_t slot)
{
    ngx_http_push_audience_t  *e;

    e = ngx_http_push_audience_entry(ch, slot);

    if (e == NULL) {
        return 0;
    }

    e->count = 0;
    e->slot = NGX_HTTP_PUSH_AUDIENCE_NONE;

    seg->sh->boxes[slot].interests--;

    if (ngx_http_push_audience_trim_locked(seg, ch) == 0
        && ch->first.slot == NGX_HTTP_PUSH_AUDIENCE_NONE)
    {
        ngx_http_push_audience_destroy_channel_locked(seg, ch);
    }

    return 1;
}


static ngx_http_push_audience_channel_t *
ngx_http_push_audience_create_channel_locked(ngx_http_push_segment_t *seg,
    ngx_str_t *name, uint32_t hash)
{
    ngx_rbtree_t                       tree;
    ngx_http_push_audience_channel_t  *ch;

    ch = ngx_slab_alloc_locked(seg->shpool,
                         offsetof(ngx_http_push_audience_channel_t, name)
                         + name->len);
    if (ch == NULL) {
        return NULL;
    }

    ch->node.key = hash;
    ch->node.data = (u_char) name->len;
    ch->more = NULL;
    ch->first.count = 0;
    ch->first.slot = NGX_HTTP_PUSH_AUDIENCE_NONE;
    ngx_memcpy(ch->name, name->data, name->len);

    /* nginx's tree holds a function's address, which is a process's own */

    tree.root = seg->sh->root;
    tree.sentinel = &seg->sh->sentinel;
    tree.insert = ngx_http_push_audience_insert_value;

    ngx_rbtree_insert(&tree, &ch->node);

    seg->sh->root = tree.root;
    seg->sh->channels++;

    return ch;
}


static void
ngx_http_push_audience_destroy_channel_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_audience_channel_t *ch)
{
    ngx_rbtree_t  tree;

    tree.root = seg->sh->root;
    tree.sentinel = &seg->sh->sentinel;
    tree.insert = ngx_http_push_audience_insert_value;

    ngx_rbtree_delete(&tree, &ch->node);

    seg->sh->root = tree.root;
    seg->sh->channels--;

    ngx_slab_free_locked(seg->shpool, ch);
}


static ngx_http_push_audience_t *
ngx_http_push_audience_entry(ngx_http_push_audience_channel_t *ch,
    ngx_uint_t slot)
{
    ngx_http_push_audience_t  *e;

    for (e = ngx_http_push_audience_next(ch, NULL);
         e != NULL;
         e = ngx_http_push_audience_next(ch, e))
    {
        if (e->slot == slot) {
            return e;
        }
    }

    return NULL;
}


/* an empty one */

static ngx_http_push_audience_t *
ngx_http_push_audience_add_entry_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_audience_channel_t *ch)
{
    ngx_uint_t                      i;
    ngx_http_push_audience_more_t  *more;

    if (ch->first.slot == NGX_HTTP_PUSH_AUDIENCE_NONE) {
        return &ch->first;
    }

    for (more = ch->more; more != NULL; more = more->next) {

        for (i = 0; i < NGX_HTTP_PUSH_AUDIENCE_MORE; i++) {
            if (more->entries[i].slot == NGX_HTTP_PUSH_AUDIENCE_NONE) {
                return &more->entries[i];
            }
        }
    }

    more = ngx_slab_alloc_locked(seg->shpool, NGX_HTTP_PUSH_AUDIENCE_BLOCK);
    if (more == NULL) {
        return NULL;
    }

    for (i = 0; i < NGX_HTTP_PUSH_AUDIENCE_MORE; i++) {
        more->entries[i].count = 0;
        more->entries[i].slot = NGX_HTTP_PUSH_AUDIENCE_NONE;
    }

    more->next = ch->more;
    ch->more = more;

    return &more->entries[0];
}


/* frees the blocks that are empty; returns how many are left */

static ngx_uint_t
ngx_http_push_audience_trim_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_audience_channel_t *ch)
{
    ngx_uint_t                       i, n;
    ngx_http_push_audience_more_t   *more, **prev;

    n = 0;

    for (prev = &ch->more; *prev != NULL; /* void */ ) {
        more = *prev;

        for (i = 0; i < NGX_HTTP_PUSH_AUDIENCE_MORE; i++) {
            if (more->entries[i].slot != NGX_HTTP_PUSH_AUDIENCE_NONE) {
                break;
            }
        }

        if (i < NGX_HTTP_PUSH_AUDIENCE_MORE) {
            prev = &more->next;
            n++;
            continue;
        }

        *prev = more->next;
        ngx_slab_free_locked(seg->shpool, more);
    }

    return n;
}


/* blocks are of a power of two in the slab: the address of an entry tells */

ngx_http_push_audience_t *
ngx_http_push_audience_next(ngx_http_push_audience_channel_t *ch,
    ngx_http_push_audience_t *e)
{
    ngx_http_push_audience_more_t  *more;

    if (e == NULL && ch->first.slot != NGX_HTTP_PUSH_AUDIENCE_NONE) {
        return &ch->first;
    }

    if (e == NULL || e == &ch->first) {
        more = ch->more;

        if (more == NULL) {
            return NULL;
        }

        e = more->entries;

    } else {
        more = (ngx_http_push_audience_more_t *)
                   ((uintptr_t) e
                    & ~((uintptr_t) NGX_HTTP_PUSH_AUDIENCE_BLOCK - 1));
        e++;
    }

    for ( ;; ) {

        for ( /* void */ ;
             e < more->entries + NGX_HTTP_PUSH_AUDIENCE_MORE;
             e++)
        {
            if (e->slot != NGX_HTTP_PUSH_AUDIENCE_NONE) {
                return e;
            }
        }

        more = more->next;

        if (more == NULL) {
            return NULL;
        }

        e = more->entries;
    }
}


ngx_uint_t
ngx_http_push_audience_alive(ngx_http_push_segment_t *seg,
    ngx_http_push_audience_t *e)
{
    return (seg->sh->boxes[e->slot].flags
            & (NGX_HTTP_PUSH_SEGMENT_ATTACHED|NGX_HTTP_PUSH_SEGMENT_DEAD))
           == NGX_HTTP_PUSH_SEGMENT_ATTACHED;
}


ngx_uint_t
ngx_http_push_audience_sum(ngx_http_push_segment_t *seg,
    ngx_http_push_audience_channel_t *ch, ngx_uint_t *workers)
{
    ngx_uint_t                 n, sum;
    ngx_http_push_audience_t  *e;

    n = 0;
    sum = 0;

    for (e = ngx_http_push_audience_next(ch, NULL);
         e != NULL;
         e = ngx_http_push_audience_next(ch, e))
    {
        if (ngx_http_push_audience_alive(seg, e)) {
            sum += e->count;
            n++;
        }
    }

    if (workers != NULL) {
        *workers = n;
    }

    return sum;
}


ngx_http_push_audience_channel_t *
ngx_http_push_audience_seek_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_audience_cursor_t *cursor)
{
    ngx_rbtree_node_t                 *node, *sentinel;
    ngx_http_push_audience_channel_t  *ch, *found;

    found = NULL;
    node = seg->sh->root;
    sentinel = &seg->sh->sentinel;

    while (node != sentinel) {
        ch = (ngx_http_push_audience_channel_t *) node;

        if (cursor->len == 0
            || ngx_http_push_audience_compare(cursor->hash, cursor->len,
                                              cursor->name, ch)
               < 0)
        {
            found = ch;
            node = node->left;

        } else {
            node = node->right;
        }
    }

    return found;
}


ngx_http_push_audience_channel_t *
ngx_http_push_audience_after_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_audience_channel_t *ch)
{
    ngx_rbtree_t  tree;

    tree.root = seg->sh->root;
    tree.sentinel = &seg->sh->sentinel;

    return (ngx_http_push_audience_channel_t *)
               ngx_rbtree_next(&tree, &ch->node);
}


void
ngx_http_push_audience_mark(ngx_http_push_audience_cursor_t *cursor,
    ngx_http_push_audience_channel_t *ch)
{
    cursor->hash = ch->node.key;
    cursor->len = ch->node.data;
    ngx_memcpy(cursor->name, ch->name, ch->node.data);
}


static void
ngx_http_push_audience_insert_value(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel)
{
    ngx_rbtree_node_t                 **p;
    ngx_http_push_audience_channel_t   *ch;

    ch = (ngx_http_push_audience_channel_t *) node;

    for ( ;; ) {

        p = (ngx_http_push_audience_compare(node->key, node->data, ch->name,
                                 (ngx_http_push_audience_channel_t *) temp)
             < 0)
            ? &temp->left : &temp->right;

        if (*p == sentinel) {
            break;
        }

        temp = *p;
    }

    *p = node;
    node->parent = temp;
    node->left = sentinel;
    node->right = sentinel;
    ngx_rbt_red(node);
}


/* the order of the table: hash, length, bytes */

static ngx_int_t
ngx_http_push_audience_compare(ngx_uint_t hash, size_t len, u_char *name,
    ngx_http_push_audience_channel_t *ch)
{
    if (hash != ch->node.key) {
        return (hash < ch->node.key) ? -1 : 1;
    }

    if (len != ch->node.data) {
        return (len < ch->node.data) ? -1 : 1;
    }

    return ngx_memcmp(name, ch->name, len);
}
