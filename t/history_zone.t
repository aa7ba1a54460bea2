# Copyright (C) the ngx_http_push_module authors
#
# Histories in the zone: what becomes of them when it is full.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

plan tests => claims();
run_tests();

__DATA__

=== the status tells what is kept
--- http_config
push_history 10;
--- ws
http GET /push => 200 .zone.history_channels == 0 && .zone.history_messages == 0 && .zone.history_bytes == 0 && .zone.evicted == 0 && .zone.free_run > 0
repeat 20 {
http POST /pub?channel=news {x*1000} => 202
}
http POST /pub?channel=sport one => 202
http GET /push => 200 .zone.history_channels == 2 && .zone.history_messages == 11 && .zone.history_bytes > 10000 && .zone.evicted == 0
http DELETE /pub?channel=news => 200
http GET /push => 200 .zone.history_channels == 1 && .zone.history_messages == 1 && .zone.history_bytes < 1000


=== a message of 100 bytes costs what the README says
--- http_config
push_history 1000 many;
push_history 1;
--- ws
repeat 500 {
http POST /pub?channel=many {x*100} => 202
}
http GET /push => 200 .zone.history_messages == 500 && .zone.history_bytes <= 88000
http DELETE /pub?channel=many => 200
repeat 100 {
http POST /pub?channel=few:$i {x*100} => 202
}
http GET /push => 200 .zone.history_messages == 100 && .zone.history_bytes == 25600


=== what has expired goes by itself, and at last the channel
--- http_config
push_history 10 1s short;
push_history 10;
--- ws
repeat 10 {
http POST /pub?channel=short {x*1000} => 202
}
let epoch .epoch
http POST /pub?channel=long one => 202
http GET /push => 200 .zone.history_messages == 11
until http GET /push => 200 .zone.history_messages == 1 && .zone.history_channels == 2
http GET /pub?channel=short => 200 .epoch == $epoch && .offset == 10
until http GET /push => 200 .zone.history_channels == 1
http POST /pub?channel=short one => 202 .offset == 1 && .epoch =~ ^(?!$epoch)


=== a quiet channel keeps its position as long as somebody listens
--- http_config
push_history 10 500ms;
--- ws
a connect@1 /ws?channel=news
http POST /pub?channel=news one => 201
a recv one
let epoch .epoch
http POST /pub?channel=other one => 202
until http GET /push => 200 .zone.history_channels == 1 && .zone.history_messages == 0
a recv_none 1500ms
http POST /pub?channel=news two => 201 .offset == 2 && .epoch == $epoch
a recv two


=== full: first goes what nobody listens to, the oldest before the others
--- http_config
push_zone zone=push:256k;
push_history 1000;
--- ws
a connect /ws?channel=heard
repeat 30 {
http POST /pub?channel=old {x*1000} => 202
http POST /pub?channel=heard {x*1000} => 201
}
repeat 30 {
http POST /pub?channel=young {x*1000} => 202
}
http GET /push => 200 .zone.evicted == 0
repeat 60 {
http POST /pub?channel=new {x*1000} => 202 .offset == $i
}
http GET /push => 200 .zone.evicted > 0
http GET /pub?channel=old => 200 .messages < 30
http GET /pub?channel=young => 200 .messages == 30
http GET /pub?channel=heard => 200 .messages == 30
http GET /pub?channel=new => 200 .messages == 60
repeat 60 {
http POST /pub?channel=new {x*1000} => 202
}
http GET /pub?channel=old => 200 .messages absent
http GET /pub?channel=heard => 200 .messages == 30
a ignore


=== full: then the largest gives way to the others
--- http_config
push_zone zone=push:256k;
push_history 1000;
--- ws
a connect /ws?channel=large
b connect /ws?channel=small
c connect /ws?channel=new
repeat 20 {
http POST /pub?channel=small {x*1000} => 201
}
repeat 100 {
http POST /pub?channel=large {x*1000} => 201
}
repeat 50 {
http POST /pub?channel=new {x*1000} => 201 .offset == $i
}
http GET /push => 200 .zone.evicted > 0
http GET /pub?channel=large => 200 .offset == 100 && .messages < 90
http GET /pub?channel=small => 200 .messages == 20
http GET /pub?channel=new => 200 .messages == 50
for x in a b c {
$x ignore
}


=== full: large and small messages find room, however cut up it is
--- http_config
push_zone zone=push:256k;
push_history 1000;
--- ws
repeat 600 {
http POST /pub?channel=user:$i {x*100} => 202 .offset == 1
}
http GET /push => 200 .zone.evicted > 0
repeat 10 {
http POST /pub?channel=large {x*20000} => 202 .offset == $i
}
repeat 200 {
http POST /pub?channel=user:$i {x*100} => 202
}
http GET /pub?channel=user:200 => 200 .messages >= 1


=== subscribers find room where histories have taken all
--- http_config
push_zone zone=push:256k;
push_history 1000;
--- config
location /ws   { push_channel $arg_channel split=,; }
location /pub  { push_publish $arg_channel; }
location /push { push_status json names; }
--- ws
repeat 300 {
http POST /pub?channel=large {x*1000} => 202
}
http GET /push => 200 .zone.evicted > 0
connect_many p 40 /ws?channel=c$i-1,c$i-2,c$i-3,c$i-4,c$i-5,c$i-6,c$i-7,c$i-8,c$i-9,c$i-10,c$i-11,c$i-12,c$i-13,c$i-14,c$i-15,c$i-16,c$i-17,c$i-18,c$i-19,c$i-20
http GET /push => 200 .zone.channels == 800
http GET /pub?channel=c40-20 => 200 .subscribers == 1
no_log is woken


=== no room at all: 507, nothing is kept and nothing sent, and what needs none goes on
--- http_config
push_zone zone=push:128k;
push_history 0 plain;
push_history 10;
--- config
location /ws   { push_channel $arg_channel split=,; }
location /pub  { push_publish $arg_channel; }
location /push { push_status json names; }
--- ws
a connect /ws?channel=plain
b connect /ws?channel=kept
connect_many p 20 /ws?channel={a*230}$i-1,{a*230}$i-2,{a*230}$i-3,{a*230}$i-4,{a*230}$i-5,{a*230}$i-6,{a*230}$i-7,{a*230}$i-8,{a*230}$i-9,{a*230}$i-10
http POST /pub?channel=kept one => 507 .error exists
http GET /pub?channel=kept => 200 .epoch absent
b recv_none 100ms
http POST /pub?channel=plain [Push-Id: k1] hello => 201
a recv hello
--- allow_log
is woken for every channel


=== it is said once that the zone fills up
--- http_config
push_zone zone=push:256k;
push_history 1000;
--- ws
repeat 40 {
http POST /pub?channel=large {x*1000} => 202
}
no_log zone "push" is used
repeat 200 {
http POST /pub?channel=large {x*1000} => 202
}
wait_log \[warn\] .* push zone "push" is used to \d+%
log_count 1 push zone "push" is used
http DELETE /pub?channel=large => 200
repeat 10 {
http POST /pub?channel=other {x*1000} => 202
}


=== Push-Ids do not take more than a sixteenth of the zone
--- http_config
push_zone zone=push:128k;
--- ws
repeat 500 {
http POST /pub?channel=news [Push-Id: id$i] x$i => 202
}
http GET /push => 200 .zone.free > 80000
http POST /pub?channel=news [Push-Id: id500] y => 409
http POST /pub?channel=news [Push-Id: id1] y => 202


=== what a worker missed in its mailbox it reads from the history
--- http_config
push_zone zone=push:1m;
push_history 5000;
--- ws
a connect@1 /ws?channel=news
b connect@1 /ws?channel=sport
p connect@2 /chat?channel=news
p send m0
a recv m0
p recv m0
pause worker of a
deadline 20s
repeat 3000 {
p send m$i
}
p recv_range m 1 3000
cont worker of a
a recv_range m 1 3000
p ignore
http@2 POST /pub?channel=news last => 201
a recv last
http@2 POST /pub?channel=sport one => 201
b recv one
wait_log fell behind
--- allow_log
fell behind
