#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: a part of TestPush::Script: the steps that begin with a client.
#

package TestPush::Script;

use strict;
use warnings;

use MIME::Base64 qw( encode_base64 );
use Time::HiRes qw( time );
use TestPush::Client;
use TestPush::Loop;
use TestPush::Nginx;


our %VERBS;

%VERBS = (
    connect => sub {
        my ($self, $name, $args) = @_;

        my ($request, $expect) = split_expectation($args);
        my $conn = $self->handshake($name, $request);

        $self->finish_handshake($conn);
        $self->check_101($conn);
        $self->check_answer($conn, $expect);
        $self->{last} = $conn;
    },

    refused => sub {
        my ($self, $name, $args) = @_;

        $args =~ s/\A(\d{3})\s+// or die "a status is missing\n";

        my $status = $1;
        my ($request, $expect) = split_expectation($args);

        ($request, $expect) = ($1, $2)
            if $expect eq '' && $args =~ /\A(.*?)\s+(~ .*)\z/s;

        my $conn = $self->handshake($name, $request);

        $self->finish_handshake($conn);
        $self->check_answer($conn, "$status $expect");

        delete $self->{clients}{$name};
        $conn->drop;
    },

    open => sub {
        my ($self, $name, $args) = @_;

        my $scheme = $args =~ s/\A(tls|h2c?)\b\s*// ? "$1 " : '';
        my $request = $self->parse_request("$scheme- $args");
        my $class = $scheme =~ /h2/ ? 'TestPush::Http2' : 'TestPush::Client';
        my $old = delete $self->{clients}{$name};

        $old->drop if $old;

        $self->{clients}{$name} =
            $self->open_conn($class, $name, $request->{opt});
    },

    write => sub {
        my ($self, $name, $args) = @_;

        $self->client($name)->write(data($args));
    },

    answer => sub {
        my ($self, $name, $args) = @_;

        my $conn = $self->client($name);

        $self->finish_handshake($conn);
        $self->{last} = $conn->copy;
        $self->check_answer($conn, $args);

        $conn->next_reply if $conn->{status} != 101;
    },

    packet => sub {
        my ($self, $name, $args) = @_;

        $self->client($name)->write($self->frames($args));
    },

    drip => sub {
        my ($self, $name, $args) = @_;

        $self->drip($self->client($name), $self->frames($args));
    },

    pieces => sub {
        my ($self, $name, $args) = @_;

        my ($size, $frames) = split / +/, $args, 2;

        $self->drip($self->client($name), $self->frames($frames), $size);
    },

    recv => sub {
        my ($self, $name, $args) = @_;

        $self->recv_message($name, $args, TestPush::Client::TEXT);
    },

    recv_binary => sub {
        my ($self, $name, $args) = @_;

        $args = "hex:$args" if $args =~ /\A[0-9a-fA-F ]*\z/;
        $self->recv_message($name, $args, TestPush::Client::BINARY);
    },

    # the same, and it was compressed, or it was not

    recv_packed => sub { recv_as(@_, 1) },

    recv_plain => sub { recv_as(@_, 0) },

    recv_any_order => sub {
        my ($self, $name, $args) = @_;

        my $client = $self->client($name);
        my @wanted = sort(words($args));

        $self->await($client, "in any order: @wanted",
                     sub { @{ $client->{messages} } >= @wanted });

        my @got = sort map { $_->{data} }
                  splice @{ $client->{messages} }, 0, scalar @wanted;

        $self->unexpected("@wanted", "@got") if "@got" ne "@wanted";
    },

    recv_range => sub {
        my ($self, $name, $args) = @_;

        my ($prefix, $from, $to) = words($args);

        $self->recv_message($name, "\"$prefix$_\"", TestPush::Client::TEXT)
            for $from .. $to;
    },

    recv_until => sub {
        my ($self, $name, $args) = @_;

        my $client = $self->client($name);
        my $wanted = data($args);
        my $messages = $client->{messages};

        $self->await($client, "\"$wanted\", whatever comes before", sub {
            while (@$messages && $messages->[0]{data} ne $wanted) {
                shift @$messages;
            }

            return scalar @$messages;
        });

        shift @$messages;
    },

    # PREFIX1SUFFIX, PREFIX2SUFFIX, ... and then the end, in whatever way

    recv_in_order => sub {
        my ($self, $name, $args) = @_;

        my $client = $self->client($name);
        my ($prefix, $suffix, $code) = words($args);
        my $i = 0;

        for ( ;; ) {
            TestPush::Loop::run($self->{until}, sub {
                @{ $client->{messages} } || !$client->alive || $client->{bad}
            }) or die "neither a message nor an end in time\n";

            my $message = shift @{ $client->{messages} } or last;

            my $wanted = $prefix . ++$i . $suffix;

            $self->unexpected(TestPush::Reply::printable($wanted, 1),
                              TestPush::Reply::printable($message->{data}, 1))
                if $message->{data} ne $wanted;
        }

        $self->unexpected("at least one message, then $code", $client->describe)
            if $i == 0 || $client->{bad}
               || $client->{closed} && $client->{closed}{code} != $code;

        $client->{ignored} = 1;
    },

    recv_no_ping => sub {
        my ($self, $name) = @_;

        my $client = $self->client($name);

        $self->unexpected('no ping', $client->describe)
            if @{ $client->{pings} };
    },

    recv_none => sub {
        my ($self, $name, $args) = @_;

        my $client = $self->client($name);

        TestPush::Loop::run(time + seconds($args || '200ms'), sub {
            @{ $client->{messages} } || !$client->alive || $client->{bad}
        });

        my $seen = $client->describe;

        $self->unexpected('nothing', $seen)
            if @{ $client->{messages} } || !$client->alive || $client->{bad};
    },

    recv_ping => sub {
        my ($self, $name, $args) = @_;

        my $client = $self->client($name);

        $self->await($client, 'a ping', sub { @{ $client->{pings} } });

        shift @{ $client->{pings} };
    },

    recv_pong => sub {
        my ($self, $name, $args) = @_;

        my $client = $self->client($name);
        my $wanted = data($args);

        $self->await($client, "pong \"$wanted\"",
                     sub { @{ $client->{pongs} } });

        my $got = shift @{ $client->{pongs} };

        $self->unexpected("pong \"$wanted\"", "pong \"$got\"")
            if $got ne $wanted;
    },

    recv_close => sub {
        my ($self, $name, $args) = @_;

        my $client = $self->client($name);
        my ($codes, $reason) = split / +/, $args, 2;

        $codes = 'any' if !defined $codes || $codes eq '';

        $self->await($client, "close $args", sub {
            @{ $client->{messages} } || $client->{closed}
        });

        $self->unexpected("close $args", $client->describe,
                          'a message that nobody awaited')
            if @{ $client->{messages} };

        my $got = $client->{closed};
        my $code = $got->{code} // 'none';

        $self->unexpected("close $args", "close $code \"$got->{reason}\"")
            if ($codes ne 'any' && !grep { $_ eq $code } split /\|/, $codes)
               || (defined $reason && $reason ne ''
                   && $got->{reason} ne data($reason));

        $got->{seen} = 1;
    },

    # the same, whatever messages come before

    recv_last => sub {
        my ($self, $name, $args) = @_;

        my $client = $self->client($name);

        $self->await($client, "close $args", sub { $client->{closed} });

        @{ $client->{messages} } = ();

        $VERBS{recv_close}->($self, $name, $args);
    },

    recv_eof => sub { recv_end(@_, 'fin') },

    eof => sub { recv_end(@_, 'fin') },

    recv_gone => sub { recv_end(@_, '') },

    auto_pong => sub { $_[0]->client($_[1])->{auto_pong} = $_[2] eq 'on' },

    auto_close => sub { $_[0]->client($_[1])->{auto_close} = $_[2] eq 'on' },

    abort => sub { $_[0]->client($_[1])->drop('rst') },

    leave => sub { $_[0]->client($_[1])->drop },

    shutdown => sub { shutdown $_[0]->client($_[1])->{fh}, 1 },

    stop_reading => sub { $_[0]->client($_[1])->pause_reading },

    resume => sub { $_[0]->client($_[1])->resume_reading },

    ignore => sub { $_[0]->client($_[1])->{ignored} = 1 },

    forget => sub {
        my ($self, $name) = @_;

        my $client = delete $self->{clients}{$name};
        $client->drop if $client;
    },

);


# A TCP connection, to the wanted worker if the step says which.

sub open_conn {
    my ($self, $class, $name, $opt) = @_;

    my ($wanted, $conn);

    if ($self->{pin}) {
        my @workers = $self->{nginx}->workers;
        $wanted = $workers[ $self->{pin} - 1 ]
            or die "there is no worker $self->{pin}\n";
    }

    for ( ;; ) {
        $conn = $class->new(%$opt, name => $name);

        return $conn if !$wanted;

        my $worker = TestPush::Loop::run($self->{until}, sub {
            $self->{nginx}->worker_of($conn)
        }) or die "no worker takes the connection\n";

        return $conn if $worker == $wanted;

        $conn->drop('rst');

        die "no connection lands in worker $self->{pin}\n"
            if time > $self->{until};
    }
}


# Sends a handshake and waits for the answer; ` >> frames' go with it.

sub handshake {
    my ($self, $name, $text) = @_;

    my $old = delete $self->{clients}{$name};

    $old->drop if $old;

    my $request = $self->parse_request($text);
    my $rest = $request->{rest};
    my $more = $rest =~ s/\A>> +(.*)\z//s ? $self->frames($1) : '';

    die "cannot read \"$rest\"\n" if $rest ne '';
    die "no WebSocket goes over HTTP/2 here\n" if $request->{scheme} =~ /h2/;

    my $key = encode_base64(join('', map { chr int rand 256 } 1 .. 16), '');

    my $head = head($request, 'GET',
                    [ Host => "127.0.0.1:$request->{opt}{port}" ],
                    [ Upgrade => 'websocket' ],
                    [ Connection => 'Upgrade' ],
                    [ 'Sec-WebSocket-Key' => $key ],
                    [ 'Sec-WebSocket-Version' => 13 ]);

    my $conn = $self->open_conn('TestPush::Client', $name, $request->{opt});

    $self->{clients}{$name} = $conn;

    ($conn->{key}) = $head =~ /^Sec-WebSocket-Key: *([^\r]*)\r/mi;

    if ($request->{opt}{drip}) {
        $self->drip($conn, "$head$more");

    } else {
        $conn->write("$head$more");
    }

    return $conn;
}


sub finish_handshake {
    my ($self, $conn) = @_;

    # the answer to a pipelined request may be there already
    $conn->parse;

    $self->await($conn, 'an answer', sub {
        $conn->{head} && ($conn->{status} == 101 || $conn->{done})
    });
}


sub check_101 {
    my ($self, $conn) = @_;

    $self->unexpected('status 101',
                      "status $conn->{status}, body: $conn->{body}")
        if $conn->{status} != 101;

    my $accept = TestPush::Client::accept_for($conn->{key});

    $self->unexpected("Sec-WebSocket-Accept: $accept",
                      $conn->header('Sec-WebSocket-Accept') // 'none')
        if ($conn->header('Sec-WebSocket-Accept') // '') ne $accept;

    $self->unexpected('Upgrade: websocket, Connection: upgrade', $conn->{head})
        if lc($conn->header('Upgrade') // '') ne 'websocket'
           || lc($conn->header('Connection') // '') ne 'upgrade';
}


# Byte by byte: the next one goes when nginx has read the last.

sub drip {
    my ($self, $conn, $bytes, $size) = @_;

    $size //= 1;
    $size =~ /\A[1-9]\d*\z/ or die "\"$size\" is no number of bytes\n";

    while (length $bytes) {
        last if $conn->{eof};

        # a TLS handshake comes first
        TestPush::Loop::run($self->{until}, sub { !$conn->unsent || $conn->{bad}
                                                  || $conn->{eof} });

        $conn->write(substr $bytes, 0, $size, '');

        my $read = TestPush::Loop::run($self->{until}, sub {
            return 1 if $conn->{eof};

            my $side = TestPush::Nginx::server_side(
                           @$conn{qw( port local_port local_addr )});
            return 1 if !$side;

            return !$side->{unread} && !$conn->unsent;
        });

        die "nginx does not read on\n" if !$read;
    }
}


sub recv_message {
    my ($self, $name, $args, $op) = @_;

    my $client = $self->client($name);
    my $pattern = $args =~ /\A~ (.*)\z/s ? qr/$1/s : undef;
    my $wanted = $pattern ? undef : data($args);
    my $awaited = $pattern ? "a message like $pattern"
                           : TestPush::Reply::printable($wanted, $op);

    $self->await($client, $awaited, sub {
        @{ $client->{messages} } || $client->{closed}
    });

    my $message = shift @{ $client->{messages} };

    $self->unexpected($awaited, $client->describe, 'the connection was closed')
        if !$message;

    my $ok = $message->{op} == $op
             && ($pattern ? $message->{data} =~ $pattern
                          : $message->{data} eq $wanted);

    $self->unexpected($awaited,
                      TestPush::Reply::printable($message->{data},
                                                 $message->{op}))
        if !$ok;
}


sub recv_as {
    my ($self, $name, $args, $packed) = @_;

    my $client = $self->client($name);
    my $messages = $client->{messages};

    $self->await($client, 'a message', sub {
        @$messages || $client->{closed}
    });

    $self->unexpected($packed ? 'a compressed message' : 'a plain message',
                      $client->describe)
        if @$messages && !$messages->[0]{packed} != !$packed;

    my $op = @$messages ? $messages->[0]{op} : TestPush::Client::TEXT;

    recv_message($self, $name, $args, $op);
}


sub recv_end {
    my ($self, $name, $args, $how) = @_;

    my $client = $self->client($name);

    $self->{awaited} = 'end of file';

    my $came = TestPush::Loop::run($self->{until}, sub { $client->ended });

    $self->unexpected('end of file', $client->describe, 'it does not come')
        if !$came;

    $self->unexpected('end of file', $client->describe,
                      'a message that nobody awaited')
        if @{ $client->{messages} };

    $self->unexpected('a clean end', $client->describe)
        if $how eq 'fin' && $client->ended ne 'fin';

    # as any client does; until then the server may wait for it

    $client->drop;
    $client->{eof_seen} = 1;
}


1;
