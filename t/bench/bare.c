
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: the yardstick, an epoll loop that does nothing but accept, hold
 * and send.  No timers, no pings, no queue: a client that does not read is
 * cut at the first EAGAIN.
 */


#define _GNU_SOURCE

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "net.h"
#include "wire.h"


#define NGX_HTTP_PUSH_BARE_EVENTS    512
#define NGX_HTTP_PUSH_BARE_INPUT     262144
#define NGX_HTTP_PUSH_BARE_MESSAGE   131072
#define NGX_HTTP_PUSH_BARE_FRAMES    256
#define NGX_HTTP_PUSH_BARE_NAME      255
#define NGX_HTTP_PUSH_BARE_CHANNELS  (1 << 21)


typedef enum {
    ngx_http_push_bare_free = 0,
    ngx_http_push_bare_listen,
    ngx_http_push_bare_redis,
    ngx_http_push_bare_http,
    ngx_http_push_bare_live
} ngx_http_push_bare_kind_e;


/* what one client costs, and 4 bytes in its channel's array */

typedef struct {
    uint32_t                       kind;
    uint32_t                       channel;
    uint32_t                       place;    /* in the channel's array */
    uint32_t                       length;   /* of input */
    char                          *input;    /* of a request not complete */
    char                           pad[40];
} ngx_http_push_bare_conn_t;


typedef struct {
    uint32_t                       count;
    uint32_t                       room;
    uint32_t                       waiting;  /* frames of this turn */
    uint32_t                       name_length;
    int                           *fds;
    struct iovec                  *frames;
    char                          *name;
} ngx_http_push_bare_channel_t;


typedef struct {
    int                            epoll;
    int                            redis;
    int                            combine;
    uint32_t                       nchannels;
    uint32_t                       ndirty;
    uint32_t                       redis_length;
    uint32_t                      *dirty;    /* channels with frames waiting */
    uint32_t                      *index;    /* by hash: channel + 1 */
    size_t                         files;
    ngx_http_push_bare_conn_t     *conns;    /* by fd */
    ngx_http_push_bare_channel_t  *channels;
    char                          *redis_input;
} ngx_http_push_bare_t;


static void ngx_http_push_bare_options(int argc, char **argv,
    struct sockaddr_in *addr, int *backlog);
static void ngx_http_push_bare_address(struct sockaddr_in *addr,
    const char *scheme, const char *text);
static void ngx_http_push_bare_help(void);
static void ngx_http_push_bare_init(const struct sockaddr_in *addr,
    int backlog);
static void *ngx_http_push_bare_map(size_t size);
static void ngx_http_push_bare_add(int fd, ngx_http_push_bare_kind_e kind);
static void ngx_http_push_bare_run(void);
static void ngx_http_push_bare_accept(int listener);
static void ngx_http_push_bare_read_http(int fd);
static long ngx_http_push_bare_request(int fd, char *p, size_t size,
    char *answer, size_t *answered);
static int ngx_http_push_bare_upgrade(int fd, const char *name, size_t length,
    const char *key, int key_length);
static void ngx_http_push_bare_read_live(int fd);
static void ngx_http_push_bare_read_redis(void);
static long ngx_http_push_bare_redis_message(const char *p, size_t size);
static void ngx_http_push_bare_keep(int fd, const char *p, size_t size);
static void ngx_http_push_bare_close(int fd);
static uint32_t ngx_http_push_bare_channel(const char *name, size_t length,
    int create);
static void ngx_http_push_bare_redis_subscribe(const char *name,
    size_t length);
static uint32_t ngx_http_push_bare_publish(const char *name, size_t length,
    const char *body, size_t size);
static void ngx_http_push_bare_send(ngx_http_push_bare_channel_t *ch,
    const void *frame, size_t size);
static void ngx_http_push_bare_queue(uint32_t n, const void *frame,
    size_t size);
static void ngx_http_push_bare_flush(void);
static void ngx_http_push_bare_die(const char *what);


static ngx_http_push_bare_t  ngx_http_push_bare;

/* room for a kept beginning and one read behind it */
static char  ngx_http_push_bare_input[NGX_HTTP_PUSH_BARE_INPUT * 2];


int
main(int argc, char **argv)
{
    int                 backlog;
    struct sockaddr_in  addr;

    ngx_http_push_bare.redis = -1;
    backlog = 4096;
    ngx_http_push_bare_address(&addr, "http", "127.0.0.1:8080");

    ngx_http_push_bare_options(argc, argv, &addr, &backlog);
    ngx_http_push_bare_init(&addr, backlog);
    ngx_http_push_bare_run();

    return 0;
}


static void
ngx_http_push_bare_options(int argc, char **argv, struct sockaddr_in *addr,
    int *backlog)
{
    int                         c, fd;
    struct pollfd               pfd;
    struct sockaddr_in          redis;
    static const struct option  options[] = {
        { "listen", required_argument, NULL, 'l' },
        { "redis", required_argument, NULL, 'r' },
        { "combine", no_argument, NULL, 'c' },
        { "backlog", required_argument, NULL, 'b' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    for ( ;; ) {
        c = getopt_long(argc, argv, "h", options, NULL);

        switch (c) {

        case -1:

            if (optind < argc) {
                fprintf(stderr, "bare: what is \"%s\"? -h explains\n",
                        argv[optind]);
                exit(2);
            }

            return;

        case 'l':
            ngx_http_push_bare_address(addr, "http", optarg);
            break;

        case 'r':
            ngx_http_push_bare_address(&redis, "redis", optarg);
            fd = ngx_http_push_net_connect(&redis, 0);
            pfd.fd = fd;
            pfd.events = POLLOUT;

            if (fd == -1 || poll(&pfd, 1, 4000) != 1
                || (pfd.revents & (POLLERR|POLLHUP)))
            {
                fprintf(stderr, "bare: no Redis at %s\n", optarg);
                exit(1);
            }

            ngx_http_push_bare.redis = fd;
            break;

        case 'c':
            ngx_http_push_bare.combine = 1;
            break;

        case 'b':
            *backlog = atoi(optarg);
            break;

        case 'h':
            ngx_http_push_bare_help();
            exit(0);

        default:
            exit(2);
        }
    }
}


static void
ngx_http_push_bare_address(struct sockaddr_in *addr, const char *scheme,
    const char *text)
{
    char                     url[160];
    const char              *wrong;
    ngx_http_push_net_url_t  u;

    (void) snprintf(url, sizeof(url), "%s://%s", scheme, text);
    wrong = ngx_http_push_net_parse(&u, url);

    if (wrong) {
        fprintf(stderr, "bare: \"%s\" %s\n", text, wrong);
        exit(2);
    }

    *addr = u.addr;
}


static void
ngx_http_push_bare_help(void)
{
    printf(
"bare: the yardstick, an epoll loop that only accepts, holds and sends\n"
"\n"
"  --listen HOST:PORT  where clients and publishers come (127.0.0.1:8080)\n"
"  --redis HOST:PORT   subscribe there to the channels of the clients and\n"
"                      send them what arrives\n"
"  --combine           frames of one turn of the loop leave in one writev\n"
"                      (by default each has a send of its own)\n"
"  --backlog N         of the listening socket (4096)\n"
"\n"
"A WebSocket handshake to any path with ?channel=NAME subscribes,\n"
"POST /any?channel=NAME publishes its body, GET of anything is a 204.\n"
"It runs until it is told to stop by a signal.\n");
}


static void
ngx_http_push_bare_init(const struct sockaddr_in *addr, int backlog)
{
    int                    fd;
    ngx_http_push_bare_t  *b;

    b = &ngx_http_push_bare;

    /* writev() has no flag for it */
    (void) signal(SIGPIPE, SIG_IGN);

    b->files = ngx_http_push_net_files();
    b->conns = ngx_http_push_bare_map(b->files
                                      * sizeof(ngx_http_push_bare_conn_t));
    b->channels = ngx_http_push_bare_map(NGX_HTTP_PUSH_BARE_CHANNELS / 2
                                    * sizeof(ngx_http_push_bare_channel_t));
    b->index = ngx_http_push_bare_map(NGX_HTTP_PUSH_BARE_CHANNELS
                                      * sizeof(uint32_t));
    b->dirty = ngx_http_push_bare_map(NGX_HTTP_PUSH_BARE_CHANNELS / 2
                                      * sizeof(uint32_t));

    b->epoll = epoll_create1(EPOLL_CLOEXEC);

    if (b->epoll == -1) {
        ngx_http_push_bare_die("epoll_create1");
    }

    fd = ngx_http_push_net_listen(addr, backlog, 0);

    if (fd == -1) {
        ngx_http_push_bare_die("listen");
    }

    ngx_http_push_bare_add(fd, ngx_http_push_bare_listen);

    if (b->redis != -1) {
        b->redis_input = ngx_http_push_bare_map(NGX_HTTP_PUSH_BARE_INPUT * 4);
        ngx_http_push_bare_add(b->redis, ngx_http_push_bare_redis);
    }
}


static void *
ngx_http_push_bare_map(size_t size)
{
    void  *p;

    /* zeroed, and a page costs memory only once it is touched */

    p = mmap(NULL, size, PROT_READ|PROT_WRITE,
             MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED) {
        ngx_http_push_bare_die("mmap");
    }

    return p;
}


static void
ngx_http_push_bare_add(int fd, ngx_http_push_bare_kind_e kind)
{
    struct epoll_event  ee;

    ngx_http_push_bare.conns[fd].kind = kind;

    ee.events = EPOLLIN;
    ee.data.fd = fd;

    if (epoll_ctl(ngx_http_push_bare.epoll, EPOLL_CTL_ADD, fd, &ee) == -1) {
        ngx_http_push_bare_die("epoll_ctl");
    }
}


static void
ngx_http_push_bare_run(void)
{
    int                 i, n, fd;
    struct epoll_event  events[NGX_HTTP_PUSH_BARE_EVENTS];

    for ( ;; ) {
        n = epoll_wait(ngx_http_push_bare.epoll, events,
                       NGX_HTTP_PUSH_BARE_EVENTS, -1);

        for (i = 0; i < n; i++) {
            fd = events[i].data.fd;

            switch (ngx_http_push_bare.conns[fd].kind) {

            case ngx_http_push_bare_live:
                ngx_http_push_bare_read_live(fd);
                break;

            case ngx_http_push_bare_http:
                ngx_http_push_bare_read_http(fd);
                break;

            case ngx_http_push_bare_listen:
                ngx_http_push_bare_accept(fd);
                break;

            case ngx_http_push_bare_redis:
                ngx_http_push_bare_read_redis();
                break;

            default:
                /* closed earlier in this turn */
                break;
            }
        }

        if (ngx_http_push_bare.ndirty) {
            ngx_http_push_bare_flush();
        }
    }
}


static void
ngx_http_push_bare_accept(int listener)
{
    int  fd;

    for ( ;; ) {
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK|SOCK_CLOEXEC);

        if (fd == -1) {

            if (errno == ECONNABORTED || errno == EINTR) {
                continue;
            }

            if (errno != EAGAIN) {
                perror("bare: accept4");
            }

            return;
        }

        ngx_http_push_net_nodelay(fd);
        ngx_http_push_bare_add(fd, ngx_http_push_bare_http);
    }
}


static void
ngx_http_push_bare_read_http(int fd)
{
    char                       *p;
    long                        used;
    char                        answer[32768];
    size_t                      size, answered;
    ssize_t                     n;
    ngx_http_push_bare_conn_t  *c;

    c = &ngx_http_push_bare.conns[fd];
    p = ngx_http_push_bare_input;
    size = 0;

    if (c->length) {
        memcpy(p, c->input, c->length);
        size = c->length;
        c->length = 0;
        free(c->input);
        c->input = NULL;
    }

    n = recv(fd, p + size, NGX_HTTP_PUSH_BARE_INPUT, 0);

    if (n <= 0) {
        if (n == 0 || errno != EAGAIN) {
            ngx_http_push_bare_close(fd);

        } else if (size) {
            ngx_http_push_bare_keep(fd, p, size);
        }

        return;
    }

    size += (size_t) n;
    answered = 0;

    while (size && c->kind == ngx_http_push_bare_http) {
        used = ngx_http_push_bare_request(fd, p, size, answer, &answered);

        if (used < 0) {
            ngx_http_push_bare_close(fd);
            return;
        }

        if (used == 0) {
            ngx_http_push_bare_keep(fd, p, size);
            break;
        }

        p += used;
        size -= (size_t) used;

        if (answered > sizeof(answer) - 256 || size == 0) {
            if (answered
                && send(fd, answer, answered, MSG_NOSIGNAL)
                   != (ssize_t) answered)
            {
                ngx_http_push_bare_close(fd);
                return;
            }

            answered = 0;
        }
    }

    if (answered && send(fd, answer, answered, MSG_NOSIGNAL) == -1) {
        ngx_http_push_bare_close(fd);
    }
}


/* gives the bytes of one complete request, 0 for not yet, -1 for nonsense */

static long
ngx_http_push_bare_request(int fd, char *p, size_t size, char *answer,
    size_t *answered)
{
    int          n;
    char        *name, *line;
    size_t       head, length, body;
    uint32_t     count;
    const char  *value;

    head = ngx_http_push_wire_head(p, size);

    if (head == 0) {
        return (size < NGX_HTTP_PUSH_BARE_MESSAGE) ? 0 : -1;
    }

    line = memchr(p, '\r', head);
    name = memmem(p, (size_t) (line - p), "channel=", 8);
    length = 0;

    if (name) {
        name += 8;
        length = strcspn(name, " &\r");

        if (length > NGX_HTTP_PUSH_BARE_NAME) {
            return -1;
        }
    }

    if (p[0] != 'P') {
        n = ngx_http_push_wire_header(p, head, "sec-websocket-key:", &value);

        if (n > 0 && length) {
            return ngx_http_push_bare_upgrade(fd, name, length, value, n)
                   ? (long) head : -1;
        }

        *answered += (size_t) sprintf(answer + *answered,
                                      "HTTP/1.1 204 No Content\r\n\r\n");
        return (long) head;
    }

    n = ngx_http_push_wire_header(p, head, "content-length:", &value);

    if (n <= 0 || n > 6 || length == 0) {
        return -1;
    }

    body = (size_t) atol(value);

    if (body > NGX_HTTP_PUSH_BARE_MESSAGE) {
        return -1;
    }

    if (size < head + body) {
        return 0;
    }

    count = ngx_http_push_bare_publish(name, length, p + head, body);

    *answered += (size_t) sprintf(answer + *answered,
                              "HTTP/1.1 201 Created\r\n"
                              "Content-Type: application/json\r\n"
                              "Content-Length: 26\r\n\r\n"
                              "{\"subscribers\": %9u}", count);

    return (long) (head + body);
}


static int
ngx_http_push_bare_upgrade(int fd, const char *name, size_t length,
    const char *key, int key_length)
{
    char                           text[256], accept[32];
    size_t                         n;
    ngx_http_push_bare_conn_t     *c;
    ngx_http_push_bare_channel_t  *ch;

    ngx_http_push_wire_accept(key, (size_t) key_length, accept);

    n = (size_t) sprintf(text, "HTTP/1.1 101 Switching Protocols\r\n"
                               "Upgrade: websocket\r\n"
                               "Connection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: %s\r\n\r\n", accept);

    if (send(fd, text, n, MSG_NOSIGNAL) != (ssize_t) n) {
        return 0;
    }

    c = &ngx_http_push_bare.conns[fd];
    c->channel = ngx_http_push_bare_channel(name, length, 1);
    ch = &ngx_http_push_bare.channels[c->channel];

    if (ch->count == ch->room) {
        ch->room = ch->room ? ch->room * 2 : 4;
        ch->fds = realloc(ch->fds, ch->room * sizeof(int));

        if (ch->fds == NULL) {
            ngx_http_push_bare_die("realloc");
        }
    }

    c->kind = ngx_http_push_bare_live;
    c->place = ch->count;
    ch->fds[ch->count++] = fd;

    return 1;
}


static void
ngx_http_push_bare_read_live(int fd)
{
    ssize_t                      n;
    ngx_http_push_wire_frame_t   f;

    n = recv(fd, ngx_http_push_bare_input, NGX_HTTP_PUSH_BARE_INPUT, 0);

    if (n == -1 && errno == EAGAIN) {
        return;
    }

    /* what a client says is of no interest, but for its goodbye */

    if (n <= 0
        || (ngx_http_push_wire_read_frame(&f,
                                          (uint8_t *) ngx_http_push_bare_input,
                                          (size_t) n)
            && f.opcode == NGX_HTTP_PUSH_WIRE_CLOSE))
    {
        ngx_http_push_bare_close(fd);
    }
}


static void
ngx_http_push_bare_read_redis(void)
{
    char                  *p;
    long                   used;
    size_t                 size;
    ssize_t                n;
    ngx_http_push_bare_t  *b;

    b = &ngx_http_push_bare;
    p = b->redis_input;

    n = recv(b->redis, p + b->redis_length,
             NGX_HTTP_PUSH_BARE_INPUT * 4 - b->redis_length, 0);

    if (n <= 0) {
        if (n == -1 && errno == EAGAIN) {
            return;
        }

        fprintf(stderr, "bare: Redis closed the connection\n");
        exit(1);
    }

    size = b->redis_length + (size_t) n;

    for ( ;; ) {
        used = ngx_http_push_bare_redis_message(p, size);

        if (used <= 0) {
            break;
        }

        p += used;
        size -= (size_t) used;
    }

    if (used < 0 || size == NGX_HTTP_PUSH_BARE_INPUT * 4) {
        fprintf(stderr, "bare: cannot read what Redis sends\n");
        exit(1);
    }

    memmove(b->redis_input, p, size);
    b->redis_length = (uint32_t) size;
}


/* one array of three: "message" channel payload, or a confirmation */

static long
ngx_http_push_bare_redis_message(const char *p, size_t size)
{
    int                         i;
    long                        n, used;
    ngx_http_push_wire_reply_t  r[4];

    used = 0;

    for (i = 0; i < 4; i++) {
        n = ngx_http_push_wire_read_reply(&r[i], p + used,
                                          size - (size_t) used);

        if (n <= 0) {
            return n;
        }

        if (i == 0 && (r[0].type != '*' || r[0].number != 3)) {
            return -1;
        }

        used += n;
    }

    if (r[1].length == 7 && r[3].type == '$') {
        (void) ngx_http_push_bare_publish(r[2].data, r[2].length, r[3].data,
                                          r[3].length);
    }

    return used;
}


static void
ngx_http_push_bare_keep(int fd, const char *p, size_t size)
{
    ngx_http_push_bare_conn_t  *c;

    if (size > NGX_HTTP_PUSH_BARE_INPUT) {
        ngx_http_push_bare_close(fd);
        return;
    }

    c = &ngx_http_push_bare.conns[fd];
    c->input = malloc(size);

    if (c->input == NULL) {
        ngx_http_push_bare_die("malloc");
    }

    memcpy(c->input, p, size);
    c->length = (uint32_t) size;
}


static void
ngx_http_push_bare_close(int fd)
{
    int                            last;
    ngx_http_push_bare_conn_t     *c;
    ngx_http_push_bare_channel_t  *ch;

    c = &ngx_http_push_bare.conns[fd];

    if (c->kind == ngx_http_push_bare_live) {
        ch = &ngx_http_push_bare.channels[c->channel];
        last = ch->fds[--ch->count];
        ch->fds[c->place] = last;
        ngx_http_push_bare.conns[last].place = c->place;
    }

    free(c->input);
    memset(c, 0, sizeof(ngx_http_push_bare_conn_t));
    (void) close(fd);
}


static uint32_t
ngx_http_push_bare_channel(const char *name, size_t length, int create)
{
    size_t                         i;
    uint32_t                       hash, n;
    ngx_http_push_bare_t          *b;
    ngx_http_push_bare_channel_t  *ch;

    b = &ngx_http_push_bare;
    hash = 2166136261u;

    for (i = 0; i < length; i++) {
        hash = (hash ^ (uint8_t) name[i]) * 16777619u;
    }

    for (hash ^= hash >> 15; /* void */ ; hash++) {
        n = b->index[hash % NGX_HTTP_PUSH_BARE_CHANNELS];

        if (n == 0) {
            break;
        }

        ch = &b->channels[n - 1];

        if (ch->name_length == length && memcmp(ch->name, name, length) == 0) {
            return n - 1;
        }
    }

    if (!create) {
        return UINT32_MAX;
    }

    if (b->nchannels == NGX_HTTP_PUSH_BARE_CHANNELS / 2) {
        fprintf(stderr, "bare: too many channels\n");
        exit(1);
    }

    n = b->nchannels++;
    ch = &b->channels[n];
    ch->name = malloc(length);

    if (ch->name == NULL) {
        ngx_http_push_bare_die("malloc");
    }

    memcpy(ch->name, name, length);
    ch->name_length = (uint32_t) length;
    b->index[hash % NGX_HTTP_PUSH_BARE_CHANNELS] = n + 1;

    if (b->redis != -1) {
        ngx_http_push_bare_redis_subscribe(name, length);
    }

    return n;
}


static void
ngx_http_push_bare_redis_subscribe(const char *name, size_t length)
{
    char           text[512];
    size_t         n, sizes[2];
    ssize_t        sent;
    const char    *argv[2];
    struct pollfd  pfd;

    argv[0] = "SUBSCRIBE";
    argv[1] = name;
    sizes[0] = 9;
    sizes[1] = length;

    n = ngx_http_push_wire_write_command(text, sizeof(text), 2, argv, sizes);

    for ( ;; ) {
        sent = send(ngx_http_push_bare.redis, text, n, MSG_NOSIGNAL);

        if (sent == (ssize_t) n) {
            return;
        }

        if (sent != -1 || errno != EAGAIN) {
            ngx_http_push_bare_die("send to Redis");
        }

        pfd.fd = ngx_http_push_bare.redis;
        pfd.events = POLLOUT;
        (void) poll(&pfd, 1, 1000);
    }
}


static uint32_t
ngx_http_push_bare_publish(const char *name, size_t length, const char *body,
    size_t size)
{
    size_t                         head;
    uint32_t                       n;
    ngx_http_push_bare_channel_t  *ch;
    static uint8_t                 frame[NGX_HTTP_PUSH_WIRE_HEAD
                                         + NGX_HTTP_PUSH_BARE_MESSAGE];

    n = ngx_http_push_bare_channel(name, length, 0);

    if (n == UINT32_MAX || size > NGX_HTTP_PUSH_BARE_MESSAGE) {
        return 0;
    }

    ch = &ngx_http_push_bare.channels[n];

    head = ngx_http_push_wire_write_frame(frame, NGX_HTTP_PUSH_WIRE_TEXT, size,
                                          NULL);
    memcpy(frame + head, body, size);

    if (ngx_http_push_bare.combine) {
        ngx_http_push_bare_queue(n, frame, head + size);

    } else {
        ngx_http_push_bare_send(ch, frame, head + size);
    }

    return ch->count;
}


static void
ngx_http_push_bare_send(ngx_http_push_bare_channel_t *ch, const void *frame,
    size_t size)
{
    uint32_t  i;

    i = 0;

    while (i < ch->count) {

        if (send(ch->fds[i], frame, size, MSG_NOSIGNAL) == (ssize_t) size) {
            i++;
            continue;
        }

        /* the last one of the array takes its place */
        ngx_http_push_bare_close(ch->fds[i]);
    }
}


static void
ngx_http_push_bare_queue(uint32_t n, const void *frame, size_t size)
{
    void                          *copy;
    struct iovec                  *v;
    ngx_http_push_bare_channel_t  *ch;

    ch = &ngx_http_push_bare.channels[n];

    if (ch->frames == NULL) {
        ch->frames = calloc(NGX_HTTP_PUSH_BARE_FRAMES, sizeof(struct iovec));

        if (ch->frames == NULL) {
            ngx_http_push_bare_die("calloc");
        }
    }

    if (ch->waiting == NGX_HTTP_PUSH_BARE_FRAMES) {
        ngx_http_push_bare_flush();
    }

    if (ch->waiting == 0) {
        ngx_http_push_bare.dirty[ngx_http_push_bare.ndirty++] = n;
    }

    copy = malloc(size);

    if (copy == NULL) {
        ngx_http_push_bare_die("malloc");
    }

    memcpy(copy, frame, size);

    v = &ch->frames[ch->waiting++];
    v->iov_base = copy;
    v->iov_len = size;
}


static void
ngx_http_push_bare_flush(void)
{
    size_t                         total;
    uint32_t                       i, k;
    ngx_http_push_bare_channel_t  *ch;

    for (k = 0; k < ngx_http_push_bare.ndirty; k++) {
        ch = &ngx_http_push_bare.channels[ngx_http_push_bare.dirty[k]];

        if (ch->waiting == 1) {
            ngx_http_push_bare_send(ch, ch->frames[0].iov_base,
                                    ch->frames[0].iov_len);

        } else {
            total = 0;

            for (i = 0; i < ch->waiting; i++) {
                total += ch->frames[i].iov_len;
            }

            i = 0;

            while (i < ch->count) {

                if (writev(ch->fds[i], ch->frames, (int) ch->waiting)
                    == (ssize_t) total)
                {
                    i++;
                    continue;
                }

                ngx_http_push_bare_close(ch->fds[i]);
            }
        }

        for (i = 0; i < ch->waiting; i++) {
            free(ch->frames[i].iov_base);
        }

        ch->waiting = 0;
    }

    ngx_http_push_bare.ndirty = 0;
}


static void
ngx_http_push_bare_die(const char *what)
{
    fprintf(stderr, "bare: %s: %s\n", what, strerror(errno));
    exit(1);
}
