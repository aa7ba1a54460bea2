
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: a client's TLS, the only place that knows OpenSSL; built without
 * it, opening says so.
 */


#ifndef _NGX_HTTP_PUSH_TLS_H_INCLUDED_
#define _NGX_HTTP_PUSH_TLS_H_INCLUDED_


#include <stddef.h>
#include <sys/types.h>


/* is TLS built in? */
int ngx_http_push_tls_available(void);

/* certificates are not checked: this is a benchmark.  NULL: no memory */
void *ngx_http_push_tls_open(int fd);

/* 1 done, 0 wants reading, -1 failed */
int ngx_http_push_tls_handshake(void *tls);

/* as recv() and send(): -1 with EAGAIN when there is nothing, or no room */
ssize_t ngx_http_push_tls_read(void *tls, void *dst, size_t size);
ssize_t ngx_http_push_tls_write(void *tls, const void *src, size_t size);

void ngx_http_push_tls_close(void *tls);


#endif /* _NGX_HTTP_PUSH_TLS_H_INCLUDED_ */
