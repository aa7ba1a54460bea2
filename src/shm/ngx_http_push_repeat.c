/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: what was published with an id: owns the first answers.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_sha1.h>

#include "ngx_http_push_repeat.h"
#include "ngx_http_push_segment.h"
#include "ngx_http_push_store.h"


#define NGX_HTTP_PUSH_REPEAT_TIME  300000     /* ms */
#define NGX_HTTP_PUSH_REPEAT_SHA1  20
#define NGX_HTTP_PUSH_REPEAT_STEP  64         /* forgotten per locking */


static ngx_uint_t ngx_http_push_repeat_over(ngx_http_push_repeat_t *rp);
static ngx_int_t ngx_http_push_repeat_compare(ngx_rbtree_key_t key,
    u_char *mark, ngx_http_push_repeat_t *rp);
static ngx_rbtree_key_t ngx_http_push_repeat_key(
    ngx_http_push_repeat_mark_t *mark);
static void ngx_http_push_repeat_insert_value(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);
static void ngx_http_push_repeat_destroy_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_repeat_t *rp);


/* the length keeps "ab" and "c" apart from "a" and "bc" */

void
ngx_http_push_repeat_mark(ngx_http_push_repeat_mark_t *mark,
    ngx_str_t *channel, ngx_str_t *id, ngx_str_t *body)
{
    u_char      sum[NGX_HTTP_PUSH_REPEAT_SHA1];
    ngx_sha1_t  sha1;

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, &channel->len, sizeof(size_t));
    ngx_sha1_update(&sha1, channel->data, channel->len);
    ngx_sha1_update(&sha1, id->data, id->len);
    ngx_sha1_final(mark->key, &sha1);

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, body->data, body->len);
    ngx_sha1_final(sum, &sha1);

    ngx_memcpy(mark->sum, sum, NGX_HTTP_PUSH_REPEAT_SUM);
}


ngx_http_push_repeat_t *
ngx_http_push_repeat_find_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_repeat_mark_t *mark)
{
    ngx_int_t                rc;
    ngx_uint_t               i;
    ngx_rbtree_key_t         key;
    ngx_rbtree_node_t       *node;
    ngx_http_push_repeat_t  *rp;

    for (i = 0; i < NGX_HTTP_PUSH_REPEAT_STEP; i++) {
        if (ngx_http_push_repeat_evict_locked(seg, 0) != NGX_OK) {
            break;
        }
    }

    key = ngx_http_push_repeat_key(mark);
    node = seg->sh->repeats.root;

    while (node != &seg->sh->sentinel) {
        rp = (ngx_http_push_repeat_t *) node;

        rc = ngx_http_push_repeat_compare(key, mark->key, rp);

        if (rc == 0) {

            if (ngx_http_push_repeat_over(rp)) {
                ngx_http_push_repeat_destroy_locked(seg, rp);
                return NULL;
            }

            return rp;
        }

        node = (rc < 0) ? node->left : node->right;
    }

    return NULL;
}


ngx_uint_t
ngx_http_push_repeat_same(ngx_http_push_repeat_t *rp,
    ngx_http_push_repeat_mark_t *mark)
{
    return ngx_memcmp(rp->mark.sum, mark->sum, NGX_HTTP_PUSH_REPEAT_SUM) == 0;
}


ngx_http_push_repeat_t *
ngx_http_push_repeat_create_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_repeat_mark_t *mark)
{
    ngx_rbtree_t                     tree;
    ngx_http_push_repeat_t          *rp;
    ngx_http_push_layout_repeats_t  *rs;

    rs = &seg->sh->repeats;

    /* the largest message is an eighth of the zone */

    if ((rs->n + 1) * sizeof(ngx_http_push_repeat_t) > seg->message_max / 2) {
        (void) ngx_http_push_repeat_evict_locked(seg, 1);
    }

    rp = ngx_http_push_store_alloc_locked(seg, sizeof(ngx_http_push_repeat_t));
    if (rp == NULL) {
        return NULL;
    }

    rp->node.key = ngx_http_push_repeat_key(mark);
    rp->mark = *mark;
    rp->subscribers = 0;
    rp->epoch = 0;
    rp->offset = 0;
    rp->gone = ngx_current_msec + NGX_HTTP_PUSH_REPEAT_TIME;

    tree.root = rs->root;
    tree.sentinel = &seg->sh->sentinel;
    tree.insert = ngx_http_push_repeat_insert_value;

    ngx_rbtree_insert(&tree, &rp->node);

    rs->root = tree.root;

    ngx_queue_insert_tail(&rs->ages, &rp->age);
    rs->n++;

    return rp;
}


ngx_int_t
ngx_http_push_repeat_evict_locked(ngx_http_push_segment_t *seg,
    ngx_uint_t anyway)
{
    ngx_http_push_repeat_t          *rp;
    ngx_http_push_layout_repeats_t  *rs;

    rs = &seg->sh->repeats;

    if (ngx_queue_empty(&rs->ages)) {
        return NGX_DECLINED;
    }

    rp = ngx_queue_data(ngx_queue_head(&rs->ages), ngx_http_push_repeat_t,
                        age);

    if (!anyway && !ngx_http_push_repeat_over(rp)) {
        return NGX_DECLINED;
    }

    ngx_http_push_repeat_destroy_locked(seg, rp);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_push_repeat_over(ngx_http_push_repeat_t *rp)
{
    return (ngx_msec_int_t) (rp->gone - ngx_current_msec) <= 0;
}


static void
ngx_http_push_repeat_destroy_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_repeat_t *rp)
{
    ngx_rbtree_t                     tree;
    ngx_http_push_layout_repeats_t  *rs;

    rs = &seg->sh->repeats;

    tree.root = rs->root;
    tree.sentinel = &seg->sh->sentinel;
    tree.insert = ngx_http_push_repeat_insert_value;

    ngx_rbtree_delete(&tree, &rp->node);

    rs->root = tree.root;

    ngx_queue_remove(&rp->age);
    rs->n--;

    ngx_slab_free_locked(seg->shpool, rp);
}


static void
ngx_http_push_repeat_insert_value(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel)
{
    ngx_rbtree_node_t       **p;
    ngx_http_push_repeat_t   *rp;

    rp = (ngx_http_push_repeat_t *) node;

    for ( ;; ) {

        p = (ngx_http_push_repeat_compare(node->key, rp->mark.key,
                                          (ngx_http_push_repeat_t *) temp)
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


static ngx_int_t
ngx_http_push_repeat_compare(ngx_rbtree_key_t key, u_char *mark,
    ngx_http_push_repeat_t *rp)
{
    if (key != rp->node.key) {
        return (key < rp->node.key) ? -1 : 1;
    }

    return ngx_memcmp(mark, rp->mark.key, NGX_HTTP_PUSH_REPEAT_KEY);
}


static ngx_rbtree_key_t
ngx_http_push_repeat_key(ngx_http_push_repeat_mark_t *mark)
{
    ngx_rbtree_key_t  key;

    ngx_memcpy(&key, mark->key, sizeof(ngx_rbtree_key_t));

    return key;
}
