/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: what is kept of a request that was let go, and a request made from
 * it again, for the log line.
 */


#ifndef _NGX_HTTP_PUSH_HEAD_H_INCLUDED_
#define _NGX_HTTP_PUSH_HEAD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * Copies the request line, the headers but those of the handshake, times,
 * configuration, and what the phases have put into variables, into one block
 * behind the first offset bytes, which are the caller's.  NULL: out of memory,
 * or it would be larger than a request is; to be freed by ngx_free().
 */
void *ngx_http_push_head_save(ngx_http_request_t *r, size_t offset);

/*
 * A request on connection c as the saved one was, ready for the log phase and
 * for ngx_http_free_request().  NULL: out of memory.
 */
ngx_http_request_t *ngx_http_push_head_restore(ngx_connection_t *c,
    void *block, size_t offset);


#endif /* _NGX_HTTP_PUSH_HEAD_H_INCLUDED_ */
