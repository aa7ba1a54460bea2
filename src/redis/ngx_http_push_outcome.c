/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: Redis' errors as a status and a text; owns nothing.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_outcome.h"


typedef struct {
    const char                *word;          /* how the error begins */
    ngx_http_push_outcome_t    outcome;
} ngx_http_push_outcome_error_t;


static ngx_uint_t ngx_http_push_outcome_matches(ngx_http_push_reply_t *reply,
    const char *word);


static ngx_http_push_outcome_error_t  ngx_http_push_outcome_errors[] = {
    { "CONFLICT", { 409, "this id was used for another message" } },
    { "NOPERM", { 403, "redis does not permit it" } },
    { "ERR The user executing the script",
      { 403, "redis does not permit it" } },
    { "NOAUTH", { 503, "redis wants another password" } },
    { "WRONGPASS", { 503, "redis wants another password" } },
    { "OOM", { 503, "redis is out of memory" } },
    { "LOADING", { 503, "redis is loading" } },
    { "BUSY", { 503, "redis is busy with a script" } },
    { "READONLY", { 503, "redis is read-only" } },
    { "MISCONF", { 503, "redis cannot save its data" } },
    { "NOREPLICAS", { 503, "redis has lost its replicas" } },
    { "MASTERDOWN", { 503, "redis has lost its master" } },
    { "CLUSTERDOWN", { 503, "redis cluster is down" } },
    { "", { 503, "redis refused the command" } }
};


void
ngx_http_push_outcome_get(ngx_http_push_reply_t *reply,
    ngx_http_push_outcome_t *outcome)
{
    ngx_http_push_outcome_error_t  *e;

    e = ngx_http_push_outcome_errors;

    while (!ngx_http_push_outcome_matches(reply, e->word)) {
        e++;
    }

    *outcome = e->outcome;
}


/*
 * Until Redis 7 the error of a command in a script stood inside of one about
 * the script, behind the line where it happened: "... @user_script: 12: -OOM".
 */

static ngx_uint_t
ngx_http_push_outcome_matches(ngx_http_push_reply_t *reply, const char *word)
{
    ngx_str_t  *text;

    if (ngx_http_push_reply_is_error(reply, word)) {
        return 1;
    }

    if (!ngx_http_push_reply_is_error(reply, "ERR Error running script")) {
        return 0;
    }

    text = &reply->values[0].str;

    return ngx_strnstr(text->data, (char *) word, text->len) != NULL;
}
