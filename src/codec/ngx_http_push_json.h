
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: JSON written into a bounded buffer; owns the buffer and
 * yajl's generator, which nobody else sees.
 */


#ifndef _NGX_HTTP_PUSH_JSON_H_INCLUDED_
#define _NGX_HTTP_PUSH_JSON_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>


/* what became of a document */
#define NGX_HTTP_PUSH_JSON_OK      0
#define NGX_HTTP_PUSH_JSON_NOMEM   1    /* an allocation failed */
#define NGX_HTTP_PUSH_JSON_LIMIT   2    /* it is larger than was allowed */
#define NGX_HTTP_PUSH_JSON_MISUSE  3    /* no document: the caller's bug */


/* made by create, freed only by destroy; one document */
typedef struct ngx_http_push_json_s  ngx_http_push_json_t;


/*
 * max bounds the bytes of the document.  With lines set every value is
 * indented on a line of its own.  NULL if memory is out.
 */
ngx_http_push_json_t *ngx_http_push_json_create(size_t max, int lines);
void ngx_http_push_json_destroy(ngx_http_push_json_t *j);

/*
 * Writers.  They return nothing: the first failure is kept, everything after
 * it does nothing, and finish tells.
 */
void ngx_http_push_json_open_object(ngx_http_push_json_t *j);
void ngx_http_push_json_close_object(ngx_http_push_json_t *j);
void ngx_http_push_json_open_array(ngx_http_push_json_t *j);
void ngx_http_push_json_close_array(ngx_http_push_json_t *j);

/* the name of an object's next member, valid UTF-8, from the source text */
void ngx_http_push_json_key(ngx_http_push_json_t *j, const char *name);

/* any bytes: what is not UTF-8 becomes U+FFFD, one per maximal subpart */
void ngx_http_push_json_string(ngx_http_push_json_t *j, const u_char *p,
    size_t len);

/* the same for a terminated string; NULL is written as null */
void ngx_http_push_json_text(ngx_http_push_json_t *j, const char *s);

void ngx_http_push_json_uint(ngx_http_push_json_t *j, uint64_t n);
void ngx_http_push_json_int(ngx_http_push_json_t *j, int64_t n);
void ngx_http_push_json_bool(ngx_http_push_json_t *j, int b);
void ngx_http_push_json_null(ngx_http_push_json_t *j);

/*
 * A number with that many decimals (at most 6), rounded half away from zero;
 * null for what JSON has no number for and for what is too large to be exact.
 */
void ngx_http_push_json_fixed(ngx_http_push_json_t *j, double n,
    unsigned decimals);

/*
 * OK with the document in *p and *len, which belong to j and end with it, or
 * the reason why there is none.
 */
int ngx_http_push_json_finish(ngx_http_push_json_t *j, const u_char **p,
    size_t *len);


#endif /* _NGX_HTTP_PUSH_JSON_H_INCLUDED_ */
