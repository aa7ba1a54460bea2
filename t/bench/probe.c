
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: asks the server something trivial all the time while it sends
 * broadcasts.
 */


#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "probe.h"


#define NGX_HTTP_PUSH_PROBE_EVERY  1000000


static int ngx_http_push_probe_open(ngx_http_push_probe_t *p);
static uint64_t ngx_http_push_probe_arrived(struct msghdr *msg);
static uint64_t ngx_http_push_probe_realtime(void);


void
ngx_http_push_probe_init(ngx_http_push_probe_t *p,
    const ngx_http_push_net_url_t *url,
    const ngx_http_push_proc_set_t *server, int epoll, uint32_t tag)
{
    memset(p, 0, sizeof(ngx_http_push_probe_t));

    p->fd = -1;
    p->url = url;
    p->server = server;
    p->epoll = epoll;
    p->tag = tag;
}


void
ngx_http_push_probe_ask(ngx_http_push_probe_t *p)
{
    int       n;
    char      text[NGX_HTTP_PUSH_NET_PATH + 256];
    uint64_t  now;

    now = ngx_http_push_net_now();

    if (p->waiting || now < p->next) {
        return;
    }

    p->next = now + NGX_HTTP_PUSH_PROBE_EVERY;

    if (p->fd == -1 && !ngx_http_push_probe_open(p)) {
        p->failures++;
        return;
    }

    n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n",
                 p->url->path, p->url->host);

    p->clock = ngx_http_push_proc_clock(p->server);
    p->asked = ngx_http_push_probe_realtime();

    /* not connected yet: the next turn tries again */

    if (send(p->fd, text, (size_t) n, MSG_NOSIGNAL) == n) {
        p->waiting = 1;
    }
}


void
ngx_http_push_probe_handle(ngx_http_push_probe_t *p)
{
    char           control[256], data[4096];
    ssize_t        n;
    uint64_t       held, busy, arrived;
    struct iovec   iov;
    struct msghdr  msg;

    if (p->fd == -1) {
        return;
    }

    iov.iov_base = data;
    iov.iov_len = sizeof(data);

    memset(&msg, 0, sizeof(msg));
    msg.msg_iov = &iov;
    msg.msg_iovlen = 1;
    msg.msg_control = control;
    msg.msg_controllen = sizeof(control);

    n = recvmsg(p->fd, &msg, 0);

    if (n == -1 && errno == EAGAIN) {
        return;
    }

    if (n <= 0) {
        p->failures += p->waiting;
        p->waiting = 0;
        (void) close(p->fd);
        p->fd = -1;
        return;
    }

    /* the answer is small: its first bytes are all of it */

    if (!p->waiting) {
        return;
    }

    p->waiting = 0;

    if (n < 12 || data[9] != '2') {
        p->failures++;
        return;
    }

    arrived = ngx_http_push_probe_arrived(&msg);
    held = (arrived > p->asked) ? arrived - p->asked : 0;

    if (p->server->n) {
        busy = ngx_http_push_proc_clock(p->server) - p->clock;

        if (busy < held) {
            held = busy;
        }
    }

    ngx_http_push_latency_add(&p->answers, held);

    if (held > p->worst) {
        p->worst = held;
    }
}


void
ngx_http_push_probe_mark(ngx_http_push_probe_t *p)
{
    if (p->worst) {
        ngx_http_push_latency_add(&p->holds, p->worst);
        p->worst = 0;
    }
}


static int
ngx_http_push_probe_open(ngx_http_push_probe_t *p)
{
    int                 on;
    struct epoll_event  ee;

    p->fd = ngx_http_push_net_connect(&p->url->addr, 0);

    if (p->fd == -1) {
        return 0;
    }

    on = 1;
    (void) setsockopt(p->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));

    ee.events = EPOLLIN;
    ee.data.u64 = 0;
    ee.data.u32 = p->tag;

    (void) epoll_ctl(p->epoll, EPOLL_CTL_ADD, p->fd, &ee);

    return 1;
}


/*
 * The kernel's time stamp: when the answer came, not when this process was
 * given a CPU to look at it.
 */

static uint64_t
ngx_http_push_probe_arrived(struct msghdr *msg)
{
    struct cmsghdr   *cm;
    struct timespec   ts;

    for (cm = CMSG_FIRSTHDR(msg); cm; cm = CMSG_NXTHDR(msg, cm)) {

        if (cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SCM_TIMESTAMPNS) {
            memcpy(&ts, CMSG_DATA(cm), sizeof(ts));
            return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
        }
    }

    return ngx_http_push_probe_realtime();
}


static uint64_t
ngx_http_push_probe_realtime(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}
