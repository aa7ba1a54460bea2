
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: the state of the machine as a snapshot, and the snapshot as
 * a document; owns nothing.
 */


#include "ngx_http_push_report.h"


/* what a format has to know of a number in one of the structs */
typedef struct {
    const char  *name;
    size_t       offset;
} ngx_http_push_report_field_t;


#define ngx_http_push_report_field(type, name)                                \
    { #name, offsetof(ngx_http_push_report_##type##_t, name) }

#define ngx_http_push_report_field_null  { NULL, 0 }


static void ngx_http_push_report_json_zone(
    const ngx_http_push_report_zone_t *z, ngx_http_push_json_t *j);
static void ngx_http_push_report_json_worker(
    const ngx_http_push_report_worker_t *w, ngx_http_push_json_t *j);
static void ngx_http_push_report_json_link(
    const ngx_http_push_report_link_t *l, ngx_http_push_json_t *j);
static void ngx_http_push_report_json_channels(
    const ngx_http_push_report_t *r, ngx_http_push_json_t *j);
static void ngx_http_push_report_json_fields(const void *data,
    const ngx_http_push_report_field_t *field, ngx_http_push_json_t *j);


/* the figures of a worker and of the totals, in the order they are told */

static const ngx_http_push_report_field_t  ngx_http_push_report_figures[] = {
    ngx_http_push_report_field(figures, connections),
    ngx_http_push_report_field(figures, channels),
    ngx_http_push_report_field(figures, kept_requests),
    ngx_http_push_report_field(figures, queue_bytes),
    ngx_http_push_report_field(figures, messages_in),
    ngx_http_push_report_field(figures, bytes_in),
    ngx_http_push_report_field(figures, delivered),
    ngx_http_push_report_field(figures, replayed),
    ngx_http_push_report_field(figures, bytes_out),
    ngx_http_push_report_field(figures, dropped),
    ngx_http_push_report_field(figures, timeouts),
    ngx_http_push_report_field(figures, slow_closed),
    ngx_http_push_report_field(figures, gaps),
    ngx_http_push_report_field(figures, websocket),
    ngx_http_push_report_field(figures, eventsource),
    ngx_http_push_report_field(figures, longpoll),
    ngx_http_push_report_field(figures, stream),
    ngx_http_push_report_field_null
};


static const ngx_http_push_report_field_t  ngx_http_push_report_zone[] = {
    ngx_http_push_report_field(zone, size),
    ngx_http_push_report_field(zone, used),
    ngx_http_push_report_field(zone, free),
    ngx_http_push_report_field(zone, channels),
    ngx_http_push_report_field(zone, channels_max),
    ngx_http_push_report_field(zone, messages),
    ngx_http_push_report_field(zone, message_bytes),
    ngx_http_push_report_field(zone, resets),
    ngx_http_push_report_field(zone, free_run),
    ngx_http_push_report_field(zone, history_channels),
    ngx_http_push_report_field(zone, history_messages),
    ngx_http_push_report_field(zone, history_bytes),
    ngx_http_push_report_field(zone, evicted),
    ngx_http_push_report_field_null
};


static const ngx_http_push_report_field_t  ngx_http_push_report_link[] = {
    ngx_http_push_report_field(link, connected_ms),
    ngx_http_push_report_field(link, reconnects),
    ngx_http_push_report_field(link, gaps),
    ngx_http_push_report_field(link, subscriptions),
    ngx_http_push_report_field(link, pending),
    ngx_http_push_report_field_null
};


void
ngx_http_push_report_json(const ngx_http_push_report_t *r,
    ngx_http_push_json_t *j)
{
    size_t  i;

    ngx_http_push_json_open_object(j);

    ngx_http_push_json_key(j, "version");
    ngx_http_push_json_text(j, r->version);

    ngx_http_push_json_key(j, "time");
    ngx_http_push_json_uint(j, r->time);

    ngx_http_push_json_key(j, "ready");
    ngx_http_push_json_bool(j, r->ready);

    ngx_http_push_json_key(j, "totals");
    ngx_http_push_json_open_object(j);
    ngx_http_push_report_json_fields(&r->totals, ngx_http_push_report_figures,
                                     j);
    ngx_http_push_json_close_object(j);

    ngx_http_push_json_key(j, "zone");
    ngx_http_push_report_json_zone(&r->zone, j);

    ngx_http_push_json_key(j, "workers");
    ngx_http_push_json_open_array(j);

    for (i = 0; i < r->nworkers; i++) {
        ngx_http_push_report_json_worker(&r->workers[i], j);
    }

    ngx_http_push_json_close_array(j);

    ngx_http_push_json_key(j, "channels");
    ngx_http_push_report_json_channels(r, j);

    ngx_http_push_json_close_object(j);
}


static void
ngx_http_push_report_json_zone(const ngx_http_push_report_zone_t *z,
    ngx_http_push_json_t *j)
{
    ngx_http_push_json_open_object(j);
    ngx_http_push_report_json_fields(z, ngx_http_push_report_zone, j);
    ngx_http_push_json_close_object(j);
}


static void
ngx_http_push_report_json_worker(const ngx_http_push_report_worker_t *w,
    ngx_http_push_json_t *j)
{
    size_t  i;

    ngx_http_push_json_open_object(j);

    ngx_http_push_json_key(j, "slot");
    ngx_http_push_json_uint(j, w->slot);

    ngx_http_push_json_key(j, "pid");
    ngx_http_push_json_int(j, w->pid);

    ngx_http_push_json_key(j, "generation");
    ngx_http_push_json_uint(j, w->generation);

    ngx_http_push_json_key(j, "draining");
    ngx_http_push_json_bool(j, w->draining);

    ngx_http_push_json_key(j, "drain_left_ms");
    ngx_http_push_json_uint(j, w->drain_left_ms);

    ngx_http_push_report_json_fields(&w->figures, ngx_http_push_report_figures,
                                     j);

    ngx_http_push_json_key(j, "redis");
    ngx_http_push_json_open_array(j);

    for (i = 0; i < w->nlinks; i++) {
        ngx_http_push_report_json_link(&w->links[i], j);
    }

    ngx_http_push_json_close_array(j);

    ngx_http_push_json_close_object(j);
}


static void
ngx_http_push_report_json_link(const ngx_http_push_report_link_t *l,
    ngx_http_push_json_t *j)
{
    ngx_http_push_json_open_object(j);

    ngx_http_push_json_key(j, "role");
    ngx_http_push_json_text(j, l->role);

    ngx_http_push_json_key(j, "state");
    ngx_http_push_json_text(j, l->state);

    ngx_http_push_json_key(j, "error");
    ngx_http_push_json_text(j, l->error);

    ngx_http_push_json_key(j, "epochs");
    ngx_http_push_json_text(j, l->epochs);

    ngx_http_push_json_key(j, "probe_lag_us");

    if (l->probe_lag_us < 0) {
        ngx_http_push_json_null(j);

    } else {
        ngx_http_push_json_int(j, l->probe_lag_us);
    }

    ngx_http_push_report_json_fields(l, ngx_http_push_report_link, j);

    ngx_http_push_json_close_object(j);
}


static void
ngx_http_push_report_json_channels(const ngx_http_push_report_t *r,
    ngx_http_push_json_t *j)
{
    size_t                                 i;
    const ngx_http_push_report_channel_t  *ch;

    ngx_http_push_json_open_object(j);

    ngx_http_push_json_key(j, "total");
    ngx_http_push_json_uint(j, r->channels_total);

    ngx_http_push_json_key(j, "names_shown");
    ngx_http_push_json_bool(j, r->names_shown);

    ngx_http_push_json_key(j, "list");
    ngx_http_push_json_open_array(j);

    for (i = 0; i < r->nchannels; i++) {
        ch = &r->channels[i];

        ngx_http_push_json_open_object(j);

        if (r->names_shown) {
            ngx_http_push_json_key(j, "name");
            ngx_http_push_json_string(j, ch->name, ch->len);
        }

        ngx_http_push_json_key(j, "subscribers");
        ngx_http_push_json_uint(j, ch->subscribers);

        ngx_http_push_json_key(j, "workers");
        ngx_http_push_json_uint(j, ch->workers);

        ngx_http_push_json_close_object(j);
    }

    ngx_http_push_json_close_array(j);

    ngx_http_push_json_close_object(j);
}


static void
ngx_http_push_report_json_fields(const void *data,
    const ngx_http_push_report_field_t *field, ngx_http_push_json_t *j)
{
    const u_char  *p;

    for ( /* void */ ; field->name; field++) {
        p = (const u_char *) data + field->offset;

        ngx_http_push_json_key(j, field->name);
        ngx_http_push_json_uint(j, *(const uint64_t *) (const void *) p);
    }
}
