/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: the ring of sessions that have something to write; owns it and its
 * event.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_turns.h"


#define NGX_HTTP_PUSH_TURNS_SLICE  4000   /* us of writing in a turn */
#define NGX_HTTP_PUSH_TURNS_CHECK  32     /* sessions between two clocks */
#define NGX_HTTP_PUSH_TURNS_AHEAD  4      /* sessions asked for */
#define NGX_HTTP_PUSH_TURNS_ROOM   64     /* first room of the ring */


/* what the ring's event needs beside it */

typedef struct {
    ngx_connection_t      dummy;
    ngx_http_push_hub_t  *hub;
    void                (*flush)(ngx_http_push_session_t *s);
    ngx_log_t            *log;
} ngx_http_push_turns_shared_t;


static void ngx_http_push_turns_handler(ngx_event_t *ev);
static uint64_t ngx_http_push_turns_clock(void);


static ngx_http_push_turns_shared_t  ngx_http_push_turns_shared;

ngx_http_push_turns_ring_t  ngx_http_push_turns_ring;


void
ngx_http_push_turns_start(ngx_http_push_hub_t *h,
    void (*flush)(ngx_http_push_session_t *s), ngx_log_t *log)
{
    ngx_http_push_turns_ring_t    *t;
    ngx_http_push_turns_shared_t  *sh;

    t = &ngx_http_push_turns_ring;
    sh = &ngx_http_push_turns_shared;

    ngx_memzero(t, sizeof(ngx_http_push_turns_ring_t));
    ngx_memzero(sh, sizeof(ngx_http_push_turns_shared_t));

    sh->hub = h;
    sh->flush = flush;
    sh->log = log;

    /* an event's data has to look like a connection without a file */
    sh->dummy.fd = (ngx_socket_t) -1;

    t->event.handler = ngx_http_push_turns_handler;
    t->event.data = &sh->dummy;
    t->event.log = log;
}


void
ngx_http_push_turns_stop(void)
{
    ngx_http_push_turns_ring_t  *t;

    t = &ngx_http_push_turns_ring;

    if (t->event.posted) {
        ngx_delete_posted_event(&t->event);
    }

    if (t->turns != NULL) {
        ngx_free(t->turns);
        t->turns = NULL;
        t->mask = 0;
    }
}


ngx_int_t
ngx_http_push_turns_reserve(uint32_t sessions)
{
    uint32_t                      i, room;
    ngx_http_push_session_t     **turns;
    ngx_http_push_turns_ring_t   *t;

    t = &ngx_http_push_turns_ring;

    room = t->turns ? t->mask + 1 : 0;

    if (sessions < room) {
        return NGX_OK;
    }

    room = room ? room * 2 : NGX_HTTP_PUSH_TURNS_ROOM;

    turns = ngx_alloc(room * sizeof(ngx_http_push_session_t *),
                      ngx_http_push_turns_shared.log);
    if (turns == NULL) {
        return NGX_ERROR;
    }

    for (i = t->head; i != t->tail; i++) {
        turns[i & (room - 1)] = t->turns[i & t->mask];
    }

    if (t->turns != NULL) {
        ngx_free(t->turns);
    }

    t->turns = turns;
    t->mask = room - 1;

    return NGX_OK;
}


void
ngx_http_push_turns_wake(void)
{
    ngx_event_t  *ev;

    ev = &ngx_http_push_turns_ring.event;

    ngx_post_event(ev, &ngx_posted_events);
}


void
ngx_http_push_turns_remove(ngx_http_push_session_t *s)
{
    ngx_http_push_session_t     *last;
    ngx_http_push_turns_ring_t  *t;

    if (!s->posted) {
        return;
    }

    t = &ngx_http_push_turns_ring;

    /* the last one takes its turn */

    last = t->turns[--t->tail & t->mask];

    t->turns[s->turn & t->mask] = last;
    last->turn = s->turn;

    s->posted = 0;
}


/*
 * One session a step, until the slice of this turn is used up: accepts, reads
 * and timers run before the rest.  The hub is told, so that the buses read no
 * more meanwhile.
 */

static void
ngx_http_push_turns_handler(ngx_event_t *ev)
{
    uint32_t                       head;
    uint64_t                       start;
    ngx_http_push_session_t       *s, *next;
    ngx_http_push_turns_ring_t    *t;
    ngx_http_push_turns_shared_t  *sh;

    t = &ngx_http_push_turns_ring;
    sh = &ngx_http_push_turns_shared;

    start = ngx_http_push_turns_clock();

    while (t->head != t->tail) {

        head = t->head;

        if (head % NGX_HTTP_PUSH_TURNS_CHECK == 0
            && ngx_http_push_turns_clock() - start
               > NGX_HTTP_PUSH_TURNS_SLICE)
        {
            ngx_http_push_hub_set_busy(sh->hub, 1);
            ngx_post_event(ev, &ngx_posted_next_events);
            return;
        }

        /*
         * What writing costs beside the system call are cache misses: the
         * sessions to come are asked for ahead, and the connections of those
         * that have arrived.
         */

        if (t->tail - head > NGX_HTTP_PUSH_TURNS_AHEAD) {
            next = t->turns[(head + NGX_HTTP_PUSH_TURNS_AHEAD) & t->mask];

            __builtin_prefetch((u_char *) next + 64);

            next = t->turns[(head + NGX_HTTP_PUSH_TURNS_AHEAD / 2) & t->mask];

            __builtin_prefetch(next->connection);
            __builtin_prefetch((u_char *) next->connection + 64);
        }

        s = t->turns[head & t->mask];
        s->posted = 0;

        t->head = head + 1;

        sh->flush(s);
    }

    ngx_http_push_hub_set_busy(sh->hub, 0);
}


static uint64_t
ngx_http_push_turns_clock(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
