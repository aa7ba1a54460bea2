/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the shared memory zone of push_zone: made and found again, the
 * census of channels, and what is given back for workers that are gone.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_audience.h"
#include "ngx_http_push_history.h"
#include "ngx_http_push_mailbox.h"
#include "ngx_http_push_segment.h"
#include "ngx_http_push_slots.h"
#include "ngx_http_push_zone.h"


#define NGX_HTTP_PUSH_ZONE_STEP   256    /* channels per locking */
#define NGX_HTTP_PUSH_ZONE_STEPS  16     /* lockings per call of sweep */
#define NGX_HTTP_PUSH_ZONE_ROWS   128    /* channels per locking of top */
#define NGX_HTTP_PUSH_ZONE_RETRY  5      /* seconds until it looks for room */
#define NGX_HTTP_PUSH_ZONE_ENTRY  256    /* bytes: a generous channel */

#define NGX_HTTP_PUSH_ZONE_EVICTIONS  64    /* of messages, for an entry */
#define NGX_HTTP_PUSH_ZONE_WARN       80    /* per cent of the tables */
#define NGX_HTTP_PUSH_ZONE_CALM       70
#define NGX_HTTP_PUSH_ZONE_RUNS       4096  /* of free pages looked at */


/* this process's view; memory of the cycle */

struct ngx_http_push_zone_s {
    ngx_http_push_segment_t            seg;
    ngx_shm_zone_t                    *shm_zone;
    ngx_cycle_t                       *cycle;      /* it was made for */
    ngx_uint_t                         channels;   /* bound, 0: none */
    time_t                             retry;
    time_t                             warned;

    ngx_uint_t                         swept;      /* slot of the cursor */
    ngx_http_push_audience_cursor_t    cursor;
};


/* rows of one locking, and where it stands */

typedef struct {
    ngx_http_push_audience_cursor_t    cursor;
    ngx_str_t                         *prefix;
    ngx_uint_t                         least;      /* fewer do not matter */
    ngx_uint_t                         total;
    ngx_uint_t                         n;
    ngx_http_push_zone_channel_t       rows[NGX_HTTP_PUSH_ZONE_ROWS];
} ngx_http_push_zone_step_t;


static ngx_int_t ngx_http_push_zone_init(ngx_shm_zone_t *shm_zone, void *data);
static ngx_int_t ngx_http_push_zone_join(void *data, ngx_str_t *channel,
    uint32_t hash, ngx_uint_t n, void **place);
static void ngx_http_push_zone_count(void *data, ngx_str_t *channel,
    uint32_t hash, ngx_uint_t n, void **place);
static void ngx_http_push_zone_leave(void *data, ngx_str_t *channel,
    uint32_t hash, void **place);
static ngx_uint_t ngx_http_push_zone_subscribers(void *data,
    ngx_str_t *channel, uint32_t hash);
static ngx_int_t ngx_http_push_zone_enter(ngx_http_push_zone_t *z,
    ngx_str_t *channel, uint32_t hash, ngx_uint_t n, ngx_uint_t max,
    void **place);
static void ngx_http_push_zone_enter_channel(void *data,
    ngx_http_push_channel_t *ch);
static ngx_uint_t ngx_http_push_zone_has_room(ngx_http_push_zone_t *z);
static ngx_int_t ngx_http_push_zone_sweep_locked(ngx_http_push_zone_t *z,
    ngx_uint_t slot);
static ngx_uint_t ngx_http_push_zone_sweep_channels_locked(
    ngx_http_push_zone_t *z, ngx_uint_t slot);
static size_t ngx_http_push_zone_run_locked(ngx_http_push_zone_t *z);
static ngx_int_t ngx_http_push_zone_collect(ngx_http_push_zone_t *z,
    ngx_http_push_zone_step_t *step);
static void ngx_http_push_zone_collect_row(ngx_http_push_zone_t *z,
    ngx_http_push_zone_step_t *step, ngx_http_push_audience_channel_t *ch);
static ngx_uint_t ngx_http_push_zone_merge(ngx_http_push_zone_channel_t *rows,
    ngx_uint_t nrows, ngx_uint_t n, ngx_http_push_zone_channel_t *row);


ngx_http_push_zone_t *
ngx_http_push_zone_create(ngx_conf_t *cf, ngx_str_t *name, size_t size,
    ngx_uint_t channels, void *tag)
{
    ngx_shm_zone_t        *shm_zone;
    ngx_http_push_zone_t  *z;

    if (size < NGX_HTTP_PUSH_ZONE_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "push_zone \"%V\" is too small, the least size "
                           "is %uzk", name,
                           (size_t) NGX_HTTP_PUSH_ZONE_MIN / 1024);
        return NULL;
    }

    z = ngx_pcalloc(cf->pool, sizeof(ngx_http_push_zone_t));
    if (z == NULL) {
        return NULL;
    }

    shm_zone = ngx_shared_memory_add(cf, name, size, tag);
    if (shm_zone == NULL) {
        return NULL;
    }

    if (shm_zone->data != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate push_zone \"%V\"", name);
        return NULL;
    }

    shm_zone->init = ngx_http_push_zone_init;
    shm_zone->data = z;

    z->shm_zone = shm_zone;
    z->cycle = cf->cycle;
    z->channels = channels;
    z->seg.slot = NGX_HTTP_PUSH_SLOT_NONE;
    z->swept = NGX_HTTP_PUSH_SLOT_NONE;

    return z;
}


/*
 * Nothing in the segment depends on the configuration, the bound of channels
 * is each process's own: a reload that fails later has changed nothing.
 */

static ngx_int_t
ngx_http_push_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    size_t                 least;
    ngx_uint_t             n;
    ngx_slab_pool_t       *shpool;
    ngx_http_push_zone_t  *z, *oz;

    z = shm_zone->data;
    oz = data;

    if (oz != NULL) {
        ngx_http_push_segment_open(&z->seg, shm_zone, oz->seg.sh);
        return NGX_OK;
    }

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (shm_zone->shm.exists) {
        ngx_http_push_segment_open(&z->seg, shm_zone, shpool->data);
        return NGX_OK;
    }

    n = ngx_http_push_slots_plan(z->cycle);

    if (ngx_http_push_segment_create(&z->seg, shm_zone, n, &least) != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "push_zone \"%V\" is too small, the least size for "
                      "this many worker_processes is %uzk",
                      &shm_zone->shm.name, (least + 1023) / 1024);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * The box may still be that of a worker with this slot whose exit nobody has
 * swept; in the single-process mode it may be our own, before the reload.
 */

void
ngx_http_push_zone_attach(ngx_http_push_zone_t *z, ngx_uint_t slot)
{
    ngx_http_push_segment_t      *seg;
    ngx_http_push_segment_box_t  *box;

    seg = &z->seg;

    if (slot >= seg->sh->nboxes) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "push zone: no slot %ui in it", slot);
        return;
    }

    box = &seg->sh->boxes[slot];

    if (box->owner != (uint32_t) ngx_pid) {
        while (ngx_http_push_zone_sweep(z, slot) == NGX_AGAIN) { /* void */ }
    }

    ngx_http_push_segment_lock(seg);

    box->owner = ngx_pid;
    box->flags |= NGX_HTTP_PUSH_SEGMENT_ATTACHED;

    seg->sh->high = ngx_max(seg->sh->high, slot + 1);

    seg->slot = slot;
    seg->box = box;
    seg->incarnation = seg->sh->incarnation;

    ngx_http_push_segment_unlock(seg);
}


void
ngx_http_push_zone_detach(ngx_http_push_zone_t *z)
{
    if (z->seg.box == NULL) {
        return;
    }

    while (ngx_http_push_zone_sweep(z, z->seg.slot) == NGX_AGAIN) {
        /* void */
    }

    z->seg.box = NULL;
    z->seg.slot = NGX_HTTP_PUSH_SLOT_NONE;
}


/* z stays where it is: hub, census and bus have its address */

void
ngx_http_push_zone_move(ngx_http_push_zone_t *z, ngx_http_push_zone_t *to,
    ngx_http_push_hub_t *h)
{
    uint32_t                      lost;
    ngx_uint_t                    slot;
    ngx_http_push_segment_box_t  *box;

    z->shm_zone = to->shm_zone;
    z->channels = to->channels;

    if (z->seg.sh == to->seg.sh) {
        return;
    }

    slot = z->seg.slot;
    lost = z->seg.box->lost + z->seg.box->n;

    ngx_http_push_zone_detach(z);

    z->seg = to->seg;

    ngx_http_push_zone_attach(z, slot);

    box = z->seg.box;

    if (box == NULL) {
        return;
    }

    if (lost != 0) {
        box->lost = lost;
        box->flags |= NGX_HTTP_PUSH_SEGMENT_GAP;
    }

    /* as after a rebuild */

    z->seg.incarnation--;

    ngx_http_push_zone_reenter(z, h);
}


uint64_t
ngx_http_push_zone_id(ngx_http_push_zone_t *z)
{
    return z->seg.sh->id;
}


ngx_http_push_segment_t *
ngx_http_push_zone_segment(ngx_http_push_zone_t *z)
{
    return &z->seg;
}


void
ngx_http_push_zone_census(ngx_http_push_zone_t *z,
    ngx_http_push_census_t *census)
{
    census->data = z;
    census->join = ngx_http_push_zone_join;
    census->count = ngx_http_push_zone_count;
    census->leave = ngx_http_push_zone_leave;
    census->subscribers = ngx_http_push_zone_subscribers;
}


static ngx_int_t
ngx_http_push_zone_join(void *data, ngx_str_t *channel, uint32_t hash,
    ngx_uint_t n, void **place)
{
    ngx_http_push_zone_t  *z = data;

    ngx_int_t  rc;

    rc = ngx_http_push_zone_enter(z, channel, hash, n, z->channels, place);

    if (rc != NGX_OK && ngx_time() - z->warned >= 60) {
        z->warned = ngx_time();

        if (rc == NGX_AGAIN) {
            ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                          "push zone \"%V\" is full, this worker is woken for "
                          "every channel", &z->shm_zone->shm.name);

        } else {
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                          "push zone \"%V\" has \"channels=%ui\" channels, "
                          "others are refused", &z->shm_zone->shm.name,
                          z->channels);
        }
    }

    return (rc == NGX_AGAIN) ? NGX_OK : rc;
}


/*
 * NGX_OK; NGX_DECLINED: the bound of channels is reached; NGX_AGAIN: no room,
 * not even in place of what is kept, so that this worker has to hear of
 * everything.
 */

static ngx_int_t
ngx_http_push_zone_enter(ngx_http_push_zone_t *z, ngx_str_t *channel,
    uint32_t hash, ngx_uint_t n, ngx_uint_t max, void **place)
{
    ngx_int_t                 rc;
    ngx_uint_t                i, full;
    ngx_http_push_segment_t  *seg;

    seg = &z->seg;
    rc = NGX_OK;

    ngx_http_push_segment_lock(seg);

    *place = ngx_http_push_audience_enter_locked(seg, channel, hash, n, max,
                                                 &full);

    for (i = 0; *place == NULL && !full && i < NGX_HTTP_PUSH_ZONE_EVICTIONS;
         i++)
    {
        if (ngx_http_push_history_evict_locked(seg) != NGX_OK) {
            break;
        }

        *place = ngx_http_push_audience_enter_locked(seg, channel, hash, n,
                                                     max, &full);
    }

    if (full) {
        rc = NGX_DECLINED;

    } else if (*place == NULL) {
        rc = NGX_AGAIN;
        seg->missing++;
        ngx_http_push_segment_everything_locked(seg, seg->box, 1);
    }

    ngx_http_push_segment_unlock(seg);

    return rc;
}


/*
 * The place is good as long as the slabs are those in which all our channels
 * were entered.  After a rebuild the channel is found by its name, and the
 * next reenter() puts everything right.
 */

static void
ngx_http_push_zone_count(void *data, ngx_str_t *channel, uint32_t hash,
    ngx_uint_t n, void **place)
{
    ngx_http_push_zone_t  *z = data;

    ngx_uint_t                 full;
    ngx_http_push_segment_t   *seg;
    ngx_http_push_audience_t  *e;

    e = *place;
    seg = &z->seg;

    if (e == NULL) {
        return;
    }

    if (ngx_http_push_segment_enter(seg, seg->incarnation)) {
        e->count = n;
        ngx_http_push_segment_leave(seg);
        return;
    }

    ngx_http_push_segment_lock(seg);

    (void) ngx_http_push_audience_enter_locked(seg, channel, hash, n, 0,
                                               &full);

    ngx_http_push_segment_unlock(seg);
}


static void
ngx_http_push_zone_leave(void *data, ngx_str_t *channel, uint32_t hash,
    void **place)
{
    ngx_http_push_zone_t  *z = data;

    ngx_http_push_segment_t           *seg;
    ngx_http_push_audience_channel_t  *ch;

    seg = &z->seg;

    ngx_http_push_segment_lock(seg);

    if (*place != NULL || seg->incarnation != seg->sh->incarnation) {

        ch = ngx_http_push_audience_find_locked(seg, channel, hash);

        if (ch != NULL) {
            (void) ngx_http_push_audience_remove_locked(seg, ch, seg->slot);
        }

    } else if (--seg->missing == 0) {
        ngx_http_push_segment_everything_locked(seg, seg->box, 0);
    }

    ngx_http_push_segment_unlock(seg);

    *place = NULL;
}


static ngx_uint_t
ngx_http_push_zone_subscribers(void *data, ngx_str_t *channel, uint32_t hash)
{
    ngx_http_push_zone_t  *z = data;

    ngx_uint_t                         n;
    ngx_http_push_segment_t           *seg;
    ngx_http_push_audience_channel_t  *ch;

    n = 0;
    seg = &z->seg;

    ngx_http_push_segment_lock_read(seg);

    ch = ngx_http_push_audience_find_locked(seg, channel, hash);

    if (ch != NULL) {
        n = ngx_http_push_audience_sum(seg, ch, NULL);
    }

    ngx_http_push_segment_unlock(seg);

    return n;
}


void
ngx_http_push_zone_reenter(ngx_http_push_zone_t *z, ngx_http_push_hub_t *h)
{
    ngx_atomic_uint_t         incarnation;
    ngx_http_push_segment_t  *seg;

    seg = &z->seg;
    incarnation = seg->sh->incarnation;

    if (seg->incarnation == incarnation && !ngx_http_push_zone_has_room(z)) {
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "push zone \"%V\": this worker's channels are entered again",
                  &z->shm_zone->shm.name);

    seg->missing = 0;

    ngx_http_push_hub_walk(h, ngx_http_push_zone_enter_channel, z);

    ngx_http_push_segment_lock(seg);

    /* rebuilt once more meanwhile: the next call begins anew */

    if (seg->sh->incarnation == incarnation) {
        seg->incarnation = incarnation;

        if (seg->missing == 0) {
            ngx_http_push_segment_everything_locked(seg, seg->box, 0);
        }
    }

    ngx_http_push_segment_unlock(seg);
}


static void
ngx_http_push_zone_enter_channel(void *data, ngx_http_push_channel_t *ch)
{
    ngx_http_push_zone_t  *z = data;

    ngx_str_t  name;

    ch->census = NULL;

    if (ch->nsubs == 0) {
        return;
    }

    name.data = ch->name;
    name.len = ch->len;

    (void) ngx_http_push_zone_enter(z, &name, ch->hash, ch->nsubs, 0,
                                    &ch->census);
}


/* for the channels that were not entered, so that it is worth a walk */

static ngx_uint_t
ngx_http_push_zone_has_room(ngx_http_push_zone_t *z)
{
    size_t  room;

    if (z->seg.missing == 0 || ngx_time() < z->retry) {
        return 0;
    }

    z->retry = ngx_time() + NGX_HTTP_PUSH_ZONE_RETRY;

    room = z->seg.shpool->pfree * ngx_pagesize;

    return room / NGX_HTTP_PUSH_ZONE_ENTRY > z->seg.missing;
}


ngx_int_t
ngx_http_push_zone_sweep(ngx_http_push_zone_t *z, ngx_uint_t slot)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    if (slot >= z->seg.sh->nboxes) {
        return NGX_OK;
    }

    if (z->swept != slot) {
        z->swept = slot;
        z->cursor.len = 0;
    }

    rc = NGX_AGAIN;

    for (i = 0; rc == NGX_AGAIN && i < NGX_HTTP_PUSH_ZONE_STEPS; i++) {

        ngx_http_push_segment_lock(&z->seg);

        rc = ngx_http_push_zone_sweep_locked(z, slot);

        ngx_http_push_segment_unlock(&z->seg);
    }

    if (rc == NGX_OK) {
        z->swept = NGX_HTTP_PUSH_SLOT_NONE;
    }

    return rc;
}


static ngx_int_t
ngx_http_push_zone_sweep_locked(ngx_http_push_zone_t *z, ngx_uint_t slot)
{
    ngx_http_push_segment_box_t  *box;

    box = &z->seg.sh->boxes[slot];

    if (!(box->flags & NGX_HTTP_PUSH_SEGMENT_ATTACHED)) {
        return NGX_OK;
    }

    box->flags |= NGX_HTTP_PUSH_SEGMENT_DEAD;

    ngx_http_push_history_clear_locked(&z->seg, slot);

    if (ngx_http_push_mailbox_clear_locked(&z->seg, slot) == NGX_AGAIN
        || ngx_http_push_zone_sweep_channels_locked(z, slot))
    {
        return NGX_AGAIN;
    }

    ngx_http_push_segment_everything_locked(&z->seg, box, 0);

    box->busy = 0;
    box->lost = 0;
    box->owner = 0;
    box->interests = 0;
    box->flags = 0;

    return NGX_OK;
}


/* 1: there may be more of the slot's behind the cursor */

static ngx_uint_t
ngx_http_push_zone_sweep_channels_locked(ngx_http_push_zone_t *z,
    ngx_uint_t slot)
{
    ngx_uint_t                         i;
    ngx_http_push_segment_t           *seg;
    ngx_http_push_audience_channel_t  *ch, *next;

    seg = &z->seg;

    if (seg->sh->boxes[slot].interests == 0) {
        return 0;
    }

    ch = ngx_http_push_audience_seek_locked(seg, &z->cursor);

    for (i = 0; ch != NULL && i < NGX_HTTP_PUSH_ZONE_STEP; i++) {

        next = ngx_http_push_audience_after_locked(seg, ch);

        if (i == NGX_HTTP_PUSH_ZONE_STEP - 1) {
            ngx_http_push_audience_mark(&z->cursor, ch);
        }

        (void) ngx_http_push_audience_remove_locked(seg, ch, slot);

        ch = next;
    }

    return ch != NULL && seg->sh->boxes[slot].interests != 0;
}


/*
 * Of the tables: the arena is empty again in the next moment.  Whoever of all
 * workers sees it says it; should two of them, it is said twice.
 */

void
ngx_http_push_zone_tidy(ngx_http_push_zone_t *z)
{
    ngx_uint_t                       used, pages;
    ngx_slab_pool_t                 *pool;
    ngx_http_push_layout_history_t  *hs;

    ngx_http_push_history_tidy(&z->seg);

    pool = z->seg.shpool;
    hs = &z->seg.sh->history;

    pages = pool->last - pool->pages;
    used = 100 - pool->pfree * 100 / pages;

    if (used < NGX_HTTP_PUSH_ZONE_CALM) {
        hs->warned = 0;
        return;
    }

    if (used < NGX_HTTP_PUSH_ZONE_WARN || hs->warned) {
        return;
    }

    hs->warned = 1;

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "push zone \"%V\" is used to %ui%%, when it is full the "
                  "oldest messages are forgotten", &z->shm_zone->shm.name,
                  used);
}


void
ngx_http_push_zone_figures(ngx_http_push_zone_t *z,
    ngx_http_push_zone_figures_t *figures)
{
    ngx_http_push_segment_t     *seg;
    ngx_http_push_segment_sh_t  *sh;

    seg = &z->seg;
    sh = seg->sh;

    figures->size = z->shm_zone->shm.size;
    figures->channels_max = z->channels;

    ngx_http_push_segment_lock_read(seg);

    figures->free = (seg->shpool->pfree + sh->arena->pfree) * ngx_pagesize;
    figures->free_run = ngx_http_push_zone_run_locked(z);
    figures->channels = sh->channels;
    figures->messages = sh->messages;
    figures->message_bytes = sh->message_bytes;
    figures->resets = sh->resets;
    figures->history_channels = sh->history.channels;
    figures->history_messages = sh->history.messages;
    figures->history_bytes = sh->history.bytes;
    figures->evicted = sh->history.evicted;

    ngx_http_push_segment_unlock(seg);
}


/* the slab counts the pages of a run in its first one */

static size_t
ngx_http_push_zone_run_locked(ngx_http_push_zone_t *z)
{
    ngx_uint_t        i;
    uintptr_t         pages;
    ngx_slab_pool_t  *pool;
    ngx_slab_page_t  *page;

    pool = z->seg.shpool;
    pages = 0;

    for (page = pool->free.next, i = 0;
         page != &pool->free && i < NGX_HTTP_PUSH_ZONE_RUNS;
         page = page->next, i++)
    {
        pages = ngx_max(pages, page->slab);
    }

    return pages * ngx_pagesize;
}


ngx_uint_t
ngx_http_push_zone_top(ngx_http_push_zone_t *z, ngx_str_t *prefix,
    ngx_http_push_zone_channel_t *rows, ngx_uint_t n, ngx_uint_t *total)
{
    ngx_int_t                   rc;
    ngx_uint_t                  i, nrows;
    ngx_http_push_zone_step_t  *step;

    *total = 0;
    nrows = 0;

    step = ngx_alloc(sizeof(ngx_http_push_zone_step_t), ngx_cycle->log);
    if (step == NULL) {
        return 0;
    }

    step->cursor.len = 0;
    step->prefix = prefix;
    step->total = 0;

    do {
        if (nrows < n) {
            step->least = 1;

        } else {
            step->least = (n != 0) ? rows[n - 1].subscribers + 1
                                   : (ngx_uint_t) -1;
        }

        rc = ngx_http_push_zone_collect(z, step);

        for (i = 0; i < step->n; i++) {
            nrows = ngx_http_push_zone_merge(rows, nrows, n, &step->rows[i]);
        }

    } while (rc == NGX_AGAIN);

    *total = step->total;

    ngx_free(step);

    return nrows;
}


/* the next channels that may belong into the list; NGX_AGAIN: not the last */

static ngx_int_t
ngx_http_push_zone_collect(ngx_http_push_zone_t *z,
    ngx_http_push_zone_step_t *step)
{
    ngx_uint_t                         i;
    ngx_http_push_audience_channel_t  *ch;

    step->n = 0;

    ngx_http_push_segment_lock_read(&z->seg);

    ch = ngx_http_push_audience_seek_locked(&z->seg, &step->cursor);

    for (i = 0; ch != NULL && i < NGX_HTTP_PUSH_ZONE_ROWS; i++) {

        if (i == NGX_HTTP_PUSH_ZONE_ROWS - 1) {
            ngx_http_push_audience_mark(&step->cursor, ch);
        }

        ngx_http_push_zone_collect_row(z, step, ch);

        ch = ngx_http_push_audience_after_locked(&z->seg, ch);
    }

    ngx_http_push_segment_unlock(&z->seg);

    return (ch != NULL) ? NGX_AGAIN : NGX_OK;
}


static void
ngx_http_push_zone_collect_row(ngx_http_push_zone_t *z,
    ngx_http_push_zone_step_t *step, ngx_http_push_audience_channel_t *ch)
{
    ngx_uint_t                     n, workers;
    ngx_http_push_zone_channel_t  *row;

    if (step->prefix->len != 0
        && (ch->node.data < step->prefix->len
            || ngx_memcmp(ch->name, step->prefix->data, step->prefix->len)
               != 0))
    {
        return;
    }

    n = ngx_http_push_audience_sum(&z->seg, ch, &workers);

    if (n == 0) {
        return;
    }

    step->total++;

    if (n < step->least) {
        return;
    }

    row = &step->rows[step->n++];

    row->len = ch->node.data;
    row->subscribers = n;
    row->workers = workers;
    ngx_memcpy(row->name, ch->name, row->len);
}


/* behind all that have as many; returns how many rows there are now */

static ngx_uint_t
ngx_http_push_zone_merge(ngx_http_push_zone_channel_t *rows, ngx_uint_t nrows,
    ngx_uint_t n, ngx_http_push_zone_channel_t *row)
{
    ngx_uint_t  i;

    for (i = nrows; i != 0 && rows[i - 1].subscribers < row->subscribers; i--)
    {
        /* void */
    }

    if (i == n) {
        return nrows;
    }

    if (nrows < n) {
        nrows++;
    }

    ngx_memmove(&rows[i + 1], &rows[i],
                (nrows - i - 1) * sizeof(ngx_http_push_zone_channel_t));

    rows[i] = *row;

    return nrows;
}
