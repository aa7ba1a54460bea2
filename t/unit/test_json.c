
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * JSON as it is written: values, text that is not UTF-8, bounds, misuse.
 */


#include <stdlib.h>

#include <yajl/yajl_parse.h>

#include "ngx_http_push_json.h"
#include "ngx_http_push_utf8.h"
#include "tap.h"


static ngx_http_push_json_t  *j;
static char                   text[65536];


static void
begin(size_t max)
{
    if (j) {
        ngx_http_push_json_destroy(j);
    }

    j = ngx_http_push_json_create(max, 0);

    if (j == NULL) {
        printf("Bail out! no writer\n");
        exit(2);
    }
}


static int
valid_json(const u_char *p, size_t len)
{
    int          ok;
    yajl_handle  parser;

    parser = yajl_alloc(NULL, NULL, NULL);
    ok = yajl_parse(parser, p, len) == yajl_status_ok
         && yajl_complete_parse(parser) == yajl_status_ok;
    yajl_free(parser);

    return ok;
}


/* the document, or the word for why there is none */

static const char *
written(void)
{
    size_t         len;
    const u_char  *p;

    switch (ngx_http_push_json_finish(j, &p, &len)) {

    case NGX_HTTP_PUSH_JSON_OK:
        break;

    case NGX_HTTP_PUSH_JSON_NOMEM:
        return "no memory";

    case NGX_HTTP_PUSH_JSON_LIMIT:
        return "limit";

    case NGX_HTTP_PUSH_JSON_MISUSE:
        return "misuse";

    default:
        return "?";
    }

    if (!valid_json(p, len)) {
        return "not JSON";
    }

    if (len >= sizeof(text)) {
        return "too long for the test";
    }

    memcpy(text, p, len);
    text[len] = '\0';

    return text;
}


static void
test_values(void)
{
    begin(10000);
    ngx_http_push_json_open_object(j);
    ngx_http_push_json_key(j, "a");
    ngx_http_push_json_uint(j, 0);
    ngx_http_push_json_key(j, "b");
    ngx_http_push_json_uint(j, UINT64_MAX);
    ngx_http_push_json_key(j, "c");
    ngx_http_push_json_int(j, INT64_MIN);
    ngx_http_push_json_key(j, "d");
    ngx_http_push_json_int(j, INT64_MAX);
    ngx_http_push_json_key(j, "e");
    ngx_http_push_json_bool(j, 1);
    ngx_http_push_json_key(j, "f");
    ngx_http_push_json_bool(j, 0);
    ngx_http_push_json_key(j, "g");
    ngx_http_push_json_null(j);
    ngx_http_push_json_key(j, "h");
    ngx_http_push_json_text(j, NULL);
    ngx_http_push_json_key(j, "i");
    ngx_http_push_json_text(j, "");
    ngx_http_push_json_key(j, "j");
    ngx_http_push_json_string(j, NULL, 0);
    ngx_http_push_json_key(j, "k");
    ngx_http_push_json_open_array(j);
    ngx_http_push_json_close_array(j);
    ngx_http_push_json_key(j, "l");
    ngx_http_push_json_open_array(j);
    ngx_http_push_json_open_object(j);
    ngx_http_push_json_close_object(j);
    ngx_http_push_json_int(j, -1);
    ngx_http_push_json_close_array(j);
    ngx_http_push_json_close_object(j);

    tap_is_text(written(), "{\"a\":0,\"b\":18446744073709551615,"
                "\"c\":-9223372036854775808,\"d\":9223372036854775807,"
                "\"e\":true,\"f\":false,\"g\":null,\"h\":null,\"i\":\"\","
                "\"j\":\"\",\"k\":[],\"l\":[{},-1]}",
                "values of all kinds");
    tap_is_text(written(), text, "finish may be called again");

    begin(100);
    ngx_http_push_json_text(j, "alone");
    tap_is_text(written(), "\"alone\"", "a value alone is a document");

    ngx_http_push_json_destroy(j);
    j = ngx_http_push_json_create(100, 1);
    ngx_http_push_json_open_object(j);
    ngx_http_push_json_key(j, "a");
    ngx_http_push_json_uint(j, 1);
    ngx_http_push_json_close_object(j);
    tap_is_text(written(), "{\n  \"a\": 1\n}\n", "one on several lines");
}


static const char *
fixed(double n, unsigned decimals)
{
    begin(100);
    ngx_http_push_json_fixed(j, n, decimals);

    return written();
}


static void
test_fixed(void)
{
    double  zero;

    zero = 0;

    tap_is_text(fixed(0, 0), "0", "0 with no decimals");
    tap_is_text(fixed(1.5, 2), "1.50", "1.5 with 2");
    tap_is_text(fixed(-1.25, 1), "-1.3", "-1.25 with 1, away from zero");
    tap_is_text(fixed(0.0625, 3), "0.063", "0.0625 with 3");
    tap_is_text(fixed(2.5, 0), "3", "2.5 with none");
    tap_is_text(fixed(0.999, 2), "1.00", "0.999 with 2");
    tap_is_text(fixed(-0.001, 2), "0.00", "-0.001 with 2 has no sign");
    tap_is_text(fixed(0.000001, 6), "0.000001", "a millionth with 6");
    tap_is_text(fixed(1, 60), "1.000000", "there are at most 6");
    tap_is_text(fixed(123456789.125, 3), "123456789.125", "a large one");
    tap_is_text(fixed(9007199254740990.0, 0), "9007199254740990",
                "nearly 2^53");
    tap_is_text(fixed(9007199254740992.0, 0), "null", "2^53 is null");
    tap_is_text(fixed(-1e300, 6), "null", "-1e300 is null");
    tap_is_text(fixed(1 / zero, 1), "null", "infinity is null");
    tap_is_text(fixed(zero / zero, 1), "null", "what is no number is null");
}


static const char *
string(const char *p, size_t len)
{
    begin(1000);
    ngx_http_push_json_string(j, (const u_char *) p, len);

    return written();
}


/* under the address sanitizer an allocation above 1 MB fails, as on a machine
   without memory */

const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
    return "allocator_may_return_null=1:max_allocation_size_mb=1";
}


static void
test_memory(void)
{
#ifdef __SANITIZE_ADDRESS__

    int     i;
    size_t  len;
    char   *large;

    len = 600 * 1024;
    large = malloc(len);
    memset(large, 'x', len);

    begin(100 * 1024 * 1024);
    ngx_http_push_json_open_array(j);

    for (i = 0; i < 4; i++) {
        ngx_http_push_json_string(j, (u_char *) large, len);
    }

    ngx_http_push_json_close_array(j);
    tap_is_text(written(), "no memory", "a buffer that cannot grow");

    memset(large, 0xff, len);

    begin(100 * 1024 * 1024);
    ngx_http_push_json_string(j, (u_char *) large, len);
    tap_is_text(written(), "no memory", "a string that cannot be copied");

    free(large);

#else

    tap_ok(1, "memory that runs out # skip no address sanitizer");

#endif
}


#define FFFD  "\xef\xbf\xbd"


static void
test_strings(void)
{
    size_t  i;

    static const struct {
        const char  *in;
        const char  *out;
    } list[] = {
        { "plain", "plain" },
        { "\"\\/\b\f\n\r\t", "\\\"\\\\/\\b\\f\\n\\r\\t" },
        { "\x01\x1f\x7f", "\\u0001\\u001F\x7f" },
        { "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
          "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
        { "\xff", FFFD },
        { "a\xff" "b", "a" FFFD "b" },
        { "\xc3", FFFD },
        { "a\xe2\x82", "a" FFFD },
        { "\xe2\x82z", FFFD "z" },
        { "\xe2\x82\xc3\xa4", FFFD "\xc3\xa4" },
        { "\xe2\xe2\x82\xac", FFFD "\xe2\x82\xac" },
        { "\xed\xa0\x80", FFFD FFFD FFFD },
        { "\xf0\x9f\x98\xff!", FFFD FFFD "!" },
        { "\x80\x80", FFFD FFFD },
        { "\xc0\xaf", FFFD FFFD },
        { "\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD },
        { "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf" "A",
          FFFD FFFD FFFD FFFD "A" }
    };

    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        char  quoted[128];

        snprintf(quoted, sizeof(quoted), "\"%s\"", list[i].out);
        tap_ok(strcmp(string(list[i].in, strlen(list[i].in)), quoted) == 0,
               "string %zu", i);
    }

    tap_is_text(string("a\0b", 3), "\"a\\u0000b\"", "a zero is escaped");
}


static void
test_random_bytes(void)
{
    u_char    in[300];
    size_t    len, i, n;
    uint32_t  utf8;
    unsigned  wrong, same;

    wrong = 0;
    same = 0;

    for (n = 0; n < 20000; n++) {
        len = tap_random(n % 10 ? 12 : sizeof(in));

        for (i = 0; i < len; i++) {
            in[i] = (u_char) (tap_random(3) ? 0x80 + tap_random(0x80)
                                            : tap_random(0x80));
        }

        string((char *) in, len);
        wrong += strcmp(text, written()) != 0;

        utf8 = NGX_HTTP_PUSH_UTF8_START;
        wrong += !ngx_http_push_utf8_validate(&utf8, (u_char *) text,
                                              strlen(text))
                 || !ngx_http_push_utf8_complete(utf8);

        utf8 = NGX_HTTP_PUSH_UTF8_START;

        if (ngx_http_push_utf8_validate(&utf8, in, len)
            && ngx_http_push_utf8_complete(utf8))
        {
            wrong += strstr(text, FFFD) != NULL && memchr(in, 0xef, len)
                                                   == NULL;
            same++;
        }
    }

    tap_ok(wrong == 0 && same > 100, "any bytes become valid JSON, and valid "
           "ones are not touched (%u were)", same);
}


static void
test_limit(void)
{
    size_t  max, needed, i;
    int     wrong;

    begin(1000);
    ngx_http_push_json_text(j, "12345678");
    needed = strlen(written());
    wrong = 0;

    for (max = 0; max < needed + 3; max++) {
        begin(max);
        ngx_http_push_json_text(j, "12345678");
        wrong += strcmp(written(), max < needed ? "limit" : "\"12345678\"")
                 != 0;
    }

    tap_is(wrong, 0, "a document fits exactly, or not at all");

    begin(100);
    ngx_http_push_json_open_array(j);

    for (i = 0; i < 1000; i++) {
        ngx_http_push_json_uint(j, i);
    }

    ngx_http_push_json_close_array(j);
    tap_is_text(written(), "limit", "a document over its limit is none");
    ngx_http_push_json_close_array(j);
    tap_is_text(written(), "limit", "the first failure is kept");

    begin(10);
    memset(text, 'x', 5000);
    ngx_http_push_json_string(j, (u_char *) text, 5000);
    tap_is_text(written(), "limit", "a string that is longer than the limit");

    begin(10);
    memset(text, 0xff, 5000);
    ngx_http_push_json_string(j, (u_char *) text, 5000);
    tap_is_text(written(), "limit", "  ... and is not UTF-8");

    begin(60000);
    ngx_http_push_json_open_array(j);

    for (i = 0; i < 10000; i++) {
        ngx_http_push_json_uint(j, i);
    }

    ngx_http_push_json_close_array(j);
    tap_is(strlen(written()), 48891, "a document that makes the buffer grow");

    begin(48890);
    ngx_http_push_json_open_array(j);

    for (i = 0; i < 10000; i++) {
        ngx_http_push_json_uint(j, i);
    }

    ngx_http_push_json_close_array(j);
    tap_is_text(written(), "limit", "  ... is refused at a byte less");
}


/* each would be a document, if what is wrong were passed over */

static void
test_misuse(void)
{
    int  i;

    begin(1000);
    tap_is_text(written(), "misuse", "nothing is no document");

    begin(1000);
    ngx_http_push_json_open_array(j);
    tap_is_text(written(), "misuse", "an open array is none");

    begin(1000);
    ngx_http_push_json_close_array(j);
    ngx_http_push_json_uint(j, 1);
    tap_is_text(written(), "misuse", "closing what is not open");

    begin(1000);
    ngx_http_push_json_open_array(j);
    ngx_http_push_json_close_object(j);
    ngx_http_push_json_close_array(j);
    tap_is_text(written(), "misuse", "closing an array as an object");

    begin(1000);
    ngx_http_push_json_open_object(j);
    ngx_http_push_json_uint(j, 1);
    ngx_http_push_json_close_object(j);
    tap_is_text(written(), "misuse", "a number where a key belongs");

    begin(1000);
    ngx_http_push_json_open_object(j);
    ngx_http_push_json_text(j, "a");
    ngx_http_push_json_text(j, "b");
    ngx_http_push_json_close_object(j);
    tap_is_text(written(), "misuse", "a string where a key belongs");

    begin(1000);
    ngx_http_push_json_open_object(j);
    ngx_http_push_json_key(j, "a");
    ngx_http_push_json_key(j, "b");
    ngx_http_push_json_key(j, "c");
    ngx_http_push_json_uint(j, 1);
    ngx_http_push_json_close_object(j);
    tap_is_text(written(), "misuse", "a key where a value belongs");

    begin(1000);
    ngx_http_push_json_open_object(j);
    ngx_http_push_json_key(j, "a");
    ngx_http_push_json_close_object(j);
    tap_is_text(written(), "misuse", "a key without a value");

    begin(1000);
    ngx_http_push_json_open_array(j);
    ngx_http_push_json_key(j, "a");
    ngx_http_push_json_uint(j, 1);
    ngx_http_push_json_close_array(j);
    tap_is_text(written(), "misuse", "a key in an array");

    begin(1000);
    ngx_http_push_json_key(j, "a");
    ngx_http_push_json_uint(j, 1);
    tap_is_text(written(), "misuse", "a key in nothing");

    begin(1000);
    ngx_http_push_json_uint(j, 1);
    ngx_http_push_json_uint(j, 2);
    tap_is_text(written(), "misuse", "two documents");

    begin(1000);

    for (i = 0; i < 33; i++) {
        ngx_http_push_json_open_array(j);
    }

    for (i = 0; i < 32; i++) {
        ngx_http_push_json_close_array(j);
    }

    tap_is_text(written(), "misuse", "33 arrays within each other");

    begin(1000);

    for (i = 0; i < 32; i++) {
        ngx_http_push_json_open_array(j);
    }

    for (i = 0; i < 32; i++) {
        ngx_http_push_json_close_array(j);
    }

    tap_is(strlen(written()), 64, "32 are allowed");
}


int
main(void)
{
    tap_seed();

    test_values();
    test_fixed();
    test_strings();
    test_random_bytes();
    test_limit();
    test_misuse();
    test_memory();

    ngx_http_push_json_destroy(j);

    return tap_done();
}
