
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Any bytes as a WebSocket stream: how it is cut, and whether an idle parser
 * is thrown away for a fresh one, must make no difference.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ngx_http_push_frame.h"
#include "ngx_http_push_utf8.h"


#define MAX_INPUT  65536

/* what came out: for each event a letter and its fields, data as it is */
typedef struct {
    u_char    bytes[2 * MAX_INPUT + 4096];
    size_t    len;
    u_char    message[MAX_INPUT];
    size_t    message_len;
    uint64_t  max;
    int       failed;
} record_t;


static void
expect(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "broken: %s\n", what);
        abort();
    }
}


static void
add(record_t *r, const void *p, size_t len)
{
    expect(len <= sizeof(r->bytes) - r->len, "more came out than went in");

    if (len) {
        memcpy(r->bytes + r->len, p, len);
        r->len += len;
    }
}


static void
add_data(record_t *r, const ngx_http_push_frame_event_t *ev)
{
    u_char    head[4];
    uint32_t  utf8;
    uint64_t  most;

    expect(ev->first == (r->message_len == 0), "first");
    expect(ev->len || ev->last, "an empty piece");
    expect(ev->opcode == NGX_HTTP_PUSH_FRAME_TEXT
           || ev->opcode == NGX_HTTP_PUSH_FRAME_BINARY, "opcode");

    memcpy(r->message + r->message_len, ev->data, ev->len);
    r->message_len += ev->len;

    most = ev->compressed ? r->max + r->max / 4 + 1024 : r->max;
    expect(r->max == 0 || r->message_len <= most, "larger than allowed");

    if (!ev->last) {
        return;
    }

    if (ev->opcode == NGX_HTTP_PUSH_FRAME_TEXT && !ev->compressed) {
        utf8 = NGX_HTTP_PUSH_UTF8_START;

        expect(ngx_http_push_utf8_validate(&utf8, r->message, r->message_len)
               && ngx_http_push_utf8_complete(utf8), "text is UTF-8");
    }

    head[0] = 'D';
    head[1] = (u_char) ev->opcode;
    head[2] = ev->compressed;
    head[3] = (u_char) r->message_len;
    add(r, head, sizeof(head));
    add(r, r->message, r->message_len);

    r->message_len = 0;
}


static void
add_control(record_t *r, const ngx_http_push_frame_event_t *ev)
{
    u_char  head[5];

    expect(ev->len <= NGX_HTTP_PUSH_FRAME_CONTROL_MAX, "a long control frame");

    head[0] = 'C';
    head[1] = (u_char) ev->opcode;
    head[2] = (u_char) (ev->code >> 8);
    head[3] = (u_char) ev->code;
    head[4] = (u_char) r->message_len;
    add(r, head, sizeof(head));
    add(r, ev->data, ev->len);
}


static void
add_error(record_t *r, const ngx_http_push_frame_event_t *ev)
{
    expect(ev->code == 1002 || ev->code == 1007 || ev->code == 1009, "code");
    expect(ev->reason != NULL && ev->data == NULL, "an error's event");

    add(r, "E", 1);
    add(r, ev->reason, strlen(ev->reason));
    r->failed = 1;
}


static void
feed(record_t *r, ngx_http_push_frame_parser_t *fp, u_char *p, size_t len)
{
    int                          rc;
    u_char                      *pos, *was;
    ngx_http_push_frame_event_t  ev, again;

    pos = p;

    do {
        was = pos;
        rc = ngx_http_push_frame_parse(fp, &pos, p + len, &ev);

        expect(pos >= was && pos <= p + len, "pos");

        switch (rc) {

        case NGX_HTTP_PUSH_FRAME_DATA:
            expect(ev.data >= was && ev.data + ev.len == pos, "data");
            add_data(r, &ev);
            break;

        case NGX_HTTP_PUSH_FRAME_CONTROL:
            add_control(r, &ev);
            break;

        case NGX_HTTP_PUSH_FRAME_ERROR:
            add_error(r, &ev);
            was = pos;
            rc = ngx_http_push_frame_parse(fp, &pos, p + len, &again);
            expect(rc == NGX_HTTP_PUSH_FRAME_ERROR && pos == was
                   && again.code == ev.code && again.reason == ev.reason,
                   "an error is final");
            return;

        default:
            expect(rc == NGX_HTTP_PUSH_FRAME_AGAIN && pos == p + len, "again");
            break;
        }

    } while (rc != NGX_HTTP_PUSH_FRAME_AGAIN);
}


/* cuts 0: whole; each piece in a block of its own size */

static void
run(record_t *r, const u_char *in, size_t len, unsigned flags, uint32_t cuts)
{
    size_t                        at, n;
    u_char                       *piece;
    ngx_http_push_frame_parser_t  fp;

    r->len = 0;
    r->message_len = 0;
    r->failed = 0;
    r->max = (flags & 2) ? 1 + (flags >> 4) : 0;

    ngx_http_push_frame_init(&fp, r->max);
    fp.allow_rsv1 = flags & 1;

    for (at = 0; at < len && !r->failed; at += n) {
        n = len - at;

        if (cuts) {
            cuts = cuts * 1664525u + 1013904223u;
            n = 1 + (cuts >> 16) % (flags & 4 ? 3 : 40);
            n = n > len - at ? len - at : n;
        }

        piece = malloc(n);
        memcpy(piece, in + at, n);
        feed(r, &fp, piece, n);
        free(piece);

        if (cuts && (flags & 8) && ngx_http_push_frame_idle(&fp)) {
            expect(r->message_len == 0, "idle within a message");

            memset(&fp, 0xee, sizeof(fp));
            ngx_http_push_frame_init(&fp, r->max);
            fp.allow_rsv1 = flags & 1;
        }
    }
}


/*
 * As frames of the right form: of every three bytes one is the first byte of a
 * frame, one says how long it is, and one is where its payload begins; a code
 * of a close is near the ones that are defined.
 */

static size_t
build(u_char *out, size_t size, const u_char *in, size_t len)
{
    size_t    i, k, at, n;
    unsigned  code;

    at = 0;

    for (i = 0; i + 2 < len; i += 3) {
        n = in[i + 1] < 250 ? in[i + 1] & 0x7f : 200 * (in[i + 1] - 249);

        if (n > 125 && (in[i] & 8)) {
            n = 125;
        }

        if (at + n + 14 > size) {
            break;
        }

        at += ngx_http_push_frame_header(out + at, 0, 0, n);
        out[at - ngx_http_push_frame_header_size(n)] = in[i];
        out[at - ngx_http_push_frame_header_size(n) + 1] |= 0x80;

        memcpy(out + at, "\1\2\3\4", 4);
        at += 4;

        for (k = 0; k < n; k++) {
            out[at++] = in[(in[i + 2] + k) % len] ^ (1 + (k & 3));
        }

        if ((in[i] & 0xf) == NGX_HTTP_PUSH_FRAME_CLOSE && n > 1) {
            code = 990 + 10 * in[i + 2] + in[i + 1] % 32;
            out[at - n] = (u_char) (1 ^ code >> 8);
            out[at - n + 1] = (u_char) (2 ^ code);
        }
    }

    return at;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t           len;
    uint32_t         cuts;
    unsigned         flags;
    const u_char    *in;
    static u_char    built[MAX_INPUT];
    static record_t  whole, pieces;

    if (size < 5 || size > MAX_INPUT) {
        return 0;
    }

    flags = data[0] | (unsigned) data[1] << 8;
    cuts = 1 + (data[2] | (uint32_t) data[3] << 8);
    in = data + 5;
    len = size - 5;

    if (data[4] & 1) {
        len = build(built, sizeof(built), in, len);
        in = built;
    }

    run(&whole, in, len, flags, 0);
    run(&pieces, in, len, flags, cuts);

    expect(whole.failed == pieces.failed, "failed or not");
    expect(whole.len == pieces.len
           && memcmp(whole.bytes, pieces.bytes, whole.len) == 0,
           "pieces make no difference");
    expect(whole.failed || whole.message_len == pieces.message_len,
           "what is under way");

    return 0;
}
