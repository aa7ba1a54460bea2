/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the bus of many machines: owns this worker's two links to Redis,
 * and brings what they carry together with the hub.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_bus_redis.h"
#include "ngx_http_push_hist.h"
#include "ngx_http_push_interest.h"
#include "ngx_http_push_link.h"
#include "ngx_http_push_marks.h"
#include "ngx_http_push_orders.h"
#include "ngx_http_push_probe.h"
#include "ngx_http_push_reads.h"
#include "ngx_http_push_server.h"
#include "ngx_http_push_task.h"


#define NGX_HTTP_PUSH_BUS_REDIS_WORKER_MAX   64
#define NGX_HTTP_PUSH_BUS_REDIS_MESSAGE_MAX  (512 * 1024 * 1024)  /* Redis' */

#define NGX_HTTP_PUSH_BUS_REDIS_SUB          0     /* in figures->links */
#define NGX_HTTP_PUSH_BUS_REDIS_CMD          1

/* of replies that are no message: a piece of a history at most */
#define NGX_HTTP_PUSH_BUS_REDIS_VALUES  (NGX_HTTP_PUSH_HIST_MESSAGES + 64)
#define NGX_HTTP_PUSH_BUS_REDIS_BYTES   (NGX_HTTP_PUSH_HIST_SIZE              \
                                         + NGX_HTTP_PUSH_READER_SLACK)


/* bus is the first member: the interface's pointer is one to the whole */

typedef struct {
    ngx_http_push_bus_t            bus;

    ngx_http_push_redis_conf_t    *rc;
    ngx_http_push_hub_t           *hub;
    ngx_http_push_feeds_t         *feeds;
    ngx_http_push_figures_t       *figures;
    ngx_log_t                     *log;

    ngx_http_push_link_t          *sub;       /* subscriptions only */
    ngx_http_push_link_t          *cmd;       /* everything else */
    ngx_http_push_link_outage_t    outage;
    ngx_http_push_interest_t      *interest;
    ngx_http_push_server_t        *server;
    ngx_http_push_orders_t        *orders;
    ngx_http_push_marks_t         *marks;
    ngx_http_push_reads_t         *reads;
    ngx_http_push_probe_t         *probe;
    ngx_http_push_hist_conf_t      hist;

    ngx_str_t                      control;   /* of all workers */
    ngx_str_t                      own;       /* of this one */
    ngx_http_push_link_command_t   listen;    /* SUBSCRIBE of both */
    ngx_http_push_link_command_t   announce;
    ngx_http_push_link_command_t   load[NGX_HTTP_PUSH_SCRIPT_LAST];

    unsigned                       sub_ready:1;
    unsigned                       cmd_ready:1;
    unsigned                       told:1;    /* of a bad message */
} ngx_http_push_bus_redis_t;


static ngx_int_t ngx_http_push_bus_redis_init(ngx_http_push_bus_redis_t *b,
    ngx_str_t *worker);
static ngx_int_t ngx_http_push_bus_redis_init_names(
    ngx_http_push_bus_redis_t *b, ngx_str_t *worker);
static ngx_int_t ngx_http_push_bus_redis_init_links(
    ngx_http_push_bus_redis_t *b);

static ngx_int_t ngx_http_push_bus_redis_subscribe(ngx_http_push_bus_t *bus,
    ngx_http_push_channel_t *ch);
static ngx_int_t ngx_http_push_bus_redis_unsubscribe(ngx_http_push_bus_t *bus,
    ngx_http_push_channel_t *ch);
static ngx_int_t ngx_http_push_bus_redis_order(ngx_http_push_bus_t *bus,
    ngx_http_push_order_t *o);
static void ngx_http_push_bus_redis_cancel(ngx_http_push_bus_t *bus,
    ngx_http_push_order_t *o);
static ngx_int_t ngx_http_push_bus_redis_read(ngx_http_push_bus_t *bus,
    ngx_http_push_read_t *rd);
static void ngx_http_push_bus_redis_unread(ngx_http_push_bus_t *bus,
    ngx_http_push_read_t *rd);
static ngx_msec_t ngx_http_push_bus_redis_deaf_since(ngx_http_push_bus_t *bus);
static void ngx_http_push_bus_redis_quit(ngx_http_push_bus_t *bus);
static void ngx_http_push_bus_redis_destroy(ngx_http_push_bus_t *bus);

static ngx_int_t ngx_http_push_bus_redis_sub_up(void *data);
static ngx_int_t ngx_http_push_bus_redis_listen_handler(
    ngx_http_push_link_command_t *cmd, ngx_uint_t outcome,
    ngx_http_push_reply_t *reply);
static void ngx_http_push_bus_redis_synced(void *data);
static void ngx_http_push_bus_redis_sub_down(void *data);
static void ngx_http_push_bus_redis_sub_written(void *data);
static ngx_uint_t ngx_http_push_bus_redis_sub_busy(void *data);
static ngx_int_t ngx_http_push_bus_redis_cmd_up(void *data);
static void ngx_http_push_bus_redis_known(void *data);
static ngx_int_t ngx_http_push_bus_redis_announce_handler(
    ngx_http_push_link_command_t *cmd, ngx_uint_t outcome,
    ngx_http_push_reply_t *reply);
static void ngx_http_push_bus_redis_cmd_down(void *data);
static void ngx_http_push_bus_redis_cmd_written(void *data);
static ngx_uint_t ngx_http_push_bus_redis_cmd_busy(void *data);
static void ngx_http_push_bus_redis_start_probe(ngx_http_push_bus_redis_t *b);
static void ngx_http_push_bus_redis_probe_lost(void *data);

static void ngx_http_push_bus_redis_reached(void *data);
static void ngx_http_push_bus_redis_live(void *data,
    ngx_http_push_channel_t *ch, ngx_uint_t flags);
static ngx_int_t ngx_http_push_bus_redis_message(void *data,
    ngx_str_t *channel, ngx_http_push_msg_t *m);
static void ngx_http_push_bus_redis_control(ngx_http_push_bus_redis_t *b,
    ngx_str_t *channel, ngx_http_push_msg_t *m);
static ngx_int_t ngx_http_push_bus_redis_obey(ngx_http_push_bus_redis_t *b,
    ngx_str_t *channel, ngx_http_push_msg_t *m);
static ngx_uint_t ngx_http_push_bus_redis_is(ngx_http_push_msg_t *m,
    const char *event);
static void ngx_http_push_bus_redis_bad(ngx_http_push_bus_redis_t *b,
    ngx_str_t *channel);


ngx_http_push_bus_t *
ngx_http_push_bus_redis_create(ngx_http_push_redis_conf_t *rc,
    ngx_http_push_hub_t *h, ngx_http_push_feeds_t *fs, ngx_str_t *worker,
    ngx_log_t *log)
{
    ngx_http_push_bus_redis_t  *b;

    b = ngx_calloc(sizeof(ngx_http_push_bus_redis_t), log);
    if (b == NULL) {
        return NULL;
    }

    ngx_str_set(&b->bus.name, "redis");

    b->bus.silent = 1;
    b->bus.subscribe = ngx_http_push_bus_redis_subscribe;
    b->bus.unsubscribe = ngx_http_push_bus_redis_unsubscribe;
    b->bus.order = ngx_http_push_bus_redis_order;
    b->bus.cancel = ngx_http_push_bus_redis_cancel;
    b->bus.read = ngx_http_push_bus_redis_read;
    b->bus.unread = ngx_http_push_bus_redis_unread;
    b->bus.deaf_since = ngx_http_push_bus_redis_deaf_since;
    b->bus.quit = ngx_http_push_bus_redis_quit;
    b->bus.destroy = ngx_http_push_bus_redis_destroy;

    b->rc = rc;
    b->hub = h;
    b->feeds = fs;
    b->figures = ngx_http_push_hub_figures(h);
    b->log = log;

    if (ngx_http_push_bus_redis_init(b, worker) != NGX_OK) {
        ngx_http_push_bus_redis_destroy(&b->bus);
        return NULL;
    }

    return &b->bus;
}


static ngx_int_t
ngx_http_push_bus_redis_init(ngx_http_push_bus_redis_t *b, ngx_str_t *worker)
{
    ngx_http_push_interest_handlers_t  handlers;

    if (ngx_http_push_bus_redis_init_names(b, worker) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_push_script_init(b->log) != NGX_OK) {
        return NGX_ERROR;
    }

    b->server = ngx_http_push_server_create(
                         &b->figures->links[NGX_HTTP_PUSH_BUS_REDIS_CMD],
                         ngx_http_push_bus_redis_known, b, b->log);
    if (b->server == NULL) {
        return NGX_ERROR;
    }

    b->hist.rc = b->rc;
    b->hist.feeds = b->feeds;
    b->hist.server = b->server;
    b->hist.control = &b->control;
    b->hist.max_message = ngx_min(b->rc->max_message,
                                  NGX_HTTP_PUSH_BUS_REDIS_MESSAGE_MAX);
    b->hist.log = b->log;

    handlers.live = ngx_http_push_bus_redis_live;
    handlers.synced = ngx_http_push_bus_redis_synced;
    handlers.data = b;

    b->interest = ngx_http_push_interest_create(b->rc, b->hub,
                         &b->figures->links[NGX_HTTP_PUSH_BUS_REDIS_SUB],
                         &handlers, b->log);

    b->orders = ngx_http_push_orders_create(&b->hist, b->hub);

    b->marks = ngx_http_push_marks_create(&b->own,
                         ngx_http_push_bus_redis_reached, b, b->log);

    b->reads = ngx_http_push_reads_create(&b->hist, b->marks,
                         &b->figures->links[NGX_HTTP_PUSH_BUS_REDIS_CMD]);

    b->probe = ngx_http_push_probe_create(b->rc, &b->own,
                         &b->figures->links[NGX_HTTP_PUSH_BUS_REDIS_SUB],
                         ngx_http_push_bus_redis_probe_lost, b, b->log);

    if (b->interest == NULL
        || b->orders == NULL
        || b->marks == NULL
        || b->reads == NULL
        || b->probe == NULL)
    {
        return NGX_ERROR;
    }

    return ngx_http_push_bus_redis_init_links(b);
}


static ngx_int_t
ngx_http_push_bus_redis_init_names(ngx_http_push_bus_redis_t *b,
    ngx_str_t *worker)
{
    u_char     *p;
    size_t      size;
    ngx_str_t   name;

    name = *worker;
    name.len = ngx_min(name.len, NGX_HTTP_PUSH_BUS_REDIS_WORKER_MAX);

    size = b->rc->keys.len + sizeof("ctl:{}") - 1 + name.len;

    p = ngx_alloc(size, b->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    /* the name of the one is the beginning of the other */

    b->own.data = p;
    b->own.len = ngx_sprintf(p, "%Vctl:{%V}", &b->rc->keys, &name) - p;

    b->control.data = p;
    b->control.len = b->rc->keys.len + sizeof("ctl") - 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_bus_redis_init_links(ngx_http_push_bus_redis_t *b)
{
    ngx_http_push_link_conf_t  conf;

    ngx_memzero(&conf, sizeof(ngx_http_push_link_conf_t));

    conf.rc = b->rc;
    conf.outage = &b->outage;
    conf.data = b;
    conf.limits.max_message = b->hist.max_message;
    conf.limits.max_values = NGX_HTTP_PUSH_BUS_REDIS_VALUES;
    conf.limits.max_bytes = NGX_HTTP_PUSH_BUS_REDIS_BYTES;

    conf.name = "sub";
    conf.figures = &b->figures->links[NGX_HTTP_PUSH_BUS_REDIS_SUB];
    conf.up = ngx_http_push_bus_redis_sub_up;
    conf.down = ngx_http_push_bus_redis_sub_down;
    conf.message = ngx_http_push_bus_redis_message;
    conf.written = ngx_http_push_bus_redis_sub_written;
    conf.busy = ngx_http_push_bus_redis_sub_busy;
    conf.limits.pubsub = 1;

    b->sub = ngx_http_push_link_create(&conf, b->log);
    if (b->sub == NULL) {
        return NGX_ERROR;
    }

    conf.name = "cmd";
    conf.figures = &b->figures->links[NGX_HTTP_PUSH_BUS_REDIS_CMD];
    conf.up = ngx_http_push_bus_redis_cmd_up;
    conf.down = ngx_http_push_bus_redis_cmd_down;
    conf.message = NULL;
    conf.written = ngx_http_push_bus_redis_cmd_written;
    conf.busy = ngx_http_push_bus_redis_cmd_busy;
    conf.limits.max_bytes += b->hist.max_message;
    conf.limits.pubsub = 0;

    b->cmd = ngx_http_push_link_create(&conf, b->log);
    if (b->cmd == NULL) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* also of a bus that was not made completely */

static void
ngx_http_push_bus_redis_destroy(ngx_http_push_bus_t *bus)
{
    ngx_http_push_bus_redis_t  *b = (ngx_http_push_bus_redis_t *) bus;

    if (b->sub != NULL) {
        ngx_http_push_interest_leave(b->interest);
        ngx_http_push_link_destroy(b->sub);
    }

    if (b->cmd != NULL) {
        ngx_http_push_link_flush(b->cmd);
        ngx_http_push_link_destroy(b->cmd);
    }

    if (b->interest != NULL) {
        ngx_http_push_interest_destroy(b->interest);
    }

    if (b->orders != NULL) {
        ngx_http_push_orders_destroy(b->orders);
    }

    if (b->probe != NULL) {
        ngx_http_push_probe_destroy(b->probe);
    }

    if (b->reads != NULL) {
        ngx_http_push_reads_destroy(b->reads);
    }

    if (b->marks != NULL) {
        ngx_http_push_marks_destroy(b->marks);
    }

    if (b->server != NULL) {
        ngx_http_push_server_destroy(b->server);
    }

    if (b->own.data != NULL) {
        ngx_free(b->own.data);
    }

    ngx_free(b);
}


static ngx_int_t
ngx_http_push_bus_redis_subscribe(ngx_http_push_bus_t *bus,
    ngx_http_push_channel_t *ch)
{
    ngx_http_push_bus_redis_t  *b = (ngx_http_push_bus_redis_t *) bus;

    return ngx_http_push_interest_subscribe(b->interest, ch);
}


static ngx_int_t
ngx_http_push_bus_redis_unsubscribe(ngx_http_push_bus_t *bus,
    ngx_http_push_channel_t *ch)
{
    ngx_http_push_bus_redis_t  *b = (ngx_http_push_bus_redis_t *) bus;

    return ngx_http_push_interest_unsubscribe(b->interest, ch);
}


static ngx_int_t
ngx_http_push_bus_redis_order(ngx_http_push_bus_t *bus,
    ngx_http_push_order_t *o)
{
    ngx_http_push_bus_redis_t  *b = (ngx_http_push_bus_redis_t *) bus;

    return ngx_http_push_orders_give(b->orders, b->cmd, o);
}


static void
ngx_http_push_bus_redis_cancel(ngx_http_push_bus_t *bus,
    ngx_http_push_order_t *o)
{
    ngx_http_push_orders_cancel(o);
}


static ngx_int_t
ngx_http_push_bus_redis_read(ngx_http_push_bus_t *bus,
    ngx_http_push_read_t *rd)
{
    ngx_http_push_bus_redis_t  *b = (ngx_http_push_bus_redis_t *) bus;

    return ngx_http_push_reads_give(b->reads, b->cmd, rd);
}


static void
ngx_http_push_bus_redis_unread(ngx_http_push_bus_t *bus,
    ngx_http_push_read_t *rd)
{
    ngx_http_push_reads_cancel(rd);
}


static ngx_msec_t
ngx_http_push_bus_redis_deaf_since(ngx_http_push_bus_t *bus)
{
    ngx_http_push_bus_redis_t  *b = (ngx_http_push_bus_redis_t *) bus;

    return ngx_http_push_probe_deaf_since(b->probe);
}


static void
ngx_http_push_bus_redis_quit(ngx_http_push_bus_t *bus)
{
    ngx_http_push_bus_redis_t  *b = (ngx_http_push_bus_redis_t *) bus;

    ngx_http_push_interest_quit(b->interest);
}


static ngx_int_t
ngx_http_push_bus_redis_sub_up(void *data)
{
    ngx_http_push_bus_redis_t  *b = data;

    ngx_str_t  argv[3];

    b->told = 0;

    b->listen.handler = ngx_http_push_bus_redis_listen_handler;
    b->listen.data = b;
    b->listen.replies = 2;

    ngx_str_set(&argv[0], "SUBSCRIBE");
    argv[1] = b->control;
    argv[2] = b->own;

    return ngx_http_push_link_send(b->sub, &b->listen, 3, argv);
}


/*
 * Called for each of the two channels.  Without them the worker would neither
 * hear the others nor could it prove that it hears anything.
 */

static ngx_int_t
ngx_http_push_bus_redis_listen_handler(ngx_http_push_link_command_t *cmd,
    ngx_uint_t outcome, ngx_http_push_reply_t *reply)
{
    ngx_str_t                  *name, *expected;
    ngx_http_push_bus_redis_t  *b;

    b = cmd->data;

    if (outcome != NGX_HTTP_PUSH_LINK_REPLIED) {
        return NGX_OK;
    }

    if (ngx_http_push_reply_is_error(reply, "")) {
        return ngx_http_push_link_refuse(b->sub, reply);
    }

    expected = (cmd->replies != 0) ? &b->control : &b->own;

    if (!ngx_http_push_reply_is_list(reply, 3)
        || !ngx_http_push_reply_is_string(&reply->values[1], "subscribe"))
    {
        return NGX_ERROR;
    }

    name = &reply->values[2].str;

    if (name->len != expected->len
        || ngx_memcmp(name->data, expected->data, name->len) != 0)
    {
        return NGX_ERROR;
    }

    if (cmd->replies == 0) {
        ngx_http_push_marks_set_listening(b->marks, 1);
        ngx_http_push_interest_up(b->interest, b->sub);
    }

    return NGX_OK;
}


static void
ngx_http_push_bus_redis_synced(void *data)
{
    ngx_http_push_bus_redis_t  *b = data;

    b->sub_ready = 1;

    ngx_http_push_orders_set_listening(b->orders, 1);

    ngx_http_push_link_ready(b->sub);
    ngx_http_push_bus_redis_start_probe(b);
}


static void
ngx_http_push_bus_redis_sub_down(void *data)
{
    ngx_http_push_bus_redis_t  *b = data;

    b->sub_ready = 0;

    /* before anybody hears that no mark will come back any more */
    ngx_http_push_feed_lost(b->feeds);

    ngx_http_push_marks_set_listening(b->marks, 0);
    ngx_http_push_orders_set_listening(b->orders, 0);

    (void) ngx_http_push_probe_stop(b->probe);

    ngx_http_push_interest_down(b->interest);
}


static void
ngx_http_push_bus_redis_sub_written(void *data)
{
    ngx_http_push_bus_redis_t  *b = data;

    ngx_http_push_interest_written(b->interest);
}


/* what was delivered is still being written: Redis holds the rest */

static ngx_uint_t
ngx_http_push_bus_redis_sub_busy(void *data)
{
    ngx_http_push_bus_redis_t  *b = data;

    return ngx_http_push_hub_busy(b->hub);
}


static ngx_int_t
ngx_http_push_bus_redis_cmd_up(void *data)
{
    ngx_http_push_bus_redis_t  *b = data;

    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_PUSH_SCRIPT_LAST; i++) {
        b->load[i].handler = ngx_http_push_bus_redis_announce_handler;
        b->load[i].data = b;

        if (ngx_http_push_script_load(b->cmd, &b->load[i], i) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    b->announce.handler = ngx_http_push_bus_redis_announce_handler;
    b->announce.data = b;

    if (ngx_http_push_hist_announce(&b->hist, b->cmd, &b->announce)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_push_server_ask(b->server, b->cmd);
}


/* where it is refused, the calls that need it find out */

static ngx_int_t
ngx_http_push_bus_redis_announce_handler(ngx_http_push_link_command_t *cmd,
    ngx_uint_t outcome, ngx_http_push_reply_t *reply)
{
    return NGX_OK;
}


/* who is behind the link: nothing is stored, or asked for, before */

static void
ngx_http_push_bus_redis_known(void *data)
{
    ngx_http_push_bus_redis_t  *b = data;

    b->cmd_ready = 1;

    ngx_http_push_link_ready(b->cmd);
    ngx_http_push_bus_redis_start_probe(b);

    ngx_http_push_orders_up(b->orders);

    ngx_http_push_reads_set_up(b->reads, 1);
    ngx_http_push_feed_resume(b->feeds);
}


/*
 * Where Redis is stopped or the network is cut the commands' time is over
 * first; what is subscribed would be found out only by the next probe.
 */

static void
ngx_http_push_bus_redis_cmd_down(void *data)
{
    ngx_http_push_bus_redis_t  *b = data;

    b->cmd_ready = 0;

    ngx_http_push_reads_set_up(b->reads, 0);
    ngx_http_push_orders_down(b->orders);

    if (ngx_http_push_probe_stop(b->probe)) {
        ngx_http_push_link_drop(b->sub, "probe did not come back in time");
    }
}


static void
ngx_http_push_bus_redis_cmd_written(void *data)
{
    /* void */
}


static ngx_uint_t
ngx_http_push_bus_redis_cmd_busy(void *data)
{
    return 0;
}


static void
ngx_http_push_bus_redis_start_probe(ngx_http_push_bus_redis_t *b)
{
    if (b->sub_ready && b->cmd_ready) {
        ngx_http_push_probe_start(b->probe, b->cmd);
    }
}


static void
ngx_http_push_bus_redis_probe_lost(void *data)
{
    ngx_http_push_bus_redis_t  *b = data;

    ngx_http_push_link_drop(b->sub, "probe did not come back in time");
    ngx_http_push_link_drop(b->cmd, "probe did not come back in time");
}


static void
ngx_http_push_bus_redis_reached(void *data)
{
    ngx_http_push_bus_redis_t  *b = data;

    ngx_http_push_reads_reached(b->reads);
}


/*
 * Who comes back to a channel that has lingered has missed nothing of what has
 * no id; its history goes on where it was.
 */

static void
ngx_http_push_bus_redis_live(void *data, ngx_http_push_channel_t *ch,
    ngx_uint_t flags)
{
    ngx_http_push_bus_redis_t  *b = data;

    ngx_str_t   name;
    ngx_uint_t  told;

    name.data = ch->name;
    name.len = ch->len;

    told = 0;

    if ((flags & NGX_HTTP_PUSH_INTEREST_MISSED)
        || ((flags & NGX_HTTP_PUSH_INTEREST_RETURNED)
            && ngx_http_push_feed_policy(b->feeds, &name) != NULL))
    {
        told = NGX_HTTP_PUSH_FEED_MISSED;

        if (ngx_http_push_server_is_hidden(b->server)) {
            told |= NGX_HTTP_PUSH_FEED_UNKNOWN;
        }
    }

    ngx_http_push_feed_confirm(b->feeds, ch, told);
}


/*
 * A channel is held until its UNSUBSCRIBE is confirmed, so a message for one
 * that the hub does not have was never asked for.
 */

static ngx_int_t
ngx_http_push_bus_redis_message(void *data, ngx_str_t *channel,
    ngx_http_push_msg_t *m)
{
    ngx_http_push_bus_redis_t  *b = data;

    ngx_int_t                 rc;
    ngx_str_t                 name, *prefix;
    ngx_http_push_channel_t  *ch;

    if (channel->len >= b->control.len
        && ngx_memcmp(channel->data, b->control.data, b->control.len) == 0)
    {
        ngx_http_push_bus_redis_control(b, channel, m);
        return NGX_OK;
    }

    prefix = &b->rc->prefix;

    if (channel->len <= prefix->len
        || ngx_memcmp(channel->data, prefix->data, prefix->len) != 0)
    {
        return NGX_ERROR;
    }

    name.data = channel->data + prefix->len;
    name.len = channel->len - prefix->len;

    ch = ngx_http_push_hub_find(b->hub, &name,
                                ngx_http_push_hub_hash(name.data, name.len));
    if (ch == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_push_msg_parse(m, b->log);

    if (rc == NGX_ERROR) {

        /* no memory: the message is lost, and who waits for it is told */

        b->figures->lost++;

        ngx_http_push_feed_doubt(b->feeds, ch);
        return NGX_OK;
    }

    if (rc != NGX_OK || m->kind != NGX_HTTP_PUSH_MSG_DATA) {
        ngx_http_push_bus_redis_bad(b, &name);
        return NGX_OK;
    }

    b->figures->received++;

    ngx_http_push_feed_message(b->feeds, ch, m);

    return NGX_OK;
}


/* only here C, A and B are more than a malformed message */

static void
ngx_http_push_bus_redis_control(ngx_http_push_bus_redis_t *b,
    ngx_str_t *channel, ngx_http_push_msg_t *m)
{
    ngx_int_t  rc;

    rc = ngx_http_push_msg_parse(m, b->log);

    if (rc == NGX_OK) {
        rc = NGX_DECLINED;

        if (m->kind == NGX_HTTP_PUSH_MSG_CONTROL) {
            rc = ngx_http_push_bus_redis_obey(b, channel, m);

        } else if (m->kind == NGX_HTTP_PUSH_MSG_PROBE
                   && channel->len == b->own.len)
        {
            rc = ngx_http_push_probe_hear(b->probe, m);
        }
    }

    if (rc != NGX_OK) {
        ngx_http_push_bus_redis_bad(b, channel);
    }
}


static ngx_int_t
ngx_http_push_bus_redis_obey(ngx_http_push_bus_redis_t *b,
    ngx_str_t *channel, ngx_http_push_msg_t *m)
{
    ngx_http_push_channel_t  *ch;

    if (channel->len == b->own.len
        && ngx_http_push_bus_redis_is(m, NGX_HTTP_PUSH_MARKS_EVENT))
    {
        ngx_http_push_marks_hear(b->marks, m);
        return NGX_OK;
    }

    if (!ngx_http_push_bus_redis_is(m, NGX_HTTP_PUSH_TASK_DELETE)) {
        return NGX_DECLINED;
    }

    ch = ngx_http_push_hub_find(b->hub, &m->body,
                                ngx_http_push_hub_hash(m->body.data,
                                                       m->body.len));

    if (ch != NULL) {
        ngx_http_push_feed_delete(b->feeds, ch);
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_push_bus_redis_is(ngx_http_push_msg_t *m, const char *event)
{
    return m->event.len == ngx_strlen(event)
           && ngx_memcmp(m->event.data, event, m->event.len) == 0;
}


/* counted, and told once in the life of a link */

static void
ngx_http_push_bus_redis_bad(ngx_http_push_bus_redis_t *b, ngx_str_t *channel)
{
    ngx_str_t  name;

    b->figures->links[NGX_HTTP_PUSH_BUS_REDIS_SUB].bad++;

    if (b->told) {
        return;
    }

    b->told = 1;

    name.data = channel->data;
    name.len = ngx_min(channel->len, 64);

    ngx_log_error(NGX_LOG_WARN, b->log, 0,
                  "malformed message in redis channel \"%V\" dropped, others "
                  "are only counted", &name);
}
