/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: sessions: owns them and their heartbeats.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_deliver.h"
#include "ngx_http_push_detach.h"
#include "ngx_http_push_replay.h"
#include "ngx_http_push_session.h"
#include "ngx_http_push_turns.h"


#define NGX_HTTP_PUSH_SESSION_LINGER  5000        /* ms after the goodbye */
#define NGX_HTTP_PUSH_SESSION_FIN     1000        /* ms after a FIN */


/* what the sessions of this worker share */

typedef struct {
    ngx_http_push_hub_t       *hub;
    ngx_http_push_figures_t   *figures;
    ngx_http_push_wheel_t      wheel;
    uint32_t                   sessions;
    ngx_uint_t                 draining;
} ngx_http_push_session_shared_t;


static void ngx_http_push_session_stop_one(void *data,
    ngx_http_push_wheel_node_t *node);
static void ngx_http_push_session_set_socket(ngx_http_push_session_t *s);
static void ngx_http_push_session_flush(ngx_http_push_session_t *s);
static NGX_HTTP_PUSH_COLD void ngx_http_push_session_flush_rest(
    ngx_http_push_session_t *s, ssize_t n);
static void ngx_http_push_session_flush_all(ngx_http_push_session_t *s);
static NGX_HTTP_PUSH_COLD ngx_int_t ngx_http_push_session_prepare(
    ngx_http_push_session_t *s);
static NGX_HTTP_PUSH_COLD void ngx_http_push_session_settle(
    ngx_http_push_session_t *s, ssize_t n);
static void ngx_http_push_session_leave_deleted(ngx_http_push_session_t *s);
static void ngx_http_push_session_goodbye(ngx_http_push_session_t *s);
static ngx_uint_t ngx_http_push_session_forfeits(ngx_uint_t reason);
static void ngx_http_push_session_leave(ngx_http_push_session_t *s);
static void ngx_http_push_session_release(ngx_http_push_session_t *s);
static void ngx_http_push_session_set_timer(ngx_http_push_session_t *s,
    ngx_msec_t ms);
static void ngx_http_push_session_wheel_handler(
    ngx_http_push_wheel_node_t *node);
static void ngx_http_push_session_heartbeat(ngx_http_push_session_t *s);
static void ngx_http_push_session_drain_one(void *data,
    ngx_http_push_wheel_node_t *node);


static ngx_http_push_session_shared_t  ngx_http_push_session_shared;


#define ngx_http_push_session_of(node)                                        \
    ngx_queue_data(node, ngx_http_push_session_t, wheel)

/* the sessions of its transport */
#define ngx_http_push_session_figure(s)                                       \
    ((uint64_t *) ((u_char *) ngx_http_push_session_shared.figures            \
                   + (s)->transport->figure))


ngx_int_t
ngx_http_push_session_start(ngx_http_push_hub_t *h,
    ngx_http_push_feeds_t *fs, ngx_log_t *log)
{
    ngx_http_push_session_shared_t  *sh;

    sh = &ngx_http_push_session_shared;

    ngx_memzero(sh, sizeof(ngx_http_push_session_shared_t));

    sh->hub = h;
    sh->figures = ngx_http_push_hub_figures(h);

    ngx_http_push_deliver_start(sh->figures);
    ngx_http_push_replay_start(fs, sh->figures, log);
    ngx_http_push_turns_start(h, ngx_http_push_session_flush, log);
    ngx_http_push_wheel_init(&sh->wheel, ngx_http_push_session_wheel_handler,
                             log);
    return NGX_OK;
}


void
ngx_http_push_session_stop(void)
{
    ngx_http_push_session_shared_t  *sh;

    sh = &ngx_http_push_session_shared;

    if (sh->hub == NULL) {
        return;
    }

    /* who is still here gets a goodbye if there is room, and a log line */

    ngx_http_push_wheel_walk(&sh->wheel, ngx_http_push_session_stop_one, NULL);
    ngx_http_push_wheel_destroy(&sh->wheel);

    ngx_http_push_replay_stop();
    ngx_http_push_turns_stop();

    sh->hub = NULL;
}


static void
ngx_http_push_session_stop_one(void *data, ngx_http_push_wheel_node_t *node)
{
    ngx_http_push_session_t  *s;

    s = ngx_http_push_session_of(node);

    if (!s->closing && !s->blocked) {
        s->over = NGX_HTTP_PUSH_REASON_DRAIN;

        ngx_http_push_session_goodbye(s);

        (void) s->transport->flush(s);
    }

    ngx_http_push_session_end(s);
}


ngx_http_push_hub_t *
ngx_http_push_session_hub(void)
{
    return ngx_http_push_session_shared.hub;
}


ngx_http_push_session_t *
ngx_http_push_session_create(ngx_connection_t *c, ngx_pool_t *pool,
    const ngx_http_push_transport_t *transport, ngx_uint_t form,
    const ngx_http_push_limits_t *limits)
{
    ngx_http_push_session_t         *s;
    ngx_http_push_session_shared_t  *sh;

    sh = &ngx_http_push_session_shared;

    if (ngx_http_push_turns_reserve(sh->sessions) != NGX_OK) {
        return NULL;
    }

    /*
     * What nginx leaves of a connection's pool of 512 bytes is exactly enough,
     * if the start is not moved up to an address that only a long double would
     * need.
     */

    s = NULL;

    if ((size_t) (pool->d.end - pool->d.last)
        >= sizeof(ngx_http_push_session_t)
        && ((uintptr_t) pool->d.last & (sizeof(void *) - 1)) == 0)
    {
        s = ngx_pnalloc(pool, sizeof(ngx_http_push_session_t));
    }

    if (s != NULL) {
        ngx_memzero(s, sizeof(ngx_http_push_session_t));

    } else {
        s = ngx_calloc(sizeof(ngx_http_push_session_t), c->log);
        if (s == NULL) {
            return NULL;
        }

        s->heap = 1;
    }

    s->connection = c;
    s->transport = transport;
    s->limits = limits;
    s->sub.deliver = ngx_http_push_deliver_first;
    s->outq.form = (uint8_t) form;

    /* until it is open nothing is written: what comes has to fit its queue */
    s->blocked = 1;

    s->untuned = 1;
    s->indirect = !transport->direct;

#if (NGX_SSL)
    if (c->ssl != NULL) {
        s->indirect = 1;
    }
#endif

    /* counted before the client is told, so that nobody who asks is early */

    sh->sessions++;
    sh->figures->connections++;
    (*ngx_http_push_session_figure(s))++;

    return s;
}


ngx_int_t
ngx_http_push_session_subscribe(ngx_http_push_session_t *s, ngx_str_t *name,
    ngx_uint_t marks, const ngx_http_push_cursor_t *cursor)
{
    ngx_int_t                     rc;
    ngx_http_push_sub_t          *sub;
    ngx_http_push_session_sub_t  *more;

    sub = &s->sub;

    if (sub->channel != NULL) {

        more = ngx_calloc(sizeof(ngx_http_push_session_sub_t),
                          s->connection->log);
        if (more == NULL) {
            return NGX_ERROR;
        }

        more->session = s;

        sub = &more->sub;
        sub->deliver = ngx_http_push_deliver_more;
    }

    sub->mark |= (uint32_t) marks;

    rc = ngx_http_push_hub_subscribe(ngx_http_push_session_shared.hub, name,
                                     sub);

    if (sub != &s->sub) {

        if (rc != NGX_OK) {
            ngx_free(sub);
            return rc;
        }

        sub->next = s->sub.next;
        s->sub.next = sub;
    }

    if (rc == NGX_OK && cursor != NULL) {
        rc = ngx_http_push_replay_open(s, sub, cursor);
    }

    return rc;
}


void
ngx_http_push_session_abandon(ngx_http_push_session_t *s)
{
    if (s->opened && s->hold != NULL && s->hold->request != NULL) {
        ngx_http_push_session_shared.figures->kept--;
    }

    ngx_http_push_session_release(s);

    if (s->heap) {
        ngx_free(s);
    }
}


void
ngx_http_push_session_open(ngx_http_push_session_t *s)
{
    ngx_msec_t                       interval;
    ngx_http_push_session_shared_t  *sh;

    sh = &ngx_http_push_session_shared;

    s->opened = 1;
    ngx_http_push_deliver_unblock(s);

    sh->figures->accepted++;

    if (s->hold != NULL && s->hold->request != NULL) {
        sh->figures->kept++;
    }

    /*
     * Every session is in the wheel, with heartbeats or without, because the
     * wheel is also the list of all sessions that a drain walks.
     */

    interval = s->limits->ping_interval;

    if (interval == 0) {
        interval = NGX_HTTP_PUSH_WHEEL_TICK * NGX_HTTP_PUSH_WHEEL_SLOTS;
    }

    /* the first one comes early, so that clients that came at once spread */

    ngx_http_push_session_set_timer(s, interval / 2
                                       + (ngx_msec_t) ngx_random()
                                         % (interval / 2 + 1));

    if (sh->draining) {
        ngx_http_push_session_close(s, NGX_HTTP_PUSH_REASON_DRAIN);
    }

    if (s->outq.count || s->over || s->deleted || s->replays) {
        ngx_http_push_turns_post(s);
    }
}


/*
 * Before the first write, so that an idle client costs no system call.
 * Without a bound the kernel takes megabytes for a client that does not read
 * (FACTS 6); what it may take counts into push_queue SIZE.
 */

static void
ngx_http_push_session_set_socket(ngx_http_push_session_t *s)
{
    int                size;
    ngx_connection_t  *c;

    c = s->connection;

    if (c->sockaddr->sa_family == AF_UNIX) {
        return;
    }

    (void) ngx_tcp_nodelay(c);

    size = (int) ngx_http_push_deliver_sndbuf(s->limits);

    if (setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, (const void *) &size,
                   sizeof(int))
        == -1)
    {
        ngx_connection_error(c, ngx_socket_errno,
                             "setsockopt(SO_SNDBUF) failed");
    }

#ifdef TCP_USER_TIMEOUT

    /* a peer that vanished with data under way: not the kernel's 15 minutes */

    if (s->limits->ping_interval == 0 || s->limits->ping_timeout == 0) {
        return;
    }

    size = (int) ngx_min(s->limits->ping_interval + s->limits->ping_timeout,
                         NGX_MAX_INT32_VALUE);

    if (setsockopt(c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (const void *) &size,
                   sizeof(int))
        == -1)
    {
        ngx_connection_error(c, ngx_socket_errno,
                             "setsockopt(TCP_USER_TIMEOUT) failed");
    }

#endif
}


ngx_int_t
ngx_http_push_session_send(ngx_http_push_session_t *s, ngx_http_push_form_t *f)
{
    if (ngx_http_push_outq_push(&s->outq, f) != NGX_OK) {
        return NGX_ERROR;
    }

    if (s->blocked) {
        ngx_http_push_session_shared.figures->queued += f->len;
    }

    ngx_http_push_turns_post(s);

    return NGX_OK;
}


/*
 * What a turn of the loop ends with, for each session that has something.
 * Nearly always one form waits, the socket takes it, and there is no TLS: then
 * the system call is all that is done.  The session may be gone afterwards.
 */

static void
ngx_http_push_session_flush(ngx_http_push_session_t *s)
{
    ssize_t                n;
    ngx_connection_t      *c;
    ngx_http_push_form_t  *f;

    if (s->untuned || s->replays || s->indirect || s->blocked || s->closing
        || s->deleted || s->over || !ngx_http_push_outq_single(&s->outq))
    {
        ngx_http_push_session_flush_all(s);
        return;
    }

    c = s->connection;
    f = s->outq.u.one;

    n = send(c->fd, f->data, f->len, 0);

    if (n != (ssize_t) f->len) {
        ngx_http_push_session_flush_rest(s, n);
        return;
    }

    c->sent += n;
    ngx_http_push_session_shared.figures->bytes_out += n;

    ngx_http_push_outq_done(&s->outq);
}


/* n is what send() has returned: not all, nothing or an error */

static void
ngx_http_push_session_flush_rest(ngx_http_push_session_t *s, ssize_t n)
{
    ngx_err_t          err;
    ngx_connection_t  *c;

    c = s->connection;

    if (n > 0) {
        c->sent += n;
        ngx_http_push_session_shared.figures->bytes_out += n;

        ngx_http_push_outq_advance(&s->outq, n);

    } else if (n < 0) {
        err = ngx_socket_errno;

        if (err != NGX_EAGAIN && err != NGX_EINTR) {
            c->write->error = 1;
            (void) ngx_connection_error(c, err, "send() failed");

            ngx_http_push_session_settle(s, NGX_ERROR);
            return;
        }
    }

    ngx_http_push_session_flush_all(s);
}


/* whatever waits, by the transport */

static void
ngx_http_push_session_flush_all(ngx_http_push_session_t *s)
{
    ssize_t  n;

    if (s->untuned || s->deleted || s->over || s->blocked) {

        if (ngx_http_push_session_prepare(s) != NGX_OK) {
            return;
        }
    }

    n = s->transport->flush(s);

    if (n >= 0) {
        ngx_http_push_session_shared.figures->bytes_out += n;

        if (s->outq.count == 0 && !s->closing) {

            if (s->replays) {
                ngx_http_push_replay_step(s);
            }

            return;
        }
    }

    ngx_http_push_session_settle(s, n);
}


/* what is seldom due before a session writes; NGX_DECLINED: it may not */

static ngx_int_t
ngx_http_push_session_prepare(ngx_http_push_session_t *s)
{
    if (!s->opened) {

        /* session_open() comes back to it */

        return NGX_DECLINED;
    }

    if (s->untuned) {
        s->untuned = 0;
        ngx_http_push_session_set_socket(s);
    }

    if (s->deleted) {
        ngx_http_push_session_leave_deleted(s);
    }

    if (s->over && !s->closing) {
        ngx_http_push_session_goodbye(s);
    }

    return s->blocked ? NGX_DECLINED : NGX_OK;
}


/* not all was written, or it was the last; s may be gone afterwards */

static void
ngx_http_push_session_settle(ngx_http_push_session_t *s, ssize_t n)
{
    if (n < 0) {
        ngx_http_push_session_end(s);
        return;
    }

    if (s->outq.count != 0) {
        s->ponged = 0;
        ngx_http_push_deliver_block(s);
        return;
    }

    if (s->peer_closed) {
        ngx_http_push_session_end(s);
        return;
    }

    if (s->fin && !s->shut) {

        /*
         * The peer's answer cannot be read any more.  With a close() now, what
         * it still sends would reset the connection under the goodbye.
         */

        s->shut = 1;

        ngx_http_push_session_set_timer(s, NGX_HTTP_PUSH_SESSION_FIN);

        (void) ngx_shutdown_socket(s->connection->fd, NGX_WRITE_SHUTDOWN);
    }
}


void
ngx_http_push_session_write_handler(ngx_event_t *wev)
{
    ngx_connection_t  *c;

    c = wev->data;

    ngx_http_push_session_writable(c->data);
}


void
ngx_http_push_session_writable(ngx_http_push_session_t *s)
{
    if (!s->blocked) {
        return;
    }

    /* not from here, so that many sockets that become writable are sliced */

    ngx_http_push_deliver_unblock(s);

    ngx_http_push_turns_post(s);
}


static void
ngx_http_push_session_leave_deleted(ngx_http_push_session_t *s)
{
    ngx_http_push_sub_t   *sub, **p;
    ngx_http_push_hub_t   *h;

    h = ngx_http_push_session_shared.hub;

    s->deleted = 0;

    if (s->sub.mark & NGX_HTTP_PUSH_SUB_DELETED) {
        ngx_http_push_replay_leave(s, &s->sub);
        ngx_http_push_hub_unsubscribe(h, &s->sub);
        s->sub.mark &= ~NGX_HTTP_PUSH_SUB_MARKS;
    }

    for (p = &s->sub.next; *p != NULL; /* void */) {
        sub = *p;

        if (sub->mark & NGX_HTTP_PUSH_SUB_DELETED) {
            *p = sub->next;

            ngx_http_push_replay_leave(s, sub);
            ngx_http_push_hub_unsubscribe(h, sub);
            ngx_free(sub);
            continue;
        }

        p = &sub->next;
    }

    if (s->sub.channel == NULL && s->sub.next == NULL && !s->closing) {
        ngx_http_push_session_close(s, NGX_HTTP_PUSH_REASON_DELETED);
    }
}


void
ngx_http_push_session_close(ngx_http_push_session_t *s, ngx_uint_t reason)
{
    if (s->over || s->closing) {
        return;
    }

    s->over = reason;

    ngx_http_push_turns_post(s);
}


void
ngx_http_push_session_peer_close(ngx_http_push_session_t *s)
{
    s->peer_closed = 1;

    if (!s->closing) {
        s->over = NGX_HTTP_PUSH_REASON_NONE;
        ngx_http_push_session_goodbye(s);
    }

    ngx_http_push_turns_post(s);
}


/* the goodbye is appended, the channels are left, the linger time begins */

static void
ngx_http_push_session_goodbye(ngx_http_push_session_t *s)
{
    const ngx_http_push_reason_t    *reason;
    ngx_http_push_session_shared_t  *sh;

    sh = &ngx_http_push_session_shared;

    reason = ngx_http_push_reason_get(s->over);

    s->closing = 1;

    switch (s->over) {

    case NGX_HTTP_PUSH_REASON_SLOW:
        sh->figures->slow_closed++;
        break;

    case NGX_HTTP_PUSH_REASON_PING:
        sh->figures->ping_closed++;
        break;

    case NGX_HTTP_PUSH_REASON_DRAIN:
        sh->figures->drained++;
        break;
    }

    if (s->over != NGX_HTTP_PUSH_REASON_NONE) {
        ngx_log_error(NGX_LOG_INFO, s->connection->log, 0,
                      "push closes %V: %ui \"%V\"", &s->transport->name,
                      reason->raw, &reason->text);

        if (s->hold != NULL) {
            s->hold->close_code = reason->raw;
            s->hold->close_reason = reason->text;
        }
    }

    if (s->blocked && ngx_http_push_session_forfeits(s->over)) {

        /* what a client did not read for so long it shall not wait for */

        sh->figures->queued -= s->outq.bytes;
        ngx_http_push_deliver_drop(s, ngx_http_push_outq_trim(&s->outq));
        sh->figures->queued += s->outq.bytes;
    }

    s->transport->close(s, reason);

    ngx_http_push_session_leave(s);

    ngx_http_push_session_set_timer(s, NGX_HTTP_PUSH_SESSION_LINGER);
}


/*
 * Does a client that is closed for this reason lose what waits for it?  Not
 * where nothing is wrong with it: the goodbye comes after its messages.
 */

static ngx_uint_t
ngx_http_push_session_forfeits(ngx_uint_t reason)
{
    switch (reason) {

    case NGX_HTTP_PUSH_REASON_DRAIN:
    case NGX_HTTP_PUSH_REASON_LIFETIME:
    case NGX_HTTP_PUSH_REASON_DELETED:
        return 0;
    }

    return 1;
}


/* gives up all channels */

static void
ngx_http_push_session_leave(ngx_http_push_session_t *s)
{
    ngx_http_push_sub_t  *sub, *next;
    ngx_http_push_hub_t  *h;

    h = ngx_http_push_session_shared.hub;

    ngx_http_push_replay_close(s);

    ngx_http_push_hub_unsubscribe(h, &s->sub);

    for (sub = s->sub.next; sub != NULL; sub = next) {
        next = sub->next;

        ngx_http_push_hub_unsubscribe(h, sub);
        ngx_free(sub);
    }

    s->sub.next = NULL;
    s->deleted = 0;
}


/* everything but the session's own memory and its connection */

static void
ngx_http_push_session_release(ngx_http_push_session_t *s)
{
    ngx_http_push_session_shared_t  *sh;

    sh = &ngx_http_push_session_shared;

    sh->sessions--;
    sh->figures->connections--;
    (*ngx_http_push_session_figure(s))--;

    ngx_http_push_session_leave(s);

    if (s->timed) {
        ngx_http_push_wheel_unset(&sh->wheel, &s->wheel);
        s->timed = 0;
    }

    ngx_http_push_turns_remove(s);

    if (s->blocked) {
        ngx_http_push_deliver_unblock(s);
    }

    ngx_http_push_outq_clear(&s->outq);

    s->transport->destroy(s);
}


void
ngx_http_push_session_end(ngx_http_push_session_t *s)
{
    uint64_t                          sent;
    ngx_connection_t                 *c;
    ngx_http_push_hold_t             *hold;
    const ngx_http_push_transport_t  *transport;

    c = s->connection;
    hold = s->hold;
    sent = s->sent;
    transport = s->transport;

    if (hold != NULL) {
        hold->complete = s->closing && s->outq.count == 0;
    }

    ngx_http_push_session_abandon(s);

    transport->end(c, hold, sent);
}


void
ngx_http_push_session_pong(ngx_http_push_session_t *s)
{
    s->waiting = 0;
}


static void
ngx_http_push_session_set_timer(ngx_http_push_session_t *s, ngx_msec_t ms)
{
    ngx_http_push_wheel_t  *w;

    w = &ngx_http_push_session_shared.wheel;

    if (s->timed) {
        ngx_http_push_wheel_unset(w, &s->wheel);
    }

    s->timed = 1;

    ngx_http_push_wheel_set(w, &s->wheel, ms);
}


static void
ngx_http_push_session_wheel_handler(ngx_http_push_wheel_node_t *node)
{
    ngx_http_push_session_t  *s;

    s = ngx_http_push_session_of(node);
    s->timed = 0;

    if (s->closing) {
        ngx_http_push_session_end(s);
        return;
    }

    if (s->draining) {
        ngx_http_push_session_set_timer(s, NGX_HTTP_PUSH_SESSION_LINGER);
        ngx_http_push_session_close(s, NGX_HTTP_PUSH_REASON_DRAIN);
        return;
    }

    ngx_http_push_session_heartbeat(s);
}


/*
 * A ping and the wait for its answer take turns on one node of the wheel; the
 * answer itself moves nothing.
 */

static void
ngx_http_push_session_heartbeat(ngx_http_push_session_t *s)
{
    ngx_int_t   rc;
    ngx_msec_t  interval, timeout;

    interval = s->limits->ping_interval;
    timeout = s->limits->ping_timeout;

    if (interval == 0) {
        ngx_http_push_session_set_timer(s, NGX_HTTP_PUSH_WHEEL_TICK
                                           * NGX_HTTP_PUSH_WHEEL_SLOTS);
        return;
    }

    if (s->pinged) {
        s->pinged = 0;

        if (!s->waiting) {
            ngx_http_push_session_set_timer(s, interval > timeout
                                               ? interval - timeout : 0);
            return;
        }

        rc = NGX_DECLINED;

    } else {
        rc = s->transport->ping(s);
    }

    switch (rc) {

    case NGX_OK:
        s->pinged = (timeout != 0);
        s->waiting = 1;

        ngx_http_push_session_set_timer(s, timeout ? timeout : interval);
        return;

    case NGX_DONE:
        ngx_http_push_session_set_timer(s, interval);
        return;

    case NGX_DECLINED:
        ngx_http_push_session_close(s, NGX_HTTP_PUSH_REASON_PING);
        break;

    default: /* NGX_ERROR */
        ngx_http_push_session_close(s, NGX_HTTP_PUSH_REASON_OVERLOAD);
    }

    ngx_http_push_session_set_timer(s, NGX_HTTP_PUSH_SESSION_LINGER);
}


void
ngx_http_push_session_drain(ngx_msec_t ms)
{
    ngx_http_push_session_shared_t  *sh;

    sh = &ngx_http_push_session_shared;

    if (sh->hub == NULL) {
        return;
    }

    sh->draining = 1;

    ngx_http_push_wheel_hold(&sh->wheel);
    ngx_http_push_wheel_walk(&sh->wheel, ngx_http_push_session_drain_one, &ms);
}


static void
ngx_http_push_session_drain_one(void *data, ngx_http_push_wheel_node_t *node)
{
    ngx_msec_t               *ms;
    ngx_http_push_session_t  *s;

    ms = data;
    s = ngx_http_push_session_of(node);

    if (s->closing || s->over) {
        return;
    }

    s->draining = 1;

    ngx_http_push_session_set_timer(s, *ms ? (ngx_msec_t) ngx_random() % *ms
                                           : 0);
}
