#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: a stream of JSON objects, one a line (application/x-ndjson).
#

package TestPush::Lines;

use strict;
use warnings;

use JSON::PP ();
use MIME::Base64 qw( decode_base64 );

my $json = JSON::PP->new->canonical->allow_nonref;


sub new { bless { in => '', empty => 0 }, $_[0] }


sub type { qr{\A\s*application/x-ndjson\s*(?:;.*)?\z}i }


# Takes bytes in whatever pieces, says what is wrong with them.  An empty line
# is a heartbeat.

sub feed {
    my ($self, $bytes, $messages) = @_;

    $self->{in} .= $bytes;

    while ($self->{in} =~ s/\A([^\n]*)\n//) {
        my $line = $1;

        if ($line eq '') {
            $self->{empty}++;
            next;
        }

        my $value = eval { JSON::PP->new->utf8->decode($line) };

        return "a line that is no JSON: $line" if ref $value ne 'HASH';

        # texts are compared byte by byte, as they are in scripts
        push @$messages, message($line, bytes_of($value));
    }

    return undef;
}


sub message {
    my ($line, $value) = @_;

    my $data = $value->{data};
    my ($op, $body) = defined $value->{base64}
                      ? (2, decode_base64($value->{base64}))
                      : (1, !defined $data ? '' : !ref $data ? $data
                            : $json->encode($data));

    return { op => $op, data => $body, raw => $line, kind => 'line',
             value => $value };
}


sub bytes_of {
    my ($value) = @_;

    if (ref $value eq 'HASH') {
        return { map { (bytes_of($_) => bytes_of($value->{$_})) }
                 keys %$value };
    }

    return [ map { bytes_of($_) } @$value ] if ref $value eq 'ARRAY';

    utf8::encode($value) if defined $value && !ref $value && !is_number($value);

    return $value;
}


sub is_number {
    my ($value) = @_;

    return $json->encode($value) =~ /\A-?\d/;
}


# Is everything of $wanted in $got?  Objects may have more, arrays may not.
# Says where it is not, or nothing.

sub missing {
    my ($wanted, $got, $path) = @_;

    $path //= '';

    if (ref $wanted eq 'HASH' && ref $got eq 'HASH') {
        for my $key (sort keys %$wanted) {
            return "$path.$key is missing" if !exists $got->{$key};

            my $problem = missing($wanted->{$key}, $got->{$key}, "$path.$key");
            return $problem if defined $problem;
        }

        return undef;
    }

    if (ref $wanted eq 'ARRAY' && ref $got eq 'ARRAY') {
        return sprintf '%s has %d elements, not %d', $path || 'it',
                       scalar @$got, scalar @$wanted
            if @$got != @$wanted;

        for my $i (0 .. $#$wanted) {
            my $problem = missing($wanted->[$i], $got->[$i], $path . "[$i]");
            return $problem if defined $problem;
        }

        return undef;
    }

    my ($x, $y) = map { $json->encode($_) } $wanted, $got;

    # 1 and 1.0 are one number
    return undef if $x eq $y
                    || "$x $y" =~ /\A-?[\d.eE+-]+ -?[\d.eE+-]+\z/ && $x == $y;

    return ($path || 'it') . " is $y, not $x";
}


sub seen { $_[0]->{empty} ? "$_[0]->{empty} empty lines" : () }


1;
