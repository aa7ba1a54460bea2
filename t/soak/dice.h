/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Soak: random numbers that a seed repeats.
 */


#ifndef _NGX_HTTP_PUSH_DICE_H_INCLUDED_
#define _NGX_HTTP_PUSH_DICE_H_INCLUDED_


#include <stdint.h>


typedef struct {
    uint64_t                  state;
} ngx_http_push_dice_t;


static inline void
ngx_http_push_dice_init(ngx_http_push_dice_t *d, uint64_t seed)
{
    d->state = seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du;
}


/* one of 0 .. n - 1; xorshift64* */

static inline uint32_t
ngx_http_push_dice_roll(ngx_http_push_dice_t *d, uint32_t n)
{
    d->state ^= d->state >> 12;
    d->state ^= d->state << 25;
    d->state ^= d->state >> 27;

    return (uint32_t) ((d->state * 0x2545f4914f6cdd1du) >> 33) % n;
}


#endif /* _NGX_HTTP_PUSH_DICE_H_INCLUDED_ */
