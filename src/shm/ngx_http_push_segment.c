/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the segment behind push_zone: layout, lock and recovery.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_process.h"
#include "ngx_http_push_segment.h"
#include "ngx_http_push_slots.h"


#define NGX_HTTP_PUSH_SEGMENT_LINE         64     /* of the cache */
#define NGX_HTTP_PUSH_SEGMENT_PAGES        16     /* least for the tables */
#define NGX_HTTP_PUSH_SEGMENT_ARENA_PAGES  6      /* least for messages */
#define NGX_HTTP_PUSH_SEGMENT_MIN_SHIFT    6      /* of the arena's slab */
#define NGX_HTTP_PUSH_SEGMENT_LOOKS        1000   /* between looks at who is
                                                     busy */
#define NGX_HTTP_PUSH_SEGMENT_MAILBOX      4096
#define NGX_HTTP_PUSH_SEGMENT_MESSAGE      ((size_t) 1 << 30)


static uint64_t ngx_http_push_segment_random(ngx_log_t *log);
static void ngx_http_push_segment_sizes(ngx_http_push_segment_t *seg,
    ngx_shm_zone_t *zone);
static void ngx_http_push_segment_format_locked(ngx_http_push_segment_t *seg);
static void ngx_http_push_segment_format_history(
    ngx_http_push_segment_sh_t *sh);
static void ngx_http_push_segment_rebuild_locked(
    ngx_http_push_segment_t *seg);
static void ngx_http_push_segment_await(ngx_http_push_segment_box_t *box);
static void ngx_http_push_segment_announce(ngx_http_push_segment_t *seg);


void
ngx_http_push_segment_open(ngx_http_push_segment_t *seg, ngx_shm_zone_t *zone,
    ngx_http_push_segment_sh_t *sh)
{
    seg->shpool = (ngx_slab_pool_t *) zone->shm.addr;
    seg->sh = sh;

    ngx_http_push_segment_sizes(seg, zone);
}


/*
 * Tables first, in the slab that nginx has made, which is cut at its end.
 * Then the arena, a slab of its own, so that messages under way find their
 * room however full and fragmented the tables are.  It takes an eighth of the
 * zone for the largest message and half as much for references and for what
 * another worker is just filling.  Last what has to survive a rebuild.
 */

ngx_int_t
ngx_http_push_segment_create(ngx_http_push_segment_t *seg,
    ngx_shm_zone_t *zone, ngx_uint_t nboxes, size_t *least)
{
    u_char                      *p;
    size_t                       size, head, arena;
    ngx_slab_pool_t             *shpool;
    ngx_http_push_segment_sh_t  *sh;

    head = ngx_align(sizeof(ngx_http_push_segment_sh_t),
                     NGX_HTTP_PUSH_SEGMENT_LINE);
    size = head + nboxes * sizeof(ngx_http_push_segment_box_t);
    arena = zone->shm.size / 16 * 3;

    *least = (size + NGX_HTTP_PUSH_SEGMENT_PAGES * ngx_pagesize) / 13 * 16;
    *least = ngx_max(*least, NGX_HTTP_PUSH_SEGMENT_ARENA_PAGES * ngx_pagesize
                             / 3 * 16);
    *least = ngx_align(*least, ngx_pagesize);

    if (zone->shm.size < *least) {
        return NGX_ERROR;
    }

    shpool = (ngx_slab_pool_t *) zone->shm.addr;

    p = zone->shm.addr + zone->shm.size - size;
    p -= (uintptr_t) p % NGX_HTTP_PUSH_SEGMENT_LINE;

    sh = (ngx_http_push_segment_sh_t *) p;
    ngx_memzero(sh, size);

    p -= arena;
    p -= (uintptr_t) p % ngx_pagesize;

    sh->arena = (ngx_slab_pool_t *) p;
    sh->arena_size = (u_char *) sh - p;
    sh->nboxes = nboxes;
    sh->boxes = (ngx_http_push_segment_box_t *) ((u_char *) sh + head);

    sh->id = ngx_http_push_segment_random(zone->shm.log);

    shpool->end = p;
    shpool->data = sh;

    seg->sh = sh;
    seg->shpool = shpool;

    ngx_http_push_segment_sizes(seg, zone);
    ngx_http_push_segment_format_locked(seg);

    return NGX_OK;
}


/*
 * The epochs of the zone's histories are counted from it: that of the next
 * zone, after a restart, is to be another one.  Never 0.
 */

static uint64_t
ngx_http_push_segment_random(ngx_log_t *log)
{
    ssize_t   n;
    uint64_t  id, drawn;
    ngx_fd_t  fd;

    id = ((uint64_t) ngx_random() << 32) ^ ngx_random()
         ^ ((uint64_t) ngx_time() << 16) ^ ngx_pid;

    fd = ngx_open_file((u_char *) "/dev/urandom", NGX_FILE_RDONLY,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_WARN, log, ngx_errno,
                      ngx_open_file_n " \"/dev/urandom\" failed");
        return id ? id : 1;
    }

    n = ngx_read_fd(fd, &drawn, sizeof(uint64_t));

    if (n == sizeof(uint64_t)) {
        id ^= drawn;
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      ngx_close_file_n " \"/dev/urandom\" failed");
    }

    return id ? id : 1;
}


static void
ngx_http_push_segment_sizes(ngx_http_push_segment_t *seg, ngx_shm_zone_t *zone)
{
    seg->slot = NGX_HTTP_PUSH_SLOT_NONE;

    seg->message_max = ngx_min(zone->shm.size / 8,
                               NGX_HTTP_PUSH_SEGMENT_MESSAGE);

    seg->mailbox_max = ngx_min(seg->sh->arena_size / 128,
                               NGX_HTTP_PUSH_SEGMENT_MAILBOX);
}


/* both slabs, from nothing */

static void
ngx_http_push_segment_format_locked(ngx_http_push_segment_t *seg)
{
    ngx_slab_pool_t             *arena;
    ngx_http_push_segment_sh_t  *sh;

    sh = seg->sh;

    ngx_slab_init(seg->shpool);
    seg->shpool->log_nomem = 0;

    arena = sh->arena;

    ngx_memzero(arena, sizeof(ngx_slab_pool_t));

    arena->end = (u_char *) arena + sh->arena_size;
    arena->min_shift = NGX_HTTP_PUSH_SEGMENT_MIN_SHIFT;

    ngx_slab_init(arena);
    arena->log_nomem = 0;

    ngx_rbtree_sentinel_init(&sh->sentinel);
    sh->root = &sh->sentinel;

    sh->channels = 0;
    sh->messages = 0;
    sh->message_bytes = 0;
    sh->making = NULL;

    ngx_http_push_segment_format_history(sh);
}


static void
ngx_http_push_segment_format_history(ngx_http_push_segment_sh_t *sh)
{
    ngx_uint_t                       i;
    ngx_http_push_layout_history_t  *hs;
    ngx_http_push_layout_repeats_t  *rs;

    hs = &sh->history;

    hs->root = &sh->sentinel;
    hs->due = &sh->sentinel;
    hs->draft = NULL;
    hs->channels = 0;
    hs->messages = 0;
    hs->bytes = 0;

    ngx_queue_init(&hs->ages);

    for (i = 0; i < NGX_HTTP_PUSH_LAYOUT_SIZES; i++) {
        ngx_queue_init(&hs->sizes[i]);
    }

    rs = &sh->repeats;

    rs->root = &sh->sentinel;
    rs->n = 0;

    ngx_queue_init(&rs->ages);
}


void
ngx_http_push_segment_lock(ngx_http_push_segment_t *seg)
{
    ngx_http_push_segment_lock_read(seg);

    seg->sh->dirty = 1;

    ngx_memory_barrier();
}


void
ngx_http_push_segment_lock_read(ngx_http_push_segment_t *seg)
{
    ngx_http_push_process_lock(seg->shpool->mutex.lock);

    if (!seg->sh->dirty) {
        return;
    }

    ngx_http_push_segment_rebuild_locked(seg);

    ngx_memory_barrier();

    seg->sh->dirty = 0;
}


void
ngx_http_push_segment_unlock(ngx_http_push_segment_t *seg)
{
    ngx_memory_barrier();

    seg->sh->dirty = 0;

    ngx_http_push_process_unlock(seg->shpool->mutex.lock);

    if (seg->rebuilt) {
        ngx_http_push_segment_announce(seg);
    }
}


/*
 * Which messages were lost is not known: every worker tells its channels so,
 * and is woken for everything until it has entered them again.  Whoever is
 * killed in here leaves the mark dirty, and the next one begins anew.
 */

static void
ngx_http_push_segment_rebuild_locked(ngx_http_push_segment_t *seg)
{
    ngx_uint_t                    i;
    ngx_http_push_segment_sh_t   *sh;
    ngx_http_push_segment_box_t  *box;

    sh = seg->sh;

    (void) ngx_atomic_fetch_add(&sh->incarnation, 1);

    for (i = 0; i < sh->high; i++) {
        ngx_http_push_segment_await(&sh->boxes[i]);
    }

    ngx_http_push_segment_format_locked(seg);

    sh->everything = 0;

    for (i = 0; i < sh->high; i++) {
        box = &sh->boxes[i];

        box->lost += box->n;
        box->n = 0;
        box->head = NULL;
        box->tail = NULL;
        box->first = 0;
        box->last = 0;
        box->bytes = 0;
        box->interests = 0;
        box->drops++;

        if (box->flags & NGX_HTTP_PUSH_SEGMENT_ATTACHED) {
            box->flags |= NGX_HTTP_PUSH_SEGMENT_EVERYTHING
                          |NGX_HTTP_PUSH_SEGMENT_GAP;
            sh->everything++;
        }
    }

    sh->resets++;

    seg->rebuilt = 1;
}


/* until its worker has left the slab, or is no more */

static void
ngx_http_push_segment_await(ngx_http_push_segment_box_t *box)
{
    ngx_uint_t         i;
    ngx_atomic_uint_t  pid;

    for (i = 1; /* void */ ; i++) {
        pid = box->busy;

        if (pid == 0
            || pid == (ngx_atomic_uint_t) ngx_pid
            || (i % NGX_HTTP_PUSH_SEGMENT_LOOKS == 0
                && ngx_http_push_process_gone((ngx_pid_t) pid, 0)))
        {
            return;
        }

        ngx_sched_yield();
    }
}


static void
ngx_http_push_segment_announce(ngx_http_push_segment_t *seg)
{
    ngx_uint_t                   i;
    ngx_http_push_segment_sh_t  *sh;

    sh = seg->sh;

    seg->rebuilt = 0;

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "push zone: a process died inside it, the zone was rebuilt, "
                  "messages under way are lost");

    for (i = 0; i < sh->high; i++) {
        if (sh->boxes[i].flags & NGX_HTTP_PUSH_SEGMENT_ATTACHED) {
            ngx_http_push_slots_ring(i);
        }
    }
}


/*
 * The mark first, then, after a full barrier, the look at the incarnation; a
 * rebuild does it the other way round, so that one of the two sees the other.
 */

ngx_uint_t
ngx_http_push_segment_enter(ngx_http_push_segment_t *seg,
    ngx_atomic_uint_t incarnation)
{
    seg->box->busy = ngx_pid;

    ngx_memory_barrier();

    if (seg->sh->incarnation == incarnation) {
        return 1;
    }

    ngx_http_push_segment_leave(seg);

    return 0;
}


void
ngx_http_push_segment_leave(ngx_http_push_segment_t *seg)
{
    ngx_memory_barrier();

    seg->box->busy = 0;
}


void
ngx_http_push_segment_everything_locked(ngx_http_push_segment_t *seg,
    ngx_http_push_segment_box_t *box, ngx_uint_t on)
{
    ngx_uint_t  is;

    is = (box->flags & NGX_HTTP_PUSH_SEGMENT_EVERYTHING) ? 1 : 0;

    if (is == on) {
        return;
    }

    box->flags ^= NGX_HTTP_PUSH_SEGMENT_EVERYTHING;

    if (on) {
        seg->sh->everything++;

    } else {
        seg->sh->everything--;
    }
}
