
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: JSON written into a bounded buffer; owns the buffer and
 * yajl's generator, which nobody else sees.
 */


#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_gen.h>

#include "ngx_http_push_decimal.h"
#include "ngx_http_push_json.h"
#include "ngx_http_push_utf8.h"


#define NGX_HTTP_PUSH_JSON_FIRST     1024
#define NGX_HTTP_PUSH_JSON_DEPTH     32
#define NGX_HTTP_PUSH_JSON_DECIMALS  6

/* what a double holds exactly is below 2^53 */
#define NGX_HTTP_PUSH_JSON_EXACT     9007199254740992.0

/* yajl 2.1 takes about 700 bytes when it is created, and none later */
#define NGX_HTTP_PUSH_JSON_ARENA     2048


struct ngx_http_push_json_s {
    yajl_gen   gen;
    u_char    *buf;
    size_t     len;
    size_t     size;
    size_t     max;
    size_t     used;        /* of the arena */
    int        status;
    unsigned   depth;
    unsigned   begun:1;     /* the document's one value */
    unsigned   keyed:1;     /* a key waits for its value */
    u_char     open[NGX_HTTP_PUSH_JSON_DEPTH];
    uint64_t   arena[NGX_HTTP_PUSH_JSON_ARENA / sizeof(uint64_t)];
};


static void *ngx_http_push_json_alloc(void *ctx, size_t size);
static void *ngx_http_push_json_realloc(void *ctx, void *p, size_t size);
static void ngx_http_push_json_free(void *ctx, void *p);
static int ngx_http_push_json_begin_value(ngx_http_push_json_t *j);
static void ngx_http_push_json_open(ngx_http_push_json_t *j, u_char kind);
static void ngx_http_push_json_close(ngx_http_push_json_t *j, u_char kind);
static void ngx_http_push_json_repair(ngx_http_push_json_t *j,
    const u_char *p, size_t len);
static size_t ngx_http_push_json_replace(u_char *dst, const u_char *p,
    size_t len);
static void ngx_http_push_json_number(ngx_http_push_json_t *j,
    const u_char *p, const u_char *last);
static void ngx_http_push_json_print(void *ctx, const char *p, size_t len);
static int ngx_http_push_json_grow(ngx_http_push_json_t *j, size_t need);
static void ngx_http_push_json_fail(ngx_http_push_json_t *j, int status);
static void ngx_http_push_json_check(ngx_http_push_json_t *j,
    yajl_gen_status rc);


ngx_http_push_json_t *
ngx_http_push_json_create(size_t max, int lines)
{
    yajl_alloc_funcs       funcs;
    ngx_http_push_json_t  *j;

    j = calloc(1, sizeof(ngx_http_push_json_t));
    if (j == NULL) {
        return NULL;
    }

    j->max = max;

    /* yajl looks at no allocation but its first: it gets all out of our own */

    funcs.malloc = ngx_http_push_json_alloc;
    funcs.realloc = ngx_http_push_json_realloc;
    funcs.free = ngx_http_push_json_free;
    funcs.ctx = j;

    j->gen = yajl_gen_alloc(&funcs);
    if (j->gen == NULL) {
        free(j);
        return NULL;
    }

    yajl_gen_config(j->gen, yajl_gen_print_callback, ngx_http_push_json_print,
                    j);

    if (lines) {
        yajl_gen_config(j->gen, yajl_gen_beautify, 1);
        yajl_gen_config(j->gen, yajl_gen_indent_string, "  ");
    }

    return j;
}


void
ngx_http_push_json_destroy(ngx_http_push_json_t *j)
{
    yajl_gen_free(j->gen);
    free(j->buf);
    free(j);
}


static void *
ngx_http_push_json_alloc(void *ctx, size_t size)
{
    ngx_http_push_json_t *j = ctx;

    size_t  words;

    words = size / sizeof(uint64_t) + 1;

    if (words > sizeof(j->arena) / sizeof(uint64_t) - j->used) {
        return NULL;
    }

    j->used += words;

    return j->arena + j->used - words;
}


static void *
ngx_http_push_json_realloc(void *ctx, void *p, size_t size)
{
    /* grows yajl's own buffer, which is not in use */

    return NULL;
}


static void
ngx_http_push_json_free(void *ctx, void *p)
{
    /* the arena goes with the writer */
}


void
ngx_http_push_json_open_object(ngx_http_push_json_t *j)
{
    ngx_http_push_json_open(j, '{');
}


void
ngx_http_push_json_close_object(ngx_http_push_json_t *j)
{
    ngx_http_push_json_close(j, '{');
}


void
ngx_http_push_json_open_array(ngx_http_push_json_t *j)
{
    ngx_http_push_json_open(j, '[');
}


void
ngx_http_push_json_close_array(ngx_http_push_json_t *j)
{
    ngx_http_push_json_close(j, '[');
}


void
ngx_http_push_json_key(ngx_http_push_json_t *j, const char *name)
{
    if (j->status != NGX_HTTP_PUSH_JSON_OK) {
        return;
    }

    if (j->depth == 0 || j->open[j->depth - 1] != '{' || j->keyed) {
        ngx_http_push_json_fail(j, NGX_HTTP_PUSH_JSON_MISUSE);
        return;
    }

    j->keyed = 1;

    ngx_http_push_json_check(j, yajl_gen_string(j->gen, (const u_char *) name,
                                                strlen(name)));
}


void
ngx_http_push_json_string(ngx_http_push_json_t *j, const u_char *p, size_t len)
{
    uint32_t  utf8;

    if (!ngx_http_push_json_begin_value(j)) {
        return;
    }

    if (len > j->max) {
        ngx_http_push_json_fail(j, NGX_HTTP_PUSH_JSON_LIMIT);
        return;
    }

    utf8 = NGX_HTTP_PUSH_UTF8_START;

    if (!ngx_http_push_utf8_validate(&utf8, p, len)
        || !ngx_http_push_utf8_complete(utf8))
    {
        ngx_http_push_json_repair(j, p, len);
        return;
    }

    if (len == 0) {
        /* p may be NULL */
        p = (const u_char *) "";
    }

    ngx_http_push_json_check(j, yajl_gen_string(j->gen, p, len));
}


void
ngx_http_push_json_text(ngx_http_push_json_t *j, const char *s)
{
    if (s == NULL) {
        ngx_http_push_json_null(j);
        return;
    }

    ngx_http_push_json_string(j, (const u_char *) s, strlen(s));
}


void
ngx_http_push_json_uint(ngx_http_push_json_t *j, uint64_t n)
{
    u_char  digits[NGX_HTTP_PUSH_DECIMAL_MAX];

    if (!ngx_http_push_json_begin_value(j)) {
        return;
    }

    ngx_http_push_json_number(j, digits,
                              ngx_http_push_decimal_write(digits, n));
}


void
ngx_http_push_json_int(ngx_http_push_json_t *j, int64_t n)
{
    u_char    digits[NGX_HTTP_PUSH_DECIMAL_MAX + 1], *p;
    uint64_t  size;

    if (!ngx_http_push_json_begin_value(j)) {
        return;
    }

    p = digits;
    size = (uint64_t) n;

    if (n < 0) {
        *p++ = '-';
        size = 0 - size;
    }

    ngx_http_push_json_number(j, digits, ngx_http_push_decimal_write(p, size));
}


void
ngx_http_push_json_bool(ngx_http_push_json_t *j, int b)
{
    if (ngx_http_push_json_begin_value(j)) {
        ngx_http_push_json_check(j, yajl_gen_bool(j->gen, b));
    }
}


void
ngx_http_push_json_null(ngx_http_push_json_t *j)
{
    if (ngx_http_push_json_begin_value(j)) {
        ngx_http_push_json_check(j, yajl_gen_null(j->gen));
    }
}


void
ngx_http_push_json_fixed(ngx_http_push_json_t *j, double n, unsigned decimals)
{
    u_char    digits[NGX_HTTP_PUSH_DECIMAL_MAX + 3], *p;
    double    size;
    uint64_t  scale, units, rest;
    unsigned  i;

    if (decimals > NGX_HTTP_PUSH_JSON_DECIMALS) {
        decimals = NGX_HTTP_PUSH_JSON_DECIMALS;
    }

    for (i = 0, scale = 1; i < decimals; i++) {
        scale *= 10;
    }

    size = (n < 0) ? -n : n;
    size = size * (double) scale + 0.5;

    /* not true for NaN either */

    if (!(size < NGX_HTTP_PUSH_JSON_EXACT)) {
        ngx_http_push_json_null(j);
        return;
    }

    if (!ngx_http_push_json_begin_value(j)) {
        return;
    }

    p = digits;
    units = (uint64_t) size;

    if (n < 0 && units) {
        *p++ = '-';
    }

    p = ngx_http_push_decimal_write(p, units / scale);

    if (decimals) {
        *p++ = '.';

        for (rest = units % scale; decimals; decimals--) {
            scale /= 10;
            *p++ = (u_char) ('0' + rest / scale % 10);
        }
    }

    ngx_http_push_json_number(j, digits, p);
}


int
ngx_http_push_json_finish(ngx_http_push_json_t *j, const u_char **p,
    size_t *len)
{
    if (!j->begun || j->depth) {
        ngx_http_push_json_fail(j, NGX_HTTP_PUSH_JSON_MISUSE);
    }

    if (j->status == NGX_HTTP_PUSH_JSON_OK) {
        *p = j->buf;
        *len = j->len;
    }

    return j->status;
}


/*
 * 1 if a value may be written now.  The order of calls is checked here, as
 * yajl takes a string for a key, or '}' for the end of an array.
 */

static int
ngx_http_push_json_begin_value(ngx_http_push_json_t *j)
{
    int  allowed;

    if (j->status != NGX_HTTP_PUSH_JSON_OK) {
        return 0;
    }

    if (j->depth == 0) {
        allowed = !j->begun;

    } else {
        allowed = (j->open[j->depth - 1] == '[' || j->keyed);
    }

    if (!allowed) {
        ngx_http_push_json_fail(j, NGX_HTTP_PUSH_JSON_MISUSE);
        return 0;
    }

    j->begun = 1;
    j->keyed = 0;

    return 1;
}


static void
ngx_http_push_json_open(ngx_http_push_json_t *j, u_char kind)
{
    if (!ngx_http_push_json_begin_value(j)) {
        return;
    }

    if (j->depth == NGX_HTTP_PUSH_JSON_DEPTH) {
        ngx_http_push_json_fail(j, NGX_HTTP_PUSH_JSON_MISUSE);
        return;
    }

    j->open[j->depth++] = kind;

    ngx_http_push_json_check(j, (kind == '{') ? yajl_gen_map_open(j->gen)
                                              : yajl_gen_array_open(j->gen));
}


static void
ngx_http_push_json_close(ngx_http_push_json_t *j, u_char kind)
{
    if (j->status != NGX_HTTP_PUSH_JSON_OK) {
        return;
    }

    if (j->depth == 0 || j->open[j->depth - 1] != kind || j->keyed) {
        ngx_http_push_json_fail(j, NGX_HTTP_PUSH_JSON_MISUSE);
        return;
    }

    j->depth--;

    ngx_http_push_json_check(j, (kind == '{') ? yajl_gen_map_close(j->gen)
                                              : yajl_gen_array_close(j->gen));
}


/* rare, and yajl wants a string in one piece, so that a copy is made */

static void
ngx_http_push_json_repair(ngx_http_push_json_t *j, const u_char *p, size_t len)
{
    u_char  *copy;

    /* each bad byte becomes the three of U+FFFD */

    copy = (len < SIZE_MAX / 3) ? malloc(len * 3) : NULL;

    if (copy == NULL) {
        ngx_http_push_json_fail(j, NGX_HTTP_PUSH_JSON_NOMEM);
        return;
    }

    len = ngx_http_push_json_replace(copy, p, len);

    ngx_http_push_json_check(j, yajl_gen_string(j->gen, copy, len));

    free(copy);
}


/*
 * A byte that cannot follow is tried again as the first of the next character,
 * which is how browsers decode, too.
 */

static size_t
ngx_http_push_json_replace(u_char *dst, const u_char *p, size_t len)
{
    size_t               i, start, n;
    uint32_t             utf8;
    static const u_char  replacement[] = { 0xef, 0xbf, 0xbd };

    utf8 = NGX_HTTP_PUSH_UTF8_START;
    start = 0;
    n = 0;
    i = 0;

    while (i < len) {

        if (ngx_http_push_utf8_validate(&utf8, p + i, 1)) {
            i++;

            if (ngx_http_push_utf8_complete(utf8)) {
                memcpy(dst + n, p + start, i - start);
                n += i - start;
                start = i;
            }

            continue;
        }

        if (i == start) {
            i++;
        }

        memcpy(dst + n, replacement, sizeof(replacement));
        n += sizeof(replacement);
        start = i;
        utf8 = NGX_HTTP_PUSH_UTF8_START;
    }

    if (start < len) {
        memcpy(dst + n, replacement, sizeof(replacement));
        n += sizeof(replacement);
    }

    return n;
}


static void
ngx_http_push_json_number(ngx_http_push_json_t *j, const u_char *p,
    const u_char *last)
{
    ngx_http_push_json_check(j, yajl_gen_number(j->gen, (const char *) p,
                                                last - p));
}


/* yajl's output; it has no way to be told of a failure */

static void
ngx_http_push_json_print(void *ctx, const char *p, size_t len)
{
    ngx_http_push_json_t *j = ctx;

    if (j->status != NGX_HTTP_PUSH_JSON_OK || len == 0) {
        return;
    }

    if (len > j->max - j->len) {
        ngx_http_push_json_fail(j, NGX_HTTP_PUSH_JSON_LIMIT);
        return;
    }

    if (len > j->size - j->len && !ngx_http_push_json_grow(j, j->len + len)) {
        return;
    }

    memcpy(j->buf + j->len, p, len);
    j->len += len;
}


/* need is at most max */

static int
ngx_http_push_json_grow(ngx_http_push_json_t *j, size_t need)
{
    u_char  *buf;
    size_t   size;

    size = j->size ? j->size : NGX_HTTP_PUSH_JSON_FIRST;

    while (size < need) {
        size = (size > j->max / 2) ? j->max : size * 2;
    }

    if (size > j->max) {
        size = j->max;
    }

    buf = realloc(j->buf, size);
    if (buf == NULL) {
        ngx_http_push_json_fail(j, NGX_HTTP_PUSH_JSON_NOMEM);
        return 0;
    }

    j->buf = buf;
    j->size = size;

    return 1;
}


/* the first failure is the one that is told */

static void
ngx_http_push_json_fail(ngx_http_push_json_t *j, int status)
{
    if (j->status == NGX_HTTP_PUSH_JSON_OK) {
        j->status = status;
    }
}


static void
ngx_http_push_json_check(ngx_http_push_json_t *j, yajl_gen_status rc)
{
    if (rc != yajl_gen_status_ok) {
        ngx_http_push_json_fail(j, NGX_HTTP_PUSH_JSON_MISUSE);
    }
}
