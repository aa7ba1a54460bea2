# Copyright (C) the ngx_http_push_module authors
#
# The $push_* variables: one line per connection, written when it ends.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

my $format = <<'_EOC_';
log_format push 'c=$push_channel t=$push_transport p=$push_protocol id=$push_connection s=$push_messages_sent r=$push_messages_received d=$push_messages_dropped code=$push_close_code reason="$push_close_reason" status=$status bytes=$bytes_sent time=$request_time uri=$uri args=$args agent=$http_user_agent request="$request"';
_EOC_

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value(http_config => ($block->http_config // '') . $format);
    $block->set_value(with => ($block->with // '')
                              . 'access_log $TEST_ROOT/logs/access.log push;')
        if !defined $block->config;
});

plan tests => claims();
run_tests();

__DATA__

=== the line of a connection is written at its end, with what it was
--- ws
a connect /chat?channel=room%3A1 [User-Agent: test/1.0]
a send one
a recv one
a send two
a recv two
http POST /pub?channel=room:1 three => 201
a recv three
a close 1000 bye
a recv_close 1000
wait_access ^c=room:1 t=websocket p=raw id=\S+ s=3 r=2 d=0 code=1000 .*status=101 .*uri=/chat args=channel=room%3A1 agent=test/1.0 request="GET /chat\?channel=room%3A1 HTTP/1.1"


=== it is not written before
--- ws
a connect /ws?channel=early
http POST /pub?channel=early hello => 201
a recv hello
wait_access uri=/pub
no_access c=early t=websocket
a leave
wait_access c=early t=websocket


=== request_time is the connection's whole life, bytes_sent all that went out
--- ws
a connect /ws?channel=news
http POST /pub?channel=news {x*10000} => 201
a recv {x*10000}
a recv_none 1s
a close 1000
a recv_close 1000
wait_access t=websocket .*bytes=1[0-9]{4} time=[1-9]\.


=== several channels are a list
--- config
location /ws { push_channel $arg_channel split=,; access_log $TEST_ROOT/logs/access.log push; }
--- ws
a connect /ws?channel=b,a,c
a close 1000
a recv_close 1000
wait_access ^c=b,a,c t=websocket


=== a protocol error has its code
--- ws
a connect /ws?channel=news
a raw 8100
a recv_close 1002
a recv_eof
wait_access c=news .*code=1002 reason="[^"-].*status=101


=== a peer that just goes has none that it sent
--- ws
a connect /ws?channel=news
a leave
wait_access c=news .*code=(?:-|1006|0)? .*status=101


=== a client sent away by a reload has 1012
--- http_config
push_drain 1s;
--- ws
a connect /ws?channel=news
nginx reload
a recv_close 1012
a recv_eof
wait_access c=news .*code=1012 reason="service restart"


=== a worker's end by TERM still writes the lines
--- ws
a connect@1 /ws?channel=one
b connect@2 /ws?channel=two
nginx TERM
a recv_close 1012
b recv_close 1012
wait_access c=one t=websocket
wait_access c=two t=websocket


=== each connection has an id of its own
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
a close 1000
b close 1000
a recv_close
b recv_close
wait_access (?s)c=news t=websocket \S+ id=(\S+) .*\n.*c=news t=websocket \S+ id=(?!\1 )\S{8,}


=== refused handshakes have a line, too
--- ws
a refused 403 /ws?channel=@alice
wait_access status=403 .*uri=/ws
b refused 400 /ws?channel=ok [!Sec-WebSocket-Key]
wait_access status=400 .*uri=/ws


=== publishers have the channel, too
--- ws
http POST /pub?channel=room%3A1 hello => 202
wait_access ^c=room:1 .*status=202 .*uri=/pub


=== the variables work in map and if=
--- http_config
map $push_close_code $odd { default 0; 1002 1; }
--- config
location /ws { push_channel $arg_channel; access_log $TEST_ROOT/logs/access.log push if=$odd; }
--- ws
a connect /ws?channel=fine
a close 1000
a recv_close 1000
a recv_eof
b connect /ws?channel=broken
b raw 8100
b recv_close 1002
b recv_eof
wait_access c=broken
no_access c=fine


=== what earlier phases had put into variables is kept for the line
--- http_config
log_format kept 'kept rid=$request_id set=$mine auth=$auth';
--- config
location /ws {
    set $mine "from-$arg_channel";
    auth_request /auth;
    auth_request_set $auth $upstream_http_x_user;
    push_channel $arg_channel;
    access_log $TEST_ROOT/logs/access.log kept;
}
location /auth { internal; proxy_pass http://127.0.0.1:$TEST_PORT/user; }
location /user { add_header X-User alice; return 204; }
--- ws
a connect /ws?channel=news
a close 1000
a recv_close 1000
wait_access kept rid=[0-9a-f]{32} set=from-news auth=alice


=== who asked for nothing was recovered nothing, and is nobody
--- http_config
log_format who 'user="$push_user" recovered=$push_recovered peak=$push_queue_peak';
--- config
location /ws { push_channel $arg_channel; access_log $TEST_ROOT/logs/access.log who; }
--- ws
a connect /ws?channel=news
a close 1000
a recv_close 1000
wait_access user="-" recovered=0 peak=0


=== outside of our locations they are empty
--- config
location / { return 200 "[$push_channel$push_connection$push_transport$push_close_code]"; }
--- ws
http GET / => 200 = []


=== no access log, no line, no trouble
--- config
location /ws { push_channel $arg_channel; access_log off; }
--- ws
a connect /ws?channel=news
a close 1000
a recv_close 1000
a recv_eof
