/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: reads replies; owns nothing.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_reply.h"


static ngx_uint_t ngx_http_push_reply_begins(ngx_str_t *str, const char *word);


ngx_uint_t
ngx_http_push_reply_is_error(ngx_http_push_reply_t *reply, const char *word)
{
    return reply->values[0].type == NGX_HTTP_PUSH_VALUE_ERROR
           && ngx_http_push_reply_begins(&reply->values[0].str, word);
}


ngx_uint_t
ngx_http_push_reply_is_status(ngx_http_push_reply_t *reply, const char *word)
{
    return reply->values[0].type == NGX_HTTP_PUSH_VALUE_STATUS
           && ngx_http_push_reply_begins(&reply->values[0].str, word);
}


ngx_uint_t
ngx_http_push_reply_is_list(ngx_http_push_reply_t *reply, ngx_uint_t n)
{
    ngx_uint_t  i;

    if (reply->values[0].type != NGX_HTTP_PUSH_VALUE_ARRAY
        || reply->values[0].integer != (int64_t) n
        || reply->n != n + 1)
    {
        return 0;
    }

    for (i = 1; i <= n; i++) {
        if (reply->values[i].type == NGX_HTTP_PUSH_VALUE_ARRAY) {
            return 0;
        }
    }

    return 1;
}


ngx_uint_t
ngx_http_push_reply_is_string(ngx_http_push_value_t *value, const char *word)
{
    return value->type == NGX_HTTP_PUSH_VALUE_STRING
           && value->str.len == ngx_strlen(word)
           && ngx_memcmp(value->str.data, word, value->str.len) == 0;
}


u_char *
ngx_http_push_reply_quote(ngx_http_push_reply_t *reply, u_char *text)
{
    u_char      c;
    size_t      i;
    ngx_str_t  *str;

    str = &reply->values[0].str;

    for (i = 0; i < str->len && i < NGX_HTTP_PUSH_REPLY_TEXT - 1; i++) {
        c = str->data[i];
        text[i] = (c < ' ' || c > '~') ? '?' : c;
    }

    text[i] = '\0';

    return text;
}


static ngx_uint_t
ngx_http_push_reply_begins(ngx_str_t *str, const char *word)
{
    size_t  len;

    len = ngx_strlen(word);

    return str->len >= len && ngx_memcmp(str->data, word, len) == 0;
}
