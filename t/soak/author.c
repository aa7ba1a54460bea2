/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Soak: one connection that publishes by HTTP.
 */


#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "../bench/wire.h"
#include "author.h"


#define NGX_HTTP_PUSH_AUTHOR_PATIENCE  20000000000ull
#define NGX_HTTP_PUSH_AUTHOR_PAUSE     100000000ull
#define NGX_HTTP_PUSH_AUTHOR_TRIES     200


static void ngx_http_push_author_begin(ngx_http_push_author_t *a,
    uint64_t now);
static size_t ngx_http_push_author_size(ngx_http_push_author_t *a);
static void ngx_http_push_author_send(ngx_http_push_author_t *a);
static void ngx_http_push_author_write(ngx_http_push_author_t *a);
static void ngx_http_push_author_read(ngx_http_push_author_t *a);
static void ngx_http_push_author_count(ngx_http_push_author_t *a,
    uint32_t status);
static void ngx_http_push_author_answer(ngx_http_push_author_t *a,
    int status, const char *body);
static void ngx_http_push_author_place(ngx_http_push_author_t *a,
    const char *body);
static void ngx_http_push_author_lost(ngx_http_push_author_t *a);
static void ngx_http_push_author_close(ngx_http_push_author_t *a);
static void ngx_http_push_author_outcome(ngx_http_push_author_t *a,
    ngx_http_push_ledger_outcome_e outcome);


static int                             ngx_http_push_author_allowed;
static ngx_http_push_author_figures_t  ngx_http_push_author_sums;


void
ngx_http_push_author_init(ngx_http_push_author_t *a, uint32_t index,
    const ngx_http_push_net_url_t *url, int epoll, uint64_t seed)
{
    memset(a, 0, sizeof(ngx_http_push_author_t));

    ngx_http_push_dice_init(&a->dice, seed * 7 + index);

    a->fd = -1;
    a->index = index;
    a->url = url;
    a->epoll = epoll;
}


ngx_http_push_author_figures_t *
ngx_http_push_author_figures(void)
{
    return &ngx_http_push_author_sums;
}


void
ngx_http_push_author_allow(int status)
{
    ngx_http_push_author_allowed = status;
}


void
ngx_http_push_author_add(ngx_http_push_author_t *a, uint32_t channel,
    uint32_t flags)
{
    ngx_http_push_author_task_t  *t;

    if (a->count == NGX_HTTP_PUSH_AUTHOR_QUEUE) {
        ngx_http_push_author_sums.skipped++;
        return;
    }

    t = &a->tasks[(a->first + a->count++) % NGX_HTTP_PUSH_AUTHOR_QUEUE];
    t->channel = channel;
    t->flags = flags;

    if (a->number == 0) {
        ngx_http_push_author_begin(a, ngx_http_push_net_now());
    }
}


void
ngx_http_push_author_tick(ngx_http_push_author_t *a, uint64_t now)
{
    if (a->count == 0) {
        return;
    }

    if (a->number == 0) {
        ngx_http_push_author_begin(a, now);
        return;
    }

    if (a->begun == 0) {

        if (now >= a->next) {
            ngx_http_push_author_send(a);
        }

        return;
    }

    if (now > a->begun + NGX_HTTP_PUSH_AUTHOR_PATIENCE) {
        ngx_http_push_ledger_blame(ngx_http_push_ledger_unanswered,
                                   "message %u of channel %u: no answer "
                                   "for 20 s", a->number,
                                   a->tasks[a->first].channel);
        ngx_http_push_author_lost(a);
    }
}


/* makes the request of the first task */

static void
ngx_http_push_author_begin(ngx_http_push_author_t *a, uint64_t now)
{
    size_t                          n, size;
    ngx_http_push_author_task_t    *t;
    ngx_http_push_ledger_record_t  *r;

    t = &a->tasks[a->first];

    a->number = ngx_http_push_ledger_add(t->channel);
    a->unsure = 0;

    ngx_http_push_author_sums.messages++;

    r = ngx_http_push_ledger_get(t->channel, a->number);
    r->keyed = (t->flags & NGX_HTTP_PUSH_AUTHOR_KEYED) != 0;
    r->fleeting = (t->flags & NGX_HTTP_PUSH_AUTHOR_FLEETING) != 0;
    r->marker = (t->flags & NGX_HTTP_PUSH_AUTHOR_MARKER) != 0;

    size = ngx_http_push_author_size(a);

    n = (size_t) sprintf(a->request, "POST %s?channel=", a->url->path);
    n += ngx_http_push_ledger_name(a->request + n, t->channel);
    n += (size_t) sprintf(a->request + n, " HTTP/1.1\r\nHost: %s\r\n"
                          "Content-Length: %zu\r\n", a->url->host, size);

    /* as guest.c expects them */

    if (a->number % 3 == 0) {
        n += (size_t) sprintf(a->request + n, "Push-Event: e%u\r\n",
                              a->number % 1000);
    }

    if (a->number % 5 == 0) {
        n += (size_t) sprintf(a->request + n, "Content-Type: text/plain\r\n");
    }

    if (r->keyed) {
        n += (size_t) sprintf(a->request + n, "Push-Id: k%u\r\n", a->number);
    }

    if (r->fleeting) {
        n += (size_t) sprintf(a->request + n, "Push-Volatile: 1\r\n");
    }

    n += (size_t) sprintf(a->request + n, "\r\n");

    ngx_http_push_ledger_write(a->request + n, size, t->channel, a->number,
                               now);

    a->length = n + size;

    ngx_http_push_author_send(a);
}


/* mostly small, sometimes of several pages, seldom larger than a queue's
   piece of a socket */

static size_t
ngx_http_push_author_size(ngx_http_push_author_t *a)
{
    uint32_t  kind;

    kind = ngx_http_push_dice_roll(&a->dice, 1000);

    if (kind == 0) {
        return 40000 + ngx_http_push_dice_roll(&a->dice, 25000);
    }

    if (kind < 20) {
        return 3000 + ngx_http_push_dice_roll(&a->dice, 6000);
    }

    return NGX_HTTP_PUSH_LEDGER_HEAD
           + ngx_http_push_dice_roll(&a->dice, 300);
}


static void
ngx_http_push_author_send(ngx_http_push_author_t *a)
{
    struct epoll_event              ee;
    ngx_http_push_ledger_record_t  *r;

    r = ngx_http_push_ledger_get(a->tasks[a->first].channel, a->number);

    r->tries += (r->tries < 255);
    ngx_http_push_author_sums.repeats += (r->tries > 1);

    a->begun = ngx_http_push_net_now();
    a->sent = 0;
    a->filled = 0;

    if (a->fd != -1) {
        ngx_http_push_author_write(a);
        return;
    }

    a->answers = 0;
    a->fd = ngx_http_push_net_connect(&a->url->addr, 0);

    if (a->fd == -1) {
        ngx_http_push_author_lost(a);
        return;
    }

    ee.events = EPOLLIN|EPOLLOUT|EPOLLET;
    ee.data.u64 = 1ull << 32 | a->index;

    (void) epoll_ctl(a->epoll, EPOLL_CTL_ADD, a->fd, &ee);
}


void
ngx_http_push_author_handle(ngx_http_push_author_t *a)
{
    if (a->fd != -1 && a->number != 0 && a->begun != 0) {
        ngx_http_push_author_write(a);
    }

    if (a->fd != -1) {
        ngx_http_push_author_read(a);
    }
}


static void
ngx_http_push_author_write(ngx_http_push_author_t *a)
{
    ssize_t  n;

    while (a->sent < a->length) {
        n = send(a->fd, a->request + a->sent, a->length - a->sent,
                 MSG_NOSIGNAL);

        if (n == -1) {

            if (errno != EAGAIN && errno != ENOTCONN && errno != EINTR) {
                ngx_http_push_author_lost(a);
            }

            return;
        }

        a->sent += (size_t) n;
    }
}


static void
ngx_http_push_author_read(ngx_http_push_author_t *a)
{
    int          status;
    size_t       head, length;
    ssize_t      n;
    const char  *value;

    for ( ;; ) {
        n = recv(a->fd, a->input + a->filled,
                 sizeof(a->input) - 1 - a->filled, 0);

        if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }

        if (n <= 0) {

            /* an idle connection may be closed at any time */

            if (a->number && a->begun) {
                ngx_http_push_author_lost(a);

            } else {
                ngx_http_push_author_close(a);
            }

            return;
        }

        a->filled += (size_t) n;
        a->input[a->filled] = '\0';

        head = ngx_http_push_wire_head(a->input, a->filled);

        if (head == 0) {
            continue;
        }

        length = 0;

        if (ngx_http_push_wire_header(a->input, head, "content-length:",
                                      &value) > 0)
        {
            length = (size_t) atol(value);
        }

        if (a->filled < head + length) {
            continue;
        }

        if (sscanf(a->input, "HTTP/1.%*d %d", &status) != 1
            || a->number == 0 || a->begun == 0)
        {
            ngx_http_push_ledger_blame(ngx_http_push_ledger_protocol,
                                       "publisher: %.60s", a->input);
            ngx_http_push_author_lost(a);
            return;
        }

        a->filled = 0;
        a->answers++;

        if (ngx_http_push_wire_header(a->input, head, "connection:", &value)
            == 5)
        {
            ngx_http_push_author_close(a);
        }

        ngx_http_push_author_answer(a, status, a->input + head);

        if (a->fd == -1) {
            return;
        }
    }
}


static void
ngx_http_push_author_answer(ngx_http_push_author_t *a, int status,
    const char *body)
{
    uint64_t                      took;
    ngx_http_push_author_task_t  *t;

    t = &a->tasks[a->first];

    took = ngx_http_push_net_now() - a->begun;

    if (took > ngx_http_push_author_sums.worst) {
        ngx_http_push_author_sums.worst = took;
    }

    ngx_http_push_author_count(a, (uint32_t) status);

    if (status >= 200 && status < 300) {
        ngx_http_push_author_place(a, body);
        ngx_http_push_author_outcome(a, ngx_http_push_ledger_taken);
        return;
    }

    if (status != 503 && status != 504 && status != 507
        && status != ngx_http_push_author_allowed)
    {
        ngx_http_push_ledger_blame((status == 409)
                                   ? ngx_http_push_ledger_conflict
                                   : ngx_http_push_ledger_protocol,
                                   "message %u of channel %u: %d %.100s",
                                   a->number, t->channel, status, body);
    }

    a->unsure |= (status == 504);

    if ((t->flags & NGX_HTTP_PUSH_AUTHOR_KEYED)
        && ngx_http_push_ledger_get(t->channel, a->number)->tries
           < NGX_HTTP_PUSH_AUTHOR_TRIES)
    {
        a->begun = 0;
        a->next = ngx_http_push_net_now() + NGX_HTTP_PUSH_AUTHOR_PAUSE;
        return;
    }

    ngx_http_push_author_outcome(a, a->unsure
                                    ? ngx_http_push_ledger_unknown
                                    : ngx_http_push_ledger_refused);
}


static void
ngx_http_push_author_count(ngx_http_push_author_t *a, uint32_t status)
{
    ngx_http_push_author_task_t  *t;

    t = &a->tasks[a->first];

    ngx_http_push_ledger_count((t->flags & NGX_HTTP_PUSH_AUTHOR_FLEETING)
                               ? &ngx_http_push_author_sums.fleeting
                               : &ngx_http_push_author_sums.statuses,
                               status);
}


/* the id that the answer tells */

static void
ngx_http_push_author_place(ngx_http_push_author_t *a, const char *body)
{
    size_t                          n;
    uint32_t                        channel, epoch;
    const char                     *name, *offset;
    ngx_http_push_ledger_record_t  *r;

    channel = a->tasks[a->first].channel;
    r = ngx_http_push_ledger_get(channel, a->number);

    name = strstr(body, "\"epoch\":\"");
    offset = strstr(body, "\"offset\":");

    if (name == NULL || offset == NULL) {

        if (!r->fleeting) {
            ngx_http_push_ledger_blame(ngx_http_push_ledger_corrupt,
                                       "message %u of channel %u: an answer "
                                       "without id: %.100s", a->number,
                                       channel, body);
        }

        return;
    }

    name += 9;
    n = strcspn(name, "\"");
    epoch = ngx_http_push_ledger_epoch(channel, name, n);

    if (epoch == 0 || r->fleeting) {
        ngx_http_push_ledger_blame(ngx_http_push_ledger_corrupt,
                                   "message %u of channel %u: %.100s",
                                   a->number, channel, body);
        return;
    }

    ngx_http_push_ledger_bind(channel, a->number, epoch,
                              (uint32_t) strtoul(offset + 9, NULL, 10));
}


/* nobody knows whether it was published */

static void
ngx_http_push_author_lost(ngx_http_push_author_t *a)
{
    ngx_http_push_ledger_record_t  *r;

    /* an idle connection was closed when we began to write: try again */

    r = ngx_http_push_ledger_get(a->tasks[a->first].channel, a->number);

    if (a->sent == 0 && a->filled == 0) {
        r->tries--;
        ngx_http_push_author_close(a);
        a->begun = 0;
        a->next = ngx_http_push_net_now() + NGX_HTTP_PUSH_AUTHOR_PAUSE / 10;
        return;
    }

    ngx_http_push_author_close(a);
    ngx_http_push_author_count(a, 0);

    a->unsure = 1;

    if (r->keyed && r->tries < NGX_HTTP_PUSH_AUTHOR_TRIES) {
        a->begun = 0;
        a->next = ngx_http_push_net_now() + NGX_HTTP_PUSH_AUTHOR_PAUSE / 10;
        return;
    }

    ngx_http_push_author_outcome(a, ngx_http_push_ledger_unknown);
}


static void
ngx_http_push_author_close(ngx_http_push_author_t *a)
{
    if (a->fd != -1) {
        (void) close(a->fd);
        a->fd = -1;
    }

    a->filled = 0;
}


static void
ngx_http_push_author_outcome(ngx_http_push_author_t *a,
    ngx_http_push_ledger_outcome_e outcome)
{
    ngx_http_push_author_task_t    *t;
    ngx_http_push_ledger_record_t  *r;

    t = &a->tasks[a->first];
    r = ngx_http_push_ledger_get(t->channel, a->number);

    r->outcome = (uint8_t) outcome;

    switch (outcome) {

    case ngx_http_push_ledger_taken:
        ngx_http_push_author_sums.taken++;
        break;

    case ngx_http_push_ledger_refused:
        ngx_http_push_author_sums.refused++;

        if (r->seen) {
            ngx_http_push_ledger_blame(ngx_http_push_ledger_refused_seen,
                                       "message %u of channel %u: %s:%u, "
                                       "and then refused", a->number,
                                       t->channel,
                                       ngx_http_push_ledger_epoch_name(
                                                     t->channel, r->epoch),
                                       r->offset);
        }

        break;

    default:
        ngx_http_push_author_sums.unknown++;
    }

    a->number = 0;
    a->begun = 0;
    a->first = (a->first + 1) % NGX_HTTP_PUSH_AUTHOR_QUEUE;
    a->count--;

    if (a->count) {
        ngx_http_push_author_begin(a, ngx_http_push_net_now());
    }
}
