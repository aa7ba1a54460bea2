/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: ties hiredis' reader and formatter to a connection of nginx's own,
 * as hiredis' adapters tie its async context to other event loops.
 */


#ifndef _NGX_HTTP_PUSH_ATTACH_H_INCLUDED_
#define _NGX_HTTP_PUSH_ATTACH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_reader.h"
#include "ngx_http_push_reply.h"


/* of one command */
#define NGX_HTTP_PUSH_ATTACH_ARGS  520


typedef struct ngx_http_push_attach_s  ngx_http_push_attach_t;


/*
 * reply: NGX_OK, or NGX_ERROR if it is not understood, which comes back as
 *     broken.
 *
 * broken: the peer is gone or talks nonsense; text is for people, err may be
 *     0.  malformed: what came was not what Redis sends, or by TLS that it
 *     will not have us.  The owner closes.
 *
 * written: output went to the socket, so there is room for more.
 *
 * busy: nothing is to be read in this turn of the loop.
 *
 * All but busy may call ngx_http_push_attach_close().
 */

typedef struct {
    ngx_int_t                     (*reply)(void *data,
                                           ngx_http_push_reply_t *reply);
    void                          (*broken)(void *data, const char *text,
                                            ngx_err_t err,
                                            ngx_uint_t malformed);
    void                          (*written)(void *data);
    ngx_uint_t                    (*busy)(void *data);
    void                           *data;

    ngx_http_push_reader_limits_t   limits;
} ngx_http_push_attach_conf_t;


/*
 * Takes over the connected c, which is closed by ngx_http_push_attach_close()
 * only.  The configuration is copied.  NULL when out of memory: c stays the
 * caller's.
 */
ngx_http_push_attach_t *ngx_http_push_attach_open(ngx_connection_t *c,
    ngx_http_push_attach_conf_t *conf);

/* frees everything, what was not written too; calls no handler */
void ngx_http_push_attach_close(ngx_http_push_attach_t *a);

/*
 * Appends a command of at most NGX_HTTP_PUSH_ATTACH_ARGS words; it is written
 * at the end of this turn of the loop.  NGX_ERROR when out of memory: nothing
 * was appended.
 */
ngx_int_t ngx_http_push_attach_command(ngx_http_push_attach_t *a,
    ngx_uint_t argc, ngx_str_t *argv);

/* bytes ever appended, and of those what the kernel has taken */
uint64_t ngx_http_push_attach_appended(ngx_http_push_attach_t *a);
uint64_t ngx_http_push_attach_sent(ngx_http_push_attach_t *a);

/* writes what the socket takes now, for a worker that exits */
void ngx_http_push_attach_flush(ngx_http_push_attach_t *a);


#endif /* _NGX_HTTP_PUSH_ATTACH_H_INCLUDED_ */
