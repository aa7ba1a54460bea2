/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the bell of this worker: owns the connection that stands for its
 * eventfd.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_bell.h"
#include "ngx_http_push_slots.h"


static void ngx_http_push_bell_read_handler(ngx_event_t *rev);
static void ngx_http_push_bell_write_handler(ngx_event_t *wev);


static ngx_connection_t               *ngx_http_push_bell_connection;
static ngx_http_push_bell_handlers_t   ngx_http_push_bell_handlers;


/*
 * idle is what has nginx call the read handler when the worker quits, with
 * c->close set.  The mark of nginx's own channel, c->read->channel, would keep
 * the alert about an open socket away, but also the call at the end of
 * worker_shutdown_timeout; bell_close() comes before nginx looks for open
 * sockets, so the mark is not needed.
 */

ngx_int_t
ngx_http_push_bell_open(ngx_cycle_t *cycle, ngx_uint_t slot,
    ngx_http_push_bell_handlers_t *handlers)
{
    ngx_connection_t  *c;

    if (ngx_http_push_bell_connection != NULL) {
        ngx_http_push_bell_handlers = *handlers;
        return NGX_OK;
    }

    c = ngx_get_connection(ngx_http_push_slots_eventfd(slot), cycle->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->idle = 1;
    c->read->log = cycle->log;
    c->write->log = cycle->log;
    c->read->handler = ngx_http_push_bell_read_handler;
    c->write->handler = ngx_http_push_bell_write_handler;

    ngx_http_push_bell_connection = c;
    ngx_http_push_bell_handlers = *handlers;

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_http_push_bell_close();
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* the fd is the master's: everything of ngx_close_connection() but close() */

void
ngx_http_push_bell_close(void)
{
    ngx_connection_t  *c;

    c = ngx_http_push_bell_connection;

    if (c == NULL) {
        return;
    }

    ngx_http_push_bell_connection = NULL;

    if (c->read->active) {
        if (ngx_del_conn) {
            ngx_del_conn(c, 0);

        } else {
            ngx_del_event(c->read, NGX_READ_EVENT, 0);
        }
    }

    if (c->read->posted) {
        ngx_delete_posted_event(c->read);
    }

    c->read->closed = 1;
    c->write->closed = 1;

    ngx_free_connection(c);

    c->fd = (ngx_socket_t) -1;
}


static void
ngx_http_push_bell_read_handler(ngx_event_t *rev)
{
    uint64_t           n;
    ngx_uint_t         forced;
    ngx_connection_t  *c;

    c = rev->data;

    if (c->close) {
        forced = c->error;

        /* it goes on ringing: deliveries do, until the worker leaves */

        c->close = 0;
        c->error = 0;

        ngx_log_debug1(NGX_LOG_DEBUG_CORE, c->log, 0,
                       "push bell: quit, forced:%ui", forced);

        ngx_http_push_bell_handlers.quit(ngx_http_push_bell_handlers.data,
                                         forced);
        return;
    }

    if (read(c->fd, &n, sizeof(uint64_t)) == -1 && ngx_errno != NGX_EAGAIN) {
        ngx_log_error(NGX_LOG_ALERT, c->log, ngx_errno,
                      "read() from eventfd failed");
    }

    rev->ready = 0;

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_log_error(NGX_LOG_ALERT, c->log, 0, "the bell cannot be rung");
    }

    ngx_http_push_slots_heard();

    ngx_http_push_bell_handlers.ring(ngx_http_push_bell_handlers.data);
}


static void
ngx_http_push_bell_write_handler(ngx_event_t *wev)
{
    /* an eventfd is always writable, and nobody writes to it by this */
}
