/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: reads the parameters of push_redis.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_name.h"
#include "ngx_http_push_redis_conf.h"


#define NGX_HTTP_PUSH_REDIS_CONF_NAME_MAX   128      /* prefix=, keys= */
#define NGX_HTTP_PUSH_REDIS_CONF_TIME_MAX   3600000
#define NGX_HTTP_PUSH_REDIS_CONF_PROBE_MIN  100
#define NGX_HTTP_PUSH_REDIS_CONF_MESSAGE    (16 * 1024 * 1024)


/*
 * Takes the text after "name=".  NULL: it is right; else what would be right,
 * for the message.
 */
typedef const char *(*ngx_http_push_redis_conf_set_pt)(
    ngx_http_push_redis_conf_t *rc, ngx_str_t *value);


typedef struct {
    ngx_str_t                         name;
    ngx_http_push_redis_conf_set_pt   set;
} ngx_http_push_redis_conf_param_t;


static ngx_int_t ngx_http_push_redis_conf_parse_url(ngx_conf_t *cf,
    ngx_http_push_redis_conf_t *rc, ngx_str_t *text);
static ngx_int_t ngx_http_push_redis_conf_parse_param(ngx_conf_t *cf,
    ngx_http_push_redis_conf_t *rc, ngx_str_t *arg, ngx_uint_t *seen);
static ngx_int_t ngx_http_push_redis_conf_check_key(ngx_conf_t *cf,
    ngx_str_t *value);
static ngx_int_t ngx_http_push_redis_conf_unknown_param(ngx_conf_t *cf,
    ngx_str_t *arg);
static ngx_int_t ngx_http_push_redis_conf_read_password(ngx_conf_t *cf,
    ngx_http_push_redis_conf_t *rc, ngx_str_t *arg);
static ngx_int_t ngx_http_push_redis_conf_read_secret(ngx_conf_t *cf,
    ngx_str_t *file, u_char *buf, size_t *len);
static ngx_int_t ngx_http_push_redis_conf_check(ngx_conf_t *cf,
    ngx_http_push_redis_conf_t *rc);
static const char *ngx_http_push_redis_conf_set_prefix(
    ngx_http_push_redis_conf_t *rc, ngx_str_t *value);
static const char *ngx_http_push_redis_conf_set_keys(
    ngx_http_push_redis_conf_t *rc, ngx_str_t *value);
static const char *ngx_http_push_redis_conf_set_connect_timeout(
    ngx_http_push_redis_conf_t *rc, ngx_str_t *value);
static const char *ngx_http_push_redis_conf_set_timeout(
    ngx_http_push_redis_conf_t *rc, ngx_str_t *value);
static const char *ngx_http_push_redis_conf_set_reconnect(
    ngx_http_push_redis_conf_t *rc, ngx_str_t *value);
static const char *ngx_http_push_redis_conf_set_probe(
    ngx_http_push_redis_conf_t *rc, ngx_str_t *value);
static const char *ngx_http_push_redis_conf_set_recover(
    ngx_http_push_redis_conf_t *rc, ngx_str_t *value);
static const char *ngx_http_push_redis_conf_set_verify(
    ngx_http_push_redis_conf_t *rc, ngx_str_t *value);
static const char *ngx_http_push_redis_conf_set_ca(
    ngx_http_push_redis_conf_t *rc, ngx_str_t *value);
static const char *ngx_http_push_redis_conf_set_cert(
    ngx_http_push_redis_conf_t *rc, ngx_str_t *value);
static const char *ngx_http_push_redis_conf_set_key(
    ngx_http_push_redis_conf_t *rc, ngx_str_t *value);
static const char *ngx_http_push_redis_conf_set_name(
    ngx_http_push_redis_conf_t *rc, ngx_str_t *value);
static const char *ngx_http_push_redis_conf_get_file(
    ngx_http_push_redis_conf_t *rc, ngx_str_t *value, ngx_str_t *file);
static ngx_int_t ngx_http_push_redis_conf_get_time(ngx_str_t *value,
    ngx_msec_t min, ngx_msec_t *time);
static ngx_uint_t ngx_http_push_redis_conf_name_valid(ngx_str_t *value);


static ngx_http_push_redis_conf_param_t  ngx_http_push_redis_conf_params[] = {

    { ngx_string("prefix="), ngx_http_push_redis_conf_set_prefix },

    { ngx_string("keys="), ngx_http_push_redis_conf_set_keys },

    { ngx_string("connect_timeout="),
      ngx_http_push_redis_conf_set_connect_timeout },

    { ngx_string("timeout="), ngx_http_push_redis_conf_set_timeout },

    { ngx_string("reconnect="), ngx_http_push_redis_conf_set_reconnect },

    { ngx_string("probe="), ngx_http_push_redis_conf_set_probe },

    { ngx_string("recover="), ngx_http_push_redis_conf_set_recover },

    { ngx_string("verify="), ngx_http_push_redis_conf_set_verify },

    { ngx_string("ca="), ngx_http_push_redis_conf_set_ca },

    { ngx_string("cert="), ngx_http_push_redis_conf_set_cert },

    { ngx_string("key="), ngx_http_push_redis_conf_set_key },

    { ngx_string("name="), ngx_http_push_redis_conf_set_name },

    { ngx_null_string, NULL }
};


static ngx_str_t  ngx_http_push_redis_conf_password_file =
    ngx_string("password_file=");


/* of a parameter that would have no effect */

static const char  *ngx_http_push_redis_conf_no_tls =
    "with it a URL \"rediss://HOST\"";


char *
ngx_http_push_redis_conf_parse(ngx_conf_t *cf, ngx_http_push_redis_conf_t *rc)
{
    ngx_str_t   *value;
    ngx_uint_t   i, seen;

    ngx_memzero(rc, sizeof(ngx_http_push_redis_conf_t));

    ngx_str_set(&rc->prefix, "");
    ngx_str_set(&rc->keys, "push:");

    rc->connect_timeout = 1000;
    rc->timeout = 4000;
    rc->reconnect_min = 100;
    rc->reconnect_max = 10000;
    rc->probe = 5000;
    rc->tls.verify = 1;
    rc->max_message = NGX_HTTP_PUSH_REDIS_CONF_MESSAGE;

    value = cf->args->elts;

    if (ngx_http_push_redis_conf_parse_url(cf, rc, &value[1]) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    seen = 0;

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_push_redis_conf_parse_param(cf, rc, &value[i], &seen)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_http_push_redis_conf_check(cf, rc) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (rc->url.tls
        && ngx_http_push_redis_tls_configure(cf, &rc->tls, &rc->url.name)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_push_redis_conf_parse_url(ngx_conf_t *cf,
    ngx_http_push_redis_conf_t *rc, ngx_str_t *text)
{
    const char  *error;

    error = ngx_http_push_redis_url_parse(cf->pool, &rc->url, text);

    if (error == NULL) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid URL \"%V\" in \"push_redis\": %s",
                       &rc->url.shown, error);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_push_redis_conf_parse_param(ngx_conf_t *cf,
    ngx_http_push_redis_conf_t *rc, ngx_str_t *arg, ngx_uint_t *seen)
{
    ngx_str_t                          value, *file;
    const char                        *expected;
    ngx_uint_t                         bit;
    ngx_http_push_redis_conf_param_t  *param;

    file = &ngx_http_push_redis_conf_password_file;

    if (arg->len >= file->len
        && ngx_strncmp(arg->data, file->data, file->len) == 0)
    {
        return ngx_http_push_redis_conf_read_password(cf, rc, arg);
    }

    bit = 1;

    for (param = ngx_http_push_redis_conf_params; param->set != NULL; param++) {

        if (arg->len >= param->name.len
            && ngx_strncmp(arg->data, param->name.data, param->name.len) == 0)
        {
            break;
        }

        bit <<= 1;
    }

    if (param->set == NULL) {
        return ngx_http_push_redis_conf_unknown_param(cf, arg);
    }

    value.data = arg->data + param->name.len;
    value.len = arg->len - param->name.len;

    if (param->set == ngx_http_push_redis_conf_set_key
        && ngx_http_push_redis_conf_check_key(cf, &value) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (*seen & bit) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate parameter \"%V\" in \"push_redis\"",
                           arg);
        return NGX_ERROR;
    }

    *seen |= bit;

    expected = param->set(rc, &value);

    if (expected != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" in \"push_redis\", "
                           "%s expected", arg, expected);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* nginx takes "data:KEY", too, which would be told by the next message */

static ngx_int_t
ngx_http_push_redis_conf_check_key(ngx_conf_t *cf, ngx_str_t *value)
{
    if (ngx_strncmp(value->data, "data:", 5) == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"key=data:...\" in "
                           "\"push_redis\", the name of a file expected");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* a second URL may hold a password, so it is not shown */

static ngx_int_t
ngx_http_push_redis_conf_unknown_param(ngx_conf_t *cf, ngx_str_t *arg)
{
    if (ngx_strnstr(arg->data, "://", arg->len) != NULL
        || ngx_strncmp(arg->data, "unix:", 5) == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "several servers in \"push_redis\" are not "
                           "supported, one URL expected");
        return NGX_ERROR;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\" in \"push_redis\", one of "
                       "prefix= keys= password_file= connect_timeout= "
                       "timeout= reconnect= probe= recover= verify= ca= cert= "
                       "key= name= expected", arg);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_push_redis_conf_read_password(ngx_conf_t *cf,
    ngx_http_push_redis_conf_t *rc, ngx_str_t *arg)
{
    u_char      buf[NGX_HTTP_PUSH_REDIS_URL_SECRET + 2];
    size_t      len;
    ngx_str_t   file;

    if (rc->url.password.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"push_redis\" has more than one password");
        return NGX_ERROR;
    }

    file.data = arg->data + ngx_http_push_redis_conf_password_file.len;
    file.len = arg->len - ngx_http_push_redis_conf_password_file.len;

    if (file.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" in \"push_redis\", "
                           "the name of a file expected", arg);
        return NGX_ERROR;
    }

    if (ngx_conf_full_name(cf->cycle, &file, 1) != NGX_OK
        || ngx_http_push_redis_conf_read_secret(cf, &file, buf, &len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (len != 0 && buf[len - 1] == LF) {
        len--;
    }

    if (len == 0 || len > NGX_HTTP_PUSH_REDIS_URL_SECRET) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "password file \"%V\" of \"push_redis\" is %s",
                           &file, len ? "too long, at most 1024 bytes expected"
                                      : "empty");
        return NGX_ERROR;
    }

    rc->url.password.len = len;
    rc->url.password.data = ngx_pnalloc(cf->pool, len);
    if (rc->url.password.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(rc->url.password.data, buf, len);
    ngx_explicit_memzero(buf, sizeof(buf));

    return NGX_OK;
}


/* buf has room for the longest password, its newline and one byte too many */

static ngx_int_t
ngx_http_push_redis_conf_read_secret(ngx_conf_t *cf, ngx_str_t *file,
    u_char *buf, size_t *len)
{
    ssize_t          n;
    ngx_fd_t         fd;
    ngx_int_t        rc;
    ngx_file_info_t  fi;

    fd = ngx_open_file(file->data, NGX_FILE_RDONLY|O_NONBLOCK, NGX_FILE_OPEN,
                       0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", file);
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", file);

    } else if (!ngx_is_file(&fi)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "password file \"%V\" of \"push_redis\" is not a "
                           "regular file", file);

    } else {
        n = ngx_read_fd(fd, buf, NGX_HTTP_PUSH_REDIS_URL_SECRET + 2);

        if (n == -1) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                               ngx_read_fd_n " \"%V\" failed", file);

        } else {
            *len = n;
            rc = NGX_OK;
        }
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", file);
    }

    return rc;
}


static ngx_int_t
ngx_http_push_redis_conf_check(ngx_conf_t *cf, ngx_http_push_redis_conf_t *rc)
{
    u_char     buf[NGX_HTTP_PUSH_REDIS_CONF_NAME_MAX + 3];
    size_t     n;
    ngx_str_t  control;

    if (rc->url.user.len && rc->url.password.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"push_redis\" has a user but no password, "
                           "\"redis://USER:PASSWORD@HOST\" or "
                           "\"password_file=FILE\" expected");
        return NGX_ERROR;
    }

    /*
     * No client's channel may have the wire name of a control channel.
     * Where the prefix is empty the channel's name itself is checked.
     */

    control.data = buf;
    control.len = ngx_sprintf(buf, "%Vctl", &rc->keys) - buf;

    n = ngx_min(control.len, rc->prefix.len);

    if (n != 0 && ngx_memcmp(control.data, rc->prefix.data, n) == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"prefix=%V\" and \"keys=%V\" of \"push_redis\" "
                           "cannot be told apart, neither \"prefix=\" nor "
                           "\"%V\" may begin with the other",
                           &rc->prefix, &rc->keys, &control);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static const char *
ngx_http_push_redis_conf_set_prefix(ngx_http_push_redis_conf_t *rc,
    ngx_str_t *value)
{
    if (!ngx_http_push_redis_conf_name_valid(value)) {
        return "at most 128 characters without spaces, commas and braces";
    }

    rc->prefix = *value;

    return NULL;
}


static const char *
ngx_http_push_redis_conf_set_keys(ngx_http_push_redis_conf_t *rc,
    ngx_str_t *value)
{
    if (value->len == 0 || !ngx_http_push_redis_conf_name_valid(value)) {
        return "1 to 128 characters without spaces, commas and braces";
    }

    rc->keys = *value;

    return NULL;
}


static const char *
ngx_http_push_redis_conf_set_connect_timeout(ngx_http_push_redis_conf_t *rc,
    ngx_str_t *value)
{
    if (ngx_http_push_redis_conf_get_time(value, 1, &rc->connect_timeout)
        != NGX_OK)
    {
        return "a time of 1ms to 1h, such as 1s,";
    }

    return NULL;
}


static const char *
ngx_http_push_redis_conf_set_timeout(ngx_http_push_redis_conf_t *rc,
    ngx_str_t *value)
{
    if (ngx_http_push_redis_conf_get_time(value, 1, &rc->timeout) != NGX_OK) {
        return "a time of 1ms to 1h, such as 4s,";
    }

    return NULL;
}


static const char *
ngx_http_push_redis_conf_set_reconnect(ngx_http_push_redis_conf_t *rc,
    ngx_str_t *value)
{
    u_char     *p;
    ngx_str_t   min, max;

    p = ngx_strnstr(value->data, "..", value->len);

    if (p != NULL) {
        min.data = value->data;
        min.len = p - value->data;

        max.data = p + 2;
        max.len = value->data + value->len - max.data;

        if (ngx_http_push_redis_conf_get_time(&min, 1, &rc->reconnect_min)
            == NGX_OK
            && ngx_http_push_redis_conf_get_time(&max, rc->reconnect_min,
                                                 &rc->reconnect_max)
               == NGX_OK)
        {
            return NULL;
        }
    }

    return "a range of times, such as 100ms..10s,";
}


static const char *
ngx_http_push_redis_conf_set_probe(ngx_http_push_redis_conf_t *rc,
    ngx_str_t *value)
{
    if (ngx_http_push_redis_conf_get_time(value,
                                          NGX_HTTP_PUSH_REDIS_CONF_PROBE_MIN,
                                          &rc->probe)
        != NGX_OK)
    {
        return "a time of 100ms to 1h, such as 5s,";
    }

    return NULL;
}


static const char *
ngx_http_push_redis_conf_set_recover(ngx_http_push_redis_conf_t *rc,
    ngx_str_t *value)
{
    if (value->len == 6 && ngx_strncmp(value->data, "strict", 6) == 0) {
        return NULL;
    }

    if (value->len == 7 && ngx_strncmp(value->data, "lenient", 7) == 0) {
        rc->lenient = 1;
        return NULL;
    }

    return "\"strict\" or \"lenient\"";
}


static const char *
ngx_http_push_redis_conf_set_verify(ngx_http_push_redis_conf_t *rc,
    ngx_str_t *value)
{
    if (!rc->url.tls) {
        return ngx_http_push_redis_conf_no_tls;
    }

    if (value->len == 2 && ngx_strncmp(value->data, "on", 2) == 0) {
        rc->tls.verify = 1;
        return NULL;
    }

    if (value->len == 3 && ngx_strncmp(value->data, "off", 3) == 0) {
        rc->tls.verify = 0;
        return NULL;
    }

    return "\"on\" or \"off\"";
}


static const char *
ngx_http_push_redis_conf_set_ca(ngx_http_push_redis_conf_t *rc,
    ngx_str_t *value)
{
    return ngx_http_push_redis_conf_get_file(rc, value, &rc->tls.ca);
}


static const char *
ngx_http_push_redis_conf_set_cert(ngx_http_push_redis_conf_t *rc,
    ngx_str_t *value)
{
    return ngx_http_push_redis_conf_get_file(rc, value, &rc->tls.cert);
}


static const char *
ngx_http_push_redis_conf_set_key(ngx_http_push_redis_conf_t *rc,
    ngx_str_t *value)
{
    return ngx_http_push_redis_conf_get_file(rc, value, &rc->tls.key);
}


/* of a host, or an address without brackets */

static const char *
ngx_http_push_redis_conf_set_name(ngx_http_push_redis_conf_t *rc,
    ngx_str_t *value)
{
    u_char  c;
    size_t  i;

    static const char  *expected =
        "1 to 255 letters, digits, dots, hyphens and colons";

    if (!rc->url.tls) {
        return ngx_http_push_redis_conf_no_tls;
    }

    if (value->len == 0 || value->len > 255) {
        return expected;
    }

    for (i = 0; i < value->len; i++) {
        c = value->data[i];

        if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
            && !(c >= '0' && c <= '9')
            && c != '.' && c != '-' && c != '_' && c != ':')
        {
            return expected;
        }
    }

    rc->tls.name = *value;

    return NULL;
}


static const char *
ngx_http_push_redis_conf_get_file(ngx_http_push_redis_conf_t *rc,
    ngx_str_t *value, ngx_str_t *file)
{
    if (!rc->url.tls) {
        return ngx_http_push_redis_conf_no_tls;
    }

    if (value->len == 0) {
        return "the name of a file";
    }

    *file = *value;

    return NULL;
}


static ngx_int_t
ngx_http_push_redis_conf_get_time(ngx_str_t *value, ngx_msec_t min,
    ngx_msec_t *time)
{
    ngx_int_t  n;

    n = ngx_parse_time(value, 0);

    if (n == NGX_ERROR
        || (ngx_msec_t) n < min
        || n > NGX_HTTP_PUSH_REDIS_CONF_TIME_MAX)
    {
        return NGX_ERROR;
    }

    *time = (ngx_msec_t) n;

    return NGX_OK;
}


/* the characters that a channel's name may have; empty is right too */

static ngx_uint_t
ngx_http_push_redis_conf_name_valid(ngx_str_t *value)
{
    return value->len <= NGX_HTTP_PUSH_REDIS_CONF_NAME_MAX
           && (value->len == 0
               || ngx_http_push_name_check(value->data, value->len)
                  == NGX_HTTP_PUSH_NAME_OK);
}


ngx_int_t
ngx_http_push_redis_conf_resolve(ngx_conf_t *cf,
    ngx_http_push_redis_conf_t *rc, ngx_resolver_t *resolver,
    ngx_msec_t resolver_timeout)
{
    ngx_url_t   u;
    ngx_uint_t  local;

    if (rc->url.naddrs) {
        return NGX_OK;
    }

    /* most name servers do not know it, the hosts file does */

    local = (rc->url.host.len == 9
             && ngx_strncasecmp(rc->url.host.data, (u_char *) "localhost", 9)
                == 0);

    if (resolver != NULL && resolver->connections.nelts != 0 && !local) {
        rc->resolver = resolver;
        rc->resolver_timeout = resolver_timeout;
        return NGX_OK;
    }

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = rc->url.host;
    u.default_port = rc->url.port;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s \"%V\" in \"push_redis\"",
                           u.err ? u.err : "host not found", &rc->url.host);
        return NGX_ERROR;
    }

    rc->url.addrs = u.addrs;
    rc->url.naddrs = u.naddrs;

    if (!local) {
        ngx_conf_log_error(NGX_LOG_NOTICE, cf, 0,
                           "host \"%V\" in \"push_redis\" is resolved only "
                           "when the configuration is read, with \"resolver\" "
                           "it would be at each connect", &rc->url.host);
    }

    return NGX_OK;
}
