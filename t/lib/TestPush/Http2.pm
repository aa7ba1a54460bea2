#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: the client's end of an HTTP/2 connection (RFC 9113), with as many
# streams as a script wants.  It checks every frame that the server sends.
#

package TestPush::Http2;

use strict;
use warnings;

use parent -norequire, 'TestPush::Conn';

use TestPush::Conn;
use TestPush::Hpack;

use constant {
    DATA => 0, HEADERS => 1, PRIORITY => 2, RST_STREAM => 3, SETTINGS => 4,
    PUSH_PROMISE => 5, PING => 6, GOAWAY => 7, WINDOW_UPDATE => 8,
    CONTINUATION => 9,
    END_STREAM => 1, ACK => 1, END_HEADERS => 4, PADDED => 8, PRIORITIZED => 32,
    CANCEL => 8,
    ENABLE_PUSH => 2, INITIAL_WINDOW => 4,
    WINDOW => 65535, FRAME => 16384,
};

my @TAKE;

@TAKE[ DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING,
       GOAWAY, WINDOW_UPDATE, CONTINUATION ] =
    (\&take_data, \&take_headers, sub { }, \&take_reset, \&take_settings,
     sub { $_[0]->bad('a push that we forbade') }, \&take_ping, \&take_goaway,
     \&take_window_update, \&take_continuation);


# Options: those of TestPush::Conn; window: what a stream may send before a
# script allows it more.

sub new {
    my ($class, %opt) = @_;

    my $self = TestPush::Conn::new($class, %opt);

    $self->{scheme} = $opt{tls} ? 'https' : 'http';
    $self->write($self->preface);

    return $self;
}


sub unconnected {
    my ($class, %opt) = @_;

    my $self = TestPush::Conn::unconnected($class, %opt);

    @$self{qw( streams next_id hpack pings pongs block )} =
        ({}, 1, TestPush::Hpack->new, [], [], undef);

    # what each side may send, and what a new stream may
    @$self{qw( window_in window_out stream_out )} = (WINDOW) x 3;
    $self->{stream_in} = $opt{window} // WINDOW;
    $self->{manual} = defined $opt{window};

    return $self;
}


sub preface {
    my ($self) = @_;

    return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
           . frame(SETTINGS, 0, 0, pack 'nN nN', ENABLE_PUSH, 0,
                   INITIAL_WINDOW, $self->{stream_in});
}


sub frame {
    my ($type, $flags, $id, $payload) = @_;

    return substr(pack('N', length $payload), 1)
           . pack('C C N', $type, $flags, $id) . $payload;
}


sub send_frame { $_[0]->write(frame(@_[1 .. 4])) }


sub http2 { $_[0] }


# A request on a new stream, which is returned.

sub request {
    my ($self, $method, $path, $body, @headers) = @_;

    my $stream = TestPush::Http2::Stream->new($self, $self->{next_id});

    $self->{next_id} += 2;

    my ($host) = map { $_->[1] } grep { lc $_->[0] eq 'host' } @headers;

    my $block = TestPush::Hpack::encode(
        [ ':method' => $method ], [ ':scheme' => $self->{scheme} ],
        defined $host ? [ ':authority' => $host ] : (), [ ':path' => $path ],
        map { [ lc $_->[0], $_->[1] ] } grep { !of_http1($_->[0]) } @headers);

    my $flags = length $body ? 0 : END_STREAM;
    my $type = HEADERS;

    do {
        my $piece = substr $block, 0, FRAME, '';

        $self->send_frame($type, $flags | ($block eq '' ? END_HEADERS : 0),
                          $stream->{id}, $piece);
        ($type, $flags) = (CONTINUATION, 0);
    } while (length $block);

    $stream->{pending} = $body;
    $stream->{no_body} = $method eq 'HEAD';
    $stream->{eof} = $self->{eof};
    $self->flush($stream);

    return $stream;
}


sub of_http1 {
    my ($name) = @_;

    return $name =~ /\A(?:host|connection|keep-alive|upgrade|proxy-connection
                         |transfer-encoding)\z/ix;
}


# As much of a request's body as the server's windows take.

sub flush {
    my ($self, $stream) = @_;

    while (length $stream->{pending}) {
        my $n = FRAME;

        for my $window ($self->{window_out}, $stream->{window_out}) {
            $n = $window if $n > $window;
        }

        last if $n <= 0;

        my $piece = substr $stream->{pending}, 0, $n, '';

        $_->{window_out} -= length $piece for $self, $stream;

        $self->send_frame(DATA, length $stream->{pending} ? 0 : END_STREAM,
                          $stream->{id}, $piece);
    }
}


sub parse {
    my ($self) = @_;

    if ($self->{tls} && !$self->{begun} && length $self->{in}) {
        my $protocol = $self->{tls}->protocol;
        $self->bad("ALPN has chosen \"$protocol\"") if $protocol ne 'h2';
    }

    while (!$self->{bad} && length $self->{in} >= 9) {
        my ($high, $low, $type, $flags, $id) = unpack 'C n C C N', $self->{in};
        my $length = $high << 16 | $low;

        $self->bad("a frame of $length bytes") if $length > FRAME;

        last if $self->{bad} || length $self->{in} < 9 + $length;

        my $payload = substr $self->{in}, 9, $length;

        substr($self->{in}, 0, 9 + $length) = '';
        $self->take_frame($type, $flags, $id & 0x7fffffff, $payload);
    }

    return if !$self->{eof};

    $_->{eof} ||= $self->{eof} for values %{ $self->{streams} };
}


sub take_frame {
    my ($self, $type, $flags, $id, $payload) = @_;

    return $self->bad('the first frame is no SETTINGS')
        if !$self->{begun}++ && ($type != SETTINGS || $flags & ACK);

    return $self->bad("frame $type inside a header block")
        if $self->{block}
           && ($type != CONTINUATION || $id != $self->{block}{id});

    # those of other types are to be ignored
    return if $type > CONTINUATION;

    return $self->bad("frame $type of stream $id, which is not open")
        if $id && ($id >= $self->{next_id} || !($id & 1));

    my $of_connection = $type == SETTINGS || $type == PING || $type == GOAWAY;

    return $self->bad("frame $type of stream $id")
        if $type != WINDOW_UPDATE && $of_connection != !$id;

    $TAKE[$type]->($self, $flags, $id, $payload);
}


# A frame's payload without padding (and priority).

sub unpadded {
    my ($self, $flags, $payload) = @_;

    my $padding = $flags & PADDED ? ord substr $payload, 0, 1, '' : 0;

    substr($payload, 0, 5) = '' if $flags & PRIORITIZED;

    if ($padding > length $payload) {
        $self->bad('more padding than payload');
        return '';
    }

    return substr $payload, 0, length($payload) - $padding;
}


sub take_data {
    my ($self, $flags, $id, $payload) = @_;

    my $n = length $payload;
    my $stream = $self->{streams}{$id};

    # nobody wants the rest of a stream that we have reset

    $self->take_from_window($self, $n);
    $self->grant($n);

    return if !$stream;

    return $self->bad("data of stream $id, which has ended") if $stream->{done};
    return $self->bad("data of stream $id before its head")
        if !$stream->{head};

    $self->take_from_window($stream, $n);
    $stream->owe($n);

    my $data = $self->unpadded($flags & PADDED, $payload);

    $stream->{received} += length $data;
    $stream->take_body($data) if length $data;
    $stream->take_end if $flags & END_STREAM;
}


sub take_from_window {
    my ($self, $of, $n) = @_;

    $of->{window_in} -= $n;
    $self->bad('more data than the window allows') if $of->{window_in} < 0;
}


# The server may send this much more.

sub grant {
    my ($self, $n, $id) = @_;

    return if !$n;

    $self->{window_in} += $n if !$id;
    $self->send_frame(WINDOW_UPDATE, 0, $id // 0, pack 'N', $n);
}


sub take_headers {
    my ($self, $flags, $id, $payload) = @_;

    $self->{block} = { id => $id, end => $flags & END_STREAM,
                       bytes => $self->unpadded($flags, $payload) };

    $self->take_block if $flags & END_HEADERS;
}


sub take_continuation {
    my ($self, $flags, $id, $payload) = @_;

    return $self->bad('a continuation of nothing') if !$self->{block};

    $self->{block}{bytes} .= $payload;
    $self->take_block if $flags & END_HEADERS;
}


# A whole header block.  The table needs it even if nobody wants it any more.

sub take_block {
    my ($self) = @_;

    my $block = delete $self->{block};
    my @headers = eval { $self->{hpack}->decode($block->{bytes}) };

    return $self->bad("header compression: $@") if $@;

    my $stream = $self->{streams}{ $block->{id} } or return;

    for my $header (@headers) {
        return $self->bad("a header \"$header->[0]\"")
            if $header->[0] =~ /[A-Z]/ || of_http1($header->[0]);
    }

    $stream->take_headers(@headers);
    $stream->take_end if $block->{end};
}


sub take_reset {
    my ($self, $flags, $id, $payload) = @_;

    my $stream = $self->{streams}{$id} or return;

    return if $stream->{eof};

    $stream->{reset} = unpack 'N', $payload;
    $stream->{eof} = 'rst';
}


sub take_settings {
    my ($self, $flags, $id, $payload) = @_;

    return if $flags & ACK;

    while (length $payload >= 6) {
        my ($name, $value) = unpack 'nN', substr $payload, 0, 6, '';

        $self->{settings}{$name} = $value;

        next if $name != INITIAL_WINDOW;

        $_->{window_out} += $value - $self->{stream_out}
            for values %{ $self->{streams} };

        $self->{stream_out} = $value;
    }

    $self->send_frame(SETTINGS, ACK, 0, '');
    $self->flush($_) for values %{ $self->{streams} };
}


sub take_ping {
    my ($self, $flags, $id, $payload) = @_;

    push @{ $self->{ $flags & ACK ? 'pongs' : 'pings' } }, $payload;

    $self->send_frame(PING, ACK, 0, $payload) if !($flags & ACK);
}


# Streams above the last one that the server names were not looked at.

sub take_goaway {
    my ($self, $flags, $id, $payload) = @_;

    my ($last, $code, $text) = unpack 'N N a*', $payload;

    $self->{goaway} = { last => $last, code => $code, text => $text };

    $_->{eof} ||= 'rst' for grep { $_->{id} > $last }
                            values %{ $self->{streams} };
}


sub take_window_update {
    my ($self, $flags, $id, $payload) = @_;

    my $n = unpack 'N', $payload;
    my $of = $id ? $self->{streams}{$id} : $self;

    return $self->bad('a window that grows by nothing') if !$n;

    return if !$of;

    $of->{window_out} += $n;
    $self->flush($_) for values %{ $self->{streams} };
}


# What breaks the connection breaks all of its streams.

sub bad {
    my ($self, $what) = @_;

    $_->bad($what) for values %{ $self->{streams} };

    return $self->SUPER::bad($what);
}


sub leftover {
    my ($self) = @_;

    return $self->{bad} && !$self->{ignored} ? 'the server breaks the protocol'
                                             : undef;
}


sub describe {
    my ($self) = @_;

    my @seen = map { "stream $_->{id}: " . $_->describe }
               sort { $a->{id} <=> $b->{id} } values %{ $self->{streams} };

    push @seen, "GOAWAY $self->{goaway}{code}" if $self->{goaway};
    push @seen, "bad: $self->{bad}" if $self->{bad};
    push @seen, "end of file ($self->{eof})" if $self->{eof};

    return @seen ? join(', ', @seen) : 'nothing';
}


sub drop {
    my ($self, $how) = @_;

    TestPush::Conn::drop($self, $how);

    $_->{eof} ||= 'own' for values %{ $self->{streams} };
}


package TestPush::Http2::Stream;

use parent -norequire, 'TestPush::Reply';


sub new {
    my ($class, $conn, $id) = @_;

    my $self = bless {
        conn => $conn, id => $id, pending => '', reading => 1, eof => undef,
        window_in => $conn->{stream_in}, window_out => $conn->{stream_out},
        owed => 0, received => 0, manual => $conn->{manual},
        map { $_ => $conn->{$_} } qw( name port local_port local_addr ),
    }, $class;

    $self->start_reply;

    return $conn->{streams}{$id} = $self;
}


sub http2 { $_[0]->{conn} }


# This has its own connection's life, and no bytes of its own.

sub parse { }


sub take_headers {
    my ($self, @headers) = @_;

    my $conn = $self->{conn};

    return if $self->{head} && !grep { $_->[0] =~ /\A:/ } @headers;

    my ($name, $status) = @{ $headers[0] // [ '', '' ] };

    return $conn->bad("stream $self->{id}: the head begins with \"$name\"")
        if $self->{head} || $name ne ':status' || $status !~ /\A\d{3}\z/;

    shift @headers;

    return $conn->bad("stream $self->{id}: more pseudo header fields")
        if grep { $_->[0] =~ /\A:/ } @headers;

    $self->take_head("HTTP/2 $status", $status, @headers) if $status >= 200;
}


sub take_end {
    my ($self) = @_;

    my $length = $self->header('Content-Length');

    $self->{conn}->bad("stream $self->{id}: $self->{received} bytes of $length")
        if defined $length && !$self->{no_body} && $self->{status} != 304
           && $length != $self->{received};

    $self->{done} = 1;
    $self->{eof} ||= 'fin';
}


# What has come may come again, unless the script holds it back.

sub owe {
    my ($self, $n) = @_;

    $self->{owed} += $n;
    $self->settle if $self->{reading} && !$self->{manual};
}


sub settle {
    my ($self) = @_;

    $self->window($self->{owed}) if !$self->{done};
    $self->{owed} = 0;
}


sub window {
    my ($self, $n) = @_;

    $self->{window_in} += $n;
    $self->{conn}->grant($n, $self->{id});
}


sub pause_reading { $_[0]->{reading} = 0 }


sub resume_reading {
    my ($self) = @_;

    $self->{reading} = 1;
    $self->{manual} = 0;
    $self->settle;
}


sub write { $_[0]->{conn}->write($_[1]) }


sub unsent { $_[0]->{conn}->unsent }


# Sends no more, wants no more.

sub cancel {
    my ($self, $code) = @_;

    $self->{conn}->send_frame(TestPush::Http2::RST_STREAM, 0, $self->{id},
                              pack 'N', $code // TestPush::Http2::CANCEL);
    $self->{eof} ||= 'own';

    delete $self->{conn}{streams}{ $self->{id} };
}


# Leaves: from a connection that was opened for it with the last of its streams.

sub drop {
    my ($self, $how) = @_;

    my $conn = $self->{conn};

    return $conn->drop($how) if ($how // '') eq 'rst';

    $self->ended ? delete $conn->{streams}{ $self->{id} } : $self->cancel
        if $conn->{fh};

    $self->{eof} ||= 'own';

    $conn->drop if $conn->{private} && !%{ $conn->{streams} };
}


sub describe {
    my ($self) = @_;

    return $self->SUPER::describe
           . (defined $self->{reset} ? ", reset $self->{reset}" : '');
}


1;
