/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: from the NAMEs of a location and a request to channel names.
 */


#ifndef _NGX_HTTP_PUSH_CHANNELS_H_INCLUDED_
#define _NGX_HTTP_PUSH_CHANNELS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * Evaluates, splits, decodes and checks (DESIGN 2.2, "Channel names"); a bare
 * "@", "#" or "!", whose variable was empty, is skipped as an empty name is.
 * names: of ngx_str_t, request memory, duplicates removed.  NGX_OK; else an
 * HTTP status (400, 403, 500), *error a static text, after a log line at
 * info that shows the name, escaped and cut.  Fills the request's context
 * ($push_channel).
 */
ngx_int_t ngx_http_push_channels_get(ngx_http_request_t *r,
    ngx_array_t **names, const char **error);

/*
 * The same for the one channel of a user, "@" and what a publisher gave as
 * its name.
 */
ngx_int_t ngx_http_push_channels_get_user(ngx_http_request_t *r,
    ngx_str_t *user, ngx_array_t **names, const char **error);


#endif /* _NGX_HTTP_PUSH_CHANNELS_H_INCLUDED_ */
