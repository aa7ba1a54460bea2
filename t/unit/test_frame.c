
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * WebSocket frames: a stream is written down frame by frame, fed to the parser
 * in one piece, byte by byte and in random pieces, and what came out is told
 * as text, one line an event.
 */


#include "ngx_http_push_frame.h"
#include "tap.h"


#define MAX_INPUT   (2 * 1024 * 1024)
#define MAX_RECORD  65536

#define TEXT          0x81
#define TEXT_PART     0x01
#define BINARY        0x82
#define BINARY_PART   0x02
#define MORE          0x00
#define LAST          0x80
#define CLOSE         0x88
#define PING          0x89
#define PONG          0x8a
#define RSV1          0x40


/* what is fed, and how the parser is set up for it */
static u_char    in[MAX_INPUT];
static size_t    in_len;
static uint64_t  in_max;
static unsigned  in_rsv1;

/* what came out */
static char      record[MAX_RECORD];
static size_t    record_len;
static u_char    message[MAX_INPUT];
static size_t    message_len;
static size_t    consumed;

/* events that no stream should give; counted over the whole run */
static unsigned  strange;


static void
start(void)
{
    in_len = 0;
    in_max = 0;
    in_rsv1 = 0;
}


static void
raw(const void *p, size_t len)
{
    memcpy(in + in_len, p, len);
    in_len += len;
}


static void
put(unsigned c)
{
    in[in_len++] = (u_char) c;
}


/* a masked header; form is the second byte without its mask bit */

static void
header(unsigned first, unsigned form, uint64_t len, const u_char *mask)
{
    int  i;

    put(first);
    put(0x80 | form);

    for (i = form == 126 ? 1 : form == 127 ? 7 : -1; i >= 0; i--) {
        put((unsigned) (len >> (8 * i)) & 0xff);
    }

    if (mask) {
        raw(mask, 4);
    }
}


static unsigned
minimal(uint64_t len)
{
    return len < 126 ? (unsigned) len : len < 65536 ? 126 : 127;
}


static void
frame(unsigned first, const void *payload, size_t len)
{
    size_t  i;
    u_char  mask[4];

    for (i = 0; i < 4; i++) {
        mask[i] = (u_char) tap_random(256);
    }

    header(first, minimal(len), len, mask);

    for (i = 0; i < len; i++) {
        put(((const u_char *) payload)[i] ^ mask[i & 3]);
    }
}


static void
text(unsigned first, const char *payload)
{
    frame(first, payload, strlen(payload));
}


/* a text frame of which only the first bytes have come */

static void
text_begun(const char *payload, size_t come)
{
    text(TEXT, payload);
    in_len -= strlen(payload) - come;
}


static void
note(const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    record_len += vsnprintf(record + record_len, sizeof(record) - record_len,
                            fmt, args);
    va_end(args);

    if (record_len >= sizeof(record)) {
        printf("Bail out! the record is too small\n");
        exit(2);
    }
}


static void
note_bytes(const u_char *p, size_t len)
{
    size_t    i;
    uint32_t  hash;

    note("%zu:", len);

    if (len > 64) {

        for (i = 0, hash = 2166136261u; i < len; i++) {
            hash = (hash ^ p[i]) * 16777619u;
        }

        note("#%08x", hash);
        return;
    }

    for (i = 0; i < len; i++) {

        if (p[i] > ' ' && p[i] < 0x7f) {
            note("%c", p[i]);

        } else {
            note("\\%02x", p[i]);
        }
    }
}


static void
note_data(const ngx_http_push_frame_event_t *ev)
{
    strange += ev->first != (message_len == 0);
    strange += ev->len == 0 && !ev->last;

    memcpy(message + message_len, ev->data, ev->len);
    message_len += ev->len;

    if (!ev->last) {
        return;
    }

    note("%s%s ", ev->compressed ? "compressed " : "",
         ev->opcode == NGX_HTTP_PUSH_FRAME_TEXT ? "text"
         : ev->opcode == NGX_HTTP_PUSH_FRAME_BINARY ? "binary" : "?");
    note_bytes(message, message_len);
    note("\n");

    message_len = 0;
}


static void
note_control(const ngx_http_push_frame_event_t *ev)
{
    note("%s ", ev->opcode == NGX_HTTP_PUSH_FRAME_PING ? "ping"
         : ev->opcode == NGX_HTTP_PUSH_FRAME_PONG ? "pong"
         : ev->opcode == NGX_HTTP_PUSH_FRAME_CLOSE ? "close" : "?");

    if (ev->opcode == NGX_HTTP_PUSH_FRAME_CLOSE) {
        note("%u ", ev->code);
    }

    note_bytes(ev->data, ev->len);

    if (message_len) {
        note(" after %zu", message_len);
    }

    note("\n");
}


/* 0 when the parser has failed */

static int
feed(ngx_http_push_frame_parser_t *fp, u_char *p, size_t len)
{
    int                           rc;
    u_char                       *pos;
    ngx_http_push_frame_event_t   ev;

    pos = p;

    for ( ;; ) {
        rc = ngx_http_push_frame_parse(fp, &pos, p + len, &ev);

        switch (rc) {

        case NGX_HTTP_PUSH_FRAME_DATA:
            note_data(&ev);
            break;

        case NGX_HTTP_PUSH_FRAME_CONTROL:
            note_control(&ev);
            break;

        case NGX_HTTP_PUSH_FRAME_AGAIN:
            consumed += len;
            strange += pos != p + len;
            return 1;

        default:
            consumed += pos - p;
            strange += ev.data != NULL || ev.len || ev.opcode || ev.first;
            note("error %u %s\n", ev.code, ev.reason);
            return 0;
        }
    }
}


/*
 * Each piece is fed from a block of its own size, so that a read or a write
 * beside it is seen.  most 0: all in one piece.
 */

static void
run(size_t most)
{
    int                            going;
    size_t                         at, n;
    u_char                        *piece;
    ngx_http_push_frame_parser_t   fp;

    record_len = 0;
    record[0] = '\0';
    message_len = 0;
    consumed = 0;

    ngx_http_push_frame_init(&fp, in_max);
    fp.allow_rsv1 = in_rsv1;

    going = 1;

    for (at = 0; at < in_len && going; at += n) {
        n = most == 0 ? in_len : 1 + tap_random(most);
        n = n > in_len - at ? in_len - at : n;

        piece = malloc(n);
        memcpy(piece, in + at, n);

        going = feed(&fp, piece, n);

        free(piece);
    }
}


/* whole, byte by byte, in random pieces */

static int
expect(const char *expected, const char *name)
{
    unsigned              i;
    static const size_t   most[] = { 0, 1, 2, 3, 7, 20, 300 };

    for (i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
        run(most[i]);

        if (strcmp(record, expected) != 0) {
            tap_ok(0, "%s", name);
            printf("# in pieces of up to %zu\n# got:\n%s# expected:\n%s",
                   most[i], record, expected);
            return 0;
        }
    }

    return tap_ok(1, "%s", name);
}


/* the stream fails at its last byte and at none before it */

static void
expect_error(const char *expected, const char *name)
{
    expect(expected, name);
    run(1);
    tap_ok(consumed == in_len && strstr(record, "error") != NULL,
           "  ... and is told at the byte that shows it");
}


static void
test_messages(void)
{
    start();
    raw("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
    expect("text 5:Hello\n", "the masked text of RFC 6455 5.7");

    start();
    text(TEXT, "a");
    frame(BINARY, "\0\xff", 2);
    text(TEXT, "");
    text(BINARY, "");
    text(TEXT, "\xe2\x82\xac");
    expect("text 1:a\nbinary 2:\\00\\ff\ntext 0:\nbinary 0:\n"
           "text 3:\\e2\\82\\ac\n",
           "messages follow each other, an empty one is an event too");

    start();
    text(TEXT_PART, "a");
    text(MORE, "bc");
    text(LAST, "def");
    text(BINARY_PART, "x");
    text(LAST, "y");
    expect("text 6:abcdef\nbinary 2:xy\n",
           "fragments are one message of the first one's kind");

    start();
    text(TEXT_PART, "");
    text(MORE, "");
    text(LAST, "");
    text(TEXT_PART, "");
    text(MORE, "a");
    text(MORE, "");
    text(LAST, "");
    expect("text 0:\ntext 1:a\n", "fragments may be empty");

    start();
    text(TEXT_PART, "ab");
    text(PING, "1");
    text(MORE, "cd");
    text(PONG, "");
    text(PING, "23");
    text(LAST, "ef");
    text(PING, "");
    expect("ping 1:1 after 2\npong 0: after 4\nping 2:23 after 4\n"
           "text 6:abcdef\nping 0:\n",
           "control frames come between fragments, in their order");
}


static void
test_length(size_t len)
{
    int                           rc;
    char                          expected[1024], name[64];
    size_t                        i;
    u_char                       *pos;
    ngx_http_push_frame_event_t   ev;
    ngx_http_push_frame_parser_t  fp;

    static u_char  payload[65536];

    for (i = 0; i < len; i++) {
        payload[i] = (u_char) tap_random(256);
    }

    start();
    frame(BINARY, payload, len);
    frame(BINARY, payload, len);

    record_len = 0;

    for (i = 0; i < 2; i++) {
        note("binary ");
        note_bytes(payload, len);
        note("\n");
    }

    memcpy(expected, record, sizeof(expected));
    snprintf(name, sizeof(name), "a payload of %zu bytes, twice", len);
    expect(expected, name);

    /* the piece that came is the piece that is told, where it lies */

    pos = in;
    ngx_http_push_frame_init(&fp, 0);
    rc = ngx_http_push_frame_parse(&fp, &pos, in + in_len, &ev);

    tap_ok(rc == NGX_HTTP_PUSH_FRAME_DATA && ev.first && ev.last
           && ev.len == len && ev.data == pos - len
           && memcmp(ev.data, payload, len) == 0,
           "  ... and it is one event, unmasked in the input");
}


static void
test_lengths(void)
{
    size_t  i;

    static const size_t  lens[] = {
        0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 124, 125, 126, 127, 128, 65534,
        65535, 65536
    };

    for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        test_length(lens[i]);
    }
}


static void
test_length_rules(void)
{
    unsigned  i;
    char      name[128];

    static const struct {
        unsigned     first;
        unsigned     form;
        uint64_t     len;
        const char  *expected;
    } list[] = {
        { TEXT, 126, 0, "not minimal" },
        { TEXT, 126, 125, "not minimal" },
        { BINARY, 127, 0, "not minimal" },
        { BINARY, 127, 126, "not minimal" },
        { BINARY, 127, 65535, "not minimal" },
        { BINARY, 127, 1ULL << 63, "highest bit" },
        { BINARY, 127, UINT64_MAX, "highest bit" },
        { PING, 126, 126, "control frame too long" },
        { PONG, 126, 125, "control frame too long" },
        { CLOSE, 127, 65536, "control frame too long" }
    };

    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        start();

        if (list[i].first >= CLOSE) {
            put(list[i].first);
            put(0x80 | list[i].form);

        } else {
            header(list[i].first, list[i].form, list[i].len, NULL);
        }

        snprintf(name, sizeof(name),
                 "frame %02x with length %llu in form %u is refused",
                 list[i].first, (unsigned long long) list[i].len,
                 list[i].form);

        run(1);
        tap_ok(strncmp(record, "error 1002 ", 11) == 0
               && strstr(record, list[i].expected) && consumed == in_len,
               "%s", name);
    }

    start();
    header(BINARY, 127, (1ULL << 63) - 1, (u_char *) "abcd");
    put('a');
    expect("", "a length of 2^63-1 is a length");

    start();
    text(BINARY_PART, "12345");
    header(LAST, 127, (1ULL << 63) - 1, (u_char *) "abcd");
    put('a');
    expect("", "  ... also behind another fragment");
}


static void
test_header_rules(void)
{
    unsigned  opcode;
    char      name[128];

    start();
    put(TEXT);
    put(0x05);
    expect_error("error 1002 frame is not masked\n",
                 "a frame without a mask is refused");

    start();
    put(PING);
    put(0x00);
    expect_error("error 1002 frame is not masked\n",
                 "an empty ping without a mask is refused");

    for (opcode = 0; opcode < 16; opcode++) {

        if (opcode < 3 || (opcode > 7 && opcode < 11)) {
            continue;
        }

        start();
        text(TEXT, "ok");
        put(0x80 | opcode);
        snprintf(name, sizeof(name), "the reserved opcode %x is refused",
                 opcode);
        expect_error("text 2:ok\nerror 1002 reserved opcode\n", name);
    }

    for (opcode = 1; opcode < 8; opcode++) {
        start();
        put(TEXT | opcode << 4);
        snprintf(name, sizeof(name), "reserved bits %u are refused", opcode);
        expect_error("error 1002 reserved bit set\n", name);

        start();
        put(PING | opcode << 4);
        snprintf(name, sizeof(name),
                 "reserved bits %u of a control frame are refused", opcode);
        expect_error("error 1002 reserved bit set\n", name);
    }

    for (opcode = 8; opcode < 11; opcode++) {
        start();
        put(opcode);
        snprintf(name, sizeof(name), "a fragment of control frame %x is "
                 "refused", opcode);
        expect_error("error 1002 fragmented control frame\n", name);
    }

    start();
    put(LAST);
    expect_error("error 1002 continuation of no message\n",
                 "a continuation at the start is refused");

    start();
    text(TEXT, "whole");
    put(MORE);
    expect_error("text 5:whole\nerror 1002 continuation of no message\n",
                 "a continuation after a complete message is refused");

    start();
    text(TEXT_PART, "part");
    put(TEXT);
    expect_error("error 1002 new message within a message\n",
                 "a text frame within a message is refused");

    start();
    text(TEXT_PART, "part");
    text(MORE, "");
    put(BINARY_PART);
    expect_error("error 1002 new message within a message\n",
                 "a binary frame within a message is refused");

    start();
    frame(PING, name, 125);
    run(0);
    tap_ok(strncmp(record, "ping 125:", 9) == 0, "a ping may have 125 bytes");
}


static void
test_limit(void)
{
    start();
    in_max = 5;
    text(TEXT, "12345");
    text(BINARY, "54321");
    expect("text 5:12345\nbinary 5:54321\n",
           "a message of the largest size is taken, and one after it");

    start();
    in_max = 5;
    header(BINARY, 6, 6, NULL);
    expect_error("error 1009 message too large\n",
                 "a message of a byte more is refused");

    start();
    in_max = 125;
    header(TEXT, 126, 126, NULL);
    expect_error("error 1009 message too large\n",
                 "  ... with a 16 bit length");

    start();
    in_max = 65535;
    header(TEXT, 127, 65536, NULL);
    expect_error("error 1009 message too large\n",
                 "  ... with a 64 bit length");

    start();
    in_max = UINT64_MAX / 2;
    text(TEXT_PART, "1");
    header(LAST, 127, (1ULL << 63) - 1, NULL);
    expect_error("error 1009 message too large\n",
                 "  ... with a sum of fragments near 2^63");

    start();
    in_max = 5;
    text(TEXT_PART, "123");
    text(PING, "0123456789");
    text(MORE, "4");
    header(LAST, 2, 2, NULL);
    expect_error("ping 10:0123456789 after 3\nerror 1009 message too large\n",
                 "the limit is for the sum of fragments");

    start();
    in_max = 5;
    text(TEXT_PART, "123");
    text(MORE, "45");
    text(LAST, "");
    text(TEXT_PART, "12345");
    text(LAST, "");
    expect("text 5:12345\ntext 5:12345\n",
           "the sum starts anew with each message");
}


static void
test_text(void)
{
    start();
    text(TEXT_PART, "\xf0\x9f");
    text(PING, "");
    text(MORE, "\x98");
    text(MORE, "");
    text(LAST, "\x80!");
    expect("ping 0: after 2\ntext 5:\\f0\\9f\\98\\80!\n",
           "a character may be cut by fragments");

    start();
    text(TEXT, "ab\xe2\x82");
    expect_error("error 1007 text ends within a character\n",
                 "a text that ends within a character is refused");

    start();
    text(TEXT_PART, "\xe2\x82");
    text(LAST, "");
    expect_error("error 1007 text ends within a character\n",
                 "  ... also by an empty last fragment");

    start();
    text(TEXT_PART, "ab\xe2");
    text(LAST, "(");
    expect_error("error 1007 text is not UTF-8\n",
                 "a text that is broken across fragments is refused");

    start();
    text_begun("\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80 and more", 9);
    expect_error("error 1007 text is not UTF-8\n",
                 "a surrogate fails its frame at the second byte");

    start();
    text_begun("\xf4\x90\x80\x80 and more", 2);
    expect_error("error 1007 text is not UTF-8\n",
                 "U+110000 fails its frame at the second byte");

    start();
    text_begun("a\xff and more", 2);
    expect_error("error 1007 text is not UTF-8\n",
                 "a byte of no character fails its frame at once");

    start();
    text(TEXT, "\xc3\xa4");
    frame(BINARY, "\xff\xfe", 2);
    text(TEXT, "\xc3\xa4");
    expect("text 2:\\c3\\a4\nbinary 2:\\ff\\fe\ntext 2:\\c3\\a4\n",
           "binary messages are not checked");
}


static void
test_close(void)
{
    start();
    text(CLOSE, "");
    expect("close 1005 0:\n", "a close without a code is 1005");

    start();
    frame(CLOSE, "\x03\xe8", 2);
    expect("close 1000 0:\n", "a close with a code");

    start();
    frame(CLOSE, "\x0f\xa0good\xc3\xa9", 8);
    expect("close 4000 6:good\\c3\\a9\n", "a close with a code and a reason");

    start();
    text(TEXT_PART, "abc");
    frame(CLOSE, "\x03\xe9", 2);
    expect("close 1001 0: after 3\n", "a close within a message");

    start();
    put(CLOSE);
    put(0x81);
    expect_error("error 1002 close with half a code\n",
                 "a close of one byte is refused");

    start();
    frame(CLOSE, "\x03\xe8\xff", 3);
    expect_error("error 1007 close reason is not UTF-8\n",
                 "a close reason that is not UTF-8 is refused");

    start();
    frame(CLOSE, "\x03\xe8\xe2\x82", 4);
    expect_error("error 1007 close reason is not UTF-8\n",
                 "  ... nor one that ends within a character");

    start();
    frame(CLOSE, "\x03\xe8", 2);
    text(TEXT, "late");
    raw("\xff\xff\xff", 3);
    expect("close 1000 0:\n", "what follows a close is ignored");
}


static void
test_close_codes(void)
{
    int       valid;
    u_char    payload[2];
    char      expected[64];
    unsigned  code, wrong, count;

    wrong = 0;
    count = 0;

    for (code = 0; code < 65536; code++) {
        valid = ngx_http_push_frame_close_code_valid(code);
        count += valid;

        payload[0] = (u_char) (code >> 8);
        payload[1] = (u_char) code;

        start();
        frame(CLOSE, payload, 2);
        run(0);

        snprintf(expected, sizeof(expected), "close %u 0:\n", code);

        if (strcmp(record, valid ? expected
                         : "error 1002 close with a reserved code\n"))
        {
            wrong++;
        }
    }

    tap_is(wrong, 0, "all 65,536 close codes are taken or refused");
    tap_is(count, 4 + 8 + 2000, "  ... as many are taken as are defined");

    tap_ok(!ngx_http_push_frame_close_code_valid(999)
           && ngx_http_push_frame_close_code_valid(1000)
           && ngx_http_push_frame_close_code_valid(1003)
           && !ngx_http_push_frame_close_code_valid(1004)
           && !ngx_http_push_frame_close_code_valid(1005)
           && !ngx_http_push_frame_close_code_valid(1006)
           && ngx_http_push_frame_close_code_valid(1007)
           && ngx_http_push_frame_close_code_valid(1014)
           && !ngx_http_push_frame_close_code_valid(1015)
           && !ngx_http_push_frame_close_code_valid(2999)
           && ngx_http_push_frame_close_code_valid(3000)
           && ngx_http_push_frame_close_code_valid(4999)
           && !ngx_http_push_frame_close_code_valid(5000)
           && !ngx_http_push_frame_close_code_valid(70536),
           "  ... with the bounds of RFC 6455 and IANA");
}


/* what is inflated is its reader's to bound, what is on the wire is ours */

static void
test_rsv1_limit(void)
{
    static char  payload[2000];

    /* 100 + 100 / 4 + 1024 */

    start();
    in_rsv1 = 1;
    in_max = 100;
    frame(BINARY | RSV1, payload, 1149);
    run(0);
    tap_ok(strncmp(record, "compressed binary 1149:", 23) == 0,
           "  ... a compressed message may be a little larger on the wire");

    start();
    in_rsv1 = 1;
    in_max = 100;
    header(TEXT | RSV1, 126, 1150, NULL);
    expect_error("error 1009 message too large\n", "  ... but no more");

    start();
    in_rsv1 = 1;
    in_max = 100;
    frame(BINARY_PART | RSV1, payload, 1000);
    text(PING, "x");
    frame(MORE, payload, 149);
    header(LAST, 1, 1, NULL);
    expect_error("ping 1:x after 1000\nerror 1009 message too large\n",
                 "  ... as the sum of its fragments");

    start();
    in_rsv1 = 1;
    in_max = 100;
    frame(BINARY | RSV1, "zip", 3);
    header(BINARY, 101, 101, NULL);
    expect_error("compressed binary 3:zip\nerror 1009 message too large\n",
                 "  ... a message without it after it may not");

    start();
    in_rsv1 = 1;
    in_max = UINT64_MAX - 1;
    frame(BINARY_PART | RSV1, "zip", 3);
    header(LAST, 127, (1ULL << 63) - 1, NULL);
    run(0);
    tap_ok(record[0] == '\0', "  ... and the largest limit is none");
}


static void
test_rsv1(void)
{
    start();
    in_rsv1 = 1;
    frame(TEXT_PART | RSV1, "\xff\xc0", 2);
    text(PING, "x");
    frame(LAST, "\xed\xa0", 2);
    text(TEXT, "plain");
    frame(BINARY | RSV1, "", 0);
    expect("ping 1:x after 2\n"
           "compressed text 4:\\ff\\c0\\ed\\a0\n"
           "text 5:plain\n"
           "compressed binary 0:\n",
           "with allow_rsv1 a message may begin with it, and is not checked");

    start();
    in_rsv1 = 1;
    text(TEXT | RSV1, "zip");
    frame(TEXT, "\xff", 1);
    expect_error("compressed text 3:zip\nerror 1007 text is not UTF-8\n",
                 "  ... a message without it is checked");

    start();
    in_rsv1 = 1;
    text(TEXT_PART, "a");
    put(LAST | RSV1);
    expect_error("error 1002 reserved bit set\n",
                 "  ... a continuation may not have it");

    start();
    in_rsv1 = 1;
    text(TEXT_PART | RSV1, "a");
    put(LAST | RSV1);
    expect_error("error 1002 reserved bit set\n",
                 "  ... nor one of a message that began with it");

    start();
    in_rsv1 = 1;
    put(PING | RSV1);
    expect_error("error 1002 reserved bit set\n",
                 "  ... nor may a control frame");

    test_rsv1_limit();
}


static void
test_final(void)
{
    int                           rc, i, same;
    u_char                        good[6], *pos;
    ngx_http_push_frame_event_t   ev;
    ngx_http_push_frame_parser_t  fp;

    start();
    text(TEXT, "");
    memcpy(good, in, sizeof(good));

    ngx_http_push_frame_init(&fp, 0);

    pos = (u_char *) "\x83";
    rc = ngx_http_push_frame_parse(&fp, &pos, pos + 1, &ev);

    tap_ok(rc == NGX_HTTP_PUSH_FRAME_ERROR && ev.code == 1002,
           "an error is told");

    same = 1;

    for (i = 0; i < 3; i++) {
        pos = good;
        rc = ngx_http_push_frame_parse(&fp, &pos, good + sizeof(good), &ev);

        same &= rc == NGX_HTTP_PUSH_FRAME_ERROR && ev.code == 1002
                && strcmp(ev.reason, "reserved opcode") == 0 && pos == good
                && ev.data == NULL && ev.len == 0;
    }

    tap_ok(same, "  ... and told again for good input, which is not consumed");
    tap_ok(!ngx_http_push_frame_idle(&fp), "  ... and is not forgotten");

    tap_ok(sizeof(ngx_http_push_frame_parser_t) <= 192,
           "a parser has at most 192 bytes");
}


/* after which byte of the stream the parser retains nothing */

static void
test_idle(void)
{
    char                          idle[128], *p;
    size_t                        i;
    u_char                       *pos;
    ngx_http_push_frame_event_t   ev;
    ngx_http_push_frame_parser_t  fp;

    start();
    text(TEXT, "ab");
    text(PING, "c");
    text(TEXT, "");
    text(TEXT_PART, "");
    text(PING, "");
    text(LAST, "de");
    text(CLOSE, "");

    ngx_http_push_frame_init(&fp, 0);

    p = idle;
    *p++ = ngx_http_push_frame_idle(&fp) ? 'I' : '.';

    for (i = 0; i < in_len; i++) {
        pos = in + i;

        while (ngx_http_push_frame_parse(&fp, &pos, in + i + 1, &ev)
               != NGX_HTTP_PUSH_FRAME_AGAIN)
        {
            /* void */
        }

        *p++ = ngx_http_push_frame_idle(&fp) ? 'I' : '.';
    }

    *p = '\0';

    tap_is_text(idle, "I.......I......I.....I...................I......",
                "a parser is idle between messages and nowhere else");
}


static void
test_encoder(void)
{
    size_t    i, size;
    u_char    out[NGX_HTTP_PUSH_FRAME_HEADER_MAX + 1];
    unsigned  wrong;

    static const struct {
        uint64_t     len;
        size_t       size;
        const char  *bytes;
    } list[] = {
        { 0, 2, "\x81\x00" },
        { 1, 2, "\x81\x01" },
        { 125, 2, "\x81\x7d" },
        { 126, 4, "\x81\x7e\x00\x7e" },
        { 127, 4, "\x81\x7e\x00\x7f" },
        { 65535, 4, "\x81\x7e\xff\xff" },
        { 65536, 10, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00" },
        { 0x0123456789abcdefULL, 10,
          "\x81\x7f\x01\x23\x45\x67\x89\xab\xcd\xef" }
    };

    wrong = 0;

    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        memset(out, 0xee, sizeof(out));
        size = ngx_http_push_frame_header(out, NGX_HTTP_PUSH_FRAME_TEXT, 0,
                                          list[i].len);

        wrong += size != list[i].size
                 || size != ngx_http_push_frame_header_size(list[i].len)
                 || memcmp(out, list[i].bytes, size) != 0
                 || out[size] != 0xee;
    }

    tap_is(wrong, 0, "headers of all sizes are written");

    ngx_http_push_frame_header(out, NGX_HTTP_PUSH_FRAME_BINARY, 1, 3);
    tap_ok(out[0] == 0xc2 && out[1] == 3, "a header with RSV1 is written");

    ngx_http_push_frame_header(out, NGX_HTTP_PUSH_FRAME_CLOSE, 0, 2);
    tap_ok(out[0] == 0x88 && out[1] == 2, "a close's header is written");
}


/* a random stream, mostly as it should be */

static void
random_stream(int harm)
{
    static u_char  payload[70000];
    size_t         i, len;
    int            n, open;
    unsigned       first;

    start();
    in_rsv1 = (unsigned) tap_random(2);
    open = 0;

    for (n = 0; n < 12; n++) {

        len = tap_random(8) ? tap_random(40)
              : tap_random(40) ? tap_random(400) : tap_random(70000);

        for (i = 0; i < len; i++) {
            payload[i] = (u_char) (' ' + tap_random(95));
        }

        if (tap_random(4) == 0) {
            first = tap_random(2) ? PING : PONG;
            len = len > 125 ? 125 : len;

        } else {
            first = open ? MORE : tap_random(2) ? TEXT_PART : BINARY_PART;

            if (!open && in_rsv1 && tap_random(2)) {
                first |= RSV1;
            }

            if (len > 2 && first == BINARY_PART) {
                payload[0] = 0xff;
            }

            open = tap_random(2) != 0;

            if (!open) {
                first |= LAST;
            }
        }

        frame(first, payload, len);
    }

    if (tap_random(2)) {
        frame(CLOSE, "\x03\xe8the end", tap_random(2) ? 9 : 2);
        text(TEXT, "ignored");
    }

    while (harm--) {
        in[tap_random(in_len)] ^= 1 << tap_random(8);
    }
}


static void
test_random(void)
{
    int       harm, i;
    char     *whole;
    size_t    eaten, most;
    unsigned  wrong, failed;

    for (harm = 0; harm < 4; harm++) {
        wrong = 0;
        failed = 0;

        for (i = 0; i < 1500; i++) {
            random_stream(harm);

            run(0);
            whole = strdup(record);
            eaten = consumed;
            failed += strstr(record, "error") != NULL;

            most = tap_random(3) ? 1 + tap_random(50) : 1 + tap_random(5000);
            run(most);

            if (strcmp(record, whole) != 0) {
                printf("# pieces of up to %zu, whole:\n%s# in pieces:\n%s",
                       most, whole, record);
                wrong++;
            }

            /* in pieces an error can only be told earlier */

            wrong += consumed > eaten;
            free(whole);
        }

        tap_ok(wrong == 0, "1,500 random streams with %d bits wrong: pieces "
               "make no difference (%u failed)", harm, failed);

        if (harm == 0) {
            tap_is(failed, 0, "  ... and none fails");
        }
    }
}


int
main(void)
{
    tap_seed();

    test_messages();
    test_lengths();
    test_length_rules();
    test_header_rules();
    test_limit();
    test_text();
    test_close();
    test_close_codes();
    test_rsv1();
    test_final();
    test_idle();
    test_encoder();
    test_random();

    tap_is(strange, 0, "no event was wrongly first, empty, or left input");

    return tap_done();
}
