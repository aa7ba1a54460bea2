
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Cursors: what a text says of which channel, and that nothing is an error.
 */


#include "ngx_http_push_cursor.h"
#include "tap.h"


#define CHANNELS  3


static ngx_http_push_cursor_t  channels[CHANNELS];
static u_char                 *texts[8];
static size_t                  ntexts;


static void
begin(void)
{
    size_t  i;

    static const char *const  names[] = { "news", "a=b", "room:1" };
    static const uint32_t     hashes[] = { 0xdeadbeef, 0x00000001, 0x1 };

    while (ntexts) {
        free(texts[--ntexts]);
    }

    memset(channels, 0, sizeof(channels));

    for (i = 0; i < CHANNELS; i++) {
        channels[i].name = (const u_char *) names[i];
        channels[i].len = strlen(names[i]);
        channels[i].hash = hashes[i];
    }
}


/* in memory of exactly that length: a sanitizer sees a byte more */

static void
text(const char *s, size_t n)
{
    size_t  len;

    len = strlen(s);
    texts[ntexts] = malloc(len ? len : 1);
    memcpy(texts[ntexts], s, len);

    ngx_http_push_cursor_read(texts[ntexts++], len, channels, n);
}


static const char *
show(size_t n)
{
    char    *p;
    size_t   i;

    static char  out[256];

    p = out;
    *p = '\0';

    for (i = 0; i < n; i++) {
        p += sprintf(p, "%s", i ? " " : "");

        switch (channels[i].kind) {

        case NGX_HTTP_PUSH_CURSOR_NOW:
            p += sprintf(p, "now");
            break;

        case NGX_HTTP_PUSH_CURSOR_AFTER:
            p += sprintf(p, "%.*s/%llu", (int) channels[i].epoch_len,
                         (const char *) channels[i].epoch,
                         (unsigned long long) channels[i].n);
            break;

        case NGX_HTTP_PUSH_CURSOR_TAIL:
            p += sprintf(p, "last%llu", (unsigned long long) channels[i].n);
            break;

        case NGX_HTTP_PUSH_CURSOR_BAD:
            p += sprintf(p, "bad");
        }
    }

    return out;
}


static void
claim(size_t n, const char *s, const char *expected)
{
    begin();
    text(s, n);

    tap_is_text(show(n), expected, s);
}


static void
test_one(void)
{
    claim(1, "", "now");
    claim(1, "k3f9:12", "k3f9/12");
    claim(1, "k3f9:0", "k3f9/0");
    claim(1, "0123456789abcdefghijklM:18446744073709551615",
          "0123456789abcdefghijklM/18446744073709551615");
    claim(1, "-:0", "/0");
    claim(1, "-5", "last5");
    claim(1, "-0", "last0");
    claim(1, "deadbeef.k3f9:12", "k3f9/12");
    claim(1, "deadbee0.k3f9:12", "now");
    claim(1, "news=k3f9:12", "k3f9/12");
    claim(1, "news=-3", "last3");
    claim(1, "news=", "now");
    claim(1, "sport=k3f9:12", "now");
    claim(1, "sport=garbage", "now");
    claim(1, "news=garbage", "bad");
    claim(1, "news==k3f9:12", "now");

    claim(1, "garbage", "bad");
    claim(1, "=", "now");
    claim(1, "=k3f9:12", "now");
    claim(1, ":", "bad");
    claim(1, ":12", "bad");
    claim(1, "k3f9:", "bad");
    claim(1, "k3f9", "bad");
    claim(1, "k3f9:012", "bad");
    claim(1, "k3f9:-1", "bad");
    claim(1, "k3f9:12 ", "bad");
    claim(1, " k3f9:12", "bad");
    claim(1, "k3f9:12:1", "bad");
    claim(1, "k3 9:12", "bad");
    claim(1, "k3f\xc3\xa4:1", "bad");
    claim(1, "k3f9:18446744073709551616", "bad");
    claim(1, "0123456789abcdefghijklmn:1", "bad");
    claim(1, "-", "bad");
    claim(1, "--1", "bad");
    claim(1, "-1x", "bad");
    claim(1, "-18446744073709551616", "bad");
    claim(1, "-:1", "bad");
    claim(1, "-:", "bad");
    claim(1, "DEADBEEF.k3f9:12", "bad");
    claim(1, "deadbeef.", "bad");
    claim(1, "deadbeef.k3f9:12,", "k3f9/12");
    claim(1, ",deadbeef.k3f9:12", "k3f9/12");
    claim(1, ",", "bad");
}


static void
test_several(void)
{
    claim(2, "deadbeef.k3f9:12,00000001.x:1", "k3f9/12 x/1");
    claim(2, "00000001.x:1,deadbeef.k3f9:12", "k3f9/12 x/1");
    claim(2, "deadbeef.k3f9:12", "k3f9/12 now");
    claim(2, "deadbeef.k3f9:12,00000002.x:1", "k3f9/12 now");
    claim(2, "deadbeef.k3f9:12,garbage", "k3f9/12 bad");
    claim(2, "deadbeef.-3,00000001.-:0", "last3 /0");
    claim(2, "k3f9:12", "bad bad");
    claim(2, "-7", "last7 last7");
    claim(2, "garbage", "bad bad");
    claim(3, "00000001.x:1", "now x/1 x/1");
    claim(3, "a=b=x:9", "now x/9 now");
    claim(3, "room:1=x:9", "now now x/9");

    begin();
    text("room:1=x:9", 3);
    text("news=k3f9:12", 3);
    text("", 3);
    tap_is_text(show(3), "k3f9/12 now x/9", "one text for each channel");

    begin();
    text("news=k3f9:12", 3);
    text("news=k3f9:13", 3);
    tap_is_text(show(3), "k3f9/12 now now", "the first that is understood");

    begin();
    text("news=garbage", 3);
    text("news=k3f9:13", 3);
    tap_is_text(show(3), "k3f9/13 now now", "and no other");

    begin();
    text("garbage", 3);
    text("news=k3f9:13", 3);
    tap_is_text(show(3), "k3f9/13 bad bad",
                "what cannot be read may have meant any other channel");
}


static void
test_write(void)
{
    size_t   i, n;
    u_char   room[NGX_HTTP_PUSH_CURSOR_MAX], *end;
    ngx_http_push_cursor_t  many[NGX_HTTP_PUSH_CURSOR_CHANNELS];

    begin();
    channels[0].kind = NGX_HTTP_PUSH_CURSOR_AFTER;
    channels[0].epoch = (const u_char *) "k3f9";
    channels[0].epoch_len = 4;
    channels[0].n = 12;

    end = ngx_http_push_cursor_write(room, channels, 1);
    tap_ok(end - room == 7 && memcmp(room, "k3f9:12", 7) == 0,
           "the cursor of one channel is its id");

    channels[1].kind = NGX_HTTP_PUSH_CURSOR_TAIL;
    channels[2].kind = NGX_HTTP_PUSH_CURSOR_AFTER;

    end = ngx_http_push_cursor_write(room, channels, 3);
    *end = '\0';
    tap_is_text((char *) room, "deadbeef.k3f9:12,00000001.-:0",
                "of several: an entry each, none for what is not known");

    end = ngx_http_push_cursor_write(room, &channels[1], 1);
    tap_is(end - room, 0, "of none that is known: nothing");

    n = NGX_HTTP_PUSH_CURSOR_CHANNELS;

    for (i = 0; i < n; i++) {
        many[i].kind = NGX_HTTP_PUSH_CURSOR_AFTER;
        many[i].hash = 0x9e3779b9u * (uint32_t) (i + 1);
        many[i].epoch = (const u_char *) "0123456789abcdefghijklm";
        many[i].epoch_len = 23;
        many[i].n = UINT64_MAX - i;
        many[i].name = (const u_char *) "";
        many[i].len = 0;
    }

    end = ngx_http_push_cursor_write(room, many, n);
    tap_is(end - room, NGX_HTTP_PUSH_CURSOR_MAX - 1,
           "the longest has the room that was told");

    for (i = 0; i < n; i++) {
        many[i].kind = NGX_HTTP_PUSH_CURSOR_NOW;
        many[i].n = 0;
    }

    ngx_http_push_cursor_read(room, end - room, many, n);

    for (i = 0; i < n; i++) {
        if (many[i].kind != NGX_HTTP_PUSH_CURSOR_AFTER
            || many[i].n != UINT64_MAX - i || many[i].epoch_len != 23)
        {
            break;
        }
    }

    tap_is(i, n, "and is read back");
}


int
main(void)
{
    test_one();
    test_several();
    test_write();

    begin();

    return tap_done();
}
