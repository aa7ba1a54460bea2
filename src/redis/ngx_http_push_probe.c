/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: probes the links: owns the timer and what is known of the proof.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_envelope.h"
#include "ngx_http_push_probe.h"


#define NGX_HTTP_PUSH_PROBE_ANSWER  5000     /* ms within which it is back */
#define NGX_HTTP_PUSH_PROBE_LATE    1000     /* ms: no sign of life */
#define NGX_HTTP_PUSH_PROBE_NONCE   16
#define NGX_HTTP_PUSH_PROBE_SIZE    256      /* of the whole envelope */


struct ngx_http_push_probe_s {
    ngx_event_t                    timer;
    ngx_connection_t               dummy;
    ngx_http_push_redis_conf_t    *rc;
    ngx_str_t                     *channel;
    ngx_http_push_link_figures_t  *figures;
    ngx_http_push_link_t          *link;      /* NULL: stopped */
    void                         (*lost)(void *data);
    void                          *data;
    ngx_log_t                     *log;

    /* the nonce tells our probes from those of a worker of the same name */
    u_char                         nonce[NGX_HTTP_PUSH_PROBE_NONCE];
    uint64_t                       number;
    uint64_t                       sent;      /* microseconds, monotonic */
    ngx_msec_t                     heard;     /* or when there was no proof */
    unsigned                       deaf:1;
    unsigned                       under_way:1;
    unsigned                       told:1;    /* of a refusal */
};


/* freed by its handler: it may outlive the interest in its reply */

typedef struct {
    ngx_http_push_link_command_t   cmd;
    ngx_http_push_probe_t         *probe;
} ngx_http_push_probe_command_t;


static void ngx_http_push_probe_timer_handler(ngx_event_t *ev);
static void ngx_http_push_probe_send(ngx_http_push_probe_t *p);
static ngx_int_t ngx_http_push_probe_publish(ngx_http_push_probe_t *p);
static ngx_int_t ngx_http_push_probe_handler(ngx_http_push_link_command_t *cmd,
    ngx_uint_t outcome, ngx_http_push_reply_t *reply);
static void ngx_http_push_probe_wait(ngx_http_push_probe_t *p);
static void ngx_http_push_probe_refused(ngx_http_push_probe_t *p,
    ngx_http_push_reply_t *reply);
static uint64_t ngx_http_push_probe_now(void);


ngx_http_push_probe_t *
ngx_http_push_probe_create(ngx_http_push_redis_conf_t *rc, ngx_str_t *channel,
    ngx_http_push_link_figures_t *figures, void (*lost)(void *data),
    void *data, ngx_log_t *log)
{
    uint64_t                n;
    ngx_uint_t              i;
    ngx_http_push_probe_t  *p;

    p = ngx_calloc(sizeof(ngx_http_push_probe_t), log);
    if (p == NULL) {
        return NULL;
    }

    p->rc = rc;
    p->channel = channel;
    p->figures = figures;
    p->lost = lost;
    p->data = data;
    p->log = log;

    p->dummy.data = p;
    p->dummy.fd = (ngx_socket_t) -1;

    p->timer.handler = ngx_http_push_probe_timer_handler;
    p->timer.data = &p->dummy;
    p->timer.log = log;
    p->timer.cancelable = 1;

    n = ((uint64_t) ngx_random() << 32) ^ (uint64_t) ngx_random()
        ^ ngx_http_push_probe_now() ^ ((uint64_t) ngx_pid << 48);

    for (i = 0; i < NGX_HTTP_PUSH_PROBE_NONCE; i++) {
        p->nonce[i] = "0123456789abcdef"[(n >> (i * 4)) & 0xf];
    }

    p->deaf = 1;
    p->heard = ngx_current_msec;

    return p;
}


void
ngx_http_push_probe_destroy(ngx_http_push_probe_t *p)
{
    if (p->timer.timer_set) {
        ngx_del_timer(&p->timer);
    }

    ngx_free(p);
}


void
ngx_http_push_probe_start(ngx_http_push_probe_t *p, ngx_http_push_link_t *cmd)
{
    p->link = cmd;

    ngx_http_push_probe_send(p);
}


ngx_uint_t
ngx_http_push_probe_stop(ngx_http_push_probe_t *p)
{
    ngx_uint_t  late;

    late = 0;

    if (p->timer.timer_set) {
        ngx_del_timer(&p->timer);
    }

    if (p->under_way) {
        p->under_way = 0;
        late = ngx_http_push_probe_now() - p->sent
               >= NGX_HTTP_PUSH_PROBE_LATE * 1000;
    }

    p->link = NULL;

    p->deaf = 1;

    return late;
}


/* there is no proof since the last one */

ngx_msec_t
ngx_http_push_probe_deaf_since(ngx_http_push_probe_t *p)
{
    if (!p->deaf) {
        return 0;
    }

    return ngx_max(p->heard, 1);
}


static void
ngx_http_push_probe_timer_handler(ngx_event_t *ev)
{
    ngx_connection_t       *c;
    ngx_http_push_probe_t  *p;

    c = ev->data;
    p = c->data;

    if (!p->under_way) {
        ngx_http_push_probe_send(p);
        return;
    }

    p->under_way = 0;

    p->deaf = 1;

    p->lost(p->data);
}


static void
ngx_http_push_probe_send(ngx_http_push_probe_t *p)
{
    if (ngx_http_push_probe_publish(p) != NGX_OK) {
        ngx_http_push_probe_wait(p);
        return;
    }

    p->under_way = 1;

    ngx_add_timer(&p->timer, NGX_HTTP_PUSH_PROBE_ANSWER);
}


static ngx_int_t
ngx_http_push_probe_publish(ngx_http_push_probe_t *p)
{
    u_char                          buf[NGX_HTTP_PUSH_PROBE_SIZE];
    ngx_str_t                       argv[3];
    ngx_time_t                     *tp;
    ngx_http_push_envelope_t        env;
    ngx_http_push_probe_command_t  *pc;

    tp = ngx_timeofday();

    ngx_memzero(&env, sizeof(ngx_http_push_envelope_t));

    env.kind = NGX_HTTP_PUSH_ENVELOPE_KIND_PROBE;
    env.offset = ++p->number;
    env.time = (uint64_t) tp->sec * 1000 + tp->msec;
    env.body.data = p->nonce;
    env.body.len = NGX_HTTP_PUSH_PROBE_NONCE;

    ngx_str_set(&argv[0], "PUBLISH");

    argv[1] = *p->channel;

    argv[2].data = buf;
    argv[2].len = ngx_http_push_envelope_write(buf, &env) - buf;

    pc = ngx_alloc(sizeof(ngx_http_push_probe_command_t), p->log);
    if (pc == NULL) {
        return NGX_ERROR;
    }

    pc->cmd.handler = ngx_http_push_probe_handler;
    pc->cmd.data = pc;
    pc->cmd.replies = 1;
    pc->probe = p;

    p->sent = ngx_http_push_probe_now();

    if (ngx_http_push_link_send(p->link, &pc->cmd, 3, argv) != NGX_OK) {
        ngx_free(pc);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * That Redis has taken the probe proves nothing.  If it refuses it the links
 * are good for other work, but remain without proof.
 */

static ngx_int_t
ngx_http_push_probe_handler(ngx_http_push_link_command_t *cmd,
    ngx_uint_t outcome, ngx_http_push_reply_t *reply)
{
    ngx_http_push_probe_command_t  *pc;

    pc = cmd->data;

    if (outcome == NGX_HTTP_PUSH_LINK_REPLIED) {

        if (ngx_http_push_reply_is_error(reply, "")) {
            ngx_http_push_probe_refused(pc->probe, reply);

        } else if (reply->values[0].type != NGX_HTTP_PUSH_VALUE_INTEGER) {
            return NGX_ERROR;
        }
    }

    ngx_free(pc);

    return NGX_OK;
}


static void
ngx_http_push_probe_refused(ngx_http_push_probe_t *p,
    ngx_http_push_reply_t *reply)
{
    u_char      text[NGX_HTTP_PUSH_REPLY_TEXT];
    ngx_uint_t  level;

    level = p->told ? NGX_LOG_INFO : NGX_LOG_ERR;
    p->told = 1;

    ngx_http_push_reply_quote(reply, text);

    ngx_log_error(level, p->log, 0, "redis refused the probe: %s", text);

    ngx_cpystrn(p->figures->error, text, NGX_HTTP_PUSH_LINK_ERROR);

    p->under_way = 0;
    p->deaf = 1;

    if (p->link != NULL) {
        ngx_http_push_probe_wait(p);
    }
}


ngx_int_t
ngx_http_push_probe_hear(ngx_http_push_probe_t *p, ngx_http_push_msg_t *m)
{
    ngx_time_t  *tp;

    if (m->body.len != NGX_HTTP_PUSH_PROBE_NONCE
        || ngx_memcmp(m->body.data, p->nonce, NGX_HTTP_PUSH_PROBE_NONCE) != 0)
    {
        return NGX_DECLINED;
    }

    if (!p->under_way || m->offset != p->number) {
        return NGX_OK;
    }

    tp = ngx_timeofday();

    p->under_way = 0;
    p->told = 0;
    p->deaf = 0;
    p->heard = ngx_current_msec;

    p->figures->probe_lag = ngx_http_push_probe_now() - p->sent;
    p->figures->probed = (uint64_t) tp->sec * 1000 + tp->msec;

    ngx_http_push_probe_wait(p);

    return NGX_OK;
}


/* up to a quarter less than the interval: workers do not probe in step */

static void
ngx_http_push_probe_wait(ngx_http_push_probe_t *p)
{
    ngx_msec_t  delay;

    delay = p->rc->probe - (ngx_msec_t) ngx_random() % (p->rc->probe / 4 + 1);

    ngx_add_timer(&p->timer, delay);
}


static uint64_t
ngx_http_push_probe_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
