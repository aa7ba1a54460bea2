# Copyright (C) the ngx_http_push_module authors
#
# The opening handshake of RFC 6455 4.2, and how a refusal looks.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

plan tests => claims();
run_tests();

__DATA__

=== a correct handshake is answered as RFC 6455 4.2.2 wants it
--- ws
a connect /ws?channel=news => [!Sec-WebSocket-Protocol | !Sec-WebSocket-Extensions | !Content-Length | !Transfer-Encoding]
a open
a write "GET /ws?channel=news HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
a answer 101 [Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=]


=== names and tokens are compared without regard to case
--- ws
a connect /ws?channel=news [upgrade: WebSocket | connection: UPGRADE]
b connect /ws?channel=news [UPGRADE: WEBSOCKET | CONNECTION: keep-alive, upGrade]


=== Connection and Upgrade may be lists
--- ws
a connect /ws?channel=news [Connection: keep-alive, Upgrade]
b connect /ws?channel=news [Connection: keep-alive ,Upgrade,x]
c connect /ws?channel=news [Upgrade: h2c, websocket]
d connect /ws?channel=news [Upgrade: websocket, h2c]


=== a list's elements must match as a whole
--- ws
a refused 400 /ws?channel=news [Connection: keep-alive]
a refused 400 /ws?channel=news [Connection: Upgraded]
a refused 400 /ws?channel=news [Connection: x-upgrade]
a refused 400 /ws?channel=news [!Connection]
a refused 426 /ws?channel=news [Upgrade: websockets] => [Upgrade: websocket]
a refused 426 /ws?channel=news [Upgrade: xwebsocket] => [Upgrade: websocket]


=== a request that asks for no upgrade is told of it by 426
--- ws
a refused 426 /ws?channel=news [!Upgrade] => [Upgrade: websocket]
http GET /ws?channel=news => 426 [Upgrade: websocket | Content-Type: application/json] .error exists


=== only version 13 is spoken, and the answer says so
--- ws
for v in 0 7 8 12 14 130 013 1 x 13x -13 {
a refused 426 /ws?channel=news [Sec-WebSocket-Version: $v] => [Sec-WebSocket-Version: 13]
}
a refused 426 /ws?channel=news [Sec-WebSocket-Version: 13, 8] => [Sec-WebSocket-Version: 13]
a refused 426 /ws?channel=news [Sec-WebSocket-Version: 13 | Sec-WebSocket-Version: 13] => [Sec-WebSocket-Version: 13]
a refused 400 /ws?channel=news [!Sec-WebSocket-Version]


=== the key must be there, once
--- ws
a refused 400 /ws?channel=news [!Sec-WebSocket-Key] => [Content-Type: application/json] .error exists
a refused 400 /ws?channel=news [Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ== | Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==]
a refused 400 /ws?channel=news [Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ== | Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==]


=== the key must be the base64 of 16 bytes
--- ws
# empty, 15 bytes, 17 bytes, 18 bytes, no padding, letters outside the alphabet
a refused 400 /ws?channel=news [Sec-WebSocket-Key: ]
a refused 400 /ws?channel=news [Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j]
a refused 400 /ws?channel=news [Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE=]
a refused 400 /ws?channel=news [Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSEh]
a refused 400 /ws?channel=news [Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ]
a refused 400 /ws?channel=news [Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=]
a refused 400 /ws?channel=news [Sec-WebSocket-Key: dGhl*HNhbXBsZSBub25jZQ==]
a refused 400 /ws?channel=news [Sec-WebSocket-Key: dGhl=HNhbXBsZSBub25jZQ==]
a refused 400 /ws?channel=news [Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ==]
a connect /ws?channel=news [Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==]
b connect /ws?channel=news [Sec-WebSocket-Key: +/+/+/+/+/+/+/+/+/+/+w==]


=== HTTP/1.0 cannot upgrade
--- ws
a refused 400 /ws?channel=news http=1.0


=== only GET upgrades
--- ws
for m in DELETE PATCH {
a refused 405 /ws?channel=news method=$m => [Allow ~ GET]
}
for m in POST PUT {
a refused 403 /ws?channel=news method=$m
a refused 202 /chat?channel=news method=$m
}


=== a handshake with a body is refused: its bytes would be taken for frames
--- ws
a refused 400 /ws?channel=news [Content-Length: 6]
a refused 400 /ws?channel=news [Transfer-Encoding: chunked]


=== a subprotocol is chosen only if it was offered and is known
--- ws
a connect /ws?channel=news [Sec-WebSocket-Protocol: push.raw] => [Sec-WebSocket-Protocol: push.raw]
b connect /ws?channel=news [Sec-WebSocket-Protocol: chat, push.raw ,superchat] => [Sec-WebSocket-Protocol: push.raw]
c connect /ws?channel=news [Sec-WebSocket-Protocol: chat | Sec-WebSocket-Protocol: push.raw] => [Sec-WebSocket-Protocol: push.raw]
d connect /ws?channel=news [Sec-WebSocket-Protocol: chat, superchat] => [!Sec-WebSocket-Protocol]
e connect /ws?channel=news [Sec-WebSocket-Protocol: push.rawer, xpush.raw] => [!Sec-WebSocket-Protocol]
f connect /ws?channel=news [Sec-WebSocket-Protocol: PUSH.RAW] => [!Sec-WebSocket-Protocol]
group all a b c d e f
http POST /pub?channel=news hello => 201 .subscribers == 6
all recv hello


=== extensions are not agreed to unless they are configured
--- ws
a connect /ws?channel=news [Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits] => [!Sec-WebSocket-Extensions]


=== a handshake may arrive byte by byte
--- ws
a connect /ws?channel=news drip=1
http POST /pub?channel=news hello => 201
a recv hello


=== a handshake may follow other requests on its connection
--- ws
a open
a write "GET /pub?channel=news HTTP/1.1\r\nHost: localhost\r\n\r\n"
a answer 200
a write "GET /ws?channel=news HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
a answer 101
http POST /pub?channel=news hello => 201
a recv hello


=== a refused handshake leaves the connection usable
--- ws
a open
a write "GET /ws?channel=news HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n"
a answer 400
a write "GET /ws?channel=news HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
a answer 101
a ping x
a recv_pong x


=== a large request head is no obstacle
--- ws
a connect /ws?channel=news [Cookie: a={x*6000} | X-More: {y*3000}]
http POST /pub?channel=news hello => 201
a recv hello


=== refusals are not to be stored and not to be sniffed
--- ws
a refused 400 /ws?channel=news [!Sec-WebSocket-Key] => [Cache-Control: no-store | X-Content-Type-Options: nosniff]
a refused 400 /ws => [Cache-Control: no-store | X-Content-Type-Options: nosniff]


=== what nginx does before the content phase holds for handshakes
--- config
location /deny  { push_channel $arg_channel; deny all; }
location /basic { push_channel $arg_channel; auth_basic x; auth_basic_user_file nobody; }
location /yes   { push_channel $arg_channel; auth_request /ok; }
location /no    { push_channel $arg_channel; auth_request /nok; }
location /ok    { internal; return 204; }
location /nok   { internal; return 401; }
location /pub   { push_publish $arg_channel; }
--- ws
a refused 403 /deny?channel=news
a refused 401 /basic?channel=news
a refused 401 /no?channel=news
b connect /yes?channel=news
http POST /pub?channel=news hello => 201 .subscribers == 1
b recv hello


=== push_channel works in an if block
--- config
location /both {
    push_channel a;
    if ($arg_kind = b) { push_channel b; }
}
location /pub { push_publish $arg_channel; }
--- ws
a connect /both
b connect /both?kind=b
http POST /pub?channel=a one => 201 .subscribers == 1
http POST /pub?channel=b two => 201 .subscribers == 1
a recv one
b recv two


=== where an error page leads to it the answer is 101 still
--- config
location /old { error_page 404 /ws; return 404; }
location /ws { push_channel news; }
location /pub { push_publish news; }
location /push { push_status json names; }
--- ws
a connect /old
http POST /pub hello => 201 .subscribers == 1
a recv hello
