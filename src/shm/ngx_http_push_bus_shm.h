/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the bus of one machine: messages go through the workers'
 * mailboxes in the zone.
 */


#ifndef _NGX_HTTP_PUSH_BUS_SHM_H_INCLUDED_
#define _NGX_HTTP_PUSH_BUS_SHM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_bus.h"
#include "ngx_http_push_feed.h"
#include "ngx_http_push_hub.h"
#include "ngx_http_push_zone.h"


/* in init_process; NULL after an error was logged */
ngx_http_push_bus_t *ngx_http_push_bus_shm_create(ngx_http_push_zone_t *z,
    ngx_http_push_hub_t *h, ngx_http_push_feeds_t *fs, ngx_log_t *log);

/*
 * The bell rang, or a second has passed: takes what is in this worker's
 * mailbox, in bounded batches.  Not from within a call of the hub.
 */
void ngx_http_push_bus_shm_ring(ngx_http_push_bus_t *bus);


#endif /* _NGX_HTTP_PUSH_BUS_SHM_H_INCLUDED_ */
