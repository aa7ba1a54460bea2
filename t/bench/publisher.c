
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: one connection that publishes, by HTTP POST or Redis PUBLISH,
 * keeps it alive and has several publishes under way.
 */


#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "publisher.h"
#include "wire.h"


#define NGX_HTTP_PUSH_PUBLISHER_BROKEN  10


static void ngx_http_push_publisher_open(ngx_http_push_publisher_t *p);
static size_t ngx_http_push_publisher_format_http(
    ngx_http_push_publisher_t *p, char *dst, uint32_t channel,
    const char *body, size_t size);
static size_t ngx_http_push_publisher_format_redis(
    ngx_http_push_publisher_t *p, char *dst, size_t room, uint32_t channel,
    const char *body, size_t size);
static void ngx_http_push_publisher_write(ngx_http_push_publisher_t *p);
static void ngx_http_push_publisher_read(ngx_http_push_publisher_t *p);
static long ngx_http_push_publisher_answer_http(ngx_http_push_publisher_t *p,
    const char *in, size_t size, int *ok, int *last);
static long ngx_http_push_publisher_answer_redis(
    ngx_http_push_publisher_t *p, const char *in, size_t size, int *ok);
static void ngx_http_push_publisher_done(ngx_http_push_publisher_t *p,
    int ok);
static void ngx_http_push_publisher_restart(ngx_http_push_publisher_t *p);
static void ngx_http_push_publisher_lost(ngx_http_push_publisher_t *p,
    const char *why);
static void ngx_http_push_publisher_error(ngx_http_push_publisher_t *p,
    const char *text, size_t length);


void
ngx_http_push_publisher_init(ngx_http_push_publisher_t *p,
    const ngx_http_push_net_url_t *url, int epoll, uint32_t tag,
    uint32_t depth)
{
    memset(p, 0, sizeof(ngx_http_push_publisher_t));

    p->fd = -1;
    p->epoll = epoll;
    p->tag = tag;
    p->url = url;
    p->depth = (depth < NGX_HTTP_PUSH_PUBLISHER_DEPTH)
               ? depth : NGX_HTTP_PUSH_PUBLISHER_DEPTH;
}


int
ngx_http_push_publisher_ready(const ngx_http_push_publisher_t *p)
{
    return p->count < p->depth && p->broken < NGX_HTTP_PUSH_PUBLISHER_BROKEN;
}


int
ngx_http_push_publisher_publish(ngx_http_push_publisher_t *p,
    uint32_t channel, const char *body, size_t size)
{
    char                               *output;
    size_t                              n, need;
    ngx_http_push_publisher_request_t  *r;

    need = p->filled + size + NGX_HTTP_PUSH_NET_PATH + 512;

    if (need > p->room) {
        output = realloc(p->output, need * 2);

        if (output == NULL) {
            return -1;
        }

        p->output = output;
        p->room = need * 2;
    }

    if (p->url->scheme == NGX_HTTP_PUSH_NET_REDIS) {
        n = ngx_http_push_publisher_format_redis(p, p->output + p->filled,
                                                 p->room - p->filled,
                                                 channel, body, size);
    } else {
        n = ngx_http_push_publisher_format_http(p, p->output + p->filled,
                                                channel, body, size);
    }

    p->filled += n;

    r = &p->requests[(p->first + p->count) % NGX_HTTP_PUSH_PUBLISHER_DEPTH];
    r->length = n;
    r->begun = ngx_http_push_net_now();
    p->count++;

    if (p->fd == -1) {
        ngx_http_push_publisher_open(p);

    } else {
        ngx_http_push_publisher_write(p);
    }

    return 0;
}


void
ngx_http_push_publisher_handle(ngx_http_push_publisher_t *p)
{
    if (p->fd != -1) {
        ngx_http_push_publisher_write(p);
    }

    if (p->fd != -1) {
        ngx_http_push_publisher_read(p);
    }
}


void
ngx_http_push_publisher_close(ngx_http_push_publisher_t *p)
{
    if (p->fd != -1) {
        (void) close(p->fd);
        p->fd = -1;
    }

    free(p->output);
    p->output = NULL;
    p->room = 0;
}


static void
ngx_http_push_publisher_open(ngx_http_push_publisher_t *p)
{
    struct epoll_event  ee;

    p->fd = ngx_http_push_net_connect(&p->url->addr, 0);

    if (p->fd == -1) {
        ngx_http_push_publisher_lost(p, strerror(errno));
        return;
    }

    p->sent = 0;
    p->input_length = 0;

    ee.events = EPOLLIN|EPOLLOUT|EPOLLRDHUP|EPOLLET;
    ee.data.u64 = 0;
    ee.data.u32 = p->tag;

    if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, p->fd, &ee) == -1) {
        ngx_http_push_publisher_lost(p, strerror(errno));
    }
}


static size_t
ngx_http_push_publisher_format_http(ngx_http_push_publisher_t *p, char *dst,
    uint32_t channel, const char *body, size_t size)
{
    size_t  n;

    n = (size_t) sprintf(dst, "POST ");
    n += ngx_http_push_net_expand(dst + n, p->url->path, channel);
    n += (size_t) sprintf(dst + n, " HTTP/1.1\r\n"
                                   "Host: %s\r\n"
                                   "Content-Type: text/plain\r\n"
                                   "Content-Length: %zu\r\n\r\n",
                          p->url->host, size);

    memcpy(dst + n, body, size);

    return n + size;
}


static size_t
ngx_http_push_publisher_format_redis(ngx_http_push_publisher_t *p, char *dst,
    size_t room, uint32_t channel, const char *body, size_t size)
{
    char         name[NGX_HTTP_PUSH_NET_PATH + 20];
    size_t       length[3];
    const char  *argv[3];

    argv[0] = "PUBLISH";
    length[0] = 7;
    argv[1] = name;
    length[1] = ngx_http_push_net_expand(name, p->url->path, channel);
    argv[2] = body;
    length[2] = size;

    return ngx_http_push_wire_write_command(dst, room, 3, argv, length);
}


static void
ngx_http_push_publisher_write(ngx_http_push_publisher_t *p)
{
    ssize_t  n;

    while (p->sent < p->filled) {
        n = send(p->fd, p->output + p->sent, p->filled - p->sent,
                 MSG_NOSIGNAL);

        if (n == -1) {

            if (errno == EAGAIN || errno == ENOTCONN || errno == EINTR) {
                return;
            }

            ngx_http_push_publisher_lost(p, strerror(errno));
            return;
        }

        p->sent += (size_t) n;
    }
}


static void
ngx_http_push_publisher_read(ngx_http_push_publisher_t *p)
{
    int      ok, last;
    char    *in;
    long     used;
    size_t   size;
    ssize_t  n;

    for ( ;; ) {
        n = recv(p->fd, p->input + p->input_length,
                 sizeof(p->input) - p->input_length, 0);

        if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }

        if (n <= 0) {
            ngx_http_push_publisher_lost(p, n ? strerror(errno)
                                              : "closed by the server");
            return;
        }

        in = p->input;
        size = p->input_length + (size_t) n;
        used = 0;
        last = 0;

        while (size && p->count && !last) {

            if (p->url->scheme == NGX_HTTP_PUSH_NET_REDIS) {
                used = ngx_http_push_publisher_answer_redis(p, in, size, &ok);

            } else {
                used = ngx_http_push_publisher_answer_http(p, in, size, &ok,
                                                           &last);
            }

            if (used <= 0) {
                break;
            }

            in += used;
            size -= (size_t) used;
            ngx_http_push_publisher_done(p, ok);
        }

        if (used < 0 || size == sizeof(p->input) || (size && p->count == 0)) {
            ngx_http_push_publisher_lost(p, "cannot read the answer");
            return;
        }

        if (last) {
            ngx_http_push_publisher_restart(p);
            return;
        }

        memmove(p->input, in, size);
        p->input_length = size;
    }
}


static long
ngx_http_push_publisher_answer_http(ngx_http_push_publisher_t *p,
    const char *in, size_t size, int *ok, int *last)
{
    int          n, status;
    size_t       head, body;
    const char  *value;

    head = ngx_http_push_wire_head(in, size);

    if (head == 0) {
        return 0;
    }

    if (sscanf(in, "HTTP/1.%*d %d", &status) != 1) {
        return -1;
    }

    body = 0;
    n = ngx_http_push_wire_header(in, head, "content-length:", &value);

    if (n > 0) {
        body = (size_t) atol(value);

    } else if (status != 204) {
        return -1;
    }

    if (size < head + body) {
        return 0;
    }

    n = ngx_http_push_wire_header(in, head, "connection:", &value);
    *last = (n == 5 && strncasecmp(value, "close", 5) == 0);
    *ok = (status >= 200 && status < 300);

    if (!*ok) {
        ngx_http_push_publisher_error(p, in, head + body);
    }

    return (long) (head + body);
}


static long
ngx_http_push_publisher_answer_redis(ngx_http_push_publisher_t *p,
    const char *in, size_t size, int *ok)
{
    long                        used;
    ngx_http_push_wire_reply_t  r;

    used = ngx_http_push_wire_read_reply(&r, in, size);

    if (used <= 0) {
        return used;
    }

    *ok = (r.type == ':');

    if (!*ok) {
        ngx_http_push_publisher_error(p, r.data, r.length);
    }

    return used;
}


static void
ngx_http_push_publisher_done(ngx_http_push_publisher_t *p, int ok)
{
    ngx_http_push_publisher_request_t  *r;

    r = &p->requests[p->first];
    p->first = (p->first + 1) % NGX_HTTP_PUSH_PUBLISHER_DEPTH;
    p->count--;

    ngx_http_push_latency_add(&p->latency,
                              ngx_http_push_net_now() - r->begun);

    if (ok) {
        p->answered++;
        p->broken = 0;

    } else {
        p->refused++;
    }

    p->filled -= r->length;
    p->sent = (p->sent > r->length) ? p->sent - r->length : 0;

    if (p->filled) {
        memmove(p->output, p->output + r->length, p->filled);
    }
}


/*
 * The server said that this was its last answer here: what came after it was
 * not looked at and is sent again.
 */

static void
ngx_http_push_publisher_restart(ngx_http_push_publisher_t *p)
{
    (void) close(p->fd);
    p->fd = -1;

    if (p->count) {
        ngx_http_push_publisher_open(p);
    }
}


static void
ngx_http_push_publisher_lost(ngx_http_push_publisher_t *p, const char *why)
{
    if (p->fd != -1) {
        (void) close(p->fd);
        p->fd = -1;
    }

    /* an idle connection may be closed by the server at any time */

    if (p->count) {
        ngx_http_push_publisher_error(p, why, strlen(why));
        p->broken++;
    }

    p->unknown += p->count;
    p->count = 0;
    p->filled = 0;
    p->sent = 0;
}


static void
ngx_http_push_publisher_error(ngx_http_push_publisher_t *p, const char *text,
    size_t length)
{
    char    c;
    size_t  i;

    if (p->error[0]) {
        return;
    }

    /* it goes into a JSON string */

    for (i = 0; i < length && i < sizeof(p->error) - 1; i++) {
        c = text[i];
        p->error[i] = (c < ' ' || c > '~' || c == '"' || c == '\\') ? ' ' : c;
    }

    p->error[i] = '\0';
}
