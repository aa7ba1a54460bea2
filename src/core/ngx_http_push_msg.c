/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: messages and their forms: made, read, counted.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_envelope.h"
#include "ngx_http_push_msg.h"
#include "ngx_http_push_utf8.h"


static ngx_int_t ngx_http_push_msg_kind(ngx_http_push_msg_t *m, u_char kind);
static ngx_int_t ngx_http_push_msg_own(ngx_http_push_msg_t *m,
    u_char *scratch, ngx_log_t *log);
static ngx_uint_t ngx_http_push_msg_inside(ngx_str_t *value, u_char *scratch);
static void ngx_http_push_msg_set(ngx_str_t *dst,
    ngx_http_push_envelope_str_t *src);
static ngx_uint_t ngx_http_push_msg_text(ngx_str_t *body);


ngx_http_push_msg_t *
ngx_http_push_msg_create(size_t len, ngx_log_t *log)
{
    ngx_http_push_msg_t  *m;

    m = ngx_alloc(sizeof(ngx_http_push_msg_t) + len, log);
    if (m == NULL) {
        return NULL;
    }

    ngx_memzero(m, sizeof(ngx_http_push_msg_t));

    m->refs = 1;
    m->len = len;

    return m;
}


ngx_int_t
ngx_http_push_msg_parse(ngx_http_push_msg_t *m, ngx_log_t *log)
{
    int                        rc;
    u_char                     scratch[NGX_HTTP_PUSH_ENVELOPE_SCRATCH];
    ngx_http_push_envelope_t   env;

    env.scratch = scratch;

    rc = ngx_http_push_envelope_parse(m->wire, m->len, &env);

    if (rc == NGX_HTTP_PUSH_ENVELOPE_BAD) {
        return NGX_DECLINED;
    }

    if (rc == NGX_HTTP_PUSH_ENVELOPE_PLAIN) {
        m->body.data = m->wire;
        m->body.len = m->len;
        m->binary = !ngx_http_push_msg_text(&m->body);
        m->simple = 1;

        return NGX_OK;
    }

    if (ngx_http_push_msg_kind(m, env.kind) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_http_push_msg_set(&m->epoch, &env.epoch);
    ngx_http_push_msg_set(&m->event, &env.event);
    ngx_http_push_msg_set(&m->content_type, &env.type);
    ngx_http_push_msg_set(&m->except, &env.except);
    ngx_http_push_msg_set(&m->receipt, &env.receipt);
    ngx_http_push_msg_set(&m->body, &env.body);

    m->enveloped = 1;
    m->offset = env.offset;
    m->time = env.time;
    m->volatile_ = env.is_volatile;

    /* whoever can publish to Redis can write a header, and lie in it */
    m->binary = env.is_binary || !ngx_http_push_msg_text(&m->body);

    m->simple = m->kind == NGX_HTTP_PUSH_MSG_DATA
                && m->except.len == 0
                && !m->volatile_;

    return ngx_http_push_msg_own(m, scratch, log);
}


/*
 * Values that had to be decoded stand in the parser's scratch: they move into
 * memory of the message's own.
 */

static ngx_int_t
ngx_http_push_msg_own(ngx_http_push_msg_t *m, u_char *scratch, ngx_log_t *log)
{
    size_t       used;
    ngx_str_t   *value;
    ngx_uint_t   i;

    ngx_str_t   *values[] = { &m->epoch, &m->event, &m->content_type,
                              &m->except, &m->receipt };

    used = 0;

    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        value = values[i];

        if (ngx_http_push_msg_inside(value, scratch)) {
            used = ngx_max(used, (size_t) (value->data + value->len
                                           - scratch));
        }
    }

    if (used == 0) {
        return NGX_OK;
    }

    m->scratch = ngx_alloc(used, log);
    if (m->scratch == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(m->scratch, scratch, used);

    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        value = values[i];

        if (ngx_http_push_msg_inside(value, scratch)) {
            value->data = m->scratch + (value->data - scratch);
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_push_msg_inside(ngx_str_t *value, u_char *scratch)
{
    return value->len != 0
           && value->data >= scratch
           && value->data < scratch + NGX_HTTP_PUSH_ENVELOPE_SCRATCH;
}


static ngx_int_t
ngx_http_push_msg_kind(ngx_http_push_msg_t *m, u_char kind)
{
    switch (kind) {

    case NGX_HTTP_PUSH_ENVELOPE_KIND_MESSAGE:
        m->kind = NGX_HTTP_PUSH_MSG_DATA;
        return NGX_OK;

    case NGX_HTTP_PUSH_ENVELOPE_KIND_CONTROL:
        m->kind = NGX_HTTP_PUSH_MSG_CONTROL;
        return NGX_OK;

    case NGX_HTTP_PUSH_ENVELOPE_KIND_ACK:
        m->kind = NGX_HTTP_PUSH_MSG_ACK;
        return NGX_OK;

    case NGX_HTTP_PUSH_ENVELOPE_KIND_PROBE:
        m->kind = NGX_HTTP_PUSH_MSG_PROBE;
        return NGX_OK;
    }

    return NGX_DECLINED;
}


static void
ngx_http_push_msg_set(ngx_str_t *dst, ngx_http_push_envelope_str_t *src)
{
    dst->data = (u_char *) src->data;
    dst->len = src->len;
}


static ngx_uint_t
ngx_http_push_msg_text(ngx_str_t *body)
{
    uint32_t  state;

    state = NGX_HTTP_PUSH_UTF8_START;

    return ngx_http_push_utf8_validate(&state, body->data, body->len)
           && ngx_http_push_utf8_complete(state);
}


ngx_http_push_msg_t *
ngx_http_push_msg_notice(ngx_uint_t kind, ngx_log_t *log)
{
    ngx_http_push_msg_t  *m;

    m = ngx_http_push_msg_create(0, log);
    if (m == NULL) {
        return NULL;
    }

    m->kind = kind;

    return m;
}


void
ngx_http_push_msg_unref(ngx_http_push_msg_t *m)
{
    ngx_uint_t  i;

    if (--m->refs != 0) {
        return;
    }

    for (i = 0; i < NGX_HTTP_PUSH_FORMS; i++) {
        if (m->forms[i] != NULL) {
            ngx_http_push_form_unref(m->forms[i]);
        }
    }

    if (m->scratch != NULL) {
        ngx_free(m->scratch);
    }

    ngx_free(m);
}
