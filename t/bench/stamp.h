
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: what stands in a message, so that whoever gets it can tell that
 * it is the right one, whole, in order, and how long it took.
 */


#ifndef _NGX_HTTP_PUSH_STAMP_H_INCLUDED_
#define _NGX_HTTP_PUSH_STAMP_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/* the smallest message; the rest is filled up with a known text */
#define NGX_HTTP_PUSH_STAMP_SIZE  46
#define NGX_HTTP_PUSH_STAMP_MAX   65536


typedef struct {
    uint32_t  channel;
    uint32_t  publisher;
    uint32_t  sequence;    /* of this publisher in this channel, from 0 */
    uint32_t  number;      /* of the message in the whole run, from 0 */
    uint64_t  time;        /* ngx_http_push_net_now() of the publisher */
} ngx_http_push_stamp_t;


/* writes exactly size bytes, no zero behind them */
void ngx_http_push_stamp_write(const ngx_http_push_stamp_t *s, char *dst,
    size_t size);

/* 0 unless it is whole and unchanged */
int ngx_http_push_stamp_read(ngx_http_push_stamp_t *s, const char *p,
    size_t size);


#endif /* _NGX_HTTP_PUSH_STAMP_H_INCLUDED_ */
