/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Messages as events: which lines there are, that the size told is the size
 * written, and that whoever reads them by the letter of the specification
 * hears what was published, whatever was.
 */


#include "ngx_http_push_eventsource.h"
#include "reader.h"
#include "tap.h"


#define ROUNDS  20000
#define BODY    200


static void
set(ngx_http_push_envelope_str_t *s, const char *text)
{
    s->data = (const u_char *) text;
    s->len = text ? strlen(text) : 0;
}


/* exactly as large as was told: a sanitizer sees a byte more */

static u_char *
write_event(const ngx_http_push_eventsource_t *ev, size_t *size)
{
    u_char  *room, *end;

    *size = ngx_http_push_eventsource_size(ev);

    room = malloc(*size);
    end = ngx_http_push_eventsource_write(room, ev);

    if (end != room + *size) {
        tap_ok(0, "as long as was told");
    }

    return room;
}


static void
claim(const char *epoch, uint64_t offset, const char *event, const char *body,
    int binary, const char *expected, const char *name)
{
    size_t                        size;
    u_char                       *text;
    ngx_http_push_eventsource_t   ev;

    set(&ev.epoch, epoch);
    set(&ev.event, event);
    set(&ev.body, body);
    ev.offset = offset;
    ev.binary = binary;

    text = write_event(&ev, &size);

    tap_ok(size == strlen(expected) && memcmp(text, expected, size) == 0,
           "%s", name);

    free(text);
}


/* bodies of the characters that matter */

static void
random_body(u_char *body, size_t len)
{
    size_t  i;

    static const u_char  some[] = "\r\n\r\n\r\n: idataevent\0\xef\xbb\xbf";

    for (i = 0; i < len; i++) {
        body[i] = tap_random(8) ? some[tap_random(sizeof(some))]
                                : (u_char) tap_random(256);
    }
}


static int
survives(size_t len)
{
    int                          ok;
    size_t                       size;
    u_char                       body[BODY], *text;
    reader_t                     reader;
    ngx_http_push_eventsource_t  ev;

    random_body(body, len);

    memset(&ev, 0, sizeof(ev));

    ev.body.data = body;
    ev.body.len = len;

    if (tap_random(2)) {
        set(&ev.epoch, "k3f9");
        ev.offset = tap_random(UINT64_MAX);
    }

    if (tap_random(2)) {
        set(&ev.event, tap_random(2) ? "tick" : "a\nid: 666");
    }

    ev.binary = tap_random(4) == 0;

    text = write_event(&ev, &size);

    ok = reader_take(&reader, text, size) && reader_is(&reader, &ev);

    reader_free(&reader);
    free(text);

    return ok;
}


int
main(void)
{
    int  i, ok;

    tap_seed();

    claim(NULL, 0, NULL, "hello", 0, "data: hello\n\n", "a text");
    claim(NULL, 0, NULL, "", 0, "data: \n\n", "an empty text");
    claim(NULL, 0, NULL, NULL, 0, "data: \n\n", "no text at all");
    claim("k3f9", 12, "tick", "hello", 0,
          "id: k3f9:12\nevent: tick\ndata: hello\n\n", "an id and an event");
    claim(NULL, 0, NULL, "a\nb\rc\r\nd", 0,
          "data: a\ndata: b\ndata: c\ndata: d\n\n", "three kinds of lines");
    claim(NULL, 0, NULL, "\n\r", 0, "data: \ndata: \ndata: \n\n",
          "LF and CR are two line breaks");
    claim(NULL, 0, NULL, "a\r\n", 0, "data: a\ndata: \n\n",
          "a line break at the end");
    claim(NULL, 0, "tick", "\xff", 1, "event: push.binary\ndata: /w==\n\n",
          "bytes are base64 of an event of ours");
    claim(NULL, 0, NULL, "", 1, "event: push.binary\ndata: \n\n", "no bytes");
    claim("0123456789abcdefghijklm", UINT64_MAX, NULL, "x", 0,
          "id: 0123456789abcdefghijklm:18446744073709551615\ndata: x\n\n",
          "the longest id");
    claim(NULL, 0, "a\nid: 666", "x", 0, "event: a\ndata: x\n\n",
          "an event's name is one line");
    claim(NULL, 0, "\n", "x", 0, "data: x\n\n",
          "an event's name that is none");

    ok = 1;

    for (i = 0; i < ROUNDS && ok; i++) {
        ok = survives(tap_random(BODY));
    }

    tap_ok(ok, "%d bodies of any kind come out as they were", i);

    return tap_done();
}
