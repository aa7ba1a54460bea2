
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Any bytes as a name and as a pattern: the matcher against a table of all
 * places that it could have reached, the grammar against a plain decoder.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ngx_http_push_name.h"


#define MAX  600


static void
expect(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "broken: %s\n", what);
        abort();
    }
}


/* places of the name at which the pieces so far may end */

static int
reference_match(const ngx_http_push_name_piece_t *pieces, size_t n,
    const u_char *name, size_t len)
{
    int     here[MAX + 1], next[MAX + 1];
    size_t  i, k;

    memset(here, 0, sizeof(here));
    here[0] = 1;

    for (i = 0; i < n; i++) {
        memset(next, 0, sizeof(next));

        if (pieces[i].kind == NGX_HTTP_PUSH_NAME_LITERAL) {

            if (pieces[i].len == 0) {
                return 0;
            }

            for (k = 0; k + pieces[i].len <= len; k++) {
                if (here[k]
                    && memcmp(name + k, pieces[i].p, pieces[i].len) == 0)
                {
                    next[k + pieces[i].len] = 1;
                }
            }

        } else {
            for (k = 0; k <= len; k++) {
                next[k] = here[k]
                          || (k && next[k - 1]
                              && (name[k - 1] != ':' || pieces[i].kind
                                  == NGX_HTTP_PUSH_NAME_STARSTAR));
            }
        }

        memcpy(here, next, sizeof(here));
    }

    return here[len];
}


static void
check_match(const u_char *pattern, size_t plen, const u_char *name, size_t len)
{
    size_t                      i, n, total;
    ngx_http_push_name_piece_t  pieces[NGX_HTTP_PUSH_NAME_MAX_PIECES];

    if (ngx_http_push_name_compile(pattern, plen, pieces,
                                   NGX_HTTP_PUSH_NAME_MAX_PIECES, &n)
        != NGX_HTTP_PUSH_NAME_OK)
    {
        expect(!ngx_http_push_name_match(pattern, plen, name, len),
               "too many pieces match nothing");
        return;
    }

    for (i = 0, total = 0; i < n; i++) {
        expect(pieces[i].p == pattern + total && pieces[i].len, "a piece");
        total += pieces[i].len;

        expect(i == 0 || (pieces[i].kind == NGX_HTTP_PUSH_NAME_LITERAL)
               != (pieces[i - 1].kind == NGX_HTTP_PUSH_NAME_LITERAL),
               "a literal beside a literal");
    }

    expect(total == plen, "the pieces are the pattern");

    expect(ngx_http_push_name_match_pieces(pieces, n, name, len)
           == reference_match(pieces, n, name, len), "the match");
    expect(ngx_http_push_name_match(pattern, plen, name, len)
           == ngx_http_push_name_match_pieces(pieces, n, name, len),
           "text and pieces");
}


/* pieces in an order that no text has, empty ones among them */

static void
check_pieces(const u_char *p, size_t plen, const u_char *name, size_t len)
{
    size_t                      i, n;
    ngx_http_push_name_piece_t  pieces[NGX_HTTP_PUSH_NAME_MAX_PIECES];

    for (i = 0, n = 0; i < plen && n < NGX_HTTP_PUSH_NAME_MAX_PIECES; n++) {
        pieces[n].kind = p[i] % 3;
        pieces[n].len = p[i] / 3 % 4;
        i++;

        if (pieces[n].len > plen - i) {
            pieces[n].len = plen - i;
        }

        pieces[n].p = p + i;

        if (pieces[n].kind == NGX_HTTP_PUSH_NAME_LITERAL) {
            i += pieces[n].len;
        }
    }

    expect(ngx_http_push_name_match_pieces(pieces, n, name, len)
           == reference_match(pieces, n, name, len), "the match of pieces");
}


/* by decoding: -1 is not UTF-8, else the number of characters not allowed */

static int
reference_check(const u_char *p, size_t len)
{
    int       bad;
    size_t    i, n;
    uint32_t  code;

    for (bad = 0; len; p += n, len -= n) {
        n = p[0] < 0x80 ? 1 : p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2
            : p[0] < 0xf0 ? 3 : p[0] < 0xf8 ? 4 : 0;

        if (n == 0 || n > len) {
            return -1;
        }

        code = n == 1 ? p[0] : p[0] & (0xff >> (n + 1));

        for (i = 1; i < n; i++) {
            if (p[i] >> 6 != 2) {
                return -1;
            }

            code = code << 6 | (p[i] & 0x3f);
        }

        if ((n == 2 && code < 0x80) || (n == 3 && code < 0x800)
            || (n == 4 && code < 0x10000) || code > 0x10ffff
            || (code >= 0xd800 && code < 0xe000))
        {
            return -1;
        }

        bad += code <= ' ' || (code >= 0x7f && code < 0xa0) || code == ','
               || code == '{' || code == '}';
    }

    return bad;
}


static void
check_name(const u_char *p, size_t len)
{
    int  rc, expected;

    rc = ngx_http_push_name_check(p, len);
    expected = reference_check(p, len);

    if (len == 0) {
        expect(rc == NGX_HTTP_PUSH_NAME_EMPTY, "empty");

    } else if (len > NGX_HTTP_PUSH_NAME_MAX) {
        expect(rc == NGX_HTTP_PUSH_NAME_LONG, "long");

    } else if (expected < 0) {
        expect(rc == NGX_HTTP_PUSH_NAME_UTF8, "UTF-8");

    } else if (expected) {
        expect(rc == NGX_HTTP_PUSH_NAME_CHARACTER, "character");

    } else {
        expect(rc == NGX_HTTP_PUSH_NAME_OK, "good");
    }

    expect(ngx_http_push_name_reason(rc) != NULL, "reason");

    rc = ngx_http_push_name_reserved(p, len, p, len < 4 ? len : 4);
    expect(len == 0 || rc == NGX_HTTP_PUSH_NAME_INTERNAL, "own beginning");

    rc = ngx_http_push_name_reserved(p, len, NULL, 0);
    expect(rc == (len >= 2 && memcmp(p, "__", 2) == 0
                  ? NGX_HTTP_PUSH_NAME_INTERNAL
                  : len && memchr("@#!", p[0], 3) != NULL
                  ? NGX_HTTP_PUSH_NAME_PRIVATE : NGX_HTTP_PUSH_NAME_NONE),
           "reserved beginnings");
}


/* any bytes survive being escaped; any text is decoded or refused */

static void
check_unescape(const u_char *p, size_t len)
{
    size_t   i, n;
    u_char  *escaped, *out;

    escaped = malloc(3 * len + 1);
    out = malloc(3 * len + 1);

    for (i = 0; i < len; i++) {
        snprintf((char *) escaped + 3 * i, 4, i % 2 ? "%%%02x" : "%%%02X",
                 p[i]);
    }

    expect(ngx_http_push_name_unescape(escaped, escaped, 3 * len, &n)
           == NGX_HTTP_PUSH_NAME_OK && n == len
           && (len == 0 || memcmp(escaped, p, len) == 0), "unescape");

    if (ngx_http_push_name_unescape(out, p, len, &n)
        == NGX_HTTP_PUSH_NAME_OK)
    {
        expect(n <= len && (len - n) % 2 == 0, "length");

        for (i = 0, n = 0; i < len; i++) {
            n += p[i] == '%';
        }

        expect(n == 0 || len >= 3 * n, "each % takes three");

    } else {
        expect(memchr(p, '%', len) != NULL, "nothing to refuse");
    }

    free(out);
    free(escaped);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         cut, i;
    u_char        *pattern, *name;
    static u_char  few[MAX];

    if (size < 1 || size > MAX) {
        return 0;
    }

    cut = data[0] % size;
    data++;
    size--;

    pattern = malloc(cut + 1);
    name = malloc(size - cut + 1);
    memcpy(pattern, data, cut);
    memcpy(name, data + cut, size - cut);

    check_name(data, size);
    check_unescape(data, size);
    check_pieces(pattern, cut, name, size - cut);
    check_match(pattern, cut, name, size - cut);

    /* the same with few different bytes, so that much of it matches */

    for (i = 0; i < cut; i++) {
        few[i] = (u_char) "*a:*b"[data[i] % 5];
    }

    for ( /* void */ ; i < size; i++) {
        few[i] = (u_char) "ab:a"[data[i] % 4];
    }

    check_match(few, cut, few + cut, size - cut);

    free(name);
    free(pattern);

    return 0;
}
