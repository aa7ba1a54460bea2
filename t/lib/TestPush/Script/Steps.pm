#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: a part of TestPush::Script: the steps that are no client's.
#

package TestPush::Script;

use strict;
use warnings;

use JSON::PP ();
use Time::HiRes qw( time );
use TestPush::Conn;
use TestPush::Loop;
use TestPush::Nginx;
use TestPush::Redis;


our %STEPS;

%STEPS = (
    connect_many => sub {
        my ($self, $args) = @_;

        my ($group, $n, $request) = split / +/, $args, 3;
        my @names = map { "$group$_" } 1 .. $n;
        my @conns;

        for my $i (1 .. $n) {
            my $text = $request =~ s/\$i\b/$i/gr;
            push @conns, $self->handshake("$group$i", $text);
        }

        for my $conn (@conns) {
            $self->{client} = $conn->{name};
            $self->finish_handshake($conn);
            $self->check_101($conn);
        }

        $self->{groups}{$group} = \@names;
    },

    many => sub {
        my ($self, $args) = @_;

        my ($group, $n, $step) = split / +/, $args, 3;

        $self->{groups}{$group} = [ map { "$group$_" } 1 .. $n ];

        $self->run_step("$group$_ " . $step =~ s/\$i\b/$_/gr, $self->{patience})
            for 1 .. $n;
    },

    group => sub {
        my ($self, $args) = @_;

        my ($group, @names) = split ' ', $args;
        $self->{groups}{$group} = \@names;
    },

    http        => \&step_http,
    http_json   => \&step_http,
    'http@1'    => sub { $_[0]->pinned(1, $_[1]) },
    'http@2'    => sub { $_[0]->pinned(2, $_[1]) },

    redis        => \&step_redis,
    redis_expect => \&step_redis,

    redis_server => sub {
        my ($self, $args) = @_;

        my $redis = $self->{redis} or die "the block has no \"--- redis\"\n";

        $args eq 'stop'      ? $redis->end('TERM')
        : $args eq 'kill'    ? $redis->end('KILL')
        : $args eq 'start'   ? $redis->start
        : $args =~ /\Asave (\w+)\z/  ? $redis->save($1)
        : $args =~ /\Astart (\w+)\z/ ? $redis->start_with($1)
        : $args eq 'restart' ? ($redis->end('KILL'), $redis->start)
        : $args eq 'pause'   ? $redis->signal('STOP')
        : $args eq 'cont'    ? $redis->signal('CONT')
        :                      die "redis_server cannot \"$args\"\n";
    },

    proxy     => \&step_proxy,
    origin    => \&step_origin,

    origin_seen => sub {
        my ($self, $args) = @_;

        my $origin = $self->{origin};

        $self->await(undef, "the origin sees $args",
                     sub { grep { /$args/ } @{ $origin->{seen} } });
    },

    fake      => \&step_fake,

    fake_seen => sub {
        my ($self, $args) = @_;

        my $fake = $self->{fake};

        $self->await(undef, "the fake Redis sees $args",
                     sub { grep { /$args/ } @{ $fake->{seen} } });
    },

    nginx  => \&step_nginx,
    kill9  => \&step_kill9,
    pause  => sub { $_[0]->step_signal(STOP => $_[1]) },
    cont   => sub { $_[0]->step_signal(CONT => $_[1]) },

    conf => sub {
        my ($self, $args) = @_;

        $self->{nginx}->edit_conf($args);
    },

    wait => sub {
        my ($self, $args) = @_;

        if ($args eq 'nginx gone') {
            my $nginx = $self->{nginx};
            return $self->await(undef, $args, sub { !$nginx->master });
        }

        $args =~ /\A(\w+) (==|!=|>=|<=|>|<) (\d+)\z/
            or die "cannot wait for \"$args\"\n";

        my ($what, $op, $n) = ($1, $2, $3);
        my $have;

        eval {
            $self->await(undef, $args, sub {
                $have = $self->figure($what);
                return compare($have, $op, $n);
            });
        };

        $self->unexpected($args, $have, 'it does not come to that') if $@;
    },

    wait_log => sub {
        my ($self, $args) = @_;

        $self->await(undef, "error.log: $args",
                     sub { $self->{nginx}->read_log('error.log') =~ /$args/m });
    },

    no_log => sub {
        my ($self, $args) = @_;

        my ($line) = $self->{nginx}->read_log('error.log') =~ /^(.*$args.*)$/m;

        $self->unexpected("no such line: $args", $line) if defined $line;
    },

    log_count => sub {
        my ($self, $args) = @_;

        my ($n, $pattern) = split / +/, $args, 2;
        my $have = () = $self->{nginx}->read_log('error.log') =~ /$pattern/mg;

        $self->unexpected("$n times $pattern", "$have times") if $have != $n;
    },

    log_at_most => sub {
        my ($self, $args) = @_;

        my ($n, $pattern) = split / +/, $args, 2;
        my $have = () = $self->{nginx}->read_log('error.log') =~ /$pattern/mg;

        $self->unexpected("at most $n times $pattern", "$have times")
            if $have > $n;
    },

    expect_log => sub {
        my ($self, $args) = @_;

        push @{ $self->{expected} }, qr/$args/;
    },

    wait_access => sub {
        my ($self, $args) = @_;

        my $log;

        eval {
            $self->await(undef, "access.log: $args", sub {
                $log = $self->{nginx}->read_log('access.log');
                $log =~ /$args/m
            });
        };

        $self->unexpected("access.log: $args", $log, 'no such line') if $@;
    },

    no_access => sub {
        my ($self, $args) = @_;

        my ($line) = $self->{nginx}->read_log('access.log') =~ /^(.*$args.*)$/m;

        $self->unexpected("no such line: $args", $line) if defined $line;
    },

    deadline => sub { $_[0]{deadline} = seconds($_[1]) },

    clock => sub { $_[0]{clocks}{ $_[1] } = time },

    elapsed => sub {
        my ($self, $args) = @_;

        my ($name, $op, $limit) = split ' ', $args;
        my $begin = $self->{clocks}{$name} // die "no clock \"$name\"\n";
        my $have = time - $begin;
        my $bound = seconds($limit) * ($op =~ /</ ? $self->{slow} : 1);

        $self->unexpected($args, sprintf '%.3f s', $have)
            if !compare($have, $op, $bound);
    },

    let => sub {
        my ($self, $args) = @_;

        my ($name, $value) = split / +/, $args, 2;

        if ($value =~ /\A[.\[]/) {
            my $json = JSON::PP->new->decode($self->{last}{body});
            my $path = $value;
            $value = dig($json, $path);
            $self->unexpected($path, $self->{last}{body}) if !defined $value;

        } elsif ($value =~ /\A([\w-]+):\z/) {
            $value = $self->{last}->header($1) // die "no header $1\n";

        } elsif ($value =~ /\A(workers|worker_rss)(?:\s*\+\s*(\d+))?\z/) {
            $value = $self->figure($1) + ($2 // 0);
        }

        $self->{vars}{$name} = $value;
    },

    same => sub {
        my ($self, $args) = @_;

        my ($x, $op, $y) = split ' ', $args;

        $self->unexpected("$op $y", $x)
            if ($op eq '==') != ($x eq $y);
    },

    file => sub {
        my ($self, $args) = @_;

        my ($name, $content) = split / +/, $args, 2;

        open my $out, '>', "$self->{nginx}{root}/conf/$name"
            or die "$name: $!\n";
        print $out data($content // '');
        close $out;
    },
);


sub figure {
    my ($self, $what) = @_;

    return scalar(() = $self->{nginx}->workers)     if $what eq 'workers';
    return scalar(() = $self->{nginx}->old_workers) if $what eq 'old_workers';
    return scalar @{ $self->{fake}{links} }         if $what eq 'fake_links';
    return $self->{fake}{accepted}                  if $what eq 'fake_accepted';
    return scalar @{ $self->{proxy}{links} }        if $what eq 'proxy_links';
    return $self->{proxy}{accepted}               if $what eq 'proxy_accepted';
    return $self->worker_rss                        if $what eq 'worker_rss';

    # how many of a group are still connected
    my $names = $self->{groups}{$what} or die "there is no figure \"$what\"\n";

    return scalar grep {
        my $c = $self->{clients}{$_};
        $c && $c->alive
    } @$names;
}


# In KB, of the largest worker; sanitizers and valgrind have a memory of their
# own.

sub worker_rss {
    my ($self) = @_;

    return 0 if $self->{slow} > 1;

    my $max = 0;

    for my $pid ($self->{nginx}->workers) {
        open my $in, '<', "/proc/$pid/status" or next;
        my ($rss) = do { local $/; <$in> } =~ /^VmRSS:\s+(\d+)/m;
        $max = $rss if ($rss // 0) > $max;
    }

    return $max;
}


sub pinned {
    my ($self, $worker, $args) = @_;

    local $self->{pin} = $worker;

    $self->step_http($args);
}


# METHOD PATH [options] [[headers]] [body] [=> expectation]

sub step_http {
    my ($self, $args) = @_;

    my ($text, $expect) = split_expectation($args);

    $text =~ s/\A([A-Z]+)\s+// or die "a method is missing\n";

    my $method = $1;
    my $request = $self->parse_request($text);
    my $body = data($request->{rest});

    my $reply = $self->ask('http', $request, $method, $body,
                           [ Connection => 'close' ]);

    eval {
        $self->await($reply, 'an answer', sub { $reply->{done} });
    };

    my $error = $@;

    $reply->drop;
    $self->{last} = $reply;

    die $error if $error;

    $self->check_answer($reply, $expect eq '' ? '200' : $expect);
}


sub step_redis {
    my ($self, $args) = @_;

    my $redis = $self->{redis} or die "the block has no \"--- redis\"\n";
    my ($command, $expect) = split_expectation($args);
    my $left = $self->{until} - time;

    local $redis->{patience} = $left > 0.05 ? $left : 0.05;

    my $got = TestPush::Redis::as_text($redis->command(words($command)));

    if ($expect =~ /\A~ (.*)\z/s) {
        $self->unexpected($expect, $got) if $got !~ /$1/;

    } elsif ($expect =~ /\A(>=|<=|>|<) (\d+)\z/) {
        my ($op, $bound) = ($1, $2);

        $self->unexpected($expect, $got)
            if $got !~ /\A\d+\z/ || !compare($got, $op, $bound);

    } elsif ($expect ne '') {
        $self->unexpected($expect, $got) if $got ne data($expect);

    } elsif ($got =~ /\A\(error\)/) {
        die "$got\n";
    }
}


sub step_nginx {
    my ($self, $args) = @_;

    my $nginx = $self->{nginx};

    if ($args eq 'reload') {
        my @before = $nginx->workers;

        $nginx->signal('HUP');

        $self->await(undef, scalar(@before) . ' new workers', sub {
            return (() = $nginx->workers) == @before
                   && !grep { !$nginx->leaving($_) } @before;
        });

        return;
    }

    if ($args =~ s/\A-t(?:\s+|\z)//) {
        my ($file, $expect) = split_expectation($args);
        my $out = $nginx->test($file);

        $expect =~ /\A(!?)~ (.*)\z/s or die "an expectation is missing\n";
        $self->unexpected($expect, $out)
            if ($out =~ /$2/ ? 1 : 0) == ($1 ? 1 : 0);

        return;
    }

    if ($args eq 'start') {
        system($nginx->{start}) == 0 or die "nginx does not start\n";
        return;
    }

    die "nginx cannot \"$args\"\n"
        if $args !~ /\A(?:HUP|QUIT|TERM|USR1|USR2|WINCH)\z/;

    $nginx->signal($args);
}


sub step_kill9 {
    my ($self, $args) = @_;

    my $pid = $self->pid_of($args);

    push @{ $self->{expected} },
         qr/worker process \Q$pid\E exited on signal 9/;

    kill KILL => $pid;

    $self->await(undef, "process $pid is gone",
                 sub { !TestPush::Nginx::running($pid) });
}


sub step_signal {
    my ($self, $signal, $args) = @_;

    kill $signal => $self->pid_of($args);
}


sub pid_of {
    my ($self, $args) = @_;

    my $pid;

    if ($args =~ /\Aworker of (\w+)\z/) {
        $pid = $self->worker_of($self->client($1));

    } elsif ($args =~ /\Aworker (\d+)\z/) {
        my $n = $1;

        # one that was killed just now may not have a successor yet
        $self->await(undef, "worker $n",
                     sub { $pid = ($self->{nginx}->workers)[ $n - 1 ] });

    } elsif ($args =~ /\A(\d+)\z/) {
        $pid = $1;

    } else {
        die "cannot signal \"$args\"\n";
    }

    return $pid || die "there is no such worker\n";
}


sub worker_of {
    my ($self, $client) = @_;

    return $self->{nginx}->worker_of($client) // die "no worker has it\n";
}


1;
