/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: reads the URL of a Redis server; owns nothing.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_name.h"
#include "ngx_http_push_redis_url.h"


#define NGX_HTTP_PUSH_REDIS_URL_PORT    6379
#define NGX_HTTP_PUSH_REDIS_URL_DB_MAX  65535


static ngx_int_t ngx_http_push_redis_url_show(ngx_pool_t *pool,
    ngx_http_push_redis_url_t *u, ngx_str_t *url);
static const char *ngx_http_push_redis_url_parse_server(ngx_pool_t *pool,
    ngx_http_push_redis_url_t *u, ngx_str_t *rest);
static const char *ngx_http_push_redis_url_parse_host(ngx_pool_t *pool,
    ngx_http_push_redis_url_t *u, ngx_str_t *text);
static const char *ngx_http_push_redis_url_set_numeric(ngx_pool_t *pool,
    ngx_http_push_redis_url_t *u, ngx_uint_t bracketed);
static const char *ngx_http_push_redis_url_parse_unix(ngx_pool_t *pool,
    ngx_http_push_redis_url_t *u, ngx_str_t *rest);
static const char *ngx_http_push_redis_url_set_unix(ngx_pool_t *pool,
    ngx_http_push_redis_url_t *u, ngx_str_t *path);
static const char *ngx_http_push_redis_url_parse_user(ngx_pool_t *pool,
    ngx_http_push_redis_url_t *u, ngx_str_t *text);
static ngx_int_t ngx_http_push_redis_url_decode(ngx_pool_t *pool,
    ngx_str_t *dst, ngx_str_t *src);
static const char *ngx_http_push_redis_url_parse_db(
    ngx_http_push_redis_url_t *u, ngx_str_t *text);


const char *
ngx_http_push_redis_url_parse(ngx_pool_t *pool, ngx_http_push_redis_url_t *u,
    ngx_str_t *url)
{
    ngx_str_t  rest;

    ngx_memzero(u, sizeof(ngx_http_push_redis_url_t));

    u->db = -1;

    if (ngx_http_push_redis_url_show(pool, u, url) != NGX_OK) {
        return "out of memory";
    }

    rest = *url;

    if (ngx_strncmp(url->data, "redis://", 8) == 0) {
        rest.data += 8;
        rest.len -= 8;

        return ngx_http_push_redis_url_parse_server(pool, u, &rest);
    }

    if (ngx_strncmp(url->data, "rediss://", 9) == 0) {
        rest.data += 9;
        rest.len -= 9;

        u->tls = 1;

        return ngx_http_push_redis_url_parse_server(pool, u, &rest);
    }

    if (ngx_strncmp(url->data, "unix:", 5) == 0) {
        rest.data += 5;
        rest.len -= 5;

        return ngx_http_push_redis_url_parse_unix(pool, u, &rest);
    }

    return "\"redis://HOST[:PORT][/DB]\", \"rediss://HOST[:PORT][/DB]\" or "
           "\"unix:/PATH\" expected";
}


/*
 * What may be shown: everything up to the last '@' is taken for a secret, also
 * where the URL is malformed, and so is what follows a leading ':'.
 */

static ngx_int_t
ngx_http_push_redis_url_show(ngx_pool_t *pool, ngx_http_push_redis_url_t *u,
    ngx_str_t *url)
{
    u_char  *p, *last, *start, *at;
    size_t   skip;

    last = url->data + url->len;
    skip = 0;

    p = ngx_strnstr(url->data, "://", url->len);
    start = (p != NULL) ? p + 3 : url->data;

    if (p != NULL || ngx_strncmp(url->data, "unix:", 5) != 0) {
        skip = (start < last && *start == ':') ? last - start : 0;

        for (at = last; at > start; at--) {
            if (at[-1] == '@') {
                skip = at - start;
                break;
            }
        }
    }

    p = ngx_pnalloc(pool, url->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    u->shown.data = p;

    p = ngx_cpymem(p, url->data, start - url->data);
    p = ngx_cpymem(p, start + skip, last - start - skip);

    u->shown.len = p - u->shown.data;

    return NGX_OK;
}


static const char *
ngx_http_push_redis_url_parse_server(ngx_pool_t *pool,
    ngx_http_push_redis_url_t *u, ngx_str_t *rest)
{
    u_char      *p, *last, *slash, *at;
    ngx_str_t    text;
    const char  *error;

    last = rest->data + rest->len;

    slash = ngx_strlchr(rest->data, last, '/');
    if (slash == NULL) {
        slash = last;
    }

    at = NULL;

    for (p = rest->data; p < slash; p++) {
        if (*p == '@') {
            at = p;
        }
    }

    text.data = rest->data;

    if (at != NULL) {
        text.len = at - rest->data;

        error = ngx_http_push_redis_url_parse_user(pool, u, &text);
        if (error != NULL) {
            return error;
        }

        text.data = at + 1;
    }

    text.len = slash - text.data;

    error = ngx_http_push_redis_url_parse_host(pool, u, &text);
    if (error != NULL || last - slash <= 1) {
        return error;
    }

    text.data = slash + 1;
    text.len = last - text.data;

    return ngx_http_push_redis_url_parse_db(u, &text);
}


static const char *
ngx_http_push_redis_url_parse_host(ngx_pool_t *pool,
    ngx_http_push_redis_url_t *u, ngx_str_t *text)
{
    u_char      *p, *last, *colon;
    ngx_int_t    port;
    ngx_uint_t   bracketed;

    u->host = *text;
    u->port = NGX_HTTP_PUSH_REDIS_URL_PORT;

    last = text->data + text->len;
    bracketed = (text->len != 0 && text->data[0] == '[');

    if (bracketed) {
        p = ngx_strlchr(text->data, last, ']');
        if (p == NULL) {
            return "no \"]\" behind the IPv6 address";
        }

        u->host.data = text->data + 1;
        u->host.len = p - u->host.data;
        colon = p + 1;

    } else {
        colon = ngx_strlchr(text->data, last, ':');
        if (colon == NULL) {
            colon = last;
        }

        u->host.len = colon - u->host.data;
    }

    if (u->host.len == 0 || u->host.len > 255) {
        return "a host is expected: \"redis://HOST[:PORT][/DB]\"";
    }

    u->name = u->host;

    if (colon < last) {
        port = (*colon == ':') ? ngx_atoi(colon + 1, last - colon - 1) : 0;

        if (port < 1 || port > 65535) {
            return "invalid port; an IPv6 address stands in brackets, special "
                   "characters of a password are percent-encoded";
        }

        u->port = (in_port_t) port;
    }

    return ngx_http_push_redis_url_set_numeric(pool, u, bracketed);
}


/* a numeric address needs no resolving: its host is cleared */

static const char *
ngx_http_push_redis_url_set_numeric(ngx_pool_t *pool,
    ngx_http_push_redis_url_t *u, ngx_uint_t bracketed)
{
    u_char       c, *p;
    size_t       i;
    ngx_addr_t  *addr;

    addr = ngx_pcalloc(pool, sizeof(ngx_addr_t));
    if (addr == NULL) {
        return "out of memory";
    }

    if (ngx_parse_addr(pool, addr, u->host.data, u->host.len) == NGX_OK
        && (addr->sockaddr->sa_family != AF_INET) == bracketed)
    {
        p = ngx_pnalloc(pool, NGX_SOCKADDR_STRLEN);
        if (p == NULL) {
            return "out of memory";
        }

        ngx_inet_set_port(addr->sockaddr, u->port);

        addr->name.data = p;
        addr->name.len = ngx_sock_ntop(addr->sockaddr, addr->socklen, p,
                                       NGX_SOCKADDR_STRLEN, 1);

        u->addrs = addr;
        u->naddrs = 1;
        ngx_str_null(&u->host);

        return NULL;
    }

    if (bracketed) {
        return "invalid IPv6 address";
    }

    for (i = 0; i < u->host.len; i++) {
        c = u->host.data[i];

        if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') {
            continue;
        }

        if (!(c >= '0' && c <= '9') && c != '.' && c != '-' && c != '_') {
            return "a host has letters, digits, dots and hyphens";
        }
    }

    return NULL;
}


static const char *
ngx_http_push_redis_url_parse_unix(ngx_pool_t *pool,
    ngx_http_push_redis_url_t *u, ngx_str_t *rest)
{
    u_char      *p, *last, *at;
    ngx_str_t    path, text;
    const char  *error;

    path = *rest;
    last = rest->data + rest->len;

    if (rest->len > 2 && rest->data[0] == '/' && rest->data[1] == '/') {
        text.data = rest->data + 2;

        at = ngx_strlchr(text.data, last, '@');

        if (at != NULL) {
            text.len = at - text.data;

            error = ngx_http_push_redis_url_parse_user(pool, u, &text);
            if (error != NULL) {
                return error;
            }

            text.data = at + 1;
        }

        path.data = text.data;
        path.len = last - text.data;
    }

    p = ngx_strlchr(path.data, last, '?');

    if (p != NULL) {
        path.len = p - path.data;

        if (last - p < 4 || ngx_strncmp(p, "?db=", 4) != 0) {
            return "only \"?db=DB\" may follow the path";
        }

        text.data = p + 4;
        text.len = last - text.data;

        error = ngx_http_push_redis_url_parse_db(u, &text);
        if (error != NULL) {
            return error;
        }
    }

    return ngx_http_push_redis_url_set_unix(pool, u, &path);
}


static const char *
ngx_http_push_redis_url_set_unix(ngx_pool_t *pool,
    ngx_http_push_redis_url_t *u, ngx_str_t *path)
{
#if (NGX_HAVE_UNIX_DOMAIN)

    u_char              *p;
    ngx_addr_t          *addr;
    struct sockaddr_un  *saun;

    if (path->len < 2 || path->data[0] != '/') {
        return "an absolute path is expected: \"unix:/PATH[?db=DB]\"";
    }

    if (path->len >= sizeof(saun->sun_path)) {
        return "the path is too long for a unix domain socket";
    }

    addr = ngx_pcalloc(pool, sizeof(ngx_addr_t));
    saun = ngx_pcalloc(pool, sizeof(struct sockaddr_un));
    p = ngx_pnalloc(pool, path->len + 5);

    if (addr == NULL || saun == NULL || p == NULL) {
        return "out of memory";
    }

    saun->sun_family = AF_UNIX;
    ngx_memcpy(saun->sun_path, path->data, path->len);

    addr->sockaddr = (struct sockaddr *) saun;
    addr->socklen = sizeof(struct sockaddr_un);
    addr->name.data = p;
    addr->name.len = ngx_sprintf(p, "unix:%V", path) - p;

    u->addrs = addr;
    u->naddrs = 1;

    return NULL;

#else

    return "unix domain sockets are not supported on this platform";

#endif
}


static const char *
ngx_http_push_redis_url_parse_user(ngx_pool_t *pool,
    ngx_http_push_redis_url_t *u, ngx_str_t *text)
{
    u_char     *last, *colon;
    ngx_str_t   user, password;

    last = text->data + text->len;

    colon = ngx_strlchr(text->data, last, ':');

    user.data = text->data;
    user.len = ((colon != NULL) ? colon : last) - text->data;

    password.data = (colon != NULL) ? colon + 1 : last;
    password.len = last - password.data;

    if (user.len > NGX_HTTP_PUSH_REDIS_URL_SECRET
        || password.len > NGX_HTTP_PUSH_REDIS_URL_SECRET)
    {
        return "the user or the password is too long";
    }

    if (colon != NULL && password.len == 0) {
        return "the password is empty";
    }

    if (ngx_http_push_redis_url_decode(pool, &u->user, &user) != NGX_OK
        || ngx_http_push_redis_url_decode(pool, &u->password, &password)
           != NGX_OK)
    {
        return "\"%\" and two hexadecimal digits are expected where the user "
               "or the password has a special character";
    }

    return NULL;
}


static ngx_int_t
ngx_http_push_redis_url_decode(ngx_pool_t *pool, ngx_str_t *dst,
    ngx_str_t *src)
{
    if (src->len == 0) {
        return NGX_OK;
    }

    dst->data = ngx_pnalloc(pool, src->len);
    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_push_name_unescape(dst->data, src->data, src->len, &dst->len)
        != NGX_HTTP_PUSH_NAME_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static const char *
ngx_http_push_redis_url_parse_db(ngx_http_push_redis_url_t *u, ngx_str_t *text)
{
    u->db = ngx_atoi(text->data, text->len);

    if (u->db < 0 || u->db > NGX_HTTP_PUSH_REDIS_URL_DB_MAX) {
        return "the database is a number, 0 to 65535";
    }

    return NULL;
}
