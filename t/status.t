# Copyright (C) the ngx_http_push_module authors
#
# What push_status tells.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

plan tests => claims();
run_tests();

__DATA__

=== it tells what the machine does, from any worker
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
c connect@2 /ws?channel=sport
http POST /pub?channel=news hello => 201
a recv hello
b recv hello
for worker in 1 2 {
until http@$worker GET /push => 200 [Content-Type: application/json | Cache-Control: no-store] .totals.connections == 3 && .totals.messages_in == 1 && .totals.bytes_in == 5 && .totals.delivered == 2 && .totals.dropped == 0 && .ready == true
}


=== each worker has its slot, pid, generation and figures
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
c connect@2 /ws?channel=sport
let one $a.worker
let two $b.worker
until http GET /push => .workers.# == 2 && .workers[pid=$one].connections == 1 && .workers[pid=$two].connections == 2 && .workers[pid=$one].channels == 1 && .workers[pid=$two].channels == 2 && .workers[0].slot exists && .workers[0].generation exists && .workers[0].draining == false && .workers.+connections == 3
http@1 POST /pub?channel=news hello => 201
a recv hello
b recv hello
until http GET /push => .workers[pid=$one].messages_in == 1 && .workers[pid=$one].delivered == 1 && .workers[pid=$two].messages_in == 0 && .workers[pid=$two].delivered == 1


=== channels are told with their counts
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
c connect /ws?channel=sport
until http GET /push => .channels.total == 2 && .channels.list[name=news].subscribers == 2 && .channels.list[name=news].workers == 2 && .channels.list[name=sport].subscribers == 1 && .totals.channels == 2
a leave
b leave
until http GET /push => .channels.list[name=news] absent && .channels.total == 1


=== names are told only where it says so
--- config
location /ws    { push_channel $arg_channel; }
location /push  { push_status json; }
location /names { push_status json names; }
--- ws
a connect /ws?channel=secretive
until http GET /names => ~ secretive
http GET /push => !~ secretive
http GET /push => .channels.total == 1


=== the zone's use is told
--- http_config
push_zone zone=push:16m channels=100;
--- ws
until http GET /push => .zone.size == 16777216 && .zone.used > 0 && .zone.free > 0 && .zone.channels_max == 100
a connect /ws?channel=news
until http GET /push => .zone.channels == 1


=== without push_redis there are no links
--- ws
until http GET /push => .workers[0].redis.# == 0


=== with push_redis every worker tells the state of its two links
--- redis
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..50ms;
--- ws
until http GET /push => .workers[0].redis.# == 2 && .workers[0].redis[role=sub].state == up && .workers[0].redis[role=cmd].state == up && .workers[1].redis[role=sub].state == up && .workers[0].redis[role=sub].error absent
a connect@1 /ws?channel=news
let one $a.worker
until http GET /push => .workers[pid=$one].redis[role=sub].subscriptions >= 1
redis_server kill
until http GET /push => .workers[0].redis[role=sub].state != live && .workers[0].redis[role=sub].error exists
redis_server start
until http GET /push => .workers[0].redis[role=sub].state == up && .workers[0].redis[role=sub].reconnects >= 1


=== names with special characters are well formed JSON
--- ws
a connect /ws?channel=a%22b
b connect /ws?channel=a%5Cb
c connect /ws?channel=%E2%82%AC
until http GET /push => .channels.total == 3 && ~ "a\\"b" && ~ "a\\\\b"


=== ?ready is 200 while the worker serves
--- ws
until http GET /push?ready => 200
a connect /ws?channel=news
http GET /push?ready => 200


=== ?ready is 503 while the worker is leaving
--- http_config
push_drain 120s;
--- ws
a connect@1 /ws?channel=news
p open@1
p write "GET /push?ready HTTP/1.1\r\nHost: x\r\n\r\n"
p answer 200
q open@1
q write "GET /push?ready HTTP/1.1\r\nHo"
nginx reload
q write "st: x\r\n\r\n"
q answer 503
http GET /push?ready => 200


=== ?ready=bus is 503 as soon as Redis is away, ?ready only after a while
--- redis
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT probe=1s timeout=1s reconnect=20ms..100ms;
--- ws
deadline 10s
until http GET /push?ready=bus => 200
redis_server kill
until http GET /push?ready=bus => 503
http GET /push?ready => 200
redis_server start
until http GET /push?ready=bus => 200


=== other methods than GET and HEAD are answered by 405
--- ws
http GET /push => 200
http HEAD /push => 200
for m in POST PUT DELETE {
http $m /push => 405 [Allow ~ GET]
}


=== access rules of the location hold
--- config
location /push { push_status json; deny all; }
--- ws
http GET /push => 403


=== figures of a worker that is gone stay in the totals
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
http@1 POST /pub?channel=news hello => 201
a recv hello
b recv hello
until http GET /push => .totals.messages_in == 1 && .totals.delivered == 2
kill9 worker of a
a recv_gone
wait workers == 2
until http GET /push => .totals.messages_in == 1 && .totals.delivered == 2 && .totals.connections == 1
