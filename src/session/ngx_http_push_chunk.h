/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: forms that are one chunk of an HTTP/1.1 body each, RFC 9112 7.1.
 */


#ifndef _NGX_HTTP_PUSH_CHUNK_H_INCLUDED_
#define _NGX_HTTP_PUSH_CHUNK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_form.h"


/* before and behind the data */
#define NGX_HTTP_PUSH_CHUNK_HEAD  (8 + 2)
#define NGX_HTTP_PUSH_CHUNK_TAIL  2


/*
 * A form, with a mark, for so many bytes of data, at least one, which are to be
 * written at *p.  NULL: out of memory.
 */
ngx_http_push_form_t *ngx_http_push_chunk_create(size_t len, u_char **p,
    ngx_log_t *log);

/* the same for a text that belongs to no message */
ngx_http_push_form_t *ngx_http_push_chunk_create_control(const u_char *text,
    size_t len, ngx_log_t *log);

/* the data in it */
ngx_str_t ngx_http_push_chunk_data(ngx_http_push_form_t *f);

/*
 * Makes a chunk of len bytes at p, before and behind which there is room for
 * HEAD and TAIL: *begin is where it begins; returns its end.
 */
u_char *ngx_http_push_chunk_wrap(u_char *p, size_t len, u_char **begin);


#endif /* _NGX_HTTP_PUSH_CHUNK_H_INCLUDED_ */
