/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: what a session knows of a transport.  A new transport is one file
 * that fills this table.
 */


#ifndef _NGX_HTTP_PUSH_TRANSPORT_H_INCLUDED_
#define _NGX_HTTP_PUSH_TRANSPORT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_hub.h"
#include "ngx_http_push_msg.h"
#include "ngx_http_push_reason.h"


typedef struct ngx_http_push_session_s  ngx_http_push_session_t;


/*
 * form: the index of this transport's form in a message.
 *
 * encode: makes that form of m, as it goes to the socket; NULL: out of memory
 *     (logged).  Called once per message, whoever is first.
 *
 * flush: writes what waits in s->outq.  NGX_OK: all is written; NGX_AGAIN:
 *     the rest waits for the socket; NGX_ERROR: the connection is gone.
 *
 * ping: appends a heartbeat; NGX_OK, or NGX_ERROR when out of memory.
 *
 * close: appends the goodbye for reason.  After it nothing is appended, the
 *     session is ended when the peer has answered or the linger time is over.
 *
 * destroy: gives back what the transport keeps in s->input.
 */

typedef struct {
    ngx_str_t                  name;
    ngx_uint_t                 form;

    ngx_http_push_form_t    *(*encode)(ngx_http_push_msg_t *m, ngx_log_t *log);
    ngx_int_t                (*flush)(ngx_http_push_session_t *s);
    ngx_int_t                (*ping)(ngx_http_push_session_t *s);
    void                     (*close)(ngx_http_push_session_t *s,
                                      const ngx_http_push_reason_t *reason);
    void                     (*destroy)(ngx_http_push_session_t *s);
} ngx_http_push_transport_t;


#endif /* _NGX_HTTP_PUSH_TRANSPORT_H_INCLUDED_ */
