/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: messages as lines of JSON, each a chunk with a mark; owns nothing.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_chunk.h"
#include "ngx_http_push_line.h"
#include "ngx_http_push_record.h"
#include "ngx_http_push_trail.h"


static ngx_http_push_json_t *ngx_http_push_line_create(ngx_http_push_msg_t *m,
    ngx_http_push_channel_t *ch);


ngx_http_push_form_t *
ngx_http_push_line_encode(ngx_http_push_session_t *s, ngx_http_push_msg_t *m,
    ngx_http_push_channel_t *ch)
{
    u_char                *p;
    size_t                 len;
    const u_char          *text;
    ngx_http_push_json_t  *j;
    ngx_http_push_form_t  *f;

    j = ngx_http_push_line_create(m, ch);

    if (j == NULL
        || ngx_http_push_json_finish(j, &text, &len) != NGX_HTTP_PUSH_JSON_OK)
    {
        ngx_log_error(NGX_LOG_ALERT, s->connection->log, 0,
                      "push message could not be written as JSON");

        if (j != NULL) {
            ngx_http_push_json_destroy(j);
        }

        return NULL;
    }

    f = ngx_http_push_chunk_create(len + 1, &p, s->connection->log);

    if (f != NULL) {
        p = ngx_cpymem(p, text, len);
        *p = LF;

        ngx_http_push_trail_mark(f, m, ch);
    }

    ngx_http_push_json_destroy(j);

    return f;
}


static ngx_http_push_json_t *
ngx_http_push_line_create(ngx_http_push_msg_t *m, ngx_http_push_channel_t *ch)
{
    ngx_http_push_meta_t    *meta;
    ngx_http_push_record_t   record;

    ngx_memzero(&record, sizeof(ngx_http_push_record_t));

    meta = &record.meta;

    meta->channel.data = ch->name;
    meta->channel.len = ch->len;

    if (m->kind != NGX_HTTP_PUSH_MSG_DATA) {
        meta->event = ngx_http_push_meta_notice(m->kind
                                                == NGX_HTTP_PUSH_MSG_GAP);
        record.notice = 1;

        return ngx_http_push_record_create(&record);
    }

    meta->epoch.data = m->epoch.data;
    meta->epoch.len = m->epoch.len;
    meta->offset = m->offset;
    meta->event.data = m->event.data;
    meta->event.len = m->event.len;
    meta->type.data = m->content_type.data;
    meta->type.len = m->content_type.len;

    record.body.data = m->body.data;
    record.body.len = m->body.len;
    record.binary = m->binary;

    return ngx_http_push_record_create(&record);
}


ngx_str_t
ngx_http_push_line_object(ngx_http_push_form_t *f)
{
    ngx_str_t  object;

    object = ngx_http_push_chunk_data(f);
    object.len--;

    return object;
}
