/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the channels of the zone that have a history: owns them, says what
 * of them goes when, and makes room.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_audience.h"
#include "ngx_http_push_history.h"
#include "ngx_http_push_policy.h"
#include "ngx_http_push_repeat.h"
#include "ngx_http_push_segment.h"
#include "ngx_http_push_store.h"


#define NGX_HTTP_PUSH_HISTORY_EVICTIONS  64    /* per locking */
#define NGX_HTTP_PUSH_HISTORY_LOOKS      16    /* at who has subscribers */
#define NGX_HTTP_PUSH_HISTORY_STEP       1024  /* messages per locking */
#define NGX_HTTP_PUSH_HISTORY_TIDY       1000  /* ms */
#define NGX_HTTP_PUSH_HISTORY_TURNS      64    /* lockings when tidying */

/* epochs of a zone differ in more than their last digits */
#define NGX_HTTP_PUSH_HISTORY_BIRTH      0x9e3779b97f4a7c15ULL


static ngx_http_push_history_channel_t *ngx_http_push_history_create_locked(
    ngx_http_push_segment_t *seg, ngx_str_t *name, uint32_t hash);
static void ngx_http_push_history_destroy_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_history_channel_t *ch);
static ngx_int_t ngx_http_push_history_make_room_locked(
    ngx_http_push_segment_t *seg, ngx_http_push_history_item_t *item,
    size_t len, ngx_http_push_history_channel_t **ch);
static ngx_uint_t ngx_http_push_history_expire_locked(
    ngx_http_push_segment_t *seg, ngx_http_push_history_channel_t *ch);
static ngx_uint_t ngx_http_push_history_past(ngx_msec_t time);
static void ngx_http_push_history_settle_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_history_channel_t *ch);
static ngx_uint_t ngx_http_push_history_heard_locked(
    ngx_http_push_segment_t *seg, ngx_http_push_history_channel_t *ch);
static ngx_int_t ngx_http_push_history_evict_due_locked(
    ngx_http_push_segment_t *seg);
static ngx_int_t ngx_http_push_history_evict_silent_locked(
    ngx_http_push_segment_t *seg);
static ngx_int_t ngx_http_push_history_evict_large_locked(
    ngx_http_push_segment_t *seg);
static void ngx_http_push_history_drop_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_history_channel_t *ch);
static void ngx_http_push_history_schedule_locked(
    ngx_http_push_segment_t *seg, ngx_http_push_history_channel_t *ch);
static void ngx_http_push_history_unschedule_locked(
    ngx_http_push_segment_t *seg, ngx_http_push_history_channel_t *ch);
static void ngx_http_push_history_weigh_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_history_channel_t *ch, size_t before);
static ngx_uint_t ngx_http_push_history_class(size_t bytes);
static ngx_uint_t ngx_http_push_history_tidy_locked(
    ngx_http_push_segment_t *seg);
static void ngx_http_push_history_insert_value(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);
static ngx_int_t ngx_http_push_history_compare(ngx_uint_t hash, size_t len,
    u_char *name, ngx_http_push_history_channel_t *ch);


ngx_http_push_history_channel_t *
ngx_http_push_history_find_locked(ngx_http_push_segment_t *seg,
    ngx_str_t *name, uint32_t hash)
{
    ngx_http_push_history_channel_t  *ch;

    ch = ngx_http_push_history_get_locked(seg, name, hash);

    if (ch != NULL) {
        (void) ngx_http_push_history_expire_locked(seg, ch);
    }

    return ch;
}


ngx_http_push_history_channel_t *
ngx_http_push_history_get_locked(ngx_http_push_segment_t *seg,
    ngx_str_t *name, uint32_t hash)
{
    ngx_int_t                         rc;
    ngx_rbtree_node_t                *node;
    ngx_http_push_history_channel_t  *ch;

    node = seg->sh->history.root;

    while (node != &seg->sh->sentinel) {
        ch = (ngx_http_push_history_channel_t *) node;

        rc = ngx_http_push_history_compare(hash, name->len, name->data, ch);

        if (rc == 0) {
            return ch;
        }

        node = (rc < 0) ? node->left : node->right;
    }

    return NULL;
}


ngx_int_t
ngx_http_push_history_open_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_history_item_t *item, size_t len,
    ngx_http_push_store_block_t **block, ngx_http_push_history_channel_t **ch)
{
    size_t                        bytes;
    ngx_int_t                     rc;
    ngx_http_push_store_block_t  *made;

    rc = ngx_http_push_history_make_room_locked(seg, item,
                                                (*block == NULL) ? len : 0,
                                                ch);
    if (rc != NGX_OK) {
        return rc;
    }

    made = NULL;

    if (*block == NULL
        && (*ch == NULL || !ngx_http_push_store_fits(&(*ch)->store, len)))
    {
        bytes = (*ch != NULL) ? (*ch)->store.bytes : 0;

        made = ngx_http_push_store_create_locked(seg, bytes, len);

        if (made == NULL) {
            return NGX_DECLINED;
        }
    }

    if (*ch == NULL) {
        *ch = ngx_http_push_history_create_locked(seg, &item->channel,
                                                  item->hash);
    }

    if (*ch == NULL) {

        if (made != NULL) {
            ngx_http_push_store_destroy_locked(seg, made);
        }

        return NGX_DECLINED;
    }

    if (made != NULL) {
        *block = made;
    }

    return NGX_OK;
}


/*
 * For the channel, where there is none, and for len bytes, 0: none.  What goes
 * may be the channel itself: it is looked for after each step.
 */

static ngx_int_t
ngx_http_push_history_make_room_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_history_item_t *item, size_t len,
    ngx_http_push_history_channel_t **ch)
{
    size_t      size;
    ngx_uint_t  i;

    for (i = 0; i <= NGX_HTTP_PUSH_HISTORY_EVICTIONS; i++) {

        size = 0;

        *ch = ngx_http_push_history_find_locked(seg, &item->channel,
                                                item->hash);
        if (*ch == NULL) {
            size = offsetof(ngx_http_push_history_channel_t, name)
                   + item->channel.len;

        } else if (len == 0 || ngx_http_push_store_fits(&(*ch)->store, len)) {
            return NGX_OK;
        }

        if (ngx_http_push_store_room_locked(seg, len, size)) {
            return NGX_OK;
        }

        /* nothing goes in vain, for what would not fit without it either */

        if (i == 0 && !ngx_http_push_store_hopes_locked(seg, len)) {
            return NGX_DECLINED;
        }

        if (ngx_http_push_history_evict_locked(seg) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    return NGX_AGAIN;
}


static ngx_http_push_history_channel_t *
ngx_http_push_history_create_locked(ngx_http_push_segment_t *seg,
    ngx_str_t *name, uint32_t hash)
{
    ngx_rbtree_t                      tree;
    ngx_http_push_layout_history_t   *hs;
    ngx_http_push_history_channel_t  *ch;

    hs = &seg->sh->history;

    ch = ngx_http_push_store_alloc_locked(seg,
                             offsetof(ngx_http_push_history_channel_t, name)
                             + name->len);
    if (ch == NULL) {
        return NULL;
    }

    ch->node.key = hash;
    ch->node.data = (u_char) name->len;
    ch->due.data = 0;
    ch->epoch = seg->sh->id + ++hs->births * NGX_HTTP_PUSH_HISTORY_BIRTH;
    ch->keep = 2 * NGX_HTTP_PUSH_POLICY_TTL;
    ch->gone = ngx_current_msec + ch->keep;
    ngx_memcpy(ch->name, name->data, name->len);

    ngx_http_push_store_init(&ch->store);

    tree.root = hs->root;
    tree.sentinel = &seg->sh->sentinel;
    tree.insert = ngx_http_push_history_insert_value;

    ngx_rbtree_insert(&tree, &ch->node);

    hs->root = tree.root;
    hs->channels++;

    ngx_queue_insert_tail(&hs->ages, &ch->age);
    ngx_queue_insert_tail(&hs->sizes[0], &ch->size);

    ngx_http_push_history_schedule_locked(seg, ch);

    return ch;
}


static void
ngx_http_push_history_destroy_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_history_channel_t *ch)
{
    ngx_rbtree_t                     tree;
    ngx_http_push_layout_history_t  *hs;

    hs = &seg->sh->history;

    while (!ngx_queue_empty(&ch->store.blocks)) {
        (void) ngx_http_push_store_drop_locked(seg, &ch->store);
    }

    ngx_http_push_history_unschedule_locked(seg, ch);

    ngx_queue_remove(&ch->age);
    ngx_queue_remove(&ch->size);

    tree.root = hs->root;
    tree.sentinel = &seg->sh->sentinel;
    tree.insert = ngx_http_push_history_insert_value;

    ngx_rbtree_delete(&tree, &ch->node);

    hs->root = tree.root;
    hs->channels--;

    ngx_slab_free_locked(seg->shpool, ch);
}


void
ngx_http_push_history_append_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_history_channel_t *ch, ngx_http_push_history_item_t *item,
    ngx_http_push_store_block_t *block, ngx_str_t *header, ngx_str_t *body)
{
    size_t                  before;
    ngx_uint_t              i;
    ngx_http_push_store_t  *st;

    st = &ch->store;

    before = st->bytes;

    ngx_http_push_store_append_locked(seg, st, block, header, body,
                                      item->expires);

    /* a policy that has become smaller is not made up for at once */

    for (i = 0; i < NGX_HTTP_PUSH_HISTORY_STEP; i++) {

        if (st->top - st->first < item->count) {
            break;
        }

        ngx_http_push_store_shift_locked(seg, st);
    }

    ch->keep = 2 * (item->ttl ? item->ttl : NGX_HTTP_PUSH_POLICY_TTL);
    ch->gone = ngx_current_msec + ch->keep;

    ngx_queue_remove(&ch->age);
    ngx_queue_insert_tail(&seg->sh->history.ages, &ch->age);

    ngx_http_push_history_weigh_locked(seg, ch, before);
    ngx_http_push_history_schedule_locked(seg, ch);
}


ngx_uint_t
ngx_http_push_history_forget_locked(ngx_http_push_segment_t *seg,
    ngx_str_t *name, uint32_t hash)
{
    ngx_http_push_history_channel_t  *ch;

    ch = ngx_http_push_history_get_locked(seg, name, hash);

    if (ch == NULL) {
        return 0;
    }

    ngx_http_push_history_destroy_locked(seg, ch);

    return 1;
}


/* returns how many */

static ngx_uint_t
ngx_http_push_history_expire_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_history_channel_t *ch)
{
    size_t                        before;
    ngx_uint_t                    n;
    ngx_http_push_store_entry_t  *entry;

    before = ch->store.bytes;

    for (n = 0; n < NGX_HTTP_PUSH_HISTORY_STEP; n++) {

        entry = ngx_http_push_store_head(&ch->store);

        if (entry == NULL
            || entry->expires == 0
            || !ngx_http_push_history_past(entry->expires))
        {
            break;
        }

        ngx_http_push_store_shift_locked(seg, &ch->store);
    }

    if (n != 0) {
        ngx_http_push_history_weigh_locked(seg, ch, before);
        ngx_http_push_history_schedule_locked(seg, ch);
    }

    return n;
}


static ngx_uint_t
ngx_http_push_history_past(ngx_msec_t time)
{
    return (ngx_msec_int_t) (time - ngx_current_msec) <= 0;
}


/* its time in the tree of those that are due has come */

static void
ngx_http_push_history_settle_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_history_channel_t *ch)
{
    (void) ngx_http_push_history_expire_locked(seg, ch);

    if (ch->store.bytes == 0 && ngx_http_push_history_past(ch->gone)) {

        /* a worker that is woken for everything has some without an entry */

        if (seg->sh->everything == 0
            && !ngx_http_push_history_heard_locked(seg, ch))
        {
            ngx_http_push_history_destroy_locked(seg, ch);
            return;
        }

        ch->gone = ngx_current_msec + ch->keep;
    }

    ngx_http_push_history_unschedule_locked(seg, ch);
    ngx_http_push_history_schedule_locked(seg, ch);
}


/* 1: it has subscribers */

static ngx_uint_t
ngx_http_push_history_heard_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_history_channel_t *ch)
{
    ngx_str_t  name;

    name.data = ch->name;
    name.len = ch->node.data;

    return ngx_http_push_audience_find_locked(seg, &name, ch->node.key)
           != NULL;
}


ngx_int_t
ngx_http_push_history_evict_locked(ngx_http_push_segment_t *seg)
{
    if (ngx_http_push_repeat_evict_locked(seg, 0) == NGX_OK
        || ngx_http_push_history_evict_due_locked(seg) == NGX_OK
        || ngx_http_push_history_evict_silent_locked(seg) == NGX_OK
        || ngx_http_push_history_evict_large_locked(seg) == NGX_OK)
    {
        return NGX_OK;
    }

    return ngx_http_push_repeat_evict_locked(seg, 1);
}


static ngx_int_t
ngx_http_push_history_evict_due_locked(ngx_http_push_segment_t *seg)
{
    ngx_rbtree_node_t                *node;
    ngx_http_push_layout_history_t   *hs;
    ngx_http_push_history_channel_t  *ch;

    hs = &seg->sh->history;

    if (hs->due == &seg->sh->sentinel) {
        return NGX_DECLINED;
    }

    node = ngx_rbtree_min(hs->due, &seg->sh->sentinel);

    if (!ngx_http_push_history_past(node->key)) {
        return NGX_DECLINED;
    }

    ch = ngx_queue_data(node, ngx_http_push_history_channel_t, due);

    ngx_http_push_history_settle_locked(seg, ch);

    return NGX_OK;
}


/*
 * The channel that was published to the longest ago and that nobody listens
 * to.  One with subscribers that stands in the way goes to the end, and so
 * does one without messages, once: where it stands is small, and who comes
 * back to it with a cursor finds no gap.
 */

static ngx_int_t
ngx_http_push_history_evict_silent_locked(ngx_http_push_segment_t *seg)
{
    ngx_uint_t                        i;
    ngx_queue_t                      *q;
    ngx_http_push_layout_history_t   *hs;
    ngx_http_push_history_channel_t  *ch;

    hs = &seg->sh->history;

    for (i = 0; i < NGX_HTTP_PUSH_HISTORY_LOOKS; i++) {

        if (ngx_queue_empty(&hs->ages)) {
            return NGX_DECLINED;
        }

        q = ngx_queue_head(&hs->ages);
        ch = ngx_queue_data(q, ngx_http_push_history_channel_t, age);

        if (ngx_http_push_history_heard_locked(seg, ch)) {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(&hs->ages, q);
            continue;
        }

        if (ch->store.bytes == 0) {
            ngx_http_push_history_destroy_locked(seg, ch);
            return NGX_OK;
        }

        ngx_http_push_history_drop_locked(seg, ch);

        if (ch->store.bytes == 0) {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(&hs->ages, q);
        }

        return NGX_OK;
    }

    return NGX_DECLINED;
}


/* one of the largest: none is more than twice as large */

static ngx_int_t
ngx_http_push_history_evict_large_locked(ngx_http_push_segment_t *seg)
{
    ngx_uint_t                        i;
    ngx_queue_t                      *q;
    ngx_http_push_layout_history_t   *hs;
    ngx_http_push_history_channel_t  *ch;

    hs = &seg->sh->history;

    /* in the first are those without messages */

    for (i = NGX_HTTP_PUSH_LAYOUT_SIZES - 1; i != 0; i--) {

        if (ngx_queue_empty(&hs->sizes[i])) {
            continue;
        }

        q = ngx_queue_head(&hs->sizes[i]);
        ch = ngx_queue_data(q, ngx_http_push_history_channel_t, size);

        ngx_http_push_history_drop_locked(seg, ch);

        return NGX_OK;
    }

    return NGX_DECLINED;
}


static void
ngx_http_push_history_drop_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_history_channel_t *ch)
{
    size_t  before;

    before = ch->store.bytes;

    seg->sh->history.evicted += ngx_http_push_store_drop_locked(seg,
                                                                &ch->store);

    ngx_http_push_history_weigh_locked(seg, ch, before);
    ngx_http_push_history_schedule_locked(seg, ch);
}


/*
 * A time that is too early does no harm, so that it is not moved with each
 * message that goes.
 */

static void
ngx_http_push_history_schedule_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_history_channel_t *ch)
{
    ngx_msec_t                       due;
    ngx_rbtree_t                     tree;
    ngx_http_push_store_entry_t     *entry;
    ngx_http_push_layout_history_t  *hs;

    entry = ngx_http_push_store_head(&ch->store);

    due = (entry != NULL) ? entry->expires : ch->gone;

    if (due == 0
        || (ch->due.data
            && (ngx_msec_int_t) (ch->due.key - due) <= 0))
    {
        return;
    }

    ngx_http_push_history_unschedule_locked(seg, ch);

    hs = &seg->sh->history;

    tree.root = hs->due;
    tree.sentinel = &seg->sh->sentinel;
    tree.insert = ngx_rbtree_insert_timer_value;

    ch->due.key = due;
    ch->due.data = 1;

    ngx_rbtree_insert(&tree, &ch->due);

    hs->due = tree.root;
}


static void
ngx_http_push_history_unschedule_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_history_channel_t *ch)
{
    ngx_rbtree_t                     tree;
    ngx_http_push_layout_history_t  *hs;

    if (!ch->due.data) {
        return;
    }

    hs = &seg->sh->history;

    tree.root = hs->due;
    tree.sentinel = &seg->sh->sentinel;
    tree.insert = ngx_rbtree_insert_timer_value;

    ngx_rbtree_delete(&tree, &ch->due);

    hs->due = tree.root;
    ch->due.data = 0;
}


static void
ngx_http_push_history_weigh_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_history_channel_t *ch, size_t before)
{
    ngx_uint_t  n;

    n = ngx_http_push_history_class(ch->store.bytes);

    if (n == ngx_http_push_history_class(before)) {
        return;
    }

    ngx_queue_remove(&ch->size);
    ngx_queue_insert_tail(&seg->sh->history.sizes[n], &ch->size);
}


static ngx_uint_t
ngx_http_push_history_class(size_t bytes)
{
    ngx_uint_t  n;

    for (n = 0; bytes != 0; n++) {
        bytes >>= 1;
    }

    return ngx_min(n, NGX_HTTP_PUSH_LAYOUT_SIZES - 1);
}


void
ngx_http_push_history_clear_locked(ngx_http_push_segment_t *seg,
    ngx_uint_t slot)
{
    ngx_http_push_layout_history_t  *hs;

    hs = &seg->sh->history;

    if (hs->draft != NULL && hs->drafter == slot) {
        ngx_http_push_store_destroy_locked(seg, hs->draft);
        hs->draft = NULL;
    }
}


void
ngx_http_push_history_tidy(ngx_http_push_segment_t *seg)
{
    ngx_uint_t                       i, more;
    ngx_http_push_layout_history_t  *hs;

    hs = &seg->sh->history;

    if (ngx_current_msec - hs->tidied < NGX_HTTP_PUSH_HISTORY_TIDY) {
        return;
    }

    hs->tidied = ngx_current_msec;

    if (hs->channels == 0 && seg->sh->repeats.n == 0) {
        return;
    }

    more = 1;

    for (i = 0; more && i < NGX_HTTP_PUSH_HISTORY_TURNS; i++) {

        ngx_http_push_segment_lock(seg);

        more = ngx_http_push_history_tidy_locked(seg);

        ngx_http_push_segment_unlock(seg);
    }
}


/* 1: there is more to do */

static ngx_uint_t
ngx_http_push_history_tidy_locked(ngx_http_push_segment_t *seg)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_PUSH_HISTORY_EVICTIONS; i++) {

        if (ngx_http_push_repeat_evict_locked(seg, 0) == NGX_OK
            || ngx_http_push_history_evict_due_locked(seg) == NGX_OK
            || (ngx_http_push_store_short_locked(seg)
                && ngx_http_push_history_evict_locked(seg) == NGX_OK))
        {
            continue;
        }

        return 0;
    }

    return 1;
}


void
ngx_http_push_history_write_epoch(u_char *dst, uint64_t epoch)
{
    (void) ngx_sprintf(dst, "%016xL", epoch);
}


void
ngx_http_push_history_position(ngx_http_push_history_channel_t *ch,
    ngx_http_push_position_t *position)
{
    position->offset = ch->store.top;
    position->len = NGX_HTTP_PUSH_HISTORY_EPOCH;

    ngx_http_push_history_write_epoch(position->epoch, ch->epoch);
}


static void
ngx_http_push_history_insert_value(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel)
{
    ngx_rbtree_node_t                **p;
    ngx_http_push_history_channel_t   *ch;

    ch = (ngx_http_push_history_channel_t *) node;

    for ( ;; ) {

        p = (ngx_http_push_history_compare(node->key, node->data, ch->name,
                                  (ngx_http_push_history_channel_t *) temp)
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
ngx_http_push_history_compare(ngx_uint_t hash, size_t len, u_char *name,
    ngx_http_push_history_channel_t *ch)
{
    if (hash != ch->node.key) {
        return (hash < ch->node.key) ? -1 : 1;
    }

    if (len != ch->node.data) {
        return (len < ch->node.data) ? -1 : 1;
    }

    return ngx_memcmp(name, ch->name, len);
}
