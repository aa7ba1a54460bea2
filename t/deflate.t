# Copyright (C) the ngx_http_push_module authors
#
# permessage-deflate: negotiation, compressed messages both ways, and what a
# client may not do with it: RFC 7692.

use strict;
use warnings;

# how often a message was compressed is told there
BEGIN { $ENV{TEST_NGINX_LOG_LEVEL} ||= 'debug' }

use lib 't/lib';
use TestPush workers => 1;

plan tests => claims();
run_tests();

__DATA__

=== what browsers offer is agreed to, without context from message to message
--- with
push_deflate on;
--- ws
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits] => [Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=15]


=== each parameter is answered as RFC 7692 7.1 has it
--- with
push_deflate on;
--- ws
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate] => [Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover]
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover] => [Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover]
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover] => [Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover]
for n in 8 9 10 11 12 13 14 15 {
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=$n] => [Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=$n]
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=$n] => [Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=$n]
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits="$n"; server_no_context_takeover; server_max_window_bits=$n; client_no_context_takeover] => [Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=$n; client_max_window_bits=$n]
}


=== an offer with an unknown, repeated or invalid parameter is declined
--- with
push_deflate on;
--- ws
for x in server_max_window_bits server_max_window_bits=7 server_max_window_bits=16 server_max_window_bits=08 client_max_window_bits=x server_no_context_takeover=1 client_no_context_takeover=on unknown server_no_context_takeover;server_no_context_takeover client_max_window_bits=9;client_max_window_bits=9 {
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate; $x] => [!Sec-WebSocket-Extensions]
}
a connect /ws?channel=c [Sec-WebSocket-Extensions: x-webkit-deflate-frame] => [!Sec-WebSocket-Extensions]
a connect /ws?channel=c => [!Sec-WebSocket-Extensions]


=== of several offers the first that can be had is agreed to
--- with
push_deflate on;
--- ws
a connect /ws?channel=c [Sec-WebSocket-Extensions: x; y=1, permessage-deflate; server_max_window_bits=99, permessage-deflate; server_max_window_bits=10, permessage-deflate] => [Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10]
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate; a | Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=11] => [Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=11]


=== a header against the grammar fails the handshake (RFC 6455 9.1)
--- with
push_deflate on;
--- ws
a refused 400 /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate;] => .error =~ Sec-WebSocket-Extensions
a refused 400 /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate; a="b] => .error exists
a refused 400 /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate | Sec-WebSocket-Extensions: a/b] => .error exists


=== messages are compressed where it was agreed on, and only there
--- with
push_deflate on;
--- ws
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
b connect /ws?channel=c
http POST /pub?channel=c {hello world *100} => 201 .subscribers == 2
a recv_packed {hello world *100}
b recv_plain {hello world *100}
http POST /pub?channel=c {hello world *20000} => 201
a recv_packed {hello world *20000}
b recv_plain {hello world *20000}
# binary stays binary
http POST /pub?channel=c [Content-Type: application/octet-stream] "{\xff\x00*500}" => 201
a recv_packed "{\xff\x00*500}"
b recv_binary "{\xff\x00*500}"


=== without push_deflate nothing is
--- ws
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
http POST /pub?channel=c {hello world *100} => 201
a recv_plain {hello world *100}


=== a message is compressed once, however many clients there are
--- with
push_deflate on;
--- ws
connect_many p 20 /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
q connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12]
http POST /pub?channel=c {hello world *300} => 201 .subscribers == 21
p recv_packed {hello world *300}
q recv_packed {hello world *300}
log_count 1 push deflate: \d+ bytes to \d+
# a window of 4k is of no use to a short message, and to a long one it is
http POST /pub?channel=c {hello world *3000} => 201 .subscribers == 21
p recv_packed {hello world *3000}
q recv_packed {hello world *3000}
log_count 3 push deflate: \d+ bytes to \d+
log_count 1 push deflate: \d+ bytes to \d+, window 15


=== each dialect has compressed forms of its own
--- with
push_deflate on;
--- ws
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
b connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate | Sec-WebSocket-Protocol: push.meta]
c connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12 | Sec-WebSocket-Protocol: push.meta]
d connect /ws?channel=c [Sec-WebSocket-Protocol: push.meta]
e connect /ws?channel=c
for n in 100 10000 {
http POST /pub?channel=c [Push-Event: tick] {hello world *$n} => 201 .subscribers == 5
a recv_packed {hello world *$n}
b recv_packed "channel: c\nevent: tick\n\n{hello world *$n}"
c recv_packed "channel: c\nevent: tick\n\n{hello world *$n}"
d recv_plain "channel: c\nevent: tick\n\n{hello world *$n}"
e recv_plain {hello world *$n}
}
# 2 for the short one, 3 for the long one
log_count 5 push deflate: \d+ bytes to \d+
# the lines count: 500 bytes of body are enough
http POST /pub?channel=c {x*500} => 201
a recv_plain {x*500}
b recv_packed "channel: c\n\n{x*500}"
c recv_packed "channel: c\n\n{x*500}"
d recv_plain "channel: c\n\n{x*500}"
e recv_plain {x*500}


=== a notice is never compressed
--- config
location /ws  { push_channel $arg_channel; push_deflate on min=0; }
location /pub { push_publish $arg_channel; }
--- ws
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate | Sec-WebSocket-Protocol: push.meta]
b connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
http DELETE /pub?channel=c => 200
a recv_plain "channel: c\nevent: push.deleted\n\n"
a recv_close 4410
b recv_close 4410


=== no window is larger than what the client takes
--- with
push_deflate on;
--- ws
# one that we cannot make, or that nobody shares: not compressed
for n in 8 9 10 11 {
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=$n]
http POST /pub?channel=c {hello world *100} => 201
a recv_plain {hello world *100}
a zip {hello *100}
a ping x
a recv_pong x
}
for n in 12 13 14 15 {
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=$n]
http POST /pub?channel=c {hello world *100} => 201
a recv_packed {hello world *100}
# the client would not find what is 30000 bytes ago
http POST /pub?channel=c 0123456789abcdefghijklmnopqrstuvwxyz{.*30000}0123456789abcdefghijklmnopqrstuvwxyz{.*30000} => 201
a recv_packed 0123456789abcdefghijklmnopqrstuvwxyz{.*30000}0123456789abcdefghijklmnopqrstuvwxyz{.*30000}
}


=== short messages, and those that get no smaller, go out as they are
--- with
push_deflate on;
--- ws
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
b connect /ws?channel=c
http POST /pub?channel=c {x*511} => 201
a recv_plain {x*511}
http POST /pub?channel=c {x*512} => 201
a recv_packed {x*512}
http POST /pub?channel=c "" => 201
a recv_plain ""
b recv {x*511}
b recv {x*512}
b recv ""
# more than half a megabyte would hold the others
http POST /pub?channel=c {x*524288} => 201
a recv_packed {x*524288}
http POST /pub?channel=c {x*524289} => 201
a recv_plain {x*524289}
b recv {x*524288}
b recv {x*524289}


=== min= says which are short
--- config
location /ws   { push_channel $arg_channel; push_deflate on level=9 min=0; }
location /more { push_channel $arg_channel; push_deflate on min=2k; }
location /pub  { push_publish $arg_channel; }
--- ws
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
b connect /more?channel=d [Sec-WebSocket-Extensions: permessage-deflate]
http POST /pub?channel=c aaaaaaaaaaaaaa => 201
a recv_packed aaaaaaaaaaaaaa
# no smaller when compressed
http POST /pub?channel=c a => 201
http POST /pub?channel=c ab => 201
http POST /pub?channel=c 0a1b2c3d4e5f6g7h => 201
a recv_plain a
a recv_plain ab
a recv_plain 0a1b2c3d4e5f6g7h
http POST /pub?channel=d {x*2047} => 201
http POST /pub?channel=d {x*2048} => 201
b recv_plain {x*2047}
b recv_packed {x*2048}


=== what a client sends compressed is published as it was
--- with
push_deflate on;
--- ws
b connect /ws?channel=c
a connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
a zip hello
a recv_plain hello
b recv hello
a zip {hello world *2000}
a recv_packed {hello world *2000}
b recv {hello world *2000}
a zip op=2 "{\xff\x00*500}"
a recv_packed "{\xff\x00*500}"
b recv_binary "{\xff\x00*500}"
# uncompressed messages are as good
a send plain
a recv plain
b recv plain
a zip ""
a recv ""
b recv ""


=== RFC 7692 7.2.3: blocks of all kinds are understood
--- with
push_deflate on;
--- ws
a connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
for x in f248cdc9c90700 000500faff48656c6c6f00 f348cdc9c9070000 f24805000000ffffcac9c90700 {
a frame op=1 rsv=4 hex:$x
a recv Hello
}
a frame op=1 rsv=4 hex:00
a recv ""


=== compressed messages may come in fragments, with control frames in between
--- with
push_deflate on;
--- ws
a connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
a frame op=1 rsv=4 fin=0 hex:f248cd
a ping one
a recv_pong one
a frame op=0 fin=0 ""
a pong unasked
a frame op=0 fin=1 hex:c9c90700
a recv Hello
a zip parts=7 {hello world *500}
a recv {hello world *500}
a drip zip {hello *100} >> ping x >> zip op=2 parts=3 {hello *100} >> text plain
a recv {hello *100}
a recv_pong x
a recv_binary "{hello *100}"
a recv plain
for n in 2 3 5 7 100 {
a pieces $n zip parts=$n {hello $n *300} >> ping $n
a recv {hello $n *300}
a recv_pong $n
}


=== no client needs the messages before to read one
--- with
push_deflate on;
--- ws
a connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
b connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
repeat 5 {
http POST /pub?channel=c {the same *100} => 201
b recv_packed {the same *100}
a recv_packed {the same *100}
}
# what refers to the message before is refused
a frame op=1 rsv=4 hex:f248cdc9c90700
a recv Hello
b recv Hello
a frame op=1 rsv=4 hex:f200110000
a recv_close 1007


=== RSV1 may only stand at the beginning of a message
--- with
push_deflate on;
--- ws
a connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
a frame op=1 rsv=4 fin=0 hex:f248cd
a frame op=0 rsv=4 fin=1 hex:c9c90700
a recv_close 1002
b connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
b frame op=9 rsv=4 x
b recv_close 1002
c connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
c frame op=8 rsv=4 ""
c recv_close 1002
d connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
d frame op=1 fin=0 a
d frame op=0 rsv=4 b
d recv_close 1002
for rsv in 1 2 3 5 6 7 {
e connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
e frame op=1 rsv=$rsv hex:f248cdc9c90700
e recv_close 1002
}


=== without an agreement RSV1 is a protocol error
--- with
push_deflate on;
--- ws
a connect /chat?channel=c
a zip hello
a recv_close 1002
b connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate; unknown]
b zip hello
b recv_close 1002


=== invalid compressed data closes with 1007
--- with
push_deflate on;
--- ws
for x in 06 ffffffff f248cdc9 000500fafe48 {
a connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
a frame op=1 rsv=4 hex:$x
a recv_close 1007
# also of somebody whom nobody listens to
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
a frame op=1 rsv=4 fin=0 ""
a frame op=0 hex:$x
a recv_close 1007
}
wait_log push client sent invalid frame: compressed data is invalid


=== UTF-8 is checked in what was inflated
--- with
push_deflate on;
--- ws
a connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
a zip "gr\xc3\xbc\xc3\x9fe \xe2\x82\xac"
a recv "gr\xc3\xbc\xc3\x9fe \xe2\x82\xac"
a zip parts=5 "{\xe2\x82\xac*500}"
a recv "{\xe2\x82\xac*500}"
a zip op=2 "\xe2\x82"
a recv_binary e282
a zip "\xe2\x82"
a recv_close 1007
b connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
b zip "{x*20000}\xff{x*20000}"
b recv_close 1007


=== push_max_message_size bounds what is inflated
--- with
push_deflate on;
push_max_message_size 1000;
--- ws
a connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
a zip {x*1000}
a recv {x*1000}
a zip parts=3 {x*1000}
a recv {x*1000}
a zip {x*1001}
a recv_close 1009
b connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
b send {x*1001}
b recv_close 1009
# what is so large on the wire cannot be so small when it is inflated
c connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
c frame op=1 rsv=4 len=2275 form=16 ""
c recv_close 1009


=== without a limit there is none
--- with
push_deflate on;
push_max_message_size off;
--- ws
a connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
a zip {hello world *250000}
a recv_plain {hello world *250000}


=== a bomb costs the worker nothing
--- with
push_deflate on;
--- ws
deadline 30s
b connect /ws?channel=c
# once, so that what a worker keeps for all of its clients is there
a connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
a bomb 50
a recv_close 1009
let most worker_rss + 300
repeat 20 {
a connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
a bomb 50
a recv_close 1009
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
a bomb 50
a recv_close 1009
}
# 1 GB in 1 MB
a connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
a auto_close off
a bomb 1024
a recv_close 1009
a abort
http POST /pub?channel=c alive => 201
b recv alive
wait worker_rss <= $most


=== nor does one that may be as large as that
--- with
push_deflate on;
push_max_message_size 2m;
--- ws
deadline 30s
a connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
a bomb 1024
a recv_close 1009
let most worker_rss + 6000
repeat 5 {
a connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
a bomb 1024
a recv_close 1009
}
wait worker_rss <= $most


=== a client that stops within a compressed message holds what it has sent
--- http_config
access_log off;
--- with
push_deflate on;
--- ws
deadline 30s
connect_many q 1 /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate] >> zip {hello *100}
q recv {hello *100}
q ignore
connect_many p 200 /chat?channel=d [Sec-WebSocket-Extensions: permessage-deflate]
let most worker_rss + 800
p frame op=1 fin=0 rsv=4 hex:f248cd
p ping x
p recv_pong x
wait worker_rss <= $most
p frame op=0 fin=0 hex:c9c907
p ping x
p recv_pong x
p leave
until http GET /push => .totals.connections == 1
wait worker_rss <= $most


=== many small bombs leave their turns to others
--- with
push_deflate on;
--- ws
deadline 30s
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
b connect /ws?channel=d
repeat 50 {
a packet zip {x*60000} >> zip {x*60000} >> zip {x*60000} >> zip {x*60000} >> zip {x*60000} >> zip {x*60000} >> zip {x*60000} >> zip {x*60000} >> zip {x*60000} >> zip {x*60000}
}
b ping x
b recv_pong x
a ping after
a recv_pong after


=== a slow client's queue counts what is on the wire
--- with
push_deflate on;
push_queue 2000 200k;
--- ws
deadline 30s
a connect /ws?channel=c rcvbuf=4096 [Sec-WebSocket-Extensions: permessage-deflate]
a stop_reading
repeat 100 {
http POST /pub?channel=c {hello world *30000} => 201
}
http GET /push => .totals.connections == 1 && .totals.dropped == 0
a resume
repeat 100 {
a recv_packed {hello world *30000}
}


=== variables tell the same as without it
--- http_config
log_format push '$push_channel $push_transport $push_protocol in=$push_messages_received out=$push_messages_sent code=$push_close_code';
access_log logs/access.log push;
--- with
push_deflate on;
--- ws
a connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
a zip {x*1000}
a zip parts=2 {y*1000}
a recv_packed {x*1000}
a recv_packed {y*1000}
a close 1000
a recv_close 1000
wait_access ^c websocket raw in=2 out=2 code=1000$
b connect /chat?channel=c [Sec-WebSocket-Extensions: permessage-deflate]
b zip {x*70000}
b recv_close 1009
b recv_eof
wait_access ^c websocket raw in=0 out=0 code=1009$


=== it is inherited, and may be switched off within
--- http_config
push_deflate on min=100;
--- config
location /ws  { push_channel $arg_channel; }
location /off { push_channel $arg_channel; push_deflate off; }
location /def { push_channel $arg_channel; push_deflate on; }
location /pub { push_publish $arg_channel; }
--- ws
a connect /ws?channel=c [Sec-WebSocket-Extensions: permessage-deflate] => [Sec-WebSocket-Extensions ~ ^permessage-deflate]
b connect /off?channel=c [Sec-WebSocket-Extensions: permessage-deflate] => [!Sec-WebSocket-Extensions]
d connect /def?channel=d [Sec-WebSocket-Extensions: permessage-deflate]
http POST /pub?channel=c {x*100} => 201
a recv_packed {x*100}
b recv_plain {x*100}
http POST /pub?channel=d {x*100} => 201
d recv_plain {x*100}


=== push_deflate wants on or off
--- config
push_deflate yes;
--- must_die
--- error_log eval
["push_deflate", "\"on\" or \"off\" expected"]


=== push_deflate's level is 1 to 9
--- config
push_deflate on level=0;
--- must_die
--- error_log eval
["push_deflate", "invalid level \"0\""]


=== ... and a number
--- config
push_deflate on min=1k level=best;
--- must_die
--- error_log eval
["push_deflate", "invalid level \"best\""]


=== push_deflate's min is a size
--- config
push_deflate on min=some;
--- must_die
--- error_log eval
["push_deflate", "invalid size \"some\""]


=== push_deflate has no other parameters
--- config
push_deflate on window=15;
--- must_die
--- error_log eval
["push_deflate", "invalid parameter \"window=15\""]


=== push_deflate stands once
--- config
push_deflate on;
push_deflate off;
--- must_die
--- error_log
"push_deflate" directive is duplicate
