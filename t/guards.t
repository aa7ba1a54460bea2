# Copyright (C) the ngx_http_push_module authors
#
# What nginx has to protect a location protects clients and publishers as it
# does anything else; t/detach.t has what becomes of their requests.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

plan tests => claims();
run_tests();

__DATA__

=== auth_basic
--- config
auth_basic_user_file users;
location /ws { push_channel $arg_channel @$remote_user; auth_basic push; }
location /chat { push_channel $arg_channel; push_client_publish on; auth_basic push; }
location /pub { push_publish $arg_channel; auth_basic push; }
location /open { push_publish $arg_channel; }
location /push { push_status; auth_basic push; }
--- ws
file users "alice:{PLAIN}secret\n"
a refused 401 /ws?channel=news => [WWW-Authenticate: Basic realm="push"]
a refused 401 /ws?channel=news [Authorization: Basic YWxpY2U6d3Jvbmc=]
a connect /ws?channel=news [Authorization: Basic YWxpY2U6c2VjcmV0]
http POST /pub?channel=news hello => 401
http POST /chat?channel=news hello => 401
http GET /push => 401
http POST /pub?channel=news [Authorization: Basic YWxpY2U6c2VjcmV0] hello => 201 .subscribers == 1
a recv hello
http POST /chat?channel=news [Authorization: Basic YWxpY2U6c2VjcmV0] world => 201
a recv world
http POST /open [Push-User: alice] you => 201
a recv you
http GET /push [Authorization: Basic YWxpY2U6c2VjcmV0] => 200


=== auth_request, and what auth_request_set has got from it in a channel's name
--- config
location /ws { auth_request /auth; auth_request_set $who $upstream_http_x_user; push_channel user:$who; access_log $TEST_ROOT/logs/access.log push; }
location /pub { auth_request /auth; auth_request_set $who $upstream_http_x_user; push_publish user:$who; }
location /chat { auth_request /auth; auth_request_set $who $upstream_http_x_user; push_channel $arg_channel; push_client_publish user:$who; }
location = /auth { internal; proxy_pass http://127.0.0.1:$TEST_PORT/user; proxy_pass_request_body off; proxy_set_header Content-Length ""; }
location /user { if ($http_x_token = "") { return 401; } if ($http_x_token = bad) { return 403; } add_header X-User $http_x_token; return 204; }
--- http_config
log_format push '$uri who=$who channel=$push_channel status=$status';
--- ws
for u in /ws /chat {
a refused 401 $u?channel=user:bob
a refused 403 $u?channel=user:bob [X-Token: bad]
}
http POST /pub hello => 401
http POST /pub [X-Token: bad] hello => 403
a connect /ws [X-Token: bob]
b connect /ws [X-Token: carl]
http POST /pub [X-Token: bob] hello => 201 .channel == user:bob && .subscribers == 1
a recv hello
http POST /chat?channel=user:carl [X-Token: bob] hello => 403
http POST /chat?channel=user:carl [X-Token: carl] hello => 201
b recv hello
a close 1000
a recv_close 1000
wait_access ^/ws who=bob channel=user:bob status=101


=== allow and deny
--- config
location /ws { push_channel $arg_channel; allow 127.0.0.2; deny all; }
location /pub { push_publish $arg_channel; allow 127.0.0.3; deny all; }
location /push { push_status; allow 127.0.0.4; deny all; }
--- ws
a refused 403 /ws?channel=news
a connect /ws?channel=news from=127.0.0.2
http POST /pub?channel=news hello => 403
http POST /pub?channel=news from=127.0.0.2 hello => 403
http POST /pub?channel=news from=127.0.0.3 hello => 201
a recv hello
http GET /push => 403
http GET /push from=127.0.0.4 => 200


=== satisfy any: an address or a password
--- config
auth_basic_user_file users;
location /ws { push_channel $arg_channel; satisfy any; allow 127.0.0.2; deny all; auth_basic push; }
location /pub { push_publish $arg_channel; satisfy any; allow 127.0.0.2; deny all; auth_request /auth; }
location = /auth { internal; if ($http_x_token != secret) { return 403; } return 204; }
--- ws
file users "alice:{PLAIN}secret\n"
a refused 401 /ws?channel=news
a connect /ws?channel=news from=127.0.0.2
b connect /ws?channel=news [Authorization: Basic YWxpY2U6c2VjcmV0]
http POST /pub?channel=news one => 403
http POST /pub?channel=news from=127.0.0.2 two => 201 .subscribers == 2
http POST /pub?channel=news [X-Token: secret] three => 201
a recv two
a recv three
b recv two
b recv three


=== limit_req
--- http_config
limit_req_zone $arg_who zone=ws:1m rate=1r/m;
limit_req_zone $arg_who zone=pub:1m rate=1r/m;
--- config
location /ws { push_channel $arg_channel; limit_req zone=ws burst=1 nodelay; limit_req_status 429; }
location /pub { push_publish $arg_channel; limit_req zone=pub; }
location /push { push_status; }
--- ws
a connect /ws?channel=news&who=x
b connect /ws?channel=news&who=x
c refused 429 /ws?channel=news&who=x
d connect /ws?channel=news&who=y
http POST /pub?channel=news&who=x hello => 201 .subscribers == 3
http POST /pub?channel=news&who=x again => 503
for n in a b d {
$n recv hello
}
until http GET /push => .totals.kept_requests == 0


=== a request that limit_req delays is answered in its turn
--- http_config
limit_req_zone $server_name zone=pub:1m rate=5r/s;
--- config
location /ws { push_channel $arg_channel; limit_req zone=pub burst=9; }
location /pub { push_publish $arg_channel; limit_req zone=pub burst=9; }
--- ws
clock t
a connect /ws?channel=news
b connect /ws?channel=news
http POST /pub?channel=news hello => 201 .subscribers == 2
elapsed t >= 350ms
a recv hello
b recv hello


=== limit_conn counts a publisher while it waits for its answer, and no longer
--- http_config
limit_conn_zone $server_name zone=pub:1m;
--- config
location /ws { push_channel $arg_channel; }
location /slow { push_publish $arg_channel; limit_conn pub 2; }
location /pub { push_publish $arg_channel; limit_conn pub 1; }
--- ws
a open
a write "POST /slow?channel=news HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhel"
until http POST /pub?channel=news hello => 503
a write "lo"
a answer 202
until http POST /pub?channel=news hello => 202


=== secure_link
--- config
location /ws { push_channel $arg_channel; secure_link $arg_md5,$arg_expires; secure_link_md5 "$secure_link_expires$uri secret"; if ($secure_link = "") { return 403; } if ($secure_link = 0) { return 410; } }
location /pub { push_publish $arg_channel; secure_link $arg_md5; secure_link_md5 secret$uri; if ($secure_link = "") { return 403; } }
--- ws
a refused 403 /ws?channel=news
a refused 403 /ws?channel=news&md5=iTjKBSowTZPM9nRKIEIX0g&expires=2000000000
a refused 410 /ws?channel=news&md5=iTjKBSowTZPM9nRKIEIX0g&expires=1000000000
a connect /ws?channel=news&md5=w6fTideo9ZqkOWQFFiOIyQ&expires=2000000000
http POST /pub?channel=news hello => 403
http POST /pub?channel=news&md5=PxRn8Q9hn9qhC1HAHtlong hello => 201
a recv hello


=== realip: the address that a proxy tells is the one that is judged
--- config
set_real_ip_from 127.0.0.1;
real_ip_header X-Real-IP;
location /ws { push_channel $arg_channel; allow 10.1.2.3; deny all; }
location /pub { push_publish ip:$remote_addr; allow 10.1.2.3; deny all; }
--- ws
a refused 403 /ws?channel=ip:10.1.2.3
a refused 403 /ws?channel=ip:10.1.2.3 [X-Real-IP: 10.1.2.4]
b refused 403 /ws?channel=ip:10.1.2.3 from=127.0.0.2 [X-Real-IP: 10.1.2.3]
a connect /ws?channel=ip:10.1.2.3 [X-Real-IP: 10.1.2.3]
http POST /pub hello => 403
http POST /pub [X-Real-IP: 10.1.2.3] hello => 201 .channel == ip:10.1.2.3
a recv hello


=== TLS
--- tls
--- http_config
log_format push '$uri $scheme $ssl_protocol $push_channel $status $push_close_code';
--- config
location /ws { push_channel $scheme:$arg_channel; push_client_publish on; access_log $TEST_ROOT/logs/access.log push; }
location /pub { push_publish $scheme:$arg_channel; }
location /push { push_status; }
--- ws
for v in 1.2 1.3 {
a connect tls /ws?channel=news version=$v
b connect tls /ws?channel=news [Origin: https://127.0.0.1:$TEST_TLS_PORT]
c refused 403 tls /ws?channel=news [Origin: https://evil.com]
http POST tls /pub?channel=news {x*70000} => 201 .channel == https:news && .subscribers == 2
a recv {x*70000}
b recv {x*70000}
a send hello
a recv hello
b recv hello
http POST tls /ws?channel=news [Origin: https://127.0.0.1:$TEST_TLS_PORT] world => 201
a recv world
b recv world
until http GET /push => .totals.connections == 2 && .totals.kept_requests == 0
a close 1000
a recv_close 1000
b close 1000
b recv_close 1000
a recv_eof
b recv_eof
wait_access ^/ws https TLSv$v https:news 101 1000
}


=== a client's certificate
--- tls
--- config
ssl_client_certificate $TEST_TLS/ca.pem;
ssl_verify_client optional;
location /ws { push_channel "$ssl_client_verify:$arg_channel"; if ($ssl_client_verify != SUCCESS) { return 403; } }
location /pub { push_publish "$ssl_client_verify:$arg_channel"; if ($ssl_client_verify != SUCCESS) { return 403; } }
--- ws
a connect tls /ws?channel=news cert=client
b refused 403 tls /ws?channel=news
http POST tls /pub?channel=news hello => 403
http POST tls /pub?channel=news cert=client hello => 201 .channel == SUCCESS:news && .subscribers == 1
a recv hello


=== HTTP/2 for publishers; to clients it tells that a WebSocket is of HTTP/1.1
--- tls: http2
--- h2c
--- http_config
log_format push '$server_protocol $request_method $push_channel $status';
push_origin https://a.com;
--- config
location /ws { push_channel $arg_channel; push_transport websocket; }
location /chat { push_channel $arg_channel; push_client_publish on; push_max_message_size 100; }
location /pub { push_publish $arg_channel; access_log $TEST_ROOT/logs/access.log push; }
location /basic { push_publish $arg_channel; auth_basic push; auth_basic_user_file none; }
--- ws
a connect /ws?channel=news
for v in h2 h2c {
http POST $v /pub?channel=news hello => 201 [Cache-Control: no-store | X-Content-Type-Options: nosniff | Vary: Accept, Origin] .channel == news && .subscribers == 1
a recv hello
http POST $v /pub?channel=news {x*100000} => 201
a recv {x*100000}
http GET $v /pub?channel=news => 200 .subscribers == 1
http PUT $v /chat?channel=news [Content-Type: text/plain] world => 201
a recv world
http POST $v /chat?channel=news {x*101} => 413
http GET $v /ws?channel=news => 426 [!Upgrade] .error exists
http DELETE $v /ws?channel=news => 405 [Allow: GET, POST, PUT, OPTIONS]
http OPTIONS $v /pub?channel=news [Origin: https://a.com | Access-Control-Request-Method: PUT] => 204 [Access-Control-Allow-Origin: https://a.com]
http POST $v /basic?channel=news [Origin: https://a.com] x => 401 [Access-Control-Allow-Origin: https://a.com | Cache-Control: no-store]
http POST $v /pub?channel=news [Origin: https://b.com] x => 403 [!Access-Control-Allow-Origin]
}
wait_access ^HTTP/2.0 POST news 201


=== internal: only X-Accel-Redirect of the site leads there
--- config
location /ws { proxy_pass http://127.0.0.1:$TEST_PORT/site; }
location /pub { proxy_pass http://127.0.0.1:$TEST_PORT/site2; }
location /inner/ { internal; push_channel $arg_channel; access_log $TEST_ROOT/logs/access.log push; }
location @publish { push_publish $upstream_http_x_channel; }
location /site { if ($http_x_token != secret) { return 403; } add_header X-Accel-Redirect /inner/?channel=news; return 200; }
location /site2 { if ($http_x_token != secret) { return 403; } add_header X-Accel-Redirect @publish; add_header X-Channel news; return 200; }
location /push { push_status; }
--- http_config
log_format push '$request_uri $uri $push_channel $status';
--- ws
a refused 404 /inner/?channel=news [X-Token: secret]
a refused 403 /ws
a connect /ws [X-Token: secret]
http POST /pub hello => 403
http POST /pub [X-Token: secret] hello => 201 .channel == news && .subscribers == 1
a recv hello
until http GET /push => .totals.connections == 1 && .totals.kept_requests == 0
a close 1000
a recv_close 1000
wait_access ^/ws /inner/ news 101


=== error_page may answer for it, or lead a client to another location
--- config
error_page 403 /refused;
error_page 401 =403 @refused;
location /refused { return 200 page; }
location @refused { return 403 named; }
location /deny { push_channel $arg_channel; deny all; }
location /pub { push_publish $arg_channel; deny all; }
location /auth { push_channel $arg_channel; auth_basic push; auth_basic_user_file none; }
location /other { push_channel $arg_channel; deny all; error_page 403 =200 /ws; }
location /ws { push_channel $arg_channel other; access_log $TEST_ROOT/logs/access.log push; }
location /say { push_publish other; }
--- http_config
log_format push '$request_uri $uri $push_channel $status';
--- ws
a refused 403 /deny?channel=news => = page
http POST /pub?channel=news hello => 403 = page
a refused 403 /auth?channel=news => = named
b connect /other?channel=news
http POST /say hello => 201 .subscribers == 1
b recv hello
b close 1000
b recv_close 1000
wait_access ^/other\?channel=news /ws \S*other\S* 101


=== if in a location decides, too
--- config
location /ws { push_channel $arg_channel; if ($http_x_token != secret) { return 403; } if ($arg_mode = open) { push_channel open; } }
location /pub { set $to $arg_channel; if ($arg_mode = open) { set $to open; } push_publish $to; if ($request_method = DELETE) { return 405; } }
--- ws
a refused 403 /ws?channel=news
a connect /ws?channel=news [X-Token: secret]
b connect /ws?channel=news&mode=open [X-Token: secret]
http POST /pub?channel=news one => 201 .channel == news
http POST /pub?channel=news&mode=open two => 201 .channel == open
http DELETE /pub?channel=news => 405
a recv one
b recv two


=== limit_except: what it does not except goes through its own guards
--- config
location /pub { push_publish $arg_channel; limit_except GET { deny all; } }
location /chat { push_channel $arg_channel; push_client_publish on; limit_except GET { allow 127.0.0.2; deny all; } }
location /ws { push_channel $arg_channel; }
--- ws
a connect /chat?channel=news
http GET /pub?channel=news => 200 .subscribers == 1
http POST /pub?channel=news hello => 403
http POST /chat?channel=news hello => 403
http POST /chat?channel=news from=127.0.0.2 hello => 201
a recv hello
