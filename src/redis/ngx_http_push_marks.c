/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: sends marks and hears them: owns their numbers.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_envelope.h"
#include "ngx_http_push_marks.h"


#define NGX_HTTP_PUSH_MARKS_SIZE  256        /* of the whole envelope */


struct ngx_http_push_marks_s {
    ngx_event_t                    event;
    ngx_connection_t               dummy;
    ngx_str_t                     *channel;
    ngx_http_push_link_t          *link;
    void                         (*reached)(void *data);
    void                          *data;
    ngx_log_t                     *log;

    uint64_t                       sent;      /* the last one */
    uint64_t                       passed;
    ngx_uint_t                     listening;
};


/* freed by its handler */

typedef struct {
    ngx_http_push_link_command_t   cmd;
    ngx_http_push_marks_t         *marks;
    uint64_t                       number;
} ngx_http_push_marks_command_t;


static void ngx_http_push_marks_event_handler(ngx_event_t *ev);
static ngx_int_t ngx_http_push_marks_send(ngx_http_push_marks_t *mk);
static ngx_int_t ngx_http_push_marks_handler(ngx_http_push_link_command_t *cmd,
    ngx_uint_t outcome, ngx_http_push_reply_t *reply);
static void ngx_http_push_marks_pass(ngx_http_push_marks_t *mk, uint64_t n);


ngx_http_push_marks_t *
ngx_http_push_marks_create(ngx_str_t *channel, void (*reached)(void *data),
    void *data, ngx_log_t *log)
{
    ngx_http_push_marks_t  *mk;

    mk = ngx_calloc(sizeof(ngx_http_push_marks_t), log);
    if (mk == NULL) {
        return NULL;
    }

    mk->channel = channel;
    mk->reached = reached;
    mk->data = data;
    mk->log = log;

    mk->dummy.data = mk;
    mk->dummy.fd = (ngx_socket_t) -1;

    mk->event.handler = ngx_http_push_marks_event_handler;
    mk->event.data = &mk->dummy;
    mk->event.log = log;

    return mk;
}


void
ngx_http_push_marks_destroy(ngx_http_push_marks_t *mk)
{
    if (mk->event.posted) {
        ngx_delete_posted_event(&mk->event);
    }

    ngx_free(mk);
}


uint64_t
ngx_http_push_marks_ask(ngx_http_push_marks_t *mk, ngx_http_push_link_t *l)
{
    if (!mk->listening) {
        return 0;
    }

    mk->link = l;

    ngx_post_event(&mk->event, &ngx_posted_events);

    return mk->sent + 1;
}


ngx_uint_t
ngx_http_push_marks_passed(ngx_http_push_marks_t *mk, uint64_t n)
{
    return !mk->listening || n <= mk->passed;
}


void
ngx_http_push_marks_set_listening(ngx_http_push_marks_t *mk,
    ngx_uint_t listening)
{
    mk->listening = listening;

    if (!listening) {
        mk->passed = mk->sent;

        mk->reached(mk->data);
    }
}


void
ngx_http_push_marks_hear(ngx_http_push_marks_t *mk, ngx_http_push_msg_t *m)
{
    ngx_http_push_marks_pass(mk, ngx_min(m->offset, mk->sent));
}


static void
ngx_http_push_marks_event_handler(ngx_event_t *ev)
{
    ngx_connection_t       *c;
    ngx_http_push_marks_t  *mk;

    c = ev->data;
    mk = c->data;

    mk->sent++;

    if (!mk->listening || ngx_http_push_marks_send(mk) != NGX_OK) {
        ngx_http_push_marks_pass(mk, mk->sent);
    }
}


static ngx_int_t
ngx_http_push_marks_send(ngx_http_push_marks_t *mk)
{
    u_char                          buf[NGX_HTTP_PUSH_MARKS_SIZE];
    ngx_str_t                       argv[3];
    ngx_http_push_envelope_t        env;
    ngx_http_push_marks_command_t  *mc;

    ngx_memzero(&env, sizeof(ngx_http_push_envelope_t));

    env.kind = NGX_HTTP_PUSH_ENVELOPE_KIND_CONTROL;
    env.event.data = (u_char *) NGX_HTTP_PUSH_MARKS_EVENT;
    env.event.len = sizeof(NGX_HTTP_PUSH_MARKS_EVENT) - 1;
    env.offset = mk->sent;

    ngx_str_set(&argv[0], "PUBLISH");

    argv[1] = *mk->channel;

    argv[2].data = buf;
    argv[2].len = ngx_http_push_envelope_write(buf, &env) - buf;

    mc = ngx_alloc(sizeof(ngx_http_push_marks_command_t), mk->log);
    if (mc == NULL) {
        return NGX_ERROR;
    }

    mc->cmd.handler = ngx_http_push_marks_handler;
    mc->cmd.data = mc;
    mc->cmd.replies = 1;
    mc->marks = mk;
    mc->number = mk->sent;

    if (ngx_http_push_link_send(mk->link, &mc->cmd, 3, argv) != NGX_OK) {
        ngx_free(mc);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* one that nobody has got, or that was not sent, is not to be waited for */

static ngx_int_t
ngx_http_push_marks_handler(ngx_http_push_link_command_t *cmd,
    ngx_uint_t outcome, ngx_http_push_reply_t *reply)
{
    ngx_http_push_value_t          *value;
    ngx_http_push_marks_command_t  *mc;

    mc = cmd->data;

    if (outcome == NGX_HTTP_PUSH_LINK_REPLIED) {
        value = &reply->values[0];

        if (value->type == NGX_HTTP_PUSH_VALUE_INTEGER && value->integer != 0) {
            ngx_free(mc);
            return NGX_OK;
        }

        if (value->type != NGX_HTTP_PUSH_VALUE_INTEGER
            && value->type != NGX_HTTP_PUSH_VALUE_ERROR)
        {
            return NGX_ERROR;
        }
    }

    ngx_http_push_marks_pass(mc->marks, mc->number);

    ngx_free(mc);

    return NGX_OK;
}


static void
ngx_http_push_marks_pass(ngx_http_push_marks_t *mk, uint64_t n)
{
    if (n > mk->passed) {
        mk->passed = n;

        mk->reached(mk->data);
    }
}
