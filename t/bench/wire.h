
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: the bytes of WebSocket, HTTP and RESP, as far as the tools
 * beside this file speak them.  Pure: no socket, no allocation.
 */


#ifndef _NGX_HTTP_PUSH_WIRE_H_INCLUDED_
#define _NGX_HTTP_PUSH_WIRE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define NGX_HTTP_PUSH_WIRE_TEXT    0x1
#define NGX_HTTP_PUSH_WIRE_BINARY  0x2
#define NGX_HTTP_PUSH_WIRE_CLOSE   0x8
#define NGX_HTTP_PUSH_WIRE_PING    0x9
#define NGX_HTTP_PUSH_WIRE_PONG    0xa

/* the length of Sec-WebSocket-Accept, without the closing zero */
#define NGX_HTTP_PUSH_WIRE_ACCEPT  28

/* the longest frame header: 2, 8 bytes of length, 4 of mask */
#define NGX_HTTP_PUSH_WIRE_HEAD    14


typedef struct {
    uint64_t     length;     /* of the payload */
    uint32_t     head;       /* bytes before the payload */
    uint8_t      opcode;
    uint8_t      fin;
    uint8_t      masked;
} ngx_http_push_wire_frame_t;


typedef struct {
    int64_t      number;     /* ':' its value, '$' its length, '*' elements */
    const char  *data;       /* '$', '+' and '-': the bytes */
    size_t       length;
    char         type;
} ngx_http_push_wire_reply_t;


/* RFC 6455 4.2.2: accept gets 28 characters and a zero */
void ngx_http_push_wire_accept(const char *key, size_t length, char *accept);

/*
 * RFC 6455 5.2.  Reading gives 1 when the whole header is there, 0 when more
 * bytes are needed, -1 for what no server may send (reserved bits).  Writing
 * gives the header's length; with a mask it is a client's frame, and the
 * payload is masked by the caller.
 */
int ngx_http_push_wire_read_frame(ngx_http_push_wire_frame_t *f,
    const uint8_t *p, size_t size);
size_t ngx_http_push_wire_write_frame(uint8_t *p, uint8_t opcode,
    size_t length, const uint8_t *mask);

/*
 * The length of an HTTP head, with its empty line, or 0 when it is not
 * complete.  A header's value: its length, or -1 when it is absent; name is
 * given in lower case with its colon.
 */
size_t ngx_http_push_wire_head(const char *p, size_t size);
int ngx_http_push_wire_header(const char *head, size_t size,
    const char *name, const char **value);

/*
 * RESP.  Reading takes one element (the elements of an array follow one by
 * one) and gives the bytes it took, 0 when more are needed, -1 for nonsense.
 * Writing gives the bytes written, 0 when the room does not suffice.
 */
long ngx_http_push_wire_read_reply(ngx_http_push_wire_reply_t *r,
    const char *p, size_t size);
size_t ngx_http_push_wire_write_command(char *p, size_t size, int argc,
    const char **argv, const size_t *length);


#endif /* _NGX_HTTP_PUSH_WIRE_H_INCLUDED_ */
