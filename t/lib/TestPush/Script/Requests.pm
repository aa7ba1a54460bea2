#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: a part of TestPush::Script: HTTP requests of any version, and
# polls, which wait for their answer while the script goes on.
#

package TestPush::Script;

use strict;
use warnings;

use TestPush::Conn;


our %VERBS;

%VERBS = (
    %VERBS,

    poll => sub {
        my ($self, $name, $args) = @_;

        $self->begin($name, $args, 'poll');
    },

    status => sub {
        my ($self, $name, $args) = @_;

        my $reply = $self->client($name);

        $self->await($reply, 'an answer', sub { $reply->{head} });
        $self->check_answer($reply, $args);
        $self->{last} = $reply;
    },
);


# Sends a request.  The answer will be in what this returns: a connection, or a
# stream of one.

sub ask {
    my ($self, $name, $request, $method, $body, @usual) = @_;

    my $opt = $request->{opt};

    unshift @usual, [ Host => "127.0.0.1:$opt->{port}" ];

    push @usual, [ 'Content-Length' => length $body ]
        if $method =~ /\A(?:POST|PUT)\z/ || length $body;

    my $on = defined $opt->{on} ? $self->client($opt->{on}) : undef;
    my $http2 = $on && $on->can('http2') ? $on->http2 : undef;

    if (!$on && $request->{scheme} =~ /h2/) {
        $http2 = $self->open_conn('TestPush::Http2', $name, $opt);
        $http2->{private} = 1;
    }

    if ($http2) {
        return $http2->request($opt->{method} || $method, $request->{path},
                               $body, headers($request, @usual));
    }

    if ($on) {
        die "\"$opt->{on}\" still waits for an answer\n" if $on->{exchange};
        die "HTTP/1 has one answer at a time: on=$name\n"
            if $opt->{on} ne $name;
    }

    my $conn = $on || $self->open_conn('TestPush::Conn', $name, $opt);
    my $text = head($request, $method, @usual) . $body;

    $conn->next_reply;
    $conn->{no_body} = $method eq 'HEAD';

    $opt->{drip} ? $self->drip($conn, $text) : $conn->write($text);

    return $conn;
}


# A client that is there for the answer to one request.

sub begin {
    my ($self, $name, $text, $kind, $sink, @usual) = @_;

    my $request = $self->parse_request($text);
    my $old = $self->{clients}{$name};

    $old->drop if $old && ($request->{opt}{on} // '') ne $name;

    my $reply = $self->ask($name, $request, 'GET', data($request->{rest}),
                           @usual);

    # an earlier stream of the connection that goes on
    $old->drop if $old && $old != $reply;

    $reply->{name} = $name;
    $reply->{exchange} = $kind;
    $reply->{sink} = $sink;
    $reply->{asked} = $text;

    return $self->{clients}{$name} = $reply;
}


1;
