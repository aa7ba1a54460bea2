#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: a connection to nginx that sends bytes, and reads one HTTP
# answer.  TestPush::Client goes on from here with WebSocket frames.
#

package TestPush::Conn;

use strict;
use warnings;

use Errno qw( EAGAIN EINTR EINPROGRESS );
use IO::Socket::INET;
use POSIX ();
use Socket qw( :DEFAULT IPPROTO_TCP TCP_NODELAY SO_RCVBUF SO_LINGER SOL_SOCKET
               MSG_NOSIGNAL );
use TestPush::Loop;


# Options: port, from (source address), rcvbuf.

sub new {
    my ($class, %opt) = @_;

    my $self = bless {
        name => $opt{name} || 'http', port => $opt{port},
        in => '', out => '', reading => 1, head => undef, body => '',
        eof => undef,
    }, $class;

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

    return $self;
}


sub want_read  { $_[0]->{fh} && $_[0]->{reading} && !$_[0]->{eof} }
sub want_write { $_[0]->{fh} && length $_[0]->{out} }


sub write {
    my ($self, $bytes) = @_;

    $self->{out} .= $bytes;
    $self->on_writable;
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
            $self->{eof} = 'fin';
            last;
        }

        $self->{in} .= $buf;
        $self->parse;
        return if $n < 65536;
    }

    $self->parse;
}


# Says what is awaited in a form that reads well in a failure.

sub describe {
    my ($self) = @_;

    return $self->{head} ? "HTTP status $self->{status}" : 'no answer';
}


sub parse { $_[0]->parse_http }


sub parse_http {
    my ($self) = @_;

    if (!$self->{head}) {
        return if $self->{in} !~ s/\A(.*?\r\n)\r\n//s;

        my ($line, @lines) = split /\r\n/, $1;

        if ($line !~ m{\AHTTP/1\.[01] (\d{3})}) {
            $self->{bad} = "not an HTTP status line: $line";
            return;
        }

        $self->{head} = $line;
        $self->{status} = $1;
        $self->{headers} = [ map { [ /\A([^:]*):\s*(.*?)\s*\z/ ] } @lines ];

        # an interim answer is none
        if ($self->{status} == 100) {
            delete $self->{head};
            return $self->parse_http;
        }
    }

    return if $self->{done} || $self->{status} == 101;

    my $length = $self->header('Content-Length');

    if ($self->{no_body} || $self->{status} =~ /\A(?:204|304)\z/) {
        $self->{done} = 1;

    } elsif (lc($self->header('Transfer-Encoding') // '') eq 'chunked') {
        while ($self->{in} =~ /\A([0-9a-f]+)[^\r]*\r\n/i) {
            my ($all, $n) = (length $&, hex $1);

            last if length $self->{in} < $all + $n + 2;

            $self->{body} .= substr $self->{in}, $all, $n;
            substr($self->{in}, 0, $all + $n + 2) = '';

            if ($n == 0) {
                $self->{done} = 1;
                last;
            }
        }

    } elsif (defined $length) {
        if (length $self->{in} >= $length) {
            $self->{body} = substr $self->{in}, 0, $length, '';
            $self->{done} = 1;
        }

    } elsif ($self->{eof}) {
        $self->{body} = $self->{in};
        $self->{done} = 1;
    }
}


# The values of a header, joined as a proxy would.

sub header {
    my ($self, $name) = @_;

    my @values = map { $_->[1] }
                 grep { lc $_->[0] eq lc $name } @{ $self->{headers} || [] };

    return @values ? join(', ', @values) : undef;
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
