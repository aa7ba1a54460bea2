/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: headers by their names, where nginx has no field for them.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_headers.h"


static ngx_table_elt_t *ngx_http_push_headers_search(ngx_list_t *headers,
    const char *name);


ngx_uint_t
ngx_http_push_headers_sent(ngx_http_request_t *r, const char *name)
{
    return ngx_http_push_headers_search(&r->headers_in.headers, name) != NULL;
}


ngx_table_elt_t *
ngx_http_push_headers_find(ngx_http_request_t *r, const char *name)
{
    return ngx_http_push_headers_search(&r->headers_out.headers, name);
}


void
ngx_http_push_headers_remove(ngx_http_request_t *r, const char *name)
{
    ngx_table_elt_t  *h;

    for ( ;; ) {
        h = ngx_http_push_headers_search(&r->headers_out.headers, name);

        if (h == NULL) {
            return;
        }

        h->hash = 0;
    }
}


static ngx_table_elt_t *
ngx_http_push_headers_search(ngx_list_t *headers, const char *name)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);

    for (part = &headers->part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].hash != 0
                && h[i].key.len == len
                && ngx_strncasecmp(h[i].key.data, (u_char *) name, len) == 0)
            {
                return &h[i];
            }
        }
    }

    return NULL;
}
