# Copyright (C) the ngx_http_push_module authors
#
# Redis over TLS: who the server has to be, and what becomes of the link where
# it is somebody else.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

plan tests => claims();
run_tests();

__DATA__

=== what is published in Redis and by HTTP comes through TLS
--- redis
tls
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem;
--- ws
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
redis PUBLISH news hello => 2
a recv hello
b recv hello
http@1 POST /pub?channel=news one => 201 .links == 2
http@2 POST /pub?channel=news two => 201 .links == 2
a recv one
b recv one
a recv two
b recv two
http GET /push => .workers[0].redis[role=sub].state == up && .workers[1].redis[role=cmd].state == up
until http GET /push => .workers[0].redis[role=sub].probe_lag_us > 0
log_count 0 \[error\]


=== with user and password, and a name that is resolved
--- redis
tls
user default off
user admin on >admin ~* &* +@all
user push on >s3cret ~* &* +@all
login admin admin
--- http_config
push_redis rediss://push:s3cret@localhost:$TEST_REDIS_TLS_PORT/2 ca=$TEST_TLS/ca.pem;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news hello
a recv hello
no_log s3cret


=== a megabyte each way, and many small ones behind it
--- redis
tls
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem;
client_max_body_size 4m;
push_queue 0 0;
--- ws
deadline 15s
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
redis PUBLISH news {x*1000000} => 2
a recv {x*1000000}
b recv {x*1000000}
http@1 POST /pub?channel=news {y*1500000} => 201 .links == 2
a recv {y*1500000}
b recv {y*1500000}
repeat 300 {
redis PUBLISH news {z*3000}$i => 2
}
repeat 300 {
a recv {z*3000}$i
b recv {z*3000}$i
}
log_count 0 \[error\]


=== a burst larger than what is read in a turn reaches every client
--- redis
tls
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem probe=60s;
push_queue 0 0;
--- ws
deadline 15s
connect_many p 100 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
redis EVAL "for i = 1, 40 do redis.call('PUBLISH', 'news', 'm' .. i .. string.rep('x', 8000)) end return 1" 0 => 1
repeat 40 {
p recv m$i{x*8000}
}


=== many publishers at once write more than the socket takes
--- redis
tls
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem timeout=20s probe=20s;
client_max_body_size 4m;
push_queue 0 0;
--- ws
deadline 20s
a connect@1 /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
redis_server pause
for i in 1 2 3 4 5 6 7 8 {
p$i open
p$i write "POST /pub?channel=news HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n{a*900000}"
}
for i in a b c d e f g h {
q$i open
q$i write "POST /pub?channel=news HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{b*10}"
}
a recv_none 300ms
redis_server cont
for i in 1 2 3 4 5 6 7 8 {
p$i answer 201 .links == 1
}
for i in a b c d e f g h {
q$i answer 201 .links == 1
}
redis PUBLISH news end
a recv_until end


=== a certificate of a CA that is not trusted is refused, once in the log
--- redis
tls
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/stranger.pem reconnect=20ms..50ms;
--- ws
a connect /ws?channel=news
wait_log \[error\].*redis link .* failed: tls: certificate verify failed \((?:self-signed|self signed|unable to get)
http POST /pub?channel=news lost => 503 .error exists
until http GET /push => .workers[0].redis[0].error =~ tls:.certificate.verify.failed && .workers[1].redis[0].state != up
a recv_none 500ms
log_at_most 2 \[error\].*redis
redis PUBSUB CHANNELS => ""


=== the system's bundle does not know a CA of one's own
--- redis
tls
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT reconnect=20ms..50ms;
--- ws
wait_log \[error\].*redis link .* failed: tls: certificate verify failed


=== an expired certificate is refused
--- redis
tls expired
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem reconnect=20ms..50ms;
--- ws
wait_log \[error\].*redis link .* failed: tls: certificate verify failed \(certificate has expired\)


=== a certificate for another name is refused
--- redis
tls wrong
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem reconnect=20ms..50ms;
--- ws
wait_log \[error\].*redis link .* failed: tls: certificate verify failed \(it is not for "127.0.0.1"\)
until http GET /push => .workers[0].redis[0].error =~ it.is.not.for


=== a certificate for another name is refused where the host is a name
--- redis
tls wrong
--- http_config
push_redis rediss://localhost:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem reconnect=20ms..50ms;
--- ws
wait_log \[error\].*redis link .* failed: tls: certificate verify failed \(it is not for "localhost"\)


=== name= says for whom it has to be
--- redis
tls wrong
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem name=other.example;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news hello
a recv hello


=== name= may be an address, and is not what the URL has
--- redis
tls
--- http_config
push_redis rediss://localhost:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem name=::1;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1


=== name= that is an address of nobody is refused
--- redis
tls
--- http_config
push_redis rediss://localhost:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem name=127.0.0.2 reconnect=20ms..50ms;
--- ws
wait_log \[error\].*redis link .* failed: tls: certificate verify failed \(it is not for "127.0.0.2"\)


=== a common name that is the address will do
--- redis
tls 127.0.0.1
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1


=== verify=off takes whoever answers
--- redis
tls expired
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT verify=off name=whoever.test;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news hello
a recv hello


=== a client certificate that is wanted
--- redis
tls
tls-auth-clients yes
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem cert=$TEST_TLS/client.pem key=$TEST_TLS/client.key;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news hello
a recv hello
no_log PRIVATE


=== a client certificate that is missing is told, with TLS 1.3
--- redis
tls
tls-auth-clients yes
tls-protocols "TLSv1.3"
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem reconnect=20ms..50ms;
--- ws
wait_log \[error\].*redis link .* failed: tls: tlsv13 alert certificate required
http POST /pub?channel=news lost => 503
until http GET /push => .workers[0].redis[0].error =~ alert.certificate.required


=== a client certificate that is missing is told, with TLS 1.2
--- redis
tls
tls-auth-clients yes
tls-protocols "TLSv1.2"
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem reconnect=20ms..50ms;
--- ws
wait_log \[error\].*redis link .* failed: tls: (?:sslv3|ssl/tls) alert handshake failure


=== a Redis that speaks old TLS only is not spoken to
--- redis
tls
tls-protocols "TLSv1.1"
tls-ciphers "DEFAULT@SECLEVEL=0"
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem reconnect=20ms..50ms;
--- ws
wait_log \[error\].*redis link .* failed: tls: .*(?:version|protocol)


=== TLS 1.2 will do
--- redis
tls
tls-protocols "TLSv1.2"
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem reconnect=20ms..50ms;
--- ws
deadline 10s
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
redis PUBLISH news hello => 2
a recv hello
b recv hello
redis CLIENT KILL TYPE pubsub => 2
until redis PUBSUB NUMSUB news => news 2
redis PUBLISH news again => 2
a recv again
b recv again


=== Redis is restarted again and again: the links come back over TLS
--- redis
tls
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem timeout=1s reconnect=20ms..100ms;
--- ws
deadline 10s
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
repeat 5 {
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
log_count 0 tls: .*verify


=== a session is used again when a link comes back
--- redis
tls
--- log_level: debug
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem reconnect=20ms..100ms;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
log_count 0 SSL reused session
redis CLIENT KILL TYPE pubsub => >= 1
wait_log SSL reused session
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news hello
a recv hello


=== a certificate that becomes another's is noticed at the next connect
--- redis
tls
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem reconnect=20ms..50ms;
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
redis CONFIG SET tls-cert-file $TEST_TLS/wrong.pem tls-key-file $TEST_TLS/wrong.key => OK
redis CLIENT KILL TYPE pubsub
wait_log \[error\].*redis link .* failed: tls: certificate verify failed \(it is not for "127.0.0.1"\)
redis CONFIG SET tls-cert-file $TEST_TLS/server.pem tls-key-file $TEST_TLS/server.key => OK
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news hello
a recv hello
wait_log \[notice\].*redis "rediss://127.0.0.1:\d+" is back


=== a Redis that speaks no TLS is told, and clients wait
--- redis
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_PORT verify=off connect_timeout=500ms reconnect=20ms..50ms;
--- ws
a connect /ws?channel=news
wait_log \[error\].*redis link .* failed: tls: 
http POST /pub?channel=news lost => 503
a recv_none 500ms
log_at_most 4 \[error\].*redis


=== a client that speaks no TLS to a port that wants it
--- redis
tls
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_TLS_PORT reconnect=20ms..50ms;
--- ws
wait_log \[error\].*redis link .* (?:failed|lost): 
http POST /pub?channel=news lost => 503


=== a server that stalls in the handshake costs connect_timeout, TCP and TLS together
--- fake_redis
pause
--- http_config
push_redis rediss://127.0.0.1:$TEST_FAKE_PORT connect_timeout=300ms reconnect=20ms..50ms verify=off;
--- ws
a connect /ws?channel=news
wait_log \[error\].*redis link .* failed: tls: handshake timed out
# and it is tried again and again
wait fake_accepted >= 12
http POST /pub?channel=news lost => 503
log_at_most 2 \[error\].*redis


=== a Redis that is stopped in the handshake, and goes on
--- redis
tls
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem connect_timeout=300ms timeout=500ms probe=500ms reconnect=20ms..50ms;
--- ws
deadline 15s
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
redis_server pause
wait_log redis link .* failed: tls: handshake timed out
redis_server cont
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news hello
a recv_until hello


=== a handshake that stops halfway, and links that are cut while they work
--- redis
tls
--- proxy: $TEST_REDIS_TLS_PORT
--- http_config
push_redis rediss://127.0.0.1:$TEST_PROXY_PORT ca=$TEST_TLS/ca.pem connect_timeout=300ms timeout=500ms probe=500ms reconnect=20ms..50ms;
--- ws
deadline 15s
a connect@1 /ws?channel=news
b connect@2 /ws?channel=news
until redis PUBSUB NUMSUB news => news 2
proxy pause down
proxy reset
wait_log redis link .* failed: tls: handshake timed out
proxy cont
until redis PUBSUB NUMSUB news => news 2
proxy strand
until redis PUBSUB NUMSUB news => ~ news [34]
redis CLIENT KILL TYPE pubsub
until redis PUBSUB NUMSUB news => news 2
until http POST /pub?channel=news back => 201 .links == 2
a recv_until back
b recv_until back


=== a server that closes in the handshake
--- fake_redis
slam
--- http_config
push_redis rediss://127.0.0.1:$TEST_FAKE_PORT reconnect=20ms..50ms verify=off;
--- ws
wait_log \[error\].*redis link .* failed: tls: peer closed connection in SSL handshake
wait fake_accepted >= 12
log_at_most 2 \[error\].*redis


=== nonsense in the handshake, whole and byte by byte
--- fake_redis
pause
--- http_config
push_redis rediss://127.0.0.1:$TEST_FAKE_PORT connect_timeout=5s reconnect=20ms..50ms verify=off;
--- ws
deadline 15s
for junk in hex:160303ffff hex:1503030002022f hex:16030300040e000000 hex:1703030005aaaaaaaaaa hex:8080010301 hex:00000000000000000000 "+PONG\r\n" "HTTP/1.1 400 Bad Request\r\n\r\n" hex:160303004a020000460303 {x*70000} {\x16\x03\x03*30000} {
wait fake_links >= 1
fake say all $junk
fake drop all
wait fake_links >= 1
fake drip all hex:160303
fake drop all
}
wait_log redis link .* failed: tls: 
http GET /push => .workers.# == 2


=== a reload makes new links, and the old ones end
--- redis
tls
--- http_config
push_redis rediss://127.0.0.1:$TEST_REDIS_TLS_PORT ca=$TEST_TLS/ca.pem;
push_drain 200ms;
--- ws
deadline 15s
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
repeat 3 {
nginx reload
a recv_close 1012
wait old_workers == 0
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news m$i => 1
a recv m$i
}


=== parameters of TLS want rediss://
--- http_config
push_redis redis://127.0.0.1:6379 ca=$TEST_TLS/ca.pem;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log eval
[ qr/invalid parameter "ca=\S+ca.pem" in "push_redis", with it a URL "rediss:\/\/HOST" expected/ ]


=== parameters of TLS are nothing for a socket of the machine's own
--- http_config
push_redis unix:/run/redis.sock verify=off;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
invalid parameter "verify=off" in "push_redis", with it a URL "rediss://HOST" expected


=== verify= is on or off
--- http_config
push_redis rediss://127.0.0.1:6379 verify=maybe;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
invalid parameter "verify=maybe" in "push_redis", "on" or "off" expected


=== a CA that is not there, beside nginx.conf
--- http_config
push_redis rediss://127.0.0.1:6379 ca=none.pem;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
/conf/none.pem
invalid parameter "ca=none.pem" in "push_redis", a file of PEM with certificates expected


=== a certificate that is none
--- http_config
push_redis rediss://127.0.0.1:6379 cert=$TEST_TLS/openssl.cnf key=$TEST_TLS/client.key;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
files of PEM expected, a certificate and its key


=== a key that is another's
--- http_config
push_redis rediss://127.0.0.1:6379 cert=$TEST_TLS/client.pem key=$TEST_TLS/server.key;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
files of PEM expected, a certificate and its key


=== a certificate wants its key
--- http_config
push_redis rediss://127.0.0.1:6379 cert=$TEST_TLS/client.pem;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
"push_redis" has "cert=" only, both "cert=FILE" and "key=FILE" expected


=== a key wants its certificate
--- http_config
push_redis rediss://127.0.0.1:6379 key=$TEST_TLS/client.key;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
"push_redis" has "key=" only, both "cert=FILE" and "key=FILE" expected


=== a key in the configuration is not told to the log
--- http_config
push_redis rediss://127.0.0.1:6379 cert=$TEST_TLS/client.pem "key=data:-----BEGIN SECRET";
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
invalid parameter "key=data:..." in "push_redis", the name of a file expected
--- no_error_log
SECRET


=== name= has the characters of a host
--- http_config
push_redis rediss://127.0.0.1:6379 name=*.example.com;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
invalid parameter "name=*.example.com" in "push_redis", 1 to 255 letters


=== a parameter of TLS stands once
--- http_config
push_redis rediss://127.0.0.1:6379 verify=on verify=off;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
duplicate parameter "verify=off" in "push_redis"


=== the password of a rediss:// URL is not shown either
--- http_config
push_redis rediss://:s3cret@127.0.0.1:6379/first;
--- config
location /ws { push_channel a; }
--- must_die
--- error_log
invalid URL "rediss://127.0.0.1:6379/first" in "push_redis"
--- no_error_log
s3cret
