
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: addresses, sockets and the clock.
 */


#ifndef _NGX_HTTP_PUSH_NET_H_INCLUDED_
#define _NGX_HTTP_PUSH_NET_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>


#define NGX_HTTP_PUSH_NET_WS     0
#define NGX_HTTP_PUSH_NET_WSS    1
#define NGX_HTTP_PUSH_NET_HTTP   2
#define NGX_HTTP_PUSH_NET_REDIS  3

#define NGX_HTTP_PUSH_NET_PATH   1024


typedef struct {
    struct sockaddr_in  addr;
    int                 scheme;
    char                host[128];    /* with the port, for the Host header */

    /* with '%d' where the channel's number goes; redis: no leading slash */
    char                path[NGX_HTTP_PUSH_NET_PATH];
} ngx_http_push_net_url_t;


/*
 * ws://, wss://, http:// and redis:// with host, port and path; a name is
 * resolved here, so not to be called from an event loop.  NULL, or what is
 * wrong with the text.
 */
const char *ngx_http_push_net_parse(ngx_http_push_net_url_t *u,
    const char *text);

/* path with its '%d' replaced; dst has room for NGX_HTTP_PUSH_NET_PATH + 20 */
size_t ngx_http_push_net_expand(char *dst, const char *path, uint32_t channel);

/*
 * Non-blocking; the connection may still be under way.  source is an IPv4
 * address in host order, or 0.  -1 with errno set.
 */
int ngx_http_push_net_connect(const struct sockaddr_in *addr, uint32_t source);

/* non-blocking, TCP_NODELAY is set on what is accepted by the caller */
int ngx_http_push_net_listen(const struct sockaddr_in *addr, int backlog,
    int reuseport);

void ngx_http_push_net_nodelay(int fd);

/* the next close() resets: no TIME_WAIT takes a port from the next run */
void ngx_http_push_net_abort(int fd);

/* raises the limit of open files as far as it goes and gives it */
size_t ngx_http_push_net_files(void);

/* nanoseconds of CLOCK_MONOTONIC: the same clock in all processes */
uint64_t ngx_http_push_net_now(void);


#endif /* _NGX_HTTP_PUSH_NET_H_INCLUDED_ */
