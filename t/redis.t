# Copyright (C) the ngx_http_push_module authors
#
# Redis as the bus of several machines.

use strict;
use warnings;

use lib 't/lib';
use TestPush redis => 1;

plan tests => claims();
run_tests();

__DATA__

=== what is published in Redis reaches every subscriber of every worker
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
c connect@1 /ws?channel=news
d connect@2 /ws?channel=other
until redis PUBSUB NUMSUB news other => news 2 other 1
redis PUBLISH news hello => 2
group g a b c
g recv hello
redis PUBLISH other "gr\xc3\xbc\xc3\x9fe" => 1
d recv "gr\xc3\xbc\xc3\x9fe"
g recv_none 100ms


=== text is text, anything else binary, empty is empty
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news "line one\nline two\x00"
a recv "line one\nline two\x00"
redis PUBLISH news "\x00\xfe\x10"
a recv_binary 00fe10
redis PUBLISH news ""
a recv ""
redis PUBLISH news {x*300000}
a recv {x*300000}


=== names are Redis' names as they are
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- ws
a connect /ws?channel=room%3A1
b connect /ws?channel=gr%C3%BC%C3%9Fe
c connect /ws?channel={n*255}
until redis PUBSUB NUMSUB room:1 "gr\xc3\xbc\xc3\x9fe" {n*255} => ~ 1 gr.* 1 n+ 1$
redis PUBLISH room:1 one
redis PUBLISH "gr\xc3\xbc\xc3\x9fe" two
redis PUBLISH {n*255} three
a recv one
b recv two
c recv three


=== a message published by HTTP goes through Redis
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
http@1 POST /pub?channel=news one => 201 .channel == news && .subscribers == 2 && .links == 2
http@2 POST /pub?channel=news two => 201 .links == 2
a recv one
b recv one
a recv two
b recv two
http POST /pub?channel=nobody one => 202 .subscribers == 0 && .links == 0
http GET /pub?channel=news => 200 .subscribers == 2
http POST /pub?channel=news hex:fffe00 => 201
a recv_binary fffe00
b recv_binary fffe00


=== a client's own message goes through Redis, and comes back
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- ws
a connect@1 /chat?channel=news
b connect@2 /chat?channel=news
until redis PUBSUB NUMSUB news => news 2
a send hello
a recv hello
b recv hello
b binary 00ff
a recv_binary 00ff
b recv_binary 00ff


=== DELETE goes through Redis: subscribers of every worker are sent away
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
http POST /pub?channel=news last => 201
http DELETE /pub?channel=news => 200
a recv last
b recv last
a recv_close 4410
b recv_close 4410
c connect /ws?channel=news
until redis PUBSUB NUMSUB news => ~ news [12]
http POST /pub?channel=news new => 201 .subscribers == 1
c recv new


=== one order for all, whoever publishes
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
c connect@2 /chat?channel=news
until redis PUBSUB NUMSUB news => news 2
repeat 30 {
redis PUBLISH news r$i
http@1 POST /pub?channel=news h$i => 201
http@2 POST /pub?channel=news g$i => 201
}
group g a b c
repeat 30 {
g recv r$i
g recv h$i
g recv g$i
}


=== each worker subscribes to what its own clients want, and to nothing else
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- ws
a connect@1 /ws?channel=news
b connect@1 /ws?channel=news
c connect@2 /ws?channel=sport
until redis PUBSUB NUMSUB news sport => news 1 sport 1
until redis PUBSUB NUMPAT => 0
d connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news sport => news 2 sport 1


=== a channel that nobody wants any more is left after a while
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- ws
deadline 20s
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
clock t
a leave
until http GET /push => .totals.connections == 1
# a quick return costs Redis nothing
redis PUBSUB NUMSUB news => news 2
until redis PUBSUB NUMSUB news => news 1
elapsed t >= 5s
redis PUBLISH news still
b recv still
# and it can be had again
c connect@1 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
redis PUBLISH news again
b recv again
c recv again


=== who returns during the linger misses nothing
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- ws
a connect@1 /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
repeat 5 {
a forget
until http GET /pub?channel=news => 200 .subscribers == 0
a connect@1 /ws?channel=news
redis PUBLISH news back$i => 1
a recv back$i
}


=== two thousand channels of one worker
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_max_channels 2000;
large_client_header_buffers 4 32k;
--- config
location /ws   { push_channel $arg_channel split=,; }
location /pub  { push_publish $arg_channel; }
location /push { push_status json; }
--- ws
deadline 10s
connect_many p 20 /ws?channel=c$i-1,c$i-2,c$i-3,c$i-4,c$i-5,c$i-6,c$i-7,c$i-8,c$i-9,c$i-10,c$i-11,c$i-12,c$i-13,c$i-14,c$i-15,c$i-16,c$i-17,c$i-18,c$i-19,c$i-20
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 {
until redis PUBSUB NUMSUB c$i-20 => c$i-20 1
redis PUBLISH c$i-1 first
redis PUBLISH c$i-20 last
p$i recv first
p$i recv last
}


=== Redis is killed and comes back: clients stay, publishers are told
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT timeout=1s reconnect=50ms..200ms;
--- ws
deadline 10s
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
redis_server kill
until http POST /pub?channel=news lost => 503 [Retry-After ~ \d | Content-Type: application/json] .error exists
# a client that comes meanwhile is let in, and waits
c connect /ws?channel=news
d connect /ws?channel=fresh
wait_log \[error\].*redis
redis_server start
until redis PUBSUB NUMSUB news fresh => ~ news 2 fresh 1
until http POST /pub?channel=news back => 201 .subscribers == 3
redis PUBLISH news directly => 2
redis PUBLISH fresh too => 1
group g a b c
g recv back
g recv directly
d recv too
wait_log \[notice\].*redis
until http GET /push => .workers[0].redis.# == 2 && .workers[0].redis[role=sub].reconnects >= 1


=== ten restarts of Redis in a row
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT timeout=1s reconnect=20ms..100ms;
--- ws
deadline 10s
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
repeat 10 {
until redis PUBSUB NUMSUB news => news 2
redis PUBLISH news m$i => 2
a recv m$i
b recv m$i
redis_server restart
}
until redis PUBSUB NUMSUB news => news 2
until http POST /pub?channel=news end => 201
a recv end
b recv end


=== Redis is not there when nginx starts
--- redis
down
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=50ms..200ms;
--- ws
deadline 10s
a connect /ws?channel=news
http POST /pub?channel=news lost => 503 [Retry-After ~ \d] .error exists
wait_log \[error\].*redis
redis_server start
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news hello => 1
a recv hello


=== while Redis is away the log says so once, not again and again
--- redis
down
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..50ms;
--- ws
a connect /ws?channel=news
wait_log \[error\].*redis
a recv_none 1s
log_at_most 4 \[error\].*redis


=== a Redis that is away is one error, however much is published
--- redis
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..50ms;
--- ws
until http GET /push?ready=bus
redis_server kill
within 5s until http POST /pub?channel=news x => 503
repeat 50 {
http POST /pub?channel=news $i => 503
}
log_count 0 \[error\].*publish to
log_at_most 2 \[error\]
redis_server start
until http GET /push?ready=bus
expect_log redis link


=== a link that is killed loses nothing afterwards and ends nobody
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=20ms..100ms;
--- ws
deadline 10s
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
redis CLIENT KILL TYPE pubsub => 2
until redis PUBSUB NUMSUB news => news 2
redis PUBLISH news hello => 2
a recv hello
b recv hello
redis CLIENT KILL TYPE normal SKIPME yes => >= 2
until http POST /pub?channel=news again => 201 .links == 2
a recv again
b recv again


=== Redis stops and goes on: a pause, and nothing is lost
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT timeout=10s;
--- ws
deadline 15s
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
redis_server pause
p open
p write "POST /pub?channel=news HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nlater"
a recv_none 1s
redis_server cont
p answer 201 .links == 2
a recv later
b recv later


=== Redis stops for long: publishers are told in time, and the link is made anew
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT timeout=1s probe=1s reconnect=50ms..200ms;
--- ws
deadline 20s
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
redis_server pause
clock t
http POST /pub?channel=news lost => .error exists
elapsed t < 4s
until http POST /pub?channel=news lost => 503
redis_server cont
until redis PUBSUB NUMSUB news => news 2
until http POST /pub?channel=news back => 201
a recv_until back
b recv_until back


=== a password in the URL
--- redis
requirepass s3cret%
login s3cret%
--- http_config
push_redis redis://:s3cret%25@127.0.0.1:$TEST_REDIS_PORT;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news hello
a recv hello
http GET /push => !~ s3cret
no_log s3cret


=== a password in a file
--- redis
requirepass s3cret
login s3cret
--- user_files
>>> ../conf/secret
s3cret
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT password_file=$TEST_ROOT/conf/secret;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news hello
a recv hello


=== a user with the documented rights is enough
--- redis
user default off
user admin on >admin ~* &* +@all
user push on >s3cret +@pubsub +evalsha +eval +script|load +hmget +hset +lrange +ping +hello +info +role +auth ~push:* &*
login admin admin
--- http_config
push_redis redis://push:s3cret@127.0.0.1:$TEST_REDIS_PORT;
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
http POST /pub?channel=news hello => 201 .links == 2
a recv hello
b recv hello
no_log NOPERM


=== a wrong password is told, clients stay, publishers get 503
--- redis
requirepass s3cret
login s3cret
--- http_config
push_redis redis://:wr0ng@127.0.0.1:$TEST_REDIS_PORT reconnect=50ms..200ms;
--- ws
a connect /ws?channel=news
wait_log \[error\].*(?:WRONGPASS|invalid)
http POST /pub?channel=news hello => 503 .error exists
until http GET /push => .workers[0].redis[0].error =~ (?i)pass|auth
no_log wr0ng
# it becomes right: nothing has to be done
redis CONFIG SET requirepass wr0ng
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news hello
a recv hello


=== a missing password is told
--- redis
requirepass s3cret
login s3cret
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT reconnect=50ms..200ms;
--- ws
a connect /ws?channel=news
wait_log \[error\].*NOAUTH
http POST /pub?channel=news hello => 503 .error exists


=== rights that forbid one channel forbid only that one
--- redis
user default off
user admin on >admin ~* &* +@all
user push on >s3cret +@all ~* resetchannels &open* &push:ctl*
login admin admin
--- http_config
push_redis redis://push:s3cret@127.0.0.1:$TEST_REDIS_PORT reconnect=50ms..200ms;
--- config
location /ws   { push_channel $arg_channel split=,; }
location /pub  { push_publish $arg_channel; }
location /push { push_status json names; }
--- ws
a connect /ws?channel=open1
b connect /ws?channel=secret
c connect /ws?channel=secret,open2
until redis PUBSUB NUMSUB open1 open2 => open1 1 open2 1
redis PUBLISH open1 one
redis PUBLISH open2 two
a recv one
c recv two
redis PUBLISH secret no => 0
http POST /pub?channel=secret no => 403 .error exists
http POST /pub?channel=open1 yes => 201
a recv yes
wait_log secret


=== prefix= stands before each channel's name in Redis
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT prefix=site:;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB site:news news => site:news 1 news 0
redis PUBLISH news other-site => 0
redis PUBLISH site:news hello => 1
a recv hello
http POST /pub?channel=news again => 201 .channel == news
a recv again


=== a database in the URL makes no difference to channels
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT/3;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news hello
a recv hello


=== a name is resolved when nginx starts
--- http_config
push_redis redis://localhost:$TEST_REDIS_PORT;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news hello
a recv hello


=== a socket of the machine's own
--- redis
unixsocket $TEST_ROOT-redis/redis.sock
--- http_config
push_redis unix:$TEST_ROOT-redis/redis.sock;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news hello
a recv hello
http POST /pub?channel=news again => 201 .links == 1
a recv again


=== each worker proves that what it publishes comes back
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT probe=1s;
--- ws
until http GET /push => .workers[0].redis[role=sub].probe_lag_us >= 0 && .workers[1].redis[role=sub].probe_lag_us >= 0
until redis PUBSUB CHANNELS push:ctl* => ~ push:ctl


=== malformed envelopes are dropped, and the next message is not
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news "\xffP1"
redis PUBLISH news "\xffP1M"
redis PUBLISH news "\xffP1M - 0 0"
redis PUBLISH news "\xffP1M - x 0\nbody"
redis PUBLISH news "\xffP1Z - 0 0\nbody"
redis PUBLISH news "\xffP1M - 99999999999999999999999999 0\nbody"
redis PUBLISH news "\xffP1M {e*5000} 1 0\nbody"
redis PUBLISH news "\xffP1M - 0 0 n=%zz\nbody"
redis PUBLISH news "\xffP1M - 0 0 n={x*4000}\nbody"
redis PUBLISH news "plain"
a recv plain
redis PUBLISH news "\xffP1M - 0 1700000000000\nwell formed"
a recv well formed


=== control messages on a channel of clients are not obeyed
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news "\xffP1C - 0 0\ndelete"
redis PUBLISH news "\xffP1B - 0 0\nx"
redis PUBLISH news "\xffP1A - 0 0\nx"
redis PUBLISH news marker
a recv marker


=== nonsense on the control channel is dropped
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB push:ctl => ~ push:ctl [12]
redis PUBLISH push:ctl nonsense
redis PUBLISH push:ctl "\xffP1C"
redis PUBLISH push:ctl "\xffP1C - 0 0\n{x*100000}"
redis PUBLISH push:ctl ""
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news hello
a recv hello


=== a worker that is killed is no subscriber any more, the others are
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
kill9 worker of a
a recv_gone
until redis PUBSUB NUMSUB news => news 1
within 1500ms until http GET /pub?channel=news => .subscribers == 1
http POST /pub?channel=news hello => 201 .subscribers == 1 && .links == 1
b recv hello


=== during a reload both generations hear Redis, and each client once
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
push_drain 2h;
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
nginx reload
c connect@1 /ws?channel=news
d connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 4
redis PUBLISH news hello => 4
group g a b c d
g recv hello
http POST /pub?channel=news again => 201 .subscribers == 4 && .links == 4
g recv again
a leave
b leave
wait old_workers == 0
until redis PUBSUB NUMSUB news => news 2


=== two machines share what they publish
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- second
--- ws
a connect /ws?channel=news
b connect /ws?channel=news port=$TEST_PORT2
until redis PUBSUB NUMSUB news => news 2
http POST /pub?channel=news one => 201 .links == 2 && .subscribers == 1
http POST /pub?channel=news port=$TEST_PORT2 two => 201 .links == 2 && .subscribers == 1
a recv one
b recv one
a recv two
b recv two


=== nobody subscribed, a publish by HTTP is 202
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- ws
until http POST /pub?channel=news hello => 202 .subscribers == 0 && .links == 0


=== Redis that runs out of memory still carries what is live
--- redis
maxmemory 3mb
maxmemory-policy noeviction
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
redis CONFIG SET maxmemory 1
redis PUBLISH news hello
a recv hello
http POST /pub?channel=news again => 201
a recv again
