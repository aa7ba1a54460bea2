/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: forms of messages; process heap.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_form.h"


ngx_http_push_form_t *
ngx_http_push_form_create(size_t len, ngx_log_t *log)
{
    ngx_http_push_form_t  *f;

    f = ngx_alloc(sizeof(ngx_http_push_form_t) + len, log);
    if (f == NULL) {
        return NULL;
    }

    f->refs = 1;
    f->len = len;
    f->control = 0;

    return f;
}


void
ngx_http_push_form_destroy(ngx_http_push_form_t *f)
{
    ngx_free(f);
}
