/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the table of worker slots: who lives, what each has counted, and
 * the eventfd that wakes it.  A mapping of its own beside the zone, so that
 * it survives a reload with another zone size.
 */


#ifndef _NGX_HTTP_PUSH_SLOTS_H_INCLUDED_
#define _NGX_HTTP_PUSH_SLOTS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_figures.h"


#define NGX_HTTP_PUSH_SLOT_NONE  ((ngx_uint_t) -1)
#define NGX_HTTP_PUSH_SLOTS_MAX  2048


/*
 * In shared memory; identity is the pid and its start time.  The first cache
 * line is read by all, the second is where the others knock, the third and
 * what follows is written by the owner alone.
 */

typedef struct {
    ngx_atomic_t               pid;           /* 0: free */
    ngx_atomic_t               sweeper;       /* pid that cleans it up */
    uint64_t                   started;       /* of pid: clock ticks */
    uint64_t                   generation;    /* of the configuration */
    uint64_t                   zone_id;       /* which zone it works in */
    uint64_t                   draining;      /* ms since 1970, 0: no */
    uint64_t                   drained;       /* drain ends; ms since 1970 */
    ngx_atomic_t               leave;         /* asked to leave at once */

    ngx_atomic_t               ringing;       /* it will look by itself */
    ngx_atomic_t               folded;        /* figures are in the totals */
    uint64_t                   pad[6];

    ngx_http_push_figures_t    figures;
} ngx_http_push_slot_t;


/* NGX_OK: done; NGX_AGAIN: there is more to do, call again soon */
typedef ngx_int_t (*ngx_http_push_slots_gone_pt)(void *data, ngx_uint_t slot);


/*
 * How many slots there are, or will be once they are opened for this
 * configuration: 8 for each of worker_processes, 256 at least.
 */
ngx_uint_t ngx_http_push_slots_plan(ngx_cycle_t *cycle);

/*
 * In the master (or the single process) at each init_module that finds the
 * module used; does nothing under nginx -t.  The first call makes the slots
 * and as many eventfds, kept until the process ends; each bumps the
 * generation.  NGX_ERROR is logged.
 */
ngx_int_t ngx_http_push_slots_open(ngx_cycle_t *cycle);

/*
 * In init_process: claims a free slot for this process; a process that claims
 * twice keeps its slot.  With no free slot the oldest draining generation is
 * asked to leave, and NGX_HTTP_PUSH_SLOT_NONE given back: try again later.
 */
ngx_uint_t ngx_http_push_slots_claim(uint64_t zone_id, ngx_log_t *log);

/*
 * In exit_process, after ngx_http_push_zone_detach(): folds the figures into
 * the totals and frees the slot.
 */
void ngx_http_push_slots_release(void);

/*
 * Once a second by every worker: calls gone(data, slot) for each slot whose
 * process is no more, after its figures were folded into the totals (exactly
 * once, whoever is killed meanwhile) and before the slot is free.  Several
 * workers may sweep at once, and a sweeper may be killed: the next one goes
 * on.  A slot of another zone is left to the workers of that zone; the last
 * of them gone, its slot is freed without a call.  Look for mail afterwards: a
 * ring that was lost with its ringer is made up for.
 *
 * NGX_OK, or NGX_AGAIN where gone() had more to do: call again soon.
 */
ngx_int_t ngx_http_push_slots_sweep(ngx_http_push_slots_gone_pt gone,
    void *data);

ngx_uint_t ngx_http_push_slots_count(void);

/* NGX_HTTP_PUSH_SLOT_NONE where this process has none */
ngx_uint_t ngx_http_push_slots_self(void);

ngx_http_push_slot_t *ngx_http_push_slots_get(ngx_uint_t slot);

/*
 * The machine: sums the workers that live, and the totals of those that are
 * gone.  links are left zero.
 */
void ngx_http_push_slots_sum(ngx_http_push_figures_t *sum);

/* generation of the configuration that this process runs */
uint64_t ngx_http_push_slots_generation(void);

/* the eventfd of a slot, for the bell */
ngx_fd_t ngx_http_push_slots_eventfd(ngx_uint_t slot);

/* wakes the worker of the slot; no system call when it is awake already */
void ngx_http_push_slots_ring(ngx_uint_t slot);

/*
 * By the worker of the slot, before it looks for what the others have left
 * there: from here on it has to be rung again.
 */
void ngx_http_push_slots_heard(void);


#endif /* _NGX_HTTP_PUSH_SLOTS_H_INCLUDED_ */
