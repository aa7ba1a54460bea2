/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: marks that a worker sends to itself through Redis: when one comes
 * back on the link for subscriptions, so has all that was published before it.
 */


#ifndef _NGX_HTTP_PUSH_MARKS_H_INCLUDED_
#define _NGX_HTTP_PUSH_MARKS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_link.h"
#include "ngx_http_push_msg.h"


/* the event of a C envelope on the worker's own control channel */
#define NGX_HTTP_PUSH_MARKS_EVENT  "mark"


typedef struct ngx_http_push_marks_s  ngx_http_push_marks_t;


/*
 * channel is the worker's own control channel and stays as it is.
 * reached(data): some mark is passed, see below; called from within the links.
 * NULL: out of memory.
 */
ngx_http_push_marks_t *ngx_http_push_marks_create(ngx_str_t *channel,
    void (*reached)(void *data), void *data, ngx_log_t *log);

/* after the links were destroyed */
void ngx_http_push_marks_destroy(ngx_http_push_marks_t *mk);

/*
 * The number of a mark that will be sent behind all commands that l has had,
 * at the end of this turn of the loop: one for all who ask.
 */
uint64_t ngx_http_push_marks_ask(ngx_http_push_marks_t *mk,
    ngx_http_push_link_t *l);

/* it has come back, or never will: a link is lost, Redis refused it */
ngx_uint_t ngx_http_push_marks_passed(ngx_http_push_marks_t *mk, uint64_t n);

/* whether the channel is subscribed: without that no mark comes back */
void ngx_http_push_marks_set_listening(ngx_http_push_marks_t *mk,
    ngx_uint_t listening);

/* what has come in the channel with that event */
void ngx_http_push_marks_hear(ngx_http_push_marks_t *mk,
    ngx_http_push_msg_t *m);


#endif /* _NGX_HTTP_PUSH_MARKS_H_INCLUDED_ */
