# Copyright (C) the ngx_http_push_module authors
#
# What becomes of messages for a client that reads slowly: push_queue and its
# overflow, volatile messages, and that nobody else notices.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value(http_config => ($block->http_config // '')
        . "log_format push 'd=\$push_messages_dropped s=\$push_messages_sent"
        . " peak=\$push_queue_peak code=\$push_close_code c=\$push_channel';\n");
});

plan tests => claims();
run_tests();

__DATA__

=== overflow=drop_newest keeps what waits, drops what comes, and ends nobody
--- with
push_queue 10 10m overflow=drop_newest;
access_log $TEST_ROOT/logs/access.log push;
--- ws
slow connect /ws?channel=c rcvbuf=4096
slow stop_reading
a connect /ws?channel=c
repeat 60 {
http POST /pub?channel=c m$i{x*20000} => 201 .subscribers == 2
a recv m$i{x*20000}
}
until http GET /push => .totals.dropped >= 20 && .totals.slow_closed == 0 && .totals.queue_bytes > 100000
slow resume
slow recv m1{x*20000}
slow recv m2{x*20000}
slow recv m3{x*20000}
slow recv m4{x*20000}
slow recv m5{x*20000}
until http GET /push => .totals.queue_bytes == 0
http POST /pub?channel=c after => 201 .subscribers == 2
slow recv_until after
slow close 1000
slow recv_close 1000
wait_access ^d=[2-9]\d s=\d+ peak=[1-9]\d{5,} code=1000
a recv after


=== overflow=drop_oldest drops what waits longest: the last messages arrive
--- with
push_queue 10 10m overflow=drop_oldest;
--- ws
slow connect /ws?channel=c rcvbuf=4096
slow stop_reading
a connect /ws?channel=c
repeat 60 {
http POST /pub?channel=c m$i{x*20000} => 201 .subscribers == 2
a recv m$i{x*20000}
}
until http GET /push => .totals.dropped >= 20 && .totals.slow_closed == 0
slow resume
slow recv m1{x*20000}
slow recv_until m52{x*20000}
slow recv m53{x*20000}
slow recv m54{x*20000}
slow recv m55{x*20000}
slow recv m56{x*20000}
slow recv m57{x*20000}
slow recv m58{x*20000}
slow recv m59{x*20000}
slow recv m60{x*20000}
http POST /pub?channel=c after => 201 .subscribers == 2
slow recv after
a recv after


=== a message that has begun is finished, whatever is dropped behind it
--- with
push_queue 2 300k overflow=drop_oldest;
--- ws
slow connect /ws?channel=c rcvbuf=4096
slow stop_reading
repeat 20 {
http POST /pub?channel=c m$i{x*100000} => 201
}
until http GET /push => .totals.dropped >= 5
slow resume
slow recv m1{x*100000}
slow recv_until m20{x*100000}
http POST /pub?channel=c after => 201
slow recv after


=== a volatile message is dropped for whoever has something waiting
--- with
push_queue 1000 10m;
--- ws
slow connect /ws?channel=c rcvbuf=4096
slow stop_reading
a connect /ws?channel=c
repeat 40 {
http POST /pub?channel=c m$i{x*20000} => 201
a recv m$i{x*20000}
}
until http GET /push => .totals.queue_bytes > 100000
http POST /pub?channel=c [Push-Volatile: 1] quick => 201 .subscribers == 2
a recv quick
until http GET /push => .totals.dropped == 1
http POST /pub?channel=c last => 201
a recv last
slow resume
repeat 40 {
slow recv m$i{x*20000}
}
slow recv last


=== a client that keeps up gets volatile messages like others
--- ws
a connect /ws?channel=c
repeat 50 {
http POST /pub?channel=c [Push-Volatile: 1] v$i => 201
a recv v$i
}
http GET /push => .totals.dropped == 0


=== a burst in one packet is no slow client
--- redis
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- with
push_queue 4 100k;
--- ws
a connect@1 /ws?channel=c
b connect@2 /ws?channel=c
until redis PUBSUB NUMSUB c => ~ 2
redis EVAL "for i = 1, 500 do redis.call('publish', 'c', 'm' .. i) end" 0
a recv_range m 1 500
b recv_range m 1 500
http GET /push => .totals.dropped == 0 && .totals.slow_closed == 0


=== what waits for a client is given back when it goes
--- with
push_queue 1000 50m;
--- ws
slow connect /ws?channel=c rcvbuf=4096
slow stop_reading
repeat 60 {
http POST /pub?channel=c m$i{x*20000} => 201
}
until http GET /push => .totals.queue_bytes > 500000
slow abort
until http GET /push => .totals.queue_bytes == 0 && .totals.connections == 0


=== what a client that was too slow does not get is counted
--- with
push_queue 8 10m;
--- ws
a connect /ws?channel=news rcvbuf=4096
a stop_reading
repeat 40 {
http POST /pub?channel=news "{x*20000}" => .channel == news
}
until http GET /push => .totals.slow_closed == 1
http GET /push => .totals.dropped >= 7
a ignore


=== a client that reads slowly gets its ping, whatever is dropped
--- with
push_ping 1s 3s;
push_queue 4 10m overflow=drop_oldest;
--- ws
deadline 20s
a connect /ws?channel=news rcvbuf=4096
a stop_reading
repeat 30 {
http POST /pub?channel=news "{x*20000}" => 201
}
until http GET /push => .totals.dropped >= 10
a recv_none 1500ms
repeat 10 {
http POST /pub?channel=news "{x*20000}" => 201
}
a resume
a recv_ping
a ignore
