#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: a part of TestPush::Script: is an HTTP answer as expected?
#

package TestPush::Script;

use strict;
use warnings;

use JSON::PP ();

my $HEADERS = qr/(?<group>\[(?:[^\[\]]++|(?&group))*\])/;


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

        } elsif ($check =~ /\Ajson (.*)\z/s) {
            my $json = eval { JSON::PP->new->utf8->decode($body) };
            $self->unexpected($check, $body, 'it is not JSON') if $@;
            $self->check_value(TestPush::Lines::bytes_of($json), $1, $body);

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
        my ($count, $sum, $key) = ($1, $2, $3);
        my ($index, $name, $value) = ($4, $5, $6);

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


1;
