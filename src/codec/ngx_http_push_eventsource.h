/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: a message as an event of an event stream, HTML 9.2.6; owns
 * nothing.
 *
 *     [id: epoch:offset LF]
 *     [event: name LF]
 *     data: line LF ...
 *     LF
 *
 * Each line of the body is a data line, wherever one of LF, CR and CR LF ends
 * it, so no body can begin a field of its own; line breaks come out as LF.
 * What is not text is one line of base64, and its event push.binary.
 */


#ifndef _NGX_HTTP_PUSH_EVENTSOURCE_H_INCLUDED_
#define _NGX_HTTP_PUSH_EVENTSOURCE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ngx_http_push_envelope.h"


/* of what is not text */
#define NGX_HTTP_PUSH_EVENTSOURCE_BINARY  "push.binary"


/* len 0: not there; without an epoch there is no id */

typedef struct {
    ngx_http_push_envelope_str_t   epoch;
    ngx_http_push_envelope_str_t   event;
    ngx_http_push_envelope_str_t   body;
    uint64_t                       offset;
    unsigned                       binary:1;
} ngx_http_push_eventsource_t;


/* bytes of the event */
size_t ngx_http_push_eventsource_size(const ngx_http_push_eventsource_t *ev);

/* writes that many bytes and returns their end */
u_char *ngx_http_push_eventsource_write(u_char *dst,
    const ngx_http_push_eventsource_t *ev);


#endif /* _NGX_HTTP_PUSH_EVENTSOURCE_H_INCLUDED_ */
