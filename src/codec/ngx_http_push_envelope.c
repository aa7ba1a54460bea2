
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: the envelope that a message has on both buses and in the
 * history; owns nothing, an envelope points into the caller's memory.
 */


#include <string.h>

#include "ngx_http_push_decimal.h"
#include "ngx_http_push_envelope.h"
#include "ngx_http_push_name.h"
#include "ngx_http_push_utf8.h"


/* the header of an input, a word of it at a time */
typedef struct {
    const u_char  *pos;
    const u_char  *last;
    u_char        *scratch;     /* the free part of it */
    uint32_t       seen;        /* keys, a bit for each letter */
} ngx_http_push_envelope_reader_t;


static const u_char ngx_http_push_envelope_magic[] = { 0xff, 'P', '1' };


static int ngx_http_push_envelope_read_header(
    ngx_http_push_envelope_reader_t *rd, ngx_http_push_envelope_t *env);
static int ngx_http_push_envelope_read_word(
    ngx_http_push_envelope_reader_t *rd, ngx_http_push_envelope_str_t *word);
static int ngx_http_push_envelope_read_pair(
    ngx_http_push_envelope_reader_t *rd,
    const ngx_http_push_envelope_str_t *word, ngx_http_push_envelope_t *env);
static int ngx_http_push_envelope_read_flags(
    const ngx_http_push_envelope_str_t *value, ngx_http_push_envelope_t *env);
static int ngx_http_push_envelope_read_text(
    ngx_http_push_envelope_reader_t *rd,
    const ngx_http_push_envelope_str_t *value,
    ngx_http_push_envelope_str_t *text);
static int ngx_http_push_envelope_valid(const ngx_http_push_envelope_t *env);
static int ngx_http_push_envelope_position_valid(
    const ngx_http_push_envelope_t *env);
static int ngx_http_push_envelope_optional_valid(
    const ngx_http_push_envelope_str_t *text);
static int ngx_http_push_envelope_kind_valid(u_char kind);
static size_t ngx_http_push_envelope_text_size(
    const ngx_http_push_envelope_str_t *text);
static u_char *ngx_http_push_envelope_write_text(u_char *dst, u_char key,
    const ngx_http_push_envelope_str_t *text);
static int ngx_http_push_envelope_is_safe(u_char c);


int
ngx_http_push_envelope_parse(const u_char *p, size_t len,
    ngx_http_push_envelope_t *env)
{
    size_t                           bound;
    u_char                          *scratch;
    const u_char                    *lf;
    ngx_http_push_envelope_reader_t  rd;

    scratch = env->scratch;

    memset(env, 0, sizeof(ngx_http_push_envelope_t));

    env->scratch = scratch;
    env->kind = NGX_HTTP_PUSH_ENVELOPE_KIND_MESSAGE;

    if (len < sizeof(ngx_http_push_envelope_magic)
        || memcmp(p, ngx_http_push_envelope_magic,
                  sizeof(ngx_http_push_envelope_magic))
           != 0)
    {
        env->body.data = p;
        env->body.len = len;

        return NGX_HTTP_PUSH_ENVELOPE_PLAIN;
    }

    bound = len;

    if (bound > NGX_HTTP_PUSH_ENVELOPE_HEADER_MAX) {
        bound = NGX_HTTP_PUSH_ENVELOPE_HEADER_MAX;
    }

    lf = memchr(p, '\n', bound);

    if (lf == NULL) {
        return NGX_HTTP_PUSH_ENVELOPE_BAD;
    }

    rd.pos = p + sizeof(ngx_http_push_envelope_magic);
    rd.last = lf;
    rd.scratch = scratch;
    rd.seen = 0;

    if (!ngx_http_push_envelope_read_header(&rd, env)) {
        return NGX_HTTP_PUSH_ENVELOPE_BAD;
    }

    env->body.data = lf + 1;
    env->body.len = p + len - env->body.data;

    return NGX_HTTP_PUSH_ENVELOPE_MESSAGE;
}


static int
ngx_http_push_envelope_read_header(ngx_http_push_envelope_reader_t *rd,
    ngx_http_push_envelope_t *env)
{
    ngx_http_push_envelope_str_t  word;

    if (!ngx_http_push_envelope_read_word(rd, &word) || word.len != 1) {
        return 0;
    }

    env->kind = word.data[0];

    if (!ngx_http_push_envelope_read_word(rd, &env->epoch)) {
        return 0;
    }

    if (env->epoch.len == 1 && env->epoch.data[0] == '-') {
        env->epoch.data = NULL;
        env->epoch.len = 0;
    }

    if (!ngx_http_push_envelope_read_word(rd, &word)
        || !ngx_http_push_decimal_read(word.data, word.len, &env->offset))
    {
        return 0;
    }

    if (!ngx_http_push_envelope_read_word(rd, &word)
        || !ngx_http_push_decimal_read(word.data, word.len, &env->time))
    {
        return 0;
    }

    while (rd->pos <= rd->last) {
        if (!ngx_http_push_envelope_read_word(rd, &word)
            || !ngx_http_push_envelope_read_pair(rd, &word, env))
        {
            return 0;
        }
    }

    return ngx_http_push_envelope_kind_valid(env->kind)
           && ngx_http_push_envelope_position_valid(env);
}


/*
 * A word ends with one space or the header's end and has at least one byte,
 * all of them visible ASCII.  The end counts as a space: pos is then behind
 * last.
 */

static int
ngx_http_push_envelope_read_word(ngx_http_push_envelope_reader_t *rd,
    ngx_http_push_envelope_str_t *word)
{
    const u_char  *p;

    for (p = rd->pos; p < rd->last && *p != ' '; p++) {
        if (*p < ' ' || *p >= 0x7f) {
            return 0;
        }
    }

    if (p <= rd->pos) {
        return 0;
    }

    word->data = rd->pos;
    word->len = p - rd->pos;
    rd->pos = p + 1;

    return 1;
}


static int
ngx_http_push_envelope_read_pair(ngx_http_push_envelope_reader_t *rd,
    const ngx_http_push_envelope_str_t *word, ngx_http_push_envelope_t *env)
{
    u_char                        key;
    uint32_t                      bit;
    const u_char                 *equals;
    ngx_http_push_envelope_str_t  value;

    equals = memchr(word->data, '=', word->len);

    if (equals == NULL || equals == word->data) {
        return 0;
    }

    key = word->data[0];

    if (equals - word->data != 1 || key < 'a' || key > 'z') {
        /* a key of a later version */
        return 1;
    }

    value.data = equals + 1;
    value.len = word->data + word->len - value.data;

    bit = (uint32_t) 1 << (key - 'a');

    if (rd->seen & bit) {
        /* of two values neither is right */
        return 0;
    }

    rd->seen |= bit;

    switch (key) {

    case 'n':
        return ngx_http_push_envelope_read_text(rd, &value, &env->event);

    case 'y':
        return ngx_http_push_envelope_read_text(rd, &value, &env->type);

    case 'i':
        return ngx_http_push_envelope_read_text(rd, &value, &env->id);

    case 'r':
        return ngx_http_push_envelope_read_text(rd, &value, &env->receipt);

    case 'x':
        return ngx_http_push_envelope_read_text(rd, &value, &env->except);

    case 't':
        return ngx_http_push_decimal_read(value.data, value.len, &env->ttl)
               && env->ttl != 0;

    case 'f':
        return ngx_http_push_envelope_read_flags(&value, env);

    default:
        return 1;
    }
}


static int
ngx_http_push_envelope_read_flags(const ngx_http_push_envelope_str_t *value,
    ngx_http_push_envelope_t *env)
{
    if (value->len == 0) {
        return 0;
    }

    env->is_binary = memchr(value->data, 'b', value->len) != NULL;
    env->is_volatile = memchr(value->data, 'v', value->len) != NULL;

    return 1;
}


/*
 * Decodes only where there is something to decode.  The scratch buffer cannot
 * overflow, as what it takes is never longer than the header that it is from.
 */

static int
ngx_http_push_envelope_read_text(ngx_http_push_envelope_reader_t *rd,
    const ngx_http_push_envelope_str_t *value,
    ngx_http_push_envelope_str_t *text)
{
    *text = *value;

    if (value->len && memchr(value->data, '%', value->len) != NULL) {

        if (ngx_http_push_name_unescape(rd->scratch, value->data, value->len,
                                        &text->len)
            != NGX_HTTP_PUSH_NAME_OK)
        {
            return 0;
        }

        text->data = rd->scratch;
        rd->scratch += text->len;
    }

    return ngx_http_push_envelope_text_valid(text->data, text->len);
}


size_t
ngx_http_push_envelope_header_size(const ngx_http_push_envelope_t *env)
{
    size_t  size;

    if (!ngx_http_push_envelope_valid(env)) {
        return 0;
    }

    /* kind, three spaces, LF */

    size = sizeof(ngx_http_push_envelope_magic) + 1 + 3 + 1;

    size += env->epoch.len ? env->epoch.len : 1;
    size += ngx_http_push_decimal_size(env->offset);
    size += ngx_http_push_decimal_size(env->time);

    size += ngx_http_push_envelope_text_size(&env->event);
    size += ngx_http_push_envelope_text_size(&env->type);
    size += ngx_http_push_envelope_text_size(&env->id);
    size += ngx_http_push_envelope_text_size(&env->receipt);
    size += ngx_http_push_envelope_text_size(&env->except);

    if (env->ttl) {
        size += sizeof(" t=") - 1
                + ngx_http_push_decimal_size(env->ttl);
    }

    if (env->is_binary || env->is_volatile) {
        size += sizeof(" f=") - 1 + env->is_binary + env->is_volatile;
    }

    return size;
}


size_t
ngx_http_push_envelope_size(const ngx_http_push_envelope_t *env)
{
    size_t  size;

    size = ngx_http_push_envelope_header_size(env);

    return size ? size + env->body.len : 0;
}


u_char *
ngx_http_push_envelope_write_header(u_char *dst,
    const ngx_http_push_envelope_t *env)
{
    memcpy(dst, ngx_http_push_envelope_magic,
           sizeof(ngx_http_push_envelope_magic));
    dst += sizeof(ngx_http_push_envelope_magic);

    *dst++ = env->kind;
    *dst++ = ' ';

    if (env->epoch.len) {
        memcpy(dst, env->epoch.data, env->epoch.len);
        dst += env->epoch.len;

    } else {
        *dst++ = '-';
    }

    *dst++ = ' ';
    dst = ngx_http_push_decimal_write(dst, env->offset);
    *dst++ = ' ';
    dst = ngx_http_push_decimal_write(dst, env->time);

    dst = ngx_http_push_envelope_write_text(dst, 'n', &env->event);
    dst = ngx_http_push_envelope_write_text(dst, 'y', &env->type);

    if (env->ttl) {
        *dst++ = ' ';
        *dst++ = 't';
        *dst++ = '=';
        dst = ngx_http_push_decimal_write(dst, env->ttl);
    }

    dst = ngx_http_push_envelope_write_text(dst, 'i', &env->id);
    dst = ngx_http_push_envelope_write_text(dst, 'r', &env->receipt);
    dst = ngx_http_push_envelope_write_text(dst, 'x', &env->except);

    if (env->is_binary || env->is_volatile) {
        *dst++ = ' ';
        *dst++ = 'f';
        *dst++ = '=';

        if (env->is_binary) {
            *dst++ = 'b';
        }

        if (env->is_volatile) {
            *dst++ = 'v';
        }
    }

    *dst++ = '\n';

    return dst;
}


u_char *
ngx_http_push_envelope_write(u_char *dst, const ngx_http_push_envelope_t *env)
{
    dst = ngx_http_push_envelope_write_header(dst, env);

    if (env->body.len) {
        memcpy(dst, env->body.data, env->body.len);
        dst += env->body.len;
    }

    return dst;
}


int
ngx_http_push_envelope_text_valid(const u_char *p, size_t len)
{
    size_t    i;
    uint32_t  utf8;

    if (len == 0 || len > NGX_HTTP_PUSH_ENVELOPE_TEXT_MAX) {
        return 0;
    }

    utf8 = NGX_HTTP_PUSH_UTF8_START;

    if (!ngx_http_push_utf8_validate(&utf8, p, len)
        || !ngx_http_push_utf8_complete(utf8))
    {
        return 0;
    }

    for (i = 0; i < len; i++) {

        if (p[i] < ' ' || p[i] == 0x7f) {
            return 0;
        }

        if (p[i] == 0xc2 && p[i + 1] < 0xa0) {
            /* U+0080 to U+009F */
            return 0;
        }
    }

    return 1;
}


/* what is written is always understood by parse */

static int
ngx_http_push_envelope_valid(const ngx_http_push_envelope_t *env)
{
    return ngx_http_push_envelope_kind_valid(env->kind)
           && ngx_http_push_envelope_position_valid(env)
           && ngx_http_push_envelope_optional_valid(&env->event)
           && ngx_http_push_envelope_optional_valid(&env->type)
           && ngx_http_push_envelope_optional_valid(&env->id)
           && ngx_http_push_envelope_optional_valid(&env->receipt)
           && ngx_http_push_envelope_optional_valid(&env->except);
}


/*
 * An epoch is letters and digits: a cursor puts ':' behind it, and '-' alone
 * is none.
 */

static int
ngx_http_push_envelope_position_valid(const ngx_http_push_envelope_t *env)
{
    u_char  c;
    size_t  i;

    if (env->epoch.len > NGX_HTTP_PUSH_ENVELOPE_EPOCH_MAX) {
        return 0;
    }

    for (i = 0; i < env->epoch.len; i++) {
        c = env->epoch.data[i];

        if (!(c >= '0' && c <= '9')
            && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
        {
            return 0;
        }
    }

    if (env->kind == NGX_HTTP_PUSH_ENVELOPE_KIND_MESSAGE) {
        return (env->epoch.len != 0) == (env->offset != 0);
    }

    return 1;
}


static int
ngx_http_push_envelope_optional_valid(const ngx_http_push_envelope_str_t *text)
{
    return text->len == 0
           || ngx_http_push_envelope_text_valid(text->data, text->len);
}


static int
ngx_http_push_envelope_kind_valid(u_char kind)
{
    return kind == NGX_HTTP_PUSH_ENVELOPE_KIND_MESSAGE
           || kind == NGX_HTTP_PUSH_ENVELOPE_KIND_CONTROL
           || kind == NGX_HTTP_PUSH_ENVELOPE_KIND_ACK
           || kind == NGX_HTTP_PUSH_ENVELOPE_KIND_PROBE;
}


/* a space, the key, '=' and the value, or nothing where there is none */

static size_t
ngx_http_push_envelope_text_size(const ngx_http_push_envelope_str_t *text)
{
    size_t  i, size;

    if (text->len == 0) {
        return 0;
    }

    size = 3;

    for (i = 0; i < text->len; i++) {
        size += ngx_http_push_envelope_is_safe(text->data[i]) ? 1 : 3;
    }

    return size;
}


static u_char *
ngx_http_push_envelope_write_text(u_char *dst, u_char key,
    const ngx_http_push_envelope_str_t *text)
{
    u_char               c;
    size_t               i;
    static const u_char  hex[] = "0123456789ABCDEF";

    if (text->len == 0) {
        return dst;
    }

    *dst++ = ' ';
    *dst++ = key;
    *dst++ = '=';

    for (i = 0; i < text->len; i++) {
        c = text->data[i];

        if (ngx_http_push_envelope_is_safe(c)) {
            *dst++ = c;
            continue;
        }

        *dst++ = '%';
        *dst++ = hex[c >> 4];
        *dst++ = hex[c & 0xf];
    }

    return dst;
}


/* visible ASCII without what has a meaning in a header or needs quoting */

static int
ngx_http_push_envelope_is_safe(u_char c)
{
    return c > ' ' && c < 0x7f
           && c != '%' && c != '=' && c != '"' && c != '\\';
}
