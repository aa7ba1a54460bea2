/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: a message as a JSON object on one line; owns nothing.
 *
 *     {"id":"epoch:offset","channel":"name","event":"name","data":"text",
 *      "content_type":"type"}
 *
 * What is not text has "base64" instead of "data".  Members without a value
 * are left out; a notice has neither.
 */


#ifndef _NGX_HTTP_PUSH_RECORD_H_INCLUDED_
#define _NGX_HTTP_PUSH_RECORD_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ngx_http_push_json.h"
#include "ngx_http_push_meta.h"


typedef struct {
    ngx_http_push_meta_t           meta;
    ngx_http_push_envelope_str_t   body;
    unsigned                       binary:1;
    unsigned                       notice:1;      /* has no body */
} ngx_http_push_record_t;


/*
 * The document is complete, for ngx_http_push_json_finish(), and to be
 * destroyed by the caller.  NULL: out of memory.
 */
ngx_http_push_json_t *ngx_http_push_record_create(
    const ngx_http_push_record_t *record);


#endif /* _NGX_HTTP_PUSH_RECORD_H_INCLUDED_ */
