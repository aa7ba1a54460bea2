# Copyright (C) the ngx_http_push_module authors
#
# Which names channels may have, and how many a request may name.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

plan tests => claims();
run_tests();

__DATA__

=== a name is percent-decoded, once
--- ws
# as a browser's URLSearchParams writes "room:1"
a connect /ws?channel=room%3A1
b connect /ws?channel=room:1
c connect /ws?channel=%72oom%3a1
http POST /pub?channel=room:1 hello => 201 .channel == room:1 && .subscribers == 3
a recv hello
b recv hello
c recv hello
d connect /ws?channel=room%253A1
http POST /pub?channel=room%253A1 twice => 201 .channel == room%3A1 && .subscribers == 1
d recv twice


=== names are compared byte by byte
--- ws
a connect /ws?channel=News
b connect /ws?channel=news
http POST /pub?channel=news hello => 201 .subscribers == 1
b recv hello
http POST /pub?channel=News Hello => 201 .subscribers == 1
a recv Hello


=== a plus sign stays a plus sign
--- ws
a connect /ws?channel=a+b
http POST /pub?channel=a%2Bb hello => 201 .channel == a+b && .subscribers == 1
a recv hello


=== a bad escape is refused
--- ws
for name in %zz a%2 a% %4g %%61 {
a refused 400 /ws?channel=$name => [Content-Type: application/json] .error exists
http POST /pub?channel=$name hello => 400 .error exists
}


=== a missing or empty name is refused
--- ws
a refused 400 /ws => .error exists
a refused 400 /ws?channel= => .error exists
a refused 400 /ws?other=x => .error exists
http POST /pub hello => 400 .error exists
http GET /pub => 400 .error exists
http DELETE /pub?channel= => 400 .error exists


=== control characters, space, comma and braces are refused
--- ws
for name in %00 a%00b %01 %09 %0a %0d %1f %20 a%20b %2c a,b %7b %7d a{b} %7f %c2%80 %c2%9f a%c2%85b {
a refused 400 /ws?channel=$name => .error exists
http POST /pub?channel=$name hello => 400 .error exists
}


=== a name must be UTF-8
--- ws
for name in %ff a%ff %c3 %c3%28 %e2%82 %c0%80 %ed%a0%80 %f4%90%80%80 {
a refused 400 /ws?channel=$name => .error exists
http POST /pub?channel=$name hello => 400 .error exists
}
a connect /ws?channel=gr%C3%BC%C3%9Fe-%F0%9F%98%80
http POST /pub?channel=gr%c3%bc%c3%9fe-%f0%9f%98%80 hello => 201 .subscribers == 1
a recv hello


=== other printable characters are welcome
--- ws
for name in a.b a-b a_b a/b a:b a|b a~b a*b a$b a;b a@b a!b a%23b a%26b a%3Db a%3Fb a%25b a%22b a%5Cb a%27b (a) [a] {
a connect /ws?channel=$name
http POST /pub?channel=$name hello => 201 .subscribers == 1
a recv hello
a leave
}


=== a name may have 255 bytes, not 256
--- ws
a connect /ws?channel={n*255}
http POST /pub?channel={n*255} hello => 201 .subscribers == 1
a recv hello
b refused 400 /ws?channel={n*256} => .error exists
http POST /pub?channel={n*256} hello => 400 .error exists
# bytes count, not characters: 85 of three bytes each
c connect /ws?channel={%E2%82%AC*85}
http POST /pub?channel={%E2%82%AC*85} hello => 201 .subscribers == 1
c recv hello
b refused 400 /ws?channel={%E2%82%AC*85}x
# the length after decoding counts
d connect /ws?channel={%41*255}
b refused 400 /ws?channel={%41*256}

=== reserved beginnings may not come from a variable
--- ws
for name in @alice %40alice %23staff !7f00 %217f00 @ {
a refused 403 /ws?channel=$name => .error exists
http POST /pub?channel=$name hello => 403 .error exists
http GET /pub?channel=$name => 403 .error exists
http DELETE /pub?channel=$name => 403 .error exists
}


=== names with two underscores at their beginning are refused
--- ws
for name in __ __x __keyevent@0__:expired %5f_x __keyspace@0__:a {
a refused 403 /ws?channel=$name => .error exists
http POST /pub?channel=$name hello => 403 .error exists
}
a connect /ws?channel=_x
b connect /ws?channel=a__b


=== names of the module's own keys in Redis are refused
--- redis
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT;
--- ws
for name in push: push:ctl push%3actl push:x {
a refused 403 /ws?channel=$name => .error exists
http POST /pub?channel=$name hello => 403 .error exists
}
a connect /ws?channel=push
b connect /ws?channel=pushx:ctl


=== keys= says what the module's own keys are
--- redis
--- http_config
push_redis redis://127.0.0.1:$TEST_REDIS_PORT keys=site:;
--- ws
a refused 403 /ws?channel=site:ctl
b connect /ws?channel=push:news


=== a reserved beginning may stand in the directive's own text
--- config
location /user  { push_channel @$arg_user; }
location /group { push_channel "#$arg_group"; }
location /toall { push_publish "#$arg_group"; }
location /touser { push_publish @$arg_user; }
--- ws
a connect /user?user=alice
b connect /group?group=staff
http POST /touser?user=alice hello => 201 .channel == @alice
a recv hello
http POST /toall?group=staff hi => 201 .channel == #staff
b recv hi
# what follows it is a name like any other
c refused 400 /user?user=al%20ice
# and is no second chance for reserved names
d connect /user?user=__x


=== several names may be given, and one be split
--- config
location /ws   { push_channel news $arg_channel split=,; }
location /semi { push_channel $arg_channel "split=;"; }
location /pub  { push_publish $arg_channel; }
--- ws
a connect /ws?channel=sport,weather
http POST /pub?channel=news one => 201
a recv one
http POST /pub?channel=sport two => 201
a recv two
http POST /pub?channel=weather three => 201
a recv three
# without the variable its channel is not there, but the other is
b connect /ws
http POST /pub?channel=news four => 201 .subscribers == 2
a recv four
b recv four
# empty ones are skipped
c connect /ws?channel=,,sport,,
http POST /pub?channel=sport five => 201 .subscribers == 2
a recv five
c recv five

=== a name is split before it is decoded
--- config
location /ws   { push_channel $arg_channel split=,; }
location /pub  { push_publish $arg_channel; }
--- ws
# an escaped comma does not split, and may not stand in a name
a refused 400 /ws?channel=a%2Cb
b connect /ws?channel=a%3Ab,c
http POST /pub?channel=a:b hello => 201
b recv hello
c refused 400 /ws?channel=,
d refused 400 /ws?channel=,,,


=== one bad name refuses the whole request
--- config
location /ws   { push_channel $arg_channel split=,; }
location /pub  { push_publish $arg_channel split=,; }
--- ws
a refused 400 /ws?channel=good,b%20d
a refused 403 /ws?channel=good,@alice
http POST /pub?channel=good,b%20d hello => 400
http GET /pub?channel=good => 200 .subscribers == 0


=== a name that is given twice counts once
--- config
location /ws   { push_channel news $arg_channel split=,; }
location /pub  { push_publish $arg_channel split=,; }
--- ws
a connect /ws?channel=news,sport,news,sport
http POST /pub?channel=sport one => 201 .subscribers == 1
a recv one
http POST /pub?channel=sport,sport two => 201 ~ "subscribers":1
a recv two
a recv_none 200ms


=== not more than push_max_channels per connection
--- http_config
push_max_channels 3;
--- config
location /ws   { push_channel $arg_channel split=,; }
location /pub  { push_publish $arg_channel; }
location /more { push_channel $arg_channel split=,; push_max_channels 5; }
--- ws
a connect /ws?channel=a,b,c
b refused 400 /ws?channel=a,b,c,d => .error exists
# the same twice is one, an empty one is none
c connect /ws?channel=a,b,a,,c,b
d connect /more?channel=a,b,c,d,e
e refused 400 /more?channel=a,b,c,d,e,f
http POST /pub?channel=c hello => 201 .subscribers == 3
a recv hello
c recv hello
d recv hello


=== 128 channels per connection are the default
--- config
location /ws   { push_channel $arg_channel split=,; }
location /pub  { push_publish $arg_channel; }
--- ws
let names 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59,60,61,62,63,64,65,66,67,68,69,70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,87,88,89,90,91,92,93,94,95,96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,113,114,115,116,117,118,119,120,121,122,123,124,125,126,127,128
a refused 400 /ws?channel=$names,129
a connect /ws?channel=$names
http POST /pub?channel=128 hello => 201 .subscribers == 1
a recv hello


=== each channel of a connection brings a message of its own
--- config
location /ws   { push_channel $arg_channel split=,; }
location /pub  { push_publish $arg_channel split=,; }
--- ws
a connect /ws?channel=a,b,c
b connect /ws?channel=b
http POST /pub?channel=a,b,c hello => 201
a recv hello
a recv hello
a recv hello
b recv hello
a recv_none 200ms


=== more channels than channels= are refused with 503
--- http_config
push_zone zone=push:8m channels=2;
--- ws
a connect /ws?channel=one
b connect /ws?channel=two
c refused 503 /ws?channel=three => [Retry-After ~ \d | Content-Type: application/json] .error exists
d connect /ws?channel=one
# a channel that is gone makes room
b leave
until c connect /ws?channel=three
http POST /pub?channel=three hello => 201
c recv hello
log_at_most 2 \[error\]
wait_log \[error\].*"channels=2"
expect_log "channels=2"


=== names from outside are escaped and cut in the log
--- ws
a refused 400 /ws?channel=%1b%5b31m%0a{x*200}
wait_log channel name has a forbidden character
no_log \x1b\[31m
no_log x{100}.*while
