# Copyright (C) the ngx_http_push_module authors
#
# What becomes of the request of a WebSocket: let go where nobody else has a
# claim in it, kept where somebody has.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

my $format = <<'_EOC_';
log_format push '$request_uri $uri "$args" $host $http_x_one $http_x_two "$http_cookie" $cookie_uid $scheme $request_method $server_protocol len=$request_length m=$mapped c=$push_channel s=$push_messages_sent code=$push_close_code status=$status n=$connection_requests user=$remote_user';
map $arg_channel $mapped { default other; news tidings; }
_EOC_

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value(http_config => ($block->http_config // '') . $format);
});

plan tests => claims();
run_tests();

__DATA__

=== a request is let go after the handshake
--- ws
connect_many p 20 /ws?channel=news
until http GET /push => .totals.connections == 20 && .totals.kept_requests == 0
http POST /pub?channel=news hello => 201
p recv hello


=== its log line still shows what it was
--- with
access_log $TEST_ROOT/logs/access.log push;
--- ws
a connect /ws?channel=news&x=%20y [Host: example.com:8080 | X-One: 1 | X-Two: two words | Cookie: uid=7; b=c | Authorization: Basic YWxpY2U6c2VjcmV0]
http POST /pub?channel=news hello => 201
a recv hello
a close 1000
a recv_close 1000
wait_access ^/ws\?channel=news&x=%20y /ws "channel=news&x=%20y" example.com 1 two words "uid=7; b=c" 7 http GET HTTP/1.1 len=[1-9]\d\d+ m=tidings c=news s=1 code=1000 status=101 n=1 user=alice


=== a rewritten address is logged as it was rewritten
--- config
location /old { rewrite ^/old/(.*)$ /new?channel=$1 last; }
location /new { push_channel $arg_channel; access_log $TEST_ROOT/logs/access.log push; }
--- ws
a connect /old/news?a=b
a close 1000
a recv_close 1000
wait_access ^/old/news\?a=b /new "channel=news&a=b"


=== the second request of a connection is no other
--- with
access_log $TEST_ROOT/logs/access.log push;
--- ws
a open
a write "GET /pub?channel=news HTTP/1.1\r\nHost: localhost\r\n\r\n"
a answer 200
a write "GET /ws?channel=news HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
a answer 101
until http GET /push => .totals.connections == 1 && .totals.kept_requests == 0
a close 1000
a recv_close 1000
wait_access ^/ws\?channel=news .*code=1000 status=101 n=2


=== with limit_conn the request is kept, and the connection counts while it lives
--- http_config
limit_conn_zone $arg_who zone=who:1m;
--- config
location /ws { limit_conn who 1; push_channel $arg_channel; }
location /push { push_status json; }
location /pub { push_publish $arg_channel; }
--- ws
a connect /ws?channel=news&who=x
until http GET /push => .totals.kept_requests == 1
b refused 503 /ws?channel=news&who=x
c connect /ws?channel=news&who=y
http POST /pub?channel=news hello => 201 .subscribers == 2
a recv hello
c recv hello
a close 1000
a recv_close 1000
a recv_eof
until http GET /push => .totals.kept_requests == 1
b connect /ws?channel=news&who=x
until http GET /push => .totals.kept_requests == 2


=== a kept request's line is written at the end, too
--- http_config
limit_conn_zone $arg_channel zone=who:1m;
--- config
location /ws {
    limit_conn who 1;
    push_channel $arg_channel;
    access_log $TEST_ROOT/logs/access.log push;
}
--- ws
a connect /ws?channel=news
a raw 8100
a recv_close 1002
a recv_eof
wait_access ^/ws\?channel=news .*c=news s=0 code=1002 status=101


=== where realip replaced the address the request is kept
--- with
set_real_ip_from 127.0.0.1;
real_ip_header X-Real-IP;
--- ws
a connect /ws?channel=news [X-Real-IP: 10.1.2.3]
until http GET /push => .totals.kept_requests == 1
b connect /ws?channel=news
until http GET /push => .totals.connections == 2 && .totals.kept_requests == 1
a close 1000
a recv_close 1000
a recv_eof
until http GET /push => .totals.connections == 1 && .totals.kept_requests == 0


=== an auth_request to a proxied backend is no claim
--- config
location /ws { auth_request /auth; push_channel $arg_channel; }
location /auth { internal; proxy_pass http://127.0.0.1:$TEST_PORT/user; proxy_set_header Upgrade ""; proxy_set_header Connection ""; }
location /user { if ($http_x_token = wrong) { return 403; } return 204; }
location /push { push_status json; }
location /pub { push_publish $arg_channel; }
--- ws
a connect /ws?channel=news&t=1 [X-Token: secret]
b refused 403 /ws?channel=news [X-Token: wrong]
until http GET /push => .totals.connections == 1 && .totals.kept_requests == 0
http POST /pub?channel=news hello => 201
a recv hello


=== a cached auth_request may keep the request; all works as before
--- http_config
proxy_cache_path $TEST_ROOT/cache keys_zone=auth:1m;
--- config
location /ws { auth_request /auth; push_channel $arg_channel; access_log $TEST_ROOT/logs/access.log push; }
location /auth {
    internal;
    proxy_pass http://127.0.0.1:$TEST_PORT/user;
    proxy_cache auth;
    proxy_cache_key $arg_token;
    proxy_cache_valid 204 200 1m;
    proxy_set_header Upgrade "";
    proxy_set_header Connection "";
}
location /user { return 200 ok; }
location /push { push_status json; }
location /pub { push_publish $arg_channel; }
--- ws
connect_many p 4 /ws?channel=news&token=1
http GET /push => .totals.connections == 4
http POST /pub?channel=news hello => 201
p recv hello
p close 1000
p recv_close 1000
p recv_eof
until http GET /push => .totals.connections == 0 && .totals.kept_requests == 0
wait_access ^/ws\?channel=news&token=1 .*s=1 code=1000 status=101


=== a mirror that takes its time does no harm
--- config
location /ws { mirror /mirror; push_channel $arg_channel; }
location /mirror { internal; proxy_pass http://127.0.0.1:$TEST_FAKE_PORT; proxy_read_timeout 1s; }
location /push { push_status json; }
location /pub { push_publish $arg_channel; }
--- allow_log
upstream timed out
upstream prematurely closed
connect\(\) failed
no live upstreams
--- ws
a connect /ws?channel=news
http POST /pub?channel=news hello => 201
a recv hello
a close 1000
a recv_close 1000


=== through reload and kill -9 nothing is counted as kept for ever
--- http_config
push_drain 500ms;
limit_conn_zone $arg_channel zone=who:1m;
--- config
location /ws { limit_conn who 100; push_channel $arg_channel; }
location /push { push_status json; }
--- ws
a connect /ws?channel=news
b connect /ws?channel=news
until http GET /push => .totals.kept_requests == 2
nginx reload
a recv_close 1012
b recv_close 1012
until http GET /push => .totals.connections == 0 && .totals.kept_requests == 0


=== a mirror that ends the request takes the session along
--- config
location /ws { mirror /m; push_channel $arg_channel; }
location = /m { internal; return 444; }
location /pub { push_publish $arg_channel; }
location /push { push_status json names; }
--- ws
a open
a write "GET /ws?channel=news HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
a answer 101
a recv_gone
http POST /pub?channel=news hello => 202 .subscribers == 0
until http GET /push => .totals.connections == 0
