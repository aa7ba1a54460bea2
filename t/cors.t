# Copyright (C) the ngx_http_push_module authors
#
# Pages of other origins, and what keeps caches away: preflights, and the
# headers of every answer.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

plan tests => claims();
run_tests();

__DATA__

=== a preflight is answered with what the page may do
--- with
push_origin https://*.example.com;
--- ws
for uri in /ws /chat {
http OPTIONS $uri?channel=news [Origin: https://shop.example.com | Access-Control-Request-Method: POST | Access-Control-Request-Headers: content-type] => 204 [Access-Control-Allow-Origin: https://shop.example.com | Access-Control-Allow-Credentials: true | Access-Control-Allow-Methods: GET, POST, PUT, OPTIONS | Access-Control-Allow-Headers ~ \bAuthorization, Content-Type, If-None-Match, Last-Event-ID,.*\bPush-Event\b | Access-Control-Max-Age ~ ^\d+$ | Vary: Accept, Origin, Access-Control-Request-Method, Access-Control-Request-Headers | Cache-Control: no-store | !Access-Control-Expose-Headers | !Content-Length | !Content-Type]
}
http OPTIONS /pub?channel=news [Origin: https://shop.example.com | Access-Control-Request-Method: DELETE] => 204 [Access-Control-Allow-Origin: https://shop.example.com | Access-Control-Allow-Methods: GET, HEAD, POST, PUT, DELETE, OPTIONS]
http OPTIONS /push [Origin: https://shop.example.com | Access-Control-Request-Method: GET] => 204 [Access-Control-Allow-Origin: https://shop.example.com | Access-Control-Allow-Methods: GET, HEAD, OPTIONS]


=== a preflight of an origin that may not come gets 403 and no headers of CORS
--- ws
for uri in /ws /chat /pub /push {
http OPTIONS $uri?channel=news [Origin: https://evil.com | Access-Control-Request-Method: POST] => 403 [!Access-Control-Allow-Origin | !Access-Control-Allow-Methods | !Access-Control-Allow-Credentials | Cache-Control: no-store | Vary ~ Origin | Content-Type: application/json] .error exists
}
wait_log \[info\].*origin "https://evil.com" is not that of host


=== two Origins are nobody's, whatever push_origin says
--- with
push_origin any;
--- ws
http OPTIONS /pub?channel=news [Origin: https://a.com | Origin: https://b.com | Access-Control-Request-Method: POST] => 403 [!Access-Control-Allow-Origin]
http GET /pub?channel=news [Origin: https://a.com | Origin: https://b.com] => 200 [!Access-Control-Allow-Origin]
http GET /pub?channel=news [Origin: ] => 200 [!Access-Control-Allow-Origin]


=== any lets every origin come, by its name and never by a star
--- with
push_origin any;
--- ws
for o in https://a.com http://b.com:81 null {
http OPTIONS /ws?channel=news [Origin: $o | Access-Control-Request-Method: GET] => 204 [Access-Control-Allow-Origin: $o | Access-Control-Allow-Credentials: true]
http GET /ws?channel=news [Origin: $o] => 426 [Access-Control-Allow-Origin: $o | Access-Control-Allow-Credentials: true | Access-Control-Expose-Headers ~ \bETag\b.*\bRetry-After\b]
}


=== a preflight is answered before any access check
--- http_config
limit_req_zone $server_name zone=one:1m rate=1r/m;
limit_conn_zone $server_name zone=conn:1m;
push_origin https://shop.example.com;
--- config
auth_basic_user_file $TEST_ROOT/none;
location /basic { push_channel $arg_channel; auth_basic push; }
location /sub { push_channel $arg_channel; auth_request /auth; }
location = /auth { internal; return 401; }
location /deny { push_publish $arg_channel; deny all; }
location /any { push_publish $arg_channel; satisfy any; deny all; auth_basic push; }
location /rate { push_channel $arg_channel; limit_req zone=one; }
location /except { push_publish $arg_channel; limit_except POST { deny all; } }
location /cookie { push_channel $arg_channel; if ($cookie_user = "") { return 401; } }
location /link { push_channel $arg_channel; secure_link $http_x_link; secure_link_md5 secret; if ($secure_link = "") { return 403; } }
location /status { push_status; deny all; }
--- ws
for uri in /basic /sub /deny /any /rate /rate /rate /rate /except /cookie /link /status {
http OPTIONS $uri?channel=news [Origin: https://shop.example.com | Access-Control-Request-Method: POST] => 204 [Access-Control-Allow-Origin: https://shop.example.com]
http OPTIONS $uri?channel=news [Origin: https://evil.com | Access-Control-Request-Method: POST] => 401|403 [!Access-Control-Allow-Origin]
}


=== OPTIONS that is no preflight has to pass what any request has to
--- config
location /ws { push_channel $arg_channel; }
location /deny { push_publish $arg_channel; deny all; }
--- ws
http OPTIONS /ws?channel=news => 204 [Allow: GET, POST, PUT, OPTIONS | !Access-Control-Allow-Methods]
http OPTIONS /ws?channel=news [Origin: http://127.0.0.1:$port] => 204 [Allow: GET, POST, PUT, OPTIONS | !Access-Control-Allow-Methods]
http OPTIONS /ws?channel=news [Access-Control-Request-Method: GET] => 204 [Allow: GET, POST, PUT, OPTIONS | !Access-Control-Allow-Methods]
http OPTIONS /ws?channel=news [Origin: http://evil.com] => 403
http OPTIONS /deny => 403


=== an if block's endpoint and variables of set count for a preflight
--- config
location /else { push_origin https://a.com; if ($arg_open) { push_publish $arg_channel; } empty_gif; }
location /set { set $who $arg_who; push_channel $arg_channel; push_origin https://$who.com; }
location /map { push_channel $arg_channel; push_origin https://$arg_who.com; }
--- ws
http OPTIONS /else?channel=news&open=1 [Origin: https://a.com | Access-Control-Request-Method: GET] => 204 [Access-Control-Allow-Origin: https://a.com | Access-Control-Allow-Methods ~ DELETE]
http OPTIONS /else?channel=news&open=1 [Origin: https://b.com | Access-Control-Request-Method: GET] => 403 [!Access-Control-Allow-Origin]
http OPTIONS /else?channel=news [Origin: https://a.com | Access-Control-Request-Method: GET] => 405 [!Access-Control-Allow-Origin]
for uri in /set /map {
http OPTIONS $uri?channel=news&who=a [Origin: https://a.com | Access-Control-Request-Method: GET] => 204 [Access-Control-Allow-Origin: https://a.com]
http OPTIONS $uri?channel=news&who=b [Origin: https://a.com | Access-Control-Request-Method: GET] => 403 [!Access-Control-Allow-Origin]
}
no_log uninitialized


=== after a rewrite it is the new location that counts
--- config
location /old { push_channel $arg_channel; rewrite ^ /new last; }
location /new { push_publish $arg_channel; push_origin https://a.com; }
location /out { push_channel $arg_channel; push_origin https://a.com; rewrite ^ /plain last; error_page 404 /404; }
location /plain { return 200 plain; error_page 404 /404; }
location /gone { rewrite ^ /plain last; }
location /404 { return 200; }
--- ws
http OPTIONS /old?channel=news [Origin: https://a.com | Access-Control-Request-Method: GET] => 204 [Access-Control-Allow-Methods: GET, HEAD, POST, PUT, DELETE, OPTIONS]
http GET /out [Origin: https://a.com] => 200 [!Access-Control-Allow-Origin | !Cache-Control] = plain
http GET /gone [Origin: https://a.com] => 200 [!Access-Control-Allow-Origin | !Cache-Control] = plain


=== what nginx itself refuses a page of another origin can read, too
--- http_config
limit_req_zone $server_name zone=one:1m rate=1r/m;
push_origin https://shop.example.com;
--- config
location /basic { push_channel $arg_channel; auth_basic push; auth_basic_user_file $TEST_ROOT/none; }
location /sub { push_channel $arg_channel; auth_request /auth; }
location = /auth { internal; return 401; }
location /deny { push_publish $arg_channel; deny all; }
location /rate { push_publish $arg_channel; limit_req zone=one; limit_req_status 429; }
location /busy { push_publish $arg_channel; limit_req zone=one; }
location /if { push_publish $arg_channel; if ($arg_channel) { return 410; } }
location /big { push_publish $arg_channel; client_max_body_size 1; }
location /status { push_status; deny all; }
--- ws
http POST /rate?channel=news x => 202
for uri in /basic /sub {
http POST $uri?channel=news [Origin: https://shop.example.com] xxx => 401 [Access-Control-Allow-Origin: https://shop.example.com | Access-Control-Allow-Credentials: true | Vary: Accept, Origin | Cache-Control: no-store | X-Content-Type-Options: nosniff]
}
for uri in /deny /status {
http GET $uri?channel=news [Origin: https://shop.example.com] => 403 [Access-Control-Allow-Origin: https://shop.example.com | Vary: Accept, Origin | Cache-Control: no-store]
}
http POST /rate?channel=news [Origin: https://shop.example.com] xxx => 429 [Access-Control-Allow-Origin: https://shop.example.com | Cache-Control: no-store]
http POST /busy?channel=news [Origin: https://shop.example.com] xxx => 503 [Access-Control-Allow-Origin: https://shop.example.com | Cache-Control: no-store]
http POST /if?channel=news [Origin: https://shop.example.com] xxx => 410 [Access-Control-Allow-Origin: https://shop.example.com | Cache-Control: no-store]
http POST /big?channel=news [Origin: https://shop.example.com] xxx => 413 [Access-Control-Allow-Origin: https://shop.example.com | Cache-Control: no-store]
for uri in /basic /sub /deny /rate /busy /if /big {
http POST $uri?channel=news [Origin: https://evil.com] xxx => 401|403|410|413|429|503 [!Access-Control-Allow-Origin | !Access-Control-Allow-Credentials | Cache-Control: no-store | Vary: Accept, Origin]
http POST $uri?channel=news xxx => 401|403|410|413|429|503 [!Access-Control-Allow-Origin | Cache-Control: no-store]
}


=== so it can what comes from an error_page
--- http_config
push_origin https://shop.example.com;
error_page 403 /403.html;
error_page 401 @login;
error_page 410 =200 /410.html;
--- config
location /deny { push_publish $arg_channel; deny all; }
location /auth { push_channel $arg_channel; auth_basic push; auth_basic_user_file $TEST_ROOT/none; }
location /gone { push_channel $arg_channel; if ($arg_channel) { return 410; } }
location @login { return 402 login; }
location /403.html { return 200 page; }
location /410.html { return 200 gone; }
location /plain { deny all; }
--- ws
for uri in /deny /auth {
http GET $uri?channel=news [Origin: https://shop.example.com] => 401|402|403 [Access-Control-Allow-Origin: https://shop.example.com | Vary: Accept, Origin | Cache-Control: no-store] ~ page|login
http GET $uri?channel=news [Origin: https://evil.com] => 401|402|403 [!Access-Control-Allow-Origin | Cache-Control: no-store] ~ page|login
}
http GET /gone?channel=news [Origin: https://shop.example.com] => 200 [Access-Control-Allow-Origin: https://shop.example.com | Cache-Control: no-store] = gone
http GET /plain [Origin: https://shop.example.com] => 403 [!Access-Control-Allow-Origin | !Vary | !Cache-Control] ~ page


=== our own refusals and answers carry the headers of CORS
--- with
push_origin https://shop.example.com;
--- ws
http GET /ws?channel=news [Origin: https://shop.example.com] => 426 [Access-Control-Allow-Origin: https://shop.example.com | Access-Control-Expose-Headers ~ ETag]
http GET /ws?channel= [Origin: https://shop.example.com] => 400 [Access-Control-Allow-Origin: https://shop.example.com]
http DELETE /ws?channel=news [Origin: https://shop.example.com] => 405 [Access-Control-Allow-Origin: https://shop.example.com | Access-Control-Expose-Headers ~ \bAllow\b]
http POST /ws?channel=news [Origin: https://shop.example.com] x => 403 [Access-Control-Allow-Origin: https://shop.example.com]
http POST /chat?channel=news [Origin: https://shop.example.com] x => 202 [Access-Control-Allow-Origin: https://shop.example.com]
http POST /pub?channel=news [Origin: https://shop.example.com] x => 202 [Access-Control-Allow-Origin: https://shop.example.com]
http GET /push [Origin: https://shop.example.com] => 200 [Access-Control-Allow-Origin: https://shop.example.com]


=== a WebSocket needs none of them
--- with
push_origin https://shop.example.com;
--- ws
a connect /ws?channel=news [Origin: https://shop.example.com] => [!Access-Control-Allow-Origin | !Vary | !Cache-Control]
http POST /pub?channel=news hello => 201
a recv hello
until http GET /push => .totals.kept_requests == 0


=== what add_header says is not said twice
--- http_config
push_origin https://shop.example.com;
--- config
location /own { push_publish $arg_channel; add_header Access-Control-Allow-Origin * always; }
location /more { push_publish $arg_channel; add_header Access-Control-Allow-Headers X-Token; add_header X-Content-Type-Options nosniff always; }
--- ws
http GET /own?channel=news [Origin: https://shop.example.com] => 200 [Access-Control-Allow-Origin: * | !Access-Control-Allow-Credentials]
http OPTIONS /more?channel=news [Origin: https://shop.example.com | Access-Control-Request-Method: POST | Access-Control-Request-Headers: x-token] => 204 [Access-Control-Allow-Origin: https://shop.example.com | Access-Control-Allow-Headers: X-Token | X-Content-Type-Options: nosniff]


=== expires and Cache-Control of a whole server hold for nothing of ours
--- http_config
push_origin any;
expires 1h;
--- config
add_header Cache-Control "public, max-age=60" always;
location /ws { push_channel $arg_channel; push_transport websocket; }
location /pub { push_publish $arg_channel; }
location /deny { push_publish $arg_channel; deny all; }
location /push { push_status; }
location /plain { return 200; }
--- ws
for uri in /ws /pub /deny /push {
http GET $uri?channel=news => 200|403|426 [Cache-Control: no-store | !Expires | X-Content-Type-Options: nosniff | Vary: Accept, Origin]
}
http GET /plain => 200 [Cache-Control ~ max-age | Expires ~ GMT | !Vary]


=== a cache in front keeps nothing, even if it is told to keep everything
--- http_config
proxy_cache_path $TEST_ROOT/cache keys_zone=front:1m;
push_origin any;
server {
    listen 127.0.0.1:$TEST_PORT2;
    location / {
        proxy_pass http://127.0.0.1:$TEST_PORT;
        proxy_cache front;
        proxy_cache_key $uri$is_args$args;
        proxy_cache_methods GET HEAD POST;
        proxy_cache_valid any 1h;
        add_header X-Cache $upstream_cache_status always;
    }
}
--- config
location /ws { push_channel $arg_channel; push_transport websocket; }
location /chat { push_channel $arg_channel; push_client_publish on; }
location /pub { push_publish $arg_channel; }
location /deny { push_publish $arg_channel; if ($http_x_token != secret) { return 403; } }
location /basic { push_publish $arg_channel; auth_request /auth; error_page 401 =200 /login; }
location = /auth { internal; if ($http_x_token != secret) { return 401; } return 200; }
location /login { return 200 "please log in"; }
location /push { push_status; }
location /plain { return 200 $http_x_token; }
--- ws
# the cache is one
http GET /plain port=$TEST_PORT2 [X-Token: one] => 200 [X-Cache: MISS] = one
until http GET /plain port=$TEST_PORT2 [X-Token: one] => 200 [X-Cache: HIT] = one
http GET /plain port=$TEST_PORT2 [X-Token: two] => 200 [X-Cache: HIT] = one
for round in 1 2 {
for uri in /ws /pub /push /deny /basic {
http GET $uri?channel=news port=$TEST_PORT2 => 200|403|426 [X-Cache: MISS]
}
http POST /chat?channel=news port=$TEST_PORT2 hello => 202 [X-Cache: MISS]
http GET /deny?channel=news port=$TEST_PORT2 [X-Token: secret] => 200 [X-Cache: MISS] .subscribers == 0
http GET /basic?channel=news port=$TEST_PORT2 [X-Token: secret] => 200 [X-Cache: MISS] .subscribers == 0
http GET /basic?channel=news port=$TEST_PORT2 => 200 [X-Cache: MISS] = please log in
http GET /pub?channel=news port=$TEST_PORT2 [Origin: https://a.com] => 200 [X-Cache: MISS | Access-Control-Allow-Origin: https://a.com]
http GET /pub?channel=news port=$TEST_PORT2 [Origin: https://b.com] => 200 [X-Cache: MISS | Access-Control-Allow-Origin: https://b.com]
}


=== where the module is not used nothing is added anywhere
--- config
location / { return 200 plain; }
--- ws
http GET / [Origin: https://a.com] => 200 [!Vary | !Cache-Control | !Access-Control-Allow-Origin] = plain
http OPTIONS / [Origin: https://a.com | Access-Control-Request-Method: GET] => 200 [!Access-Control-Allow-Origin] = plain


=== a subrequest is answered as its main request is
--- http_config
push_origin any;
--- config
location /page { ssi on; ssi_types *; default_type text/html; return 200 '<!--#include virtual="/pub?channel=news" -->'; }
location /pub { push_publish $arg_channel; }
--- ws
http GET /page [Origin: https://a.com] => 200 [!Access-Control-Allow-Origin | !Cache-Control | !Vary] ~ "subscribers":0
