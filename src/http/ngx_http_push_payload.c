/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: what a publisher's request says of its message: headers and body.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_envelope.h"
#include "ngx_http_push_payload.h"
#include "ngx_http_push_policy.h"
#include "ngx_http_push_utf8.h"


#define NGX_HTTP_PUSH_PAYLOAD_EXCEPT_LEN  16


/* NULL, or a static text that says what is wrong with the value */

typedef const char *(*ngx_http_push_payload_header_pt)(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, ngx_str_t *value);


typedef struct {
    ngx_str_t                        name;
    ngx_http_push_payload_header_pt  handler;
    ngx_uint_t                       publisher;  /* of nobody else */
} ngx_http_push_payload_header_t;


static ngx_int_t ngx_http_push_payload_read_header(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, ngx_table_elt_t *h, const char **error);
static const char *ngx_http_push_payload_set_event(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, ngx_str_t *value);
static const char *ngx_http_push_payload_set_volatile(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, ngx_str_t *value);
static const char *ngx_http_push_payload_set_user(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, ngx_str_t *value);
static const char *ngx_http_push_payload_set_except(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, ngx_str_t *value);
static const char *ngx_http_push_payload_set_ttl(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, ngx_str_t *value);
static const char *ngx_http_push_payload_set_encoding(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, ngx_str_t *value);
static const char *ngx_http_push_payload_set_id(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, ngx_str_t *value);
static const char *ngx_http_push_payload_refuse_ack(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, ngx_str_t *value);
static ngx_uint_t ngx_http_push_payload_is_text(ngx_str_t *type);
static ngx_uint_t ngx_http_push_payload_is(ngx_str_t *s, const char *text);
static ngx_int_t ngx_http_push_payload_join_body(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_int_t ngx_http_push_payload_copy_body(ngx_http_request_t *r,
    ngx_chain_t *in, u_char *p);


static ngx_http_push_payload_header_t  ngx_http_push_payload_headers[] = {

    { ngx_string("push-event"), ngx_http_push_payload_set_event, 0 },
    { ngx_string("push-volatile"), ngx_http_push_payload_set_volatile, 0 },
    { ngx_string("push-user"), ngx_http_push_payload_set_user, 1 },
    { ngx_string("push-except"), ngx_http_push_payload_set_except, 0 },
    { ngx_string("push-ttl"), ngx_http_push_payload_set_ttl, 0 },
    { ngx_string("push-id"), ngx_http_push_payload_set_id, 0 },
    { ngx_string("push-ack"), ngx_http_push_payload_refuse_ack, 1 },
    { ngx_string("content-encoding"), ngx_http_push_payload_set_encoding, 0 },

    { ngx_null_string, NULL, 0 }
};


ngx_int_t
ngx_http_push_payload_read_headers(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, const char **error)
{
    ngx_int_t         rc;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].hash == 0) {
                continue;
            }

            rc = ngx_http_push_payload_read_header(r, pl, &h[i], error);

            if (rc != NGX_OK) {
                return rc;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_payload_read_header(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, ngx_table_elt_t *h, const char **error)
{
    ngx_uint_t                       i;
    ngx_http_push_payload_header_t  *known;

    known = ngx_http_push_payload_headers;

    for (i = 0; known[i].name.len; i++) {

        if (known[i].name.len != h->key.len
            || ngx_strncmp(known[i].name.data, h->lowcase_key, h->key.len)
               != 0)
        {
            continue;
        }

        if (known[i].publisher && pl->client) {
            *error = "a header was sent that is for publishers only";
            return NGX_HTTP_FORBIDDEN;
        }

        /* two could mean two things to us and to who has checked them */

        if (pl->seen & ((ngx_uint_t) 1 << i)) {
            *error = "a header was sent twice";
            return NGX_HTTP_BAD_REQUEST;
        }

        pl->seen |= (ngx_uint_t) 1 << i;

        *error = known[i].handler(r, pl, &h->value);

        return *error ? NGX_HTTP_BAD_REQUEST : NGX_OK;
    }

    return NGX_OK;
}


static const char *
ngx_http_push_payload_set_event(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, ngx_str_t *value)
{
    if (!ngx_http_push_envelope_text_valid(value->data, value->len)) {
        return "Push-Event is 1 to 128 bytes of UTF-8 without control "
               "characters";
    }

    if (value->len >= sizeof("push.") - 1
        && ngx_strncmp(value->data, "push.", sizeof("push.") - 1) == 0)
    {
        return "Push-Event begins with \"push.\", which is reserved";
    }

    pl->event = *value;

    return NULL;
}


static const char *
ngx_http_push_payload_set_volatile(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, ngx_str_t *value)
{
    if (value->len != 1 || (value->data[0] != '0' && value->data[0] != '1')) {
        return "Push-Volatile is 0 or 1";
    }

    pl->volatile_ = (value->data[0] == '1');

    return NULL;
}


static const char *
ngx_http_push_payload_set_user(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, ngx_str_t *value)
{
    pl->has_user = 1;
    pl->user = *value;

    return NULL;
}


static const char *
ngx_http_push_payload_set_except(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, ngx_str_t *value)
{
    u_char  *id, ch;
    size_t   i;

    if (value->len != NGX_HTTP_PUSH_PAYLOAD_EXCEPT_LEN) {
        return "Push-Except is a connection id of 16 hexadecimal digits";
    }

    id = ngx_pnalloc(r->pool, value->len);
    if (id == NULL) {
        return "out of memory";
    }

    for (i = 0; i < value->len; i++) {
        ch = value->data[i];

        if (ch >= 'A' && ch <= 'F') {
            ch |= 0x20;
        }

        if (!(ch >= '0' && ch <= '9') && !(ch >= 'a' && ch <= 'f')) {
            return "Push-Except is a connection id of 16 hexadecimal digits";
        }

        id[i] = ch;
    }

    pl->except.data = id;
    pl->except.len = value->len;

    return NULL;
}


static const char *
ngx_http_push_payload_set_ttl(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, ngx_str_t *value)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);

    if (n <= 0 || n > NGX_HTTP_PUSH_POLICY_TTL_MAX / 1000) {
        return "Push-TTL is a number of seconds, from 1 to ten years";
    }

    pl->ttl = (ngx_msec_t) n * 1000;

    return NULL;
}


static const char *
ngx_http_push_payload_set_id(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, ngx_str_t *value)
{
    if (!ngx_http_push_envelope_text_valid(value->data, value->len)) {
        return "Push-Id is 1 to 128 bytes of UTF-8 without control "
               "characters";
    }

    pl->id = *value;

    return NULL;
}


/* to accept it without keeping its promise would lose messages */

static const char *
ngx_http_push_payload_refuse_ack(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, ngx_str_t *value)
{
    return "Push-Ack is not supported yet";
}


/* clients would get what they can not read */

static const char *
ngx_http_push_payload_set_encoding(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, ngx_str_t *value)
{
    pl->encoded = !ngx_http_push_payload_is(value, "identity");

    return NULL;
}


/*
 * The type travels with the message, but for the one that HTTP clients send
 * when nobody has chosen any.
 */

ngx_int_t
ngx_http_push_payload_read_type(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, const char **error)
{
    u_char     *end;
    ngx_str_t   value, type;

    if (pl->encoded) {
        *error = "an encoded body is not supported";
        return NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
    }

    if (r->headers_in.content_type == NULL) {
        return NGX_OK;
    }

    value = r->headers_in.content_type->value;

    if (value.len == 0) {
        return NGX_OK;
    }

    if (!ngx_http_push_envelope_text_valid(value.data, value.len)) {
        *error = "Content-Type is 1 to 128 bytes of UTF-8 without control "
                 "characters";
        return NGX_HTTP_BAD_REQUEST;
    }

    type = value;
    end = ngx_strlchr(value.data, value.data + value.len, ';');

    if (end != NULL) {
        type.len = end - value.data;
    }

    while (type.len && type.data[type.len - 1] == ' ') {
        type.len--;
    }

    if (ngx_http_push_payload_is(&type, "application/x-ndjson")) {
        *error = "application/x-ndjson is not supported yet";
        return NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
    }

    if (ngx_http_push_payload_is(&type, "application/x-www-form-urlencoded"))
    {
        return NGX_OK;
    }

    pl->text = ngx_http_push_payload_is_text(&type);
    pl->content_type = value;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_push_payload_is_text(ngx_str_t *type)
{
    size_t     n;
    ngx_str_t  end;

    n = sizeof("text/") - 1;

    if (type->len >= n
        && ngx_strncasecmp(type->data, (u_char *) "text/", n) == 0)
    {
        return 1;
    }

    n = sizeof("+json") - 1;

    if (type->len > n) {
        end.data = type->data + type->len - n;
        end.len = n;

        if (ngx_http_push_payload_is(&end, "+json")) {
            return 1;
        }
    }

    return ngx_http_push_payload_is(type, "application/json");
}


/* case is of no account */

static ngx_uint_t
ngx_http_push_payload_is(ngx_str_t *s, const char *text)
{
    return s->len == ngx_strlen(text)
           && ngx_strncasecmp(s->data, (u_char *) text, s->len) == 0;
}


ngx_int_t
ngx_http_push_payload_read_body(ngx_http_request_t *r,
    ngx_http_push_payload_t *pl, const char **error)
{
    uint32_t  utf8;

    if (ngx_http_push_payload_join_body(r, &pl->body) != NGX_OK) {
        *error = "the body could not be read";
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    utf8 = NGX_HTTP_PUSH_UTF8_START;

    pl->binary = !ngx_http_push_utf8_validate(&utf8, pl->body.data,
                                              pl->body.len)
                 || !ngx_http_push_utf8_complete(utf8);

    if (pl->binary && pl->text) {
        *error = "text and JSON have to be UTF-8";
        return NGX_HTTP_BAD_REQUEST;
    }

    return NGX_OK;
}


/* in one piece: where it lies, or copied from its pieces or the file */

static ngx_int_t
ngx_http_push_payload_join_body(ngx_http_request_t *r, ngx_str_t *body)
{
    off_t         len;
    ngx_chain_t  *cl, *in;

    body->data = (u_char *) "";
    body->len = 0;

    in = r->request_body ? r->request_body->bufs : NULL;
    len = 0;

    for (cl = in; cl; cl = cl->next) {
        len += ngx_buf_size(cl->buf);
    }

    if (len == 0) {

        if (r->headers_in.content_length_n > 0) {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "another handler has taken the body of a "
                          "publish request");
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    body->len = (size_t) len;

    if (in->next == NULL && ngx_buf_in_memory(in->buf)) {
        body->data = in->buf->pos;
        return NGX_OK;
    }

    body->data = ngx_pnalloc(r->pool, body->len);
    if (body->data == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_push_payload_copy_body(r, in, body->data);
}


static ngx_int_t
ngx_http_push_payload_copy_body(ngx_http_request_t *r, ngx_chain_t *in,
    u_char *p)
{
    size_t      size;
    ssize_t     n;
    ngx_buf_t  *b;

    for ( /* void */ ; in; in = in->next) {
        b = in->buf;
        size = (size_t) ngx_buf_size(b);

        if (ngx_buf_in_memory(b)) {
            p = ngx_cpymem(p, b->pos, size);
            continue;
        }

        if (size == 0) {
            continue;
        }

        n = ngx_read_file(b->file, p, size, b->file_pos);

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        if ((size_t) n != size) {
            ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0,
                          ngx_read_file_n " returned only %z bytes of %uz "
                          "from \"%V\"", n, size, &b->file->name);
            return NGX_ERROR;
        }

        p += size;
    }

    return NGX_OK;
}
