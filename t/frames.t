# Copyright (C) the ngx_http_push_module authors
#
# Frames, fragments, closes and UTF-8 on the wire: RFC 6455 5, 7 and 8.1.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

plan tests => claims();
run_tests();

__DATA__

=== text of every kind of length comes back as it was sent
--- with
push_max_message_size 1m;
--- ws
a connect /chat?channel=c
for n in 0 1 125 126 127 65535 65536 200000 {
a send {x*$n}
a recv {x*$n}
}


=== binary stays binary, text stays text
--- ws
a connect /chat?channel=c
a binary 00ff0180fe
a recv_binary 00ff0180fe
a binary "hello"
a recv_binary "hello"
a send hello
a recv hello
a send "gr\xc3\xbc\xc3\x9fe \xe2\x82\xac \xf0\x9f\x98\x80 \x00 end"
a recv "gr\xc3\xbc\xc3\x9fe \xe2\x82\xac \xf0\x9f\x98\x80 \x00 end"
a binary ""
a recv_binary ""


=== a message in fragments is one message
--- ws
a connect /chat?channel=c
a frame op=1 fin=0 hel
a frame op=0 fin=0 ""
a frame op=0 fin=0 lo
a frame op=0 fin=1 " world"
a recv hello world
a frame op=2 fin=0 hex:ff
a frame op=0 fin=1 hex:fe
a recv_binary fffe
a frame op=1 fin=0 ""
a frame op=0 fin=1 ""
a recv ""


=== control frames may stand between fragments
--- ws
a connect /chat?channel=c
a frame op=1 fin=0 hel
a ping one
a recv_pong one
a frame op=0 fin=0 l
a pong unasked
a ping two
a recv_pong two
a frame op=0 fin=1 o
a recv hello


=== a ping is answered with its own bytes
--- ws
a connect /ws?channel=c
a ping ""
a recv_pong ""
a ping {p*125}
a recv_pong {p*125}
a ping hex:00ff
a recv_pong hex:00ff
a packet ping 1 >> ping 2 >> ping 3
a recv_pong 1
a recv_pong 2
a recv_pong 3


=== a pong that nobody asked for is ignored
--- ws
a connect /ws?channel=c
a pong ""
a pong hello
a ping still here
a recv_pong still here


=== everything may arrive byte by byte
--- ws
a connect /chat?channel=c
a drip text hello >> ping x >> binary 0001 >> frame op=1 fin=0 {y*130} >> ping z >> frame op=0 fin=1 {y*10}
a recv hello
a recv_pong x
a recv_binary 0001
a recv_pong z
a recv {y*140}
a drip close 1000 bye
a recv_close 1000
a recv_eof


=== frames may be cut anywhere
--- ws
a connect /chat?channel=c
for n in 2 3 5 7 {
a pieces $n text hello >> ping x$n >> binary 00ff >> frame form=16 {z*126}
a recv hello
a recv_pong x$n
a recv_binary 00ff
a recv {z*126}
}

=== many frames in one packet are many messages, in their order
--- ws
a connect /chat?channel=c
a packet text 1 >> text 2 >> binary 03 >> ping p >> text 4 >> frame fin=0 5 >> frame op=0 6
a recv 1
a recv 2
a recv_binary 03
a recv 4
a recv 56
a recv_pong p


=== frames that come with the handshake are read
--- ws
b connect /ws?channel=c
a connect /chat?channel=c >> text one >> ping x >> text two
a recv one
a recv_pong x
a recv two
b recv one
b recv two
# half a frame with the handshake, the other half later
c connect /chat?channel=d >> raw 818500000000
c raw 68656c6c6f
c recv hello
d connect /chat?channel=d >> raw 81
d raw 850000000068656c6c6f
d recv hello
c recv hello


=== an error that comes with the handshake is answered after it
--- ws
a connect /ws?channel=c >> raw 8100
a recv_close 1002
a recv_eof


=== a frame that is not masked ends the connection by 1002
--- ws
for op in 1 2 8 9 10 {
a connect /chat?channel=c
a frame op=$op mask=0 ""
a recv_close 1002
a recv_eof
}
a connect /chat?channel=c
a frame mask=0 hello
a recv_close 1002
a recv_eof


=== reserved bits end the connection by 1002
--- ws
for rsv in 1 2 3 4 5 6 7 {
a connect /chat?channel=c
a frame rsv=$rsv hello
a recv_close 1002
a recv_eof
}
# on a control frame, and on a continuation
a connect /chat?channel=c
a frame op=9 rsv=4 x
a recv_close 1002
a recv_eof
a connect /chat?channel=c
a packet frame op=1 fin=0 x >> frame op=0 rsv=4 y
a recv_close 1002
a recv_eof


=== unknown opcodes end the connection by 1002
--- ws
for op in 3 4 5 6 7 11 12 13 14 15 {
a connect /chat?channel=c
a frame op=$op ""
a recv_close 1002
a recv_eof
}


=== control frames may be neither long nor in fragments
--- ws
for op in 8 9 10 {
a connect /ws?channel=c
a frame op=$op fin=0 ""
a recv_close 1002
a recv_eof
a connect /ws?channel=c
a frame op=$op form=16 len=126
a recv_close 1002
a recv_eof
a connect /ws?channel=c
a frame op=$op form=64 len=65536
a recv_close 1002
a recv_eof
}


=== a length must be written in its shortest form
--- ws
for n in 0 1 125 {
a connect /chat?channel=c
a frame form=16 {x*$n}
a recv_close 1002
a recv_eof
a connect /chat?channel=c
a frame form=64 {x*$n}
a recv_close 1002
a recv_eof
}
a connect /chat?channel=c
a frame form=64 {x*65535}
a recv_close 1002
a recv_gone


=== a length of more than 63 bits ends the connection by 1002
--- with
push_max_message_size 0;
--- ws
a connect /chat?channel=c
a raw 81ff8000000000000000
a recv_close 1002
a recv_eof
a connect /chat?channel=c
a raw 81ffffffffffffffffff
a recv_close 1002
a recv_eof


=== fragments must follow each other as fragments
--- ws
# a continuation of nothing
a connect /chat?channel=c
a frame op=0 x
a recv_close 1002
a recv_eof
a connect /chat?channel=c
a frame op=0 fin=0 x
a recv_close 1002
a recv_eof
# after a complete message
a connect /chat?channel=c
a send x
a recv x
a frame op=0 y
a recv_close 1002
a recv_eof
# a new message inside one
for op in 1 2 {
a connect /chat?channel=c
a packet frame op=1 fin=0 x >> frame op=$op y
a recv_close 1002
a recv_eof
}


=== text that is not UTF-8 ends the connection by 1007
--- ws
# a lone continuation, a cut sequence, overlong forms, surrogates, above
# U+10FFFF, bytes that never occur
for bytes in 80 c3 c328 e282 f09f98 c080 c1bf e08080 e09fbf f0808080 f08fbfbf eda080 edbfbf f4908080 f5808080 fe ff 68656cff6f {
a connect /chat?channel=c
a frame hex:$bytes
a recv_close 1007
a recv_eof
}


=== the borders of UTF-8 are inside
--- ws
a connect /chat?channel=c
for bytes in 00 7f c280 dfbf e0a080 ed9fbf ee8080 efbfbf efbfbe f0908080 f48fbfbf {
a frame hex:$bytes
a recv hex:$bytes
}


=== UTF-8 may be cut between fragments, but must be whole at the end
--- ws
a connect /chat?channel=c
a packet frame fin=0 hex:f0 >> frame op=0 fin=0 hex:9f98 >> ping x >> frame op=0 hex:80
a recv hex:f09f9880
a recv_pong x
a packet frame fin=0 hex:e282 >> frame op=0 fin=0 "" >> frame op=0 hex:ac
a recv hex:e282ac
a packet frame fin=0 hex:e282 >> frame op=0 ""
a recv_close 1007
a recv_eof


=== bad UTF-8 is told as soon as it can be known
--- ws
# inside a frame that has not ended
a connect /chat?channel=c
a frame len=1000 "hello \xff"
a recv_close 1007
a recv_gone
# inside a message that has not ended
a connect /chat?channel=c
a frame fin=0 "hello \xc3\x28"
a recv_close 1007
a recv_eof
# the second byte already shows it: an overlong form, a surrogate
a connect /chat?channel=c
a frame fin=0 hex:e080
a recv_close 1007
a recv_eof
a connect /chat?channel=c
a frame fin=0 hex:eda0
a recv_close 1007
a recv_eof
a connect /chat?channel=c
a frame fin=0 hex:f490
a recv_close 1007
a recv_eof


=== what is invalid as text may go as binary
--- ws
a connect /chat?channel=c
a frame op=2 hex:fffe80c328
a recv_binary fffe80c328


=== a close is answered with its code, and then the connection ends
--- ws
for code in 1000 1001 1002 1003 1007 1008 1009 1010 1011 1012 1013 1014 3000 3999 4000 4999 {
a connect /ws?channel=c
a close $code bye
a recv_close $code
a recv_eof
}


=== a close without a code is answered by one without
--- ws
a connect /ws?channel=c
a close
a recv_close none
a recv_eof


=== codes that no peer may send end the connection by 1002
--- ws
for code in 0 1 999 1004 1005 1006 1015 1016 1100 2000 2999 5000 65535 {
a connect /ws?channel=c
a close $code
a recv_close 1002
a recv_eof
}


=== a close of one byte ends the connection by 1002
--- ws
a connect /ws?channel=c
a frame op=8 x
a recv_close 1002
a recv_eof


=== the reason of a close must be UTF-8
--- ws
a connect /ws?channel=c
a close 1000 "caf\xc3\xa9"
a recv_close 1000
a recv_eof
a connect /ws?channel=c
a close 1000 "caf\xe9"
a recv_close 1007
a recv_eof
a connect /ws?channel=c
a close 1000 {r*123}
a recv_close 1000
a recv_eof


=== what follows a close is ignored
--- ws
b connect /ws?channel=c
a connect /chat?channel=c
a packet text before >> close 1000 >> text after >> raw ffffffff
a recv_last 1000
a recv_eof
b recv before
http POST /pub?channel=c marker => 201 .subscribers == 1
b recv marker


=== the server does not send pings or messages after its close
--- ws
a connect /chat?channel=c
a auto_close off
a close 1000
a recv_close 1000
a recv_eof
http POST /pub?channel=c nobody => 202 .subscribers == 0


=== a peer that does not answer the close is not waited for long
--- ws
a connect /chat?channel=c
a auto_close off
a raw 8100
a recv_close 1002
within 6s a recv_gone


=== a peer that ends without a close is gone at once
--- ws
a connect /ws?channel=c
b connect /ws?channel=c
c connect /ws?channel=c
d connect /ws?channel=c
http GET /pub?channel=c => 200 .subscribers == 4
a leave
b abort
c frame len=100 half
c leave
until http GET /pub?channel=c => 200 .subscribers == 1
http POST /pub?channel=c hello => 201 .subscribers == 1
d recv hello


=== an error of one client disturbs no other
--- ws
a connect /chat?channel=c
b connect /chat?channel=c
c connect /chat?channel=c
a packet text one >> raw 8100
a recv_last 1002
b recv one
c recv one
b send two
b recv two
c recv two


=== garbage instead of frames ends the connection and nothing else
--- ws
b connect /ws?channel=c
a connect /chat?channel=c
a write "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
a recv_close 1002
a recv_gone
a connect /chat?channel=c
a write "{\xff*5000}"
a recv_close 1002
a recv_gone
http POST /pub?channel=c hello => 201 .subscribers == 1
b recv hello


=== no dialect but messages: nothing is on the wire that was not published
--- ws
a connect /ws?channel=c
b connect /ws?channel=c [Sec-WebSocket-Protocol: push.raw]
a recv_none 300ms
http POST /pub?channel=c hello => 201
a recv hello
b recv hello
a recv_none 100ms
a ping x
a recv_pong x
