
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * The state of the machine as JSON.
 */


#include "ngx_http_push_report.h"
#include "tap.h"


static char  text[1024 * 1024];


static const char *
report(const ngx_http_push_report_t *r)
{
    int                    rc;
    size_t                 len;
    const u_char          *p;
    ngx_http_push_json_t  *j;

    j = ngx_http_push_json_create(sizeof(text) - 1, 0);

    ngx_http_push_report_json(r, j);
    rc = ngx_http_push_json_finish(j, &p, &len);
    text[0] = '\0';

    if (rc == NGX_HTTP_PUSH_JSON_OK) {
        memcpy(text, p, len);
        text[len] = '\0';
    }

    ngx_http_push_json_destroy(j);

    return text;
}


/* every field another number, so that none can stand for another */

static void
number(void *p, size_t size, uint64_t first)
{
    size_t    i;
    uint64_t  n;

    for (i = 0; i < size / sizeof(n); i++) {
        n = first + i;
        memcpy((u_char *) p + i * sizeof(n), &n, sizeof(n));
    }
}


#define FIGURES(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q)            \
    "\"connections\":" #a ",\"channels\":" #b ",\"kept_requests\":" #c        \
    ",\"queue_bytes\":" #d ",\"messages_in\":" #e ",\"bytes_in\":" #f         \
    ",\"delivered\":" #g ",\"replayed\":" #h ",\"bytes_out\":" #i             \
    ",\"dropped\":" #j ",\"timeouts\":" #k ",\"slow_closed\":" #l              \
    ",\"gaps\":" #m ",\"websocket\":" #n ",\"eventsource\":" #o              \
    ",\"longpoll\":" #p ",\"stream\":" #q


static void
test_full(void)
{
    ngx_http_push_report_t          r;
    ngx_http_push_report_link_t     links[2];
    ngx_http_push_report_worker_t   workers[2];
    ngx_http_push_report_channel_t  channels[2];

    memset(&r, 0, sizeof(r));
    memset(links, 0, sizeof(links));
    memset(workers, 0, sizeof(workers));

    r.version = "0.1.0";
    r.time = 1700000000123ULL;
    r.ready = 1;
    r.names_shown = 1;
    number(&r.totals, sizeof(r.totals), 100);
    number(&r.zone, sizeof(r.zone), 200);

    links[0].role = "sub";
    links[0].state = "live";
    links[0].connected_ms = 1;
    links[0].reconnects = 2;
    links[0].probe_lag_us = 3;
    links[0].gaps = 4;
    links[0].subscriptions = 5;
    links[0].pending = 6;

    links[1].role = "cmd";
    links[1].state = "waiting";
    links[1].epochs = "server";
    links[1].error = "WRONGPASS \"x\"";
    links[1].probe_lag_us = -1;

    workers[0].slot = 3;
    workers[0].pid = 4711;
    workers[0].generation = 2;
    number(&workers[0].figures, sizeof(workers[0].figures), 300);
    workers[0].links = links;
    workers[0].nlinks = 2;

    workers[1].slot = 4;
    workers[1].pid = 4712;
    workers[1].generation = 1;
    workers[1].draining = 1;
    workers[1].drain_left_ms = 1500;

    r.workers = workers;
    r.nworkers = 2;

    channels[0].name = (u_char *) "room:1";
    channels[0].len = 6;
    channels[0].subscribers = 7;
    channels[0].workers = 2;
    channels[1].name = (u_char *) "a\"b\xff";
    channels[1].len = 4;
    channels[1].subscribers = 1;
    channels[1].workers = 1;

    r.channels = channels;
    r.nchannels = 2;
    r.channels_total = 9;

    tap_is_text(report(&r),
        "{\"version\":\"0.1.0\",\"time\":1700000000123,\"ready\":true,"
        "\"totals\":{"
        FIGURES(100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
                112, 113, 114, 115, 116)
        "},\"zone\":{\"size\":200,\"used\":201,\"free\":202,\"channels\":203,"
        "\"channels_max\":204,\"messages\":205,\"message_bytes\":206,"
        "\"resets\":207,\"free_run\":208,\"history_channels\":209,"
        "\"history_messages\":210,\"history_bytes\":211,\"evicted\":212},"
        "\"workers\":[{\"slot\":3,\"pid\":4711,"
        "\"generation\":2,\"draining\":false,\"drain_left_ms\":0,"
        FIGURES(300, 301, 302, 303, 304, 305, 306, 307, 308, 309, 310, 311,
                312, 313, 314, 315, 316)
        ",\"redis\":[{\"role\":\"sub\",\"state\":\"live\",\"error\":null,"
        "\"epochs\":null,"
        "\"probe_lag_us\":3,\"connected_ms\":1,\"reconnects\":2,\"gaps\":4,"
        "\"subscriptions\":5,\"pending\":6},{\"role\":\"cmd\","
        "\"state\":\"waiting\",\"error\":\"WRONGPASS \\\"x\\\"\","
        "\"epochs\":\"server\","
        "\"probe_lag_us\":null,\"connected_ms\":0,\"reconnects\":0,\"gaps\":0,"
        "\"subscriptions\":0,\"pending\":0}]},{\"slot\":4,\"pid\":4712,"
        "\"generation\":1,\"draining\":true,\"drain_left_ms\":1500,"
        FIGURES(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        ",\"redis\":[]}],\"channels\":{\"total\":9,\"names_shown\":true,"
        "\"list\":[{\"name\":\"room:1\",\"subscribers\":7,\"workers\":2},"
        "{\"name\":\"a\\\"b\xef\xbf\xbd\",\"subscribers\":1,\"workers\":1}"
        "]}}",
        "a snapshot with everything in it");

    links[0].probe_lag_us = 0;
    tap_ok(strstr(report(&r), "\"probe_lag_us\":0,") != NULL,
           "a lag of nothing is a lag");

    r.names_shown = 0;
    r.ready = 0;
    report(&r);

    tap_ok(strstr(text, "room:1") == NULL && strstr(text, "\"name\"") == NULL
           && strstr(text, "\"names_shown\":false,\"list\":[{\"subscribers\":7,"
                           "\"workers\":2},{\"subscribers\":1,\"workers\":1}]"),
           "without names the counts are told and no name is");
    tap_ok(strstr(text, "\"ready\":false") != NULL, "a machine not ready");
}


static void
test_empty(void)
{
    ngx_http_push_report_t  r;

    memset(&r, 0, sizeof(r));

    tap_is_text(report(&r),
        "{\"version\":null,\"time\":0,\"ready\":false,\"totals\":{"
        FIGURES(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        "},\"zone\":{\"size\":0,\"used\":0,\"free\":0,\"channels\":0,"
        "\"channels_max\":0,\"messages\":0,\"message_bytes\":0,\"resets\":0,"
        "\"free_run\":0,\"history_channels\":0,\"history_messages\":0,"
        "\"history_bytes\":0,\"evicted\":0},"
        "\"workers\":[],\"channels\":{\"total\":0,\"names_shown\":false,"
        "\"list\":[]}}",
        "a snapshot with nothing in it");
}


int
main(void)
{
    test_full();
    test_empty();

    return tap_done();
}
