#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: a part of TestPush::Script: what the words of a step mean.
#

package TestPush::Script;

use strict;
use warnings;


my $HEADERS = qr/(?<group>\[(?:[^\[\]]++|(?&group))*\])/;
my $DURATION = qr/\A(\d+(?:\.\d+)?)(ms|s|m)\z/;


sub seconds {
    my ($text) = @_;

    $text =~ $DURATION or die "\"$text\" is no duration (300ms, 5s)\n";

    return $2 eq 'ms' ? $1 / 1000 : $2 eq 'm' ? $1 * 60 : $1;
}


sub split_expectation {
    my ($text) = @_;

    return $text =~ /\A(.*?)\s+=>\s+(.*)\z/s ? ($1, $2) : ($text, '');
}


sub compare {
    my ($x, $op, $y) = @_;

    return $op eq '==' ? $x == $y : $op eq '!=' ? $x != $y
           : $op eq '>=' ? $x >= $y : $op eq '<=' ? $x <= $y
           : $op eq '>' ? $x > $y : $x < $y;
}


# Literal text, "text with \n \r \t \xHH \\ \"", hex:AABB, or file:PATH for
# what is in a file of the tree; {x*N} is x, N times.

sub data {
    my ($text) = @_;

    return pack 'H*', $1 =~ s/\s+//gr if $text =~ /\Ahex:([0-9a-fA-F\s]*)\z/;

    if ($text =~ /\Afile:(\S+)\z/) {
        open my $in, '<', $1 or die "$1: $!\n";
        local $/;
        return <$in>;
    }

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


# [tls|h2|h2c] PATH [option=value ...] [[headers]] [rest]

sub parse_request {
    my ($self, $text) = @_;

    my %r = (headers => [], opt => {}, scheme => '');

    $r{scheme} = $1 if $text =~ s/\A(tls|h2c?)(?:\s+|\z)//;

    $text =~ s/\A(\S+)\s*// or die "a path is missing\n";
    $r{path} = $1 =~ s/\{([^{}]+)\*(\d+)\}/$1 x $2/ger;

    while ($text =~ s/\A(method|http|port|from|rcvbuf|drip|on|window
                         |sni|alpn|cert|verify|version)=(\S+)\s*//x)
    {
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
    $r{opt}{port} //= $self->{ports}{ $r{scheme} } // $self->{port};
    $r{opt}{tls} = $self->tls_options(\%r) if $r{scheme} =~ /\A(?:tls|h2)\z/;

    return \%r;
}


sub tls_options {
    my ($self, $request) = @_;

    my %tls = (dir => $self->{tls_dir},
               alpn => $request->{scheme} eq 'h2' ? 'h2' : 'http/1.1');

    for my $name (qw( sni alpn cert verify version )) {
        $tls{$name} = $request->{opt}{$name} if defined $request->{opt}{$name};
    }

    $tls{alpn} = $tls{alpn} eq 'none' ? undef : [ split /,/, $tls{alpn} ];

    return \%tls;
}


# The usual headers with the wanted ones laid over them.

sub headers {
    my ($request, @usual) = @_;

    my %changed = map { lc $_->[0] => 1 } @{ $request->{headers} };

    return ((grep { !$changed{ lc $_->[0] } } @usual),
            (grep { defined $_->[1] } @{ $request->{headers} }));
}


sub head {
    my ($request, $method, @usual) = @_;

    return sprintf "%s %s HTTP/%s\r\n%s\r\n",
           $request->{opt}{method} || $method, $request->{path},
           $request->{opt}{http} || '1.1',
           join '', map { "$_->[0]: $_->[1]\r\n" } headers($request, @usual);
}


# name=DATA name~REGEX !name ... as a list of name, operator, value.

sub fields {
    my ($text) = @_;

    my @fields;

    while ($text =~ /\G\s*(?:!([\w-]+)
                     |([\w-]+)([=~])("(?:[^"\\]|\\.)*"|\S*))/gcx)
    {
        my ($absent, $name, $op, $value) = ($1, $2, $3, $4);

        push @fields, defined $absent ? [ $absent, '!', '' ]
                      : $op eq '=' ? [ $name, '=', data($value) ]
                      : [ $name, '~', $value =~ s/\A"(.*)"\z/$1/sr ];
    }

    die "cannot read \"" . substr($text, pos $text // 0) . "\"\n"
        if substr($text, pos $text // 0) =~ /\S/;

    return @fields;
}


1;
