
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: permessage-deflate (RFC 7692): what is negotiated, and the
 * payloads of messages.  The only place that knows zlib.
 */


#ifndef _NGX_HTTP_PUSH_DEFLATE_H_INCLUDED_
#define _NGX_HTTP_PUSH_DEFLATE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>


#define NGX_HTTP_PUSH_DEFLATE_LEVEL_MIN   1
#define NGX_HTTP_PUSH_DEFLATE_LEVEL_MAX   9

#define NGX_HTTP_PUSH_DEFLATE_ANSWER_MAX  160   /* bytes of an answer */

/* what compress() needs beyond its result */
#define NGX_HTTP_PUSH_DEFLATE_MARGIN      5


/*
 * The windows that we compress with, in bits.  A payload of the smaller one
 * may be sent to whoever takes the larger; a message that is no longer than
 * the smaller one has nothing to gain from the larger.
 */
#define NGX_HTTP_PUSH_DEFLATE_LARGE       15
#define NGX_HTTP_PUSH_DEFLATE_SMALL       12

#define NGX_HTTP_PUSH_DEFLATE_SMALL_SIZE  (1 << NGX_HTTP_PUSH_DEFLATE_SMALL)


/* what compress() and inflate() return */
#define NGX_HTTP_PUSH_DEFLATE_OK          0
#define NGX_HTTP_PUSH_DEFLATE_MORE        1
#define NGX_HTTP_PUSH_DEFLATE_NO_ROOM     2
#define NGX_HTTP_PUSH_DEFLATE_INVALID     3
#define NGX_HTTP_PUSH_DEFLATE_TOO_LARGE   4
#define NGX_HTTP_PUSH_DEFLATE_NO_MEMORY   5


/* what is agreed on with a client; all zero before its first offer is read */

typedef struct {
    unsigned  accepted:1;
    unsigned  tell_server:1;    /* the answer names server_bits */
    unsigned  tell_client:1;    /* the answer names client_bits */
    unsigned  server_bits:5;    /* the largest window that we may use, 8-15 */
    unsigned  client_bits:5;    /* ... that the client uses */
} ngx_http_push_deflate_terms_t;


/* how a message is compressed */

typedef struct {
    unsigned  level;            /* 1, the fastest, to 9 */
    unsigned  window;           /* SMALL or LARGE */
} ngx_http_push_deflate_how_t;


/*
 * The compressors, made at their first use, and one inflater: of a worker,
 * not of a connection, because no message of either side needs another one
 * (server_no_context_takeover, client_no_context_takeover).
 */

typedef struct ngx_http_push_deflate_s  ngx_http_push_deflate_t;


/* NULL: out of memory; zlib's own is taken when it is needed */
ngx_http_push_deflate_t *ngx_http_push_deflate_create(void);
void ngx_http_push_deflate_destroy(ngx_http_push_deflate_t *d);

/*
 * Reads a Sec-WebSocket-Extensions header (RFC 6455 9.1), to be called for
 * each of them in their order.  The first offer of permessage-deflate that can
 * be accepted (RFC 7692 7.1) fills terms; those with unknown, repeated or
 * invalid parameters are declined, other extensions are skipped.  Returns 0 if
 * the header does not conform to the grammar: then the handshake has failed.
 */
int ngx_http_push_deflate_negotiate(ngx_http_push_deflate_terms_t *terms,
    const u_char *value, size_t len);

/* writes the answer to accepted terms, returns its size */
size_t ngx_http_push_deflate_answer(const ngx_http_push_deflate_terms_t *terms,
    u_char *dst);

/*
 * The window to compress with for a client that takes windows of bits: SMALL,
 * LARGE, or 0: it gets its messages uncompressed.
 *
 * That is always legal (RFC 7692 6), and is what those get whose window is so
 * small that zlib cannot make it (8) or that it is of no use: nobody shares
 * what is compressed for it.
 */
unsigned ngx_http_push_deflate_window(unsigned bits);

/*
 * Compresses a message to a complete payload (RFC 7692 7.2.1).  *size is the
 * room in out, and afterwards the payload's size.  OK; NO_ROOM if room for
 * MARGIN bytes more than the payload is not there; NO_MEMORY.
 */
int ngx_http_push_deflate_compress(ngx_http_push_deflate_t *d,
    ngx_http_push_deflate_how_t how, const u_char *in, size_t len,
    u_char *out, size_t *size);

/* a message begins that may have max bytes, 0: any number */
void ngx_http_push_deflate_begin(ngx_http_push_deflate_t *d, uint64_t max);

/*
 * Inflates a piece of the message, the last one with last.  *size is the room
 * in out, not 0, and afterwards how much was written.
 *
 * OK: *pos has reached end, and with last the message is complete.  MORE: out
 * is full; to be called again with the rest.  INVALID, TOO_LARGE, NO_MEMORY:
 * there is nothing more to be had; not more than max + 1 bytes were written.
 */
int ngx_http_push_deflate_inflate(ngx_http_push_deflate_t *d,
    const u_char **pos, const u_char *end, int last, u_char *out,
    size_t *size);


#endif /* _NGX_HTTP_PUSH_DEFLATE_H_INCLUDED_ */
