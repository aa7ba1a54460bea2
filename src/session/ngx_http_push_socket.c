/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: writes the queues of sessions to their sockets; owns nothing.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_socket.h"


#define NGX_HTTP_PUSH_SOCKET_IOV  64


static ssize_t ngx_http_push_socket_write_queue(ngx_http_push_session_t *s);


ssize_t
ngx_http_push_socket_flush(ngx_http_push_session_t *s)
{
    off_t              sent;
    ssize_t            n;
    ngx_connection_t  *c;

    c = s->connection;
    sent = c->sent;

    while (s->outq.count != 0) {

        n = ngx_http_push_socket_write_queue(s);

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (n > 0) {
            ngx_http_push_outq_advance(&s->outq, n);

            if (c->write->ready || s->outq.count == 0) {
                continue;
            }

        } else if (s->indirect) {
            ngx_http_push_outq_begin(&s->outq);
        }

        if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
            return NGX_ERROR;
        }

        break;
    }

    return c->sent - sent;
}


/*
 * One form goes by send, several by one writev.  TLS takes one at a time and
 * wants the same pointer again, which a queued form is.
 */

static ssize_t
ngx_http_push_socket_write_queue(ngx_http_push_session_t *s)
{
    ngx_uint_t             i, niov;
    struct iovec           iov[NGX_HTTP_PUSH_SOCKET_IOV];
    ngx_connection_t      *c;
    ngx_http_push_form_t  *f;

    c = s->connection;

    if (s->outq.count == 1 || s->indirect) {
        f = ngx_http_push_outq_get(&s->outq, 0);

        return c->send(c, f->data + s->outq.sent, f->len - s->outq.sent);
    }

    niov = ngx_min(s->outq.count, NGX_HTTP_PUSH_SOCKET_IOV);

    for (i = 0; i < niov; i++) {
        f = ngx_http_push_outq_get(&s->outq, i);

        iov[i].iov_base = f->data;
        iov[i].iov_len = f->len;
    }

    iov[0].iov_base = (u_char *) iov[0].iov_base + s->outq.sent;
    iov[0].iov_len -= s->outq.sent;

    return ngx_http_push_socket_write(c, iov, niov);
}


ssize_t
ngx_http_push_socket_write(ngx_connection_t *c, struct iovec *iov,
    ngx_uint_t niov)
{
    ssize_t       n;
    ngx_event_t  *wev;

    wev = c->write;

    do {
        n = writev(c->fd, iov, niov);
    } while (n == -1 && ngx_socket_errno == NGX_EINTR);

    if (n > 0) {
        c->sent += n;
        return n;
    }

    wev->ready = 0;

    if (n == 0 || ngx_socket_errno == NGX_EAGAIN) {
        return NGX_AGAIN;
    }

    wev->error = 1;
    (void) ngx_connection_error(c, ngx_socket_errno, "writev() failed");

    return NGX_ERROR;
}
