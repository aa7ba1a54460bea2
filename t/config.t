# Copyright (C) the ngx_http_push_module authors
#
# What nginx says of right and wrong configurations.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

plan tests => claims();
run_tests();

__DATA__

=== a configuration that loads the module and uses none of it works
--- config
location / { return 200 "hi"; }
--- ws
http GET / => 200 = hi
no_log push


=== the module may be loaded without http{}
--- config
location / { return 200; }
--- ws
file bare.conf "load_module $TEST_MODULE;\nerror_log $TEST_ROOT/logs/bare.log;\npid $TEST_ROOT/logs/bare.pid;\nevents {}\n"
nginx -t bare.conf => ~ test is successful
nginx -t bare.conf => !~ push


=== every directive stands where DESIGN says, with its usual values
--- http_config
push_zone zone=push:16m channels=1000;
push_history 100 5m room:* "user:**";
push_history off private:*;
push_history 50 news;
push_history 10;
push_drain 5s;
push_max_message_size 32k;
push_max_channels 16;
push_queue 100 512k overflow=close;
push_ping 20s 5s;
push_origin same;
push_client_publish off;
push_transport websocket;
push_protocol meta;
--- config
push_max_message_size 0;
push_max_channels 0;
push_queue 0 0;
push_ping 0;
push_origin any;
push_client_publish room:* $arg_channel;
location /ws {
    push_channel $arg_channel news "#$arg_group" split=,;
    push_max_message_size 128k;
    push_max_channels 3;
    push_queue 10 64k;
    push_ping 10s;
    push_origin https://*.example.com https://$host;
    push_client_publish on;
    push_transport websocket;
    push_protocol raw meta;
}
location /pub    { push_publish $arg_channel split=|; }
location /push   { push_status; }
location /json   { push_status json; }
location /names  { push_status json names; }
location /if {
    push_channel a;
    if ($arg_b) { push_channel b; }
}
--- ws
a connect /if
http GET /json => 200
http GET /push => 200


=== push_history wants a number of messages
--- http_config
push_history room:*;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log eval
["push_history", "room:*"]


=== push_history's number has a bound
--- http_config
push_history 1000001;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log eval
["push_history", "1000001"]


=== push_history keeps nothing for no time
--- http_config
push_history 100 0;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log eval
["push_history", "invalid time"]


=== push_history's time has a bound
--- http_config
push_history 100 11y;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log eval
["push_history", "invalid time"]


=== push_history's patterns have no variables
--- http_config
push_history 100 1h user:$arg_user;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log eval
["push_history", "no variables"]


=== push_history's patterns are not empty
--- http_config
push_history 100 1h "";
--- config
location /ws { push_channel a; }
--- must_die
--- error_log eval
["push_history", "empty pattern"]


=== push_history's patterns have a bound
--- http_config
push_history 100 1h a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log eval
["push_history", "too long"]


=== push_history for every channel is the last one
--- http_config
push_history 100;
push_history 10 room:*;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log eval
["push_history", "can never hold"]


=== push_history stands in http{} only
--- config
location /ws { push_channel a; push_history 100; }
--- must_die
--- error_log
"push_history" directive is not allowed here


=== push_zone wants a name and a size
--- http_config
push_zone push:32m;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
push_zone


=== push_zone's size must be one
--- http_config
push_zone zone=push:plenty;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log eval
["push_zone", "plenty"]


=== push_zone must not be too small
--- http_config
push_zone zone=push:4k;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
push_zone


=== push_zone's name must not be empty
--- http_config
push_zone zone=:32m;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
push_zone


=== push_zone's channels= must be a number
--- http_config
push_zone zone=push:8m channels=many;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log eval
["push_zone", "many"]


=== push_zone knows no other parameter
--- http_config
push_zone zone=push:8m colour=red;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log eval
["push_zone", "colour=red"]


=== push_zone stands once
--- http_config
push_zone zone=push:8m;
push_zone zone=push:8m;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
"push_zone" directive is duplicate


=== push_zone stands in http{} only
--- config
push_zone zone=push:8m;
--- must_die
--- error_log
"push_zone" directive is not allowed here


=== push_redis wants a URL
--- http_config
push_redis 127.0.0.1:6379;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log eval
["push_redis", "127.0.0.1:6379"]


=== push_redis refuses a port that is none
--- http_config
push_redis redis://127.0.0.1:99999;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
push_redis


=== push_redis refuses a database that is none
--- http_config
push_redis redis://127.0.0.1:6379/first;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
push_redis


=== push_redis knows no other parameter
--- http_config
push_redis redis://127.0.0.1:6379 colour=red;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log eval
["push_redis", "colour=red"]


=== push_redis refuses a bad time
--- http_config
push_redis redis://127.0.0.1:6379 timeout=soon;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log eval
["push_redis", "timeout=soon"]


=== push_redis refuses a range that is upside down
--- http_config
push_redis redis://127.0.0.1:6379 reconnect=10s..100ms;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log eval
["push_redis", "reconnect=10s..100ms"]


=== push_redis refuses a range that is none
--- http_config
push_redis redis://127.0.0.1:6379 reconnect=often;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log eval
["push_redis", "reconnect=often"]


=== push_redis names a password file that is not there
--- http_config
push_redis redis://127.0.0.1:6379 password_file=/nonexistent/secret;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
/nonexistent/secret


=== push_redis does not show the password in an error
--- http_config
push_redis redis://:s3cret@127.0.0.1:6379/first;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
push_redis
--- no_error_log
s3cret


=== push_redis stands once: several servers are not several chances
--- http_config
push_redis redis://127.0.0.1:6379;
push_redis redis://127.0.0.1:6380;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
"push_redis" directive is duplicate


=== push_redis names a host that is not known
--- http_config
push_redis redis://no-such-host.invalid:6379;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
no-such-host.invalid


=== push_channel wants a name
--- config
location /ws { push_channel; }
--- must_die
--- error_log
"push_channel"


=== push_channel wants a name beside split=
--- config
location /ws { push_channel split=,; }
--- must_die
--- error_log
"push_channel"


=== split= is one character
--- config
location /ws { push_channel $arg_channel split=ab; }
--- must_die
--- error_log eval
["push_channel", "split=ab"]


=== split= is not nothing
--- config
location /ws { push_channel $arg_channel split=; }
--- must_die
--- error_log eval
["push_channel", "split="]


=== a fixed name must be a good one
--- config
location /ws { push_channel "no spaces"; }
--- must_die
--- error_log eval
["push_channel", "no spaces"]


=== a fixed name may not be one of ours
--- config
location /ws { push_channel __secret; }
--- must_die
--- error_log eval
["push_channel", "__secret"]


=== an unknown variable is told
--- config
location /ws { push_channel $no_such_variable; }
--- must_die
--- error_log
unknown "no_such_variable" variable


=== push_channel stands once in a location
--- config
location /ws { push_channel a; push_channel b; }
--- must_die
--- error_log
"push_channel" directive is duplicate


=== push_publish stands once in a location
--- config
location /ws { push_publish a; push_publish b; }
--- must_die
--- error_log
"push_publish" directive is duplicate


=== push_channel and push_publish in one location are an error
--- config
location /ws { push_channel a; push_publish a; }
--- must_die
--- error_log eval
["push_publish", "push_channel"]


=== push_publish and push_channel in one location are an error
--- config
location /ws { push_publish a; push_channel a; }
--- must_die
--- error_log eval
["push_publish", "push_channel"]


=== push_status and push_channel in one location are an error
--- config
location /ws { push_status; push_channel a; }
--- must_die
--- error_log eval
["push_status", "push_channel"]


=== push_status and push_publish in one location are an error
--- config
location /ws { push_publish a; push_status; }
--- must_die
--- error_log eval
["push_status", "push_publish"]


=== push_channel stands in locations only
--- config
push_channel a;
--- must_die
--- error_log
"push_channel" directive is not allowed here


=== push_publish stands in locations only
--- config
push_publish a;
--- must_die
--- error_log
"push_publish" directive is not allowed here


=== push_status knows no other parameter
--- config
location /push { push_status xml; }
--- must_die
--- error_log eval
["push_status", "xml"]


=== push_max_message_size wants a size
--- config
push_max_message_size 12parsecs;
--- must_die
--- error_log eval
["push_max_message_size", "12parsecs"]


=== push_max_message_size stands once
--- config
push_max_message_size 1k;
push_max_message_size 2k;
--- must_die
--- error_log
"push_max_message_size" directive is duplicate


=== push_max_channels wants a number
--- config
push_max_channels many;
--- must_die
--- error_log eval
["push_max_channels", "many"]


=== push_queue wants two values
--- config
push_queue 10;
--- must_die
--- error_log
invalid number of arguments in "push_queue" directive


=== push_queue wants a count
--- config
push_queue some 1m;
--- must_die
--- error_log eval
["push_queue", "some"]


=== push_queue wants a size
--- config
push_queue 10 some;
--- must_die
--- error_log eval
["push_queue", "some"]


=== push_queue knows how it may overflow
--- config
push_queue 10 1m overflow=explode;
--- must_die
--- error_log eval
["push_queue", "explode"]


=== push_queue stands once
--- config
push_queue 10 1m;
push_queue 10 1m;
--- must_die
--- error_log
"push_queue" directive is duplicate


=== push_ping wants a time
--- config
push_ping often;
--- must_die
--- error_log eval
["push_ping", "often"]


=== push_ping's timeout is a time
--- config
push_ping 10s soon;
--- must_die
--- error_log eval
["push_ping", "soon"]


=== push_ping stands once
--- config
push_ping 10s;
push_ping 10s;
--- must_die
--- error_log
"push_ping" directive is duplicate


=== push_drain wants a time
--- http_config
push_drain slowly;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log eval
["push_drain", "slowly"]


=== push_drain stands in http{} only
--- config
push_drain 10s;
--- must_die
--- error_log
"push_drain" directive is not allowed here


=== push_origin wants a value
--- config
push_origin;
--- must_die
--- error_log
"push_origin"


=== push_origin any allows nothing beside it
--- config
push_origin any https://example.com;
--- must_die
--- error_log
push_origin


=== push_origin same allows nothing beside it
--- config
push_origin same https://example.com;
--- must_die
--- error_log
push_origin


=== push_origin stands once
--- config
push_origin any;
push_origin same;
--- must_die
--- error_log
"push_origin" directive is duplicate


=== push_client_publish on allows nothing beside it
--- config
push_client_publish on room:*;
--- must_die
--- error_log
push_client_publish


=== push_client_publish off allows nothing beside it
--- config
push_client_publish off room:*;
--- must_die
--- error_log
push_client_publish


=== push_client_publish stands once
--- config
push_client_publish on;
push_client_publish on;
--- must_die
--- error_log
"push_client_publish" directive is duplicate


=== push_transport knows its names
--- config
push_transport pigeon;
--- must_die
--- error_log eval
["push_transport", "pigeon"]


=== longpoll for channels that have no history is warned of
--- http_config
push_history 100 kept*;
push_history 0;
--- config
location /a { push_channel kept1; }
location /b { push_channel kept1 other; push_transport longpoll; }
location /c { push_channel other; push_transport websocket eventsource stream; }
location /d { push_channel $arg_channel; }
location /e { push_publish other; }
location /f { push_channel kept1; if ($args) { set $x 1; } }
--- ws
nginx -t nginx.conf => ~ \[warn\].*location "/b" offers longpoll
nginx -t nginx.conf => !~ location "/[acdef]" offers


=== without any history it is warned of for every channel
--- config
location /a { push_channel $arg_channel; }
location /b { push_channel $arg_channel; push_transport websocket; }
--- ws
nginx -t nginx.conf => ~ \[warn\].*location "/a" offers longpoll
nginx -t nginx.conf => !~ location "/b" offers


=== push_wait is a time
--- config
push_wait soon;
--- must_die
--- error_log eval
["push_wait", "soon"]


=== a configuration without push_zone has a zone of its own
--- with
push_transport websocket;
--- http_config
push_history 10;
--- ws
a connect /ws?channel=news
http GET /push => 200 .zone.size >= 30000000
--- no_error_log
[warn]


=== without reuseport nginx works as well
--- config
location /ws   { push_channel $arg_channel; }
location /pub  { push_publish $arg_channel; }
--- http_config
server { listen 127.0.0.1:$TEST_PORT2; location /ws { push_channel $arg_channel; } }
--- ws
connect_many p 20 /ws?channel=news port=$TEST_PORT2
http POST /pub?channel=news hello => 201 .subscribers == 20
p recv hello


=== a prefix under which a channel could be a control channel is refused
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT prefix=push:;
--- must_die
--- error_log
"prefix=push:" and "keys=push:"


=== and so is one with which a name could begin "keys="
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT prefix=pu;
--- must_die
--- error_log
"prefix=pu" and "keys=push:"


=== the control channel itself is no prefix
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT prefix=my:ctl:a keys=my:;
--- must_die
--- error_log
"prefix=my:ctl:a" and "keys=my:"


=== a prefix beside the control channel is as good as any
--- config
location /ws { push_channel $arg_channel; }
--- http_config
push_redis redis://127.0.0.1:1 prefix=push:app: reconnect=10s..10s;
--- allow_log
redis link
--- ws
a refused 403 /ws?channel=push:ctl


=== who lets clients name any channel of a Redis is warned, once
--- config
location /ws  { push_channel $arg_channel; }
location /own { push_channel user:$arg_user "#$arg_group"; }
location /pub { push_publish $arg_channel; }
--- http_config
push_redis redis://127.0.0.1:1 reconnect=10s..10s;
--- allow_log
redis link
--- ws
nginx -t nginx.conf => ~ \[warn\].*"push_channel" begins with a variable and "push_redis" has no "prefix=".* in \S+nginx\.conf:\d+
nginx -t nginx.conf => !~ (?s)begins with a variable.*begins with a variable
conf s/10s;/10s prefix=site:;/
nginx -t nginx.conf => ~ test is successful
nginx -t nginx.conf => !~ begins with a variable
