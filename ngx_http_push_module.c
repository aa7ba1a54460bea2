/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * The table of contents: every directive, where the configuration is made,
 * what a process calls, and the module's symbol.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_conf.h"
#include "ngx_http_push_cors.h"
#include "ngx_http_push_ctx.h"
#include "ngx_http_push_directives.h"
#include "ngx_http_push_filter.h"
#include "ngx_http_push_publisher.h"
#include "ngx_http_push_status.h"
#include "ngx_http_push_subscribe.h"
#include "ngx_http_push_variables.h"
#include "ngx_http_push_worker.h"


#define NGX_HTTP_PUSH_HSL                                                    \
    (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF)


static ngx_int_t ngx_http_push_init(ngx_conf_t *cf);


/* what a location can be */

static ngx_http_push_endpoint_t  ngx_http_push_endpoint_channel =
    { ngx_string("push_channel"), ngx_http_push_subscribe_handler,
      "GET, POST, PUT, OPTIONS", 1 };

static ngx_http_push_endpoint_t  ngx_http_push_endpoint_publish =
    { ngx_string("push_publish"), ngx_http_push_publisher_handler,
      "GET, HEAD, POST, PUT, DELETE, OPTIONS", 0 };

static ngx_http_push_endpoint_t  ngx_http_push_endpoint_status =
    { ngx_string("push_status"), ngx_http_push_status_handler,
      "GET, HEAD, OPTIONS", 0 };


static ngx_command_t  ngx_http_push_commands[] = {

    /* the machine */

    { ngx_string("push_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_push_directives_set_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("push_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_push_directives_set_redis,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("push_history"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_push_directives_set_history,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("push_drain"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_push_directives_set_time,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_push_main_conf_t, drain),
      NULL },

    /* endpoints */

    { ngx_string("push_channel"),
      NGX_HTTP_LOC_CONF|NGX_HTTP_LIF_CONF|NGX_CONF_1MORE,
      ngx_http_push_directives_set_names,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      &ngx_http_push_endpoint_channel },

    { ngx_string("push_publish"),
      NGX_HTTP_LOC_CONF|NGX_HTTP_LIF_CONF|NGX_CONF_1MORE,
      ngx_http_push_directives_set_names,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      &ngx_http_push_endpoint_publish },

    { ngx_string("push_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE12,
      ngx_http_push_directives_set_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      &ngx_http_push_endpoint_status },

    /* who may come, and how */

    { ngx_string("push_origin"),
      NGX_HTTP_PUSH_HSL|NGX_CONF_1MORE,
      ngx_http_push_directives_set_origin,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("push_auth_reject"),
      NGX_HTTP_PUSH_HSL|NGX_CONF_TAKE1,
      ngx_http_push_directives_set_auth_reject,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("push_transport"),
      NGX_HTTP_PUSH_HSL|NGX_CONF_1MORE,
      ngx_http_push_directives_set_transport,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("push_protocol"),
      NGX_HTTP_PUSH_HSL|NGX_CONF_1MORE,
      ngx_http_push_directives_set_protocol,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("push_client_publish"),
      NGX_HTTP_PUSH_HSL|NGX_CONF_1MORE,
      ngx_http_push_directives_set_client_publish,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    /* limits */

    { ngx_string("push_max_message_size"),
      NGX_HTTP_PUSH_HSL|NGX_CONF_TAKE1,
      ngx_http_push_directives_set_size,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_push_loc_conf_t, limits.max_message_size),
      NULL },

    { ngx_string("push_max_channels"),
      NGX_HTTP_PUSH_HSL|NGX_CONF_TAKE1,
      ngx_http_push_directives_set_number,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_push_loc_conf_t, limits.max_channels),
      NULL },

    { ngx_string("push_queue"),
      NGX_HTTP_PUSH_HSL|NGX_CONF_TAKE23,
      ngx_http_push_directives_set_queue,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("push_wait"),
      NGX_HTTP_PUSH_HSL|NGX_CONF_TAKE1,
      ngx_http_push_directives_set_time,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_push_loc_conf_t, wait),
      NULL },

    { ngx_string("push_ping"),
      NGX_HTTP_PUSH_HSL|NGX_CONF_TAKE12,
      ngx_http_push_directives_set_ping,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("push_deflate"),
      NGX_HTTP_PUSH_HSL|NGX_CONF_TAKE123,
      ngx_http_push_directives_set_deflate,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_push_module_ctx = {
    ngx_http_push_variables_add,           /* preconfiguration */
    ngx_http_push_init,                    /* postconfiguration */

    ngx_http_push_conf_create_main,        /* create main configuration */
    ngx_http_push_conf_init_main,          /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_push_conf_create_loc,         /* create location configuration */
    ngx_http_push_conf_merge_loc           /* merge location configuration */
};


ngx_module_t  ngx_http_push_module = {
    NGX_MODULE_V1,
    &ngx_http_push_module_ctx,             /* module context */
    ngx_http_push_commands,                /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_push_worker_init_module,      /* init module */
    ngx_http_push_worker_init_process,     /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_push_worker_exit_process,     /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_push_init(ngx_conf_t *cf)
{
    ngx_http_push_main_conf_t  *mcf;

    if (ngx_http_push_conf_finish(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_push_module);

    if (!mcf->used) {
        return NGX_OK;
    }

    ngx_http_push_filter_install();

    return ngx_http_push_cors_install(cf);
}
