/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the hub of one worker: owns the channels and the table that finds
 * them.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_hub.h"


#define NGX_HTTP_PUSH_HUB_BUCKETS   64
#define NGX_HTTP_PUSH_HUB_MIGRATE   4     /* buckets moved per new channel */
#define NGX_HTTP_PUSH_HUB_ROOM      4     /* of channel->subs, after one */
#define NGX_HTTP_PUSH_HUB_PREFETCH  4     /* subscribers ahead */
#define NGX_HTTP_PUSH_HUB_SHRINK    64    /* smaller room is not given back */


/*
 * The table doubles when it holds as many channels as buckets.  A million
 * channels are not moved in one turn of the loop: the old buckets are emptied
 * a few at a time, by each channel that is added, and both tables are
 * searched meanwhile.
 */

struct ngx_http_push_hub_s {
    ngx_http_push_channel_t  **buckets;
    ngx_http_push_channel_t  **old;           /* NULL: nothing to move */
    ngx_uint_t                 nbuckets;      /* a power of two */
    ngx_uint_t                 nold;
    ngx_uint_t                 moved;         /* old buckets emptied so far */
    ngx_uint_t                 nchannels;
    ngx_uint_t                 busy;

    ngx_http_push_figures_t   *figures;
    ngx_http_push_census_t    *census;
    ngx_http_push_bus_t       *bus;
    ngx_log_t                 *log;

    void                     (*forget)(void *data,
                                       ngx_http_push_channel_t *ch);
    void                      *forget_data;
};


static ngx_http_push_channel_t *ngx_http_push_hub_create_channel(
    ngx_http_push_hub_t *h, ngx_str_t *name, uint32_t hash);
static void ngx_http_push_hub_destroy_channel(ngx_http_push_hub_t *h,
    ngx_http_push_channel_t *ch);
static void ngx_http_push_hub_free_channel(ngx_http_push_hub_t *h,
    ngx_http_push_channel_t *ch);
static ngx_int_t ngx_http_push_hub_open_channel(ngx_http_push_hub_t *h,
    ngx_http_push_channel_t *ch);
static ngx_int_t ngx_http_push_hub_reserve(ngx_http_push_hub_t *h,
    ngx_http_push_channel_t *ch);
static void ngx_http_push_hub_shrink(ngx_http_push_hub_t *h,
    ngx_http_push_channel_t *ch);
static ngx_int_t ngx_http_push_hub_resize(ngx_http_push_hub_t *h,
    ngx_http_push_channel_t *ch, uint32_t room);
static void ngx_http_push_hub_insert(ngx_http_push_hub_t *h,
    ngx_http_push_channel_t *ch);
static void ngx_http_push_hub_grow(ngx_http_push_hub_t *h);
static void ngx_http_push_hub_move(ngx_http_push_hub_t *h, ngx_uint_t n);
static ngx_http_push_channel_t **ngx_http_push_hub_bucket(
    ngx_http_push_hub_t *h, uint32_t hash);


ngx_http_push_hub_t *
ngx_http_push_hub_create(ngx_http_push_figures_t *figures,
    ngx_http_push_census_t *census, ngx_log_t *log)
{
    ngx_http_push_hub_t  *h;

    h = ngx_calloc(sizeof(ngx_http_push_hub_t), log);
    if (h == NULL) {
        return NULL;
    }

    h->nbuckets = NGX_HTTP_PUSH_HUB_BUCKETS;
    h->figures = figures;
    h->census = census;
    h->log = log;

    h->buckets = ngx_calloc(h->nbuckets * sizeof(ngx_http_push_channel_t *),
                            log);
    if (h->buckets == NULL) {
        ngx_free(h);
        return NULL;
    }

    return h;
}


void
ngx_http_push_hub_attach_bus(ngx_http_push_hub_t *h, ngx_http_push_bus_t *bus)
{
    h->bus = bus;
}


void
ngx_http_push_hub_set_forget(ngx_http_push_hub_t *h,
    void (*forget)(void *data, ngx_http_push_channel_t *ch), void *data)
{
    h->forget = forget;
    h->forget_data = data;
}


void
ngx_http_push_hub_destroy(ngx_http_push_hub_t *h)
{
    ngx_uint_t                 i;
    ngx_http_push_channel_t   *ch, *next;

    ngx_http_push_hub_move(h, h->nold);

    for (i = 0; i < h->nbuckets; i++) {
        for (ch = h->buckets[i]; ch != NULL; ch = next) {
            next = ch->next;

            ngx_http_push_hub_free_channel(h, ch);
        }
    }

    ngx_free(h->buckets);
    ngx_free(h);
}


uint32_t
ngx_http_push_hub_hash(u_char *name, size_t len)
{
    return ngx_murmur_hash2(name, len);
}


ngx_http_push_channel_t *
ngx_http_push_hub_find(ngx_http_push_hub_t *h, ngx_str_t *name, uint32_t hash)
{
    ngx_http_push_channel_t  *ch;

    for (ch = *ngx_http_push_hub_bucket(h, hash); ch != NULL; ch = ch->next) {

        if (ch->hash == hash
            && ch->len == name->len
            && ngx_memcmp(ch->name, name->data, name->len) == 0)
        {
            return ch;
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_push_hub_subscribe(ngx_http_push_hub_t *h, ngx_str_t *name,
    ngx_http_push_sub_t *sub)
{
    uint32_t                  hash;
    ngx_int_t                 rc;
    ngx_http_push_channel_t  *ch;

    hash = ngx_http_push_hub_hash(name->data, name->len);

    ch = ngx_http_push_hub_find(h, name, hash);

    if (ch == NULL) {
        ch = ngx_http_push_hub_create_channel(h, name, hash);
        if (ch == NULL) {
            return NGX_ERROR;
        }
    }

    rc = ngx_http_push_hub_reserve(h, ch);

    if (rc == NGX_OK && ch->nsubs == 0) {
        rc = ngx_http_push_hub_open_channel(h, ch);
    }

    if (rc != NGX_OK) {
        if (ch->nsubs == 0 && ch->bus == NULL) {
            ngx_http_push_hub_destroy_channel(h, ch);
        }

        return rc;
    }

    sub->channel = ch;
    sub->place = ch->nsubs;

    ch->subs[ch->nsubs++] = sub;

    h->figures->subscriptions++;

    if (h->census != NULL && ch->nsubs > 1) {
        h->census->count(h->census->data, name, hash, ch->nsubs, &ch->census);
    }

    return NGX_OK;
}


/* the first subscriber of a channel: the machine and the bus are told */

static ngx_int_t
ngx_http_push_hub_open_channel(ngx_http_push_hub_t *h,
    ngx_http_push_channel_t *ch)
{
    ngx_int_t  rc;
    ngx_str_t  name;

    name.data = ch->name;
    name.len = ch->len;

    if (h->census != NULL) {
        rc = h->census->join(h->census->data, &name, ch->hash, 1,
                             &ch->census);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (h->bus->subscribe(h->bus, ch) == NGX_OK) {
        h->figures->channels++;
        return NGX_OK;
    }

    if (h->census != NULL) {
        h->census->leave(h->census->data, &name, ch->hash, &ch->census);
    }

    return NGX_ERROR;
}


void
ngx_http_push_hub_unsubscribe(ngx_http_push_hub_t *h, ngx_http_push_sub_t *sub)
{
    ngx_str_t                 name;
    ngx_http_push_sub_t      *last;
    ngx_http_push_channel_t  *ch;

    ch = sub->channel;

    if (ch == NULL) {
        return;
    }

    last = ch->subs[--ch->nsubs];
    ch->subs[sub->place] = last;
    last->place = sub->place;

    sub->channel = NULL;

    h->figures->subscriptions--;

    name.data = ch->name;
    name.len = ch->len;

    if (ch->nsubs != 0) {
        ngx_http_push_hub_shrink(h, ch);

        if (h->census != NULL) {
            h->census->count(h->census->data, &name, ch->hash, ch->nsubs,
                             &ch->census);
        }

        return;
    }

    h->figures->channels--;

    if (h->census != NULL) {
        h->census->leave(h->census->data, &name, ch->hash, &ch->census);
    }

    if (h->bus->unsubscribe(h->bus, ch) == NGX_OK) {
        ngx_http_push_hub_destroy_channel(h, ch);
    }
}


void
ngx_http_push_hub_deliver(ngx_http_push_hub_t *h, ngx_http_push_channel_t *ch,
    ngx_http_push_msg_t *m)
{
    uint32_t               i, n;
    ngx_http_push_sub_t  **subs;

    subs = ch->subs;
    n = ch->nsubs;

    /*
     * What a large channel costs is one cache miss per subscriber: it is
     * asked for some subscribers ahead.
     */

    for (i = 0; i + NGX_HTTP_PUSH_HUB_PREFETCH < n; i++) {
        __builtin_prefetch(subs[i + NGX_HTTP_PUSH_HUB_PREFETCH]);

        subs[i]->deliver(subs[i], m);
    }

    for ( /* void */ ; i < n; i++) {
        subs[i]->deliver(subs[i], m);
    }
}


void
ngx_http_push_hub_set_busy(ngx_http_push_hub_t *h, ngx_uint_t busy)
{
    h->busy = busy;
}


ngx_uint_t
ngx_http_push_hub_busy(ngx_http_push_hub_t *h)
{
    return h->busy;
}


void
ngx_http_push_hub_release(ngx_http_push_hub_t *h, ngx_http_push_channel_t *ch)
{
    if (ch->nsubs == 0) {
        ngx_http_push_hub_destroy_channel(h, ch);
    }
}


void
ngx_http_push_hub_walk(ngx_http_push_hub_t *h,
    void (*handler)(void *data, ngx_http_push_channel_t *ch), void *data)
{
    ngx_uint_t                i;
    ngx_http_push_channel_t  *ch;

    ngx_http_push_hub_move(h, h->nold);

    for (i = 0; i < h->nbuckets; i++) {
        for (ch = h->buckets[i]; ch != NULL; ch = ch->next) {
            handler(data, ch);
        }
    }
}


void
ngx_http_push_hub_step(ngx_http_push_hub_t *h, ngx_uint_t *place, ngx_uint_t n,
    void (*handler)(void *data, ngx_http_push_channel_t *ch), void *data)
{
    ngx_uint_t                i;
    ngx_http_push_channel_t  *ch;

    ngx_http_push_hub_move(h, h->nold);

    i = 0;

    while (i < n && *place < h->nbuckets) {

        for (ch = h->buckets[*place]; ch != NULL; ch = ch->next) {
            handler(data, ch);
            i++;
        }

        /* an empty bucket is a step, too */
        i++;
        (*place)++;
    }

    if (*place >= h->nbuckets) {
        *place = 0;
    }
}


ngx_http_push_bus_t *
ngx_http_push_hub_bus(ngx_http_push_hub_t *h)
{
    return h->bus;
}


ngx_http_push_figures_t *
ngx_http_push_hub_figures(ngx_http_push_hub_t *h)
{
    return h->figures;
}


ngx_http_push_census_t *
ngx_http_push_hub_census(ngx_http_push_hub_t *h)
{
    return h->census;
}


static ngx_http_push_channel_t *
ngx_http_push_hub_create_channel(ngx_http_push_hub_t *h, ngx_str_t *name,
    uint32_t hash)
{
    ngx_http_push_channel_t  *ch;

    ch = ngx_alloc(offsetof(ngx_http_push_channel_t, name) + name->len,
                   h->log);
    if (ch == NULL) {
        return NULL;
    }

    ngx_memzero(ch, offsetof(ngx_http_push_channel_t, name));

    ch->subs = &ch->one;
    ch->room = 1;
    ch->hash = hash;
    ch->len = (uint8_t) name->len;
    ngx_memcpy(ch->name, name->data, name->len);

    ngx_http_push_hub_insert(h, ch);

    return ch;
}


static void
ngx_http_push_hub_destroy_channel(ngx_http_push_hub_t *h,
    ngx_http_push_channel_t *ch)
{
    ngx_http_push_channel_t  **p;

    p = ngx_http_push_hub_bucket(h, ch->hash);

    while (*p != ch) {
        p = &(*p)->next;
    }

    *p = ch->next;
    h->nchannels--;

    ngx_http_push_hub_free_channel(h, ch);
}


static void
ngx_http_push_hub_free_channel(ngx_http_push_hub_t *h,
    ngx_http_push_channel_t *ch)
{
    if (h->forget != NULL) {
        h->forget(h->forget_data, ch);
    }

    if (ch->subs != &ch->one) {
        ngx_free(ch->subs);
    }

    ngx_free(ch);
}


static ngx_int_t
ngx_http_push_hub_reserve(ngx_http_push_hub_t *h, ngx_http_push_channel_t *ch)
{
    if (ch->nsubs < ch->room) {
        return NGX_OK;
    }

    return ngx_http_push_hub_resize(h, ch, ch->room != 1 ? ch->room * 2
                                                    : NGX_HTTP_PUSH_HUB_ROOM);
}


/* a channel that was large once does not stay so; failing changes nothing */

static void
ngx_http_push_hub_shrink(ngx_http_push_hub_t *h, ngx_http_push_channel_t *ch)
{
    if (ch->room > NGX_HTTP_PUSH_HUB_SHRINK && ch->nsubs < ch->room / 4) {
        (void) ngx_http_push_hub_resize(h, ch, ch->room / 2);
    }
}


static ngx_int_t
ngx_http_push_hub_resize(ngx_http_push_hub_t *h, ngx_http_push_channel_t *ch,
    uint32_t room)
{
    ngx_http_push_sub_t  **subs;

    subs = ngx_alloc(room * sizeof(ngx_http_push_sub_t *), h->log);
    if (subs == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(subs, ch->subs, ch->nsubs * sizeof(ngx_http_push_sub_t *));

    if (ch->subs != &ch->one) {
        ngx_free(ch->subs);
    }

    ch->subs = subs;
    ch->room = room;

    return NGX_OK;
}


static ngx_http_push_channel_t **
ngx_http_push_hub_bucket(ngx_http_push_hub_t *h, uint32_t hash)
{
    ngx_uint_t  i;

    if (h->old != NULL) {
        i = hash & (h->nold - 1);

        if (i >= h->moved) {
            return &h->old[i];
        }
    }

    return &h->buckets[hash & (h->nbuckets - 1)];
}


static void
ngx_http_push_hub_insert(ngx_http_push_hub_t *h, ngx_http_push_channel_t *ch)
{
    ngx_http_push_channel_t  **p;

    if (h->old != NULL) {
        ngx_http_push_hub_move(h, NGX_HTTP_PUSH_HUB_MIGRATE);

    } else if (h->nchannels >= h->nbuckets) {
        ngx_http_push_hub_grow(h);
    }

    p = ngx_http_push_hub_bucket(h, ch->hash);

    ch->next = *p;
    *p = ch;
    h->nchannels++;
}


/* without memory the table stays as it is: slower, not wrong */

static void
ngx_http_push_hub_grow(ngx_http_push_hub_t *h)
{
    ngx_http_push_channel_t  **buckets;

    buckets = ngx_calloc(h->nbuckets * 2 * sizeof(ngx_http_push_channel_t *),
                         h->log);
    if (buckets == NULL) {
        return;
    }

    h->old = h->buckets;
    h->nold = h->nbuckets;
    h->moved = 0;

    h->buckets = buckets;
    h->nbuckets *= 2;
}


static void
ngx_http_push_hub_move(ngx_http_push_hub_t *h, ngx_uint_t n)
{
    ngx_uint_t                 i;
    ngx_http_push_channel_t   *ch, *next, **p;

    if (h->old == NULL) {
        return;
    }

    for (i = 0; i < n && h->moved < h->nold; i++) {

        for (ch = h->old[h->moved]; ch != NULL; ch = next) {
            next = ch->next;

            p = &h->buckets[ch->hash & (h->nbuckets - 1)];
            ch->next = *p;
            *p = ch;
        }

        h->moved++;
    }

    if (h->moved == h->nold) {
        ngx_free(h->old);
        h->old = NULL;
    }
}
