/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: answers of the endpoints: JSON bodies and refusals; and how text
 * from outside is shown in a log line.
 */


#ifndef _NGX_HTTP_PUSH_ANSWER_H_INCLUDED_
#define _NGX_HTTP_PUSH_ANSWER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_json.h"


#define NGX_HTTP_PUSH_ANSWER_QUOTE  64


/* on the caller's stack: "\xHH" for each byte, and "..." where it was cut */

typedef struct {
    ngx_str_t     text;
    u_char        buf[NGX_HTTP_PUSH_ANSWER_QUOTE * 4 + 3];
} ngx_http_push_quote_t;


/*
 * Sends status with the body (copied into request memory), content type
 * application/json, and Retry-After with 503.  What keeps caches and other
 * origins away is added by the header filter.  A request body that nobody has
 * read is discarded.  Returns what a content handler returns; after the
 * request has waited, what ngx_http_finalize_request() takes.
 */
ngx_int_t ngx_http_push_answer_json(ngx_http_request_t *r, ngx_uint_t status,
    u_char *body, size_t len);

/* the same for what was written to j, which is destroyed in any case */
ngx_int_t ngx_http_push_answer_document(ngx_http_request_t *r,
    ngx_uint_t status, ngx_http_push_json_t *j);

/* {"error":"..."}; 405 wants allow, else NULL.  The caller has logged why */
ngx_int_t ngx_http_push_answer_error(ngx_http_request_t *r, ngx_uint_t status,
    const char *error, const char *allow);

/* to OPTIONS that is no preflight: 204 with allow */
ngx_int_t ngx_http_push_answer_options(ngx_http_request_t *r,
    const char *allow);

/* adds a response header; name and value must outlive the request's answer */
ngx_int_t ngx_http_push_answer_header(ngx_http_request_t *r,
    const char *name, const char *value);

/*
 * Text from outside for a log line: escaped, cut after 64 bytes.  Returns
 * &q->text.
 */
ngx_str_t *ngx_http_push_answer_quote(ngx_http_push_quote_t *q,
    ngx_str_t *s);


#endif /* _NGX_HTTP_PUSH_ANSWER_H_INCLUDED_ */
