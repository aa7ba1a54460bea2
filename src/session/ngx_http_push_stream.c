/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: the stream transport: messages as lines of JSON, an empty line as a
 * heartbeat; owns nothing.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_body.h"
#include "ngx_http_push_chunk.h"
#include "ngx_http_push_line.h"
#include "ngx_http_push_stream.h"


static ngx_int_t ngx_http_push_stream_ping(ngx_http_push_session_t *s);
static void ngx_http_push_stream_close(ngx_http_push_session_t *s,
    const ngx_http_push_reason_t *reason);


static ngx_http_push_form_t  *ngx_http_push_stream_ping_form;


const ngx_http_push_transport_t  ngx_http_push_stream_transport = {
    ngx_string("stream"),
    offsetof(ngx_http_push_figures_t, stream),
    1,
    ngx_http_push_line_encode,
    ngx_http_push_body_flush,
    ngx_http_push_stream_ping,
    ngx_http_push_stream_close,
    ngx_http_push_body_destroy,
    ngx_http_push_body_end
};


ngx_int_t
ngx_http_push_stream_start(ngx_log_t *log)
{
    ngx_http_push_stream_ping_form =
        ngx_http_push_chunk_create_control((u_char *) "\n", 1, log);

    return ngx_http_push_stream_ping_form ? NGX_OK : NGX_ERROR;
}


void
ngx_http_push_stream_stop(void)
{
    if (ngx_http_push_stream_ping_form != NULL) {
        ngx_http_push_form_unref(ngx_http_push_stream_ping_form);
        ngx_http_push_stream_ping_form = NULL;
    }
}


/* each line has the id of its message, so nothing is added for a client */

ngx_int_t
ngx_http_push_stream_open(ngx_http_push_session_t *s, ngx_http_request_t *r,
    const ngx_http_push_cursor_t *cursors)
{
    static ngx_str_t  type = ngx_string("application/x-ndjson");
    static ngx_str_t  none = ngx_null_string;

    if (ngx_http_push_body_create(s, r, sizeof(ngx_http_push_body_t), cursors)
        == NULL)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_push_body_stream(s, &type, &none, 0);
}


static ngx_int_t
ngx_http_push_stream_ping(ngx_http_push_session_t *s)
{
    return ngx_http_push_body_ping(s, ngx_http_push_stream_ping_form);
}


/* the end of the answer is the goodbye */

static void
ngx_http_push_stream_close(ngx_http_push_session_t *s,
    const ngx_http_push_reason_t *reason)
{
    s->peer_closed = 1;
}
