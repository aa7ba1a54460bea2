#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: one poll loop for every socket of a script, so that whatever a
# step waits for, all clients and the fake Redis go on being served.
#

package TestPush::Loop;

use strict;
use warnings;

use IO::Poll qw( POLLIN POLLOUT POLLERR POLLHUP );
use Time::HiRes qw( time );

my %handlers;


# A handler has: fh, want_read(), want_write(), on_readable(), on_writable().

sub add {
    my ($handler) = @_;

    $handlers{ fileno $handler->{fh} } = $handler;
}


sub remove {
    my ($handler) = @_;

    for my $fd (keys %handlers) {
        delete $handlers{$fd} if $handlers{$fd} == $handler;
    }
}


# Runs until $cond->() is true (its value is returned) or the deadline is over.

sub run {
    my ($deadline, $cond) = @_;

    for ( ;; ) {
        my $value = $cond->();
        return $value if $value;

        my $left = $deadline - time;
        return undef if $left <= 0;

        # conditions that no socket announces (logs, processes) are looked at
        # every 10 ms

        turn($left < 0.01 ? $left : 0.01);
    }
}


# Takes what is there, without waiting.

sub sweep {
    turn(0) for 1 .. 2;
}


sub turn {
    my ($timeout) = @_;

    my $poll = IO::Poll->new;
    my @polled;

    for my $h (values %handlers) {
        my $mask = ($h->want_read ? POLLIN : 0)
                   | ($h->want_write ? POLLOUT : 0);

        next unless $mask;

        $poll->mask($h->{fh} => $mask);
        push @polled, $h;
    }

    if (!@polled) {
        select undef, undef, undef, $timeout;
        return;
    }

    return if $poll->poll($timeout) <= 0;

    for my $h (@polled) {
        # one may have closed another
        next if !$h->{fh};

        my $events = $poll->events($h->{fh}) or next;

        if ($events & POLLOUT && $h->{fh}) {
            $h->on_writable;
        }

        if ($events & (POLLIN | POLLERR | POLLHUP) && $h->{fh}
            && $h->want_read)
        {
            $h->on_readable;
        }
    }
}


1;
