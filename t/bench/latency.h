
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: a histogram of nanoseconds, exact to three hundredths, that
 * lies in shared memory and is merged by adding.
 */


#ifndef _NGX_HTTP_PUSH_LATENCY_H_INCLUDED_
#define _NGX_HTTP_PUSH_LATENCY_H_INCLUDED_


#include <stdint.h>


/* 32 steps per power of two, up to 2^40 ns, which is 18 minutes */
#define NGX_HTTP_PUSH_LATENCY_STEPS    32
#define NGX_HTTP_PUSH_LATENCY_BUCKETS  (36 * NGX_HTTP_PUSH_LATENCY_STEPS)


typedef struct {
    uint64_t  count;
    uint64_t  max;
    uint64_t  buckets[NGX_HTTP_PUSH_LATENCY_BUCKETS];
} ngx_http_push_latency_t;


void ngx_http_push_latency_add(ngx_http_push_latency_t *l, uint64_t ns);
void ngx_http_push_latency_merge(ngx_http_push_latency_t *l,
    const ngx_http_push_latency_t *from);

/* nanoseconds; per mille, so 500 is the median; 0 when there is nothing */
uint64_t ngx_http_push_latency_at(const ngx_http_push_latency_t *l,
    unsigned permille);


#endif /* _NGX_HTTP_PUSH_LATENCY_H_INCLUDED_ */
