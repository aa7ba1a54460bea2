/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: when which channel may look into its history: one read at a time
 * for a channel, some hundred for a worker, no more than clients can take.
 */


#ifndef _NGX_HTTP_PUSH_LOOKUP_H_INCLUDED_
#define _NGX_HTTP_PUSH_LOOKUP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_hub.h"
#include "ngx_http_push_read.h"


/* ms after a read until the next one that nothing but a doubt asks for */
#define NGX_HTTP_PUSH_LOOKUP_AGAIN       1000

/* given to subscribers in a turn of the loop, by reads */
#define NGX_HTTP_PUSH_LOOKUP_DELIVERIES  16384


typedef struct ngx_http_push_lookup_s  ngx_http_push_lookup_t;


typedef enum {
    NGX_HTTP_PUSH_LOOKUP_IDLE = 0,
    NGX_HTTP_PUSH_LOOKUP_DUE,             /* in ls->due */
    NGX_HTTP_PUSH_LOOKUP_LATER,           /* in ls->later */
    NGX_HTTP_PUSH_LOOKUP_FAILED,          /* in ls->failed */
    NGX_HTTP_PUSH_LOOKUP_READS            /* a read is under way */
} ngx_http_push_lookup_e;


/*
 * Of a worker.  The owner sets hub, log, prepare and finish.
 *
 * prepare: the turn of l has come: sets what is wanted in l->rd, all else of it
 *     is zeroed.  NGX_ERROR: out of memory.
 *
 * finish: l->rd has its outcome, never FAILED: that waits and is tried again.
 *     l may be gone afterwards.
 */

typedef struct {
    ngx_queue_t              due;
    ngx_queue_t              later;       /* by time */
    ngx_queue_t              failed;
    ngx_uint_t               reading;
    ngx_uint_t               delivered;   /* in this turn; the owner adds */
    ngx_uint_t               pumping;
    ngx_event_t              pump;
    ngx_connection_t         dummy;

    ngx_http_push_hub_t     *hub;
    ngx_log_t               *log;
    ngx_int_t              (*prepare)(ngx_http_push_lookup_t *l);
    void                   (*finish)(ngx_http_push_lookup_t *l);
} ngx_http_push_lookups_t;


/* of a channel; zeroed by its owner, who sets ls */

struct ngx_http_push_lookup_s {
    ngx_queue_t              queue;       /* by state */
    ngx_http_push_lookups_t *ls;
    ngx_http_push_read_t    *rd;          /* the owner's, set by prepare() */
    ngx_msec_t               asked;
    ngx_uint_t               state;       /* ngx_http_push_lookup_e */
};


void ngx_http_push_lookup_start(ngx_http_push_lookups_t *ls);
void ngx_http_push_lookup_stop(ngx_http_push_lookups_t *ls);

/*
 * There is something to read.  urgent: at once, else whoever has read just now
 * waits.  Nothing is read from within this call.
 */
void ngx_http_push_lookup_ask(ngx_http_push_lookup_t *l, ngx_uint_t urgent);

/* the same from within the call, of a bus whose reads are instant */
void ngx_http_push_lookup_now(ngx_http_push_lookup_t *l);

/* the channel is gone, or nothing is wanted any more */
void ngx_http_push_lookup_cancel(ngx_http_push_lookup_t *l);

/* reads that have failed would succeed now; and: some time has passed */
void ngx_http_push_lookup_resume(ngx_http_push_lookups_t *ls);
void ngx_http_push_lookup_tick(ngx_http_push_lookups_t *ls);

/* gives back what a read has brought */
void ngx_http_push_lookup_release(ngx_http_push_read_t *rd);


#endif /* _NGX_HTTP_PUSH_LOOKUP_H_INCLUDED_ */
