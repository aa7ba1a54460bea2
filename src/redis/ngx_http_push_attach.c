/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: one connection to Redis: owns its socket, hiredis' reader, the
 * values of the reply that is being read and the output that waits.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <sys/time.h>
#include <hiredis/hiredis.h>

#include "ngx_http_push_attach.h"


#define NGX_HTTP_PUSH_ATTACH_TURN    65536   /* bytes read in a turn */
#define NGX_HTTP_PUSH_ATTACH_PIECE   16384   /* bytes of one recv() */
#define NGX_HTTP_PUSH_ATTACH_LINE    8192    /* of a reply that is one line */
#define NGX_HTTP_PUSH_ATTACH_DEPTH   4       /* of nested arrays */
#define NGX_HTTP_PUSH_ATTACH_VALUES  8       /* first room */
#define NGX_HTTP_PUSH_ATTACH_BYTES   512     /* first room */

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
    redisReader                   *reader;
    ngx_http_push_attach_conf_t    conf;

    /*
     * The reply under way.  While it is read the strings are offsets into
     * bytes, which moves as it grows.
     */
    ngx_http_push_value_t         *values;
    ngx_uint_t                     nvalues;
    ngx_uint_t                     room;
    u_char                        *bytes;
    size_t                         nbytes;
    size_t                         bytes_room;
    ngx_http_push_msg_t           *msg;
    const char                    *error;     /* why an object was refused */

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
static ngx_int_t ngx_http_push_attach_hand_over(ngx_http_push_attach_t *a);
static ngx_int_t ngx_http_push_attach_check_rest(ngx_http_push_attach_t *a);
static void ngx_http_push_attach_reset(ngx_http_push_attach_t *a);
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

static void *ngx_http_push_attach_create_string(const redisReadTask *task,
    char *str, size_t len);
#if (HIREDIS_MAJOR >= 1)
static void *ngx_http_push_attach_create_array(const redisReadTask *task,
    size_t n);
static void *ngx_http_push_attach_create_double(const redisReadTask *task,
    double value, char *str, size_t len);
static void *ngx_http_push_attach_create_bool(const redisReadTask *task,
    int value);
#else
static void *ngx_http_push_attach_create_array(const redisReadTask *task,
    int n);
#endif
static void *ngx_http_push_attach_create_integer(const redisReadTask *task,
    long long n);
static void *ngx_http_push_attach_create_nil(const redisReadTask *task);
static void ngx_http_push_attach_free_object(void *object);
static void *ngx_http_push_attach_refuse(ngx_http_push_attach_t *a,
    const char *error);
static ngx_uint_t ngx_http_push_attach_is_payload(ngx_http_push_attach_t *a,
    const redisReadTask *task);
static ngx_http_push_value_t *ngx_http_push_attach_add_value(
    ngx_http_push_attach_t *a, ngx_uint_t type);
static ngx_int_t ngx_http_push_attach_reserve_bytes(ngx_http_push_attach_t *a,
    size_t len);


/*
 * hiredis' own functions allocate what a header announces, 4 GB for the line
 * "*500000000"; these allocate what has arrived.
 */

static redisReplyObjectFunctions  ngx_http_push_attach_functions = {
    ngx_http_push_attach_create_string,
    ngx_http_push_attach_create_array,
    ngx_http_push_attach_create_integer,
#if (HIREDIS_MAJOR >= 1)
    ngx_http_push_attach_create_double,
#endif
    ngx_http_push_attach_create_nil,
#if (HIREDIS_MAJOR >= 1)
    ngx_http_push_attach_create_bool,
#endif
    ngx_http_push_attach_free_object
};


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

    a->reader = redisReaderCreateWithFunctions(&ngx_http_push_attach_functions);
    if (a->reader == NULL) {
        ngx_free(a);
        return NULL;
    }

    a->reader->privdata = a;
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
        ngx_close_connection(a->connection);
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

    redisReaderFree(a->reader);

    ngx_http_push_attach_reset(a);

    if (a->values != NULL) {
        ngx_free(a->values);
    }

    if (a->bytes != NULL) {
        ngx_free(a->bytes);
    }

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

    if (a->conf.busy(a->conf.data)) {
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
            return ngx_http_push_attach_break(a, "recv() failed",
                                              ngx_socket_errno, 0);
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
    void       *object;
    ngx_int_t   rc;

    if (redisReaderFeed(a->reader, (char *) data, len) != REDIS_OK) {
        return ngx_http_push_attach_break(a, "out of memory", 0, 0);
    }

    for ( ;; ) {

        if (redisReaderGetReply(a->reader, &object) != REDIS_OK) {

            if (a->error != NULL) {
                return ngx_http_push_attach_break(a, a->error, 0, 1);
            }

            return ngx_http_push_attach_break(a, a->reader->errstr, 0,
                                     a->reader->err == REDIS_ERR_PROTOCOL);
        }

        if (object == NULL) {
            break;
        }

        rc = ngx_http_push_attach_hand_over(a);

        if (a->closed) {
            return NGX_ERROR;
        }

        ngx_http_push_attach_reset(a);

        if (rc != NGX_OK) {
            return ngx_http_push_attach_break(a, "unexpected reply", 0, 1);
        }
    }

    return ngx_http_push_attach_check_rest(a);
}


static ngx_int_t
ngx_http_push_attach_hand_over(ngx_http_push_attach_t *a)
{
    ngx_uint_t              i;
    ngx_http_push_value_t  *value;
    ngx_http_push_reply_t   reply;

    for (i = 0; i < a->nvalues; i++) {
        value = &a->values[i];

        if (value->type <= NGX_HTTP_PUSH_VALUE_STRING) {
            value->str.data = a->bytes + value->integer;
            value->integer = 0;
        }
    }

    reply.values = a->values;
    reply.n = a->nvalues;
    reply.msg = a->msg;

    return a->conf.reply(a->conf.data, &reply);
}


/*
 * The reader keeps what it cannot use yet without any bound.  Behind the type
 * byte, which it has taken, that is either a line without its end, or a bulk
 * whose length line is complete: that length is judged before it has come.
 */

static ngx_int_t
ngx_http_push_attach_check_rest(ngx_http_push_attach_t *a)
{
    u_char   *p, *line;
    size_t    n, max;
    ssize_t   len;

    p = (u_char *) a->reader->buf + a->reader->pos;
    n = a->reader->len - a->reader->pos;

    max = a->conf.max_message + NGX_HTTP_PUSH_ATTACH_SLACK;

    if (n > max) {
        return ngx_http_push_attach_break(a, "reply is too large", 0, 1);
    }

    line = ngx_strlchr(p, p + ngx_min(n, NGX_HTTP_PUSH_ATTACH_LINE), CR);

    while (line != NULL && (size_t) (line - p) + 1 < n && line[1] != LF) {
        line = ngx_strlchr(line + 1,
                           p + ngx_min(n, NGX_HTTP_PUSH_ATTACH_LINE), CR);
    }

    if (line == NULL) {

        if (n >= NGX_HTTP_PUSH_ATTACH_LINE) {
            return ngx_http_push_attach_break(a, "line is too long", 0, 1);
        }

        return NGX_OK;
    }

    if ((size_t) (line - p) + 1 == n) {
        /* the LF is still under way */
        return NGX_OK;
    }

    len = ngx_atosz(p, line - p);

    if (len == NGX_ERROR || (size_t) len > max) {
        return ngx_http_push_attach_break(a, "message is too large", 0, 1);
    }

    return NGX_OK;
}


/* forgets the reply that was handed over */

static void
ngx_http_push_attach_reset(ngx_http_push_attach_t *a)
{
    if (a->msg != NULL) {
        ngx_http_push_msg_unref(a->msg);
        a->msg = NULL;
    }

    a->nvalues = 0;
    a->nbytes = 0;
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
        (void) ngx_http_push_attach_break(a, "send() failed", ngx_socket_errno,
                                          0);

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


/* NULL from any of these functions is an error to the reader, and final */

static void *
ngx_http_push_attach_create_string(const redisReadTask *task, char *str,
    size_t len)
{
    ngx_uint_t               type;
    ngx_http_push_value_t   *value;
    ngx_http_push_attach_t  *a;

    a = task->privdata;

    switch (task->type) {

    case REDIS_REPLY_STRING:
        type = NGX_HTTP_PUSH_VALUE_STRING;
        break;

    case REDIS_REPLY_STATUS:
        type = NGX_HTTP_PUSH_VALUE_STATUS;
        break;

    case REDIS_REPLY_ERROR:
        type = NGX_HTTP_PUSH_VALUE_ERROR;
        break;

    default:
        return ngx_http_push_attach_refuse(a, "unexpected type in a reply");
    }

    if (ngx_http_push_attach_is_payload(a, task)) {

        if (len > a->conf.max_message + NGX_HTTP_PUSH_ATTACH_SLACK) {
            return ngx_http_push_attach_refuse(a, "message is too large");
        }

        a->msg = ngx_http_push_msg_create(len, a->connection->log);
        if (a->msg == NULL) {
            return NULL;
        }

        ngx_memcpy(a->msg->wire, str, len);

        return a;
    }

    if (len > a->conf.max_bytes || a->nbytes > a->conf.max_bytes - len) {
        return ngx_http_push_attach_refuse(a, "reply is too large");
    }

    if (ngx_http_push_attach_reserve_bytes(a, len) != NGX_OK) {
        return NULL;
    }

    value = ngx_http_push_attach_add_value(a, type);
    if (value == NULL) {
        return NULL;
    }

    ngx_memcpy(a->bytes + a->nbytes, str, len);

    value->str.len = len;
    value->integer = a->nbytes;
    a->nbytes += len;

    return a;
}


static void *
#if (HIREDIS_MAJOR >= 1)
ngx_http_push_attach_create_array(const redisReadTask *task, size_t n)
#else
ngx_http_push_attach_create_array(const redisReadTask *task, int n)
#endif
{
    ngx_uint_t               depth;
    const redisReadTask     *t;
    ngx_http_push_value_t   *value;
    ngx_http_push_attach_t  *a;

    a = task->privdata;

    if (task->type != REDIS_REPLY_ARRAY) {
        return ngx_http_push_attach_refuse(a, "unexpected type in a reply");
    }

    /* hiredis 1.x nests without any bound */

    depth = 1;

    for (t = task->parent; t != NULL; t = t->parent) {
        if (++depth > NGX_HTTP_PUSH_ATTACH_DEPTH) {
            return ngx_http_push_attach_refuse(a, "reply is nested too deep");
        }
    }

    if ((size_t) n > a->conf.max_values) {
        return ngx_http_push_attach_refuse(a, "reply has too many elements");
    }

    value = ngx_http_push_attach_add_value(a, NGX_HTTP_PUSH_VALUE_ARRAY);
    if (value == NULL) {
        return NULL;
    }

    value->integer = n;

    return a;
}


static void *
ngx_http_push_attach_create_integer(const redisReadTask *task, long long n)
{
    ngx_http_push_value_t  *value;

    value = ngx_http_push_attach_add_value(task->privdata,
                                           NGX_HTTP_PUSH_VALUE_INTEGER);
    if (value == NULL) {
        return NULL;
    }

    value->integer = n;

    return task->privdata;
}


static void *
ngx_http_push_attach_create_nil(const redisReadTask *task)
{
    if (ngx_http_push_attach_add_value(task->privdata,
                                       NGX_HTTP_PUSH_VALUE_NIL)
        == NULL)
    {
        return NULL;
    }

    return task->privdata;
}


#if (HIREDIS_MAJOR >= 1)

/* RESP3, which was never asked for */

static void *
ngx_http_push_attach_create_double(const redisReadTask *task, double value,
    char *str, size_t len)
{
    return ngx_http_push_attach_refuse(task->privdata,
                                       "unexpected type in a reply");
}


static void *
ngx_http_push_attach_create_bool(const redisReadTask *task, int value)
{
    return ngx_http_push_attach_refuse(task->privdata,
                                       "unexpected type in a reply");
}

#endif


/* an object is only a sign for the reader; what was read is in values */

static void
ngx_http_push_attach_free_object(void *object)
{
    /* void */
}


static void *
ngx_http_push_attach_refuse(ngx_http_push_attach_t *a, const char *error)
{
    a->error = error;

    return NULL;
}


/* the third element of ["message", channel, payload] */

static ngx_uint_t
ngx_http_push_attach_is_payload(ngx_http_push_attach_t *a,
    const redisReadTask *task)
{
    ngx_http_push_value_t  *kind;

    if (!a->conf.pubsub
        || a->nvalues != 3
        || task->idx != 2
        || task->type != REDIS_REPLY_STRING
        || task->parent == NULL
        || task->parent->parent != NULL
        || task->parent->elements != 3)
    {
        return 0;
    }

    kind = &a->values[1];

    return kind->type == NGX_HTTP_PUSH_VALUE_STRING
           && kind->str.len == 7
           && ngx_memcmp(a->bytes + kind->integer, "message", 7) == 0
           && a->values[2].type == NGX_HTTP_PUSH_VALUE_STRING;
}


static ngx_http_push_value_t *
ngx_http_push_attach_add_value(ngx_http_push_attach_t *a, ngx_uint_t type)
{
    size_t                  room;
    ngx_http_push_value_t  *value;

    if (a->nvalues == a->conf.max_values) {
        return ngx_http_push_attach_refuse(a, "reply has too many elements");
    }

    if (a->nvalues == a->room) {
        room = ngx_max(a->room * 2, NGX_HTTP_PUSH_ATTACH_VALUES);

        value = ngx_alloc(room * sizeof(ngx_http_push_value_t),
                          a->connection->log);
        if (value == NULL) {
            return NULL;
        }

        if (a->values != NULL) {
            ngx_memcpy(value, a->values,
                       a->nvalues * sizeof(ngx_http_push_value_t));
            ngx_free(a->values);
        }

        a->values = value;
        a->room = room;
    }

    value = &a->values[a->nvalues++];

    value->type = type;
    value->integer = 0;
    ngx_str_null(&value->str);

    return value;
}


static ngx_int_t
ngx_http_push_attach_reserve_bytes(ngx_http_push_attach_t *a, size_t len)
{
    size_t   room;
    u_char  *p;

    if (a->bytes != NULL && a->bytes_room - a->nbytes >= len) {
        return NGX_OK;
    }

    room = ngx_max(a->bytes_room * 2, a->nbytes + len);
    room = ngx_max(room, NGX_HTTP_PUSH_ATTACH_BYTES);

    p = ngx_alloc(room, a->connection->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (a->bytes != NULL) {
        ngx_memcpy(p, a->bytes, a->nbytes);
        ngx_free(a->bytes);
    }

    a->bytes = p;
    a->bytes_room = room;

    return NGX_OK;
}
