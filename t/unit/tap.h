
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * What every unit test shares: TAP on the standard output and a random source
 * whose seed is told, so that a failure can be had again (PUSH_SEED=N).
 */


#ifndef _NGX_HTTP_PUSH_TAP_H_INCLUDED_
#define _NGX_HTTP_PUSH_TAP_H_INCLUDED_


#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>


static unsigned  tap_tests;
static unsigned  tap_failures;
static uint64_t  tap_random_state;


/* one claim; the rest is its name, as for printf() */

__attribute__((format(printf, 2, 3), unused))
static int
tap_ok(int ok, const char *fmt, ...)
{
    va_list  args;

    printf("%s %u - ", ok ? "ok" : "not ok", ++tap_tests);

    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);

    printf("\n");
    fflush(stdout);

    if (!ok) {
        tap_failures++;
    }

    return ok;
}


__attribute__((unused))
static int
tap_is(unsigned long long got, unsigned long long expected, const char *name)
{
    if (!tap_ok(got == expected, "%s", name)) {
        printf("#      got: %llu\n# expected: %llu\n", got, expected);
        return 0;
    }

    return 1;
}


__attribute__((unused))
static int
tap_is_text(const char *got, const char *expected, const char *name)
{
    if (!tap_ok(strcmp(got, expected) == 0, "%s", name)) {
        printf("#      got: %s\n# expected: %s\n", got, expected);
        return 0;
    }

    return 1;
}


/* the plan comes last; what main() returns */

__attribute__((unused))
static int
tap_done(void)
{
    printf("1..%u\n", tap_tests);

    return tap_failures != 0 || tap_tests == 0;
}


__attribute__((unused))
static void
tap_seed(void)
{
    const char  *seed;

    seed = getenv("PUSH_SEED");

    if (seed) {
        tap_random_state = strtoull(seed, NULL, 10);

    } else {
        tap_random_state = (uint64_t) time(NULL) << 20 ^ (uint64_t) getpid();
    }

    printf("# PUSH_SEED=%llu\n", (unsigned long long) tap_random_state);
}


/* splitmix64, 0 to n - 1 */

__attribute__((unused))
static uint64_t
tap_random(uint64_t n)
{
    uint64_t  z;

    tap_random_state += 0x9e3779b97f4a7c15ULL;

    z = tap_random_state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;

    return (z ^ z >> 31) % n;
}


#endif /* _NGX_HTTP_PUSH_TAP_H_INCLUDED_ */
