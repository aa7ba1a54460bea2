/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: one message as a worker holds it: immutable, counted, with its
 * forms encoded once.
 */


#ifndef _NGX_HTTP_PUSH_MSG_H_INCLUDED_
#define _NGX_HTTP_PUSH_MSG_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_form.h"


typedef enum {
    NGX_HTTP_PUSH_MSG_DATA = 0,
    NGX_HTTP_PUSH_MSG_CONTROL,        /* C: counts only on control channels */
    NGX_HTTP_PUSH_MSG_ACK,            /* A: likewise */
    NGX_HTTP_PUSH_MSG_PROBE,          /* B: likewise */
    NGX_HTTP_PUSH_MSG_GAP,            /* notices, made by this worker */
    NGX_HTTP_PUSH_MSG_DELETED
} ngx_http_push_msg_kind_e;


/*
 * Made by a bus from what it received (the only copy of the bytes), or as a
 * notice.  Read-only after ngx_http_push_msg_parse(), but for what the first
 * delivery finds out for all: forms and skip.  All strings point into wire[] or
 * scratch.  Process heap; freed by the last unref.
 */

typedef struct {
    uint32_t                 refs;
    unsigned                 kind:4;       /* ngx_http_push_msg_kind_e */
    unsigned                 binary:1;
    unsigned                 volatile_:1;
    unsigned                 enveloped:1;  /* came with a header of ours */
    unsigned                 simple:1;     /* for all: no kind, no except, not
                                              volatile */
    unsigned                 skips:1;      /* skip is known */

    uint64_t                 offset;       /* 0: no id */
    uint64_t                 time;         /* ms since 1970, 0: unknown */
    ngx_str_t                epoch;
    ngx_str_t                event;
    ngx_str_t                content_type;
    ngx_str_t                except;       /* connection that is skipped */
    ngx_str_t                receipt;
    ngx_str_t                body;

    uint64_t                 skip;         /* the number of except, or 0 */
    ngx_http_push_form_t    *forms[NGX_HTTP_PUSH_FORMS];

    u_char                  *scratch;      /* decoded header values or NULL */
    size_t                   len;          /* of wire[] */
    u_char                   wire[];
} ngx_http_push_msg_t;


/*
 * Makes a message with one reference and room for len bytes in wire[], which
 * the caller fills before it calls ngx_http_push_msg_parse().  NULL when out
 * of memory (logged by ngx_alloc).
 */
ngx_http_push_msg_t *ngx_http_push_msg_create(size_t len, ngx_log_t *log);

/*
 * Reads the envelope (REDIS 4) in wire[], or takes the whole as the body of a
 * plain message, text where it is UTF-8 and binary where not.  NGX_OK;
 * NGX_DECLINED for a malformed header or unknown kind (drop and count it);
 * NGX_ERROR when out of memory.
 */
ngx_int_t ngx_http_push_msg_parse(ngx_http_push_msg_t *m, ngx_log_t *log);

/* a notice (GAP, DELETED) without a body, one reference; NULL: no memory */
ngx_http_push_msg_t *ngx_http_push_msg_notice(ngx_uint_t kind,
    ngx_log_t *log);

void ngx_http_push_msg_unref(ngx_http_push_msg_t *m);


static ngx_inline ngx_http_push_msg_t *
ngx_http_push_msg_ref(ngx_http_push_msg_t *m)
{
    m->refs++;

    return m;
}


#endif /* _NGX_HTTP_PUSH_MSG_H_INCLUDED_ */
