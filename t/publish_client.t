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
