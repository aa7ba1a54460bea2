/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Soak: the book of all messages.
 */


#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ledger.h"


/* how much is said of each kind */
#define NGX_HTTP_PUSH_LEDGER_SAID  20


/* whose offset has which number, from base on; 0: not known */

typedef struct {
    char                            name[NGX_HTTP_PUSH_LEDGER_EPOCH];
    uint32_t                        base;
    uint32_t                        room;
    uint32_t                       *numbers;
} ngx_http_push_ledger_epoch_t;


typedef struct {
    uint32_t                        count;
    uint32_t                        room;
    uint32_t                        epochs;
    uint32_t                        forgotten;  /* numbers up to here */
    ngx_http_push_ledger_record_t  *records;
    ngx_http_push_ledger_epoch_t   *epoch;
} ngx_http_push_ledger_channel_t;


static void *ngx_http_push_ledger_grow(void *p, size_t size);
static uint32_t *ngx_http_push_ledger_slot(ngx_http_push_ledger_epoch_t *e,
    uint32_t offset);
static uint32_t ngx_http_push_ledger_sum(const char *p, size_t length);


static uint32_t                        ngx_http_push_ledger_n;
static uint64_t                        ngx_http_push_ledger_counts[
                                                 ngx_http_push_ledger_wrongs];
static ngx_http_push_ledger_channel_t  ngx_http_push_ledger_channels[
                                                NGX_HTTP_PUSH_LEDGER_CHANNELS];

static const char  *ngx_http_push_ledger_words[] = {
    "silent_gap", "backward", "epoch_back", "two_bodies", "two_ids",
    "refused_seen", "disorder", "corrupt", "foreign", "conflict",
    "unanswered", "protocol", "ended", "missing"
};


/* what push_history of t/soak/run knows */

static const struct {
    const char                     *name;
    uint32_t                        until;      /* percent of the channels */
} ngx_http_push_ledger_kinds[] = {
    { "deep", 60 }, { "short", 74 }, { "brief", 86 }, { "mixed", 100 }
};


void
ngx_http_push_ledger_init(uint32_t channels)
{
    uint32_t  i;

    ngx_http_push_ledger_n = channels;

    for (i = 0; i < channels; i++) {
        ngx_http_push_ledger_channels[i].epoch =
            ngx_http_push_ledger_grow(NULL, NGX_HTTP_PUSH_LEDGER_EPOCHS
                                       * sizeof(ngx_http_push_ledger_epoch_t));
    }
}


static void *
ngx_http_push_ledger_grow(void *p, size_t size)
{
    p = realloc(p, size);

    if (p == NULL) {
        fprintf(stderr, "soak: out of memory\n");
        exit(2);
    }

    return p;
}


void
ngx_http_push_ledger_forget(void)
{
    uint32_t                         i;
    ngx_http_push_ledger_channel_t  *ch;

    for (i = 0; i < ngx_http_push_ledger_n; i++) {
        ch = &ngx_http_push_ledger_channels[i];
        ch->forgotten = ch->count;
    }
}


uint32_t
ngx_http_push_ledger_add(uint32_t channel)
{
    ngx_http_push_ledger_channel_t  *ch;

    ch = &ngx_http_push_ledger_channels[channel];

    if (ch->count == ch->room) {
        ch->room = ch->room ? ch->room * 2 : 1024;
        ch->records = ngx_http_push_ledger_grow(ch->records, ch->room
                                      * sizeof(ngx_http_push_ledger_record_t));
    }

    memset(&ch->records[ch->count], 0, sizeof(ngx_http_push_ledger_record_t));

    return ++ch->count;
}


uint32_t
ngx_http_push_ledger_last(uint32_t channel)
{
    return ngx_http_push_ledger_channels[channel].count;
}


ngx_http_push_ledger_record_t *
ngx_http_push_ledger_get(uint32_t channel, uint32_t number)
{
    ngx_http_push_ledger_channel_t  *ch;

    ch = &ngx_http_push_ledger_channels[channel];

    if (number == 0 || number > ch->count) {
        return NULL;
    }

    return &ch->records[number - 1];
}


size_t
ngx_http_push_ledger_name(char *name, uint32_t channel)
{
    unsigned  i;

    for (i = 0; channel * 100 >= ngx_http_push_ledger_n
                               * ngx_http_push_ledger_kinds[i].until; i++)
    {
        /* void */
    }

    return (size_t) sprintf(name, "%s.%u", ngx_http_push_ledger_kinds[i].name,
                            channel);
}


int
ngx_http_push_ledger_channel(const char *name, size_t length)
{
    char         expected[16];
    size_t       n;
    uint32_t     channel;
    const char  *dot;

    dot = memchr(name, '.', length);

    if (dot == NULL) {
        return -1;
    }

    channel = 0;

    for (n = (size_t) (dot - name) + 1; n < length; n++) {
        channel = channel * 10 + (uint32_t) (name[n] - '0');

        if (channel >= ngx_http_push_ledger_n) {
            return -1;
        }
    }

    n = ngx_http_push_ledger_name(expected, channel);

    if (n != length || memcmp(expected, name, n) != 0) {
        return -1;
    }

    return (int) channel;
}


static uint32_t
ngx_http_push_ledger_sum(const char *p, size_t length)
{
    size_t    i;
    uint32_t  h;

    h = 2166136261u;

    for (i = 0; i < length; i++) {
        h = (h ^ (uint8_t) p[i]) * 16777619u;
    }

    return h;
}


void
ngx_http_push_ledger_write(char *body, size_t length, uint32_t channel,
    uint32_t number, uint64_t now)
{
    size_t    i, n;
    uint32_t  x;

    /* the sum comes first, of all that stands behind it */

    n = (size_t) sprintf(body, "%08x %u %u %llu %zu ", 0, channel, number,
                         (unsigned long long) now, length);

    x = channel * 7919 + number * 104729;

    for (i = n; i < length; i++) {
        x = x * 1664525 + 1013904223;
        body[i] = (char) ('a' + (x >> 24) % 26);
    }

    n = (size_t) sprintf(body, "%08x",
                         ngx_http_push_ledger_sum(body + 8, length - 8));
    body[n] = ' ';
}


int
ngx_http_push_ledger_read(const char *body, size_t length, uint32_t *channel,
    uint32_t *number, uint64_t *begun)
{
    char                head[NGX_HTTP_PUSH_LEDGER_HEAD + 1];
    size_t              n, size;
    unsigned            sum;
    unsigned long long  at;

    n = (length < NGX_HTTP_PUSH_LEDGER_HEAD) ? length
                                             : NGX_HTTP_PUSH_LEDGER_HEAD;
    memcpy(head, body, n);
    head[n] = '\0';

    if (sscanf(head, "%8x %u %u %llu %zu ", &sum, channel, number, &at, &size)
        != 5
        || size != length
        || sum != ngx_http_push_ledger_sum(body + 8, length - 8))
    {
        return -1;
    }

    *begun = at;

    return 0;
}


uint32_t
ngx_http_push_ledger_epoch(uint32_t channel, const char *text, size_t length)
{
    uint32_t                         i;
    ngx_http_push_ledger_epoch_t    *e;
    ngx_http_push_ledger_channel_t  *ch;

    ch = &ngx_http_push_ledger_channels[channel];

    if (length == 0 || length >= NGX_HTTP_PUSH_LEDGER_EPOCH) {
        return 0;
    }

    for (i = ch->epochs; i > 0; i--) {
        e = &ch->epoch[i - 1];

        if (strncmp(e->name, text, length) == 0 && e->name[length] == '\0') {
            return i;
        }
    }

    if (ch->epochs == NGX_HTTP_PUSH_LEDGER_EPOCHS) {
        return 0;
    }

    e = &ch->epoch[ch->epochs++];

    memset(e, 0, sizeof(ngx_http_push_ledger_epoch_t));
    memcpy(e->name, text, length);

    return ch->epochs;
}


const char *
ngx_http_push_ledger_epoch_name(uint32_t channel, uint32_t epoch)
{
    return epoch ? ngx_http_push_ledger_channels[channel].epoch[epoch - 1].name
                 : "-";
}


static uint32_t *
ngx_http_push_ledger_slot(ngx_http_push_ledger_epoch_t *e, uint32_t offset)
{
    uint32_t  room, base, shift;

    if (e->room && offset >= e->base && offset - e->base < e->room) {
        return &e->numbers[offset - e->base];
    }

    base = e->room ? e->base : offset;
    shift = 0;

    if (offset < base) {

        /* some more, for those before */

        shift = base - offset + 64;
        shift = (shift > base) ? base : shift;
        base -= shift;
    }

    room = (offset - base + 64) * 2;
    room = (room < e->room + shift) ? e->room + shift : room;

    e->numbers = ngx_http_push_ledger_grow(e->numbers,
                                           room * sizeof(uint32_t));

    memmove(e->numbers + shift, e->numbers, e->room * sizeof(uint32_t));
    memset(e->numbers, 0, shift * sizeof(uint32_t));
    memset(e->numbers + shift + e->room, 0,
           (room - shift - e->room) * sizeof(uint32_t));

    e->base = base;
    e->room = room;

    return &e->numbers[offset - base];
}


void
ngx_http_push_ledger_bind(uint32_t channel, uint32_t number, uint32_t epoch,
    uint32_t offset)
{
    uint32_t                        *slot;
    ngx_http_push_ledger_epoch_t    *e;
    ngx_http_push_ledger_record_t   *r;
    ngx_http_push_ledger_channel_t  *ch;

    ch = &ngx_http_push_ledger_channels[channel];
    e = &ch->epoch[epoch - 1];
    r = &ch->records[number - 1];

    slot = ngx_http_push_ledger_slot(e, offset);

    if (*slot && *slot != number) {
        ngx_http_push_ledger_blame(ngx_http_push_ledger_two_bodies,
                                   "channel %u: id %s:%u is message %u, and "
                                   "message %u", channel, e->name, offset,
                                   *slot, number);
    }

    *slot = number;

    /* a key may have been forgotten between two tries */

    if (r->epoch && (r->epoch != epoch || r->offset != offset)
        && !(r->keyed && r->tries > 1 && number <= ch->forgotten))
    {
        ngx_http_push_ledger_blame(ngx_http_push_ledger_two_ids,
                                   "channel %u: message %u is %s:%u, and "
                                   "%s:%u; %u tries", channel, number,
                                   ch->epoch[r->epoch - 1].name, r->offset,
                                   e->name, offset, r->tries);
    }

    r->epoch = (uint16_t) epoch;
    r->offset = offset;
}


void
ngx_http_push_ledger_seen(uint32_t channel, uint32_t number)
{
    ngx_http_push_ledger_record_t  *r;

    r = ngx_http_push_ledger_get(channel, number);

    if (r->outcome == ngx_http_push_ledger_refused && !r->seen) {
        ngx_http_push_ledger_blame(ngx_http_push_ledger_refused_seen,
                                   "channel %u: message %u was refused, and "
                                   "is %s:%u", channel, number,
                                   ngx_http_push_ledger_epoch_name(channel,
                                                                   r->epoch),
                                   r->offset);
    }

    r->seen = 1;
}


void
ngx_http_push_ledger_check(void)
{
    uint32_t                        i, k;
    uint32_t                        last[NGX_HTTP_PUSH_LEDGER_EPOCHS + 1];
    ngx_http_push_ledger_record_t  *r;

    for (i = 0; i < ngx_http_push_ledger_n; i++) {
        memset(last, 0, sizeof(last));

        for (k = 1; k <= ngx_http_push_ledger_channels[i].count; k++) {
            r = ngx_http_push_ledger_get(i, k);

            /* each is sent when the one before was answered */

            if (r->outcome != ngx_http_push_ledger_taken || r->tries != 1
                || r->epoch == 0)
            {
                continue;
            }

            if (r->offset <= last[r->epoch]) {
                ngx_http_push_ledger_blame(ngx_http_push_ledger_disorder,
                                     "channel %u: message %u has offset %u, "
                                     "one before it %u", i, k, r->offset,
                                     last[r->epoch]);
            }

            last[r->epoch] = r->offset;
        }
    }
}


void
ngx_http_push_ledger_blame(ngx_http_push_ledger_wrong_e wrong,
    const char *format, ...)
{
    char             text[512];
    va_list          args;
    struct tm        tm;
    struct timespec  ts;

    if (ngx_http_push_ledger_counts[wrong]++ >= NGX_HTTP_PUSH_LEDGER_SAID) {
        return;
    }

    va_start(args, format);
    (void) vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    (void) clock_gettime(CLOCK_REALTIME, &ts);
    (void) localtime_r(&ts.tv_sec, &tm);

    fprintf(stderr, "%02d:%02d:%02d.%03d WRONG %s: %s\n", tm.tm_hour,
            tm.tm_min, tm.tm_sec, (int) (ts.tv_nsec / 1000000),
            ngx_http_push_ledger_words[wrong], text);
}


uint64_t
ngx_http_push_ledger_wrong(ngx_http_push_ledger_wrong_e wrong)
{
    return ngx_http_push_ledger_counts[wrong];
}


uint64_t
ngx_http_push_ledger_blamed(void)
{
    unsigned  i;
    uint64_t  n;

    n = 0;

    for (i = 0; i < ngx_http_push_ledger_wrongs; i++) {
        n += ngx_http_push_ledger_counts[i];
    }

    return n;
}


const char *
ngx_http_push_ledger_word(ngx_http_push_ledger_wrong_e wrong)
{
    return ngx_http_push_ledger_words[wrong];
}


uint32_t
ngx_http_push_ledger_epochs(void)
{
    uint32_t  i, n;

    n = 0;

    for (i = 0; i < ngx_http_push_ledger_n; i++) {
        n += ngx_http_push_ledger_channels[i].epochs;
    }

    return n;
}


void
ngx_http_push_ledger_count(ngx_http_push_ledger_count_t *c, uint32_t code)
{
    uint32_t  i;

    for (i = 0; i < c->n; i++) {

        if (c->codes[i].code == code) {
            c->codes[i].count++;
            return;
        }
    }

    if (c->n < NGX_HTTP_PUSH_LEDGER_CODES) {
        c->codes[c->n].code = code;
        c->codes[c->n++].count = 1;
    }
}
