
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 0, codec: the state of the machine as a snapshot, and the snapshot as
 * a document; owns nothing.
 *
 * The snapshot knows no format.  Each format is one function that walks it, and
 * further ones (prometheus, html) go beside ngx_http_push_report_json(); a new
 * figure is one field here and one row in the table that all of them walk.
 */


#ifndef _NGX_HTTP_PUSH_REPORT_H_INCLUDED_
#define _NGX_HTTP_PUSH_REPORT_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ngx_http_push_json.h"


typedef struct {
    /* now, of one worker or of the machine */
    uint64_t  connections;
    uint64_t  channels;         /* with a subscriber here */
    uint64_t  kept_requests;    /* connections that keep their request */
    uint64_t  queue_bytes;      /* waiting for slow readers */
    /* since the start */
    uint64_t  messages_in;      /* published here */
    uint64_t  bytes_in;
    uint64_t  delivered;        /* messages times subscribers */
    uint64_t  replayed;         /* of them, from the history */
    uint64_t  bytes_out;
    uint64_t  dropped;          /* by push_queue's overflow, or volatile */
    uint64_t  timeouts;         /* closed: no answer to a ping */
    uint64_t  slow_closed;      /* closed: read too slowly */
    uint64_t  gaps;             /* that clients were told of */
    uint64_t  websocket, eventsource, longpoll, stream;  /* connections now */
} ngx_http_push_report_figures_t;


typedef struct {
    const char  *role;          /* of a link to Redis: "sub" or "cmd" */
    const char  *state;         /* "up", "connecting", ... */
    const char  *error;         /* the last one, NULL if there was none */
    const char  *epochs;        /* are of a "server", or only of a "link" */
    uint64_t     connected_ms;  /* for how long, 0 if it is not */
    uint64_t     reconnects;
    int64_t      probe_lag_us;  /* of the last probe, -1 if none came back */
    uint64_t     gaps;          /* times that messages may have been missed */
    uint64_t     subscriptions;
    uint64_t     pending;       /* commands without an answer yet */
} ngx_http_push_report_link_t;


typedef struct {
    uint64_t                            slot;
    int64_t                             pid;
    uint64_t                            generation;
    uint64_t                            drain_left_ms;
    unsigned                            draining:1;
    ngx_http_push_report_figures_t      figures;
    const ngx_http_push_report_link_t  *links;
    size_t                              nlinks;
} ngx_http_push_report_worker_t;


typedef struct {
    const u_char  *name;
    size_t         len;
    uint64_t       subscribers;     /* on this machine */
    uint64_t       workers;         /* that have one */
} ngx_http_push_report_channel_t;


typedef struct {
    uint64_t  size;
    uint64_t  used;
    uint64_t  free;
    uint64_t  channels;
    uint64_t  channels_max;         /* 0 is unlimited */
    uint64_t  messages;             /* under way */
    uint64_t  message_bytes;
    uint64_t  resets;               /* rebuilt after a worker was killed */
    uint64_t  free_run;             /* longest run of free pages, in bytes */
    uint64_t  history_channels;
    uint64_t  history_messages;
    uint64_t  history_bytes;
    uint64_t  evicted;              /* messages forgotten for want of room */
} ngx_http_push_report_zone_t;


/*
 * All that it points to is the caller's and outlives the call.  totals has the
 * workers that are gone, too; its channels are those of the machine.
 */
typedef struct {
    const char                            *version;
    uint64_t                               time;    /* ms since 1970 */
    unsigned                               ready:1;
    unsigned                               names_shown:1;
    ngx_http_push_report_figures_t         totals;
    ngx_http_push_report_zone_t            zone;
    const ngx_http_push_report_worker_t   *workers;
    size_t                                 nworkers;

    const ngx_http_push_report_channel_t  *channels;
    size_t                                 nchannels;       /* told here */
    uint64_t                               channels_total;  /* that exist */
} ngx_http_push_report_t;


/*
 * Writes one object, with the keys of the structs above:
 * { version, time, ready, totals: {...}, zone: {...},
 *   workers: [ { slot, ..., drain_left_ms, connections, channels, ...,
 *                redis: [ { role, state, error, connected_ms, ... } ] } ],
 *   channels: { total, names_shown, list: [ { name, ... } ] } }
 *
 * What is not known is null; with names_shown 0 a channel has no name.
 */
void ngx_http_push_report_json(const ngx_http_push_report_t *r,
    ngx_http_push_json_t *j);


#endif /* _NGX_HTTP_PUSH_REPORT_H_INCLUDED_ */
