/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: what the zone has of a channel's past, as messages of this
 * process.
 */


#ifndef _NGX_HTTP_PUSH_RECALL_H_INCLUDED_
#define _NGX_HTTP_PUSH_RECALL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_read.h"
#include "ngx_http_push_segment.h"


/* fills in the outcome; the handler is not called */
void ngx_http_push_recall(ngx_http_push_segment_t *seg,
    ngx_http_push_read_t *rd, ngx_log_t *log);


#endif /* _NGX_HTTP_PUSH_RECALL_H_INCLUDED_ */
