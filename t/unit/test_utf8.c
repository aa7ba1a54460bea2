
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * UTF-8 checked piece by piece: against every code point, against a plain
 * decoder on all short sequences, and against the classic malformed ones.
 */


#include "ngx_http_push_utf8.h"
#include "tap.h"


/* length of the encoded code point, in the number of bytes that is asked for */

static size_t
encode(u_char *p, uint32_t code, size_t len)
{
    size_t               i;
    static const u_char  lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

    if (len == 1) {
        p[0] = (u_char) code;
        return 1;
    }

    for (i = len - 1; i > 0; i--) {
        p[i] = 0x80 | (code & 0x3f);
        code >>= 6;
    }

    p[0] = (u_char) (lead[len] | code);

    return len;
}


static size_t
shortest(uint32_t code)
{
    return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}


/* 1 valid and complete, 0 not */

static int
whole(const u_char *p, size_t len)
{
    uint32_t  state;

    state = NGX_HTTP_PUSH_UTF8_START;

    return ngx_http_push_utf8_validate(&state, p, len)
           && ngx_http_push_utf8_complete(state);
}


/* index of the first byte that is refused, len if none is */

static size_t
refused_at(const u_char *p, size_t len)
{
    size_t    i;
    uint32_t  state;

    state = NGX_HTTP_PUSH_UTF8_START;

    for (i = 0; i < len; i++) {
        if (!ngx_http_push_utf8_validate(&state, p + i, 1)) {
            break;
        }
    }

    return i;
}


/* by arithmetic, not by tables or bounds: decode, then look at the result */

static int
reference(const u_char *p, size_t len)
{
    size_t    n, i;
    uint32_t  code;

    while (len) {
        n = p[0] < 0x80 ? 1
            : (p[0] & 0xe0) == 0xc0 ? 2
            : (p[0] & 0xf0) == 0xe0 ? 3
            : (p[0] & 0xf8) == 0xf0 ? 4 : 0;

        if (n == 0 || n > len) {
            return 0;
        }

        code = n == 1 ? p[0] : p[0] & (0xff >> (n + 1));

        for (i = 1; i < n; i++) {
            if ((p[i] & 0xc0) != 0x80) {
                return 0;
            }

            code = code << 6 | (p[i] & 0x3f);
        }

        if (shortest(code) != n || code > 0x10ffff
            || (code >= 0xd800 && code <= 0xdfff))
        {
            return 0;
        }

        p += n;
        len -= n;
    }

    return 1;
}


/* whether some continuation makes the sequence valid, by the reference */

static int
completable(const u_char *p, size_t len)
{
    u_char               text[8];
    size_t               a, b, c;
    static const u_char  next[] = { 0x80, 0x90, 0xa0, 0xbf };

    memcpy(text, p, len);

    if (reference(text, len)) {
        return 1;
    }

    for (a = 0; a < sizeof(next); a++) {
        text[len] = next[a];

        if (reference(text, len + 1)) {
            return 1;
        }

        for (b = 0; b < sizeof(next); b++) {
            text[len + 1] = next[b];

            if (reference(text, len + 2)) {
                return 1;
            }

            for (c = 0; c < sizeof(next); c++) {
                text[len + 2] = next[c];

                if (reference(text, len + 3)) {
                    return 1;
                }
            }
        }
    }

    return 0;
}


static void
test_code_points(void)
{
    u_char    p[4];
    size_t    len;
    uint32_t  code, bad, early, over;

    bad = 0;
    early = 0;

    for (code = 0; code <= 0x10ffff; code++) {

        if (code >= 0xd800 && code <= 0xdfff) {
            continue;
        }

        len = encode(p, code, shortest(code));

        if (!whole(p, len) || refused_at(p, len) != len) {
            bad++;
        }

        if (len > 1 && whole(p, len - 1)) {
            early++;
        }
    }

    tap_is(bad, 0, "every code point is valid, whole and byte by byte");
    tap_is(early, 0, "no code point is complete without its last byte");

    bad = 0;

    for (code = 0xd800; code <= 0xdfff; code++) {
        len = encode(p, code, 3);
        bad += whole(p, len) || refused_at(p, len) != 1;
    }

    tap_is(bad, 0, "every surrogate is refused at its second byte");

    bad = 0;

    for (code = 0x110000; code <= 0x1fffff; code++) {
        len = encode(p, code, 4);
        bad += whole(p, len) || refused_at(p, len) != (p[0] > 0xf4 ? 0 : 1);
    }

    tap_is(bad, 0, "every value above U+10FFFF is refused at once");

    over = 0;

    for (code = 0; code < 0x10000; code++) {
        for (len = shortest(code) + 1; len <= 4; len++) {
            encode(p, code, len);
            over += whole(p, len) || refused_at(p, len) > 1;
        }
    }

    tap_is(over, 0, "every overlong form is refused by its second byte");
}


static void
test_reference(void)
{
    u_char               p[4];
    size_t               c, d;
    unsigned             a, b, wrong, late, i;
    static const u_char  sample[] = {
        0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe0,
        0xed, 0xf0, 0xf4, 0xff
    };

    wrong = 0;
    late = 0;

    for (a = 0; a < 256; a++) {
        p[0] = (u_char) a;
        wrong += whole(p, 1) != reference(p, 1);
        late += (refused_at(p, 1) == 1) != completable(p, 1);

        for (b = 0; b < 256; b++) {
            p[1] = (u_char) b;
            wrong += whole(p, 2) != reference(p, 2);
            late += (refused_at(p, 2) == 2) != completable(p, 2);

            for (i = 0; i < 256; i++) {
                p[2] = (u_char) i;
                wrong += whole(p, 3) != reference(p, 3);
            }

            for (c = 0; c < sizeof(sample); c++) {
                p[2] = sample[c];
                late += (refused_at(p, 3) == 3) != completable(p, 3);

                for (d = 0; d < sizeof(sample); d++) {
                    p[3] = sample[d];
                    wrong += whole(p, 4) != reference(p, 4);
                }
            }
        }
    }

    tap_is(wrong, 0, "all sequences of 1 to 3 bytes, many of 4: as decoded");
    tap_is(late, 0, "a piece is refused if and only if nothing can mend it");
}


typedef struct {
    const char  *name;
    const char  *text;
    size_t       len;
    size_t       refused;       /* index of the byte */
} malformed_t;

#define malformed(name, text, refused)                                        \
    { name, text, sizeof(text) - 1, refused }


static void
test_malformed(void)
{
    size_t              i, cut;
    uint32_t            state;
    const u_char       *p;
    const malformed_t  *m;
    int                 ok;

    static const malformed_t  list[] = {
        malformed("a lone continuation byte", "\x80", 0),
        malformed("the last continuation byte", "\xbf", 0),
        malformed("a continuation byte after text", "ab\x80", 2),
        malformed("fe", "\xfe", 0),
        malformed("ff", "\xff", 0),
        malformed("an old five byte form", "\xf8\x88\x80\x80\x80", 0),
        malformed("an old six byte form", "\xfc\x84\x80\x80\x80\x80", 0),
        malformed("overlong slash in two bytes", "\xc0\xaf", 0),
        malformed("overlong slash in three bytes", "\xe0\x80\xaf", 1),
        malformed("overlong slash in four bytes", "\xf0\x80\x80\xaf", 1),
        malformed("modified UTF-8's zero", "\xc0\x80", 0),
        malformed("largest overlong two bytes", "\xc1\xbf", 0),
        malformed("largest overlong three bytes", "\xe0\x9f\xbf", 1),
        malformed("largest overlong four bytes", "\xf0\x8f\xbf\xbf", 1),
        malformed("first high surrogate", "\xed\xa0\x80", 1),
        malformed("last high surrogate", "\xed\xaf\xbf", 1),
        malformed("first low surrogate", "\xed\xb0\x80", 1),
        malformed("last low surrogate", "\xed\xbf\xbf", 1),
        malformed("a pair of surrogates", "\xed\xa0\x80\xed\xb0\x80", 1),
        malformed("U+110000", "\xf4\x90\x80\x80", 1),
        malformed("f5", "\xf5\x80\x80\x80", 0),
        malformed("two byte lead, then ASCII", "\xc3z", 1),
        malformed("three byte lead, then ASCII", "\xe2z", 1),
        malformed("three bytes cut by ASCII", "\xe2\x82z", 2),
        malformed("four bytes cut by ASCII", "\xf0\x9f\x98z", 3),
        malformed("a lead within a character", "\xe2\xe2\x82\xac", 1),
        malformed("a bad byte behind a long run",
                  "0123456789abcdef0123456789abcdef\xff", 32)
    };

    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        m = &list[i];
        p = (const u_char *) m->text;
        ok = (refused_at(p, m->len) == m->refused);

        for (cut = 0; cut <= m->len; cut++) {
            state = NGX_HTTP_PUSH_UTF8_START;

            ok &= ngx_http_push_utf8_validate(&state, p, cut)
                  == (cut <= m->refused);
            ok &= !ngx_http_push_utf8_validate(&state, p + cut, m->len - cut);
        }

        tap_ok(ok, "refused at byte %zu: %s", m->refused, m->name);
    }
}


/* from a block of its own size, so that a read beside it is seen */

static int
piece(uint32_t *state, const u_char *p, size_t len)
{
    int      valid;
    u_char  *block;

    block = malloc(len);
    memcpy(block, p, len);
    valid = ngx_http_push_utf8_validate(state, block, len);
    free(block);

    return valid;
}


static void
test_pieces(void)
{
    u_char    text[256];
    size_t    len, at, n;
    uint32_t  state, code;
    unsigned  i, wrong;
    int       valid;

    wrong = 0;

    for (i = 0; i < 20000; i++) {

        for (len = 0; len < 200; /* void */ ) {

            if (tap_random(3)) {
                for (n = tap_random(24); n; n--) {
                    text[len++] = (u_char) tap_random(0x80);
                }
            }

            code = (uint32_t) tap_random(0x110000);

            if (code >= 0xd800 && code <= 0xdfff) {
                code = 0x20ac;
            }

            len += encode(text + len, code, shortest(code));
        }

        if (tap_random(2)) {
            text[tap_random(len)] = (u_char) tap_random(256);
        }

        state = NGX_HTTP_PUSH_UTF8_START;
        valid = 1;

        for (at = 0; at < len; at += n) {
            n = 1 + tap_random(i % 7 ? 9 : 64);
            n = n > len - at ? len - at : n;
            valid = piece(&state, text + at, n);
        }

        valid = valid && ngx_http_push_utf8_complete(state);

        wrong += valid != reference(text, len);
        wrong += valid != whole(text, len);
    }

    tap_is(wrong, 0, "20,000 random texts in random pieces: as decoded");
}


static void
test_runs(void)
{
    u_char    text[64];
    size_t    start, len, at;
    unsigned  wrong;

    wrong = 0;

    for (start = 0; start < 8; start++) {
        for (len = 0; len < 40; len++) {
            memset(text, 'a', sizeof(text));
            memset(text + start + len, 0xff, 8);
            wrong += !whole(text + start, len);

            for (at = 0; at < len; at++) {
                text[start + at] = 0x80;
                wrong += whole(text + start, len);
                wrong += refused_at(text + start, len) != at;
                text[start + at] = 'a';
            }
        }
    }

    tap_is(wrong, 0, "a bad byte is found at any place of any run of ASCII");
}


static void
test_state(void)
{
    uint32_t  state;

    state = NGX_HTTP_PUSH_UTF8_START;

    tap_ok(ngx_http_push_utf8_validate(&state, NULL, 0)
           && ngx_http_push_utf8_complete(state), "an empty text is valid");

    ngx_http_push_utf8_validate(&state, (const u_char *) "\xe2\x82", 2);

    tap_ok(!ngx_http_push_utf8_complete(state),
           "a text that ends within a character is not complete");
    tap_ok(ngx_http_push_utf8_validate(&state, NULL, 0)
           && !ngx_http_push_utf8_complete(state),
           "an empty piece changes nothing within a character");
    tap_ok(ngx_http_push_utf8_validate(&state, (const u_char *) "\xac", 1)
           && ngx_http_push_utf8_complete(state),
           "its last byte completes it");

    ngx_http_push_utf8_validate(&state, (const u_char *) "\xff", 1);

    tap_ok(!ngx_http_push_utf8_validate(&state, (const u_char *) "abc", 3)
           && !ngx_http_push_utf8_validate(&state, NULL, 0)
           && !ngx_http_push_utf8_complete(state),
           "after a bad byte nothing is valid any more");
}


int
main(void)
{
    tap_seed();

    test_state();
    test_code_points();
    test_reference();
    test_malformed();
    test_runs();
    test_pieces();

    return tap_done();
}
