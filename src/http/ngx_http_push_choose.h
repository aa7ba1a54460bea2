/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: which transport a request gets.
 */


#ifndef _NGX_HTTP_PUSH_CHOOSE_H_INCLUDED_
#define _NGX_HTTP_PUSH_CHOOSE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* what may be offered, in a mask */

#define NGX_HTTP_PUSH_TRANSPORT_WEBSOCKET    0x0001
#define NGX_HTTP_PUSH_TRANSPORT_EVENTSOURCE  0x0002
#define NGX_HTTP_PUSH_TRANSPORT_LONGPOLL     0x0004
#define NGX_HTTP_PUSH_TRANSPORT_STREAM       0x0008
#define NGX_HTTP_PUSH_TRANSPORT_ALL          0x000f


typedef struct {
    ngx_uint_t    transport;
    ngx_uint_t    json;               /* it accepts application/json */
} ngx_http_push_choice_t;


/*
 * The transport that the request asks for, or, where that is not offered, the
 * next one that is, of eventsource, longpoll and stream; websocket where it
 * alone is offered, whatever the request says.
 */
void ngx_http_push_choose_transport(ngx_http_request_t *r, ngx_uint_t offered,
    ngx_http_push_choice_t *choice);


#endif /* _NGX_HTTP_PUSH_CHOOSE_H_INCLUDED_ */
