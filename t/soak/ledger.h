/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Soak: the book of all messages: what was published and how that was
 * answered, which id belongs to which, and what was wrong.
 */


#ifndef _NGX_HTTP_PUSH_LEDGER_H_INCLUDED_
#define _NGX_HTTP_PUSH_LEDGER_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define NGX_HTTP_PUSH_LEDGER_CHANNELS  256
#define NGX_HTTP_PUSH_LEDGER_EPOCH     24
#define NGX_HTTP_PUSH_LEDGER_EPOCHS    1024        /* of a channel */
#define NGX_HTTP_PUSH_LEDGER_CODES     32

/* room for a body, and for what leads it */
#define NGX_HTTP_PUSH_LEDGER_BODY      70000
#define NGX_HTTP_PUSH_LEDGER_HEAD      80


/* what may be wrong; the names are in ledger.c */

typedef enum {
    ngx_http_push_ledger_silent_gap = 0,  /* a jump without a notice */
    ngx_http_push_ledger_backward,        /* again, or out of order */
    ngx_http_push_ledger_epoch_back,      /* an epoch that was over */
    ngx_http_push_ledger_two_bodies,      /* of one id */
    ngx_http_push_ledger_two_ids,         /* of one message */
    ngx_http_push_ledger_refused_seen,    /* failed, and delivered */
    ngx_http_push_ledger_disorder,        /* not as it was published */
    ngx_http_push_ledger_corrupt,         /* body or head */
    ngx_http_push_ledger_foreign,         /* not a channel of the client's */
    ngx_http_push_ledger_conflict,        /* 409 for the same body */
    ngx_http_push_ledger_unanswered,      /* a publish */
    ngx_http_push_ledger_protocol,        /* not WebSocket, not HTTP */
    ngx_http_push_ledger_ended,           /* with a code nobody deserved */
    ngx_http_push_ledger_missing,         /* deaf at the end */
    ngx_http_push_ledger_wrongs
} ngx_http_push_ledger_wrong_e;


typedef enum {
    ngx_http_push_ledger_pending = 0,
    ngx_http_push_ledger_taken,           /* 2xx */
    ngx_http_push_ledger_refused,         /* 503 and the like, each time */
    ngx_http_push_ledger_unknown          /* 504, or no answer */
} ngx_http_push_ledger_outcome_e;


/* a message; its number is its place, from 1, among those of its channel */

typedef struct {
    uint32_t             offset;
    uint16_t             epoch;           /* its place plus one; 0: no id */
    uint8_t              outcome;
    uint8_t              tries;
    unsigned             seen:1;
    unsigned             keyed:1;         /* with a Push-Id */
    unsigned             fleeting:1;      /* with Push-Volatile */
    unsigned             marker:1;        /* one of the last */
} ngx_http_push_ledger_record_t;


typedef struct {
    uint32_t             code;
    uint32_t             count;
} ngx_http_push_ledger_code_t;


/* a number for each code that was met */

typedef struct {
    uint32_t                     n;
    ngx_http_push_ledger_code_t  codes[NGX_HTTP_PUSH_LEDGER_CODES];
} ngx_http_push_ledger_count_t;


void ngx_http_push_ledger_init(uint32_t channels);

/* the store may have lost what it had: a Push-Id, too, from now on */
void ngx_http_push_ledger_forget(void);

/* by number; the pointer is good until the next message of that channel */
uint32_t ngx_http_push_ledger_add(uint32_t channel);
uint32_t ngx_http_push_ledger_last(uint32_t channel);
ngx_http_push_ledger_record_t *ngx_http_push_ledger_get(uint32_t channel,
    uint32_t number);

/* name has room for 16 */
size_t ngx_http_push_ledger_name(char *name, uint32_t channel);
int ngx_http_push_ledger_channel(const char *name, size_t length);

/* the text that everybody can prove; the length is at least that of a head */
void ngx_http_push_ledger_write(char *body, size_t length, uint32_t channel,
    uint32_t number, uint64_t now);
int ngx_http_push_ledger_read(const char *body, size_t length,
    uint32_t *channel, uint32_t *number, uint64_t *begun);

/* an epoch's place plus one; 0: the text is none */
uint32_t ngx_http_push_ledger_epoch(uint32_t channel, const char *text,
    size_t length);
const char *ngx_http_push_ledger_epoch_name(uint32_t channel, uint32_t epoch);

/* somebody says that this message has this id */
void ngx_http_push_ledger_bind(uint32_t channel, uint32_t number,
    uint32_t epoch, uint32_t offset);
void ngx_http_push_ledger_seen(uint32_t channel, uint32_t number);

/* after all: do ids follow the order in which messages were taken? */
void ngx_http_push_ledger_check(void);

void ngx_http_push_ledger_blame(ngx_http_push_ledger_wrong_e wrong,
    const char *format, ...) __attribute__((format(printf, 2, 3)));
uint64_t ngx_http_push_ledger_wrong(ngx_http_push_ledger_wrong_e wrong);
uint64_t ngx_http_push_ledger_blamed(void);
const char *ngx_http_push_ledger_word(ngx_http_push_ledger_wrong_e wrong);
uint32_t ngx_http_push_ledger_epochs(void);

void ngx_http_push_ledger_count(ngx_http_push_ledger_count_t *c,
    uint32_t code);


#endif /* _NGX_HTTP_PUSH_LEDGER_H_INCLUDED_ */
