# Copyright (C) the ngx_http_push_module authors
#
# Limits of clients: size, queue, heartbeat.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

plan tests => claims();
run_tests();

__DATA__

=== a message beyond push_max_message_size ends the connection by 1009
--- with
push_max_message_size 1k;
--- ws
b connect /ws?channel=c
a connect /chat?channel=c
a send {x*1024}
a recv {x*1024}
b recv {x*1024}
a send {x*1025}
a recv_close 1009
a recv_gone
http POST /pub?channel=c marker => 201 .subscribers == 1
b recv marker


=== it is told from the frame's head, before the payload is there
--- with
push_max_message_size 1k;
--- ws
a connect /chat?channel=c
a frame len=1025 ""
a recv_close 1009
a recv_eof
a connect /chat?channel=c
a frame len=4294967295 ""
a recv_close 1009
a recv_eof
a connect /chat?channel=c
a frame len=9223372036854775807 ""
a recv_close 1009
a recv_eof


=== fragments are counted together
--- with
push_max_message_size 1k;
--- ws
a connect /chat?channel=c
a frame fin=0 {x*1000}
a frame op=0 fin=1 {x*24}
a recv {x*1024}
a frame fin=0 {x*1000}
a frame op=0 fin=0 {x*24}
a frame op=0 fin=1 x
a recv_close 1009
a recv_eof


=== 64k are the default, and 0 is no limit
--- with
location /open { push_channel $arg_channel; push_client_publish on; push_max_message_size 0; push_queue 0 0; }
--- ws
a connect /chat?channel=c
a send {x*65536}
a recv {x*65536}
a send {x*65537}
a recv_close 1009
b connect /open?channel=d
b send {x*1000000}
b recv {x*1000000}


=== control frames do not count
--- with
push_max_message_size 10;
--- ws
a connect /chat?channel=c
a ping {p*125}
a recv_pong {p*125}
a frame fin=0 12345
a ping {p*125}
a recv_pong {p*125}
a frame op=0 67890
a recv 1234567890


=== a client that reads slowly is closed by 1013, the others still receive
--- with
push_queue 20 1m;
--- ws
slow connect@1 /ws?channel=c rcvbuf=4096
slow stop_reading
a connect@1 /ws?channel=c
b connect@2 /ws?channel=c
repeat 200 {
http POST /pub?channel=c m$i{x*20000} => 201
a recv m$i{x*20000}
b recv m$i{x*20000}
}
until http GET /pub?channel=c => .subscribers == 2
until http GET /push => .totals.slow_closed == 1
slow ignore


=== the size in bytes counts, too
--- with
push_queue 0 100k;
--- ws
slow connect /ws?channel=c rcvbuf=4096
slow stop_reading
a connect /ws?channel=c
repeat 60 {
http POST /pub?channel=c m$i{x*20000} => 201
a recv m$i{x*20000}
}
until http GET /pub?channel=c => .subscribers == 1
slow ignore


=== what a slow client gets before the end is whole and in order
--- with
push_queue 20 1m;
--- ws
slow connect /ws?channel=c rcvbuf=4096
slow stop_reading
repeat 100 {
http POST /pub?channel=c m$i{x*20000} => ~ subscribers
}
until http GET /pub?channel=c => 200 .subscribers == 0
slow resume
slow recv_in_order m {x*20000} 1013


=== a client that reads again in time loses nothing
--- with
push_queue 1000 10m;
--- ws
slow connect /ws?channel=c rcvbuf=4096
slow stop_reading
repeat 100 {
http POST /pub?channel=c m$i{x*10000} => 201 .subscribers == 1
}
slow resume
repeat 100 {
slow recv m$i{x*10000}
}
http POST /pub?channel=c after => 201
slow recv after


=== a burst for a client that reads is no slow client
--- with
push_queue 0 0;
--- ws
a connect /ws?channel=c
p open
p write "{POST /pub?channel=c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello*500}"
repeat 500 {
a recv hello
}
http POST /pub?channel=c last => 201
a recv last


=== a client is pinged, and its answer keeps it
--- with
push_ping 1s 1s;
--- ws
deadline 10s
a connect /ws?channel=c
b connect /ws?channel=c
clock t
a recv_ping
a recv_ping
a recv_ping
b recv_ping
b recv_ping
elapsed t >= 1500ms
http POST /pub?channel=c hello => 201 .subscribers == 2
a recv hello
b recv hello


=== a client that does not answer the ping is closed by 4408
--- with
push_ping 1s 1s;
--- ws
deadline 10s
a connect /ws?channel=c
b connect /ws?channel=c
a auto_pong off
clock t
a recv_ping
a recv_close 4408
a recv_eof
elapsed t >= 1s
elapsed t < 6s
until http GET /push => .totals.timeouts == 1
http POST /pub?channel=c hello => 201 .subscribers == 1
b recv hello


=== a client that is simply gone is noticed by the ping
--- with
push_ping 1s 1s;
--- ws
deadline 10s
a connect /ws?channel=c
a auto_pong off
a stop_reading
clock t
until http GET /pub?channel=c => 200 .subscribers == 0
elapsed t < 6s
a ignore


=== anything that a client says is a sign of life
--- with
push_ping 1s 1s;
--- ws
deadline 10s
a connect /chat?channel=c
a auto_pong off
clock t
for i in 1 2 3 4 5 6 {
a recv_ping
a send alive
a recv alive
}
elapsed t >= 3s


=== push_ping 0 pings nobody
--- with
push_ping 0;
--- ws
a connect /ws?channel=c
a recv_none 2s
a recv_no_ping


=== connections of a location have its limits, not another's
--- config
location /small { push_channel $arg_channel; push_client_publish on; push_max_message_size 10; }
location /large { push_channel $arg_channel; push_client_publish on; push_max_message_size 100; }
--- ws
a connect /small?channel=c
b connect /large?channel=c
b send {x*100}
a recv {x*100}
b recv {x*100}
a send {x*11}
a recv_close 1009
b send {x*101}
b recv_close 1009


=== a connection that says nothing at all is not kept for ever
--- with
client_header_timeout 1s;
--- ws
deadline 10s
a open
a recv_gone
b open
b write "GET /ws?channel=c HTTP/1.1\r\nHost: x\r\n"
b recv_gone


=== a heartbeat of a month is no alert
--- with
push_ping 30d 1s;
--- ws
a connect /ws?channel=news
http POST /pub?channel=news hello => 201
a recv hello
