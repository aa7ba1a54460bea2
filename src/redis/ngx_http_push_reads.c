/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: reads under way: owns a task for each, and makes messages of what
 * has come.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_reads.h"


struct ngx_http_push_reads_s {
    ngx_queue_t                    held;      /* wait for a mark */
    ngx_http_push_hist_conf_t     *conf;
    ngx_http_push_marks_t         *marks;
    ngx_http_push_link_figures_t  *figures;
    unsigned                       up:1;
    unsigned                       told:1;    /* of a bad entry, or error */
};


/*
 * Outlives a read that was cancelled while its reply is still to come.
 *
 * Both links have their own pace: a top may be told before the messages up to
 * there have come, which would then be taken for old ones.
 */

typedef struct {
    ngx_http_push_link_command_t   cmd;
    ngx_queue_t                    queue;     /* in held */
    uint64_t                       mark;      /* 0: none is waited for */
    ngx_http_push_reads_t         *reads;
    ngx_http_push_link_t          *link;
    ngx_http_push_read_t          *read;      /* NULL: cancelled */
    unsigned                       peek:1;    /* HMGET is under way */
    unsigned                       whole:1;   /* the script itself was sent */
    unsigned                       held:1;
} ngx_http_push_reads_task_t;


static ngx_int_t ngx_http_push_reads_send(ngx_http_push_reads_task_t *task,
    ngx_uint_t whole);
static ngx_int_t ngx_http_push_reads_handler(ngx_http_push_link_command_t *cmd,
    ngx_uint_t outcome, ngx_http_push_reply_t *reply);
static ngx_int_t ngx_http_push_reads_take(ngx_http_push_reads_task_t *task,
    ngx_http_push_reply_t *reply);
static ngx_int_t ngx_http_push_reads_set(ngx_http_push_reads_task_t *task,
    ngx_http_push_hist_t *hist);
static ngx_int_t ngx_http_push_reads_add(ngx_http_push_reads_task_t *task,
    ngx_str_t *entry);
static void ngx_http_push_reads_clear(ngx_http_push_read_t *rd);
static void ngx_http_push_reads_tell(ngx_http_push_reads_task_t *task,
    const char *what);
static void ngx_http_push_reads_finish(ngx_http_push_reads_task_t *task,
    ngx_uint_t failed);


ngx_http_push_reads_t *
ngx_http_push_reads_create(ngx_http_push_hist_conf_t *conf,
    ngx_http_push_marks_t *marks, ngx_http_push_link_figures_t *figures)
{
    ngx_http_push_reads_t  *rs;

    rs = ngx_calloc(sizeof(ngx_http_push_reads_t), conf->log);
    if (rs == NULL) {
        return NULL;
    }

    ngx_queue_init(&rs->held);

    rs->conf = conf;
    rs->marks = marks;
    rs->figures = figures;

    return rs;
}


void
ngx_http_push_reads_destroy(ngx_http_push_reads_t *rs)
{
    ngx_free(rs);
}


void
ngx_http_push_reads_set_up(ngx_http_push_reads_t *rs, ngx_uint_t up)
{
    rs->up = up;
    rs->told = 0;
}


ngx_int_t
ngx_http_push_reads_give(ngx_http_push_reads_t *rs, ngx_http_push_link_t *l,
    ngx_http_push_read_t *rd)
{
    ngx_http_push_reads_task_t  *task;

    rd->pending = NULL;
    rd->status = NGX_HTTP_PUSH_READ_FAILED;
    rd->n = 0;
    rd->msgs = NULL;

    if (!rs->up) {
        return NGX_OK;
    }

    task = ngx_calloc(sizeof(ngx_http_push_reads_task_t), rs->conf->log);
    if (task == NULL) {
        return NGX_OK;
    }

    task->cmd.handler = ngx_http_push_reads_handler;
    task->cmd.data = task;
    task->reads = rs;
    task->link = l;
    task->read = rd;
    task->peek = (rd->limit == 0);

    if (ngx_http_push_reads_send(task, 0) != NGX_OK) {
        ngx_free(task);
        return NGX_OK;
    }

    rd->pending = task;

    return NGX_AGAIN;
}


void
ngx_http_push_reads_cancel(ngx_http_push_read_t *rd)
{
    ngx_http_push_reads_task_t  *task;

    task = rd->pending;

    if (task == NULL) {
        return;
    }

    task->read = NULL;
    rd->pending = NULL;

    if (task->held) {
        ngx_queue_remove(&task->queue);
        ngx_free(task);
    }
}


/* handlers may cancel other reads, or give new ones */

void
ngx_http_push_reads_reached(ngx_http_push_reads_t *rs)
{
    ngx_queue_t                 *q;
    ngx_http_push_reads_task_t  *task;

    while (!ngx_queue_empty(&rs->held)) {
        q = ngx_queue_head(&rs->held);
        task = ngx_queue_data(q, ngx_http_push_reads_task_t, queue);

        if (!ngx_http_push_marks_passed(rs->marks, task->mark)) {
            return;
        }

        ngx_queue_remove(q);
        task->held = 0;

        ngx_http_push_reads_finish(task, 0);
    }
}


static ngx_int_t
ngx_http_push_reads_send(ngx_http_push_reads_task_t *task, ngx_uint_t whole)
{
    ngx_http_push_read_t        *rd;
    ngx_http_push_hist_query_t   query;

    rd = task->read;

    if (rd->limit == 0) {
        task->mark = ngx_http_push_marks_ask(task->reads->marks, task->link);
    }

    if (task->peek) {
        return ngx_http_push_hist_peek(task->reads->conf, task->link,
                                       &task->cmd, &rd->channel);
    }

    query.channel = &rd->channel;
    query.from = rd->from;
    query.limit = rd->limit;
    query.size = rd->size;

    return ngx_http_push_hist_send(task->reads->conf, task->link, &task->cmd,
                                   &query, whole);
}


static ngx_int_t
ngx_http_push_reads_handler(ngx_http_push_link_command_t *cmd,
    ngx_uint_t outcome, ngx_http_push_reply_t *reply)
{
    u_char                       text[NGX_HTTP_PUSH_REPLY_TEXT];
    ngx_int_t                    rc;
    ngx_http_push_reads_task_t  *task;

    task = cmd->data;

    if (task->read == NULL) {
        ngx_free(task);
        return NGX_OK;
    }

    if (outcome != NGX_HTTP_PUSH_LINK_REPLIED) {
        ngx_http_push_reads_finish(task, 1);
        return NGX_OK;
    }

    if (ngx_http_push_script_is_forgotten(reply) && !task->whole) {
        task->whole = 1;
        rc = NGX_DECLINED;

    } else if (ngx_http_push_reply_is_error(reply, "")) {
        ngx_http_push_reply_quote(reply, text);
        ngx_http_push_reads_tell(task, (char *) text);

        ngx_http_push_reads_finish(task, 1);
        return NGX_OK;

    } else {
        rc = ngx_http_push_reads_take(task, reply);
    }

    if (rc == NGX_ERROR) {

        /* called again when the link is down */

        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {

        if (ngx_http_push_reads_send(task,
                                 ngx_http_push_script_is_forgotten(reply))
            != NGX_OK)
        {
            ngx_http_push_reads_finish(task, 1);
        }

        return NGX_OK;
    }

    if (!ngx_http_push_marks_passed(task->reads->marks, task->mark)) {
        task->held = 1;
        ngx_queue_insert_tail(&task->reads->held, &task->queue);

        return NGX_OK;
    }

    ngx_http_push_reads_finish(task, 0);

    return NGX_OK;
}


/* NGX_DECLINED: has to be sent once more, as the script now */

static ngx_int_t
ngx_http_push_reads_take(ngx_http_push_reads_task_t *task,
    ngx_http_push_reply_t *reply)
{
    ngx_int_t              rc;
    ngx_http_push_hist_t   hist;

    if (task->peek) {
        rc = ngx_http_push_hist_parse_peek(task->reads->conf,
                                           &task->read->channel, reply,
                                           &hist);
        if (rc == NGX_DECLINED) {
            task->peek = 0;
        }

    } else {
        rc = ngx_http_push_hist_parse(&hist, reply);
    }

    return (rc == NGX_OK) ? ngx_http_push_reads_set(task, &hist) : rc;
}


/*
 * An entry that cannot be read, or that others would have to be behind, ends
 * the row: what is told begins behind it, or ends before it, so that whoever
 * reads finds the hole.
 */

static ngx_int_t
ngx_http_push_reads_set(ngx_http_push_reads_task_t *task,
    ngx_http_push_hist_t *hist)
{
    ngx_int_t              rc;
    ngx_uint_t             i;
    ngx_http_push_read_t  *rd;

    rd = task->read;

    rd->top = hist->top;
    rd->prev = hist->prev;
    rd->status = (hist->top.len != 0) ? NGX_HTTP_PUSH_READ_OK
                                      : NGX_HTTP_PUSH_READ_NEW;
    if (hist->n == 0) {
        return NGX_OK;
    }

    rd->msgs = ngx_alloc(hist->n * sizeof(ngx_http_push_msg_t *),
                         task->reads->conf->log);
    if (rd->msgs == NULL) {
        rd->status = NGX_HTTP_PUSH_READ_FAILED;
        return NGX_OK;
    }

    for (i = 0; i < hist->n; i++) {
        rc = ngx_http_push_reads_add(task, &hist->entries[i].str);

        if (rc == NGX_ERROR) {
            ngx_http_push_reads_clear(rd);
            rd->status = NGX_HTTP_PUSH_READ_FAILED;
            return NGX_OK;
        }

        if (rc == NGX_OK) {
            continue;
        }

        task->reads->figures->bad++;
        ngx_http_push_reads_tell(task, "malformed entry");

        if (rd->n != 0) {
            break;
        }
    }

    if (rd->n == 0) {
        ngx_http_push_reads_clear(rd);
    }

    return NGX_OK;
}


/* NGX_DECLINED: it is none of these; NGX_ERROR: out of memory */

static ngx_int_t
ngx_http_push_reads_add(ngx_http_push_reads_task_t *task, ngx_str_t *entry)
{
    uint64_t               least;
    ngx_int_t              rc;
    ngx_http_push_msg_t   *m;
    ngx_http_push_read_t  *rd;

    rd = task->read;

    m = ngx_http_push_msg_create(entry->len, task->reads->conf->log);
    if (m == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(m->wire, entry->data, entry->len);

    rc = ngx_http_push_msg_parse(m, task->reads->conf->log);

    least = (rd->n != 0) ? rd->msgs[rd->n - 1]->offset + 1
                         : ngx_max(rd->from, 1);

    if (rc == NGX_OK
        && (m->kind != NGX_HTTP_PUSH_MSG_DATA
            || m->offset < least
            || (rd->n != 0 && m->offset != least)
            || m->offset > rd->top.offset))
    {
        rc = NGX_DECLINED;
    }

    if (rc != NGX_OK) {
        ngx_http_push_msg_unref(m);
        return rc;
    }

    rd->msgs[rd->n++] = m;

    return NGX_OK;
}


static void
ngx_http_push_reads_clear(ngx_http_push_read_t *rd)
{
    while (rd->n != 0) {
        ngx_http_push_msg_unref(rd->msgs[--rd->n]);
    }

    ngx_free(rd->msgs);
    rd->msgs = NULL;
}


/* once in the life of a link */

static void
ngx_http_push_reads_tell(ngx_http_push_reads_task_t *task, const char *what)
{
    ngx_str_t               name;
    ngx_http_push_reads_t  *rs;

    rs = task->reads;

    if (rs->told) {
        return;
    }

    rs->told = 1;

    name.data = task->read->channel.data;
    name.len = ngx_min(task->read->channel.len, 64);

    ngx_log_error(NGX_LOG_WARN, rs->conf->log, 0,
                  "redis, history of \"%V\": %s; others are not told", &name,
                  what);
}


/* the handler may give another read, or free this one */

static void
ngx_http_push_reads_finish(ngx_http_push_reads_task_t *task, ngx_uint_t failed)
{
    ngx_http_push_read_t  *rd;

    rd = task->read;

    ngx_free(task);

    rd->pending = NULL;

    if (failed) {
        rd->status = NGX_HTTP_PUSH_READ_FAILED;
    }

    rd->handler(rd);
}
