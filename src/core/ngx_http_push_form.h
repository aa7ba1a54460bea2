/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: a message as it goes to a socket: encoded once, counted, shared.
 */


#ifndef _NGX_HTTP_PUSH_FORM_H_INCLUDED_
#define _NGX_HTTP_PUSH_FORM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * A form is (framing, dialect, compressed or not), a small integer chosen
 * when a session opens.  Nearly every channel has one form in use.
 */

#define NGX_HTTP_PUSH_FORM_WS_RAW      0
#define NGX_HTTP_PUSH_FORM_WS_META     3
#define NGX_HTTP_PUSH_FORM_SSE         6      /* of one channel, with ids */
#define NGX_HTTP_PUSH_FORM_SSE_MANY    7
#define NGX_HTTP_PUSH_FORM_JSON        8
#define NGX_HTTP_PUSH_FORM_POLL        9
#define NGX_HTTP_PUSH_FORMS            10

/*
 * The two behind a form of websocket are the same in compressed frames, with
 * windows of 32k and of 4k (RFC 7692).  Where that is of no use they are the
 * same bytes.
 */

#define NGX_HTTP_PUSH_FORM_DEFLATE     1
#define NGX_HTTP_PUSH_FORM_DEFLATE_4K  2

#define ngx_http_push_form_plain(form)  ((form) - (form) % 3)


/*
 * The bytes of one message as they go to a socket, contiguous, shared by all
 * sessions of that form.  Without any the dialect has no place for it.  Freed
 * by the last unref.
 */

typedef struct {
    uint32_t                 refs;
    uint32_t                 len;
    uint32_t                 control;      /* no message: a ping, say */
    u_char                   data[];
} ngx_http_push_form_t;


/* a form of len bytes with one reference, data[] to be filled by the caller */
ngx_http_push_form_t *ngx_http_push_form_create(size_t len, ngx_log_t *log);

/* called by the last ngx_http_push_form_unref() only */
void ngx_http_push_form_destroy(ngx_http_push_form_t *f);


static ngx_inline ngx_http_push_form_t *
ngx_http_push_form_ref(ngx_http_push_form_t *f)
{
    f->refs++;

    return f;
}


static ngx_inline void
ngx_http_push_form_unref(ngx_http_push_form_t *f)
{
    if (--f->refs == 0) {
        ngx_http_push_form_destroy(f);
    }
}


#endif /* _NGX_HTTP_PUSH_FORM_H_INCLUDED_ */
