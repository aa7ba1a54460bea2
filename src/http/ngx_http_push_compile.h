/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: NAMEs and PATTERNs of directives, compiled into parts.
 */


#ifndef _NGX_HTTP_PUSH_COMPILE_H_INCLUDED_
#define _NGX_HTTP_PUSH_COMPILE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_conf.h"


/*
 * Both while the directive is read, whose value is one of cf->args: append to
 * lcf->names, after lcf->split is known, and to allow->patterns.  What is
 * wrong is logged; reserved names are noted for ngx_http_push_conf_finish().
 */
char *ngx_http_push_compile_name(ngx_conf_t *cf,
    ngx_http_push_loc_conf_t *lcf, ngx_str_t *value);
char *ngx_http_push_compile_pattern(ngx_conf_t *cf,
    ngx_http_push_allow_t *allow, ngx_str_t *value);


#endif /* _NGX_HTTP_PUSH_COMPILE_H_INCLUDED_ */
