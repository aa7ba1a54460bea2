#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: the frames that a client sends, as words.
#

package TestPush::Script::Frames;

use strict;
use warnings;

use TestPush::Client;


my %KINDS = (
    send        => \&text,
    text        => \&text,
    send_binary => \&binary,
    binary      => \&binary,
    ping        => sub { control(TestPush::Client::PING, @_) },
    pong        => sub { control(TestPush::Client::PONG, @_) },
    close       => \&close_frame,
    frame       => \&any,
    zip         => \&zip,
    bomb        => \&bomb,
    raw         => sub { pack 'H*', $_[1] =~ s/\s+//gr },
);


sub known { exists $KINDS{ $_[0] } }


sub build {
    my ($script, $kind, $args) = @_;

    my $build = $KINDS{$kind} or die "there is no frame \"$kind\"\n";

    return $build->($script, $args // '');
}


sub text { TestPush::Client::frame(TestPush::Script::data($_[1])) }


sub binary {
    my ($script, $args) = @_;

    $args = "hex:$args" if $args =~ /\A[0-9a-fA-F ]*\z/;

    return TestPush::Client::frame(TestPush::Script::data($args), op => 2);
}


sub control {
    my ($op, $script, $args) = @_;

    return TestPush::Client::frame(TestPush::Script::data($args), op => $op);
}


# close [CODE [reason]]

sub close_frame {
    my ($script, $args) = @_;

    my ($code, $reason) = split / +/, $args, 2;

    my $client = $script->{clients}{ $script->{client} // '' };

    $client->{close_sent} = 1 if $client;

    $reason = TestPush::Script::data($reason) if defined $reason;

    return TestPush::Client::frame(
        TestPush::Client::close_payload($code, $reason), op => 8);
}


# zip [op=1] [parts=1] DATA, compressed

sub zip {
    my ($script, $args) = @_;

    my %opt = (op => 1, parts => 1);

    while ($args =~ s/\A(op|parts)=(\d+)(?:\s+|\z)//) {
        $opt{$1} = $2;
    }

    my $payload =
        TestPush::Client::deflated(TestPush::Script::data($args));
    my $frames = '';

    for my $left (reverse 1 .. $opt{parts}) {
        my $part = substr $payload, 0, length($payload) / $left, '';

        $frames .= TestPush::Client::frame($part, fin => $left == 1,
            $left == $opt{parts} ? (op => $opt{op}, rsv => 4) : (op => 0));
    }

    return $frames;
}


# bomb N: a compressed message of N megabytes of zeros

sub bomb {
    my ($script, $n) = @_;

    my $mega = TestPush::Client::deflated("\0" x 0x100000, tail => 1);
    my $payload = $mega x $n;

    substr($payload, -4) = '';

    return TestPush::Client::frame($payload, op => 2, rsv => 4);
}


# frame [op=1] [fin=1] [rsv=0] [mask=1] [key=HEX] [form=7|16|64] [len=N] DATA

sub any {
    my ($script, $args) = @_;

    my %opt;

    while ($args =~ s/\A(op|fin|rsv|mask|key|form|len)=(\w+)(?:\s+|\z)//) {
        $opt{$1} = $2;
    }

    return TestPush::Client::frame(TestPush::Script::data($args), %opt);
}


1;
