
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: asks the server something trivial all the time while it sends
 * broadcasts: the longest wait for the answer is how long a broadcast held
 * its event loop.
 */


#ifndef _NGX_HTTP_PUSH_PROBE_H_INCLUDED_
#define _NGX_HTTP_PUSH_PROBE_H_INCLUDED_


#include <stdint.h>

#include "latency.h"
#include "net.h"
#include "proc.h"


/*
 * What another process takes from the server in the meantime is not the
 * server's: a wait counts with the time that passed or the CPU time that the
 * server took, whichever is less.
 */

typedef struct {
    int                             fd;
    int                             epoll;
    uint32_t                        tag;
    uint32_t                        waiting;    /* for an answer */
    uint64_t                        asked;      /* CLOCK_REALTIME, ns */
    uint64_t                        clock;      /* the server's, then */
    uint64_t                        next;       /* not before: monotonic */
    uint64_t                        worst;      /* since the last mark */
    uint64_t                        failures;
    const ngx_http_push_net_url_t  *url;
    const ngx_http_push_proc_set_t *server;     /* may be empty */
    ngx_http_push_latency_t         answers;
    ngx_http_push_latency_t         holds;      /* the worst of each mark */
} ngx_http_push_probe_t;


void ngx_http_push_probe_init(ngx_http_push_probe_t *p,
    const ngx_http_push_net_url_t *url,
    const ngx_http_push_proc_set_t *server, int epoll, uint32_t tag);

/* asks, if the last answer is there and a millisecond is over */
void ngx_http_push_probe_ask(ngx_http_push_probe_t *p);

/* an event of its socket */
void ngx_http_push_probe_handle(ngx_http_push_probe_t *p);

/* a broadcast is over, the next one may begin */
void ngx_http_push_probe_mark(ngx_http_push_probe_t *p);


#endif /* _NGX_HTTP_PUSH_PROBE_H_INCLUDED_ */
