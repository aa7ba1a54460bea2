#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: text/event-stream as a browser reads it (WHATWG HTML 9.2.5 and
# 9.2.6), to the letter: what this dispatches a page would see.
#

package TestPush::EventSource;

use strict;
use warnings;

use Encode ();
use MIME::Base64 qw( decode_base64 );


sub new {
    my ($class) = @_;

    return bless {
        in => '', begun => 0, after_cr => 0,
        data => '', event => '', id => '',
        last_event_id => '', comments => [], retries => [], ignored => [],
    }, $class;
}


sub type { qr{\A\s*text/event-stream\s*(?:;.*)?\z}i }


# Takes bytes in whatever pieces; what is dispatched is added to @$messages.

sub feed {
    my ($self, $bytes, $messages) = @_;

    $self->{in} .= $bytes;

    if (!$self->{begun}) {
        # one leading byte order mark is no part of the stream
        return if "\xef\xbb\xbf" =~ /\A\Q$self->{in}\E./s;

        $self->{in} =~ s/\A\xef\xbb\xbf//;
        $self->{begun} = 1;
    }

    for ( ;; ) {
        # a line ends at CR; the LF of a CRLF may come much later

        if ($self->{after_cr}) {
            last if $self->{in} eq '';
            $self->{in} =~ s/\A\n//;
            $self->{after_cr} = 0;
        }

        $self->{in} =~ s/\A([^\r\n]*)([\r\n])// or last;

        my $line = $1;

        $self->{after_cr} = $2 eq "\r";
        $self->take_line($line, $messages);
    }

    return undef;
}


# Whatever is no UTF-8 becomes U+FFFD, as in any decoder of the web.

sub take_line {
    my ($self, $bytes, $messages) = @_;

    my $line = Encode::encode('UTF-8', Encode::decode('UTF-8', $bytes));

    if ($line eq '') {
        $self->dispatch($messages);

    } elsif ($line =~ s/\A://) {
        push @{ $self->{comments} }, $line;

    } elsif ($line =~ /\A([^:]*): ?(.*)\z/s) {
        $self->take_field($1, $2);

    } else {
        $self->take_field($line, '');
    }
}


sub take_field {
    my ($self, $name, $value) = @_;

    if ($name eq 'event') {
        $self->{event} = $value;

    } elsif ($name eq 'data') {
        $self->{data} .= "$value\n";

    } elsif ($name eq 'id') {
        $self->{id} = $value if $value !~ /\0/;

    } elsif ($name eq 'retry') {
        push @{ $self->{retries} }, $value if $value =~ /\A[0-9]+\z/;

    } else {
        push @{ $self->{ignored} }, $name;
    }
}


sub dispatch {
    my ($self, $messages) = @_;

    $self->{last_event_id} = $self->{id};

    my ($data, $event) = @$self{qw( data event )};

    @$self{qw( data event )} = ('', '');

    return if $data eq '';

    $data =~ s/\n\z//;
    $event = 'message' if $event eq '';

    # what `recv' and `recv_binary' compare

    my ($op, $body) = $event eq 'push.binary' ? (2, decode_base64($data))
                                              : (1, $data);

    push @$messages, {
        op => $op, data => $body, raw => "$event: $data", kind => 'event',
        fields => { event => $event, data => $data,
                    id => $self->{last_event_id} },
    };
}


sub seen {
    my ($self) = @_;

    return map { "$_: " . join ' ', map { "\"$_\"" } @{ $self->{$_} } }
           grep { @{ $self->{$_} } } qw( comments retries ignored );
}


1;
