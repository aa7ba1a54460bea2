/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: the opening handshake; owns nothing, all memory is the request's.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <ngx_sha1.h>

#include "ngx_http_push_handshake.h"


#define NGX_HTTP_PUSH_HANDSHAKE_GUID  "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define NGX_HTTP_PUSH_HANDSHAKE_KEY   24      /* base64 of 16 bytes */


/* the name of a dialect's subprotocol is its own behind "push." */

typedef struct {
    ngx_str_t     protocol;
    ngx_uint_t    dialect;
} ngx_http_push_handshake_dialect_t;


static ngx_table_elt_t *ngx_http_push_handshake_header(ngx_http_request_t *r,
    const char *name, size_t len, ngx_uint_t *n);
static ngx_uint_t ngx_http_push_handshake_token(ngx_http_request_t *r,
    const char *name, const char *token);
static ngx_uint_t ngx_http_push_handshake_next(u_char **p, u_char *last,
    ngx_str_t *token);
static ngx_uint_t ngx_http_push_handshake_key_valid(ngx_str_t *key);
static void ngx_http_push_handshake_choose(ngx_http_request_t *r,
    ngx_uint_t dialects, ngx_http_push_handshake_t *hs);
static ngx_int_t ngx_http_push_handshake_take(ngx_http_push_handshake_t *hs,
    ngx_uint_t dialects, ngx_str_t *value);
static ngx_int_t ngx_http_push_handshake_deflate(ngx_http_request_t *r,
    ngx_http_push_handshake_t *hs);
static ngx_int_t ngx_http_push_handshake_add(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);
static ngx_int_t ngx_http_push_handshake_answer(ngx_http_request_t *r,
    ngx_str_t *key, ngx_str_t *value);


#define ngx_http_push_handshake_find(r, name, n)                              \
    ngx_http_push_handshake_header(r, name, sizeof(name) - 1, n)


static const ngx_http_push_handshake_dialect_t
    ngx_http_push_handshake_dialects[] =
{
    { ngx_string("push.raw"), NGX_HTTP_PUSH_DIALECT_RAW },
    { ngx_string("push.meta"), NGX_HTTP_PUSH_DIALECT_META },
    { ngx_null_string, 0 }
};


ngx_uint_t
ngx_http_push_handshake_wanted(ngx_http_request_t *r)
{
    return r->http_version < NGX_HTTP_VERSION_20
           && ngx_http_push_handshake_token(r, "upgrade", "websocket");
}


ngx_str_t
ngx_http_push_handshake_name(ngx_uint_t dialect)
{
    ngx_str_t                                 name;
    const ngx_http_push_handshake_dialect_t  *d;

    for (d = ngx_http_push_handshake_dialects; d->dialect; d++) {

        if (d->dialect == dialect) {
            break;
        }
    }

    name.data = d->protocol.data + sizeof("push.") - 1;
    name.len = d->protocol.len - (sizeof("push.") - 1);

    return name;
}


ngx_int_t
ngx_http_push_handshake_check(ngx_http_request_t *r, ngx_uint_t dialects,
    ngx_http_push_handshake_t *hs)
{
    ngx_uint_t        n;
    ngx_table_elt_t  *h;

    ngx_memzero(hs, sizeof(ngx_http_push_handshake_t));

    if (r->http_version < NGX_HTTP_VERSION_11) {
        hs->error = "websocket needs HTTP/1.1";
        return NGX_HTTP_BAD_REQUEST;
    }

    if (!ngx_http_push_handshake_token(r, "connection", "upgrade")) {
        hs->error = "no \"upgrade\" in Connection";
        return NGX_HTTP_BAD_REQUEST;
    }

    h = ngx_http_push_handshake_find(r, "sec-websocket-version", &n);

    if (n != 1 || h->value.len != 2 || ngx_strncmp(h->value.data, "13", 2)) {

        if (n == 0) {
            hs->error = "no Sec-WebSocket-Version";
            return NGX_HTTP_BAD_REQUEST;
        }

        hs->version = 1;
        hs->error = "websocket version is not 13";

        return 426;
    }

    h = ngx_http_push_handshake_find(r, "sec-websocket-key", &n);

    if (n != 1 || !ngx_http_push_handshake_key_valid(&h->value)) {
        hs->error = "invalid Sec-WebSocket-Key";
        return NGX_HTTP_BAD_REQUEST;
    }

    if (r->headers_in.content_length_n > 0 || r->headers_in.chunked) {

        /* its body would be read as frames */

        hs->error = "websocket handshake with a body";
        return NGX_HTTP_BAD_REQUEST;
    }

    hs->key = h->value;

    ngx_http_push_handshake_choose(r, dialects, hs);

    return NGX_OK;
}


/* the first header of that name, *n how many there are */

static ngx_table_elt_t *
ngx_http_push_handshake_header(ngx_http_request_t *r, const char *name,
    size_t len, ngx_uint_t *n)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *found;

    found = NULL;
    *n = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == len
                && ngx_memcmp(h[i].lowcase_key, name, len) == 0)
            {
                if ((*n)++ == 0) {
                    found = &h[i];
                }
            }
        }
    }

    return found;
}


/* is the token in the comma list that all headers of that name make up? */

static ngx_uint_t
ngx_http_push_handshake_token(ngx_http_request_t *r, const char *name,
    const char *token)
{
    size_t            len, tlen;
    u_char           *p, *last;
    ngx_str_t         t;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);
    tlen = ngx_strlen(token);

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len != len
                || ngx_memcmp(h[i].lowcase_key, name, len) != 0)
            {
                continue;
            }

            p = h[i].value.data;
            last = p + h[i].value.len;

            while (ngx_http_push_handshake_next(&p, last, &t)) {

                if (t.len == tlen
                    && ngx_strncasecmp(t.data, (u_char *) token, tlen) == 0)
                {
                    return 1;
                }
            }
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_push_handshake_next(u_char **p, u_char *last, ngx_str_t *token)
{
    u_char  *s, *end;

    s = *p;

    while (s < last && (*s == ' ' || *s == '\t' || *s == ',')) {
        s++;
    }

    if (s == last) {
        return 0;
    }

    token->data = s;

    while (s < last && *s != ',') {
        s++;
    }

    *p = s;

    for (end = s; end[-1] == ' ' || end[-1] == '\t'; end--) { /* void */ }

    token->len = end - token->data;

    return 1;
}


/* base64 of exactly 16 bytes, RFC 6455 4.1 */

static ngx_uint_t
ngx_http_push_handshake_key_valid(ngx_str_t *key)
{
    u_char     buf[ngx_base64_decoded_length(NGX_HTTP_PUSH_HANDSHAKE_KEY)];
    ngx_str_t  nonce;

    if (key->len != NGX_HTTP_PUSH_HANDSHAKE_KEY) {
        return 0;
    }

    nonce.data = buf;

    return ngx_decode_base64(&nonce, key) == NGX_OK && nonce.len == 16;
}


/*
 * The first that the client names and that is offered: its order is that of
 * its preference, RFC 6455 4.1.
 */

static void
ngx_http_push_handshake_choose(ngx_http_request_t *r, ngx_uint_t dialects,
    ngx_http_push_handshake_t *hs)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = sizeof("sec-websocket-protocol") - 1;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == len
                && ngx_memcmp(h[i].lowcase_key, "sec-websocket-protocol", len)
                   == 0
                && ngx_http_push_handshake_take(hs, dialects, &h[i].value)
                   == NGX_OK)
            {
                return;
            }
        }
    }
}


/* RFC 6455 11.3.4: compared byte for byte */

static ngx_int_t
ngx_http_push_handshake_take(ngx_http_push_handshake_t *hs,
    ngx_uint_t dialects, ngx_str_t *value)
{
    u_char                                   *p, *last;
    ngx_str_t                                 token;
    const ngx_http_push_handshake_dialect_t  *d;

    p = value->data;
    last = p + value->len;

    while (ngx_http_push_handshake_next(&p, last, &token)) {

        for (d = ngx_http_push_handshake_dialects; d->dialect; d++) {

            if ((d->dialect & dialects)
                && d->protocol.len == token.len
                && ngx_memcmp(d->protocol.data, token.data, token.len) == 0)
            {
                hs->protocol = d->protocol;
                hs->dialect = d->dialect;

                return NGX_OK;
            }
        }
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_push_handshake_extensions(ngx_http_request_t *r,
    ngx_http_push_handshake_t *hs)
{
    ngx_str_t         name;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    ngx_str_set(&name, "sec-websocket-extensions");

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len != name.len
                || ngx_memcmp(h[i].lowcase_key, name.data, name.len) != 0)
            {
                continue;
            }

            if (!ngx_http_push_deflate_negotiate(&hs->deflate,
                                                 h[i].value.data,
                                                 h[i].value.len))
            {
                /* RFC 6455 9.1 */

                hs->error = "invalid Sec-WebSocket-Extensions";
                return NGX_HTTP_BAD_REQUEST;
            }
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_push_handshake_fill(ngx_http_request_t *r,
    ngx_http_push_handshake_t *hs)
{
    ngx_str_t  accept;

    if (ngx_http_push_handshake_answer(r, &hs->key, &accept) != NGX_OK
        || ngx_http_push_handshake_add(r, "Upgrade",
                                       &(ngx_str_t) ngx_string("websocket"))
           != NGX_OK
        || ngx_http_push_handshake_add(r, "Sec-WebSocket-Accept", &accept)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (hs->protocol.len != 0
        && ngx_http_push_handshake_add(r, "Sec-WebSocket-Protocol",
                                       &hs->protocol)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (hs->deflate.accepted
        && ngx_http_push_handshake_deflate(r, hs) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* "error_page 404 /ws" would have its 404 instead */
    r->err_status = 0;

    r->headers_out.status = NGX_HTTP_SWITCHING_PROTOCOLS;
    ngx_str_set(&r->headers_out.status_line, "101 Switching Protocols");
    r->keepalive = 0;

    return NGX_OK;
}


ngx_int_t
ngx_http_push_handshake_accept(ngx_http_request_t *r,
    ngx_http_push_handshake_t *hs)
{
    ngx_int_t  rc;

    if (ngx_http_push_handshake_fill(r, hs) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return NGX_ERROR;
    }

    if (ngx_http_send_special(r, NGX_HTTP_FLUSH) == NGX_ERROR) {
        return NGX_ERROR;
    }

    /*
     * The socket is new and its buffer empty: whoever leaves no room for so
     * few bytes is not waited for.
     */

    if (r->out != NULL || r->connection->buffered) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Sec-WebSocket-Accept, RFC 6455 4.2.2 */

static ngx_int_t
ngx_http_push_handshake_answer(ngx_http_request_t *r, ngx_str_t *key,
    ngx_str_t *value)
{
    u_char      digest[20];
    ngx_str_t   src;
    ngx_sha1_t  sha1;

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, key->data, key->len);
    ngx_sha1_update(&sha1, NGX_HTTP_PUSH_HANDSHAKE_GUID,
                    sizeof(NGX_HTTP_PUSH_HANDSHAKE_GUID) - 1);
    ngx_sha1_final(digest, &sha1);

    value->data = ngx_pnalloc(r->pool, ngx_base64_encoded_length(20));
    if (value->data == NULL) {
        return NGX_ERROR;
    }

    src.data = digest;
    src.len = 20;

    ngx_encode_base64(value, &src);

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_handshake_deflate(ngx_http_request_t *r,
    ngx_http_push_handshake_t *hs)
{
    ngx_str_t  value;

    value.data = ngx_pnalloc(r->pool, NGX_HTTP_PUSH_DEFLATE_ANSWER_MAX);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_http_push_deflate_answer(&hs->deflate, value.data);

    return ngx_http_push_handshake_add(r, "Sec-WebSocket-Extensions", &value);
}


static ngx_int_t
ngx_http_push_handshake_add(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value = *value;

    return NGX_OK;
}
