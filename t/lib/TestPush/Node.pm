#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: a suite that Node runs.  Its tests are in t/js; without what
# they need, which "make deps-browser" installs, it is skipped.
#

package TestPush::Node;

use strict;
use warnings;

use Cwd qw( abs_path );
use File::Basename qw( basename dirname );
use IO::Socket::INET;

my $PORTS_PER_SUITE = 15;
my $PORTS_PER_RUN = 600;
my $RUNS = 18;

my $top = abs_path(dirname(__FILE__) . '/../../..');


sub skip {
    my ($why) = @_;

    print "1..0 # SKIP $why\n";
    exit 0;
}


# Three ports in a row, where this suite has its place among all of them.

sub reserve_ports {
    my $suite = basename($0, '.t');
    my @suites = sort map { basename($_, '.t') } glob "$top/t/*.t";
    my ($index) = grep { $suites[$_] eq $suite } 0 .. $#suites;

    for my $run (0 .. $RUNS - 1) {
        my $port = ($ENV{PUSH_TEST_PORT} || 21000) + $PORTS_PER_RUN * $run
                   + $PORTS_PER_SUITE * ($index // @suites);

        my @sockets = grep { defined }
            map { IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1,
                                        LocalPort => $port + $_,
                                        ReuseAddr => 1) } 0 .. 2;

        return $port if @sockets == 3;
    }

    die "no ports are free: set PUSH_TEST_PORT\n";
}


# run(['push.test.mjs'], needs => ['ws'], program => 'chromium'): becomes Node

sub run {
    my ($files, %option) = @_;

    my $version = `node --version 2>/dev/null` =~ /\Av(\d+)/ ? $1 : 0;

    my $install = '"make deps-browser" installs it';

    skip("there is no Node.js 18: $install") if $version < 18;

    for my $package (@{ $option{needs} // [] }) {
        skip("there is no npm package \"$package\": $install")
            if !-d "$top/build/js/node_modules/$package";
    }

    skip("there is no Chromium: $install")
        if $option{chromium}
           && !-x ($ENV{PUSH_CHROMIUM} || '/usr/bin/chromium');

    skip('not under valgrind') if $ENV{TEST_NGINX_USE_VALGRIND};

    $ENV{PUSH_JS_PORT} = reserve_ports();
    $ENV{PUSH_JS_ROOT} = ($ENV{PUSH_TEST_ROOT} || "$top/build/t") . '/'
                         . basename($0, '.t');

    exec 'node', '--test', '--test-reporter=tap',
         map { "$top/t/js/$_" } @$files;
}


1;
