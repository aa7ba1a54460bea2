/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Soak: one client of push.meta.
 */


#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "../bench/wire.h"
#include "guest.h"


#define NGX_HTTP_PUSH_GUEST_INPUT      (192 * 1024)
#define NGX_HTTP_PUSH_GUEST_HANDSHAKE  10000000000ull
#define NGX_HTTP_PUSH_GUEST_SILENCE    40000000000ull
#define NGX_HTTP_PUSH_GUEST_TRACES     6


/* the lines before a body */

typedef struct {
    const char               *id;
    const char               *channel;
    const char               *event;
    const char               *type;
    const char               *body;
    size_t                    id_length;
    size_t                    channel_length;
    size_t                    event_length;
    size_t                    type_length;
    size_t                    body_length;
} ngx_http_push_guest_message_t;


static int ngx_http_push_guest_deep(ngx_http_push_guest_track_t *t);
static void ngx_http_push_guest_note(ngx_http_push_guest_t *g, char what,
    ngx_http_push_guest_track_t *t, uint32_t epoch, uint32_t offset);
static void ngx_http_push_guest_print_trace(ngx_http_push_guest_t *g);
static void ngx_http_push_guest_connect(ngx_http_push_guest_t *g,
    uint64_t now);
static void ngx_http_push_guest_send_handshake(ngx_http_push_guest_t *g);
static void ngx_http_push_guest_watch(ngx_http_push_guest_t *g, int op,
    uint32_t events);
static void ngx_http_push_guest_end(ngx_http_push_guest_t *g);
static void ngx_http_push_guest_read(ngx_http_push_guest_t *g);
static size_t ngx_http_push_guest_answer(ngx_http_push_guest_t *g);
static size_t ngx_http_push_guest_frame(ngx_http_push_guest_t *g,
    uint8_t *p, size_t size);
static void ngx_http_push_guest_pong(ngx_http_push_guest_t *g, uint8_t *p,
    size_t length);
static void ngx_http_push_guest_closed(ngx_http_push_guest_t *g, uint8_t *p,
    size_t length);
static int ngx_http_push_guest_parse(ngx_http_push_guest_message_t *m,
    const char *p, size_t length);
static void ngx_http_push_guest_message(ngx_http_push_guest_t *g,
    const char *p, size_t length);
static int ngx_http_push_guest_head(ngx_http_push_guest_message_t *m,
    uint32_t number);
static void ngx_http_push_guest_plain(ngx_http_push_guest_t *g,
    ngx_http_push_guest_track_t *t, uint32_t number);
static void ngx_http_push_guest_stored(ngx_http_push_guest_t *g,
    ngx_http_push_guest_track_t *t, ngx_http_push_guest_message_t *m,
    uint32_t number);
static void ngx_http_push_guest_follow(ngx_http_push_guest_t *g,
    ngx_http_push_guest_track_t *t, uint32_t epoch, uint32_t offset);
static void ngx_http_push_guest_wrong(ngx_http_push_guest_t *g,
    ngx_http_push_guest_track_t *t, ngx_http_push_ledger_wrong_e wrong,
    uint32_t epoch, uint32_t offset);


static uint32_t                       ngx_http_push_guest_traces;
static uint32_t                       ngx_http_push_guest_lenience;
static ngx_http_push_guest_figures_t  ngx_http_push_guest_sums;


void
ngx_http_push_guest_lenient(void)
{
    ngx_http_push_guest_lenience = 1;
}


void
ngx_http_push_guest_init(ngx_http_push_guest_t *g, uint32_t index,
    const ngx_http_push_net_url_t *url, int epoll, uint32_t channels,
    uint64_t seed)
{
    uint32_t  i, k, channel;

    memset(g, 0, sizeof(ngx_http_push_guest_t));

    ngx_http_push_dice_init(&g->dice, seed * 1000003 + index);

    g->fd = -1;
    g->index = index;
    g->url = url;
    g->epoll = epoll;
    g->ntracks = 1 + ngx_http_push_dice_roll(&g->dice,
                                             NGX_HTTP_PUSH_GUEST_TRACKS - 1);

    for (i = 0; i < g->ntracks; i++) {

    again:

        channel = ngx_http_push_dice_roll(&g->dice, channels);

        for (k = 0; k < i; k++) {

            if (g->tracks[k].channel == channel) {
                goto again;
            }
        }

        g->tracks[i].channel = channel;

        ngx_http_push_guest_sums.tracks++;
        ngx_http_push_guest_sums.tracks_deep +=
                                   ngx_http_push_guest_deep(&g->tracks[i]);
    }
}


/* does the history have all that a client can miss? */

static int
ngx_http_push_guest_deep(ngx_http_push_guest_track_t *t)
{
    char  name[16];

    (void) ngx_http_push_ledger_name(name, t->channel);

    return name[0] == 'd';
}


ngx_http_push_guest_figures_t *
ngx_http_push_guest_figures(void)
{
    return &ngx_http_push_guest_sums;
}


static void
ngx_http_push_guest_note(ngx_http_push_guest_t *g, char what,
    ngx_http_push_guest_track_t *t, uint32_t epoch, uint32_t offset)
{
    ngx_http_push_guest_event_t  *e;

    e = &g->trace[g->events++ % NGX_HTTP_PUSH_GUEST_TRACE];

    e->at = ngx_http_push_net_now();
    e->what = what;
    e->track = (t == NULL) ? 255 : (uint8_t) (t - g->tracks);
    e->epoch = (uint16_t) epoch;
    e->offset = offset;
}


static void
ngx_http_push_guest_print_trace(ngx_http_push_guest_t *g)
{
    char                          name[16];
    uint32_t                      i, n;
    uint64_t                      now;
    ngx_http_push_guest_event_t  *e;

    if (ngx_http_push_guest_traces++ >= NGX_HTTP_PUSH_GUEST_TRACES) {
        return;
    }

    now = ngx_http_push_net_now();

    n = (g->events < NGX_HTTP_PUSH_GUEST_TRACE) ? g->events
                                                : NGX_HTTP_PUSH_GUEST_TRACE;

    fprintf(stderr, "  client %u before that (s: connect, c: with this "
            "cursor, o: open, m: message, p: without id, g: gap, e: end):\n",
            g->index);

    for (i = g->events - n; i != g->events; i++) {
        e = &g->trace[i % NGX_HTTP_PUSH_GUEST_TRACE];

        name[0] = '\0';

        if (e->track != 255) {
            (void) ngx_http_push_ledger_name(name,
                                             g->tracks[e->track].channel);
        }

        fprintf(stderr, "    %9.4f %c %-8s %s:%u\n",
                -1e-9 * (double) (now - e->at), e->what, name,
                (e->track == 255) ? "" : ngx_http_push_ledger_epoch_name(
                                 g->tracks[e->track].channel, e->epoch),
                e->offset);
    }
}


void
ngx_http_push_guest_tick(ngx_http_push_guest_t *g, uint64_t now)
{
    if (g->fd == -1) {

        if (now >= g->next) {
            ngx_http_push_guest_connect(g, now);
        }

        return;
    }

    if (g->stalled) {

        if (now >= g->resume) {
            g->stalled = 0;
            g->heard = now;
            ngx_http_push_guest_watch(g, EPOLL_CTL_MOD, EPOLLIN);
        }

        return;
    }

    if (!g->open && now > g->begun + NGX_HTTP_PUSH_GUEST_HANDSHAKE) {
        ngx_http_push_ledger_count(&ngx_http_push_guest_sums.refusals, 1);
        ngx_http_push_guest_end(g);

    } else if (g->open && now > g->heard + NGX_HTTP_PUSH_GUEST_SILENCE) {
        ngx_http_push_ledger_blame(ngx_http_push_ledger_ended, "client %u: "
                                   "neither message nor ping for 40 s",
                                   g->index);
        ngx_http_push_guest_end(g);
    }
}


static void
ngx_http_push_guest_connect(ngx_http_push_guest_t *g, uint64_t now)
{
    g->begun = now;
    g->heard = now;
    g->next = now + 100000000;
    g->length = 0;
    g->open = 0;
    g->stalled = 0;

    ngx_http_push_guest_sums.connects++;
    ngx_http_push_guest_note(g, 's', NULL, 0, 0);

    g->fd = ngx_http_push_net_connect(&g->url->addr, 0);

    if (g->fd == -1) {
        ngx_http_push_ledger_count(&ngx_http_push_guest_sums.refusals, 0);
        return;
    }

    ngx_http_push_guest_watch(g, EPOLL_CTL_ADD, EPOLLOUT);
}


static void
ngx_http_push_guest_watch(ngx_http_push_guest_t *g, int op, uint32_t events)
{
    struct epoll_event  ee;

    ee.events = events;
    ee.data.u64 = g->index;

    (void) epoll_ctl(g->epoll, op, g->fd, &ee);
}


static void
ngx_http_push_guest_send_handshake(ngx_http_push_guest_t *g)
{
    char                          text[4096];
    size_t                        n;
    uint32_t                      i, cursors;
    ngx_http_push_guest_track_t  *t;

    cursors = 0;

    n = (size_t) sprintf(text, "GET %s?channel=", g->url->path);

    for (i = 0; i < g->ntracks; i++) {
        n += (size_t) sprintf(text + n, i ? "," : "");
        n += ngx_http_push_ledger_name(text + n, g->tracks[i].channel);
    }

    for (i = 0; i < g->ntracks; i++) {
        t = &g->tracks[i];

        if (t->epoch == 0) {
            continue;
        }

        n += (size_t) sprintf(text + n, "&last_event_id=");
        n += ngx_http_push_ledger_name(text + n, t->channel);
        n += (size_t) sprintf(text + n, "=%s:%u",
                    ngx_http_push_ledger_epoch_name(t->channel, t->epoch),
                    t->offset);

        ngx_http_push_guest_note(g, 'c', t, t->epoch, t->offset);
        cursors++;
    }

    n += (size_t) sprintf(text + n,
                          " HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\n"
                          "Sec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                          "Sec-WebSocket-Protocol: push.meta\r\n\r\n",
                          g->url->host);

    if (cursors) {
        ngx_http_push_guest_sums.resumed++;
    }

    if (send(g->fd, text, n, MSG_NOSIGNAL) != (ssize_t) n) {
        ngx_http_push_ledger_count(&ngx_http_push_guest_sums.refusals, 0);
        ngx_http_push_guest_end(g);
        return;
    }

    ngx_http_push_guest_watch(g, EPOLL_CTL_MOD, EPOLLIN);
}


/* however it came */

static void
ngx_http_push_guest_end(ngx_http_push_guest_t *g)
{
    uint32_t  i;

    if (g->fd == -1) {
        return;
    }

    (void) close(g->fd);

    g->fd = -1;
    g->open = 0;
    g->hang_up = 0;
    g->next = ngx_http_push_net_now() + 20000000
              + ngx_http_push_dice_roll(&g->dice, 300) * 1000000ull;

    for (i = 0; i < g->ntracks; i++) {
        g->tracks[i].away++;

        /* without an id it comes back to whatever comes then */

        g->tracks[i].fleeting = 0;
    }

    ngx_http_push_guest_note(g, 'e', NULL, 0, 0);
}


void
ngx_http_push_guest_handle(ngx_http_push_guest_t *g)
{
    int        error;
    socklen_t  length;

    if (g->fd == -1 || g->stalled) {

        /* a reset is told to those too who do not want to read */

        if (g->fd != -1) {
            length = sizeof(error);

            if (getsockopt(g->fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0
                && error)
            {
                ngx_http_push_ledger_count(&ngx_http_push_guest_sums.closes,
                                           0);
                ngx_http_push_guest_end(g);
                return;
            }

            ngx_http_push_guest_watch(g, EPOLL_CTL_MOD, EPOLLET);
        }

        return;
    }

    if (!g->open && g->length == 0 && g->heard == g->begun) {
        length = sizeof(error);

        if (getsockopt(g->fd, SOL_SOCKET, SO_ERROR, &error, &length) == -1
            || error)
        {
            ngx_http_push_ledger_count(&ngx_http_push_guest_sums.refusals, 0);
            ngx_http_push_guest_end(g);
            return;
        }

        g->heard++;
        ngx_http_push_guest_send_handshake(g);
        return;
    }

    ngx_http_push_guest_read(g);
}


static void
ngx_http_push_guest_read(ngx_http_push_guest_t *g)
{
    size_t   used, n;
    ssize_t  got;

    if (g->room - g->length < 65536) {
        g->room = g->length + NGX_HTTP_PUSH_GUEST_INPUT;
        g->input = realloc(g->input, g->room);

        if (g->input == NULL) {
            fprintf(stderr, "soak: out of memory\n");
            exit(2);
        }
    }

    got = recv(g->fd, g->input + g->length, g->room - g->length, 0);

    if (got == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }

    if (got <= 0) {

        if (g->open) {
            ngx_http_push_ledger_count(&ngx_http_push_guest_sums.closes, 0);

        } else {
            ngx_http_push_ledger_count(&ngx_http_push_guest_sums.refusals, 0);
        }

        ngx_http_push_guest_end(g);
        return;
    }

    g->length += (size_t) got;
    g->heard = ngx_http_push_net_now();

    used = 0;

    while (used < g->length) {

        if (g->open) {
            n = ngx_http_push_guest_frame(g, g->input + used,
                                          g->length - used);
        } else {
            n = ngx_http_push_guest_answer(g);
        }

        if (g->fd == -1) {
            return;
        }

        if (n == 0) {
            break;
        }

        used += n;
    }

    g->length -= used;
    memmove(g->input, g->input + used, g->length);
}


/* to the handshake */

static size_t
ngx_http_push_guest_answer(ngx_http_push_guest_t *g)
{
    int          status;
    char         head[1024];
    size_t       n;
    const char  *value;

    n = ngx_http_push_wire_head((char *) g->input, g->length);

    if (n == 0) {
        return 0;
    }

    (void) snprintf(head, sizeof(head), "%.*s", (int) n, (char *) g->input);

    if (sscanf(head, "HTTP/1.%*d %d", &status) != 1) {
        status = 2;
    }

    if (status != 101) {

        /* none of our requests has anything wrong in it */

        if (status < 500) {
            ngx_http_push_ledger_blame(ngx_http_push_ledger_protocol,
                                       "client %u: refused with %d",
                                       g->index, status);
        }

        ngx_http_push_ledger_count(&ngx_http_push_guest_sums.refusals,
                                   (uint32_t) status);
        ngx_http_push_guest_end(g);
        return 0;
    }

    if (ngx_http_push_wire_header(head, strlen(head),
                                  "sec-websocket-protocol:", &value) != 9)
    {
        ngx_http_push_ledger_blame(ngx_http_push_ledger_protocol,
                                   "client %u: no push.meta", g->index);
    }

    g->open = 1;
    ngx_http_push_guest_note(g, 'o', NULL, 0, 0);

    return n;
}


static size_t
ngx_http_push_guest_frame(ngx_http_push_guest_t *g, uint8_t *p, size_t size)
{
    int                         rc;
    ngx_http_push_wire_frame_t  f;

    rc = ngx_http_push_wire_read_frame(&f, p, size);

    if (rc == 0) {
        return 0;
    }

    if (rc == -1 || f.masked || !f.fin || f.length > 1 << 24) {
        ngx_http_push_ledger_blame(ngx_http_push_ledger_protocol,
                                   "client %u: frame %02x %02x", g->index,
                                   p[0], p[1]);
        ngx_http_push_guest_end(g);
        return 0;
    }

    if (size < f.head + f.length) {
        return 0;
    }

    p += f.head;

    switch (f.opcode) {

    case NGX_HTTP_PUSH_WIRE_TEXT:
    case NGX_HTTP_PUSH_WIRE_BINARY:

        ngx_http_push_guest_message(g, (char *) p, f.length);

        if (g->hang_up && --g->hang_up == 0) {
            ngx_http_push_guest_leave(g, g->how);
        }

        break;

    case NGX_HTTP_PUSH_WIRE_PING:
        ngx_http_push_guest_pong(g, p, f.length);
        break;

    case NGX_HTTP_PUSH_WIRE_CLOSE:
        ngx_http_push_guest_closed(g, p, f.length);
        break;

    default:
        ngx_http_push_ledger_blame(ngx_http_push_ledger_protocol,
                                   "client %u: opcode %d", g->index,
                                   f.opcode);
    }

    return f.head + f.length;
}


static void
ngx_http_push_guest_pong(ngx_http_push_guest_t *g, uint8_t *p, size_t length)
{
    size_t         n;
    uint8_t        out[NGX_HTTP_PUSH_WIRE_HEAD + 125];
    const uint8_t  mask[4] = { 0, 0, 0, 0 };

    if (length > 125) {
        return;
    }

    n = ngx_http_push_wire_write_frame(out, NGX_HTTP_PUSH_WIRE_PONG, length,
                                       mask);
    memcpy(out + n, p, length);

    (void) send(g->fd, out, n + length, MSG_NOSIGNAL);
}


static void
ngx_http_push_guest_closed(ngx_http_push_guest_t *g, uint8_t *p,
    size_t length)
{
    uint32_t  code;

    code = (length < 2) ? 1005 : (uint32_t) p[0] << 8 | p[1];

    ngx_http_push_ledger_count(&ngx_http_push_guest_sums.closes, code);

    /* restart, too slow, no answer to the ping, deleted */

    if (code != 1012 && code != 1013 && code != 4408 && code != 4410) {
        ngx_http_push_ledger_blame(ngx_http_push_ledger_ended,
                                   "client %u: closed with %u %.*s", g->index,
                                   code, (int) (length - 2), p + 2);
    }

    ngx_http_push_guest_note(g, 'x', NULL, 0, code);
    ngx_http_push_guest_end(g);
}


static int
ngx_http_push_guest_parse(ngx_http_push_guest_message_t *m, const char *p,
    size_t length)
{
    size_t       n;
    unsigned     i;
    const char  *end, *line;

    const struct {
        const char    *name;
        const char   **value;
        size_t        *length;
    } lines[] = {
        { "id: ", &m->id, &m->id_length },
        { "channel: ", &m->channel, &m->channel_length },
        { "event: ", &m->event, &m->event_length },
        { "content-type: ", &m->type, &m->type_length }
    };

    memset(m, 0, sizeof(ngx_http_push_guest_message_t));

    end = p + length;

    for ( ;; ) {
        line = memchr(p, '\n', (size_t) (end - p));

        if (line == NULL) {
            return -1;
        }

        if (line == p) {
            m->body = p + 1;
            m->body_length = (size_t) (end - p) - 1;
            return 0;
        }

        for (i = 0; i < 4; i++) {
            n = strlen(lines[i].name);

            if ((size_t) (line - p) > n && memcmp(p, lines[i].name, n) == 0) {
                break;
            }
        }

        if (i == 4 || *lines[i].value) {
            return -1;
        }

        *lines[i].value = p + n;
        *lines[i].length = (size_t) (line - p) - n;

        p = line + 1;
    }
}


static void
ngx_http_push_guest_message(ngx_http_push_guest_t *g, const char *p,
    size_t length)
{
    int                             channel;
    uint32_t                        i, other, number;
    uint64_t                        begun;
    ngx_http_push_guest_track_t    *t;
    ngx_http_push_guest_message_t   m;
    ngx_http_push_ledger_record_t  *r;

    if (ngx_http_push_guest_parse(&m, p, length) != 0 || m.channel == NULL) {
        ngx_http_push_ledger_blame(ngx_http_push_ledger_corrupt,
                                   "client %u: a head that is none: %.*s",
                                   g->index, (length > 80) ? 80 : (int) length,
                                   p);
        return;
    }

    channel = ngx_http_push_ledger_channel(m.channel, m.channel_length);
    t = NULL;

    for (i = 0; i < g->ntracks; i++) {

        if ((int) g->tracks[i].channel == channel) {
            t = &g->tracks[i];
        }
    }

    if (t == NULL) {
        ngx_http_push_ledger_blame(ngx_http_push_ledger_foreign,
                                   "client %u: a message of \"%.*s\"",
                                   g->index, (int) m.channel_length,
                                   m.channel);
        return;
    }

    if (m.event_length == 8 && memcmp(m.event, "push.gap", 8) == 0) {
        t->told = 1;
        ngx_http_push_guest_sums.gaps++;
        ngx_http_push_guest_sums.gaps_deep += ngx_http_push_guest_deep(t);
        ngx_http_push_guest_note(g, 'g', t, t->epoch, t->offset);
        return;
    }

    if (m.event_length == 12 && memcmp(m.event, "push.deleted", 12) == 0) {
        ngx_http_push_guest_sums.deleted++;
        ngx_http_push_guest_note(g, 'd', t, t->epoch, t->offset);
        return;
    }

    if (ngx_http_push_ledger_read(m.body, m.body_length, &other, &number,
                                  &begun) != 0
        || other != t->channel
        || ngx_http_push_guest_head(&m, number) != 0)
    {
        ngx_http_push_ledger_blame(ngx_http_push_ledger_corrupt,
                                   "client %u: not a message of channel %u: "
                                   "%.*s", g->index, t->channel,
                                   (length > 160) ? 160 : (int) length, p);
        return;
    }

    r = ngx_http_push_ledger_get(t->channel, number);

    if (r == NULL) {
        ngx_http_push_ledger_blame(ngx_http_push_ledger_corrupt,
                                   "client %u: message %u of channel %u was "
                                   "not made yet", g->index, number,
                                   t->channel);
        return;
    }

    ngx_http_push_guest_sums.deliveries++;
    ngx_http_push_guest_sums.bytes += length;
    ngx_http_push_guest_sums.replayed += (begun < g->begun);

    if (m.id == NULL) {
        ngx_http_push_guest_plain(g, t, number);

    } else {
        ngx_http_push_guest_stored(g, t, &m, number);
    }

    ngx_http_push_ledger_seen(t->channel, number);
    t->done |= r->marker;
}


/* event and type follow from the number: see author.c */

static int
ngx_http_push_guest_head(ngx_http_push_guest_message_t *m, uint32_t number)
{
    char    event[16];
    size_t  n;

    n = 0;

    if (number % 3 == 0) {
        n = (size_t) sprintf(event, "e%u", number % 1000);
    }

    if (m->event_length != n || (n && memcmp(m->event, event, n) != 0)) {
        return -1;
    }

    if (number % 5 == 0) {
        return (m->type_length == 10 && memcmp(m->type, "text/plain", 10) == 0)
               ? 0 : -1;
    }

    return 0;
}


static void
ngx_http_push_guest_plain(ngx_http_push_guest_t *g,
    ngx_http_push_guest_track_t *t, uint32_t number)
{
    ngx_http_push_ledger_record_t  *r;

    r = ngx_http_push_ledger_get(t->channel, number);

    ngx_http_push_guest_sums.fleeting++;
    ngx_http_push_guest_note(g, 'p', t, 0, number);

    if (!r->fleeting) {
        ngx_http_push_ledger_blame(ngx_http_push_ledger_corrupt,
                                   "client %u: message %u of channel %u has "
                                   "lost its id", g->index, number,
                                   t->channel);
        return;
    }

    if (number == t->fleeting
        || (number < t->fleeting
            && r->outcome == ngx_http_push_ledger_taken && r->tries == 1))
    {
        ngx_http_push_ledger_blame(ngx_http_push_ledger_backward,
                                   "client %u: message %u of channel %u "
                                   "without id, after %u", g->index, number,
                                   t->channel, t->fleeting);
        ngx_http_push_guest_print_trace(g);
    }

    t->fleeting = number;
}


static void
ngx_http_push_guest_stored(ngx_http_push_guest_t *g,
    ngx_http_push_guest_track_t *t, ngx_http_push_guest_message_t *m,
    uint32_t number)
{
    char          text[16];
    uint32_t      epoch, offset;
    const char   *colon;

    colon = memrchr(m->id, ':', m->id_length);
    epoch = 0;
    offset = 0;

    if (colon) {
        (void) snprintf(text, sizeof(text), "%.*s",
                        (int) (m->id + m->id_length - colon - 1), colon + 1);
        offset = (uint32_t) strtoul(text, NULL, 10);
        epoch = ngx_http_push_ledger_epoch(t->channel, m->id,
                                           (size_t) (colon - m->id));
    }

    if (epoch == 0 || offset == 0) {
        ngx_http_push_ledger_blame(ngx_http_push_ledger_corrupt,
                                   "client %u: id %.*s", g->index,
                                   (int) m->id_length, m->id);
        return;
    }

    ngx_http_push_guest_note(g, 'm', t, epoch, offset);

    ngx_http_push_ledger_bind(t->channel, number, epoch, offset);

    if (t->epoch) {
        ngx_http_push_guest_follow(g, t, epoch, offset);
    }

    t->past[epoch / 64] |= 1ull << epoch % 64;
    t->epoch = epoch;
    t->offset = offset;
    t->told = 0;
    t->away = 0;
}


/* may this id follow the last one? */

static void
ngx_http_push_guest_follow(ngx_http_push_guest_t *g,
    ngx_http_push_guest_track_t *t, uint32_t epoch, uint32_t offset)
{
    if (epoch != t->epoch) {
        ngx_http_push_guest_sums.epochs++;

        if (t->past[epoch / 64] >> epoch % 64 & 1) {
            ngx_http_push_guest_wrong(g, t, ngx_http_push_ledger_epoch_back,
                                      epoch, offset);
        }

        if (ngx_http_push_guest_lenience && offset == t->offset + 1) {
            return;
        }

    } else if (offset <= t->offset) {
        ngx_http_push_guest_wrong(g, t, ngx_http_push_ledger_backward, epoch,
                                  offset);
        return;

    } else if (offset == t->offset + 1) {

        if (t->told) {
            ngx_http_push_guest_sums.idle_gaps++;
            ngx_http_push_guest_sums.idle_deep += ngx_http_push_guest_deep(t);
        }

        return;
    }

    if (!t->told) {
        ngx_http_push_guest_wrong(g, t, ngx_http_push_ledger_silent_gap,
                                  epoch, offset);
    }
}


static void
ngx_http_push_guest_wrong(ngx_http_push_guest_t *g,
    ngx_http_push_guest_track_t *t, ngx_http_push_ledger_wrong_e wrong,
    uint32_t epoch, uint32_t offset)
{
    char  name[16];

    (void) ngx_http_push_ledger_name(name, t->channel);

    ngx_http_push_ledger_blame(wrong, "client %u: %s %s:%u after %s:%u, "
                               "%u connections later%s", g->index, name,
                               ngx_http_push_ledger_epoch_name(t->channel,
                                                               epoch), offset,
                               ngx_http_push_ledger_epoch_name(t->channel,
                                                               t->epoch),
                               t->offset, t->away, t->told ? ", told" : "");

    ngx_http_push_guest_print_trace(g);
}


void
ngx_http_push_guest_leave(ngx_http_push_guest_t *g, uint32_t how)
{
    uint8_t        out[NGX_HTTP_PUSH_WIRE_HEAD + 2];
    const uint8_t  mask[4] = { 0, 0, 0, 0 };

    if (g->fd == -1) {
        return;
    }

    ngx_http_push_guest_sums.hang_ups++;

    if (how == NGX_HTTP_PUSH_GUEST_RESET) {
        ngx_http_push_net_abort(g->fd);

    } else if (how == NGX_HTTP_PUSH_GUEST_CLOSE) {
        (void) ngx_http_push_wire_write_frame(out, NGX_HTTP_PUSH_WIRE_CLOSE,
                                              2, mask);
        out[6] = 1000 >> 8;
        out[7] = 1000 & 0xff;
        (void) send(g->fd, out, 8, MSG_NOSIGNAL);
    }

    ngx_http_push_guest_end(g);
}


void
ngx_http_push_guest_leave_after(ngx_http_push_guest_t *g, uint32_t how,
    uint32_t messages)
{
    g->how = how;
    g->hang_up = messages;
}


void
ngx_http_push_guest_stall(ngx_http_push_guest_t *g, uint64_t until)
{
    if (!g->open || g->stalled) {
        return;
    }

    ngx_http_push_guest_sums.stalls++;

    g->stalled = 1;
    g->resume = until;
    ngx_http_push_guest_watch(g, EPOLL_CTL_MOD, 0);
}


void
ngx_http_push_guest_calm(ngx_http_push_guest_t *g)
{
    g->hang_up = 0;
    g->resume = 0;
}


int
ngx_http_push_guest_done(ngx_http_push_guest_t *g)
{
    uint32_t  i;

    for (i = 0; i < g->ntracks; i++) {

        if (!g->tracks[i].done) {
            return 0;
        }
    }

    return g->open;
}


void
ngx_http_push_guest_blame(ngx_http_push_guest_t *g)
{
    char      name[16];
    uint32_t  i;

    for (i = 0; i < g->ntracks; i++) {

        if (g->tracks[i].done) {
            continue;
        }

        (void) ngx_http_push_ledger_name(name, g->tracks[i].channel);
        ngx_http_push_ledger_blame(ngx_http_push_ledger_missing,
                                   "client %u: hears nothing of %s after "
                                   "%s:%u%s", g->index, name,
                                   ngx_http_push_ledger_epoch_name(
                                           g->tracks[i].channel,
                                           g->tracks[i].epoch),
                                   g->tracks[i].offset,
                                   g->open ? "" : ", not connected");
        ngx_http_push_guest_print_trace(g);
    }
}
