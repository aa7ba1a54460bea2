/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: SUBSCRIBE and UNSUBSCRIBE in batches: owns those under way, and
 * halves one that is refused for a single channel.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_batch.h"


static ngx_int_t ngx_http_push_batch_handler(
    ngx_http_push_link_command_t *cmd, ngx_uint_t outcome,
    ngx_http_push_reply_t *reply);
static void ngx_http_push_batch_lost(ngx_http_push_batch_t *batch);
static ngx_uint_t ngx_http_push_batch_matches(ngx_http_push_batch_t *batch,
    ngx_http_push_reply_t *reply);
static void ngx_http_push_batch_finish(ngx_http_push_batch_t *batch);
static ngx_int_t ngx_http_push_batch_split(ngx_http_push_batch_t *batch);
static void ngx_http_push_batch_compact(ngx_http_push_batch_t *batch);
static ngx_int_t ngx_http_push_batch_resend(ngx_http_push_batch_t *batch,
    ngx_uint_t n);


/* a command while it is formatted */

static ngx_str_t  ngx_http_push_batch_argv[NGX_HTTP_PUSH_BATCH_MAX + 1];


ngx_http_push_batch_t *
ngx_http_push_batch_create(ngx_http_push_batch_conf_t *conf,
    ngx_http_push_link_t *l, ngx_uint_t n, ngx_uint_t unsubscribe)
{
    ngx_http_push_batch_t  *batch;

    batch = ngx_alloc(sizeof(ngx_http_push_batch_t)
                      + n * sizeof(ngx_http_push_batch_entry_t), conf->log);
    if (batch == NULL) {
        return NULL;
    }

    ngx_memzero(batch, sizeof(ngx_http_push_batch_t));

    batch->cmd.handler = ngx_http_push_batch_handler;
    batch->cmd.data = batch;
    batch->cmd.replies = n;
    batch->conf = conf;
    batch->link = l;
    batch->n = n;
    batch->unsubscribe = unsubscribe;

    return batch;
}


void
ngx_http_push_batch_destroy(ngx_http_push_batch_t *batch)
{
    ngx_free(batch);
}


ngx_int_t
ngx_http_push_batch_send(ngx_http_push_batch_t *batch)
{
    size_t                    size;
    u_char                   *names, *p;
    ngx_int_t                 rc;
    ngx_str_t                *prefix, *argv;
    ngx_uint_t                k;
    ngx_http_push_channel_t  *ch;

    prefix = batch->conf->prefix;
    argv = ngx_http_push_batch_argv;
    names = NULL;

    if (prefix->len != 0) {
        size = 0;

        for (k = 0; k < batch->n; k++) {
            size += prefix->len + batch->entries[k].channel->len;
        }

        names = ngx_alloc(size, batch->conf->log);
        if (names == NULL) {
            return NGX_ERROR;
        }
    }

    if (batch->unsubscribe) {
        ngx_str_set(&argv[0], "UNSUBSCRIBE");

    } else {
        ngx_str_set(&argv[0], "SUBSCRIBE");
    }

    p = names;

    for (k = 0; k < batch->n; k++) {
        ch = batch->entries[k].channel;

        argv[k + 1].data = ch->name;
        argv[k + 1].len = prefix->len + ch->len;

        if (names != NULL) {
            argv[k + 1].data = p;

            p = ngx_cpymem(p, prefix->data, prefix->len);
            p = ngx_cpymem(p, ch->name, ch->len);
        }
    }

    rc = ngx_http_push_link_send(batch->link, &batch->cmd, batch->n + 1, argv);

    if (names != NULL) {
        ngx_free(names);
    }

    return rc;
}


static ngx_int_t
ngx_http_push_batch_handler(ngx_http_push_link_command_t *cmd,
    ngx_uint_t outcome, ngx_http_push_reply_t *reply)
{
    ngx_http_push_batch_t       *batch;
    ngx_http_push_batch_conf_t  *conf;

    batch = cmd->data;
    conf = batch->conf;

    if (outcome != NGX_HTTP_PUSH_LINK_REPLIED) {
        ngx_http_push_batch_lost(batch);
        return NGX_OK;
    }

    if (ngx_http_push_reply_is_error(reply, "")) {

        if (batch->done != 0) {
            return NGX_ERROR;
        }

        if (batch->unsubscribe
            || !ngx_http_push_reply_is_error(reply, "NOPERM"))
        {
            return ngx_http_push_link_refuse(batch->link, reply);
        }

        if (batch->n > 1) {
            return ngx_http_push_batch_split(batch);
        }

        batch->done = 1;

        conf->refused(conf->data, &batch->entries[0], reply);

        ngx_http_push_batch_finish(batch);

        return NGX_OK;
    }

    if (!ngx_http_push_batch_matches(batch, reply)) {
        return NGX_ERROR;
    }

    conf->confirmed(conf->data, &batch->entries[batch->done++],
                    batch->unsubscribe);

    if (batch->done == batch->n) {
        ngx_http_push_batch_finish(batch);
    }

    return NGX_OK;
}


static void
ngx_http_push_batch_lost(ngx_http_push_batch_t *batch)
{
    ngx_uint_t  k;

    for (k = batch->done; k < batch->n; k++) {
        batch->conf->dropped(batch->conf->data, &batch->entries[k]);
    }

    ngx_free(batch);
}


/* confirmations come in the order of the names in the command */

static ngx_uint_t
ngx_http_push_batch_matches(ngx_http_push_batch_t *batch,
    ngx_http_push_reply_t *reply)
{
    ngx_str_t                *name, *prefix;
    ngx_http_push_channel_t  *ch;

    if (!ngx_http_push_reply_is_list(reply, 3)
        || !ngx_http_push_reply_is_string(&reply->values[1],
                                          batch->unsubscribe ? "unsubscribe"
                                                             : "subscribe")
        || reply->values[2].type != NGX_HTTP_PUSH_VALUE_STRING
        || reply->values[3].type != NGX_HTTP_PUSH_VALUE_INTEGER)
    {
        return 0;
    }

    name = &reply->values[2].str;
    prefix = batch->conf->prefix;
    ch = batch->entries[batch->done].channel;

    return name->len == prefix->len + ch->len
           && ngx_memcmp(name->data, prefix->data, prefix->len) == 0
           && ngx_memcmp(name->data + prefix->len, ch->name, ch->len) == 0;
}


static void
ngx_http_push_batch_finish(ngx_http_push_batch_t *batch)
{
    ngx_uint_t                   sync;
    ngx_http_push_batch_conf_t  *conf;

    conf = batch->conf;
    sync = batch->sync;

    ngx_free(batch);

    conf->finished(conf->data, sync);
}


/*
 * Redis refuses the whole command for one channel: it is halved until that
 * channel is found, and the others live.
 */

static ngx_int_t
ngx_http_push_batch_split(ngx_http_push_batch_t *batch)
{
    ngx_uint_t  n;

    ngx_http_push_batch_compact(batch);

    /* each half is taken out of the batch, whose rest is lost with the link */

    n = batch->n / 2;

    if (n != 0 && ngx_http_push_batch_resend(batch, n) != NGX_OK) {
        return NGX_ERROR;
    }

    n = batch->n - batch->done;

    if (n != 0 && ngx_http_push_batch_resend(batch, n) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_push_batch_finish(batch);

    return NGX_OK;
}


/* who has left meanwhile is not subscribed again */

static void
ngx_http_push_batch_compact(ngx_http_push_batch_t *batch)
{
    ngx_uint_t                    k, n;
    ngx_http_push_batch_entry_t  *entry;

    n = 0;

    for (k = 0; k < batch->n; k++) {
        entry = &batch->entries[k];

        if (batch->conf->wanted(batch->conf->data, entry)) {
            batch->entries[n++] = *entry;
            continue;
        }

        batch->conf->dropped(batch->conf->data, entry);
    }

    batch->n = n;
}


static ngx_int_t
ngx_http_push_batch_resend(ngx_http_push_batch_t *batch, ngx_uint_t n)
{
    ngx_http_push_batch_t  *part;

    part = ngx_http_push_batch_create(batch->conf, batch->link, n, 0);
    if (part == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(part->entries, batch->entries + batch->done,
               n * sizeof(ngx_http_push_batch_entry_t));

    if (ngx_http_push_batch_send(part) != NGX_OK) {
        ngx_free(part);
        return NGX_ERROR;
    }

    batch->done += n;

    if (batch->done == batch->n) {
        part->sync = batch->sync;
        batch->sync = 0;
    }

    return NGX_OK;
}
