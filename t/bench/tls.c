
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: a client's TLS, the only place that knows OpenSSL.
 */


#include <errno.h>

#include "tls.h"


#if (NGX_HTTP_PUSH_BENCH_TLS)


#include <openssl/err.h>
#include <openssl/ssl.h>


static ssize_t ngx_http_push_tls_result(SSL *ssl, int n);


static SSL_CTX  *ngx_http_push_tls_ctx;


int
ngx_http_push_tls_available(void)
{
    return 1;
}


void *
ngx_http_push_tls_open(int fd)
{
    SSL  *ssl;

    if (ngx_http_push_tls_ctx == NULL) {
        ngx_http_push_tls_ctx = SSL_CTX_new(TLS_client_method());

        if (ngx_http_push_tls_ctx == NULL) {
            return NULL;
        }

        SSL_CTX_set_mode(ngx_http_push_tls_ctx, SSL_MODE_RELEASE_BUFFERS
                                                |SSL_MODE_ENABLE_PARTIAL_WRITE);
        SSL_CTX_set_session_cache_mode(ngx_http_push_tls_ctx,
                                       SSL_SESS_CACHE_OFF);
    }

    ssl = SSL_new(ngx_http_push_tls_ctx);

    if (ssl == NULL) {
        return NULL;
    }

    if (SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return NULL;
    }

    SSL_set_connect_state(ssl);

    return ssl;
}


int
ngx_http_push_tls_handshake(void *tls)
{
    int  n;

    n = SSL_do_handshake(tls);

    if (n == 1) {
        return 1;
    }

    n = SSL_get_error(tls, n);

    if (n == SSL_ERROR_WANT_READ || n == SSL_ERROR_WANT_WRITE) {
        return 0;
    }

    ERR_clear_error();

    return -1;
}


ssize_t
ngx_http_push_tls_read(void *tls, void *dst, size_t size)
{
    return ngx_http_push_tls_result(tls, SSL_read(tls, dst, (int) size));
}


ssize_t
ngx_http_push_tls_write(void *tls, const void *src, size_t size)
{
    return ngx_http_push_tls_result(tls, SSL_write(tls, src, (int) size));
}


void
ngx_http_push_tls_close(void *tls)
{
    SSL_free(tls);
}


static ssize_t
ngx_http_push_tls_result(SSL *ssl, int n)
{
    if (n > 0) {
        return n;
    }

    switch (SSL_get_error(ssl, n)) {

    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;

    case SSL_ERROR_ZERO_RETURN:
        return 0;

    default:
        ERR_clear_error();
        errno = ECONNRESET;
        return -1;
    }
}


#else


int
ngx_http_push_tls_available(void)
{
    return 0;
}


void *
ngx_http_push_tls_open(int fd)
{
    errno = EPROTONOSUPPORT;
    return NULL;
}


int
ngx_http_push_tls_handshake(void *tls)
{
    return -1;
}


ssize_t
ngx_http_push_tls_read(void *tls, void *dst, size_t size)
{
    errno = EPROTONOSUPPORT;
    return -1;
}


ssize_t
ngx_http_push_tls_write(void *tls, const void *src, size_t size)
{
    errno = EPROTONOSUPPORT;
    return -1;
}


void
ngx_http_push_tls_close(void *tls)
{
}


#endif
