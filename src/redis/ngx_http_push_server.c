/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: asks Redis who it is: owns the answers.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_server.h"


#define NGX_HTTP_PUSH_SERVER_RUN_ID  40


struct ngx_http_push_server_s {
    ngx_http_push_link_command_t   info;
    ngx_http_push_link_command_t   role;
    ngx_uint_t                     waiting;    /* answers to come */
    ngx_http_push_link_t          *link;
    ngx_http_push_link_figures_t  *figures;
    void                         (*known)(void *data);
    void                          *data;
    ngx_log_t                     *log;

    ngx_str_t                      generation;
    u_char                         run_id[NGX_HTTP_PUSH_SERVER_RUN_ID];

    unsigned                       hidden:1;
    unsigned                       told_hidden:1;
    unsigned                       told_replica:1;
};


static ngx_int_t ngx_http_push_server_info_handler(
    ngx_http_push_link_command_t *cmd, ngx_uint_t outcome,
    ngx_http_push_reply_t *reply);
static ngx_int_t ngx_http_push_server_role_handler(
    ngx_http_push_link_command_t *cmd, ngx_uint_t outcome,
    ngx_http_push_reply_t *reply);
static ngx_int_t ngx_http_push_server_check(ngx_http_push_server_t *sv,
    ngx_http_push_reply_t *reply);
static void ngx_http_push_server_set(ngx_http_push_server_t *sv,
    ngx_http_push_value_t *value);
static void ngx_http_push_server_answered(ngx_http_push_server_t *sv);


ngx_http_push_server_t *
ngx_http_push_server_create(ngx_http_push_link_figures_t *figures,
    void (*known)(void *data), void *data, ngx_log_t *log)
{
    ngx_http_push_server_t  *sv;

    sv = ngx_calloc(sizeof(ngx_http_push_server_t), log);
    if (sv == NULL) {
        return NULL;
    }

    sv->figures = figures;
    sv->known = known;
    sv->data = data;
    sv->log = log;

    sv->info.handler = ngx_http_push_server_info_handler;
    sv->info.data = sv;

    sv->role.handler = ngx_http_push_server_role_handler;
    sv->role.data = sv;

    sv->generation.data = sv->run_id;

    return sv;
}


void
ngx_http_push_server_destroy(ngx_http_push_server_t *sv)
{
    ngx_free(sv);
}


ngx_int_t
ngx_http_push_server_ask(ngx_http_push_server_t *sv, ngx_http_push_link_t *l)
{
    ngx_str_t  argv[2];

    sv->link = l;
    sv->waiting = 2;
    sv->generation.len = 0;

    sv->info.replies = 1;
    sv->role.replies = 1;

    ngx_str_set(&argv[0], "INFO");
    ngx_str_set(&argv[1], "server");

    if (ngx_http_push_link_send(l, &sv->info, 2, argv) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_str_set(&argv[0], "ROLE");

    return (ngx_http_push_link_send(l, &sv->role, 1, argv) == NGX_OK)
           ? NGX_OK : NGX_ERROR;
}


ngx_str_t *
ngx_http_push_server_generation(ngx_http_push_server_t *sv)
{
    return &sv->generation;
}


ngx_uint_t
ngx_http_push_server_is_hidden(ngx_http_push_server_t *sv)
{
    return sv->hidden;
}


static ngx_int_t
ngx_http_push_server_info_handler(ngx_http_push_link_command_t *cmd,
    ngx_uint_t outcome, ngx_http_push_reply_t *reply)
{
    ngx_http_push_server_t  *sv;

    sv = cmd->data;

    if (outcome != NGX_HTTP_PUSH_LINK_REPLIED) {
        return NGX_OK;
    }

    if (ngx_http_push_server_check(sv, reply) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_push_server_set(sv, &reply->values[0]);

    sv->hidden = (sv->generation.len == 0);

    sv->figures->generation = sv->hidden ? NGX_HTTP_PUSH_GENERATION_LINK
                                         : NGX_HTTP_PUSH_GENERATION_SERVER;

    if (sv->hidden && !sv->told_hidden) {
        sv->told_hidden = 1;

        ngx_log_error(NGX_LOG_WARN, sv->log, 0,
                      "redis does not tell its run_id (INFO), after each lost "
                      "link clients are told that messages may be missing");
    }

    ngx_http_push_server_answered(sv);

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_server_role_handler(ngx_http_push_link_command_t *cmd,
    ngx_uint_t outcome, ngx_http_push_reply_t *reply)
{
    ngx_uint_t               level;
    ngx_http_push_server_t  *sv;

    sv = cmd->data;

    if (outcome != NGX_HTTP_PUSH_LINK_REPLIED) {
        return NGX_OK;
    }

    if (ngx_http_push_server_check(sv, reply) != NGX_OK) {
        return NGX_ERROR;
    }

    if (reply->n > 1
        && ngx_http_push_reply_is_string(&reply->values[1], "slave"))
    {
        level = sv->told_replica ? NGX_LOG_INFO : NGX_LOG_ERR;
        sv->told_replica = 1;

        ngx_log_error(level, sv->log, 0,
                      "redis is a replica: nothing can be stored");

        ngx_cpystrn(sv->figures->error,
                    (u_char *) "READONLY, a replica: nothing can be stored",
                    NGX_HTTP_PUSH_LINK_ERROR);
    }

    ngx_http_push_server_answered(sv);

    return NGX_OK;
}


/* what it may refuse for ever is done without; the rest passes */

static ngx_int_t
ngx_http_push_server_check(ngx_http_push_server_t *sv,
    ngx_http_push_reply_t *reply)
{
    ngx_uint_t           i;

    static const char   *passing[] = {
        "LOADING",
        "BUSY",
        "MASTERDOWN",
        "NOAUTH",
        NULL
    };

    for (i = 0; passing[i] != NULL; i++) {
        if (ngx_http_push_reply_is_error(reply, passing[i])) {
            return ngx_http_push_link_refuse(sv->link, reply);
        }
    }

    return NGX_OK;
}


static void
ngx_http_push_server_set(ngx_http_push_server_t *sv,
    ngx_http_push_value_t *value)
{
    u_char  *p, *last;

    if (value->type != NGX_HTTP_PUSH_VALUE_STRING) {
        return;
    }

    last = value->str.data + value->str.len;

    p = ngx_strlcasestrn(value->str.data, last, (u_char *) "run_id:", 7 - 1);

    if (p == NULL || last - p < 7 + NGX_HTTP_PUSH_SERVER_RUN_ID) {
        return;
    }

    ngx_memcpy(sv->run_id, p + 7, NGX_HTTP_PUSH_SERVER_RUN_ID);
    sv->generation.len = NGX_HTTP_PUSH_SERVER_RUN_ID;

    /* an argument of scripts, compared as it is */

    for (p = sv->run_id; p < sv->run_id + NGX_HTTP_PUSH_SERVER_RUN_ID; p++) {
        if (*p <= ' ' || *p > '~') {
            sv->generation.len = 0;
        }
    }
}


static void
ngx_http_push_server_answered(ngx_http_push_server_t *sv)
{
    if (--sv->waiting == 0) {
        sv->known(sv->data);
    }
}
