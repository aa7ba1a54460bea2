#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: a server that speaks enough of Redis' protocol for the module
# to be content, until a script tells it to talk nonsense.
#

package TestPush::FakeRedis;

use strict;
use warnings;

use Errno qw( EAGAIN EINTR );
use IO::Socket::INET;
use Socket qw( MSG_NOSIGNAL );
use TestPush::Loop;


sub new {
    my ($class, %opt) = @_;

    my $self = bless { port => $opt{port}, links => [], replies => {},
                       seen => [], accepted => 0 }, $class;

    $self->listen;

    return $self;
}


sub listen {
    my ($self) = @_;

    return if $self->{fh};

    $self->{fh} = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $self->{port}, Listen => 64,
        ReuseAddr => 1, Blocking => 0)
        or die "cannot listen on port $self->{port}: $!\n";

    TestPush::Loop::add($self);
}


# Refuses new links from now on.

sub deafen {
    my ($self) = @_;

    return if !$self->{fh};

    TestPush::Loop::remove($self);
    close delete $self->{fh};
}


sub want_read  { 1 }
sub want_write { 0 }


sub on_readable {
    my ($self) = @_;

    while (my $fh = $self->{fh}->accept) {
        $self->{accepted}++;

        next if $self->{slam};

        $fh->blocking(0);

        my $link = bless { fh => $fh, server => $self, in => '', out => '',
                           subs => {} }, 'TestPush::FakeRedis::Link';

        push @{ $self->{links} }, $link;
        TestPush::Loop::add($link);
    }
}


# The links of a kind: all, sub (with a subscription) or cmd.

sub links {
    my ($self, $kind) = @_;

    return grep {
        $kind eq 'all' || ($kind eq 'sub') == (keys %{ $_->{subs} } > 0)
    } @{ $self->{links} };
}


sub publish {
    my ($self, $channel, $payload) = @_;

    my @links = grep { $_->{subs}{$channel} } @{ $self->{links} };

    $_->say(array('message', $channel, $payload)) for @links;

    return scalar @links;
}


sub end {
    my ($self) = @_;

    $self->deafen;
    $_->drop for @{ $self->{links} };
}


sub bulk  { '$' . length($_[0]) . "\r\n$_[0]\r\n" }

# a reference stands for an integer

sub array {
    return '*' . @_ . "\r\n"
           . join '', map { ref $_ ? ":$$_\r\n" : bulk($_) } @_;
}


package TestPush::FakeRedis::Link;

use Errno qw( EAGAIN EINTR );
use Socket qw( MSG_NOSIGNAL );


sub want_read  { $_[0]->{fh} && !$_[0]->{server}{paused} }
sub want_write { $_[0]->{fh} && length $_[0]->{out} }


sub say {
    my ($self, $bytes) = @_;

    $self->{out} .= $bytes;
    $self->on_writable;
}


sub on_writable {
    my ($self) = @_;

    return if !$self->{fh};

    my $n = send $self->{fh}, $self->{out}, MSG_NOSIGNAL;

    if (defined $n) {
        substr($self->{out}, 0, $n) = '';

    } elsif ($! != EAGAIN && $! != EINTR) {
        $self->drop;
    }
}


sub on_readable {
    my ($self) = @_;

    my $n = sysread $self->{fh}, my $buf, 65536;

    if (!defined $n) {
        return if $! == EAGAIN || $! == EINTR;
        return $self->drop;
    }

    return $self->drop if $n == 0;

    $self->{in} .= $buf;

    while (my @args = $self->next_command) {
        $self->answer(@args);
        last if !$self->{fh};
    }
}


sub next_command {
    my ($self) = @_;

    $self->{in} =~ /\A\*(\d+)\r\n/ or return;

    my ($pos, $n, @args) = (length $&, $1);

    for (1 .. $n) {
        pos($self->{in}) = $pos;
        $self->{in} =~ /\G\$(\d+)\r\n/g or return;
        $pos = pos($self->{in}) + $1 + 2;
        return if length $self->{in} < $pos;
        push @args, substr $self->{in}, $pos - $1 - 2, $1;
    }

    substr($self->{in}, 0, $pos) = '';

    return @args;
}


sub answer {
    my ($self, $name, @args) = @_;

    my $server = $self->{server};
    my $command = uc $name;

    push @{ $server->{seen} }, join ' ', $command, @args;

    return if $server->{silent};

    # what the script has laid down comes first

    if (defined(my $reply = $server->{replies}{$command}
                            // $server->{replies}{'*'}))
    {
        return $self->say($reply);
    }

    if ($command =~ /\A(UN)?SUBSCRIBE\z/) {
        my $un = $1;

        for my $channel (@args) {
            $un ? delete $self->{subs}{$channel} : $self->{subs}{$channel}++;
            $self->say(TestPush::FakeRedis::array(
                lc $command, $channel, \scalar keys %{ $self->{subs} }));
        }

        return;
    }

    return $self->say(':' . $server->publish(@args) . "\r\n")
        if $command eq 'PUBLISH';

    return $self->say(keys %{ $self->{subs} }
                      ? TestPush::FakeRedis::array('pong', $args[0] // '')
                      : "+PONG\r\n")
        if $command eq 'PING';

    return $self->say(TestPush::FakeRedis::bulk(
        "# Server\r\nredis_version:7.0.15\r\nrun_id:" . 'a' x 40 . "\r\n"))
        if $command eq 'INFO';

    return $self->say("*3\r\n\$6\r\nmaster\r\n:0\r\n*0\r\n")
        if $command eq 'ROLE';

    return $self->say("-ERR unknown command '$name'\r\n")
        if $command =~ /\A(?:HELLO|EVALSHA|EVAL)\z/;

    return $self->say("+OK\r\n");
}


sub drop {
    my ($self) = @_;

    return if !$self->{fh};

    my $server = $self->{server};

    TestPush::Loop::remove($self);
    close delete $self->{fh};
    @{ $server->{links} } = grep { $_ != $self } @{ $server->{links} };
}


1;
