
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Channel names and patterns: the grammar byte by byte, decoding, reserved
 * beginnings, and matching against a naive matcher on all short inputs.
 */


#include "ngx_http_push_name.h"
#include "tap.h"


#define BYTES(s)  (const u_char *) (s), strlen(s)


static int
check(const char *name)
{
    return ngx_http_push_name_check(BYTES(name));
}


static void
test_check(void)
{
    size_t    i;
    u_char    name[300];
    unsigned  c, wrong;

    static const char *const  good[] = {
        "a", "room:1", "news.sport/football-2024_x", "@alice", "#group", "!id",
        "a%20b", "*", "\xc3\xa4\xc3\xb6", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
        "\xc2\xa0", "a|b;c=d&e?f\"g'h\\i<j>k[l](m)^`~+$"
    };

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        tap_ok(check(good[i]) == NGX_HTTP_PUSH_NAME_OK,
               "a good name: %s", good[i]);
    }

    tap_is(check(""), NGX_HTTP_PUSH_NAME_EMPTY, "no name is empty");
    tap_is(ngx_http_push_name_check(NULL, 0), NGX_HTTP_PUSH_NAME_EMPTY,
           "  ... also where there is no pointer");

    memset(name, 'x', sizeof(name));

    tap_is(ngx_http_push_name_check(name, 255), NGX_HTTP_PUSH_NAME_OK,
           "255 bytes are a name");
    tap_is(ngx_http_push_name_check(name, 256), NGX_HTTP_PUSH_NAME_LONG,
           "256 bytes are too long");

    wrong = 0;

    for (c = 0; c < 0x80; c++) {
        name[1] = (u_char) c;

        wrong += ngx_http_push_name_check(name, 3)
                 != (c <= ' ' || c == 0x7f || c == ',' || c == '{' || c == '}'
                     ? NGX_HTTP_PUSH_NAME_CHARACTER : NGX_HTTP_PUSH_NAME_OK);
    }

    tap_is(wrong, 0, "each of ASCII is taken or refused as a character");

    tap_ok(check(" a") == NGX_HTTP_PUSH_NAME_CHARACTER
           && check("a ") == NGX_HTTP_PUSH_NAME_CHARACTER
           && check(" ") == NGX_HTTP_PUSH_NAME_CHARACTER,
           "  ... at the beginning and at the end, too");

    wrong = 0;
    name[1] = 0xc2;

    for (c = 0x80; c < 0xc0; c++) {
        name[2] = (u_char) c;

        wrong += ngx_http_push_name_check(name, 3)
                 != (c < 0xa0 ? NGX_HTTP_PUSH_NAME_CHARACTER
                              : NGX_HTTP_PUSH_NAME_OK);
    }

    tap_is(wrong, 0, "U+0080 to U+009F are refused, U+00A0 is not");

    tap_is(check("a\xff"), NGX_HTTP_PUSH_NAME_UTF8, "ff is not UTF-8");
    tap_is(check("a\xc3"), NGX_HTTP_PUSH_NAME_UTF8,
           "half a character at the end is not UTF-8");
    tap_is(check("a\xc2"), NGX_HTTP_PUSH_NAME_UTF8, "  ... nor is c2");
    tap_is(check("\xed\xa0\x80"), NGX_HTTP_PUSH_NAME_UTF8,
           "a surrogate is not UTF-8");
    tap_is(check("\xc0\xaf"), NGX_HTTP_PUSH_NAME_UTF8,
           "an overlong form is not UTF-8");
}


static void
test_reason(void)
{
    int       code;
    unsigned  wrong;

    wrong = 0;

    for (code = NGX_HTTP_PUSH_NAME_OK; code <= NGX_HTTP_PUSH_NAME_PIECES;
         code++)
    {
        wrong += strcmp(ngx_http_push_name_reason(code), "invalid") == 0;
    }

    tap_is(wrong, 0, "each code has words of its own");
    tap_is_text(ngx_http_push_name_reason(NGX_HTTP_PUSH_NAME_LONG),
                "longer than 255 bytes", "  ... that say what is wrong");
}


static int
reserved(const char *name, const char *keys)
{
    return ngx_http_push_name_reserved(BYTES(name), BYTES(keys));
}


static void
test_reserved(void)
{
    size_t  i;

    static const struct {
        const char  *name;
        const char  *keys;
        int          expected;
    } list[] = {
        { "news", "push:", NGX_HTTP_PUSH_NAME_NONE },
        { "", "push:", NGX_HTTP_PUSH_NAME_NONE },
        { "", "", NGX_HTTP_PUSH_NAME_NONE },
        { "@alice", "push:", NGX_HTTP_PUSH_NAME_PRIVATE },
        { "#group", "push:", NGX_HTTP_PUSH_NAME_PRIVATE },
        { "!id", "push:", NGX_HTTP_PUSH_NAME_PRIVATE },
        { "@", "", NGX_HTTP_PUSH_NAME_PRIVATE },
        { "a@b", "", NGX_HTTP_PUSH_NAME_NONE },
        { "__keyevent@0__:expired", "push:", NGX_HTTP_PUSH_NAME_INTERNAL },
        { "__", "", NGX_HTTP_PUSH_NAME_INTERNAL },
        { "_", "", NGX_HTTP_PUSH_NAME_NONE },
        { "_a_", "", NGX_HTTP_PUSH_NAME_NONE },
        { "a__", "", NGX_HTTP_PUSH_NAME_NONE },
        { "push:ctl", "push:", NGX_HTTP_PUSH_NAME_INTERNAL },
        { "push:", "push:", NGX_HTTP_PUSH_NAME_INTERNAL },
        { "push", "push:", NGX_HTTP_PUSH_NAME_NONE },
        { "pushx", "push:", NGX_HTTP_PUSH_NAME_NONE },
        { "Push:ctl", "push:", NGX_HTTP_PUSH_NAME_NONE },
        { "push:ctl", "", NGX_HTTP_PUSH_NAME_NONE },
        { "@keys:x", "@keys:", NGX_HTTP_PUSH_NAME_INTERNAL }
    };

    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        tap_ok(reserved(list[i].name, list[i].keys) == list[i].expected,
               "\"%s\" with keys \"%s\" is %s", list[i].name, list[i].keys,
               list[i].expected == NGX_HTTP_PUSH_NAME_NONE ? "free"
               : list[i].expected == NGX_HTTP_PUSH_NAME_PRIVATE ? "private"
               : "internal");
    }
}


/* from a block of its own size, so that a read beside it is seen */

static int
unescape(u_char *out, const char *in, size_t *n)
{
    int      rc;
    u_char  *block;
    size_t   len;

    len = strlen(in);
    block = malloc(len ? len : 1);
    memcpy(block, in, len);
    rc = ngx_http_push_name_unescape(out, block, len, n);
    free(block);

    return rc;
}


/* every pair of bytes behind a '%', against strtoul() */

static void
test_hex(void)
{
    int       rc;
    char      in[4];
    u_char    out[4];
    size_t    n;
    unsigned  a, b, wrong, good;

    wrong = 0;
    good = 0;
    in[0] = '%';
    in[3] = '\0';

    for (a = 1; a < 256; a++) {
        for (b = 1; b < 256; b++) {
            in[1] = (char) a;
            in[2] = (char) b;
            rc = unescape(out, in, &n);

            if (strchr("0123456789abcdefABCDEF", (int) a)
                && strchr("0123456789abcdefABCDEF", (int) b))
            {
                good++;
                wrong += rc != NGX_HTTP_PUSH_NAME_OK || n != 1
                         || out[0] != strtoul(in + 1, NULL, 16);

            } else {
                wrong += rc != NGX_HTTP_PUSH_NAME_ESCAPE;
            }
        }
    }

    tap_ok(wrong == 0 && good == 22 * 22,
           "two hexadecimal digits and nothing else make a byte");
}


static void
test_unescape(void)
{
    size_t  i, n;
    u_char  out[64];
    int     rc, ok;

    static const struct {
        const char  *in;
        const char  *out;       /* NULL: an error */
    } list[] = {
        { "", "" },
        { "plain", "plain" },
        { "room%3A1", "room:1" },
        { "room%3a1", "room:1" },
        { "%e2%82%AC", "\xe2\x82\xac" },
        { "a+b", "a+b" },
        { "%2B", "+" },
        { "%253A", "%3A" },
        { "%25", "%" },
        { "%41%42%43", "ABC" },
        { "%", NULL },
        { "%3", NULL },
        { "a%", NULL },
        { "a%3", NULL },
        { "%%41", NULL },
        { "%3g", NULL },
        { "%g3", NULL },
        { "% 3", NULL },
        { "%-1", NULL },
        { "%0x41", NULL },
        { "%u0041", NULL },
        { "ok%zz", NULL }
    };

    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        rc = unescape(out, list[i].in, &n);

        ok = list[i].out == NULL
             ? rc == NGX_HTTP_PUSH_NAME_ESCAPE
             : rc == NGX_HTTP_PUSH_NAME_OK && n == strlen(list[i].out)
               && memcmp(out, list[i].out, n) == 0;

        tap_ok(ok, "\"%s\" decodes to %s", list[i].in,
               list[i].out ? list[i].out : "an error");
    }

    rc = ngx_http_push_name_unescape(out, (const u_char *) "a%00b", 5, &n);
    tap_ok(rc == NGX_HTTP_PUSH_NAME_OK && n == 3
           && memcmp(out, "a\0b", 3) == 0,
           "a zero is decoded, the grammar refuses it later");

    memcpy(out, "%61%62+%63", 10);
    rc = ngx_http_push_name_unescape(out, out, 10, &n);
    tap_ok(rc == NGX_HTTP_PUSH_NAME_OK && n == 4
           && memcmp(out, "ab+c", 4) == 0, "decoding in place");
}


static void
test_compile(void)
{
    int                         rc;
    size_t                      i, n;
    char                        text[128];
    ngx_http_push_name_piece_t  pieces[NGX_HTTP_PUSH_NAME_MAX_PIECES];

    rc = ngx_http_push_name_compile(BYTES("user:*:**x***"), pieces, 32, &n);

    tap_ok(rc == NGX_HTTP_PUSH_NAME_OK && n == 6
           && pieces[0].kind == NGX_HTTP_PUSH_NAME_LITERAL
           && pieces[0].len == 5 && memcmp(pieces[0].p, "user:", 5) == 0
           && pieces[1].kind == NGX_HTTP_PUSH_NAME_STAR
           && pieces[2].kind == NGX_HTTP_PUSH_NAME_LITERAL
           && pieces[2].len == 1
           && pieces[3].kind == NGX_HTTP_PUSH_NAME_STARSTAR
           && pieces[4].kind == NGX_HTTP_PUSH_NAME_LITERAL
           && pieces[5].kind == NGX_HTTP_PUSH_NAME_STARSTAR,
           "a pattern is cut into its pieces, three stars are two");

    rc = ngx_http_push_name_compile(NULL, 0, pieces, 32, &n);
    tap_ok(rc == NGX_HTTP_PUSH_NAME_OK && n == 0, "no text has no pieces");

    for (i = 0; i < 32; i++) {
        text[i] = i % 2 ? '*' : 'a';
    }

    text[32] = 'b';

    rc = ngx_http_push_name_compile((u_char *) text, 32, pieces, 32, &n);
    tap_ok(rc == NGX_HTTP_PUSH_NAME_OK && n == 32, "32 pieces are taken");

    rc = ngx_http_push_name_compile((u_char *) text, 33, pieces, 32, &n);
    tap_is(rc, NGX_HTTP_PUSH_NAME_PIECES, "33 pieces are too many");

    tap_ok(!ngx_http_push_name_match((u_char *) text, 33, (u_char *) text, 33),
           "a pattern that has too many pieces matches nothing");

    rc = ngx_http_push_name_compile(BYTES("ab"), pieces, 0, &n);
    tap_is(rc, NGX_HTTP_PUSH_NAME_PIECES, "no room is too many, too");
}


/* from blocks of their own sizes, so that a read beside them is seen */

static int
match(const char *pattern, const char *name)
{
    int      rc;
    size_t   plen, nlen;
    u_char  *p, *n;

    plen = strlen(pattern);
    nlen = strlen(name);
    p = malloc(plen ? plen : 1);
    n = malloc(nlen ? nlen : 1);
    memcpy(p, pattern, plen);
    memcpy(n, name, nlen);

    rc = ngx_http_push_name_match(p, plen, n, nlen);

    free(n);
    free(p);

    return rc;
}


static void
test_match(void)
{
    size_t  i;

    static const struct {
        const char  *pattern;
        const char  *name;
        int          expected;
    } list[] = {
        { "news", "news", 1 },
        { "news", "newsx", 0 },
        { "news", "new", 0 },
        { "news", "News", 0 },
        { "*", "news", 1 },
        { "*", "a:b", 0 },
        { "**", "a:b", 1 },
        { "room:*", "room:1", 1 },
        { "room:*", "room:", 1 },
        { "room:*", "room", 0 },
        { "room:*", "room:1:2", 0 },
        { "room:**", "room:1:2", 1 },
        { "*:*", "a:b", 1 },
        { "*:*", "a:b:c", 0 },
        { "*:chat", "room:chat", 1 },
        { "*:chat", "a:room:chat", 0 },
        { "**:chat", "a:room:chat", 1 },
        { "**:chat", ":chat", 1 },
        { "**:chat", "chat", 0 },
        { "a*b*c", "aXbYc", 1 },
        { "a*b*c", "abbcbc", 1 },
        { "a*b*c", "aX:bYc", 0 },
        { "a**b*c", "aX:bYc", 1 },
        { "**a*b", "xa:yab", 1 },
        { "**a*b", "xa:yb", 0 },
        { "a*:b**:c", "ax:b:d:c", 1 },
        { "room:?", "room:1", 0 },
        { "room:.*", "room:.x", 1 },
        { "room:[1]", "room:1", 0 },
        { "\xc3\xa4*", "\xc3\xa4x", 1 }
    };

    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        tap_ok(match(list[i].pattern, list[i].name) == list[i].expected,
               "%s %s %s", list[i].pattern,
               list[i].expected ? "matches" : "does not match", list[i].name);
    }
}


static void
test_pieces(void)
{
    ngx_http_push_name_piece_t  p[3];

    p[0].kind = NGX_HTTP_PUSH_NAME_LITERAL;
    p[0].p = (u_char *) "user:";
    p[0].len = 5;
    p[1].kind = NGX_HTTP_PUSH_NAME_LITERAL;
    p[1].p = (u_char *) "**";
    p[1].len = 2;
    p[2].kind = NGX_HTTP_PUSH_NAME_STARSTAR;
    p[2].p = NULL;
    p[2].len = 0;

    tap_ok(ngx_http_push_name_match_pieces(p, 3, BYTES("user:**:x"))
           && !ngx_http_push_name_match_pieces(p, 3, BYTES("user:bob:x")),
           "stars in a variable's value are no pattern");

    p[1].len = 0;

    tap_ok(!ngx_http_push_name_match_pieces(p, 3, BYTES("user:bob:x"))
           && !ngx_http_push_name_match_pieces(p, 3, BYTES("user:")),
           "a variable without a value matches nothing");

    p[0].len = 0;
    p[1].len = 2;

    tap_ok(!ngx_http_push_name_match_pieces(p, 3, BYTES("**x"))
           && !ngx_http_push_name_match_pieces(p, 1, BYTES("")),
           "  ... wherever it stands");

    p[0].kind = NGX_HTTP_PUSH_NAME_STAR;
    p[1].kind = NGX_HTTP_PUSH_NAME_STAR;

    tap_ok(ngx_http_push_name_match_pieces(p, 2, BYTES("ab"))
           && !ngx_http_push_name_match_pieces(p, 2, BYTES("a:b")),
           "two stars side by side that are two pieces are no double star");

    tap_ok(!ngx_http_push_name_match_pieces(p, 0, BYTES("a")),
           "no pieces match no name");
}


/* tries every length of every star */

static int
naive(const ngx_http_push_name_piece_t *p, size_t n, const char *name)
{
    size_t  i, len;

    if (n == 0) {
        return *name == '\0';
    }

    if (p->kind == NGX_HTTP_PUSH_NAME_LITERAL) {
        return strncmp(name, (const char *) p->p, p->len) == 0
               && naive(p + 1, n - 1, name + p->len);
    }

    len = p->kind == NGX_HTTP_PUSH_NAME_STAR ? strcspn(name, ":")
                                             : strlen(name);

    for (i = 0; i <= len; i++) {
        if (naive(p + 1, n - 1, name + i)) {
            return 1;
        }
    }

    return 0;
}


/* the number in that base, its digits taken from the alphabet */

static void
spell(char *text, size_t len, unsigned n, const char *alphabet)
{
    size_t  i, base;

    base = strlen(alphabet);

    for (i = 0; i < len; i++) {
        text[i] = alphabet[n % base];
        n /= base;
    }

    text[len] = '\0';
}


static void
scatter(char *text, size_t len, const char *alphabet)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        text[i] = alphabet[tap_random(strlen(alphabet))];
    }

    text[len] = '\0';
}


static unsigned
power(unsigned base, size_t n)
{
    return n ? base * power(base, n - 1) : 1;
}


static void
test_naive(void)
{
    int                         expected;
    char                        pattern[8], name[8];
    size_t                      plen, nlen, n;
    unsigned                    i, k, wrong, matched, tried;
    ngx_http_push_name_piece_t  pieces[8];

    wrong = 0;
    matched = 0;
    tried = 0;

    for (plen = 0; plen <= 5; plen++) {
        for (i = 0; i < power(4, plen); i++) {

            spell(pattern, plen, i, "*a:b");
            ngx_http_push_name_compile(BYTES(pattern), pieces, 8, &n);

            for (nlen = 0; nlen <= 6; nlen++) {
                for (k = 0; k < power(3, nlen); k++) {

                    spell(name, nlen, k, "a:b");

                    expected = naive(pieces, n, name);
                    tried++;
                    matched += expected;

                    if (match(pattern, name) != expected && wrong++ == 0) {
                        printf("# pattern %s, name %s\n", pattern, name);
                    }
                }
            }
        }
    }

    tap_ok(wrong == 0, "all short patterns on all short names, as a naive "
           "matcher has it (%u of %u match)", matched, tried);
}


static void
test_random(void)
{
    int                         expected;
    char                        pattern[16], name[24];
    size_t                      n;
    unsigned                    i, wrong, matched;
    ngx_http_push_name_piece_t  pieces[16];

    wrong = 0;
    matched = 0;

    for (i = 0; i < 300000; i++) {
        scatter(pattern, tap_random(14), "a*:*ab*");
        scatter(name, tap_random(20), "aab:a");

        ngx_http_push_name_compile(BYTES(pattern), pieces, 16, &n);
        expected = naive(pieces, n, name);
        matched += expected;

        if (match(pattern, name) != expected && wrong++ == 0) {
            printf("# pattern %s, name %s\n", pattern, name);
        }
    }

    tap_ok(wrong == 0, "300,000 longer ones at random (%u match)", matched);
}


/*
 * For the first of these a matcher that tries every length of every star needs
 * some 10^23 steps; the limit is generous for a slow machine.
 */

static void
test_time(void)
{
    int                         ok;
    char                        pattern[512], name[256];
    size_t                      i, k, n, times;
    double                      seconds;
    clock_t                     begin;
    ngx_http_push_name_piece_t  pieces[NGX_HTTP_PUSH_NAME_MAX_PIECES];

    static const struct {
        const char  *head;
        const char  *unit;
        size_t       units;
        const char  *tail;
        const char  *name;
    } list[] = {
        { "", "*a", 15, "b", "a" },
        { "", "**a", 15, "b", "a" },
        { "**a", "*a", 14, "b", "a" },
        { "", "**a*a", 7, "b", "a" },
        { "", "*a**a", 7, "b", "a" },
        { "**a", "*a", 14, "b", "aaaaaaaaaaaaaaaaaaaa:" },
        { "**", "a", 120, "b", "a" },
        { "**a*", "a", 120, "b", "a" },
        { "**:", "*:", 14, "b", ":" },
        { "**:", "*a:", 14, "b", "a:" },
        { "", "**:*", 7, "b", "a:" },
        { "", "*ab", 15, "c", "ab" }
    };

    times = 50;

    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {

        for (k = 0; k < 255; k++) {
            name[k] = list[i].name[k % strlen(list[i].name)];
        }

        name[255] = '\0';
        strcpy(pattern, list[i].head);

        for (k = 0; k < list[i].units; k++) {
            strcat(pattern, list[i].unit);
        }

        strcat(pattern, list[i].tail);

        ok = ngx_http_push_name_compile(BYTES(pattern), pieces,
                                        NGX_HTTP_PUSH_NAME_MAX_PIECES, &n)
             == NGX_HTTP_PUSH_NAME_OK;
        begin = clock();

        for (k = 0; k < times; k++) {
            ok &= !match(pattern, name);
        }

        seconds = (double) (clock() - begin) / CLOCKS_PER_SEC;

        tap_ok(ok && seconds < 2, "no blow-up: %zu of \"%s\" behind \"%s\" on "
               "255 bytes of \"%s\" (%.0f us each)", list[i].units,
               list[i].unit, list[i].head, list[i].name,
               seconds * 1e6 / (double) times);
    }
}


int
main(void)
{
    tap_seed();

    test_check();
    test_reason();
    test_reserved();
    test_unescape();
    test_hex();
    test_compile();
    test_match();
    test_pieces();
    test_naive();
    test_random();
    test_time();

    return tap_done();
}
