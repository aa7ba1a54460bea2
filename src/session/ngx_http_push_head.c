/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: heads of requests, saved and restored; owns their layout.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_ctx.h"
#include "ngx_http_push_head.h"


/* more than this is not saved: the request itself costs no more */
#define NGX_HTTP_PUSH_HEAD_MAX  8192


/*
 * Followed by the request line with LF, uri and args where they are not those
 * of the request line, the texts of the module's context, then nheaders times
 * {entry, name, value} and nvariables times {entry, value}; nothing is
 * aligned.
 */

typedef struct {
    ngx_http_connection_t    *http_connection;
    void                    **srv_conf;
    void                    **loc_conf;
    time_t                    start_sec;
    off_t                     request_length;
    uint32_t                  start_msec;
    uint32_t                  header_size;
    uint16_t                  status;
    uint16_t                  line;           /* lengths */
    uint16_t                  uri;
    uint16_t                  args;
    uint16_t                  channels;
    uint16_t                  user;
    uint16_t                  nheaders;
    uint16_t                  nvariables;
    unsigned                  uri_changed:1;
    unsigned                  args_changed:1;
    unsigned                  internal:1;

    /* static texts of the module */
    ngx_str_t                 transport;
    ngx_str_t                 protocol;
} ngx_http_push_head_t;


/* of a header: lengths of name and value; of a variable: index and length */

typedef struct {
    uint16_t                  first;
    uint16_t                  len;
} ngx_http_push_head_entry_t;


typedef struct {
    u_char                   *p;              /* NULL: only measured */
    size_t                    size;
} ngx_http_push_head_writer_t;


static size_t ngx_http_push_head_write(ngx_http_request_t *r,
    ngx_http_push_head_t *head, u_char *p);
static ngx_uint_t ngx_http_push_head_uri_changed(ngx_http_request_t *r);
static ngx_uint_t ngx_http_push_head_args_changed(ngx_http_request_t *r);
static void ngx_http_push_head_put(ngx_http_push_head_writer_t *w, void *data,
    size_t len);
static void ngx_http_push_head_write_headers(ngx_http_request_t *r,
    ngx_http_push_head_t *head, ngx_http_push_head_writer_t *w);
static void ngx_http_push_head_write_variables(ngx_http_request_t *r,
    ngx_http_push_head_t *head, ngx_http_push_head_writer_t *w);
static ngx_uint_t ngx_http_push_head_derived(ngx_str_t *name);
static ngx_uint_t ngx_http_push_head_handshake(ngx_table_elt_t *h);
static ngx_int_t ngx_http_push_head_read(ngx_http_request_t *r,
    ngx_http_push_head_t *head, u_char *p);
static ngx_int_t ngx_http_push_head_read_line(ngx_http_request_t *r,
    ngx_http_push_head_t *head, u_char **p);
static ngx_int_t ngx_http_push_head_read_ctx(ngx_http_request_t *r,
    ngx_http_push_head_t *head, u_char **p);
static ngx_int_t ngx_http_push_head_read_headers(ngx_http_request_t *r,
    ngx_http_push_head_t *head, u_char **p);
static void ngx_http_push_head_read_variables(ngx_http_request_t *r,
    ngx_http_push_head_t *head, u_char **p);


void *
ngx_http_push_head_save(ngx_http_request_t *r, size_t offset)
{
    size_t                 size;
    u_char                *block;
    ngx_http_push_head_t   head;

    ngx_memzero(&head, sizeof(ngx_http_push_head_t));

    size = ngx_http_push_head_write(r, &head, NULL);

    if (size > NGX_HTTP_PUSH_HEAD_MAX) {
        return NULL;
    }

    block = ngx_alloc(offset + sizeof(ngx_http_push_head_t) + size,
                      r->connection->log);
    if (block == NULL) {
        return NULL;
    }

    ngx_memzero(&head, sizeof(ngx_http_push_head_t));

    (void) ngx_http_push_head_write(r, &head, block + offset
                                              + sizeof(ngx_http_push_head_t));

    ngx_memcpy(block + offset, &head, sizeof(ngx_http_push_head_t));

    return block;
}


/* returns the size; with p NULL nothing is written */

static size_t
ngx_http_push_head_write(ngx_http_request_t *r, ngx_http_push_head_t *head,
    u_char *p)
{
    ngx_http_push_ctx_t          *ctx;
    ngx_http_push_head_writer_t   w;

    w.p = p;
    w.size = 0;

    head->http_connection = r->http_connection;
    head->srv_conf = r->srv_conf;
    head->loc_conf = r->loc_conf;
    head->start_sec = r->start_sec;
    head->start_msec = (uint32_t) r->start_msec;
    head->request_length = r->request_length;
    head->header_size = (uint32_t) r->header_size;
    head->status = (uint16_t) r->headers_out.status;
    head->internal = r->internal;

    head->line = (uint16_t) r->request_line.len;
    ngx_http_push_head_put(&w, r->request_line.data, r->request_line.len);
    ngx_http_push_head_put(&w, "\n", 1);

    /* rewrite and internal redirects change them */

    if (ngx_http_push_head_uri_changed(r)) {
        head->uri_changed = 1;
        head->uri = (uint16_t) r->uri.len;
        ngx_http_push_head_put(&w, r->uri.data, r->uri.len);
    }

    if (ngx_http_push_head_args_changed(r)) {
        head->args_changed = 1;
        head->args = (uint16_t) r->args.len;
        ngx_http_push_head_put(&w, r->args.data, r->args.len);
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_push_module);

    head->channels = (uint16_t) ctx->channels.len;
    ngx_http_push_head_put(&w, ctx->channels.data, ctx->channels.len);

    head->user = (uint16_t) ctx->user.len;
    ngx_http_push_head_put(&w, ctx->user.data, ctx->user.len);

    head->transport = ctx->transport;
    head->protocol = ctx->protocol;

    ngx_http_push_head_write_headers(r, head, &w);
    ngx_http_push_head_write_variables(r, head, &w);

    return w.size;
}


static ngx_uint_t
ngx_http_push_head_uri_changed(ngx_http_request_t *r)
{
    size_t      len;
    ngx_str_t  *all;

    len = r->uri.len;
    all = &r->unparsed_uri;

    return len > all->len
           || ngx_memcmp(r->uri.data, all->data, len) != 0
           || (len < all->len && all->data[len] != '?');
}


static ngx_uint_t
ngx_http_push_head_args_changed(ngx_http_request_t *r)
{
    size_t      len;
    ngx_str_t  *all;

    len = r->args.len;
    all = &r->unparsed_uri;

    if (len == 0) {
        return ngx_strlchr(all->data, all->data + all->len, '?') != NULL;
    }

    return len > all->len
           || ngx_memcmp(r->args.data, all->data + all->len - len, len) != 0;
}


static void
ngx_http_push_head_put(ngx_http_push_head_writer_t *w, void *data, size_t len)
{
    if (w->p != NULL && len != 0) {
        w->p = ngx_cpymem(w->p, data, len);
    }

    w->size += len;
}


static void
ngx_http_push_head_write_headers(ngx_http_request_t *r,
    ngx_http_push_head_t *head, ngx_http_push_head_writer_t *w)
{
    ngx_uint_t                   i;
    ngx_list_part_t             *part;
    ngx_table_elt_t             *h;
    ngx_http_push_head_entry_t   entry;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].hash == 0 || ngx_http_push_head_handshake(&h[i])) {
                continue;
            }

            entry.first = (uint16_t) h[i].key.len;
            entry.len = (uint16_t) h[i].value.len;
            head->nheaders++;

            ngx_http_push_head_put(w, &entry, sizeof(entry));
            ngx_http_push_head_put(w, h[i].key.data, h[i].key.len);
            ngx_http_push_head_put(w, h[i].value.data, h[i].value.len);
        }
    }
}


/* no log line has a use for them, and they are long */

static ngx_uint_t
ngx_http_push_head_handshake(ngx_table_elt_t *h)
{
    return h->key.len > sizeof("sec-websocket-") - 1
           && ngx_strncasecmp(h->key.data, (u_char *) "sec-websocket-",
                              sizeof("sec-websocket-") - 1)
              == 0;
}


/*
 * What earlier phases have found out or made up ($request_id, set,
 * auth_request_set, map of what is gone by then) is not found again.
 */

static void
ngx_http_push_head_write_variables(ngx_http_request_t *r,
    ngx_http_push_head_t *head, ngx_http_push_head_writer_t *w)
{
    ngx_uint_t                   i;
    ngx_http_variable_t         *v;
    ngx_http_variable_value_t   *value;
    ngx_http_push_head_entry_t   entry;
    ngx_http_core_main_conf_t   *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    v = cmcf->variables.elts;

    for (i = 0; i < cmcf->variables.nelts; i++) {
        value = &r->variables[i];

        if (!value->valid || value->no_cacheable || value->not_found
            || ngx_http_push_head_derived(&v[i].name))
        {
            continue;
        }

        if (value->len > NGX_HTTP_PUSH_HEAD_MAX) {
            w->size = NGX_HTTP_PUSH_HEAD_MAX + 1;
            return;
        }

        entry.first = (uint16_t) i;
        entry.len = (uint16_t) value->len;
        head->nvariables++;

        ngx_http_push_head_put(w, &entry, sizeof(entry));
        ngx_http_push_head_put(w, value->data, value->len);
    }
}


/* what follows from the request line and the headers, which are kept */

static ngx_uint_t
ngx_http_push_head_derived(ngx_str_t *name)
{
    const ngx_str_t  *prefix;

    static const ngx_str_t  prefixes[] = {
        ngx_string("arg_"),
        ngx_string("http_"),
        ngx_string("cookie_"),
        ngx_string("push_"),
        ngx_null_string
    };

    for (prefix = prefixes; prefix->len; prefix++) {

        if (name->len > prefix->len
            && ngx_strncmp(name->data, prefix->data, prefix->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_http_request_t *
ngx_http_push_head_restore(ngx_connection_t *c, void *block, size_t offset)
{
    u_char                *p;
    ngx_http_request_t    *r;
    ngx_http_push_head_t   head;

    p = (u_char *) block + offset;

    ngx_memcpy(&head, p, sizeof(ngx_http_push_head_t));

    c->data = head.http_connection;

    r = ngx_http_create_request(c);
    if (r == NULL) {
        return NULL;
    }

    /* it is no further request of the client */

    c->requests--;
    c->data = r;

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_requests, -1);
#endif

    if (ngx_http_push_head_read(r, &head, p + sizeof(ngx_http_push_head_t))
        != NGX_OK)
    {
        r->logged = 1;
        ngx_http_free_request(r, 0);

        return NULL;
    }

    return r;
}


static ngx_int_t
ngx_http_push_head_read(ngx_http_request_t *r, ngx_http_push_head_t *head,
    u_char *p)
{
    if (ngx_http_push_head_read_line(r, head, &p) != NGX_OK
        || ngx_http_push_head_read_ctx(r, head, &p) != NGX_OK
        || ngx_http_push_head_read_headers(r, head, &p) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_push_head_read_variables(r, head, &p);

    /* after the Host header, which chooses a server of its own */

    r->srv_conf = head->srv_conf;
    r->loc_conf = head->loc_conf;

    r->start_sec = head->start_sec;
    r->start_msec = head->start_msec;
    r->request_length = head->request_length;
    r->header_size = head->header_size;
    r->internal = head->internal;
    r->headers_out.status = head->status;

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_head_read_line(ngx_http_request_t *r, ngx_http_push_head_t *head,
    u_char **p)
{
    ngx_buf_t  b;

    ngx_memzero(&b, sizeof(ngx_buf_t));

    b.start = *p;
    b.pos = b.start;
    b.last = b.start + head->line + 1;
    b.end = b.last;

    if (ngx_http_parse_request_line(r, &b) != NGX_OK) {
        return NGX_ERROR;
    }

    r->request_line.len = head->line;
    r->request_line.data = *p;
    r->method_name.len = r->method_end - r->request_start + 1;
    r->method_name.data = r->request_line.data;

    if (r->http_protocol.data) {
        r->http_protocol.len = r->request_end - r->http_protocol.data;
    }

    if (ngx_http_process_request_uri(r) != NGX_OK) {
        return NGX_ERROR;
    }

    *p = b.last;

    if (head->uri_changed) {
        r->uri.len = head->uri;
        r->uri.data = *p;
        *p += head->uri;
    }

    if (head->args_changed) {
        r->args.len = head->args;
        r->args.data = *p;
        *p += head->args;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_head_read_ctx(ngx_http_request_t *r, ngx_http_push_head_t *head,
    u_char **p)
{
    ngx_http_push_ctx_t  *ctx;

    ctx = ngx_http_push_ctx_get(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ctx->channels.len = head->channels;
    ctx->channels.data = *p;
    *p += head->channels;

    ctx->user.len = head->user;
    ctx->user.data = *p;
    *p += head->user;

    ctx->transport = head->transport;
    ctx->protocol = head->protocol;

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_head_read_headers(ngx_http_request_t *r,
    ngx_http_push_head_t *head, u_char **p)
{
    ngx_uint_t                   i;
    ngx_table_elt_t             *h;
    ngx_http_header_t           *hh;
    ngx_http_push_head_entry_t   entry;
    ngx_http_core_main_conf_t   *cmcf;

    if (ngx_list_init(&r->headers_in.headers, r->pool, 20,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    for (i = 0; i < head->nheaders; i++) {

        ngx_memcpy(&entry, *p, sizeof(entry));
        *p += sizeof(entry);

        h = ngx_list_push(&r->headers_in.headers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(h, sizeof(ngx_table_elt_t));

        h->key.len = entry.first;
        h->key.data = *p;
        *p += entry.first;

        h->value.len = entry.len;
        h->value.data = ngx_pnalloc(r->pool, entry.len + 1);
        h->lowcase_key = ngx_pnalloc(r->pool, entry.first);

        if (h->value.data == NULL || h->lowcase_key == NULL) {
            return NGX_ERROR;
        }

        /* nginx's own are ended by NUL, and some of its handlers count on it */

        *ngx_cpymem(h->value.data, *p, entry.len) = '\0';
        *p += entry.len;

        ngx_strlow(h->lowcase_key, h->key.data, entry.first);
        h->hash = ngx_hash_key(h->lowcase_key, entry.first);

        hh = ngx_hash_find(&cmcf->headers_in_hash, h->hash, h->lowcase_key,
                           h->key.len);

        if (hh && hh->handler(r, h, hh->offset) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_http_push_head_read_variables(ngx_http_request_t *r,
    ngx_http_push_head_t *head, u_char **p)
{
    ngx_uint_t                   i;
    ngx_http_variable_value_t   *value;
    ngx_http_push_head_entry_t   entry;

    for (i = 0; i < head->nvariables; i++) {

        ngx_memcpy(&entry, *p, sizeof(entry));
        *p += sizeof(entry);

        value = &r->variables[entry.first];

        value->valid = 1;
        value->no_cacheable = 0;
        value->not_found = 0;
        value->len = entry.len;
        value->data = *p;

        *p += entry.len;
    }
}
