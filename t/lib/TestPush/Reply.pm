#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: one HTTP answer as it arrives, over whichever version of HTTP,
# and the messages that came in it.
#

package TestPush::Reply;

use strict;
use warnings;


# `sink' reads the body of a good answer as it comes; what it makes of it goes
# to `messages'.  `exchange' is set where the answer is what the client is
# there for, and not a connection.

sub start_reply {
    my ($self) = @_;

    @$self{qw( head status headers body done sink sinking exchange )} =
        (undef, undef, [], '', 0, undef, 0, undef);
    $self->{messages} ||= [];
}


# The next answer on the same connection.

sub next_reply {
    my ($self) = @_;

    $self->start_reply;
    $self->{no_body} = 0;
}


# The values of a header, joined as a proxy would.

sub header {
    my ($self, $name) = @_;

    my @values = map { $_->[1] }
                 grep { lc $_->[0] eq lc $name } @{ $self->{headers} || [] };

    return @values ? join(', ', @values) : undef;
}


sub take_head {
    my ($self, $line, $status, @headers) = @_;

    @$self{qw( head status headers )} = ($line, $status, \@headers);

    my $sink = $self->{sink};

    $self->{sinking} = $sink && $status == 200
                       && ($self->header('Content-Type') // '') =~ $sink->type;
}


sub take_body {
    my ($self, $bytes) = @_;

    if (!$self->{sinking}) {
        $self->{body} .= $bytes;
        return;
    }

    my $problem = $self->{sink}->feed($bytes, $self->{messages});

    $self->bad($problem) if defined $problem;
}


sub take_end {
    my ($self) = @_;

    $self->{done} = 1;
}


# What is left of it when the connection goes on to the next.

sub copy {
    my ($self) = @_;

    return bless { map { $_ => $self->{$_} } qw( head status headers body ) },
                 'TestPush::Reply';
}


# How it ended: fin, cut (not as it should), rst, own; or not yet.

sub ended {
    my ($self) = @_;

    return $self->{eof} if !$self->{exchange};

    return 'fin' if $self->{done};

    return ($self->{eof} // '') eq 'fin' ? 'cut' : $self->{eof};
}


sub alive {
    my ($self) = @_;

    return !$self->ended && !$self->{closed};
}


sub bad {
    my ($self, $what) = @_;

    $self->{bad} //= $what;

    return 0;
}


# What the script has not asked for though it came, or nothing.

sub leftover {
    my ($self) = @_;

    return undef if !$self->{exchange} || $self->{ignored}
                    || ($self->{eof} // '') eq 'own' || !$self->{reading};

    return $self->{bad}                 ? "the server breaks the protocol"
           : @{ $self->{messages} }     ? "a message that nobody awaited"
           : $self->{exchange} eq 'poll' && $self->{head}
                                        ? "an answer that nobody awaited"
           : $self->ended && !$self->{eof_seen} ? "the answer has ended"
           :                              undef;
}


# Says what has come, in a form that reads well in a failure.

sub describe {
    my ($self) = @_;

    my @seen = !$self->{head} ? 'no answer'
               : $self->{sinking} ? $self->seen
               : "HTTP status $self->{status}"
                 . (length $self->{body} ? ', body: '
                    . printable($self->{body}, 1) : '');

    push @seen, "bad: $self->{bad}" if $self->{bad};
    push @seen, 'end of file (' . $self->ended . ')' if $self->ended;

    return @seen ? join(', ', @seen) : 'nothing';
}


sub seen {
    my ($self) = @_;

    my @seen = map { printable($_->{raw} // $_->{data}, $_->{op}) }
               @{ $self->{messages} };

    splice @seen, 5, @seen - 5, sprintf '... %d more', @seen - 5 if @seen > 6;

    push @seen, $self->{sink}->seen if $self->{sink};

    return @seen;
}


sub printable {
    my ($data, $op) = @_;

    my $text = length $data > 80 ? substr($data, 0, 80) . '...' : $data;
    my $size = length $data > 80 ? ' (' . length($data) . ' bytes)' : '';

    return 'binary ' . unpack('H*', $text) . $size if $op == 2;

    $text =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;

    return "\"$text\"$size";
}


1;
