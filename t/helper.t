# Copyright (C) the ngx_http_push_module authors
#
# The clients of t/lib read what servers send as their specifications want it,
# and their steps fail where they should.

use strict;
use warnings;

use lib 't/lib';
use Test::More ();
use TestPush;
use TestPush::Conn;
use TestPush::EventSource;
use TestPush::Hpack;
use TestPush::Http2;

my @units;

sub unit {
    my ($name, $run) = @_;

    push @units, [ $name, $run ];
}


# Bytes in pieces: all at once, one by one, and at random.

sub pieces {
    my ($bytes) = @_;

    my @cuts = ([ $bytes ], [ split //, $bytes ]);

    for (1 .. 20) {
        my ($rest, @cut) = $bytes;

        push @cut, substr $rest, 0, 1 + int rand 9, '' while length $rest;
        push @cuts, \@cut;
    }

    return @cuts;
}


# What comes of an event stream: [ event, data, id ], ... and the rest.

sub dispatched {
    my (@pieces) = @_;

    my $source = TestPush::EventSource->new;
    my @messages;

    $source->feed($_, \@messages) for @pieces;

    return ([ map { [ @{ $_->{fields} }{qw( event data id )} ] } @messages ],
            $source);
}


sub event_stream {
    my ($name, $text, $events, %rest) = @_;

    unit($name, sub {
        my @endings = $text =~ /\r/ || $rest{as_is} ? "\n"
                                                    : ("\n", "\r", "\r\n");

        for my $ending (@endings) {
            for my $pieces (pieces($text =~ s/\n/$ending/gr)) {
                my ($got, $source) = dispatched(@$pieces);

                same($events, $got, $pieces);
                same($rest{$_}, $source->{$_}, $pieces)
                    for grep { $_ ne 'as_is' } keys %rest;
            }
        }
    });
}


my $json = JSON::PP->new->canonical->allow_nonref;

sub same {
    my ($wanted, $got, $pieces) = @_;

    my ($x, $y) = map { $json->encode($_) } $wanted, $got;

    die "$x awaited, $y came of " . $json->encode($pieces) . "\n" if $x ne $y;
}


# The examples of WHATWG HTML 9.2.6

event_stream('messages, some of several lines', <<'_EOS_',
data: This is the first message.

data: This is the second message, it
data: has two lines.

data: This is the third message.

_EOS_
    [ [ 'message', 'This is the first message.', '' ],
      [ 'message', "This is the second message, it\nhas two lines.", '' ],
      [ 'message', 'This is the third message.', '' ] ]);

event_stream('messages of other types', <<'_EOS_',
event: add
data: 73857293

event: remove
data: 2153

event: add
data: 113411

_EOS_
    [ [ 'add', '73857293', '' ], [ 'remove', '2153', '' ],
      [ 'add', '113411', '' ] ]);

event_stream('ids, a comment, and one leading space at most', <<'_EOS_',
: test stream

data: first event
id: 1

data:second event
id

data:  third event

_EOS_
    [ [ 'message', 'first event', '1' ], [ 'message', 'second event', '' ],
      [ 'message', ' third event', '' ] ],
    comments => [ ' test stream' ], last_event_id => '');

event_stream('no data, two empty lines, and an end that is none', <<'_EOS_',
data

data
data

data:
_EOS_
    [ [ 'message', '', '' ], [ 'message', "\n", '' ] ]);

event_stream('a space behind the colon is not needed', <<'_EOS_',
data:test

data: test

_EOS_
    [ [ 'message', 'test', '' ], [ 'message', 'test', '' ] ]);


# What the algorithm says besides

event_stream('an event without data is none, and its type is forgotten',
             "event: x\n\ndata: y\n\n", [ [ 'message', 'y', '' ] ]);

event_stream('an id counts from the empty line on, with data or without',
             "id: 7\n\nid: 8\n", [], last_event_id => '7');

event_stream('an id stays until there is another',
             "id: 7\ndata: a\n\ndata: b\n\n",
             [ [ 'message', 'a', '7' ], [ 'message', 'b', '7' ] ]);

event_stream('an id with a NUL is ignored', "id: 1\nid: 2\0\ndata: x\n\n",
             [ [ 'message', 'x', '1' ] ]);

event_stream('what is incomplete at the end is thrown away',
             "data: x\n\ndata: y\ndata: z", [ [ 'message', 'x', '' ] ]);

event_stream('retry has digits only',
             "retry: 3000\nretry: 3s\nretry: -1\nretry:\nretry: 0\n", [],
             retries => [ '3000', '0' ]);

event_stream('names of fields are taken to the letter',
             "Data: x\ndata : x\n data: x\ndatax\n: data: x\n\n", [],
             ignored => [ 'Data', 'data ', ' data', 'datax' ],
             comments => [ ' data: x' ]);

event_stream('a value may have colons', "data:: a: b\n\n",
             [ [ 'message', ': a: b', '' ] ]);

event_stream('CR, LF and CRLF may be mixed',
             "data: a\rdata: b\ndata: c\r\n\rdata: d\r\n\r\ndata: e\n\n\r",
             [ [ 'message', "a\nb\nc", '' ], [ 'message', 'd', '' ],
               [ 'message', 'e', '' ] ]);

event_stream('LF and CR are two line ends', "data: a\n\rdata: b\n\r",
             [ [ 'message', 'a', '' ], [ 'message', 'b', '' ] ]);

event_stream('one byte order mark is skipped, a second is not',
             "\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n",
             [ [ 'message', 'a', '' ] ], ignored => [ "\xef\xbb\xbfdata" ]);

event_stream('a stream may begin like a byte order mark',
             "\xef\xbb:\ndata: \xef\xbb\xbf\n\n",
             [ [ 'message', "\xef\xbb\xbf", '' ] ],
             ignored => [ "\xef\xbf\xbd" ]);

event_stream('what is no UTF-8 is replaced', "data: a\xffb\xc3\xbc\n\n",
             [ [ 'message', "a\xef\xbf\xbdb\xc3\xbc", '' ] ]);

event_stream('other line ends of Unicode are none',
             "data: a\x0b\x0c\xc2\x85\xe2\x80\xa8b\n\n",
             [ [ 'message', "a\x0b\x0c\xc2\x85\xe2\x80\xa8b", '' ] ]);


# HTTP/1

sub answer_of {
    my ($eof, @pieces) = @_;

    my $conn = TestPush::Conn->unconnected;

    $conn->take($_) for @pieces;
    $conn->{eof} = $eof;
    $conn->parse;
    $conn->{exchange} = 'poll';

    return $conn;
}


sub http_answer {
    my ($name, $bytes, $status, $body, $end, $bad) = @_;

    unit($name, sub {
        for my $pieces (pieces($bytes)) {
            my $conn = answer_of('fin', @$pieces);

            same([ "$status", $body, $end, $bad ],
                 [ "$conn->{status}", $conn->{body}, $conn->ended,
                   $conn->{bad} ], $pieces);
        }
    });
}


my $chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
my $body = join '', map { chr int rand 256 } 1 .. 500;

{
    my ($rest, $chunks) = ($body, '');

    while (length $rest) {
        my $chunk = substr $rest, 0, 1 + int rand 40, '';

        $chunks .= sprintf("%x\r\n", length $chunk) . "$chunk\r\n";
    }

    http_answer('a body in chunks', "$chunked${chunks}0\r\n\r\n",
                200, $body, 'fin');
    http_answer('a body whose last chunk is missing is cut', $chunked . $chunks,
                200, $body, 'cut');
}

http_answer('chunks with extensions and a trailer',
            "${chunked}3;a=b\r\nabc\r\n00\r\nX: y\r\n\r\n", 200, 'abc', 'fin');

http_answer('a chunk that is longer than it says', "${chunked}3\r\nabcd\r\n",
            200, 'abc', 'cut', 'a chunk longer than its size');

http_answer('a chunk without a size', "${chunked}x\r\n", 200, '', 'cut',
            'a chunk of size "x"');

http_answer('a body of a length',
            "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n$body", 200, $body,
            'fin');

http_answer('a body that is too short',
            "HTTP/1.1 200 OK\r\nContent-Length: 501\r\n\r\n$body", 200, $body,
            'cut');

http_answer('a body up to the end', "HTTP/1.0 200 OK\r\n\r\n$body", 200, $body,
            'fin');

http_answer('no body', "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
            304, '', 'fin');

http_answer('interim answers',
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
            . "Link: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204, '', 'fin');

http_answer('two lengths',
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
            . "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            200, '', 'cut', 'both Content-Length and Transfer-Encoding');

unit('an event stream in chunks', sub {
    my $stream = ":ok\n\n" . join '', map { "id: $_\ndata: x$_\n\n" } 1 .. 30;

    for my $cut (pieces($stream)) {
        my $chunks = join '', map { sprintf("%X\r\n", length) . "$_\r\n" }
                              @$cut;
        my $bytes = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                    . "Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n";

        for my $pieces ([ $bytes ], (pieces($bytes))[1, 2, 3]) {
            my $conn = TestPush::Conn->unconnected;

            $conn->{sink} = TestPush::EventSource->new;
            $conn->take($_) for @$pieces;

            same([ 1, map { "x$_ $_" } 1 .. 30 ],
                 [ $conn->{done}, map { "$_->{data} $_->{fields}{id}" }
                                  @{ $conn->{messages} } ], $pieces);
        }
    }
});


# The examples of RFC 7541, appendix C: blocks for one decoder, what they mean,
# and the size of its table after each

unit('numbers of header compression', sub {
    for my $example ([ 10, 5, '0a' ], [ 1337, 5, '1f9a0a' ], [ 42, 8, '2a' ],
                     [ 30, 5, '1e' ], [ 31, 5, '1f00' ], [ 127, 7, '7f00' ])
    {
        my ($n, $prefix, $hex) = @$example;
        my $bytes = TestPush::Hpack::integer($n, $prefix, 0);

        same($hex, unpack('H*', $bytes), $example);
        same($n, TestPush::Hpack::take_integer(\$bytes, $prefix), $example);
    }
});

sub compressed {
    my ($name, $max, @examples) = @_;

    unit("header compression: $name", sub {
        my $hpack = TestPush::Hpack->new(max_size => $max);

        for my $example (@examples) {
            my ($hex, $size, @headers) = @$example;
            my @got = $hpack->decode(pack 'H*', $hex =~ s/ //gr);

            same([ $size, @headers ],
                 [ $hpack->size, map { "$_->[0]: $_->[1]" } @got ], $hex);
        }
    });
}

compressed('C.2.1', 4096,
    [ '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572',
      55, 'custom-key: custom-header' ]);

compressed('C.2.2 to C.2.4', 4096,
    [ '040c 2f73 616d 706c 652f 7061 7468', 0, ':path: /sample/path' ],
    [ '1008 7061 7373 776f 7264 0673 6563 7265 74', 0, 'password: secret' ],
    [ '82', 0, ':method: GET' ]);

my @requests = (
    [ 57, ':method: GET', ':scheme: http', ':path: /',
      ':authority: www.example.com' ],
    [ 110, ':method: GET', ':scheme: http', ':path: /',
      ':authority: www.example.com', 'cache-control: no-cache' ],
    [ 164, ':method: GET', ':scheme: https', ':path: /index.html',
      ':authority: www.example.com', 'custom-key: custom-value' ]);

compressed('C.3', 4096,
    [ '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d', @{ $requests[0] } ],
    [ '8286 84be 5808 6e6f 2d63 6163 6865', @{ $requests[1] } ],
    [ '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75'
      . '65', @{ $requests[2] } ]);

compressed('C.4', 4096,
    [ '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff', @{ $requests[0] } ],
    [ '8286 84be 5886 a8eb 1064 9cbf', @{ $requests[1] } ],
    [ '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
      @{ $requests[2] } ]);

my @responses = (
    [ 222, ':status: 302', 'cache-control: private',
      'date: Mon, 21 Oct 2013 20:13:21 GMT',
      'location: https://www.example.com' ],
    [ 222, ':status: 307', 'cache-control: private',
      'date: Mon, 21 Oct 2013 20:13:21 GMT',
      'location: https://www.example.com' ],
    [ 215, ':status: 200', 'cache-control: private',
      'date: Mon, 21 Oct 2013 20:13:22 GMT',
      'location: https://www.example.com', 'content-encoding: gzip',
      'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1' ]);

compressed('C.5', 256,
    [ '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420'
      . '3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77'
      . '7777 2e65 7861 6d70 6c65 2e63 6f6d', @{ $responses[0] } ],
    [ '4803 3330 37c1 c0bf', @{ $responses[1] } ],
    [ '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32'
      . '3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a'
      . '584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33'
      . '3630 303b 2076 6572 7369 6f6e 3d31', @{ $responses[2] } ]);

compressed('C.6', 256,
    [ '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81'
      . '66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
      @{ $responses[0] } ],
    [ '4883 640e ffc1 c0bf', @{ $responses[1] } ],
    [ '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a'
      . '839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36'
      . '72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
      @{ $responses[2] } ]);

compressed('a table that is emptied and used again', 4096,
    [ '4001 6101 62', 34, 'a: b' ], [ '20', 0 ],
    [ '3fe1 1f40 0163 0164', 34, 'c: d' ], [ 'be', 34, 'c: d' ]);

unit('what is written can be read', sub {
    my @headers = ([ ':path' => '/' . 'x' x 300 ], [ 'a' => '' ],
                   [ 'b' => join '', map { chr } 0 .. 255 ]);
    my @got = TestPush::Hpack->new->decode(TestPush::Hpack::encode(@headers));

    same(\@headers, \@got);
});

unit('header compression that is wrong is refused', sub {
    my %wrong = (
        '80' => 'index 0',          'be' => 'index 62',
        '7f' => 'half a number',    '7fffffffffff7f' => 'too large',
        '0001' => 'half a string',  '00' => 'a string is missing',
        '8220' => 'size behind',    '3fe21f' => 'a table of 4097 bytes',
        '00826402ff' => 'half a number',
        '0084ffffffff' => 'the end of a string',
        '00811f' => 'a string is missing',
        '008264fe' => 'bad padding',
    );

    for my $hex (sort keys %wrong) {
        eval { TestPush::Hpack->new->decode(pack 'H*', $hex) };
        die "$hex: $wrong{$hex} awaited, $@\n" if $@ !~ /$wrong{$hex}/;
    }
});


# HTTP/2 as a server would send it, to a client with two streams

sub frame { TestPush::Http2::frame(@_) }

sub head { TestPush::Hpack::encode(map { [ split /: /, $_, 2 ] } @_) }

my $settings = frame(4, 0, 0, '');
my $ok = head(':status: 200', 'content-type: text/event-stream');

sub http2 {
    my (@pieces) = @_;

    my $conn = TestPush::Http2->unconnected;

    $conn->{scheme} = 'http';

    my @streams = map { $conn->request('GET', "/$_", '', [ Host => 'x' ]) } 1, 2;

    $_->{exchange} = 'sse' for @streams;
    $_->{sink} = TestPush::EventSource->new for @streams;
    $conn->take($_) for @pieces;

    return ($conn, @streams);
}

unit('two streams of HTTP/2, in pieces', sub {
    my $bytes = $settings . frame(1, 4, 1, $ok) . frame(99, 0xff, 7, 'what')
                . frame(1, 8 | 32, 3, "\3" . 'prio!' . substr($ok, 0, 9) . 'pad')
                . frame(9, 4, 3, substr $ok, 9)
                . frame(0, 0, 1, "data: o") . frame(0, 8, 3, "\1data: two\n\nx")
                . frame(6, 0, 0, 'pingpong')
                . frame(0, 1, 1, "ne\n\n") . frame(3, 0, 3, pack 'N', 2)
                . frame(7, 0, 0, pack 'NNa*', 3, 0, 'bye');

    for my $pieces (pieces($bytes)) {
        my ($conn, $one, $two) = http2(@$pieces);

        same([ undef, 'one', 'fin', 'two', 'rst', 2, 'bye' ],
             [ $conn->{bad}, $one->{messages}[0]{data}, $one->ended,
               $two->{messages}[0]{data}, $two->ended, $two->{reset},
               $conn->{goaway}{text} ], $pieces);

        die "no answer to the ping\n"
            if index($conn->{out}, frame(6, 1, 0, 'pingpong')) < 0;
        die "no window is given back\n"
            if index($conn->{out}, frame(8, 0, 1, pack 'N', 7)) < 0
               || index($conn->{out}, frame(8, 0, 0, pack 'N', 7)) < 0;
    }
});

unit('HTTP/2 that is wrong is refused', sub {
    my $head = $settings . frame(1, 4, 1, $ok);

    my @wrong = (
        [ 'the first frame', frame(6, 0, 0, 'x' x 8) ],
        [ 'a frame of 16385', $settings . frame(0, 0, 1, 'x' x 16385) ],
        [ 'before its head', $settings . frame(0, 0, 1, 'x') ],
        [ 'not open', $settings . frame(1, 4, 5, $ok) ],
        [ 'not open', $settings . frame(1, 4, 2, $ok) ],
        [ 'of stream 0', $settings . frame(0, 0, 0, 'x') ],
        [ 'of stream 1', $settings . frame(6, 0, 1, 'x' x 8) ],
        [ 'inside a header', $settings . frame(1, 0, 1, $ok)
                             . frame(0, 0, 1, '') ],
        [ 'continuation of nothing', $head . frame(9, 4, 1, '') ],
        [ 'which has ended', $head . frame(0, 1, 1, '') . frame(0, 0, 1, '') ],
        [ 'more padding', $head . frame(0, 8, 1, "\5x") ],
        [ 'a push', $head . frame(5, 4, 1, 'x' x 8) ],
        [ 'grows by nothing', $head . frame(8, 0, 1, "\0" x 4) ],
        [ 'header compression', $settings . frame(1, 4, 1, "\x80") ],
        [ 'header "X-A"', $settings
                          . frame(1, 4, 1, head(':status: 200', 'X-A: b')) ],
        [ 'header "connection"', $settings
                          . frame(1, 4, 1, head(':status: 200',
                                                'connection: close')) ],
        [ 'begins with "a"', $settings . frame(1, 4, 1, head('a: b')) ],
        [ 'more pseudo', $settings . frame(1, 4, 1, head(':status: 200',
                                                         ':path: /')) ],
        [ '2 bytes of 3', $settings
                          . frame(1, 4, 1, head(':status: 404',
                                                'content-length: 3'))
                          . frame(0, 1, 1, 'xy') ],
        [ 'more data than the window', $head
                          . join '', map { frame(0, 0, 1, 'x' x 16384) } 1 .. 4
        ],
    );

    for my $wrong (@wrong) {
        my ($pattern, $bytes) = @$wrong;
        my ($conn, $stream) = http2();

        # who does not give windows back
        $stream->{manual} = 1;

        $conn->take($bytes);

        die "\"$pattern\" awaited, $conn->{bad} came\n"
            if ($conn->{bad} // '') !~ /$pattern/ || !$stream->{bad};
    }
});


plan tests => claims() + @units;

for my $unit (@units) {
    my ($name, $run) = @$unit;

    Test::More::ok(eval { $run->(); 1 }, $name) or Test::More::diag($@);
}

run_tests();

__DATA__

=== a WebSocket goes through TLS
--- tls
--- ws
a connect tls /chat?channel=news
b connect /ws?channel=news
http POST tls /pub?channel=news hello => 201 .subscribers == 2
a recv hello
b recv hello
http POST tls /pub?channel=news {x*300000} => 201
a recv {x*300000}
b recv {x*300000}
a ping "are you there"
a recv_pong "are you there"
a close 1000
a recv_close 1000
a recv_eof


=== TLS byte by byte, in a certain worker, and of a certain version
--- tls
--- ws
a connect@2 tls /chat?channel=news drip=1 version=1.2 => 101
b connect@1 tls /chat?channel=news version=1.3 >> send hello
group g a b
g recv hello
a drip send slowly
g recv slowly
connect_many c 10 tls /ws?channel=news$i
http PUT tls /pub?channel=news7 seven => 201
c7 recv seven


=== a server proves who it is
--- tls: cert=wrong
--- ws
fails "certificate verify failed" a connect tls /ws?channel=news
a connect tls /ws?channel=news verify=off
b connect tls /ws?channel=news verify=other.example
fails "certificate verify failed" c connect tls /ws?channel=news verify=example


=== certificates that are no good
--- config
location / { push_status json; }
listen 127.0.0.1:$TEST_TLS_PORT ssl;
ssl_certificate $TEST_TLS/$ssl_server_name.pem;
ssl_certificate_key $TEST_TLS/$ssl_server_name.key;
--- ws
fails "certificate verify failed" http GET tls / sni=expired
fails "certificate verify failed" http GET tls / sni=stranger
http GET tls / sni=server


=== a client proves who it is
--- tls
--- with
ssl_client_certificate $TEST_TLS/ca.pem;
ssl_verify_client optional_no_ca;
location /who { return 200 "$ssl_client_verify $ssl_client_s_dn"; }
--- ws
http GET tls /who => = "NONE "
http GET tls /who cert=client => = "SUCCESS CN=client"
http GET tls /who cert=stranger => ~ ^FAILED:


=== a second machine has ports of its own
--- tls: http2
--- h2c
--- second
--- ws
a connect tls /ws?channel=news
b connect tls /ws?channel=news port=$TEST_TLS_PORT2
http POST h2 /pub?channel=news first => 201 .subscribers == 1
http POST h2c /pub?channel=news port=$TEST_H2_PORT2 second => 201 .subscribers == 1
a recv first
b recv second


=== the certificates serve a Redis with TLS, too
--- redis
tls-port $TEST_PORT3
tls-cert-file $TEST_TLS/server.pem
tls-key-file $TEST_TLS/server.key
tls-ca-cert-file $TEST_TLS/ca.pem
--- ws
a open tls port=$TEST_PORT3 alpn=none cert=client
a write "SET x one\r\n"
until redis GET x => one
b open tls port=$TEST_PORT3 alpn=none version=1.2
b write "SET x two\r\n"
fails "TLS" b answer 200
redis GET x => one


=== a connection that ends without a word is no clean end of TLS
--- tls
--- ws
a connect tls /ws?channel=news
expect_log exited on signal 9
kill9 worker of a
fails "a clean end" a recv_eof
a recv_gone


=== an event stream over HTTP/1.1, in pieces
--- origin
answer "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nX-Accel-Buffering: no\r\n\r\n"
--- with
location /events { proxy_pass http://127.0.0.1:$TEST_ORIGIN_PORT; proxy_http_version 1.1; }
--- ws
a sse /events?channel=x [X-Who: me] => 200 [Transfer-Encoding: chunked | !Content-Length]
origin_seen Accept: text/event-stream
origin_seen X-Who: me
a status 200 [Content-Type: text/event-stream | Server ~ nginx]
fails "awaited: X-No: y" a status 200 [X-No: y]
origin pieces random "4\r\n:ok\n\r\n1C\r\n\nid: 1\ndata: one\ndata: two\n\n\r\n"
a comment ok
a event id=1 event=message data="one\ntwo"
let id id:
same $id == 1
a last_event_id 1
origin say "27\r\n: hb\nretry: 3000\nevent: news\ndata: {}\n\n\r\n"
a comment ~ ^ h
a retry 1000..3000
a event !nothing event~^ne id=1 data={}
origin say "b\r\ndata: abc\n\n\r\n"
fails "awaited: data=abd" a event data=abd
a recv_none 20ms
origin say "8\r\ndata: x\n\r\n9\r\ndata: y\n\n\r\n0\r\n\r\n"
a recv "x\ny"
a eof


=== whoever publishes cannot make fields of an event stream's text
--- origin
answer "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
--- ws
a sse /events port=$TEST_ORIGIN_PORT
origin say "data: x\ndata: event: evil\ndata: id: 666\ndata: \ndata: data: y\n\n"
a event event=message !id data="x\nevent: evil\nid: 666\n\ndata: y"
# as a server would write it that knows only one of the three line ends
origin say "id: 1\ndata: x\revent: evil\rid: 666\r\rdata: y\n\n"
a event event=evil id=666 data=x
a event event=message id=666 data=y
origin say "data: x\x00event: evil\n\n"
a event event=message data="x\x00event: evil"


=== an event stream over HTTP/1.0 and over TLS
--- tls
--- origin
answer "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream;charset=utf-8\r\nConnection: close\r\n\r\ndata: hello\n\n"
--- with
location / { proxy_pass http://127.0.0.1:$TEST_ORIGIN_PORT; proxy_buffering off; }
--- ws
a sse /events http=1.0 => [!Transfer-Encoding | Connection: close]
b sse tls /events
group g a b
g event data=hello
origin pieces 1 "data: gr\xc3\xbc\xc3\x9fe\r\n\r\n"
g event data="gr\xc3\xbc\xc3\x9fe"
origin end
a eof
b eof


=== EventSource comes back with the last id
--- origin
answer "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid: k3:7\n\ndata: x\n\nid: k3:8\n"
--- ws
a sse /events?a=b port=$TEST_ORIGIN_PORT [X-Who: me]
a event id=k3:7 data=x
origin end
a eof
origin forget
a reconnect
origin_seen Last-Event-ID: k3:7\r
origin_seen GET /events\?a=b
origin_seen X-Who: me
a event data=x


=== an answer that is no event stream is refused, as EventSource does
--- with
location /403 { return 403; }
location /text { default_type text/plain; return 200 "data: x\n\n"; }
location /good { default_type text/event-stream; return 200 "data: x\n\n"; }
--- ws
fails "status 403" a sse /403
fails "Content-Type: text/plain" a sse /text
fails "Content-Type: text/event-stream" a stream /good
a sse /good
a recv x
a eof


=== an event that nobody awaits is a failure
--- with
location /good { default_type text/event-stream; return 200 "data: x\n\n"; }
--- ws
a sse /good
--- problem
client "a": a message that nobody awaited


=== an event stream that ends is a failure
--- with
location /good { default_type text/event-stream; return 200 "data: x\n\n"; }
--- ws
a sse /good
a recv x
--- problem
client "a": the answer has ended


=== an event stream that is cut is no clean end
--- origin
answer "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n:ok\n\r\n"
--- ws
a sse / port=$TEST_ORIGIN_PORT
a comment ok
origin end
fails "a clean end" a eof
a recv_gone


=== polls wait while the script goes on
--- origin
--- with
location /poll { proxy_pass http://127.0.0.1:$TEST_ORIGIN_PORT; }
--- ws
a poll /poll?channel=x
b poll@2 /poll?channel=x [If-None-Match: "0" | X-Who: b]
origin_seen GET /poll\?channel=x
origin_seen If-None-Match: "0"
a recv_none 20ms
origin say "HTTP/1.1 200 OK\r\nETag: \"k3:7\"\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
a answer 200 [ETag: "k3:7" | !X-Other] = hello
let etag ETag:
b answer 200
origin answer "HTTP/1.1 304 Not Modified\r\nETag: \"k3:8\"\r\n\r\n"
origin forget
a poll /poll on=a [If-None-Match: $etag]
origin_seen If-None-Match: "k3:7"
a answer 304 [ETag ~ k3:8]
a poll /poll on=a
fails "arrived: status 304" a answer 200
a poll /poll
fails "still waits for an answer" a poll /poll on=a
fails "still waits for an answer" b poll /poll on=a


=== an answer that nobody awaits is a failure
--- with
location /x { return 200 hello; }
location /y { return 200; }
--- ws
a poll /y
a answer 200
a poll /x
until a status 200
--- problem
client "a": an answer that nobody awaited


=== a JSON answer is compared as JSON
--- with
location /x { default_type application/json; return 200 '[{"id":"a:1","data":"x","n":1.0},{"b":[1,2,{"c":null,"d":true}]}]'; }
--- ws
http GET /x => 200 json [{"data":"x","n":1},{}] && .# == 2
http GET /x => 200 json [{},{"b":[1,2,{"d":true}]}]
fails "it has 2 elements, not 1" http GET /x => json [{}]
fails "\[0\].z is missing" http GET /x => json [{"z":null},{}]
fails "\[0\].n is 1, not \"1\"" http GET /x => json [{"n":"1"},{}]
fails "\[1\].b\[2\].d is true, not false" http GET /x => json [{},{"b":[1,2,{"d":false}]}]
fails "\[1\].b has 3 elements" http GET /x => json [{},{"b":[1,2]}]
a poll /x
a answer 200 json [{"id":"a:1"},{}]
let id [0].id
same $id == a:1


=== a stream of JSON lines
--- origin
answer "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n"
--- ws
a stream / port=$TEST_ORIGIN_PORT
origin_seen Accept: application/x-ndjson
origin pieces random "{\"id\":\"k:1\",\"channel\":\"x\",\"data\":\"gr\xc3\xbc\xc3\x9fe\"}\n\n{\"data\":\"two\"}\n{\"base64\":\"AP8=\"}\n"
a line {"channel":"x","data":"gr\u00fc\u00dfe"}
let id .id
same $id == k:1
a heartbeat
a recv two
a recv_binary 00ff
origin say "{\"id\":\"k:2\",\"data\":{\"n\":1,\"m\":[]}}\n"
a line .data.n == 1 && .id == k:2 && .data.x absent
origin say "{\"id\":\"k:3\"}\n"
fails "\.id is \"k:3\", not \"k:4\"" a line {"id":"k:4"}
origin say "{\"data\":\"{x*1000}\"}\n"
a line {"data":"{x*1000}"}
origin say "{\"n\":\n"
fails "a line that is no JSON" a line {}
a ignore


=== the fields of push.meta
--- config
location /chat { push_channel $arg_channel; push_client_publish on; }
location /pub { push_publish $arg_channel; }
--- ws
a connect /chat?channel=news
a send "id: k3:7\nchannel: news\nevent: greeting\ncontent-type: text/plain\n\nhello\n\nid: 8\n"
a meta id=k3:7 channel=news event~^greet content-type=text/plain body="hello\n\nid: 8\n"
let id id:
same $id == k3:7
a binary "id: k3:8\n\n\x00\xff"
a meta_binary id=k3:8 !channel !event body="\x00\xff"
a send "\n"
a meta !id !event body=
a send "id: 1\n\nx"
fails "awaited: id=2" a meta id=2
a send "id: 1\n\nx"
fails "wrong kind of frame" a meta_binary id=1
a send "id: 1\nid: 2\n\nx"
fails "more than one id" a meta id=1
a send "id: 1\nevil: 2\n\nx"
fails "is no field of push.meta" a meta id=1
a send "id: 1\revent: 2\n\nx"
fails "is no field of push.meta" a meta id=1
a send "id: 1\nx\n"
fails "is no field of push.meta" a meta id=1
a send "id: 1\n"
fails "there is no empty line" a meta id=1


=== push.meta as the module writes it
--- ws
a connect /ws?channel=news [Sec-WebSocket-Protocol: push.meta]
http POST /pub?channel=news [Push-Event: tick | Content-Type: text/plain] "id: 1\n\nhello" => 201
a meta channel=news event=tick content-type=text/plain !id body="id: 1\n\nhello"
http POST /pub?channel=news hex:ff00 => 201
a meta_binary channel=news !event body="\xff\x00"


=== many clients of a kind are a group
--- tls
--- with
location / { default_type text/event-stream; return 200 "data: $request_uri\n\n"; }
--- ws
many e 20 sse /$i
many t 3 sse@2 tls /$i
e7 event data=/7
t3 event data=/3
fails "/1" e1 recv /2
e ignore
t ignore


=== a step that should fail and does not is a failure
--- ws
fails . http GET /push
--- problem
it does not fail


=== a proxy holds everything back, in one direction or in both
--- proxy: $TEST_PORT
--- ws
a connect /chat?channel=news port=$TEST_PROXY_PORT
wait proxy_links == 1
proxy pause down
a send one
a recv_none 30ms
proxy cont down
a recv one
proxy pause up
a send two
http POST /pub?channel=news three => 201
a recv three
proxy cont
a recv two
proxy pause
b open port=$TEST_PROXY_PORT
b write "GET /push HTTP/1.0\r\n\r\n"
b recv_none 30ms
http POST /pub?channel=news {x*1000000} => 201
a recv_none 30ms
proxy cont
a recv {x*1000000}
b answer 200


=== a proxy strands, drops and resets connections
--- proxy: $TEST_PORT
--- ws
a connect /ws?channel=news port=$TEST_PROXY_PORT
proxy strand
b connect /ws?channel=news port=$TEST_PROXY_PORT
http POST /pub?channel=news one => 201 .subscribers == 2
b recv one
a recv_none 30ms
wait proxy_links == 2
wait proxy_accepted == 2
proxy drop
a recv_eof
b recv_eof
c connect /ws?channel=news port=$TEST_PROXY_PORT
proxy reset
c recv_gone
proxy deaf
fails "cannot connect" d open port=$TEST_PROXY_PORT
proxy listen
d connect /ws?channel=news port=$TEST_PROXY_PORT
until http GET /pub?channel=news => .subscribers == 1


=== a proxy stands before Redis
--- http_config
push_redis redis://127.0.0.1:$TEST_PROXY_PORT probe=300ms;
--- redis
--- proxy
--- ws
a connect /ws?channel=news
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news one
a recv one
proxy pause
redis PUBLISH news two => 1
a recv_none 30ms
proxy cont
a recv two
proxy drop
expect_log push redis
wait proxy_accepted >= 4
until redis PUBSUB NUMSUB news => news 1
redis PUBLISH news three
a recv three


=== Redis comes back with what was saved, or with nothing
--- redis
--- ws
redis SET x old
redis_server save before
redis SET x new
redis_server kill
redis_server start before
redis GET x => old
redis_server kill
redis_server start empty
redis GET x => (nil)
redis SET x third
redis FLUSHALL => OK
redis DBSIZE => 0


=== a Redis with an append only file keeps what it was told
--- redis
appendonly yes
appendfsync always
--- ws
redis SET x one
redis_server save one
redis SET x two
redis_server restart
redis GET x => two
redis_server kill
redis_server start one
redis GET x => one
redis_server pause
fails "does not answer" within 100ms redis GET x
redis_server cont
redis GET x => one


=== requests and answers by HTTP/2, with TLS and without
--- tls: http2
--- h2c
--- with
location /head { add_header X-Token "{}|~ 0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ \\^"; return 200 "$server_protocol $http_x_who $scheme"; }
--- ws
a connect /ws?channel=news
for v in h2 h2c {
http POST $v /pub?channel=news [Content-Type: text/plain] hello => 201 [Content-Type: application/json] .subscribers == 1
a recv hello
http GET $v /head [X-Who: me] => 200 [Server ~ nginx | X-Token: {}|~ 0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ \^] ~ ^HTTP/2.0 me https?$
http HEAD $v /head => 200 [Content-Length ~ ^\d+$]
http GET $v /none => 404
http@1 POST $v /pub => 400
}


=== a large body goes through the windows of HTTP/2, both ways
--- tls: http2
--- with
location /echo { client_max_body_size 2m; client_body_buffer_size 2m; proxy_pass http://127.0.0.1:$TEST_ORIGIN_PORT; }
--- origin
--- ws
origin answer "HTTP/1.1 200 OK\r\nContent-Length: 700000\r\n\r\n{x*700000}"
http POST h2 /echo {y*500000} => 200 ~ ^x{32000}
origin_seen y{32000}


=== several event streams and a poll on one connection of HTTP/2
--- tls: http2
--- origin
answer "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n:ok\n\n"
answer /poll "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 2\r\n\r\nhi"
--- with
location / { proxy_pass http://127.0.0.1:$TEST_ORIGIN_PORT; proxy_buffering off; }
--- ws
h open h2
a sse /a on=h => 200 [!Connection | !Transfer-Encoding]
b sse /b on=h
c poll /poll on=a
c answer 200 [ETag: "1"] = hi
c poll /poll on=c
c answer 200 = hi
group g a b
g comment ok
origin pieces random "id: 7\ndata: x\n\n"
g event id=7 data=x
h h2_frame type=6 "12345678"
h recv_pong 12345678
a rst
origin say "data: y\n\n"
b recv y
origin end
b eof
fails "no stream" h rst
d sse h2 /d
h leave
d comment ok
d leave


=== an event stream of HTTP/2 waits for its window
--- h2c
--- origin
answer "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 1008\r\n\r\ndata: {x*1000}\n\n"
--- with
location /x { proxy_pass http://127.0.0.1:$TEST_ORIGIN_PORT; }
--- ws
a sse h2c /x window=0
a recv_none 30ms
a window 1000
a recv_none 30ms
a window 100
a recv {x*1000}
a eof
b sse h2c /x window=10
b resume
b recv {x*1000}
b eof


=== a server that leaves says so by HTTP/2
--- tls: http2
--- origin
answer "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n:ok\n\n"
--- with
location / { proxy_pass http://127.0.0.1:$TEST_ORIGIN_PORT; proxy_buffering off; }
location /ready { return 200; }
--- ws
h open h2
poll poll /ready on=h
poll answer 200
nginx HUP
h recv_goaway 0
h recv_gone


=== a stream of HTTP/2 that is reset is no end
--- tls: http2
--- origin
answer "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100\r\n\r\n:ok\n\n"
--- with
location / { proxy_pass http://127.0.0.1:$TEST_ORIGIN_PORT; proxy_buffering off; }
--- ws
a sse h2 /
a comment ok
b sse h2 /
origin reset
fails "a clean end" a eof
a recv_rst 2
b recv_gone
c sse h2 /
c comment ok
origin reset
fails "RST_STREAM 8" c recv_rst 8
c ignore


=== a server without HTTP/2 is no HTTP/2
--- tls
--- ws
fails "no application protocol" http GET h2 /
