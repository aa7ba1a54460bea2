#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: the running nginx as a script sees it: its master, its workers,
# which of them serves a client, and its logs.
#

package TestPush::Nginx;

use strict;
use warnings;

use POSIX qw( WNOHANG );
use Socket qw( inet_aton );
use Time::HiRes qw( time sleep );


sub new {
    my ($class, %opt) = @_;

    return bless { %opt, retired => {} }, $class;
}


sub master {
    my ($self) = @_;

    open my $in, '<', $self->{pid_file} or return undef;

    my $pid = <$in> // '';

    return $pid =~ /\A(\d+)/ ? $1 : undef;
}


sub running {
    my ($pid) = @_;

    open my $in, '<', "/proc/$pid/stat" or return 0;

    return (<$in> // ') Z ') !~ /\) [ZX] /;
}


sub children {
    my ($pid) = @_;

    if (open my $in, '<', "/proc/$pid/task/$pid/children") {
        return grep { running($_) } sort { $a <=> $b } split ' ', <$in> // '';
    }

    my @pids;

    for my $file (glob '/proc/[0-9]*/stat') {
        open my $in, '<', $file or next;
        my $stat = <$in> // next;
        push @pids, $1 if $stat =~ /\A(\d+) .*\) [^ZX] \Q$pid\E /s;
    }

    return sort { $a <=> $b } @pids;
}


# The workers of the newest generation, the oldest first.

sub workers {
    my ($self) = @_;

    my $master = $self->master or return;

    return grep { !$self->{retired}{$_} } children($master);
}


# Those that an earlier HUP has asked to leave, as long as they are there.

sub old_workers {
    my ($self) = @_;

    return grep { running($_) } sort { $a <=> $b } keys %{ $self->{retired} };
}


sub signal {
    my ($self, $signal) = @_;

    my $master = $self->master or die "nginx is not running\n";

    if ($signal eq 'HUP') {
        $self->{retired}{$_} = 1 for $self->workers;
    }

    kill $signal, $master or die "cannot signal nginx: $!\n";
}


# Has this worker heard that it should leave?  Until then it takes connections.

sub leaving {
    my ($self, $pid) = @_;

    return !running($pid)
           || $self->read_log('error.log')
              =~ /\] \Q$pid\E#\d+: gracefully shutting down/;
}


# Asks nginx to leave and waits for it; says what went wrong, or nothing.

sub stop {
    my ($self, $patience) = @_;

    my $master = $self->master or return undef;
    my @pids = ($master, children($master));
    my $problem;

    for my $signal ('QUIT', 'TERM', 'KILL') {
        kill $signal => $signal eq 'KILL' ? grep { running($_) } @pids
                                          : $master;

        my $deadline = time + ($signal eq 'QUIT' ? $patience : 2);

        while (time < $deadline) {
            waitpid $master, WNOHANG;
            @pids = grep { running($_) } @pids;

            if (!@pids) {
                unlink $self->{pid_file};
                return $problem;
            }

            sleep 0.005;
        }

        $problem //= "nginx did not leave within $patience s of QUIT";
    }

    unlink $self->{pid_file};

    return $problem;
}


# nginx's end of a TCP connection over the loopback address: its inode, and the
# bytes that nginx has not read yet; undef if there is none.  Asked of the
# kernel by sock_diag(7), which knows it at once; /proc/net/tcp grows with
# everything that other suites have left in TIME_WAIT.

my $diag;

sub server_side {
    my ($port, $peer_port, $peer_addr) = @_;

    if (!defined $diag) {
        # AF_NETLINK, SOCK_RAW, NETLINK_INET_DIAG
        socket($diag, 16, 3, 4) or die "socket(AF_NETLINK): $!\n";
    }

    my $id = pack 'n n a4 x12 a4 x12 L L L', $port, $peer_port,
             inet_aton('127.0.0.1'), inet_aton($peer_addr // '127.0.0.1'),
             0, 0xffffffff, 0xffffffff;

    # inet_diag_req_v2 behind a nlmsghdr of SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST

    my $request = pack('C C C x L', 2, 6, 0, 0xffffffff) . $id;

    send $diag, pack('L S S L L', 16 + length $request, 20, 1, 0, 0) . $request,
         0, pack('S S L L', 16, 0, 0, 0)
        or die "sock_diag: $!\n";

    defined recv $diag, my $answer, 4096, 0 or die "sock_diag: $!\n";

    my ($type) = unpack 'x4 S', $answer;

    return undef if $type != 20;

    my ($state, $unread, $inode) = unpack 'x17 C x54 L x8 L', $answer;

    return { state => $state, inode => $inode, unread => $unread };
}


# The pid of the worker that has accepted this connection, or undef.

sub worker_of {
    my ($self, $conn) = @_;

    my $side = server_side(@$conn{qw( port local_port local_addr )})
        or return undef;

    return undef if !$side->{inode};

    for my $pid ($self->workers, $self->old_workers) {
        for my $fd (glob "/proc/$pid/fd/*") {
            return $pid if (readlink $fd // '') eq "socket:[$side->{inode}]";
        }
    }

    return undef;
}


sub read_log {
    my ($self, $name) = @_;

    open my $in, '<', "$self->{logs}/$name" or return '';
    local $/;

    return <$in> // '';
}


# What `nginx -t' says of a file in the folder conf, or of nginx.conf.

sub test {
    my ($self, $file) = @_;

    my $command = $self->{start};

    $command =~ s/ -c \S+/ -c $self->{root}\/conf\/$file/ if $file ne '';

    return scalar `$command -t 2>&1`;
}


sub edit_conf {
    my ($self, $edit) = @_;

    open my $in, '<', $self->{conf_file} or die "$self->{conf_file}: $!\n";
    my $text = do { local $/; <$in> };
    close $in;

    my $before = $text;

    $_ = $text;
    eval "$edit; 1" or die "bad edit \"$edit\": $@";
    $text = $_;

    die "\"$edit\" changes nothing in nginx.conf\n" if $text eq $before;

    open my $out, '>', $self->{conf_file} or die "$self->{conf_file}: $!\n";
    print $out $text;
    close $out;
}


1;
