/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: TLS to Redis by nginx's own ngx_ssl: owns the session that is used
 * again, and what nginx has said of a connection.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_push_figures.h"
#include "ngx_http_push_redis_tls.h"


#define NGX_HTTP_PUSH_REDIS_TLS_DEPTH  9     /* of a chain of certificates */
#define NGX_HTTP_PUSH_REDIS_TLS_POOL   256   /* nginx puts one struct there */


#if (NGX_SSL)

struct ngx_http_push_redis_tls_s {
    ngx_http_push_redis_tls_conf_t   *conf;
    ngx_log_t                        *log;
    ngx_log_t                         heard; /* the connection's log */

    ngx_ssl_session_t                *session;

    ngx_http_push_redis_tls_done_pt   done;
    void                             *data;

    u_char                            text[NGX_HTTP_PUSH_LINK_ERROR];
    ngx_uint_t                        refused;
};


static ngx_int_t ngx_http_push_redis_tls_load(ngx_conf_t *cf,
    ngx_http_push_redis_tls_conf_t *conf);
static ngx_int_t ngx_http_push_redis_tls_trust(ngx_conf_t *cf,
    ngx_http_push_redis_tls_conf_t *conf);
static ngx_int_t ngx_http_push_redis_tls_set_name(ngx_conf_t *cf,
    ngx_http_push_redis_tls_conf_t *conf, ngx_str_t *host);

static ngx_int_t ngx_http_push_redis_tls_prepare(ngx_http_push_redis_tls_t *t,
    ngx_connection_t *c);
static void ngx_http_push_redis_tls_handler(ngx_connection_t *c);
static ngx_int_t ngx_http_push_redis_tls_verify(ngx_http_push_redis_tls_t *t,
    ngx_connection_t *c);
static ngx_int_t ngx_http_push_redis_tls_check_name(ngx_connection_t *c,
    ngx_http_push_redis_tls_conf_t *conf);
static void ngx_http_push_redis_tls_save(ngx_connection_t *c);
static void ngx_http_push_redis_tls_forget(ngx_http_push_redis_tls_t *t);
static void ngx_http_push_redis_tls_writer(ngx_log_t *log, ngx_uint_t level,
    u_char *buf, size_t len);
static void ngx_http_push_redis_tls_hear(ngx_http_push_redis_tls_t *t,
    u_char *p, u_char *last);


ngx_int_t
ngx_http_push_redis_tls_configure(ngx_conf_t *cf,
    ngx_http_push_redis_tls_conf_t *conf, ngx_str_t *host)
{
    ngx_ssl_t           *ssl;
    ngx_pool_cleanup_t  *cln;

    if ((conf->cert.len == 0) != (conf->key.len == 0)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"push_redis\" has \"%s\" only, both \"cert=FILE\" "
                           "and \"key=FILE\" expected",
                           conf->cert.len ? "cert=" : "key=");
        return NGX_ERROR;
    }

    if (ngx_http_push_redis_tls_set_name(cf, conf, host) != NGX_OK) {
        return NGX_ERROR;
    }

    ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    if (ssl == NULL) {
        return NGX_ERROR;
    }

    ssl->log = cf->log;

    if (ngx_ssl_create(ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        ngx_ssl_cleanup_ctx(ssl);
        return NGX_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = ssl;

    conf->ssl = ssl;

    return ngx_http_push_redis_tls_load(cf, conf);
}


/* what cannot be read is told by nginx first, with OpenSSL's reason */

static ngx_int_t
ngx_http_push_redis_tls_load(ngx_conf_t *cf,
    ngx_http_push_redis_tls_conf_t *conf)
{
    ngx_str_t  cert, key;

    cert = conf->cert;
    key = conf->key;

    if (cert.len != 0
        && ngx_ssl_certificate(cf, conf->ssl, &cert, &key, NULL) != NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameters \"cert=%V\" and \"key=%V\" in "
                           "\"push_redis\", files of PEM expected, a "
                           "certificate and its key", &conf->cert, &conf->key);
        return NGX_ERROR;
    }

    if ((conf->verify || conf->ca.len)
        && ngx_http_push_redis_tls_trust(cf, conf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_ssl_client_session_cache(cf, conf->ssl, 1);
}


static ngx_int_t
ngx_http_push_redis_tls_trust(ngx_conf_t *cf,
    ngx_http_push_redis_tls_conf_t *conf)
{
    ngx_str_t  ca;

    ca = conf->ca;

    if (ngx_ssl_trusted_certificate(cf, conf->ssl, &ca,
                                    NGX_HTTP_PUSH_REDIS_TLS_DEPTH)
        != NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"ca=%V\" in \"push_redis\", a "
                           "file of PEM with certificates expected",
                           &conf->ca);
        return NGX_ERROR;
    }

    if (ca.len == 0
        && SSL_CTX_set_default_verify_paths(conf->ssl->ctx) == 0)
    {
        ngx_ssl_error(NGX_LOG_EMERG, conf->ssl->log, 0,
                      "SSL_CTX_set_default_verify_paths() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* certificates and SNI know no final dot; OpenSSL wants a final NUL */

static ngx_int_t
ngx_http_push_redis_tls_set_name(ngx_conf_t *cf,
    ngx_http_push_redis_tls_conf_t *conf, ngx_str_t *host)
{
    u_char      *p;
    ngx_str_t    name;
    ngx_addr_t   addr;

    name = conf->name.len ? conf->name : *host;

    if (name.len > 1 && name.data[name.len - 1] == '.') {
        name.len--;
    }

    p = ngx_pnalloc(cf->pool, name.len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(p, name.data, name.len + 1);

    conf->name.data = p;
    conf->name.len = name.len;

    conf->address = (ngx_parse_addr(cf->pool, &addr, p, name.len) == NGX_OK);

    return NGX_OK;
}


void
ngx_http_push_redis_tls_close(ngx_connection_t *c)
{
    ngx_pool_t  *pool;

    pool = c->pool;

    if (c->ssl != NULL) {

        /* the peer is told where there is room for it, and not waited for */

        c->ssl->no_wait_shutdown = 1;

        if (ngx_ssl_shutdown(c) == NGX_AGAIN) {
            c->timedout = 1;
            (void) ngx_ssl_shutdown(c);
        }
    }

    ngx_close_connection(c);

    if (pool != NULL) {
        ngx_destroy_pool(pool);
    }
}


ngx_http_push_redis_tls_t *
ngx_http_push_redis_tls_create(ngx_http_push_redis_tls_conf_t *conf,
    ngx_log_t *log)
{
    ngx_http_push_redis_tls_t  *t;

    t = ngx_calloc(sizeof(ngx_http_push_redis_tls_t), log);
    if (t == NULL) {
        return NULL;
    }

    t->conf = conf;
    t->log = log;

    /*
     * nginx has its own ideas of what is a crit; here the link tells, once, and
     * OpenSSL's reason is to be had from what nginx logs only.
     */

    t->heard.log_level = ngx_max(log->log_level, NGX_LOG_INFO);
    t->heard.writer = ngx_http_push_redis_tls_writer;
    t->heard.wdata = t;

    return t;
}


void
ngx_http_push_redis_tls_destroy(ngx_http_push_redis_tls_t *t)
{
    ngx_http_push_redis_tls_forget(t);

    ngx_free(t);
}


void
ngx_http_push_redis_tls_begin(ngx_http_push_redis_tls_t *t,
    ngx_connection_t *c, ngx_http_push_redis_tls_done_pt done, void *data)
{
    t->done = done;
    t->data = data;
    t->text[0] = '\0';
    t->refused = 0;

    c->log = &t->heard;

    if (ngx_http_push_redis_tls_prepare(t, c) != NGX_OK) {
        ngx_http_push_redis_tls_forget(t);
        done(data, NGX_ERROR);
        return;
    }

    if (ngx_ssl_handshake(c) == NGX_AGAIN) {
        c->ssl->handler = ngx_http_push_redis_tls_handler;
        return;
    }

    ngx_http_push_redis_tls_handler(c);
}


static ngx_int_t
ngx_http_push_redis_tls_prepare(ngx_http_push_redis_tls_t *t,
    ngx_connection_t *c)
{
    c->pool = ngx_create_pool(NGX_HTTP_PUSH_REDIS_TLS_POOL, t->log);
    if (c->pool == NULL) {
        return NGX_ERROR;
    }

    if (ngx_ssl_create_connection(t->conf->ssl, c, NGX_SSL_CLIENT) != NGX_OK) {
        return NGX_ERROR;
    }

    c->ssl->save_session = ngx_http_push_redis_tls_save;

#ifdef SSL_CTRL_SET_TLSEXT_HOSTNAME

    /* RFC 6066 3: no addresses */

    if (!t->conf->address
        && SSL_set_tlsext_host_name(c->ssl->connection,
                                    (char *) t->conf->name.data)
           == 0)
    {
        ngx_ssl_error(NGX_LOG_ERR, c->log, 0,
                      "SSL_set_tlsext_host_name() failed");
        return NGX_ERROR;
    }

#endif

    if (t->session != NULL && ngx_ssl_set_session(c, t->session) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_push_redis_tls_handler(ngx_connection_t *c)
{
    ngx_int_t                   rc;
    ngx_http_push_redis_tls_t  *t;

    t = c->log->wdata;

    rc = NGX_ERROR;

    if (c->ssl->handshaked) {
        rc = ngx_http_push_redis_tls_verify(t, c);
    }

    if (rc != NGX_OK) {
        ngx_http_push_redis_tls_forget(t);
    }

    t->done(t->data, rc);
}


static ngx_int_t
ngx_http_push_redis_tls_verify(ngx_http_push_redis_tls_t *t,
    ngx_connection_t *c)
{
    long     rc;
    u_char  *p, *last;

    if (!t->conf->verify) {
        return NGX_OK;
    }

    p = t->text;
    last = t->text + sizeof(t->text) - 1;

    rc = SSL_get_verify_result(c->ssl->connection);

    if (rc != X509_V_OK) {
        p = ngx_slprintf(p, last, "tls: certificate verify failed (%s)",
                         X509_verify_cert_error_string(rc));

    } else if (ngx_http_push_redis_tls_check_name(c, t->conf) != NGX_OK) {
        p = ngx_slprintf(p, last, "tls: certificate verify failed "
                         "(it is not for \"%V\")", &t->conf->name);

    } else {
        return NGX_OK;
    }

    *p = '\0';
    t->refused = 1;

    return NGX_ERROR;
}


/* older servers have certificates whose common name is the address */

static ngx_int_t
ngx_http_push_redis_tls_check_name(ngx_connection_t *c,
    ngx_http_push_redis_tls_conf_t *conf)
{
    X509       *cert;
    ngx_int_t   rc;

    rc = NGX_DECLINED;

    if (conf->address) {
        cert = SSL_get_peer_certificate(c->ssl->connection);

        if (cert != NULL) {

            if (X509_check_ip_asc(cert, (char *) conf->name.data, 0) == 1) {
                rc = NGX_OK;
            }

            X509_free(cert);
        }
    }

    if (rc != NGX_OK) {
        rc = ngx_ssl_check_host(c, &conf->name);
    }

    ERR_clear_error();

    return rc;
}


/* with TLS 1.3 it comes after the handshake, and more than once */

static void
ngx_http_push_redis_tls_save(ngx_connection_t *c)
{
    ngx_ssl_session_t          *session;
    ngx_http_push_redis_tls_t  *t;

    t = c->log->wdata;

    session = ngx_ssl_get_session(c);

    if (session != NULL) {
        ngx_http_push_redis_tls_forget(t);
        t->session = session;
    }
}


static void
ngx_http_push_redis_tls_forget(ngx_http_push_redis_tls_t *t)
{
    if (t->session != NULL) {
        ngx_ssl_free_session(t->session);
        t->session = NULL;
    }
}


const char *
ngx_http_push_redis_tls_error(ngx_connection_t *c, ngx_uint_t *refused)
{
    ngx_http_push_redis_tls_t  *t;

    t = c->log->wdata;

    *refused = t->refused;

    return (t->text[0] != '\0') ? (char *) t->text : "tls: failed";
}


/*
 * A line begins with the time, the level and "PID#TID: ".  What tells of
 * nginx's own troubles, and what is for debugging, goes on to the real log.
 */

static void
ngx_http_push_redis_tls_writer(ngx_log_t *log, ngx_uint_t level, u_char *buf,
    size_t len)
{
    u_char                     *p, *last;
    ngx_http_push_redis_tls_t  *t;

    t = log->wdata;

    last = buf + len;

    if (last != buf && last[-1] == LF) {
        last--;
    }

    p = ngx_strlchr(buf, last, '#');

    if (p != NULL) {
        p = ngx_strlchr(p, last, ' ');
    }

    p = (p != NULL) ? p + 1 : buf;

    if (level <= NGX_LOG_ALERT || level >= NGX_LOG_DEBUG) {
        ngx_log_error(level, t->log, 0, "%*s", (size_t) (last - p), p);
        return;
    }

    ngx_http_push_redis_tls_hear(t, p, last);
}


/*
 * "SSL_read() failed (SSL: error:CODE:LIBRARY:FUNCTION:REASON[:DATA] ...)" is
 * worth its REASON; other lines have none.
 */

static void
ngx_http_push_redis_tls_hear(ngx_http_push_redis_tls_t *t, u_char *p,
    u_char *last)
{
    u_char      *error;
    ngx_uint_t   i;

    error = ngx_strlcasestrn(p, last, (u_char *) "(SSL: error:", 12 - 1);

    t->refused = (error != NULL);

    if (error != NULL) {
        p = error + 12;

        for (i = 0; i < 3; i++) {
            error = ngx_strlchr(p, last, ':');
            p = (error != NULL) ? error + 1 : p;
        }

        for (error = p; error < last && *error != ':'; error++) {

            if (*error == ')' || ngx_strncmp(error, " error:", 7) == 0) {
                break;
            }
        }

        last = error;
    }

    *ngx_snprintf(t->text, sizeof(t->text) - 1, "tls: %*s",
                  (size_t) (last - p), p) = '\0';
}


#else


ngx_int_t
ngx_http_push_redis_tls_configure(ngx_conf_t *cf,
    ngx_http_push_redis_tls_conf_t *conf, ngx_str_t *host)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"rediss://\" in \"push_redis\" cannot be used, this "
                       "nginx was built without TLS, \"redis://\" or an nginx "
                       "with \"--with-http_ssl_module\" expected");

    return NGX_ERROR;
}


void
ngx_http_push_redis_tls_close(ngx_connection_t *c)
{
    ngx_close_connection(c);
}


#endif
