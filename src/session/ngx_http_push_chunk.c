/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: forms that are one chunk of an HTTP/1.1 body each; owns nothing.
 * Where the body is framed otherwise the data is taken out of them.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_chunk.h"
#include "ngx_http_push_trail.h"


static size_t ngx_http_push_chunk_head(size_t len);


ngx_http_push_form_t *
ngx_http_push_chunk_create(size_t len, u_char **p, ngx_log_t *log)
{
    size_t                 head;
    u_char                *begin;
    ngx_http_push_form_t  *f;

    head = ngx_http_push_chunk_head(len);

    f = ngx_http_push_trail_create_form(head + len + NGX_HTTP_PUSH_CHUNK_TAIL,
                                        log);
    if (f == NULL) {
        return NULL;
    }

    *p = f->data + head;

    (void) ngx_http_push_chunk_wrap(*p, len, &begin);

    return f;
}


ngx_http_push_form_t *
ngx_http_push_chunk_create_control(const u_char *text, size_t len,
    ngx_log_t *log)
{
    u_char                *p;
    ngx_http_push_form_t  *f;

    f = ngx_http_push_chunk_create(len, &p, log);

    if (f != NULL) {
        f->control = 1;
        ngx_memcpy(p, text, len);
    }

    return f;
}


/* of the line with the size */

static size_t
ngx_http_push_chunk_head(size_t len)
{
    size_t  n;

    for (n = 3; len > 15; len >>= 4) {
        n++;
    }

    return n;
}


ngx_str_t
ngx_http_push_chunk_data(ngx_http_push_form_t *f)
{
    ngx_str_t  data;

    data.data = f->data;

    while (*data.data++ != LF) { /* void */ }

    data.len = f->len - (data.data - f->data) - NGX_HTTP_PUSH_CHUNK_TAIL;

    return data;
}


u_char *
ngx_http_push_chunk_wrap(u_char *p, size_t len, u_char **begin)
{
    u_char  *end;

    *begin = p - ngx_http_push_chunk_head(len);

    (void) ngx_sprintf(*begin, "%xz" CRLF, len);

    end = p + len;

    *end++ = CR;
    *end++ = LF;

    return end;
}
