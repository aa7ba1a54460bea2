#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: a part of TestPush::Script: what the proxy and the origin, which
# stand behind nginx, are told.
#

package TestPush::Script;

use strict;
use warnings;

use TestPush::Loop;
use TestPush::Nginx;


sub step_proxy {
    my ($self, $args) = @_;

    my $proxy = $self->{proxy} or die "the block has no \"--- proxy\"\n";

    my ($what, $which) = $args =~ /\A(\w+)(?: +(up|down))?\z/
        or die "the proxy cannot \"$args\"\n";

    die "the proxy cannot \"$args\"\n" if $which && $what !~ /\A(?:pause|cont)/;

    my @ways = $which ? $which : qw( up down );

    $what eq 'pause'    ? $proxy->pause(@ways)
    : $what eq 'cont'   ? $proxy->cont(@ways)
    : $what eq 'strand' ? $proxy->strand
    : $what eq 'drop'   ? $proxy->drop_all
    : $what eq 'reset'  ? $proxy->drop_all('rst')
    : $what eq 'deaf'   ? $proxy->deafen
    : $what eq 'listen' ? $proxy->listen
    :                     die "the proxy cannot \"$args\"\n";
}


sub step_origin {
    my ($self, $args) = @_;

    my $origin = $self->{origin} or die "the block has no \"--- origin\"\n";
    my ($what, $rest) = split / +/, $args, 2;

    $rest //= '';

    if ($what eq 'answer') {
        my $path = $rest =~ s{\A(/\S*) +}{} ? $1 : '*';
        $origin->{answers}{$path} = data($rest);

    } elsif ($what eq 'say') {
        $_->say(data($rest)) for $self->origin_links;

    } elsif ($what eq 'pieces') {
        my ($size, $bytes) = split / +/, $rest, 2;

        $self->origin_pieces($_, $size, data($bytes))
            for $self->origin_links;

    } elsif ($what eq 'end' || $what eq 'reset') {
        $what eq 'end' ? $_->finish : $_->drop('rst')
            for $self->origin_links;

    } elsif ($what eq 'forget') {
        $origin->{seen} = [];

    } else {
        die "the origin cannot \"$what\"\n";
    }
}


# The connections that have sent a request.

sub origin_links {
    my ($self) = @_;

    my $origin = $self->{origin};

    $self->await(undef, 'a request has come to the origin',
                 sub { grep { $_->{requests} } @{ $origin->{links} } });

    return grep { $_->{requests} } @{ $origin->{links} };
}


# Each piece goes when the last one was read.

sub origin_pieces {
    my ($self, $link, $size, $bytes) = @_;

    my $peer = $link->{fh}->peerport;

    while (length $bytes) {
        my $n = $size eq 'random' ? 1 + int rand 7 : $size;

        $link->say(substr $bytes, 0, $n, '');

        TestPush::Loop::run($self->{until}, sub {
            my $side = TestPush::Nginx::server_side($peer,
                                                    $self->{origin}{port});

            return !$side || !$side->{unread} && !length $link->{out};
        }) or die "nobody reads on\n";
    }
}


1;
