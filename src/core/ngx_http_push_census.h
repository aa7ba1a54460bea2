/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: who is where on this machine, as the hub and the buses see it;
 * filled by shm/zone.
 */


#ifndef _NGX_HTTP_PUSH_CENSUS_H_INCLUDED_
#define _NGX_HTTP_PUSH_CENSUS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct ngx_http_push_census_s  ngx_http_push_census_t;


/*
 * join: this worker got its first subscriber of the channel; *place is an
 *     opaque handle for count() and leave().  NGX_OK, also where the zone has
 *     no room for the entry (then this worker is woken for every channel);
 *     NGX_DECLINED when the zone holds channels= channels already: 503.
 *
 * count: the number of this worker's subscribers changed, not to 0.  Cheap:
 *     a plain store.
 *
 * leave: the last one went.
 *
 * subscribers: connections of the whole machine subscribed to the channel.
 */

struct ngx_http_push_census_s {
    void           *data;

    ngx_int_t     (*join)(void *data, ngx_str_t *channel, uint32_t hash,
                          ngx_uint_t n, void **place);
    void          (*count)(void *data, ngx_str_t *channel, uint32_t hash,
                           ngx_uint_t n, void **place);
    void          (*leave)(void *data, ngx_str_t *channel, uint32_t hash,
                           void **place);
    ngx_uint_t    (*subscribers)(void *data, ngx_str_t *channel,
                                 uint32_t hash);
};


#endif /* _NGX_HTTP_PUSH_CENSUS_H_INCLUDED_ */
