
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: a process full of clients, which count what they get.
 */


#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "client.h"
#include "stamp.h"
#include "tls.h"
#include "wire.h"


#define NGX_HTTP_PUSH_CLIENT_EVENTS   512
#define NGX_HTTP_PUSH_CLIENT_BUFFER   262144
#define NGX_HTTP_PUSH_CLIENT_HEAD     16384
#define NGX_HTTP_PUSH_CLIENT_TURN     50            /* ms, to see a phase */
#define NGX_HTTP_PUSH_CLIENT_RETRY    100000000     /* ns */

/* of a track: the connection is a new one and takes what comes */
#define NGX_HTTP_PUSH_CLIENT_ANY      UINT32_MAX

#define NGX_HTTP_PUSH_CLIENT_NO_CODE  1006


typedef enum {
    ngx_http_push_client_idle = 0,
    ngx_http_push_client_connecting,
    ngx_http_push_client_securing,
    ngx_http_push_client_requested,
    ngx_http_push_client_live,
    ngx_http_push_client_left,          /* closed as allowed */
    ngx_http_push_client_gone           /* closed otherwise */
} ngx_http_push_client_state_e;


typedef struct {
    int                           fd;
    uint32_t                      index;    /* among all clients */
    uint32_t                      input_length;
    uint8_t                       state;
    uint8_t                       stalled;
    uint8_t                       returning;
    char                         *input;    /* bytes of an incomplete frame */
    void                         *tls;
} ngx_http_push_client_t;


/* what a client has of one publisher */

typedef struct {
    uint32_t                      next;
    uint32_t                      missing;  /* below next */
    uint64_t                      window;   /* bit 0: next - 1 was seen */
} ngx_http_push_client_track_t;


typedef struct {
    int                           epoll;
    uint32_t                      opened;   /* clients that were begun */
    uint32_t                      flying;   /* not live yet */
    uint32_t                      nretry;
    uint32_t                     *retry;    /* to be connected again */
    uint64_t                      retry_at;
    uint64_t                      now;
    ngx_http_push_client_t       *clients;
    ngx_http_push_client_track_t *tracks;
    ngx_http_push_client_plan_t  *plan;
    ngx_http_push_client_stat_t  *stat;
} ngx_http_push_client_process_t;


static void ngx_http_push_client_init(ngx_http_push_client_plan_t *plan,
    uint32_t n);
static void ngx_http_push_client_turn(void);
static void ngx_http_push_client_wake(void);
static void ngx_http_push_client_open_some(void);
static void ngx_http_push_client_open(ngx_http_push_client_t *c);
static void ngx_http_push_client_handle(ngx_http_push_client_t *c);
static void ngx_http_push_client_connected(ngx_http_push_client_t *c);
static void ngx_http_push_client_secure(ngx_http_push_client_t *c);
static void ngx_http_push_client_request(ngx_http_push_client_t *c);
static void ngx_http_push_client_key(const ngx_http_push_client_t *c,
    char *key);
static int ngx_http_push_client_read(ngx_http_push_client_t *c);
static long ngx_http_push_client_upgraded(ngx_http_push_client_t *c,
    const char *p, size_t size);
static void ngx_http_push_client_go_live(ngx_http_push_client_t *c);
static long ngx_http_push_client_frame(ngx_http_push_client_t *c,
    const char *p, size_t size);
static void ngx_http_push_client_message(ngx_http_push_client_t *c,
    const char *p, size_t size);
static void ngx_http_push_client_spread(uint32_t number);
static void ngx_http_push_client_reply(ngx_http_push_client_t *c,
    uint8_t opcode, const char *p, size_t size);
static void ngx_http_push_client_closed(ngx_http_push_client_t *c,
    uint32_t code, const char *why);
static void ngx_http_push_client_again(ngx_http_push_client_t *c);
static void ngx_http_push_client_drop(ngx_http_push_client_t *c);
static void ngx_http_push_client_watch(ngx_http_push_client_t *c, int op,
    uint32_t events);
static void ngx_http_push_client_resume_stalled(void);
static void ngx_http_push_client_check_all(void);
static uint32_t ngx_http_push_client_channel(const ngx_http_push_client_t *c);
static void ngx_http_push_client_error(const char *format, ...)
    __attribute__((format(printf, 1, 2)));


static ngx_http_push_client_process_t  ngx_http_push_client;

/* room for a kept beginning and one read behind it */
static char  ngx_http_push_client_buffer[NGX_HTTP_PUSH_CLIENT_BUFFER * 2];


void
ngx_http_push_client_run(ngx_http_push_client_plan_t *plan, uint32_t n)
{
    uint32_t                      i, phase, resumed;
    ngx_http_push_client_stat_t  *st;

    ngx_http_push_client_init(plan, n);
    st = ngx_http_push_client.stat;
    resumed = 0;

    for ( ;; ) {
        phase = __atomic_load_n(&plan->phase, __ATOMIC_ACQUIRE);

        if (phase == ngx_http_push_client_exit) {
            break;
        }

        if (phase == ngx_http_push_client_resume && !resumed) {
            ngx_http_push_client_resume_stalled();
            resumed = 1;
        }

        if (phase == ngx_http_push_client_check && !st->checked) {
            ngx_http_push_client_check_all();
            __atomic_store_n(&st->checked, 1, __ATOMIC_RELEASE);
        }

        ngx_http_push_client_open_some();
        ngx_http_push_client_turn();
        ngx_http_push_client_wake();
    }

    for (i = 0; i < st->count; i++) {

        if (ngx_http_push_client.clients[i].fd != -1) {
            ngx_http_push_net_abort(ngx_http_push_client.clients[i].fd);
        }
    }

    _exit(0);
}


static void
ngx_http_push_client_init(ngx_http_push_client_plan_t *plan, uint32_t n)
{
    uint32_t                         i, every;
    ngx_http_push_client_t          *c;
    ngx_http_push_client_process_t  *pr;

    /* nobody is left behind when load is killed */
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);

    pr = &ngx_http_push_client;

    pr->plan = plan;
    pr->stat = &plan->stats[n];
    pr->epoll = epoll_create1(EPOLL_CLOEXEC);
    pr->clients = calloc(pr->stat->count, sizeof(ngx_http_push_client_t));
    pr->tracks = calloc((size_t) pr->stat->count * plan->publishers,
                        sizeof(ngx_http_push_client_track_t));
    pr->retry = calloc(pr->stat->count, sizeof(uint32_t));

    if (pr->epoll == -1 || pr->clients == NULL || pr->tracks == NULL
        || pr->retry == NULL)
    {
        fprintf(stderr, "load: no memory for the clients\n");
        _exit(1);
    }

    every = plan->stall ? plan->clients / plan->stall : 0;

    for (i = 0; i < pr->stat->count; i++) {
        c = &pr->clients[i];
        c->fd = -1;
        c->index = pr->stat->first + i;
        c->stalled = every && c->index % every == 0
                     && c->index / every < plan->stall;
    }

    for (i = 0; i < pr->stat->count * plan->publishers; i++) {
        pr->tracks[i].window = UINT64_MAX;
    }
}


static void
ngx_http_push_client_turn(void)
{
    int                 i, n, timeout;
    struct epoll_event  events[NGX_HTTP_PUSH_CLIENT_EVENTS];

    timeout = __atomic_load_n(&ngx_http_push_client.plan->spin,
                              __ATOMIC_RELAXED)
              ? 0 : NGX_HTTP_PUSH_CLIENT_TURN;

    n = epoll_wait(ngx_http_push_client.epoll, events,
                   NGX_HTTP_PUSH_CLIENT_EVENTS, timeout);

    for (i = 0; i < n; i++) {
        ngx_http_push_client_handle(
                         &ngx_http_push_client.clients[events[i].data.u32]);
    }
}


/* load sleeps until so many messages have arrived */

static void
ngx_http_push_client_wake(void)
{
    uint32_t                      i;
    uint64_t                      wanted, sum, one;
    ngx_http_push_client_plan_t  *plan;

    plan = ngx_http_push_client.plan;
    wanted = __atomic_load_n(&plan->wanted, __ATOMIC_SEQ_CST);

    if (wanted == 0) {
        return;
    }

    sum = 0;

    for (i = 0; i < plan->processes; i++) {
        sum += __atomic_load_n(&plan->stats[i].delivered, __ATOMIC_SEQ_CST);
    }

    if (sum < wanted
        || __atomic_exchange_n(&plan->wanted, 0, __ATOMIC_SEQ_CST) == 0)
    {
        return;
    }

    one = 1;

    if (write(plan->waker, &one, sizeof(one)) == -1) {
        ngx_http_push_client_error("write to eventfd: %s", strerror(errno));
    }
}


static void
ngx_http_push_client_open_some(void)
{
    ngx_http_push_client_plan_t     *plan;
    ngx_http_push_client_process_t  *pr;

    pr = &ngx_http_push_client;
    plan = pr->plan;

    while (pr->flying < plan->connecting && pr->opened < pr->stat->count
           && !__atomic_load_n(&plan->halt, __ATOMIC_RELAXED))
    {
        ngx_http_push_client_open(&pr->clients[pr->opened++]);
    }

    if (pr->nretry == 0 || ngx_http_push_net_now() < pr->retry_at) {
        return;
    }

    while (pr->flying < plan->connecting && pr->nretry) {
        ngx_http_push_client_open(&pr->clients[pr->retry[--pr->nretry]]);
    }
}


static void
ngx_http_push_client_open(ngx_http_push_client_t *c)
{
    uint32_t                      source;
    ngx_http_push_net_url_t      *u;
    ngx_http_push_client_plan_t  *plan;

    plan = ngx_http_push_client.plan;
    u = &plan->urls[c->index % plan->nurls];
    source = plan->source ? plan->source + c->index / plan->per_source : 0;

    ngx_http_push_client.flying++;
    c->state = ngx_http_push_client_connecting;
    c->fd = ngx_http_push_net_connect(&u->addr, source);

    if (c->fd == -1) {
        ngx_http_push_client_closed(c, 0, strerror(errno));
        return;
    }

    if (plan->receive_buffer) {
        (void) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &plan->receive_buffer,
                          sizeof(plan->receive_buffer));
    }

    ngx_http_push_client_watch(c, EPOLL_CTL_ADD, EPOLLOUT);
}


static void
ngx_http_push_client_handle(ngx_http_push_client_t *c)
{
    switch (c->state) {

    case ngx_http_push_client_connecting:
        ngx_http_push_client_connected(c);
        break;

    case ngx_http_push_client_securing:
        ngx_http_push_client_secure(c);
        break;

    case ngx_http_push_client_requested:
    case ngx_http_push_client_live:

        if (c->stalled
            && __atomic_load_n(&ngx_http_push_client.plan->phase,
                               __ATOMIC_RELAXED)
               < ngx_http_push_client_resume
            && c->state == ngx_http_push_client_live)
        {
            /* only the end of the connection is reported to it */
            ngx_http_push_client_closed(c, NGX_HTTP_PUSH_CLIENT_NO_CODE,
                                        "closed while it did not read");
            break;
        }

        /* what TLS has decrypted is not announced again */
        while (ngx_http_push_client_read(c) && c->tls) { /* void */ }

        break;

    default:
        break;
    }
}


static void
ngx_http_push_client_connected(ngx_http_push_client_t *c)
{
    int                       error;
    socklen_t                 length;
    ngx_http_push_net_url_t  *u;

    error = 0;
    length = sizeof(error);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length) == -1) {
        error = errno;
    }

    if (error) {
        ngx_http_push_client_closed(c, 0, strerror(error));
        return;
    }

    ngx_http_push_client_watch(c, EPOLL_CTL_MOD, EPOLLIN);

    u = &ngx_http_push_client.plan->urls[c->index
                                         % ngx_http_push_client.plan->nurls];

    if (u->scheme != NGX_HTTP_PUSH_NET_WSS) {
        ngx_http_push_client_request(c);
        return;
    }

    c->tls = ngx_http_push_tls_open(c->fd);

    if (c->tls == NULL) {
        ngx_http_push_client_closed(c, 0, "TLS cannot be opened");
        return;
    }

    c->state = ngx_http_push_client_securing;
    ngx_http_push_client_secure(c);
}


static void
ngx_http_push_client_secure(ngx_http_push_client_t *c)
{
    int  rc;

    rc = ngx_http_push_tls_handshake(c->tls);

    if (rc == 1) {
        ngx_http_push_client_request(c);

    } else if (rc == -1) {
        ngx_http_push_client_closed(c, 0, "TLS handshake failed");
    }
}


static void
ngx_http_push_client_request(ngx_http_push_client_t *c)
{
    int                       n;
    char                      key[32], path[NGX_HTTP_PUSH_NET_PATH + 20];
    char                      text[NGX_HTTP_PUSH_NET_PATH + 512];
    ssize_t                   sent;
    ngx_http_push_net_url_t  *u;

    u = &ngx_http_push_client.plan->urls[c->index
                                         % ngx_http_push_client.plan->nurls];

    (void) ngx_http_push_net_expand(path, u->path,
                                    ngx_http_push_client_channel(c));
    ngx_http_push_client_key(c, key);

    n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n"
                                     "Host: %s\r\n"
                                     "Upgrade: websocket\r\n"
                                     "Connection: Upgrade\r\n"
                                     "Sec-WebSocket-Version: 13\r\n"
                                     "Sec-WebSocket-Key: %s\r\n\r\n",
                 path, u->host, key);

    c->state = ngx_http_push_client_requested;

    sent = c->tls ? ngx_http_push_tls_write(c->tls, text, (size_t) n)
                  : send(c->fd, text, (size_t) n, MSG_NOSIGNAL);

    if (sent != n) {
        ngx_http_push_client_closed(c, 0, strerror(errno));
    }
}


/* 24 characters that are base64 of 16 bytes */

static void
ngx_http_push_client_key(const ngx_http_push_client_t *c, char *key)
{
    (void) snprintf(key, 32, "bench%016xA==", c->index);
}


/* false when there was nothing, or nothing will come */

static int
ngx_http_push_client_read(ngx_http_push_client_t *c)
{
    char     *p;
    long      used;
    size_t    size;
    ssize_t   n;

    p = ngx_http_push_client_buffer;
    size = c->input_length;

    n = c->tls ? ngx_http_push_tls_read(c->tls, p + size,
                                        NGX_HTTP_PUSH_CLIENT_BUFFER)
               : recv(c->fd, p + size, NGX_HTTP_PUSH_CLIENT_BUFFER, 0);

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }

    if (n <= 0) {
        ngx_http_push_client_closed(c, NGX_HTTP_PUSH_CLIENT_NO_CODE,
                                    n ? strerror(errno) : "end of file");
        return 0;
    }

    if (size) {
        memcpy(p, c->input, size);
        free(c->input);
        c->input = NULL;
        c->input_length = 0;
    }

    size += (size_t) n;
    ngx_http_push_client.now = ngx_http_push_net_now();

    while (size) {
        used = (c->state == ngx_http_push_client_live)
               ? ngx_http_push_client_frame(c, p, size)
               : ngx_http_push_client_upgraded(c, p, size);

        if (used < 0) {
            /* closed */
            return 0;
        }

        if (used == 0) {
            break;
        }

        p += used;
        size -= (size_t) used;
    }

    if (size == 0) {
        return 1;
    }

    c->input = malloc(size);

    if (c->input == NULL) {
        ngx_http_push_client_closed(c, NGX_HTTP_PUSH_CLIENT_NO_CODE,
                                    "no memory");
        return 0;
    }

    memcpy(c->input, p, size);
    c->input_length = (uint32_t) size;

    return 1;
}


static long
ngx_http_push_client_upgraded(ngx_http_push_client_t *c, const char *p,
    size_t size)
{
    int          n;
    char         key[32], accept[32], line[80];
    size_t       head;
    const char  *value;

    head = ngx_http_push_wire_head(p, size);

    if (head == 0) {

        if (size < NGX_HTTP_PUSH_CLIENT_HEAD) {
            return 0;
        }

        ngx_http_push_client_closed(c, 0, "endless answer to the handshake");
        return -1;
    }

    if (strncmp(p, "HTTP/1.1 101", 12) != 0) {
        n = (int) strcspn(p, "\r");
        (void) snprintf(line, sizeof(line), "refused: %.*s",
                        (n < 60) ? n : 60, p);
        ngx_http_push_client_closed(c, 0, line);
        return -1;
    }

    ngx_http_push_client_key(c, key);
    ngx_http_push_wire_accept(key, strlen(key), accept);

    n = ngx_http_push_wire_header(p, head, "sec-websocket-accept:", &value);

    if (n != NGX_HTTP_PUSH_WIRE_ACCEPT
        || memcmp(value, accept, NGX_HTTP_PUSH_WIRE_ACCEPT) != 0)
    {
        ngx_http_push_client_closed(c, 0, "wrong Sec-WebSocket-Accept");
        return -1;
    }

    ngx_http_push_client_go_live(c);

    return (long) head;
}


static void
ngx_http_push_client_go_live(ngx_http_push_client_t *c)
{
    uint32_t                         i, n;
    ngx_http_push_client_process_t  *pr;

    pr = &ngx_http_push_client;

    c->state = ngx_http_push_client_live;
    pr->flying--;
    pr->stat->last_live = pr->now;

    if (c->returning) {
        n = c->index - pr->stat->first;
        pr->stat->returned++;

        for (i = 0; i < pr->plan->publishers; i++) {
            pr->tracks[n * pr->plan->publishers + i].next =
                                                 NGX_HTTP_PUSH_CLIENT_ANY;
        }
    }

    if (c->stalled) {
        pr->stat->stalled++;

        /* its end is told once, whatever is waiting to be read */
        ngx_http_push_client_watch(c, EPOLL_CTL_MOD, EPOLLRDHUP|EPOLLET);

    } else {
        (void) __atomic_add_fetch(
                           &pr->plan->alive[ngx_http_push_client_channel(c)],
                           1, __ATOMIC_SEQ_CST);
    }

    __atomic_store_n(&pr->stat->live, pr->stat->live + 1, __ATOMIC_RELEASE);
}


/* gives the bytes of one frame, 0 for not yet, -1 after a close */

static long
ngx_http_push_client_frame(ngx_http_push_client_t *c, const char *p,
    size_t size)
{
    int                         rc;
    uint32_t                    code;
    ngx_http_push_wire_frame_t  f;

    rc = ngx_http_push_wire_read_frame(&f, (const uint8_t *) p, size);

    if (rc == 0) {
        return 0;
    }

    if (rc == -1 || f.masked || !f.fin
        || f.length > NGX_HTTP_PUSH_CLIENT_BUFFER - NGX_HTTP_PUSH_WIRE_HEAD)
    {
        ngx_http_push_client.stat->corrupt++;
        ngx_http_push_client_closed(c, NGX_HTTP_PUSH_CLIENT_NO_CODE,
                                    "not a frame of ours");
        return -1;
    }

    if (size < f.head + f.length) {
        return 0;
    }

    p += f.head;

    switch (f.opcode) {

    case NGX_HTTP_PUSH_WIRE_TEXT:
    case NGX_HTTP_PUSH_WIRE_BINARY:
        ngx_http_push_client_message(c, p, (size_t) f.length);
        break;

    case NGX_HTTP_PUSH_WIRE_PING:
        ngx_http_push_client.stat->pings++;
        ngx_http_push_client_reply(c, NGX_HTTP_PUSH_WIRE_PONG, p,
                                   (size_t) f.length);
        break;

    case NGX_HTTP_PUSH_WIRE_CLOSE:
        code = (f.length < 2) ? 1005
                              : (uint32_t) (uint8_t) p[0] << 8
                                | (uint8_t) p[1];
        ngx_http_push_client_reply(c, NGX_HTTP_PUSH_WIRE_CLOSE, p,
                                   (f.length < 2) ? 0 : 2);
        ngx_http_push_client_closed(c, code, "close frame");
        return -1;

    case NGX_HTTP_PUSH_WIRE_PONG:
        break;

    default:
        ngx_http_push_client.stat->corrupt++;
        ngx_http_push_client_error("frame with opcode %u", f.opcode);
    }

    return (long) (f.head + f.length);
}


static void
ngx_http_push_client_message(ngx_http_push_client_t *c, const char *p,
    size_t size)
{
    uint32_t                       back, gap;
    ngx_http_push_stamp_t          s;
    ngx_http_push_client_stat_t   *st;
    ngx_http_push_client_plan_t   *plan;
    ngx_http_push_client_track_t  *t;

    st = ngx_http_push_client.stat;
    plan = ngx_http_push_client.plan;

    if (!ngx_http_push_stamp_read(&s, p, size) || size != plan->size
        || s.channel != ngx_http_push_client_channel(c)
        || s.publisher >= plan->publishers)
    {
        st->corrupt++;
        ngx_http_push_client_error("message of %zu bytes that was not sent "
                                   "to channel %u", size,
                                   ngx_http_push_client_channel(c));
        return;
    }

    t = &ngx_http_push_client.tracks[(c->index - st->first)
                                     * plan->publishers + s.publisher];

    if (t->next == NGX_HTTP_PUSH_CLIENT_ANY) {
        t->next = s.sequence;
        t->missing = 0;
        t->window = UINT64_MAX;
    }

    if (s.sequence >= t->next) {
        gap = s.sequence - t->next;
        t->missing += gap;
        t->window = (gap < 63) ? t->window << (gap + 1) | 1 : 1;
        t->next = s.sequence + 1;

    } else {
        back = t->next - 1 - s.sequence;

        if (back > 63 || (t->window >> back & 1)) {
            st->duplicate++;
            return;
        }

        t->window |= (uint64_t) 1 << back;
        t->missing--;
        st->reordered++;
    }

    if (c->stalled) {
        st->to_stalled++;
        return;
    }

    ngx_http_push_latency_add(&st->latency,
                              ngx_http_push_client.now - s.time);
    ngx_http_push_client_spread(s.number);

    __atomic_store_n(&st->delivered, st->delivered + 1, __ATOMIC_RELEASE);
}


static void
ngx_http_push_client_spread(uint32_t number)
{
    ngx_http_push_client_spread_t  *sp;

    sp = &ngx_http_push_client.stat->spreads[number
                                             % NGX_HTTP_PUSH_CLIENT_SPREADS];

    if (sp->number != (uint64_t) number + 1) {
        sp->number = (uint64_t) number + 1;
        sp->first = ngx_http_push_client.now;
    }

    sp->last = ngx_http_push_client.now;
}


static void
ngx_http_push_client_reply(ngx_http_push_client_t *c, uint8_t opcode,
    const char *p, size_t size)
{
    size_t                i, head;
    uint8_t               frame[NGX_HTTP_PUSH_WIRE_HEAD + 125];
    static const uint8_t  mask[4] = { 0x37, 0xfa, 0x21, 0x3d };

    if (size > 125) {
        return;
    }

    head = ngx_http_push_wire_write_frame(frame, opcode, size, mask);

    for (i = 0; i < size; i++) {
        frame[head + i] = (uint8_t) p[i] ^ mask[i & 3];
    }

    /* a pong that finds no room is as late as one that comes late */

    if (c->tls) {
        (void) ngx_http_push_tls_write(c->tls, frame, head + size);

    } else {
        (void) send(c->fd, frame, head + size, MSG_NOSIGNAL);
    }
}


/* the one door for every end, also for one that never got live */

static void
ngx_http_push_client_closed(ngx_http_push_client_t *c, uint32_t code,
    const char *why)
{
    uint32_t                      i;
    ngx_http_push_client_stat_t  *st;
    ngx_http_push_client_plan_t  *plan;

    st = ngx_http_push_client.stat;
    plan = ngx_http_push_client.plan;

    ngx_http_push_client_drop(c);

    if (c->state != ngx_http_push_client_live) {
        ngx_http_push_client.flying--;

        if (c->returning) {
            ngx_http_push_client_again(c);
            return;
        }

        c->state = ngx_http_push_client_idle;
        ngx_http_push_client_error("client %u cannot connect: %s", c->index,
                                   why);
        __atomic_store_n(&st->failed, st->failed + 1, __ATOMIC_RELEASE);
        return;
    }

    for (i = 0; i < NGX_HTTP_PUSH_CLIENT_CODES - 1; i++) {

        if (st->codes[i].code == code || st->codes[i].count == 0) {
            break;
        }
    }

    st->codes[i].code = code;
    st->codes[i].count++;

    c->state = ngx_http_push_client_gone;
    __atomic_store_n(&st->live, st->live - 1, __ATOMIC_RELEASE);

    if (c->stalled) {
        st->stalled_closed++;
        return;
    }

    (void) __atomic_sub_fetch(&plan->alive[ngx_http_push_client_channel(c)],
                              1, __ATOMIC_SEQ_CST);

    if (plan->allow_close && code == plan->allow_close) {
        c->state = ngx_http_push_client_left;
        st->allowed++;

        if (plan->reconnect) {
            ngx_http_push_client_again(c);
        }

        return;
    }

    st->closed++;
    ngx_http_push_client_error("client %u was closed with %u: %s", c->index,
                               code, why);
}


static void
ngx_http_push_client_again(ngx_http_push_client_t *c)
{
    ngx_http_push_client_process_t  *pr;

    pr = &ngx_http_push_client;

    c->returning = 1;
    c->state = ngx_http_push_client_left;

    pr->retry[pr->nretry++] = c->index - pr->stat->first;
    pr->retry_at = ngx_http_push_net_now() + NGX_HTTP_PUSH_CLIENT_RETRY;
}


static void
ngx_http_push_client_drop(ngx_http_push_client_t *c)
{
    if (c->tls) {
        ngx_http_push_tls_close(c->tls);
        c->tls = NULL;
    }

    if (c->fd != -1) {
        (void) close(c->fd);
        c->fd = -1;
    }

    free(c->input);
    c->input = NULL;
    c->input_length = 0;
}


static void
ngx_http_push_client_watch(ngx_http_push_client_t *c, int op, uint32_t events)
{
    struct epoll_event  ee;

    ee.events = events;
    ee.data.u64 = 0;
    ee.data.u32 = c->index - ngx_http_push_client.stat->first;

    if (epoll_ctl(ngx_http_push_client.epoll, op, c->fd, &ee) == -1) {
        ngx_http_push_client_error("epoll_ctl: %s", strerror(errno));
    }
}


static void
ngx_http_push_client_resume_stalled(void)
{
    uint32_t                 i;
    ngx_http_push_client_t  *c;

    for (i = 0; i < ngx_http_push_client.stat->count; i++) {
        c = &ngx_http_push_client.clients[i];

        if (c->stalled && c->state == ngx_http_push_client_live) {
            ngx_http_push_client_watch(c, EPOLL_CTL_MOD, EPOLLIN);
        }
    }
}


static void
ngx_http_push_client_check_all(void)
{
    uint32_t                         i, k, got, sent;
    ngx_http_push_client_t          *c;
    ngx_http_push_client_track_t    *t;
    ngx_http_push_client_process_t  *pr;

    pr = &ngx_http_push_client;

    for (i = 0; i < pr->stat->count; i++) {
        c = &pr->clients[i];

        if (c->stalled || c->state == ngx_http_push_client_idle) {
            continue;
        }

        for (k = 0; k < pr->plan->publishers; k++) {
            t = &pr->tracks[i * pr->plan->publishers + k];

            if (t->next == NGX_HTTP_PUSH_CLIENT_ANY) {
                continue;
            }

            if (c->state == ngx_http_push_client_left) {
                pr->stat->lost += t->missing;
                continue;
            }

            sent = pr->plan->sent[ngx_http_push_client_channel(c)
                                  * pr->plan->publishers + k];
            got = t->next - t->missing;

            if (sent > got) {
                pr->stat->lost += sent - got;
            }
        }
    }
}


static uint32_t
ngx_http_push_client_channel(const ngx_http_push_client_t *c)
{
    return c->index % ngx_http_push_client.plan->channels;
}


static void
ngx_http_push_client_error(const char *format, ...)
{
    char     *error;
    va_list   args;

    error = ngx_http_push_client.stat->error;

    if (error[0]) {
        return;
    }

    va_start(args, format);
    (void) vsnprintf(error, sizeof(ngx_http_push_client.stat->error), format,
                     args);
    va_end(args);
}
