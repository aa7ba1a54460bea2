#
# Copyright (C) the ngx_http_push_module authors
#
# Streams of JSON lines.
#

use lib 't/lib';
use TestPush events => 1;

plan tests => claims();
run_tests();

__DATA__

=== a stream opens at once, and each message is a line
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
a stream /events?channel=news,sport => 200 [Content-Type: application/x-ndjson | Transfer-Encoding: chunked | X-Accel-Buffering: no | Cache-Control: no-store | X-Content-Type-Options: nosniff | Vary: Accept, Origin]
http POST /pub?channel=news [Push-Event: tick | Content-Type: text/plain] "one\n\"two\"\x01" => 201
let epoch .epoch
a line {"id":"$epoch:1","channel":"news","event":"tick","data":"one\n\"two\"\u0001","content_type":"text/plain"}
http POST /pub?channel=sport [Content-Type: application/octet-stream] "\xff\x00\x01" => 201
a line .channel == sport && .base64 == /wAB && .data absent && .event absent && .content_type == application/octet-stream
http POST /pub?channel=news => 201
a line .id == $epoch:2 && .data == "" && .base64 absent && .content_type absent


=== without a history a line has no id
--- ws
a stream /events?channel=news
http POST /pub?channel=news hello => 201
a line .channel == news && .data == hello && .id absent


=== a heartbeat is an empty line
--- with
push_ping 200ms 100ms;
--- ws
a stream /events?channel=news
a heartbeat
a heartbeat
a heartbeat
http POST /pub?channel=news hello => 201
a recv hello


=== with the ids of its channels a client goes on, and hears of gaps
--- http_config
push_history 3;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news n1 => 202
let n .epoch
http POST /pub?channel=sport s1 => 202
let s .epoch
repeat 5 {
http POST /pub?channel=news m$i => 202
}
http POST /pub?channel=sport s2 => 202
a stream /events?channel=news,sport&last_event_id=news=$n:1&last_event_id=sport=$s:1
repeat 5 {
a line .channel exists
}
b stream /events?channel=news [Last-Event-ID: $n:5]
b line {"id":"$n:6","data":"m5"}
c stream /events?channel=news&last_event_id=nonsense
c line {"event":"push.gap","channel":"news"}
c line {"id":"$n:4","data":"m3"}
c line {"id":"$n:5"}
c line {"id":"$n:6"}
http DELETE /pub?channel=news => 200
b line {"event":"push.deleted","channel":"news"}
b eof
c line .event == push.deleted && .data absent && .id absent
c eof
a line .event == push.deleted
http POST /pub?channel=sport s3 => 201 .subscribers == 1
a line {"id":"$s:3"}


=== a large message, over each version of HTTP
--- h2c
--- tls
--- ws
a stream /events?channel=news
b stream h2c /events?channel=news
c stream tls /events?channel=news
d stream /events?channel=news http=1.0
group all a b c d
http POST /pub?channel=news {x*500000} => 201 .subscribers == 4
all recv {x*500000}
http POST /pub?channel=news end => 201
all recv end


=== many clients of many transports hear the same, in the same order
--- h2c
--- http_config
push_history 1000;
--- ws
many a 10 sse /events?channel=news,x
many b 10 sse /events?channel=news
many c 10 stream /events?channel=news
many d 10 sse h2c /events?channel=news
connect_many e 10 /events?channel=news
until http GET /pub?channel=news => 200 .subscribers == 50
until http GET /push => 200 .totals.connections == 50 && .totals.websocket == 10 && .totals.eventsource == 30 && .totals.stream == 10 && .totals.longpoll == 0
repeat 50 {
http POST /pub?channel=news m$i => 201 .subscribers == 50
}
a recv_range m 1 50
b recv_range m 1 50
c recv_range m 1 50
d recv_range m 1 50
e recv_range m 1 50
