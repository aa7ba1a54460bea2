/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: answers of polls; owns references to the forms in them.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_body.h"
#include "ngx_http_push_line.h"
#include "ngx_http_push_parcel.h"


#define NGX_HTTP_PUSH_PARCEL_FORMS  4         /* first room */


/* what stands before the texts in a form of the kind POLL */

typedef struct {
    uint32_t                 channel;         /* their lengths; the rest is */
    uint32_t                 event;           /* the body */
    uint32_t                 type;
    uint32_t                 binary;
} ngx_http_push_parcel_head_t;


typedef struct {
    ngx_str_t                channel;
    ngx_str_t                event;
    ngx_str_t                type;
    ngx_str_t                body;
    ngx_uint_t               binary;
} ngx_http_push_parcel_message_t;


static void ngx_http_push_parcel_cleanup(void *data);
static void ngx_http_push_parcel_read(ngx_http_push_form_t *f,
    ngx_http_push_parcel_message_t *message);
static ngx_int_t ngx_http_push_parcel_send_empty(
    ngx_http_push_parcel_t *parcel, ngx_http_request_t *r);
static ngx_int_t ngx_http_push_parcel_send_array(
    ngx_http_push_parcel_t *parcel, ngx_http_request_t *r);
static ngx_int_t ngx_http_push_parcel_send_message(
    ngx_http_push_parcel_t *parcel, ngx_http_request_t *r);
static void ngx_http_push_parcel_set_type(ngx_http_request_t *r,
    ngx_http_push_parcel_message_t *message);
static ngx_uint_t ngx_http_push_parcel_active(ngx_str_t *type);
static ngx_int_t ngx_http_push_parcel_send_body(ngx_http_push_parcel_t *parcel,
    ngx_http_request_t *r, ngx_chain_t *out, off_t len);
static ngx_int_t ngx_http_push_parcel_add_headers(
    ngx_http_push_parcel_t *parcel, ngx_http_request_t *r);
static ngx_chain_t *ngx_http_push_parcel_chain(ngx_http_request_t *r,
    ngx_str_t *text);


ngx_int_t
ngx_http_push_parcel_init(ngx_http_push_parcel_t *parcel,
    ngx_http_request_t *r, ngx_uint_t json)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    if (ngx_array_init(&parcel->forms, r->pool, NGX_HTTP_PUSH_PARCEL_FORMS,
                       sizeof(ngx_http_push_form_t *))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    parcel->json = json;

    cln->handler = ngx_http_push_parcel_cleanup;
    cln->data = parcel;

    return NGX_OK;
}


static void
ngx_http_push_parcel_cleanup(void *data)
{
    ngx_http_push_parcel_t *parcel = data;

    ngx_uint_t              i;
    ngx_http_push_form_t  **f;

    f = parcel->forms.elts;

    for (i = 0; i < parcel->forms.nelts; i++) {
        ngx_http_push_form_unref(f[i]);
    }
}


ngx_http_push_form_t *
ngx_http_push_parcel_encode(ngx_http_push_session_t *s, ngx_http_push_msg_t *m,
    ngx_http_push_channel_t *ch)
{
    u_char                       *p;
    ngx_http_push_form_t         *f;
    ngx_http_push_parcel_head_t   head;

    head.channel = ch->len;
    head.event = (uint32_t) m->event.len;
    head.type = (uint32_t) m->content_type.len;
    head.binary = m->binary;

    f = ngx_http_push_trail_create_form(sizeof(head) + ch->len + m->event.len
                                        + m->content_type.len + m->body.len,
                                        s->connection->log);
    if (f == NULL) {
        return NULL;
    }

    p = ngx_cpymem(f->data, &head, sizeof(head));
    p = ngx_cpymem(p, ch->name, ch->len);

    /* what is not there may be NULL */

    if (m->event.len != 0) {
        p = ngx_cpymem(p, m->event.data, m->event.len);
    }

    if (m->content_type.len != 0) {
        p = ngx_cpymem(p, m->content_type.data, m->content_type.len);
    }

    if (m->body.len != 0) {
        ngx_memcpy(p, m->body.data, m->body.len);
    }

    ngx_http_push_trail_mark(f, m, ch);

    return f;
}


static void
ngx_http_push_parcel_read(ngx_http_push_form_t *f,
    ngx_http_push_parcel_message_t *message)
{
    u_char                       *p;
    ngx_http_push_parcel_head_t   head;

    ngx_memcpy(&head, f->data, sizeof(head));

    p = f->data + sizeof(head);

    message->channel.data = p;
    message->channel.len = head.channel;
    p += head.channel;

    message->event.data = p;
    message->event.len = head.event;
    p += head.event;

    message->type.data = p;
    message->type.len = head.type;
    p += head.type;

    message->body.data = p;
    message->body.len = f->data + f->len - p;

    message->binary = head.binary;
}


/* in JSON a notice is an object, too, and a gap one per channel */

ngx_int_t
ngx_http_push_parcel_add(ngx_http_push_parcel_t *parcel,
    ngx_http_push_trail_t *t, ngx_http_push_form_t *f)
{
    ngx_http_push_form_t         **elt;
    ngx_http_push_trail_mark_t     mark;
    ngx_http_push_trail_place_t   *place;

    place = ngx_http_push_trail_pass(t, f);

    ngx_http_push_trail_read_mark(f, &mark);

    if (mark.kind == NGX_HTTP_PUSH_MSG_GAP) {
        parcel->gap = 1;

        if (place == NULL || place->gap) {
            return NGX_OK;
        }

        place->gap = 1;
    }

    if (mark.kind != NGX_HTTP_PUSH_MSG_DATA && !parcel->json) {
        return NGX_OK;
    }

    elt = ngx_array_push(&parcel->forms);
    if (elt == NULL) {
        return NGX_ERROR;
    }

    *elt = ngx_http_push_form_ref(f);

    parcel->size += f->len;
    parcel->messages += (mark.kind != NGX_HTTP_PUSH_MSG_GAP);

    return NGX_OK;
}


ngx_int_t
ngx_http_push_parcel_set_etag(ngx_http_push_parcel_t *parcel,
    ngx_http_request_t *r, ngx_http_push_trail_t *t)
{
    u_char  text[NGX_HTTP_PUSH_CURSOR_MAX + 2], *p;

    text[0] = '"';

    p = ngx_http_push_trail_write(t, text + 1);

    if (p == text + 1) {
        return NGX_OK;
    }

    *p++ = '"';

    parcel->etag.len = p - text;
    parcel->etag.data = ngx_pnalloc(r->pool, parcel->etag.len);

    if (parcel->etag.data == NULL) {
        parcel->etag.len = 0;
        return NGX_ERROR;
    }

    ngx_memcpy(parcel->etag.data, text, parcel->etag.len);

    return NGX_OK;
}


ngx_int_t
ngx_http_push_parcel_send(ngx_http_push_parcel_t *parcel,
    ngx_http_request_t *r)
{
    /* "error_page 404 /poll" would have its 404 instead */
    r->err_status = 0;

    if (parcel->messages == 0) {
        return ngx_http_push_parcel_send_empty(parcel, r);
    }

    r->headers_out.status = NGX_HTTP_OK;

    /* there is something new, whatever else the request says */
    r->disable_not_modified = 1;

    if (parcel->json) {
        return ngx_http_push_parcel_send_array(parcel, r);
    }

    return ngx_http_push_parcel_send_message(parcel, r);
}


static ngx_int_t
ngx_http_push_parcel_send_empty(ngx_http_push_parcel_t *parcel,
    ngx_http_request_t *r)
{
    if (parcel->status >= NGX_HTTP_BAD_REQUEST) {
        return parcel->status;
    }

    r->headers_out.status = parcel->status;
    r->header_only = 1;

    ngx_str_null(&r->headers_out.content_type);
    ngx_http_clear_content_length(r);

    if (ngx_http_push_parcel_add_headers(parcel, r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_send_header(r);
}


static ngx_int_t
ngx_http_push_parcel_send_array(ngx_http_push_parcel_t *parcel,
    ngx_http_request_t *r)
{
    off_t                   len;
    ngx_str_t               text, begin, end;
    ngx_uint_t              i;
    ngx_chain_t            *out, **ll;
    ngx_http_push_form_t  **f;

    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    ngx_str_set(&begin, "[");
    ngx_str_set(&end, "]");

    len = 0;
    out = NULL;
    ll = &out;

    f = parcel->forms.elts;

    for (i = 0; i <= 2 * parcel->forms.nelts; i++) {

        if (i & 1) {
            text = ngx_http_push_line_object(f[i / 2]);

        } else {
            text = (i == 2 * parcel->forms.nelts) ? end : begin;
            ngx_str_set(&begin, ",");
        }

        *ll = ngx_http_push_parcel_chain(r, &text);
        if (*ll == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ll = &(*ll)->next;
        len += text.len;
    }

    return ngx_http_push_parcel_send_body(parcel, r, out, len);
}


static ngx_int_t
ngx_http_push_parcel_send_message(ngx_http_push_parcel_t *parcel,
    ngx_http_request_t *r)
{
    ngx_chain_t                      *out;
    ngx_http_push_form_t            **f;
    ngx_http_push_parcel_message_t    message;

    f = parcel->forms.elts;

    ngx_http_push_parcel_read(f[0], &message);
    ngx_http_push_parcel_set_type(r, &message);

    if (ngx_http_push_body_add_header(r, "Push-Channel", &message.channel)
        == NULL
        || (message.event.len != 0
            && ngx_http_push_body_add_header(r, "Push-Event", &message.event)
               == NULL))
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    out = NULL;

    if (message.body.len != 0) {
        out = ngx_http_push_parcel_chain(r, &message.body);
        if (out == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    return ngx_http_push_parcel_send_body(parcel, r, out, message.body.len);
}


/* nothing that a browser would run as a page of this site */

static void
ngx_http_push_parcel_set_type(ngx_http_request_t *r,
    ngx_http_push_parcel_message_t *message)
{
    ngx_str_t  *type;

    type = &r->headers_out.content_type;

    *type = message->type;

    if (type->len == 0 || ngx_http_push_parcel_active(type)) {

        if (message->binary) {
            ngx_str_set(type, "application/octet-stream");

        } else {
            ngx_str_set(type, "text/plain");
            ngx_str_set(&r->headers_out.charset, "utf-8");
        }
    }

    r->headers_out.content_type_len = type->len;
    r->headers_out.content_type_lowcase = NULL;
}


/* html, xml and what is made of them */

static ngx_uint_t
ngx_http_push_parcel_active(ngx_str_t *type)
{
    u_char     *p, *last;
    ngx_str_t   kind;

    kind = *type;
    last = kind.data + kind.len;

    p = ngx_strlchr(kind.data, last, ';');

    if (p != NULL) {
        last = p;
    }

    while (last > kind.data && (last[-1] == ' ' || last[-1] == '\t')) {
        last--;
    }

    kind.len = last - kind.data;

    if (kind.len >= 4
        && (ngx_strncasecmp(last - 4, (u_char *) "html", 4) == 0
            || ngx_strncasecmp(last - 4, (u_char *) "/xsl", 4) == 0))
    {
        return 1;
    }

    return kind.len >= 3
           && ngx_strncasecmp(last - 3, (u_char *) "xml", 3) == 0;
}


static ngx_int_t
ngx_http_push_parcel_send_body(ngx_http_push_parcel_t *parcel,
    ngx_http_request_t *r, ngx_chain_t *out, off_t len)
{
    ngx_int_t     rc;
    ngx_chain_t  *cl;

    r->headers_out.content_length_n = len;

    if (ngx_http_push_parcel_add_headers(parcel, r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    if (out == NULL) {
        return ngx_http_send_special(r, NGX_HTTP_LAST);
    }

    for (cl = out; cl->next != NULL; cl = cl->next) { /* void */ }

    cl->buf->last_buf = 1;
    cl->buf->last_in_chain = 1;

    return ngx_http_output_filter(r, out);
}


static ngx_int_t
ngx_http_push_parcel_add_headers(ngx_http_push_parcel_t *parcel,
    ngx_http_request_t *r)
{
    ngx_table_elt_t  *h;

    if (parcel->gap
        && ngx_http_push_body_add_header(r, "Push-Recovered",
                                         &(ngx_str_t) ngx_string("no"))
           == NULL)
    {
        return NGX_ERROR;
    }

    if (parcel->etag.len == 0) {
        return NGX_OK;
    }

    h = ngx_http_push_body_add_header(r, "ETag", &parcel->etag);
    if (h == NULL) {
        return NGX_ERROR;
    }

    /* for who changes the body */
    r->headers_out.etag = h;

    return NGX_OK;
}


/* a link with a text that lives as long as the request */

static ngx_chain_t *
ngx_http_push_parcel_chain(ngx_http_request_t *r, ngx_str_t *text)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    cl = ngx_alloc_chain_link(r->pool);
    if (cl == NULL) {
        return NULL;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NULL;
    }

    b->pos = text->data;
    b->last = text->data + text->len;
    b->memory = 1;

    cl->buf = b;
    cl->next = NULL;

    return cl;
}
