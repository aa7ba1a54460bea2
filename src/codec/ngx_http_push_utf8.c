
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: UTF-8 checked piece by piece; owns nothing.
 */


#include <string.h>

#include "ngx_http_push_utf8.h"


/*
 * Within a character the state is what the next byte has to be: how many more
 * are to come, and the lowest and highest value of the next one.  Only the
 * second byte has bounds of its own, and they are what keeps overlong forms,
 * surrogates and values above U+10FFFF out.
 */
#define ngx_http_push_utf8_expect(more, low, high)                            \
    ((uint32_t) (more) | (uint32_t) (low) << 8 | (uint32_t) (high) << 16)

#define ngx_http_push_utf8_more(state)  ((state) & 0xff)
#define ngx_http_push_utf8_low(state)   ((state) >> 8 & 0xff)
#define ngx_http_push_utf8_high(state)  ((state) >> 16 & 0xff)

/* bounds that no byte can meet: once invalid, always invalid */
#define NGX_HTTP_PUSH_UTF8_INVALID  ngx_http_push_utf8_expect(1, 0xff, 0)

#define NGX_HTTP_PUSH_UTF8_HIGH_BITS  0x8080808080808080ULL


static const u_char *ngx_http_push_utf8_skip_ascii(const u_char *p,
    const u_char *last);
static uint32_t ngx_http_push_utf8_lead(u_char c);


int
ngx_http_push_utf8_validate(uint32_t *state, const u_char *p, size_t len)
{
    uint32_t       s;
    const u_char  *last;

    s = *state;

    if (len == 0) {
        /* p may be NULL */
        return s != NGX_HTTP_PUSH_UTF8_INVALID;
    }

    last = p + len;

    while (p < last && s != NGX_HTTP_PUSH_UTF8_INVALID) {

        if (s == NGX_HTTP_PUSH_UTF8_START) {

            if (*p < 0x80) {
                p = ngx_http_push_utf8_skip_ascii(p, last);
                continue;
            }

            s = ngx_http_push_utf8_lead(*p++);
            continue;
        }

        if (*p < ngx_http_push_utf8_low(s) || *p > ngx_http_push_utf8_high(s)) {
            s = NGX_HTTP_PUSH_UTF8_INVALID;
            break;
        }

        p++;

        if (ngx_http_push_utf8_more(s) == 1) {
            s = NGX_HTTP_PUSH_UTF8_START;

        } else {
            s = ngx_http_push_utf8_expect(ngx_http_push_utf8_more(s) - 1,
                                          0x80, 0xbf);
        }
    }

    *state = s;

    return s != NGX_HTTP_PUSH_UTF8_INVALID;
}


int
ngx_http_push_utf8_complete(uint32_t state)
{
    return state == NGX_HTTP_PUSH_UTF8_START;
}


static const u_char *
ngx_http_push_utf8_skip_ascii(const u_char *p, const u_char *last)
{
    uint64_t  word;

    while ((size_t) (last - p) >= sizeof(word)) {
        memcpy(&word, p, sizeof(word));

        if (word & NGX_HTTP_PUSH_UTF8_HIGH_BITS) {
            break;
        }

        p += sizeof(word);
    }

    while (p < last && *p < 0x80) {
        p++;
    }

    return p;
}


/* RFC 3629 4: c0, c1 and f5 to ff begin no character, nor do 80 to bf */

static uint32_t
ngx_http_push_utf8_lead(u_char c)
{
    if (c < 0xc2 || c > 0xf4) {
        return NGX_HTTP_PUSH_UTF8_INVALID;
    }

    if (c < 0xe0) {
        return ngx_http_push_utf8_expect(1, 0x80, 0xbf);
    }

    switch (c) {

    case 0xe0:
        return ngx_http_push_utf8_expect(2, 0xa0, 0xbf);

    case 0xed:
        return ngx_http_push_utf8_expect(2, 0x80, 0x9f);

    case 0xf0:
        return ngx_http_push_utf8_expect(3, 0x90, 0xbf);

    case 0xf4:
        return ngx_http_push_utf8_expect(3, 0x80, 0x8f);

    default:
        return ngx_http_push_utf8_expect((c < 0xf0) ? 2 : 3, 0x80, 0xbf);
    }
}
