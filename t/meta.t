# Copyright (C) the ngx_http_push_module authors
#
# The meta dialect: header lines before each message.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

plan tests => claims();
run_tests();

__DATA__

=== a message has its channel before it
--- ws
a connect /ws?channel=news [Sec-WebSocket-Protocol: push.meta] => [Sec-WebSocket-Protocol: push.meta]
b connect /ws?channel=news
http POST /pub?channel=news hello => 201 .subscribers == 2
a recv "channel: news\n\nhello"
b recv hello
http POST /pub?channel=news => 201
a recv "channel: news\n\n"
b recv ""


=== event and type have lines of their own
--- ws
a connect /ws?channel=news [Sec-WebSocket-Protocol: push.meta]
b connect /ws?channel=news [Sec-WebSocket-Protocol: push.raw]
http POST /pub?channel=news [Push-Event: tick] hello => 201
a recv "channel: news\nevent: tick\n\nhello"
b recv hello
http POST /pub?channel=news [Content-Type: text/plain; charset=utf-8] hello => 201
a recv "channel: news\ncontent-type: text/plain; charset=utf-8\n\nhello"
b recv hello
http POST /pub?channel=news [Push-Event: a b:c | Content-Type: application/json] "{\"x\":\n1}" => 201
a recv "channel: news\nevent: a b:c\ncontent-type: application/json\n\n{\"x\":\n1}"
b recv "{\"x\":\n1}"


=== a binary message is a binary frame with the same head
--- ws
a connect /ws?channel=news [Sec-WebSocket-Protocol: push.meta]
http POST /pub?channel=news [Push-Event: tick] hex:ff00fe => 201
a recv_binary "channel: news\nevent: tick\n\n\xff\x00\xfe"


=== a body of any length keeps its head
--- config
location /ws  { push_channel $arg_channel; }
location /pub { push_publish $arg_channel; client_max_body_size 1m; }
--- ws
a connect /ws?channel=news [Sec-WebSocket-Protocol: push.meta]
for n in 1 110 111 112 125 126 65519 65520 65521 65535 65536 100000 {
http POST /pub?channel=news {x*$n} => 201
a recv "channel: news\n\n{x*$n}"
}


=== each of several channels is named
--- config
location /ws   { push_channel $arg_channel split=,; }
location /pub  { push_publish $arg_channel split=,; }
--- ws
a connect /ws?channel=news,room%3A%C3%A4 [Sec-WebSocket-Protocol: push.meta]
http POST /pub?channel=room%3A%C3%A4 one => 201
http POST /pub?channel=news two => 201
a recv "channel: room:\xc3\xa4\n\none"
a recv "channel: news\n\ntwo"


=== every worker says the same
--- ws
a connect@1 /ws?channel=news [Sec-WebSocket-Protocol: push.meta]
b connect@2 /ws?channel=news [Sec-WebSocket-Protocol: push.meta]
http POST /pub?channel=news [Push-Event: tick | Content-Type: text/plain] hello => 201 .subscribers == 2
a recv "channel: news\nevent: tick\ncontent-type: text/plain\n\nhello"
b recv "channel: news\nevent: tick\ncontent-type: text/plain\n\nhello"


=== what Redis brings has its head, too
--- redis
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- ws
a connect /ws?channel=news [Sec-WebSocket-Protocol: push.meta]
until http POST /pub?channel=news ready => 201 .links == 1
a recv_until "channel: news\n\nready"
redis PUBLISH news hello => 1
a recv_until "channel: news\n\nhello"
redis PUBLISH news hex:ff01 => 1
a recv_binary "channel: news\n\n\xff\x01"
http POST /pub?channel=news [Push-Event: tick] hello => 201
a recv "channel: news\nevent: tick\n\nhello"


=== after a lost link a channel without a history has a gap, one with a history has none
--- redis
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=100ms..200ms;
push_history 100 kept;
--- config
location /ws   { push_channel $arg_channel split=,; }
location /pub  { push_publish $arg_channel; }
location /push { push_status json; }
--- allow_log
redis .*lost
--- ws
a connect@1 /ws?channel=news [Sec-WebSocket-Protocol: push.meta]
b connect /ws?channel=kept&last_event_id=-1 [Sec-WebSocket-Protocol: push.meta]
c connect@1 /ws?channel=news
until redis PUBSUB NUMSUB news => ~ news [1-9]
until http POST /pub?channel=kept k1 => 201 .offset == 1
let epoch .epoch
b recv "id: $epoch:1\nchannel: kept\n\nk1"
redis PUBLISH news n1
a recv "channel: news\n\nn1"
c recv n1
redis CLIENT KILL TYPE pubsub
until http POST /pub?channel=kept k2 => 201|202 .offset == 2
a recv "channel: news\nevent: push.gap\n\n"
b recv "id: $epoch:2\nchannel: kept\n\nk2"
until redis PUBSUB NUMSUB news => ~ news [1-9]
redis PUBLISH news n2
a recv "channel: news\n\nn2"
c recv n2
until http GET /push => 200 .totals.gaps >= 1
b recv_none 100ms


=== a deleted channel is told, before the connection ends or goes on
--- config
location /ws   { push_channel $arg_channel split=,; }
location /pub  { push_publish $arg_channel; }
--- ws
a connect@1 /ws?channel=news [Sec-WebSocket-Protocol: push.meta]
b connect@2 /ws?channel=news,sport [Sec-WebSocket-Protocol: push.meta]
c connect /ws?channel=news
http POST /pub?channel=news last => 201 .subscribers == 3
http DELETE /pub?channel=news => 200
a recv "channel: news\n\nlast"
a recv "channel: news\nevent: push.deleted\n\n"
a recv_close 4410
a recv_eof
b recv "channel: news\n\nlast"
b recv "channel: news\nevent: push.deleted\n\n"
c recv last
c recv_close 4410
c recv_eof
http POST /pub?channel=sport on => 201 .subscribers == 1
b recv "channel: sport\n\non"


=== what a client sends is published as it is
--- with
push_protocol raw meta;
--- ws
a connect /chat?channel=news [Sec-WebSocket-Protocol: push.meta]
b connect /ws?channel=news
a text "event: x\n\nhello"
a recv "channel: news\n\nevent: x\n\nhello"
b recv "event: x\n\nhello"
a binary hex:ff00
a recv_binary "channel: news\n\n\xff\x00"
b recv_binary ff00


=== the client's order decides among what is offered
--- config
location /both { push_channel c; }
location /meta { push_channel c; push_protocol meta; }
location /raw  { push_channel c; push_protocol raw; }
location /turn { push_channel c; push_protocol meta raw; }
--- ws
a connect /both [Sec-WebSocket-Protocol: push.meta, push.raw] => [Sec-WebSocket-Protocol: push.meta]
a connect /both [Sec-WebSocket-Protocol: push.raw, push.meta] => [Sec-WebSocket-Protocol: push.raw]
a connect /both [Sec-WebSocket-Protocol: chat | Sec-WebSocket-Protocol: push.meta | Sec-WebSocket-Protocol: push.raw] => [Sec-WebSocket-Protocol: push.meta]
a connect /turn [Sec-WebSocket-Protocol: push.raw, push.meta] => [Sec-WebSocket-Protocol: push.raw]
a connect /raw [Sec-WebSocket-Protocol: push.meta, push.raw] => [Sec-WebSocket-Protocol: push.raw]
a connect /raw [Sec-WebSocket-Protocol: push.meta] => [!Sec-WebSocket-Protocol]
a connect /meta [Sec-WebSocket-Protocol: push.raw] => [!Sec-WebSocket-Protocol]
a connect /both [Sec-WebSocket-Protocol: push.metal, PUSH.META] => [!Sec-WebSocket-Protocol]


=== who does not choose gets the first that is offered
--- http_config
log_format push 'u=$uri p=$push_protocol';
--- config
access_log logs/access.log push;
location /both { push_channel c; }
location /meta { push_channel c; push_protocol meta; }
location /turn { push_channel c; push_protocol meta raw; }
location /pub  { push_publish c; }
--- ws
a connect /both
b connect /meta
c connect /turn
d connect /turn [Sec-WebSocket-Protocol: push.raw]
http POST /pub hello => 201 .subscribers == 4
a recv hello
b recv "channel: c\n\nhello"
c recv "channel: c\n\nhello"
d recv hello
group all a b c d
all leave
wait_access u=/both p=raw
wait_access u=/meta p=meta
wait_access u=/turn p=meta
wait_access u=/turn p=raw


=== a slow client of this dialect is bounded by its queue as any other
--- with
push_queue 4 64k overflow=drop_oldest;
--- ws
a connect /ws?channel=news rcvbuf=4096 [Sec-WebSocket-Protocol: push.meta]
b connect /ws?channel=news
a stop_reading
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 {
http POST /pub?channel=news {x*20000}-$n => 201
b recv {x*20000}-$n
}
a resume
a recv_until "channel: news\n\n{x*20000}-20"


=== push_protocol knows its names
--- config
location /ws { push_channel a; push_protocol raw pigeon; }
--- must_die
--- error_log eval
["push_protocol", "pigeon", "meta"]


=== push_protocol names each once
--- config
location /ws { push_channel a; push_protocol meta raw meta; }
--- must_die
--- error_log eval
["push_protocol", "meta", "duplicate"]
