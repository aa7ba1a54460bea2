
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: publishes to a channel at a rate, by HTTP or Redis.
 */


#define _GNU_SOURCE

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>

#include "publisher.h"


#define NGX_HTTP_PUSH_SEND_SIZE   65536
#define NGX_HTTP_PUSH_SEND_GRACE  5000000000ull     /* ns */


typedef struct {
    ngx_http_push_net_url_t    url;
    ngx_http_push_publisher_t  publisher;
    double                     rate;
    uint64_t                   messages;
    uint64_t                   duration;            /* ns */
    uint64_t                   sent;
    uint32_t                   channels;
    uint32_t                   inflight;
    uint32_t                   quiet;
    size_t                     size;
    const char                *text;
    uint64_t                   started;
    uint64_t                   shown;
    int                        epoll;
    char                       body[NGX_HTTP_PUSH_SEND_SIZE];
} ngx_http_push_send_t;


static void ngx_http_push_send_help(void);
static void ngx_http_push_send_options(int argc, char **argv);
static void ngx_http_push_send_url(const char *value);
static double ngx_http_push_send_number(const char *value, double max);
static void ngx_http_push_send_run(void);
static void ngx_http_push_send_one(void);
static void ngx_http_push_send_wait(uint64_t due);
static void ngx_http_push_send_progress(uint64_t now);
static int ngx_http_push_send_report(void);
static void ngx_http_push_send_interrupt(int signo);


static ngx_http_push_send_t   ngx_http_push_send;
static volatile sig_atomic_t  ngx_http_push_send_interrupted;


int
main(int argc, char **argv)
{
    ngx_http_push_send_t  *s;

    s = &ngx_http_push_send;

    s->rate = 1;
    s->channels = 1;
    s->inflight = 16;
    s->text = "message %d";
    ngx_http_push_send_url("http://127.0.0.1:8080/publish?channel=news");

    ngx_http_push_send_options(argc, argv);

    (void) signal(SIGINT, ngx_http_push_send_interrupt);
    (void) signal(SIGTERM, ngx_http_push_send_interrupt);

    s->epoll = epoll_create1(EPOLL_CLOEXEC);

    if (s->epoll == -1) {
        perror("send: epoll_create1");
        return 2;
    }

    ngx_http_push_publisher_init(&s->publisher, &s->url, s->epoll, 0,
                                 s->inflight);
    ngx_http_push_send_run();

    return ngx_http_push_send_report() ? 0 : 1;
}


static void
ngx_http_push_send_help(void)
{
    printf(
"send: publishes to a channel at a rate; JSON at the end, exit status 0 only\n"
"if every publish was answered with success\n"
"\n"
"  --to URL        http://HOST:PORT/PATH by POST or redis://HOST:PORT/CHANNEL\n"
"                  by PUBLISH (http://127.0.0.1:8080/publish?channel=news)\n"
"  --channels N    %%d in the URL goes round from 0 to N - 1 (1)\n"
"  --text TEXT     the message; %%d in it is its number (message %%d)\n"
"  --size N        filled up with dots to so many bytes\n"
"  --rate R        a second; 0: as fast as it is answered (1)\n"
"  --inflight N    not answered at a time, at most %d (16)\n"
"  --messages N    stop after so many\n"
"  --duration S    stop after so many seconds\n"
"  --quiet         no progress on stderr\n"
"\n"
"Without --messages and --duration it runs until it is interrupted.\n",
           NGX_HTTP_PUSH_PUBLISHER_DEPTH);
}


static void
ngx_http_push_send_options(int argc, char **argv)
{
    int                         c;
    ngx_http_push_send_t       *s;
    static const struct option  options[] = {
        { "to", required_argument, NULL, 'u' },
        { "channels", required_argument, NULL, 'c' },
        { "text", required_argument, NULL, 't' },
        { "size", required_argument, NULL, 's' },
        { "rate", required_argument, NULL, 'r' },
        { "inflight", required_argument, NULL, 'i' },
        { "messages", required_argument, NULL, 'm' },
        { "duration", required_argument, NULL, 'd' },
        { "quiet", no_argument, NULL, 'q' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    s = &ngx_http_push_send;

    for ( ;; ) {
        c = getopt_long(argc, argv, "h", options, NULL);

        switch (c) {

        case -1:

            if (optind < argc) {
                fprintf(stderr, "send: what is \"%s\"? -h explains\n",
                        argv[optind]);
                exit(2);
            }

            return;

        case 'u':
            ngx_http_push_send_url(optarg);
            break;

        case 'c':
            s->channels = (uint32_t) ngx_http_push_send_number(optarg, 1e7);
            break;

        case 't':
            s->text = optarg;
            break;

        case 's':
            s->size = (size_t) ngx_http_push_send_number(optarg,
                                                     NGX_HTTP_PUSH_SEND_SIZE);
            break;

        case 'r':
            s->rate = ngx_http_push_send_number(optarg, 1e7);
            break;

        case 'i':
            s->inflight = (uint32_t) ngx_http_push_send_number(optarg,
                                               NGX_HTTP_PUSH_PUBLISHER_DEPTH);
            break;

        case 'm':
            s->messages = (uint64_t) ngx_http_push_send_number(optarg, 4e9);
            break;

        case 'd':
            s->duration = (uint64_t) (ngx_http_push_send_number(optarg, 1e6)
                                      * 1e9);
            break;

        case 'q':
            s->quiet = 1;
            break;

        case 'h':
            ngx_http_push_send_help();
            exit(0);

        default:
            exit(2);
        }
    }
}


static void
ngx_http_push_send_url(const char *value)
{
    const char  *wrong;

    wrong = ngx_http_push_net_parse(&ngx_http_push_send.url, value);

    if (wrong == NULL
        && ngx_http_push_send.url.scheme < NGX_HTTP_PUSH_NET_HTTP)
    {
        wrong = "is neither http:// nor redis://";
    }

    if (wrong) {
        fprintf(stderr, "send: \"%s\" %s\n", value, wrong);
        exit(2);
    }
}


static double
ngx_http_push_send_number(const char *value, double max)
{
    char    *end;
    double   n;

    n = strtod(value, &end);

    if (end == value || *end != '\0' || !(n >= 0 && n <= max)) {
        fprintf(stderr, "send: \"%s\" is no number that makes sense here\n",
                value);
        exit(2);
    }

    return n;
}


static void
ngx_http_push_send_run(void)
{
    uint64_t               now, due, last;
    ngx_http_push_send_t  *s;

    s = &ngx_http_push_send;
    s->started = ngx_http_push_net_now();
    due = s->started;
    last = due;

    if (s->channels == 0 || s->inflight == 0) {
        fprintf(stderr, "send: --channels and --inflight are at least 1\n");
        exit(2);
    }

    for ( ;; ) {
        now = ngx_http_push_net_now();

        if (ngx_http_push_send_interrupted
            || (s->messages && s->sent == s->messages)
            || (s->duration && now >= s->started + s->duration))
        {
            break;
        }

        ngx_http_push_send_progress(now);

        if (now < due || !ngx_http_push_publisher_ready(&s->publisher)) {

            if (s->publisher.count < s->publisher.depth && now >= due) {
                /* the server is gone for good */
                break;
            }

            ngx_http_push_send_wait(due);
            continue;
        }

        ngx_http_push_send_one();
        last = now;

        if (s->rate > 0) {
            due = s->started + (uint64_t) ((double) s->sent * 1e9 / s->rate);
        }
    }

    while (s->publisher.count
           && ngx_http_push_net_now() < last + NGX_HTTP_PUSH_SEND_GRACE)
    {
        ngx_http_push_send_wait(0);
    }
}


static void
ngx_http_push_send_one(void)
{
    size_t                 n;
    ngx_http_push_send_t  *s;

    s = &ngx_http_push_send;

    if (strlen(s->text) > NGX_HTTP_PUSH_NET_PATH) {
        n = strlen(s->text);
        n = (n < sizeof(s->body)) ? n : sizeof(s->body);
        memcpy(s->body, s->text, n);

    } else {
        n = ngx_http_push_net_expand(s->body, s->text, (uint32_t) s->sent);
    }

    if (n < s->size) {
        memset(s->body + n, '.', s->size - n);
        n = s->size;
    }

    if (ngx_http_push_publisher_publish(&s->publisher,
                                        (uint32_t) (s->sent % s->channels),
                                        s->body, n)
        == -1)
    {
        fprintf(stderr, "send: no memory\n");
        exit(2);
    }

    s->sent++;
}


static void
ngx_http_push_send_wait(uint64_t due)
{
    int                 ms;
    uint64_t            now;
    struct epoll_event  ee;

    ms = 100;
    now = ngx_http_push_net_now();

    if (due > now && (due - now) / 1000000 < 100) {
        ms = (int) ((due - now) / 1000000);
    }

    if (epoll_wait(ngx_http_push_send.epoll, &ee, 1, ms) == 1) {
        ngx_http_push_publisher_handle(&ngx_http_push_send.publisher);
    }
}


static void
ngx_http_push_send_progress(uint64_t now)
{
    ngx_http_push_send_t  *s;

    s = &ngx_http_push_send;

    if (s->quiet || now < s->shown + 1000000000) {
        return;
    }

    s->shown = now;

    fprintf(stderr, "%6.1f s  %llu sent  %llu answered  %llu refused\n",
            (double) (now - s->started) / 1e9, (unsigned long long) s->sent,
            (unsigned long long) s->publisher.answered,
            (unsigned long long) s->publisher.refused);
}


static int
ngx_http_push_send_report(void)
{
    double                      seconds;
    uint64_t                    unknown;
    ngx_http_push_send_t       *s;
    ngx_http_push_publisher_t  *p;

    s = &ngx_http_push_send;
    p = &s->publisher;

    unknown = p->unknown + p->count;
    seconds = (double) (ngx_http_push_net_now() - s->started) / 1e9;

    printf("{\n"
           "  \"sent\": %llu,\n"
           "  \"answered\": %llu,\n"
           "  \"refused\": %llu,\n"
           "  \"unknown\": %llu,\n"
           "  \"seconds\": %.3f,\n"
           "  \"per_second\": %.1f,\n"
           "  \"latency_us\": { \"p50\": %.1f, \"p99\": %.1f, "
           "\"max\": %.1f },\n"
           "  \"error\": \"%s\"\n"
           "}\n",
           (unsigned long long) s->sent, (unsigned long long) p->answered,
           (unsigned long long) p->refused, (unsigned long long) unknown,
           seconds, (seconds > 0) ? (double) s->sent / seconds : 0,
           (double) ngx_http_push_latency_at(&p->latency, 500) / 1e3,
           (double) ngx_http_push_latency_at(&p->latency, 990) / 1e3,
           (double) p->latency.max / 1e3, p->error);

    return p->answered == s->sent;
}


static void
ngx_http_push_send_interrupt(int signo)
{
    ngx_http_push_send_interrupted = 1;
}
