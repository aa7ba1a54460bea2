/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the shared memory zone of push_zone as the rest of the module sees
 * it: which worker has how many subscribers of which channel.
 */


#ifndef _NGX_HTTP_PUSH_ZONE_H_INCLUDED_
#define _NGX_HTTP_PUSH_ZONE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_census.h"
#include "ngx_http_push_hub.h"


/* the least size; more than 32 worker_processes need some more */
#define NGX_HTTP_PUSH_ZONE_MIN  (128 * 1024)


typedef struct ngx_http_push_zone_s  ngx_http_push_zone_t;

struct ngx_http_push_segment_s;


/* a row of the channel list */

typedef struct {
    u_char                     name[256];
    size_t                     len;
    ngx_uint_t                 subscribers;
    ngx_uint_t                 workers;
} ngx_http_push_zone_channel_t;


typedef struct {
    size_t                     size;
    size_t                     free;          /* pages, in bytes */
    size_t                     free_run;      /* longest, of the tables */
    ngx_uint_t                 channels;
    ngx_uint_t                 channels_max;  /* 0: no bound */
    ngx_uint_t                 messages;      /* under way */
    size_t                     message_bytes;
    ngx_uint_t                 resets;        /* rebuilt after a kill -9 */
    ngx_uint_t                 history_channels;
    ngx_uint_t                 history_messages;
    size_t                     history_bytes;
    uint64_t                   evicted;       /* messages, for want of room */
} ngx_http_push_zone_figures_t;


/*
 * While the configuration is read: makes the zone (ngx_shared_memory_add).
 * channels is the bound of channels= or 0.  NULL after an error was logged.
 */
ngx_http_push_zone_t *ngx_http_push_zone_create(ngx_conf_t *cf,
    ngx_str_t *name, size_t size, ngx_uint_t channels, void *tag);

/*
 * In init_process: this worker speaks for the slot from now on, and its
 * mailbox is open.  In exit_process, after hub and bus: all that it has in
 * the zone is given back.
 */
void ngx_http_push_zone_attach(ngx_http_push_zone_t *z, ngx_uint_t slot);
void ngx_http_push_zone_detach(ngx_http_push_zone_t *z);

/*
 * In init_module of the single-process mode: nginx goes on with the process
 * and unmaps the old zone, so what is in z moves to what the new
 * configuration has made.  Not from within a call of the hub.
 */
void ngx_http_push_zone_move(ngx_http_push_zone_t *z,
    ngx_http_push_zone_t *to, ngx_http_push_hub_t *h);

/* a number that differs for zones that do not share memory, never 0 */
uint64_t ngx_http_push_zone_id(ngx_http_push_zone_t *z);

/* fills the functions of core/census for this zone */
void ngx_http_push_zone_census(ngx_http_push_zone_t *z,
    ngx_http_push_census_t *census);

/*
 * Whenever the bell rings, and once a second: enters the hub's channels again
 * when the zone was rebuilt, or when there was no room for some and now is.
 * Cheap when there is nothing to do.  Not from within a call of the hub.
 */
void ngx_http_push_zone_reenter(ngx_http_push_zone_t *z,
    ngx_http_push_hub_t *h);

/*
 * A worker is gone: from the first call on nothing of it counts any more, and
 * what it had in the zone is given back, in steps of some milliseconds.
 * NGX_OK; NGX_AGAIN: there is more to do.
 */
ngx_int_t ngx_http_push_zone_sweep(ngx_http_push_zone_t *z, ngx_uint_t slot);

/*
 * Once a second: forgets messages whose time is over, and warns when the zone
 * fills up.  One of the workers does it for all.
 */
void ngx_http_push_zone_tidy(ngx_http_push_zone_t *z);

void ngx_http_push_zone_figures(ngx_http_push_zone_t *z,
    ngx_http_push_zone_figures_t *figures);

/*
 * The n channels with the most subscribers whose name begins with prefix,
 * most first, into rows; returns how many, *total is the number of all
 * channels with that prefix.  Walks the whole table, but does not hold the
 * lock for longer than some hundred channels at a time.
 */
ngx_uint_t ngx_http_push_zone_top(ngx_http_push_zone_t *z, ngx_str_t *prefix,
    ngx_http_push_zone_channel_t *rows, ngx_uint_t n, ngx_uint_t *total);

/* for shm/bus_shm only */
struct ngx_http_push_segment_s *ngx_http_push_zone_segment(
    ngx_http_push_zone_t *z);


#endif /* _NGX_HTTP_PUSH_ZONE_H_INCLUDED_ */
