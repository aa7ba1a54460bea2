
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: what stands in a message, so that whoever gets it can tell that
 * it is the right one, whole, in order, and how long it took.
 */


#include <string.h>

#include "stamp.h"


#define NGX_HTTP_PUSH_STAMP_FILL  64


static char *ngx_http_push_stamp_put(char *dst, uint64_t value, int digits);
static const char *ngx_http_push_stamp_get(const char *p, uint64_t *value,
    int digits);


static const char  ngx_http_push_stamp_fill[] =
         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-";


void
ngx_http_push_stamp_write(const ngx_http_push_stamp_t *s, char *dst,
    size_t size)
{
    char    *p;
    size_t   n, left;

    p = ngx_http_push_stamp_put(dst, s->channel, 6);
    p = ngx_http_push_stamp_put(p, s->publisher, 3);
    p = ngx_http_push_stamp_put(p, s->sequence, 8);
    p = ngx_http_push_stamp_put(p, s->number, 8);
    p = ngx_http_push_stamp_put(p, s->time, 16);

    for (left = size - NGX_HTTP_PUSH_STAMP_SIZE; left; left -= n) {
        n = (left < NGX_HTTP_PUSH_STAMP_FILL) ? left
                                              : NGX_HTTP_PUSH_STAMP_FILL;
        memcpy(p, ngx_http_push_stamp_fill, n);
        p += n;
    }
}


int
ngx_http_push_stamp_read(ngx_http_push_stamp_t *s, const char *p, size_t size)
{
    size_t    n, left;
    uint64_t  value[5];

    if (size < NGX_HTTP_PUSH_STAMP_SIZE) {
        return 0;
    }

    left = size - NGX_HTTP_PUSH_STAMP_SIZE;

    p = ngx_http_push_stamp_get(p, &value[0], 6);
    p = ngx_http_push_stamp_get(p, &value[1], 3);
    p = ngx_http_push_stamp_get(p, &value[2], 8);
    p = ngx_http_push_stamp_get(p, &value[3], 8);
    p = ngx_http_push_stamp_get(p, &value[4], 16);

    if (p == NULL) {
        return 0;
    }

    for ( /* void */ ; left; left -= n) {
        n = (left < NGX_HTTP_PUSH_STAMP_FILL) ? left
                                              : NGX_HTTP_PUSH_STAMP_FILL;

        if (memcmp(p, ngx_http_push_stamp_fill, n) != 0) {
            return 0;
        }

        p += n;
    }

    s->channel = (uint32_t) value[0];
    s->publisher = (uint32_t) value[1];
    s->sequence = (uint32_t) value[2];
    s->number = (uint32_t) value[3];
    s->time = value[4];

    return 1;
}


static char *
ngx_http_push_stamp_put(char *dst, uint64_t value, int digits)
{
    int  i;

    for (i = digits - 1; i >= 0; i--) {
        dst[i] = "0123456789abcdef"[value & 15];
        value >>= 4;
    }

    dst[digits] = ' ';

    return dst + digits + 1;
}


static const char *
ngx_http_push_stamp_get(const char *p, uint64_t *value, int digits)
{
    int      i;
    uint8_t  c;

    *value = 0;

    if (p == NULL) {
        return NULL;
    }

    for (i = 0; i < digits; i++) {
        c = (uint8_t) p[i];

        if (c >= '0' && c <= '9') {
            c = (uint8_t) (c - '0');

        } else if (c >= 'a' && c <= 'f') {
            c = (uint8_t) (c - 'a' + 10);

        } else {
            return NULL;
        }

        *value = *value << 4 | c;
    }

    return (p[digits] == ' ') ? p + digits + 1 : NULL;
}
