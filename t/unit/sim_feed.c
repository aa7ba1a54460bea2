/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * The feed under a broker that fails in every way that REDIS 9 lists, in random
 * order: whatever happens, a client gets each message once and in order, and is
 * told before each jump.  The few parts of nginx that the feed needs are here.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_bus.h"
#include "ngx_http_push_feed.h"
#include "ngx_http_push_hub.h"
#include "ngx_http_push_past.h"
#include "ngx_http_push_stand.h"

#include "tap.h"


#define SIM_CLIENTS   6
#define SIM_MESSAGES  6000
#define SIM_EVENTS    (SIM_MESSAGES * 4)
#define SIM_STEPS     4000


/* nginx, as far as it is needed */

volatile ngx_msec_t   ngx_current_msec;
ngx_queue_t           ngx_posted_events;
ngx_queue_t           ngx_posted_next_events;
ngx_rbtree_t          ngx_event_timer_rbtree;
ngx_pid_t             ngx_pid;

static ngx_event_t   *sim_timers[8];
static ngx_log_t      sim_log;


void *
ngx_alloc(size_t size, ngx_log_t *log)
{
    return malloc(size ? size : 1);
}


void *
ngx_calloc(size_t size, ngx_log_t *log)
{
    return calloc(1, size ? size : 1);
}


void
ngx_log_error_core(ngx_uint_t level, ngx_log_t *log, ngx_err_t err,
    const char *fmt, ...)
{
}


uint32_t
ngx_murmur_hash2(u_char *data, size_t len)
{
    uint32_t  h;

    for (h = 5381; len != 0; len--) {
        h = h * 33 + *data++;
    }

    return h;
}


void
ngx_rbtree_insert(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    ngx_uint_t  i;

    for (i = 0; sim_timers[i] != NULL; i++) { /* void */ }

    sim_timers[i] = (ngx_event_t *)
                    ((u_char *) node - offsetof(ngx_event_t, timer));
}


void
ngx_rbtree_delete(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    ngx_uint_t  i;

    for (i = 0; i < 8; i++) {
        if (sim_timers[i] != NULL && &sim_timers[i]->timer == node) {
            sim_timers[i] = NULL;
        }
    }
}


static void
sim_post(ngx_queue_t *queue)
{
    ngx_queue_t  *q;
    ngx_event_t  *ev;

    while (!ngx_queue_empty(queue)) {
        q = ngx_queue_head(queue);
        ev = ngx_queue_data(q, ngx_event_t, queue);

        ngx_delete_posted_event(ev);
        ev->handler(ev);
    }
}


static void
sim_turn(ngx_msec_t ms)
{
    ngx_uint_t    i;
    ngx_event_t  *ev;

    ngx_current_msec += ms;

    for (i = 0; i < 8; i++) {
        ev = sim_timers[i];

        if (ev != NULL
            && (ngx_msec_int_t) (ev->timer.key - ngx_current_msec) <= 0)
        {
            ngx_del_timer(ev);
            ev->timedout = 1;
            ev->handler(ev);
        }
    }

    sim_post(&ngx_posted_events);

    while (!ngx_queue_empty(&ngx_posted_next_events)) {
        ngx_queue_t  *q = ngx_queue_head(&ngx_posted_next_events);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&ngx_posted_events, q);
    }
}


static ngx_uint_t     sim_tracing;          /* PUSH_TRACE */


#define sim_trace(...)                                                        \
    if (sim_tracing) {                                                        \
        printf("# " __VA_ARGS__);                                             \
    }


/* the broker */

typedef struct {
    uint64_t   seq;                       /* of all that was ever published */
    uint64_t   offset;
    u_char     epoch[16];
} sim_entry_t;


typedef struct sim_live_s  sim_live_t;

struct sim_live_s {
    sim_live_t     *next;
    sim_entry_t     entry;                /* offset 0: plain */
    ngx_uint_t      deleted;
};


static ngx_http_push_bus_t       sim_bus;
static ngx_http_push_feeds_t    *sim_feeds;
static ngx_http_push_hub_t      *sim_hub;
static ngx_http_push_channel_t  *sim_channel;

static sim_entry_t               sim_list[SIM_MESSAGES + 1];
static ngx_uint_t                sim_first, sim_n;
static uint64_t                  sim_top, sim_prev;
static u_char                    sim_epoch[16], sim_prev_epoch[16];
static ngx_uint_t                sim_epochs;
static ngx_uint_t                sim_has_meta, sim_has_prev;
static uint64_t                  sim_seq;

static sim_live_t               *sim_wire, **sim_wire_end;
static ngx_uint_t                sim_link;      /* 0: lost */
static ngx_uint_t                sim_subscribed;
static ngx_uint_t                sim_resubscribe;
static ngx_uint_t                sim_sync;      /* reads answer at once */
static ngx_http_push_read_t     *sim_read;
static ngx_uint_t                sim_read_done;  /* by the broker */
static ngx_uint_t                sim_sent, sim_heard, sim_mark;


static void
sim_new_epoch(void)
{
    if (sim_has_meta) {
        ngx_memcpy(sim_prev_epoch, sim_epoch, 16);
        sim_prev = sim_top;
        sim_has_prev = 1;

    } else {
        sim_has_prev = 0;
        sim_prev = 0;
    }

    sprintf((char *) sim_epoch, "e%014u", (unsigned) ++sim_epochs);
    sim_epoch[15] = 'x';
    sim_has_meta = 1;
}


static void
sim_send(sim_entry_t *entry, ngx_uint_t deleted)
{
    sim_live_t  *l;

    if (!sim_link || !sim_subscribed) {
        return;
    }

    l = calloc(1, sizeof(sim_live_t));

    if (entry != NULL) {
        l->entry = *entry;
    }

    l->deleted = deleted;

    *sim_wire_end = l;
    sim_wire_end = &l->next;

    sim_sent++;
}


/* 1: a client has to know of this message, or of its loss */
static u_char  sim_stored[SIM_MESSAGES + 1];


static void
sim_publish(ngx_uint_t plain)
{
    sim_entry_t  e;

    if (sim_seq == SIM_MESSAGES) {
        return;
    }

    ngx_memzero(&e, sizeof(sim_entry_t));
    e.seq = ++sim_seq;

    if (!plain) {

        if (!sim_has_meta) {
            sim_top = 0;
            sim_new_epoch();
        }

        e.offset = ++sim_top;
        ngx_memcpy(e.epoch, sim_epoch, 16);

        sim_list[sim_first + sim_n++] = e;
        sim_stored[e.seq] = 1;
    }

    sim_send(&e, 0);
}


static ngx_http_push_msg_t *
sim_msg(sim_entry_t *e)
{
    size_t                len;
    u_char                buf[128];
    ngx_http_push_msg_t  *m;

    if (e->offset) {
        len = sprintf((char *) buf, "%cP1M %.16s %llu 1\n%llu", 0xff,
                      e->epoch, (unsigned long long) e->offset,
                      (unsigned long long) e->seq);
    } else {
        len = sprintf((char *) buf, "%llu", (unsigned long long) e->seq);
    }

    m = ngx_http_push_msg_create(len, &sim_log);
    ngx_memcpy(m->wire, buf, len);

    if (ngx_http_push_msg_parse(m, &sim_log) != NGX_OK) {
        printf("Bail out! message cannot be parsed\n");
        exit(1);
    }

    return m;
}


static void
sim_position(ngx_http_push_position_t *p, u_char *epoch, uint64_t offset)
{
    ngx_str_t  s;

    s.data = epoch;
    s.len = 16;

    (void) ngx_http_push_position_set(p, &s, offset);
}


static void
sim_serve(ngx_http_push_read_t *rd)
{
    ngx_uint_t  i, n;

    sim_trace("read from %u limit %u: top %.3s:%u\n", (unsigned) rd->from,
              (unsigned) rd->limit, sim_epoch + 12, (unsigned) sim_top);

    if (!sim_has_meta) {
        rd->status = NGX_HTTP_PUSH_READ_NEW;
        return;
    }

    sim_position(&rd->top, sim_epoch, sim_top);

    if (sim_has_prev) {
        sim_position(&rd->prev, sim_prev_epoch, sim_prev);
    }

    n = ngx_min(rd->limit, 1 + tap_random(rd->limit + 1));

    if (n == 0 || sim_n == 0) {
        return;
    }

    rd->msgs = malloc(n * sizeof(ngx_http_push_msg_t *));

    for (i = 0; i < sim_n && rd->n < n; i++) {
        if (sim_list[sim_first + i].offset >= rd->from) {
            rd->msgs[rd->n++] = sim_msg(&sim_list[sim_first + i]);
        }
    }
}


static ngx_int_t
sim_bus_read(ngx_http_push_bus_t *bus, ngx_http_push_read_t *rd)
{
    if (sim_read != NULL) {
        printf("Bail out! two reads of one channel\n");
        exit(1);
    }

    if (sim_sync) {
        sim_serve(rd);
        return NGX_OK;
    }

    sim_read = rd;
    sim_read_done = 0;

    return NGX_AGAIN;
}


static void
sim_bus_unread(ngx_http_push_bus_t *bus, ngx_http_push_read_t *rd)
{
    ngx_uint_t  i;

    for (i = 0; i < rd->n; i++) {
        ngx_http_push_msg_unref(rd->msgs[i]);
    }

    free(rd->msgs);

    sim_read = NULL;
}


static ngx_int_t
sim_bus_subscribe(ngx_http_push_bus_t *bus, ngx_http_push_channel_t *ch)
{
    sim_channel = ch;
    sim_resubscribe = 1;

    return NGX_OK;
}


static void
sim_drop_wire(void)
{
    sim_live_t  *l;

    while (sim_wire != NULL) {
        l = sim_wire;
        sim_wire = l->next;
        free(l);
    }

    sim_wire_end = &sim_wire;
    sim_heard = sim_sent;
}


static ngx_int_t
sim_bus_unsubscribe(ngx_http_push_bus_t *bus, ngx_http_push_channel_t *ch)
{
    sim_channel = NULL;
    sim_subscribed = 0;
    sim_resubscribe = 0;
    sim_drop_wire();

    return NGX_OK;
}


/* the clients */

typedef struct {
    ngx_http_push_sub_t       sub;
    ngx_http_push_past_t    reader;
    ngx_uint_t                here;
    ngx_uint_t                wants;
    ngx_uint_t                replays;
    ngx_uint_t                gap;        /* told since the last message */
    ngx_uint_t                any;        /* it has had one, or a cursor */
    ngx_uint_t                now;        /* it has begun with what is live */
    uint64_t                  seq;        /* last stored message */
    uint64_t                  plain;      /* last plain one */
    ngx_http_push_position_t  cursor;
    ngx_uint_t                gaps;
} sim_client_t;


static sim_client_t  sim_clients[SIM_CLIENTS];
static char          sim_wrong[256];


static void
sim_fail(const char *what, sim_client_t *c, uint64_t seq)
{
    if (sim_wrong[0] == '\0') {
        snprintf(sim_wrong, sizeof(sim_wrong), "%s: client %u had %llu, "
                 "then %llu", what, (unsigned) (c - sim_clients),
                 (unsigned long long) c->seq, (unsigned long long) seq);
    }
}


static void
sim_take(sim_client_t *c, ngx_http_push_msg_t *m)
{
    uint64_t  i, seq;
    char      buf[32];

    if (m->kind == NGX_HTTP_PUSH_MSG_GAP) {
        sim_trace("client %u gap\n", (unsigned) (c - sim_clients));
        c->gap = 1;
        c->gaps++;
        return;
    }

    if (m->kind == NGX_HTTP_PUSH_MSG_DELETED) {
        c->gap = 1;
        return;
    }

    ngx_memcpy(buf, m->body.data, m->body.len);
    buf[m->body.len] = '\0';
    seq = strtoull(buf, NULL, 10);

    if (m->offset == 0) {
        if (seq <= c->plain) {
            sim_fail("plain twice", c, seq);
        }

        c->plain = seq;
        return;
    }

    if (seq == 0) {

        /* it can pass for a channel's first message, while nothing is known */

        return;
    }

    sim_trace("client %u takes %u, %.3s:%u\n", (unsigned) (c - sim_clients),
              (unsigned) seq, m->epoch.data + m->epoch.len - 4,
              (unsigned) m->offset);

    if (c->any && seq <= c->seq) {
        sim_fail("twice or out of order", c, seq);
    }

    for (i = c->seq + 1; (c->any || c->now) && !c->gap && i < seq; i++) {
        if (sim_stored[i]) {
            sim_fail("silent gap", c, seq);
            break;
        }
    }

    c->any = 1;
    c->gap = 0;
    c->seq = seq;

    (void) ngx_http_push_position_set(&c->cursor, &m->epoch, m->offset);
}


static void
sim_deliver(ngx_http_push_sub_t *sub, ngx_http_push_msg_t *m)
{
    sim_take((sim_client_t *) sub, m);
}


static void
sim_deliver_replaying(ngx_http_push_sub_t *sub, ngx_http_push_msg_t *m)
{
    if (m->kind != NGX_HTTP_PUSH_MSG_DATA || m->offset == 0) {
        sim_take((sim_client_t *) sub, m);
    }
}


static void
sim_wake(ngx_http_push_past_t *reader)
{
    sim_client_t  *c;

    c = ngx_queue_data(reader, sim_client_t, reader);
    c->wants = 1;
}


/* whoever has no cursor counts on all that is published from now on */

static void
sim_begin(sim_client_t *c)
{
    if (c->here && !c->any && !c->now && sim_wire == NULL) {
        c->now = 1;
        c->seq = sim_seq;
    }
}


/* meanwhile another worker has given it all there is, later than to us */

static void
sim_wander(sim_client_t *c)
{
    ngx_str_t     epoch;
    sim_entry_t  *e;

    if (sim_n == 0 || tap_random(3) != 0) {
        return;
    }

    e = &sim_list[sim_first + sim_n - 1];

    if (e->seq <= c->seq && c->any) {
        return;
    }

    epoch.data = e->epoch;
    epoch.len = 16;

    (void) ngx_http_push_position_set(&c->cursor, &epoch, e->offset);

    c->any = 1;
    c->gap = 0;
    c->seq = e->seq;
}


static void
sim_join(sim_client_t *c)
{
    ngx_str_t  name = ngx_string("news");

    ngx_memzero(&c->sub, sizeof(ngx_http_push_sub_t));
    ngx_memzero(&c->reader, sizeof(ngx_http_push_past_t));

    sim_trace("client %u joins, %u, %.3s:%u\n", (unsigned) (c - sim_clients),
              (unsigned) c->any, c->cursor.epoch + 12,
              (unsigned) c->cursor.offset);

    c->here = 1;
    c->replays = 0;
    c->sub.deliver = sim_deliver;

    if (c->any) {
        c->replays = 1;
        c->wants = 1;
        c->sub.deliver = sim_deliver_replaying;
        c->reader.wake = sim_wake;
        c->reader.at = c->cursor;

    } else {
        c->seq = 0;
        c->now = 0;
    }

    (void) ngx_http_push_hub_subscribe(sim_hub, &name, &c->sub);

    if (sim_subscribed) {
        sim_begin(c);
    }

    c->reader.channel = c->sub.channel;
}


static void
sim_leave(sim_client_t *c)
{
    ngx_http_push_past_close(&c->reader);
    ngx_http_push_hub_unsubscribe(sim_hub, &c->sub);

    c->here = 0;
    c->wants = 0;

    if (tap_random(8) == 0) {

        /* another one, who knows nothing */

        c->any = 0;
        c->gap = 0;
    }
}


static void
sim_client_turn(sim_client_t *c)
{
    ngx_int_t                   rc;
    ngx_uint_t                  i;
    ngx_http_push_past_piece_t  piece;

    if (!c->here || !c->wants) {
        return;
    }

    rc = ngx_http_push_past_pull(sim_feeds, &c->reader, &piece);

    if (rc == NGX_AGAIN) {
        c->wants = 0;
    }

    sim_trace("client %u pulls: %d, gap %u, %u messages\n",
              (unsigned) (c - sim_clients), (int) rc, (unsigned) piece.gap,
              (unsigned) piece.n);

    if (piece.gap) {
        c->gap = 1;
        c->gaps++;
    }

    for (i = 0; i < piece.n; i++) {
        sim_take(c, piece.msgs[i]);
    }

    if (rc == NGX_DONE) {
        c->wants = 0;
        c->replays = 0;
        c->sub.deliver = sim_deliver;
    }
}


/* what happens */

static void
sim_confirm(void)
{
    ngx_uint_t  i;

    if (sim_channel == NULL || !sim_link || !sim_resubscribe) {
        return;
    }

    sim_trace("seq %u\n", (unsigned) sim_seq);

    sim_trace("confirm %u\n", (unsigned) sim_resubscribe);

    sim_subscribed = 1;

    ngx_http_push_feed_confirm(sim_feeds, sim_channel,
             sim_resubscribe == 2 ? NGX_HTTP_PUSH_FEED_MISSED : 0);

    sim_resubscribe = 0;

    for (i = 0; i < SIM_CLIENTS; i++) {
        sim_begin(&sim_clients[i]);
    }
}


static void
sim_hear(void)
{
    sim_live_t           *l;
    ngx_http_push_msg_t  *m;

    if (sim_wire == NULL || sim_channel == NULL) {
        return;
    }

    l = sim_wire;
    sim_wire = l->next;
    sim_heard++;

    if (sim_wire == NULL) {
        sim_wire_end = &sim_wire;
    }

    if (l->deleted) {
        ngx_http_push_feed_delete(sim_feeds, sim_channel);

    } else {
        m = sim_msg(&l->entry);
        ngx_http_push_feed_message(sim_feeds, sim_channel, m);
        ngx_http_push_msg_unref(m);
    }

    free(l);
}


static void
sim_answer(ngx_uint_t fail)
{
    ngx_http_push_read_t  *rd;

    rd = sim_read;

    if (rd == NULL) {
        return;
    }

    if (fail && !sim_read_done) {
        rd->status = NGX_HTTP_PUSH_READ_FAILED;

    } else if (!sim_read_done) {
        sim_serve(rd);
        sim_read_done = 1;
        sim_mark = sim_sent;
        return;
    }

    /* where it only asks, what was sent before the answer comes before it */

    if (sim_read_done && rd->limit == 0 && sim_heard < sim_mark) {
        return;
    }

    sim_read = NULL;
    rd->handler(rd);
}


static void
sim_lose_link(void)
{
    sim_link = 0;

    if (sim_subscribed) {
        sim_resubscribe = 2;
    }

    sim_subscribed = 0;
    sim_drop_wire();

    ngx_http_push_feed_lost(sim_feeds);
}


/* of an epoch that came and went unheard nobody can tell those who had none */

static void
sim_forget(void)
{
    ngx_uint_t  i;

    for (i = 0; i < SIM_CLIENTS; i++) {
        if (!sim_clients[i].any) {
            sim_clients[i].gap = 1;
        }
    }
}


static void
sim_fault(ngx_uint_t kind)
{
    ngx_uint_t     i, keep;
    sim_entry_t    forged;
    sim_client_t  *c;

    ngx_uint_t    what;

    static ngx_uint_t  links[] = { 0, 6, 8 };

    what = (kind == 1) ? links[tap_random(3)] : tap_random(9);

    sim_trace("fault %u, top %.3s:%u, %u in list\n", (unsigned) what,
              sim_epoch + 12, (unsigned) sim_top, (unsigned) sim_n);

    switch (what) {

    case 0:
        sim_lose_link();
        break;

    case 1:  /* the broker restarts with all its data */
        sim_lose_link();
        if (sim_has_meta) {
            sim_new_epoch();
        }
        break;

    case 2:  /* with an old dump */
        sim_lose_link();
        keep = sim_n ? tap_random(sim_n + 1) : 0;
        if (sim_has_meta) {
            sim_top -= sim_n - keep;
            sim_n = keep;
            sim_new_epoch();
        }
        break;

    case 3:  /* empty */
        sim_forget();
        sim_lose_link();
        sim_n = 0;
        sim_has_meta = 0;
        break;

    case 4:  /* FLUSHALL */
        sim_forget();
        sim_n = 0;
        sim_has_meta = 0;
        break;

    case 5:  /* trimmed, or expired */
        keep = sim_n ? tap_random(sim_n + 1) : 0;
        sim_first += sim_n - keep;
        sim_n = keep;
        break;

    case 6:
        sim_answer(1);
        break;

    case 7:  /* somebody makes up a header */
        ngx_memzero(&forged, sizeof(sim_entry_t));
        ngx_memcpy(forged.epoch, "forgedforgedforg", 16);
        forged.offset = 1 + tap_random(100);
        sim_send(&forged, 0);
        break;

    case 8:  /* a message is lost without a sign, the next ones are not */
        for (i = 0; i < SIM_CLIENTS; i++) {
            c = &sim_clients[i];

            /* where nobody knows yet where it began, nobody would know */

            if (c->here && !c->any) {
                return;
            }
        }

        if (sim_wire != NULL && sim_wire->next != NULL
            && sim_wire->entry.offset != 0)
        {
            sim_live_t  *l = sim_wire;

            sim_wire = l->next;
            sim_heard++;
            free(l);
        }
        break;
    }
}


static void
sim_step(ngx_uint_t faults)
{
    ngx_uint_t     i, n;
    sim_client_t  *c;

    c = &sim_clients[tap_random(SIM_CLIENTS)];

    switch (tap_random(12)) {

    case 0: case 1:
        n = 1 + tap_random(3);
        for (i = 0; i < n; i++) {
            sim_publish(0);
        }
        break;

    case 2:
        if (faults != 1 && tap_random(4) == 0) {
            sim_publish(1);
        }
        break;

    case 3: case 4: case 5:
        n = tap_random(6);
        for (i = 0; i < n; i++) {
            sim_hear();
        }
        break;

    case 6:
        sim_answer(0);
        break;

    case 7:
        if (!sim_link && tap_random(3) == 0) {
            sim_link = 1;
            ngx_http_push_feed_resume(sim_feeds);
        }

        sim_confirm();
        break;

    case 8:
        sim_client_turn(c);
        break;

    case 9:
        if (tap_random(4) == 0) {
            if (c->here) {
                sim_leave(c);

            } else {
                sim_wander(c);
                sim_join(c);
            }
        }
        break;

    case 10:
        if (faults && tap_random(6) == 0) {
            sim_fault(faults);
        }
        break;

    case 11:
        sim_turn(tap_random(300));
        break;
    }
}


/* until everything has come that will come */

static void
sim_quiet(void)
{
    ngx_uint_t  i, k;

    sim_link = 1;

    for (i = 0; i < 400; i++) {
        sim_confirm();
        ngx_http_push_feed_resume(sim_feeds);
        sim_turn(300);
        sim_answer(0);
        sim_answer(0);
        sim_hear();
        sim_hear();

        for (k = 0; k < SIM_CLIENTS; k++) {
            sim_client_turn(&sim_clients[k]);
        }
    }
}


static ngx_http_push_policy_t    sim_policy = { 2000, 60000, NULL, 0 };
static ngx_http_push_policies_t  sim_policies = { &sim_policy, 1 };


static ngx_http_push_figures_t  sim_figures;


static void
sim_reset(ngx_uint_t sync)
{
    ngx_memzero(&sim_figures, sizeof(ngx_http_push_figures_t));
    ngx_memzero(sim_clients, sizeof(sim_clients));
    ngx_memzero(sim_stored, sizeof(sim_stored));

    ngx_queue_init(&ngx_posted_events);
    ngx_queue_init(&ngx_posted_next_events);

    ngx_current_msec = 1000000;

    sim_first = sim_n = sim_top = sim_prev = sim_seq = 0;
    sim_has_meta = sim_has_prev = 0;
    sim_wire = NULL;
    sim_wire_end = &sim_wire;
    sim_sent = sim_heard = 0;
    sim_link = 1;
    sim_subscribed = sim_resubscribe = 0;
    sim_read = NULL;
    sim_sync = sync;
    sim_wrong[0] = '\0';
    sim_channel = NULL;

    sim_bus.silent = 1;
    sim_bus.instant = sync;
    sim_bus.subscribe = sim_bus_subscribe;
    sim_bus.unsubscribe = sim_bus_unsubscribe;
    sim_bus.read = sim_bus_read;
    sim_bus.unread = sim_bus_unread;

    sim_hub = ngx_http_push_hub_create(&sim_figures, NULL, &sim_log);
    sim_feeds = ngx_http_push_feed_start(sim_hub, &sim_policies, 0, &sim_log);
    ngx_http_push_hub_attach_bus(sim_hub, &sim_bus);
}


static void
sim_end(void)
{
    ngx_uint_t  i;

    for (i = 0; i < SIM_CLIENTS; i++) {
        ngx_http_push_past_close(&sim_clients[i].reader);
    }

    ngx_http_push_feed_stop(sim_feeds);
    ngx_http_push_hub_destroy(sim_hub);
    sim_drop_wire();
}


static ngx_uint_t
sim_run(ngx_uint_t sync, ngx_uint_t faults)
{
    uint64_t       seq;
    ngx_uint_t     i, gaps;
    sim_client_t  *c;

    sim_reset(sync);

    for (i = 0; i < SIM_STEPS && sim_wrong[0] == '\0'; i++) {
        sim_step(faults);
    }

    /* the silent ones are found out by the next check at the latest */

    for (i = 0; i < SIM_CLIENTS; i++) {
        if (!sim_clients[i].here) {
            sim_join(&sim_clients[i]);
        }
    }

    sim_quiet();
    ngx_current_msec += 50000;
    sim_quiet();
    sim_publish(0);
    sim_quiet();

    gaps = 0;

    for (i = 0; i < SIM_CLIENTS && sim_wrong[0] == '\0'; i++) {
        c = &sim_clients[i];

        gaps += c->gaps;

        for (seq = sim_seq; seq > 0 && !sim_stored[seq]; seq--) { /* void */ }

        if (c->seq != seq) {
            sim_fail("the last one is missing", c, seq);
        }

        if (c->replays) {
            sim_fail("still replays", c, seq);
        }
    }

    sim_end();

    return gaps;
}


static void
sim_runs(const char *name, ngx_uint_t sync, ngx_uint_t faults)
{
    uint64_t    state;
    ngx_uint_t  i, gaps, runs;

    gaps = 0;
    runs = sim_tracing ? 1 : 300;

    for (i = 0; i < runs; i++) {
        state = tap_random_state;

        gaps += sim_run(sync, faults);

        if (sim_wrong[0] != '\0') {
            tap_ok(0, "%s", name);
            printf("# run %u, state %llu: %s\n", (unsigned) i,
                   (unsigned long long) state, sim_wrong);
            return;
        }
    }

    tap_ok(1, "%s", name);

    if (faults == 2) {
        tap_ok(gaps != 0, "  ... and gaps were told, %u times",
               (unsigned) gaps);

    } else if (faults == 1 && !sync) {

        /* who begins while the link is lost does not know where he is */

        tap_ok(gaps < runs, "  ... and hardly anybody was told of a gap, "
               "%u times", (unsigned) gaps);

    } else {
        tap_is(gaps, 0, "  ... and nobody was told of a gap");
    }
}


/*
 * What does not come about by chance: somebody who can publish to the broker
 * makes up headers that fit, or has written to the history itself; and the
 * broker goes on from an older state in the same epoch.
 */

static void
scene_open(void)
{
    sim_reset(0);
    sim_join(&sim_clients[0]);
    sim_quiet();
}


static void
scene_close(const char *name)
{
    sim_end();

    tap_ok(sim_wrong[0] == '\0', "%s", name);

    if (sim_wrong[0] != '\0') {
        printf("# %s\n", sim_wrong);
    }
}


static void
scene_publish(ngx_uint_t n)
{
    while (n-- != 0) {
        sim_publish(0);
    }
}


/* somebody else's, in the epoch that the channel is in, or in none */

static void
scene_forge(const char *epoch, uint64_t offset)
{
    sim_entry_t  forged;

    ngx_memzero(&forged, sizeof(sim_entry_t));

    ngx_memcpy(forged.epoch, epoch ? (u_char *) epoch : sim_epoch, 16);
    forged.offset = offset;

    sim_send(&forged, 0);
}


static void
scene_hear(void)
{
    while (sim_wire != NULL) {
        sim_hear();
    }
}


static void
scene_far_ahead(void)
{
    ngx_uint_t     i;
    sim_client_t  *c;

    c = &sim_clients[0];

    scene_open();
    scene_publish(3);
    scene_hear();

    scene_forge(NULL, 1000000);
    scene_hear();
    sim_quiet();

    for (i = 0; i < 10; i++) {
        sim_publish(0);
        scene_hear();

        if (c->seq != sim_seq) {
            sim_fail("not at once", c, sim_seq);
        }
    }

    scene_close("a header from the future is believed until the next read");
}


static void
scene_flood(void)
{
    uint64_t       n;
    ngx_uint_t     i;
    sim_client_t  *c;

    c = &sim_clients[0];
    n = 1;

    sim_reset(0);
    scene_publish(5);
    sim_join(c);

    /* before it is known where the channel stands, and ever after */

    sim_confirm();

    for (i = 0; i < 40; i++) {
        scene_forge("forgedforgedforg", n++);
        scene_hear();

        if (i % 8 == 7) {
            sim_publish(0);
        }

        sim_turn(300);

        scene_forge("forgedforgedforg", n++);
        scene_hear();
        sim_answer(0);

        scene_forge("forgedforgedforg", n++);
        scene_hear();
        sim_answer(0);
    }

    if (c->seq + 1 < sim_seq) {
        sim_fail("starved", c, sim_seq);
    }

    scene_close("headers that go on in an epoch of their own starve nobody");
}


/* a replica that had not heard of the last ones takes over */

static void
scene_turn_back(void)
{
    ngx_uint_t     gaps;
    sim_client_t  *c, *late;

    c = &sim_clients[0];
    late = &sim_clients[1];

    scene_open();
    scene_publish(100);
    scene_hear();

    sim_lose_link();
    sim_top -= 10;
    sim_n -= 10;
    gaps = c->gaps;

    /* who comes back with an id that is not there any more */

    late->any = 1;
    late->seq = 95;
    late->cursor = c->cursor;
    late->cursor.offset = 95;

    sim_join(late);
    sim_quiet();

    if (late->replays) {
        sim_fail("still replays", late, sim_seq);
    }

    if (sim_figures.reads > 20) {
        sim_fail("reads for ever", late, sim_figures.reads);
    }

    if (c->gaps == gaps) {
        sim_fail("silent gap", c, sim_seq);
    }

    sim_publish(0);
    scene_hear();
    sim_quiet();

    if (c->seq != sim_seq) {
        sim_fail("taken for one that was given", c, sim_seq);
    }

    if (late->seq != sim_seq) {
        sim_fail("taken for one that was given", late, sim_seq);
    }

    scene_close("offsets that are handed out again are given again");
}


/* entries whose epochs are neither the channel's nor the one before */

static void
scene_strange_epochs(void)
{
    ngx_uint_t     i;
    sim_client_t  *c;

    c = &sim_clients[1];

    scene_open();
    scene_publish(300);
    scene_hear();

    for (i = 0; i < 300; i++) {
        ngx_memcpy(sim_list[sim_first + i].epoch,
                   i % 2 ? "strangestrangest" : "oddoddoddoddoddo", 16);
    }

    c->any = 1;
    sim_join(c);
    c->reader.at.len = 0;
    c->reader.tail = 250;
    c->seq = 50;

    for (i = 0; i < 40 && c->replays; i++) {
        sim_quiet();
    }

    if (c->replays || c->seq != 300) {
        sim_fail("still replays", c, 300);
    }

    scene_close("strange epochs in a history are given, once");
}



/* somebody comes back to a channel and takes the first piece of its past */

#define SCENE_CHANNELS  3200


static ngx_http_push_sub_t  scene_subs[SCENE_CHANNELS];


static void
scene_wake(ngx_http_push_past_t *reader)
{
}


static void
scene_return(ngx_uint_t i)
{
    u_char                      buf[16];
    ngx_str_t                   name;
    ngx_http_push_past_t        reader;
    ngx_http_push_past_piece_t  piece;

    name.data = buf;
    name.len = sprintf((char *) buf, "c%u", (unsigned) i);

    if (scene_subs[i].channel == NULL) {
        scene_subs[i].deliver = sim_deliver_replaying;

        (void) ngx_http_push_hub_subscribe(sim_hub, &name, &scene_subs[i]);
        ngx_http_push_feed_confirm(sim_feeds, scene_subs[i].channel, 0);
        sim_turn(0);
    }

    ngx_memzero(&reader, sizeof(ngx_http_push_past_t));

    reader.channel = scene_subs[i].channel;
    reader.wake = scene_wake;

    sim_position(&reader.at, sim_epoch, 1);

    while (ngx_http_push_past_pull(sim_feeds, &reader, &piece) == NGX_AGAIN) {
        sim_turn(0);
    }
}


static ngx_uint_t
scene_windows(void)
{
    ngx_uint_t             i, n;
    ngx_http_push_feed_t  *f;

    n = 0;

    for (i = 0; i < SCENE_CHANNELS; i++) {
        if (scene_subs[i].channel != NULL) {
            f = scene_subs[i].channel->feed;
            n += (f != NULL && f->work != NULL && f->work->filled);
        }
    }

    return n;
}


static void
scene_memory(void)
{
    ngx_uint_t  i;

    sim_reset(1);
    scene_publish(2000);

    scene_return(0);
    scene_return(1);

    tap_is(scene_windows(), 2, "who comes back is served out of a window");

    for (i = 0; i < 10; i++) {
        sim_turn(500);
        scene_return(0);
    }

    tap_is(scene_windows(), 1, "one that is in use keeps no others");

    sim_turn(2500);
    sim_turn(500);

    tap_is(scene_windows(), 0, "nor stays itself");

    for (i = 0; i < SCENE_CHANNELS; i++) {
        scene_return(i);
    }

    tap_ok(sim_feeds->size <= 65 * 1024 * 1024
           && scene_windows() < SCENE_CHANNELS,
           "all windows of a worker are bounded, %u of %u bytes are left",
           (unsigned) scene_windows(), (unsigned) sim_feeds->size);

    sim_turn(2500);
    sim_turn(500);

    tap_is(sim_feeds->size, 0, "and given back");

    for (i = 0; i < SCENE_CHANNELS; i++) {
        ngx_http_push_hub_unsubscribe(sim_hub, &scene_subs[i]);
    }

    sim_end();
}


/*
 * PUSH_TRACE=N tells what happens in a run of kind N, whose state is given as
 * PUSH_SEED.
 */

int
main(int argc, char **argv)
{
    char        *trace;
    ngx_uint_t   i;

    static const char  *names[] = {
        "without faults, reads that take time",
        "without faults, reads that do not",
        "lost links, failed reads, lost messages, reads that take time",
        "lost links, failed reads, lost messages, reads that do not",
        "every fault, reads that take time",
        "every fault, reads that do not"
    };

    tap_seed();

    trace = getenv("PUSH_TRACE");
    sim_tracing = (trace != NULL);

    for (i = 0; i < 6; i++) {
        if (trace == NULL || i == (ngx_uint_t) atoi(trace)) {
            sim_runs(names[i], i & 1, i / 2);
        }
    }

    scene_far_ahead();
    scene_flood();
    scene_turn_back();
    scene_strange_epochs();
    scene_memory();

    return tap_done();
}
