
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Numbers as digits: what is written is read, and nothing else is.
 */


#include "ngx_http_push_decimal.h"
#include "tap.h"


static void
test_write(void)
{
    char      expected[32];
    size_t    i, size;
    u_char    room[NGX_HTTP_PUSH_DECIMAL_MAX + 2], *out, *end;
    uint64_t  n, back;
    unsigned  wrong;

    wrong = 0;

    for (i = 0; i < 200000; i++) {
        n = i < 2000 ? i : tap_random(UINT64_MAX) >> tap_random(64);
        n = i == 2000 ? UINT64_MAX : n;
        n = i == 2001 ? 10000000000000000000ULL : n;
        n = i == 2002 ? 9999999999999999999ULL : n;

        size = (size_t) snprintf(expected, sizeof(expected), "%llu",
                                 (unsigned long long) n);

        memset(room, 'x', sizeof(room));
        out = room + 1;
        end = ngx_http_push_decimal_write(out, n);

        wrong += end != out + size || out[size] != 'x' || room[0] != 'x'
                 || memcmp(out, expected, size) != 0
                 || ngx_http_push_decimal_size(n) != size
                 || !ngx_http_push_decimal_read(out, size, &back)
                 || back != n;
    }

    tap_is(wrong, 0, "200,000 numbers are written as printf has them, "
           "and read back");
}


static void
test_read(void)
{
    size_t    i;
    uint64_t  n;

    static const char *const  bad[] = {
        "", " ", "-", "-1", "+1", " 1", "1 ", "01", "00", "1a", "a1", "1:",
        ":", "/", "1/", "0x1",
        "1.0", "1e3", "\xb1", "18446744073709551616", "18446744073709551620",
        "99999999999999999999", "100000000000000000000"
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        n = 42;
        tap_ok(!ngx_http_push_decimal_read((const u_char *) bad[i],
                                           strlen(bad[i]), &n) && n == 42,
               "no number: \"%s\"", bad[i]);
    }

    tap_ok(ngx_http_push_decimal_read((const u_char *) "0", 1, &n) && n == 0,
           "zero is a number");
    tap_ok(ngx_http_push_decimal_read((const u_char *) "18446744073709551615",
                                      20, &n) && n == UINT64_MAX,
           "the largest is a number");
    tap_ok(ngx_http_push_decimal_read((const u_char *) "123456", 3, &n)
           && n == 123, "only what was given is read");
}


int
main(void)
{
    tap_seed();

    test_write();
    test_read();

    return tap_done();
}
