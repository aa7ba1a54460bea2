/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: ids of connections; owns the key.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_ident.h"


#define NGX_HTTP_PUSH_IDENT_ROUNDS  32
#define NGX_HTTP_PUSH_IDENT_DELTA   0x9e3779b9


static uint64_t ngx_http_push_ident_encrypt(uint64_t number);
static uint64_t ngx_http_push_ident_decrypt(uint64_t id);


static uint32_t    ngx_http_push_ident_key[4];
static ngx_uint_t  ngx_http_push_ident_ready;


ngx_int_t
ngx_http_push_ident_init(ngx_log_t *log)
{
    ssize_t   n;
    ngx_fd_t  fd;

    if (ngx_http_push_ident_ready) {
        return NGX_OK;
    }

    fd = ngx_open_file((u_char *) "/dev/urandom", NGX_FILE_RDONLY,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      ngx_open_file_n " \"/dev/urandom\" failed");
        return NGX_ERROR;
    }

    n = ngx_read_fd(fd, ngx_http_push_ident_key,
                    sizeof(ngx_http_push_ident_key));

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      ngx_close_file_n " \"/dev/urandom\" failed");
    }

    if (n != sizeof(ngx_http_push_ident_key)) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      ngx_read_fd_n " \"/dev/urandom\" failed");
        return NGX_ERROR;
    }

    ngx_http_push_ident_ready = 1;

    return NGX_OK;
}


u_char *
ngx_http_push_ident_write(u_char *p, ngx_connection_t *c)
{
    uint64_t  id;

    id = ngx_http_push_ident_encrypt(c->number);

    return ngx_sprintf(p, "%08xD%08xD", (uint32_t) (id >> 32), (uint32_t) id);
}


uint64_t
ngx_http_push_ident_read(ngx_str_t *id)
{
    u_char      ch;
    uint64_t    value;
    ngx_uint_t  i;

    if (id->len != NGX_HTTP_PUSH_IDENT_LEN) {
        return 0;
    }

    value = 0;

    for (i = 0; i < NGX_HTTP_PUSH_IDENT_LEN; i++) {
        ch = id->data[i];

        if (ch >= '0' && ch <= '9') {
            ch -= '0';

        } else {
            ch |= 0x20;

            if (ch < 'a' || ch > 'f') {
                return 0;
            }

            ch = ch - 'a' + 10;
        }

        value = value << 4 | ch;
    }

    return ngx_http_push_ident_decrypt(value);
}


/*
 * XTEA, a block cipher of 64 bits: no two numbers have the same id, and who
 * knows ids cannot tell others.
 */

static uint64_t
ngx_http_push_ident_encrypt(uint64_t number)
{
    uint32_t    *k, v0, v1, sum;
    ngx_uint_t   i;

    k = ngx_http_push_ident_key;

    v0 = (uint32_t) number;
    v1 = (uint32_t) (number >> 32);
    sum = 0;

    for (i = 0; i < NGX_HTTP_PUSH_IDENT_ROUNDS; i++) {
        v0 += (((v1 << 4) ^ (v1 >> 5)) + v1) ^ (sum + k[sum & 3]);
        sum += NGX_HTTP_PUSH_IDENT_DELTA;
        v1 += (((v0 << 4) ^ (v0 >> 5)) + v0) ^ (sum + k[(sum >> 11) & 3]);
    }

    return ((uint64_t) v0 << 32) | v1;
}


static uint64_t
ngx_http_push_ident_decrypt(uint64_t id)
{
    uint32_t    *k, v0, v1, sum;
    ngx_uint_t   i;

    k = ngx_http_push_ident_key;

    v0 = (uint32_t) (id >> 32);
    v1 = (uint32_t) id;
    sum = (uint32_t) NGX_HTTP_PUSH_IDENT_DELTA * NGX_HTTP_PUSH_IDENT_ROUNDS;

    for (i = 0; i < NGX_HTTP_PUSH_IDENT_ROUNDS; i++) {
        v1 -= (((v0 << 4) ^ (v0 >> 5)) + v0) ^ (sum + k[(sum >> 11) & 3]);
        sum -= NGX_HTTP_PUSH_IDENT_DELTA;
        v0 -= (((v1 << 4) ^ (v1 >> 5)) + v1) ^ (sum + k[sum & 3]);
    }

    return ((uint64_t) v1 << 32) | v0;
}
