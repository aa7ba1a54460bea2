/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 2: the table of reasons, DESIGN 2.3; one row per reason.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_reason.h"


/* in the order of ngx_http_push_reason_e */

static const ngx_http_push_reason_t  ngx_http_push_reason_table[] = {

    { 0, 0, 0,
      ngx_string(""), ngx_string("none") },

    { 0, 1012, 3001,
      ngx_string("service restart"), ngx_string("drain") },

    { 0, 1012, 3011,
      ngx_string("lifetime over"), ngx_string("lifetime") },

    { 0, 1013, 3008,
      ngx_string("too slow"), ngx_string("slow") },

    { 503, 1013, 3004,
      ngx_string("overload"), ngx_string("overload") },

    { 0, 4408, 3012,
      ngx_string("no answer to ping"), ngx_string("ping") },

    { 0, 4401, 3005,
      ngx_string("token expired"), ngx_string("expired") },

    { 401, 4401, 3500,
      ngx_string("unauthorized"), ngx_string("unauthorized") },

    { 403, 4403, 3507,
      ngx_string("forbidden"), ngx_string("forbidden") },

    { 0, 4403, 3503,
      ngx_string("sent away"), ngx_string("sent_away") },

    { 429, 4409, 3504,
      ngx_string("replaced by another connection"),
      ngx_string("replaced") },

    { 429, 1008, 3013,
      ngx_string("too many messages"), ngx_string("rate") },

    { 413, 1009, 1009,
      ngx_string("message too large"), ngx_string("too_large") },

    { 400, 1002, 3501,
      ngx_string("protocol error"), ngx_string("protocol") },

    { 400, 1003, 3501,
      ngx_string("unacceptable data type"), ngx_string("data_type") },

    { 400, 1007, 3501,
      ngx_string("invalid data"), ngx_string("invalid_data") },

    { 404, 4410, 0,
      ngx_string("channel deleted"), ngx_string("deleted") },

    { 500, 1011, 3004,
      ngx_string("internal error"), ngx_string("internal") }
};


const ngx_http_push_reason_t *
ngx_http_push_reason_get(ngx_uint_t reason)
{
    return &ngx_http_push_reason_table[reason];
}
