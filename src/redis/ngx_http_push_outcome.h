/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: what an error of Redis means to who gave an order.
 */


#ifndef _NGX_HTTP_PUSH_OUTCOME_H_INCLUDED_
#define _NGX_HTTP_PUSH_OUTCOME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_reply.h"


/* text is static */

typedef struct {
    ngx_uint_t       status;                  /* of HTTP */
    const char      *text;
} ngx_http_push_outcome_t;


/* reply is an error */
void ngx_http_push_outcome_get(ngx_http_push_reply_t *reply,
    ngx_http_push_outcome_t *outcome);


#endif /* _NGX_HTTP_PUSH_OUTCOME_H_INCLUDED_ */
