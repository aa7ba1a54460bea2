/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: the $push_* variables.
 */


#ifndef _NGX_HTTP_PUSH_VARIABLES_H_INCLUDED_
#define _NGX_HTTP_PUSH_VARIABLES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* in preconfiguration */
ngx_int_t ngx_http_push_variables_add(ngx_conf_t *cf);


#endif /* _NGX_HTTP_PUSH_VARIABLES_H_INCLUDED_ */
