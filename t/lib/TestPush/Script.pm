#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: runs a `--- ws` section.  The language is described in
# TestPush.pm.
#

package TestPush::Script;

use strict;
use warnings;

use JSON::PP ();
use MIME::Base64 qw( encode_base64 );
use Time::HiRes qw( time sleep );
use TestPush::Client;
use TestPush::Conn;
use TestPush::FakeRedis;
use TestPush::Loop;
use TestPush::Nginx;
use TestPush::Redis;

my $HEADERS = qr/(?<group>\[(?:[^\[\]]++|(?&group))*\])/;
my $DURATION = qr/\A(\d+(?:\.\d+)?)(ms|s|m)\z/;


# Options: nginx (TestPush::Nginx), port, vars, slow (a factor for deadlines),
# redis and fake (created by the block, or undef).

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


my %STEPS;
my %VERBS;


sub run_step {
    my ($self, $text, $patience) = @_;

    if ($text =~ /\Awithin (\S+) (.+)\z/s) {
        return $self->run_step($2, seconds($1));
    }

    if ($text =~ /\Auntil (.+)\z/s) {
        return $self->retry($1, $patience);
    }

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


# --- what steps are made of -------------------------------------------------

sub seconds {
    my ($text) = @_;

    $text =~ $DURATION or die "\"$text\" is no duration (300ms, 5s)\n";

    return $2 eq 'ms' ? $1 / 1000 : $2 eq 'm' ? $1 * 60 : $1;
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
        return -1 if $client && ($client->{bad} || $client->{eof});
        return 0;
    });

    return $value if $value && $value ne '-1';

    $self->{arrived} = $client->describe if $client;

    die $client && $client->{bad} ? "the server breaks the protocol: $client->{bad}\n"
        : $value                  ? "the connection has ended\n"
        :                           "nothing of the kind in time\n";
}


sub unexpected {
    my ($self, $awaited, $arrived, $problem) = @_;

    $self->{awaited} = $awaited;
    $self->{arrived} = $arrived;

    die(($problem // 'it differs') . "\n");
}


# Literal text, "text with \n \r \t \xHH \\ \"" or hex:AABB; {x*N} is x, N
# times.

sub data {
    my ($text) = @_;

    return pack 'H*', $1 =~ s/\s+//gr if $text =~ /\Ahex:([0-9a-fA-F\s]*)\z/;

    if ($text =~ /\A"(.*)"\z/s) {
        my %escape = (n => "\n", r => "\r", t => "\t", 0 => "\0");

        $text = $1;
        $text =~ s/\\(?:x([0-9a-fA-F]{2})|(.))/
                   defined $1 ? chr hex $1 : $escape{$2} \/\/ $2/gesx;
    }

    $text =~ s/\{([^{}]+)\*(\d+)\}/$1 x $2/ge;

    return $text;
}


# Words, some of them quoted.

sub words {
    my ($text) = @_;

    my @words;

    while ($text =~ /\G\s*("(?:[^"\\]|\\.)*"|\S+)/g) {
        push @words, data($1);
    }

    return @words;
}


# "text hello >> ping x" as the bytes of these frames.

sub frames {
    my ($self, $text) = @_;

    return join '', map {
        TestPush::Script::Frames::build($self, split(/ +/, $_, 2))
    } split / +>> +/, $text;
}


# [Name: value | !Name | ...] as a list of name, value.

sub header_list {
    my ($group) = @_;

    $group =~ s/\A\[\s*|\s*\]\z//g;

    return map {
        /\A!([\w-]+)\z/              ? [ $1, undef ]
        : /\A([\w-]+) ~ (.*)\z/s     ? [ $1, qr{$2} ]
        : /\A([\w-]+): ?(.*)\z/s     ? [ $1, $2 ]
        : die "cannot read the header \"$_\"\n"
    } split /\s+\|\s+/, $group;
}


# PATH [option=value ...] [[headers]] [rest]

sub parse_request {
    my ($self, $text) = @_;

    my %r = (headers => [], opt => { port => $self->{port} });

    $text =~ s/\A(\S+)\s*// or die "a path is missing\n";
    $r{path} = $1 =~ s/\{([^{}]+)\*(\d+)\}/$1 x $2/ger;

    while ($text =~ s/\A(method|http|port|from|rcvbuf|drip)=(\S+)\s*//) {
        $r{opt}{$1} = $2;
    }

    if ($text =~ /\A\[(?=[!]?[A-Za-z][\w-]*(?::|\s*[|\]]))/
        && $text =~ s/\A$HEADERS\s*//)
    {
        $r{headers} = [ header_list($+{group}) ];

        for my $header (@{ $r{headers} }) {
            $header->[1] =~ s/\{([^{}]+)\*(\d+)\}/$1 x $2/ge
                if defined $header->[1];
        }
    }

    $r{rest} = $text;

    return \%r;
}


# Lays the wanted headers over the usual ones and writes the head.

sub head {
    my ($request, $method, @usual) = @_;

    my %changed = map { lc $_->[0] => 1 } @{ $request->{headers} };

    my @headers = ((grep { !$changed{ lc $_->[0] } } @usual),
                   (grep { defined $_->[1] } @{ $request->{headers} }));

    return sprintf "%s %s HTTP/%s\r\n%s\r\n",
           $request->{opt}{method} || $method, $request->{path},
           $request->{opt}{http} || '1.1',
           join '', map { "$_->[0]: $_->[1]\r\n" } @headers;
}


# "201 [Name: value] ~ regex && .path == value", each part optional.

sub check_answer {
    my ($self, $conn, $text) = @_;

    my $body = $conn->{body};

    if ($text =~ s/\A(\d{3}(?:\|\d{3})*)(?:\s+|\z)//) {
        $self->unexpected("status $1", "status $conn->{status}, body: $body")
            if $conn->{status} !~ /\A(?:$1)\z/;
    }

    if ($text =~ s/\A$HEADERS\s*//) {
        for my $wanted (header_list($+{group})) {
            my ($name, $value) = @$wanted;
            my $got = $conn->header($name);
            my $ok = !defined $value ? !defined $got
                     : !defined $got ? 0
                     : ref $value    ? $got =~ $value
                     :                 $got eq $value;

            $self->unexpected(defined $value ? "$name: $value" : "no $name",
                              defined $got ? "$name: $got" : "no $name")
                if !$ok;
        }
    }

    for my $check (split /\s+&&\s+/, $text) {
        if ($check =~ /\A(!?)~ (.*)\z/s) {
            $self->unexpected($check, $body)
                if ($body =~ /$2/ ? 1 : 0) == ($1 ? 1 : 0);

        } elsif ($check =~ /\A= (.*)\z/s) {
            $self->unexpected($1, $body) if $body ne data($1);

        } else {
            my $json = eval { JSON::PP->new->decode($body) };
            $self->unexpected($check, $body, 'it is not JSON') if $@;
            $self->check_json($json, $check);
        }
    }
}


sub check_json {
    my ($self, $json, $check) = @_;

    $check =~ /\A(\S+?)\s+(==|!=|>=|<=|>|<|=~|exists|absent)(?:\s+(.*))?\z/s
        or die "cannot read the check \"$check\"\n";

    my ($path, $op, $wanted) = ($1, $2, $3);
    my $got = dig($json, $path);
    my $text = !defined $got ? 'null' : ref $got && !JSON::PP::is_bool($got)
               ? JSON::PP->new->canonical->encode($got)
               : JSON::PP::is_bool($got) ? ($got ? 'true' : 'false') : $got;

    $wanted = data($wanted) if defined $wanted;

    my $numeric = defined $wanted && $wanted =~ /\A-?\d+(?:\.\d+)?\z/
                  && $text =~ /\A-?\d+(?:\.\d+)?\z/;

    my $ok = $op eq 'exists' ? defined $got
             : $op eq 'absent' ? !defined $got
             : $op eq '=~' ? $text =~ /$wanted/
             : $op eq '==' ? ($numeric ? $text == $wanted : $text eq $wanted)
             : $op eq '!=' ? ($numeric ? $text != $wanted : $text ne $wanted)
             : !$numeric   ? 0
             : $op eq '>=' ? $text >= $wanted
             : $op eq '<=' ? $text <= $wanted
             : $op eq '>'  ? $text > $wanted
             :               $text < $wanted;

    return if $ok;

    my $all = JSON::PP->new->canonical->encode($json);

    $self->unexpected($check, "$text (in $all)");
}


# .a.b  [0]  [key=value]  .# (how many)  .+key (the sum of it)

sub dig {
    my ($at, $path) = @_;

    return $at if $path eq '.';

    while ($path =~ /\G(?:\.([#])|\.\+([\w-]+)|\.([\w-]+)|\[(\d+)\]
                     |\[([\w-]+)=([^\]]*)\])/gcx)
    {
        my ($count, $sum, $key, $index, $name, $value) = ($1, $2, $3, $4, $5, $6);

        if (defined $count) {
            return ref $at eq 'ARRAY' ? scalar @$at
                   : ref $at eq 'HASH' ? scalar keys %$at : undef;
        }

        if (defined $sum) {
            return undef if ref $at ne 'ARRAY';
            my $total = 0;
            $total += $_->{$sum} // 0 for @$at;
            return $total;
        }

        if (defined $key) {
            return undef if ref $at ne 'HASH';
            $at = $at->{$key};

        } elsif (defined $index) {
            return undef if ref $at ne 'ARRAY';
            $at = $at->[$index];

        } else {
            return undef if ref $at ne 'ARRAY';
            ($at) = grep { ref $_ eq 'HASH' && defined $_->{$name}
                           && $_->{$name} eq $value } @$at;
        }
    }

    die "cannot read the path \"$path\"\n" if (pos $path // 0) != length $path;

    return $at;
}


# --- connecting -------------------------------------------------------------

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

    $self->unexpected('status 101', "status $conn->{status}, body: $conn->{body}")
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

        $conn->write(substr $bytes, 0, $size, '');

        my $read = TestPush::Loop::run($self->{until}, sub {
            return 1 if $conn->{eof};

            my $side = TestPush::Nginx::server_side(
                           @$conn{qw( port local_port local_addr )});
            return 1 if !$side;

            return !$side->{unread} && !length $conn->{out};
        });

        die "nginx does not read on\n" if !$read;
    }
}


sub split_expectation {
    my ($text) = @_;

    return $text =~ /\A(.*?)\s+=>\s+(.*)\z/s ? ($1, $2) : ($text, '');
}


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

        my $request = $self->parse_request("- $args");
        my $old = delete $self->{clients}{$name};

        $old->drop if $old;

        $self->{clients}{$name} =
            $self->open_conn('TestPush::Client', $name, $request->{opt});
    },

    write => sub {
        my ($self, $name, $args) = @_;

        $self->client($name)->write(data($args));
    },

    answer => sub {
        my ($self, $name, $args) = @_;

        my $conn = $self->client($name);

        $self->finish_handshake($conn);
        $self->check_answer($conn, $args);

        return if $conn->{status} == 101;

        delete @$conn{qw( head done )};
        $conn->{body} = '';
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
            shift @$messages while @$messages && $messages->[0]{data} ne $wanted;
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
                @{ $client->{messages} } || $client->{closed} || $client->{eof}
                    || $client->{bad}
            }) or die "neither a message nor an end in time\n";

            my $message = shift @{ $client->{messages} } or last;

            my $wanted = $prefix . ++$i . $suffix;

            $self->unexpected(TestPush::Client::printable($wanted, 1),
                              TestPush::Client::printable($message->{data}, 1))
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

        $self->unexpected('no ping', $client->describe) if @{ $client->{pings} };
    },

    recv_none => sub {
        my ($self, $name, $args) = @_;

        my $client = $self->client($name);

        TestPush::Loop::run(time + seconds($args || '200ms'), sub {
            @{ $client->{messages} } || $client->{closed} || $client->{eof}
                || $client->{bad}
        });

        my $seen = $client->describe;

        $self->unexpected('nothing', $seen)
            if @{ $client->{messages} } || $client->{closed} || $client->{eof}
               || $client->{bad};
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

        $self->await($client, "pong \"$wanted\"", sub { @{ $client->{pongs} } });

        my $got = shift @{ $client->{pongs} };

        $self->unexpected("pong \"$wanted\"", "pong \"$got\"") if $got ne $wanted;
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

    recv_gone => sub { recv_end(@_, '') },

    auto_pong => sub { $_[0]->client($_[1])->{auto_pong} = $_[2] eq 'on' },

    auto_close => sub { $_[0]->client($_[1])->{auto_close} = $_[2] eq 'on' },

    abort => sub { $_[0]->client($_[1])->drop('rst') },

    leave => sub { $_[0]->client($_[1])->drop },

    shutdown => sub { shutdown $_[0]->client($_[1])->{fh}, 1 },

    stop_reading => sub { $_[0]->client($_[1])->{reading} = 0 },

    resume => sub { $_[0]->client($_[1])->{reading} = 1 },

    ignore => sub { $_[0]->client($_[1])->{ignored} = 1 },

    forget => sub {
        my ($self, $name) = @_;

        my $client = delete $self->{clients}{$name};
        $client->drop if $client;
    },

);



sub recv_message {
    my ($self, $name, $args, $op) = @_;

    my $client = $self->client($name);
    my $pattern = $args =~ /\A~ (.*)\z/s ? qr/$1/s : undef;
    my $wanted = $pattern ? undef : data($args);
    my $awaited = $pattern ? "a message like $pattern"
                           : TestPush::Client::printable($wanted, $op);

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
                      TestPush::Client::printable($message->{data},
                                                  $message->{op}))
        if !$ok;
}


sub recv_end {
    my ($self, $name, $args, $how) = @_;

    my $client = $self->client($name);

    $self->{awaited} = 'end of file';

    my $came = TestPush::Loop::run($self->{until}, sub { $client->{eof} });

    $self->unexpected('end of file', $client->describe, 'it does not come')
        if !$came;

    $self->unexpected('end of file', $client->describe,
                      'a message that nobody awaited')
        if @{ $client->{messages} };

    $self->unexpected('a clean end (FIN)', 'a reset')
        if $how eq 'fin' && $client->{eof} ne 'fin';

    # as any client does; until then the server may wait for it

    $client->drop;
    $client->{eof_seen} = 1;
}


# --- the other steps --------------------------------------------------------

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
        : $args eq 'restart' ? ($redis->end('KILL'), $redis->start)
        : $args eq 'pause'   ? $redis->signal('STOP')
        : $args eq 'cont'    ? $redis->signal('CONT')
        :                      die "redis_server cannot \"$args\"\n";
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
        my $have = time - ($self->{clocks}{$name} // die "no clock \"$name\"\n");

        my $bound = seconds($limit) * ($op =~ /</ ? $self->{slow} : 1);

        $self->unexpected($args, sprintf '%.3f s', $have)
            if !compare($have, $op, $bound);
    },

    let => sub {
        my ($self, $args) = @_;

        my ($name, $value) = split / +/, $args, 2;

        if ($value =~ /\A\./) {
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

        open my $out, '>', "$self->{nginx}{root}/conf/$name" or die "$name: $!\n";
        print $out data($content // '');
        close $out;
    },
);


sub compare {
    my ($x, $op, $y) = @_;

    return $op eq '==' ? $x == $y : $op eq '!=' ? $x != $y
           : $op eq '>=' ? $x >= $y : $op eq '<=' ? $x <= $y
           : $op eq '>' ? $x > $y : $x < $y;
}


sub figure {
    my ($self, $what) = @_;

    return scalar(() = $self->{nginx}->workers)     if $what eq 'workers';
    return scalar(() = $self->{nginx}->old_workers) if $what eq 'old_workers';
    return scalar @{ $self->{fake}{links} }         if $what eq 'fake_links';
    return $self->{fake}{accepted}                  if $what eq 'fake_accepted';
    return $self->worker_rss                        if $what eq 'worker_rss';

    # how many of a group are still connected
    my $names = $self->{groups}{$what} or die "there is no figure \"$what\"\n";

    return scalar grep {
        my $c = $self->{clients}{$_};
        $c && $c->{fh} && !$c->{eof} && !$c->{closed}
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

    my $head = head($request, $method,
                    [ Host => "127.0.0.1:$request->{opt}{port}" ],
                    [ Connection => 'close' ],
                    $method =~ /\A(?:POST|PUT)\z/ || length $body
                    ? [ 'Content-Length' => length $body ] : ());

    my $conn = $self->open_conn('TestPush::Conn', 'http', $request->{opt});

    $conn->{no_body} = 1 if $method eq 'HEAD';
    $conn->write("$head$body");

    eval {
        $self->await($conn, 'an answer', sub { $conn->{done} });
    };

    my $error = $@;

    # an answer that ends with the connection is complete then
    $error = '' if $conn->{done};

    $conn->drop;
    $self->{last} = $conn;

    die $error if $error;

    $self->check_answer($conn, $expect eq '' ? '200' : $expect);
}


sub step_redis {
    my ($self, $args) = @_;

    my $redis = $self->{redis} or die "the block has no \"--- redis\"\n";
    my ($command, $expect) = split_expectation($args);
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


sub step_fake {
    my ($self, $args) = @_;

    my $fake = $self->{fake} or die "the block has no \"--- fake_redis\"\n";
    my ($what, $rest) = split / +/, $args, 2;

    $rest //= '';

    if ($what eq 'reply') {
        my ($command, $bytes) = split / +/, $rest, 2;

        if (defined $bytes) {
            $fake->{replies}{$command} = data($bytes);

        } else {
            delete $fake->{replies}{$command};
        }

    } elsif ($what eq 'say' || $what eq 'drop') {
        my ($kind, $bytes) = split / +/, $rest, 2;

        $self->await(undef, "the fake Redis has a link ($kind)",
                     sub { () = $fake->links($kind) });

        for my $link ($fake->links($kind)) {
            $what eq 'drop' ? $link->drop : $link->say(data($bytes));
        }

    } elsif ($what eq 'drip') {
        my ($kind, $bytes) = split / +/, $rest, 2;

        for my $link ($fake->links($kind)) {
            $self->drip_link($link, data($bytes));
        }

    } elsif ($what eq 'slam') {
        $fake->{slam} = $rest ne 'off';

    } elsif ($what eq 'publish') {
        my ($channel, $payload) = split / +/, $rest, 2;
        $fake->publish(data($channel), data($payload))
            or die "nobody has subscribed to \"$channel\"\n";

    } elsif ($what eq 'reaches') {
        $self->fake_reaches(split / +/, $rest);

    } elsif ($what eq 'pause' || $what eq 'cont') {
        $fake->{paused} = $what eq 'pause';

    } elsif ($what eq 'silent') {
        $fake->{silent} = $rest ne 'off';

    } elsif ($what eq 'forget') {
        $fake->{seen} = [];

    } elsif ($what eq 'deaf') {
        $fake->deafen;

    } elsif ($what eq 'listen') {
        $fake->listen;

    } else {
        die "the fake Redis cannot \"$what\"\n";
    }
}


# What is published on a link that nginx is about to give up is lost, so this
# publishes again until the client has got one of these.

sub fake_reaches {
    my ($self, $name, $channel) = @_;

    my $client = $self->client($name);
    my $number = ++$self->{markers};
    my $marker = "marker $number.";
    my $n = 0;

    $self->await($client, "a message that the fake Redis publishes", sub {
        $self->{fake}->publish($channel, $marker . ++$n);

        TestPush::Loop::run(time + 0.02, sub { @{ $client->{messages} } });

        my $reached = grep { $_->{data} =~ /\A\Q$marker\E/ }
                      @{ $client->{messages} };

        @{ $client->{messages} } = ();

        return $reached;
    });

    # those that are still under way disturb no later step

    $client->{skip} = sub {
        return $_[0] =~ /\Amarker (\d+)\.\d+\z/ && $1 <= $number;
    };
}


# Byte by byte, as drip() does for clients; here nginx is the client.

sub drip_link {
    my ($self, $link, $bytes) = @_;

    my $peer = $link->{fh}->peerport;

    while (length $bytes) {
        $link->say(substr $bytes, 0, 1, '');

        TestPush::Loop::run($self->{until}, sub {
            my $side = TestPush::Nginx::server_side($peer, $self->{fake}{port});

            return !$side || !$side->{unread} && !length $link->{out};
        }) or die "nginx does not read on\n";
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

    my $pid = $args =~ /\Aworker of (\w+)\z/ ? $self->worker_of($self->client($1))
              : $args =~ /\Aworker (\d+)\z/  ? ($self->{nginx}->workers)[ $1 - 1 ]
              : $args =~ /\A(\d+)\z/         ? $1
              : die "cannot signal \"$args\"\n";

    return $pid || die "there is no such worker\n";
}


sub worker_of {
    my ($self, $client) = @_;

    return $self->{nginx}->worker_of($client) // die "no worker has it\n";
}


# --- the end ----------------------------------------------------------------

# Whatever nobody asked for must not be there.

sub check_end {
    my ($self) = @_;

    TestPush::Loop::sweep();

    for my $name (sort keys %{ $self->{clients} }) {
        my $client = $self->{clients}{$name};

        next if $client->{ignored} || ($client->{status} // 0) != 101
                || ($client->{eof} // '') eq 'own' || !$client->{reading};

        my $problem =
            $client->{bad}                  ? "the server breaks the protocol"
            : @{ $client->{messages} }      ? "a message that nobody awaited"
            : $client->{partial}            ? "half a message is left"
            : $client->{closed} && !$client->{closed}{seen}
                                            ? "a close that nobody awaited"
            : $client->{eof} && !$client->{eof_seen} && !$client->{closed}
                                            ? "the connection has ended"
            : undef;

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


# --- frames as words --------------------------------------------------------

package TestPush::Script::Frames;

my %KINDS = (
    send        => \&text,
    text        => \&text,
    send_binary => \&binary,
    binary      => \&binary,
    ping        => sub { control(TestPush::Client::PING, @_) },
    pong        => sub { control(TestPush::Client::PONG, @_) },
    close       => \&close_frame,
    frame       => \&any,
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
