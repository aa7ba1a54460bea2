/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: owns hiredis' reader and the values of the reply that is being
 * read.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <sys/time.h>
#include <hiredis/hiredis.h>

#include "ngx_http_push_reader.h"


#define NGX_HTTP_PUSH_READER_LINE    8192    /* of a reply that is one line */
#define NGX_HTTP_PUSH_READER_DEPTH   4       /* of nested arrays */
#define NGX_HTTP_PUSH_READER_VALUES  8       /* first room */
#define NGX_HTTP_PUSH_READER_BYTES   512     /* first room */
#define NGX_HTTP_PUSH_READER_KEEP    65536   /* of it, for the next reply */


struct ngx_http_push_reader_s {
    redisReader                    *reader;
    ngx_http_push_reader_limits_t   limits;
    ngx_log_t                      *log;

    /*
     * The reply under way.  While it is read the strings are offsets into
     * bytes, which moves as it grows.
     */
    ngx_http_push_value_t          *values;
    ngx_uint_t                      nvalues;
    ngx_uint_t                      room;
    u_char                         *bytes;
    size_t                          nbytes;
    size_t                          bytes_room;
    ngx_http_push_msg_t            *msg;
    const char                     *error;    /* why an object was refused */

    unsigned                        given:1;  /* the reply was handed over */
};


static void ngx_http_push_reader_hand_over(ngx_http_push_reader_t *r,
    ngx_http_push_reply_t *reply);
static ngx_int_t ngx_http_push_reader_check_rest(ngx_http_push_reader_t *r);
static void ngx_http_push_reader_reset(ngx_http_push_reader_t *r);

static void *ngx_http_push_reader_create_string(const redisReadTask *task,
    char *str, size_t len);
#if (HIREDIS_MAJOR >= 1)
static void *ngx_http_push_reader_create_array(const redisReadTask *task,
    size_t n);
static void *ngx_http_push_reader_create_double(const redisReadTask *task,
    double value, char *str, size_t len);
static void *ngx_http_push_reader_create_bool(const redisReadTask *task,
    int value);
#else
static void *ngx_http_push_reader_create_array(const redisReadTask *task,
    int n);
#endif
static void *ngx_http_push_reader_create_integer(const redisReadTask *task,
    long long n);
static void *ngx_http_push_reader_create_nil(const redisReadTask *task);
static void ngx_http_push_reader_free_object(void *object);
static void *ngx_http_push_reader_refuse(ngx_http_push_reader_t *r,
    const char *error);
static ngx_uint_t ngx_http_push_reader_is_payload(ngx_http_push_reader_t *r,
    const redisReadTask *task);
static ngx_http_push_value_t *ngx_http_push_reader_add_value(
    ngx_http_push_reader_t *r, ngx_uint_t type);
static ngx_int_t ngx_http_push_reader_reserve_bytes(ngx_http_push_reader_t *r,
    size_t len);


/*
 * hiredis' own functions allocate what a header announces, 4 GB for the line
 * "*500000000"; these allocate what has arrived.
 */

static redisReplyObjectFunctions  ngx_http_push_reader_functions = {
    ngx_http_push_reader_create_string,
    ngx_http_push_reader_create_array,
    ngx_http_push_reader_create_integer,
#if (HIREDIS_MAJOR >= 1)
    ngx_http_push_reader_create_double,
#endif
    ngx_http_push_reader_create_nil,
#if (HIREDIS_MAJOR >= 1)
    ngx_http_push_reader_create_bool,
#endif
    ngx_http_push_reader_free_object
};


ngx_http_push_reader_t *
ngx_http_push_reader_create(ngx_http_push_reader_limits_t *limits,
    ngx_log_t *log)
{
    ngx_http_push_reader_t  *r;

    r = ngx_calloc(sizeof(ngx_http_push_reader_t), log);
    if (r == NULL) {
        return NULL;
    }

    r->reader = redisReaderCreateWithFunctions(&ngx_http_push_reader_functions);
    if (r->reader == NULL) {
        ngx_free(r);
        return NULL;
    }

    r->reader->privdata = r;
    r->limits = *limits;
    r->log = log;

    return r;
}


void
ngx_http_push_reader_destroy(ngx_http_push_reader_t *r)
{
    redisReaderFree(r->reader);

    ngx_http_push_reader_reset(r);

    if (r->values != NULL) {
        ngx_free(r->values);
    }

    if (r->bytes != NULL) {
        ngx_free(r->bytes);
    }

    ngx_free(r);
}


ngx_int_t
ngx_http_push_reader_feed(ngx_http_push_reader_t *r, u_char *data, size_t len,
    ngx_http_push_reader_error_t *error)
{
    if (redisReaderFeed(r->reader, (char *) data, len) != REDIS_OK) {
        error->text = "out of memory";
        error->malformed = 0;
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_push_reader_next(ngx_http_push_reader_t *r,
    ngx_http_push_reply_t *reply, ngx_http_push_reader_error_t *error)
{
    void  *object;

    if (r->given) {
        ngx_http_push_reader_reset(r);
    }

    if (redisReaderGetReply(r->reader, &object) != REDIS_OK) {

        if (r->error == NULL) {
            error->text = r->reader->errstr;
            error->malformed = (r->reader->err == REDIS_ERR_PROTOCOL);
            return NGX_ERROR;
        }

    } else if (object != NULL) {
        ngx_http_push_reader_hand_over(r, reply);
        return NGX_OK;

    } else if (ngx_http_push_reader_check_rest(r) == NGX_OK) {
        return NGX_AGAIN;
    }

    error->text = r->error;
    error->malformed = 1;

    return NGX_ERROR;
}


static void
ngx_http_push_reader_hand_over(ngx_http_push_reader_t *r,
    ngx_http_push_reply_t *reply)
{
    ngx_uint_t              i;
    ngx_http_push_value_t  *value;

    for (i = 0; i < r->nvalues; i++) {
        value = &r->values[i];

        if (value->type <= NGX_HTTP_PUSH_VALUE_STRING) {
            value->str.data = r->bytes + value->integer;
            value->integer = 0;
        }
    }

    reply->values = r->values;
    reply->n = r->nvalues;
    reply->msg = r->msg;

    r->given = 1;
}


/*
 * The reader keeps what it cannot use yet without any bound.  Behind the type
 * byte, which it has taken, that is either a line without its end, or a bulk
 * whose length line is complete: that length is judged before it has come.
 */

static ngx_int_t
ngx_http_push_reader_check_rest(ngx_http_push_reader_t *r)
{
    u_char   *p, *line;
    size_t    n, max;
    ssize_t   len;

    p = (u_char *) r->reader->buf + r->reader->pos;
    n = r->reader->len - r->reader->pos;

    max = r->limits.max_message + NGX_HTTP_PUSH_READER_SLACK;

    if (n > max) {
        r->error = "reply is too large";
        return NGX_ERROR;
    }

    line = ngx_strlchr(p, p + ngx_min(n, NGX_HTTP_PUSH_READER_LINE), CR);

    while (line != NULL && (size_t) (line - p) + 1 < n && line[1] != LF) {
        line = ngx_strlchr(line + 1,
                           p + ngx_min(n, NGX_HTTP_PUSH_READER_LINE), CR);
    }

    if (line == NULL) {

        if (n >= NGX_HTTP_PUSH_READER_LINE) {
            r->error = "line is too long";
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    if ((size_t) (line - p) + 1 == n) {
        /* the LF is still under way */
        return NGX_OK;
    }

    len = ngx_atosz(p, line - p);

    if (len == NGX_ERROR || (size_t) len > max) {
        r->error = "message is too large";
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* forgets the reply that was handed over */

static void
ngx_http_push_reader_reset(ngx_http_push_reader_t *r)
{
    if (r->msg != NULL) {
        ngx_http_push_msg_unref(r->msg);
        r->msg = NULL;
    }

    /* a piece of a history may have made it large */

    if (r->bytes_room > NGX_HTTP_PUSH_READER_KEEP) {
        ngx_free(r->bytes);

        r->bytes = NULL;
        r->bytes_room = 0;
    }

    r->nvalues = 0;
    r->nbytes = 0;
    r->given = 0;
}


/* NULL from any of these functions is an error to the reader, and final */

static void *
ngx_http_push_reader_create_string(const redisReadTask *task, char *str,
    size_t len)
{
    ngx_uint_t               type;
    ngx_http_push_value_t   *value;
    ngx_http_push_reader_t  *r;

    r = task->privdata;

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
        return ngx_http_push_reader_refuse(r, "unexpected type in a reply");
    }

    if (ngx_http_push_reader_is_payload(r, task)) {

        if (len > r->limits.max_message + NGX_HTTP_PUSH_READER_SLACK) {
            return ngx_http_push_reader_refuse(r, "message is too large");
        }

        r->msg = ngx_http_push_msg_create(len, r->log);
        if (r->msg == NULL) {
            return NULL;
        }

        ngx_memcpy(r->msg->wire, str, len);

        return r;
    }

    if (len > r->limits.max_bytes || r->nbytes > r->limits.max_bytes - len) {
        return ngx_http_push_reader_refuse(r, "reply is too large");
    }

    if (ngx_http_push_reader_reserve_bytes(r, len) != NGX_OK) {
        return NULL;
    }

    value = ngx_http_push_reader_add_value(r, type);
    if (value == NULL) {
        return NULL;
    }

    ngx_memcpy(r->bytes + r->nbytes, str, len);

    value->str.len = len;
    value->integer = r->nbytes;
    r->nbytes += len;

    return r;
}


static void *
#if (HIREDIS_MAJOR >= 1)
ngx_http_push_reader_create_array(const redisReadTask *task, size_t n)
#else
ngx_http_push_reader_create_array(const redisReadTask *task, int n)
#endif
{
    ngx_uint_t               depth;
    const redisReadTask     *t;
    ngx_http_push_value_t   *value;
    ngx_http_push_reader_t  *r;

    r = task->privdata;

    if (task->type != REDIS_REPLY_ARRAY) {
        return ngx_http_push_reader_refuse(r, "unexpected type in a reply");
    }

    /* hiredis 1.x nests without any bound */

    depth = 1;

    for (t = task->parent; t != NULL; t = t->parent) {
        if (++depth > NGX_HTTP_PUSH_READER_DEPTH) {
            return ngx_http_push_reader_refuse(r, "reply is nested too deep");
        }
    }

    if ((size_t) n > r->limits.max_values) {
        return ngx_http_push_reader_refuse(r, "reply has too many elements");
    }

    value = ngx_http_push_reader_add_value(r, NGX_HTTP_PUSH_VALUE_ARRAY);
    if (value == NULL) {
        return NULL;
    }

    value->integer = n;

    return r;
}


static void *
ngx_http_push_reader_create_integer(const redisReadTask *task, long long n)
{
    ngx_http_push_value_t  *value;

    value = ngx_http_push_reader_add_value(task->privdata,
                                           NGX_HTTP_PUSH_VALUE_INTEGER);
    if (value == NULL) {
        return NULL;
    }

    value->integer = n;

    return task->privdata;
}


static void *
ngx_http_push_reader_create_nil(const redisReadTask *task)
{
    if (ngx_http_push_reader_add_value(task->privdata,
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
ngx_http_push_reader_create_double(const redisReadTask *task, double value,
    char *str, size_t len)
{
    return ngx_http_push_reader_refuse(task->privdata,
                                       "unexpected type in a reply");
}


static void *
ngx_http_push_reader_create_bool(const redisReadTask *task, int value)
{
    return ngx_http_push_reader_refuse(task->privdata,
                                       "unexpected type in a reply");
}

#endif


/* an object is only a sign for the reader; what was read is in values */

static void
ngx_http_push_reader_free_object(void *object)
{
    /* void */
}


static void *
ngx_http_push_reader_refuse(ngx_http_push_reader_t *r, const char *error)
{
    r->error = error;

    return NULL;
}


/* the third element of ["message", channel, payload] */

static ngx_uint_t
ngx_http_push_reader_is_payload(ngx_http_push_reader_t *r,
    const redisReadTask *task)
{
    ngx_http_push_value_t  *kind;

    if (!r->limits.pubsub
        || r->nvalues != 3
        || task->idx != 2
        || task->type != REDIS_REPLY_STRING
        || task->parent == NULL
        || task->parent->parent != NULL
        || task->parent->elements != 3)
    {
        return 0;
    }

    kind = &r->values[1];

    return kind->type == NGX_HTTP_PUSH_VALUE_STRING
           && kind->str.len == 7
           && ngx_memcmp(r->bytes + kind->integer, "message", 7) == 0
           && r->values[2].type == NGX_HTTP_PUSH_VALUE_STRING;
}


static ngx_http_push_value_t *
ngx_http_push_reader_add_value(ngx_http_push_reader_t *r, ngx_uint_t type)
{
    size_t                  room;
    ngx_http_push_value_t  *value;

    if (r->nvalues == r->limits.max_values) {
        return ngx_http_push_reader_refuse(r, "reply has too many elements");
    }

    if (r->nvalues == r->room) {
        room = ngx_max(r->room * 2, NGX_HTTP_PUSH_READER_VALUES);

        value = ngx_alloc(room * sizeof(ngx_http_push_value_t),
                          r->log);
        if (value == NULL) {
            return NULL;
        }

        if (r->values != NULL) {
            ngx_memcpy(value, r->values,
                       r->nvalues * sizeof(ngx_http_push_value_t));
            ngx_free(r->values);
        }

        r->values = value;
        r->room = room;
    }

    value = &r->values[r->nvalues++];

    value->type = type;
    value->integer = 0;
    ngx_str_null(&value->str);

    return value;
}


static ngx_int_t
ngx_http_push_reader_reserve_bytes(ngx_http_push_reader_t *r, size_t len)
{
    size_t   room;
    u_char  *p;

    if (r->bytes != NULL && r->bytes_room - r->nbytes >= len) {
        return NGX_OK;
    }

    room = ngx_max(r->bytes_room * 2, r->nbytes + len);
    room = ngx_max(room, NGX_HTTP_PUSH_READER_BYTES);

    p = ngx_alloc(room, r->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (r->bytes != NULL) {
        ngx_memcpy(p, r->bytes, r->nbytes);
        ngx_free(r->bytes);
    }

    r->bytes = p;
    r->bytes_room = room;

    return NGX_OK;
}
