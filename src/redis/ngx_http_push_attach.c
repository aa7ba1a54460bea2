/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: one connection to Redis: owns its socket, its reader and the output
 * that waits.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <sys/time.h>
#include <hiredis/hiredis.h>

#include "ngx_http_push_attach.h"
#include "ngx_http_push_redis_tls.h"


#define NGX_HTTP_PUSH_ATTACH_TURN    65536   /* bytes read in a turn */
#define NGX_HTTP_PUSH_ATTACH_PIECE   16384   /* bytes of one recv() */

/*
 * Commands are gathered in chunks of this size; one that does not fit well
 * goes out from the block that hiredis made of it, without another copy.
 */
#define NGX_HTTP_PUSH_ATTACH_CHUNK   16384
#define NGX_HTTP_PUSH_ATTACH_ADOPT   4096


typedef struct ngx_http_push_attach_chunk_s  ngx_http_push_attach_chunk_t;

struct ngx_http_push_attach_chunk_s {
    ngx_http_push_attach_chunk_t  *next;
    size_t                         pos;       /* written up to here */
    size_t                         len;
    size_t                         room;
    char                          *adopted;   /* hiredis' block, or NULL */
    u_char                         data[];
};


struct ngx_http_push_attach_s {
    ngx_connection_t              *connection;
    ngx_http_push_reader_t        *reader;
    ngx_http_push_attach_conf_t    conf;

    ngx_http_push_attach_chunk_t  *out;
    ngx_http_push_attach_chunk_t  *last;
    uint64_t                       appended;
    uint64_t                       sent;

    unsigned                       busy:1;    /* a handler is running */
    unsigned                       closed:1;  /* freed when it returns */
};


static void ngx_http_push_attach_read_handler(ngx_event_t *rev);
static ngx_int_t ngx_http_push_attach_read(ngx_http_push_attach_t *a);
static ngx_int_t ngx_http_push_attach_parse(ngx_http_push_attach_t *a,
    u_char *data, size_t len);
static ngx_int_t ngx_http_push_attach_fail(ngx_http_push_attach_t *a,
    const char *text);
static ngx_int_t ngx_http_push_attach_break(ngx_http_push_attach_t *a,
    const char *text, ngx_err_t err, ngx_uint_t malformed);

static void ngx_http_push_attach_write_handler(ngx_event_t *wev);
static ngx_int_t ngx_http_push_attach_write(ngx_http_push_attach_t *a);
static ngx_int_t ngx_http_push_attach_append(ngx_http_push_attach_t *a,
    char *block, size_t len);
static ngx_http_push_attach_chunk_t *ngx_http_push_attach_add_chunk(
    ngx_http_push_attach_t *a, size_t room);
static void ngx_http_push_attach_free_chunk(ngx_http_push_attach_chunk_t *ck);
static void ngx_http_push_attach_destroy(ngx_http_push_attach_t *a);

/* what is read is copied into the reader before anything else happens */

static u_char  ngx_http_push_attach_buffer[NGX_HTTP_PUSH_ATTACH_PIECE];


/* a command as the formatter wants it */

static const char  *ngx_http_push_attach_argv[NGX_HTTP_PUSH_ATTACH_ARGS];
static size_t  ngx_http_push_attach_lens[NGX_HTTP_PUSH_ATTACH_ARGS];


ngx_http_push_attach_t *
ngx_http_push_attach_open(ngx_connection_t *c,
    ngx_http_push_attach_conf_t *conf)
{
    ngx_http_push_attach_t  *a;

    a = ngx_calloc(sizeof(ngx_http_push_attach_t), c->log);
    if (a == NULL) {
        return NULL;
    }

    a->reader = ngx_http_push_reader_create(&conf->limits, c->log);
    if (a->reader == NULL) {
        ngx_free(a);
        return NULL;
    }

    a->conf = *conf;
    a->connection = c;

    c->data = a;
    c->read->handler = ngx_http_push_attach_read_handler;
    c->write->handler = ngx_http_push_attach_write_handler;

    /* what came together with the end of the handshake */

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);
    }

    return a;
}


void
ngx_http_push_attach_close(ngx_http_push_attach_t *a)
{
    if (a->connection != NULL) {
        ngx_http_push_redis_tls_close(a->connection);
        a->connection = NULL;
    }

    if (a->busy) {
        a->closed = 1;
        return;
    }

    ngx_http_push_attach_destroy(a);
}


static void
ngx_http_push_attach_destroy(ngx_http_push_attach_t *a)
{
    ngx_http_push_attach_chunk_t  *ck;

    while (a->out != NULL) {
        ck = a->out;
        a->out = ck->next;

        ngx_http_push_attach_free_chunk(ck);
    }

    ngx_http_push_reader_destroy(a->reader);

    ngx_free(a);
}


uint64_t
ngx_http_push_attach_appended(ngx_http_push_attach_t *a)
{
    return a->appended;
}


uint64_t
ngx_http_push_attach_sent(ngx_http_push_attach_t *a)
{
    return a->sent;
}


/*
 * nginx's call for a quitting worker (c->close) needs no answer: the links
 * are needed until the worker exits.
 */

static void
ngx_http_push_attach_read_handler(ngx_event_t *rev)
{
    ngx_int_t                rc;
    ngx_connection_t        *c;
    ngx_http_push_attach_t  *a;

    c = rev->data;
    a = c->data;

    a->busy = 1;

    rc = ngx_http_push_attach_read(a);

    if (rc == NGX_OK) {

        /* edge-triggered: nobody announces what is left in the socket */

        if (rev->ready) {
            ngx_post_event(rev, &ngx_posted_next_events);
        }

        if (ngx_handle_read_event(rev, 0) != NGX_OK) {
            (void) ngx_http_push_attach_break(a, "event loop failed", 0, 0);
        }
    }

    a->busy = 0;

    if (a->closed) {
        ngx_http_push_attach_destroy(a);
    }
}


/* NGX_OK: the connection lives */

static ngx_int_t
ngx_http_push_attach_read(ngx_http_push_attach_t *a)
{
    size_t             total;
    ssize_t            n;
    ngx_connection_t  *c;

    c = a->connection;

    /* what TLS has read already makes no event ready */

    if (a->conf.busy(a->conf.data)) {
        ngx_post_event(c->read, &ngx_posted_next_events);
        return NGX_OK;
    }

    for (total = 0; total < NGX_HTTP_PUSH_ATTACH_TURN; total += n) {

        n = c->recv(c, ngx_http_push_attach_buffer,
                    NGX_HTTP_PUSH_ATTACH_PIECE);

        if (n == NGX_AGAIN) {
            return NGX_OK;
        }

        if (n == 0) {
            return ngx_http_push_attach_break(a, "closed by the server", 0, 0);
        }

        if (n == NGX_ERROR) {
            return ngx_http_push_attach_fail(a, "recv() failed");
        }

        if (ngx_http_push_attach_parse(a, ngx_http_push_attach_buffer, n)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (!c->read->ready) {
            return NGX_OK;
        }
    }

    return NGX_OK;
}


/* NGX_ERROR: the connection is gone */

static ngx_int_t
ngx_http_push_attach_parse(ngx_http_push_attach_t *a, u_char *data, size_t len)
{
    ngx_int_t                      rc;
    ngx_http_push_reply_t          reply;
    ngx_http_push_reader_error_t   error;

    rc = ngx_http_push_reader_feed(a->reader, data, len, &error);

    while (rc == NGX_OK) {

        rc = ngx_http_push_reader_next(a->reader, &reply, &error);

        if (rc != NGX_OK) {
            break;
        }

        rc = a->conf.reply(a->conf.data, &reply);

        if (a->closed) {
            return NGX_ERROR;
        }

        if (rc != NGX_OK) {
            return ngx_http_push_attach_break(a, "unexpected reply", 0, 1);
        }
    }

    if (rc == NGX_ERROR) {
        return ngx_http_push_attach_break(a, error.text, 0, error.malformed);
    }

    return NGX_OK;
}


/* the reason is in errno, or where there is TLS nginx has told it already */

static ngx_int_t
ngx_http_push_attach_fail(ngx_http_push_attach_t *a, const char *text)
{
    ngx_err_t   err;
    ngx_uint_t  refused;

    err = ngx_socket_errno;
    refused = 0;

#if (NGX_SSL)

    if (a->connection->ssl != NULL) {
        text = ngx_http_push_redis_tls_error(a->connection, &refused);
        err = 0;
    }

#endif

    return ngx_http_push_attach_break(a, text, err, refused);
}


/* the owner is told once; it has to close */

static ngx_int_t
ngx_http_push_attach_break(ngx_http_push_attach_t *a, const char *text,
    ngx_err_t err, ngx_uint_t malformed)
{
    a->conf.broken(a->conf.data, text, err, malformed);

    return NGX_ERROR;
}


ngx_int_t
ngx_http_push_attach_command(ngx_http_push_attach_t *a, ngx_uint_t argc,
    ngx_str_t *argv)
{
    char        *block;
    ngx_int_t    n;
    ngx_uint_t   i;

    if (argc > NGX_HTTP_PUSH_ATTACH_ARGS) {
        return NGX_ERROR;
    }

    for (i = 0; i < argc; i++) {
        ngx_http_push_attach_argv[i] = (char *) argv[i].data;
        ngx_http_push_attach_lens[i] = argv[i].len;
    }

    n = redisFormatCommandArgv(&block, argc, ngx_http_push_attach_argv,
                               ngx_http_push_attach_lens);

    if (n < 0) {
        return NGX_ERROR;
    }

    if (ngx_http_push_attach_append(a, block, n) != NGX_OK) {
        return NGX_ERROR;
    }

    a->appended += n;

    if (a->connection->write->ready) {
        ngx_post_event(a->connection->write, &ngx_posted_events);
    }

    return NGX_OK;
}


/* block is hiredis' and is freed or kept here */

static ngx_int_t
ngx_http_push_attach_append(ngx_http_push_attach_t *a, char *block, size_t len)
{
    ngx_http_push_attach_chunk_t  *ck;

    if (len >= NGX_HTTP_PUSH_ATTACH_ADOPT) {

        ck = ngx_http_push_attach_add_chunk(a, 0);

        if (ck == NULL) {
            redisFreeCommand(block);
            return NGX_ERROR;
        }

        ck->adopted = block;
        ck->len = len;
        ck->room = len;

        return NGX_OK;
    }

    ck = a->last;

    if (a->out == NULL || ck->room - ck->len < len) {
        ck = ngx_http_push_attach_add_chunk(a, NGX_HTTP_PUSH_ATTACH_CHUNK);
    }

    if (ck != NULL) {
        ngx_memcpy(ck->data + ck->len, block, len);
        ck->len += len;
    }

    redisFreeCommand(block);

    return (ck != NULL) ? NGX_OK : NGX_ERROR;
}


static ngx_http_push_attach_chunk_t *
ngx_http_push_attach_add_chunk(ngx_http_push_attach_t *a, size_t room)
{
    ngx_http_push_attach_chunk_t  *ck;

    ck = ngx_alloc(sizeof(ngx_http_push_attach_chunk_t) + room,
                   a->connection->log);
    if (ck == NULL) {
        return NULL;
    }

    ngx_memzero(ck, sizeof(ngx_http_push_attach_chunk_t));

    ck->room = room;

    if (a->out == NULL) {
        a->out = ck;

    } else {
        a->last->next = ck;
    }

    a->last = ck;

    return ck;
}


static void
ngx_http_push_attach_free_chunk(ngx_http_push_attach_chunk_t *ck)
{
    if (ck->adopted != NULL) {
        redisFreeCommand(ck->adopted);
    }

    ngx_free(ck);
}


static void
ngx_http_push_attach_write_handler(ngx_event_t *wev)
{
    ngx_int_t                rc;
    ngx_connection_t        *c;
    ngx_http_push_attach_t  *a;

    c = wev->data;
    a = c->data;

    if (a->out == NULL) {
        return;
    }

    a->busy = 1;

    rc = ngx_http_push_attach_write(a);

    if (rc == NGX_ERROR) {
        (void) ngx_http_push_attach_fail(a, "send() failed");

    } else if (ngx_handle_write_event(wev, 0) != NGX_OK) {
        (void) ngx_http_push_attach_break(a, "event loop failed", 0, 0);

    } else {
        a->conf.written(a->conf.data);
    }

    a->busy = 0;

    if (a->closed) {
        ngx_http_push_attach_destroy(a);
    }
}


/* NGX_OK: all was written; NGX_AGAIN: the socket is full */

static ngx_int_t
ngx_http_push_attach_write(ngx_http_push_attach_t *a)
{
    u_char                        *data;
    ssize_t                        n;
    ngx_connection_t              *c;
    ngx_http_push_attach_chunk_t  *ck;

    c = a->connection;

    while (a->out != NULL) {
        ck = a->out;
        data = (ck->adopted != NULL) ? (u_char *) ck->adopted : ck->data;

        n = c->send(c, data + ck->pos, ck->len - ck->pos);

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (n == NGX_AGAIN) {
            return NGX_AGAIN;
        }

        ck->pos += n;
        a->sent += n;

        if (ck->pos == ck->len) {
            a->out = ck->next;
            ngx_http_push_attach_free_chunk(ck);
        }
    }

    return NGX_OK;
}


void
ngx_http_push_attach_flush(ngx_http_push_attach_t *a)
{
    if (a->connection != NULL) {
        (void) ngx_http_push_attach_write(a);
    }
}
