#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: a redis-server of a suite's own, and a tiny client for it.
#

package TestPush::Redis;

use strict;
use warnings;

use File::Copy qw( copy );
use File::Path qw( make_path remove_tree );
use IO::Socket::INET;
use POSIX qw( WNOHANG );
use Socket qw( SOL_SOCKET SO_RCVTIMEO );
use Time::HiRes qw( time sleep );


# config: lines for redis.conf; dir is this server's own and is emptied.

sub new {
    my ($class, %opt) = @_;

    remove_tree($opt{dir});
    make_path($opt{dir});

    my $self = bless { %opt, owner => $$ }, $class;

    open my $out, '>', "$opt{dir}/redis.conf" or die "redis.conf: $!\n";
    print $out "bind 127.0.0.1\nport $opt{port}\ndir $opt{dir}\n",
               "save \"\"\nappendonly no\ndaemonize no\nloglevel notice\n",
               "logfile $opt{dir}/redis.log\n", $opt{config} // '';
    close $out;

    return $self;
}


sub start {
    my ($self) = @_;

    return if $self->{pid};

    my $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        open STDOUT, '>>', "$self->{dir}/stdout";
        open STDERR, '>&', \*STDOUT;
        no warnings "exec";
        exec "redis-server", "$self->{dir}/redis.conf";
        POSIX::_exit(127);
    }

    $self->{pid} = $pid;

    my $deadline = time + 10;

    while (time < $deadline) {
        die "redis-server does not start: " . $self->log_tail . "\n"
            if waitpid($pid, WNOHANG) == $pid && delete $self->{pid};

        my $sock = $self->connect;

        if ($sock) {
            print $sock "PING\r\n";
            my $line = <$sock>;
            return if defined $line && $line =~ /\A(?:\+PONG|-NOAUTH)/;
        }

        sleep 0.01;
    }

    die "redis-server does not answer: " . $self->log_tail . "\n";
}


sub log_tail {
    my ($self) = @_;

    return join '', map { `tail -n 5 $_` } grep { -s }
                    map { "$self->{dir}/$_" } qw( stdout redis.log );
}


sub connect {
    my ($self) = @_;

    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', Timeout => 5,
                                 PeerPort => $self->{port});
}


sub signal {
    my ($self, $signal) = @_;

    kill $signal, $self->{pid} or die "redis-server is not running\n";
}


# Ends it by this signal, and waits for it.

sub end {
    my ($self, $signal) = @_;

    delete $self->{client};

    my $pid = delete $self->{pid} or return;

    kill CONT => $pid;
    kill $signal => $pid;

    my $deadline = time + 5;

    while (waitpid($pid, WNOHANG) == 0) {
        kill KILL => $pid if time > $deadline;
        sleep 0.005;
    }
}


# Puts what is stored now aside, under a name.  Where there is no append only
# file it is saved for this.

sub save {
    my ($self, $name) = @_;

    my $aside = "$self->{dir}/saved-$name";

    if (!glob "$self->{dir}/appendonlydir/*") {
        my $answer = $self->command('SAVE');
        die "redis-server: $$answer\n" if ref $answer;
    }

    remove_tree($aside);
    copy_files($self->{dir}, $aside);
}


# Starts with what was put aside, or with nothing: "empty".

sub start_with {
    my ($self, $name) = @_;

    my $aside = "$self->{dir}/saved-$name";

    die "redis-server is running\n" if $self->{pid};
    die "nothing was saved as \"$name\"\n"
        if $name ne 'empty' && !-d $aside;

    remove_tree("$self->{dir}/appendonlydir");
    unlink "$self->{dir}/dump.rdb";

    copy_files($aside, $self->{dir});

    $self->start;
}


sub copy_files {
    my ($from, $to) = @_;

    for my $file (grep { -f }
                  "$from/dump.rdb", glob "$from/appendonlydir/*")
    {
        my $copy = $to . substr $file, length $from;

        make_path($copy =~ s{/[^/]*\z}{}r);
        copy($file, $copy) or die "$copy: $!\n";
    }

    make_path($to);
}


# One command over a kept connection; the answer, or an exception.

sub command {
    my ($self, @args) = @_;

    my $sock = $self->{client} ||= do {
        my $new = $self->connect or die "cannot connect to redis-server: $!\n";

        if (defined $self->{password}) {
            my @auth = grep { defined } @$self{qw( user password )};
            send_command($new, 'AUTH', @auth);
            my $answer = read_reply($new);
            die "redis-server: $$answer\n" if ref $answer eq 'SCALAR';
        }

        $new;
    };

    send_command($sock, @args);

    # one that was stopped never answers

    my $patience = $self->{patience} // 5;

    setsockopt $sock, SOL_SOCKET, SO_RCVTIMEO,
               pack('l! l!', int $patience, 1e6 * ($patience - int $patience));

    my $reply = eval { read_reply($sock) };

    if ($@) {
        delete $self->{client};
        die $@;
    }

    return $reply;
}


sub send_command {
    my ($sock, @args) = @_;

    print $sock '*' . @args . "\r\n",
                map { '$' . length($_) . "\r\n$_\r\n" } @args;
    $sock->flush;
}


# Errors come back as references to a string, nil as undef.

sub read_reply {
    my ($sock) = @_;

    my $line = <$sock> // die $!{EAGAIN} ? "redis-server does not answer\n"
                                    : "redis-server closed the connection\n";

    $line =~ s/\r\n\z// or die "half a line from redis-server\n";

    my ($kind, $rest) = (substr($line, 0, 1), substr $line, 1);

    return $rest if $kind eq '+' || $kind eq ':';
    return \$rest if $kind eq '-';
    return undef if $rest < 0;

    if ($kind eq '$') {
        my $data = '';

        while (length $data < $rest + 2) {
            read $sock, $data, $rest + 2 - length $data, length $data
                or die "redis-server closed the connection\n";
        }

        return substr $data, 0, $rest;
    }

    return [ map { read_reply($sock) } 1 .. $rest ];
}


# An answer as one line: an array's elements stand side by side.

sub as_text {
    my ($reply) = @_;

    return !defined $reply          ? '(nil)'
           : ref $reply eq 'SCALAR' ? "(error) $$reply"
           : ref $reply eq 'ARRAY'  ? join ' ', map { as_text($_) } @$reply
           :                          $reply;
}


sub DESTROY {
    my ($self) = @_;

    local ($@, $?, $!);

    $self->end('KILL') if $self->{owner} == $$;
}


1;
