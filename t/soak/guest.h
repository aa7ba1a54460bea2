/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Soak: one client of push.meta.  It keeps an id per channel, comes back with
 * them whenever its connection ends, and checks all that it is told.
 */


#ifndef _NGX_HTTP_PUSH_GUEST_H_INCLUDED_
#define _NGX_HTTP_PUSH_GUEST_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "../bench/net.h"
#include "dice.h"
#include "ledger.h"


#define NGX_HTTP_PUSH_GUEST_TRACKS  8
#define NGX_HTTP_PUSH_GUEST_TRACE   96

#define NGX_HTTP_PUSH_GUEST_RESET   0     /* how it leaves */
#define NGX_HTTP_PUSH_GUEST_FIN     1
#define NGX_HTTP_PUSH_GUEST_CLOSE   2


/* a channel of a client's: the last id, and what was told since then */

typedef struct {
    uint32_t                       channel;
    uint32_t                       epoch;     /* 0: no id yet */
    uint32_t                       offset;
    uint32_t                       fleeting;  /* last number without an id */
    uint32_t                       away;      /* connections since the id */
    unsigned                       told:1;    /* a gap, since then */
    unsigned                       done:1;    /* has got a marker */
    uint64_t                       past[NGX_HTTP_PUSH_LEDGER_EPOCHS / 64 + 1];
} ngx_http_push_guest_track_t;


/* what has happened to it lately, for whoever has to find out */

typedef struct {
    uint64_t                       at;
    uint32_t                       offset;
    uint16_t                       epoch;
    uint8_t                        track;
    char                           what;
} ngx_http_push_guest_event_t;


typedef struct {
    int                            fd;
    int                            epoll;
    uint32_t                       index;
    uint32_t                       ntracks;
    uint32_t                       hang_up;   /* after so many, 0: never */
    uint32_t                       how;
    uint32_t                       events;
    uint64_t                       begun;     /* this connection */
    uint64_t                       next;      /* when to connect */
    uint64_t                       resume;    /* when to read again */
    uint64_t                       heard;
    size_t                         length;    /* of input */
    size_t                         room;
    uint8_t                       *input;
    unsigned                       open:1;
    unsigned                       stalled:1;
    const ngx_http_push_net_url_t *url;
    ngx_http_push_dice_t           dice;
    ngx_http_push_guest_track_t    tracks[NGX_HTTP_PUSH_GUEST_TRACKS];
    ngx_http_push_guest_event_t    trace[NGX_HTTP_PUSH_GUEST_TRACE];
} ngx_http_push_guest_t;


/* of all of them */

typedef struct {
    uint64_t                       deliveries;
    uint64_t                       bytes;
    uint64_t                       replayed;  /* older than the connection */
    uint64_t                       fleeting;
    uint64_t                       gaps;
    uint64_t                       gaps_deep;
    uint64_t                       idle_gaps; /* and nothing was missing */
    uint64_t                       idle_deep; /* in a channel like that */
    uint64_t                       epochs;    /* changes */
    uint64_t                       deleted;
    uint64_t                       tracks;    /* of all clients */
    uint64_t                       tracks_deep;
    uint64_t                       connects;
    uint64_t                       resumed;   /* with a cursor */
    uint64_t                       stalls;
    uint64_t                       hang_ups;
    ngx_http_push_ledger_count_t   closes;    /* codes; 0: without one */
    ngx_http_push_ledger_count_t   refusals;  /* HTTP; 0: not even that */
} ngx_http_push_guest_figures_t;


/* recover=lenient: the end of an epoch is told only if something is missing */
void ngx_http_push_guest_lenient(void);

void ngx_http_push_guest_init(ngx_http_push_guest_t *g, uint32_t index,
    const ngx_http_push_net_url_t *url, int epoll, uint32_t channels,
    uint64_t seed);

/* an event of its socket; tag is the upper half of the event's data */
void ngx_http_push_guest_handle(ngx_http_push_guest_t *g);

/* some hundred times a second */
void ngx_http_push_guest_tick(ngx_http_push_guest_t *g, uint64_t now);

/* torments */
void ngx_http_push_guest_leave(ngx_http_push_guest_t *g, uint32_t how);
void ngx_http_push_guest_leave_after(ngx_http_push_guest_t *g, uint32_t how,
    uint32_t messages);
void ngx_http_push_guest_stall(ngx_http_push_guest_t *g, uint64_t until);
void ngx_http_push_guest_calm(ngx_http_push_guest_t *g);

/* is it there, and has it got a marker in each channel? */
int ngx_http_push_guest_done(ngx_http_push_guest_t *g);
void ngx_http_push_guest_blame(ngx_http_push_guest_t *g);

ngx_http_push_guest_figures_t *ngx_http_push_guest_figures(void);


#endif /* _NGX_HTTP_PUSH_GUEST_H_INCLUDED_ */
