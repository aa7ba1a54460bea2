# Copyright (C) the ngx_http_push_module authors
#
# Clients that come back: what they missed, in order and once, or a gap.  The
# blocks run on the zone here, and on Redis in resume_redis.t.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

plan tests => claims();
run_tests();

__DATA__

=== what was missed comes first, then what is live
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m1 => 202 .offset == 1
let epoch .epoch
a connect@1 /ws?channel=news&last_event_id=$epoch:1 [Sec-WebSocket-Protocol: push.meta]
http POST /pub?channel=news m2 => 201 .offset == 2
a recv "id: $epoch:2\nchannel: news\n\nm2"
a leave
for n in 3 4 5 {
http POST /pub?channel=news m$n => 201|202 .offset == $n
}
a connect@1 /ws?channel=news&last_event_id=$epoch:2 [Sec-WebSocket-Protocol: push.meta]
b connect@2 /ws?channel=news&last_event_id=$epoch:3 [Sec-WebSocket-Protocol: push.meta]
c connect@2 /ws?channel=news&last_event_id=$epoch:5 [Sec-WebSocket-Protocol: push.meta]
d connect@1 /ws?channel=news&last_event_id=$epoch:0
a recv "id: $epoch:3\nchannel: news\n\nm3"
a recv "id: $epoch:4\nchannel: news\n\nm4"
a recv "id: $epoch:5\nchannel: news\n\nm5"
b recv "id: $epoch:4\nchannel: news\n\nm4"
b recv "id: $epoch:5\nchannel: news\n\nm5"
d recv_range m 1 5
until http GET /pub?channel=news => 200 .subscribers == 4
http POST /pub?channel=news m6 => 201 .offset == 6 && .subscribers == 4
group meta a b c
meta recv "id: $epoch:6\nchannel: news\n\nm6"
d recv m6


=== without a cursor a client begins now
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m1 => 202 .offset == 1
x connect@1 /ws?channel=news&last_event_id=-1
x recv m1
y connect@2 /ws?channel=news&last_event_id=-1
y recv m1
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news&last_event_id=
c connect@1 /ws?channel=news&last_event_id=-0
d connect@2 /ws?channel=news&last_event_id=news=
until http GET /pub?channel=news => 200 .subscribers == 6
http POST /pub?channel=news m2 => 201 .offset == 2
group all a b c d x y
all recv m2


=== -N begins with the last N that there are
--- http_config
push_history 10;
--- ws
until http GET /pub?channel=news => 200
for n in 1 2 3 4 5 {
http POST /pub?channel=news m$n => 202 .offset == $n
}
a connect /ws?channel=news&last_event_id=-2 [Sec-WebSocket-Protocol: push.meta]
a recv ~ m4
a recv ~ m5
b connect /ws?channel=news&last_event_id=-100 [Sec-WebSocket-Protocol: push.meta]
for n in 1 2 3 4 5 {
b recv ~ m$n
}
c connect /ws?channel=other&last_event_id=-3 [Sec-WebSocket-Protocol: push.meta]
until http POST /pub?channel=other o1 => 201 .offset == 1
c recv ~ o1


=== who asks for more than there is gets what there is, and no gap
--- http_config
push_history 8;
--- ws
until http GET /pub?channel=news => 200
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 {
http POST /pub?channel=news m$n => 202 .offset == $n
}
http POST /pub?channel=news last => 202 .offset == 20
let epoch .epoch
a connect /ws?channel=news&last_event_id=-19 [Sec-WebSocket-Protocol: push.meta]
a recv ~ ^id: \S+:1\d\n
a recv_until "id: $epoch:20\nchannel: news\n\nlast"


=== each of several channels has an id of its own
--- http_config
push_history 100;
--- config
location /ws   { push_channel $arg_channel split=,; }
location /pub  { push_publish $arg_channel; }
--- ws
until http GET /pub?channel=a => 200
for c in a b%3Dc room%3A1 d {
http POST /pub?channel=$c 1 => 202 .offset == 1
}
http POST /pub?channel=a 2 => 202 .offset == 2
let a .epoch
http POST /pub?channel=b%3Dc 2 => 202
let b .epoch
http POST /pub?channel=room%3A1 2 => 202
let r .epoch
# the id of "d" was not given: it begins now
x connect /ws?channel=a,b%3Dc,room%3A1,d&last_event_id=a=$a:1&last_event_id=b%3Dc%3D$b%3A0&last_event_id=room:1%3D-1&last_event_id=z%3Dz:1 [Sec-WebSocket-Protocol: push.meta]
x recv_any_order "id: $a:2\nchannel: a\n\n2" "id: $b:1\nchannel: b=c\n\n1" "id: $b:2\nchannel: b=c\n\n2" "id: $r:2\nchannel: room:1\n\n2"
until http GET /pub?channel=d => 200 .subscribers == 1
for c in a b%3Dc room%3A1 d {
http POST /pub?channel=$c 3 => 201
x recv ~ \n\n3$
}
# one for all of them
y connect /ws?channel=a,b%3Dc&last_event_id=-1 [Sec-WebSocket-Protocol: push.meta]
y recv_any_order "id: $a:3\nchannel: a\n\n3" "id: $b:3\nchannel: b=c\n\n3"


=== a bare id says nothing of which of several channels it is
--- http_config
push_history 100;
--- config
location /ws   { push_channel $arg_channel split=,; }
location /pub  { push_publish $arg_channel; }
--- ws
until http GET /pub?channel=a => 200
http POST /pub?channel=a 1 => 202
let a .epoch
http POST /pub?channel=b 1 => 202
let b .epoch
x connect /ws?channel=a,b&last_event_id=$a:1 [Sec-WebSocket-Protocol: push.meta]
x recv_any_order "channel: a\nevent: push.gap\n\n" "id: $a:1\nchannel: a\n\n1" "channel: b\nevent: push.gap\n\n" "id: $b:1\nchannel: b\n\n1"


=== a cursor of a channel that has nothing is a gap, at once
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
a connect@1 /ws?channel=news&last_event_id=abcdef:5 [Sec-WebSocket-Protocol: push.meta]
a recv "channel: news\nevent: push.gap\n\n"
b connect@1 /ws?channel=news&last_event_id=abcdef:7 [Sec-WebSocket-Protocol: push.meta]
b recv "channel: news\nevent: push.gap\n\n"
http POST /pub?channel=news m1 => 201 .offset == 1
let epoch .epoch
group all a b
all recv "id: $epoch:1\nchannel: news\n\nm1"


=== what cannot be read is a gap and all that is left, never an error
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m1 => 202
let epoch .epoch
http POST /pub?channel=news m2 => 202
for id in garbage : x $epoch: $epoch:x $epoch:-1 %zz %00 - {x*2000} $epoch:1:1 news=%20 {
a connect /ws?channel=news&last_event_id=$id [Sec-WebSocket-Protocol: push.meta]
a recv "channel: news\nevent: push.gap\n\n"
a recv "id: $epoch:1\nchannel: news\n\nm1"
a recv "id: $epoch:2\nchannel: news\n\nm2"
# raw has no place for it
b connect /ws?channel=news&last_event_id=$id
b recv m1
b recv m2
}
wait_log push client cannot have all that it missed of "news"
until http GET /push => 200 .totals.gaps == 24 && .totals.replayed == 48


=== an id of another epoch is a gap and all that is left
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m1 => 202
let epoch .epoch
http POST /pub?channel=other o1 => 202
a connect /ws?channel=news&last_event_id=k3f9:1 [Sec-WebSocket-Protocol: push.meta]
within 10s a recv "channel: news\nevent: push.gap\n\n"
a recv "id: $epoch:1\nchannel: news\n\nm1"


=== an id that nobody has given is a gap
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m1 => 202
let epoch .epoch
a connect /ws?channel=news&last_event_id=$epoch:1000 [Sec-WebSocket-Protocol: push.meta]
within 10s a recv "channel: news\nevent: push.gap\n\n"
http POST /pub?channel=news m2 => 201
a recv "id: $epoch:2\nchannel: news\n\nm2"


=== what was trimmed is a gap, and the rest comes
--- http_config
push_history 8;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m1 => 202
let epoch .epoch
for n in 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 {
http POST /pub?channel=news m$n => 202 .offset == $n
}
a connect /ws?channel=news&last_event_id=$epoch:1 [Sec-WebSocket-Protocol: push.meta]
a recv "channel: news\nevent: push.gap\n\n"
a recv ~ ^id: $epoch:1\d\n
a recv_until "id: $epoch:20\nchannel: news\n\nm20"
b connect /ws?channel=news&last_event_id=$epoch:18 [Sec-WebSocket-Protocol: push.meta]
b recv "id: $epoch:19\nchannel: news\n\nm19"
b recv "id: $epoch:20\nchannel: news\n\nm20"


=== in a channel that keeps nothing a cursor is a gap
--- http_config
push_history 0 plain*;
push_history 100;
--- ws
until http GET /pub?channel=plain => 200
a connect@1 /ws?channel=plain&last_event_id=k3f9:1 [Sec-WebSocket-Protocol: push.meta]
b connect@2 /ws?channel=plain&last_event_id=-5 [Sec-WebSocket-Protocol: push.meta]
c connect@1 /ws?channel=plain&last_event_id=k3f9:1
a recv "channel: plain\nevent: push.gap\n\n"
until http GET /pub?channel=plain => 200 .subscribers == 3 && .epoch absent
# heard by 2 workers: plain
http POST /pub?channel=plain m1 => 201 .epoch absent
a recv "channel: plain\n\nm1"
b recv "channel: plain\n\nm1"
c recv m1


=== a channel in which nothing had been stored yet has an id, too
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
a connect /ws?channel=news&last_event_id=-:0 [Sec-WebSocket-Protocol: push.meta]
until http GET /pub?channel=news => 200 .subscribers == 1
http POST /pub?channel=news m1 => 201 .offset == 1
let epoch .epoch
a recv "id: $epoch:1\nchannel: news\n\nm1"
b connect /ws?channel=news&last_event_id=-:0 [Sec-WebSocket-Protocol: push.meta]
b recv "id: $epoch:1\nchannel: news\n\nm1"


=== the header Last-Event-ID says the same, and holds before the query
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m1 => 202
let epoch .epoch
http POST /pub?channel=news m2 => 202
http POST /pub?channel=news m3 => 202
a connect /ws?channel=news [Last-Event-ID: $epoch:2]
a recv m3
b connect /ws?channel=news&last_event_id=$epoch:0 [Last-Event-ID: $epoch:2]
b recv m3
c connect /ws?channel=news&last_event_id=$epoch:2 [Last-Event-ID: garbage]
c recv m3
http POST /pub?channel=news m4 => 201
group all a b c
all recv m4


=== 1,000 messages that were missed meet no push_queue
--- http_config
push_history 2000;
log_format push 'c=$push_channel recovered=$push_recovered sent=$push_messages_sent dropped=$push_messages_dropped';
--- config
access_log logs/access.log push;
location /ws   { push_channel $arg_channel; }
location /chat { push_channel $arg_channel; push_client_publish on; access_log off; }
location /pub  { push_publish $arg_channel; access_log off; }
location /push { push_status json; }
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news first => 202
let epoch .epoch
p connect /chat?channel=news&last_event_id=$epoch:1
repeat 1000 {
p text m$i
}
p recv_range m 1 1000
http GET /pub?channel=news => 200 .offset == 1001
a connect@1 /ws?channel=news&last_event_id=$epoch:1
b connect@2 /ws?channel=news&last_event_id=-1000
a recv_range m 1 1000
b recv_range m 1 1000
http POST /pub?channel=news live => 201
a recv live
b recv live
p recv live
http GET /push => 200 .totals.replayed >= 2000 && .totals.slow_closed == 0 && .totals.dropped == 0
a leave
wait_access c=news recovered=1000 sent=1001 dropped=0


=== a client that reads slowly what it missed gets all of it
--- http_config
push_history 2000;
--- config
push_queue 2 8k;
location /ws   { push_channel $arg_channel; }
location /pub  { push_publish $arg_channel; client_max_body_size 64k; }
location /push { push_status json; }
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news first => 202
let epoch .epoch
for n in 1 2 3 4 5 6 7 8 9 10 {
http POST /pub?channel=news {x*60000}$n => 202
}
for n in 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 {
http POST /pub?channel=news {x*60000}$n => 202
}
a connect /ws?channel=news&last_event_id=$epoch:1 rcvbuf=4096
a stop_reading
b connect /ws?channel=news
until http GET /push => 200 .totals.queue_bytes > 0
# live ones are for the others, it is not there yet
for n in 31 32 33 34 35 36 37 38 39 40 {
http POST /pub?channel=news {x*100}$n => 201
b recv {x*100}$n
}
http GET /push => 200 .totals.slow_closed == 0 && .totals.dropped == 0
a resume
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 {
within 20s a recv {x*60000}$n
}
for n in 31 32 33 34 35 36 37 38 39 40 {
a recv {x*100}$n
}
http POST /pub?channel=news live => 201
a recv live
b recv live


=== what waits of the past does not count for the live ones of another channel
--- http_config
push_history 2000;
--- config
push_queue 20 80k;
location /ws   { push_channel $arg_channel split=,; }
location /pub  { push_publish $arg_channel; client_max_body_size 64k; }
location /push { push_status json; }
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news first => 202
let epoch .epoch
for n in 1 2 3 4 5 6 7 8 9 10 {
http POST /pub?channel=news {x*60000}$n => 202
}
a connect /ws?channel=news,sport&last_event_id=news=$epoch:1 rcvbuf=4096
a stop_reading
until http GET /push => 200 .totals.queue_bytes > 100000
for n in 1 2 3 4 5 {
until http POST /pub?channel=sport s$n => 201
}
http GET /push => 200 .totals.slow_closed == 0 && .totals.dropped == 0
a resume
within 20s a recv_any_order {x*60000}1 {x*60000}2 {x*60000}3 {x*60000}4 {x*60000}5 {x*60000}6 {x*60000}7 {x*60000}8 {x*60000}9 {x*60000}10 s1 s2 s3 s4 s5


=== nor do many who come back at once for those who never were away
--- http_config
push_zone zone=push:400m;
push_history 2000;
--- config
location /ws   { push_channel $arg_channel; }
location /pub  { push_publish $arg_channel; client_max_body_size 40m; }
location /push { push_status json; }
--- ws
within 20s http POST /pub?channel=news {x*30000000} => 202
slow connect@1 /ws?channel=sport rcvbuf=4096
slow stop_reading
for n in 1 2 3 4 5 6 7 8 9 10 {
c$n connect@1 /ws?channel=news&last_event_id=-1 rcvbuf=4096
c$n stop_reading
}
within 20s until http GET /push => 200 .totals.queue_bytes > 268435456
repeat 12 {
until http POST /pub?channel=sport $i{y*40000} => 201
}
http GET /push => 200 .totals.slow_closed == 0 && .totals.dropped == 0
slow resume
repeat 12 {
slow recv $i{y*40000}
}


=== under a publisher at full rate each message comes once and in order
--- http_config
push_history 20000;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m0 => 202
let epoch .epoch
p connect /chat?channel=news
repeat 500 {
p text m$i
}
a connect@1 /ws?channel=news&last_event_id=$epoch:1
b connect@2 /ws?channel=news&last_event_id=$epoch:1
repeat 500 {
p text n$i
}
c connect@1 /ws?channel=news&last_event_id=$epoch:101
d connect@2 /ws?channel=news&last_event_id=$epoch:0
repeat 500 {
p text o$i
}
p text end
p ignore
group ab a b
ab recv_range m 1 500
ab recv_range n 1 500
ab recv_range o 1 500
c recv_range m 101 500
c recv_range n 1 500
c recv_range o 1 500
d recv m0
d recv_range m 1 500
d recv_range n 1 500
d recv_range o 1 500
group all a b c d
all recv end


=== a hundred clients that come back at once
--- http_config
push_history 1000;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m0 => 202
let epoch .epoch
p connect /chat?channel=news&last_event_id=$epoch:1
repeat 200 {
p text m$i
}
p recv_range m 1 200
p leave
repeat 50 {
a$i connect@1 /ws?channel=news&last_event_id=$epoch:1
b$i connect@2 /ws?channel=news&last_event_id=$epoch:101
}
repeat 50 {
a$i recv_range m 1 200
b$i recv_range m 101 200
}
until http POST /pub?channel=news live => 201 .subscribers == 100
repeat 50 {
a$i recv_until live
b$i recv_until live
}


=== volatile messages are not among what was missed
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m1 => 202 .offset == 1
let epoch .epoch
http POST /pub?channel=news [Push-Volatile: 1] v => 202 .epoch absent
http POST /pub?channel=news m2 => 202 .offset == 2
a connect /ws?channel=news&last_event_id=$epoch:0
a recv m1
a recv m2
http POST /pub?channel=news [Push-Volatile: 1] v => 201
a recv v


=== event, type and binary come back as they were
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news [Push-Event: tick | Content-Type: application/json] {} => 202
let epoch .epoch
http POST /pub?channel=news hex:ff00 => 202
a connect /ws?channel=news&last_event_id=$epoch:0 [Sec-WebSocket-Protocol: push.meta]
a recv "id: $epoch:1\nchannel: news\nevent: tick\ncontent-type: application/json\n\n{}"
a recv_binary "id: $epoch:2\nchannel: news\n\n\xff\x00"


=== whom a message excepts does not get it out of the past either
--- http_config
push_history 2000;
--- config
location /ws   { push_channel $arg_channel; add_header X-Id $push_connection always; }
location /pub  { push_publish $arg_channel; client_max_body_size 64k; }
location /push { push_status json; }
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news first => 202
let epoch .epoch
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 {
http POST /pub?channel=news {x*60000}$n => 202
}
a connect /ws?channel=news&last_event_id=$epoch:1 rcvbuf=4096
let id X-Id:
a stop_reading
until http GET /push => 200 .totals.queue_bytes > 0
http POST /pub?channel=news [Push-Except: $id] not-for-a => 201
http POST /pub?channel=news marker => 201
b connect /ws?channel=news&last_event_id=-2
b recv not-for-a
b recv marker
a resume
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 {
within 20s a recv {x*60000}$n
}
a recv marker


=== a channel that is deleted while a client catches up
--- http_config
push_history 2000;
--- config
location /ws   { push_channel $arg_channel split=,; }
location /pub  { push_publish $arg_channel; client_max_body_size 64k; }
location /push { push_status json; }
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news first => 202
let epoch .epoch
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 {
http POST /pub?channel=news {x*60000}$n => 202
}
a connect /ws?channel=news&last_event_id=$epoch:1 rcvbuf=4096 [Sec-WebSocket-Protocol: push.meta]
b connect /ws?channel=news,sport&last_event_id=news=$epoch:1 rcvbuf=4096 [Sec-WebSocket-Protocol: push.meta]
a stop_reading
b stop_reading
until http GET /push => 200 .totals.queue_bytes > 100000
http DELETE /pub?channel=news => 200
a resume
within 20s a recv_until "channel: news\nevent: push.deleted\n\n"
a recv_close 4410
a recv_eof
b resume
within 20s b recv_until "channel: news\nevent: push.deleted\n\n"
until http POST /pub?channel=sport on => 201
b recv ~ ^id: \S+:1\nchannel: sport\n\non$


=== clients that go away while they catch up leave nothing behind
--- http_config
push_history 2000;
--- config
location /ws   { push_channel $arg_channel; }
location /pub  { push_publish $arg_channel; client_max_body_size 64k; }
location /push { push_status json; }
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news first => 202
let epoch .epoch
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 {
http POST /pub?channel=news {x*60000}$n => 202
}
repeat 20 {
a connect@1 /ws?channel=news&last_event_id=$epoch:1 rcvbuf=4096
a stop_reading
b connect@2 /ws?channel=news&last_event_id=garbage rcvbuf=4096
b stop_reading
a abort
b abort
}
within 10s until http GET /push => 200 .totals.connections == 0 && .totals.queue_bytes == 0
c connect /ws?channel=news&last_event_id=-1
c recv {x*60000}30


=== a reload: back with the cursor nothing is missing
--- http_config
push_history 100;
push_drain 100ms;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m1 => 202
let epoch .epoch
a connect@1 /ws?channel=news&last_event_id=$epoch:1 [Sec-WebSocket-Protocol: push.meta]
until http GET /pub?channel=news => 200 .subscribers == 1
http POST /pub?channel=news m2 => 201
a recv "id: $epoch:2\nchannel: news\n\nm2"
nginx reload
a recv_close 1012
a recv_eof
until http POST /pub?channel=news m3 => 202 .offset == 3 && .epoch == $epoch
a connect /ws?channel=news&last_event_id=$epoch:2 [Sec-WebSocket-Protocol: push.meta]
a recv "id: $epoch:3\nchannel: news\n\nm3"
until http GET /pub?channel=news => 200 .subscribers == 1
http POST /pub?channel=news m4 => 201
a recv "id: $epoch:4\nchannel: news\n\nm4"


=== a reload sends away who is catching up as well
--- http_config
push_history 2000;
push_drain 100ms;
--- config
location /ws   { push_channel $arg_channel; }
location /pub  { push_publish $arg_channel; client_max_body_size 64k; }
location /push { push_status json; }
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news first => 202
let epoch .epoch
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 {
http POST /pub?channel=news {x*60000}$n => 202
}
a connect /ws?channel=news&last_event_id=$epoch:1 rcvbuf=4096
a stop_reading
until http GET /push => 200 .totals.queue_bytes > 0
nginx reload
a resume
within 20s a recv_last 1012
a recv_eof


=== a worker is killed: elsewhere the cursor is as good
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m1 => 202
let epoch .epoch
a connect@1 /ws?channel=news&last_event_id=$epoch:1 [Sec-WebSocket-Protocol: push.meta]
until http GET /pub?channel=news => 200 .subscribers == 1
http POST /pub?channel=news m2 => 201
a recv "id: $epoch:2\nchannel: news\n\nm2"
kill9 worker of a
a recv_gone
wait workers == 2
until http POST /pub?channel=news m3 => 201|202 .offset == 3 && .epoch == $epoch
a connect /ws?channel=news&last_event_id=$epoch:2 [Sec-WebSocket-Protocol: push.meta]
a recv "id: $epoch:3\nchannel: news\n\nm3"


=== a connection that keeps its request comes back as well
--- http_config
push_history 100;
limit_conn_zone $binary_remote_addr zone=one:1m;
log_format push 'recovered=$push_recovered';
--- config
location /ws   { push_channel $arg_channel; limit_conn one 10; access_log logs/access.log push; }
location /pub  { push_publish $arg_channel; }
location /push { push_status json; }
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m1 => 202
http POST /pub?channel=news m2 => 202
a connect /ws?channel=news&last_event_id=-2
a recv m1
a recv m2
http GET /push => 200 .totals.kept_requests == 1
a leave
wait_access recovered=2


=== the past comes over TLS as well, piece after piece
--- http_config
push_history 2000;
--- tls
--- config
location /ws   { push_channel $arg_channel; }
location /pub  { push_publish $arg_channel; client_max_body_size 64k; }
location /push { push_status json; }
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news first => 202
let epoch .epoch
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 {
http POST /pub?channel=news {x*60000}$n => 202
}
a connect tls /ws?channel=news&last_event_id=$epoch:1 rcvbuf=4096
a stop_reading
until http GET /push => 200 .totals.queue_bytes > 0
b connect tls /ws?channel=news&last_event_id=-3 [Sec-WebSocket-Protocol: push.meta]
b recv "id: $epoch:29\nchannel: news\n\n{x*60000}28"
b recv "id: $epoch:30\nchannel: news\n\n{x*60000}29"
b recv "id: $epoch:31\nchannel: news\n\n{x*60000}30"
http POST /pub?channel=news live => 201
b recv "id: $epoch:32\nchannel: news\n\nlive"
a resume
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 {
within 20s a recv {x*60000}$n
}
a recv live


=== who takes compressed messages gets compressed ones of the past
--- http_config
push_history 100;
push_deflate on;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news first => 202
let epoch .epoch
http POST /pub?channel=news {hello world *100} => 202
a connect /ws?channel=news&last_event_id=$epoch:1 [Sec-WebSocket-Extensions: permessage-deflate]
b connect /ws?channel=news&last_event_id=$epoch:1
a recv_packed {hello world *100}
b recv_plain {hello world *100}
http POST /pub?channel=news {again *100} => 201
a recv_packed {again *100}
b recv_plain {again *100}
