
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: the grammar of channel names and of the patterns that match
 * them; owns nothing.
 */


#include <string.h>

#include "ngx_http_push_name.h"
#include "ngx_http_push_utf8.h"


/*
 * A place to come back to: the first piece after a star, and where in the name
 * that piece is tried next.
 */
typedef struct {
    size_t  piece;
    size_t  pos;
    int     set;
} ngx_http_push_name_mark_t;


static int ngx_http_push_name_refuse_character(const u_char *p, size_t len);
static int ngx_http_push_name_hex(u_char c);
static size_t ngx_http_push_name_run(const u_char *p, const u_char *last,
    ngx_http_push_name_piece_t *piece);
static int ngx_http_push_name_try_literal(
    const ngx_http_push_name_piece_t *piece, const u_char *name, size_t len,
    size_t *pos);
static int ngx_http_push_name_retry(ngx_http_push_name_mark_t *star,
    ngx_http_push_name_mark_t *any, const u_char *name, size_t len,
    size_t *piece, size_t *pos);


int
ngx_http_push_name_check(const u_char *p, size_t len)
{
    uint32_t  utf8;

    if (len == 0) {
        return NGX_HTTP_PUSH_NAME_EMPTY;
    }

    if (len > NGX_HTTP_PUSH_NAME_MAX) {
        return NGX_HTTP_PUSH_NAME_LONG;
    }

    utf8 = NGX_HTTP_PUSH_UTF8_START;

    if (!ngx_http_push_utf8_validate(&utf8, p, len)
        || !ngx_http_push_utf8_complete(utf8))
    {
        return NGX_HTTP_PUSH_NAME_UTF8;
    }

    if (ngx_http_push_name_refuse_character(p, len)) {
        return NGX_HTTP_PUSH_NAME_CHARACTER;
    }

    return NGX_HTTP_PUSH_NAME_OK;
}


/* p is valid UTF-8, so that 0xc2 has a second byte */

static int
ngx_http_push_name_refuse_character(const u_char *p, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {

        if (p[i] <= ' ' || p[i] == 0x7f) {
            return 1;
        }

        if (p[i] == ',' || p[i] == '{' || p[i] == '}') {
            return 1;
        }

        if (p[i] == 0xc2 && p[i + 1] < 0xa0) {
            /* U+0080 to U+009F */
            return 1;
        }
    }

    return 0;
}


const char *
ngx_http_push_name_reason(int code)
{
    switch (code) {

    case NGX_HTTP_PUSH_NAME_OK:
        return "valid";

    case NGX_HTTP_PUSH_NAME_EMPTY:
        return "empty";

    case NGX_HTTP_PUSH_NAME_LONG:
        return "longer than 255 bytes";

    case NGX_HTTP_PUSH_NAME_CHARACTER:
        return "control character, space, comma or brace";

    case NGX_HTTP_PUSH_NAME_UTF8:
        return "not UTF-8";

    case NGX_HTTP_PUSH_NAME_ESCAPE:
        return "\"%\" without two hexadecimal digits";

    case NGX_HTTP_PUSH_NAME_PIECES:
        return "too many pieces";

    default:
        return "invalid";
    }
}


int
ngx_http_push_name_reserved(const u_char *p, size_t len, const u_char *keys,
    size_t keys_len)
{
    if (len >= 2 && p[0] == '_' && p[1] == '_') {
        return NGX_HTTP_PUSH_NAME_INTERNAL;
    }

    if (keys_len && len >= keys_len && memcmp(p, keys, keys_len) == 0) {
        return NGX_HTTP_PUSH_NAME_INTERNAL;
    }

    if (len && (p[0] == '@' || p[0] == '#' || p[0] == '!')) {
        return NGX_HTTP_PUSH_NAME_PRIVATE;
    }

    return NGX_HTTP_PUSH_NAME_NONE;
}


int
ngx_http_push_name_unescape(u_char *dst, const u_char *src, size_t len,
    size_t *out)
{
    int     high, low;
    size_t  i, n;

    n = 0;

    for (i = 0; i < len; i++) {

        if (src[i] != '%') {
            dst[n++] = src[i];
            continue;
        }

        if (len - i < 3) {
            return NGX_HTTP_PUSH_NAME_ESCAPE;
        }

        high = ngx_http_push_name_hex(src[i + 1]);
        low = ngx_http_push_name_hex(src[i + 2]);

        if (high < 0 || low < 0) {
            return NGX_HTTP_PUSH_NAME_ESCAPE;
        }

        dst[n++] = (u_char) (high << 4 | low);
        i += 2;
    }

    *out = n;

    return NGX_HTTP_PUSH_NAME_OK;
}


static int
ngx_http_push_name_hex(u_char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }

    return -1;
}


int
ngx_http_push_name_compile(const u_char *text, size_t len,
    ngx_http_push_name_piece_t *pieces, size_t max, size_t *n)
{
    size_t                       i, count;
    ngx_http_push_name_piece_t  *piece;

    count = 0;
    i = 0;

    while (i < len) {

        if (count == max) {
            return NGX_HTTP_PUSH_NAME_PIECES;
        }

        piece = &pieces[count++];
        piece->p = text + i;
        piece->len = ngx_http_push_name_run(text + i, text + len, piece);

        i += piece->len;
    }

    *n = count;

    return NGX_HTTP_PUSH_NAME_OK;
}


/* the length of what begins at p, all stars or no star; sets the kind */

static size_t
ngx_http_push_name_run(const u_char *p, const u_char *last,
    ngx_http_push_name_piece_t *piece)
{
    size_t  n;
    u_char  star;

    star = (*p == '*');

    for (n = 1; p + n < last && (p[n] == '*') == star; n++) {
        /* void */
    }

    if (!star) {
        piece->kind = NGX_HTTP_PUSH_NAME_LITERAL;

    } else {
        piece->kind = (n == 1) ? NGX_HTTP_PUSH_NAME_STAR
                               : NGX_HTTP_PUSH_NAME_STARSTAR;
    }

    return n;
}


/*
 * Two marks are enough, one for the last "*" and one for the last "**".  What
 * stands before a mark took the earliest end that it could, and anything later
 * would leave less of the name to what follows: a later place that "*" could
 * have reached is reached from the earlier one, too, as there is no ':'
 * between.  So nothing before a mark is ever tried again.  Under one place of
 * the "**" mark the place of "*" only grows, which bounds all by the square of
 * the name's length.
 */

int
ngx_http_push_name_match_pieces(const ngx_http_push_name_piece_t *pieces,
    size_t n, const u_char *name, size_t len)
{
    size_t                     i, pos;
    ngx_http_push_name_mark_t  star, any, *mark;

    for (i = 0; i < n; i++) {
        if (pieces[i].kind == NGX_HTTP_PUSH_NAME_LITERAL
            && pieces[i].len == 0)
        {
            return 0;
        }
    }

    star.set = 0;
    any.set = 0;
    i = 0;
    pos = 0;

    while (i < n || pos < len) {

        if (i < n && pieces[i].kind != NGX_HTTP_PUSH_NAME_LITERAL) {

            if (pieces[i].kind == NGX_HTTP_PUSH_NAME_STARSTAR) {
                mark = &any;
                star.set = 0;

            } else {
                mark = &star;
            }

            i++;
            mark->set = 1;
            mark->piece = i;
            mark->pos = pos;

            continue;
        }

        if (i < n
            && ngx_http_push_name_try_literal(&pieces[i], name, len, &pos))
        {
            i++;
            continue;
        }

        if (!ngx_http_push_name_retry(&star, &any, name, len, &i, &pos)) {
            return 0;
        }
    }

    return 1;
}


static int
ngx_http_push_name_try_literal(const ngx_http_push_name_piece_t *piece,
    const u_char *name, size_t len, size_t *pos)
{
    if (len - *pos < piece->len
        || memcmp(name + *pos, piece->p, piece->len) != 0)
    {
        return 0;
    }

    *pos += piece->len;

    return 1;
}


/* lets the last star that can take one byte more do so */

static int
ngx_http_push_name_retry(ngx_http_push_name_mark_t *star,
    ngx_http_push_name_mark_t *any, const u_char *name, size_t len,
    size_t *piece, size_t *pos)
{
    ngx_http_push_name_mark_t  *mark;

    if (star->set && star->pos < len && name[star->pos] != ':') {
        mark = star;

    } else if (any->set && any->pos < len) {
        mark = any;
        star->set = 0;

    } else {
        return 0;
    }

    mark->pos++;

    *piece = mark->piece;
    *pos = mark->pos;

    return 1;
}


int
ngx_http_push_name_match(const u_char *pattern, size_t plen,
    const u_char *name, size_t nlen)
{
    size_t                      n;
    ngx_http_push_name_piece_t  pieces[NGX_HTTP_PUSH_NAME_MAX_PIECES];

    if (ngx_http_push_name_compile(pattern, plen, pieces,
                                   NGX_HTTP_PUSH_NAME_MAX_PIECES, &n)
        != NGX_HTTP_PUSH_NAME_OK)
    {
        return 0;
    }

    return ngx_http_push_name_match_pieces(pieces, n, name, nlen);
}
