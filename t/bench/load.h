
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: what load's three parts share: the options and phases (load.c),
 * the publishing (traffic.c) and the report (report.c).
 */


#ifndef _NGX_HTTP_PUSH_LOAD_H_INCLUDED_
#define _NGX_HTTP_PUSH_LOAD_H_INCLUDED_


#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "client.h"
#include "probe.h"
#include "proc.h"
#include "publisher.h"


#define NGX_HTTP_PUSH_LOAD_PUBLISHERS  512


typedef struct {
    uint64_t                      messages;     /* 0: no such bound */
    uint64_t                      duration;     /* ns, 0: no such bound */
    uint64_t                      grace;        /* ns without a delivery */
    uint64_t                      reserve;      /* bytes to leave free */
    uint64_t                      every;        /* ns, one to each channel */
    double                        rate;         /* a second, 0: unpaced */
    uint32_t                      inflight;     /* 0: unbounded */
    uint32_t                      burst;        /* at once, 0: one by one */
    uint32_t                      per_url;      /* publishers */
    uint32_t                      per_process;
    uint32_t                      connecting;
    uint32_t                      quiet;
    uint32_t                      wait;
    uint32_t                      spin;
    uint32_t                      slices;       /* each begun by a line */
    uint32_t                      probing;
    uint32_t                      npublish;
    ngx_http_push_net_url_t       publish[NGX_HTTP_PUSH_CLIENT_URLS];
    ngx_http_push_net_url_t       probe;
} ngx_http_push_load_options_t;


typedef struct {
    uint32_t                      live;
    uint32_t                      failed;
    uint64_t                      delivered;
} ngx_http_push_load_sum_t;


typedef struct {
    ngx_http_push_load_options_t  options;
    ngx_http_push_client_plan_t  *plan;
    ngx_http_push_proc_set_t      server;
    pid_t                        *processes;

    const char                   *ended;        /* why connecting ended */
    uint64_t                      begun;
    uint64_t                      connected;    /* when the last got live */
    uint32_t                      live;         /* clients then */
    uint64_t                      available[2]; /* bytes, before and then */

    uint64_t                      published;
    uint64_t                      bound;        /* published, of a slice */
    uint64_t                      cpu;          /* ns of the server, slices */
    uint64_t                      expected;     /* deliveries */
    uint64_t                      forgiven;     /* not waited for any longer */
    uint64_t                      started;      /* publishing, first slice */
    uint64_t                      begins;       /* of this slice */
    uint64_t                      finished;
    uint64_t                      busy;         /* ns of all slices */
    uint64_t                      peak;         /* bytes, with stalled ones */
    uint64_t                      unsent;       /* bytes, of one client */
    uint64_t                      unsent_sum;

    /* before connecting, after it, before publishing, after it */
    ngx_http_push_proc_sample_t   samples[4];

    uint32_t                      npublishers;
    ngx_http_push_publisher_t    *publishers;
    ngx_http_push_probe_t         probe;
} ngx_http_push_load_t;


/* set by a signal: the run ends early and is reported */
extern volatile sig_atomic_t  ngx_http_push_load_interrupted;


void ngx_http_push_load_sum(const ngx_http_push_load_t *l,
    ngx_http_push_load_sum_t *sum);
void ngx_http_push_load_progress(const ngx_http_push_load_t *l, int last);


/*
 * Publishes as the options want it and waits for the deliveries; -1 when it
 * could not begin.
 */
int ngx_http_push_traffic_run(ngx_http_push_load_t *l);


/* prints the JSON; true when nothing was lost, doubled, reordered or closed */
int ngx_http_push_report_print(const ngx_http_push_load_t *l);


#endif /* _NGX_HTTP_PUSH_LOAD_H_INCLUDED_ */
