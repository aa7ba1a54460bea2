#!/usr/bin/env perl

# Copyright (C) the ngx_http_push_module authors
#
# The soak can fail: a server that does one thing wrong is found out.  And a
# short one of each bus, with the same faults every time.

use strict;
use warnings;

use Cwd qw( abs_path );
use Digest::SHA qw( sha1_base64 );
use File::Basename qw( dirname );
use IO::Select;
use IO::Socket::INET;
use IPC::Open2;
use JSON::PP;
use Test::More;
use Time::HiRes qw( sleep );

my $top = abs_path(dirname(abs_path($0)) . '/..');
my $crowd = "$top/build/soak/crowd";

my $WS = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

$SIG{PIPE} = 'IGNORE';


# What the server does wrong, once, in what it sends to its first client; and
# what that is called.

my @tricks = (
    [ 'nothing', '' ],
    [ 'a jump after a notice', '' ],
    [ 'another epoch after a notice', '' ],
    [ 'a jump', 'silent_gap' ],
    [ 'another epoch', 'silent_gap' ],
    [ 'a message twice', 'backward' ],
    [ 'two messages in the wrong order', 'backward' ],
    [ 'back to an old epoch', 'epoch_back' ],
    [ 'an id of another message', 'two_bodies' ],
    [ 'a message with another id', 'two_ids' ],
    [ 'a message that was refused', 'refused_seen' ],
    [ 'another byte', 'corrupt' ],
    [ 'another event', 'corrupt' ],
    [ 'a message of another channel', 'foreign' ],
    [ 'the end of a channel', 'missing' ],
    [ 'a close that nobody deserved', 'ended' ],
    [ 'another answer to a repeat', 'conflict' ],
    [ 'a frame that is none', 'protocol' ],
);


# A server of just what the crowd asks for.

package Server;

sub new {
    my ($class, $trick) = @_;

    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                         Listen => 10)
        or die "listen: $!\n";

    return bless { trick => $trick, listener => $listener, clients => [],
                   in => {}, top => {}, epoch => 'e1', delivered => 0 },
                 $class;
}


sub run {
    my ($self) = @_;

    my $select = IO::Select->new($self->{listener});

    for ( ;; ) {
        for my $fh ($select->can_read) {
            if ($fh == $self->{listener}) {
                my $new = $fh->accept or next;
                $new->autoflush(1);
                $select->add($new);
                $self->{in}{$new} = '';

            } elsif (!sysread $fh, $self->{in}{$fh}, 65536,
                              length $self->{in}{$fh})
            {
                $select->remove($fh);
                @{ $self->{clients} } = grep { $_->{fh} != $fh }
                                        @{ $self->{clients} };
                close $fh;

            } else {
                $self->request($fh);
            }
        }
    }
}


sub request {
    my ($self, $fh) = @_;

    $self->{in}{$fh} =~ /\A(\w+)\ \/(\w+)\?channel=(\S+?)(?:&\S*)?\ HTTP.*?
                         \r\n\r\n/xs or return;

    my ($method, $place, $channels, $end) = ($1, $2, $3, $+[0]);
    my $head = substr $self->{in}{$fh}, 0, $end;
    my ($length) = $head =~ /^Content-Length: (\d+)/mi;

    return if length $self->{in}{$fh} < $end + ($length // 0);

    my $body = substr $self->{in}{$fh}, $end, $length // 0;
    $self->{in}{$fh} = '';

    return $self->publish($fh, $channels, $head, $body) if $method eq 'POST';

    my ($key) = $head =~ /^Sec-WebSocket-Key: (\S+)/mi;

    print $fh "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
              . "Connection: Upgrade\r\nSec-WebSocket-Protocol: push.meta\r\n"
              . 'Sec-WebSocket-Accept: ' . Digest::SHA::sha1_base64($key . $WS)
              . "=\r\n\r\n";

    push @{ $self->{clients} },
         { fh => $fh, channels => { map { $_ => 1 } split /,/, $channels } };
}


sub publish {
    my ($self, $fh, $channel, $head, $body) = @_;

    my ($event) = $head =~ /^Push-Event: (\S+)/mi;
    my ($type) = $head =~ /^Content-Type: (\S+)/mi;

    my $fleeting = $head =~ /^Push-Volatile/mi;
    my $m = { id => $fleeting ? 0 : ++$self->{top}{$channel},
              epoch => $self->{epoch}, channel => $channel, event => $event,
              type => $type, body => $body };

    my $first = 1;

    for my $client (@{ $self->{clients} }) {
        if ($client->{channels}{$channel}) {
            $self->deliver($client, $m, $first);
        }

        $first = 0;
    }

    my $status = $self->{status} // 201;
    my $offset = $m->{id} + ($self->{shift} // 0);
    my $text = $status != 201 ? '{"error":"no"}' : $fleeting ? '{}'
               : "{\"epoch\":\"$m->{epoch}\",\"offset\":$offset}";

    delete $self->{status};
    delete $self->{shift};

    print $fh "HTTP/1.1 $status Whatever\r\nContent-Length: "
              . length($text) . "\r\n\r\n$text";
}


sub deliver {
    my ($self, $client, $m, $first) = @_;

    my $trick = $self->{trick};
    my $n = $first && $m->{id} ? ++$self->{delivered} : 0;

    if ($n == 40 && $trick =~ /jump/) {
        send_notice($client, $m->{channel}) if $trick =~ /notice/;
        return;
    }

    if ($n == 40 && $trick =~ /another epoch/) {
        $self->notify_all if $trick =~ /notice/;

        $m->{epoch} = $self->{epoch} = 'e2';
    }

    if ($trick =~ /old epoch/ && ($n == 40 || $n == 60)) {
        $self->notify_all;
        $m->{epoch} = $self->{epoch} = $n == 40 ? 'e2' : 'e1';
        $_ += 1000 for values %{ $self->{top} };
    }

    if ($n == 40 && $trick =~ /twice/) {
        send_message($client, $m);

    } elsif ($n == 40 && $trick =~ /wrong order/) {
        return $self->{held} = $m;

    } elsif ($self->{held} && $first
             && $self->{held}{channel} eq $m->{channel})
    {
        send_notice($client, $m->{channel});
        send_message($client, $m);
        return send_message($client, delete $self->{held});

    } elsif ($n == 40 && $trick =~ /id of another/) {
        $self->{seen} = $m->{id};

    } elsif ($n > 40 && $trick =~ /id of another/ && $self->{seen}
             && $m->{id} > $self->{seen})
    {
        $m = { %$m, id => 1 };

    } elsif ($n == 40 && $trick =~ /another id/) {
        $self->{shift} = 1000;

    } elsif ($n == 40 && $trick =~ /refused/) {
        $self->{refusing} = 1;

    } elsif ($n == 40 && $trick =~ /byte/) {
        $m = { %$m, body => $m->{body} =~ s/.\z/!/sr };

    } elsif ($n == 40 && $trick =~ /another event/) {
        $m = { %$m, event => 'other' };

    } elsif ($n == 40 && $trick =~ /another channel/) {
        my ($other) = grep { !$client->{channels}{$_} }
                      map { "deep.$_" } 0 .. 3;
        send_message($client, { %$m, channel => $other // 'deep.99' });

    } elsif ($n >= 40 && $trick =~ /end of a channel/) {
        $self->{deaf} //= $m->{channel};
        return if $self->{deaf} eq $m->{channel};

    } elsif ($n == 40 && $trick =~ /close/) {
        send_frame($client, 0x88, pack('n', 1011) . 'oh');
        return;

    } elsif ($n == 40 && $trick =~ /answer to a repeat/) {
        $self->{status} = 409;

    } elsif ($n == 40 && $trick =~ /frame/) {
        send_frame($client, 0x83, 'x');
    }

    # a message without a Push-Id is not tried again

    $self->{status} = 503
        if $self->{refusing} && $n && $n < 80 && $trick =~ /refused/;

    send_message($client, $m);
}


sub notify_all {
    my ($self) = @_;

    for my $client (@{ $self->{clients} }) {
        send_notice($client, $_) for keys %{ $client->{channels} };
    }
}


sub send_notice {
    my ($client, $channel) = @_;

    send_frame($client, 0x81, "channel: $channel\nevent: push.gap\n\n");
}


sub send_message {
    my ($client, $m) = @_;

    send_frame($client, 0x81,
               ($m->{id} ? "id: $m->{epoch}:$m->{id}\n" : '')
               . "channel: $m->{channel}\n"
               . ($m->{event} ? "event: $m->{event}\n" : '')
               . ($m->{type} ? "content-type: $m->{type}\n" : '')
               . "\n$m->{body}");
}


sub send_frame {
    my ($client, $op, $data) = @_;

    my $n = length $data;

    print { $client->{fh} }
          pack('C', $op) . ($n < 126 ? pack('C', $n)
                            : $n < 65536 ? pack('Cn', 126, $n)
                            : pack('CQ>', 127, $n)) . $data;
}


package main;


# Starts a server with this trick and a crowd of two before it.

sub begin {
    my ($trick) = @_;

    my $server = Server->new($trick);
    my $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        $server->run;
        exit;
    }

    my $port = $server->{listener}->sockport;

    close $server->{listener};

    my $crowd_pid = open2(my $out, my $in, 'sh', '-c',
                          "exec $crowd $port 2 8 5 2>/dev/null");
    $in->autoflush(1);

    print $in "rate 300\n";

    return { server => $pid, pid => $crowd_pid, in => $in, out => $out };
}


sub end {
    my ($run) = @_;

    my $line = readline $run->{out};

    print { $run->{in} } "exit\n";
    waitpid $run->{pid}, 0;
    kill KILL => $run->{server};
    waitpid $run->{server}, 0;

    return defined $line ? decode_json($line) : undef;
}


sub check_tricks {
    my @runs = map { begin($_->[0]) } @tricks;

    sleep 1.5;
    print { $_->{in} } "finish 4\n" for @runs;

    for my $i (0 .. $#tricks) {
        my ($trick, $name) = @{ $tricks[$i] };
        my $figures = end($runs[$i]);
        my $wrong = $figures ? $figures->{wrong} : {};
        my @found = sort grep { $wrong->{$_} } keys %$wrong;

        ok($figures && $figures->{deliveries} > 50
           && ($name eq '' ? !@found : $wrong->{$name}),
           "$trick is " . ($name eq '' ? 'right' : "$name"))
            or diag("deliveries " . ($figures->{deliveries} // 'none')
                    . ", wrong: @found");
    }
}


# The ports of this suite, as TestPush gives them out; run looks further.

sub first_port {
    my @suites = sort glob "$top/t/*.t";
    my ($index) = grep { $suites[$_] =~ m{/soak\.t\z} } 0 .. $#suites;

    return ($ENV{PUSH_TEST_PORT} || 21000) + 15 * $index;
}


sub soak {
    my ($bus) = @_;

    my $sanitize = $ENV{PUSH_SANITIZE};

    local $ENV{NGINX} = $sanitize ? "$top/t/lib/nginx-sanitized"
                                  : $ENV{PUSH_NGINX} || 'nginx';
    local $ENV{MODULE} = $ENV{PUSH_MODULE}
                         || "$top/build/" . ($sanitize ? 'sanitize/' : '')
                            . 'ngx_http_push_module.so';

    my $port = first_port();
    my $root = $ENV{PUSH_TEST_ROOT} || "$top/build/t";
    my $output = `$top/t/soak/run --bus $bus --seconds 12 --seed 1 --rest 1.5 \\
                  --clients 100 --rate 300 --port $port \\
                  --root $root/soak-$bus 2>&1`;

    ok($? == 0, "nobody on the $bus bus missed a message without a notice")
        or diag($output);
}


SKIP: {
    plan tests => @tricks + 2;

    -x $crowd or BAIL_OUT("there is no $crowd: \"make soak-programs\"");

    check_tricks();

    skip 'too slow under valgrind', 2 if $ENV{TEST_NGINX_USE_VALGRIND};

    soak($_) for qw( zone redis );
}
