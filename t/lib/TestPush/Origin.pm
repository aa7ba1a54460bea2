#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: a site behind nginx, or a server for the helper's own clients:
# it answers each request with the bytes that the script has laid down.
#

package TestPush::Origin;

use strict;
use warnings;

use TestPush::Peer;


sub new {
    my ($class, %opt) = @_;

    my $self = bless { port => $opt{port}, links => [], seen => [],
                       accepted => 0, answers => {} }, $class;

    TestPush::Peer::listen_for($self);

    return $self;
}


sub accepts { 1 }


sub accepted {
    my ($self, $fh) = @_;

    push @{ $self->{links} },
         TestPush::Origin::Link->new(fh => $fh, origin => $self);
}


sub drop_all {
    my ($self) = @_;

    my @links = @{ $self->{links} };

    $_->drop for @links;
}


sub end {
    my ($self) = @_;

    $self->{listener}->close;
    $self->drop_all;
}


package TestPush::Origin::Link;

use parent -norequire, 'TestPush::Peer';


# A request is a head and as much as its Content-Length says.

sub received {
    my ($self) = @_;

    my $origin = $self->{origin};

    while ($self->{in} =~ /\A(.*?\r\n\r\n)/s) {
        my $head = $1;
        my ($length) = $head =~ /^Content-Length: *(\d+)/mi;

        return if length $self->{in} < length($head) + ($length // 0);

        push @{ $origin->{seen} },
             substr $self->{in}, 0, length($head) + ($length // 0), '';

        my ($path) = $head =~ /\A\S+ ([^ ?]*)/;

        $self->{requests}++;
        $self->say($origin->{answers}{$path // ''}
                   // $origin->{answers}{'*'} // '');

        return if !$self->{fh};
    }
}


sub dropped {
    my ($self) = @_;

    my $origin = $self->{origin};

    @{ $origin->{links} } = grep { $_ != $self } @{ $origin->{links} };
}


1;
