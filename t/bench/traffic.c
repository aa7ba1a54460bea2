
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: load's publishing: at a rate, or as many messages under way as
 * wanted, which means published and not yet with all of their readers.
 */


#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>

#include "load.h"
#include "stamp.h"


#define NGX_HTTP_PUSH_TRAFFIC_EVENTS   64
#define NGX_HTTP_PUSH_TRAFFIC_WAKER    UINT32_MAX
#define NGX_HTTP_PUSH_TRAFFIC_PROBE    (UINT32_MAX - 1)
#define NGX_HTTP_PUSH_TRAFFIC_TURN     100              /* ms */
#define NGX_HTTP_PUSH_TRAFFIC_WATCH    200000000        /* ns */
#define NGX_HTTP_PUSH_TRAFFIC_LATE     200000000        /* ns */
#define NGX_HTTP_PUSH_TRAFFIC_SHOW     1000000000ull    /* ns */
#define NGX_HTTP_PUSH_TRAFFIC_SHOW_LOG 5000000000ull


typedef enum {
    ngx_http_push_traffic_now = 0,
    ngx_http_push_traffic_later,        /* something has to happen first */
    ngx_http_push_traffic_never
} ngx_http_push_traffic_when_e;


typedef struct {
    int                           epoll;
    uint32_t                      channel;      /* of the next message */
    uint64_t                      round_left;   /* of a broadcast to all */
    uint64_t                      due;          /* time of the next message */
    uint64_t                      progress;     /* time of the last delivery */
    uint64_t                      delivered;
    uint64_t                      watched;
    uint64_t                      shown;
    char                          body[NGX_HTTP_PUSH_STAMP_MAX];
} ngx_http_push_traffic_t;


static int ngx_http_push_traffic_open(ngx_http_push_load_t *l);
static int ngx_http_push_traffic_begin(ngx_http_push_load_t *l);
static void ngx_http_push_traffic_slice(ngx_http_push_load_t *l);
static void ngx_http_push_traffic_end(ngx_http_push_load_t *l);
static ngx_http_push_traffic_when_e ngx_http_push_traffic_when(
    ngx_http_push_load_t *l, ngx_http_push_publisher_t **publisher);
static ngx_http_push_publisher_t *ngx_http_push_traffic_publisher(
    ngx_http_push_load_t *l, int *broken);
static int ngx_http_push_traffic_full(ngx_http_push_load_t *l);
static void ngx_http_push_traffic_publish(ngx_http_push_load_t *l,
    ngx_http_push_publisher_t *p);
static void ngx_http_push_traffic_wait(ngx_http_push_load_t *l);
static int ngx_http_push_traffic_timeout(ngx_http_push_load_t *l);
static void ngx_http_push_traffic_look(ngx_http_push_load_t *l);
static int ngx_http_push_traffic_settled(ngx_http_push_load_t *l);


static ngx_http_push_traffic_t  ngx_http_push_traffic;


int
ngx_http_push_traffic_run(ngx_http_push_load_t *l)
{
    uint32_t  n;
    uint64_t  until;

    if (ngx_http_push_traffic_open(l) == -1) {
        return -1;
    }

    n = 0;

    do {
        if (l->options.slices && !ngx_http_push_traffic_begin(l)) {
            break;
        }

        ngx_http_push_traffic_slice(l);
        ngx_http_push_traffic_end(l);

    } while (++n < l->options.slices);

    /* what comes now was sent twice */

    until = ngx_http_push_net_now() + NGX_HTTP_PUSH_TRAFFIC_LATE;

    while (ngx_http_push_net_now() < until) {
        ngx_http_push_traffic_wait(l);
    }

    return 0;
}


/* waits for the line that begins a slice; false at the end of stdin */

static int
ngx_http_push_traffic_begin(ngx_http_push_load_t *l)
{
    int  c;

    printf("{ \"ready\": true }\n");
    (void) fflush(stdout);

    do {
        c = getchar();
    } while (c != '\n' && c != EOF);

    return c == '\n' && !ngx_http_push_load_interrupted;
}


static void
ngx_http_push_traffic_slice(ngx_http_push_load_t *l)
{
    ngx_http_push_publisher_t     *p;
    ngx_http_push_traffic_when_e   when;

    ngx_http_push_proc_sample(&l->server, &l->samples[3], 0);

    __atomic_store_n(&l->plan->spin, l->options.spin, __ATOMIC_RELAXED);

    l->begins = ngx_http_push_net_now();
    l->bound = l->published + l->options.messages;

    ngx_http_push_traffic.due = l->begins;
    ngx_http_push_traffic.progress = l->begins;

    if (l->started == 0) {
        l->started = l->begins;
    }

    for ( ;; ) {
        when = ngx_http_push_traffic_when(l, &p);

        if (when == ngx_http_push_traffic_never) {
            break;
        }

        if (when == ngx_http_push_traffic_now) {
            ngx_http_push_traffic_publish(l, p);
            continue;
        }

        ngx_http_push_traffic_wait(l);
    }

    while (!ngx_http_push_traffic_settled(l)) {
        ngx_http_push_traffic_wait(l);
    }
}


static void
ngx_http_push_traffic_end(ngx_http_push_load_t *l)
{
    double                       us;
    uint64_t                     cpu, delivered;
    ngx_http_push_load_sum_t     sum;
    static uint64_t              before;

    cpu = l->samples[3].cpu;

    ngx_http_push_proc_sample(&l->server, &l->samples[3], 0);
    l->finished = ngx_http_push_net_now();

    __atomic_store_n(&l->plan->spin, 0, __ATOMIC_RELAXED);

    l->cpu += l->samples[3].cpu - cpu;
    l->busy += l->finished - l->begins;

    if (l->options.slices == 0) {
        return;
    }

    ngx_http_push_load_sum(l, &sum);
    delivered = sum.delivered - before;
    before = sum.delivered;

    us = delivered ? (double) (l->samples[3].cpu - cpu) / 1e3
                     / (double) delivered
                   : 0;

    printf("{ \"delivered\": %llu, \"cpu_us_per_delivery\": %.4f }\n",
           (unsigned long long) delivered, us);
}


static int
ngx_http_push_traffic_open(ngx_http_push_load_t *l)
{
    int                  fd;
    uint32_t             i, depth;
    struct epoll_event   ee;

    fd = epoll_create1(EPOLL_CLOEXEC);

    if (fd == -1) {
        perror("load: epoll_create1");
        return -1;
    }

    ngx_http_push_traffic.epoll = fd;

    ee.events = EPOLLIN;
    ee.data.u64 = 0;
    ee.data.u32 = NGX_HTTP_PUSH_TRAFFIC_WAKER;

    if (epoll_ctl(fd, EPOLL_CTL_ADD, l->plan->waker, &ee) == -1) {
        perror("load: epoll_ctl");
        return -1;
    }

    l->publishers = calloc(l->npublishers + 1,
                           sizeof(ngx_http_push_publisher_t));

    if (l->publishers == NULL) {
        perror("load: calloc");
        return -1;
    }

    depth = l->options.burst ? l->options.burst : l->options.inflight;

    /* what is under way is spread over the publishers */

    if (depth == 0) {
        depth = NGX_HTTP_PUSH_PUBLISHER_DEPTH;

    } else if (l->npublishers) {
        depth = (depth + l->npublishers - 1) / l->npublishers;
    }

    for (i = 0; i < l->npublishers; i++) {
        ngx_http_push_publisher_init(&l->publishers[i],
                                &l->options.publish[i % l->options.npublish],
                                fd, i, depth);
    }

    if (l->options.probing) {
        ngx_http_push_probe_init(&l->probe, &l->options.probe, &l->server, fd,
                                 NGX_HTTP_PUSH_TRAFFIC_PROBE);
    }

    return 0;
}


static ngx_http_push_traffic_when_e
ngx_http_push_traffic_when(ngx_http_push_load_t *l,
    ngx_http_push_publisher_t **publisher)
{
    int                            broken;
    uint64_t                       now;
    ngx_http_push_load_options_t  *o;

    o = &l->options;
    now = ngx_http_push_net_now();

    if (ngx_http_push_load_interrupted
        || (o->messages && l->published == l->bound)
        || (o->duration && now >= l->begins + o->duration))
    {
        return ngx_http_push_traffic_never;
    }

    if (l->npublishers == 0) {
        return ngx_http_push_traffic_later;
    }

    *publisher = ngx_http_push_traffic_publisher(l, &broken);

    if (broken) {
        return ngx_http_push_traffic_never;
    }

    if (now < ngx_http_push_traffic.due || *publisher == NULL
        || ngx_http_push_traffic_full(l))
    {
        return ngx_http_push_traffic_later;
    }

    return ngx_http_push_traffic_now;
}


/*
 * They take turns, and with each round of the channels the turn moves on by
 * one, so that a channel hears all of them.
 */

static ngx_http_push_publisher_t *
ngx_http_push_traffic_publisher(ngx_http_push_load_t *l, int *broken)
{
    uint64_t                    i, n;
    ngx_http_push_publisher_t  *p;

    *broken = 1;
    n = l->published % l->plan->channels
        + l->published / l->plan->channels;

    for (i = 0; i < l->npublishers; i++) {
        p = &l->publishers[(n + i) % l->npublishers];

        if (ngx_http_push_publisher_ready(p)) {
            *broken = 0;
            return p;
        }

        if (p->count == p->depth) {
            *broken = 0;
            return NULL;
        }
    }

    return NULL;
}


/* are as many messages under way as may be? */

static int
ngx_http_push_traffic_full(ngx_http_push_load_t *l)
{
    uint32_t                   alive;
    uint64_t                   wanted, room;
    ngx_http_push_load_sum_t   sum;

    if (l->options.inflight == 0
        || (l->options.burst && l->published % l->options.burst != 0))
    {
        return 0;
    }

    alive = __atomic_load_n(&l->plan->alive[ngx_http_push_traffic.channel],
                            __ATOMIC_SEQ_CST);
    room = (uint64_t) (l->options.inflight - 1) * alive;

    if (l->expected <= room) {
        return 0;
    }

    wanted = l->expected - room;

    ngx_http_push_load_sum(l, &sum);

    if (sum.delivered + l->forgiven >= wanted) {
        return 0;
    }

    if (wanted <= l->forgiven) {
        return 0;
    }

    __atomic_store_n(&l->plan->wanted, wanted - l->forgiven, __ATOMIC_SEQ_CST);

    /* it may have come between the look and the wish */

    ngx_http_push_load_sum(l, &sum);

    return sum.delivered + l->forgiven < wanted;
}


static void
ngx_http_push_traffic_publish(ngx_http_push_load_t *l,
    ngx_http_push_publisher_t *p)
{
    uint32_t                  *sent;
    ngx_http_push_stamp_t      s;
    ngx_http_push_traffic_t   *t;

    t = &ngx_http_push_traffic;

    if (l->options.probing) {
        ngx_http_push_probe_mark(&l->probe);
    }

    s.channel = t->channel;
    s.publisher = (uint32_t) (p - l->publishers);
    s.number = (uint32_t) l->published;

    sent = &l->plan->sent[t->channel * l->npublishers + s.publisher];
    s.sequence = *sent;
    *sent = s.sequence + 1;

    l->expected += __atomic_load_n(&l->plan->alive[t->channel],
                                   __ATOMIC_SEQ_CST);

    s.time = ngx_http_push_net_now();
    ngx_http_push_stamp_write(&s, t->body, l->plan->size);

    if (ngx_http_push_publisher_publish(p, t->channel, t->body, l->plan->size)
        == -1)
    {
        perror("load: publish");
    }

    l->published++;
    t->channel = (t->channel + 1) % l->plan->channels;

    if (l->options.every) {

        if (t->channel == 0) {
            t->due += l->options.every;
        }

    } else if (l->options.rate > 0) {
        t->due += (uint64_t) (1e9 / l->options.rate);
    }
}


static void
ngx_http_push_traffic_wait(ngx_http_push_load_t *l)
{
    int                 i, n;
    uint64_t            woken;
    struct epoll_event  events[NGX_HTTP_PUSH_TRAFFIC_EVENTS];

    if (l->options.probing) {
        ngx_http_push_probe_ask(&l->probe);
    }

    n = epoll_wait(ngx_http_push_traffic.epoll, events,
                   NGX_HTTP_PUSH_TRAFFIC_EVENTS,
                   ngx_http_push_traffic_timeout(l));

    for (i = 0; i < n; i++) {

        switch (events[i].data.u32) {

        case NGX_HTTP_PUSH_TRAFFIC_WAKER:

            if (read(l->plan->waker, &woken, sizeof(woken)) == -1
                && errno != EAGAIN)
            {
                perror("load: eventfd");
            }

            break;

        case NGX_HTTP_PUSH_TRAFFIC_PROBE:
            ngx_http_push_probe_handle(&l->probe);
            break;

        default:
            ngx_http_push_publisher_handle(
                                        &l->publishers[events[i].data.u32]);
        }
    }

    ngx_http_push_traffic_look(l);
}


static int
ngx_http_push_traffic_timeout(ngx_http_push_load_t *l)
{
    int       ms;
    uint64_t  now;

    if (l->options.probing) {
        return 1;
    }

    now = ngx_http_push_net_now();

    if (ngx_http_push_traffic.due <= now) {
        return NGX_HTTP_PUSH_TRAFFIC_TURN;
    }

    ms = (int) ((ngx_http_push_traffic.due - now) / 1000000);

    return (ms < NGX_HTTP_PUSH_TRAFFIC_TURN) ? ms : NGX_HTTP_PUSH_TRAFFIC_TURN;
}


/* what has to be seen to from time to time */

static void
ngx_http_push_traffic_look(ngx_http_push_load_t *l)
{
    uint64_t                      now, largest, sum;
    ngx_http_push_load_sum_t      clients;
    ngx_http_push_traffic_t      *t;
    ngx_http_push_proc_sample_t   sample;

    t = &ngx_http_push_traffic;
    now = ngx_http_push_net_now();
    ngx_http_push_load_sum(l, &clients);

    if (clients.delivered + l->forgiven >= l->expected) {
        t->progress = now;

    } else if (clients.delivered != t->delivered) {
        t->delivered = clients.delivered;
        t->progress = now;

    } else if (now > t->progress + l->options.grace) {

        /* lost, or meant for a client that is gone: do not wait for it */
        l->forgiven = l->expected - clients.delivered;
        t->progress = now;
    }

    if (now > t->shown + (isatty(STDERR_FILENO)
                          ? NGX_HTTP_PUSH_TRAFFIC_SHOW
                          : NGX_HTTP_PUSH_TRAFFIC_SHOW_LOG))
    {
        t->shown = now;
        ngx_http_push_load_progress(l, 0);
    }

    if (l->plan->stall == 0 || now < t->watched + NGX_HTTP_PUSH_TRAFFIC_WATCH)
    {
        return;
    }

    t->watched = now;

    ngx_http_push_proc_sample(&l->server, &sample, 1);

    if (sample.pss > l->peak) {
        l->peak = sample.pss;
    }

    ngx_http_push_proc_unsent(ntohs(l->plan->urls[0].addr.sin_port), &largest,
                              &sum);

    if (largest > l->unsent) {
        l->unsent = largest;
    }

    if (sum > l->unsent_sum) {
        l->unsent_sum = sum;
    }
}


/* is everything delivered, or given up? */

static int
ngx_http_push_traffic_settled(ngx_http_push_load_t *l)
{
    uint32_t                  i;
    ngx_http_push_load_sum_t  sum;

    for (i = 0; i < l->npublishers; i++) {

        if (l->publishers[i].count
            && ngx_http_push_net_now()
               < ngx_http_push_traffic.progress + l->options.grace)
        {
            return 0;
        }
    }

    ngx_http_push_load_sum(l, &sum);

    if (sum.delivered + l->forgiven >= l->expected) {
        return 1;
    }

    __atomic_store_n(&l->plan->wanted, l->expected - l->forgiven,
                     __ATOMIC_SEQ_CST);

    ngx_http_push_load_sum(l, &sum);

    return sum.delivered + l->forgiven >= l->expected;
}
