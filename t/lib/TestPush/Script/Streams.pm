#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: a part of TestPush::Script: clients whose messages have fields:
# EventSource, streams of JSON lines, and the dialect push.meta.
#

package TestPush::Script;

use strict;
use warnings;

use JSON::PP ();
use TestPush::Client;
use TestPush::EventSource;
use TestPush::Lines;
use TestPush::Reply;


our %VERBS;

%VERBS = (
    %VERBS,

    sse => sub {
        my ($self, $name, $args) = @_;

        $self->start_stream($name, $args, 'sse', TestPush::EventSource->new,
                            [ Accept => 'text/event-stream' ],
                            [ 'Cache-Control' => 'no-cache' ]);
    },

    # as EventSource does it when the connection was lost

    reconnect => sub {
        my ($self, $name, $args) = @_;

        my $old = $self->client($name);

        die "\"$name\" is no EventSource\n"
            if ($old->{exchange} // '') ne 'sse';

        my $id = $old->{sink}{last_event_id};
        my $sink = TestPush::EventSource->new;

        $sink->{last_event_id} = $id;

        $self->start_stream($name, "$old->{asked} $args", 'sse', $sink,
                            [ Accept => 'text/event-stream' ],
                            [ 'Cache-Control' => 'no-cache' ],
                            $id ne '' ? [ 'Last-Event-ID' => $id ] : ());
    },

    stream => sub {
        my ($self, $name, $args) = @_;

        $self->start_stream($name, $args, 'stream', TestPush::Lines->new,
                            [ Accept => 'application/x-ndjson' ]);
    },

    event => sub {
        my ($self, $name, $args) = @_;

        my $message = $self->next_message($name, "event $args");

        die "\"$name\" is no EventSource\n"
            if ($message->{kind} // '') ne 'event';

        $self->check_fields($message->{fields}, $args, $message->{raw});
    },

    last_event_id => sub {
        my ($self, $name, $args) = @_;

        my $client = $self->client($name);
        my $sink = sink($client, 'TestPush::EventSource');
        my $wanted = data($args);

        $self->await($client, "the last event id $args",
                     sub { $sink->{last_event_id} eq $wanted });
    },

    comment => sub {
        my ($self, $name, $args) = @_;

        my $got = $self->next_of($name, 'comments', 'a comment');

        return if $args eq '';

        my $ok = $args =~ /\A~ (.*)\z/s ? $got =~ /$1/s : $got eq data($args);

        $self->unexpected($args, $got) if !$ok;
    },

    retry => sub {
        my ($self, $name, $args) = @_;

        my $got = $self->next_of($name, 'retries', 'a retry');
        my ($min, $max) = $args =~ /\A(\d+)(?:\.\.(\d+))?\z/
            or die "\"$args\" is neither 3000 nor 1000..4000\n";

        $self->unexpected("retry: $args", "retry: $got")
            if $got < $min || $got > ($max // $min);
    },

    line => sub {
        my ($self, $name, $args) = @_;

        my $message = $self->next_message($name, "line $args");

        die "\"$name\" is no stream\n" if ($message->{kind} // '') ne 'line';

        $self->{last} = fields_as_reply({}, $message->{raw});
        $self->check_value($message->{value}, $args, $message->{raw});
    },

    heartbeat => sub {
        my ($self, $name) = @_;

        my $client = $self->client($name);
        my $sink = sink($client, 'TestPush::Lines');

        $self->await($client, 'an empty line', sub { $sink->{empty} });
        $sink->{empty}--;
    },

    meta => sub { recv_meta(@_, TestPush::Client::TEXT) },

    meta_binary => sub { recv_meta(@_, TestPush::Client::BINARY) },
);


# PATH [options] [[headers]] [=> EXPECT]: answers 200 and goes on.

sub start_stream {
    my ($self, $name, $args, $kind, $sink, @usual) = @_;

    my ($text, $expect) = split_expectation($args);
    my $reply = $self->begin($name, $text, $kind, $sink, @usual);

    $self->await($reply, 'an answer', sub { $reply->{head} });

    $self->unexpected('status 200 and the type of a stream',
                      "status $reply->{status}, Content-Type: "
                      . ($reply->header('Content-Type') // 'none'))
        if !$reply->{sinking};

    $self->check_answer($reply, $expect);
    $self->{last} = $reply;
}


sub sink {
    my ($client, $class) = @_;

    my $sink = $client->{sink};

    die "\"$client->{name}\" is of another kind\n"
        if !$sink || !$sink->isa($class);

    return $sink;
}


sub next_of {
    my ($self, $name, $list, $what) = @_;

    my $client = $self->client($name);
    my $sink = sink($client, 'TestPush::EventSource');

    $self->await($client, $what, sub { @{ $sink->{$list} } });

    return shift @{ $sink->{$list} };
}


sub next_message {
    my ($self, $name, $awaited) = @_;

    my $client = $self->client($name);

    $self->await($client, $awaited, sub {
        @{ $client->{messages} } || $client->{closed}
    });

    my $message = shift @{ $client->{messages} };

    $self->unexpected($awaited, $client->describe, 'the connection was closed')
        if !$message;

    return $message;
}


# `let x id:' reads them afterwards, and `let x .path' the body.

sub fields_as_reply {
    my ($fields, $body) = @_;

    return bless {
        headers => [ map { [ $_ => $fields->{$_} ] } sort keys %$fields ],
        body => $body,
    }, 'TestPush::Reply';
}


sub check_fields {
    my ($self, $fields, $args, $raw) = @_;

    $self->{last} = fields_as_reply($fields, $fields->{data}
                                             // $fields->{body});

    for my $wanted (fields($args)) {
        my ($name, $op, $value) = @$wanted;
        my $got = $fields->{$name} // '';

        my $ok = $op eq '!' ? $got eq '' : $op eq '~' ? $got =~ /$value/s
                 : defined $fields->{$name} && $got eq $value;

        $self->unexpected($op eq '!' ? "no $name" : "$name$op$value",
                          "$name=$got, all of it: "
                          . TestPush::Reply::printable($raw, 1))
            if !$ok;
    }
}


# {"what": "it must have at least"}, or checks.

sub check_value {
    my ($self, $value, $args, $raw) = @_;

    if ($args !~ /\A[\[{]/) {
        $self->check_json($value, $_) for split /\s+&&\s+/, $args;
        return;
    }

    my $text = $args =~ s/\{([^{}]+)\*(\d+)\}/$1 x $2/ger;
    my $wanted = eval { JSON::PP->new->utf8->decode($text) };

    die "this is no JSON: $args\n" if !defined $wanted;

    my $problem = TestPush::Lines::missing(TestPush::Lines::bytes_of($wanted),
                                           $value);

    $self->unexpected($args, $raw, $problem) if defined $problem;
}


# A message of push.meta: lines of fields, each at most once, an empty line and
# the body, which may look like anything.

sub recv_meta {
    my ($self, $name, $args, $op) = @_;

    my $message = $self->next_message($name, "a message of push.meta: $args");
    my $raw = $message->{data};
    my ($fields, $problem) = meta_fields($raw);

    $problem = 'it is the wrong kind of frame' if $message->{op} != $op;

    $self->unexpected($args, TestPush::Reply::printable($raw, $message->{op}),
                      $problem)
        if defined $problem;

    $self->check_fields($fields, $args, $raw);
}


sub meta_fields {
    my ($text) = @_;

    my %fields;

    while ($text =~ s/\A([^\n]+)\n//) {
        my $line = $1;

        return (undef, "\"$line\" is no field of push.meta")
            if $line !~ /\A(id|channel|event|content-type):[ ]?
                         ([^\x00-\x1f\x7f]*)\z/x;

        return (undef, "there is more than one $1")
            if defined $fields{$1};

        $fields{$1} = $2;
    }

    $text =~ s/\A\n// or return (undef, 'there is no empty line');

    $fields{body} = $text;

    return \%fields;
}


1;
