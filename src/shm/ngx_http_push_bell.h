/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the bell of this worker: its eventfd as a connection of nginx's
 * event loop.  Rings for mail, and is told when the worker has to quit.
 */


#ifndef _NGX_HTTP_PUSH_BELL_H_INCLUDED_
#define _NGX_HTTP_PUSH_BELL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


/*
 * ring: somebody has written to this slot, or had written to it when another
 * worker owned it.  quit: nginx asked idle connections to close (FACTS 3): the
 * worker drains; forced is set when worker_shutdown_timeout has run out.  May
 * be called more than once, and may close the bell.
 */

typedef struct {
    void                     (*ring)(void *data);
    void                     (*quit)(void *data, ngx_uint_t forced);
    void                      *data;
} ngx_http_push_bell_handlers_t;


/*
 * In init_process, after the slot was claimed; the handlers are copied.
 * NGX_ERROR is logged.
 */
ngx_int_t ngx_http_push_bell_open(ngx_cycle_t *cycle, ngx_uint_t slot,
    ngx_http_push_bell_handlers_t *handlers);

/*
 * In exit_process, always: nginx would find an open socket.  Does not close
 * the eventfd, which the master owns.  A second call does nothing.
 */
void ngx_http_push_bell_close(void);


#endif /* _NGX_HTTP_PUSH_BELL_H_INCLUDED_ */
