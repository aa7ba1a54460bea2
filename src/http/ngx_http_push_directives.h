/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: reads the directives into the configuration.
 */


#ifndef _NGX_HTTP_PUSH_DIRECTIVES_H_INCLUDED_
#define _NGX_HTTP_PUSH_DIRECTIVES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * For the command table only.  Each names its directive, the value and what
 * would be right.
 */

/* into the main configuration */
char *ngx_http_push_directives_set_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_push_directives_set_redis(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_push_directives_set_history(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* the location's handler; cmd->post is its ngx_http_push_endpoint_t */
char *ngx_http_push_directives_set_names(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_push_directives_set_status(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* a size, number or time at cmd->offset; "0" and "off" are 0 */
char *ngx_http_push_directives_set_size(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_push_directives_set_number(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_push_directives_set_time(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* into the configuration of a location */
char *ngx_http_push_directives_set_queue(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_push_directives_set_ping(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_push_directives_set_deflate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_push_directives_set_origin(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_push_directives_set_auth_reject(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
char *ngx_http_push_directives_set_client_publish(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
char *ngx_http_push_directives_set_transport(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
char *ngx_http_push_directives_set_protocol(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);


#endif /* _NGX_HTTP_PUSH_DIRECTIVES_H_INCLUDED_ */
