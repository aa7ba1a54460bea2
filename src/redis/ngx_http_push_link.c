/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: one link to Redis: owns its connection through all its lives, the
 * backoff and the queue of commands.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_dial.h"
#include "ngx_http_push_link.h"


#define NGX_HTTP_PUSH_LINK_STABLE  1000      /* ms up: backoff starts anew */
#define NGX_HTTP_PUSH_LINK_NEXT    1         /* ms to the next address */

#define NGX_HTTP_PUSH_LINK_HELLO   3         /* AUTH, SELECT, PING */


typedef enum {
    NGX_HTTP_PUSH_LINK_FINE = 0,
    NGX_HTTP_PUSH_LINK_AWAY,                 /* network, stopped, loading */
    NGX_HTTP_PUSH_LINK_DENIED,               /* password, ACL, certificate */
    NGX_HTTP_PUSH_LINK_NONSENSE              /* not what Redis sends */
} ngx_http_push_link_cause_e;


struct ngx_http_push_link_s {
    ngx_http_push_link_conf_t      conf;
    ngx_log_t                     *log;

    ngx_uint_t                     state;    /* ngx_http_push_link_state_e */
    ngx_msec_t                     since;    /* state was entered */
    ngx_msec_t                     backoff;
    ngx_event_t                    timer;
    ngx_connection_t               dummy;    /* what a timer's data must be */

    ngx_http_push_dial_t          *dial;
    ngx_http_push_attach_t        *attach;   /* NULL: not connected */

    ngx_http_push_link_command_t  *first;
    ngx_http_push_link_command_t **last;
    ngx_uint_t                     pending;
    ngx_msec_t                     progress; /* the first command moved on */

    ngx_http_push_link_command_t   hello[NGX_HTTP_PUSH_LINK_HELLO];
    ngx_uint_t                     greeting; /* replies to come */

    u_char                         reason[NGX_HTTP_PUSH_REPLY_TEXT];
    ngx_uint_t                     reason_cause;

    unsigned                       used:1;    /* has come up or failed */
    unsigned                       was_ready:1;
    unsigned                       counted:1; /* in outage->links */
};


static void ngx_http_push_link_enter_handler(void *data, ngx_uint_t state);
static void ngx_http_push_link_connected_handler(void *data,
    ngx_connection_t *c);
static void ngx_http_push_link_failed_handler(void *data, ngx_err_t err,
    const char *text, ngx_uint_t refused);
static void ngx_http_push_link_greet(ngx_http_push_link_t *l);
static ngx_int_t ngx_http_push_link_greet_one(ngx_http_push_link_t *l,
    ngx_uint_t i, ngx_uint_t argc, ngx_str_t *argv);
static ngx_int_t ngx_http_push_link_greet_handler(
    ngx_http_push_link_command_t *cmd, ngx_uint_t outcome,
    ngx_http_push_reply_t *reply);

static ngx_int_t ngx_http_push_link_append(ngx_http_push_link_t *l,
    ngx_http_push_link_command_t *cmd, ngx_uint_t argc, ngx_str_t *argv);
static ngx_int_t ngx_http_push_link_reply_handler(void *data,
    ngx_http_push_reply_t *reply);
static void ngx_http_push_link_set_reason(ngx_http_push_link_t *l,
    ngx_uint_t cause, const char *text);
static void ngx_http_push_link_broken_handler(void *data, const char *text,
    ngx_err_t err, ngx_uint_t malformed);
static void ngx_http_push_link_written_handler(void *data);
static ngx_uint_t ngx_http_push_link_busy_handler(void *data);
static void ngx_http_push_link_timer_handler(ngx_event_t *ev);
static void ngx_http_push_link_check(ngx_http_push_link_t *l);

static void ngx_http_push_link_fail(ngx_http_push_link_t *l, ngx_uint_t cause,
    ngx_err_t err, const char *text);
static void ngx_http_push_link_tell(ngx_http_push_link_t *l, ngx_uint_t cause,
    const char *verb, u_char *text);
static void ngx_http_push_link_close(ngx_http_push_link_t *l);
static void ngx_http_push_link_answer(ngx_http_push_link_t *l, uint64_t sent);
static void ngx_http_push_link_wait(ngx_http_push_link_t *l, ngx_uint_t next);
static void ngx_http_push_link_enter(ngx_http_push_link_t *l,
    ngx_uint_t state);


ngx_http_push_link_t *
ngx_http_push_link_create(ngx_http_push_link_conf_t *conf, ngx_log_t *log)
{
    ngx_http_push_link_t       *l;
    ngx_http_push_dial_conf_t   dial;

    l = ngx_calloc(sizeof(ngx_http_push_link_t), log);
    if (l == NULL) {
        return NULL;
    }

    dial.enter = ngx_http_push_link_enter_handler;
    dial.connected = ngx_http_push_link_connected_handler;
    dial.failed = ngx_http_push_link_failed_handler;
    dial.data = l;
    dial.name = conf->name;
    dial.rc = conf->rc;

    l->dial = ngx_http_push_dial_create(&dial, log);
    if (l->dial == NULL) {
        ngx_free(l);
        return NULL;
    }

    l->conf = *conf;
    l->log = log;
    l->last = &l->first;

    l->dummy.data = l;
    l->dummy.fd = (ngx_socket_t) -1;

    l->timer.handler = ngx_http_push_link_timer_handler;
    l->timer.data = &l->dummy;
    l->timer.log = log;
    l->timer.cancelable = 1;

    l->conf.outage->links++;
    l->counted = 1;

    ngx_http_push_link_enter(l, NGX_HTTP_PUSH_LINK_WAIT);

    ngx_add_timer(&l->timer, NGX_HTTP_PUSH_LINK_NEXT);

    return l;
}


void
ngx_http_push_link_destroy(ngx_http_push_link_t *l)
{
    uint64_t  sent;

    sent = (l->attach != NULL) ? ngx_http_push_attach_sent(l->attach) : 0;

    ngx_http_push_link_close(l);
    ngx_http_push_link_answer(l, sent);
    ngx_http_push_link_enter(l, NGX_HTTP_PUSH_LINK_OFF);

    ngx_http_push_dial_destroy(l->dial);
    ngx_free(l);
}


ngx_uint_t
ngx_http_push_link_is_up(ngx_http_push_link_t *l)
{
    return l->state >= NGX_HTTP_PUSH_LINK_SYNC;
}


ngx_uint_t
ngx_http_push_link_is_new(ngx_http_push_link_t *l)
{
    return !l->used;
}


ngx_uint_t
ngx_http_push_link_pending(ngx_http_push_link_t *l)
{
    return l->pending;
}


size_t
ngx_http_push_link_waiting(ngx_http_push_link_t *l)
{
    if (l->attach == NULL) {
        return 0;
    }

    return ngx_http_push_attach_appended(l->attach)
           - ngx_http_push_attach_sent(l->attach);
}


void
ngx_http_push_link_flush(ngx_http_push_link_t *l)
{
    if (l->attach != NULL) {
        ngx_http_push_attach_flush(l->attach);
    }
}


void
ngx_http_push_link_ready(ngx_http_push_link_t *l)
{
    ngx_uint_t                    level;
    ngx_http_push_link_outage_t  *outage;

    if (l->state != NGX_HTTP_PUSH_LINK_SYNC) {
        return;
    }

    if (l->was_ready) {
        l->conf.figures->reconnects++;
    }

    l->was_ready = 1;

    ngx_http_push_link_enter(l, NGX_HTTP_PUSH_LINK_UP);

    outage = l->conf.outage;

    if (l->counted) {
        l->counted = 0;
        outage->links--;
    }

    if (outage->links != 0) {
        return;
    }

    if (outage->cause != NGX_HTTP_PUSH_LINK_FINE) {
        level = NGX_LOG_NOTICE;

    } else {
        level = NGX_LOG_INFO;
    }

    ngx_log_error(level, l->log, 0, "redis \"%V\" is %s",
                  &l->conf.rc->url.shown,
                  (level == NGX_LOG_NOTICE) ? "back" : "connected");

    outage->cause = NGX_HTTP_PUSH_LINK_FINE;
}


ngx_int_t
ngx_http_push_link_send(ngx_http_push_link_t *l,
    ngx_http_push_link_command_t *cmd, ngx_uint_t argc, ngx_str_t *argv)
{
    if (!ngx_http_push_link_is_up(l)) {
        return NGX_DECLINED;
    }

    return ngx_http_push_link_append(l, cmd, argc, argv);
}


/*
 * Where a host's addresses lead to different servers two links may have come
 * to different ones: they start together again.
 */

void
ngx_http_push_link_drop(ngx_http_push_link_t *l, const char *text)
{
    if (l->attach != NULL) {
        ngx_http_push_link_fail(l, NGX_HTTP_PUSH_LINK_AWAY, 0, text);
        ngx_http_push_dial_rewind(l->dial);
    }
}


/*
 * A server that starts or is full will take us later: that is not what an
 * administrator has to be told twice.
 */

ngx_int_t
ngx_http_push_link_refuse(ngx_http_push_link_t *l,
    ngx_http_push_reply_t *reply)
{
    ngx_uint_t           i;

    static const char   *away[] = {
        "LOADING",
        "BUSY",
        "MASTERDOWN",
        "ERR max number of clients",
        NULL
    };

    ngx_http_push_reply_quote(reply, l->reason);

    l->reason_cause = NGX_HTTP_PUSH_LINK_DENIED;

    for (i = 0; away[i] != NULL; i++) {
        if (ngx_http_push_reply_is_error(reply, away[i])) {
            l->reason_cause = NGX_HTTP_PUSH_LINK_AWAY;
        }
    }

    return NGX_ERROR;
}


static void
ngx_http_push_link_enter_handler(void *data, ngx_uint_t state)
{
    ngx_http_push_link_enter(data, state);
}


static void
ngx_http_push_link_failed_handler(void *data, ngx_err_t err, const char *text,
    ngx_uint_t refused)
{
    ngx_http_push_link_fail(data, refused ? NGX_HTTP_PUSH_LINK_DENIED
                                          : NGX_HTTP_PUSH_LINK_AWAY,
                            err, text);
}


static void
ngx_http_push_link_connected_handler(void *data, ngx_connection_t *c)
{
    ngx_http_push_link_t         *l = data;
    ngx_http_push_attach_conf_t   conf;

    ngx_memzero(&conf, sizeof(ngx_http_push_attach_conf_t));

    conf.reply = ngx_http_push_link_reply_handler;
    conf.broken = ngx_http_push_link_broken_handler;
    conf.written = ngx_http_push_link_written_handler;
    conf.busy = ngx_http_push_link_busy_handler;
    conf.data = l;
    conf.limits = l->conf.limits;

    l->attach = ngx_http_push_attach_open(c, &conf);

    if (l->attach == NULL) {
        ngx_http_push_redis_tls_close(c);

        ngx_http_push_link_fail(l, NGX_HTTP_PUSH_LINK_AWAY, 0,
                                "out of memory");
        return;
    }

    ngx_http_push_link_enter(l, NGX_HTTP_PUSH_LINK_AUTH);

    ngx_http_push_link_greet(l);
}


/*
 * PING shows that somebody is there: the kernel connects to a stopped Redis,
 * too, and one that wants a password says so only now.
 */

static void
ngx_http_push_link_greet(ngx_http_push_link_t *l)
{
    u_char                       db[NGX_INT_T_LEN];
    ngx_int_t                    rc;
    ngx_str_t                    argv[3];
    ngx_uint_t                   argc;
    ngx_http_push_redis_conf_t  *conf;

    conf = l->conf.rc;
    l->greeting = 0;
    rc = NGX_OK;

    if (conf->url.password.len) {
        argc = 0;

        ngx_str_set(&argv[argc], "AUTH");
        argc++;

        if (conf->url.user.len) {
            argv[argc++] = conf->url.user;
        }

        argv[argc++] = conf->url.password;

        rc = ngx_http_push_link_greet_one(l, 0, argc, argv);
    }

    /* channels belong to no database */

    if (rc == NGX_OK && conf->url.db > 0 && !l->conf.limits.pubsub) {
        ngx_str_set(&argv[0], "SELECT");

        argv[1].data = db;
        argv[1].len = ngx_sprintf(db, "%i", conf->url.db) - db;

        rc = ngx_http_push_link_greet_one(l, 1, 2, argv);
    }

    if (rc == NGX_OK) {
        ngx_str_set(&argv[0], "PING");

        rc = ngx_http_push_link_greet_one(l, 2, 1, argv);
    }

    if (rc != NGX_OK) {
        ngx_http_push_link_fail(l, NGX_HTTP_PUSH_LINK_AWAY, 0,
                                "out of memory");
    }
}


static ngx_int_t
ngx_http_push_link_greet_one(ngx_http_push_link_t *l, ngx_uint_t i,
    ngx_uint_t argc, ngx_str_t *argv)
{
    ngx_http_push_link_command_t  *cmd;

    cmd = &l->hello[i];

    cmd->handler = ngx_http_push_link_greet_handler;
    cmd->data = l;
    cmd->replies = 1;

    l->greeting++;

    return ngx_http_push_link_append(l, cmd, argc, argv);
}


static ngx_int_t
ngx_http_push_link_greet_handler(ngx_http_push_link_command_t *cmd,
    ngx_uint_t outcome, ngx_http_push_reply_t *reply)
{
    ngx_uint_t             ping;
    ngx_http_push_link_t  *l;

    l = cmd->data;

    if (outcome != NGX_HTTP_PUSH_LINK_REPLIED) {
        return NGX_OK;
    }

    ping = (cmd == &l->hello[2]);

    if (!ngx_http_push_reply_is_status(reply, ping ? "PONG" : "OK")) {

        if (!ngx_http_push_reply_is_error(reply, "")) {
            return NGX_ERROR;
        }

        /* who may not even ping is known at least */

        if (!ping || !ngx_http_push_reply_is_error(reply, "NOPERM")) {
            return ngx_http_push_link_refuse(l, reply);
        }
    }

    if (--l->greeting != 0) {
        return NGX_OK;
    }

    l->used = 1;

    ngx_http_push_link_enter(l, NGX_HTTP_PUSH_LINK_SYNC);

    if (l->conf.up(l->conf.data) != NGX_OK) {
        ngx_http_push_link_set_reason(l, NGX_HTTP_PUSH_LINK_AWAY,
                                      "out of memory");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_link_append(ngx_http_push_link_t *l,
    ngx_http_push_link_command_t *cmd, ngx_uint_t argc, ngx_str_t *argv)
{
    if (ngx_http_push_attach_command(l->attach, argc, argv) != NGX_OK) {
        return NGX_ERROR;
    }

    cmd->next = NULL;
    cmd->end = ngx_http_push_attach_appended(l->attach);
    cmd->since = ngx_current_msec;

    *l->last = cmd;
    l->last = &cmd->next;

    l->pending++;
    l->conf.figures->pending = l->pending;

    if (!l->timer.timer_set) {
        ngx_add_timer(&l->timer, l->conf.rc->timeout);
    }

    return NGX_OK;
}


/*
 * The command is out of the queue before its handler is called, which may
 * free it; a handler that returns NGX_ERROR has not, and it is put back to be
 * answered with the others.
 */

static ngx_int_t
ngx_http_push_link_reply_handler(void *data, ngx_http_push_reply_t *reply)
{
    ngx_int_t                      rc;
    ngx_uint_t                     last;
    ngx_http_push_link_t          *l;
    ngx_http_push_link_command_t  *cmd;

    l = data;

    if (reply->msg != NULL) {
        rc = l->conf.message(l->conf.data, &reply->values[2].str, reply->msg);

        if (rc == NGX_ERROR) {
            ngx_http_push_link_set_reason(l, NGX_HTTP_PUSH_LINK_NONSENSE,
                                          "stray message");
        }

        return rc;
    }

    cmd = l->first;

    if (cmd == NULL) {

        /* an error tells why the server is going to close */

        if (ngx_http_push_reply_is_error(reply, "")) {
            return ngx_http_push_link_refuse(l, reply);
        }

        ngx_http_push_link_set_reason(l, NGX_HTTP_PUSH_LINK_NONSENSE,
                                      "stray reply");
        return NGX_ERROR;
    }

    last = (--cmd->replies == 0 || ngx_http_push_reply_is_error(reply, ""));

    if (last) {
        l->first = cmd->next;

        if (l->first == NULL) {
            l->last = &l->first;
        }

        l->pending--;
    }

    l->progress = ngx_current_msec;

    rc = cmd->handler(cmd, NGX_HTTP_PUSH_LINK_REPLIED, reply);

    if (rc == NGX_ERROR && last) {
        cmd->next = l->first;

        if (l->first == NULL) {
            l->last = &cmd->next;
        }

        l->first = cmd;
        l->pending++;
    }

    l->conf.figures->pending = l->pending;

    return rc;
}


/* for ngx_http_push_link_broken_handler(), which has only a general text */

static void
ngx_http_push_link_set_reason(ngx_http_push_link_t *l, ngx_uint_t cause,
    const char *text)
{
    ngx_cpystrn(l->reason, (u_char *) text, sizeof(l->reason));
    l->reason_cause = cause;
}


static void
ngx_http_push_link_broken_handler(void *data, const char *text, ngx_err_t err,
    ngx_uint_t malformed)
{
    ngx_http_push_link_t  *l = data;

    if (l->reason[0] != '\0') {
        ngx_http_push_link_fail(l, l->reason_cause, 0, (char *) l->reason);
        return;
    }

    ngx_http_push_link_fail(l, malformed ? NGX_HTTP_PUSH_LINK_NONSENSE
                                         : NGX_HTTP_PUSH_LINK_AWAY,
                            err, text);
}


/* a command that is still on its way to Redis is not late */

static void
ngx_http_push_link_written_handler(void *data)
{
    ngx_http_push_link_t  *l = data;

    if (l->first != NULL
        && ngx_http_push_attach_sent(l->attach) <= l->first->end)
    {
        l->progress = ngx_current_msec;
    }

    if (ngx_http_push_link_is_up(l)) {
        l->conf.written(l->conf.data);
    }
}


static ngx_uint_t
ngx_http_push_link_busy_handler(void *data)
{
    ngx_http_push_link_t  *l = data;

    return l->conf.busy(l->conf.data);
}


static void
ngx_http_push_link_timer_handler(ngx_event_t *ev)
{
    ngx_connection_t      *c;
    ngx_http_push_link_t  *l;

    c = ev->data;
    l = c->data;

    if (l->state == NGX_HTTP_PUSH_LINK_WAIT) {
        l->reason[0] = '\0';
        ngx_http_push_dial_begin(l->dial);
        return;
    }

    ngx_http_push_link_check(l);
}


/* one timer for all commands: it is not moved with each reply */

static void
ngx_http_push_link_check(ngx_http_push_link_t *l)
{
    ngx_msec_t      start;
    ngx_msec_int_t  left;

    if (l->first == NULL) {
        return;
    }

    start = l->first->since;

    if ((ngx_msec_int_t) (l->progress - start) > 0) {
        start = l->progress;
    }

    left = (ngx_msec_int_t) (start + l->conf.rc->timeout - ngx_current_msec);

    if (left > 0) {
        ngx_add_timer(&l->timer, (ngx_msec_t) left);
        return;
    }

    ngx_http_push_link_fail(l, NGX_HTTP_PUSH_LINK_AWAY, 0,
                            "no answer in time");
}


/* the one door for every end; text may be l->reason */

static void
ngx_http_push_link_fail(ngx_http_push_link_t *l, ngx_uint_t cause,
    ngx_err_t err, const char *text)
{
    u_char      *p, *last, full[NGX_HTTP_PUSH_LINK_ERROR], errstr[64];
    uint64_t     sent;
    ngx_uint_t   up;

    last = full + sizeof(full) - 1;

    p = ngx_slprintf(full, last, "%s", text);

    if (err != 0) {
        *ngx_strerror(err, errstr, sizeof(errstr) - 1) = '\0';
        p = ngx_slprintf(p, last, " (%d: %s)", err, errstr);
    }

    *p = '\0';

    l->used = 1;

    up = ngx_http_push_link_is_up(l);

    ngx_http_push_link_tell(l, cause, up ? "lost" : "failed", full);

    sent = (l->attach != NULL) ? ngx_http_push_attach_sent(l->attach) : 0;

    ngx_http_push_link_close(l);

    if (!l->counted) {
        l->counted = 1;
        l->conf.outage->links++;
    }

    if (l->state == NGX_HTTP_PUSH_LINK_UP
        && ngx_current_msec - l->since >= NGX_HTTP_PUSH_LINK_STABLE)
    {
        l->backoff = 0;
    }

    /* a lost link is tried where it was, a failed one at the next address */

    ngx_http_push_link_wait(l, !up);

    ngx_http_push_link_answer(l, sent);

    l->conf.down(l->conf.data);
}


/*
 * The first loss is an error.  What follows from it is not: only when Redis
 * refuses us, or what answers is no Redis, the administrator learns it, once
 * for each text.
 */

static void
ngx_http_push_link_tell(ngx_http_push_link_t *l, ngx_uint_t cause,
    const char *verb, u_char *text)
{
    ngx_uint_t                    level;
    ngx_http_push_link_outage_t  *outage;

    outage = l->conf.outage;
    level = NGX_LOG_INFO;

    if (outage->cause == NGX_HTTP_PUSH_LINK_FINE
        || (cause != NGX_HTTP_PUSH_LINK_AWAY
            && ngx_strcmp(outage->text, text) != 0))
    {
        level = NGX_LOG_ERR;

        ngx_cpystrn(outage->text, text, sizeof(outage->text));
    }

    outage->cause = cause;

    ngx_log_error(level, l->log, 0, "redis link \"%s\" to \"%V\" %s: %s",
                  l->conf.name, ngx_http_push_dial_peer(l->dial), verb, text);

    *ngx_snprintf(l->conf.figures->error, NGX_HTTP_PUSH_LINK_ERROR - 1,
                  "%s, %V", text, ngx_http_push_dial_peer(l->dial)) = '\0';
}


/* what was not sent completely never reached Redis as a command */

static void
ngx_http_push_link_answer(ngx_http_push_link_t *l, uint64_t sent)
{
    ngx_uint_t                     outcome;
    ngx_http_push_link_command_t  *cmd, *next;

    cmd = l->first;

    l->first = NULL;
    l->last = &l->first;
    l->pending = 0;
    l->conf.figures->pending = 0;

    for ( /* void */ ; cmd != NULL; cmd = next) {
        next = cmd->next;

        outcome = (cmd->end <= sent) ? NGX_HTTP_PUSH_LINK_UNKNOWN
                                     : NGX_HTTP_PUSH_LINK_UNSENT;

        (void) cmd->handler(cmd, outcome, NULL);
    }
}


static void
ngx_http_push_link_close(ngx_http_push_link_t *l)
{
    ngx_http_push_attach_t  *a;

    if (l->timer.timer_set) {
        ngx_del_timer(&l->timer);
    }

    ngx_http_push_dial_close(l->dial);

    if (l->attach != NULL) {
        a = l->attach;
        l->attach = NULL;

        ngx_http_push_attach_close(a);
    }
}


/* next: the other addresses are tried before any waiting */

static void
ngx_http_push_link_wait(ngx_http_push_link_t *l, ngx_uint_t next)
{
    ngx_msec_t  delay, min, max;

    ngx_http_push_link_enter(l, NGX_HTTP_PUSH_LINK_WAIT);

    if (next && ngx_http_push_dial_next(l->dial)) {
        ngx_add_timer(&l->timer, NGX_HTTP_PUSH_LINK_NEXT);
        return;
    }

    ngx_http_push_dial_restart(l->dial);

    min = l->conf.rc->reconnect_min;
    max = l->conf.rc->reconnect_max;

    l->backoff = (l->backoff == 0) ? min : ngx_min(l->backoff * 2, max);

    /* a quarter of jitter, so that many workers do not come at once */

    delay = l->backoff - l->backoff / 4;
    delay += (ngx_msec_t) ngx_random() % (l->backoff / 2 + 1);

    ngx_add_timer(&l->timer, ngx_max(delay, 1));
}


static void
ngx_http_push_link_enter(ngx_http_push_link_t *l, ngx_uint_t state)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    l->state = state;
    l->since = ngx_current_msec;

    l->conf.figures->state = state;
    l->conf.figures->since = (uint64_t) tp->sec * 1000 + tp->msec;
}
