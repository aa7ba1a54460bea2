/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: what a session knows of its transport.  A new transport is one file
 * that fills the table.
 */


#ifndef _NGX_HTTP_PUSH_TRANSPORT_H_INCLUDED_
#define _NGX_HTTP_PUSH_TRANSPORT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_client.h"
#include "ngx_http_push_msg.h"
#include "ngx_http_push_reason.h"


/*
 * figure: the offset of its count in ngx_http_push_figures_t.
 *
 * direct: forms go to the socket as they are, so that without TLS the session
 *     writes a single one by itself; flush has the rest.
 *
 * encode: makes the form of s of m, a message of ch, as it goes to the socket;
 *     one of no bytes for a notice that the dialect cannot tell; NULL: out of
 *     memory (logged).  Called once per message and form, whoever is first.
 *
 * flush: writes what waits in s->outq.  The bytes that were written, all of
 *     them unless something still waits in s->outq: the rest waits for the
 *     socket; NGX_ERROR: the connection is gone; NGX_DONE: the session is at
 *     its end.
 *
 * ping: appends a heartbeat.  NGX_OK: the peer has to answer it; NGX_DONE: no
 *     answer will come; NGX_DECLINED: the peer is gone; NGX_ERROR: out of
 *     memory.
 *
 * close: appends the goodbye for reason.  After it nothing is appended, the
 *     session is ended when the peer has answered or the linger time is over;
 *     s->peer_closed where there is no answer.
 *
 * destroy: gives back what the transport keeps in s->input.
 *
 * end: the session is gone; has the log line written and ends the connection
 *     or the request, to which sent messages went.  Frees hold.
 */

struct ngx_http_push_transport_s {
    ngx_str_t                  name;
    size_t                     figure;
    ngx_uint_t                 direct;

    ngx_http_push_form_t    *(*encode)(ngx_http_push_session_t *s,
                                       ngx_http_push_msg_t *m,
                                       ngx_http_push_channel_t *ch);
    ssize_t                  (*flush)(ngx_http_push_session_t *s);
    ngx_int_t                (*ping)(ngx_http_push_session_t *s);
    void                     (*close)(ngx_http_push_session_t *s,
                                      const ngx_http_push_reason_t *reason);
    void                     (*destroy)(ngx_http_push_session_t *s);
    void                     (*end)(ngx_connection_t *c,
                                    ngx_http_push_hold_t *hold,
                                    uint64_t sent);
};


#endif /* _NGX_HTTP_PUSH_TRANSPORT_H_INCLUDED_ */
