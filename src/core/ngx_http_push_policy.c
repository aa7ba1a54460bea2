/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: which policy holds for a channel; owns nothing.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_policy.h"


const ngx_http_push_policy_t *
ngx_http_push_policy_find(const ngx_http_push_policies_t *policies,
    ngx_str_t *channel)
{
    ngx_uint_t                     i;
    const ngx_http_push_policy_t  *p;

    for (i = 0; i < policies->n; i++) {
        p = &policies->elts[i];

        if (p->pieces == NULL
            || ngx_http_push_name_match_pieces(p->pieces, p->npieces,
                                               channel->data, channel->len))
        {
            return (p->count != 0) ? p : NULL;
        }
    }

    return NULL;
}
