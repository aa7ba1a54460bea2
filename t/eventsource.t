#
# Copyright (C) the ngx_http_push_module authors
#
# EventSource: what a page hears, from where it goes on, and how it ends.
#

use lib 't/lib';
use TestPush events => 1;

plan tests => claims();
run_tests();

__DATA__

=== an EventSource opens at once, and is told when to come back
--- ws
a sse /events?channel=news => 200 [Content-Type: text/event-stream | Transfer-Encoding: chunked | X-Accel-Buffering: no | Cache-Control: no-store | X-Content-Type-Options: nosniff | Vary: Accept, Origin | !Content-Encoding | !Content-Length]
a comment ok
a retry 1000..3000
http POST /pub?channel=news hello => 201 .subscribers == 1
a event event=message data=hello !id


=== lines end at LF, CR and CRLF, and no body can begin a field of its own
--- ws
a sse /events?channel=news
http POST /pub?channel=news "one\ntwo\rthree\r\nfour" => 201
a event event=message data="one\ntwo\nthree\nfour"
http POST /pub?channel=news "x\nevent: evil\nid: 666\n\ndata: y\r\rretry: 1\r\n\r\n:c" => 201
a event event=message data="x\nevent: evil\nid: 666\n\ndata: y\n\nretry: 1\n\n:c" !id
http POST /pub?channel=news "\n" => 201
a event data="\n"
http POST /pub?channel=news "a\n\n" => 201
a event data="a\n\n"
http POST /pub?channel=news "\r" => 201
a event data="\n"
http POST /pub?channel=news " leading, trailing " => 201
a event data=" leading, trailing "
http POST /pub?channel=news "\xef\xbb\xbfmark" => 201
a event data="\xef\xbb\xbfmark"
http POST /pub?channel=news "nul\0nul" => 201
a event data="nul\0nul"
a comment ok
a retry 1000..3000


=== an empty message is an event, too
--- ws
a sse /events?channel=news
http POST /pub?channel=news => 201
http POST /pub?channel=news next => 201
a event event=message data=""
a event data=next


=== a message has its event's name; what is no text is base64
--- ws
a sse /events?channel=news
http POST /pub?channel=news [Push-Event: tick] 12:00 => 201
a event event=tick data=12:00
http POST /pub?channel=news [Content-Type: application/octet-stream | Push-Event: tick] "\xff\x00\x01" => 201
a event event=push.binary data=/wAB
http POST /pub?channel=news [Content-Type: application/octet-stream] "\xfe{x*3000}" => 201
a recv_binary "\xfe{x*3000}"


=== with a history each message has its id, and a new client the last one
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m1 => 202 .offset == 1
let epoch .epoch
a sse /events?channel=news
a last_event_id $epoch:1
http POST /pub?channel=news m2 => 201
a event id=$epoch:2 data=m2
b sse /events?channel=empty
b last_event_id -:0


=== who comes back gets what was missed, then what is live
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
a sse@1 /events?channel=news
a last_event_id -:0
a leave
http POST /pub?channel=news m1 => 201|202
let epoch .epoch
http POST /pub?channel=news m2 => 201|202
a reconnect@2
a event id=$epoch:1 data=m1
a event id=$epoch:2 data=m2
http POST /pub?channel=news m3 => 201
a event id=$epoch:3 data=m3
a abort
http POST /pub?channel=news m4 => 201|202
a reconnect@1
a event id=$epoch:4 data=m4
b sse /events?channel=news&last_event_id=$epoch:2
b event id=$epoch:3 data=m3
b event id=$epoch:4 data=m4
# the header is newer than the URL
c sse /events?channel=news&last_event_id=$epoch:1 [Last-Event-ID: $epoch:3]
c event id=$epoch:4 data=m4
d sse /events?channel=news&last_event_id=-1
d event id=$epoch:4 data=m4
http POST /pub?channel=news m5 => 201
group all a b c d
all event id=$epoch:5 data=m5


=== a long past comes in pieces, in order
--- http_config
push_history 1000;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news first => 202
let epoch .epoch
repeat 300 {
http POST /pub?channel=news "m$i {x*2000}" => 202
}
a sse /events?channel=news&last_event_id=$epoch:1
b sse /events?channel=news,other&last_event_id=news=$epoch:1
c sse /events?channel=news&last_event_id=$epoch:1 http=1.0
repeat 300 {
a recv "m$i {x*2000}"
b recv "m$i {x*2000}"
c recv "m$i {x*2000}"
}
http POST /pub?channel=news live => 201
a event id=$epoch:302 data=live
b event data=live
c event id=$epoch:302 data=live


=== of several channels the id is one for all, whatever their order
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news n1 => 202
let n .epoch
a sse /events?channel=news,sport
until fails "." a last_event_id ""
http POST /pub?channel=sport s1 => 201
let s .epoch
a event data=s1 id~^[0-9a-f]{8}\.$n:1,[0-9a-f]{8}\.$s:1$|^[0-9a-f]{8}\.$s:1,[0-9a-f]{8}\.$n:1$
http POST /pub?channel=news n2 => 201
a event data=n2 id~$s:1.*$n:2|$n:2.*$s:1
let id id:
a leave
http POST /pub?channel=sport s2 => 201|202
http POST /pub?channel=news n3 => 201|202
http POST /pub?channel=third t1 => 202
a sse /events?channel=sport,third,news&last_event_id=$id
a recv_any_order s2 n3
http POST /pub?channel=third t2 => 201
a event data=t2 id~$n:3.*$s:2|$s:2.*$n:3


=== two channels of which one has a history
--- http_config
push_history 0 plain*;
push_history 100;
--- ws
until http GET /pub?channel=news => 200
a sse /events?channel=plain,news
http POST /pub?channel=plain p1 => 201
a event data=p1
http POST /pub?channel=news n1 => 201
a event data=n1 id~^[0-9a-f]{8}\.[0-9a-f]+:1$
a leave
http POST /pub?channel=news n2 => 201|202
http POST /pub?channel=plain p2 => 201|202
a reconnect
a event data=n2
http POST /pub?channel=plain p3 => 201
a event data=p3


=== a gap is an event, and what is left follows
--- http_config
push_history 2;
--- ws
until http GET /pub?channel=news => 200
a sse@1 /events?channel=news
a last_event_id -:0
a leave
repeat 5 {
http POST /pub?channel=news m$i => 201|202
}
let epoch .epoch
a reconnect@2
a event event=push.gap data=news
a event id=$epoch:4 data=m4
a event id=$epoch:5 data=m5
b sse@2 /events?channel=news [Last-Event-ID: nonsense]
b event event=push.gap data=news
b event data=m4
b event data=m5
c sse@2 /events?channel=news,other [Last-Event-ID: nonsense]
c recv_any_order news other m4 m5


=== a deleted channel is told of, and who has no other is sent away
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
a sse /events?channel=news
b sse /events?channel=news,sport
http POST /pub?channel=news m1 => 201 .subscribers == 2
a recv m1
b recv m1
http DELETE /pub?channel=news => 200
a event event=push.deleted data=news
a eof
b event event=push.deleted data=news
http POST /pub?channel=sport s1 => 201 .subscribers == 1
b recv s1


=== a heartbeat is a comment that nobody answers
--- with
push_ping 200ms 100ms;
--- ws
a sse /events?channel=news
b sse /events?channel=news http=1.0
c sse /events?channel=news,sport
group all a b c
all comment ok
repeat 4 {
all comment ""
}
http POST /pub?channel=news hello => 201 .subscribers == 3
all recv hello
until http GET /push => 200 .totals.timeouts == 0


=== no filter compresses it, whatever is said of types
--- http_config
gzip on;
gzip_types *;
gzip_min_length 0;
gzip_vary on;
gzip_http_version 1.0;
gzip_proxied any;
push_history 10;
--- h2c
--- ws
a sse /events?channel=news [Accept-Encoding: gzip, br] => 200 [!Content-Encoding]
b sse /events?channel=news http=1.0 [Accept-Encoding: gzip] => 200 [!Content-Encoding]
c sse h2c /events?channel=news [Accept-Encoding: gzip] => 200 [!Content-Encoding]
d stream /events?channel=news [Accept-Encoding: gzip] => 200 [!Content-Encoding]
http POST /pub?channel=news {hello*1000} => 201 .subscribers == 4
group all a b c d
all recv {hello*1000}


=== HTTP/1.0, and HTTP/1.1 without chunks, end with the connection
--- config
location /events { push_channel $arg_channel; }
location /plain  { push_channel $arg_channel; chunked_transfer_encoding off; }
location /pub    { push_publish $arg_channel; }
--- http_config
push_history 10;
--- ws
until http GET /pub?channel=news => 200
a sse /events?channel=news http=1.0 => 200 [Connection: close | !Transfer-Encoding]
b sse /plain?channel=news => 200 [Connection: close | !Transfer-Encoding]
group all a b
all comment ok
http POST /pub?channel=news "one\ntwo" => 201
all event data="one\ntwo" id~:1$
http POST /pub?channel=news {x*200000} => 201
all recv {x*200000}
http DELETE /pub?channel=news => 200
all event event=push.deleted
all eof


=== over TLS, with one channel and with several
--- tls
--- http_config
push_history 10;
--- ws
until http GET /pub?channel=news => 200
a sse tls /events?channel=news
b sse tls /events?channel=news,sport
c sse tls /events?channel=news http=1.0
group all a b c
all comment ok
repeat 5 {
http POST /pub?channel=news {x*100000}$i => 201 .subscribers == 3
all recv {x*100000}$i
}
http DELETE /pub?channel=news => 200
all event event=push.deleted
a eof
c eof


=== HTTP/2: streams of one connection, each a client of its own
--- h2c
--- http_config
push_history 10;
--- config
location /events { push_channel $arg_channel split=,; add_header X-Id $push_connection; }
location /pub    { push_publish $arg_channel; }
--- ws
until http GET /pub?channel=news => 200
a sse h2c /events?channel=news => 200 [X-Accel-Buffering: no | Cache-Control: no-store]
let a X-Id:
b sse h2c /events?channel=news,sport on=a
let b X-Id:
c stream h2c /events?channel=news on=a
group all a b c
http POST /pub?channel=news "one\ntwo" => 201 .subscribers == 3
all recv "one\ntwo"
http POST /pub?channel=news {x*300000} => 201
all recv {x*300000}
http POST /pub?channel=news [Push-Except: $a] except => 201
b recv except
c recv except
b rst
until http GET /pub?channel=news => 200 .subscribers == 2
http POST /pub?channel=news m4 => 201 .subscribers == 2
a recv m4
c recv m4
http DELETE /pub?channel=news => 200
a event event=push.deleted
a eof
c line .event == push.deleted
c eof


=== HTTP/2: what a stream's window does not take waits, the others go on
--- h2c
--- with
push_queue 4 1m overflow=drop_oldest;
--- ws
a sse h2c /events?channel=news window=40
b sse h2c /events?channel=news
repeat 20 {
http POST /pub?channel=news "message $i" => 201 .subscribers == 2
b recv "message $i"
}
a resume
a recv_until "message 20"


=== over HTTP/2 with TLS
--- tls: http2
--- ws
a sse h2 /events?channel=news
http POST /pub?channel=news {x*100000} => 201
a recv {x*100000}


=== a drain tells when to come back and ends the answer as it should
--- http_config
push_history 100;
push_drain 300ms;
--- h2c
--- ws
until http GET /pub?channel=news => 200
a sse /events?channel=news
b sse /events?channel=news,sport
c sse /events?channel=news http=1.0
d sse h2c /events?channel=news
e stream /events?channel=news
group all a b c d e
group pages a b c d
http POST /pub?channel=news m1 => 201 .subscribers == 5
all recv m1
pages retry 1000..3000
nginx reload
pages retry 100..1000
all eof
http POST /pub?channel=news m2 => 201|202
pages reconnect
pages recv m2
wait workers == 2


=== nobody misses or hears twice through five reloads
--- http_config
push_history 1000;
push_drain 100ms;
--- ws
until http GET /pub?channel=news => 200
a sse /events?channel=news
a last_event_id -:0
b sse /events?channel=news
b last_event_id -:0
b leave
for n in 1 2 3 4 5 {
http POST /pub?channel=news before$n => 201
a recv before$n
nginx reload
a eof
http POST /pub?channel=news after$n => 201|202
until a reconnect
a recv after$n
}
b reconnect
for n in 1 2 3 4 5 {
b recv before$n
b recv after$n
}


=== a killed worker's clients come back and miss nothing
--- http_config
push_history 1000;
--- ws
until http GET /pub?channel=news => 200
a sse@1 /events?channel=news
a last_event_id -:0
http POST /pub?channel=news m1 => 201
a recv m1
kill9 worker of a
http POST /pub?channel=news m2 => 201|202
a recv_gone
until a reconnect
a recv m2
expect_log "exited on signal 9"


=== Accept says which transport it is
--- with
push_wait 300ms;
--- ws
http GET /events?channel=news [Accept: text/html, */*] => 204
a sse /events?channel=news [Accept: text/html;q=0.9 , TEXT/Event-Stream ;q=0.5]
a comment ok
b stream /events?channel=news [Accept: application/x-ndjson]
c stream /events?channel=news [Accept: text/event-stream;q=0.4, application/x-ndjson; q=0.5]
d sse /events?channel=news [Accept: text/event-stream, application/x-ndjson]
e sse /events?channel=news [Accept: text/html | Accept: text/event-stream]
http GET /events?channel=news [Accept: text/event-stream;q=0] => 204
http GET /events?channel=news [!Accept] => 204
f connect /events?channel=news
http POST /pub?channel=news hello => 201 .subscribers == 6
group all a b c d e f
all recv hello


=== what is not offered falls to the next that is
--- config
location /es    { push_channel $arg_channel; push_transport eventsource; }
location /poll  { push_channel $arg_channel; push_transport longpoll; push_wait 200ms; }
location /lines { push_channel $arg_channel; push_transport stream; }
location /wses  { push_channel $arg_channel; push_transport eventsource websocket; }
location /ws    { push_channel $arg_channel; push_transport websocket; }
location /pub   { push_publish $arg_channel; }
--- ws
a sse /es?channel=news [!Accept]
b sse /es?channel=news [Accept: application/x-ndjson]
http GET /poll?channel=news [Accept: text/event-stream] => 204
http GET /poll?channel=news [Accept: application/x-ndjson] => 204
http GET /poll?channel=news [Connection: upgrade | Upgrade: websocket] => 204
c stream /lines?channel=news [Accept: text/event-stream]
d stream /lines?channel=news [!Accept]
e sse /wses?channel=news [!Accept]
f connect /wses?channel=news
http GET /ws?channel=news [Accept: text/event-stream] => 426 [Upgrade: websocket] .error exists
http POST /pub?channel=news hello => 201 .subscribers == 6
group all a b c d e f
all recv hello


=== at most 32 channels, but a stream may have more
--- config
location /events { push_channel $args split=,; }
--- ws
http GET /events?1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33 [Accept: text/event-stream] => 400 .error exists
http GET /events?1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33 => 400 .error exists
a sse /events?1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32
b stream /events?1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33


=== a refusal is HTTP: a request with a body, another method
--- ws
http GET /events?channel=news [Accept: text/event-stream] body => 400 .error exists
http HEAD /events?channel=news => 405
http GET /events [Accept: text/event-stream] => 400 .error exists


=== a client that leaves is gone at once
--- h2c
--- ws
many p 10 sse /events?channel=news
many q 10 sse h2c /events?channel=news
until http GET /push => 200 .totals.connections == 20 && .totals.kept_requests == 20
p abort
q leave
until http GET /push => 200 .totals.connections == 0 && .totals.kept_requests == 0 && .totals.queue_bytes == 0


=== one line in the access log, at the end, with what was sent
--- http_config
log_format push '$push_transport [$push_protocol] $push_channel $status sent=$push_messages_sent recovered=$push_recovered [$push_close_code] [$push_close_reason] $request_time';
push_history 10;
push_drain 100ms;
--- with
access_log logs/access.log push;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m1 => 202
let epoch .epoch
a sse /events?channel=news&last_event_id=$epoch:0
a recv m1
http POST /pub?channel=news m2 => 201
a recv m2
no_access eventsource
a leave
wait_access ^eventsource \[-\] news 200 sent=2 recovered=1 \[-\] \[-\] \d
b stream /events?channel=news
nginx reload
b eof
wait_access ^stream \[-\] news 200 sent=0 recovered=0 \[1012\] \[service restart\]


=== limit_conn counts a client as long as it is connected
--- http_config
limit_conn_zone $binary_remote_addr zone=one:1m;
--- with
location /limited { push_channel news; limit_conn one 1; }
--- ws
a sse /limited
http GET /limited [Accept: text/event-stream] => 503
a leave
until b sse /limited
--- allow_log
limiting connections


=== a client that reads slowly is closed, the others still receive
--- with
push_queue 20 100k;
--- ws
a sse /events?channel=news rcvbuf=4096
b sse /events?channel=news
a stop_reading
repeat 60 {
http POST /pub?channel=news {x*20000}$i => 201
b recv {x*20000}$i
}
until http GET /push => 200 .totals.slow_closed == 1
a resume
a recv_until {x*20000}1
a retry 1000..3000
a retry 5000..10000
a ignore
until http GET /push => 200 .totals.connections == 1 && .totals.queue_bytes == 0


=== worker_shutdown_timeout ends what has not ended
--- main_config
worker_shutdown_timeout 300ms;
--- http_config
push_drain 60s;
--- h2c
--- ws
a sse /events?channel=news
b sse h2c /events?channel=news
c poll /events?channel=news
until http GET /push => 200 .totals.connections == 3
nginx reload
a recv_gone
b recv_gone
c recv_gone
wait workers == 2
