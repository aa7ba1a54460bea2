
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: a histogram of nanoseconds, exact to three hundredths, that
 * lies in shared memory and is merged by adding.
 */


#include "latency.h"


void
ngx_http_push_latency_add(ngx_http_push_latency_t *l, uint64_t ns)
{
    unsigned  n, shift;

    l->count++;

    if (ns > l->max) {
        l->max = ns;
    }

    if (ns < NGX_HTTP_PUSH_LATENCY_STEPS) {
        n = (unsigned) ns;

    } else {
        shift = 58 - (unsigned) __builtin_clzll(ns);
        n = (shift + 1) * NGX_HTTP_PUSH_LATENCY_STEPS
            + (unsigned) (ns >> shift) - NGX_HTTP_PUSH_LATENCY_STEPS;
    }

    if (n >= NGX_HTTP_PUSH_LATENCY_BUCKETS) {
        n = NGX_HTTP_PUSH_LATENCY_BUCKETS - 1;
    }

    l->buckets[n]++;
}


void
ngx_http_push_latency_merge(ngx_http_push_latency_t *l,
    const ngx_http_push_latency_t *from)
{
    unsigned  i;

    l->count += from->count;

    if (from->max > l->max) {
        l->max = from->max;
    }

    for (i = 0; i < NGX_HTTP_PUSH_LATENCY_BUCKETS; i++) {
        l->buckets[i] += from->buckets[i];
    }
}


uint64_t
ngx_http_push_latency_at(const ngx_http_push_latency_t *l, unsigned permille)
{
    unsigned  i, shift;
    uint64_t  seen, wanted, value;

    if (l->count == 0) {
        return 0;
    }

    seen = 0;
    wanted = (l->count * permille + 999) / 1000;

    for (i = 0; i < NGX_HTTP_PUSH_LATENCY_BUCKETS - 1; i++) {
        seen += l->buckets[i];

        if (seen >= wanted && seen) {
            break;
        }
    }

    if (i < NGX_HTTP_PUSH_LATENCY_STEPS) {
        return i;
    }

    /* the upper end of the step, but nothing larger than was seen */

    shift = i / NGX_HTTP_PUSH_LATENCY_STEPS - 1;
    value = (((uint64_t) i % NGX_HTTP_PUSH_LATENCY_STEPS
              + NGX_HTTP_PUSH_LATENCY_STEPS + 1) << shift) - 1;

    return (value < l->max) ? value : l->max;
}
