/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: one SUBSCRIBE or UNSUBSCRIBE of many channels, until Redis has
 * confirmed or refused each of them or the link is lost.
 */


#ifndef _NGX_HTTP_PUSH_BATCH_H_INCLUDED_
#define _NGX_HTTP_PUSH_BATCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_hub.h"
#include "ngx_http_push_link.h"


#define NGX_HTTP_PUSH_BATCH_MAX  512      /* channels of a command */


typedef struct ngx_http_push_batch_s  ngx_http_push_batch_t;


/* the channel is held by the owner for as long as a batch names it */

typedef struct {
    ngx_http_push_channel_t       *channel;
    uint32_t                       generation;   /* the owner's */
} ngx_http_push_batch_entry_t;


/*
 * Each entry comes to exactly one of the first three:
 *
 * confirmed: Redis has done it.
 * refused: no permission for this channel; SUBSCRIBE only.
 * dropped: the link is lost, or the entry was no longer wanted.
 *
 * wanted: a command is halved; 0 if the entry need not be in a half of it.
 * finished: after the last entry, unless the link is lost; sync as it was set.
 */

typedef struct {
    void                         (*confirmed)(void *data,
                                      ngx_http_push_batch_entry_t *entry,
                                      ngx_uint_t unsubscribe);
    void                         (*refused)(void *data,
                                      ngx_http_push_batch_entry_t *entry,
                                      ngx_http_push_reply_t *reply);
    void                         (*dropped)(void *data,
                                      ngx_http_push_batch_entry_t *entry);
    ngx_uint_t                   (*wanted)(void *data,
                                      ngx_http_push_batch_entry_t *entry);
    void                         (*finished)(void *data, ngx_uint_t sync);
    void                          *data;

    ngx_str_t                     *prefix;       /* of the names in Redis */
    ngx_log_t                     *log;
} ngx_http_push_batch_conf_t;


/* freed after its last confirmation, or when the link is lost */

struct ngx_http_push_batch_s {
    ngx_http_push_link_command_t   cmd;
    ngx_http_push_batch_conf_t    *conf;
    ngx_http_push_link_t          *link;
    ngx_uint_t                     n;
    ngx_uint_t                     done;         /* confirmed so far */
    unsigned                       unsubscribe:1;
    unsigned                       sync:1;       /* set by the owner */
    ngx_http_push_batch_entry_t    entries[];    /* set by the owner */
};


/* of n channels, at most NGX_HTTP_PUSH_BATCH_MAX; conf outlives the batch */
ngx_http_push_batch_t *ngx_http_push_batch_create(
    ngx_http_push_batch_conf_t *conf, ngx_http_push_link_t *l, ngx_uint_t n,
    ngx_uint_t unsubscribe);

/* of one that was not sent */
void ngx_http_push_batch_destroy(ngx_http_push_batch_t *batch);

/* as ngx_http_push_link_send(); the owner's still unless NGX_OK */
ngx_int_t ngx_http_push_batch_send(ngx_http_push_batch_t *batch);


#endif /* _NGX_HTTP_PUSH_BATCH_H_INCLUDED_ */
