/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: answers of the endpoints: JSON bodies and refusals; and how text
 * from outside is shown in a log line.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_answer.h"


/* of {"error":"..."}: the texts are ours */
#define NGX_HTTP_PUSH_ANSWER_ERROR_MAX  1024


static ngx_int_t ngx_http_push_answer_set_headers(ngx_http_request_t *r,
    ngx_uint_t status);


ngx_int_t
ngx_http_push_answer_json(ngx_http_request_t *r, ngx_uint_t status,
    u_char *body, size_t len)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_push_answer_set_headers(r, status) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.content_length_n = len;

    b = ngx_create_temp_buf(r->pool, len);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->last = ngx_cpymem(b->last, body, len);
    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, &out);
}


ngx_int_t
ngx_http_push_answer_document(ngx_http_request_t *r, ngx_uint_t status,
    ngx_http_push_json_t *j)
{
    int            failed;
    size_t         len;
    ngx_int_t      rc;
    const u_char  *p;

    failed = ngx_http_push_json_finish(j, &p, &len);

    if (failed == NGX_HTTP_PUSH_JSON_OK) {
        rc = ngx_http_push_answer_json(r, status, (u_char *) p, len);

    } else {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "push answer could not be written: %d", failed);

        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_push_json_destroy(j);

    return rc;
}


ngx_int_t
ngx_http_push_answer_error(ngx_http_request_t *r, ngx_uint_t status,
    const char *error, const char *allow)
{
    ngx_http_push_json_t  *j;

    if (allow != NULL
        && ngx_http_push_answer_header(r, "Allow", allow) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    j = ngx_http_push_json_create(NGX_HTTP_PUSH_ANSWER_ERROR_MAX, 0);
    if (j == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_push_json_open_object(j);
    ngx_http_push_json_key(j, "error");
    ngx_http_push_json_text(j, error);
    ngx_http_push_json_close_object(j);

    return ngx_http_push_answer_document(r, status, j);
}


ngx_int_t
ngx_http_push_answer_options(ngx_http_request_t *r, const char *allow)
{
    if (ngx_http_push_answer_header(r, "Allow", allow) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* sent by nginx, which discards a body then */

    return NGX_HTTP_NO_CONTENT;
}


ngx_int_t
ngx_http_push_answer_header(ngx_http_request_t *r, const char *name,
    const char *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value.data = (u_char *) value;
    h->value.len = ngx_strlen(value);

    return NGX_OK;
}


ngx_str_t *
ngx_http_push_answer_quote(ngx_http_push_quote_t *q, ngx_str_t *s)
{
    size_t   i, n;
    u_char  *p, ch;

    p = q->buf;
    n = ngx_min(s->len, NGX_HTTP_PUSH_ANSWER_QUOTE);

    for (i = 0; i < n; i++) {
        ch = s->data[i];

        if (ch < ' ' || ch > '~' || ch == '"' || ch == '\\') {
            p = ngx_sprintf(p, "\\x%02Xd", (int) ch);

        } else {
            *p++ = ch;
        }
    }

    if (s->len > n) {
        p = ngx_cpymem(p, "...", 3);
    }

    q->text.data = q->buf;
    q->text.len = p - q->buf;

    return &q->text;
}


static ngx_int_t
ngx_http_push_answer_set_headers(ngx_http_request_t *r, ngx_uint_t status)
{
    r->headers_out.status = status;

    /* "If-None-Match: *" is no wish for an answer without a body */

    r->disable_not_modified = 1;

    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    if (status == NGX_HTTP_SERVICE_UNAVAILABLE) {
        return ngx_http_push_answer_header(r, "Retry-After", "1");
    }

    return NGX_OK;
}
