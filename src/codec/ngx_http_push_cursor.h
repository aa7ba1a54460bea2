
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: cursors, by which a client says where it goes on; owns
 * nothing.
 *
 *     cursor  = id | entry *("," entry) | channel "=" id
 *     entry   = 8 hex digits of the hash of the channel's name "." id
 *     id      = epoch ":" offset | "-" number
 *
 * An id alone is for the only channel, "-" number for each.  The epoch is "-"
 * and the offset 0 of a channel in which nothing had been stored.
 */


#ifndef _NGX_HTTP_PUSH_CURSOR_H_INCLUDED_
#define _NGX_HTTP_PUSH_CURSOR_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>


/* channels of a cursor that is written */
#define NGX_HTTP_PUSH_CURSOR_CHANNELS  32

/* bytes of it: hash, dot, epoch, colon, offset and comma each */
#define NGX_HTTP_PUSH_CURSOR_MAX                                             \
    (NGX_HTTP_PUSH_CURSOR_CHANNELS * (8 + 1 + 23 + 1 + 20 + 1))


typedef enum {
    NGX_HTTP_PUSH_CURSOR_NOW = 0,       /* nothing was said of it */
    NGX_HTTP_PUSH_CURSOR_AFTER,         /* the message of this id */
    NGX_HTTP_PUSH_CURSOR_TAIL,          /* begin with the last so many */
    NGX_HTTP_PUSH_CURSOR_BAD            /* could not be read: a gap */
} ngx_http_push_cursor_kind_e;


/*
 * Of one channel.  name, len and hash are the caller's, who begins with the
 * kind NOW.  epoch points into the text that was read; epoch_len 0: nothing
 * had been stored.
 */

typedef struct {
    const u_char   *name;
    size_t          len;
    uint32_t        hash;

    int             kind;               /* ngx_http_push_cursor_kind_e */
    const u_char   *epoch;
    size_t          epoch_len;
    uint64_t        n;                  /* offset, or how many */
} ngx_http_push_cursor_t;


/*
 * Reads one text, decoded, and sets what it says of the n channels.  May be
 * called once for each text that came: what was understood first holds.  A
 * text that cannot be read is BAD for each channel that no text speaks of; an
 * empty one says nothing.
 */
void ngx_http_push_cursor_read(const u_char *text, size_t len,
    ngx_http_push_cursor_t *channels, size_t n);

/*
 * The cursor of n channels, 1 to NGX_HTTP_PUSH_CURSOR_CHANNELS, into room for
 * NGX_HTTP_PUSH_CURSOR_MAX bytes; returns the end.  Those that are not AFTER
 * are left out.
 */
u_char *ngx_http_push_cursor_write(u_char *dst,
    const ngx_http_push_cursor_t *channels, size_t n);


#endif /* _NGX_HTTP_PUSH_CURSOR_H_INCLUDED_ */
