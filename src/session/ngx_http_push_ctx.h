/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: the module's context of a request: what the $push_* variables show.
 */


#ifndef _NGX_HTTP_PUSH_CTX_H_INCLUDED_
#define _NGX_HTTP_PUSH_CTX_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


extern ngx_module_t  ngx_http_push_module;


/*
 * The module's context of a request: what the $push_* variables show.  Memory
 * of the request.  While the session lives its figures stand in the session;
 * they are copied here before the log phase.
 */

typedef struct {
    ngx_str_t            channels;        /* comma list of what was asked */
    ngx_str_t            transport;       /* "websocket", ... or empty */
    ngx_str_t            protocol;        /* "raw", ... or empty */
    ngx_str_t            user;
    ngx_str_t            close_reason;
    ngx_uint_t           close_code;      /* 0: none */
    uint64_t             sent;
    uint64_t             received;
    uint64_t             dropped;
    uint64_t             queue_peak;
    uint64_t             recovered;

    void                *conf;            /* of the location, by ctx_keep() */

    /* between handler and detaching, or as long as it keeps the request */
    void                *session;
    void                *answer;          /* its transport's own */

    /* of ctx_keep(); later of the session, if the request ends then */
    ngx_http_cleanup_t  *cleanup;
} ngx_http_push_ctx_t;


/* the context of r, made at the first call; NULL: out of memory */
ngx_http_push_ctx_t *ngx_http_push_ctx_get(ngx_http_request_t *r);

/*
 * nginx forgets contexts when it redirects internally, to an error_page say.
 * After keep, which notes the conf of the location as well, recall() finds the
 * last one that was forgotten; NULL: none, or it has not been forgotten.
 */
ngx_int_t ngx_http_push_ctx_keep(ngx_http_request_t *r, void *conf);
ngx_http_push_ctx_t *ngx_http_push_ctx_recall(ngx_http_request_t *r);


#endif /* _NGX_HTTP_PUSH_CTX_H_INCLUDED_ */
