/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: a session in the body of an answer: what the transports of HTTP
 * share.
 */


#ifndef _NGX_HTTP_PUSH_BODY_H_INCLUDED_
#define _NGX_HTTP_PUSH_BODY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_session.h"
#include "ngx_http_push_trail.h"


/*
 * What a session keeps in s->input; memory of its request, which lives as long
 * as the session.
 *
 * tick: called by the timer, see ngx_http_push_body_set_timer(); s may be gone
 *     afterwards.
 */

typedef struct {
    ngx_http_request_t      *request;
    ngx_http_push_trail_t   *trail;
    void                   (*tick)(ngx_http_push_session_t *s);
    ngx_event_t              timer;

    ngx_buf_t                bufs[2];     /* of the form that is under way */
    ngx_chain_t              chain[2];
    off_t                    sent;        /* at a heartbeat that found it
                                             blocked */
    u_char                  *id;          /* room for a line, or NULL */

    unsigned                 pending:1;   /* header: not all of it written */
    unsigned                 filtered:1;  /* not to the socket as it is */
    unsigned                 busy:1;      /* bufs are in use */
    unsigned                 given:1;     /* to the filters */
} ngx_http_push_body_t;


/*
 * Makes s->input, so many bytes that begin with a body, and ties s, with its
 * channels and what it holds, to its request: if nginx ends that, s is taken
 * back.  cursors: as ngx_http_push_trail_create() takes them.  NULL: out of
 * memory, s is taken back or will be when r is ended.
 */
void *ngx_http_push_body_create(ngx_http_push_session_t *s,
    ngx_http_request_t *r, size_t size, const ngx_http_push_cursor_t *cursors);

/*
 * Sends the header of an answer that does not end, with the beginning of its
 * body, len 0: none, and opens the session.  ids: each message is preceded by a
 * line with the cursor.  What a content handler returns.
 */
ngx_int_t ngx_http_push_body_stream(ngx_http_push_session_t *s,
    ngx_str_t *type, ngx_str_t *begin, ngx_uint_t ids);

/* opens a session that answers later; what a content handler returns */
ngx_int_t ngx_http_push_body_wait(ngx_http_push_session_t *s);

/* adds a header to the answer; NULL: out of memory */
ngx_table_elt_t *ngx_http_push_body_add_header(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);

/* b->tick once, in so many ms */
void ngx_http_push_body_set_timer(ngx_http_push_body_t *b, ngx_msec_t ms);

/* entries in ngx_http_push_transport_t, of the streams, of all */
ssize_t ngx_http_push_body_flush(ngx_http_push_session_t *s);
void ngx_http_push_body_end(ngx_connection_t *c, ngx_http_push_hold_t *hold,
    uint64_t sent);
void ngx_http_push_body_destroy(ngx_http_push_session_t *s);

/*
 * A heartbeat: appends f.  As ngx_http_push_transport_t's ping.  A client that
 * has not taken a byte of what waits for it since the last one is gone.
 */
ngx_int_t ngx_http_push_body_ping(ngx_http_push_session_t *s,
    ngx_http_push_form_t *f);

/*
 * The session is gone: what is left of it is released, and the request is the
 * caller's to finalize.
 */
ngx_http_request_t *ngx_http_push_body_detach(ngx_http_push_hold_t *hold,
    uint64_t sent);


#endif /* _NGX_HTTP_PUSH_BODY_H_INCLUDED_ */
