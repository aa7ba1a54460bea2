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


#define NGX_HTTP_PUSH_TURNS_SLICE  5000   /* us of writing in a turn */
#define NGX_HTTP_PUSH_TURNS_CHECK  32     /* sessions between two clocks */
#define NGX_HTTP_PUSH_TURNS_AHEAD  4      /* sessions asked for */
#define NGX_HTTP_PUSH_TURNS_ROOM   64     /* first room of the ring */


typedef struct {
    ngx_http_push_session_t  **turns;
    uint32_t                   room;          /* a power of two */
    uint32_t                   head;
    uint32_t                   tail;

    ngx_event_t                event;
    ngx_connection_t           dummy;
    ngx_http_push_hub_t       *hub;
    void                     (*flush)(ngx_http_push_session_t *s);
    ngx_log_t                 *log;
} ngx_http_push_turns_t;


static void ngx_http_push_turns_handler(ngx_event_t *ev);
static uint64_t ngx_http_push_turns_clock(void);


static ngx_http_push_turns_t  ngx_http_push_turns;


void
ngx_http_push_turns_start(ngx_http_push_hub_t *h,
    void (*flush)(ngx_http_push_session_t *s), ngx_log_t *log)
{
    ngx_http_push_turns_t  *t;

    t = &ngx_http_push_turns;

    ngx_memzero(t, sizeof(ngx_http_push_turns_t));

    t->hub = h;
    t->flush = flush;
    t->log = log;

    /* an event's data has to look like a connection without a file */
    t->dummy.fd = (ngx_socket_t) -1;

    t->event.handler = ngx_http_push_turns_handler;
    t->event.data = &t->dummy;
    t->event.log = log;
}


void
ngx_http_push_turns_stop(void)
{
    ngx_http_push_turns_t  *t;

    t = &ngx_http_push_turns;

    if (t->event.posted) {
        ngx_delete_posted_event(&t->event);
    }

    if (t->turns != NULL) {
        ngx_free(t->turns);
        t->turns = NULL;
    }
}


ngx_int_t
ngx_http_push_turns_reserve(uint32_t sessions)
{
    uint32_t                    i, room;
    ngx_http_push_turns_t      *t;
    ngx_http_push_session_t   **turns;

    t = &ngx_http_push_turns;

    if (sessions < t->room) {
        return NGX_OK;
    }

    room = t->room ? t->room * 2 : NGX_HTTP_PUSH_TURNS_ROOM;

    turns = ngx_alloc(room * sizeof(ngx_http_push_session_t *), t->log);
    if (turns == NULL) {
        return NGX_ERROR;
    }

    for (i = t->head; i != t->tail; i++) {
        turns[i & (room - 1)] = t->turns[i & (t->room - 1)];
    }

    if (t->turns != NULL) {
        ngx_free(t->turns);
    }

    t->turns = turns;
    t->room = room;

    return NGX_OK;
}


void
ngx_http_push_turns_post(ngx_http_push_session_t *s)
{
    ngx_http_push_turns_t  *t;

    if (s->posted) {
        return;
    }

    t = &ngx_http_push_turns;

    s->posted = 1;
    s->turn = t->tail;

    t->turns[t->tail++ & (t->room - 1)] = s;

    if (!t->event.posted) {
        ngx_post_event(&t->event, &ngx_posted_events);
    }
}


void
ngx_http_push_turns_remove(ngx_http_push_session_t *s)
{
    ngx_http_push_turns_t    *t;
    ngx_http_push_session_t  *last;

    if (!s->posted) {
        return;
    }

    t = &ngx_http_push_turns;

    /* the last one takes its turn */

    last = t->turns[--t->tail & (t->room - 1)];

    t->turns[s->turn & (t->room - 1)] = last;
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
    uint64_t                  start;
    ngx_uint_t                n;
    ngx_http_push_turns_t    *t;
    ngx_http_push_session_t  *s, *next;

    t = &ngx_http_push_turns;

    start = ngx_http_push_turns_clock();
    n = 0;

    while (t->head != t->tail) {

        if (++n % NGX_HTTP_PUSH_TURNS_CHECK == 0
            && ngx_http_push_turns_clock() - start
               > NGX_HTTP_PUSH_TURNS_SLICE)
        {
            ngx_http_push_hub_set_busy(t->hub, 1);
            ngx_post_event(ev, &ngx_posted_next_events);
            return;
        }

        /*
         * What writing costs beside the system call are cache misses: the
         * sessions to come are asked for ahead, and the connections of those
         * that have arrived.
         */

        if (t->tail - t->head > NGX_HTTP_PUSH_TURNS_AHEAD) {
            next = t->turns[(t->head + NGX_HTTP_PUSH_TURNS_AHEAD)
                            & (t->room - 1)];

            __builtin_prefetch((u_char *) next + 64);

            next = t->turns[(t->head + NGX_HTTP_PUSH_TURNS_AHEAD / 2)
                            & (t->room - 1)];

            __builtin_prefetch(next->connection);
            __builtin_prefetch((u_char *) next->connection + 64);
        }

        s = t->turns[t->head++ & (t->room - 1)];
        s->posted = 0;

        t->flush(s);
    }

    ngx_http_push_hub_set_busy(t->hub, 0);
}


static uint64_t
ngx_http_push_turns_clock(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
