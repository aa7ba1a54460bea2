/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Soak: a TCP proxy between the workers and Redis that does what networks do,
 * told by lines of stdin.
 *
 *   strait PORT TARGET
 *
 *   pause [up|down]    nothing passes: to the target, back, both
 *   cont               what was held back passes
 *   strand             the links of now are dead, and nobody is told
 *   drop               closes all;  reset: by RST
 *   exit
 */


#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <poll.h>
#include <sys/socket.h>

#include "../bench/net.h"


#define NGX_HTTP_PUSH_STRAIT_LINKS   64
#define NGX_HTTP_PUSH_STRAIT_BUFFER  65536

#define NGX_HTTP_PUSH_STRAIT_UP      0x1
#define NGX_HTTP_PUSH_STRAIT_DOWN    0x2


/* one way of a link; ended: what comes in is over */

typedef struct {
    size_t                           sent;
    size_t                           filled;
    int                              ended;
    char                             buffer[NGX_HTTP_PUSH_STRAIT_BUFFER];
} ngx_http_push_strait_way_t;


/* fds: the worker's, the target's; ways: from the worker, from the target */

typedef struct {
    int                              used;
    int                              stranded;
    int                              fds[2];
    ngx_http_push_strait_way_t       ways[2];
} ngx_http_push_strait_link_t;


static void ngx_http_push_strait_accept(void);
static int ngx_http_push_strait_paused(int way);
static short ngx_http_push_strait_events(ngx_http_push_strait_link_t *l,
    int end);
static void ngx_http_push_strait_handle(ngx_http_push_strait_link_t *l,
    int end, short events);
static void ngx_http_push_strait_move(ngx_http_push_strait_link_t *l,
    int way);
static void ngx_http_push_strait_close(ngx_http_push_strait_link_t *l,
    int reset);
static void ngx_http_push_strait_input(void);
static void ngx_http_push_strait_obey(const char *line);


static int                          ngx_http_push_strait_listener;
static int                          ngx_http_push_strait_ending;
static int                          ngx_http_push_strait_held;
static ngx_http_push_net_url_t      ngx_http_push_strait_target;
static ngx_http_push_strait_link_t  ngx_http_push_strait_links[
                                                  NGX_HTTP_PUSH_STRAIT_LINKS];


int
main(int argc, char **argv)
{
    int                           i, n, of[2 * NGX_HTTP_PUSH_STRAIT_LINKS];
    char                          text[64];
    struct pollfd                 fds[2 * NGX_HTTP_PUSH_STRAIT_LINKS + 2];
    ngx_http_push_net_url_t       url;
    ngx_http_push_strait_link_t  *l;

    if (argc != 3) {
        fprintf(stderr, "usage: strait PORT TARGET\n");
        return 2;
    }

    (void) signal(SIGPIPE, SIG_IGN);
    (void) signal(SIGINT, SIG_IGN);

    (void) snprintf(text, sizeof(text), "redis://127.0.0.1:%s", argv[1]);
    (void) ngx_http_push_net_parse(&url, text);
    (void) snprintf(text, sizeof(text), "redis://127.0.0.1:%s", argv[2]);
    (void) ngx_http_push_net_parse(&ngx_http_push_strait_target, text);

    ngx_http_push_strait_listener = ngx_http_push_net_listen(&url.addr, 128,
                                                             0);
    if (ngx_http_push_strait_listener == -1) {
        perror("strait: listen");
        return 2;
    }

    (void) fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);

    while (!ngx_http_push_strait_ending) {
        fds[0].fd = 0;
        fds[0].events = POLLIN;

        /* whoever connects while everything is held back waits, too */

        fds[1].fd = ngx_http_push_strait_held ? -1
                                              : ngx_http_push_strait_listener;
        fds[1].events = POLLIN;

        n = 0;

        for (i = 0; i < 2 * NGX_HTTP_PUSH_STRAIT_LINKS; i++) {
            l = &ngx_http_push_strait_links[i / 2];

            if (l->used && ngx_http_push_strait_events(l, i % 2)) {
                fds[2 + n].fd = l->fds[i % 2];
                fds[2 + n].events = ngx_http_push_strait_events(l, i % 2);
                of[n++] = i;
            }
        }

        if (poll(fds, (nfds_t) (2 + n), 1000) <= 0) {
            continue;
        }

        for (i = 0; i < n; i++) {
            l = &ngx_http_push_strait_links[of[i] / 2];

            if (fds[2 + i].revents && l->used) {
                ngx_http_push_strait_handle(l, of[i] % 2, fds[2 + i].revents);
            }
        }

        if (fds[1].fd != -1 && fds[1].revents) {
            ngx_http_push_strait_accept();
        }

        if (fds[0].revents) {
            ngx_http_push_strait_input();
        }
    }

    return 0;
}


static void
ngx_http_push_strait_accept(void)
{
    int                           i, fd;
    ngx_http_push_strait_link_t  *l;

    fd = accept(ngx_http_push_strait_listener, NULL, NULL);

    if (fd == -1) {
        return;
    }

    for (i = 0; i < NGX_HTTP_PUSH_STRAIT_LINKS; i++) {
        l = &ngx_http_push_strait_links[i];

        if (l->used) {
            continue;
        }

        memset(l, 0, sizeof(ngx_http_push_strait_link_t));

        l->fds[0] = fd;
        l->fds[1] = ngx_http_push_net_connect(
                                       &ngx_http_push_strait_target.addr, 0);

        if (l->fds[1] == -1) {
            break;
        }

        (void) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        ngx_http_push_net_nodelay(fd);
        l->used = 1;

        return;
    }

    (void) close(fd);
}


static int
ngx_http_push_strait_paused(int way)
{
    return ngx_http_push_strait_held & (way ? NGX_HTTP_PUSH_STRAIT_DOWN
                                            : NGX_HTTP_PUSH_STRAIT_UP);
}


/* of an end: it is read for its own way, and written for the other one */

static short
ngx_http_push_strait_events(ngx_http_push_strait_link_t *l, int end)
{
    short                        events;
    ngx_http_push_strait_way_t  *in, *out;

    in = &l->ways[end];
    out = &l->ways[!end];
    events = 0;

    /* it is seen only that the worker has given it up */

    if (l->stranded) {
        return end ? 0 : POLLRDHUP;
    }

    if (!ngx_http_push_strait_paused(end) && !in->ended
        && in->filled < NGX_HTTP_PUSH_STRAIT_BUFFER)
    {
        events |= POLLIN;
    }

    if (!ngx_http_push_strait_paused(!end) && out->sent < out->filled) {
        events |= POLLOUT;
    }

    return events;
}


static void
ngx_http_push_strait_handle(ngx_http_push_strait_link_t *l, int end,
    short events)
{
    ssize_t                      n;
    ngx_http_push_strait_way_t  *in;

    in = &l->ways[end];

    if (l->stranded) {
        ngx_http_push_strait_close(l, 1);
        return;
    }

    if ((events & (POLLIN|POLLHUP|POLLERR)) && !in->ended
        && !ngx_http_push_strait_paused(end)
        && in->filled < NGX_HTTP_PUSH_STRAIT_BUFFER)
    {
        n = recv(l->fds[end], in->buffer + in->filled,
                 NGX_HTTP_PUSH_STRAIT_BUFFER - in->filled, 0);

        if (n == -1 && errno != EAGAIN && errno != EINTR) {
            ngx_http_push_strait_close(l, 1);
            return;
        }

        if (n == 0) {
            in->ended = 1;
        }

        in->filled += (n > 0) ? (size_t) n : 0;

        ngx_http_push_strait_move(l, end);
    }

    if (l->used && (events & POLLOUT)) {
        ngx_http_push_strait_move(l, !end);
    }
}


static void
ngx_http_push_strait_move(ngx_http_push_strait_link_t *l, int way)
{
    ssize_t                      n;
    ngx_http_push_strait_way_t  *w;

    w = &l->ways[way];

    while (w->sent < w->filled) {
        n = send(l->fds[!way], w->buffer + w->sent, w->filled - w->sent,
                 MSG_NOSIGNAL);

        if (n == -1) {

            if (errno == EAGAIN || errno == ENOTCONN || errno == EINTR) {
                return;
            }

            ngx_http_push_strait_close(l, 1);
            return;
        }

        w->sent += (size_t) n;
    }

    w->sent = 0;
    w->filled = 0;

    if (!w->ended) {
        return;
    }

    if (l->ways[!way].ended) {
        ngx_http_push_strait_close(l, 0);

    } else {
        (void) shutdown(l->fds[!way], SHUT_WR);
    }
}


static void
ngx_http_push_strait_close(ngx_http_push_strait_link_t *l, int reset)
{
    int  i;

    for (i = 0; i < 2; i++) {

        if (reset) {
            ngx_http_push_net_abort(l->fds[i]);
        }

        (void) close(l->fds[i]);
    }

    l->used = 0;
}


static void
ngx_http_push_strait_input(void)
{
    char           *end;
    ssize_t         n;
    static char     line[256];
    static size_t   length;

    n = read(0, line + length, sizeof(line) - 1 - length);

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }

    if (n <= 0) {
        ngx_http_push_strait_ending = 1;
        return;
    }

    length += (size_t) n;
    line[length] = '\0';

    for ( ;; ) {
        end = strchr(line, '\n');

        if (end == NULL) {
            break;
        }

        *end++ = '\0';
        ngx_http_push_strait_obey(line);

        length -= (size_t) (end - line);
        memmove(line, end, length + 1);
    }

    if (length == sizeof(line) - 1) {
        length = 0;
    }
}


static void
ngx_http_push_strait_obey(const char *line)
{
    int                           i, reset;
    ngx_http_push_strait_link_t  *l;

    if (strcmp(line, "pause up") == 0) {
        ngx_http_push_strait_held = NGX_HTTP_PUSH_STRAIT_UP;

    } else if (strcmp(line, "pause down") == 0) {
        ngx_http_push_strait_held = NGX_HTTP_PUSH_STRAIT_DOWN;

    } else if (strcmp(line, "pause") == 0) {
        ngx_http_push_strait_held = NGX_HTTP_PUSH_STRAIT_UP
                                    |NGX_HTTP_PUSH_STRAIT_DOWN;

    } else if (strcmp(line, "cont") == 0) {
        ngx_http_push_strait_held = 0;

    } else if (strcmp(line, "exit") == 0) {
        ngx_http_push_strait_ending = 1;
    }

    reset = (strcmp(line, "reset") == 0);

    for (i = 0; i < NGX_HTTP_PUSH_STRAIT_LINKS; i++) {
        l = &ngx_http_push_strait_links[i];

        if (!l->used) {
            continue;
        }

        if (strcmp(line, "strand") == 0) {
            l->stranded = 1;

        } else if (reset || strcmp(line, "drop") == 0) {
            ngx_http_push_strait_close(l, reset);
        }
    }
}
