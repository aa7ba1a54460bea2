#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: one end of a TCP connection of the helper's servers.
#

package TestPush::Peer;

use strict;
use warnings;

use Errno qw( EAGAIN EINTR );
use IO::Socket::INET;
use Socket qw( MSG_NOSIGNAL SOL_SOCKET SO_LINGER );
use TestPush::Loop;


sub new {
    my ($class, %opt) = @_;

    my $self = bless { in => '', out => '', %opt }, $class;

    $self->{fh}->blocking(0);
    TestPush::Loop::add($self);

    return $self;
}


# A listening socket; what is accepted goes to the owner's `accepted'.

sub listen_for {
    my ($owner) = @_;

    return $owner->{listener} ||= TestPush::Peer::Listener->new($owner);
}


sub want_read  { $_[0]->{fh} }
sub want_write { $_[0]->{fh} && length $_[0]->{out} }


sub say {
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
        $self->drop if $self->{last} && !length $self->{out};

    } elsif ($! != EAGAIN && $! != EINTR) {
        $self->drop;
    }
}


sub on_readable {
    my ($self) = @_;

    my $n = sysread $self->{fh}, my $buf, 65536;

    if (!defined $n) {
        return if $! == EAGAIN || $! == EINTR;
        return $self->gone('rst');
    }

    return $self->gone('fin') if $n == 0;

    $self->{in} .= $buf;
    $self->received;
}


sub gone { $_[0]->drop }


# Ends when everything has been sent.

sub finish {
    my ($self) = @_;

    $self->{last} = 1;
    $self->drop if !length $self->{out};
}


sub drop {
    my ($self, $how) = @_;

    return if !$self->{fh};

    setsockopt($self->{fh}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0))
        if ($how // '') eq 'rst';

    TestPush::Loop::remove($self);
    close delete $self->{fh};
    $self->dropped;
}


sub dropped { }


package TestPush::Peer::Listener;


sub new {
    my ($class, $owner) = @_;

    my $fh = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $owner->{port}, Listen => 64,
        ReuseAddr => 1, Blocking => 0)
        or die "cannot listen on port $owner->{port}: $!\n";

    my $self = bless { fh => $fh, owner => $owner }, $class;

    TestPush::Loop::add($self);

    return $self;
}


sub want_read  { $_[0]->{owner}->accepts }
sub want_write { 0 }


sub on_readable {
    my ($self) = @_;

    while (my $fh = $self->{fh}->accept) {
        $self->{owner}{accepted}++;
        $self->{owner}->accepted($fh);
    }
}


sub close {
    my ($self) = @_;

    TestPush::Loop::remove($self);
    CORE::close $self->{fh};
}


1;
