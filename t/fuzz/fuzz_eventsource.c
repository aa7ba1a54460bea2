/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Any bytes as an event: who reads it by the letter hears them and nothing
 * else.  The first byte says what there is beside the body.
 */


#include "ngx_http_push_eventsource.h"
#include "reader.h"


static void
expect(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "broken: %s\n", what);
        abort();
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                        len;
    u_char                       *body, *text;
    reader_t                      reader;
    ngx_http_push_eventsource_t   ev;

    if (size == 0) {
        return 0;
    }

    memset(&ev, 0, sizeof(ev));

    body = malloc(size);
    memcpy(body, data, size);

    ev.binary = body[0] & 1;

    if (body[0] & 2) {
        ev.epoch.data = (const u_char *) "k3f9";
        ev.epoch.len = 4;
        ev.offset = (uint64_t) body[0] << 56 | size;
    }

    ev.body.data = body + 1;
    ev.body.len = size - 1;

    if (body[0] & 4) {

        /* the name of the event, too, comes from outside */

        ev.event.data = body + 1;
        ev.event.len = (size - 1) / 2;
        ev.body.data += ev.event.len;
        ev.body.len -= ev.event.len;
    }

    len = ngx_http_push_eventsource_size(&ev);
    text = malloc(len);

    expect(ngx_http_push_eventsource_write(text, &ev) == text + len, "size");
    expect(reader_take(&reader, text, len), "one event");
    expect(reader_is(&reader, &ev), "what was published");

    reader_free(&reader);
    free(text);
    free(body);

    return 0;
}
