# Copyright (C) the ngx_http_push_module authors
#
# Refusals that a browser can see: push_auth_reject.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

my $log = 'log_format push \'$uri channel=$push_channel '
          . 'transport=$push_transport status=$status code=$push_close_code '
          . '"$push_close_reason" sent=$bytes_sent\';';

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value(http_config => "$log\n" . ($block->http_config // ''));

    for my $section (qw( config http_config )) {
        my $text = $block->$section or next;

        $text =~ s/\$LOG/access_log $ENV{TEST_NGINX_SERVROOT}\/logs\/access.log push/g;
        $block->set_value($section, $text);
    }
});

plan tests => claims();
run_tests();

__DATA__

=== by default a refusal is an HTTP status
--- config
location /none { push_channel $arg_channel; deny all; }
location /http { push_channel $arg_channel; deny all; push_auth_reject http; }
location /off { push_channel $arg_channel; return 403; }
--- ws
for uri in /none /http /off {
a refused 403 $uri?channel=news
}


=== close: what nginx refuses becomes a handshake and a code
--- http_config
limit_req_zone $server_name zone=slow:1m rate=1r/m;
limit_conn_zone $server_name zone=few:1m;
push_auth_reject close;
--- config
location /basic { push_channel $arg_channel; auth_basic push; auth_basic_user_file users; }
location /sub { push_channel $arg_channel; auth_request /auth; }
location = /auth { internal; proxy_pass http://127.0.0.1:$TEST_PORT/user; }
location /user { if ($http_x_token = "") { return 401; } return 403; }
location /deny { push_channel $arg_channel; deny all; }
location /if { push_channel $arg_channel; if ($arg_channel) { return 403; } }
location /any { push_channel $arg_channel; satisfy any; deny all; auth_basic push; auth_basic_user_file users; }
location /rate { push_channel $arg_channel; limit_req zone=slow; limit_req_status 429; }
location /busy { push_channel $arg_channel; limit_req zone=slow; }
location /few { push_channel $arg_channel; limit_conn few 1; }
location /many { push_channel $arg_channel; limit_conn few 1; limit_conn_status 429; }
location /push { push_status; }
--- ws
file users "alice:{PLAIN}secret\n"
o connect /rate?channel=news
p connect /few?channel=news
for uri in /basic /sub /any {
a connect $uri?channel=news => [!WWW-Authenticate | !Content-Type | !Content-Length | !Cache-Control]
a recv_close 4401 unauthorized
a recv_eof
}
a connect /sub?channel=news [X-Token: bad]
a recv_close 4403 forbidden
a recv_eof
for uri in /deny /if {
a connect $uri?channel=news
a recv_close 4403 forbidden
a recv_eof
}
for uri in /rate /many {
a connect $uri?channel=news
a recv_close 1008
a recv_eof
}
for uri in /busy /few {
a connect $uri?channel=news => [!Retry-After]
a recv_close 1013 overload
a recv_eof
}
until http GET /push => .totals.connections == 2 && .totals.kept_requests == 1


=== close: whoever may come, comes
--- config
push_auth_reject close;
location /basic { push_channel $arg_channel; auth_basic push; auth_basic_user_file users; }
location /pub { push_publish $arg_channel; }
--- ws
file users "alice:{PLAIN}secret\n"
a connect /basic?channel=news [Authorization: Basic YWxpY2U6c2VjcmV0]
http POST /pub?channel=news hello => 201
a recv hello


=== close: what the module itself refuses is told so, too
--- http_config
push_zone zone=push:1m channels=1;
push_auth_reject close;
--- ws
a connect /ws?channel=news [Origin: https://evil.com]
a recv_close 4403 forbidden
a recv_eof
b connect /ws?channel=%23group
b recv_close 4403 forbidden
b recv_eof
c connect /ws?channel=news
d connect /ws?channel=other
d recv_close 1013 overload
d recv_eof
http POST /pub?channel=news hello => 201 .subscribers == 1
c recv hello


=== close: only those four, only to WebSockets, only where clients connect
--- config
push_auth_reject close;
location /ws { push_channel $arg_channel; }
location /deny { push_channel $arg_channel; deny all; }
location /gone { push_channel $arg_channel; if ($arg_channel) { return 410; } }
location /pub { push_publish $arg_channel; deny all; }
location /push { push_status; deny all; }
location /plain { deny all; }
--- ws
a refused 400 /ws?channel=
a refused 410 /gone?channel=news
a refused 426 /ws?channel=news [Sec-WebSocket-Version: 12]
a refused 400 /ws?channel=news [Sec-WebSocket-Key: x]
for uri in /deny /pub /push /plain {
http GET $uri?channel=news => 403
}
for uri in /pub /push /plain {
a refused 403 $uri?channel=news
}
a refused 403 /deny?channel=news [Sec-WebSocket-Version: 12]
a refused 403 /deny?channel=news [Sec-WebSocket-Key: x]
a refused 403 /deny?channel=news [!Connection]
a refused 403 /deny?channel=news http=1.0
a refused 403 /deny?channel=news method=POST


=== close: a subprotocol is answered, so that the browser takes the handshake
--- config
location /deny { push_channel $arg_channel; deny all; push_auth_reject close; }
location /meta { push_channel $arg_channel; deny all; push_auth_reject close; push_protocol meta; error_page 403 /page; }
location /page { return 200 page; }
location /small { push_channel $arg_channel; deny all; push_auth_reject close; push_deflate on; }
--- ws
d connect /small?channel=news [Sec-WebSocket-Extensions: permessage-deflate]
d recv_close 4403
d recv_eof
a connect /deny?channel=news [Sec-WebSocket-Protocol: other, push.raw] => [Sec-WebSocket-Protocol: push.raw]
a recv_close 4403
a recv_eof
c connect /meta?channel=news [Sec-WebSocket-Protocol: push.raw, push.meta] => [Sec-WebSocket-Protocol: push.meta]
c recv_close 4403
c recv_eof
b connect /deny?channel=news => [!Sec-WebSocket-Protocol]
b recv_close 4403
b recv_eof


=== close: the line in the log has the status 101 and the code
--- config
location /deny { push_channel $arg_channel; deny all; push_auth_reject close; $LOG; }
location /ws { push_channel $arg_channel; push_auth_reject close; $LOG; }
--- ws
a connect /deny?channel=news
a recv_close 4403
a recv_eof
wait_access ^/deny channel=- transport=websocket status=101 code=4403 "forbidden" sent=\d\d\d$
b connect /ws?channel=%23x [Origin: https://evil.com]
b recv_close 4403
b recv_eof
wait_access ^/ws channel=- transport=websocket status=101 code=4403 "forbidden" sent=\d\d\d$
wait_log \[info\].*push closes websocket: 4403 "forbidden"


=== close: an error_page that keeps the status changes nothing
--- http_config
push_auth_reject close;
proxy_buffering off;
error_page 401 403 503 /page;
error_page 429 = @proxied;
--- config
location /basic { push_channel $arg_channel; auth_basic push; auth_basic_user_file none; $LOG; }
location /deny { push_channel $arg_channel; deny all; $LOG; }
location /static { push_channel $arg_channel; deny all; error_page 403 /file; }
location /named { push_channel $arg_channel; deny all; error_page 403 =403 @proxied; }
location /other { push_channel $arg_channel; deny all; error_page 403 =200 /page; }
location /moved { push_channel $arg_channel; deny all; error_page 403 https://example.com/; }
location /page { return 200 "<html>{x}</html>"; $LOG; }
location /file { root $TEST_ROOT/conf; }
location @proxied { rewrite ^ /large break; proxy_pass http://127.0.0.1:$TEST_PORT; }
location /large { root $TEST_ROOT/conf; }
location /plain { deny all; }
location /push { push_status; }
--- ws
file file {x*100000}
file large {x*100000}
a connect /basic?channel=news
a recv_close 4401
a recv_eof
for uri in /deny /static /named {
a connect $uri?channel=news
a recv_close 4403
a recv_eof
}
wait_access ^/page channel=- transport=websocket status=101 code=4401
a refused 200 /other?channel=news => ~ html
a refused 302 /moved?channel=news
a refused 403 /plain
http GET /deny?channel=news => 403 ~ html
until http GET /push => .totals.connections == 0


=== close: frames that came with the handshake, and after it, do no harm
--- config
location /deny { push_channel $arg_channel; deny all; push_auth_reject close; }
location /push { push_status; }
--- ws
a connect /deny?channel=news >> text hello >> text world
a recv_close 4403
a recv_eof
b connect /deny?channel=news drip=1
b auto_close off
b recv_close 4403
b send hello
b binary 00ff
b ping x
b close 4403
b recv_eof
c open
c write "GET /deny?channel=news HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\nGET /push HTTP/1.1\r\nHost: localhost\r\n\r\n"
c answer 101 [Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=]
c abort
d connect /deny?channel=news
d abort


=== close: a client that neither answers nor leaves is left by nginx
--- config
lingering_timeout 200ms;
location /deny { push_channel $arg_channel; deny all; push_auth_reject close; $LOG; }
--- ws
a connect /deny?channel=news
a auto_close off
a recv_close 4403
wait_access ^/deny \S+ \S+ status=101 code=4403
a ignore


=== close: over TLS
--- tls
--- http_config
limit_req_zone $server_name zone=slow:1m rate=1r/m;
limit_conn_zone $server_name zone=few:1m;
push_auth_reject close;
--- config
location /basic { push_channel $arg_channel; auth_basic push; auth_basic_user_file users; $LOG; }
location /sub { push_channel $arg_channel; auth_request /auth; }
location = /auth { internal; return 403; }
location /deny { push_channel $arg_channel; deny all; }
location /rate { push_channel $arg_channel; limit_req zone=slow; }
location /few { push_channel $arg_channel; limit_conn few 1; limit_conn_status 429; }
location /ws { push_channel $arg_channel; push_origin https://a.com; }
location /push { push_status; }
--- ws
file users "alice:{PLAIN}secret\n"
o connect tls /rate?channel=news
p connect tls /few?channel=news
for v in 1.2 1.3 {
a connect tls /basic?channel=news version=$v
a recv_close 4401 unauthorized
a recv_eof
for uri in /sub /deny /ws {
a connect tls $uri?channel=news version=$v [Origin: https://b.com]
a recv_close 4403
a recv_eof
}
a connect tls /rate?channel=news version=$v
a recv_close 1013
a recv_eof
a connect tls /few?channel=news version=$v
a recv_close 1008
a recv_eof
}
wait_access ^/basic channel=- transport=websocket status=101 code=4401
until http GET /push => .totals.connections == 2


=== close: hundreds of them leave nothing behind
--- config
location /deny { push_channel $arg_channel; deny all; push_auth_reject close; error_page 403 /page; }
location /page { return 200 page; }
location /push { push_status; }
location /ws { push_channel $arg_channel; }
--- ws
connect_many p 20 /deny?channel=news
p recv_close 4403
p recv_eof
let rss worker_rss + 512
repeat 20 {
connect_many q$i- 20 /deny?channel=news
q$i- recv_close 4403
q$i- recv_eof
}
wait worker_rss <= $rss
http GET /push => .totals.connections == 0 && .totals.queue_bytes == 0


=== close: a worker that is told to leave does not wait for them
--- config
location /deny { push_channel $arg_channel; deny all; push_auth_reject close; }
--- ws
a connect /deny?channel=news
a recv_close 4403
nginx reload
a recv_eof
wait old_workers == 0


=== the inner setting wins
--- http_config
push_auth_reject close;
--- config
location /a { push_channel $arg_channel; deny all; }
location /b { push_channel $arg_channel; deny all; push_auth_reject http; }
--- ws
a connect /a?channel=news
a recv_close 4403
b refused 403 /b?channel=news


=== another value than http and close is refused
--- config
push_auth_reject 4403;
--- must_die
--- error_log
"push_auth_reject" directive: invalid value "4403", "http" or "close" expected
