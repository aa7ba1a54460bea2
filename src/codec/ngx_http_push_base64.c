/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: bytes as base64, RFC 4648 4; owns nothing.
 */


#include "ngx_http_push_base64.h"


static const char  ngx_http_push_base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";


u_char *
ngx_http_push_base64_write(u_char *dst, const u_char *p, size_t len)
{
    uint32_t     n;
    const char  *digits;

    digits = ngx_http_push_base64_digits;

    for ( /* void */ ; len >= 3; len -= 3, p += 3) {
        n = (uint32_t) p[0] << 16 | (uint32_t) p[1] << 8 | p[2];

        *dst++ = (u_char) digits[n >> 18];
        *dst++ = (u_char) digits[n >> 12 & 0x3f];
        *dst++ = (u_char) digits[n >> 6 & 0x3f];
        *dst++ = (u_char) digits[n & 0x3f];
    }

    if (len == 0) {
        return dst;
    }

    n = (uint32_t) p[0] << 16;

    if (len == 2) {
        n |= (uint32_t) p[1] << 8;
    }

    *dst++ = (u_char) digits[n >> 18];
    *dst++ = (u_char) digits[n >> 12 & 0x3f];
    *dst++ = (len == 2) ? (u_char) digits[n >> 6 & 0x3f] : '=';
    *dst++ = '=';

    return dst;
}
