#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: a connection to nginx that sends bytes, by TLS if it is told to,
# and reads HTTP/1 answers.  TestPush::Client goes on from here with WebSocket
# frames, TestPush::Http2 with those of HTTP/2.
#

package TestPush::Conn;

use strict;
use warnings;

use parent -norequire, 'TestPush::Reply';

use Errno qw( EAGAIN EINTR EINPROGRESS );
use IO::Socket::INET;
use POSIX ();
use Socket qw( :DEFAULT IPPROTO_TCP TCP_NODELAY SO_RCVBUF SO_LINGER SOL_SOCKET
               MSG_NOSIGNAL );
use TestPush::Loop;
use TestPush::Reply;


# Options: port, from (source address), rcvbuf, http (1.0), tls (options of
# TestPush::Tls).

sub new {
    my ($class, %opt) = @_;

    my $self = $class->unconnected(%opt);

    socket(my $fh, PF_INET, SOCK_STREAM, IPPROTO_TCP) or die "socket: $!\n";

    setsockopt($fh, IPPROTO_TCP, TCP_NODELAY, 1);
    # a number, not its digits: Perl would take those for packed bytes
    setsockopt($fh, SOL_SOCKET, SO_RCVBUF, 0 + $opt{rcvbuf}) if $opt{rcvbuf};

    if ($opt{from}) {
        bind($fh, pack_sockaddr_in(0, inet_aton($opt{from})))
            or die "bind to $opt{from}: $!\n";
    }

    connect($fh, pack_sockaddr_in($opt{port}, inet_aton('127.0.0.1')))
        or die "cannot connect to port $opt{port}: $!\n";

    IO::Handle::blocking($fh, 0);

    $self->{fh} = $fh;
    $self->{local_port} = (unpack_sockaddr_in(getsockname $fh))[0];
    $self->{local_addr} = $opt{from} || '127.0.0.1';

    TestPush::Loop::add($self);

    if ($opt{tls}) {
        require TestPush::Tls;
        $self->{tls} = TestPush::Tls->new(%{ $opt{tls} });
        $self->write('');
    }

    return $self;
}


# What reads answers, without a socket.

sub unconnected {
    my ($class, %opt) = @_;

    my $self = bless {
        name => $opt{name} || 'http', port => $opt{port},
        http10 => ($opt{http} // '') eq '1.0',
        in => '', out => '', reading => 1, eof => undef,
    }, $class;

    $self->start_reply;

    return $self;
}


sub want_read  { $_[0]->{fh} && $_[0]->{reading} && !$_[0]->{eof} }
sub want_write { $_[0]->{fh} && length $_[0]->{out} }


sub pause_reading  { $_[0]->{reading} = 0 }
sub resume_reading { $_[0]->{reading} = 1 }


sub write {
    my ($self, $bytes) = @_;

    $self->{out} .= $self->{tls} ? $self->{tls}->encrypt($bytes) : $bytes;
    $self->on_writable;
}


# Is something left that the kernel has not got yet?

sub unsent {
    my ($self) = @_;

    return length $self->{out} || $self->{tls} && $self->{tls}->unsent;
}


sub on_writable {
    my ($self) = @_;

    return if !$self->{fh} || !length $self->{out};

    my $n = send $self->{fh}, $self->{out}, MSG_NOSIGNAL;

    if (defined $n) {
        substr($self->{out}, 0, $n) = '';
        return;
    }

    return if $! == EAGAIN || $! == EINTR;

    # the other side is gone: reading tells how

    $self->{out} = '';
}


sub on_readable {
    my ($self) = @_;

    for ( ;; ) {
        my $n = sysread $self->{fh}, my $buf, 65536;

        if (!defined $n) {
            return if $! == EAGAIN || $! == EINTR;
            $self->{eof} = 'rst';
            last;
        }

        if ($n == 0) {
            $self->{eof} = !$self->{tls} || $self->{tls}->ended ? 'fin' : 'cut';
            last;
        }

        $self->take($buf);
        return if $n < 65536;
    }

    $self->parse;
}


sub take {
    my ($self, $bytes) = @_;

    if ($self->{tls}) {
        $bytes = $self->{tls}->decrypt($bytes);
        $self->write('');
        $self->bad($self->{tls}->problem) if $self->{tls}->problem;
    }

    $self->{in} .= $bytes;
    $self->parse;
}


sub parse { $_[0]->parse_http }


sub parse_http {
    my ($self) = @_;

    while (!$self->{head} && !$self->{bad}) {
        $self->parse_head or return;
    }

    return if $self->{done} || $self->{bad} || $self->{status} == 101;

    if ($self->{framing} eq 'chunked') {
        while (!$self->{done} && !$self->{bad} && $self->parse_chunk) {
        }

    } elsif ($self->{framing} eq 'close') {
        $self->take_body($self->{in});
        $self->{in} = '';
        $self->take_end if ($self->{eof} // '') eq 'fin';

    } else {
        my $bytes = substr $self->{in}, 0, $self->{left}, '';

        $self->{left} -= length $bytes;
        $self->take_body($bytes) if length $bytes;
        $self->take_end if $self->{left} == 0;
    }
}


# The head, and how the body's end will be known (RFC 9112 6.3).

sub parse_head {
    my ($self) = @_;

    return 0 if $self->{in} !~ s/\A(.*?\r\n)\r\n//s;

    my ($line, @lines) = split /\r\n/, $1;

    return $self->bad("not an HTTP status line: $line")
        if $line !~ m{\AHTTP/1\.[01] (\d{3})};

    my $status = $1;

    # an interim answer is none
    return 1 if $status =~ /\A1/ && $status != 101;

    $self->take_head($line, $status,
                     map { [ /\A([^:]*):\s*(.*?)\s*\z/ ] } @lines);

    my $length = $self->header('Content-Length');
    my $coding = lc($self->header('Transfer-Encoding') // '');

    return $self->bad('both Content-Length and Transfer-Encoding')
        if defined $length && $coding;

    return $self->bad("Transfer-Encoding: $coding")
        if $coding && ($coding ne 'chunked' || $self->{http10}
                       || $status == 204);

    ($self->{framing}, $self->{left}) =
        $self->{no_body} || $status =~ /\A(?:204|304)\z/ ? ('length', 0)
        : $coding         ? ('chunked', undef)
        : defined $length ? ('length', $length)
        :                   ('close', 0);

    return 1;
}


# Some of a chunk (RFC 9112 7.1): `left' is undef before its size, -1 before
# the line end behind it, -2 in the trailer.

sub parse_chunk {
    my ($self) = @_;

    my $left = $self->{left};

    if (defined $left && $left > 0) {
        my $bytes = substr $self->{in}, 0, $left, '';

        return 0 if $bytes eq '';

        $self->{left} -= length $bytes;
        $self->{left} ||= -1;
        $self->take_body($bytes);

        return 1;
    }

    $self->{in} =~ s/\A([^\n]*)\n// or return 0;

    my $line = $1;

    $line =~ s/\r\z// or return $self->bad("a bare LF in a chunked body");

    if (!defined $left) {
        return $self->bad("a chunk of size \"$line\"")
            if $line !~ /\A([0-9a-f]{1,8})(?:;.*)?\z/i;

        $self->{left} = hex $1 || -2;

    } elsif ($left == -1) {
        return $self->bad("a chunk longer than its size") if $line ne '';
        $self->{left} = undef;

    } elsif ($line eq '') {
        $self->take_end;
    }

    return 1;
}


# Leaves without a word: by FIN, or by RST.

sub drop {
    my ($self, $how) = @_;

    return if !$self->{fh};

    if (($how // '') eq 'rst') {
        setsockopt($self->{fh}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
    }

    TestPush::Loop::remove($self);
    close delete $self->{fh};
    $self->{eof} ||= 'own';
}


1;
