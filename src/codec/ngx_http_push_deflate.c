
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: permessage-deflate; owns zlib's streams.
 */


#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "ngx_http_push_deflate.h"


#define NGX_HTTP_PUSH_DEFLATE_NAME       "permessage-deflate"

#define NGX_HTTP_PUSH_DEFLATE_BITS_MIN   8
#define NGX_HTTP_PUSH_DEFLATE_BITS_MAX   15

/* RFC 7692 7.2.1: what a message does not have at its end */
#define NGX_HTTP_PUSH_DEFLATE_TAIL       4

/*
 * zlib's memLevel.  A reset clears the hash table, so it is no larger than
 * what is compressed with a small window needs.
 */
#define NGX_HTTP_PUSH_DEFLATE_MEM_LARGE  8
#define NGX_HTTP_PUSH_DEFLATE_MEM_SMALL  6

/* what inflate() leaves in data_type: unused bits, and "between blocks" */
#define NGX_HTTP_PUSH_DEFLATE_BITS       63
#define NGX_HTTP_PUSH_DEFLATE_BETWEEN    128


enum {
    NGX_HTTP_PUSH_DEFLATE_SERVER_CONTEXT = 0x1,
    NGX_HTTP_PUSH_DEFLATE_CLIENT_CONTEXT = 0x2,
    NGX_HTTP_PUSH_DEFLATE_SERVER_BITS = 0x4,
    NGX_HTTP_PUSH_DEFLATE_CLIENT_BITS = 0x8
};


struct ngx_http_push_deflate_s {
    z_stream    *streams[2][NGX_HTTP_PUSH_DEFLATE_LEVEL_MAX + 1];

    z_stream    *inflater;
    uint64_t     max;
    uint64_t     total;         /* bytes of the message so far */
    unsigned     tail;          /* bytes of the tail that were fed */
    unsigned     started:1;     /* the inflater is reset for this message */
    unsigned     between:1;     /* nothing has come since the start or since
                                   a final block */
};


/* what is left of a header */

typedef struct {
    const u_char  *pos;
    const u_char  *end;
} ngx_http_push_deflate_text_t;


/* the value of a parameter: no valid one has more than two letters */

typedef struct {
    size_t         len;
    u_char         text[2];
} ngx_http_push_deflate_value_t;


static int ngx_http_push_deflate_read_extension(
    ngx_http_push_deflate_terms_t *terms, ngx_http_push_deflate_text_t *t);
static int ngx_http_push_deflate_read_value(ngx_http_push_deflate_text_t *t,
    ngx_http_push_deflate_value_t *v);
static int ngx_http_push_deflate_read_token(ngx_http_push_deflate_text_t *t,
    const u_char **token, size_t *len);
static int ngx_http_push_deflate_read_sign(ngx_http_push_deflate_text_t *t,
    u_char sign);
static void ngx_http_push_deflate_skip_blanks(ngx_http_push_deflate_text_t *t);
static int ngx_http_push_deflate_is_token(u_char c);
static void ngx_http_push_deflate_add(ngx_http_push_deflate_value_t *v,
    u_char c);

static int ngx_http_push_deflate_take(ngx_http_push_deflate_terms_t *offer,
    unsigned *seen, const u_char *name, size_t len,
    const ngx_http_push_deflate_value_t *v);
static unsigned ngx_http_push_deflate_parameter(const u_char *name,
    size_t len);
static unsigned ngx_http_push_deflate_bits(
    const ngx_http_push_deflate_value_t *v);
static u_char *ngx_http_push_deflate_write(u_char *dst, const char *text);
static u_char *ngx_http_push_deflate_write_bits(u_char *dst, const char *name,
    unsigned bits);

static z_stream *ngx_http_push_deflate_stream(ngx_http_push_deflate_t *d,
    ngx_http_push_deflate_how_t how);
static int ngx_http_push_deflate_start(ngx_http_push_deflate_t *d);
static int ngx_http_push_deflate_run(ngx_http_push_deflate_t *d,
    const u_char **pos, const u_char *end);


static const u_char  ngx_http_push_deflate_tail[NGX_HTTP_PUSH_DEFLATE_TAIL] = {
    0x00, 0x00, 0xff, 0xff
};


ngx_http_push_deflate_t *
ngx_http_push_deflate_create(void)
{
    return calloc(1, sizeof(ngx_http_push_deflate_t));
}


void
ngx_http_push_deflate_destroy(ngx_http_push_deflate_t *d)
{
    z_stream  *z;
    unsigned   i, level;

    for (i = 0; i < 2; i++) {
        for (level = 0; level <= NGX_HTTP_PUSH_DEFLATE_LEVEL_MAX; level++) {
            z = d->streams[i][level];

            if (z != NULL) {
                (void) deflateEnd(z);
                free(z);
            }
        }
    }

    if (d->inflater != NULL) {
        (void) inflateEnd(d->inflater);
        free(d->inflater);
    }

    free(d);
}


int
ngx_http_push_deflate_negotiate(ngx_http_push_deflate_terms_t *terms,
    const u_char *value, size_t len)
{
    ngx_http_push_deflate_text_t  t;

    t.pos = value;
    t.end = value + len;

    /* "1#": elements of a list may be empty (RFC 2616 2.1) */

    for ( ;; ) {

        while (ngx_http_push_deflate_read_sign(&t, ',')) { /* void */ }

        if (t.pos == t.end) {
            return 1;
        }

        if (!ngx_http_push_deflate_read_extension(terms, &t)) {
            return 0;
        }

        if (t.pos != t.end && *t.pos != ',') {
            return 0;
        }
    }
}


/* extension-token *( ";" extension-param ), RFC 6455 9.1 */

static int
ngx_http_push_deflate_read_extension(ngx_http_push_deflate_terms_t *terms,
    ngx_http_push_deflate_text_t *t)
{
    int                             ours;
    size_t                          len;
    unsigned                        seen;
    const u_char                   *name;
    ngx_http_push_deflate_value_t   v;
    ngx_http_push_deflate_terms_t   offer;

    if (!ngx_http_push_deflate_read_token(t, &name, &len)) {
        return 0;
    }

    ours = len == sizeof(NGX_HTTP_PUSH_DEFLATE_NAME) - 1
           && memcmp(name, NGX_HTTP_PUSH_DEFLATE_NAME, len) == 0;

    memset(&offer, 0, sizeof(ngx_http_push_deflate_terms_t));

    offer.accepted = 1;
    offer.server_bits = NGX_HTTP_PUSH_DEFLATE_BITS_MAX;
    offer.client_bits = NGX_HTTP_PUSH_DEFLATE_BITS_MAX;

    seen = 0;

    while (ngx_http_push_deflate_read_sign(t, ';')) {

        if (!ngx_http_push_deflate_read_token(t, &name, &len)
            || !ngx_http_push_deflate_read_value(t, &v))
        {
            return 0;
        }

        if (ours) {
            ours = ngx_http_push_deflate_take(&offer, &seen, name, len, &v);
        }
    }

    if (ours && !terms->accepted) {
        *terms = offer;
    }

    return 1;
}


/* [ "=" (token | quoted-string) ], where the latter holds a token, too */

static int
ngx_http_push_deflate_read_value(ngx_http_push_deflate_text_t *t,
    ngx_http_push_deflate_value_t *v)
{
    size_t         i, len;
    const u_char  *token;

    v->len = 0;

    if (!ngx_http_push_deflate_read_sign(t, '=')) {
        return 1;
    }

    if (t->pos == t->end || *t->pos != '"') {

        if (!ngx_http_push_deflate_read_token(t, &token, &len)) {
            return 0;
        }

        for (i = 0; i < len; i++) {
            ngx_http_push_deflate_add(v, token[i]);
        }

        return 1;
    }

    for (t->pos++; t->pos != t->end && *t->pos != '"'; t->pos++) {

        if (*t->pos == '\\' && ++t->pos == t->end) {
            return 0;
        }

        if (!ngx_http_push_deflate_is_token(*t->pos)) {
            return 0;
        }

        ngx_http_push_deflate_add(v, *t->pos);
    }

    if (t->pos == t->end || v->len == 0) {
        return 0;
    }

    t->pos++;

    ngx_http_push_deflate_skip_blanks(t);

    return 1;
}


static int
ngx_http_push_deflate_read_token(ngx_http_push_deflate_text_t *t,
    const u_char **token, size_t *len)
{
    ngx_http_push_deflate_skip_blanks(t);

    *token = t->pos;

    while (t->pos != t->end && ngx_http_push_deflate_is_token(*t->pos)) {
        t->pos++;
    }

    *len = t->pos - *token;

    ngx_http_push_deflate_skip_blanks(t);

    return *len != 0;
}


/* blanks may stand around it; 0: there is another one, or the end */

static int
ngx_http_push_deflate_read_sign(ngx_http_push_deflate_text_t *t, u_char sign)
{
    ngx_http_push_deflate_skip_blanks(t);

    if (t->pos == t->end || *t->pos != sign) {
        return 0;
    }

    t->pos++;

    ngx_http_push_deflate_skip_blanks(t);

    return 1;
}


static void
ngx_http_push_deflate_skip_blanks(ngx_http_push_deflate_text_t *t)
{
    while (t->pos != t->end && (*t->pos == ' ' || *t->pos == '\t')) {
        t->pos++;
    }
}


/* RFC 2616 2.2: visible ASCII without separators */

static int
ngx_http_push_deflate_is_token(u_char c)
{
    return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?={}", c) == NULL;
}


static void
ngx_http_push_deflate_add(ngx_http_push_deflate_value_t *v, u_char c)
{
    if (v->len < sizeof(v->text)) {
        v->text[v->len] = c;
    }

    v->len++;
}


/* a parameter of an offer of ours; 0: the offer is declined, RFC 7692 7.1 */

static int
ngx_http_push_deflate_take(ngx_http_push_deflate_terms_t *offer,
    unsigned *seen, const u_char *name, size_t len,
    const ngx_http_push_deflate_value_t *v)
{
    unsigned  bits, parameter;

    parameter = ngx_http_push_deflate_parameter(name, len);

    if (parameter == 0 || (*seen & parameter)) {
        return 0;
    }

    *seen |= parameter;

    bits = ngx_http_push_deflate_bits(v);

    switch (parameter) {

    case NGX_HTTP_PUSH_DEFLATE_SERVER_BITS:
        offer->tell_server = 1;
        offer->server_bits = bits;

        return bits != 0;

    case NGX_HTTP_PUSH_DEFLATE_CLIENT_BITS:
        offer->tell_client = 1;

        if (v->len == 0) {
            return 1;
        }

        offer->client_bits = bits;

        return bits != 0;
    }

    return v->len == 0;
}


static unsigned
ngx_http_push_deflate_parameter(const u_char *name, size_t len)
{
    unsigned  i;

    static const struct {
        const char  *name;
        unsigned     parameter;
    } known[] = {
        { "server_no_context_takeover", NGX_HTTP_PUSH_DEFLATE_SERVER_CONTEXT },
        { "client_no_context_takeover", NGX_HTTP_PUSH_DEFLATE_CLIENT_CONTEXT },
        { "server_max_window_bits", NGX_HTTP_PUSH_DEFLATE_SERVER_BITS },
        { "client_max_window_bits", NGX_HTTP_PUSH_DEFLATE_CLIENT_BITS }
    };

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {

        if (strlen(known[i].name) == len
            && memcmp(known[i].name, name, len) == 0)
        {
            return known[i].parameter;
        }
    }

    return 0;
}


/* 8 to 15, without a leading zero; 0: it is not */

static unsigned
ngx_http_push_deflate_bits(const ngx_http_push_deflate_value_t *v)
{
    unsigned  bits;

    bits = 0;

    if (v->len == 1) {
        bits = v->text[0] - '0';

    } else if (v->len == 2 && v->text[0] == '1'
               && v->text[1] >= '0' && v->text[1] <= '9')
    {
        bits = 10 + v->text[1] - '0';
    }

    if (bits < NGX_HTTP_PUSH_DEFLATE_BITS_MIN
        || bits > NGX_HTTP_PUSH_DEFLATE_BITS_MAX
        || (v->len == 1 && bits > 9))
    {
        return 0;
    }

    return bits;
}


size_t
ngx_http_push_deflate_answer(const ngx_http_push_deflate_terms_t *terms,
    u_char *dst)
{
    u_char  *p;

    /* the second one may be asked for uninvited, RFC 7692 7.1.1.2 */

    p = ngx_http_push_deflate_write(dst, NGX_HTTP_PUSH_DEFLATE_NAME
                                    "; server_no_context_takeover"
                                    "; client_no_context_takeover");

    if (terms->tell_server) {
        p = ngx_http_push_deflate_write_bits(p, "; server_max_window_bits=",
                                             terms->server_bits);
    }

    if (terms->tell_client) {
        p = ngx_http_push_deflate_write_bits(p, "; client_max_window_bits=",
                                             terms->client_bits);
    }

    return p - dst;
}


static u_char *
ngx_http_push_deflate_write(u_char *dst, const char *text)
{
    size_t  len;

    len = strlen(text);

    memcpy(dst, text, len);

    return dst + len;
}


static u_char *
ngx_http_push_deflate_write_bits(u_char *dst, const char *name, unsigned bits)
{
    dst = ngx_http_push_deflate_write(dst, name);

    if (bits > 9) {
        *dst++ = '1';
    }

    *dst++ = (u_char) ('0' + bits % 10);

    return dst;
}


unsigned
ngx_http_push_deflate_window(unsigned bits)
{
    if (bits >= NGX_HTTP_PUSH_DEFLATE_LARGE) {
        return NGX_HTTP_PUSH_DEFLATE_LARGE;
    }

    return bits >= NGX_HTTP_PUSH_DEFLATE_SMALL ? NGX_HTTP_PUSH_DEFLATE_SMALL
                                               : 0;
}


int
ngx_http_push_deflate_compress(ngx_http_push_deflate_t *d,
    ngx_http_push_deflate_how_t how, const u_char *in, size_t len,
    u_char *out, size_t *size)
{
    size_t     n;
    z_stream  *z;

    if (len > INT_MAX || *size > INT_MAX) {
        return NGX_HTTP_PUSH_DEFLATE_NO_ROOM;
    }

    z = ngx_http_push_deflate_stream(d, how);
    if (z == NULL) {
        return NGX_HTTP_PUSH_DEFLATE_NO_MEMORY;
    }

    (void) deflateReset(z);

    z->next_in = (u_char *) in;
    z->avail_in = (uInt) len;
    z->next_out = out;
    z->avail_out = (uInt) *size;

    (void) deflate(z, Z_SYNC_FLUSH);

    /* with room left it is complete, and ends as every flush does */

    n = *size - z->avail_out;

    if (z->avail_in != 0 || z->avail_out == 0
        || n <= NGX_HTTP_PUSH_DEFLATE_TAIL)
    {
        return NGX_HTTP_PUSH_DEFLATE_NO_ROOM;
    }

    *size = n - NGX_HTTP_PUSH_DEFLATE_TAIL;

    return NGX_HTTP_PUSH_DEFLATE_OK;
}


static z_stream *
ngx_http_push_deflate_stream(ngx_http_push_deflate_t *d,
    ngx_http_push_deflate_how_t how)
{
    int         mem;
    z_stream   *z, **place;
    unsigned    small;

    small = (how.window == NGX_HTTP_PUSH_DEFLATE_SMALL);
    place = &d->streams[small][how.level];

    if (*place != NULL) {
        return *place;
    }

    z = calloc(1, sizeof(z_stream));
    if (z == NULL) {
        return NULL;
    }

    mem = small ? NGX_HTTP_PUSH_DEFLATE_MEM_SMALL
                : NGX_HTTP_PUSH_DEFLATE_MEM_LARGE;

    /* a negative window is one without zlib's header */

    if (deflateInit2(z, (int) how.level, Z_DEFLATED, -(int) how.window, mem,
                     Z_DEFAULT_STRATEGY)
        != Z_OK)
    {
        free(z);
        return NULL;
    }

    *place = z;

    return z;
}


void
ngx_http_push_deflate_begin(ngx_http_push_deflate_t *d, uint64_t max)
{
    d->max = (max != 0 && max != UINT64_MAX) ? max : UINT64_MAX - 1;
    d->total = 0;
    d->tail = 0;
    d->started = 0;
    d->between = 1;
}


int
ngx_http_push_deflate_inflate(ngx_http_push_deflate_t *d, const u_char **pos,
    const u_char *end, int last, u_char *out, size_t *size)
{
    int            rc;
    uInt           room;
    z_stream      *z;
    const u_char  *tail;

    if (!d->started && ngx_http_push_deflate_start(d) != Z_OK) {
        *size = 0;
        return NGX_HTTP_PUSH_DEFLATE_NO_MEMORY;
    }

    z = d->inflater;

    /* one byte too many is what shows that there are too many */

    room = *size < INT_MAX ? (uInt) *size : INT_MAX;

    if (room > d->max - d->total + 1) {
        room = (uInt) (d->max - d->total + 1);
    }

    z->next_out = out;
    z->avail_out = room;

    rc = NGX_HTTP_PUSH_DEFLATE_OK;

    if (d->tail == 0) {
        rc = ngx_http_push_deflate_run(d, pos, end);
    }

    if (rc == NGX_HTTP_PUSH_DEFLATE_OK && last
        && (!d->between || d->tail != 0))
    {
        tail = ngx_http_push_deflate_tail + d->tail;

        rc = ngx_http_push_deflate_run(d, &tail,
                                       ngx_http_push_deflate_tail
                                       + NGX_HTTP_PUSH_DEFLATE_TAIL);

        d->tail = tail - ngx_http_push_deflate_tail;

        if (rc == NGX_HTTP_PUSH_DEFLATE_OK && !d->between
            && (z->data_type & (NGX_HTTP_PUSH_DEFLATE_BETWEEN
                                | NGX_HTTP_PUSH_DEFLATE_BITS))
               != NGX_HTTP_PUSH_DEFLATE_BETWEEN)
        {
            /* it ends within a block */
            rc = NGX_HTTP_PUSH_DEFLATE_INVALID;
        }
    }

    *size = room - z->avail_out;
    d->total += *size;

    return d->total > d->max ? NGX_HTTP_PUSH_DEFLATE_TOO_LARGE : rc;
}


/*
 * The window is always the largest: it bounds what the client may refer to,
 * and is there once in a worker.
 */

static int
ngx_http_push_deflate_start(ngx_http_push_deflate_t *d)
{
    int        rc;
    z_stream  *z;

    if (d->inflater == NULL) {

        z = calloc(1, sizeof(z_stream));
        if (z == NULL) {
            return Z_MEM_ERROR;
        }

        rc = inflateInit2(z, -NGX_HTTP_PUSH_DEFLATE_BITS_MAX);

        if (rc != Z_OK) {
            free(z);
            return rc;
        }

        d->inflater = z;

    } else {
        (void) inflateReset(d->inflater);
    }

    d->started = 1;

    return Z_OK;
}


/* OK: all input was taken and what it stands for was written */

static int
ngx_http_push_deflate_run(ngx_http_push_deflate_t *d, const u_char **pos,
    const u_char *end)
{
    int        rc;
    z_stream  *z;

    z = d->inflater;

    for ( ;; ) {
        z->next_in = (u_char *) *pos;
        z->avail_in = end - *pos < INT_MAX ? (uInt) (end - *pos) : INT_MAX;

        if (z->avail_in != 0) {
            d->between = 0;

        } else if (d->between) {
            return NGX_HTTP_PUSH_DEFLATE_OK;
        }

        rc = inflate(z, Z_SYNC_FLUSH);

        *pos = z->next_in;

        switch (rc) {

        case Z_STREAM_END:

            /*
             * A final block does not end the message (RFC 7692 7.2.3.4): the
             * next one begins with the next byte, and may refer to what came
             * before.  The other way to keep the window, to copy it, could be
             * asked for by every second byte.
             */

            d->between = 1;
            rc = inflateResetKeep(z);
            break;

        case Z_OK:
        case Z_BUF_ERROR:
            rc = Z_OK;
            break;
        }

        if (rc != Z_OK) {
            return rc == Z_MEM_ERROR ? NGX_HTTP_PUSH_DEFLATE_NO_MEMORY
                                     : NGX_HTTP_PUSH_DEFLATE_INVALID;
        }

        if (z->avail_out == 0) {
            return NGX_HTTP_PUSH_DEFLATE_MORE;
        }

        if (*pos == end) {
            return NGX_HTTP_PUSH_DEFLATE_OK;
        }
    }
}
