/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: the header filter: what every answer of our locations has.
 */


#ifndef _NGX_HTTP_PUSH_FILTER_H_INCLUDED_
#define _NGX_HTTP_PUSH_FILTER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* in postconfiguration, where the module is used */
void ngx_http_push_filter_install(void);


#endif /* _NGX_HTTP_PUSH_FILTER_H_INCLUDED_ */
