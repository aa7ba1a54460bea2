# Copyright (C) the ngx_http_push_module authors
#
# Histories, as publishers see them.  The blocks are the same for both buses:
# this file is about the zone, under a name that ends in _redis about Redis.

use strict;
use warnings;

use lib 't/lib';
use TestPush redis => scalar($0 =~ /_redis\.t\z/);

my $bus = $TestPush::Option{redis}
          ? "push_redis redis://127.0.0.1:\$TEST_REDIS_PORT;\n" : '';

$_->set_value(http_config => $bus . ($_->http_config // ''))
    for Test::Base::blocks();

plan tests => claims();
run_tests();

__DATA__

=== each message of a channel has the next offset of one epoch
--- http_config
push_history 100;
--- ws
http@1 POST /pub?channel=news one => 202 .offset == 1 && .epoch =~ ^[0-9A-Za-z]{1,23}$
let epoch .epoch
http@2 POST /pub?channel=news two => 202 .offset == 2 && .epoch == $epoch
http@1 POST /pub?channel=news three => 202 .offset == 3 && .epoch == $epoch
http@2 POST /pub?channel=news "" => 202 .offset == 4 && .epoch == $epoch


=== each channel has its own offsets and its own epoch
--- http_config
push_history 100;
--- ws
http POST /pub?channel=news one => 202 .offset == 1
let epoch .epoch
http POST /pub?channel=sport one => 202 .offset == 1
http POST /pub?channel=news two => 202 .offset == 2 && .epoch == $epoch
http GET /pub?channel=sport => 200 .offset == 1 && .messages == 1


=== subscribers get what is stored, once and in order
--- http_config
push_history 100;
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
for i in 1 2 3 4 5 {
http@1 POST /pub?channel=news odd$i => 201 .subscribers == 2
http@2 POST /pub?channel=news even$i => 201 .subscribers == 2
a recv odd$i
a recv even$i
b recv odd$i
b recv even$i
}
http GET /pub?channel=news => 200 .offset == 10 && .messages == 10
a recv_none 100ms


=== two workers that publish at once share one row of offsets
--- http_config
push_history 1000;
--- ws
p connect@1 /chat?channel=news
q connect@2 /chat?channel=news
repeat 300 {
p send p$i
q send q$i
}
until http GET /pub?channel=news => 200 .offset == 600 && .messages == 600
p ignore
q ignore


=== GET tells where the channel stands and how much there is
--- http_config
push_history 100;
--- ws
http GET /pub?channel=news => 200 .epoch absent && .subscribers == 0
http POST /pub?channel=news one => 202
let epoch .epoch
http POST /pub?channel=news two => 202
http@1 GET /pub?channel=news => 200 .epoch == $epoch && .offset == 2 && .messages == 2
http@2 GET /pub?channel=news => 200 .epoch == $epoch && .offset == 2 && .messages == 2


=== no more is kept than the policy says, and offsets go on
--- http_config
push_history 3 small:*;
push_history 10;
--- ws
repeat 25 {
http POST /pub?channel=small:1 m$i => 202 .offset == $i
http POST /pub?channel=large m$i => 202 .offset == $i
}
http GET /pub?channel=small:1 => 200 .offset == 25 && .messages == 3
http GET /pub?channel=large => 200 .offset == 25 && .messages == 10


=== channels without a policy have neither epoch nor offset
--- http_config
push_history 0 plain:*;
push_history 10;
--- ws
http POST /pub?channel=plain:1 one => 202 .epoch absent && .offset absent
http GET /pub?channel=plain:1 => 200 .epoch absent
http POST /pub?channel=other one => 202 .offset == 1


=== a volatile message has no id and is not kept
--- http_config
push_history 10;
--- ws
a connect /ws?channel=news
http POST /pub?channel=news one => 201 .offset == 1
http POST /pub?channel=news [Push-Volatile: 1] blink => 201 .epoch absent && .offset absent
http POST /pub?channel=news two => 201 .offset == 2
a recv one
a recv blink
a recv two
http GET /pub?channel=news => 200 .offset == 2 && .messages == 2


=== messages are forgotten when their time is over, the position is not
--- http_config
push_history 10 1s;
--- ws
http POST /pub?channel=news one => 202
let epoch .epoch
http POST /pub?channel=news two => 202 .offset == 2
http GET /pub?channel=news => 200 .messages == 2
until http GET /pub?channel=news => 200 .messages == 0 && .offset == 2 && .epoch == $epoch
http POST /pub?channel=news three => 202 .offset == 3 && .epoch == $epoch
http GET /pub?channel=news => 200 .messages == 1


=== Push-TTL shortens a message's time, and does not make it longer
--- http_config
push_history 10 1h long;
push_history 10 1s short;
--- ws
http POST /pub?channel=long [Push-TTL: 1] one => 202 .offset == 1
http POST /pub?channel=short [Push-TTL: 60] one => 202 .offset == 1
http POST /pub?channel=long two => 202 .offset == 2
http GET /pub?channel=long => 200 .messages == 2
until http GET /pub?channel=long => 200 .messages == 1 && .offset == 2
until http GET /pub?channel=short => 200 .messages == 0 && .offset == 1


=== DELETE forgets the history, and the next life has another epoch
--- http_config
push_history 10;
--- ws
http DELETE /pub?channel=news => 404
http POST /pub?channel=news one => 202
let first .epoch
http POST /pub?channel=news two => 202 .offset == 2
http DELETE /pub?channel=news => 200
http GET /pub?channel=news => 200 .epoch absent && .offset absent
http DELETE /pub?channel=news => 404
http POST /pub?channel=news again => 202 .offset == 1 && .epoch =~ ^(?!$first)
http GET /pub?channel=news => 200 .messages == 1


=== DELETE comes to subscribers in order with the messages
--- http_config
push_history 10;
--- ws
a connect /ws?channel=news
http POST /pub?channel=news one => 201
http DELETE /pub?channel=news => 200
http POST /pub?channel=news two => 201|202 .offset == 1
a recv one
a recv_close 4410
b connect /ws?channel=news
http POST /pub?channel=news three => 201 .offset == 2
b recv three


=== a repeat with the same Push-Id is not sent again and gets the first answer
--- http_config
push_history 10;
--- ws
a connect /ws?channel=news
http@1 POST /pub?channel=news [Push-Id: k1] one => 201 .offset == 1 && .subscribers == 1
let epoch .epoch
http@2 POST /pub?channel=news [Push-Id: k2] two => 201 .offset == 2
http@2 POST /pub?channel=news [Push-Id: k1] one => 201 .offset == 1 && .epoch == $epoch && .subscribers == 1
http@1 POST /pub?channel=news [Push-Id: k1] other => 409 .error exists
a recv one
a recv two
a recv_none 100ms
http GET /pub?channel=news => 200 .offset == 2 && .messages == 2
# another channel has ids of its own
http POST /pub?channel=sport [Push-Id: k1] other => 202 .offset == 1


=== Push-Id works without a history, too
--- http_config
push_history 0;
--- ws
a connect /ws?channel=news
http@1 POST /pub?channel=news [Push-Id: k1] one => 201 .subscribers == 1 && .offset absent
http@2 POST /pub?channel=news [Push-Id: k1] one => 201 .subscribers == 1 && .offset absent
http@2 POST /pub?channel=news [Push-Id: k1] other => 409
a recv one
a recv_none 100ms
http POST /pub?channel=empty [Push-Id: k1] one => 202 .subscribers == 0
b connect /ws?channel=empty
http POST /pub?channel=empty [Push-Id: k1] one => 202 .subscribers == 0
http POST /pub?channel=empty [Push-Id: k2] one => 201 .subscribers == 1
b recv one
b recv_none 100ms


=== messages of any size are kept and delivered
--- http_config
push_history 10;
client_max_body_size 1m;
client_body_buffer_size 1m;
--- ws
a connect /ws?channel=news
for n in 100 200 1000 3900 4000 4100 8000 65000 66000 200000 {
http POST /pub?channel=news {x*$n} => 201
a recv {x*$n}
}
http GET /pub?channel=news => 200 .messages == 10 && .offset == 10


=== a reload keeps history, epochs and ids
--- http_config
push_history 10;
--- ws
http POST /pub?channel=news [Push-Id: k1] one => 202 .offset == 1
let epoch .epoch
nginx reload
http POST /pub?channel=news [Push-Id: k1] one => 202 .offset == 1 && .epoch == $epoch
http POST /pub?channel=news two => 202 .offset == 2 && .epoch == $epoch
http GET /pub?channel=news => 200 .messages == 2


=== a worker that is killed takes no history with it
--- http_config
push_history 10;
--- ws
http@1 POST /pub?channel=news one => 202 .offset == 1
let epoch .epoch
kill9 worker 1
wait workers == 2
kill9 worker 2
wait workers == 2
until http POST /pub?channel=other x => 202
http GET /pub?channel=news => 200 .offset == 1 && .epoch == $epoch && .messages == 1
--- allow_log
exited on signal 9
