
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: addresses, sockets and the clock.
 */


#define _GNU_SOURCE

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "net.h"


static const char *ngx_http_push_net_resolve(ngx_http_push_net_url_t *u,
    const char *host, const char *port);


static const struct {
    const char  *prefix;
    const char  *port;
    int          scheme;
} ngx_http_push_net_schemes[] = {
    { "ws://", "80", NGX_HTTP_PUSH_NET_WS },
    { "wss://", "443", NGX_HTTP_PUSH_NET_WSS },
    { "http://", "80", NGX_HTTP_PUSH_NET_HTTP },
    { "redis://", "6379", NGX_HTTP_PUSH_NET_REDIS },
    { NULL, NULL, 0 }
};


const char *
ngx_http_push_net_parse(ngx_http_push_net_url_t *u, const char *text)
{
    char         host[128];
    char        *colon;
    size_t       n;
    unsigned     i;
    const char  *path, *port;

    for (i = 0; ngx_http_push_net_schemes[i].prefix; i++) {
        n = strlen(ngx_http_push_net_schemes[i].prefix);

        if (strncmp(text, ngx_http_push_net_schemes[i].prefix, n) == 0) {
            break;
        }
    }

    if (ngx_http_push_net_schemes[i].prefix == NULL) {
        return "begins with none of ws://, wss://, http://, redis://";
    }

    u->scheme = ngx_http_push_net_schemes[i].scheme;
    port = ngx_http_push_net_schemes[i].port;
    text += n;

    path = strchr(text, '/');
    n = (path == NULL) ? strlen(text) : (size_t) (path - text);

    if (n == 0 || n >= sizeof(host)) {
        return "has no host, or too long a one";
    }

    memcpy(host, text, n);
    host[n] = '\0';
    memcpy(u->host, host, n + 1);

    if (path == NULL) {
        path = "/";
    }

    if (u->scheme == NGX_HTTP_PUSH_NET_REDIS) {
        path++;
    }

    if (strlen(path) >= sizeof(u->path)) {
        return "has too long a path";
    }

    strcpy(u->path, path);

    colon = strrchr(host, ':');

    if (colon) {
        *colon = '\0';
        port = colon + 1;
    }

    return ngx_http_push_net_resolve(u, host, port);
}


size_t
ngx_http_push_net_expand(char *dst, const char *path, uint32_t channel)
{
    size_t       n;
    const char  *mark;

    mark = strstr(path, "%d");
    n = (mark == NULL) ? strlen(path) : (size_t) (mark - path);

    memcpy(dst, path, n);

    if (mark == NULL) {
        dst[n] = '\0';
        return n;
    }

    return n + (size_t) sprintf(dst + n, "%u%s", channel, mark + 2);
}


int
ngx_http_push_net_connect(const struct sockaddr_in *addr, uint32_t source)
{
    int                 fd, on, rc;
    struct sockaddr_in  from;

    fd = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);

    if (fd == -1) {
        return -1;
    }

    if (source) {
        memset(&from, 0, sizeof(from));
        from.sin_family = AF_INET;
        from.sin_addr.s_addr = htonl(source);

        /* the port is chosen at connect(), where both ends are known */
        on = 1;
        (void) setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
                          sizeof(on));

        if (bind(fd, (struct sockaddr *) &from, sizeof(from)) == -1) {
            goto failed;
        }
    }

    rc = connect(fd, (const struct sockaddr *) addr, sizeof(*addr));

    if (rc == -1 && errno != EINPROGRESS) {
        goto failed;
    }

    ngx_http_push_net_nodelay(fd);

    return fd;

failed:

    rc = errno;
    (void) close(fd);
    errno = rc;

    return -1;
}


int
ngx_http_push_net_listen(const struct sockaddr_in *addr, int backlog,
    int reuseport)
{
    int  fd, on;

    fd = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);

    if (fd == -1) {
        return -1;
    }

    on = 1;
    (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));

    if (reuseport) {
        (void) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    }

    if (bind(fd, (const struct sockaddr *) addr, sizeof(*addr)) == -1
        || listen(fd, backlog) == -1)
    {
        (void) close(fd);
        return -1;
    }

    return fd;
}


void
ngx_http_push_net_nodelay(int fd)
{
    int  on;

    on = 1;
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}


void
ngx_http_push_net_abort(int fd)
{
    struct linger  linger;

    linger.l_onoff = 1;
    linger.l_linger = 0;
    (void) setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}


size_t
ngx_http_push_net_files(void)
{
    struct rlimit  limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
        return 1024;
    }

    limit.rlim_cur = limit.rlim_max;
    (void) setrlimit(RLIMIT_NOFILE, &limit);
    (void) getrlimit(RLIMIT_NOFILE, &limit);

    return (size_t) limit.rlim_cur;
}


uint64_t
ngx_http_push_net_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


static const char *
ngx_http_push_net_resolve(ngx_http_push_net_url_t *u, const char *host,
    const char *port)
{
    int               rc;
    struct addrinfo   hints;
    struct addrinfo  *found;

    memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;

    rc = getaddrinfo(host, port, &hints, &found);

    if (rc != 0) {
        return gai_strerror(rc);
    }

    memcpy(&u->addr, found->ai_addr, sizeof(u->addr));
    freeaddrinfo(found);

    return NULL;
}
