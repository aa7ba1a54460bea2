# Copyright (C) the ngx_http_push_module authors
#
# Publishing over HTTP.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

plan tests => claims();
run_tests();

__DATA__

=== POST tells each subscriber, and the publisher how many there are
--- ws
a connect /ws?channel=news
b connect@1 /ws?channel=news
c connect@2 /ws?channel=news
d connect /ws?channel=other
http POST /pub?channel=news hello => 201 [Content-Type: application/json] .channel == news && .subscribers == 3 && .links absent
a recv hello
b recv hello
c recv hello
http@1 POST /pub?channel=news one => 201 .subscribers == 3
http@2 POST /pub?channel=news two => 201 .subscribers == 3
group all a b c
all recv_any_order one two
d recv_none 100ms


=== without history there is neither epoch nor offset
--- ws
a connect /ws?channel=news
http POST /pub?channel=news hello => 201 .epoch absent && .offset absent
a recv hello


=== 202 where nobody listens
--- ws
http POST /pub?channel=news hello => 202 .channel == news && .subscribers == 0
a connect /ws?channel=news
http POST /pub?channel=news again => 201 .subscribers == 1
a recv again
a leave
until http POST /pub?channel=news gone => 202 .subscribers == 0


=== PUT publishes as POST does
--- ws
a connect /ws?channel=news
http PUT /pub?channel=news hello => 201 .subscribers == 1
a recv hello
http PUT /pub?channel=other hello => 202 .subscribers == 0


=== GET tells of the channel and publishes nothing
--- ws
http GET /pub?channel=news => 200 [Content-Type: application/json] .channel == news && .subscribers == 0
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
http GET /pub?channel=news => 200 .channel == news && .subscribers == 2
a recv_none 100ms
b leave
until http GET /pub?channel=news => 200 .subscribers == 1


=== DELETE ends the channel's life: who has no other channel is sent away
--- config
location /ws   { push_channel $arg_channel split=,; }
location /pub  { push_publish $arg_channel; }
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
c connect /ws?channel=news,sport
http POST /pub?channel=news last => 201 .subscribers == 3
http DELETE /pub?channel=news => 200 [Content-Type: application/json] .channel == news
a recv last
a recv_close 4410
a recv_eof
b recv last
b recv_close 4410
b recv_eof
c recv last
until http GET /pub?channel=news => 200 .subscribers == 0
http POST /pub?channel=sport on => 201 .subscribers == 1
c recv on
# its name may be used again at once
d connect /ws?channel=news
http POST /pub?channel=news new => 201 .subscribers == 1
d recv new
c recv_none 100ms


=== DELETE of a channel that nobody knows is answered by 404
--- ws
http DELETE /pub?channel=news => 404 [Content-Type: application/json] .error exists


=== several channels are answered by an array, the worst status first of all
--- config
location /ws    { push_channel $arg_channel split=,; }
location /pub   { push_publish $arg_channel split=,; }
location /fixed { push_publish news sport; }
--- ws
a connect /ws?channel=news
b connect /ws?channel=sport
http POST /pub?channel=news,sport hello => 201 .# == 2 && [channel=news].subscribers == 1 && [channel=news].status == 201 && [channel=sport].status == 201
a recv hello
b recv hello
http POST /fixed fixed => 201 .# == 2 && [0].channel == news && [1].channel == sport
a recv fixed
b recv fixed
http POST /pub?channel=news,nobody mixed => 202 .# == 2 && [channel=news].status == 201 && [channel=nobody].status == 202
a recv mixed
http GET /pub?channel=news,sport => 200 .# == 2 && [channel=sport].subscribers == 1
http DELETE /pub?channel=news,unknown => 404 .# == 2 && [channel=news].status == 200 && [channel=unknown].status == 404
a recv_close 4410
# one channel is no array
http POST /pub?channel=sport hello => 201 .channel == sport
b recv hello


=== other methods are answered by 405 with Allow
--- ws
for m in PATCH PROPFIND MKCOL {
http $m /pub?channel=news => 405 [Allow ~ \bGET\b.*\bPOST\b | Content-Type: application/json] .error exists
}


=== text travels as text, what is not UTF-8 as binary
--- ws
a connect /ws?channel=news
http POST /pub?channel=news [Content-Type: text/plain] "gr\xc3\xbcn" => 201
a recv "gr\xc3\xbcn"
http POST /pub?channel=news [Content-Type: application/json] {"a":1} => 201
a recv {"a":1}
http POST /pub?channel=news [Content-Type: application/octet-stream] "as text" => 201
a recv as text
http POST /pub?channel=news [Content-Type: application/octet-stream] hex:00ff10 => 201
a recv_binary 00ff10
http POST /pub?channel=news [Content-Type: image/png] hex:89504e470d0a => 201
a recv_binary 89504e470d0a
# without a type
http POST /pub?channel=news hello => 201
a recv hello
http POST /pub?channel=news hex:fffe => 201
a recv_binary fffe


=== text and JSON must be UTF-8
--- ws
a connect /ws?channel=news
http POST /pub?channel=news [Content-Type: text/plain] hex:fffe => 400 [Content-Type: application/json] .error exists
http POST /pub?channel=news [Content-Type: text/html; charset=utf-8] hex:c328 => 400 .error exists
http POST /pub?channel=news [Content-Type: TEXT/PLAIN] hex:ff => 400 .error exists
http POST /pub?channel=news [Content-Type: application/json] hex:22ff22 => 400 .error exists
http POST /pub?channel=news [Content-Type: application/json; charset=utf-8] hex:22ff22 => 400 .error exists
http POST /pub?channel=news [Content-Type: text/plain] ok => 201
a recv ok


=== an empty body is an empty message
--- ws
a connect /ws?channel=news
http POST /pub?channel=news => 201
a recv ""


=== bodies of every size arrive whole, wherever nginx keeps them
--- with
client_body_buffer_size 1k;
--- ws
a connect /ws?channel=news
for n in 1 125 126 127 1000 1024 1025 65535 65536 300000 {
http POST /pub?channel=news {x*$n} => 201
a recv {x*$n}
}
# in a file, and binary
http POST /pub?channel=news "\xff{y*100000}" => 201
a recv_binary "\xff{y*100000}"


=== a chunked body is a body
--- ws
a connect /ws?channel=news
p open
p write "POST /pub?channel=news HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
p write "6\r\n world\r\n0\r\n\r\n"
p answer 201
a recv hello world


=== a body that is cut off publishes nothing
--- ws
a connect /ws?channel=news
p open
p write "POST /pub?channel=news HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"
p leave
http POST /pub?channel=news marker => 201
a recv marker


=== publishers may keep their connection
--- ws
a connect /ws?channel=news
p open
for i in 1 2 3 4 5 {
p write "POST /pub?channel=news HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nm$i"
p answer 201
a recv m$i
}
# and send the next request before the answer
p write "POST /pub?channel=news HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nm6POST /pub?channel=news HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nm7"
p answer 201
p answer 201
a recv m6
a recv m7


=== a body beyond client_max_body_size is answered by 413
--- config
location /ws   { push_channel $arg_channel; }
location /pub  { push_publish $arg_channel; client_max_body_size 1k; }
--- ws
a connect /ws?channel=news
http POST /pub?channel=news {x*1025} => 413
http POST /pub?channel=news {x*1024} => 201
a recv {x*1024}
p open
p write "POST /pub?channel=news HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n800\r\n{x*2048}\r\n0\r\n\r\n"
p answer 413


=== a message that the zone cannot hold is answered by 413
--- http_config
push_zone zone=push:4m;
--- ws
a connect /ws?channel=news
http POST /pub?channel=news {x*2000000} => 413 [Content-Type: application/json] .error exists
http POST /pub?channel=news {x*100000} => 201
a recv {x*100000}


=== an encoded body is answered by 415
--- ws
http POST /pub?channel=news [Content-Encoding: gzip] hex:1f8b08 => 415 [Content-Type: application/json] .error exists
http POST /pub?channel=news [Content-Encoding: identity] hello => 202


=== bad headers are answered by 400
--- ws
a connect /ws?channel=news
http POST /pub?channel=news [Push-Event: push.gap] hello => 400 .error exists
http POST /pub?channel=news [Push-Event: {e*129}] hello => 400 .error exists
http POST /pub?channel=news [Content-Type: text/{e*124}] hello => 400 .error exists
for ttl in 0 -1 1.5 1h x 315360001 99999999999999999999 {
http POST /pub?channel=news [Push-TTL: $ttl] hello => 400 .error =~ Push-TTL
}
http POST /pub?channel=news [Push-TTL: ] hello => 400 .error =~ Push-TTL
http POST /pub?channel=news [Push-Id: ] hello => 400 .error =~ Push-Id
http POST /pub?channel=news [Push-Id: {e*129}] hello => 400 .error =~ Push-Id
http POST /pub?channel=news [Push-Id: a | Push-Id: b] hello => 400 .error =~ twice
http POST /pub?channel=news [Push-Ack: 1s] hello => 400 .error =~ Push-Ack
a recv_none 100ms
http POST /pub?channel=news [Push-TTL: 315360000] hello => 201
a recv hello
http POST /pub?channel=news [Push-Id: {e*128}] hello => 201
a recv hello
http POST /pub?channel=news [Push-Event: {e*128}] hello => 201
a recv hello
http POST /pub?channel=news [Content-Type: text/{e*123}] hello => 201
a recv hello


=== Push-User sends to a user instead of the location's channels
--- config
location /ws   { push_channel $arg_channel; }
location /me   { push_channel @$arg_user; }
location /pub  { push_publish $arg_channel; }
--- ws
a connect /me?user=alice
b connect /ws?channel=news
http POST /pub?channel=news [Push-User: alice] hello => 201 .channel == @alice && .subscribers == 1
a recv hello
b recv_none 100ms
http POST /pub?channel=news [Push-User: al ice] hello => 400 .error exists


=== Push-Except spares one connection
--- config
location /ws   { push_channel $arg_channel; add_header X-Id $push_connection always; }
location /pub  { push_publish $arg_channel; }
--- ws
a connect /ws?channel=news
let id X-Id:
b connect@1 /ws?channel=news
c connect@2 /ws?channel=news
http POST /pub?channel=news [Push-Except: $id] hello => 201
b recv hello
c recv hello
http POST /pub?channel=news marker => 201
a recv marker
b recv marker
c recv marker


=== Push-Except with the id of nobody spares nobody
--- config
location /ws   { push_channel $arg_channel; add_header X-Id $push_connection always; }
location /pub  { push_publish $arg_channel; }
--- ws
a connect /ws?channel=news
b connect /ws?channel=news
for id in 0000000000000000 0000000000000001 ffffffffffffffff FFFFFFFFFFFFFFFF {
http POST /pub?channel=news [Push-Except: $id] hello-$id => 201
a recv hello-$id
b recv hello-$id
}


=== answers are not to be stored and not to be sniffed
--- ws
for m in GET POST PUT DELETE PATCH {
http $m /pub?channel=news => [Cache-Control: no-store | X-Content-Type-Options: nosniff | Content-Type: application/json]
}


=== one channel has one order for all
--- ws
connect_many p 6 /ws?channel=news
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
group all p1 p2 p3 p4 p5 p6 a b
repeat 20 {
http@1 POST /pub?channel=news a$i => 201 .subscribers == 8
http@2 POST /pub?channel=news b$i => 201 .subscribers == 8
}
repeat 20 {
all recv a$i
all recv b$i
}


=== a publisher that asks for the subscribers right away sees them all
--- ws
connect_many p 40 /ws?channel=news
http GET /pub?channel=news => .subscribers == 40
http@1 POST /pub?channel=news one => .subscribers == 40
http@2 POST /pub?channel=news two => .subscribers == 40
p recv_any_order one two
p leave
until http@1 GET /pub?channel=news => 200 .subscribers == 0
http@2 GET /pub?channel=news => 200 .subscribers == 0


=== access rules of the location hold for publishers
--- config
location /ws   { push_channel $arg_channel; }
location /pub  { push_publish $arg_channel; limit_except GET { deny all; } }
location /deny { push_publish $arg_channel; deny all; }
--- ws
a connect /ws?channel=news
http GET /pub?channel=news => 200 .subscribers == 1
http POST /pub?channel=news no => 403
http POST /deny?channel=news no => 403
a recv_none 100ms


=== more at once than the zone holds reaches all whose workers keep up
--- http_config
push_zone zone=push:1m;
push_queue 0 0;
--- config
location /ws   { push_channel $arg_channel split=,; }
location /pub  { push_publish $arg_channel split=,; }
location /push { push_status json names; }
--- ws
a connect@1 /ws?channel=c1,c2,c3,c4,c5,c6,c7,c8,c9,c10,c11,c12,c13,c14,c15,c16,c17,c18,c19,c20,c21,c22,c23,c24,c25,c26,c27,c28,c29,c30,c31,c32,c33,c34,c35,c36,c37,c38,c39,c40
b connect@2 /ws?channel=c1,c2,c3,c4,c5,c6,c7,c8,c9,c10,c11,c12,c13,c14,c15,c16,c17,c18,c19,c20,c21,c22,c23,c24,c25,c26,c27,c28,c29,c30,c31,c32,c33,c34,c35,c36,c37,c38,c39,c40
group g a b
repeat 5 {
http POST /pub?channel=c1,c2,c3,c4,c5,c6,c7,c8,c9,c10,c11,c12,c13,c14,c15,c16,c17,c18,c19,c20,c21,c22,c23,c24,c25,c26,c27,c28,c29,c30,c31,c32,c33,c34,c35,c36,c37,c38,c39,c40 {x*20000} => 201
http POST /pub?channel=c7 $i => 201
repeat 40 {
g recv {x*20000}
}
g recv $i
}
no_log fell behind


=== a worker that is stopped makes nobody wait but once
--- http_config
push_zone zone=push:1m;
push_queue 0 0;
--- config
location /ws   { push_channel $arg_channel split=,; push_client_publish on; }
location /push { push_status json names; }
--- ws
deadline 10s
a connect@1 /ws?channel=c1,c2,c3,c4,c5,c6,c7,c8,c9,c10,c11,c12,c13,c14,c15,c16,c17,c18,c19,c20,c21,c22,c23,c24,c25,c26,c27,c28,c29,c30,c31,c32,c33,c34,c35,c36,c37,c38,c39,c40
b connect@2 /ws?channel=c1,c2,c3,c4,c5,c6,c7,c8,c9,c10,c11,c12,c13,c14,c15,c16,c17,c18,c19,c20,c21,c22,c23,c24,c25,c26,c27,c28,c29,c30,c31,c32,c33,c34,c35,c36,c37,c38,c39,c40
a ignore
pause worker of a
clock t
repeat 5 {
b send {x*20000}
repeat 40 {
b recv {x*20000}
}
}
elapsed t < 6s
cont worker of a
wait_log fell behind
expect_log fell behind


=== what was published before a delete arrives before the goodbye
--- ws
a connect /ws?channel=news rcvbuf=4096
a stop_reading
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 {
http POST /pub?channel=news "m$i{x*20000}" => 201
}
http DELETE /pub?channel=news => 200
a resume
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 {
a recv "m$i{x*20000}"
}
a recv_close 4410
http GET /push => .totals.dropped == 0


=== who was told of a delete gets nothing of the channel's next life
--- config
location /ws { push_channel one two; }
location /one { push_publish one; }
location /two { push_publish two; }
location /push { push_status json; }
--- ws
repeat 20 {
a connect /ws
p open
p write "DELETE /one HTTP/1.1\r\nHost: x\r\n\r\nPOST /one HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nnewPOST /two HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nlast"
a recv last
a close 1000
a recv_close 1000
p abort
p forget
a forget
}
