
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: a process full of clients.  load makes the plan in shared memory
 * and forks; the processes follow the plan's phase and count into their part.
 */


#ifndef _NGX_HTTP_PUSH_CLIENT_H_INCLUDED_
#define _NGX_HTTP_PUSH_CLIENT_H_INCLUDED_


#include <stdint.h>

#include "latency.h"
#include "net.h"


#define NGX_HTTP_PUSH_CLIENT_URLS     16
#define NGX_HTTP_PUSH_CLIENT_CODES    16

/* messages whose first and last arrival are remembered: the latest ones */
#define NGX_HTTP_PUSH_CLIENT_SPREADS  8192


typedef enum {
    ngx_http_push_client_connect = 0,   /* open all clients */
    ngx_http_push_client_receive,
    ngx_http_push_client_resume,        /* stalled clients read again */
    ngx_http_push_client_check,         /* count what is missing */
    ngx_http_push_client_exit
} ngx_http_push_client_phase_e;


typedef struct {
    uint64_t                        first;
    uint64_t                        last;
    uint64_t                        number;     /* plus one; 0: unused */
} ngx_http_push_client_spread_t;


typedef struct {
    uint32_t                        code;
    uint32_t                        count;
} ngx_http_push_client_code_t;


/* written by one process, read by load */

typedef struct {
    uint32_t                        first;      /* its clients */
    uint32_t                        count;
    uint32_t                        live;
    uint32_t                        failed;     /* never got live */
    uint32_t                        closed;     /* not in order */
    uint32_t                        allowed;    /* closed with --allow-close */
    uint32_t                        returned;   /* connected again */
    uint32_t                        stalled;
    uint32_t                        stalled_closed;
    uint32_t                        checked;
    uint64_t                        delivered;  /* each message once */
    uint64_t                        duplicate;
    uint64_t                        reordered;
    uint64_t                        corrupt;
    uint64_t                        lost;       /* known after the check */
    uint64_t                        to_stalled;
    uint64_t                        pings;
    uint64_t                        last_live;  /* when the last one got live */
    char                            error[256]; /* the first one */
    ngx_http_push_client_code_t     codes[NGX_HTTP_PUSH_CLIENT_CODES];
    ngx_http_push_latency_t         latency;
    ngx_http_push_client_spread_t   spreads[NGX_HTTP_PUSH_CLIENT_SPREADS];
} ngx_http_push_client_stat_t;


typedef struct {
    uint32_t                        clients;
    uint32_t                        channels;
    uint32_t                        publishers;
    uint32_t                        processes;
    uint32_t                        connecting; /* at a time, each process */
    uint32_t                        stall;
    uint32_t                        allow_close;
    uint32_t                        reconnect;
    uint32_t                        source;     /* first address, 0: default */
    uint32_t                        per_source;
    uint32_t                        receive_buffer;
    uint32_t                        nurls;
    size_t                          size;       /* of a message */
    int                             waker;      /* eventfd of load */

    uint32_t                        phase;
    uint32_t                        halt;       /* open no further ones */
    uint32_t                        spin;       /* do not sleep */
    uint64_t                        wanted;     /* deliveries; 0: do not wake */

    uint32_t                       *alive;      /* by channel: live readers */
    uint32_t                       *sent;       /* by channel, publisher */
    ngx_http_push_client_stat_t    *stats;      /* by process */

    ngx_http_push_net_url_t         urls[NGX_HTTP_PUSH_CLIENT_URLS];
} ngx_http_push_client_plan_t;


/* the life of a client process; does not return */
void ngx_http_push_client_run(ngx_http_push_client_plan_t *plan, uint32_t n);


#endif /* _NGX_HTTP_PUSH_CLIENT_H_INCLUDED_ */
