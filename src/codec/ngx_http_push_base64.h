/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: bytes as base64, RFC 4648 4; owns nothing.
 */


#ifndef _NGX_HTTP_PUSH_BASE64_H_INCLUDED_
#define _NGX_HTTP_PUSH_BASE64_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>


/* characters of so many bytes, padding included */
#define ngx_http_push_base64_size(len)  (((len) + 2) / 3 * 4)

/* writes that many characters and returns their end */
u_char *ngx_http_push_base64_write(u_char *dst, const u_char *p, size_t len);


#endif /* _NGX_HTTP_PUSH_BASE64_H_INCLUDED_ */
