#!/usr/bin/env perl

# Copyright (C) the ngx_http_push_module authors
#
# What everybody sees of each fault (REDIS 9), one by one: 60 clients with
# cursors and 10 publishers, at 300 messages a second, while it happens.  In
# each row t/soak proves that nobody missed a message without a notice, got one
# twice or out of order, or got one that was refused.  The rows say the rest:
#
#   publishers   which answers they may get to what is stored; 0 is a
#                connection that broke
#   told         how often each client is told of a gap in each channel whose
#                history is long enough; any: who came back before it was known
#                where the channel stands
#   closed       codes that clients may get; 0 is none, 1013 is for those who
#                cannot take at once what came late

use strict;
use warnings;

use Cwd qw( abs_path );
use File::Basename qw( dirname );
use File::Path qw( make_path );
use JSON::PP;
use POSIX qw( WNOHANG );
use Test::More;
use Time::HiRes qw( sleep );

my $top = abs_path(dirname(abs_path($0)) . '/..');

my $PARALLEL = 3;

my $patient = 'timeout=10s';
my $quick = 'timeout=1s probe=1s connect_timeout=1s reconnect=50ms..500ms';

my @rows = (

    # what happens to Redis

    { fault => 'redis_kill', publishers => '201 503 504', told => 1,
      claim => 'killed and back with all data: told once, nothing is lost' },
    { fault => 'redis_kill', publishers => '201 503 504', told => 0,
      redis => "$quick recover=lenient",
      claim => 'the same with recover=lenient: not even told' },
    { fault => 'redis_restart', publishers => '201 503 504', told => 1,
      claim => 'restarted: the same' },
    { fault => 'redis_old', publishers => '201 503 504', told => 1,
      claim => 'back with an old dump: one gap, no id has two bodies' },
    { fault => 'redis_old', publishers => '201 503 504', told => 1,
      redis => "$quick recover=lenient",
      claim => 'an old dump with recover=lenient: one gap, too' },
    { fault => 'redis_empty', publishers => '201 503 504', told => 1,
      claim => 'back and empty: one gap' },
    { fault => 'flushall', publishers => '201', told => 1,
      claim => 'FLUSHALL: one gap, publishers do not notice' },
    { fault => 'redis_away', publishers => '201 503 504', told => 1,
      closed => '1013',
      claim => 'away for long at full load: 503, memory is bounded' },
    { fault => 'redis_stop_3s', publishers => '201', told => 0,
      redis => $patient,
      claim => 'stopped for 3 s: a pause' },
    { fault => 'redis_stop_10s', publishers => '201 503 504', told => 0,
      closed => '1013',
      claim => 'stopped for 10 s: publishers are told, no gap' },
    { fault => 'redis_pause', publishers => '201', told => 0,
      redis => $patient,
      claim => 'CLIENT PAUSE: a pause' },
    { fault => 'out_of_memory', publishers => '201 503', told => 0,
      claim => 'out of memory: 503, and no offset is taken' },
    { fault => 'script_flush', publishers => '201', told => 0,
      claim => 'SCRIPT FLUSH: nobody notices' },
    { fault => 'wrong_password', publishers => '0 201 503 504', told => 'any',
      closed => '0 1012',
      claim => 'a wrong password at the start, and then the right one' },
    { fault => 'password', publishers => '201 503 504', told => 0,
      claim => 'the password is another for a while: no gap' },
    { fault => 'acl_channel', publishers => '201 403 503', told => 0,
      claim => 'a channel is forbidden for a while: only that one, no gap' },

    # what happens to the links

    { fault => 'kill_pubsubs', publishers => '201', told => 0,
      claim => 'the subscribing links are killed every 250 ms: no gap' },
    { fault => 'kill_normal', publishers => '201 503 504', told => 0,
      claim => 'the other links are killed: no gap' },
    { fault => 'output_limit', publishers => '201', told => 0,
      claim => 'the output limit ends subscribing links: no gap' },
    { fault => 'link_strand', publishers => '201 503 504', told => 0,
      closed => '1013',
      claim => 'links that are half open: noticed, no gap' },
    { fault => 'link_down', publishers => '201 503 504', told => 0,
      closed => '1013',
      claim => 'nothing comes from Redis for a while: no gap' },
    { fault => 'link_up', publishers => '201 503 504', told => 0,
      closed => '1013',
      claim => 'nothing goes to Redis for a while: no gap' },
    { fault => 'link_reset', publishers => '201 503 504', told => 0,
      claim => 'all links are reset: no gap' },

    # what happens to nginx

    { fault => 'worker_kill', publishers => '0 201', told => 0, closed => '0',
      claim => 'a worker is killed: its clients get everything elsewhere' },
    { fault => 'worker_stop', publishers => '201', told => 0,
      closed => '0 1013', claim => 'a worker stands still: no gap' },
    { fault => 'reload', publishers => '0 201', told => 0, closed => '1012',
      claim => 'a reload: no gap' },
    { fault => 'worker_kill', bus => 'zone', publishers => '0 201', told => 0,
      closed => '0',
      claim => 'the zone: a worker is killed: its clients get everything' },
    { fault => 'worker_stop', bus => 'zone', publishers => '201', told => 0,
      closed => '0 1013', claim => 'the zone: a worker stands still: no gap' },
    { fault => 'reload_twice', bus => 'zone', publishers => '0 201',
      told => 0, closed => '0 1012', claim => 'the zone: two reloads: no gap' },
);


# The ports of this suite and some more for each of those at a time, beyond
# what TestPush gives out.

sub first_port {
    my ($slot) = @_;

    return ($ENV{PUSH_TEST_PORT} || 21000) + 885 - 15 * $slot;
}


sub start {
    my ($row, $n, $slot) = @_;

    my $sanitize = $ENV{PUSH_SANITIZE};
    my $bus = $row->{bus} // 'redis';

    $row->{root} = ($ENV{PUSH_TEST_ROOT} || "$top/build/t") . "/faults-$n";
    $row->{slot} = $slot;

    make_path($row->{root});

    my $pid = fork // die "fork: $!\n";

    return $row->{pid} = $pid if $pid;

    $ENV{NGINX} = $sanitize ? "$top/t/lib/nginx-sanitized"
                            : $ENV{PUSH_NGINX} || 'nginx';
    $ENV{MODULE} = $ENV{PUSH_MODULE}
                   || "$top/build/" . ($sanitize ? 'sanitize/' : '')
                      . 'ngx_http_push_module.so';

    open STDOUT, '>', "$row->{root}.out";
    open STDERR, '>&', \*STDOUT;

    exec "$top/t/soak/run", '--bus', $bus, '--row', $row->{fault},
         '--seed', 1 + $n, '--clients', 60, '--channels', 20, '--rate', 300,
         '--quiet', 0.5, '--drain', '1s', '--port', first_port($slot),
         '--redis', $row->{redis} // $quick, '--root', $row->{root},
         '--json', "$row->{root}.json"
        or POSIX::_exit(127);
}


sub slurp {
    my ($file) = @_;

    open my $in, '<', $file or return '';
    local $/;

    return <$in> // '';
}


# What was not as the row says.

sub problems {
    my ($row) = @_;

    my $json = eval { decode_json(slurp("$row->{root}.json")) };

    return 'no figures' if !$json;

    my @problems = @{ $json->{problems} };

    my %may = map { $_ => 1 } split ' ', "201 202 $row->{publishers}";

    push @problems, map { "publishers got $_: $json->{answers}{$_}" }
                    grep { !$may{$_} } sort keys %{ $json->{answers} };

    %may = map { $_ => 1 } split ' ', $row->{closed} // '';

    push @problems, map { "clients were closed with $_" }
                    grep { !$may{$_} } sort keys %{ $json->{closes} };

    if ($row->{told} ne 'any') {
        my $told = $row->{told} * $json->{subscriptions_deep};

        push @problems, "gaps were told $json->{gaps_deep} times, not $told"
            if $json->{gaps_deep} != $told;
    }

    push @problems, 'the fault did not happen'
        if !$json->{faults}{ $row->{fault} };

    return @problems;
}


sub finish {
    my ($row, $status) = @_;

    my @problems = problems($row);

    ok(!@problems && $status == 0, $row->{claim})
        or diag(join("\n", @problems), "\n", slurp("$row->{root}.out"));
}


if ($ENV{TEST_NGINX_USE_VALGRIND}) {
    plan skip_all => 'too slow under valgrind';
}

my @todo = grep { !$ENV{PUSH_TEST_ONLY}
                  || "$_->{fault} $_->{claim}" =~ /$ENV{PUSH_TEST_ONLY}/ }
           @rows;

plan tests => scalar @todo;

my @slots = 0 .. $PARALLEL - 1;
my %running;
my $n = 0;

while (@todo || %running) {
    while (@todo && @slots) {
        my $row = shift @todo;
        $running{ start($row, $n++, shift @slots) } = $row;
    }

    my $pid = waitpid -1, 0;

    last if $pid <= 0;

    my $row = delete $running{$pid} or next;

    push @slots, $row->{slot};
    finish($row, $?);
}
