/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: ids of connections: 64 bits that cannot be guessed and that need no
 * memory, because they are nginx's own connection number under a secret key.
 */


#ifndef _NGX_HTTP_PUSH_IDENT_H_INCLUDED_
#define _NGX_HTTP_PUSH_IDENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_PUSH_IDENT_LEN  16       /* hex digits */


/*
 * In the master, before it forks: makes the machine's key, once in its life.
 * NGX_ERROR is logged.
 */
ngx_int_t ngx_http_push_ident_init(ngx_log_t *log);

/* writes NGX_HTTP_PUSH_IDENT_LEN hex digits, returns the end */
u_char *ngx_http_push_ident_write(u_char *p, ngx_connection_t *c);

/*
 * c->number of the connection whose id this is, in this process or another;
 * 0, which no connection has, for what is no id.
 */
uint64_t ngx_http_push_ident_read(ngx_str_t *id);


#endif /* _NGX_HTTP_PUSH_IDENT_H_INCLUDED_ */
