/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the table of worker slots, the totals of workers that are gone,
 * and the eventfds.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#if (NGX_HAVE_EVENTFD)
#include <sys/eventfd.h>
#else
#error ngx_http_push_module needs eventfd()
#endif

#include "ngx_http_push_process.h"
#include "ngx_http_push_slots.h"


#define NGX_HTTP_PUSH_SLOTS_MIN     256
#define NGX_HTTP_PUSH_SLOTS_FACTOR  8
#define NGX_HTTP_PUSH_SLOTS_LOOKS   8   /* start times compared in a sweep */
#define NGX_HTTP_PUSH_SLOTS_LINE    64  /* of the cache */
#define NGX_HTTP_PUSH_SLOTS_WARN    5   /* seconds until it asks again */

#define NGX_HTTP_PUSH_SLOTS_TOTALS                                            \
    ((offsetof(ngx_http_push_figures_t, end)                                  \
      - offsetof(ngx_http_push_figures_t, totals)) / sizeof(uint64_t))
#define NGX_HTTP_PUSH_SLOTS_FIGURES                                           \
    (offsetof(ngx_http_push_figures_t, end) / sizeof(uint64_t))

#define ngx_http_push_slots_align(n)                                          \
    ngx_align(n, NGX_HTTP_PUSH_SLOTS_LINE)


/*
 * In shared memory, made by the master and never freed.  lock is held for
 * some microseconds by who claims, frees or sums; a process may be killed
 * anywhere, so what it protects is in order after each single store:
 *
 * Folding adds up a slot's totals twice over: first into redo[], then redo_of
 * tells (slot + 1) that redo[] is complete, then it is copied to retired[]
 * and the slot marked folded, then redo_of is cleared.  Killed before redo_of
 * is set, nothing has happened; after it the next one who takes the lock
 * copies again.  So totals are neither lost nor counted twice.
 */

typedef struct {
    ngx_atomic_t               lock;
    ngx_atomic_t               redo_of;
    uint64_t                   retired[NGX_HTTP_PUSH_SLOTS_TOTALS];
    uint64_t                   redo[NGX_HTTP_PUSH_SLOTS_TOTALS];
} ngx_http_push_slots_table_t;


static ngx_int_t ngx_http_push_slots_map(ngx_uint_t n, ngx_log_t *log);
static ngx_int_t ngx_http_push_slots_open_eventfds(ngx_uint_t n,
    ngx_log_t *log);
static void ngx_http_push_slots_hurry(ngx_log_t *log);
static ngx_uint_t ngx_http_push_slots_dead(ngx_uint_t i, ngx_uint_t *looks);
static ngx_uint_t ngx_http_push_slots_foreign(ngx_http_push_slot_t *slot,
    ngx_http_push_slot_t *self);
static ngx_uint_t ngx_http_push_slots_begin(ngx_http_push_slot_t *slot,
    ngx_atomic_uint_t pid);
static ngx_uint_t ngx_http_push_slots_swept_locked(
    ngx_http_push_slot_t *slot);
static void ngx_http_push_slots_end(ngx_http_push_slot_t *slot);
static void ngx_http_push_slots_lock(void);
static void ngx_http_push_slots_unlock(void);
static void ngx_http_push_slots_fold_locked(ngx_http_push_slot_t *slot);
static void ngx_http_push_slots_redo_locked(void);
static void ngx_http_push_slots_free_locked(ngx_http_push_slot_t *slot);
static void ngx_http_push_slots_add(uint64_t *dst, void *src, ngx_uint_t n);


/* this process's view; but for self it is inherited by fork */

static ngx_http_push_slots_table_t  *ngx_http_push_slots_table;
static u_char                       *ngx_http_push_slots_first;
static ngx_fd_t                     *ngx_http_push_slots_eventfds;
static ngx_uint_t                    ngx_http_push_slots_n;
static uint64_t                      ngx_http_push_slots_gen;
static ngx_uint_t                    ngx_http_push_slots_looked;
static time_t                        ngx_http_push_slots_warned;
static ngx_uint_t                    ngx_http_push_slots_own =
                                                     NGX_HTTP_PUSH_SLOT_NONE;
static ngx_pid_t                     ngx_http_push_slots_owner;


ngx_uint_t
ngx_http_push_slots_plan(ngx_cycle_t *cycle)
{
    ngx_uint_t        n;
    ngx_core_conf_t  *ccf;

    if (ngx_http_push_slots_n) {
        return ngx_http_push_slots_n;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    n = ccf->worker_processes * NGX_HTTP_PUSH_SLOTS_FACTOR;

    n = ngx_max(n, NGX_HTTP_PUSH_SLOTS_MIN);

    return ngx_min(n, NGX_HTTP_PUSH_SLOTS_MAX);
}


ngx_int_t
ngx_http_push_slots_open(ngx_cycle_t *cycle)
{
    ngx_uint_t  n;

    if (ngx_test_config) {
        return NGX_OK;
    }

    if (ngx_http_push_slots_n == 0) {

        n = ngx_http_push_slots_plan(cycle);

        if (ngx_http_push_slots_eventfds == NULL
            && ngx_http_push_slots_open_eventfds(n, cycle->log) != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (ngx_http_push_slots_map(n, cycle->log) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_http_push_slots_n = n;
    }

    ngx_http_push_slots_gen++;

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_slots_map(ngx_uint_t n, ngx_log_t *log)
{
    size_t     head;
    ngx_shm_t  shm;

    head = ngx_http_push_slots_align(sizeof(ngx_http_push_slots_table_t));

    ngx_memzero(&shm, sizeof(ngx_shm_t));

    ngx_str_set(&shm.name, "ngx_http_push_slots");
    shm.log = log;
    shm.size = head
               + n * ngx_http_push_slots_align(sizeof(ngx_http_push_slot_t));

    if (ngx_shm_alloc(&shm) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(shm.addr, shm.size);

    ngx_http_push_slots_table = (ngx_http_push_slots_table_t *) shm.addr;
    ngx_http_push_slots_first = shm.addr + head;

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_slots_open_eventfds(ngx_uint_t n, ngx_log_t *log)
{
    ngx_fd_t    *fds;
    ngx_uint_t   i;

    fds = ngx_alloc(n * sizeof(ngx_fd_t), log);
    if (fds == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        fds[i] = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);

        if (fds[i] == -1) {
            ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                          "eventfd() failed, the push module needs %ui", n);

            while (i--) {
                (void) close(fds[i]);
            }

            ngx_free(fds);

            return NGX_ERROR;
        }
    }

    ngx_http_push_slots_eventfds = fds;

    return NGX_OK;
}


ngx_uint_t
ngx_http_push_slots_claim(uint64_t zone_id, ngx_log_t *log)
{
    ngx_uint_t             i;
    ngx_http_push_slot_t  *slot;

    i = ngx_http_push_slots_self();

    if (i != NGX_HTTP_PUSH_SLOT_NONE) {
        slot = ngx_http_push_slots_get(i);
        slot->generation = ngx_http_push_slots_gen;
        slot->zone_id = zone_id;

        return i;
    }

    ngx_http_push_slots_lock();

    for (i = 0; i < ngx_http_push_slots_n; i++) {
        slot = ngx_http_push_slots_get(i);

        if (slot->pid != 0) {
            continue;
        }

        ngx_http_push_slots_free_locked(slot);

        slot->started = ngx_http_push_process_started(ngx_pid);
        slot->generation = ngx_http_push_slots_gen;
        slot->zone_id = zone_id;

        ngx_memory_barrier();

        slot->pid = ngx_pid;

        break;
    }

    ngx_http_push_slots_unlock();

    if (i == ngx_http_push_slots_n) {
        ngx_http_push_slots_hurry(log);
        return NGX_HTTP_PUSH_SLOT_NONE;
    }

    ngx_http_push_slots_own = i;
    ngx_http_push_slots_owner = ngx_pid;

    ngx_log_debug2(NGX_LOG_DEBUG_CORE, log, 0,
                   "push slots: claimed %ui of %ui", i, ngx_http_push_slots_n);

    return i;
}


/* asks the oldest generation that is draining to leave at once */

static void
ngx_http_push_slots_hurry(ngx_log_t *log)
{
    uint64_t               oldest;
    ngx_uint_t             i;
    ngx_http_push_slot_t  *slot;

    if (ngx_time() - ngx_http_push_slots_warned < NGX_HTTP_PUSH_SLOTS_WARN) {
        return;
    }

    ngx_http_push_slots_warned = ngx_time();

    oldest = (uint64_t) -1;

    for (i = 0; i < ngx_http_push_slots_n; i++) {
        slot = ngx_http_push_slots_get(i);

        if (slot->pid != 0 && slot->draining != 0) {
            oldest = ngx_min(oldest, slot->generation);
        }
    }

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "no free worker slot of %ui, %s", ngx_http_push_slots_n,
                  (oldest == (uint64_t) -1)
                      ? "and no worker is shutting down"
                      : "workers that shut down are asked to hurry");

    for (i = 0; i < ngx_http_push_slots_n; i++) {
        slot = ngx_http_push_slots_get(i);

        if (slot->pid != 0
            && slot->draining != 0
            && slot->generation == oldest)
        {
            slot->leave = 1;
            ngx_http_push_slots_ring(i);
        }
    }
}


void
ngx_http_push_slots_release(void)
{
    ngx_uint_t             i;
    ngx_http_push_slot_t  *slot;

    i = ngx_http_push_slots_self();

    if (i == NGX_HTTP_PUSH_SLOT_NONE) {
        return;
    }

    slot = ngx_http_push_slots_get(i);

    ngx_http_push_slots_lock();

    ngx_http_push_slots_fold_locked(slot);
    ngx_http_push_slots_free_locked(slot);

    ngx_http_push_slots_unlock();

    ngx_http_push_slots_own = NGX_HTTP_PUSH_SLOT_NONE;
}


ngx_int_t
ngx_http_push_slots_sweep(ngx_http_push_slots_gone_pt gone, void *data)
{
    ngx_uint_t             i, looks;
    ngx_atomic_uint_t      pid;
    ngx_http_push_slot_t  *slot, *self;

    if (ngx_http_push_slots_self() == NGX_HTTP_PUSH_SLOT_NONE) {
        return NGX_OK;
    }

    ngx_http_push_slots_heard();

    self = ngx_http_push_slots_get(ngx_http_push_slots_own);
    looks = NGX_HTTP_PUSH_SLOTS_LOOKS;

    for (i = 0; i < ngx_http_push_slots_n; i++) {
        slot = ngx_http_push_slots_get(i);
        pid = slot->pid;

        if (pid == 0
            || slot == self
            || !ngx_http_push_slots_dead(i, &looks)
            || ngx_http_push_slots_foreign(slot, self)
            || !ngx_http_push_slots_begin(slot, pid))
        {
            continue;
        }

        if (slot->zone_id == self->zone_id && gone(data, i) == NGX_AGAIN) {
            return NGX_AGAIN;
        }

        ngx_http_push_slots_end(slot);
    }

    if (looks != 0) {
        ngx_http_push_slots_looked = 0;
    }

    return NGX_OK;
}


/*
 * kill() tells at once when a process is no more.  That another one has got
 * its pid is seen from the start time; that costs a file, so only some are
 * compared in each sweep, all of them in turn.
 */

static ngx_uint_t
ngx_http_push_slots_dead(ngx_uint_t i, ngx_uint_t *looks)
{
    ngx_pid_t              pid;
    ngx_http_push_slot_t  *slot;

    slot = ngx_http_push_slots_get(i);
    pid = (ngx_pid_t) slot->pid;

    if (slot->sweeper == (ngx_atomic_uint_t) ngx_pid
        || ngx_http_push_process_missing(pid))
    {
        return 1;
    }

    if (*looks == 0 || i < ngx_http_push_slots_looked) {
        return 0;
    }

    if (--(*looks) == 0) {
        ngx_http_push_slots_looked = i + 1;
    }

    return ngx_http_push_process_gone(pid, slot->started);
}


/*
 * What such a process has left in its zone can only be given back by another
 * one that has this zone mapped.
 */

static ngx_uint_t
ngx_http_push_slots_foreign(ngx_http_push_slot_t *slot,
    ngx_http_push_slot_t *self)
{
    ngx_uint_t             i;
    ngx_http_push_slot_t  *other;

    if (slot->zone_id == self->zone_id) {
        return 0;
    }

    for (i = 0; i < ngx_http_push_slots_n; i++) {
        other = ngx_http_push_slots_get(i);

        if (other != slot
            && other->pid != 0
            && other->zone_id == slot->zone_id
            && !ngx_http_push_process_missing((ngx_pid_t) other->pid))
        {
            return 1;
        }
    }

    return 0;
}


/* 1: the slot is ours to sweep, and its figures are in the totals */

static ngx_uint_t
ngx_http_push_slots_begin(ngx_http_push_slot_t *slot, ngx_atomic_uint_t pid)
{
    ngx_uint_t  ours;

    ngx_http_push_slots_lock();

    /* another one may have swept it, and a new worker claimed it, meanwhile */

    ours = (slot->pid == pid
            && ngx_http_push_process_gone((ngx_pid_t) pid, slot->started)
            && !ngx_http_push_slots_swept_locked(slot));

    if (ours) {
        slot->sweeper = ngx_pid;
        ngx_http_push_slots_fold_locked(slot);
    }

    ngx_http_push_slots_unlock();

    return ours;
}


/* 1: another worker sweeps it, and lives: it has a slot of its own */

static ngx_uint_t
ngx_http_push_slots_swept_locked(ngx_http_push_slot_t *slot)
{
    ngx_uint_t         i;
    ngx_atomic_uint_t  sweeper;

    sweeper = slot->sweeper;

    if (sweeper == 0 || sweeper == (ngx_atomic_uint_t) ngx_pid) {
        return 0;
    }

    for (i = 0; i < ngx_http_push_slots_n; i++) {

        if (ngx_http_push_slots_get(i)->pid == sweeper) {
            return !ngx_http_push_process_gone((ngx_pid_t) sweeper, 0);
        }
    }

    return 0;
}


static void
ngx_http_push_slots_end(ngx_http_push_slot_t *slot)
{
    ngx_http_push_slots_lock();

    if (slot->sweeper == (ngx_atomic_uint_t) ngx_pid) {
        ngx_http_push_slots_free_locked(slot);
    }

    ngx_http_push_slots_unlock();
}


ngx_uint_t
ngx_http_push_slots_count(void)
{
    return ngx_http_push_slots_n;
}


ngx_uint_t
ngx_http_push_slots_self(void)
{
    if (ngx_http_push_slots_owner != ngx_pid) {
        return NGX_HTTP_PUSH_SLOT_NONE;
    }

    return ngx_http_push_slots_own;
}


ngx_http_push_slot_t *
ngx_http_push_slots_get(ngx_uint_t slot)
{
    return (ngx_http_push_slot_t *)
               (ngx_http_push_slots_first
                + slot
                  * ngx_http_push_slots_align(sizeof(ngx_http_push_slot_t)));
}


void
ngx_http_push_slots_sum(ngx_http_push_figures_t *sum)
{
    ngx_uint_t             i;
    ngx_http_push_slot_t  *slot;

    ngx_memzero(sum, sizeof(ngx_http_push_figures_t));

    if (ngx_http_push_slots_n == 0) {
        return;
    }

    ngx_http_push_slots_lock();

    ngx_http_push_slots_add(sum->totals, ngx_http_push_slots_table->retired,
                            NGX_HTTP_PUSH_SLOTS_TOTALS);

    for (i = 0; i < ngx_http_push_slots_n; i++) {
        slot = ngx_http_push_slots_get(i);

        if (slot->pid != 0 && !slot->folded) {
            ngx_http_push_slots_add((uint64_t *) sum, &slot->figures,
                                    NGX_HTTP_PUSH_SLOTS_FIGURES);
        }
    }

    ngx_http_push_slots_unlock();
}


uint64_t
ngx_http_push_slots_generation(void)
{
    return ngx_http_push_slots_gen;
}


ngx_fd_t
ngx_http_push_slots_eventfd(ngx_uint_t slot)
{
    return ngx_http_push_slots_eventfds[slot];
}


/*
 * No wakeup is lost: who rings has left something, and then reads the mark;
 * who is rung has emptied the eventfd, clears the mark, and then looks for
 * what was left.  With a full barrier between the two steps of each, either
 * the ringer finds the mark cleared or the other one finds what he left.
 * Only a ringer that is killed between the mark and the write leaves a slot
 * that cannot be rung: therefore every sweep clears the sweeper's own mark.
 */

void
ngx_http_push_slots_ring(ngx_uint_t slot)
{
    uint64_t               one;
    ngx_http_push_slot_t  *s;

    s = ngx_http_push_slots_get(slot);

    ngx_memory_barrier();

    if (s->ringing || !ngx_atomic_cmp_set(&s->ringing, 0, 1)) {
        return;
    }

    one = 1;

    if (write(ngx_http_push_slots_eventfds[slot], &one, sizeof(uint64_t))
        == -1)
    {
        /* EAGAIN: it has been rung 2^64 - 2 times and is readable */

        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                      "write() to eventfd of slot %ui failed", slot);
    }
}


void
ngx_http_push_slots_heard(void)
{
    ngx_http_push_slot_t  *slot;

    slot = ngx_http_push_slots_get(ngx_http_push_slots_own);

    slot->ringing = 0;

    ngx_memory_barrier();
}


static void
ngx_http_push_slots_lock(void)
{
    ngx_http_push_process_lock(&ngx_http_push_slots_table->lock);

    ngx_http_push_slots_redo_locked();
}


static void
ngx_http_push_slots_unlock(void)
{
    ngx_http_push_process_unlock(&ngx_http_push_slots_table->lock);
}


static void
ngx_http_push_slots_fold_locked(ngx_http_push_slot_t *slot)
{
    ngx_uint_t                    i;
    ngx_http_push_slots_table_t  *t;

    if (slot->folded) {
        return;
    }

    t = ngx_http_push_slots_table;

    ngx_memcpy(t->redo, t->retired, sizeof(t->redo));

    ngx_http_push_slots_add(t->redo, slot->figures.totals,
                            NGX_HTTP_PUSH_SLOTS_TOTALS);

    i = ((u_char *) slot - ngx_http_push_slots_first)
        / ngx_http_push_slots_align(sizeof(ngx_http_push_slot_t));

    ngx_memory_barrier();

    t->redo_of = i + 1;

    ngx_memory_barrier();

    ngx_http_push_slots_redo_locked();
}


static void
ngx_http_push_slots_redo_locked(void)
{
    ngx_http_push_slots_table_t  *t;

    t = ngx_http_push_slots_table;

    if (t->redo_of == 0) {
        return;
    }

    ngx_memcpy(t->retired, t->redo, sizeof(t->retired));

    ngx_http_push_slots_get(t->redo_of - 1)->folded = 1;

    ngx_memory_barrier();

    t->redo_of = 0;
}


/* of a dead process, or of this one that leaves: nobody else writes to it */

static void
ngx_http_push_slots_free_locked(ngx_http_push_slot_t *slot)
{
    ngx_memzero(&slot->figures, sizeof(ngx_http_push_figures_t));

    slot->started = 0;
    slot->generation = 0;
    slot->zone_id = 0;
    slot->draining = 0;
    slot->drained = 0;
    slot->leave = 0;

    ngx_memory_barrier();

    slot->folded = 0;
    slot->sweeper = 0;

    ngx_memory_barrier();

    slot->pid = 0;
}


static void
ngx_http_push_slots_add(uint64_t *dst, void *src, ngx_uint_t n)
{
    uint64_t    *p;
    ngx_uint_t   i;

    p = src;

    for (i = 0; i < n; i++) {
        dst[i] += p[i];
    }
}
