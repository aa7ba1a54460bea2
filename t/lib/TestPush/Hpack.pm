#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: header compression of HTTP/2 (RFC 7541): reads everything, writes
# literals only.
#

package TestPush::Hpack;

use strict;
use warnings;


# Appendix A; a name that stands alone has no value.

my @STATIC = map { [ split /=/, $_, 2 ] } qw(
    :authority :method=GET :method=POST :path=/ :path=/index.html :scheme=http
    :scheme=https :status=200 :status=204 :status=206 :status=304 :status=400
    :status=404 :status=500 accept-charset), 'accept-encoding=gzip, deflate',
    qw(
    accept-language accept-ranges accept access-control-allow-origin age allow
    authorization cache-control content-disposition content-encoding
    content-language content-length content-location content-range content-type
    cookie date etag expect expires from host if-match if-modified-since
    if-none-match if-range if-unmodified-since last-modified link location
    max-forwards proxy-authenticate proxy-authorization range referer refresh
    retry-after server set-cookie strict-transport-security transfer-encoding
    user-agent vary via www-authenticate);

$_->[1] //= '' for @STATIC;


# Appendix B: how many bits each byte has, and the end of a string.  The code is
# canonical: the codes of a length follow one another.

my @BITS = qw(
    13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28
    28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28
     6 10 10 12 13  6  8 11 10 10  8 11  8  6  6  6
     5  5  5  6  6  6  6  6  6  6  7  8 15  6 12 10
    13  6  7  7  7  7  7  7  7  7  7  7  7  7  7  7
     7  7  7  7  7  7  7  7  8  7  8 13 19 13 14  6
    15  5  6  5  6  5  6  6  6  5  7  7  6  6  6  5
     6  7  6  5  5  6  7  7  7  7  7 15 11 14 13 28
    20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23
    24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24
    22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23
    21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23
    26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25
    19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27
    20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23
    26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26
    30
);

my %SYMBOL;

{
    my ($code, $bits) = (0, 0);

    for my $symbol (sort { $BITS[$a] <=> $BITS[$b] || $a <=> $b } 0 .. 256) {
        $code <<= $BITS[$symbol] - $bits;
        $bits = $BITS[$symbol];

        $SYMBOL{ sprintf '%0*b', $bits, $code++ } = $symbol;
    }
}


# max_size: what our SETTINGS allow the table.

sub new {
    my ($class, %opt) = @_;

    my $max = $opt{max_size} // 4096;

    return bless { table => [], max => $max, limit => $max }, $class;
}


# [ name, value ], ... as literals that no table keeps (6.2.2).

sub encode {
    return join '', map { "\0" . string($_->[0]) . string($_->[1]) } @_;
}


sub string { integer(length $_[0], 7, 0) . $_[0] }


sub integer {
    my ($n, $prefix, $first) = @_;

    my $max = (1 << $prefix) - 1;

    return chr($first | $n) if $n < $max;

    my $bytes = chr($first | $max);

    for ($n -= $max; $n >= 128; $n >>= 7) {
        $bytes .= chr(128 | $n & 127);
    }

    return $bytes . chr $n;
}


# A header block as [ name, value ], ...; dies of one that is wrong.

sub decode {
    my ($self, $block) = @_;

    my @headers;

    while (length $block) {
        my $first = ord $block;

        if ($first & 0x80) {
            push @headers, [ @{ $self->entry(take_integer(\$block, 7)) } ];

        } elsif (($first & 0xe0) == 0x20) {
            die "a change of the table's size behind a header\n" if @headers;
            $self->resize(take_integer(\$block, 5));

        } else {
            my $keep = $first & 0x40;
            my $index = take_integer(\$block, $keep ? 6 : 4);
            my $name = $index ? $self->entry($index)->[0]
                              : take_string(\$block);
            my $header = [ $name, take_string(\$block) ];

            push @headers, $header;
            $self->keep($header) if $keep;
        }
    }

    return @headers;
}


sub entry {
    my ($self, $index) = @_;

    return ($index < 1 ? undef
            : $index <= @STATIC ? $STATIC[$index - 1]
            : $self->{table}[$index - @STATIC - 1])
           // die "no header has index $index\n";
}


# The dynamic table, the newest first (4).

sub size {
    my ($self) = @_;

    my $size = 0;

    $size += 32 + length($_->[0]) + length $_->[1] for @{ $self->{table} };

    return $size;
}


sub keep {
    my ($self, $header) = @_;

    unshift @{ $self->{table} }, [ @$header ];

    $self->evict;
}


sub resize {
    my ($self, $max) = @_;

    die "a table of $max bytes\n" if $max > $self->{limit};

    $self->{max} = $max;
    $self->evict;
}


sub evict {
    my ($self) = @_;

    pop @{ $self->{table} } while $self->size > $self->{max};
}


sub take_integer {
    my ($block, $prefix) = @_;

    my $max = (1 << $prefix) - 1;
    my $n = ord(substr $$block, 0, 1, '') & $max;

    return $n if $n < $max;

    for (my $shift = 0; $shift < 28; $shift += 7) {
        length $$block or die "half a number\n";

        my $byte = ord substr $$block, 0, 1, '';

        $n += ($byte & 127) << $shift;

        return $n if $byte < 128;
    }

    die "a number that is too large\n";
}


sub take_string {
    my ($block) = @_;

    length $$block or die "a string is missing\n";

    my $huffman = ord($$block) & 0x80;
    my $n = take_integer($block, 7);

    length $$block >= $n or die "half a string\n";

    my $bytes = substr $$block, 0, $n, '';

    return $huffman ? huffman($bytes) : $bytes;
}


# 5.2: padded with the beginning of the end's code, by less than a byte.

sub huffman {
    my ($bytes) = @_;

    my ($text, $code) = ('', '');

    for my $bit (split //, unpack 'B*', $bytes) {
        my $symbol = $SYMBOL{ $code .= $bit };

        next if !defined $symbol;

        die "the end of a string inside of it\n" if $symbol == 256;

        $text .= chr $symbol;
        $code = '';
    }

    die "bad padding of a string\n" if $code !~ /\A1{0,7}\z/;

    return $text;
}


1;
