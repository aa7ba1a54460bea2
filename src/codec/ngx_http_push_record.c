/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: a message as a JSON object on one line; owns nothing.
 */


#include <stdlib.h>
#include <string.h>

#include "ngx_http_push_base64.h"
#include "ngx_http_push_decimal.h"
#include "ngx_http_push_record.h"


/* a byte of text becomes six at most: \u00XX */
#define NGX_HTTP_PUSH_RECORD_ESCAPE  6

/* names of members, an id */
#define NGX_HTTP_PUSH_RECORD_FRAME   256


static void ngx_http_push_record_write_id(ngx_http_push_json_t *j,
    const ngx_http_push_meta_t *meta);
static void ngx_http_push_record_write(ngx_http_push_json_t *j,
    const char *name, const ngx_http_push_envelope_str_t *value);
static int ngx_http_push_record_write_base64(ngx_http_push_json_t *j,
    const ngx_http_push_envelope_str_t *body);


ngx_http_push_json_t *
ngx_http_push_record_create(const ngx_http_push_record_t *record)
{
    int                          failed;
    size_t                       size;
    ngx_http_push_json_t        *j;
    const ngx_http_push_meta_t  *meta;

    meta = &record->meta;

    size = meta->channel.len + meta->event.len + meta->type.len
           + record->body.len;

    j = ngx_http_push_json_create(size * NGX_HTTP_PUSH_RECORD_ESCAPE
                                  + NGX_HTTP_PUSH_RECORD_FRAME, 0);
    if (j == NULL) {
        return NULL;
    }

    ngx_http_push_json_open_object(j);

    ngx_http_push_record_write_id(j, meta);
    ngx_http_push_record_write(j, "channel", &meta->channel);
    ngx_http_push_record_write(j, "event", &meta->event);

    failed = 0;

    if (record->binary) {
        failed = ngx_http_push_record_write_base64(j, &record->body);

    } else if (!record->notice) {
        ngx_http_push_json_key(j, "data");
        ngx_http_push_json_string(j, record->body.data, record->body.len);
    }

    ngx_http_push_record_write(j, "content_type", &meta->type);

    ngx_http_push_json_close_object(j);

    if (failed) {
        ngx_http_push_json_destroy(j);
        return NULL;
    }

    return j;
}


static void
ngx_http_push_record_write_id(ngx_http_push_json_t *j,
    const ngx_http_push_meta_t *meta)
{
    u_char  id[NGX_HTTP_PUSH_ENVELOPE_EPOCH_MAX + 1
               + NGX_HTTP_PUSH_DECIMAL_MAX], *p;

    if (meta->epoch.len == 0
        || meta->epoch.len > NGX_HTTP_PUSH_ENVELOPE_EPOCH_MAX)
    {
        return;
    }

    memcpy(id, meta->epoch.data, meta->epoch.len);

    p = id + meta->epoch.len;
    *p++ = ':';
    p = ngx_http_push_decimal_write(p, meta->offset);

    ngx_http_push_json_key(j, "id");
    ngx_http_push_json_string(j, id, p - id);
}


static void
ngx_http_push_record_write(ngx_http_push_json_t *j, const char *name,
    const ngx_http_push_envelope_str_t *value)
{
    if (value->len != 0) {
        ngx_http_push_json_key(j, name);
        ngx_http_push_json_string(j, value->data, value->len);
    }
}


/* 0, or 1 when out of memory */

static int
ngx_http_push_record_write_base64(ngx_http_push_json_t *j,
    const ngx_http_push_envelope_str_t *body)
{
    u_char  *text, *end;

    text = malloc(ngx_http_push_base64_size(body->len) + 1);
    if (text == NULL) {
        return 1;
    }

    end = ngx_http_push_base64_write(text, body->data, body->len);

    ngx_http_push_json_key(j, "base64");
    ngx_http_push_json_string(j, text, end - text);

    free(text);

    return 0;
}
