
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: one connection that publishes, by HTTP POST or Redis PUBLISH,
 * keeps it alive and has several publishes under way.
 */


#ifndef _NGX_HTTP_PUSH_PUBLISHER_H_INCLUDED_
#define _NGX_HTTP_PUSH_PUBLISHER_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "latency.h"
#include "net.h"


#define NGX_HTTP_PUSH_PUBLISHER_DEPTH  256
#define NGX_HTTP_PUSH_PUBLISHER_INPUT  16384


typedef struct {
    size_t                          length;     /* bytes of the request */
    uint64_t                        begun;
} ngx_http_push_publisher_request_t;


/* made and freed by its owner; the socket is watched edge-triggered */

typedef struct {
    int                             fd;         /* -1: opened when needed */
    int                             epoll;
    uint32_t                        tag;        /* data.u32 of its events */
    uint32_t                        depth;
    uint32_t                        first;      /* of requests */
    uint32_t                        count;      /* not answered yet */
    uint32_t                        broken;     /* failures in a row */
    size_t                          input_length;
    size_t                          sent;       /* bytes of output */
    size_t                          filled;
    size_t                          room;
    char                           *output;     /* from first's beginning on */
    const ngx_http_push_net_url_t  *url;

    uint64_t                        answered;   /* with success */
    uint64_t                        refused;    /* with an error */
    uint64_t                        unknown;    /* connection lost before */
    ngx_http_push_latency_t         latency;    /* request to answer */
    char                            error[256]; /* the first one */

    ngx_http_push_publisher_request_t
                                requests[NGX_HTTP_PUSH_PUBLISHER_DEPTH];
    char                        input[NGX_HTTP_PUSH_PUBLISHER_INPUT];
} ngx_http_push_publisher_t;


void ngx_http_push_publisher_init(ngx_http_push_publisher_t *p,
    const ngx_http_push_net_url_t *url, int epoll, uint32_t tag,
    uint32_t depth);

/* may one more be under way?  false for ever once the server is gone */
int ngx_http_push_publisher_ready(const ngx_http_push_publisher_t *p);

/* not to be called unless it is ready; -1 when memory is out */
int ngx_http_push_publisher_publish(ngx_http_push_publisher_t *p,
    uint32_t channel, const char *body, size_t size);

/* an event of its socket */
void ngx_http_push_publisher_handle(ngx_http_push_publisher_t *p);

void ngx_http_push_publisher_close(ngx_http_push_publisher_t *p);


#endif /* _NGX_HTTP_PUSH_PUBLISHER_H_INCLUDED_ */
