/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: what Redis has answered, as values of bounded size.
 */


#ifndef _NGX_HTTP_PUSH_REPLY_H_INCLUDED_
#define _NGX_HTTP_PUSH_REPLY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_msg.h"


/* text from outside in a log is cut there; with the final NUL */
#define NGX_HTTP_PUSH_REPLY_TEXT  65


typedef enum {
    NGX_HTTP_PUSH_VALUE_STATUS = 0,
    NGX_HTTP_PUSH_VALUE_ERROR,
    NGX_HTTP_PUSH_VALUE_STRING,
    NGX_HTTP_PUSH_VALUE_INTEGER,
    NGX_HTTP_PUSH_VALUE_NIL,
    NGX_HTTP_PUSH_VALUE_ARRAY
} ngx_http_push_value_e;


typedef struct {
    ngx_uint_t               type;            /* ngx_http_push_value_e */
    int64_t                  integer;         /* or elements of the ARRAY */
    ngx_str_t                str;             /* STATUS, ERROR, STRING */
} ngx_http_push_value_t;


/*
 * One reply, flat: an ARRAY stands before its elements.  On a connection with
 * subscriptions the payload of a "message" is not among the values but in
 * msg, not parsed yet.  Owned by who reads the connection and valid only while
 * the handler runs, msg unless it is referenced.
 */

typedef struct {
    ngx_http_push_value_t   *values;
    ngx_uint_t               n;               /* 1 or more */
    ngx_http_push_msg_t     *msg;             /* or NULL */
} ngx_http_push_reply_t;


/* is it an error, and one whose text begins with word? */
ngx_uint_t ngx_http_push_reply_is_error(ngx_http_push_reply_t *reply,
    const char *word);

ngx_uint_t ngx_http_push_reply_is_status(ngx_http_push_reply_t *reply,
    const char *word);

/* an array of n elements that are no arrays? */
ngx_uint_t ngx_http_push_reply_is_list(ngx_http_push_reply_t *reply,
    ngx_uint_t n);

ngx_uint_t ngx_http_push_reply_is_string(ngx_http_push_value_t *value,
    const char *word);

/*
 * The text of an error, cut and made printable, with a NUL; text has
 * NGX_HTTP_PUSH_REPLY_TEXT bytes and is given back.
 */
u_char *ngx_http_push_reply_quote(ngx_http_push_reply_t *reply, u_char *text);


#endif /* _NGX_HTTP_PUSH_REPLY_H_INCLUDED_ */
