/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Soak: clients and publishers in one process, told by lines of stdin what
 * to do.  What is wrong goes to stderr, the figures to stdout.
 *
 *   crowd PORT CLIENTS CHANNELS SEED
 *
 *   rate N                    publish so many messages a second from now on
 *   reset|fin|close N         so many clients leave, at once
 *   after N M                 so many clients leave after up to M messages
 *   stall N MS                so many clients stop reading, for up to MS
 *   forget                    the store has lost what it had
 *   allow STATUS              such an answer to a publisher is none of ours
 *   lenient                   an epoch may end without a notice where nothing
 *                             is missing
 *   figures                   a line of JSON
 *   finish SECONDS            no more torments: everybody must hear the last
 *                             messages; then a line of JSON
 *   exit
 */


#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>

#include "author.h"
#include "guest.h"


#define NGX_HTTP_PUSH_CROWD_AUTHORS  10
#define NGX_HTTP_PUSH_CROWD_EVENTS   256
#define NGX_HTTP_PUSH_CROWD_INPUT    (2ull << 32)
#define NGX_HTTP_PUSH_CROWD_MARKERS  3000000000ull


typedef struct {
    int                        epoll;
    uint32_t                   clients;
    uint32_t                   channels;
    uint32_t                   rate;
    uint64_t                   published;     /* up to then, by the rate */
    uint64_t                   finish;        /* deadline, 0: not yet */
    uint64_t                   mark;          /* when markers are sent */
    uint32_t                   done;
    uint32_t                   ending;
    size_t                     length;        /* of line */
    char                       line[256];
    ngx_http_push_net_url_t    ws;
    ngx_http_push_net_url_t    pub;
    ngx_http_push_dice_t       dice;
    ngx_http_push_guest_t     *guests;
    ngx_http_push_author_t    *authors;
} ngx_http_push_crowd_t;


static void ngx_http_push_crowd_start(ngx_http_push_crowd_t *c,
    uint32_t port, uint64_t seed);
static void ngx_http_push_crowd_run(ngx_http_push_crowd_t *c);
static void ngx_http_push_crowd_tick(ngx_http_push_crowd_t *c, uint64_t now);
static void ngx_http_push_crowd_publish(ngx_http_push_crowd_t *c,
    uint64_t now);
static void ngx_http_push_crowd_finish(ngx_http_push_crowd_t *c,
    uint64_t now);
static void ngx_http_push_crowd_input(ngx_http_push_crowd_t *c);
static void ngx_http_push_crowd_obey(ngx_http_push_crowd_t *c,
    const char *line);
static void ngx_http_push_crowd_torment(ngx_http_push_crowd_t *c,
    const char *word, uint32_t n, uint32_t more);
static void ngx_http_push_crowd_report(ngx_http_push_crowd_t *c);
static void ngx_http_push_crowd_codes(const char *name,
    ngx_http_push_ledger_count_t *count);


int
main(int argc, char **argv)
{
    static ngx_http_push_crowd_t  c;

    if (argc != 5) {
        fprintf(stderr, "usage: crowd PORT CLIENTS CHANNELS SEED\n");
        return 2;
    }

    (void) signal(SIGPIPE, SIG_IGN);
    (void) signal(SIGINT, SIG_IGN);

    c.clients = (uint32_t) atoi(argv[2]);
    c.channels = (uint32_t) atoi(argv[3]);

    if (c.clients == 0 || c.channels < NGX_HTTP_PUSH_GUEST_TRACKS
        || c.channels > NGX_HTTP_PUSH_LEDGER_CHANNELS)
    {
        fprintf(stderr, "crowd: no such number of clients or channels\n");
        return 2;
    }

    ngx_http_push_crowd_start(&c, (uint32_t) atoi(argv[1]),
                              strtoull(argv[4], NULL, 10));
    ngx_http_push_crowd_run(&c);

    return ngx_http_push_ledger_blamed() ? 1 : 0;
}


static void
ngx_http_push_crowd_start(ngx_http_push_crowd_t *c, uint32_t port,
    uint64_t seed)
{
    char                text[64];
    uint32_t            i;
    struct epoll_event  ee;

    (void) snprintf(text, sizeof(text), "ws://127.0.0.1:%u/ws", port);
    (void) ngx_http_push_net_parse(&c->ws, text);
    (void) snprintf(text, sizeof(text), "http://127.0.0.1:%u/pub", port);
    (void) ngx_http_push_net_parse(&c->pub, text);

    (void) ngx_http_push_net_files();

    ngx_http_push_dice_init(&c->dice, seed);
    ngx_http_push_ledger_init(c->channels);

    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    c->guests = calloc(c->clients, sizeof(ngx_http_push_guest_t));
    c->authors = calloc(NGX_HTTP_PUSH_CROWD_AUTHORS,
                        sizeof(ngx_http_push_author_t));

    if (c->epoll == -1 || c->guests == NULL || c->authors == NULL) {
        fprintf(stderr, "crowd: out of memory\n");
        exit(2);
    }

    for (i = 0; i < c->clients; i++) {
        ngx_http_push_guest_init(&c->guests[i], i, &c->ws, c->epoll,
                                 c->channels, seed);
    }

    for (i = 0; i < NGX_HTTP_PUSH_CROWD_AUTHORS; i++) {
        ngx_http_push_author_init(&c->authors[i], i, &c->pub, c->epoll, seed);
    }

    (void) fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);

    ee.events = EPOLLIN;
    ee.data.u64 = NGX_HTTP_PUSH_CROWD_INPUT;
    (void) epoll_ctl(c->epoll, EPOLL_CTL_ADD, 0, &ee);
}


static void
ngx_http_push_crowd_run(ngx_http_push_crowd_t *c)
{
    int                 i, n;
    uint32_t            index;
    uint64_t            now, ticked;
    struct epoll_event  events[NGX_HTTP_PUSH_CROWD_EVENTS];

    ticked = 0;

    while (!c->ending) {
        n = epoll_wait(c->epoll, events, NGX_HTTP_PUSH_CROWD_EVENTS, 5);

        for (i = 0; i < n; i++) {
            index = (uint32_t) events[i].data.u64;

            switch (events[i].data.u64 >> 32) {

            case 0:
                ngx_http_push_guest_handle(&c->guests[index]);
                break;

            case 1:
                ngx_http_push_author_handle(&c->authors[index]);
                break;

            default:
                ngx_http_push_crowd_input(c);
            }
        }

        now = ngx_http_push_net_now();

        if (now - ticked >= 4000000) {
            ticked = now;
            ngx_http_push_crowd_tick(c, now);
        }
    }
}


static void
ngx_http_push_crowd_tick(ngx_http_push_crowd_t *c, uint64_t now)
{
    uint32_t  i;

    for (i = 0; i < c->clients; i++) {
        ngx_http_push_guest_tick(&c->guests[i], now);
    }

    ngx_http_push_crowd_publish(c, now);

    for (i = 0; i < NGX_HTTP_PUSH_CROWD_AUTHORS; i++) {
        ngx_http_push_author_tick(&c->authors[i], now);
    }

    if (c->finish && !c->done) {
        ngx_http_push_crowd_finish(c, now);
    }
}


static void
ngx_http_push_crowd_publish(ngx_http_push_crowd_t *c, uint64_t now)
{
    char      name[16];
    uint32_t  channel, flags;
    uint64_t  step;

    if (c->rate == 0) {
        c->published = now;
        return;
    }

    step = 1000000000 / c->rate;

    /* what could not be published in time is not made up for */

    if (now - c->published > 200000000) {
        c->published = now - 200000000;
    }

    for ( /* void */ ; c->published + step <= now; c->published += step) {
        channel = ngx_http_push_dice_roll(&c->dice, c->channels);
        flags = 0;

        (void) ngx_http_push_ledger_name(name, channel);

        if (name[0] == 'm' && ngx_http_push_dice_roll(&c->dice, 2)) {
            flags = NGX_HTTP_PUSH_AUTHOR_FLEETING;

        } else if (ngx_http_push_dice_roll(&c->dice, 2)) {
            flags = NGX_HTTP_PUSH_AUTHOR_KEYED;
        }

        ngx_http_push_author_add(&c->authors[channel
                                             % NGX_HTTP_PUSH_CROWD_AUTHORS],
                                 channel, flags);
    }
}


/* rounds of markers, until everybody has got one in each of his channels */

static void
ngx_http_push_crowd_finish(ngx_http_push_crowd_t *c, uint64_t now)
{
    uint32_t  i, done;

    done = 0;

    for (i = 0; i < c->clients; i++) {
        ngx_http_push_guest_calm(&c->guests[i]);
        done += (uint32_t) ngx_http_push_guest_done(&c->guests[i]);
    }

    if (done < c->clients && now < c->finish) {

        if (now < c->mark) {
            return;
        }

        c->mark = now + NGX_HTTP_PUSH_CROWD_MARKERS;

        for (i = 0; i < c->channels; i++) {
            ngx_http_push_author_add(&c->authors[i
                                               % NGX_HTTP_PUSH_CROWD_AUTHORS],
                                     i, NGX_HTTP_PUSH_AUTHOR_KEYED
                                        |NGX_HTTP_PUSH_AUTHOR_MARKER);
        }

        return;
    }

    c->done = 1;

    for (i = 0; i < c->clients; i++) {

        if (!ngx_http_push_guest_done(&c->guests[i])) {
            ngx_http_push_guest_blame(&c->guests[i]);
        }
    }

    ngx_http_push_ledger_check();
    ngx_http_push_crowd_report(c);
}


static void
ngx_http_push_crowd_input(ngx_http_push_crowd_t *c)
{
    char     *end;
    ssize_t   n;

    n = read(0, c->line + c->length, sizeof(c->line) - 1 - c->length);

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }

    if (n <= 0) {
        c->ending = 1;
        return;
    }

    c->length += (size_t) n;
    c->line[c->length] = '\0';

    for ( ;; ) {
        end = strchr(c->line, '\n');

        if (end == NULL) {
            break;
        }

        *end++ = '\0';
        ngx_http_push_crowd_obey(c, c->line);

        c->length -= (size_t) (end - c->line);
        memmove(c->line, end, c->length + 1);
    }

    if (c->length == sizeof(c->line) - 1) {
        c->length = 0;
    }
}


static void
ngx_http_push_crowd_obey(ngx_http_push_crowd_t *c, const char *line)
{
    char      word[16];
    unsigned  n, more;

    n = 0;
    more = 0;

    if (sscanf(line, "%15s %u %u", word, &n, &more) < 1) {
        return;
    }

    if (strcmp(word, "rate") == 0) {
        c->rate = n;

    } else if (strcmp(word, "forget") == 0) {
        ngx_http_push_ledger_forget();

    } else if (strcmp(word, "allow") == 0) {
        ngx_http_push_author_allow((int) n);

    } else if (strcmp(word, "lenient") == 0) {
        ngx_http_push_guest_lenient();

    } else if (strcmp(word, "figures") == 0) {
        ngx_http_push_crowd_report(c);

    } else if (strcmp(word, "finish") == 0) {
        c->rate = 0;
        c->mark = ngx_http_push_net_now() + 1000000000;
        c->finish = ngx_http_push_net_now() + n * 1000000000ull;

    } else if (strcmp(word, "exit") == 0) {
        c->ending = 1;

    } else {
        ngx_http_push_crowd_torment(c, word, n, more);
    }
}


static void
ngx_http_push_crowd_torment(ngx_http_push_crowd_t *c, const char *word,
    uint32_t n, uint32_t more)
{
    uint32_t                how;
    ngx_http_push_guest_t  *g;

    how = (word[0] == 'r') ? NGX_HTTP_PUSH_GUEST_RESET
          : (word[0] == 'f') ? NGX_HTTP_PUSH_GUEST_FIN
          : NGX_HTTP_PUSH_GUEST_CLOSE;

    while (n--) {
        g = &c->guests[ngx_http_push_dice_roll(&c->dice, c->clients)];

        if (word[0] == 's') {
            ngx_http_push_guest_stall(g, ngx_http_push_net_now() + 1000000ull
                                * (1 + ngx_http_push_dice_roll(&c->dice,
                                                               more + 1)));

        } else if (word[0] == 'a') {
            ngx_http_push_guest_leave_after(g,
                                       ngx_http_push_dice_roll(&c->dice, 3),
                                       1 + ngx_http_push_dice_roll(&c->dice,
                                                                   more + 1));
        } else {
            ngx_http_push_guest_leave(g, how);
        }
    }
}


static void
ngx_http_push_crowd_report(ngx_http_push_crowd_t *c)
{
    uint32_t                         i, open;
    ngx_http_push_guest_figures_t   *g;
    ngx_http_push_author_figures_t  *a;

    g = ngx_http_push_guest_figures();
    a = ngx_http_push_author_figures();
    open = 0;

    for (i = 0; i < c->clients; i++) {
        open += c->guests[i].open;
    }

    printf("{\"open\":%u,\"messages\":%llu,\"taken\":%llu,\"refused\":%llu,"
           "\"unknown\":%llu,\"repeats\":%llu,\"skipped\":%llu,"
           "\"longest_publish_ms\":%llu",
           open, (unsigned long long) a->messages,
           (unsigned long long) a->taken, (unsigned long long) a->refused,
           (unsigned long long) a->unknown, (unsigned long long) a->repeats,
           (unsigned long long) a->skipped,
           (unsigned long long) a->worst / 1000000);
    printf(",\"deliveries\":%llu,\"bytes\":%llu,\"replayed\":%llu,"
           "\"without_id\":%llu,\"gaps_told\":%llu,\"gaps_deep\":%llu,"
           "\"gaps_idle\":%llu,\"gaps_idle_deep\":%llu,"
           "\"epoch_changes\":%llu,\"epochs\":%u",
           (unsigned long long) g->deliveries, (unsigned long long) g->bytes,
           (unsigned long long) g->replayed, (unsigned long long) g->fleeting,
           (unsigned long long) g->gaps, (unsigned long long) g->gaps_deep,
           (unsigned long long) g->idle_gaps,
           (unsigned long long) g->idle_deep, (unsigned long long) g->epochs,
           ngx_http_push_ledger_epochs());
    printf(",\"subscriptions\":%llu,\"subscriptions_deep\":%llu",
           (unsigned long long) g->tracks,
           (unsigned long long) g->tracks_deep);
    printf(",\"connects\":%llu,\"resumed\":%llu,\"stalls\":%llu,"
           "\"hang_ups\":%llu,\"deleted\":%llu",
           (unsigned long long) g->connects, (unsigned long long) g->resumed,
           (unsigned long long) g->stalls, (unsigned long long) g->hang_ups,
           (unsigned long long) g->deleted);

    ngx_http_push_crowd_codes("answers", &a->statuses);
    ngx_http_push_crowd_codes("answers_volatile", &a->fleeting);
    ngx_http_push_crowd_codes("closes", &g->closes);
    ngx_http_push_crowd_codes("refusals", &g->refusals);

    printf(",\"wrong\":{");

    for (i = 0; i < ngx_http_push_ledger_wrongs; i++) {
        printf("%s\"%s\":%llu", i ? "," : "",
               ngx_http_push_ledger_word((ngx_http_push_ledger_wrong_e) i),
               (unsigned long long) ngx_http_push_ledger_wrong(
                                           (ngx_http_push_ledger_wrong_e) i));
    }

    printf("}}\n");
    (void) fflush(stdout);
}


static void
ngx_http_push_crowd_codes(const char *name,
    ngx_http_push_ledger_count_t *count)
{
    uint32_t  i;

    printf(",\"%s\":{", name);

    for (i = 0; i < count->n; i++) {
        printf("%s\"%u\":%u", i ? "," : "", count->codes[i].code,
               count->codes[i].count);
    }

    printf("}");
}
