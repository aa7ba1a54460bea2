/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Base64: the examples of RFC 4648, and any bytes read back.
 */


#include "ngx_http_push_base64.h"
#include "tap.h"


#define ROUNDS  2000
#define BYTES   100


static void
claim(const char *bytes, const char *expected)
{
    size_t   len;
    u_char  *text, *end;

    len = strlen(bytes);

    text = malloc(ngx_http_push_base64_size(len) + 1);
    end = ngx_http_push_base64_write(text, (const u_char *) bytes, len);
    *end = '\0';

    tap_is_text((char *) text, expected, expected);

    free(text);
}


/* how many bytes, or -1 where it is no base64 */

static int
read_back(const u_char *p, size_t len, u_char *bytes)
{
    int          n, bits, pad;
    uint32_t     value;
    const char  *digit;

    static const char  digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    n = 0;
    bits = 0;
    pad = 0;
    value = 0;

    for ( /* void */ ; len; len--, p++) {

        if (*p == '=') {
            pad++;
            continue;
        }

        digit = strchr(digits, *p);

        if (digit == NULL || pad) {
            return -1;
        }

        value = (value << 6 | (uint32_t) (digit - digits)) & 0xffffff;
        bits += 6;

        if (bits >= 8) {
            bits -= 8;
            bytes[n++] = (u_char) (value >> bits);
        }
    }

    return (pad == bits / 2 && (value & ((1u << bits) - 1)) == 0) ? n : -1;
}


int
main(void)
{
    int      i, ok;
    size_t   k, len, size;
    u_char   bytes[BYTES], back[BYTES + 2], *text;

    tap_seed();

    claim("", "");
    claim("f", "Zg==");
    claim("fo", "Zm8=");
    claim("foo", "Zm9v");
    claim("foob", "Zm9vYg==");
    claim("fooba", "Zm9vYmE=");
    claim("foobar", "Zm9vYmFy");
    claim("\xfb\xff\xbf", "+/+/");

    ok = 1;

    for (i = 0; i < ROUNDS && ok; i++) {
        len = tap_random(BYTES);

        for (k = 0; k < len; k++) {
            bytes[k] = (u_char) tap_random(256);
        }

        size = ngx_http_push_base64_size(len);
        text = malloc(size ? size : 1);

        ok = ngx_http_push_base64_write(text, bytes, len) == text + size
             && read_back(text, size, back) == (int) len
             && memcmp(bytes, back, len) == 0;

        free(text);
    }

    tap_ok(ok, "%d texts come back as the bytes they were", i);

    return tap_done();
}
