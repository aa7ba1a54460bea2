
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * The head of a message in the meta dialect: which lines there are, in which
 * order, and that the size told is the size written.
 */


#include "ngx_http_push_meta.h"
#include "tap.h"


static void
set(ngx_http_push_envelope_str_t *s, const char *text)
{
    s->data = (const u_char *) text;
    s->len = text ? strlen(text) : 0;
}


static void
claim(const char *epoch, uint64_t offset, const char *channel,
    const char *event, const char *type, const char *expected,
    const char *name)
{
    size_t                size;
    u_char               *room;
    ngx_http_push_meta_t  meta;

    set(&meta.epoch, epoch);
    set(&meta.channel, channel);
    set(&meta.event, event);
    set(&meta.type, type);
    meta.offset = offset;

    size = ngx_http_push_meta_size(&meta);

    /* exactly as large as was told: a sanitizer sees a byte more */

    room = malloc(size);

    tap_ok(ngx_http_push_meta_write(room, &meta) == room + size,
           "%s: as long as was told", name);
    tap_ok(size == strlen(expected) && memcmp(room, expected, size) == 0,
           "%s", name);

    free(room);
}


int
main(void)
{
    claim(NULL, 0, "news", NULL, NULL, "channel: news\n\n",
          "a message without an id");

    claim("k3f9", 12, "news", NULL, NULL, "id: k3f9:12\nchannel: news\n\n",
          "a message with an id");

    claim("0123456789abcdefghijklm", UINT64_MAX, "a:b \xc3\xa4", "tick",
          "text/plain; charset=utf-8",
          "id: 0123456789abcdefghijklm:18446744073709551615\n"
          "channel: a:b \xc3\xa4\n"
          "event: tick\n"
          "content-type: text/plain; charset=utf-8\n\n",
          "all there can be");

    claim(NULL, 7, "news", "push.gap", NULL,
          "channel: news\nevent: push.gap\n\n", "a notice has no id");

    claim("e", 0, "news", NULL, "image/png",
          "id: e:0\nchannel: news\ncontent-type: image/png\n\n",
          "a type without an event");

    return tap_done();
}
