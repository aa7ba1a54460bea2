#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: a part of TestPush::Script: what only clients of HTTP/2 do.
#

package TestPush::Script;

use strict;
use warnings;

use TestPush::Http2;


our %VERBS;

%VERBS = (
    %VERBS,

    rst => sub {
        my ($self, $name, $args) = @_;

        stream_of($self->client($name))->cancel($args eq '' ? undef : $args);
    },

    recv_rst => sub {
        my ($self, $name, $args) = @_;

        my $stream = stream_of($self->client($name));

        $self->{awaited} = "RST_STREAM $args";

        TestPush::Loop::run($self->{until}, sub { $stream->ended });

        my $got = $stream->{reset};

        $self->unexpected("RST_STREAM $args", $stream->describe)
            if !defined $got || $args ne '' && $got != $args;

        $stream->{eof_seen} = 1;
    },

    recv_goaway => sub {
        my ($self, $name, $args) = @_;

        my $conn = http2_of($self->client($name));

        $self->await($conn, "GOAWAY $args", sub { $conn->{goaway} });

        $self->unexpected("GOAWAY $args", $conn->describe)
            if $args ne '' && $conn->{goaway}{code} != $args;
    },

    window => sub {
        my ($self, $name, $args) = @_;

        my $client = $self->client($name);

        http2_of($client) == $client ? $client->grant($args)
                                     : $client->window($args);
    },

    # h2_frame [type=N] [flags=N] [id=N] DATA

    h2_frame => sub {
        my ($self, $name, $args) = @_;

        my %opt = (type => 0, flags => 0, id => 0);

        $opt{$1} = $2 while $args =~ s/\A(type|flags|id)=(\d+)(?:\s+|\z)//;

        http2_of($self->client($name))->send_frame(@opt{qw( type flags id )},
                                                   data($args));
    },
);


sub http2_of {
    my ($client) = @_;

    die "\"$client->{name}\" does not speak HTTP/2\n" if !$client->can('http2');

    return $client->http2;
}


sub stream_of {
    my ($client) = @_;

    die "\"$client->{name}\" is no stream\n" if http2_of($client) == $client;

    return $client;
}


1;
