/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * The zone's histories under a load of any kind, in random order: whatever is
 * read is what was published, and at the end all memory is free again.  The
 * few parts of nginx that the zone needs are here; its slab is one that gives
 * each piece memory of its own, so that the sanitizer sees every overrun.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_sha1.h>

#include "ngx_http_push_audience.h"
#include "ngx_http_push_history.h"
#include "ngx_http_push_hub.h"
#include "ngx_http_push_inbox.h"
#include "ngx_http_push_post.h"
#include "ngx_http_push_process.h"
#include "ngx_http_push_recall.h"
#include "ngx_http_push_slots.h"

#include "tap.h"


#define SIM_ZONE      (4 * 1024 * 1024)
#define SIM_STEPS     100000
#define SIM_CHANNELS  40
#define SIM_LIVES     16384
#define SIM_OFFSETS   4096
#define SIM_PAGES     2048
#define SIM_BODY      (300 * 1024)


/* nginx, as far as it is needed */

ngx_uint_t             ngx_pagesize = 4096;
ngx_int_t              ngx_ncpu = 1;
ngx_pid_t              ngx_pid = 4711;
volatile ngx_msec_t    ngx_current_msec = 1000000;
volatile ngx_time_t   *ngx_cached_time;
volatile ngx_cycle_t  *ngx_cycle;

static ngx_time_t      sim_time;
static ngx_cycle_t     sim_cycle;
static ngx_log_t       sim_log;
static unsigned        sim_alerts;


void *
ngx_alloc(size_t size, ngx_log_t *log)
{
    return malloc(size ? size : 1);
}


void *
ngx_calloc(size_t size, ngx_log_t *log)
{
    return calloc(1, size ? size : 1);
}


void
ngx_log_error_core(ngx_uint_t level, ngx_log_t *log, ngx_err_t err,
    const char *fmt, ...)
{
    sim_alerts += (level <= NGX_LOG_ALERT);
}


u_char *
ngx_sprintf(u_char *buf, const char *fmt, ...)
{
    va_list  args;
    char     text[32];

    /* only an epoch is written so */

    va_start(args, fmt);
    sprintf(text, "%016llx", (unsigned long long) va_arg(args, uint64_t));
    va_end(args);

    return ngx_cpymem(buf, text, 16);
}


uint32_t
ngx_murmur_hash2(u_char *data, size_t len)
{
    /* few values: names of one hash have to be told apart */

    return len ? data[len - 1] % 7 : 0;
}


void
ngx_sha1_init(ngx_sha1_t *ctx)
{
    ctx->bytes = 14695981039346656037ULL;
}


void
ngx_sha1_update(ngx_sha1_t *ctx, const void *data, size_t size)
{
    const u_char  *p;

    for (p = data; size != 0; size--) {
        ctx->bytes = (ctx->bytes ^ *p++) * 1099511628211ULL;
    }
}


void
ngx_sha1_final(u_char result[20], ngx_sha1_t *ctx)
{
    memset(result, 0, 20);
    memcpy(result, &ctx->bytes, sizeof(ctx->bytes));
}


/* trees, which need not be balanced */

void
ngx_rbtree_insert(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    if (tree->root == tree->sentinel) {
        node->parent = NULL;
        node->left = tree->sentinel;
        node->right = tree->sentinel;
        tree->root = node;
        return;
    }

    tree->insert(tree->root, node, tree->sentinel);
}


void
ngx_rbtree_insert_timer_value(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel)
{
    ngx_rbtree_node_t  **p;

    for ( ;; ) {
        p = ((ngx_rbtree_key_int_t) (node->key - temp->key) < 0)
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
}


static void
sim_replace(ngx_rbtree_t *tree, ngx_rbtree_node_t *node,
    ngx_rbtree_node_t *by)
{
    if (node->parent == NULL) {
        tree->root = by;

    } else if (node->parent->left == node) {
        node->parent->left = by;

    } else {
        node->parent->right = by;
    }

    if (by != tree->sentinel) {
        by->parent = node->parent;
    }
}


void
ngx_rbtree_delete(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    ngx_rbtree_node_t  *next;

    if (node->left == tree->sentinel) {
        sim_replace(tree, node, node->right);
        return;
    }

    if (node->right == tree->sentinel) {
        sim_replace(tree, node, node->left);
        return;
    }

    next = ngx_rbtree_min(node->right, tree->sentinel);

    if (next != node->right) {
        sim_replace(tree, next, next->right);
        next->right = node->right;
        next->right->parent = next;
    }

    sim_replace(tree, node, next);
    next->left = node->left;
    next->left->parent = next;
}


ngx_rbtree_node_t *
ngx_rbtree_next(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    if (node->right != tree->sentinel) {
        return ngx_rbtree_min(node->right, tree->sentinel);
    }

    while (node->parent != NULL && node->parent->right == node) {
        node = node->parent;
    }

    return node->parent;
}


/* a slab: pages cut into pieces of one size, by count only */

typedef struct {
    ngx_slab_pool_t  *pool;       /* NULL: free */
    size_t            size;
    ngx_uint_t        used;
} sim_page_t;


typedef struct sim_piece_s  sim_piece_t;

struct sim_piece_s {
    sim_piece_t      *next;
    sim_piece_t     **prev;
    sim_page_t       *page;
    u_char            pad[40];
};


static sim_page_t       sim_pages[SIM_PAGES];
static sim_piece_t     *sim_pieces;
static ngx_slab_stat_t  sim_stats[2][16];
static unsigned         sim_refuse;
static ngx_http_push_segment_t  sim_seg;


static ngx_uint_t
sim_shift(ngx_slab_pool_t *pool, size_t size)
{
    ngx_uint_t  shift;

    for (shift = pool->min_shift; ((size_t) 1 << shift) < size; shift++) { }

    return shift;
}


void
ngx_slab_free_locked(ngx_slab_pool_t *pool, void *p)
{
    sim_page_t       *page;
    sim_piece_t      *piece;
    ngx_slab_stat_t  *stat;

    piece = (sim_piece_t *) p - 1;
    page = piece->page;

    stat = &pool->stats[sim_shift(pool, page->size) - pool->min_shift];

    page->used--;
    stat->used--;

    if (page->used == 0) {
        stat->total -= ngx_pagesize / page->size;
        page->pool = NULL;
        pool->pfree++;
    }

    *piece->prev = piece->next;

    if (piece->next != NULL) {
        piece->next->prev = piece->prev;
    }

    free(piece);
}


void *
ngx_slab_alloc_locked(ngx_slab_pool_t *pool, size_t size)
{
    size_t        piece_size;
    ngx_uint_t    i, free_page;
    sim_page_t   *page;
    sim_piece_t  *piece;

    piece_size = (size_t) 1 << sim_shift(pool, size);
    free_page = SIM_PAGES;
    page = NULL;

    for (i = 0; i < SIM_PAGES; i++) {
        if (sim_pages[i].pool == NULL) {
            free_page = ngx_min(free_page, i);

        } else if (sim_pages[i].pool == pool
                   && sim_pages[i].size == piece_size
                   && sim_pages[i].used < ngx_pagesize / piece_size)
        {
            page = &sim_pages[i];
            break;
        }
    }

    if (page == NULL) {

        if (pool->pfree == 0
            || (sim_refuse && pool == sim_seg.shpool && rand() % 100 == 0))
        {
            return NULL;
        }

        page = &sim_pages[free_page];

        page->pool = pool;
        page->size = piece_size;
        page->used = 0;
        pool->pfree--;
        pool->stats[sim_shift(pool, size) - pool->min_shift].total +=
            ngx_pagesize / piece_size;
    }

    page->used++;
    pool->stats[sim_shift(pool, size) - pool->min_shift].used++;

    if (posix_memalign((void **) &piece, 64, sizeof(sim_piece_t) + size)) {
        abort();
    }

    piece->page = page;
    piece->next = sim_pieces;
    piece->prev = &sim_pieces;

    if (sim_pieces != NULL) {
        sim_pieces->prev = &piece->next;
    }

    sim_pieces = piece;

    return piece + 1;
}


void
ngx_slab_init(ngx_slab_pool_t *pool)
{
    sim_piece_t  *piece, *next;

    pool->stats = sim_stats[(u_char *) pool != (u_char *) ngx_cycle->pool];

    for (piece = sim_pieces; piece != NULL; piece = next) {
        next = piece->next;

        if (piece->page->pool == pool) {
            ngx_slab_free_locked(pool, piece + 1);
        }
    }

    ngx_memzero(pool->stats, sizeof(sim_stats[0]));

    pool->pfree = (pool->end - (u_char *) pool) / ngx_pagesize - 4;
    pool->pages = NULL;
    pool->last = pool->pages + pool->pfree;
}


/* the rest of the zone's house */

void
ngx_http_push_process_lock(ngx_atomic_t *lock)
{
    if (*lock) {
        abort();
    }

    *lock = 1;
}


void
ngx_http_push_process_unlock(ngx_atomic_t *lock)
{
    *lock = 0;
}


ngx_uint_t
ngx_http_push_process_gone(ngx_pid_t pid, uint64_t started)
{
    return 0;
}


void
ngx_http_push_slots_ring(ngx_uint_t slot)
{
}


/* what was published, of each life of each channel */

typedef struct {
    u_char                    epoch[NGX_HTTP_PUSH_HISTORY_EPOCH];
    uint32_t                  sums[SIM_OFFSETS];
} sim_life_t;


typedef struct {
    u_char                    name[64];
    ngx_str_t                 channel;
    uint32_t                  hash;
    ngx_uint_t                heard;
    ngx_uint_t                count;
    ngx_msec_t                ttl;
    sim_life_t               *life;       /* NULL: none that is known */
    uint64_t                  top;
} sim_channel_t;


static u_char                    sim_body[SIM_BODY];
static sim_channel_t             sim_channels[SIM_CHANNELS];
static sim_life_t               *sim_lives[SIM_LIVES];
static ngx_uint_t                sim_nlives;
static ngx_http_push_inbox_t    *sim_inbox;
static ngx_shm_zone_t            sim_zone;
static ngx_atomic_t              sim_lock;
static ngx_uint_t                sim_errors;
static ngx_uint_t                sim_expected;    /* in the mailbox */
static ngx_uint_t                sim_read;
static ngx_uint_t                sim_full;


static void
sim_wrong(const char *what)
{
    if (sim_errors++ < 10) {
        printf("# wrong: %s\n", what);
    }
}


static uint32_t
sim_sum(u_char *p, size_t len)
{
    uint32_t  sum;

    for (sum = len + 1; len != 0; len--) {
        sum = sum * 31 + *p++;
    }

    return sum ? sum : 1;
}


static void
sim_fill(ngx_str_t *body)
{
    size_t  i, n;

    n = rand() % 300;

    if (rand() % 5 == 0) {
        n = rand() % 9000;
    }

    if (rand() % 100 == 0) {
        n = rand() % SIM_BODY;
    }

    for (i = 0; i < n; i += 1 + i / 8) {
        sim_body[i] = (u_char) rand();
    }

    body->data = sim_body;
    body->len = n;
}


static sim_life_t *
sim_life(sim_channel_t *ch, ngx_http_push_position_t *position)
{
    ngx_uint_t   i;
    sim_life_t  *life;

    if (ch->life != NULL
        && memcmp(ch->life->epoch, position->epoch, position->len) == 0)
    {
        return ch->life;
    }

    for (i = 0; i < sim_nlives; i++) {
        if (memcmp(sim_lives[i]->epoch, position->epoch, position->len) == 0) {
            sim_wrong("an epoch came back");
        }
    }

    if (position->offset != 1) {
        sim_wrong("a life does not begin with 1");
    }

    life = calloc(1, sizeof(sim_life_t));
    memcpy(life->epoch, position->epoch, position->len);

    if (sim_nlives == SIM_LIVES) {
        abort();
    }

    sim_lives[sim_nlives++] = life;

    ch->life = life;
    ch->top = 0;

    return life;
}


static ngx_int_t
sim_post(sim_channel_t *ch, ngx_http_push_post_t *post, ngx_str_t *body)
{
    memset(post, 0, sizeof(ngx_http_push_post_t));

    post->env.kind = NGX_HTTP_PUSH_ENVELOPE_KIND_MESSAGE;
    post->env.time = 1700000000000ULL;
    post->env.is_binary = 1;
    post->letter.channel = ch->channel;
    post->letter.hash = ch->hash;
    post->letter.body = *body;

    if (ch->count != 0) {
        post->keep = 1;
        post->item.channel = ch->channel;
        post->item.hash = ch->hash;
        post->item.count = ch->count;
        post->item.ttl = ch->ttl;

        if (ch->ttl) {
            post->item.expires = ngx_current_msec + 1 + rand() % ch->ttl;
        }
    }

    if (rand() % 4 == 0) {
        ngx_str_t  id = { sizeof(int), NULL };
        int        n = rand();

        id.data = (u_char *) &n;
        post->once = 1;
        ngx_http_push_repeat_mark(&post->mark, &ch->channel, &id, body);
    }

    return ngx_http_push_post(&sim_seg, post);
}


static void
sim_publish(sim_channel_t *ch)
{
    ngx_int_t                 rc;
    ngx_str_t                 body;
    sim_life_t               *life;
    ngx_http_push_post_t      post, again;
    ngx_http_push_position_t  position;

    sim_fill(&body);

    rc = sim_post(ch, &post, &body);

    if (rc == NGX_BUSY) {
        sim_full++;
        return;
    }

    if (rc != NGX_OK) {
        sim_wrong("a publish failed");
        return;
    }

    sim_expected += (ch->heard != 0);

    if (post.subscribers != ch->heard) {
        sim_wrong("the number of subscribers");
    }

    position = post.position;

    if (!post.keep) {
        if (position.len != 0) {
            sim_wrong("an id of what is not kept");
        }

        return;
    }

    life = sim_life(ch, &position);

    if (position.offset != ++ch->top) {
        sim_wrong("an offset is not the next one");
    }

    life->sums[position.offset % SIM_OFFSETS] = sim_sum(body.data, body.len);

    if (post.once && rand() % 3 == 0) {
        again = post;

        rc = ngx_http_push_post(&sim_seg, &again);

        if (rc == NGX_OK) {
            sim_wrong("a repeat was sent");
        }

        if (rc != NGX_DONE
            || again.position.offset != position.offset
            || memcmp(again.position.epoch, position.epoch, position.len) != 0)
        {
            sim_wrong("a repeat got another answer");
        }

        again.mark.sum[0]++;

        if (ngx_http_push_post(&sim_seg, &again) != NGX_ABORT) {
            sim_wrong("another body was taken");
        }
    }
}


static void
sim_recall(sim_channel_t *ch)
{
    size_t                  size;
    ngx_uint_t              i;
    ngx_http_push_msg_t    *m;
    ngx_http_push_read_t    rd;

    memset(&rd, 0, sizeof(rd));

    rd.channel = ch->channel;
    rd.from = ch->top ? rand() % (ch->top + 2) : 1;
    rd.limit = rand() % 200;
    rd.size = rand() % (512 * 1024);

    ngx_http_push_recall(&sim_seg, &rd, &sim_log);

    if (rd.status == NGX_HTTP_PUSH_READ_FAILED) {
        sim_wrong("a read failed");
    }

    if (rd.status == NGX_HTTP_PUSH_READ_NEW) {
        ch->life = NULL;
    }

    size = 0;

    for (i = 0; i < rd.n; i++) {
        m = rd.msgs[i];

        if (ch->life == NULL
            || m->epoch.len != NGX_HTTP_PUSH_HISTORY_EPOCH
            || memcmp(m->epoch.data, ch->life->epoch, m->epoch.len) != 0
            || m->offset != rd.msgs[0]->offset + i
            || m->offset < rd.from
            || m->offset > ch->top
            || rd.top.offset != ch->top
            || ch->life->sums[m->offset % SIM_OFFSETS]
               != sim_sum(m->body.data, m->body.len))
        {
            sim_wrong("what was read is not what was published");
        }

        size += m->len;

        sim_read++;
    }

    if (rd.n > rd.limit || (rd.n > 1 && size > rd.size)) {
        sim_wrong("too much was read");
    }

    if (rd.n == 0 && rd.limit != 0 && ch->life != NULL && ch->ttl == 0
        && rd.from <= ch->top && sim_seg.sh->history.evicted == 0)
    {
        sim_wrong("nothing was read");
    }

    for (i = 0; i < rd.n; i++) {
        ngx_http_push_msg_unref(rd.msgs[i]);
    }

    free(rd.msgs);
}


static void
sim_deliver(void)
{
    uint64_t                    lost;
    ngx_uint_t                  gap;
    sim_channel_t              *ch;
    ngx_http_push_inbox_item_t  item;

    while (ngx_http_push_inbox_fetch(sim_inbox, &gap, &lost) != NGX_DECLINED) {

        sim_expected -= lost;

        while (ngx_http_push_inbox_take(sim_inbox, &item) == NGX_OK) {

            sim_expected--;

            ch = &sim_channels[atoi((char *) item.channel.data)];

            if (item.channel.len != ch->channel.len
                || (item.m->offset != 0
                    && ch->life != NULL
                    && memcmp(ch->life->epoch, item.m->epoch.data,
                              item.m->epoch.len) == 0
                    && ch->life->sums[item.m->offset % SIM_OFFSETS]
                       != sim_sum(item.m->body.data, item.m->body.len)))
            {
                sim_wrong("what came is not what was published");
            }

            ngx_http_push_msg_unref(item.m);
        }
    }

    sim_expected -= lost;

    if (sim_expected != 0) {
        sim_wrong("messages are missing in the mailbox");
        sim_expected = 0;
    }
}


static void
sim_listen(sim_channel_t *ch)
{
    ngx_uint_t                         full;
    ngx_http_push_audience_channel_t  *au;

    ngx_http_push_segment_lock(&sim_seg);

    if (ch->heard) {
        au = ngx_http_push_audience_find_locked(&sim_seg, &ch->channel,
                                                ch->hash);
        (void) ngx_http_push_audience_remove_locked(&sim_seg, au, 0);
        ch->heard = 0;

    } else if (ngx_http_push_audience_enter_locked(&sim_seg, &ch->channel,
                                                   ch->hash, 1, 0, &full))
    {
        ch->heard = 1;
    }

    ngx_http_push_segment_unlock(&sim_seg);
}


static void
sim_delete(sim_channel_t *ch)
{
    ngx_http_push_post_t  post;

    memset(&post, 0, sizeof(post));

    post.env.kind = NGX_HTTP_PUSH_ENVELOPE_KIND_CONTROL;
    post.env.event.data = (u_char *) "delete";
    post.env.event.len = 6;
    post.letter.channel = ch->channel;
    post.letter.hash = ch->hash;
    post.forget = 1;

    if (ngx_http_push_post(&sim_seg, &post) != NGX_OK) {
        sim_wrong("a delete failed");
    }

    sim_expected += (ch->heard != 0);

    ch->life = NULL;
    ch->top = 0;
}


/* as if a process had died while it filled a large message */

static void
sim_abandon(sim_channel_t *ch)
{
    ngx_http_push_history_item_t      item;
    ngx_http_push_store_block_t      *block;
    ngx_http_push_history_channel_t  *kept;

    memset(&item, 0, sizeof(item));

    item.channel = ch->channel;
    item.hash = ch->hash;
    item.count = 1;

    block = NULL;

    ngx_http_push_segment_lock(&sim_seg);

    if (ngx_http_push_history_open_locked(&sim_seg, &item, 100000, &block,
                                          &kept)
        == NGX_OK)
    {
        sim_seg.sh->history.draft = block;
        sim_seg.sh->history.drafter = 0;
    }

    ngx_http_push_segment_unlock(&sim_seg);

    sim_publish(ch);

    ngx_http_push_segment_lock(&sim_seg);
    ngx_http_push_history_clear_locked(&sim_seg, 0);
    ngx_http_push_segment_unlock(&sim_seg);
}


/* as if a process had died inside: all is lost, and no id comes back */

static void
sim_die(void)
{
    ngx_uint_t  i;

    sim_deliver();

    sim_seg.sh->dirty = 1;

    ngx_http_push_segment_lock(&sim_seg);
    ngx_http_push_segment_unlock(&sim_seg);

    if (sim_seg.sh->history.channels != 0 || sim_pieces != NULL) {
        sim_wrong("something was left");
    }

    sim_seg.sh->everything = 0;
    sim_seg.box->flags = NGX_HTTP_PUSH_SEGMENT_ATTACHED;

    for (i = 0; i < SIM_CHANNELS; i++) {
        sim_channels[i].life = NULL;
        sim_channels[i].top = 0;
        sim_channels[i].heard = 0;
    }
}


static void
sim_count(ngx_rbtree_node_t *node, ngx_uint_t *channels, ngx_uint_t *messages,
    size_t *bytes)
{
    ngx_queue_t                      *q;
    ngx_http_push_history_channel_t  *ch;

    if (node == &sim_seg.sh->sentinel) {
        return;
    }

    ch = (ngx_http_push_history_channel_t *) node;

    ++*channels;
    *messages += ch->store.top + 1 - ch->store.first;
    *bytes += ch->store.bytes;

    for (q = ngx_queue_head(&ch->store.blocks);
         q != ngx_queue_sentinel(&ch->store.blocks);
         q = ngx_queue_next(q))
    {
        if (ngx_queue_prev(ngx_queue_next(q)) != q) {
            sim_wrong("the row of blocks");
        }
    }

    if ((ch->store.bytes == 0) != ngx_queue_empty(&ch->store.blocks)
        || (ch->store.bytes == 0) != (ch->store.first > ch->store.top))
    {
        sim_wrong("an empty channel that is not");
    }

    if (!ch->due.data
        && (ch->store.bytes == 0
            || ngx_http_push_store_head(&ch->store)->expires != 0))
    {
        sim_wrong("a channel that nobody looks at in time");
    }

    sim_count(node->left, channels, messages, bytes);
    sim_count(node->right, channels, messages, bytes);
}


static void
sim_check(void)
{
    size_t                           bytes;
    ngx_uint_t                       i, n, channels, messages;
    ngx_queue_t                     *q;
    ngx_http_push_layout_history_t  *hs;

    hs = &sim_seg.sh->history;

    channels = 0;
    messages = 0;
    bytes = 0;

    sim_count(hs->root, &channels, &messages, &bytes);

    if (channels != hs->channels
        || messages != hs->messages
        || bytes != hs->bytes)
    {
        sim_wrong("the figures");
    }

    n = 0;

    for (q = ngx_queue_head(&hs->ages); q != &hs->ages; q = ngx_queue_next(q))
    {
        n++;
    }

    for (i = 0; i < NGX_HTTP_PUSH_LAYOUT_SIZES; i++) {
        for (q = ngx_queue_head(&hs->sizes[i]);
             q != &hs->sizes[i];
             q = ngx_queue_next(q))
        {
            n++;
        }
    }

    if (n != 2 * channels) {
        sim_wrong("the queues of channels");
    }
}


static void
sim_start(void)
{
    size_t            least;
    ngx_uint_t        i;
    ngx_slab_pool_t  *pool;

    sim_zone.shm.size = SIM_ZONE;
    sim_zone.shm.log = &sim_log;

    if (posix_memalign((void **) &sim_zone.shm.addr, 4096, SIM_ZONE)) {
        abort();
    }

    memset(sim_zone.shm.addr, 0, SIM_ZONE);

    ngx_cached_time = &sim_time;
    ngx_cycle = &sim_cycle;
    sim_cycle.log = &sim_log;
    sim_cycle.pool = (ngx_pool_t *) sim_zone.shm.addr;

    pool = (ngx_slab_pool_t *) sim_zone.shm.addr;
    pool->end = sim_zone.shm.addr + SIM_ZONE;
    pool->min_shift = 3;
    pool->mutex.lock = &sim_lock;

    if (ngx_http_push_segment_create(&sim_seg, &sim_zone, 2, &least)
        != NGX_OK)
    {
        abort();
    }

    sim_seg.slot = 0;
    sim_seg.box = &sim_seg.sh->boxes[0];
    sim_seg.box->flags = NGX_HTTP_PUSH_SEGMENT_ATTACHED;
    sim_seg.sh->high = 1;

    sim_inbox = ngx_http_push_inbox_create(&sim_seg, &sim_log);

    for (i = 0; i < SIM_CHANNELS; i++) {
        sim_channels[i].channel.data = sim_channels[i].name;
        sim_channels[i].channel.len =
            sprintf((char *) sim_channels[i].name, "%u:%.*s", (unsigned) i,
                    (int) i, "a name that may be somewhat longer than usual");
        sim_channels[i].hash =
            ngx_http_push_hub_hash(sim_channels[i].name,
                                   sim_channels[i].channel.len);

        sim_channels[i].count = (i % 8 == 0) ? 0 : 1 + rand() % 1000;
        sim_channels[i].ttl = (i % 3 == 0) ? 0 : 1 + rand() % 100000;
    }
}


static void
sim_step(void)
{
    ngx_uint_t      n;
    sim_channel_t  *ch;

    ch = &sim_channels[rand() % SIM_CHANNELS];
    n = rand() % 1000;

    if (n < 700) {
        sim_publish(ch);

    } else if (n < 850) {
        sim_recall(ch);

    } else if (n < 900) {
        sim_deliver();

    } else if (n < 930) {
        sim_deliver();
        sim_listen(ch);

    } else if (n < 940) {
        sim_delete(ch);

    } else if (n < 990) {
        ngx_current_msec += rand() % 2000;
        ngx_http_push_history_tidy(&sim_seg);

    } else if (n == 990 && rand() % 10 == 0) {
        sim_die();

    } else if (n == 991) {
        sim_refuse = !sim_refuse;

    } else if (n < 995 && ch->count != 0) {
        sim_abandon(ch);
    }
}


static void
sim_end(ngx_uint_t tables, ngx_uint_t arena)
{
    ngx_uint_t  i;

    sim_deliver();

    for (i = 0; i < SIM_CHANNELS; i++) {
        if (sim_channels[i].heard) {
            sim_listen(&sim_channels[i]);
        }
    }

    /* twice the longest time, and half of the channels by hand */

    for (i = 0; i < SIM_CHANNELS; i++) {
        if (i % 3 == 0) {
            sim_delete(&sim_channels[i]);
        }
    }

    for (i = 0; i < 20; i++) {
        ngx_current_msec += 500000;
        ngx_http_push_history_tidy(&sim_seg);
    }

    ngx_http_push_segment_lock(&sim_seg);

    /* the last piece of a mailbox stays in the arena */

    tap_ok(ngx_http_push_mailbox_clear_locked(&sim_seg, 0) == NGX_OK
           && sim_seg.sh->history.channels == 0
           && sim_seg.sh->history.bytes == 0
           && sim_seg.sh->repeats.n == 0
           && sim_seg.shpool->pfree == tables
           && sim_seg.sh->arena->pfree == arena
           && sim_pieces == NULL,
           "all memory is free again");

    ngx_http_push_segment_unlock(&sim_seg);
}


int
main(int argc, char **argv)
{
    unsigned    seed;
    ngx_uint_t  i, tables, arena;

    tap_seed();

    seed = tap_random(1 << 30);

    srand(seed);
    srandom(seed);

    sim_start();

    tables = sim_seg.shpool->pfree;
    arena = sim_seg.sh->arena->pfree;

    for (i = 0; i < SIM_STEPS; i++) {
        sim_step();

        if (i % 10 == 0) {
            sim_check();
        }
    }

    tap_ok(sim_errors == 0, "what is read is what was published");
    tap_ok(sim_read > 1000 && sim_seg.sh->history.evicted > 1000,
           "much was read, and much had to go");
    tap_ok(sim_alerts == 0, "nothing in the log");

    printf("# read %u, evicted %u, refused %u, rebuilt %u\n",
           (unsigned) sim_read, (unsigned) sim_seg.sh->history.evicted,
           (unsigned) sim_full, (unsigned) sim_seg.sh->resets);

    sim_end(tables, arena);

    ngx_http_push_inbox_destroy(sim_inbox);

    for (i = 0; i < sim_nlives; i++) {
        free(sim_lives[i]);
    }

    free(sim_zone.shm.addr);

    return tap_done();
}
