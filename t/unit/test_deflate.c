
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * permessage-deflate: every combination of its parameters, the examples of
 * RFC 7692, messages in random pieces against zlib itself, and bombs.
 */


#include <zlib.h>

#include "ngx_http_push_deflate.h"
#include "tap.h"


#define OFFER    "permessage-deflate"
#define ANSWER   "permessage-deflate; server_no_context_takeover" \
                 "; client_no_context_takeover"

#define MEGA     (1024 * 1024)


static ngx_http_push_deflate_t  *deflater;


/* the answer to one or two headers, "none" or "malformed" */

static const char *
negotiate(const char *first, const char *second)
{
    int                             ok;
    u_char                         *copy;
    size_t                          len, i;
    const char                     *values[2];
    ngx_http_push_deflate_terms_t   terms;

    static char  answer[NGX_HTTP_PUSH_DEFLATE_ANSWER_MAX + 1];

    memset(&terms, 0, sizeof(terms));

    values[0] = first;
    values[1] = second;

    for (i = 0; i < 2 && values[i] != NULL; i++) {

        /* in a block of its own size, so that a read beside it is seen */

        len = strlen(values[i]);
        copy = malloc(len ? len : 1);
        memcpy(copy, values[i], len);

        ok = ngx_http_push_deflate_negotiate(&terms, copy, len);

        free(copy);

        if (!ok) {
            return "malformed";
        }
    }

    if (!terms.accepted) {
        return "none";
    }

    len = ngx_http_push_deflate_answer(&terms, (u_char *) answer);
    answer[len] = '\0';

    return answer;
}


static void
test_offers(void)
{
    size_t  i;

    static const struct {
        const char  *value;
        const char  *answer;
        const char  *claim;
    } rows[] = {

        { OFFER, ANSWER, "a bare offer" },
        { OFFER "; client_max_window_bits",
          ANSWER "; client_max_window_bits=15", "what browsers offer" },
        { OFFER "; server_max_window_bits=12; client_max_window_bits=12",
          ANSWER "; server_max_window_bits=12; client_max_window_bits=12",
          "both windows" },
        { OFFER "; client_max_window_bits=9; server_no_context_takeover; "
          "server_max_window_bits=10; client_no_context_takeover",
          ANSWER "; server_max_window_bits=10; client_max_window_bits=9",
          "all four, in another order" },

        /* the grammar */

        { OFFER ";client_max_window_bits", ANSWER "; client_max_window_bits=15",
          "no blanks" },
        { "\t" OFFER " \t;\tclient_max_window_bits = \"1\\0\" ",
          ANSWER "; client_max_window_bits=10",
          "many blanks, and a quoted value" },
        { OFFER "; server_max_window_bits=\"15\"",
          ANSWER "; server_max_window_bits=15", "a quoted number" },
        { ", ,\t" OFFER " ,, ", ANSWER, "empty elements" },
        { "", "none", "an empty header" },
        { " , ", "none", "an empty list" },
        { "x; a=b; c=\"d\"; e, " OFFER, ANSWER, "another extension first" },
        { OFFER ", x; " OFFER, ANSWER, "another extension after it" },
        { "x; " OFFER, "none", "ours as a parameter of another" },
        { "Permessage-Deflate", "none", "names are compared exactly" },
        { "permessage-deflate2, x-" OFFER, "none", "names are compared whole" },
        { "permessage-bzip2", "none", "another compression" },
        { OFFER ";", "malformed", "no parameter after a semicolon" },
        { OFFER ";;client_max_window_bits", "malformed", "two semicolons" },
        { OFFER "; =10", "malformed", "a parameter without a name" },
        { OFFER "; a=", "malformed", "no value after the sign" },
        { OFFER "; a=\"\"", "malformed", "an empty quoted value" },
        { OFFER "; a=\"b", "malformed", "an open quote" },
        { OFFER "; a=\"b\\", "malformed", "an open escape" },
        { OFFER "; a=\"b c\"", "malformed", "no token within quotes" },
        { OFFER "; a=\"b\"c", "malformed", "more after the quote" },
        { OFFER "; a=b c", "malformed", "two words as a value" },
        { OFFER " x", "malformed", "two words as a name" },
        { OFFER "=1", "malformed", "a value for the extension" },
        { "a/b", "malformed", "a separator in a name" },
        { "\"" OFFER "\"", "malformed", "a quoted name" },
        { "\xc3\xa4", "malformed", "no ASCII" },
        { "; a", "malformed", "no name" },
        { OFFER ", ;", "malformed", "an acceptable offer, then nonsense" },

        /* RFC 7692 7.1: what is declined */

        { OFFER "; unknown", "none", "an unknown parameter" },
        { OFFER "; Client_max_window_bits", "none",
          "parameters are compared exactly" },
        { OFFER "; server_no_context_takeover=1", "none",
          "a value for server_no_context_takeover" },
        { OFFER "; client_no_context_takeover=\"true\"", "none",
          "a value for client_no_context_takeover" },
        { OFFER "; server_max_window_bits", "none",
          "server_max_window_bits without a value" },
        { OFFER "; client_max_window_bits; client_max_window_bits", "none",
          "client_max_window_bits twice" },
        { OFFER "; client_max_window_bits=10; client_max_window_bits=10",
          "none", "  ... with the same value" },
        { OFFER "; server_max_window_bits=10; server_max_window_bits=10",
          "none", "server_max_window_bits twice" },
        { OFFER "; server_no_context_takeover; server_no_context_takeover",
          "none", "server_no_context_takeover twice" },
        { OFFER "; client_no_context_takeover; client_no_context_takeover",
          "none", "client_no_context_takeover twice" },

        /* several offers */

        { OFFER "; unknown, " OFFER "; server_max_window_bits=10, " OFFER,
          ANSWER "; server_max_window_bits=10", "the first that can be had" },
        { OFFER ", " OFFER "; client_max_window_bits", ANSWER,
          "a better one later does not count" },
        { OFFER "; a, " OFFER "; server_max_window_bits=7", "none",
          "none that can be had" }
    };

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tap_is_text(negotiate(rows[i].value, NULL), rows[i].answer,
                    rows[i].claim);
    }

    tap_is_text(negotiate("x-webkit", OFFER "; client_max_window_bits=11"),
                ANSWER "; client_max_window_bits=11", "the second header");
    tap_is_text(negotiate(OFFER, OFFER "; client_max_window_bits=11"),
                ANSWER, "the first of two headers");
    tap_is_text(negotiate(OFFER "; a", OFFER "; server_max_window_bits=9"),
                ANSWER "; server_max_window_bits=9",
                "the second of two headers where the first is declined");
    tap_is_text(negotiate(OFFER, "a/b"), "malformed",
                "a second header that is malformed");
}


/* a value is appended to a parameter; returns what it should be taken for */

static int
value(char *dst, size_t i)
{
    static const char *const  values[] = {
        "", "=8", "=9", "=10", "=11", "=12", "=13", "=14", "=15", "=\"8\"",
        "=\"\\1\\5\"", "=0", "=1", "=7", "=16", "=18", "=20", "=99", "=08",
        "=010", "=015", "=1a", "=a", "=-8", "=+9", "=8.0", "=150", "=:"
    };

    static const int  numbers[] = {
        0, 8, 9, 10, 11, 12, 13, 14, 15, 8, 15
    };

    if (i >= sizeof(values) / sizeof(values[0])) {
        return -2;
    }

    strcat(dst, values[i]);

    if (i < sizeof(numbers) / sizeof(numbers[0])) {
        return numbers[i];
    }

    return strcmp(values[i], "=:") == 0 ? -3 : -1;
}


/* each parameter absent, or with each value; the first two with and without */

static void
test_combinations(void)
{
    int       server, client;
    char      offer[300], answer[300], part[40];
    size_t    i, s, c;
    unsigned  count, wrong;

    count = 0;
    wrong = 0;

    for (i = 0; i < 4 * 4; i++) {
        for (s = 0; ; s++) {
            part[0] = '\0';
            server = s ? value(part, s - 1) : -9;

            if (server == -2) {
                break;
            }

            for (c = 0; ; c++) {
                strcpy(offer, OFFER);
                strcpy(answer, ANSWER);

                if (i & 1) {
                    strcat(offer, "; server_no_context_takeover");
                }

                if (s) {
                    strcat(offer, "; server_max_window_bits");
                    strcat(offer, part);

                    if (server > 0) {
                        sprintf(answer + strlen(answer),
                                "; server_max_window_bits=%d", server);
                    }
                }

                if (i & 2) {
                    strcat(offer, "; client_no_context_takeover");
                }

                client = -9;

                if (c) {
                    strcat(offer, "; client_max_window_bits");
                    client = value(offer, c - 1);

                    if (client == -2) {
                        break;
                    }

                    if (client >= 0) {
                        sprintf(answer + strlen(answer),
                                "; client_max_window_bits=%d",
                                client ? client : 15);
                    }
                }

                if (i & 4) {
                    strcat(offer, "; server_no_context_takeover=x");
                }

                if (i & 8) {
                    strcat(offer, "; client_no_context_takeover; a");
                }

                if (server == -3 || client == -3) {
                    strcpy(answer, "malformed");

                } else if (server == -1 || server == 0 || client == -1
                           || (i & 12))
                {
                    strcpy(answer, "none");
                }

                count++;

                if (strcmp(negotiate(offer, NULL), answer) != 0) {
                    printf("# %s: %s\n", offer, negotiate(offer, NULL));
                    wrong++;
                }
            }
        }
    }

    tap_is(wrong, 0, "every combination of parameters and values");
    tap_ok(count > 10000, "  ... %u of them", count);
}


static void
test_windows(void)
{
    unsigned  bits, wrong;

    wrong = 0;

    for (bits = 8; bits <= 15; bits++) {
        wrong += ngx_http_push_deflate_window(bits)
                 != (bits == 15 ? 15 : bits >= 12 ? 12 : 0);
    }

    tap_is(wrong, 0, "no window is larger than what a client takes");
}


/* zlib's own, with the tail and a window that binds; size or -1 */

static ssize_t
zlib_inflate(const u_char *in, size_t len, int bits, u_char *out, size_t room)
{
    int       rc;
    size_t    done;
    u_char   *copy;
    z_stream  z;

    copy = malloc(len + 4);
    memcpy(copy, in, len);
    memcpy(copy + len, "\x00\x00\xff\xff", 4);

    memset(&z, 0, sizeof(z));

    if (inflateInit2(&z, -bits) != Z_OK) {
        free(copy);
        return -1;
    }

    z.next_in = copy;
    z.avail_in = (uInt) len + 4;
    done = 0;

    /* in small steps, or it would look up in what was written */

    do {
        z.next_out = out + done;
        z.avail_out = room - done < 16 ? (uInt) (room - done) : 16;
        rc = inflate(&z, Z_SYNC_FLUSH);
        done = z.next_out - out;
    } while (rc == Z_OK && done < room);

    rc = rc == Z_OK || (rc == Z_BUF_ERROR && z.avail_in == 0);

    inflateEnd(&z);
    free(copy);

    return rc ? (ssize_t) done : -1;
}


/* the payload in a block of its own; NULL: it does not fit */

static u_char *
pack(unsigned level, unsigned window, const void *in, size_t len, size_t room,
    size_t *size)
{
    u_char                       *out;
    ngx_http_push_deflate_how_t   how;

    out = malloc(room ? room : 1);
    *size = room;

    how.level = level;
    how.window = window;

    if (ngx_http_push_deflate_compress(deflater, how, in, len, out, size)
        != NGX_HTTP_PUSH_DEFLATE_OK)
    {
        free(out);
        return NULL;
    }

    return out;
}


static void
test_compress(void)
{
    size_t    size, room;
    u_char   *out;
    unsigned  level, wrong, fits;

    wrong = 0;

    for (level = 1; level <= 9; level++) {
        out = pack(level, 12 + 3 * (level & 1), "Hello", 5, 100, &size);

        wrong += out == NULL || size != 7
                 || memcmp(out, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7) != 0;
        free(out);
    }

    tap_is(wrong, 0, "\"Hello\" as in RFC 7692 7.2.3.1, with every level");

    out = pack(1, 15, "", 0, 100, &size);

    tap_ok(out != NULL && size == 1 && out[0] == 0,
           "an empty message as in RFC 7692 7.2.3.6");
    free(out);

    wrong = 0;
    fits = 0;

    for (room = 0; room < 30; room++) {
        out = pack(1, 15, "Hello", 5, room, &size);

        if (out == NULL) {
            wrong += room >= 7 + NGX_HTTP_PUSH_DEFLATE_MARGIN;

        } else {
            wrong += size != 7;
            fits++;
        }

        free(out);
    }

    tap_ok(wrong == 0 && fits == 30 - 7 - NGX_HTTP_PUSH_DEFLATE_MARGIN,
           "what does not fit is not written, with the margin it fits");
}


/* compressible in some degree, with repetitions from far away */

static void
fill(u_char *text, size_t len)
{
    size_t    i, from, n;
    unsigned  letters;

    letters = 1 + tap_random(256);

    for (i = 0; i < len; /* void */ ) {

        if (i == 0 || tap_random(4) == 0) {
            text[i++] = (u_char) tap_random(letters);
            continue;
        }

        from = tap_random(i);

        for (n = 1 + tap_random(300); n && i < len; n--) {
            text[i++] = text[from++];
        }
    }
}


/* inflates in random pieces; what came out is in *out, *size bytes */

static int
unpack(const u_char *in, size_t len, uint64_t max, size_t most, u_char **out,
    size_t *size)
{
    int            rc, last;
    size_t         at, n, room, total, have;
    u_char        *piece, *part, *all;
    const u_char  *pos;

    all = NULL;
    have = 0;
    total = 0;

    ngx_http_push_deflate_begin(deflater, max);

    for (at = 0; /* void */ ; at += n) {
        n = most == 0 ? len : tap_random(most + 1);
        n = n > len - at ? len - at : n;
        last = (at + n == len && (most == 0 || tap_random(2)));

        piece = malloc(n ? n : 1);
        memcpy(piece, in + at, n);
        pos = piece;

        do {
            room = 1 + tap_random(most && tap_random(2) ? most : 70000);
            part = malloc(room);

            rc = ngx_http_push_deflate_inflate(deflater, &pos, piece + n, last,
                                               part, &room);

            if (total + room >= have) {
                have = 2 * (total + room) + 100;
                all = realloc(all, have);
            }

            memcpy(all + total, part, room);
            total += room;

            free(part);

        } while (rc == NGX_HTTP_PUSH_DEFLATE_MORE);

        if (rc == NGX_HTTP_PUSH_DEFLATE_OK && pos != piece + n) {
            rc = -1;
        }

        free(piece);

        if (rc != NGX_HTTP_PUSH_DEFLATE_OK || last) {
            break;
        }
    }

    *out = all;
    *size = total;

    return rc;
}


/* whole, byte by byte and in random pieces: always the same */

static void
expect(const void *in, size_t len, const char *expected, const char *claim)
{
    int       rc;
    size_t    i, size, most;
    u_char   *out;
    unsigned  wrong;

    wrong = 0;

    for (i = 0; i < 200; i++) {
        most = i < 2 ? i : 1 + tap_random(10);
        rc = unpack(in, len, 0, most, &out, &size);

        if (expected == NULL) {
            wrong += rc != NGX_HTTP_PUSH_DEFLATE_INVALID;

        } else {
            wrong += rc != NGX_HTTP_PUSH_DEFLATE_OK
                     || size != strlen(expected)
                     || memcmp(out, expected, size) != 0;
        }

        free(out);
    }

    tap_is(wrong, 0, claim);
}


#define BYTES(s)  s, sizeof(s) - 1


static void
test_examples(void)
{
    size_t  n;
    char    claim[80];

    expect(BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), "Hello",
           "RFC 7692 7.2.3.1: one block");
    expect(BYTES("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), "Hello",
           "7.2.3.3: a block without compression");
    expect(BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), "Hello",
           "7.2.3.4: a final block");
    expect(BYTES("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"),
           "Hello", "7.2.3.5: two blocks");
    expect(BYTES("\x00"), "", "7.2.3.6: an empty message");

    expect(BYTES(""), "", "an empty payload is an empty message, too");
    expect(BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00"), "Hello",
           "a final block and no empty one after it");
    expect(BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00"
                 "\xf3\x48\xcd\xc9\xc9\x07\x00"
                 "\xf2\x48\xcd\xc9\xc9\x07\x00"), "HelloHelloHello",
           "final blocks one after the other");
    expect(BYTES("\x03\x00\x03\x00\x03\x00\x00"), "", "empty final blocks");
    expect(BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x00\x11\x00\x00"),
           "HelloHello", "a block that refers to what came before a final one");

    expect(BYTES("\xf2\x00\x11\x00\x00"), NULL,
           "what refers to the message before is invalid: no context is kept");
    expect(BYTES("\x06"), NULL, "a reserved type of block is invalid");
    expect(BYTES("\x00\x05\x00\xfa\xfe\x48"), NULL,
           "a length that contradicts itself is invalid");
    expect(BYTES("\xff\xff\xff\xff\xff"), NULL, "nonsense is invalid");
    expect(BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x06"), NULL,
           "nonsense after a final block is invalid");

    expect(BYTES("\x2b"), NULL,
           "a final block that takes a part of the tail is invalid");

    for (n = 1; n < 7; n++) {
        sprintf(claim, "the first %u bytes of \"Hello\" are invalid",
                (unsigned) n);
        expect("\xf2\x48\xcd\xc9\xc9\x07\x00", n, NULL, claim);
    }
}


static void
test_round_trips(void)
{
    size_t    i, len, size, back;
    u_char   *text, *out, *in, *copy;
    unsigned  wrong, level, window;

    wrong = 0;

    for (i = 0; i < 600; i++) {
        len = tap_random(i % 2 ? 5000 : i % 3 ? 40000 : 150000);
        text = malloc(len + 1);
        copy = malloc(len + 1);
        fill(text, len);

        level = 1 + tap_random(9);
        window = tap_random(2) ? 12 : 15;

        out = pack(level, window, text, len, len + len / 8 + 100, &size);

        if (out == NULL
            || zlib_inflate(out, size, window, copy, len + 1) != (ssize_t) len
            || memcmp(copy, text, len) != 0)
        {
            wrong++;

        } else if (unpack(out, size, len, tap_random(3000), &in, &back)
                   != NGX_HTTP_PUSH_DEFLATE_OK
                   || back != len || memcmp(in, text, len) != 0)
        {
            wrong++;
            free(in);

        } else {
            free(in);
        }

        free(out);
        free(copy);
        free(text);
    }

    tap_is(wrong, 0, "what was compressed is inflated, by zlib with the same "
           "window and by us in random pieces");
}


/* parts of a message: each ends with a final block, or with a flush */

static void
test_final_blocks(void)
{
    int       rc;
    size_t    i, len, at, n, size, back;
    u_char   *text, *out, *in;
    z_stream  z;
    unsigned  wrong, final;

    wrong = 0;

    for (i = 0; i < 200; i++) {
        len = 1 + tap_random(i % 2 ? 2000 : 60000);
        text = malloc(len);
        out = malloc(2 * len + 10000);
        fill(text, len);

        size = 0;
        final = 0;

        for (at = 0; at < len; at += n) {
            n = 1 + tap_random(1 + len / 2);
            n = n > len - at ? len - at : n;
            final = (unsigned) tap_random(2);

            memset(&z, 0, sizeof(z));
            (void) deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
            (void) deflateSetDictionary(&z, text, (uInt) at);

            z.next_in = text + at;
            z.avail_in = (uInt) n;
            z.next_out = out + size;
            z.avail_out = (uInt) (2 * len + 10000 - size);

            rc = deflate(&z, final ? Z_FINISH : Z_SYNC_FLUSH);
            wrong += rc != (final ? Z_STREAM_END : Z_OK);

            size = z.next_out - out;
            (void) deflateEnd(&z);
        }

        if (final) {
            out[size++] = 0;

        } else {
            size -= 4;
        }

        rc = unpack(out, size, len, tap_random(500), &in, &back);

        wrong += rc != NGX_HTTP_PUSH_DEFLATE_OK || back != len
                 || memcmp(in, text, len) != 0;

        free(in);
        free(out);
        free(text);
    }

    tap_is(wrong, 0, "messages with final blocks anywhere, that refer across "
           "them");
}


static void
test_damage(void)
{
    int       rc;
    size_t    i, k, size, back, most;
    u_char   *out, *in, text[3000];
    unsigned  wrong, told;

    wrong = 0;
    told = 0;

    for (i = 0; i < 3000; i++) {
        fill(text, sizeof(text));
        out = pack(6, 15, text, sizeof(text), 5000, &size);

        for (k = tap_random(4); k != 0; k--) {
            out[tap_random(size)] ^= (u_char) (1 << tap_random(8));
        }

        size = tap_random(2) ? size : tap_random(size + 1);
        most = tap_random(200);

        rc = unpack(out, size, 10000, most, &in, &back);

        told += rc != NGX_HTTP_PUSH_DEFLATE_OK;
        wrong += rc == -1 || back > 10001
                 || (rc == NGX_HTTP_PUSH_DEFLATE_OK && back > 10000)
                 || (rc == NGX_HTTP_PUSH_DEFLATE_TOO_LARGE && back != 10001);
        free(in);
        free(out);
    }

    tap_ok(wrong == 0 && told > 1000 && told < 3000,
           "damaged messages: %u of 3000 are told", told);
}


/* a megabyte of zeros, with the tail, so that it may be repeated */

static u_char *
zeros(size_t *size)
{
    u_char  *in, *out;

    in = calloc(1, MEGA);
    out = pack(9, 15, in, MEGA, 10000, size);
    free(in);

    memcpy(out + *size, "\x00\x00\xff\xff", 4);
    *size += 4;

    return out;
}


static void
test_bombs(void)
{
    int            rc;
    size_t         i, size, back, len, room, total;
    u_char        *mega, *in, *bomb, out[4096];
    uint64_t       max;
    unsigned       wrong;
    const u_char  *pos;

    mega = zeros(&size);
    len = size * 1024;
    bomb = malloc(len);

    for (i = 0; i < 1024; i++) {
        memcpy(bomb + i * size, mega, size);
    }

    tap_ok(len < 2 * MEGA, "a bomb of 1 GB in %u KB", (unsigned) (len / 1024));

    wrong = 0;

    for (i = 0; i < 300; i++) {
        max = 1 + tap_random(i % 2 ? 1000 : 100000);

        rc = unpack(bomb, i % 10 ? 2 * size : len, max,
                    i % 10 ? tap_random(100) : 0, &in, &back);

        wrong += rc != NGX_HTTP_PUSH_DEFLATE_TOO_LARGE || back != max + 1;
        free(in);
    }

    tap_is(wrong, 0, "not more than one byte beyond the limit comes out");

    ngx_http_push_deflate_begin(deflater, 65536);
    pos = bomb;
    total = 0;

    do {
        room = sizeof(out);
        rc = ngx_http_push_deflate_inflate(deflater, &pos, bomb + len, 0, out,
                                           &room);
        total += room;
    } while (rc == NGX_HTTP_PUSH_DEFLATE_MORE);

    tap_ok(rc == NGX_HTTP_PUSH_DEFLATE_TOO_LARGE && total == 65537
           && pos < bomb + 1000,
           "  ... after as little input as that takes");

    room = sizeof(out);

    tap_ok(ngx_http_push_deflate_inflate(deflater, &pos, bomb + len, 1, out,
                                         &room)
           == NGX_HTTP_PUSH_DEFLATE_TOO_LARGE && room == 0,
           "  ... and nothing afterwards");

    rc = unpack(mega, size - 4, MEGA, 0, &in, &back);
    tap_ok(rc == NGX_HTTP_PUSH_DEFLATE_OK && back == MEGA,
           "exactly what is allowed");
    free(in);

    rc = unpack(mega, size - 4, MEGA - 1, 0, &in, &back);
    tap_ok(rc == NGX_HTTP_PUSH_DEFLATE_TOO_LARGE && back == MEGA,
           "  ... and one byte more");
    free(in);

    rc = unpack(bomb, 4 * size - 4, 0, 0, &in, &back);
    tap_ok(rc == NGX_HTTP_PUSH_DEFLATE_OK && back == 4 * MEGA,
           "without a limit everything comes out");
    free(in);

    rc = unpack(bomb, 4 * size - 4, UINT64_MAX, 5000, &in, &back);
    tap_ok(rc == NGX_HTTP_PUSH_DEFLATE_OK && back == 4 * MEGA,
           "  ... with the largest limit, too");
    free(in);

    expect(BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00"), "Hello",
           "the next message is none the worse");

    free(bomb);
    free(mega);
}


int
main(void)
{
    tap_seed();

    deflater = ngx_http_push_deflate_create();

    test_offers();
    test_combinations();
    test_windows();
    test_compress();
    test_examples();
    test_round_trips();
    test_final_blocks();
    test_damage();
    test_bombs();

    ngx_http_push_deflate_destroy(deflater);

    return tap_done();
}
