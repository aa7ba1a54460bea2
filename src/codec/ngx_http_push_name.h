
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: the grammar of channel names and of the patterns that match
 * them; owns nothing.
 */


#ifndef _NGX_HTTP_PUSH_NAME_H_INCLUDED_
#define _NGX_HTTP_PUSH_NAME_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>


#define NGX_HTTP_PUSH_NAME_MAX         255

/* pieces that a pattern may have */
#define NGX_HTTP_PUSH_NAME_MAX_PIECES  32

/* what is wrong with a name or a pattern */
#define NGX_HTTP_PUSH_NAME_OK          0
#define NGX_HTTP_PUSH_NAME_EMPTY       1
#define NGX_HTTP_PUSH_NAME_LONG        2
#define NGX_HTTP_PUSH_NAME_CHARACTER   3
#define NGX_HTTP_PUSH_NAME_UTF8        4
#define NGX_HTTP_PUSH_NAME_ESCAPE      5
#define NGX_HTTP_PUSH_NAME_PIECES      6

/* what ngx_http_push_name_reserved() returns */
#define NGX_HTTP_PUSH_NAME_NONE        0
#define NGX_HTTP_PUSH_NAME_PRIVATE     1
#define NGX_HTTP_PUSH_NAME_INTERNAL    2


typedef enum {
    NGX_HTTP_PUSH_NAME_LITERAL = 0,
    NGX_HTTP_PUSH_NAME_STAR,            /* any run without ':' */
    NGX_HTTP_PUSH_NAME_STARSTAR         /* any run */
} ngx_http_push_name_kind_e;


/*
 * One piece of a pattern.  p and len belong to a LITERAL, which stands for
 * exactly these bytes, and lie in memory of the caller.  A literal of no bytes
 * is a variable that had no value: its pattern matches nothing.
 */
typedef struct {
    ngx_http_push_name_kind_e  kind;
    const u_char              *p;
    size_t                     len;
} ngx_http_push_name_piece_t;


/*
 * 1 to 255 bytes of UTF-8 without control characters (C0, DEL, C1), space,
 * comma, '{' and '}': OK, EMPTY, LONG, UTF8 or CHARACTER.
 */
int ngx_http_push_name_check(const u_char *p, size_t len);

/* the words for a code of this file, for a log line or an answer; static */
const char *ngx_http_push_name_reason(int code);

/*
 * INTERNAL for a name that begins with "__" or with keys (keys_len 0: no such
 * check) and that nobody may use, PRIVATE for one that begins with '@', '#' or
 * '!' and that only a directive's own text may bring, else NONE.
 */
int ngx_http_push_name_reserved(const u_char *p, size_t len,
    const u_char *keys, size_t keys_len);

/*
 * Decodes %XX once; '+' stays '+'.  dst has room for len bytes and may be src.
 * OK with the decoded length in *out, or ESCAPE.
 */
int ngx_http_push_name_unescape(u_char *dst, const u_char *src, size_t len,
    size_t *out);

/*
 * Cuts the text of a pattern into at most max pieces that point into it, the
 * number of them in *n: OK or PIECES.  Three or more stars are two.
 */
int ngx_http_push_name_compile(const u_char *text, size_t len,
    ngx_http_push_name_piece_t *pieces, size_t max, size_t *n);

/*
 * 1 if the pieces match the whole name.  The time is bounded by the square of
 * the name's length, whatever the pattern.
 */
int ngx_http_push_name_match_pieces(const ngx_http_push_name_piece_t *pieces,
    size_t n, const u_char *name, size_t len);

/*
 * The same for a pattern's text; one with more than
 * NGX_HTTP_PUSH_NAME_MAX_PIECES pieces matches nothing.
 */
int ngx_http_push_name_match(const u_char *pattern, size_t plen,
    const u_char *name, size_t nlen);


#endif /* _NGX_HTTP_PUSH_NAME_H_INCLUDED_ */
