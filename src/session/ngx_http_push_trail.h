/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: how far a client of HTTP has come in each of its channels, which
 * its cursor says.
 */


#ifndef _NGX_HTTP_PUSH_TRAIL_H_INCLUDED_
#define _NGX_HTTP_PUSH_TRAIL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_client.h"
#include "ngx_http_push_cursor.h"
#include "ngx_http_push_position.h"


/* one channel; known with a position without an epoch: nothing was stored */

typedef struct {
    uint32_t                        hash;         /* of its name */
    unsigned                        kept:1;       /* it has a history */
    unsigned                        known:1;
    unsigned                        gap:1;        /* was told of one */
    ngx_http_push_position_t        at;
} ngx_http_push_trail_place_t;


/* memory of the request's */

typedef struct {
    ngx_uint_t                      n;
    ngx_uint_t                      unknown;      /* of those that are kept */
    ngx_http_push_trail_place_t     places[];
} ngx_http_push_trail_t;


/* what a form tells, behind its bytes; zeroed when it is made */

typedef struct {
    uint32_t                        hash;
    uint32_t                        kind;         /* as the message's */
    ngx_http_push_position_t        at;           /* behind it; no epoch: it
                                                     has no id */
} ngx_http_push_trail_mark_t;


/* as ngx_http_push_form_create(), with room for a mark */
ngx_http_push_form_t *ngx_http_push_trail_create_form(size_t len,
    ngx_log_t *log);

/* it is m, a message or a notice of ch */
void ngx_http_push_trail_mark(ngx_http_push_form_t *f, ngx_http_push_msg_t *m,
    ngx_http_push_channel_t *ch);

/* what was marked; of a form that was made as above */
void ngx_http_push_trail_read_mark(ngx_http_push_form_t *f,
    ngx_http_push_trail_mark_t *mark);

/*
 * Of the channels that s has been subscribed to, at where the cursors say.
 * NULL: out of memory.
 */
ngx_http_push_trail_t *ngx_http_push_trail_create(ngx_pool_t *pool,
    ngx_http_push_session_t *s, const ngx_http_push_cursor_t *cursors);

/*
 * Sets, for each channel of which s has got everything, where that is by now;
 * what is in its queue it has not got.
 */
void ngx_http_push_trail_look(ngx_http_push_trail_t *t,
    ngx_http_push_session_t *s);

/* the client is given f: returns its place, NULL if f is of no channel */
ngx_http_push_trail_place_t *ngx_http_push_trail_pass(
    ngx_http_push_trail_t *t, ngx_http_push_form_t *f);

/* the cursor, empty if nothing is known; at most NGX_HTTP_PUSH_CURSOR_MAX */
u_char *ngx_http_push_trail_write(ngx_http_push_trail_t *t, u_char *dst);


#endif /* _NGX_HTTP_PUSH_TRAIL_H_INCLUDED_ */
