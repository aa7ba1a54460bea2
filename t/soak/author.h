/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Soak: one connection that publishes by HTTP, one message after the other.
 * What has a Push-Id is tried until it is answered with 2xx.
 */


#ifndef _NGX_HTTP_PUSH_AUTHOR_H_INCLUDED_
#define _NGX_HTTP_PUSH_AUTHOR_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "../bench/net.h"
#include "dice.h"
#include "ledger.h"


#define NGX_HTTP_PUSH_AUTHOR_QUEUE  64

#define NGX_HTTP_PUSH_AUTHOR_KEYED     0x1
#define NGX_HTTP_PUSH_AUTHOR_FLEETING  0x2
#define NGX_HTTP_PUSH_AUTHOR_MARKER    0x4


typedef struct {
    uint32_t                        channel;
    uint32_t                        flags;
} ngx_http_push_author_task_t;


typedef struct {
    int                             fd;
    int                             epoll;
    uint32_t                        index;
    uint32_t                        first;    /* of tasks */
    uint32_t                        count;
    uint32_t                        number;   /* under way; 0: nothing is */
    uint32_t                        unsure;   /* a try without an outcome */
    uint32_t                        answers;  /* on this connection */
    uint64_t                        begun;
    uint64_t                        next;     /* not to be tried before */
    size_t                          length;   /* of request */
    size_t                          sent;
    size_t                          filled;   /* of input */
    const ngx_http_push_net_url_t  *url;
    ngx_http_push_dice_t            dice;
    ngx_http_push_author_task_t     tasks[NGX_HTTP_PUSH_AUTHOR_QUEUE];
    char                            input[4096];
    char                            request[NGX_HTTP_PUSH_LEDGER_BODY + 1024];
} ngx_http_push_author_t;


/* of all of them */

typedef struct {
    uint64_t                        messages;
    uint64_t                        taken;
    uint64_t                        refused;
    uint64_t                        unknown;
    uint64_t                        repeats;
    uint64_t                        skipped;  /* the queue was full */
    uint64_t                        worst;    /* ns from request to answer */
    ngx_http_push_ledger_count_t    statuses; /* 0: no answer */
    ngx_http_push_ledger_count_t    fleeting; /* to what is not stored */
} ngx_http_push_author_figures_t;


void ngx_http_push_author_init(ngx_http_push_author_t *a, uint32_t index,
    const ngx_http_push_net_url_t *url, int epoll, uint64_t seed);

/* gives one to publish; it is skipped if there is no room */
void ngx_http_push_author_add(ngx_http_push_author_t *a, uint32_t channel,
    uint32_t flags);

void ngx_http_push_author_handle(ngx_http_push_author_t *a);
void ngx_http_push_author_tick(ngx_http_push_author_t *a, uint64_t now);

/* one more status that a publisher may get, beside 503, 504 and 507 */
void ngx_http_push_author_allow(int status);

ngx_http_push_author_figures_t *ngx_http_push_author_figures(void);


#endif /* _NGX_HTTP_PUSH_AUTHOR_H_INCLUDED_ */
