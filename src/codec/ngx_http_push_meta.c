
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: the head that a message has in the meta dialect; owns
 * nothing.
 */


#include <string.h>

#include "ngx_http_push_decimal.h"
#include "ngx_http_push_meta.h"


#define NGX_HTTP_PUSH_META_ID       "id: "
#define NGX_HTTP_PUSH_META_CHANNEL  "channel: "
#define NGX_HTTP_PUSH_META_EVENT    "event: "
#define NGX_HTTP_PUSH_META_TYPE     "content-type: "

#define NGX_HTTP_PUSH_META_GAP      "push.gap"
#define NGX_HTTP_PUSH_META_DELETED  "push.deleted"


static size_t ngx_http_push_meta_line_size(const char *name,
    const ngx_http_push_envelope_str_t *value);
static u_char *ngx_http_push_meta_write_line(u_char *dst, const char *name,
    const ngx_http_push_envelope_str_t *value);
static u_char *ngx_http_push_meta_write_text(u_char *dst, const void *text,
    size_t len);


ngx_http_push_envelope_str_t
ngx_http_push_meta_notice(int gap)
{
    ngx_http_push_envelope_str_t  event;

    event.data = (const u_char *) (gap ? NGX_HTTP_PUSH_META_GAP
                                       : NGX_HTTP_PUSH_META_DELETED);
    event.len = strlen((const char *) event.data);

    return event;
}


size_t
ngx_http_push_meta_size(const ngx_http_push_meta_t *meta)
{
    size_t  size;

    size = ngx_http_push_meta_line_size(NGX_HTTP_PUSH_META_ID, &meta->epoch);

    if (size != 0) {
        size += 1 + ngx_http_push_decimal_size(meta->offset);
    }

    return size
           + ngx_http_push_meta_line_size(NGX_HTTP_PUSH_META_CHANNEL,
                                          &meta->channel)
           + ngx_http_push_meta_line_size(NGX_HTTP_PUSH_META_EVENT,
                                          &meta->event)
           + ngx_http_push_meta_line_size(NGX_HTTP_PUSH_META_TYPE,
                                          &meta->type)
           + 1;
}


static size_t
ngx_http_push_meta_line_size(const char *name,
    const ngx_http_push_envelope_str_t *value)
{
    return value->len ? strlen(name) + value->len + 1 : 0;
}


u_char *
ngx_http_push_meta_write(u_char *dst, const ngx_http_push_meta_t *meta)
{
    if (meta->epoch.len != 0) {
        dst = ngx_http_push_meta_write_text(dst, NGX_HTTP_PUSH_META_ID,
                                            sizeof(NGX_HTTP_PUSH_META_ID) - 1);
        dst = ngx_http_push_meta_write_text(dst, meta->epoch.data,
                                            meta->epoch.len);
        *dst++ = ':';
        dst = ngx_http_push_decimal_write(dst, meta->offset);
        *dst++ = '\n';
    }

    dst = ngx_http_push_meta_write_line(dst, NGX_HTTP_PUSH_META_CHANNEL,
                                        &meta->channel);
    dst = ngx_http_push_meta_write_line(dst, NGX_HTTP_PUSH_META_EVENT,
                                        &meta->event);
    dst = ngx_http_push_meta_write_line(dst, NGX_HTTP_PUSH_META_TYPE,
                                        &meta->type);
    *dst++ = '\n';

    return dst;
}


static u_char *
ngx_http_push_meta_write_line(u_char *dst, const char *name,
    const ngx_http_push_envelope_str_t *value)
{
    if (value->len == 0) {
        return dst;
    }

    dst = ngx_http_push_meta_write_text(dst, name, strlen(name));
    dst = ngx_http_push_meta_write_text(dst, value->data, value->len);

    *dst++ = '\n';

    return dst;
}


static u_char *
ngx_http_push_meta_write_text(u_char *dst, const void *text, size_t len)
{
    memcpy(dst, text, len);

    return dst + len;
}
