#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: a TCP proxy in front of whatever listens on another port, that
# can do what networks do: hold everything back, or forget a connection without
# a word to either side.
#

package TestPush::Proxy;

use strict;
use warnings;

use IO::Socket::INET;
use TestPush::Peer;


# Options: port, target (a port).

sub new {
    my ($class, %opt) = @_;

    my $self = bless { %opt, links => [], paused => {}, accepted => 0 }, $class;

    $self->listen;

    return $self;
}


sub listen { TestPush::Peer::listen_for($_[0]) }


# Refuses new links from now on.

sub deafen {
    my ($self) = @_;

    my $listener = delete $self->{listener};

    $listener->close if $listener;
}


# Whoever connects while everything is held back waits, too.

sub accepts { !$_[0]->{paused}{up} && !$_[0]->{paused}{down} }


# `up' is the way to the target, `down' the way back.

sub accepted {
    my ($self, $fh) = @_;

    my $target = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                       PeerPort => $self->{target});

    return close $fh if !$target;

    my %ends = (
        up   => TestPush::Proxy::End->new(fh => $fh, proxy => $self,
                                          way => 'up'),
        down => TestPush::Proxy::End->new(fh => $target, proxy => $self,
                                          way => 'down'),
    );

    $ends{up}{other} = $ends{down};
    $ends{down}{other} = $ends{up};

    push @{ $self->{links} }, \%ends;
}


sub pause {
    my ($self, @ways) = @_;

    $self->{paused}{$_} = 1 for @ways;
}


sub cont {
    my ($self, @ways) = @_;

    delete $self->{paused}{$_} for @ways;
}


# The links of now are dead for ever, and nobody is told; new ones are not.

sub strand {
    my ($self) = @_;

    for my $link (@{ $self->{links} }) {
        $_->{stranded} = 1 for values %$link;
    }
}


sub drop_all {
    my ($self, $how) = @_;

    my @links = @{ $self->{links} };

    $_->{up}->drop($how) for @links;
}


sub end {
    my ($self) = @_;

    $self->deafen;
    $self->drop_all;
}


package TestPush::Proxy::End;

use parent -norequire, 'TestPush::Peer';


# What it has read goes out at the other end.  A slow reader there slows this
# one down, as it would without a proxy.

sub want_read {
    my ($self) = @_;

    return $self->{fh} && !$self->{stranded} && !$self->{closing}
           && !$self->{proxy}{paused}{ $self->{way} }
           && length $self->{other}{out} < 65536;
}


sub received {
    my ($self) = @_;

    $self->{other}->say(delete $self->{in});
    $self->{in} = '';
}


# The other end gets what is on its way, then the same end.

sub gone {
    my ($self, $how) = @_;

    my $other = $self->{other};

    return $self->drop($how) if $how ne 'fin';

    $self->{closing} = 1;
    $other->finish;
}


sub dropped {
    my ($self) = @_;

    my $proxy = $self->{proxy};

    @{ $proxy->{links} } = grep { $_->{up} != $self && $_->{down} != $self }
                           @{ $proxy->{links} };

    my $other = delete $self->{other} or return;

    delete $other->{other};
    $other->drop($self->{how});
}


sub drop {
    my ($self, $how) = @_;

    $self->{how} = $how;
    $self->SUPER::drop($how);
}


1;
