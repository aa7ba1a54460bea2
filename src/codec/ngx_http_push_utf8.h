
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: UTF-8 checked piece by piece; owns nothing.
 */


#ifndef _NGX_HTTP_PUSH_UTF8_H_INCLUDED_
#define _NGX_HTTP_PUSH_UTF8_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>


/* the state before the first byte, and between two characters */
#define NGX_HTTP_PUSH_UTF8_START  0


/*
 * Checks the next piece of a text (RFC 3629).  *state is
 * NGX_HTTP_PUSH_UTF8_START before the first piece and carries a character that
 * is cut by the end of a piece over to the next one.
 *
 * Returns 1 while all is well and 0 from the first byte on after which no
 * continuation could be valid: overlong forms, surrogates and anything above
 * U+10FFFF are known at their second byte.  0 is final, every later call with
 * the same state returns 0.
 */
int ngx_http_push_utf8_validate(uint32_t *state, const u_char *p, size_t len);

/* 1 if the text may end here, 0 inside a character or after a bad byte */
int ngx_http_push_utf8_complete(uint32_t state);


#endif /* _NGX_HTTP_PUSH_UTF8_H_INCLUDED_ */
