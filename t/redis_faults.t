# Copyright (C) the ngx_http_push_module authors
#
# Redis here is a server of the test's own that turns to nonsense.  Whatever
# it says: no worker dies, no other client notices, and when it speaks sense
# again everything goes on.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

plan tests => claims();
run_tests();

__DATA__

=== a Redis that behaves is good enough
--- fake_redis
--- http_config
push_redis redis://127.0.0.1:$TEST_FAKE_PORT;
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
fake_seen ^SUBSCRIBE.*news
fake reaches a news
b ignore
http POST /pub?channel=news again => 201
a recv_until again
b recv_until again


=== nonsense on the subscribing link: the link is made anew and goes on
--- fake_redis
--- http_config
push_redis redis://127.0.0.1:$TEST_FAKE_PORT reconnect=20ms..50ms timeout=1s probe=1s;
--- ws
deadline 20s
a connect@1 /ws?channel=news
for what in "hello\r\n" "\r\n" "\x00\x00\x00\x00" "*x\r\n" "$x\r\n" "*-5\r\n" "$-5\r\n" "%2\r\n" "_\r\n" "*3\r\n+message\r\n+x\r\n" {
fake reaches a news
fake say all $what
fake say all $what
fake reaches a news
}


=== replies that are well formed and make no sense
--- fake_redis
--- http_config
push_redis redis://127.0.0.1:$TEST_FAKE_PORT reconnect=20ms..50ms timeout=1s probe=1s;
--- ws
deadline 20s
a connect@1 /ws?channel=news
for what in "+OK\r\n" ":1\r\n" "$-1\r\n" "*-1\r\n" "*0\r\n" "$0\r\n\r\n" "-ERR\r\n" "*1\r\n$7\r\nmessage\r\n" "*3\r\n$7\r\nmessage\r\n:1\r\n:2\r\n" "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n*1\r\n:1\r\n" "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$-1\r\n" "*3\r\n$7\r\nmessage\r\n$5\r\nother\r\n$1\r\nx\r\n" "*3\r\n$9\r\nsubscribe\r\n$5\r\nother\r\n:99\r\n" "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n" "*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$4\r\nnews\r\n$1\r\nx\r\n" "*3\r\n*0\r\n*0\r\n*0\r\n" "*3\r\n$1000\r\n{m*1000}\r\n$1\r\nx\r\n$1\r\ny\r\n" {
fake reaches a news
fake say all $what
fake reaches a news
}


=== a reply that claims to be huge costs no memory and holds nobody up
--- fake_redis
--- http_config
push_redis redis://127.0.0.1:$TEST_FAKE_PORT reconnect=20ms..50ms timeout=1s probe=1s;
--- ws
deadline 30s
a connect@1 /ws?channel=news
for what in *500000000 *2147483648 *99999999999999999999 $500000000 $2147483647 $9223372036854775807 $99999999999999999999 {
fake reaches a news
fake say all "$what\r\n"
fake reaches a news
}
wait worker_rss < 100000


=== arrays in arrays in arrays
--- fake_redis
--- http_config
push_redis redis://127.0.0.1:$TEST_FAKE_PORT reconnect=20ms..50ms timeout=1s probe=1s;
--- ws
deadline 20s
a connect@1 /ws?channel=news
fake reaches a news
fake say all "{*1\r\n*1000}"
fake reaches a news


=== a line that never ends is cut, and so is a link that brings it
--- fake_redis
--- http_config
push_redis redis://127.0.0.1:$TEST_FAKE_PORT reconnect=20ms..50ms timeout=1s probe=1s;
--- ws
deadline 20s
a connect@1 /ws?channel=news
fake reaches a news
fake say all "+{x*60000000}"
fake reaches a news
wait worker_rss < 200000


=== half replies for ever
--- fake_redis
--- http_config
push_redis redis://127.0.0.1:$TEST_FAKE_PORT reconnect=20ms..50ms timeout=1s probe=1s;
--- ws
deadline 20s
a connect@1 /ws?channel=news
fake reaches a news
fake reply PUBLISH "$100\r\nhalf"
http POST /pub?channel=news lost => .error exists
fake reply PUBLISH
fake reaches a news
until http POST /pub?channel=news again => 201
a recv_until again
a ignore


=== a Redis that does not know what it was just given is not asked for ever
--- fake_redis
--- http_config
push_redis redis://127.0.0.1:$TEST_FAKE_PORT;
push_history 10;
--- ws
fake reply EVALSHA "-NOSCRIPT No matching script\r\n"
fake reply EVAL "-NOSCRIPT No matching script\r\n"
until http GET /push?ready => 200
clock t
http POST /pub?channel=news m1 => 503 .error exists
http GET /pub?channel=news => 503 .error exists
http DELETE /pub?channel=news => 503 .error exists
elapsed t < 5s


=== a Redis that takes connections and says nothing
--- fake_redis
silent
--- http_config
push_redis redis://127.0.0.1:$TEST_FAKE_PORT reconnect=20ms..100ms timeout=1s connect_timeout=1s probe=1s;
--- ws
deadline 20s
a connect@1 /ws?channel=news
clock t
http POST /pub?channel=news lost => 503 .error exists
elapsed t < 5s
wait fake_accepted >= 6
fake silent off
fake reaches a news


=== a Redis that closes every connection at once is not asked too often
--- fake_redis
--- http_config
push_redis redis://127.0.0.1:$TEST_FAKE_PORT reconnect=100ms..200ms timeout=1s;
--- ws
a connect@1 /ws?channel=news
fake reaches a news
fake slam
fake drop all
a recv_none 2s
wait fake_accepted < 100


=== a Redis that answers every command by an error
--- fake_redis
--- http_config
push_redis redis://127.0.0.1:$TEST_FAKE_PORT reconnect=20ms..50ms timeout=1s probe=1s;
--- ws
deadline 20s
a connect@1 /ws?channel=news
for what in "-ERR no\r\n" "-LOADING Redis is loading\r\n" "-NOAUTH Authentication required.\r\n" "-MOVED 1 127.0.0.1:1\r\n" "-{x*3000}\r\n" "-\r\n" {
fake reaches a news
fake reply * $what
fake drop all
http POST /pub?channel=news lost => .error exists
fake reply *
fake drop all
fake reaches a news
}


=== PUBLISH is answered by something else than a number
--- fake_redis
--- http_config
push_redis redis://127.0.0.1:$TEST_FAKE_PORT reconnect=20ms..50ms timeout=1s probe=1s;
--- ws
deadline 20s
a connect@1 /ws?channel=news
for what in "+OK\r\n" "*0\r\n" "$3\r\nabc\r\n" ":-1\r\n" ":99999999999999999999\r\n" "$-1\r\n" "*2\r\n:1\r\n:2\r\n" {
fake reaches a news
fake reply PUBLISH $what
http POST /pub?channel=news lost => ~ \{
fake reply PUBLISH
fake reaches a news
}


=== more answers than questions
--- fake_redis
--- http_config
push_redis redis://127.0.0.1:$TEST_FAKE_PORT reconnect=20ms..50ms timeout=1s probe=1s;
--- ws
deadline 20s
a connect@1 /ws?channel=news
fake reaches a news
fake reply PUBLISH ":1\r\n:1\r\n:1\r\n"
http POST /pub?channel=news x => ~ \{
fake reply PUBLISH
until http POST /pub?channel=news again => 201
fake reaches a news


=== SUBSCRIBE is never answered, or by nonsense
--- fake_redis
--- http_config
push_redis redis://127.0.0.1:$TEST_FAKE_PORT reconnect=20ms..50ms timeout=1s probe=1s;
--- ws
deadline 20s
for what in "" "+OK\r\n" ":1\r\n" {
fake reply SUBSCRIBE $what
fake drop all
a connect@1 /ws?channel=news
a recv_none 300ms
fake reply SUBSCRIBE
fake reaches a news
a forget
}


=== SUBSCRIBE is answered by an error
--- fake_redis
--- http_config
push_redis redis://127.0.0.1:$TEST_FAKE_PORT reconnect=20ms..50ms timeout=1s probe=1s;
--- ws
deadline 20s
fake reply SUBSCRIBE "-ERR no\r\n"
fake drop all
a connect@1 /ws?channel=news
a recv_none 300ms
fake reply SUBSCRIBE
fake drop all
fake reaches a news


=== answers one byte at a time
--- fake_redis
--- http_config
push_redis redis://127.0.0.1:$TEST_FAKE_PORT;
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
fake reaches a news
fake reaches b news
fake drip sub "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nslow!\r\n"
a recv_until slow!
b recv_until slow!
fake drip sub "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$4\r\n\r\n\r\n\r\n"
a recv "\r\n\r\n"
b recv "\r\n\r\n"


=== many messages in one packet, and one in many
--- fake_redis
--- http_config
push_redis redis://127.0.0.1:$TEST_FAKE_PORT;
--- with
push_queue 0 0;
--- ws
deadline 20s
a connect@1 /ws?channel=news
fake reaches a news
fake say sub "{*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\nx\r\n*5000}"
repeat 5000 {
a recv x
}
fake publish news {y*2000000}
a recv {y*2000000}


=== the link goes while publishers wait: each of them gets an answer
--- fake_redis
--- http_config
push_redis redis://127.0.0.1:$TEST_FAKE_PORT reconnect=20ms..50ms timeout=2s;
--- ws
deadline 10s
a connect@1 /ws?channel=news
fake reaches a news
fake reply PUBLISH ""
p open
p write "POST /pub?channel=news HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1"
q open
q write "POST /pub?channel=news HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n2"
fake_seen PUBLISH news
fake drop all
p answer .error exists
q answer .error exists
# and a publisher that goes first is not missed
r open
r write "POST /pub?channel=news HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n3"
r abort
fake reply PUBLISH
fake reaches a news


=== a client that goes while its channel is being subscribed
--- fake_redis
--- http_config
push_redis redis://127.0.0.1:$TEST_FAKE_PORT;
--- ws
b connect@1 /ws?channel=other
fake reaches b other
fake pause
repeat 20 {
a connect@1 /ws?channel=c$i
a abort
}
until http GET /push => .totals.connections == 1
fake cont
fake reaches b other
