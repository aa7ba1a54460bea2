/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: permessage-deflate (RFC 7692) for WebSocket transports, whatever
 * their dialect.
 */


#ifndef _NGX_HTTP_PUSH_PERMESSAGE_H_INCLUDED_
#define _NGX_HTTP_PUSH_PERMESSAGE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_frame.h"
#include "ngx_http_push_session.h"


/* in exit_process; what it needs is made at its first use */
void ngx_http_push_permessage_stop(void);

/*
 * It was negotiated, and the client takes windows of bits.  Before the session
 * has a message.
 */
void ngx_http_push_permessage_open(ngx_http_push_session_t *s, ngx_uint_t bits);

/*
 * The session's form of m, which is compressed, from the same dialect's plain
 * one.  NULL: it is not worth it, or there was no memory for it; the message
 * goes out as it is, which is always legal (RFC 7692 6).
 *
 * Encoded once, for the first session that needs it and with what push_deflate
 * says there: where locations differ, a channel that they share has one form.
 */
ngx_http_push_form_t *ngx_http_push_permessage_encode(
    ngx_http_push_session_t *s, ngx_http_push_msg_t *m,
    ngx_http_push_form_t *plain);

/*
 * Inflates a complete message of the client, which began with RSV1, and checks
 * it as the parser does others: size, and UTF-8 of a text.  NGX_OK: it is in
 * *message, to be given back by ngx_http_push_permessage_release() before the
 * next one; NGX_DECLINED: ev->code and ev->reason tell what is wrong with it;
 * NGX_ERROR: out of memory.
 */
ngx_int_t ngx_http_push_permessage_inflate(ngx_http_push_session_t *s,
    ngx_http_push_frame_event_t *ev, ngx_str_t *payload, ngx_str_t *message);

void ngx_http_push_permessage_release(ngx_str_t *message);


#endif /* _NGX_HTTP_PUSH_PERMESSAGE_H_INCLUDED_ */
