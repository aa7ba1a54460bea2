
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: the head that a message has in the meta dialect; owns
 * nothing.
 *
 *     [id: epoch:offset LF]
 *     channel: name LF
 *     [event: name LF]
 *     [content-type: type LF]
 *     LF
 *
 * The body follows as it was published.  No value has a line break: an epoch,
 * a channel's name and the texts of an envelope cannot have one.
 */


#ifndef _NGX_HTTP_PUSH_META_H_INCLUDED_
#define _NGX_HTTP_PUSH_META_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ngx_http_push_envelope.h"


/* len 0: not there; without an epoch there is no id */

typedef struct {
    ngx_http_push_envelope_str_t   epoch;
    ngx_http_push_envelope_str_t   channel;
    ngx_http_push_envelope_str_t   event;
    ngx_http_push_envelope_str_t   type;
    uint64_t                       offset;
} ngx_http_push_meta_t;


/* the event that tells of a gap, or that the channel was deleted */
ngx_http_push_envelope_str_t ngx_http_push_meta_notice(int gap);

/* bytes of the head */
size_t ngx_http_push_meta_size(const ngx_http_push_meta_t *meta);

/* writes that many bytes and returns their end */
u_char *ngx_http_push_meta_write(u_char *dst,
    const ngx_http_push_meta_t *meta);


#endif /* _NGX_HTTP_PUSH_META_H_INCLUDED_ */
