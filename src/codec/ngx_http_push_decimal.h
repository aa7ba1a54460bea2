
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: unsigned numbers as decimal digits; owns nothing.
 */


#ifndef _NGX_HTTP_PUSH_DECIMAL_H_INCLUDED_
#define _NGX_HTTP_PUSH_DECIMAL_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>


/* digits of the largest number */
#define NGX_HTTP_PUSH_DECIMAL_MAX  20


/* digits that the number has */
size_t ngx_http_push_decimal_size(uint64_t n);

/* writes that many digits and returns their end */
u_char *ngx_http_push_decimal_write(u_char *dst, uint64_t n);

/*
 * 1 with the number in *n if the text is exactly what write would make of it:
 * no sign, no leading zeros, nothing else; 0 if not, or if it does not fit.
 */
int ngx_http_push_decimal_read(const u_char *p, size_t len, uint64_t *n);


#endif /* _NGX_HTTP_PUSH_DECIMAL_H_INCLUDED_ */
