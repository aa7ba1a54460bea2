# Copyright (C) the ngx_http_push_module authors
#
# The history in Redis: what is stored, its ids, and what becomes of both when
# Redis does not stay as it is.

use strict;
use warnings;

use lib 't/lib';
use TestPush redis => 1;

plan tests => claims();
run_tests();

__DATA__

=== ids are dense, whoever publishes, and every subscriber gets all
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_history 100 5m;
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
http@1 POST /pub?channel=news m1 => 201 .epoch =~ ^[0-9a-f]{16}$ && .offset == 1 && .links == 2 && .subscribers == 2
let e .epoch
repeat 20 {
http@1 POST /pub?channel=news x$i => 201 .epoch == $e
http@2 POST /pub?channel=news y$i => 201 .epoch == $e
}
group g a b
g recv m1
repeat 20 {
g recv x$i
g recv y$i
}
http GET /pub?channel=news => 200 .epoch == $e && .offset == 41 && .messages == 41
# each has its id in it, and is stored as it was sent
redis LINDEX push:h:{news} -1 => ~ ^\xffP1M [0-9a-f]{16} 41 \d+\ny20$
# channels know nothing of each other
http POST /pub?channel=sport s1 => 202 .offset == 1 && .epoch != $e


=== a state that no script has written is none
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_history 100 5m;
--- ws
http POST /pub?channel=other m => 202
# Lua counts no further than 2^53: a row up to here had no end
http POST /pub?channel=news m1 => 202 .offset == 1
redis HSET push:m:{news} s 9223372036854775806
http GET /pub?channel=news => 200 .offset absent
a connect /ws?channel=news&last_event_id=-5
http POST /pub?channel=news m2 => 201 .offset == 1
a recv m2
# nor is this an epoch, and what is wrong with one channel cuts no link
redis HSET push:m:{news} e a=b
http POST /pub?channel=news m3 => 201 .offset == 1
redis HSET push:m:{news} e ""
http POST /pub?channel=news m4 => 201 .offset == 1
redis HSET push:m:{news} s -3
http POST /pub?channel=news m5 => 201 .offset == 1
redis HSET push:m:{news} s one
http POST /pub?channel=news m6 => 201 .offset == 1
http GET /pub?channel=news => 200 .messages == 1
http GET /push?format=json => 200 ~ "reconnects": 0


=== the last COUNT messages are kept, and not many more
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_history 16 5m;
--- ws
repeat 100 {
http POST /pub?channel=news m$i => 202 .offset == $i
redis LLEN push:h:{news} => <= 18
}
http GET /pub?channel=news => .offset == 100 && .messages == 16
redis LINDEX push:h:{news} -16 => ~ m85$


=== with a COUNT of one there is the last one
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_history 1;
--- ws
repeat 5 {
http POST /pub?channel=news m$i => 202 .offset == $i
redis LLEN push:h:{news} => 1
}
http GET /pub?channel=news => .offset == 5 && .messages == 1


=== messages are forgotten after TTL, ids are not
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_history 100 1s;
--- ws
http POST /pub?channel=news m1 => 202
let e .epoch
http POST /pub?channel=news m2 => 202
http GET /pub?channel=news => .messages == 2
until http GET /pub?channel=news => .messages == 0 && .offset == 2 && .epoch == $e
http POST /pub?channel=news m3 => 202 .offset == 3 && .epoch == $e
http GET /pub?channel=news => .messages == 1
until redis EXISTS push:h:{news} => 0
# nothing stays for ever
redis PTTL push:m:{news} => > 80000000
redis PTTL push:m:{news} => < 90000000


=== a channel that somebody asks for is not forgotten
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_history 100 1s;
--- ws
http POST /pub?channel=news m1 => 202
http POST /pub?channel=sport s1 => 202
redis HSET push:m:{news} x 1000
redis HSET push:m:{sport} x 1000
redis PEXPIRE push:m:{news} 5000
redis PEXPIRE push:m:{sport} 5000
http GET /pub?channel=news => .offset == 1
redis PTTL push:m:{news} => > 80000000
# to subscribe is to ask
a connect /ws?channel=sport
until redis PTTL push:m:{sport} => > 80000000


=== Push-TTL shortens the time of one message
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_history 100 1h;
--- ws
http POST /pub?channel=news [Push-TTL: 1] short => 202 .offset == 1
http POST /pub?channel=news long => 202 .offset == 2
http GET /pub?channel=news => .messages == 2
until http GET /pub?channel=news => .messages == 1 && .offset == 2
redis LINDEX push:h:{news} 0 => ~ long$


=== Push-Volatile is not stored and has no id
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_history 100;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
http POST /pub?channel=news one => 201 .offset == 1
http POST /pub?channel=news [Push-Volatile: 1] two => 201 .offset absent && .epoch absent
http POST /pub?channel=news three => 201 .offset == 2
a recv one
a recv two
a recv three
http GET /pub?channel=news => .messages == 2


=== a channel has the first policy whose pattern matches
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_history 0 typing:*;
push_history 8 5m room:*;
push_history 4;
--- ws
repeat 40 {
http POST /pub?channel=typing:1 m$i => 202 .offset absent
http POST /pub?channel=room:1 m$i => 202 .offset == $i
http POST /pub?channel=news m$i => 202 .offset == $i
}
http GET /pub?channel=typing:1 => .messages absent && .epoch absent
http GET /pub?channel=room:1 => .messages == 8
http GET /pub?channel=news => .messages == 4
redis KEYS *typing* => ""


=== a repeat with the same Push-Id is not sent again
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_history 100;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
http POST /pub?channel=news [Push-Id: order 7/a] one => 201 .offset == 1 && .links == 1
let e .epoch
http POST /pub?channel=news two => 201 .offset == 2
http@1 POST /pub?channel=news [Push-Id: order 7/a] one => 201 .offset == 1 && .epoch == $e && .links == 1
http@2 POST /pub?channel=news [Push-Id: order 7/a] one => 201 .offset == 1
http POST /pub?channel=news [Push-Id: order 7/a] other => 409 .error exists
http POST /pub?channel=news [Push-Id: order 7/a | Push-Event: x] one => 409
# each channel has ids of its own
http POST /pub?channel=sport [Push-Id: order 7/a] other => 202 .offset == 1
http POST /pub?channel=news three => 201 .offset == 3
a recv one
a recv two
a recv three
redis PTTL "push:d:{news}:order 7/a" => > 290000
redis PTTL "push:d:{news}:order 7/a" => <= 300000


=== Push-Id is obeyed without a history, too
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
http POST /pub?channel=news [Push-Id: 1] one => 201 .offset absent && .links == 1
http POST /pub?channel=news [Push-Id: 1] one => 201 .offset absent && .links == 1
http POST /pub?channel=news [Push-Id: 1] two => 409
http POST /pub?channel=news two => 201
a recv one
a recv two
redis KEYS push:* => ~ ^(?!.*push:[hm])


=== DELETE ends a channel's life with its history and epoch
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_history 100;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
http POST /pub?channel=news one => 201 .offset == 1
let e .epoch
http DELETE /pub?channel=news => 200
a recv one
a recv_close 4410
http GET /pub?channel=news => 200 .epoch absent
redis EXISTS push:h:{news} push:m:{news} => 0
http POST /pub?channel=news two => 201|202 .offset == 1 && .epoch != $e
# one that has messages and nobody who listens
http POST /pub?channel=quiet one => 202
http DELETE /pub?channel=quiet => 200
http DELETE /pub?channel=quiet => 404
http DELETE /pub?channel=never => 404


=== SCRIPT FLUSH at any time: nobody notices
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_history 1000;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
repeat 20 {
redis SCRIPT FLUSH
http POST /pub?channel=news m$i => 201 .offset == $i
redis SCRIPT FLUSH
http GET /pub?channel=news => 200 .messages == $i
http POST /pub?channel=news [Push-Volatile: 1] v$i => 201
redis SCRIPT FLUSH
http POST /pub?channel=x$i x => 202
redis SCRIPT FLUSH
http DELETE /pub?channel=x$i => 200
}
repeat 20 {
a recv m$i
a recv v$i
}


=== a restart with all its data: another epoch, no offset twice
--- redis
appendonly yes
appendfsync always
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..100ms;
push_history 100;
--- ws
http@1 POST /pub?channel=news m1 => 202 .offset == 1
let e .epoch
http@1 POST /pub?channel=news m2 => 202 .offset == 2
redis_server restart
until http@1 POST /pub?channel=news m3 => 202 .offset == 3 && .epoch != $e
let f .epoch
http@1 POST /pub?channel=news m4 => 202 .offset == 4 && .epoch == $f
http@1 GET /pub?channel=news => .messages == 4 && .epoch == $f
redis HMGET push:m:{news} pe pf => "$e 2"
# and a question turns it, too
redis_server restart
until http@1 GET /pub?channel=news => 200 .offset == 4 && .epoch != $f
redis HMGET push:m:{news} pe pf => "$f 4"


=== a restart from an old dump: no id has two bodies
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..100ms;
push_history 100;
--- ws
http@1 POST /pub?channel=news m1 => 202 .offset == 1
let e .epoch
redis SAVE
http@1 POST /pub?channel=news lost2 => 202 .offset == 2 && .epoch == $e
http@1 POST /pub?channel=news lost3 => 202 .offset == 3 && .epoch == $e
redis_server restart
until http@1 POST /pub?channel=news m2 => 202 .offset == 2 && .epoch != $e
until http@1 GET /pub?channel=news => .messages == 2
redis HMGET push:m:{news} pe pf => "$e 1"


=== a restart without data, and FLUSHALL: everything begins anew
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..100ms;
push_history 100;
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
http@1 POST /pub?channel=news m1 => 201 .offset == 1
http@1 POST /pub?channel=news m2 => 201 .offset == 2
let e .epoch
redis_server restart
until redis PUBSUB NUMSUB news => news 2
until http@1 POST /pub?channel=news n1 => 201 .offset == 1 && .epoch != $e
let f .epoch
group g a b
for text in m1 m2 n1 {
g recv $text
}
until http GET /push => .workers[0].redis[role=cmd].state == up && .workers[1].redis[role=cmd].state == up
redis FLUSHALL
http@1 POST /pub?channel=news o1 => 201 .offset == 1 && .epoch != $f
http@1 POST /pub?channel=news o2 => 201 .offset == 2
g recv o1
g recv o2


=== what is missed through a lost link comes from the history, once
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..100ms;
push_history 1000;
--- ws
deadline 20s
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
http POST /pub?channel=news m0 => 201
group g a b
g recv m0
repeat 30 {
redis CLIENT KILL TYPE pubsub
http POST /pub?channel=news a$i => 201|202
http POST /pub?channel=news b$i => 201|202
}
repeat 30 {
g recv a$i
g recv b$i
}
http GET /push => .totals.connections == 2


=== after a restart with all its data clients are told, and nothing is missing
--- redis
appendonly yes
appendfsync always
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..100ms;
push_history 100;
--- ws
deadline 20s
until redis PUBSUB NUMSUB push:ctl => push:ctl 2
a connect@1 /ws?channel=news [Sec-WebSocket-Protocol: push.meta]
until redis PUBSUB NUMSUB news => news 1
http@1 POST /pub?channel=news m1 => 201 .offset == 1
let e .epoch
http@1 POST /pub?channel=news m2 => 201 .offset == 2
a recv "id: $e:1\nchannel: news\n\nm1"
a recv "id: $e:2\nchannel: news\n\nm2"
redis_server restart
a recv "channel: news\nevent: push.gap\n\n"
until http@1 POST /pub?channel=news m3 => 201 .offset == 3
let f .epoch
a recv "id: $f:3\nchannel: news\n\nm3"
# who was away the whole time
b connect@2 /ws?channel=news&last_event_id=$e:1 [Sec-WebSocket-Protocol: push.meta]
b recv "id: $e:2\nchannel: news\n\nm2"
b recv "channel: news\nevent: push.gap\n\n"
b recv "id: $f:3\nchannel: news\n\nm3"
until redis PUBSUB NUMSUB news => news 2
http@2 POST /pub?channel=news m4 => 201 .offset == 4 && .epoch == $f
group g a b
g recv "id: $f:4\nchannel: news\n\nm4"


=== recover=lenient: they are not told
--- redis
appendonly yes
appendfsync always
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..100ms recover=lenient;
push_history 100;
--- ws
deadline 20s
until redis PUBSUB NUMSUB push:ctl => push:ctl 2
a connect@1 /ws?channel=news [Sec-WebSocket-Protocol: push.meta]
until redis PUBSUB NUMSUB news => news 1
http@1 POST /pub?channel=news m1 => 201 .offset == 1
let e .epoch
http@1 POST /pub?channel=news m2 => 201 .offset == 2
a recv "id: $e:1\nchannel: news\n\nm1"
a recv "id: $e:2\nchannel: news\n\nm2"
redis_server restart
until http@1 POST /pub?channel=news m3 => 201 .offset == 3
let f .epoch
a recv "id: $f:3\nchannel: news\n\nm3"
b connect@2 /ws?channel=news&last_event_id=$e:1 [Sec-WebSocket-Protocol: push.meta]
b recv "id: $e:2\nchannel: news\n\nm2"
b recv "id: $f:3\nchannel: news\n\nm3"


=== after a restart from an old dump there is one gap, also where lenient
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..100ms recover=lenient;
push_history 100;
--- ws
deadline 20s
until redis PUBSUB NUMSUB push:ctl => push:ctl 2
a connect@1 /ws?channel=news [Sec-WebSocket-Protocol: push.meta]
until redis PUBSUB NUMSUB news => news 1
http@1 POST /pub?channel=news m1 => 201 .offset == 1
let e .epoch
redis SAVE
http@1 POST /pub?channel=news lost2 => 201 .offset == 2
http@1 POST /pub?channel=news lost3 => 201 .offset == 3
a recv "id: $e:1\nchannel: news\n\nm1"
a recv "id: $e:2\nchannel: news\n\nlost2"
a recv "id: $e:3\nchannel: news\n\nlost3"
redis_server restart
a recv "channel: news\nevent: push.gap\n\n"
until http@1 POST /pub?channel=news m2 => 201 .offset == 2
let f .epoch
a recv "id: $f:2\nchannel: news\n\nm2"
b connect@2 /ws?channel=news&last_event_id=$e:3 [Sec-WebSocket-Protocol: push.meta]
b recv "channel: news\nevent: push.gap\n\n"
b recv "id: $f:2\nchannel: news\n\nm2"
c connect@2 /ws?channel=news&last_event_id=$e:1 [Sec-WebSocket-Protocol: push.meta]
c recv "id: $f:2\nchannel: news\n\nm2"


=== FLUSHALL is one gap
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_history 100;
--- ws
deadline 20s
until redis PUBSUB NUMSUB push:ctl => push:ctl 2
a connect@1 /ws?channel=news [Sec-WebSocket-Protocol: push.meta]
until redis PUBSUB NUMSUB news => news 1
for n in 1 2 3 {
http POST /pub?channel=news m$n => 201 .offset == $n
}
let e .epoch
for n in 1 2 3 {
a recv "id: $e:$n\nchannel: news\n\nm$n"
}
redis FLUSHALL
for n in 1 2 3 4 5 {
http POST /pub?channel=news n$n => 201 .offset == $n
}
let f .epoch
a recv "channel: news\nevent: push.gap\n\n"
for n in 1 2 3 4 5 {
a recv "id: $f:$n\nchannel: news\n\nn$n"
}
b connect@2 /ws?channel=news&last_event_id=$e:2 [Sec-WebSocket-Protocol: push.meta]
b recv "channel: news\nevent: push.gap\n\n"
for n in 1 2 3 4 5 {
b recv "id: $f:$n\nchannel: news\n\nn$n"
}


=== a killed link is no gap, at full rate neither
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..100ms;
push_history 2000;
--- ws
deadline 30s
until redis PUBSUB NUMSUB push:ctl => push:ctl 2
a connect@1 /ws?channel=news [Sec-WebSocket-Protocol: push.meta]
b connect@2 /ws?channel=news [Sec-WebSocket-Protocol: push.meta]
c connect@1 /ws?channel=news&last_event_id=-1 [Sec-WebSocket-Protocol: push.meta]
until redis PUBSUB NUMSUB news => news 2
http POST /pub?channel=news m0 => 201 .offset == 1
let e .epoch
group g a b c
g recv "id: $e:1\nchannel: news\n\nm0"
for n in 1 2 3 4 5 6 7 8 9 10 {
redis CLIENT KILL TYPE pubsub
repeat 20 {
http POST /pub?channel=news m$n-$i => 201|202
}
}
for n in 1 2 3 4 5 6 7 8 9 10 {
repeat 20 {
g recv ~ ^id: $e:\d+\nchannel: news\n\nm$n-$i$
}
}


=== a message that is published right after the first subscription arrives
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_history 100;
--- ws
deadline 30s
repeat 60 {
a connect /ws?channel=c$i
until redis PUBSUB NUMSUB c$i => c$i 1
redis EVAL "return redis.call('PUBLISH', KEYS[1], ARGV[1])" 1 c$i before
http@2 POST /pub?channel=c$i m$i => 201 .offset == 1
a recv before
a recv m$i
a leave
}


=== a message whose own time is over is a gap among others
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_history 100 1h;
--- ws
redis FUNCTION LOAD file:conf-examples/push.lua
http POST /pub?channel=news m1 => 202
let e .epoch
http POST /pub?channel=news m2 => 202
http POST /pub?channel=news [Push-TTL: 1] short => 202 .offset == 3
http POST /pub?channel=news m4 => 202
a connect@1 /ws?channel=news&last_event_id=$e:1 [Sec-WebSocket-Protocol: push.meta]
a recv "id: $e:2\nchannel: news\n\nm2"
a recv "id: $e:3\nchannel: news\n\nshort"
a recv "id: $e:4\nchannel: news\n\nm4"
until redis FCALL push_hist 1 news 3 => ~ ^\S+ 4  0 4 \S+ \S+ 4
b connect@2 /ws?channel=news&last_event_id=$e:1 [Sec-WebSocket-Protocol: push.meta]
b recv "id: $e:2\nchannel: news\n\nm2"
b recv "channel: news\nevent: push.gap\n\n"
b recv "id: $e:4\nchannel: news\n\nm4"


=== large messages come back from the history, piece by piece
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..100ms;
push_history 100;
client_max_body_size 3m;
client_body_buffer_size 3m;
--- with
push_queue 0 0;
--- ws
deadline 30s
a connect@1 /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
redis CLIENT KILL TYPE pubsub
for size in 300000 300000 300000 300000 2500000 10 70000 900000 200000 100 1048000 1 {
http POST /pub?channel=news {x*$size} => 201|202
}
for size in 300000 300000 300000 300000 2500000 10 70000 900000 200000 100 1048000 1 {
a recv {x*$size}
}


=== a message that is too large costs the link once, and is a gap
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..100ms;
push_history 100;
--- ws
deadline 30s
redis FUNCTION LOAD file:conf-examples/push.lua
until redis PUBSUB NUMSUB push:ctl => push:ctl 2
a connect@1 /ws?channel=news [Sec-WebSocket-Protocol: push.meta]
until redis PUBSUB NUMSUB news => news 1
until redis HGET push:cfg c => 100
http POST /pub?channel=news m1 => 201 .offset == 1
let e .epoch
a recv "id: $e:1\nchannel: news\n\nm1"
redis FCALL push_pub 1 news {x*40000000} => ~ 2 1$
http POST /pub?channel=news m3 => 201|202 .offset == 3
a recv "channel: news\nevent: push.gap\n\n"
a recv "id: $e:3\nchannel: news\n\nm3"
until redis PUBSUB NUMSUB news => news 1
http POST /pub?channel=news m4 => 201 .offset == 4
a recv "id: $e:4\nchannel: news\n\nm4"
b connect@2 /ws?channel=news&last_event_id=$e:1 [Sec-WebSocket-Protocol: push.meta]
b recv "channel: news\nevent: push.gap\n\n"
b recv "id: $e:3\nchannel: news\n\nm3"
b recv "id: $e:4\nchannel: news\n\nm4"
until http GET /push => .workers[0].redis[role=cmd].reconnects == 0 && .workers[1].redis[role=cmd].reconnects == 0


=== ten restarts with all its data: each message once and in order
--- redis
appendonly yes
appendfsync always
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..100ms recover=lenient;
push_history 1000;
--- ws
deadline 30s
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
group g a b
for r in 1 2 3 4 5 6 7 8 9 10 {
redis_server restart
repeat 5 {
until http POST /pub?channel=news [Push-Id: $r-$i] m$r-$i => 201|202
}
repeat 5 {
g recv m$r-$i
}
}
until http GET /pub?channel=news => .offset == 50


=== a killed link for commands loses nothing that was answered
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..100ms;
push_history 1000;
--- ws
deadline 20s
a connect@1 /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
repeat 10 {
redis CLIENT KILL TYPE normal SKIPME yes
until http POST /pub?channel=news [Push-Id: $i] m$i => 201
}
repeat 10 {
a recv m$i
}
until http GET /pub?channel=news => .offset == 10


=== out of memory: what is stored is refused and takes no offset, live goes on
--- redis
maxmemory 3mb
maxmemory-policy noeviction
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_history 100 1h stored:*;
--- ws
a connect /ws?channel=stored:1
b connect /ws?channel=plain
until redis PUBSUB NUMSUB stored:1 plain => stored:1 1 plain 1
http POST /pub?channel=stored:1 m1 => 201 .offset == 1
let e .epoch
redis CONFIG SET maxmemory 1
repeat 3 {
http POST /pub?channel=stored:1 lost => 503 [Retry-After ~ \d] .error =~ memory
http POST /pub?channel=stored:1 [Push-Id: x] m2 => 503
http POST /pub?channel=stored:1 [Push-Volatile: 1] v$i => 201
http POST /pub?channel=plain p$i => 201
}
http GET /pub?channel=stored:1 => 200 .offset == 1 && .messages == 1
redis CONFIG SET maxmemory 100mb
http POST /pub?channel=stored:1 [Push-Id: x] m2 => 201 .offset == 2 && .epoch == $e
a recv m1
repeat 3 {
a recv v$i
b recv p$i
}
a recv m2


=== a user with the documented rights is enough
--- redis
user default off
user admin on >admin ~* &* +@all
user push on >s3cret resetchannels ~push:* &news &push:ctl* +@pubsub +evalsha +eval +script|load +hmget +hset +hexists +lrange +lindex +llen +rpush +ltrim +pexpire +get +set +del +time +ping +hello +auth +info +role
login admin admin
--- http_config
push_redis redis://push:s3cret@127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..50ms;
push_history 4 1s;
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
repeat 10 {
http POST /pub?channel=news [Push-Id: $i] m$i => 201 .links == 2 && .offset == $i
redis CLIENT KILL TYPE pubsub
until redis PUBSUB NUMSUB news => news 2
}
until http GET /pub?channel=news => 200 .messages == 0 && .offset == 10
http POST /pub?channel=news m11 => 201 .offset == 11
http DELETE /pub?channel=news => 200
http POST /pub?channel=secret no => 403
redis EXISTS push:h:{secret} push:m:{secret} => 0
group g a b
repeat 11 {
g recv m$i
}
g recv_close 4410
no_log NOPERM.*(?:history|INFO|ROLE)
http GET /push => .workers[0].redis[role=cmd].epochs == server


=== where INFO is refused each lost link counts as another server
--- redis
user default off
user admin on >admin ~* &* +@all
user push on >s3cret ~* &* +@all -info -role
login admin admin
--- http_config
push_redis redis://push:s3cret@127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..100ms;
push_history 100;
--- ws
a connect /ws?channel=news [Sec-WebSocket-Protocol: push.meta]
until redis PUBSUB NUMSUB news => news 1
wait_log \[warn\].*run_id
http POST /pub?channel=news m1 => 201 .offset == 1
let e .epoch
http POST /pub?channel=news m2 => 201 .offset == 2 && .epoch == $e
until http GET /push => .workers[0].redis[role=cmd].epochs == link && .workers[0].redis[role=sub].epochs == null
a recv "id: $e:1\nchannel: news\n\nm1"
a recv "id: $e:2\nchannel: news\n\nm2"
redis CLIENT KILL TYPE pubsub
a recv "channel: news\nevent: push.gap\n\n"
until redis PUBSUB NUMSUB news => news 1
http POST /pub?channel=news m3 => 201 .offset == 3 && .epoch == $e
a recv "id: $e:3\nchannel: news\n\nm3"
log_at_most 2 \[warn\].*run_id


=== where it is told the status says that a server is known from another
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..100ms;
push_history 100;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
http POST /pub?channel=news m1 => 201 .offset == 1
a recv m1
redis CLIENT KILL TYPE pubsub
until redis PUBSUB NUMSUB news => news 1
http POST /pub?channel=news m2 => 201 .offset == 2
a recv m2
http GET /push => .workers[0].redis[role=cmd].epochs == server


=== a replica cannot store, and the status says so
--- redis
replicaof 127.0.0.1 1
replica-serve-stale-data yes
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_history 100 1h stored:*;
--- ws
a connect /ws?channel=plain
until redis PUBSUB NUMSUB plain => plain 1
wait_log \[error\].*replica
until http GET /push => .workers[0].redis[role=cmd].error =~ READONLY
http POST /pub?channel=stored:1 x => 503 .error =~ read-only
http POST /pub?channel=plain x => 201
a recv x
# it becomes a master: nothing has to be done
redis REPLICAOF NO ONE
http POST /pub?channel=stored:1 x => 202 .offset == 1


=== what somebody has spoilt in Redis ends no link and no worker
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..100ms;
push_history 100;
--- ws
deadline 20s
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
http POST /pub?channel=news m1 => 201
a recv m1
# entries that nobody can read, among those that were missed
redis CLIENT KILL TYPE pubsub
http POST /pub?channel=news m2 => 201|202
http POST /pub?channel=news m3 => 201|202
http POST /pub?channel=news m4 => 201|202
redis LSET push:h:{news} 2 garbage
until redis PUBSUB NUMSUB news => news 1
a recv_until m4
# meta of another type, or without sense
redis DEL push:m:{news}
redis SET push:m:{news} x
http POST /pub?channel=news no => 503
http GET /pub?channel=news => 503
redis DEL push:m:{news}
redis HSET push:m:{news} s x e {e*100} pf -1 x y c z t 0
until http POST /pub?channel=news again => 201 .offset == 1
http GET /pub?channel=news => 200 .messages == 1
a recv again
redis DEL push:h:{news}
redis SET push:h:{news} x
http POST /pub?channel=news no => 503
redis DEL push:h:{news}
http POST /pub?channel=news end => 201 .offset == 2
a recv end
http GET /push => .workers[0].redis[role=cmd].state == up


=== the library: publishing from anywhere as the module does
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_history 5 1h room:*;
push_history 100 5m;
--- ws
redis FUNCTION LOAD REPLACE file:conf-examples/push.lua => push
a connect /ws?channel=news
b connect /ws?channel=room:1
until redis PUBSUB NUMSUB news room:1 => news 1 room:1 1
until redis HMGET push:cfg c t p => "100 300000 "
redis FCALL push_pub 1 news hello => ~ ^[0-9a-f]{16} 1 1$
http GET /pub?channel=news => .offset == 1 && .messages == 1
let e .epoch
redis FCALL push_pub 0 news again event greeting type "text/plain; charset=utf-8" ttl 60 => "$e 2 1"
http POST /pub?channel=news third => 201 .offset == 3 && .epoch == $e
redis FCALL push_pub 1 news fourth id order-7 => "$e 4 1"
redis FCALL push_pub 1 news fourth id order-7 => "$e 4 1"
redis FCALL push_pub 1 news other id order-7 => ~ ^\(error\) CONFLICT
http POST /pub?channel=news [Push-Id: order-7] other => 409
redis FCALL push_pub 1 news shout volatile 1 => "- 0 1"
a recv hello
a recv again
a recv third
a recv fourth
a recv shout
redis FCALL push_hist 1 news 4 => ~ ^[0-9a-f]{16} 4  0 4 \xffP1M [0-9a-f]{16} 4 \d+ i=order-7\nfourth$
# the policy of a pattern is known there, too
repeat 20 {
redis FCALL push_pub 1 room:1 m$i => ~ ^[0-9a-f]{16} $i 1$
b recv m$i
}
redis LLEN push:h:{room:1} => <= 6
http GET /pub?channel=room:1 => .offset == 20 && .messages == 5
redis FCALL push_del 1 news => 1 1
a recv_close 4410
redis FCALL push_pub 1 news "new life" => ~ ^(?!$e)[0-9a-f]{16} 1 [01]$
# what the module would refuse
for channel in "" "a b" a,b a{b "a\x01" __x push:ctl {c*256} {
redis FCALL push_pub 1 $channel x => ~ ^\(error\) ERR invalid channel
}
for event in "" push.gap "a\nb" "\xff" "\xc3" "\xed\xa0\x80" {e*129} {
redis FCALL push_pub 1 news x event $event => ~ ^\(error\) ERR invalid event
}
redis FCALL push_pub 1 news x event "gr\xc3\xbc\xc3\x9fe \xe2\x82\xac \xf0\x9f\x98\x80" => ~ 2 [01]$
redis FCALL push_pub 1 news x colour red => ~ ^\(error\)
redis FCALL push_pub 1 news x event => ~ ^\(error\)
redis FCALL push_pub 1 news => ~ ^\(error\) ERR no body


=== the library and the module turn the epoch alike
--- redis
appendonly yes
appendfsync always
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..100ms;
push_history 100;
--- ws
redis FUNCTION LOAD file:conf-examples/push.lua
http@1 POST /pub?channel=news m1 => 202 .offset == 1
let e .epoch
redis_server restart
redis FCALL push_pub 1 news m2 => ~ ^(?!$e)[0-9a-f]{16} 2 [01]$
until http@1 GET /pub?channel=news => 200 .offset == 2
let f .epoch
redis FCALL push_pub 1 news m3 => ~ ^$f 3 [01]$
until http@1 POST /pub?channel=news m4 => 202 .offset == 4 && .epoch == $f


=== prefix= and keys= hold for what is stored
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT/2 prefix=site: keys=app:;
push_history 100;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB site:news => site:news 1
http POST /pub?channel=news [Push-Id: 1] m1 => 201 .offset == 1
a recv m1
redis SELECT 2
redis KEYS * => ~ app:
redis EXISTS app:h:{news} app:m:{news} app:d:{news}:1 app:cfg => 4
redis HGET app:cfg p => site:


=== many publishers at once: each message has its own id, in one order for all
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_history 1000;
--- ws
deadline 20s
a connect@1 /ws?channel=news
b connect@2 /chat?channel=news
until redis PUBSUB NUMSUB news => news 2
repeat 200 {
b send m$i
}
group g a b
g recv_range m 1 200
http GET /pub?channel=news => .offset == 200 && .messages == 200


=== recover= is strict or lenient
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT recover=lenient;
push_history 10;
--- ws
http POST /pub?channel=news m1 => 202 .offset == 1


=== recover= is nothing else
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT recover=maybe;
--- must_die
--- error_log eval
["recover=maybe", "strict"]
