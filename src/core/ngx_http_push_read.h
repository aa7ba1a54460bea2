/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: a look into the history that a bus keeps of a channel.
 */


#ifndef _NGX_HTTP_PUSH_READ_H_INCLUDED_
#define _NGX_HTTP_PUSH_READ_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_msg.h"
#include "ngx_http_push_position.h"


typedef struct ngx_http_push_read_s  ngx_http_push_read_t;

typedef void (*ngx_http_push_read_pt)(ngx_http_push_read_t *rd);


typedef enum {
    NGX_HTTP_PUSH_READ_OK = 0,
    NGX_HTTP_PUSH_READ_NEW,               /* nothing was ever stored, or it
                                             is all forgotten */
    NGX_HTTP_PUSH_READ_FAILED             /* the broker is away, no memory */
} ngx_http_push_read_e;


/*
 * A look into the history of a channel: where it stands, and what it has from
 * an offset on.  Owned by who asks, as an order is.
 */

struct ngx_http_push_read_s {
    ngx_str_t                  channel;
    uint64_t                   from;          /* first offset that is wanted */
    ngx_uint_t                 limit;         /* messages, 0: only the top */
    size_t                     size;          /* of them, in bytes; the first
                                                 comes in any case */
    ngx_http_push_read_pt      handler;
    void                      *data;

    /*
     * The outcome.  msgs are without a hole, parsed, and the first is the
     * oldest that there is from that offset on; there may be fewer than exist.
     * Both the array (ngx_free()) and a reference of each belong to who asked.
     * top is the channel's last message at that moment; prev is where the
     * epoch before ended, without an epoch if that is not known.
     */
    ngx_uint_t                 status;        /* ngx_http_push_read_e */
    ngx_http_push_position_t   top;
    ngx_http_push_position_t   prev;
    ngx_uint_t                 n;
    ngx_http_push_msg_t      **msgs;          /* NULL if n is 0 */

    void                      *pending;       /* the bus's own */
};


#endif /* _NGX_HTTP_PUSH_READ_H_INCLUDED_ */
