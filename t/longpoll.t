#
# Copyright (C) the ngx_http_push_module authors
#
# Long-polling: what a poll is answered with, and that between two of them
# nothing is lost or repeated.
#

use lib 't/lib';
use TestPush events => 1;

plan tests => claims();
run_tests();

__DATA__

=== a poll waits for the next message and is answered with it
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news before => 202
let epoch .epoch
a poll /events?channel=news
until http GET /pub?channel=news => 200 .subscribers == 1
http POST /pub?channel=news [Push-Event: tick] hello => 201
a answer 200 [Content-Type: text/plain; charset=utf-8 | ETag: "$epoch:2" | Push-Event: tick | Push-Channel: news | Cache-Control: no-store | X-Content-Type-Options: nosniff | Vary: Accept, Origin | Content-Length: 5 | !Push-Recovered] = hello
until http GET /pub?channel=news => 200 .subscribers == 0


=== nothing in time is 204, or 304 to If-None-Match, with the cursor
--- http_config
push_history 100;
--- with
push_wait 300ms;
--- ws
until http GET /pub?channel=news => 200
clock t
http GET /events?channel=news => 204 [ETag: "-:0" | !Content-Type | !Content-Length]
elapsed t >= 0.2s
elapsed t < 3s
http GET /events?channel=news [If-None-Match: "-:0"] => 304 [ETag: "-:0"]
http POST /pub?channel=news m1 => 202
let epoch .epoch
http GET /events?channel=news => 204 [ETag: "$epoch:1"]
http GET /events?channel=news [If-None-Match: "$epoch:1"] => 304 [ETag: "$epoch:1" | !Push-Recovered]
http GET /events?channel=news [Last-Event-ID: $epoch:1] => 204 [ETag: "$epoch:1"]


=== with a cursor what is there comes at once, one after the other
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
repeat 3 {
http POST /pub?channel=news m$i => 202
}
let epoch .epoch
within 2s http GET /events?channel=news [If-None-Match: "-:0"] => 200 [ETag: "$epoch:1" | !Push-Recovered] = m1
http GET /events?channel=news [If-None-Match: "$epoch:1"] => 200 [ETag: "$epoch:2"] = m2
http GET /events?channel=news [If-None-Match: W/"$epoch:2"] => 200 [ETag: "$epoch:3"] = m3
http GET /events?channel=news [If-None-Match: $epoch:2] => 200 [ETag: "$epoch:3"] = m3
http GET /events?channel=news [Last-Event-ID: $epoch:1] => 200 [ETag: "$epoch:2"] = m2
http GET /events?channel=news&last_event_id=$epoch:2 => 200 = m3
http GET /events?channel=news&last_event_id=-2 => 200 [ETag: "$epoch:2"] = m2
http GET /events?channel=news&last_event_id=$epoch:0 [If-None-Match: "$epoch:2"] => 200 = m3
a poll /events?channel=news [If-None-Match: "$epoch:3"]
until http GET /pub?channel=news => 200 .subscribers == 1
http POST /pub?channel=news m4 => 201
a answer 200 [ETag: "$epoch:4"] = m4


=== between two polls on two workers nothing is lost or repeated
--- http_config
push_history 1000;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m0 => 202
http GET /events?channel=news&last_event_id=-1 => 200 = m0
let id ETag:
for n in 1 2 3 4 5 6 7 8 9 10 {
a poll@1 /events?channel=news [If-None-Match: $id]
http POST /pub?channel=news x$n => 201|202
http POST /pub?channel=news y$n => 201|202
a answer 200 = x$n
let id ETag:
http POST /pub?channel=news z$n => 201|202
b poll@2 /events?channel=news [If-None-Match: $id]
b answer 200 = y$n
let id ETag:
c poll@1 /events?channel=news [If-None-Match: $id]
c answer 200 = z$n
let id ETag:
}


=== in JSON all that waits comes at once
--- http_config
push_history 100;
--- with
push_wait 300ms;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news [Push-Event: tick | Content-Type: text/plain] "one\n\"two\"" => 202
let epoch .epoch
http POST /pub?channel=news [Content-Type: application/octet-stream] "\xff\x00" => 202
http POST /pub?channel=news => 202
http GET /events?channel=news [Accept: application/json | If-None-Match: "$epoch:0"] => 200 [Content-Type: application/json | ETag: "$epoch:3" | !Push-Event | !Push-Channel] .# == 3 && [0].id == $epoch:1 && [0].channel == news && [0].event == tick && [0].data == "one\n\"two\"" && [0].content_type == text/plain && [1].base64 == /wA= && [1].data absent && [1].event absent && [2].data == ""
http GET /events?channel=news [Accept: application/json | If-None-Match: "$epoch:3"] => 304 [ETag: "$epoch:3"]
a poll /events?channel=news,sport [Accept: application/json, text/plain, */*]
until http GET /pub?channel=sport => 200 .subscribers == 1
http POST /pub?channel=sport goal => 201
a answer 200 .# == 1 && [0].channel == sport && [0].data == goal


=== an array has no more than fits, and its cursor leads to the rest
--- http_config
push_history 100;
--- with
push_queue 100 17k;
--- ws
until http GET /pub?channel=news => 200
repeat 10 {
http POST /pub?channel=news {$i*1}{x*5000} => 202
}
let epoch .epoch
http GET /events?channel=news [Accept: application/json | If-None-Match: "$epoch:0"] => 200 [ETag: "$epoch:3"] .# == 3
http GET /events?channel=news [Accept: application/json | If-None-Match: "$epoch:3"] => 200 [ETag: "$epoch:6"] .# == 3
http GET /events?channel=news [Accept: application/json | If-None-Match: "$epoch:9"] => 200 [ETag: "$epoch:10"] .# == 1


=== of several channels the cursor is one for all
--- http_config
push_history 100;
--- with
push_wait 300ms;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news n1 => 202
let n .epoch
http POST /pub?channel=sport s1 => 202
let s .epoch
http GET /events?channel=news,sport => 204 [ETag ~ $n:1.*$s:1|$s:1.*$n:1]
let id ETag:
http POST /pub?channel=news n2 => 202
http POST /pub?channel=sport s2 => 202
http POST /pub?channel=news n3 => 202
http GET /events?channel=news,sport [If-None-Match: $id] => 200
let id ETag:
http GET /events?channel=sport,news [If-None-Match: $id] => 200
let id ETag:
http GET /events?channel=news,sport [If-None-Match: $id] => 200 [ETag ~ $n:3.*$s:2|$s:2.*$n:3]
let id ETag:
http GET /events?channel=news,sport [If-None-Match: $id] => 304 [ETag: $id]
http GET /events?channel=news,sport&last_event_id=news=$n:2&last_event_id=sport=$s:2 => 200 [Push-Channel: news] = n3


=== what cannot be had any more is told, and does not make it ask at once
--- http_config
push_history 2;
--- with
push_wait 500ms;
--- ws
until http GET /pub?channel=news => 200
repeat 5 {
http POST /pub?channel=news m$i => 202
}
let epoch .epoch
http GET /events?channel=news [If-None-Match: "$epoch:1"] => 200 [Push-Recovered: no | ETag: "$epoch:4"] = m4
http GET /events?channel=news [If-None-Match: "$epoch:4"] => 200 [!Push-Recovered] = m5
http GET /events?channel=news [Accept: application/json | If-None-Match: "no cursor"] => 200 [Push-Recovered: no | ETag: "$epoch:5"] .# == 3 && [0].event == push.gap && [0].channel == news && [1].data == m4
clock t
http GET /events?channel=empty [If-None-Match: "no cursor"] => 304 [Push-Recovered: no | ETag: "-:0"]
elapsed t >= 0.4s


=== without a history there is no cursor
--- with
push_wait 300ms;
--- ws
http GET /events?channel=news => 204 [!ETag]
a poll /events?channel=news
until http GET /pub?channel=news => 200 .subscribers == 1
http POST /pub?channel=news hello => 201
a answer 200 [!ETag | Push-Channel: news] = hello
clock t
http GET /events?channel=news [If-None-Match: "k3f9:1"] => 304 [!ETag | Push-Recovered: no]
elapsed t >= 0.2s


=== a body goes out as what it was published, but nothing as a page
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news [Content-Type: application/json] {"a":1} => 202
let epoch .epoch
http POST /pub?channel=news [Content-Type: text/html] <script>1</script> => 202
http POST /pub?channel=news [Content-Type: TEXT/HTML ; charset=utf-8] <b> => 202
http POST /pub?channel=news [Content-Type: image/svg+xml] <svg/> => 202
http POST /pub?channel=news [Content-Type: application/xml] <a/> => 202
http POST /pub?channel=news [Content-Type: application/xhtml+xml;q=1] <a/> => 202
http POST /pub?channel=news [Content-Type: image/png] "\x89PNG\xff" => 202
http POST /pub?channel=news [Content-Type: text/x; charset=utf-8] x => 202
http POST /pub?channel=news [!Content-Type] "\xff" => 202
http POST /pub?channel=news => 202
http GET /events?channel=news&last_event_id=$epoch:0 => 200 [Content-Type: application/json] = {"a":1}
http GET /events?channel=news&last_event_id=$epoch:1 => 200 [Content-Type: text/plain; charset=utf-8] = <script>1</script>
for n in 2 3 4 5 {
http GET /events?channel=news&last_event_id=$epoch:$n => 200 [Content-Type: text/plain; charset=utf-8] ~ ^<
}
http GET /events?channel=news&last_event_id=$epoch:6 => 200 [Content-Type: image/png] = "\x89PNG\xff"
http GET /events?channel=news&last_event_id=$epoch:7 => 200 [Content-Type: text/x; charset=utf-8] = x
http GET /events?channel=news&last_event_id=$epoch:8 => 200 [Content-Type: application/octet-stream] = "\xff"
http GET /events?channel=news&last_event_id=$epoch:9 => 200 [Content-Length: 0 | ETag: "$epoch:10"] = ""


=== a drain answers every poll at once, with its cursor
--- http_config
push_history 100;
push_drain 200ms;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m1 => 202
let epoch .epoch
a poll /events?channel=news
b poll /events?channel=news [If-None-Match: "$epoch:1"]
c poll /events?channel=news [Accept: application/json]
until http GET /pub?channel=news => 200 .subscribers == 3
nginx reload
a answer 204 [ETag: "$epoch:1"]
b answer 304 [ETag: "$epoch:1"]
c answer 204 [ETag: "$epoch:1"]
wait workers == 2


=== whose channels are all deleted gets 404; in JSON each is told
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m1 => 202
a poll /events?channel=news
b poll /events?channel=news [Accept: application/json]
c poll /events?channel=news,sport
d poll /events?channel=news,sport [Accept: application/json]
until http GET /pub?channel=news => 200 .subscribers == 4
http DELETE /pub?channel=news => 200
a answer 404
b answer 200 .# == 1 && [0].event == push.deleted && [0].channel == news
d answer 200 .# == 1 && [0].event == push.deleted
http POST /pub?channel=sport s1 => 201 .subscribers == 1
c answer 200 = s1


=== polls follow each other on one connection
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m1 => 202
let epoch .epoch
a poll /events?channel=news
until http GET /pub?channel=news => 200 .subscribers == 1
http POST /pub?channel=news m2 => 201
a answer 200 = m2
a poll /events?channel=news on=a [If-None-Match: "$epoch:2"]
until http GET /pub?channel=news => 200 .subscribers == 1
http POST /pub?channel=news {x*300000} => 201
a answer 200 [ETag: "$epoch:3"] = {x*300000}
a poll /events?channel=news on=a [If-None-Match: "$epoch:1"]
a answer 200 = m2


=== over HTTP/2, many at once
--- h2c
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
a poll h2c /events?channel=news
b poll h2c /events?channel=news on=a [Accept: application/json]
c poll h2c /events?channel=sport on=a
until http GET /pub?channel=news => 200 .subscribers == 2
http POST /pub?channel=news hello => 201
a answer 200 [ETag ~ :1"$] = hello
b answer 200 .# == 1 && [0].data == hello
c rst
until http GET /push => 200 .totals.connections == 0


=== a poll may be compressed, and its cursor comes back as a weak one
--- http_config
push_history 100;
gzip on;
gzip_types *;
gzip_min_length 0;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news {x*1000} => 202
let epoch .epoch
http GET /events?channel=news&last_event_id=-1 [Accept-Encoding: gzip] => 200 [Content-Encoding: gzip | ETag: W/"$epoch:1"]


=== a cache in front keeps no answer, even if it is told to keep everything
--- http_config
push_history 100;
proxy_cache_path $TEST_ROOT/cache keys_zone=front:1m;
server {
    listen 127.0.0.1:$TEST_PORT2;
    location / {
        proxy_pass http://127.0.0.1:$TEST_PORT;
        proxy_cache front;
        proxy_cache_key $uri;
        proxy_cache_valid any 1h;
        add_header X-Cache $upstream_cache_status always;
    }
}
--- with
push_wait 100ms;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news m1 => 202
let epoch .epoch
http POST /pub?channel=news m2 => 202
http GET /events?channel=news&last_event_id=$epoch:0 port=$TEST_PORT2 => 200 [X-Cache: MISS] = m1
http GET /events?channel=news&last_event_id=$epoch:1 port=$TEST_PORT2 => 200 [X-Cache: MISS] = m2
http GET /events?channel=news&last_event_id=$epoch:2 port=$TEST_PORT2 => 204 [X-Cache: MISS]
http GET /events?channel=news&last_event_id=$epoch:1 port=$TEST_PORT2 [Accept: application/json] => 200 [X-Cache: MISS] .# == 1


=== a client that leaves is gone at once
--- ws
many p 10 poll /events?channel=news
until http GET /push => 200 .totals.connections == 10
p abort
until http GET /push => 200 .totals.connections == 0


=== push_wait off waits without end
--- with
push_wait off;
push_ping 200ms;
--- ws
a poll /events?channel=news
until http GET /pub?channel=news => 200 .subscribers == 1
fails "." within 700ms a answer 204
http POST /pub?channel=news hello => 201
a answer 200 = hello


=== one line in the log for each poll
--- http_config
log_format push '$push_transport $push_channel $status sent=$push_messages_sent recovered=$push_recovered [$push_close_code]';
push_history 100;
--- with
push_wait 200ms;
access_log logs/access.log push;
--- ws
until http GET /pub?channel=news => 200
http GET /events?channel=news => 204
wait_access ^longpoll news 204 sent=0 recovered=0 \[-\]
repeat 3 {
http POST /pub?channel=news m$i => 202
}
http GET /events?channel=news&last_event_id=-3 => 200
wait_access ^longpoll news 200 sent=1 recovered=1 \[-\]
http GET /events?channel=news&last_event_id=-3 [Accept: application/json] => 200
wait_access ^longpoll news 200 sent=3 recovered=3 \[-\]
a poll /events?channel=news
until http GET /pub?channel=news => 200 .subscribers == 1
a leave
wait_access ^longpoll news 499 sent=0
until http GET /push => 200 .totals.delivered == 4 && .totals.replayed == 4


=== a client may change its transport with what it knows
--- http_config
push_history 100;
--- ws
until http GET /pub?channel=news => 200
http POST /pub?channel=news n1 => 202
let n .epoch
http POST /pub?channel=sport s1 => 202
let s .epoch
a connect /events?channel=news&channel=x&last_event_id=news=$n:1 [Sec-WebSocket-Protocol: push.meta]
http POST /pub?channel=news n2 => 201
a recv "id: $n:2\nchannel: news\n\nn2"
a leave
http POST /pub?channel=news n3 => 201|202
http POST /pub?channel=sport s2 => 202
b sse /events?channel=news,sport&last_event_id=news=$n:2&last_event_id=sport=$s:1
b recv_any_order n3 s2
http POST /pub?channel=sport s3 => 201
b event data=s3 id~$n:3.*$s:3|$s:3.*$n:3
let id id:
b leave
http POST /pub?channel=news n4 => 201|202
http GET /events?channel=news,sport [If-None-Match: "$id"] => 200 [ETag ~ $n:4.*$s:3|$s:3.*$n:4] = n4
let id ETag:
http POST /pub?channel=sport s4 => 201|202
http GET /events?channel=news,sport [If-None-Match: $id | Accept: application/json] => 200 .# == 1 && [0].data == s4 && [0].id == $s:4
c stream /events?channel=news,sport&last_event_id=news=$n:3&last_event_id=sport=$s:4
c line {"id":"$n:4","channel":"news","data":"n4"}
http POST /pub?channel=sport s5 => 201
c line {"id":"$s:5","channel":"sport","data":"s5"}
