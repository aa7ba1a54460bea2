# Copyright (C) the ngx_http_push_module authors
#
# Several workers are one server, also when one of them dies.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

plan tests => claims();
run_tests();

__DATA__

=== clients of every worker hear what is published through any of them
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
c connect@1 /ws?channel=news
d connect@2 /ws?channel=other
http@1 POST /pub?channel=news one => 201 .subscribers == 3
http@2 POST /pub?channel=news two => 201 .subscribers == 3
group g a b c
g recv one
g recv two
http@1 POST /pub?channel=other three => 201 .subscribers == 1
d recv three
g recv_none 100ms


=== a client's own message reaches the other worker's clients
--- ws
a connect@1 /chat?channel=news
b connect@2 /chat?channel=news
a send hello
a recv hello
b recv hello
b send world
a recv world
b recv world


=== many clients and many channels, each message where it belongs, once
--- ws
connect_many p 100 /ws?channel=c$i
connect_many q 100 /ws?channel=c$i
connect_many all 20 /ws?channel=all
repeat 100 {
http@1 POST /pub?channel=c$i one$i => 201 .subscribers == 2
http@2 POST /pub?channel=c$i two$i => 201 .subscribers == 2
}
http POST /pub?channel=all everybody => 201 .subscribers == 20
all recv everybody
repeat 100 {
p$i recv one$i
p$i recv two$i
q$i recv one$i
q$i recv two$i
}


=== a hundred messages in a row arrive once and in order in each worker
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
repeat 100 {
http POST /pub?channel=news m$i => 201 .subscribers == 2
}
a recv_range m 1 100
b recv_range m 1 100


=== a worker that is killed takes its own clients with it and nobody else
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
c connect@2 /ws?channel=news
d connect@1 /ws?channel=mine
http POST /pub?channel=news before => 201 .subscribers == 3
a recv before
b recv before
c recv before
kill9 worker of a
a recv_gone
d recv_gone
# counts are right again within a second, and what it takes to ask
within 1500ms until http GET /pub?channel=news => .subscribers == 2
within 1500ms until http GET /pub?channel=mine => 200 .subscribers == 0
within 1500ms until http GET /push => .totals.connections == 2
http POST /pub?channel=mine nobody => 202
http POST /pub?channel=news after => 201 .subscribers == 2
b recv after
c recv after
# the worker that takes its place serves as it did
wait workers == 2
e connect@1 /ws?channel=news
f connect@2 /ws?channel=news
http@1 POST /pub?channel=news again => 201 .subscribers == 4
group g b c e f
g recv again


=== all workers killed at once: the next ones start with nothing
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
let one $a.worker
let two $b.worker
kill9 $one
kill9 $two
a recv_gone
b recv_gone
wait workers == 2
until http GET /push => .totals.connections == 0 && .workers.# == 2
c connect@1 /ws?channel=news
d connect@2 /ws?channel=news
http POST /pub?channel=news hello => 201 .subscribers == 2
c recv hello
d recv hello


=== workers killed again and again leave the zone in order
--- ws
deadline 10s
b connect@2 /ws?channel=keep
repeat 6 {
until a connect /ws?channel=news
until http POST /pub?channel=news hello$i => .subscribers >= 1
until http GET /pub?channel=news => .subscribers == 1
a recv_until hello$i
kill9 worker of a
a recv_gone
wait workers == 2
within 2s until http GET /pub?channel=news => 200 .subscribers == 0
b forget
until b connect /ws?channel=keep
until http GET /pub?channel=keep => .subscribers == 1
http POST /pub?channel=keep still$i => 201 .subscribers == 1
b recv still$i
}


=== a worker that is killed while a publisher speaks to it publishes nothing
--- ws
b connect@2 /ws?channel=news
p open@1
p write "POST /pub?channel=news HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf"
kill9 worker of p
p recv_gone
http POST /pub?channel=news marker => 201 .subscribers == 1
b recv marker


=== a worker killed while messages are under way disturbs no other
--- with
push_queue 0 0;
--- ws
a connect@1 /chat?channel=news
b connect@2 /chat?channel=news
repeat 200 {
b send m$i
}
kill9 worker of a
a ignore
b recv_range m 1 200
wait workers == 2
b send end
b recv end


=== TERM sends everybody away by 1012, and nginx leaves at once
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
clock t
nginx TERM
a recv_close 1012
b recv_close 1012
a recv_gone
b recv_gone
wait nginx gone
elapsed t < 3s


=== reopening the logs disturbs nobody
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
nginx USR1
http POST /pub?channel=news hello => 201 .subscribers == 2
a recv hello
b recv hello


=== a thousand connections come and go, and the counts are nought again
--- ws
repeat 10 {
connect_many p 100 /ws?channel=c$i
http GET /push => .totals.connections == 100
p leave
until http GET /push => .totals.connections == 0
}
until http GET /push => .channels.total == 0
