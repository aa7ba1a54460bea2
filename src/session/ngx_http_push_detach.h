/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: from a request to a connection that is ours, and back for the log
 * line.
 */


#ifndef _NGX_HTTP_PUSH_DETACH_H_INCLUDED_
#define _NGX_HTTP_PUSH_DETACH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_client.h"


/*
 * What is kept of the request while a session lives, for the log line at its
 * end; NULL in a session whose end nobody logs.  Freed by detach_end().
 */

struct ngx_http_push_hold_s {
    ngx_http_request_t  *request;         /* the kept request */
    uint32_t             received;        /* messages from the client */
    uint32_t             dropped;
    uint32_t             queue_peak;      /* bytes */
    uint32_t             recovered;
    uint32_t             close_code;
    uint32_t             complete;        /* all was written */
    ngx_str_t            close_reason;    /* static text */
};


/* before the header is sent, so that nothing can fail after; NULL: no memory */
ngx_http_push_hold_t *ngx_http_push_detach_prepare(ngx_http_request_t *r);

/*
 * To be called in an event of its own, after the content handler has sent its
 * header, taken a reference (r->main->count++) and returned NGX_DONE.  The
 * connection is the caller's from then on: c->data and both handlers are to be
 * set.  Returns what is kept, or NULL.
 */
ngx_http_push_hold_t *ngx_http_push_detach_take(ngx_http_push_hold_t *hold);

/*
 * Writes the log line, whose variables show hold and sent, frees hold and
 * closes the connection.
 */
void ngx_http_push_detach_end(ngx_connection_t *c, ngx_http_push_hold_t *hold,
    uint64_t sent);

/* what the variables of the kept request show from now on */
void ngx_http_push_detach_show(ngx_http_push_hold_t *hold, uint64_t sent);


#endif /* _NGX_HTTP_PUSH_DETACH_H_INCLUDED_ */
