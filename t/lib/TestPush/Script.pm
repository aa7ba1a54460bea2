#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: runs a `--- ws` section.  The language is described in
# TestPush.pm.
#

package TestPush::Script;

use strict;
use warnings;

use Time::HiRes qw( time sleep );
use TestPush::Loop;
use TestPush::Script::Answer;
use TestPush::Script::Clients;
use TestPush::Script::Fake;
use TestPush::Script::Frames;
use TestPush::Script::Http2;
use TestPush::Script::Peers;
use TestPush::Script::Requests;
use TestPush::Script::Steps;
use TestPush::Script::Streams;
use TestPush::Script::Text;


# Options: nginx (TestPush::Nginx), port, vars, slow (a factor for deadlines),
# redis, fake, proxy and origin (created by the block, or undef), ports (of tls,
# h2 and h2c) and tls_dir (that of the certificates).

sub new {
    my ($class, %opt) = @_;

    return bless {
        clients => {}, groups => {}, vars => {}, clocks => {}, expected => [],
        deadline => 5, slow => 1, %opt,
    }, $class;
}


# Runs the text; returns nothing, or what went wrong as lines of text.

sub run {
    my ($self, $text, $first_line) = @_;

    my $line = $first_line // 1;
    my @lines = map { [ $line++, $_ ] } split /\n/, $text;

    my $ok = eval {
        my $steps = parse(\@lines);
        die "line $lines[0][0]: \"}\" without \"{\"\n" if @lines;
        $self->run_steps($steps);
        $self->check_end;
        1;
    };

    my $error = $@;

    $_->drop for values %{ $self->{clients} };

    return undef if $ok;

    return "$error\n" . $self->log_tail;
}


sub parse {
    my ($lines) = @_;

    my @steps;

    while (@$lines) {
        my ($number, $line) = @{ $lines->[0] };

        $line =~ s/\A\s+|\s+\z//g;

        last if $line eq '}';

        shift @$lines;

        next if $line eq '' || $line =~ /\A#/;

        my $step = { number => $number, text => $line };

        if ($line =~ s/\s*\{\z// && $line =~ /\A(?:repeat|for)\b/) {
            $step->{text} = $line;
            $step->{body} = parse($lines);
            shift @$lines or die "line $number: \"{\" without \"}\"\n";
        }

        push @steps, $step;
    }

    return \@steps;
}


sub run_steps {
    my ($self, $steps) = @_;

    for my $step (@$steps) {
        my $text = $self->interpolate($step->{text});

        if ($step->{body}) {
            $self->run_loop($text, $step->{body});
            next;
        }

        $self->{awaited} = undef;
        $self->{arrived} = undef;

        next if eval { $self->run_step($text, $self->{deadline}); 1 };

        my $error = $@;

        die $error if $error =~ /\Aline \d+: /;

        my @report = "line $step->{number}: $text";

        push @report, "  awaited: $self->{awaited}" if defined $self->{awaited};
        push @report, "  arrived: $self->{arrived}" if defined $self->{arrived};
        push @report, "  problem: $error";

        die join("\n", @report);
    }
}


sub run_loop {
    my ($self, $text, $body) = @_;

    my ($name, @values);

    if ($text =~ /\Arepeat (\d+)\z/) {
        ($name, @values) = ('i', 1 .. $1);

    } elsif ($text =~ /\Afor (\w+) in (.+)\z/) {
        ($name, my $list) = ($1, $2);
        @values = $list =~ /("(?:[^"\\]|\\.)*"|\S+)/g;

    } else {
        die "cannot read \"$text\"\n";
    }

    for my $value (@values) {
        local $self->{vars}{$name} = $value;
        $self->run_steps($body);
    }
}


sub interpolate {
    my ($self, $text) = @_;

    $text =~ s{\$(\w+)\.(worker|port)\b}{
        my $client = $self->{clients}{$1};
        !$client ? $& : $2 eq 'port' ? $client->{local_port}
                                     : $self->worker_of($client)
    }ge;

    $text =~ s/\$(\w+)/$self->{vars}{$1} \/\/ "\$$1"/ge;

    return $text;
}


our (%STEPS, %VERBS);


sub run_step {
    my ($self, $text, $patience) = @_;

    if ($text =~ /\Awithin (\S+) (.+)\z/s) {
        return $self->run_step($2, seconds($1));
    }

    if ($text =~ /\Afails ("(?:[^"\\]|\\.)*"|\S+) (.+)\z/s) {
        return $self->must_fail($1, $2, $patience);
    }

    if ($text =~ /\Auntil (.+)\z/s) {
        return $self->retry($1, $patience);
    }

    local $self->{patience} = $patience;
    local $self->{until} = time + $patience * $self->{slow};

    my ($word, $rest) = split / +/, $text, 2;

    $rest //= '';

    if ($STEPS{$word}) {
        return $STEPS{$word}->($self, $rest);
    }

    my ($verb, $args) = split / +/, $rest, 2;

    $verb //= '';

    my $pin = $verb =~ s/\@(\d+)\z// ? $1 : undef;

    if (!$VERBS{$verb} && !TestPush::Script::Frames::known($verb)) {
        die "there is no such step\n";
    }

    for my $name (@{ $self->{groups}{$word} || [ $word ] }) {
        local $self->{pin} = $pin;
        $self->{client} = $name;

        if ($VERBS{$verb}) {
            $VERBS{$verb}->($self, $name, $args // '');

        } else {
            $self->client($name)->write($self->frames("$rest"));
        }
    }
}


# A step must fail, and must say why in words like these.

sub must_fail {
    my ($self, $pattern, $text, $patience) = @_;

    die "it does not fail\n"
        if eval { $self->run_step($text, $patience); 1 };

    my $problem = join ', ', (map { "$_: " . ($self->{$_} // 'nothing') }
                              qw( awaited arrived )), "problem: $@";

    $pattern =~ s/\A"(.*)"\z/$1/s;

    die "it fails otherwise: $problem" if $problem !~ /$pattern/;

    $self->{awaited} = $self->{arrived} = undef;
}


# Does a step again and again until it passes; its last failure counts.

sub retry {
    my ($self, $text, $patience) = @_;

    my $until = time + $patience * $self->{slow};

    for ( ;; ) {
        my $left = $until - time;

        return if eval {
            $self->run_step($text, $left > 0.05 ? $left / $self->{slow} : 0.05);
            1;
        };

        die $@ if time >= $until || $@ =~ /no such step/;

        TestPush::Loop::run(time + 0.01, sub { 0 });
    }
}


sub client {
    my ($self, $name) = @_;

    my $client = $self->{clients}{$name}
        or die "there is no client \"$name\"\n";

    return $client;
}


# Waits for $cond; `awaited' and what the client has seen go into the report.

sub await {
    my ($self, $client, $awaited, $cond) = @_;

    $self->{awaited} = $awaited;

    my $value = TestPush::Loop::run($self->{until}, sub {
        my $value = $cond->();
        return $value if $value;
        return -1 if $client && ($client->{bad} || $client->ended);
        return 0;
    });

    return $value if $value && $value ne '-1';

    $self->{arrived} = $client->describe if $client;

    die "the server breaks the protocol: $client->{bad}\n"
        if $client && $client->{bad};

    die $value ? "the connection has ended\n" : "nothing of the kind in time\n";
}


sub unexpected {
    my ($self, $awaited, $arrived, $problem) = @_;

    $self->{awaited} = $awaited;
    $self->{arrived} = $arrived;

    die(($problem // 'it differs') . "\n");
}


# Whatever nobody asked for must not be there.

sub check_end {
    my ($self) = @_;

    TestPush::Loop::sweep();

    for my $name (sort keys %{ $self->{clients} }) {
        my $client = $self->{clients}{$name};

        my $problem = $client->leftover;

        die "at the end of the script: client \"$name\": $problem\n"
            . "  arrived: " . $client->describe . "\n" if $problem;
    }
}


sub log_tail {
    my ($self) = @_;

    my @lines = grep { !/ \[debug\] / }
                split /\n/, $self->{nginx}->read_log('error.log');

    splice @lines, 0, @lines - 12 if @lines > 12;

    return "the end of error.log:\n" . join '', map { "  $_\n" } @lines;
}


1;
