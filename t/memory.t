# Copyright (C) the ngx_http_push_module authors
#
# Memory that comes back: clients come and go, the worker stays as it is.

use strict;
use warnings;

use lib 't/lib';
use TestPush workers => 1, connections => 2048;

plan tests => claims();
run_tests();

__DATA__

=== after many clients came and went the worker is no larger
--- http_config
access_log off;
--- ws
deadline 60s
repeat 4 {
connect_many p 400 /ws?channel=c$i-1&x=$i
http POST /pub?channel=c$i-1 {x*1000} => 201
p recv {x*1000}
p leave
until http GET /push => .totals.connections == 0
}
let most worker_rss + 300
repeat 12 {
connect_many p 400 /ws?channel=d$i-1&x=$i
http POST /pub?channel=d$i-1 {x*1000} => 201
p recv {x*1000}
p leave
until http GET /push => .totals.connections == 0
}
wait worker_rss <= $most
http GET /push => .totals.channels == 0 && .totals.queue_bytes == 0 && .zone.channels == 0 && .zone.messages == 0


=== the same where the requests are kept, and with a channel for each
--- http_config
access_log off;
limit_conn_zone $arg_channel zone=who:1m;
--- config
location /ws { limit_conn who 1000; push_channel $arg_channel; }
location /push { push_status json; }
--- ws
deadline 60s
repeat 4 {
connect_many p 300 /ws?channel=c$i
p leave
until http GET /push => .totals.connections == 0
}
let most worker_rss + 300
repeat 8 {
connect_many p 300 /ws?channel=c$i
p leave
until http GET /push => .totals.connections == 0
}
wait worker_rss <= $most
http GET /push => .totals.channels == 0 && .totals.kept_requests == 0 && .zone.channels == 0


=== the same with clients that read slowly and are closed
--- http_config
access_log off;
--- with
push_queue 4 100k;
--- ws
deadline 60s
repeat 2 {
connect_many p 50 /ws?channel=slow rcvbuf=4096
p stop_reading
repeat 30 {
http POST /pub?channel=slow {x*20000} => 201|202
}
p ignore
p leave
until http GET /push => .totals.connections == 0
}
let most worker_rss + 1000
repeat 4 {
connect_many p 50 /ws?channel=slow rcvbuf=4096
p stop_reading
repeat 30 {
http POST /pub?channel=slow {x*20000} => 201|202
}
p ignore
p leave
until http GET /push => .totals.connections == 0
}
wait worker_rss <= $most
http GET /push => .totals.queue_bytes == 0 && .zone.messages == 0
