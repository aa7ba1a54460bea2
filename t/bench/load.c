
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: opens many thousand clients in several processes, publishes, and
 * proves that each client got each message once and in order.  Here: options,
 * processes and phases.
 */


#define _GNU_SOURCE

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "load.h"
#include "stamp.h"
#include "tls.h"


#define NGX_HTTP_PUSH_LOAD_DEFAULT    "ws://127.0.0.1:8080"
#define NGX_HTTP_PUSH_LOAD_PUBLISH    "http://127.0.0.1:8080"

/* of the files that a process may open, for what is no client */
#define NGX_HTTP_PUSH_LOAD_SPARE      100

/* Linux gives a connect() every second port of its range: half of 28,000 */
#define NGX_HTTP_PUSH_LOAD_SOURCE     14000

#define NGX_HTTP_PUSH_LOAD_PATIENCE   30000000000ull    /* ns */
#define NGX_HTTP_PUSH_LOAD_RESUME     1500000           /* us */
#define NGX_HTTP_PUSH_LOAD_SETTLE     500000            /* us */


typedef enum {
    ngx_http_push_load_url = 256,
    ngx_http_push_load_publish,
    ngx_http_push_load_clients,
    ngx_http_push_load_channels,
    ngx_http_push_load_messages,
    ngx_http_push_load_rate,
    ngx_http_push_load_duration,
    ngx_http_push_load_hold,
    ngx_http_push_load_every,
    ngx_http_push_load_inflight,
    ngx_http_push_load_burst,
    ngx_http_push_load_publishers,
    ngx_http_push_load_size,
    ngx_http_push_load_pid,
    ngx_http_push_load_nginx_pid,
    ngx_http_push_load_stall,
    ngx_http_push_load_receive_buffer,
    ngx_http_push_load_connecting,
    ngx_http_push_load_per_process,
    ngx_http_push_load_source,
    ngx_http_push_load_per_source,
    ngx_http_push_load_reserve,
    ngx_http_push_load_allow_close,
    ngx_http_push_load_reconnect,
    ngx_http_push_load_probe,
    ngx_http_push_load_grace,
    ngx_http_push_load_wait,
    ngx_http_push_load_slices,
    ngx_http_push_load_spin,
    ngx_http_push_load_quiet
} ngx_http_push_load_option_e;


static void ngx_http_push_load_help(void);
static void ngx_http_push_load_defaults(ngx_http_push_load_t *l,
    ngx_http_push_client_plan_t *plan);
static void ngx_http_push_load_parse(ngx_http_push_load_t *l,
    ngx_http_push_client_plan_t *plan, int argc, char **argv);
static void ngx_http_push_load_set(ngx_http_push_load_t *l,
    ngx_http_push_client_plan_t *plan, int option, const char *value);
static void ngx_http_push_load_set_more(ngx_http_push_load_t *l,
    ngx_http_push_client_plan_t *plan, int option, const char *value);
static void ngx_http_push_load_set_url(ngx_http_push_net_url_t *urls,
    uint32_t *n, const char *base, const char *value);
static void ngx_http_push_load_set_pid(ngx_http_push_load_t *l,
    const char *value, int children);
static double ngx_http_push_load_number(const char *value, double max);
static void ngx_http_push_load_check(ngx_http_push_load_t *l,
    ngx_http_push_client_plan_t *plan);
static void ngx_http_push_load_map(ngx_http_push_load_t *l,
    const ngx_http_push_client_plan_t *plan);
static void *ngx_http_push_load_shared(size_t size);
static void ngx_http_push_load_fork(ngx_http_push_load_t *l);
static void ngx_http_push_load_connect(ngx_http_push_load_t *l);
static void ngx_http_push_load_receive(ngx_http_push_load_t *l);
static void ngx_http_push_load_finish(ngx_http_push_load_t *l);
static void ngx_http_push_load_hold_on(void);
static void ngx_http_push_load_phase(ngx_http_push_load_t *l,
    ngx_http_push_client_phase_e phase);
static void ngx_http_push_load_interrupt(int signo);
static void ngx_http_push_load_die(const char *format, const char *value);


volatile sig_atomic_t  ngx_http_push_load_interrupted;


static const struct option  ngx_http_push_load_options[] = {
    { "url", required_argument, NULL, ngx_http_push_load_url },
    { "publish", required_argument, NULL, ngx_http_push_load_publish },
    { "clients", required_argument, NULL, ngx_http_push_load_clients },
    { "channels", required_argument, NULL, ngx_http_push_load_channels },
    { "messages", required_argument, NULL, ngx_http_push_load_messages },
    { "rate", required_argument, NULL, ngx_http_push_load_rate },
    { "duration", required_argument, NULL, ngx_http_push_load_duration },
    { "hold", required_argument, NULL, ngx_http_push_load_hold },
    { "broadcast-every", required_argument, NULL, ngx_http_push_load_every },
    { "inflight", required_argument, NULL, ngx_http_push_load_inflight },
    { "burst", required_argument, NULL, ngx_http_push_load_burst },
    { "publishers", required_argument, NULL, ngx_http_push_load_publishers },
    { "size", required_argument, NULL, ngx_http_push_load_size },
    { "pid", required_argument, NULL, ngx_http_push_load_pid },
    { "nginx-pid", required_argument, NULL, ngx_http_push_load_nginx_pid },
    { "stall", required_argument, NULL, ngx_http_push_load_stall },
    { "receive-buffer", required_argument, NULL,
      ngx_http_push_load_receive_buffer },
    { "connecting", required_argument, NULL, ngx_http_push_load_connecting },
    { "per-process", required_argument, NULL, ngx_http_push_load_per_process },
    { "source", required_argument, NULL, ngx_http_push_load_source },
    { "per-source", required_argument, NULL, ngx_http_push_load_per_source },
    { "reserve", required_argument, NULL, ngx_http_push_load_reserve },
    { "allow-close", required_argument, NULL, ngx_http_push_load_allow_close },
    { "reconnect", no_argument, NULL, ngx_http_push_load_reconnect },
    { "probe", required_argument, NULL, ngx_http_push_load_probe },
    { "grace", required_argument, NULL, ngx_http_push_load_grace },
    { "wait", no_argument, NULL, ngx_http_push_load_wait },
    { "slices", required_argument, NULL, ngx_http_push_load_slices },
    { "spin", no_argument, NULL, ngx_http_push_load_spin },
    { "quiet", no_argument, NULL, ngx_http_push_load_quiet },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 }
};


int
main(int argc, char **argv)
{
    int                                 ok;
    static ngx_http_push_load_t         l;
    static ngx_http_push_client_plan_t  plan;

    ngx_http_push_load_defaults(&l, &plan);
    ngx_http_push_load_parse(&l, &plan, argc, argv);
    ngx_http_push_load_check(&l, &plan);
    ngx_http_push_load_map(&l, &plan);

    (void) signal(SIGINT, ngx_http_push_load_interrupt);
    (void) signal(SIGTERM, ngx_http_push_load_interrupt);
    (void) signal(SIGPIPE, SIG_IGN);

    ngx_http_push_proc_sample(&l.server, &l.samples[0], 1);
    l.available[0] = ngx_http_push_proc_available();

    ngx_http_push_load_fork(&l);
    ngx_http_push_load_connect(&l);
    ngx_http_push_load_receive(&l);

    ok = ngx_http_push_report_print(&l);

    if (l.options.wait) {
        ngx_http_push_load_hold_on();
    }

    ngx_http_push_load_finish(&l);

    return ok ? 0 : 1;
}


void
ngx_http_push_load_sum(const ngx_http_push_load_t *l,
    ngx_http_push_load_sum_t *sum)
{
    uint32_t                      i;
    ngx_http_push_client_stat_t  *st;

    memset(sum, 0, sizeof(ngx_http_push_load_sum_t));

    for (i = 0; i < l->plan->processes; i++) {
        st = &l->plan->stats[i];
        sum->live += __atomic_load_n(&st->live, __ATOMIC_ACQUIRE);
        sum->failed += __atomic_load_n(&st->failed, __ATOMIC_ACQUIRE);
        sum->delivered += __atomic_load_n(&st->delivered, __ATOMIC_SEQ_CST);
    }
}


void
ngx_http_push_load_progress(const ngx_http_push_load_t *l, int last)
{
    int                       tty;
    ngx_http_push_load_sum_t  sum;

    if (l->options.quiet) {
        return;
    }

    tty = isatty(STDERR_FILENO);
    ngx_http_push_load_sum(l, &sum);

    fprintf(stderr, "%s%6.1f s  %u of %u connected, %u failed  "
                    "%llu published  %llu of %llu delivered%s",
            tty ? "\r" : "",
            (double) (ngx_http_push_net_now() - l->begun) / 1e9,
            sum.live, l->plan->clients, sum.failed,
            (unsigned long long) l->published,
            (unsigned long long) sum.delivered,
            (unsigned long long) l->expected,
            (tty && !last) ? " " : "\n");
}


static void
ngx_http_push_load_help(void)
{
    printf(
"load: opens many WebSocket clients, publishes, and proves that each client\n"
"got each message exactly once and in order; JSON at the end, exit status 0\n"
"only if it was so\n"
"\n"
"Clients\n"
"  --url URL           ws://HOST:PORT/PATH or wss://; only /PATH stands for\n"
"                      " NGX_HTTP_PUSH_LOAD_DEFAULT "/PATH; %%d in it is the\n"
"                      channel's number; several: clients are spread over\n"
"                      them (/events?channel=c%%d)\n"
"  --clients N         how many (1000)\n"
"  --channels N        client I is in channel I modulo N (1)\n"
"  --connecting N      handshakes under way at a time, all together (128)\n"
"  --per-process N     clients of one process (what its open files allow)\n"
"  --source ADDR       first source address, such as 127.0.0.2; the next ones\n"
"                      follow (127.0.0.1 on, if more than 14,000 clients)\n"
"  --per-source N      connections from one address (14000)\n"
"  --reserve MB        stop connecting when less memory is free (1024)\n"
"  --stall N           so many of them do not read; theirs is not counted as\n"
"                      lost, and whether they were closed is reported\n"
"  --receive-buffer N  SO_RCVBUF of the clients, bytes\n"
"  --allow-close CODE  a close with this code is no failure\n"
"  --reconnect         and who is closed so connects again\n"
"\n"
"Publishing\n"
"  --publish URL       http://HOST:PORT/PATH by POST, or by PUBLISH\n"
"                      redis://HOST:PORT/NAME; only /PATH stands for\n"
"                      " NGX_HTTP_PUSH_LOAD_PUBLISH "/PATH; several take\n"
"                      turns; none: only connect and hold\n"
"  --publishers N      connections for each of them (1); what is under way is\n"
"                      spread over them, several on one are pipelined\n"
"  --inflight N        messages under way, published but not yet with all of\n"
"                      their readers; 0: no bound (1, with --rate 0)\n"
"  --burst N           N at once, and the next N when all have arrived\n"
"  --rate R            messages a second (as fast as --inflight allows)\n"
"  --broadcast-every S every S seconds one message to each channel\n"
"  --messages N        stop after so many (100 if no bound is given)\n"
"  --duration S        stop after so many seconds\n"
"  --hold S            the same, to be said with --broadcast-every\n"
"  --size N            bytes of a message, %d to %d (128)\n"
"  --grace S           wait no longer after so long without a delivery (5)\n"
"\n"
"Measuring\n"
"  --pid PID           a process of the server; several\n"
"  --nginx-pid PID     the master process or its pid file: with its workers\n"
"  --probe URL         ask this http:// all the time, for the longest wait\n"
"                      (it should be answered 204); disturbs CPU figures\n"
"  --slices N          publish what the bounds say N times, each time when\n"
"                      there is a line on stdin, and print one of JSON after\n"
"                      it: for two loads that take turns\n"
"  --spin              clients do not sleep while messages come: to wake them\n"
"                      is no work that a server has when they are elsewhere\n"
"  --wait              after the JSON keep the clients until stdin ends\n"
"  --quiet             no progress on stderr\n",
           NGX_HTTP_PUSH_STAMP_SIZE, NGX_HTTP_PUSH_STAMP_MAX);
}


static void
ngx_http_push_load_defaults(ngx_http_push_load_t *l,
    ngx_http_push_client_plan_t *plan)
{
    plan->clients = 1000;
    plan->channels = 1;
    plan->size = 128;
    plan->per_source = NGX_HTTP_PUSH_LOAD_SOURCE;

    l->options.per_url = 1;
    l->options.connecting = 128;
    l->options.grace = 5000000000;
    l->options.reserve = (uint64_t) 1024 << 20;
    l->options.inflight = UINT32_MAX;
}


static void
ngx_http_push_load_parse(ngx_http_push_load_t *l,
    ngx_http_push_client_plan_t *plan, int argc, char **argv)
{
    int  c;

    for ( ;; ) {
        c = getopt_long(argc, argv, "h", ngx_http_push_load_options, NULL);

        if (c == -1) {
            break;
        }

        if (c == 'h') {
            ngx_http_push_load_help();
            exit(0);
        }

        if (c == '?') {
            exit(2);
        }

        ngx_http_push_load_set(l, plan, c, optarg);
    }

    if (optind < argc) {
        ngx_http_push_load_die("what is \"%s\"? -h explains", argv[optind]);
    }
}


static void
ngx_http_push_load_set(ngx_http_push_load_t *l,
    ngx_http_push_client_plan_t *plan, int option, const char *value)
{
    ngx_http_push_load_options_t  *o;

    o = &l->options;

    switch (option) {

    case ngx_http_push_load_url:
        ngx_http_push_load_set_url(plan->urls, &plan->nurls,
                                   NGX_HTTP_PUSH_LOAD_DEFAULT, value);
        break;

    case ngx_http_push_load_publish:
        ngx_http_push_load_set_url(o->publish, &o->npublish,
                                   NGX_HTTP_PUSH_LOAD_PUBLISH, value);
        break;

    case ngx_http_push_load_probe:
        o->probing = 0;
        ngx_http_push_load_set_url(&o->probe, &o->probing,
                                   NGX_HTTP_PUSH_LOAD_PUBLISH, value);
        break;

    case ngx_http_push_load_clients:
        plan->clients = (uint32_t) ngx_http_push_load_number(value, 1e7);
        break;

    case ngx_http_push_load_channels:
        plan->channels = (uint32_t) ngx_http_push_load_number(value, 1e7);
        break;

    case ngx_http_push_load_messages:
        o->messages = (uint64_t) ngx_http_push_load_number(value, 4e9);
        break;

    case ngx_http_push_load_rate:
        o->rate = ngx_http_push_load_number(value, 1e7);
        break;

    case ngx_http_push_load_duration:
    case ngx_http_push_load_hold:
        o->duration = (uint64_t) (ngx_http_push_load_number(value, 1e6) * 1e9);
        break;

    case ngx_http_push_load_every:
        o->every = (uint64_t) (ngx_http_push_load_number(value, 1e5) * 1e9);
        break;

    case ngx_http_push_load_inflight:
        o->inflight = (uint32_t) ngx_http_push_load_number(value, 1e6);
        break;

    case ngx_http_push_load_burst:
        o->burst = (uint32_t) ngx_http_push_load_number(value,
                                               NGX_HTTP_PUSH_PUBLISHER_DEPTH);
        break;

    case ngx_http_push_load_publishers:
        o->per_url = (uint32_t) ngx_http_push_load_number(value, 32);
        break;

    default:
        ngx_http_push_load_set_more(l, plan, option, value);
    }
}


static void
ngx_http_push_load_set_more(ngx_http_push_load_t *l,
    ngx_http_push_client_plan_t *plan, int option, const char *value)
{
    ngx_http_push_load_options_t  *o;

    o = &l->options;

    switch (option) {

    case ngx_http_push_load_size:
        plan->size = (size_t) ngx_http_push_load_number(value,
                                                    NGX_HTTP_PUSH_STAMP_MAX);
        break;

    case ngx_http_push_load_pid:
        ngx_http_push_load_set_pid(l, value, 0);
        break;

    case ngx_http_push_load_nginx_pid:
        ngx_http_push_load_set_pid(l, value, 1);
        break;

    case ngx_http_push_load_stall:
        plan->stall = (uint32_t) ngx_http_push_load_number(value, 1e7);
        break;

    case ngx_http_push_load_receive_buffer:
        plan->receive_buffer = (uint32_t) ngx_http_push_load_number(value, 1e9);
        break;

    case ngx_http_push_load_connecting:
        o->connecting = (uint32_t) ngx_http_push_load_number(value, 1e5);
        break;

    case ngx_http_push_load_per_process:
        o->per_process = (uint32_t) ngx_http_push_load_number(value, 1e6);
        break;

    case ngx_http_push_load_source:
        plan->source = ntohl(inet_addr(value));

        if (plan->source == INADDR_NONE) {
            ngx_http_push_load_die("\"%s\" is no IPv4 address", value);
        }

        break;

    case ngx_http_push_load_per_source:
        plan->per_source = (uint32_t) ngx_http_push_load_number(value, 6e4);
        break;

    case ngx_http_push_load_reserve:
        o->reserve = (uint64_t) ngx_http_push_load_number(value, 1e7) << 20;
        break;

    case ngx_http_push_load_allow_close:
        plan->allow_close = (uint32_t) ngx_http_push_load_number(value, 4999);
        break;

    case ngx_http_push_load_grace:
        o->grace = (uint64_t) (ngx_http_push_load_number(value, 1e4) * 1e9);
        break;

    case ngx_http_push_load_reconnect:
        plan->reconnect = 1;
        break;

    case ngx_http_push_load_wait:
        o->wait = 1;
        break;

    case ngx_http_push_load_spin:
        o->spin = 1;
        break;

    case ngx_http_push_load_slices:
        o->slices = (uint32_t) ngx_http_push_load_number(value, 1e6);
        break;

    case ngx_http_push_load_quiet:
        o->quiet = 1;
        break;
    }
}


static void
ngx_http_push_load_set_url(ngx_http_push_net_url_t *urls, uint32_t *n,
    const char *base, const char *value)
{
    char         text[NGX_HTTP_PUSH_NET_PATH + 64];
    const char  *wrong;

    if (*n == NGX_HTTP_PUSH_CLIENT_URLS) {
        ngx_http_push_load_die("too many addresses at \"%s\"", value);
    }

    (void) snprintf(text, sizeof(text), "%s%s", (value[0] == '/') ? base : "",
                    value);

    wrong = ngx_http_push_net_parse(&urls[*n], text);

    if (wrong) {
        fprintf(stderr, "load: \"%s\" %s\n", value, wrong);
        exit(2);
    }

    (*n)++;
}


static void
ngx_http_push_load_set_pid(ngx_http_push_load_t *l, const char *value,
    int children)
{
    int    pid;
    FILE  *f;

    pid = atoi(value);

    if (pid == 0 && children) {
        f = fopen(value, "r");

        if (f == NULL || fscanf(f, "%d", &pid) != 1) {
            ngx_http_push_load_die("no process number in \"%s\"", value);
        }

        (void) fclose(f);
    }

    if (pid <= 0
        || !ngx_http_push_proc_add(&l->server, (pid_t) pid, children))
    {
        ngx_http_push_load_die("there is no process \"%s\"", value);
    }
}


static double
ngx_http_push_load_number(const char *value, double max)
{
    char    *end;
    double   n;

    n = strtod(value, &end);

    if (end == value || *end != '\0' || !(n >= 0 && n <= max)) {
        ngx_http_push_load_die("\"%s\" is no number that makes sense here",
                               value);
    }

    return n;
}


static void
ngx_http_push_load_check(ngx_http_push_load_t *l,
    ngx_http_push_client_plan_t *plan)
{
    uint32_t                       i, files;
    ngx_http_push_load_options_t  *o;

    o = &l->options;

    if (plan->nurls == 0) {
        ngx_http_push_load_set_url(plan->urls, &plan->nurls,
                                   NGX_HTTP_PUSH_LOAD_DEFAULT,
                                   "/events?channel=c%d");
    }

    for (i = 0; i < plan->nurls; i++) {

        if (plan->urls[i].scheme > NGX_HTTP_PUSH_NET_WSS) {
            ngx_http_push_load_die("--url wants ws:// or wss://, not \"%s\"",
                                   plan->urls[i].host);
        }

        if (plan->urls[i].scheme == NGX_HTTP_PUSH_NET_WSS
            && !ngx_http_push_tls_available())
        {
            ngx_http_push_load_die("%s: this load was built without TLS",
                                   "wss://");
        }
    }

    for (i = 0; i < o->npublish; i++) {

        if (o->publish[i].scheme < NGX_HTTP_PUSH_NET_HTTP) {
            ngx_http_push_load_die("--publish wants http:// or redis://, "
                                   "not \"%s\"", o->publish[i].host);
        }
    }

    if (plan->clients == 0 || plan->channels == 0 || plan->per_source == 0
        || o->connecting == 0 || o->per_url == 0
        || plan->stall > plan->clients
        || plan->size < NGX_HTTP_PUSH_STAMP_SIZE)
    {
        ngx_http_push_load_die("%s is too small or too large, -h explains",
                               "one of --clients --channels --per-source "
                               "--connecting --publishers --stall --size");
    }

    if (o->messages == 0 && o->duration == 0) {

        if (o->npublish) {
            o->messages = 100;
        }
    }

    if (o->burst) {
        o->inflight = 1;

    } else if (o->inflight == UINT32_MAX) {
        o->inflight = (o->rate > 0 || o->every) ? 0 : 1;
    }

    files = (uint32_t) ngx_http_push_net_files() - NGX_HTTP_PUSH_LOAD_SPARE;

    if (o->per_process == 0 || o->per_process > files) {
        o->per_process = files;
    }

    if (plan->source == 0 && plan->clients > plan->per_source) {
        plan->source = INADDR_LOOPBACK;
    }

    plan->processes = (plan->clients + o->per_process - 1) / o->per_process;
    plan->connecting = o->connecting / plan->processes;

    if (plan->connecting == 0) {
        plan->connecting = 1;
    }

    l->npublishers = o->npublish * o->per_url;
    plan->publishers = l->npublishers ? l->npublishers : 1;
}


static void
ngx_http_push_load_map(ngx_http_push_load_t *l,
    const ngx_http_push_client_plan_t *plan)
{
    uint32_t  i, first, count;

    l->plan = ngx_http_push_load_shared(sizeof(ngx_http_push_client_plan_t));

    *l->plan = *plan;

    l->plan->alive = ngx_http_push_load_shared(plan->channels
                                               * sizeof(uint32_t));
    l->plan->sent = ngx_http_push_load_shared((size_t) plan->channels
                                              * plan->publishers
                                              * sizeof(uint32_t));
    l->plan->stats = ngx_http_push_load_shared(plan->processes
                                      * sizeof(ngx_http_push_client_stat_t));
    l->processes = calloc(plan->processes, sizeof(pid_t));
    l->plan->waker = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);

    if (l->processes == NULL || l->plan->waker == -1) {
        ngx_http_push_load_die("cannot start: %s", strerror(errno));
    }

    first = 0;

    for (i = 0; i < plan->processes; i++) {
        count = (plan->clients - first) / (plan->processes - i);
        l->plan->stats[i].first = first;
        l->plan->stats[i].count = count;
        first += count;
    }
}


static void *
ngx_http_push_load_shared(size_t size)
{
    void  *p;

    p = mmap(NULL, size, PROT_READ|PROT_WRITE,
             MAP_SHARED|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED) {
        ngx_http_push_load_die("mmap: %s", strerror(errno));
    }

    return p;
}


static void
ngx_http_push_load_fork(ngx_http_push_load_t *l)
{
    uint32_t  i;

    l->begun = ngx_http_push_net_now();

    for (i = 0; i < l->plan->processes; i++) {
        l->processes[i] = fork();

        if (l->processes[i] == -1) {
            ngx_http_push_load_die("fork: %s", strerror(errno));
        }

        if (l->processes[i] == 0) {
            (void) signal(SIGINT, SIG_IGN);
            (void) signal(SIGTERM, SIG_DFL);
            ngx_http_push_client_run(l->plan, i);
        }
    }
}


static void
ngx_http_push_load_connect(ngx_http_push_load_t *l)
{
    uint32_t                  i, turn;
    uint64_t                  progress;
    ngx_http_push_load_sum_t  sum, last;

    turn = 0;
    progress = l->begun;
    memset(&last, 0, sizeof(last));
    l->ended = "all connected";

    for ( ;; ) {
        (void) usleep(20000);
        ngx_http_push_load_sum(l, &sum);

        if (sum.live + sum.failed >= l->plan->clients) {
            break;
        }

        if (sum.live != last.live || sum.failed != last.failed) {
            progress = ngx_http_push_net_now();
            last = sum;
        }

        if (ngx_http_push_net_now() > progress + NGX_HTTP_PUSH_LOAD_PATIENCE) {
            l->ended = "no handshake was answered for 30 s";
            break;
        }

        if (ngx_http_push_load_interrupted) {
            l->ended = "interrupted";
            break;
        }

        if (sum.failed > 100 && sum.failed > l->plan->clients / 100) {
            l->ended = "too many failed";
            break;
        }

        if (++turn % 10 == 0
            && ngx_http_push_proc_available() < l->options.reserve)
        {
            l->ended = "memory is down to the reserve";
            break;
        }

        if (turn % 50 == 0) {
            ngx_http_push_load_progress(l, 0);
        }
    }

    __atomic_store_n(&l->plan->halt, 1, __ATOMIC_RELEASE);
    ngx_http_push_proc_sample(&l->server, &l->samples[1], 0);

    /* handshakes under way, events that the server has posted to itself */
    (void) usleep(NGX_HTTP_PUSH_LOAD_SETTLE);

    ngx_http_push_load_sum(l, &sum);
    l->live = sum.live;
    l->connected = l->begun;

    if (sum.failed && sum.live + sum.failed >= l->plan->clients) {
        l->ended = "some failed";
    }

    for (i = 0; i < l->plan->processes; i++) {

        if (l->plan->stats[i].last_live > l->connected) {
            l->connected = l->plan->stats[i].last_live;
        }
    }

    ngx_http_push_proc_sample(&l->server, &l->samples[2], 1);
    l->available[1] = ngx_http_push_proc_available();
    ngx_http_push_load_progress(l, 0);
}


static void
ngx_http_push_load_receive(ngx_http_push_load_t *l)
{
    uint32_t  i;

    if (l->live && (l->npublishers || l->options.duration)) {
        ngx_http_push_load_phase(l, ngx_http_push_client_receive);

        if (ngx_http_push_traffic_run(l) == -1) {
            exit(1);
        }
    }

    if (l->plan->stall) {
        ngx_http_push_load_phase(l, ngx_http_push_client_resume);
        (void) usleep(NGX_HTTP_PUSH_LOAD_RESUME);
    }

    ngx_http_push_load_phase(l, ngx_http_push_client_check);

    for (i = 0; i < l->plan->processes; i++) {

        while (!__atomic_load_n(&l->plan->stats[i].checked, __ATOMIC_ACQUIRE))
        {
            if (waitpid(l->processes[i], NULL, WNOHANG) != 0) {
                ngx_http_push_load_die("%s", "a process of clients is gone");
            }

            (void) usleep(1000);
        }
    }

    ngx_http_push_load_progress(l, 1);
}


static void
ngx_http_push_load_finish(ngx_http_push_load_t *l)
{
    uint32_t  i;

    ngx_http_push_load_phase(l, ngx_http_push_client_exit);

    for (i = 0; i < l->plan->processes; i++) {
        (void) waitpid(l->processes[i], NULL, 0);
    }
}


static void
ngx_http_push_load_hold_on(void)
{
    char  c;

    (void) fflush(stdout);

    while (read(STDIN_FILENO, &c, 1) > 0) { /* void */ }
}


static void
ngx_http_push_load_phase(ngx_http_push_load_t *l,
    ngx_http_push_client_phase_e phase)
{
    __atomic_store_n(&l->plan->phase, phase, __ATOMIC_RELEASE);
}


static void
ngx_http_push_load_interrupt(int signo)
{
    ngx_http_push_load_interrupted = 1;
}


static void
ngx_http_push_load_die(const char *format, const char *value)
{
    fprintf(stderr, "load: ");
    fprintf(stderr, format, value);
    fprintf(stderr, "\n");
    exit(2);
}
