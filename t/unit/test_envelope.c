
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * The envelope: the header rule by rule, and what is written is what is read.
 */


#include "ngx_http_push_envelope.h"
#include "tap.h"


static u_char                    scratch[NGX_HTTP_PUSH_ENVELOPE_SCRATCH];
static ngx_http_push_envelope_t  env;


/* from a block of its own size, so that a read beside it is seen */

static int
parse_bytes(const void *p, size_t len)
{
    static u_char  *block;

    free(block);
    block = malloc(len ? len : 1);
    memcpy(block, p, len);

    memset(&env, 0xee, sizeof(env));
    env.scratch = scratch;

    return ngx_http_push_envelope_parse(block, len, &env);
}


static int
parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}


static int
is(const ngx_http_push_envelope_str_t *s, const char *text)
{
    if (text == NULL) {
        return s->data == NULL && s->len == 0;
    }

    return s->len == strlen(text) && memcmp(s->data, text, s->len) == 0;
}


static int
none(void)
{
    return is(&env.event, NULL) && is(&env.type, NULL) && is(&env.id, NULL)
           && is(&env.receipt, NULL) && is(&env.except, NULL)
           && env.ttl == 0 && !env.is_binary && !env.is_volatile;
}


static void
test_message(void)
{
    tap_ok(parse("\xffP1M - 0 1700000000123\nhello")
           == NGX_HTTP_PUSH_ENVELOPE_MESSAGE
           && env.kind == 'M' && is(&env.epoch, NULL) && env.offset == 0
           && env.time == 1700000000123ULL && none() && is(&env.body, "hello")
           && env.scratch == scratch,
           "a message of a channel without history");

    tap_ok(parse("\xffP1M k3f9 12 1700000000123 n=tick y=text/plain t=5000"
                 " i=abc r=7@w1 x=c9 f=bv\n\nbody\n")
           == NGX_HTTP_PUSH_ENVELOPE_MESSAGE
           && is(&env.epoch, "k3f9") && env.offset == 12
           && is(&env.event, "tick") && is(&env.type, "text/plain")
           && env.ttl == 5000 && is(&env.id, "abc") && is(&env.receipt, "7@w1")
           && is(&env.except, "c9") && env.is_binary && env.is_volatile
           && is(&env.body, "\nbody\n"), "a message with everything");

    tap_ok(parse("\xffP1M - 0 0 n=a%20b%3Dc%25%C3%A4 "
                 "y=text/plain;%20charset%3dutf-8 i=x=y\n")
           == NGX_HTTP_PUSH_ENVELOPE_MESSAGE
           && is(&env.event, "a b=c%\xc3\xa4")
           && is(&env.type, "text/plain; charset=utf-8")
           && is(&env.id, "x=y") && is(&env.body, ""),
           "values are decoded, an equals sign may stand in one");

    tap_ok(parse("\xffP1M - 0 0 q=later z= a= key=of%zz A=1 new-key=2\nb")
           == NGX_HTTP_PUSH_ENVELOPE_MESSAGE && none() && is(&env.body, "b"),
           "other keys are ignored, whatever they hold");

    tap_ok(parse("\xffP1M - 0 0 f=xbz\n") == NGX_HTTP_PUSH_ENVELOPE_MESSAGE
           && env.is_binary && !env.is_volatile, "other flags are ignored");

    tap_ok(parse("\xffP1M e 18446744073709551615 18446744073709551615 "
                 "t=18446744073709551615\n") == NGX_HTTP_PUSH_ENVELOPE_MESSAGE
           && env.offset == UINT64_MAX && env.time == UINT64_MAX
           && env.ttl == UINT64_MAX, "the largest numbers");

    tap_ok(parse_bytes("\xffP1M - 0 0\na\0b", 14)
           == NGX_HTTP_PUSH_ENVELOPE_MESSAGE && env.body.len == 3
           && memcmp(env.body.data, "a\0b", 3) == 0, "a body of any bytes");

    tap_ok(parse("\xffP1C - 0 5\n") == NGX_HTTP_PUSH_ENVELOPE_MESSAGE
           && env.kind == 'C'
           && parse("\xffP1A - 17 5\n") == NGX_HTTP_PUSH_ENVELOPE_MESSAGE
           && env.kind == 'A'
           && parse("\xffP1B e 0 5\n") == NGX_HTTP_PUSH_ENVELOPE_MESSAGE
           && env.kind == 'B', "the other kinds, whose offsets are their own");
}


static void
test_plain(void)
{
    size_t  i;

    static const char *const  plain[] = {
        "", "hello", "\xff", "\xffP", "\xffP2M - 0 0\n", "\xffp1M - 0 0\n",
        "P1M - 0 0\n", " \xffP1M - 0 0\n", "{\"a\":1}\n"
    };

    for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        tap_ok(parse(plain[i]) == NGX_HTTP_PUSH_ENVELOPE_PLAIN
               && env.kind == 'M' && is(&env.epoch, NULL) && env.offset == 0
               && env.time == 0 && none() && is(&env.body, plain[i]),
               "plain %zu: all of it is the body", i);
    }
}


static void
test_bad(void)
{
    size_t  i;

    static const char *const  bad[] = {
        "\xffP1",
        "\xffP1M",
        "\xffP1M - 0 0",
        "\xffP1\n",
        "\xffP1M\n",
        "\xffP1M -\n",
        "\xffP1M - 0\n",
        "\xffP1M - 0 \n",
        "\xffP1 M - 0 0\n",
        "\xffP1MM - 0 0\n",
        "\xffP1X - 0 0\n",
        "\xffP1m - 0 0\n",
        "\xffP1M  - 0 0\n",
        "\xffP1M  0 0\n",
        "\xffP1M - 0  0\n",
        "\xffP1M - 0 0 \n",
        "\xffP1M - 0 0  n=a\n",
        "\xffP1M\t- 0 0\n",
        "\xffP1M - 0 0\r\n",
        "\xffP1M - 00 0\n",
        "\xffP1M - -0 0\n",
        "\xffP1M - 0 1.5\n",
        "\xffP1M - 0 1e3\n",
        "\xffP1M - 0 x\n",
        "\xffP1M - 0 18446744073709551616\n",
        "\xffP1M e 18446744073709551616 0\n",
        "\xffP1M - 1 0\n",
        "\xffP1M e 0 0\n",
        "\xffP1M -- 1 0\n",
        "\xffP1M e:1 1 0\n",
        "\xffP1M e%31 1 0\n",
        "\xffP1C e-1 1 0\n",
        "\xffP1M 123456789012345678901234567890123 1 0\n",
        "\xffP1M - 0 0 n\n",
        "\xffP1M - 0 0 =a\n",
        "\xffP1M - 0 0 n=\n",
        "\xffP1M - 0 0 y=\n",
        "\xffP1M - 0 0 i=\n",
        "\xffP1M - 0 0 r=\n",
        "\xffP1M - 0 0 x=\n",
        "\xffP1M - 0 0 t=\n",
        "\xffP1M - 0 0 f=\n",
        "\xffP1M - 0 0 t=0\n",
        "\xffP1M - 0 0 t=-1\n",
        "\xffP1M - 0 0 t=1s\n",
        "\xffP1M - 0 0 n=%\n",
        "\xffP1M - 0 0 n=%4\n",
        "\xffP1M - 0 0 n=%zz\n",
        "\xffP1M - 0 0 n=a%0Ab\n",
        "\xffP1M - 0 0 n=a%00b\n",
        "\xffP1M - 0 0 n=a%7Fb\n",
        "\xffP1M - 0 0 n=a%C2%85b\n",
        "\xffP1M - 0 0 n=%FF\n",
        "\xffP1M - 0 0 n=%C3\n",
        "\xffP1M - 0 0 n=\xc3\xa4\n",
        "\xffP1M - 0 0 q=\x7f\n",
        "\xffP1M - 0 0 n=a\x01\n",
        "\xffP1M - 0 0 n=a n=b\n",
        "\xffP1M - 0 0 q=a q=b\n"
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tap_ok(parse(bad[i]) == NGX_HTTP_PUSH_ENVELOPE_BAD,
               "bad: %.*s", (int) strcspn(bad[i] + 1, "\r\n"), bad[i] + 1);
    }

    tap_is(parse_bytes("\xffP1M - 0 0 n=a\0b\n", 18),
           NGX_HTTP_PUSH_ENVELOPE_BAD, "bad: a zero in the header");
}


/* a header of exactly that size, by a key that is ignored */

static int
header_of(size_t size, char *text)
{
    memset(text, 'a', size + 8);
    memcpy(text, "\xffP1M - 0 0 pad=", 15);
    text[size - 1] = '\n';
    text[size] = '\0';

    return parse(text);
}


static void
test_bounds(void)
{
    char  text[4096];

    tap_is(header_of(NGX_HTTP_PUSH_ENVELOPE_HEADER_MAX, text),
           NGX_HTTP_PUSH_ENVELOPE_MESSAGE, "a header of 2048 bytes is read");
    tap_is(header_of(NGX_HTTP_PUSH_ENVELOPE_HEADER_MAX + 1, text),
           NGX_HTTP_PUSH_ENVELOPE_BAD, "one of 2049 bytes is not");

    memset(text, 'a', sizeof(text));
    memcpy(text, "\xffP1M - 0 0 n=", 13);
    memcpy(text + 13 + 128, "\n", 2);
    tap_ok(parse(text) == NGX_HTTP_PUSH_ENVELOPE_MESSAGE
           && env.event.len == 128, "an event name of 128 bytes is read");

    memcpy(text + 13 + 128, "a\n", 3);
    tap_is(parse(text), NGX_HTTP_PUSH_ENVELOPE_BAD, "one of 129 is not");

    memcpy(text + 13, "%61", 3);
    memcpy(text + 13 + 128, "aa\n", 4);
    tap_ok(parse(text) == NGX_HTTP_PUSH_ENVELOPE_MESSAGE
           && env.event.len == 128 && env.event.data == scratch,
           "what counts is the length after decoding");

    memcpy(text + 13 + 130, "a\n", 3);
    tap_is(parse(text), NGX_HTTP_PUSH_ENVELOPE_BAD,
           "  ... also where it is one too many");

    memset(text, 'a', sizeof(text));
    memcpy(text, "\xffP1M ", 5);
    memcpy(text + 5 + 23, " 1 0\n", 6);
    tap_ok(parse(text) == NGX_HTTP_PUSH_ENVELOPE_MESSAGE
           && env.epoch.len == 23, "an epoch of 23 bytes is read");
}


/* each byte at each place of an epoch */

static void
test_epoch(void)
{
    char      text[] = "\xffP1M 0aZ 7 0\n";
    int       letter;
    size_t    at;
    unsigned  c, wrong;

    wrong = 0;

    for (at = 5; at < 8; at++) {
        for (c = 1; c < 256; c++) {

            letter = strchr("0123456789abcdefghijklmnopqrstuvwxyz"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ", (int) c) != NULL;

            memcpy(text + 5, "0aZ", 3);
            text[at] = (char) c;
            wrong += parse(text) != (letter ? NGX_HTTP_PUSH_ENVELOPE_MESSAGE
                                            : NGX_HTTP_PUSH_ENVELOPE_BAD);
        }
    }

    tap_is(wrong, 0, "an epoch is letters and digits");
}


static void
test_scratch(void)
{
    size_t  i, touched;

    memset(scratch, 0x5a, sizeof(scratch));
    parse("\xffP1M - 0 0 n=tick y=text/plain i=1 r=2 x=3\nbody");

    for (i = 0, touched = 0; i < sizeof(scratch); i++) {
        touched += scratch[i] != 0x5a;
    }

    tap_ok(touched == 0 && env.body.data - env.event.data == 30,
           "what needs no decoding stays where it is");

    parse("\xffP1M - 0 0 n=%61b y=%63 i=d\n");

    tap_ok(env.event.data == scratch && env.type.data == scratch + 2
           && is(&env.event, "ab") && is(&env.type, "c") && is(&env.id, "d"),
           "what was decoded lies side by side");
}


static void
set(ngx_http_push_envelope_str_t *s, const char *text)
{
    s->data = (const u_char *) text;
    s->len = strlen(text);
}


static void
fresh(void)
{
    memset(&env, 0, sizeof(env));
    env.kind = NGX_HTTP_PUSH_ENVELOPE_KIND_MESSAGE;
}


/* 1 if it is written as the text has it, into exactly the size foretold */

static int
writes(const char *text)
{
    int      ok;
    size_t   size, header;
    u_char  *out, *end;

    size = ngx_http_push_envelope_size(&env);
    header = ngx_http_push_envelope_header_size(&env);

    if (size != strlen(text)) {
        printf("# size %zu for: %s\n", size, text + 1);
        return 0;
    }

    out = malloc(size);
    end = ngx_http_push_envelope_write(out, &env);
    ok = end == out + size && memcmp(out, text, size) == 0
         && header == size - env.body.len;

    end = ngx_http_push_envelope_write_header(out, &env);
    ok = ok && end == out + header && memcmp(out, text, header) == 0;

    free(out);

    return ok;
}


static void
test_write(void)
{
    fresh();
    tap_ok(writes("\xffP1M - 0 0\n"), "the smallest envelope");

    set(&env.body, "hi\nthere");
    env.time = 1700000000123ULL;
    tap_ok(writes("\xffP1M - 0 1700000000123\nhi\nthere"), "one with a body");

    set(&env.epoch, "k3f9");
    env.offset = 12;
    set(&env.event, "a b");
    set(&env.type, "text/plain; charset=utf-8");
    set(&env.id, "50%\"\\");
    set(&env.receipt, "7@w1");
    set(&env.except, "\xc3\xa4");
    env.ttl = 300000;
    env.is_binary = 1;
    env.is_volatile = 1;

    tap_ok(writes("\xffP1M k3f9 12 1700000000123 n=a%20b "
                  "y=text/plain;%20charset%3Dutf-8 t=300000 i=50%25%22%5C "
                  "r=7@w1 x=%C3%A4 f=bv\nhi\nthere"), "one with everything");

    env.is_binary = 0;
    env.kind = NGX_HTTP_PUSH_ENVELOPE_KIND_ACK;
    set(&env.body, "");
    tap_ok(writes("\xffP1" "A k3f9 12 1700000000123 n=a%20b "
                  "y=text/plain;%20charset%3Dutf-8 t=300000 i=50%25%22%5C "
                  "r=7@w1 x=%C3%A4 f=v\n"), "an acknowledgement");
}


static void
test_refuse(void)
{
    char  longest[256];

    memset(longest, 'x', sizeof(longest));
    longest[129] = '\0';

    fresh();
    env.kind = 'X';
    tap_is(ngx_http_push_envelope_size(&env), 0,
           "an unknown kind is not written");

    fresh();
    env.offset = 1;
    set(&env.body, "body");
    tap_is(ngx_http_push_envelope_size(&env), 0,
           "an offset without an epoch is not written");

    fresh();
    set(&env.epoch, "e");
    tap_is(ngx_http_push_envelope_size(&env), 0, "  ... nor the reverse");

    env.offset = 1;
    set(&env.epoch, "e 1");
    tap_is(ngx_http_push_envelope_size(&env), 0,
           "an epoch that would break the header is not written");

    fresh();
    set(&env.event, longest);
    tap_is(ngx_http_push_envelope_size(&env), 0,
           "an event name of 129 bytes is not written");

    longest[128] = '\0';
    set(&env.event, longest);
    tap_ok(ngx_http_push_envelope_size(&env) != 0, "one of 128 bytes is");

    set(&env.event, "a\nb");
    tap_is(ngx_http_push_envelope_header_size(&env), 0,
           "a control character is not written");

    fresh();
    set(&env.except, "\xff");
    tap_is(ngx_http_push_envelope_size(&env), 0,
           "what is not UTF-8 is not written");
}


static void
test_text(void)
{
    size_t  i;

    static const char *const  good[] = { "a", " ", "a b", "\xc2\xa0", "%=\"" };
    static const char *const  bad[] = {
        "", "\n", "\r", "\t", "a\x1f", "\x7f", "\xc2\x80", "\xc2\x9f", "\xff",
        "\xc3"
    };

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        tap_ok(ngx_http_push_envelope_text_valid((const u_char *) good[i],
                                                 strlen(good[i])),
               "good text %zu", i);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tap_ok(!ngx_http_push_envelope_text_valid((const u_char *) bad[i],
                                                  strlen(bad[i])),
               "bad text %zu", i);
    }
}


static int
same(const ngx_http_push_envelope_str_t *a,
    const ngx_http_push_envelope_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


/* valid text, mostly of bytes that need escaping */

static void
random_text(ngx_http_push_envelope_str_t *s, u_char *p, size_t max)
{
    size_t               i;
    static const u_char  bytes[] = "%= \"\\aZ09/;:+@~!";

    s->data = p;
    s->len = tap_random(3) ? tap_random(max + 1) : max;

    for (i = 0; i < s->len; i++) {

        if (i + 1 < s->len && tap_random(3) == 0) {
            p[i++] = 0xc3;
            p[i] = (u_char) (0x80 + tap_random(0x40));
            continue;
        }

        p[i] = bytes[tap_random(sizeof(bytes) - 1)];
    }
}


static void
test_round_trip(void)
{
    u_char                    text[6][128], *out, *end;
    size_t                    size, largest;
    unsigned                  i, wrong;
    ngx_http_push_envelope_t  e;

    wrong = 0;
    largest = 0;

    for (i = 0; i < 50000; i++) {
        memset(&e, 0, sizeof(e));

        e.kind = (u_char) "MCAB"[tap_random(4)];
        e.time = tap_random(UINT64_MAX) >> tap_random(64);
        e.ttl = tap_random(UINT64_MAX) >> tap_random(64);
        e.is_binary = tap_random(2);
        e.is_volatile = tap_random(2);

        if (tap_random(2)) {
            set(&e.epoch, "0123456789abcdefghijklmnopQRSTUV");
            e.epoch.len = 1 + tap_random(23);
            e.offset = 1 + (tap_random(UINT64_MAX) >> tap_random(64));
        }

        random_text(&e.event, text[0], 128);
        random_text(&e.type, text[1], 128);
        random_text(&e.id, text[2], 128);
        random_text(&e.receipt, text[3], 128);
        random_text(&e.except, text[4], 128);
        random_text(&e.body, text[5], 128);

        size = ngx_http_push_envelope_size(&e);
        out = malloc(size);
        end = ngx_http_push_envelope_write(out, &e);

        if (size - e.body.len > largest) {
            largest = size - e.body.len;
        }

        wrong += end != out + size
                 || parse_bytes(out, size) != NGX_HTTP_PUSH_ENVELOPE_MESSAGE
                 || env.kind != e.kind || env.time != e.time
                 || env.ttl != e.ttl || env.offset != e.offset
                 || env.is_binary != e.is_binary
                 || env.is_volatile != e.is_volatile
                 || !same(&env.epoch, &e.epoch)
                 || !same(&env.event, &e.event) || !same(&env.type, &e.type)
                 || !same(&env.id, &e.id) || !same(&env.receipt, &e.receipt)
                 || !same(&env.except, &e.except)
                 || !same(&env.body, &e.body);

        free(out);
    }

    tap_is(wrong, 0, "50,000 random envelopes are read as they were written");
    tap_ok(largest <= NGX_HTTP_PUSH_ENVELOPE_HEADER_MAX && largest > 1500,
           "  ... and none has too large a header (largest %zu)", largest);
}


static void
test_largest(void)
{
    char  spaces[129];

    memset(spaces, ' ', 128);
    spaces[128] = '\0';

    fresh();
    set(&env.epoch, "0123456789abcdefghijklmnopqrstuv");
    env.offset = UINT64_MAX;
    env.time = UINT64_MAX;
    env.ttl = UINT64_MAX;
    set(&env.event, spaces);
    set(&env.type, spaces);
    set(&env.id, spaces);
    set(&env.receipt, spaces);
    set(&env.except, spaces);
    env.is_binary = 1;
    env.is_volatile = 1;

    tap_ok(ngx_http_push_envelope_header_size(&env)
           <= NGX_HTTP_PUSH_ENVELOPE_HEADER_MAX,
           "the largest header that can be written can be read (%zu)",
           ngx_http_push_envelope_header_size(&env));
}


int
main(void)
{
    tap_seed();

    test_message();
    test_plain();
    test_bad();
    test_bounds();
    test_epoch();
    test_scratch();
    test_write();
    test_refuse();
    test_text();
    test_largest();
    test_round_trip();

    return tap_done();
}
