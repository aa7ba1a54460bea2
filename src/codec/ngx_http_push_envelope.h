
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: the envelope that a message has on both buses and in the
 * history; owns nothing, an envelope points into the caller's memory.
 *
 *     0xFF 'P' '1' kind SP epoch SP offset SP milliseconds
 *         [SP key=value ...] LF body
 *
 * Values are percent-encoded: n event name, y content type, t ttl in ms,
 * i publisher's id, r receipt@worker, x connection to skip, f flags (b binary,
 * v volatile).  Other keys and flags are ignored.
 */


#ifndef _NGX_HTTP_PUSH_ENVELOPE_H_INCLUDED_
#define _NGX_HTTP_PUSH_ENVELOPE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>


/* everything up to the LF, and it; what can be written always fits */
#define NGX_HTTP_PUSH_ENVELOPE_HEADER_MAX  2048

/* bytes of a text value (n, y, i, r, x) after decoding */
#define NGX_HTTP_PUSH_ENVELOPE_TEXT_MAX    128

/* an epoch is that many letters and digits */
#define NGX_HTTP_PUSH_ENVELOPE_EPOCH_MAX   23

/* room for the decoded values of one header */
#define NGX_HTTP_PUSH_ENVELOPE_SCRATCH     NGX_HTTP_PUSH_ENVELOPE_HEADER_MAX

#define NGX_HTTP_PUSH_ENVELOPE_KIND_MESSAGE  'M'
#define NGX_HTTP_PUSH_ENVELOPE_KIND_CONTROL  'C'
#define NGX_HTTP_PUSH_ENVELOPE_KIND_ACK      'A'
#define NGX_HTTP_PUSH_ENVELOPE_KIND_PROBE    'B'

/* what ngx_http_push_envelope_parse() returns */
#define NGX_HTTP_PUSH_ENVELOPE_MESSAGE  0
#define NGX_HTTP_PUSH_ENVELOPE_PLAIN    1
#define NGX_HTTP_PUSH_ENVELOPE_BAD      2


/* data is NULL and len 0 where there is no value */
typedef struct {
    const u_char  *data;
    size_t         len;
} ngx_http_push_envelope_str_t;


/*
 * An M has an offset if and only if it has an epoch.  ttl 0 is none.  scratch
 * is set by the caller of parse and lives as long as the values are used; it
 * is not touched where no value needs decoding.
 */
typedef struct {
    ngx_http_push_envelope_str_t   epoch;
    ngx_http_push_envelope_str_t   event;      /* n */
    ngx_http_push_envelope_str_t   type;       /* y */
    ngx_http_push_envelope_str_t   id;         /* i */
    ngx_http_push_envelope_str_t   receipt;    /* r */
    ngx_http_push_envelope_str_t   except;     /* x */
    ngx_http_push_envelope_str_t   body;
    uint64_t                       offset;
    uint64_t                       time;       /* ms since 1970 */
    uint64_t                       ttl;        /* t, ms */
    u_char                        *scratch;
    u_char                         kind;

    unsigned                       is_binary:1;    /* f=b */
    unsigned                       is_volatile:1;  /* f=v */
} ngx_http_push_envelope_t;


/*
 * Reads p, sets every field of env but scratch, which points to
 * NGX_HTTP_PUSH_ENVELOPE_SCRATCH bytes.
 *
 * MESSAGE: a header of any of the four kinds, understood.  PLAIN: no header,
 * all of it is the body of an M without epoch, offset and time.  BAD: a header
 * that is malformed or of an unknown kind, to be dropped and counted; env is
 * then of no use.
 */
int ngx_http_push_envelope_parse(const u_char *p, size_t len,
    ngx_http_push_envelope_t *env);

/*
 * Bytes of the header alone, and of header and body; 0 if a field is outside
 * its bounds, in which case nothing may be written.
 */
size_t ngx_http_push_envelope_header_size(const ngx_http_push_envelope_t *env);
size_t ngx_http_push_envelope_size(const ngx_http_push_envelope_t *env);

/*
 * Write the header alone, or header and body, into room of at least the size
 * told above, and return the end of what was written.
 */
u_char *ngx_http_push_envelope_write_header(u_char *dst,
    const ngx_http_push_envelope_t *env);
u_char *ngx_http_push_envelope_write(u_char *dst,
    const ngx_http_push_envelope_t *env);

/*
 * 1 if this may be an event name, a content type or any other text value: 1 to
 * 128 bytes of UTF-8 without control characters.
 */
int ngx_http_push_envelope_text_valid(const u_char *p, size_t len);


#endif /* _NGX_HTTP_PUSH_ENVELOPE_H_INCLUDED_ */
