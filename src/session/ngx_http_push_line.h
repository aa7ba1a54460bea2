/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: a message as a line of JSON, which streams send and polls gather.
 */


#ifndef _NGX_HTTP_PUSH_LINE_H_INCLUDED_
#define _NGX_HTTP_PUSH_LINE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_transport.h"


/* NGX_HTTP_PUSH_FORM_JSON; an entry in ngx_http_push_transport_t */
ngx_http_push_form_t *ngx_http_push_line_encode(ngx_http_push_session_t *s,
    ngx_http_push_msg_t *m, ngx_http_push_channel_t *ch);

/* the object in such a form, without the line's end */
ngx_str_t ngx_http_push_line_object(ngx_http_push_form_t *f);


#endif /* _NGX_HTTP_PUSH_LINE_H_INCLUDED_ */
