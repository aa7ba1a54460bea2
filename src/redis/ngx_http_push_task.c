/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: turns orders into commands, and replies into outcomes; the tasks
 * are their owner's.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_decimal.h"
#include "ngx_http_push_envelope.h"
#include "ngx_http_push_task.h"


#define NGX_HTTP_PUSH_TASK_WIRE  512        /* prefix= and a channel's name */

/* what the script writes itself: magic, kind, epoch, offset and time */
#define NGX_HTTP_PUSH_TASK_HEAD  (sizeof("xP1M - 0 0") - 1)


static ngx_int_t ngx_http_push_task_publish(ngx_http_push_task_t *task);
static ngx_int_t ngx_http_push_task_store(ngx_http_push_task_t *task,
    ngx_uint_t whole);
static ngx_int_t ngx_http_push_task_ask(ngx_http_push_task_t *task,
    ngx_uint_t whole);
static ngx_int_t ngx_http_push_task_count(ngx_http_push_task_t *task);
static ngx_int_t ngx_http_push_task_delete(ngx_http_push_task_t *task,
    ngx_uint_t whole);
static void ngx_http_push_task_fill(ngx_http_push_order_t *o,
    ngx_http_push_envelope_t *env);
static ngx_int_t ngx_http_push_task_write(ngx_http_push_task_t *task,
    ngx_http_push_envelope_t *env, ngx_str_t *text);
static const ngx_http_push_policy_t *ngx_http_push_task_policy(
    ngx_http_push_hist_conf_t *conf, ngx_http_push_order_t *o);
static void ngx_http_push_task_set_wire(ngx_http_push_task_t *task,
    ngx_str_t *wire);
static uint64_t ngx_http_push_task_now(void);

static ngx_int_t ngx_http_push_task_handler(ngx_http_push_link_command_t *cmd,
    ngx_uint_t outcome, ngx_http_push_reply_t *reply);
static ngx_int_t ngx_http_push_task_repeat(ngx_http_push_task_t *task);
static void ngx_http_push_task_lost(ngx_http_push_task_t *task,
    ngx_uint_t outcome);
static ngx_int_t ngx_http_push_task_read(ngx_http_push_task_t *task,
    ngx_http_push_link_command_t *cmd, ngx_http_push_reply_t *reply);
static ngx_int_t ngx_http_push_task_read_publish(ngx_http_push_task_t *task,
    ngx_http_push_reply_t *reply);
static ngx_int_t ngx_http_push_task_read_ask(ngx_http_push_task_t *task,
    ngx_http_push_reply_t *reply);
static ngx_int_t ngx_http_push_task_read_delete(ngx_http_push_task_t *task,
    ngx_http_push_reply_t *reply);
static ngx_int_t ngx_http_push_task_set_links(ngx_http_push_task_t *task,
    ngx_http_push_value_t *value);
static void ngx_http_push_task_fail(ngx_http_push_task_t *task,
    ngx_uint_t status, const char *text);
static void ngx_http_push_task_answered(ngx_http_push_task_t *task);


ngx_int_t
ngx_http_push_task_begin(ngx_http_push_task_t *task)
{
    ngx_int_t               rc;
    ngx_http_push_order_t  *o;

    o = task->order;

    task->kind = o->kind;
    task->outcome.status = 200;

    task->cmd.handler = ngx_http_push_task_handler;
    task->cmd.data = task;
    task->count.handler = ngx_http_push_task_handler;
    task->count.data = task;

    switch (o->kind) {

    case NGX_HTTP_PUSH_ORDER_PUBLISH:
        task->stored = ngx_http_push_task_stores(task->conf, o);

        rc = (task->stored || o->id.len) ? ngx_http_push_task_store(task, 0)
                                         : ngx_http_push_task_publish(task);
        break;

    case NGX_HTTP_PUSH_ORDER_INFO:
        rc = ngx_http_push_task_ask(task, 0);
        break;

    default: /* NGX_HTTP_PUSH_ORDER_DELETE */
        rc = ngx_http_push_task_delete(task, 0);
    }

    if (rc == NGX_OK) {
        task->waiting++;
    }

    return rc;
}


ngx_uint_t
ngx_http_push_task_stores(ngx_http_push_hist_conf_t *conf,
    ngx_http_push_order_t *o)
{
    return ngx_http_push_task_policy(conf, o) != NULL;
}


/* NULL: it is not stored */

static const ngx_http_push_policy_t *
ngx_http_push_task_policy(ngx_http_push_hist_conf_t *conf,
    ngx_http_push_order_t *o)
{
    if (o->volatile_ || (o->has_ttl && o->ttl == 0)) {
        return NULL;
    }

    return ngx_http_push_feed_policy(conf->feeds, &o->channel);
}


/* without a history: Redis only passes it on */

static ngx_int_t
ngx_http_push_task_publish(ngx_http_push_task_t *task)
{
    u_char                     buf[NGX_HTTP_PUSH_TASK_WIRE];
    ngx_int_t                  rc;
    ngx_str_t                  argv[3];
    ngx_http_push_envelope_t   env;

    ngx_http_push_task_fill(task->order, &env);

    env.time = ngx_http_push_task_now();

    rc = ngx_http_push_task_write(task, &env, &argv[2]);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_str_set(&argv[0], "PUBLISH");

    argv[1].data = buf;
    ngx_http_push_task_set_wire(task, &argv[1]);

    task->cmd.replies = 1;

    rc = ngx_http_push_link_send(task->link, &task->cmd, 3, argv);

    ngx_free(argv[2].data);

    return (rc == NGX_OK) ? NGX_OK : NGX_ERROR;
}


/*
 * With an id, too: that it was not sent yet has to be found out in the same
 * step that sends it.
 */

static ngx_int_t
ngx_http_push_task_store(ngx_http_push_task_t *task, ngx_uint_t whole)
{
    ngx_int_t                      rc;
    ngx_str_t                      text, rest, own;
    ngx_http_push_order_t         *o;
    ngx_http_push_envelope_t       env;
    ngx_http_push_hist_conf_t     *conf;
    ngx_http_push_script_call_t    call;

    o = task->order;
    conf = task->conf;

    ngx_http_push_task_fill(o, &env);

    if (task->stored && o->has_ttl) {
        env.ttl = o->ttl;
    }

    env.id.data = o->id.data;
    env.id.len = o->id.len;

    rc = ngx_http_push_task_write(task, &env, &text);
    if (rc != NGX_OK) {
        return rc;
    }

    rest.data = text.data + NGX_HTTP_PUSH_TASK_HEAD;
    rest.len = text.len - NGX_HTTP_PUSH_TASK_HEAD;

    own.data = (u_char *) "1";
    own.len = (env.ttl != 0) ? 1 : 0;

    ngx_http_push_script_begin(&call, NGX_HTTP_PUSH_SCRIPT_PUB, conf->rc,
                               &o->channel);

    if (o->id.len) {
        ngx_http_push_script_add_id(&call, conf->rc, &o->channel, &o->id);
    }

    ngx_http_push_script_add_wire(&call, conf->rc, &o->channel);
    ngx_http_push_script_add_policy(&call,
                                    ngx_http_push_task_policy(conf, o));
    ngx_http_push_script_add_epoch(&call);
    ngx_http_push_script_add(&call,
                             ngx_http_push_server_generation(conf->server));
    ngx_http_push_script_add(&call, &own);
    ngx_http_push_script_add(&call, &rest);
    ngx_http_push_script_add_number(&call, task->here);

    rc = ngx_http_push_script_send(&call, task->link, &task->cmd, whole);

    ngx_free(text.data);

    return (rc == NGX_OK) ? NGX_OK : NGX_ERROR;
}


/* who listens, and where there is a history what it has */

static ngx_int_t
ngx_http_push_task_ask(ngx_http_push_task_t *task, ngx_uint_t whole)
{
    ngx_int_t                    rc;
    ngx_http_push_hist_query_t   query;

    ngx_memzero(&query, sizeof(ngx_http_push_hist_query_t));

    query.channel = &task->order->channel;

    if (!whole) {
        rc = ngx_http_push_task_count(task);

        if (rc != NGX_OK
            || ngx_http_push_feed_policy(task->conf->feeds, query.channel)
               == NULL)
        {
            return rc;
        }

        task->waiting++;
    }

    rc = ngx_http_push_hist_send(task->conf, task->link, &task->cmd, &query,
                                 whole);
    if (rc == NGX_OK || whole) {
        return rc;
    }

    /* the other command is under way */

    task->waiting--;

    ngx_http_push_task_fail(task, 503, "out of memory");

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_task_count(ngx_http_push_task_t *task)
{
    u_char     buf[NGX_HTTP_PUSH_TASK_WIRE];
    ngx_str_t  argv[3];

    ngx_str_set(&argv[0], "PUBSUB");
    ngx_str_set(&argv[1], "NUMSUB");

    argv[2].data = buf;
    ngx_http_push_task_set_wire(task, &argv[2]);

    task->count.replies = 1;

    return (ngx_http_push_link_send(task->link, &task->count, 3, argv)
            == NGX_OK)
           ? NGX_OK : NGX_ERROR;
}


/*
 * Redis carries out the commands of all links one after the other, and sends
 * on in that order: so what was published to the channel before the delete
 * arrives before it, everywhere, and what comes later after it.
 */

static ngx_int_t
ngx_http_push_task_delete(ngx_http_push_task_t *task, ngx_uint_t whole)
{
    ngx_int_t                     rc;
    ngx_str_t                     text, always;
    ngx_http_push_order_t        *o;
    ngx_http_push_envelope_t      env;
    ngx_http_push_script_call_t   call;

    o = task->order;

    ngx_memzero(&env, sizeof(ngx_http_push_envelope_t));

    env.kind = NGX_HTTP_PUSH_ENVELOPE_KIND_CONTROL;
    env.event.data = (u_char *) NGX_HTTP_PUSH_TASK_DELETE;
    env.event.len = sizeof(NGX_HTTP_PUSH_TASK_DELETE) - 1;
    env.body.data = o->channel.data;
    env.body.len = o->channel.len;
    env.time = ngx_http_push_task_now();

    rc = ngx_http_push_task_write(task, &env, &text);
    if (rc != NGX_OK) {
        return rc;
    }

    always.data = (u_char *) "1";
    always.len = (task->here != 0) ? 1 : 0;

    ngx_http_push_script_begin(&call, NGX_HTTP_PUSH_SCRIPT_DEL,
                               task->conf->rc, &o->channel);
    ngx_http_push_script_add_wire(&call, task->conf->rc, &o->channel);
    ngx_http_push_script_add(&call, task->conf->control);
    ngx_http_push_script_add(&call, &text);
    ngx_http_push_script_add(&call, &always);

    rc = ngx_http_push_script_send(&call, task->link, &task->cmd, whole);

    ngx_free(text.data);

    return (rc == NGX_OK) ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_push_task_fill(ngx_http_push_order_t *o,
    ngx_http_push_envelope_t *env)
{
    ngx_memzero(env, sizeof(ngx_http_push_envelope_t));

    env->kind = NGX_HTTP_PUSH_ENVELOPE_KIND_MESSAGE;
    env->event.data = o->event.data;
    env->event.len = o->event.len;
    env->type.data = o->content_type.data;
    env->type.len = o->content_type.len;
    env->except.data = o->except.data;
    env->except.len = o->except.len;
    env->body.data = o->body.data;
    env->body.len = o->body.len;
    env->is_binary = o->binary;
    env->is_volatile = o->volatile_;
}


/* text->data is to be freed if NGX_OK */

static ngx_int_t
ngx_http_push_task_write(ngx_http_push_task_t *task,
    ngx_http_push_envelope_t *env, ngx_str_t *text)
{
    text->len = ngx_http_push_envelope_size(env);
    if (text->len == 0) {
        return NGX_DECLINED;
    }

    text->data = ngx_alloc(text->len, task->conf->log);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_http_push_envelope_write(text->data, env);

    return NGX_OK;
}


/* wire->data has room for the longest */

static void
ngx_http_push_task_set_wire(ngx_http_push_task_t *task, ngx_str_t *wire)
{
    u_char     *p;
    ngx_str_t  *prefix, *channel;

    prefix = &task->conf->rc->prefix;
    channel = &task->order->channel;

    p = ngx_cpymem(wire->data, prefix->data, prefix->len);
    p = ngx_cpymem(p, channel->data, channel->len);

    wire->len = p - wire->data;
}


static uint64_t
ngx_http_push_task_now(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (uint64_t) tp->sec * 1000 + tp->msec;
}


static ngx_int_t
ngx_http_push_task_handler(ngx_http_push_link_command_t *cmd,
    ngx_uint_t outcome, ngx_http_push_reply_t *reply)
{
    u_char                 text[NGX_HTTP_PUSH_REPLY_TEXT];
    ngx_http_push_task_t  *task;

    task = cmd->data;

    if (outcome != NGX_HTTP_PUSH_LINK_REPLIED) {
        ngx_http_push_task_lost(task, outcome);

    } else if (ngx_http_push_script_is_forgotten(reply) && !task->whole) {

        task->whole = 1;

        if (ngx_http_push_task_repeat(task) == NGX_OK) {
            return NGX_OK;
        }

        ngx_http_push_task_fail(task, 503, "out of memory");

    } else if (ngx_http_push_reply_is_error(reply, "")) {
        ngx_http_push_outcome_get(reply, &task->outcome);

        ngx_log_error(NGX_LOG_INFO, task->conf->log, 0,
                      "redis refused a command: %s",
                      ngx_http_push_reply_quote(reply, text));

    } else if (ngx_http_push_task_read(task, cmd, reply) != NGX_OK) {

        /* called again when the link is down */

        return NGX_ERROR;
    }

    ngx_http_push_task_answered(task);

    return NGX_OK;
}


/* nothing was done: the same once more, with the text of the script */

static ngx_int_t
ngx_http_push_task_repeat(ngx_http_push_task_t *task)
{
    if (task->order == NULL) {
        return NGX_ERROR;
    }

    switch (task->kind) {

    case NGX_HTTP_PUSH_ORDER_PUBLISH:
        return ngx_http_push_task_store(task, 1);

    case NGX_HTTP_PUSH_ORDER_INFO:
        return ngx_http_push_task_ask(task, 1);

    default: /* NGX_HTTP_PUSH_ORDER_DELETE */
        return ngx_http_push_task_delete(task, 1);
    }
}


/* a question has no outcome that could be in doubt */

static void
ngx_http_push_task_lost(ngx_http_push_task_t *task, ngx_uint_t outcome)
{
    if (outcome == NGX_HTTP_PUSH_LINK_UNKNOWN
        && task->kind != NGX_HTTP_PUSH_ORDER_INFO)
    {
        ngx_http_push_task_fail(task, 504,
                                "redis did not answer, outcome unknown");
        return;
    }

    ngx_http_push_task_fail(task, 503, "redis is away");
}


static ngx_int_t
ngx_http_push_task_read(ngx_http_push_task_t *task,
    ngx_http_push_link_command_t *cmd, ngx_http_push_reply_t *reply)
{
    if (cmd == &task->count) {

        /* [channel, number] */

        if (!ngx_http_push_reply_is_list(reply, 2)) {
            return NGX_ERROR;
        }

        return ngx_http_push_task_set_links(task, &reply->values[2]);
    }

    switch (task->kind) {

    case NGX_HTTP_PUSH_ORDER_PUBLISH:
        return ngx_http_push_task_read_publish(task, reply);

    case NGX_HTTP_PUSH_ORDER_INFO:
        return ngx_http_push_task_read_ask(task, reply);

    default: /* NGX_HTTP_PUSH_ORDER_DELETE */
        return ngx_http_push_task_read_delete(task, reply);
    }
}


/* the number of PUBLISH; or [epoch, offset, number], or all of the first */

static ngx_int_t
ngx_http_push_task_read_publish(ngx_http_push_task_t *task,
    ngx_http_push_reply_t *reply)
{
    uint64_t                offset;
    ngx_http_push_value_t  *value;

    value = reply->values;

    if (value->type == NGX_HTTP_PUSH_VALUE_INTEGER) {
        return ngx_http_push_task_set_links(task, value);
    }

    if (!ngx_http_push_reply_is_list(reply, 3)
        && !ngx_http_push_reply_is_list(reply, 4))
    {
        return NGX_ERROR;
    }

    if (value[1].type != NGX_HTTP_PUSH_VALUE_STRING
        || value[2].type != NGX_HTTP_PUSH_VALUE_STRING
        || !ngx_http_push_decimal_read(value[2].str.data, value[2].str.len,
                                       &offset))
    {
        return NGX_ERROR;
    }

    if (offset != 0
        && ngx_http_push_position_set(&task->position, &value[1].str, offset)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (reply->n == 5 && value[4].type == NGX_HTTP_PUSH_VALUE_INTEGER) {
        task->here = (ngx_uint_t) value[4].integer;
        task->repeated = 1;
    }

    return ngx_http_push_task_set_links(task, &value[3]);
}


static ngx_int_t
ngx_http_push_task_read_ask(ngx_http_push_task_t *task,
    ngx_http_push_reply_t *reply)
{
    ngx_http_push_hist_t  hist;

    if (ngx_http_push_hist_parse(&hist, reply) != NGX_OK) {
        return NGX_ERROR;
    }

    task->position = hist.top;
    task->messages = hist.messages;

    return NGX_OK;
}


/* [had a history, workers that listen] */

static ngx_int_t
ngx_http_push_task_read_delete(ngx_http_push_task_t *task,
    ngx_http_push_reply_t *reply)
{
    ngx_http_push_value_t  *value;

    value = reply->values;

    if (!ngx_http_push_reply_is_list(reply, 2)
        || value[1].type != NGX_HTTP_PUSH_VALUE_INTEGER
        || ngx_http_push_task_set_links(task, &value[2]) != NGX_OK)
    {
        return NGX_ERROR;
    }

    task->told = (task->here != 0 || value[1].integer != 0 || task->links != 0);

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_task_set_links(ngx_http_push_task_t *task,
    ngx_http_push_value_t *value)
{
    if (value->type != NGX_HTTP_PUSH_VALUE_INTEGER || value->integer < 0) {
        return NGX_ERROR;
    }

    task->links = (ngx_uint_t) value->integer;
    task->has_links = 1;

    return NGX_OK;
}


static void
ngx_http_push_task_fail(ngx_http_push_task_t *task, ngx_uint_t status,
    const char *text)
{
    task->outcome.status = status;
    task->outcome.text = text;
}


static void
ngx_http_push_task_answered(ngx_http_push_task_t *task)
{
    if (--task->waiting == 0) {
        task->done(task);
    }
}
