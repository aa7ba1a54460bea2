#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: a WebSocket client that can be told to misbehave.  It checks
# every byte that the server sends against RFC 6455.
#

package TestPush::Client;

use strict;
use warnings;

use parent -norequire, 'TestPush::Conn';

use Compress::Raw::Zlib;
use Digest::SHA qw( sha1_base64 );
use TestPush::Conn;

use constant {
    TEXT => 1, BINARY => 2, CLOSE => 8, PING => 9, PONG => 10,
};


sub new {
    my ($class, %opt) = @_;

    my $self = TestPush::Conn::new($class, %opt);

    @$self{qw( pings pongs )} = ([], []);
    $self->{auto_pong} = 1;
    $self->{auto_close} = 1;

    return $self;
}


# What the server must answer to a key (RFC 6455 4.2.2).

sub accept_for {
    my ($key) = @_;

    return sha1_base64($key . '258EAFA5-E914-47DA-95CA-C5AB0DC85B11') . '=';
}


# One frame of a client (RFC 6455 5.2).  Options: op, fin, rsv (0-7), mask
# (0|1), key (8 hex digits), form (7|16|64: how the length is written) and len
# (the length that is claimed).

sub frame {
    my ($payload, %opt) = @_;

    my $len = $opt{len} // length $payload;
    my $mask = $opt{mask} // 1;
    my $form = $opt{form} // ($len < 126 ? 7 : $len < 65536 ? 16 : 64);
    my $key = pack 'H8', $opt{key} // sprintf '%08x', int rand 0xffffffff;

    my $frame = pack 'CC',
                ($opt{fin} // 1) << 7 | ($opt{rsv} // 0) << 4
                | ($opt{op} // TEXT),
                $mask << 7 | ($form == 7 ? $len : $form == 16 ? 126 : 127);

    $frame .= pack 'n', $len if $form == 16;
    $frame .= pack 'Q>', $len if $form == 64;

    return $frame . $payload unless $mask;

    my $pad = $key x (1 + length($payload) / 4);

    return $frame . $key . ($payload ^ substr($pad, 0, length $payload));
}


sub close_payload {
    my ($code, $reason) = @_;

    return defined $code ? pack('n', $code) . ($reason // '') : '';
}


sub describe {
    my ($self) = @_;

    return $self->SUPER::describe if ($self->{status} // 0) != 101;

    my @seen = $self->seen;

    push @seen, 'pongs ' . join ' ', map { "\"$_\"" } @{ $self->{pongs} }
        if @{ $self->{pongs} };
    push @seen, 'pings ' . @{ $self->{pings} } if @{ $self->{pings} };
    push @seen, "close " . ($self->{closed}{code} // 'without a code')
                . " \"$self->{closed}{reason}\"" if $self->{closed};
    push @seen, "bad: $self->{bad}" if $self->{bad};
    push @seen, 'end of file (' . $self->{eof} . ')' if $self->{eof};

    return @seen ? join(', ', @seen) : 'nothing';
}


sub leftover {
    my ($self) = @_;

    return undef if $self->{ignored} || ($self->{status} // 0) != 101
                    || ($self->{eof} // '') eq 'own' || !$self->{reading};

    return $self->{bad}                 ? "the server breaks the protocol"
           : @{ $self->{messages} }     ? "a message that nobody awaited"
           : $self->{partial}           ? "half a message is left"
           : $self->{closed} && !$self->{closed}{seen}
                                        ? "a close that nobody awaited"
           : $self->{eof} && !$self->{eof_seen} && !$self->{closed}
                                        ? "the connection has ended"
           :                              undef;
}


sub parse {
    my ($self) = @_;

    if (!$self->{head} || $self->{status} != 101) {
        $self->parse_http;
        return if !$self->{head} || $self->{status} != 101;
    }

    while (!$self->{bad} && $self->parse_frame) {
    }
}


sub parse_frame {
    my ($self) = @_;

    my $have = length $self->{in};

    return 0 if $have < 2;

    my ($first, $second) = unpack 'CC', $self->{in};
    my ($fin, $rsv, $op) = ($first >> 7, $first >> 4 & 7, $first & 15);
    my ($len, $pos) = ($second & 127, 2);

    return $self->bad('a masked frame from the server') if $second & 128;
    return $self->bad("reserved bits $rsv")
        if $rsv && !($rsv == 4 && ($op == TEXT || $op == BINARY)
                     && $self->window);
    return $self->bad("opcode $op") if $op > 10 || ($op > 2 && $op < 8);
    return $self->bad('a frame after close') if $self->{closed};

    if ($len == 126) {
        return 0 if $have < 4;
        ($len, $pos) = (unpack('n', substr $self->{in}, 2, 2), 4);
        return $self->bad("length $len in 16 bits") if $len < 126;

    } elsif ($len == 127) {
        return 0 if $have < 10;
        ($len, $pos) = (unpack('Q>', substr $self->{in}, 2, 8), 10);
        return $self->bad("length $len in 64 bits") if $len < 65536;
    }

    return 0 if $have < $pos + $len;

    my $data = substr $self->{in}, $pos, $len;
    substr($self->{in}, 0, $pos + $len) = '';

    if ($op >= 8) {
        return $self->bad('a fragmented control frame') if !$fin;
        return $self->bad("a control frame of $len bytes") if $len > 125;
        $self->on_control($op, $data);
        return 1;
    }

    $self->{wire}++;

    if ($op) {
        return $self->bad('a new message inside a fragmented one')
            if $self->{partial};
        $self->{partial} = { op => $op, data => $data, packed => $rsv };

    } else {
        return $self->bad('a continuation of nothing') if !$self->{partial};
        $self->{partial}{data} .= $data;
    }

    if ($fin) {
        my $message = delete $self->{partial};

        if ($message->{packed}) {
            $message->{data} = inflated($message->{data}, $self->window)
                // return $self->bad('compressed data is invalid');
        }

        my $copy = $message->{data};

        return $self->bad('text that is not UTF-8')
            if $message->{op} == TEXT && !utf8::decode($copy)
               && $copy =~ /[\x80-\xff]/;

        push @{ $self->{messages} }, $message
            if !$self->{skip} || !$self->{skip}->($message->{data});
    }

    return 1;
}


# The bits of the window that the server may compress with, 0: it may not.

sub window {
    my ($self) = @_;

    return $self->{window} //= do {
        my $extensions = $self->header('Sec-WebSocket-Extensions') // '';

        $extensions !~ /\Apermessage-deflate\b/              ? 0
        : $extensions =~ /\bserver_max_window_bits=(\d+)/    ? $1 : 15;
    };
}


# A payload without context from other messages (RFC 7692 7.2.2), undef if it is
# invalid.  In small steps: zlib would look beyond its window in what it has
# just written.

sub inflated {
    my ($data, $bits) = @_;

    my ($z) = Compress::Raw::Zlib::Inflate->new(
        -WindowBits => -$bits, -Bufsize => 16, -LimitOutput => 1);

    my ($all, $out, $in) = ('', '', "$data\x00\x00\xff\xff");

    for ( ;; ) {
        my $status = $z->inflate($in, $out);

        $all .= $out;

        return $all if $status == Z_OK && !length $in
                       || $status == Z_BUF_ERROR && !length $in
                          && !length $out;
        return undef if $status != Z_OK && $status != Z_BUF_ERROR;
    }
}


# A payload as RFC 7692 7.2.1 has it; with tail: as it comes from the flush.

sub deflated {
    my ($data, %opt) = @_;

    my ($z) = Compress::Raw::Zlib::Deflate->new(
        -WindowBits => -15, -AppendOutput => 1);
    my $out = '';

    $z->deflate($data, $out);
    $z->flush($out, Z_SYNC_FLUSH);

    $out =~ s/\x00\x00\xff\xff\z//s if !$opt{tail};

    return $out;
}


sub on_control {
    my ($self, $op, $data) = @_;

    if ($op == PING) {
        push @{ $self->{pings} }, $data;
        $self->write(frame($data, op => PONG)) if $self->{auto_pong};

    } elsif ($op == PONG) {
        push @{ $self->{pongs} }, $data;

    } else {
        my ($code, $reason) = length $data ? unpack 'na*', $data : ();

        $self->{closed} = { code => $code, reason => $reason // '',
                            size => length $data };
        $self->bad('a close frame of one byte') if length $data == 1;

        if ($self->{auto_close} && !$self->{close_sent}++) {
            $self->write(frame(close_payload($code), op => CLOSE));
        }
    }
}


1;
