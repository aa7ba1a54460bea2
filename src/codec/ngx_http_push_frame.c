
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: WebSocket frames as a server sees them (RFC 6455 5); owns
 * the parser's state and nothing else: no I/O, no allocation.
 */


#include <string.h>

#include "ngx_http_push_frame.h"
#include "ngx_http_push_utf8.h"


/* goes beside the kinds of events: nothing to tell yet, look again */
#define NGX_HTTP_PUSH_FRAME_NEXT      -1

#define NGX_HTTP_PUSH_FRAME_FIN       0x80
#define NGX_HTTP_PUSH_FRAME_RSV1      0x40
#define NGX_HTTP_PUSH_FRAME_RSV23     0x30
#define NGX_HTTP_PUSH_FRAME_OPCODE    0x0f
#define NGX_HTTP_PUSH_FRAME_MASKED    0x80
#define NGX_HTTP_PUSH_FRAME_LENGTH    0x7f

#define NGX_HTTP_PUSH_FRAME_LENGTH16  126
#define NGX_HTTP_PUSH_FRAME_LENGTH64  127

/* what compression may add where there is nothing to compress */
#define NGX_HTTP_PUSH_FRAME_OVERHEAD  1024

#define ngx_http_push_frame_is_control(opcode)  ((opcode) & 0x8)


enum {
    NGX_HTTP_PUSH_FRAME_IN_HEADER = 0,
    NGX_HTTP_PUSH_FRAME_IN_DATA,
    NGX_HTTP_PUSH_FRAME_IN_CONTROL,
    NGX_HTTP_PUSH_FRAME_CLOSED,
    NGX_HTTP_PUSH_FRAME_FAILED
};


static int ngx_http_push_frame_read_header(ngx_http_push_frame_parser_t *fp,
    u_char **pos, u_char *end);
static int ngx_http_push_frame_check_opcode(ngx_http_push_frame_parser_t *fp,
    u_char c);
static int ngx_http_push_frame_check_mask(ngx_http_push_frame_parser_t *fp,
    u_char c);
static int ngx_http_push_frame_check_length(ngx_http_push_frame_parser_t *fp);
static uint64_t ngx_http_push_frame_most(
    const ngx_http_push_frame_parser_t *fp);
static uint64_t ngx_http_push_frame_get_length(
    const ngx_http_push_frame_parser_t *fp, uint64_t *least);
static void ngx_http_push_frame_open_payload(ngx_http_push_frame_parser_t *fp);
static int ngx_http_push_frame_read_data(ngx_http_push_frame_parser_t *fp,
    u_char **pos, u_char *end, ngx_http_push_frame_event_t *ev);
static const char *ngx_http_push_frame_check_text(
    ngx_http_push_frame_parser_t *fp, const u_char *p, size_t n, int last);
static int ngx_http_push_frame_read_control(ngx_http_push_frame_parser_t *fp,
    u_char **pos, u_char *end, ngx_http_push_frame_event_t *ev);
static int ngx_http_push_frame_read_close(ngx_http_push_frame_parser_t *fp,
    ngx_http_push_frame_event_t *ev);
static void ngx_http_push_frame_unmask(u_char *p, size_t n, u_char *mask);
static int ngx_http_push_frame_fail(ngx_http_push_frame_parser_t *fp,
    unsigned code, const char *reason);


void
ngx_http_push_frame_init(ngx_http_push_frame_parser_t *fp,
    uint64_t max_message)
{
    memset(fp, 0, sizeof(ngx_http_push_frame_parser_t));

    fp->max_message = max_message ? max_message : UINT64_MAX;
    fp->need = 2;
}


int
ngx_http_push_frame_parse(ngx_http_push_frame_parser_t *fp, u_char **pos,
    u_char *end, ngx_http_push_frame_event_t *ev)
{
    int  rc;

    memset(ev, 0, sizeof(ngx_http_push_frame_event_t));

    do {
        switch (fp->state) {

        case NGX_HTTP_PUSH_FRAME_IN_HEADER:
            rc = ngx_http_push_frame_read_header(fp, pos, end);
            break;

        case NGX_HTTP_PUSH_FRAME_IN_DATA:
            rc = ngx_http_push_frame_read_data(fp, pos, end, ev);
            break;

        case NGX_HTTP_PUSH_FRAME_IN_CONTROL:
            rc = ngx_http_push_frame_read_control(fp, pos, end, ev);
            break;

        case NGX_HTTP_PUSH_FRAME_CLOSED:
            *pos = end;
            rc = NGX_HTTP_PUSH_FRAME_AGAIN;
            break;

        default: /* NGX_HTTP_PUSH_FRAME_FAILED */
            ev->code = fp->code;
            ev->reason = fp->reason;
            rc = NGX_HTTP_PUSH_FRAME_ERROR;
            break;
        }

    } while (rc == NGX_HTTP_PUSH_FRAME_NEXT);

    return rc;
}


int
ngx_http_push_frame_idle(const ngx_http_push_frame_parser_t *fp)
{
    return fp->state == NGX_HTTP_PUSH_FRAME_IN_HEADER
           && fp->fill == 0
           && fp->type == 0;
}


/*
 * Byte by byte, because each may be the last of the input, and because a bad
 * one is to be told before the next has come.
 */

static int
ngx_http_push_frame_read_header(ngx_http_push_frame_parser_t *fp, u_char **pos,
    u_char *end)
{
    int     ok;
    u_char  c;

    while (fp->fill < fp->need) {

        if (*pos == end) {
            return NGX_HTTP_PUSH_FRAME_AGAIN;
        }

        c = *(*pos)++;
        fp->buf[fp->fill++] = c;
        ok = 1;

        if (fp->fill == 1) {
            ok = ngx_http_push_frame_check_opcode(fp, c);

        } else if (fp->fill == 2) {
            ok = ngx_http_push_frame_check_mask(fp, c);
        }

        if (ok && fp->fill > 1 && fp->fill == fp->need - sizeof(fp->mask)) {
            ok = ngx_http_push_frame_check_length(fp);
        }

        if (!ok) {
            return NGX_HTTP_PUSH_FRAME_NEXT;
        }
    }

    ngx_http_push_frame_open_payload(fp);

    return NGX_HTTP_PUSH_FRAME_NEXT;
}


static int
ngx_http_push_frame_check_opcode(ngx_http_push_frame_parser_t *fp, u_char c)
{
    int       rsv1;
    unsigned  opcode;

    opcode = c & NGX_HTTP_PUSH_FRAME_OPCODE;
    rsv1 = fp->allow_rsv1
           && (opcode == NGX_HTTP_PUSH_FRAME_TEXT
               || opcode == NGX_HTTP_PUSH_FRAME_BINARY);

    if ((c & NGX_HTTP_PUSH_FRAME_RSV23)
        || ((c & NGX_HTTP_PUSH_FRAME_RSV1) && !rsv1))
    {
        return ngx_http_push_frame_fail(fp, NGX_HTTP_PUSH_FRAME_CODE_PROTOCOL,
                                        "reserved bit set");
    }

    switch (opcode) {

    case NGX_HTTP_PUSH_FRAME_CONTINUATION:
        if (fp->type == 0) {
            return ngx_http_push_frame_fail(fp,
                                        NGX_HTTP_PUSH_FRAME_CODE_PROTOCOL,
                                        "continuation of no message");
        }

        break;

    case NGX_HTTP_PUSH_FRAME_TEXT:
    case NGX_HTTP_PUSH_FRAME_BINARY:
        if (fp->type != 0) {
            return ngx_http_push_frame_fail(fp,
                                        NGX_HTTP_PUSH_FRAME_CODE_PROTOCOL,
                                        "new message within a message");
        }

        break;

    case NGX_HTTP_PUSH_FRAME_CLOSE:
    case NGX_HTTP_PUSH_FRAME_PING:
    case NGX_HTTP_PUSH_FRAME_PONG:
        if (!(c & NGX_HTTP_PUSH_FRAME_FIN)) {
            return ngx_http_push_frame_fail(fp,
                                        NGX_HTTP_PUSH_FRAME_CODE_PROTOCOL,
                                        "fragmented control frame");
        }

        break;

    default:
        return ngx_http_push_frame_fail(fp, NGX_HTTP_PUSH_FRAME_CODE_PROTOCOL,
                                        "reserved opcode");
    }

    fp->opcode = (u_char) opcode;
    fp->fin = (c & NGX_HTTP_PUSH_FRAME_FIN) != 0;

    return 1;
}


static int
ngx_http_push_frame_check_mask(ngx_http_push_frame_parser_t *fp, u_char c)
{
    unsigned  length;

    if (!(c & NGX_HTTP_PUSH_FRAME_MASKED)) {
        return ngx_http_push_frame_fail(fp, NGX_HTTP_PUSH_FRAME_CODE_PROTOCOL,
                                        "frame is not masked");
    }

    length = c & NGX_HTTP_PUSH_FRAME_LENGTH;

    if (ngx_http_push_frame_is_control(fp->opcode)
        && length > NGX_HTTP_PUSH_FRAME_CONTROL_MAX)
    {
        return ngx_http_push_frame_fail(fp, NGX_HTTP_PUSH_FRAME_CODE_PROTOCOL,
                                        "control frame too long");
    }

    if (fp->opcode == NGX_HTTP_PUSH_FRAME_CLOSE && length == 1) {
        return ngx_http_push_frame_fail(fp, NGX_HTTP_PUSH_FRAME_CODE_PROTOCOL,
                                        "close with half a code");
    }

    fp->need = 2 + sizeof(fp->mask);

    if (length == NGX_HTTP_PUSH_FRAME_LENGTH16) {
        fp->need += 2;

    } else if (length == NGX_HTTP_PUSH_FRAME_LENGTH64) {
        fp->need += 8;
    }

    return 1;
}


static int
ngx_http_push_frame_check_length(ngx_http_push_frame_parser_t *fp)
{
    uint64_t  n, least;

    n = ngx_http_push_frame_get_length(fp, &least);

    if (n >> 63) {
        return ngx_http_push_frame_fail(fp, NGX_HTTP_PUSH_FRAME_CODE_PROTOCOL,
                                        "length has its highest bit set");
    }

    if (n < least) {
        return ngx_http_push_frame_fail(fp, NGX_HTTP_PUSH_FRAME_CODE_PROTOCOL,
                                        "length is not minimal");
    }

    if (!ngx_http_push_frame_is_control(fp->opcode)) {

        if (n > ngx_http_push_frame_most(fp) - fp->message) {
            return ngx_http_push_frame_fail(fp,
                                        NGX_HTTP_PUSH_FRAME_CODE_TOO_LARGE,
                                        "message too large");
        }

        fp->message += n;
    }

    fp->rest = n;

    return 1;
}


/*
 * How large the message may be on the wire.  What cannot be compressed grows a
 * little when it is, and more so if each fragment is flushed.
 */

static uint64_t
ngx_http_push_frame_most(const ngx_http_push_frame_parser_t *fp)
{
    int       compressed;
    uint64_t  most, more;

    most = fp->max_message;

    /* type is set by the first frame, when all of its header has come */

    compressed = fp->type ? fp->compressed
                          : (fp->buf[0] & NGX_HTTP_PUSH_FRAME_RSV1);

    if (!compressed) {
        return most;
    }

    more = most / 4 + NGX_HTTP_PUSH_FRAME_OVERHEAD;

    return more < UINT64_MAX - most ? most + more : UINT64_MAX;
}


/* *least is the smallest length that this way of writing it is allowed for */

static uint64_t
ngx_http_push_frame_get_length(const ngx_http_push_frame_parser_t *fp,
    uint64_t *least)
{
    uint64_t  n;
    unsigned  i;

    n = fp->buf[1] & NGX_HTTP_PUSH_FRAME_LENGTH;
    *least = 0;

    if (n < NGX_HTTP_PUSH_FRAME_LENGTH16) {
        return n;
    }

    *least = (n == NGX_HTTP_PUSH_FRAME_LENGTH16) ? 126 : 65536;
    n = 0;

    for (i = 2; i < fp->fill; i++) {
        n = n << 8 | fp->buf[i];
    }

    return n;
}


/* from here on buf is a control frame's payload */

static void
ngx_http_push_frame_open_payload(ngx_http_push_frame_parser_t *fp)
{
    memcpy(fp->mask, fp->buf + fp->need - sizeof(fp->mask), sizeof(fp->mask));

    if (ngx_http_push_frame_is_control(fp->opcode)) {
        fp->state = NGX_HTTP_PUSH_FRAME_IN_CONTROL;

    } else {
        fp->state = NGX_HTTP_PUSH_FRAME_IN_DATA;
    }

    if (fp->state == NGX_HTTP_PUSH_FRAME_IN_DATA && fp->type == 0) {
        fp->type = fp->opcode;
        fp->compressed = (fp->buf[0] & NGX_HTTP_PUSH_FRAME_RSV1) != 0;
    }

    fp->fill = 0;
    fp->need = 2;
}


static int
ngx_http_push_frame_read_data(ngx_http_push_frame_parser_t *fp, u_char **pos,
    u_char *end, ngx_http_push_frame_event_t *ev)
{
    int          last;
    size_t       n;
    u_char      *p;
    const char  *reason;

    p = *pos;
    n = end - p;

    if (n > fp->rest) {
        n = (size_t) fp->rest;
    }

    if (n == 0 && fp->rest) {
        return NGX_HTTP_PUSH_FRAME_AGAIN;
    }

    ngx_http_push_frame_unmask(p, n, fp->mask);

    *pos = p + n;
    fp->rest -= n;
    last = (fp->rest == 0 && fp->fin);

    reason = ngx_http_push_frame_check_text(fp, p, n, last);

    if (reason) {
        (void) ngx_http_push_frame_fail(fp, NGX_HTTP_PUSH_FRAME_CODE_DATA,
                                        reason);
        return NGX_HTTP_PUSH_FRAME_NEXT;
    }

    if (fp->rest == 0) {
        fp->state = NGX_HTTP_PUSH_FRAME_IN_HEADER;
    }

    if (n == 0 && !last) {
        /* an empty fragment, others follow */
        return NGX_HTTP_PUSH_FRAME_NEXT;
    }

    ev->data = p;
    ev->len = n;
    ev->opcode = fp->type;
    ev->first = !fp->started;
    ev->last = last;
    ev->compressed = fp->compressed;

    fp->started = 1;

    if (last) {
        /* a text is complete here, so that utf8 is at its start again */
        fp->type = 0;
        fp->started = 0;
        fp->message = 0;
    }

    return NGX_HTTP_PUSH_FRAME_DATA;
}


static const char *
ngx_http_push_frame_check_text(ngx_http_push_frame_parser_t *fp,
    const u_char *p, size_t n, int last)
{
    if (fp->type != NGX_HTTP_PUSH_FRAME_TEXT || fp->compressed) {
        return NULL;
    }

    if (!ngx_http_push_utf8_validate(&fp->utf8, p, n)) {
        return "text is not UTF-8";
    }

    if (last && !ngx_http_push_utf8_complete(fp->utf8)) {
        return "text ends within a character";
    }

    return NULL;
}


static int
ngx_http_push_frame_read_control(ngx_http_push_frame_parser_t *fp,
    u_char **pos, u_char *end, ngx_http_push_frame_event_t *ev)
{
    size_t  n;

    n = end - *pos;

    if (n > fp->rest) {
        n = (size_t) fp->rest;
    }

    if (n == 0 && fp->rest) {
        return NGX_HTTP_PUSH_FRAME_AGAIN;
    }

    /* the length of a control frame was checked, so that rest fits into buf */

    memcpy(fp->buf + fp->fill, *pos, n);

    *pos += n;
    fp->fill += n;
    fp->rest -= n;

    if (fp->rest) {
        return NGX_HTTP_PUSH_FRAME_AGAIN;
    }

    ngx_http_push_frame_unmask(fp->buf, fp->fill, fp->mask);

    ev->data = fp->buf;
    ev->len = fp->fill;
    ev->opcode = fp->opcode;

    fp->fill = 0;

    if (fp->opcode == NGX_HTTP_PUSH_FRAME_CLOSE) {
        return ngx_http_push_frame_read_close(fp, ev);
    }

    fp->state = NGX_HTTP_PUSH_FRAME_IN_HEADER;

    return NGX_HTTP_PUSH_FRAME_CONTROL;
}


/* RFC 6455 5.5.1, 7.4; a payload of one byte was refused with the header */

static int
ngx_http_push_frame_read_close(ngx_http_push_frame_parser_t *fp,
    ngx_http_push_frame_event_t *ev)
{
    uint32_t  utf8;

    fp->state = NGX_HTTP_PUSH_FRAME_CLOSED;

    if (ev->len == 0) {
        ev->code = NGX_HTTP_PUSH_FRAME_CODE_NONE;
        return NGX_HTTP_PUSH_FRAME_CONTROL;
    }

    ev->code = ev->data[0] << 8 | ev->data[1];
    ev->data += 2;
    ev->len -= 2;

    if (!ngx_http_push_frame_close_code_valid(ev->code)) {
        memset(ev, 0, sizeof(ngx_http_push_frame_event_t));
        (void) ngx_http_push_frame_fail(fp, NGX_HTTP_PUSH_FRAME_CODE_PROTOCOL,
                                        "close with a reserved code");
        return NGX_HTTP_PUSH_FRAME_NEXT;
    }

    utf8 = NGX_HTTP_PUSH_UTF8_START;

    if (!ngx_http_push_utf8_validate(&utf8, ev->data, ev->len)
        || !ngx_http_push_utf8_complete(utf8))
    {
        memset(ev, 0, sizeof(ngx_http_push_frame_event_t));
        (void) ngx_http_push_frame_fail(fp, NGX_HTTP_PUSH_FRAME_CODE_DATA,
                                        "close reason is not UTF-8");
        return NGX_HTTP_PUSH_FRAME_NEXT;
    }

    return NGX_HTTP_PUSH_FRAME_CONTROL;
}


/* leaves mask turned to where the next piece of the same frame begins */

static void
ngx_http_push_frame_unmask(u_char *p, size_t n, u_char *mask)
{
    u_char    turned[4];
    size_t    i;
    uint32_t  half;
    uint64_t  word, pattern;

    memcpy(&half, mask, sizeof(half));
    pattern = (uint64_t) half << 32 | half;

    while (n >= sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        word ^= pattern;
        memcpy(p, &word, sizeof(word));

        p += sizeof(word);
        n -= sizeof(word);
    }

    for (i = 0; i < n; i++) {
        p[i] ^= mask[i & 3];
    }

    turned[0] = mask[n & 3];
    turned[1] = mask[(n + 1) & 3];
    turned[2] = mask[(n + 2) & 3];
    turned[3] = mask[(n + 3) & 3];

    memcpy(mask, turned, sizeof(turned));
}


/* gives 0, so that a check can return it; the event is filled by parse */

static int
ngx_http_push_frame_fail(ngx_http_push_frame_parser_t *fp, unsigned code,
    const char *reason)
{
    fp->state = NGX_HTTP_PUSH_FRAME_FAILED;
    fp->code = (uint16_t) code;
    fp->reason = reason;

    return 0;
}


size_t
ngx_http_push_frame_header_size(uint64_t len)
{
    if (len < NGX_HTTP_PUSH_FRAME_LENGTH16) {
        return 2;
    }

    return (len < 65536) ? 4 : 10;
}


size_t
ngx_http_push_frame_header(u_char *dst, unsigned opcode, int rsv1,
    uint64_t len)
{
    size_t  i, size;

    size = ngx_http_push_frame_header_size(len);

    dst[0] = (u_char) (NGX_HTTP_PUSH_FRAME_FIN | opcode);

    if (rsv1) {
        dst[0] |= NGX_HTTP_PUSH_FRAME_RSV1;
    }

    if (size == 2) {
        dst[1] = (u_char) len;
        return size;
    }

    dst[1] = (size == 4) ? NGX_HTTP_PUSH_FRAME_LENGTH16
                         : NGX_HTTP_PUSH_FRAME_LENGTH64;

    for (i = size - 1; i > 1; i--) {
        dst[i] = (u_char) len;
        len >>= 8;
    }

    return size;
}


int
ngx_http_push_frame_close_code_valid(unsigned code)
{
    if (code >= 1000 && code <= 1003) {
        return 1;
    }

    if (code >= 1007 && code <= 1014) {
        return 1;
    }

    return code >= 3000 && code <= 4999;
}
