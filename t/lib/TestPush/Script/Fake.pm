#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: a part of TestPush::Script: what the fake Redis is told.
#

package TestPush::Script;

use strict;
use warnings;

use Time::HiRes qw( time );
use TestPush::Loop;
use TestPush::Nginx;


sub step_fake {
    my ($self, $args) = @_;

    my $fake = $self->{fake} or die "the block has no \"--- fake_redis\"\n";
    my ($what, $rest) = split / +/, $args, 2;

    $rest //= '';

    if ($what eq 'reply') {
        my ($command, $bytes) = split / +/, $rest, 2;

        if (defined $bytes) {
            $fake->{replies}{$command} = data($bytes);

        } else {
            delete $fake->{replies}{$command};
        }

    } elsif ($what eq 'say' || $what eq 'drop') {
        my ($kind, $bytes) = split / +/, $rest, 2;

        $self->await(undef, "the fake Redis has a link ($kind)",
                     sub { () = $fake->links($kind) });

        for my $link ($fake->links($kind)) {
            $what eq 'drop' ? $link->drop : $link->say(data($bytes));
        }

    } elsif ($what eq 'drip') {
        my ($kind, $bytes) = split / +/, $rest, 2;

        for my $link ($fake->links($kind)) {
            $self->drip_link($link, data($bytes));
        }

    } elsif ($what eq 'slam') {
        $fake->{slam} = $rest ne 'off';

    } elsif ($what eq 'publish') {
        my ($channel, $payload) = split / +/, $rest, 2;
        $fake->publish(data($channel), data($payload))
            or die "nobody has subscribed to \"$channel\"\n";

    } elsif ($what eq 'reaches') {
        $self->fake_reaches(split / +/, $rest);

    } elsif ($what eq 'pause' || $what eq 'cont') {
        $fake->{paused} = $what eq 'pause';

    } elsif ($what eq 'silent') {
        $fake->{silent} = $rest ne 'off';

    } elsif ($what eq 'forget') {
        $fake->{seen} = [];

    } elsif ($what eq 'deaf') {
        $fake->deafen;

    } elsif ($what eq 'listen') {
        $fake->listen;

    } else {
        die "the fake Redis cannot \"$what\"\n";
    }
}


# What is published on a link that nginx is about to give up is lost, so this
# publishes again until the client has got one of these.

sub fake_reaches {
    my ($self, $name, $channel) = @_;

    my $client = $self->client($name);
    my $number = ++$self->{markers};
    my $marker = "marker $number.";
    my $n = 0;

    $self->await($client, "a message that the fake Redis publishes", sub {
        $self->{fake}->publish($channel, $marker . ++$n);

        TestPush::Loop::run(time + 0.02, sub { @{ $client->{messages} } });

        my $reached = grep { $_->{data} =~ /\A\Q$marker\E/ }
                      @{ $client->{messages} };

        @{ $client->{messages} } = ();

        return $reached;
    });

    # those that are still under way disturb no later step

    $client->{skip} = sub {
        return $_[0] =~ /\Amarker (\d+)\.\d+\z/ && $1 <= $number;
    };
}


# Byte by byte, as drip() does for clients; here nginx is the client.

sub drip_link {
    my ($self, $link, $bytes) = @_;

    my $peer = $link->{fh}->peerport;

    while (length $bytes) {
        $link->say(substr $bytes, 0, 1, '');

        TestPush::Loop::run($self->{until}, sub {
            my $side = TestPush::Nginx::server_side($peer, $self->{fake}{port});

            return !$side || !$side->{unread} && !length $link->{out};
        }) or die "nginx does not read on\n";
    }
}


1;
