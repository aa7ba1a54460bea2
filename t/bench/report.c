
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: load's JSON, and its verdict.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"


typedef struct {
    ngx_http_push_client_stat_t   clients;
    ngx_http_push_latency_t       fanout;
    ngx_http_push_latency_t       publish;
    uint64_t                      answered;
    uint64_t                      refused;
    uint64_t                      unknown;
} ngx_http_push_report_t;


static void ngx_http_push_report_collect(const ngx_http_push_load_t *l,
    ngx_http_push_report_t *r);
static void ngx_http_push_report_add(ngx_http_push_client_stat_t *st,
    const ngx_http_push_client_stat_t *from);
static void ngx_http_push_report_fanout(const ngx_http_push_load_t *l,
    ngx_http_push_report_t *r);
static void ngx_http_push_report_connect(const ngx_http_push_load_t *l);
static void ngx_http_push_report_memory(const ngx_http_push_load_t *l);
static void ngx_http_push_report_traffic(const ngx_http_push_load_t *l,
    const ngx_http_push_report_t *r);
static void ngx_http_push_report_stalled(const ngx_http_push_load_t *l,
    const ngx_http_push_report_t *r);
static void ngx_http_push_report_latency(const char *name,
    const ngx_http_push_latency_t *l);
static void ngx_http_push_report_errors(const ngx_http_push_load_t *l);
static void ngx_http_push_report_error(const char *error, int *n);
static double ngx_http_push_report_ratio(double a, double b);


int
ngx_http_push_report_print(const ngx_http_push_load_t *l)
{
    int                            i, ok;
    ngx_http_push_client_stat_t   *st;
    static ngx_http_push_report_t  r;

    ngx_http_push_report_collect(l, &r);
    st = &r.clients;

    ok = l->live == l->plan->clients
         && st->failed == 0 && st->closed == 0 && st->lost == 0
         && st->duplicate == 0 && st->reordered == 0 && st->corrupt == 0
         && r.refused == 0 && r.unknown == 0;

    printf("{\n");
    printf("  \"clients\": %u,\n", l->plan->clients);
    printf("  \"channels\": %u,\n", l->plan->channels);
    printf("  \"processes\": %u,\n", l->plan->processes);
    printf("  \"size\": %zu,\n", l->plan->size);
    printf("  \"live\": %u,\n", l->live);
    printf("  \"failed\": %u,\n", st->failed);
    printf("  \"ended\": \"%s\",\n", l->ended);

    ngx_http_push_report_connect(l);

    if (l->server.n) {
        ngx_http_push_report_memory(l);
    }

    if (l->started) {
        ngx_http_push_report_traffic(l, &r);
    }

    if (l->plan->stall) {
        ngx_http_push_report_stalled(l, &r);
    }

    printf("  \"lost\": %llu,\n", (unsigned long long) st->lost);
    printf("  \"duplicate\": %llu,\n", (unsigned long long) st->duplicate);
    printf("  \"reordered\": %llu,\n", (unsigned long long) st->reordered);
    printf("  \"corrupt\": %llu,\n", (unsigned long long) st->corrupt);
    printf("  \"pings\": %llu,\n", (unsigned long long) st->pings);
    printf("  \"disconnected\": %u,\n", st->closed);
    printf("  \"closed_as_allowed\": %u,\n", st->allowed);
    printf("  \"reconnected\": %u,\n", st->returned);

    printf("  \"close_codes\": {");

    for (i = 0; i < NGX_HTTP_PUSH_CLIENT_CODES && st->codes[i].count; i++) {
        printf("%s\"%u\": %u", i ? ", " : "", st->codes[i].code,
               st->codes[i].count);
    }

    printf("},\n");

    ngx_http_push_report_errors(l);
    printf("  \"ok\": %s\n}\n", ok ? "true" : "false");
    (void) fflush(stdout);

    return ok;
}


static void
ngx_http_push_report_collect(const ngx_http_push_load_t *l,
    ngx_http_push_report_t *r)
{
    uint32_t  i;

    for (i = 0; i < l->plan->processes; i++) {
        ngx_http_push_report_add(&r->clients, &l->plan->stats[i]);
    }

    ngx_http_push_report_fanout(l, r);

    for (i = 0; i < l->npublishers && l->publishers; i++) {
        ngx_http_push_latency_merge(&r->publish, &l->publishers[i].latency);
        r->answered += l->publishers[i].answered;
        r->refused += l->publishers[i].refused;

        /* with what was never answered until the end */
        r->unknown += l->publishers[i].unknown + l->publishers[i].count;
    }
}


static void
ngx_http_push_report_add(ngx_http_push_client_stat_t *st,
    const ngx_http_push_client_stat_t *from)
{
    int  i, k;

    st->failed += from->failed;
    st->closed += from->closed;
    st->allowed += from->allowed;
    st->returned += from->returned;
    st->stalled += from->stalled;
    st->stalled_closed += from->stalled_closed;
    st->delivered += from->delivered;
    st->duplicate += from->duplicate;
    st->reordered += from->reordered;
    st->corrupt += from->corrupt;
    st->lost += from->lost;
    st->to_stalled += from->to_stalled;
    st->pings += from->pings;

    ngx_http_push_latency_merge(&st->latency, &from->latency);

    for (i = 0; i < NGX_HTTP_PUSH_CLIENT_CODES && from->codes[i].count; i++) {

        for (k = 0; k < NGX_HTTP_PUSH_CLIENT_CODES - 1; k++) {

            if (st->codes[k].code == from->codes[i].code
                || st->codes[k].count == 0)
            {
                break;
            }
        }

        st->codes[k].code = from->codes[i].code;
        st->codes[k].count += from->codes[i].count;
    }
}


/* a message's first and last arrival are in whichever process had them */

static void
ngx_http_push_report_fanout(const ngx_http_push_load_t *l,
    ngx_http_push_report_t *r)
{
    uint32_t                        i, k;
    ngx_http_push_client_spread_t   all;
    ngx_http_push_client_spread_t  *sp;

    for (i = 0; i < NGX_HTTP_PUSH_CLIENT_SPREADS; i++) {
        memset(&all, 0, sizeof(all));

        for (k = 0; k < l->plan->processes; k++) {
            sp = &l->plan->stats[k].spreads[i];

            if (sp->number == 0 || sp->number < all.number) {
                continue;
            }

            if (sp->number > all.number) {
                all = *sp;
                continue;
            }

            if (sp->first < all.first) {
                all.first = sp->first;
            }

            if (sp->last > all.last) {
                all.last = sp->last;
            }
        }

        if (all.number) {
            ngx_http_push_latency_add(&r->fanout, all.last - all.first);
        }
    }
}


static void
ngx_http_push_report_connect(const ngx_http_push_load_t *l)
{
    double  seconds;

    seconds = (double) (l->connected - l->begun) / 1e9;

    printf("  \"connect\": {\n");

    if (l->server.n) {
        printf("    \"cpu_ms_per_1000\": %.3f,\n",
               ngx_http_push_report_ratio(
                     (double) (l->samples[1].cpu - l->samples[0].cpu) / 1e3,
                     l->live));
    }

    printf("    \"seconds\": %.3f,\n", seconds);
    printf("    \"per_second\": %.0f,\n",
           ngx_http_push_report_ratio(l->live, seconds));
    printf("    \"available\": %llu,\n",
           (unsigned long long) l->available[1]);
    printf("    \"machine_bytes_per_connection\": %.0f\n",
           ngx_http_push_report_ratio(
                     (double) l->available[0] - (double) l->available[1],
                     l->live));
    printf("  },\n");
}


static void
ngx_http_push_report_memory(const ngx_http_push_load_t *l)
{
    ngx_http_push_proc_sample_t         end;
    const ngx_http_push_proc_sample_t  *s;

    s = l->samples;
    ngx_http_push_proc_sample(&l->server, &end, 1);

    printf("  \"memory\": {\n");
    printf("    \"processes\": %d,\n", s[2].alive);
    printf("    \"before\": %llu,\n", (unsigned long long) s[0].pss);
    printf("    \"connected\": %llu,\n", (unsigned long long) s[2].pss);
    printf("    \"end\": %llu,\n", (unsigned long long) end.pss);
    printf("    \"per_connection\": %.1f,\n",
           ngx_http_push_report_ratio((double) s[2].pss - (double) s[0].pss,
                                      l->live));
    printf("    \"zone_per_connection\": %.1f,\n",
           ngx_http_push_report_ratio((double) s[2].zone - (double) s[0].zone,
                                      l->live));
    printf("    \"uss_per_connection\": %.1f\n",
           ngx_http_push_report_ratio((double) s[2].uss - (double) s[0].uss,
                                      l->live));
    printf("  },\n");
}


static void
ngx_http_push_report_traffic(const ngx_http_push_load_t *l,
    const ngx_http_push_report_t *r)
{
    double                              cpu, seconds, delivered;
    const ngx_http_push_proc_sample_t  *s;

    s = l->samples;
    seconds = (double) l->busy / 1e9;
    delivered = (double) r->clients.delivered;

    printf("  \"messages\": %llu,\n", (unsigned long long) l->published);
    printf("  \"publishes\": { \"answered\": %llu, \"refused\": %llu, "
           "\"unknown\": %llu },\n", (unsigned long long) r->answered,
           (unsigned long long) r->refused, (unsigned long long) r->unknown);
    printf("  \"expected\": %llu,\n", (unsigned long long) l->expected);
    printf("  \"delivered\": %llu,\n",
           (unsigned long long) r->clients.delivered);
    printf("  \"seconds\": %.3f,\n", seconds);
    printf("  \"per_second\": %.0f,\n",
           ngx_http_push_report_ratio(delivered, seconds));

    if (l->server.n) {
        cpu = (double) l->cpu;

        printf("  \"cpu_seconds\": %.4f,\n", cpu / 1e9);
        printf("  \"cpu_us_per_delivery\": %.4f,\n",
               ngx_http_push_report_ratio(cpu / 1e3, delivered));
        printf("  \"cpu_us_per_message\": %.2f,\n",
               ngx_http_push_report_ratio(cpu / 1e3, (double) l->published));
        printf("  \"cpu_user_share\": %.3f,\n",
               ngx_http_push_report_ratio((double) (s[3].user - s[2].user),
                                          (double) (s[3].user - s[2].user
                                                    + s[3].system
                                                    - s[2].system)));
    }

    ngx_http_push_report_latency("latency_us", &r->clients.latency);
    ngx_http_push_report_latency("fanout_us", &r->fanout);
    ngx_http_push_report_latency("publish_us", &r->publish);

    if (l->options.probing) {
        ngx_http_push_report_latency("probe_us", &l->probe.answers);
        ngx_http_push_report_latency("hold_us", &l->probe.holds);
    }
}


static void
ngx_http_push_report_stalled(const ngx_http_push_load_t *l,
    const ngx_http_push_report_t *r)
{
    printf("  \"stalled\": {\n");
    printf("    \"clients\": %u,\n", r->clients.stalled);
    printf("    \"closed\": %u,\n", r->clients.stalled_closed);
    printf("    \"received_at_last\": %llu,\n",
           (unsigned long long) r->clients.to_stalled);
    printf("    \"kernel_bytes_of_one\": %llu,\n",
           (unsigned long long) l->unsent);
    printf("    \"kernel_bytes_of_all\": %llu,\n",
           (unsigned long long) l->unsent_sum);
    printf("    \"memory_peak\": %llu\n", (unsigned long long) l->peak);
    printf("  },\n");
}


static void
ngx_http_push_report_latency(const char *name,
    const ngx_http_push_latency_t *l)
{
    printf("  \"%s\": { \"count\": %llu, \"p50\": %.1f, \"p99\": %.1f, "
           "\"p99.9\": %.1f, \"max\": %.1f },\n", name,
           (unsigned long long) l->count,
           (double) ngx_http_push_latency_at(l, 500) / 1e3,
           (double) ngx_http_push_latency_at(l, 990) / 1e3,
           (double) ngx_http_push_latency_at(l, 999) / 1e3,
           (double) l->max / 1e3);
}


static void
ngx_http_push_report_errors(const ngx_http_push_load_t *l)
{
    int       n;
    uint32_t  i;

    n = 0;
    printf("  \"errors\": [");

    for (i = 0; i < l->plan->processes; i++) {
        ngx_http_push_report_error(l->plan->stats[i].error, &n);
    }

    for (i = 0; i < l->npublishers && l->publishers; i++) {
        ngx_http_push_report_error(l->publishers[i].error, &n);
    }

    printf("%s],\n", n ? "\n  " : "");
}


static void
ngx_http_push_report_error(const char *error, int *n)
{
    if (error[0] == '\0') {
        return;
    }

    printf("%s\n    \"", *n ? "," : "");
    (*n)++;

    /* a status line may have come from the server as it likes */

    for ( /* void */ ; *error; error++) {
        putchar((*error < ' ' || *error > '~' || *error == '"'
                 || *error == '\\') ? ' ' : *error);
    }

    putchar('"');
}


static double
ngx_http_push_report_ratio(double a, double b)
{
    return (b > 0) ? a / b : 0;
}
