/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: the scripts that run in Redis (REDIS 5): their text, and a call of
 * one of them with its keys and arguments.
 */


#ifndef _NGX_HTTP_PUSH_SCRIPT_H_INCLUDED_
#define _NGX_HTTP_PUSH_SCRIPT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_link.h"
#include "ngx_http_push_policy.h"
#include "ngx_http_push_redis_conf.h"


/* EVALSHA, the script and the number of keys, all keys, all arguments */
#define NGX_HTTP_PUSH_SCRIPT_WORDS  16

/*
 * Names of keys, numbers and an epoch: keys= and prefix= have at most 128
 * bytes, a channel 255, a publisher's id 128.
 */
#define NGX_HTTP_PUSH_SCRIPT_ROOM   2560


typedef enum {
    NGX_HTTP_PUSH_SCRIPT_PUB = 0,
    NGX_HTTP_PUSH_SCRIPT_HIST,
    NGX_HTTP_PUSH_SCRIPT_DEL,
    NGX_HTTP_PUSH_SCRIPT_LAST
} ngx_http_push_script_e;


/* on the stack of who makes it; begins with the keys of the channel */

typedef struct {
    ngx_uint_t    script;                     /* ngx_http_push_script_e */
    ngx_uint_t    nkeys;
    ngx_uint_t    argc;
    ngx_str_t     argv[NGX_HTTP_PUSH_SCRIPT_WORDS];
    u_char       *last;
    u_char        room[NGX_HTTP_PUSH_SCRIPT_ROOM];
} ngx_http_push_script_call_t;


/* once in a worker, before any call; NGX_ERROR after a message */
ngx_int_t ngx_http_push_script_init(ngx_log_t *log);

void ngx_http_push_script_begin(ngx_http_push_script_call_t *call,
    ngx_uint_t script, ngx_http_push_redis_conf_t *rc, ngx_str_t *channel);

/* the key of a publisher's id, before any argument */
void ngx_http_push_script_add_id(ngx_http_push_script_call_t *call,
    ngx_http_push_redis_conf_t *rc, ngx_str_t *channel, ngx_str_t *id);

/* text is not copied; the others are */
void ngx_http_push_script_add(ngx_http_push_script_call_t *call,
    ngx_str_t *text);
void ngx_http_push_script_add_number(ngx_http_push_script_call_t *call,
    uint64_t n);
void ngx_http_push_script_add_wire(ngx_http_push_script_call_t *call,
    ngx_http_push_redis_conf_t *rc, ngx_str_t *channel);

/* count and ttl, which are 0 without a policy */
void ngx_http_push_script_add_policy(ngx_http_push_script_call_t *call,
    const ngx_http_push_policy_t *policy);

/* an epoch that was never there: 64 random bits */
void ngx_http_push_script_add_epoch(ngx_http_push_script_call_t *call);

/*
 * Has Redis learn a script, before the first call on a link: where the first
 * of many calls under way has to be made once more, the others overtake it.
 */
ngx_int_t ngx_http_push_script_load(ngx_http_push_link_t *l,
    ngx_http_push_link_command_t *cmd, ngx_uint_t script);

/*
 * As ngx_http_push_link_send().  Redis forgets scripts at SCRIPT FLUSH and
 * when it starts: the same call is then made once more, with the whole text.
 */
ngx_int_t ngx_http_push_script_send(ngx_http_push_script_call_t *call,
    ngx_http_push_link_t *l, ngx_http_push_link_command_t *cmd,
    ngx_uint_t whole);

/* a command with the second key and the arguments, instead of the script */
ngx_int_t ngx_http_push_script_send_command(ngx_http_push_script_call_t *call,
    ngx_http_push_link_t *l, ngx_http_push_link_command_t *cmd,
    const char *name);

/* is it the error that says so? */
ngx_uint_t ngx_http_push_script_is_forgotten(ngx_http_push_reply_t *reply);


#endif /* _NGX_HTTP_PUSH_SCRIPT_H_INCLUDED_ */
