# Copyright (C) the ngx_http_push_module authors
#
# Reload and quit: clients are sent away in order, workers leave.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

plan tests => claims();
run_tests();

__DATA__

=== a reload sends the clients away with 1012, spread over push_drain
--- http_config
push_drain 2s;
--- ws
deadline 10s
connect_many p 40 /ws?channel=news
clock t
nginx reload
p recv_close 1012
p recv_eof
elapsed t >= 800ms
wait old_workers == 0
elapsed t < 5s
q connect /ws?channel=news
http POST /pub?channel=news hello => 201 .subscribers == 1
q recv hello


=== until then they receive and publish as before
--- http_config
push_drain 2h;
--- ws
a connect@1 /chat?channel=news
b connect@2 /chat?channel=news
nginx reload
c connect@1 /chat?channel=news
d connect@2 /chat?channel=news
group g a b c d
http POST /pub?channel=news from-http => 201 .subscribers == 4
g recv from-http
a send from-old
g recv from-old
d send from-new
g recv from-new
http GET /push => .totals.connections == 4 && .workers.# == 4
# an old worker leaves as soon as its last client has gone
a leave
b leave
wait old_workers == 0
until http GET /push => .totals.connections == 2 && .workers.# == 2
http POST /pub?channel=news after => 201 .subscribers == 2
c recv after
d recv after


=== a client that leaves by itself during the drain is answered as always
--- http_config
push_drain 2h;
--- ws
a connect /ws?channel=news
b connect /ws?channel=news
nginx reload
a ping x
a recv_pong x
a close 1000 bye
a recv_close 1000
a recv_eof
b raw 8100
b recv_close 1002
b recv_eof
wait old_workers == 0


=== idle workers without clients leave at once
--- ws
nginx reload
wait old_workers == 0
a connect /ws?channel=news
a leave
until http GET /push => .totals.connections == 0
clock t
nginx reload
wait old_workers == 0
elapsed t < 3s


=== QUIT sends everybody away, and nginx leaves
--- http_config
push_drain 1s;
--- ws
deadline 10s
connect_many p 20 /ws?channel=news
clock t
nginx QUIT
p recv_close 1012
p recv_eof
wait nginx gone
elapsed t < 4s


=== TERM during a drain ends it at once
--- http_config
push_drain 2h;
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
nginx QUIT
wait_log gracefully shutting down
clock t
nginx TERM
a recv_close 1012
b recv_close 1012
wait nginx gone
elapsed t < 3s


=== ten reloads under traffic: nobody is dropped without a 1012
--- http_config
push_drain 1s;
--- ws
deadline 20s
repeat 10 {
connect_many p 20 /chat?channel=news
http POST /pub?channel=news before$i => 201
p recv before$i
nginx HUP
http POST /pub?channel=news during$i => 201
p recv_last 1012
p recv_eof
}
wait workers == 2
wait old_workers == 0
until http GET /push => .totals.connections == 0 && .workers.# == 2


=== a refused reload changes nothing
--- http_config
push_drain 7s;
--- allow_log
push_drain
--- ws
a connect /ws?channel=news
b connect /ws?channel=news
conf s/push_drain 7s/push_drain nonsense/
nginx HUP
wait_log \[emerg\].*push_drain
http POST /pub?channel=news hello => 201 .subscribers == 2
a recv hello
b recv hello
conf s/push_drain nonsense/push_drain 2h/
nginx HUP
wait_log gracefully shutting down
http POST /pub?channel=news again => 201 .subscribers == 2
a recv again
b recv again


=== the totals survive a reload
--- http_config
push_drain 2h;
--- ws
a connect /ws?channel=news
http POST /pub?channel=news one => 201
a recv one
until http GET /push => .totals.messages_in == 1 && .totals.delivered == 1
nginx reload
a leave
wait old_workers == 0
http POST /pub?channel=news two => 202
until http GET /push => .totals.messages_in == 2 && .totals.delivered == 1


=== a reload with another zone size is survived
--- http_config
push_zone zone=push:16m;
push_drain 2h;
--- ws
a connect /ws?channel=news
conf s/push:16m/push:24m/
nginx reload
b connect@1 /ws?channel=news
c connect@2 /ws?channel=news
http POST /pub?channel=news hello => 201
b recv hello
c recv hello
a ignore
wait old_workers == 0
until http GET /push => .totals.connections == 2 && .workers.# == 2


=== who cannot hear the workers of a new zone does not wait for the drain
--- http_config
push_zone zone=push:16m;
push_drain 2h;
--- ws
deadline 10s
connect_many p 20 /ws?channel=news
clock t
conf s/push:16m/push:24m/
nginx reload
p recv_close 1012
p recv_eof
elapsed t < 4s
wait old_workers == 0
q connect /ws?channel=news
http POST /pub?channel=news hello => 201 .subscribers == 1
q recv hello


=== a reload that takes the module's directives away sends everybody away
--- http_config
push_drain 1s;
--- config
location /ws   { push_channel $arg_channel; }
location /pub  { push_publish $arg_channel; }
location /ok   { return 200; }
--- ws
deadline 10s
a connect /ws?channel=news
b connect /ws?channel=news
conf s/push_channel[^;]*;/return 404;/; s/push_publish[^;]*;/return 404;/
nginx reload
http POST /pub?channel=news hello => 404
a recv_close 1012
b recv_close 1012
wait old_workers == 0


=== a worker killed while it drains is counted no more
--- http_config
push_drain 2h;
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
nginx reload
c connect /ws?channel=news
http GET /pub?channel=news => .subscribers == 3
kill9 worker of a
a recv_gone
within 2s until http GET /pub?channel=news => .subscribers == 2
http POST /pub?channel=news hello => 201 .subscribers == 2
b recv hello
c recv hello


=== with two quick reloads the oldest workers do not wait for their whole drain
--- http_config
push_drain 2h;
--- ws
deadline 15s
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
nginx reload
c connect@1 /ws?channel=news
nginx reload
a recv_close 1012
b recv_close 1012
http POST /pub?channel=news hello => 201
c recv hello


=== worker_shutdown_timeout cuts the drain short
--- main_config
worker_shutdown_timeout 1s;
--- http_config
push_drain 2h;
--- ws
deadline 10s
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
clock t
nginx reload
a recv_gone
b recv_gone
wait old_workers == 0
elapsed t < 5s
a ignore
b ignore
