
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: WebSocket frames as a server sees them (RFC 6455 5); owns
 * the parser's state and nothing else: no I/O, no allocation.
 */


#ifndef _NGX_HTTP_PUSH_FRAME_H_INCLUDED_
#define _NGX_HTTP_PUSH_FRAME_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>


/* RFC 6455 5.2 */
#define NGX_HTTP_PUSH_FRAME_CONTINUATION  0x0
#define NGX_HTTP_PUSH_FRAME_TEXT          0x1
#define NGX_HTTP_PUSH_FRAME_BINARY        0x2
#define NGX_HTTP_PUSH_FRAME_CLOSE         0x8
#define NGX_HTTP_PUSH_FRAME_PING          0x9
#define NGX_HTTP_PUSH_FRAME_PONG          0xa

#define NGX_HTTP_PUSH_FRAME_CONTROL_MAX   125   /* payload, RFC 6455 5.5 */
#define NGX_HTTP_PUSH_FRAME_HEADER_MAX    10    /* of what a server writes */

/* RFC 6455 7.4.1: the codes that the parser itself gives */
#define NGX_HTTP_PUSH_FRAME_CODE_PROTOCOL   1002
#define NGX_HTTP_PUSH_FRAME_CODE_NONE       1005
#define NGX_HTTP_PUSH_FRAME_CODE_DATA       1007
#define NGX_HTTP_PUSH_FRAME_CODE_TOO_LARGE  1009

/* what ngx_http_push_frame_parse() returns */
#define NGX_HTTP_PUSH_FRAME_AGAIN    0
#define NGX_HTTP_PUSH_FRAME_DATA     1
#define NGX_HTTP_PUSH_FRAME_CONTROL  2
#define NGX_HTTP_PUSH_FRAME_ERROR    3


/*
 * Plain memory, nothing to free.  All is private but allow_rsv1, which may be
 * set after init: a data message may then begin with RSV1 (RFC 7692 6).
 */
typedef struct {
    uint64_t     max_message;
    uint64_t     message;       /* payload announced by its fragments so far */
    uint64_t     rest;          /* payload of this frame still to come */
    const char  *reason;        /* of an error, static */
    uint32_t     utf8;
    uint16_t     code;          /* of an error */
    u_char       mask[4];       /* turned so that mask[0] is the next one */
    u_char       state;
    u_char       opcode;        /* of this frame */
    u_char       type;          /* of the message, 0 between messages */
    u_char       fill;          /* bytes in buf */
    u_char       need;          /* bytes of the header, as far as is known */

    unsigned     fin:1;
    unsigned     started:1;     /* a piece of the message was handed out */
    unsigned     compressed:1;  /* the message began with RSV1 */
    unsigned     allow_rsv1:1;

    /* first the header that is being read, then a control frame's payload */
    u_char       buf[NGX_HTTP_PUSH_FRAME_CONTROL_MAX];
} ngx_http_push_frame_parser_t;


/*
 * DATA: data and len are a piece of a message and lie in the caller's input
 * buffer, unmasked; an empty message gives one event with len 0.  opcode is
 * that of the message, TEXT or BINARY, never CONTINUATION.  With compressed
 * the piece is as it came: UTF-8 and size are left to whoever inflates it.
 *
 * CONTROL: a complete close, ping or pong; data lies in the parser and is good
 * until the next call.  For a close, code is what the peer gave or 1005, and
 * data and len are its reason.
 *
 * ERROR: code to close with, and a static reason for the log.
 */
typedef struct {
    u_char      *data;
    size_t       len;
    const char  *reason;
    unsigned     code;
    unsigned     opcode;

    unsigned     first:1;       /* DATA: the message begins with this piece */
    unsigned     last:1;        /* DATA: the message is complete */
    unsigned     compressed:1;  /* DATA: the message began with RSV1 */
} ngx_http_push_frame_event_t;


/* max_message bounds the sum of a message's fragments, 0 is unlimited */
void ngx_http_push_frame_init(ngx_http_push_frame_parser_t *fp,
    uint64_t max_message);

/*
 * Consumes from *pos up to one event and returns its kind; to be called again
 * until it says AGAIN, which is when *pos has reached end.  Writes into the
 * input, because payload is unmasked where it lies.  Whatever is wrong is told
 * at the first byte that shows it, however the input is cut.
 *
 * An ERROR is final: later calls return it again and consume nothing.  After a
 * close everything that follows is consumed and ignored (RFC 6455 5.5.1).
 */
int ngx_http_push_frame_parse(ngx_http_push_frame_parser_t *fp, u_char **pos,
    u_char *end, ngx_http_push_frame_event_t *ev);

/*
 * 1 if nothing is retained, no part of a header, frame or message, no close and
 * no error: a fresh parser would do, so an idle connection needs to keep none.
 */
int ngx_http_push_frame_idle(const ngx_http_push_frame_parser_t *fp);

/* size of the header that a server's frame of this payload has: 2, 4 or 10 */
size_t ngx_http_push_frame_header_size(uint64_t len);

/* writes the header of an unmasked final frame and returns its size */
size_t ngx_http_push_frame_header(u_char *dst, unsigned opcode, int rsv1,
    uint64_t len);

/* 1 if the code may stand in a close frame (RFC 6455 7.4, IANA's table) */
int ngx_http_push_frame_close_code_valid(unsigned code);


#endif /* _NGX_HTTP_PUSH_FRAME_H_INCLUDED_ */
