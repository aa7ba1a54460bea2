/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: what a poll is answered with.
 */


#ifndef _NGX_HTTP_PUSH_PARCEL_H_INCLUDED_
#define _NGX_HTTP_PUSH_PARCEL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_trail.h"


/*
 * Messages, one as it was published or any number as a JSON array, and the
 * cursor behind them.  Memory of the request, whose end gives the forms back.
 */

typedef struct {
    ngx_array_t    forms;             /* of ngx_http_push_form_t * */
    size_t         size;              /* bytes of them */
    ngx_str_t      etag;              /* empty: nothing is known */
    ngx_uint_t     messages;          /* of the forms */
    ngx_uint_t     status;            /* of an answer without messages */
    unsigned       json:1;
    unsigned       gap:1;
} ngx_http_push_parcel_t;


/* NGX_ERROR: out of memory */
ngx_int_t ngx_http_push_parcel_init(ngx_http_push_parcel_t *parcel,
    ngx_http_request_t *r, ngx_uint_t json);

/*
 * NGX_HTTP_PUSH_FORM_POLL, a message with what its headers say; an entry in
 * ngx_http_push_transport_t.
 */
ngx_http_push_form_t *ngx_http_push_parcel_encode(ngx_http_push_session_t *s,
    ngx_http_push_msg_t *m, ngx_http_push_channel_t *ch);

/* what is an answer becomes a part of it; a gap is noted; t passes f */
ngx_int_t ngx_http_push_parcel_add(ngx_http_push_parcel_t *parcel,
    ngx_http_push_trail_t *t, ngx_http_push_form_t *f);

/* the cursor of an answer now */
ngx_int_t ngx_http_push_parcel_set_etag(ngx_http_push_parcel_t *parcel,
    ngx_http_request_t *r, ngx_http_push_trail_t *t);

/* sends it; what ngx_http_finalize_request() takes */
ngx_int_t ngx_http_push_parcel_send(ngx_http_push_parcel_t *parcel,
    ngx_http_request_t *r);


#endif /* _NGX_HTTP_PUSH_PARCEL_H_INCLUDED_ */
