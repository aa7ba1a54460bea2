# Copyright (C) the ngx_http_push_module authors
#
# What clients may publish: push_client_publish.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

plan tests => claims();
run_tests();

__DATA__

=== on lets a client publish to its channels, and it hears itself
--- with
push_client_publish on;
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
c connect /ws?channel=other
a send hello
a recv hello
b recv hello
b binary 00ff
a recv_binary 00ff
b recv_binary 00ff
c recv_none 100ms


=== off, the default: what a client sends reaches nobody
--- ws
a connect /ws?channel=news
b connect /ws?channel=news
a send hello
a binary 00
a frame op=1 fin=0 hel
a frame op=0 lo
a ping read
a recv_pong read
http POST /pub?channel=news marker => 201 .subscribers == 2
a recv marker
b recv marker


=== where publishing is off frames are held to the same rules
--- with
push_max_message_size 100;
--- ws
a connect /ws?channel=news
a send {x*101}
a recv_close 1009
b connect /ws?channel=news
b frame hex:ff
b recv_close 1007


=== where publishing is off, pings and closes are still answered
--- ws
a connect /ws?channel=news
a ping x
a recv_pong x
a close 1000
a recv_close 1000
a recv_eof


=== a pattern says which channels clients may publish to
--- with
push_client_publish room:* lobby;
--- ws
for name in room:1 room:a.b lobby {
a connect /ws?channel=$name
a send hello
a recv hello
a leave
}
for name in room:1:x room roomx lobby2 xlobby news {
b connect /ws?channel=$name
b send hello
b ping read
b recv_pong read
http POST /pub?channel=$name marker => 201
b recv marker
}


=== two stars run over colons
--- with
push_client_publish room:** *:open;
--- ws
for name in room:1 room:1:x room:a:b:c x:open {
a connect /ws?channel=$name
a send hello
a recv hello
a leave
}
for name in room xroom:1 x:y:open :openx {
b connect /ws?channel=$name
b send hello
b ping read
b recv_pong read
http POST /pub?channel=$name marker => 201
b recv marker
}


=== a variable's value is matched literally
--- with
push_client_publish chat:$arg_user:*;
--- ws
a connect /ws?channel=chat:bob:1&user=bob
a send hello
a recv hello
for q in channel=chat:alice:1&user=bob channel=chat:alice:1&user=* channel=chat:alice:1&user=** channel=chat::1&user= channel=chat::1 {
b connect /ws?$q
b send hello
b ping read
b recv_pong read
http POST /pub?$q marker => 201
b recv marker
}


=== with several channels a message goes to those that allow it
--- config
location /ws   { push_channel $arg_channel split=,; push_client_publish room:*; }
location /pub  { push_publish $arg_channel; }
--- ws
a connect /ws?channel=room:1,news,room:2
b connect /ws?channel=news
c connect /ws?channel=room:2
a send hello
a recv hello
a recv hello
c recv hello
b recv_none 200ms
a recv_none 100ms


=== the inner setting wins
--- http_config
push_client_publish on;
--- config
location /on  { push_channel $arg_channel; }
location /off { push_channel $arg_channel; push_client_publish off; }
location /pat { push_channel $arg_channel; push_client_publish room:*; }
--- ws
a connect /on?channel=news
b connect /off?channel=news
c connect /pat?channel=news
b send from-b
c send from-c
b ping read
b recv_pong read
c ping read
c recv_pong read
a send marker
a recv marker
b recv marker
c recv marker


=== many messages of one client arrive in their order everywhere
--- with
push_client_publish on;
push_queue 0 0;
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
repeat 300 {
a send m$i
}
a recv_range m 1 300
b recv_range m 1 300


=== a message of several fragments is published as one
--- with
push_client_publish on;
--- ws
a connect /ws?channel=news
b connect /ws?channel=news
a frame op=1 fin=0 hel
b recv_none 100ms
a frame op=0 fin=1 lo
a recv hello
b recv hello


=== half a message of a client that goes is published by nobody
--- with
push_client_publish on;
--- ws
a connect /ws?channel=news
b connect /ws?channel=news
a frame op=1 fin=0 hel
a leave
until http GET /pub?channel=news => .subscribers == 1
http POST /pub?channel=news marker => 201
b recv marker


=== POST and PUT to a client's location publish to its channels, where it may
--- ws
a connect /chat?channel=news
b connect /ws?channel=news
for m in POST PUT {
http $m /chat?channel=news [Content-Type: text/plain] hello => 201 [Content-Type: application/json | Cache-Control: no-store] .channel == news && .subscribers == 2
a recv hello
b recv hello
}
http POST /chat?channel=news hex:00ff => 201
a recv_binary 00ff
b recv_binary 00ff
http POST /chat?channel=empty hello => 202 .subscribers == 0


=== where clients may not publish, a POST is refused and reaches nobody
--- ws
a connect /ws?channel=news
for m in POST PUT {
http $m /ws?channel=news hello => 403 [Content-Type: application/json] .error exists
}
http POST /pub?channel=news marker => 201
a recv marker
wait_log \[info\].*publish request refused


=== a POST goes to all of its channels or to none
--- config
location /ws   { push_channel $arg_channel split=,; push_client_publish room:*; }
location /pub  { push_publish $arg_channel; }
--- ws
a connect /ws?channel=room:1,news,room:2
http POST /ws?channel=room:1,room:2 hello => 201 .# == 2 && [0].channel == room:1 && [1].channel == room:2
a recv hello
a recv hello
http POST /ws?channel=room:1,news hello => 403 .error exists
http POST /ws?channel=news,room:1 hello => 403 .error exists
http POST /pub?channel=news marker => 201
a recv marker


=== bad and reserved channels are refused to a POST as they are to a connection
--- with
push_client_publish on;
--- ws
http POST /ws?channel=@bob hello => 403 .error exists
http POST /ws?channel=%23group hello => 403 .error exists
http POST /ws?channel=__keyspace hello => 403 .error exists
http POST /ws?channel= hello => 400 .error exists
http POST /ws?channel=a%20b hello => 400 .error exists


=== headers that are for publishers only are refused to a client
--- ws
a connect /chat?channel=news
http POST /chat?channel=news [Push-User: bob] hello => 403 .error exists
http POST /chat?channel=news [Push-Ack: 1s] hello => 403 .error exists
http POST /chat?channel=news [Push-Event: one | Push-Volatile: 1] hello => 201
a recv hello
http POST /pub?channel=news [Push-User: bob] hello => 202 .channel == @bob


=== a client's POST is held to the rules of a publisher's body
--- ws
http POST /chat?channel=news [Content-Type: text/plain] hex:ff => 400 .error exists
http POST /chat?channel=news [Content-Encoding: gzip] x => 415 .error exists
http POST /chat?channel=news [Push-Event: push.x] x => 400 .error exists


=== a client's POST is as large as its message may be
--- with
push_max_message_size 100;
--- ws
a connect /chat?channel=news
http POST /chat?channel=news {x*100} => 201
a recv {x*100}
http POST /chat?channel=news {x*101} => 413
http POST /chat?channel=news [Transfer-Encoding: chunked | !Content-Length] "64\r\n{x*100}\r\n0\r\n\r\n" => 201
a recv {x*100}
http POST /chat?channel=news [Transfer-Encoding: chunked | !Content-Length] "65\r\n{x*101}\r\n0\r\n\r\n" => 413
http POST /pub?channel=news {x*101} => 201
a recv {x*101}


=== the smaller of push_max_message_size and client_max_body_size holds
--- config
location /a { push_channel $arg_channel; push_client_publish on; push_max_message_size 1000; client_max_body_size 10; }
location /b { push_channel $arg_channel; push_client_publish on; push_max_message_size 10; client_max_body_size 1000; }
location /c { push_channel $arg_channel; push_client_publish on; push_max_message_size 10; client_max_body_size 0; }
location /d { push_channel $arg_channel; push_client_publish on; push_max_message_size 0; client_max_body_size 20; }
location /e { push_channel $arg_channel; push_client_publish on; push_max_message_size 10; if ($arg_x) { set $x 1; } }
--- ws
for uri in /a /b /c /e {
http POST $uri?channel=news&x=1 {x*10} => 202
http POST $uri?channel=news&x=1 {x*11} => 413
}
http POST /d?channel=news {x*20} => 202
http POST /d?channel=news {x*21} => 413


=== a POST of another origin is refused as a connection is
--- ws
a connect /chat?channel=news
http POST /chat?channel=news [Origin: http://evil.com] hello => 403 .error exists
http POST /chat?channel=news [Origin: http://127.0.0.1:$port] hello => 201
a recv hello


=== other methods than GET, POST and PUT are answered by 405 with Allow
--- ws
for m in DELETE PATCH HEAD {
http $m /chat?channel=news => 405 [Allow: GET, POST, PUT, OPTIONS]
}
http OPTIONS /chat?channel=news => 204 [Allow: GET, POST, PUT, OPTIONS]
http OPTIONS /pub?channel=news => 204 [Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS]
http OPTIONS /push => 204 [Allow: GET, HEAD, OPTIONS]


=== a POST without Content-Length and without a body is an empty message
--- ws
a connect /chat?channel=news
http POST /chat?channel=news => 201
a recv ""
