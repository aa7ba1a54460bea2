
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: unsigned numbers as decimal digits; owns nothing.
 */


#include "ngx_http_push_decimal.h"


size_t
ngx_http_push_decimal_size(uint64_t n)
{
    size_t  size;

    for (size = 1; n > 9; size++) {
        n /= 10;
    }

    return size;
}


u_char *
ngx_http_push_decimal_write(u_char *dst, uint64_t n)
{
    u_char  *p, *last;

    last = dst + ngx_http_push_decimal_size(n);
    p = last;

    do {
        *--p = (u_char) ('0' + n % 10);
        n /= 10;
    } while (p > dst);

    return last;
}


int
ngx_http_push_decimal_read(const u_char *p, size_t len, uint64_t *n)
{
    u_char    digit;
    size_t    i;
    uint64_t  value;

    if (len == 0 || len > NGX_HTTP_PUSH_DECIMAL_MAX) {
        return 0;
    }

    if (len > 1 && p[0] == '0') {
        return 0;
    }

    value = 0;

    for (i = 0; i < len; i++) {

        digit = (u_char) (p[i] - '0');

        if (digit > 9 || value > (UINT64_MAX - digit) / 10) {
            return 0;
        }

        value = value * 10 + digit;
    }

    *n = value;

    return 1;
}
