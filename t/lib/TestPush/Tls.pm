#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: the client's side of TLS as a filter between bytes and bytes, so
# that the socket stays what it is; and the certificates of a run.
#

package TestPush::Tls;

use strict;
use warnings;

use File::Path qw( make_path remove_tree );
use Net::SSLeay ();

Net::SSLeay::initialize();

my %VERSION = ('1.2' => 0x0303, '1.3' => 0x0304);


# Options: dir (that of the certificates), alpn (a list), sni, cert (a name in
# dir), verify (off, or the name that the server must prove, 127.0.0.1) and
# version (1.2, 1.3).

sub new {
    my ($class, %opt) = @_;

    my $ctx = Net::SSLeay::CTX_new_with_method(Net::SSLeay::TLS_client_method())
        or die ssl_error('TLS');

    my $self = bless { ctx => $ctx, plain => '' }, $class;

    if (my $version = $opt{version}) {
        my $number = $VERSION{$version} or die "TLS \"$version\"?\n";

        Net::SSLeay::CTX_set_min_proto_version($ctx, $number);
        Net::SSLeay::CTX_set_max_proto_version($ctx, $number);
    }

    Net::SSLeay::CTX_set_alpn_protos($ctx, $opt{alpn}) if $opt{alpn};

    if ($opt{cert}) {
        my $pem = "$opt{dir}/$opt{cert}.pem";
        my $key = "$opt{dir}/$opt{cert}.key";

        Net::SSLeay::CTX_use_certificate_chain_file($ctx, $pem)
            && Net::SSLeay::CTX_use_PrivateKey_file($ctx, $key, 1)
            or die ssl_error($pem);
    }

    my $ssl = $self->{ssl} = Net::SSLeay::new($ctx) or die ssl_error('TLS');

    $self->verify($opt{dir}, $opt{verify} // '127.0.0.1')
        if ($opt{verify} // '') ne 'off';

    Net::SSLeay::set_tlsext_host_name($ssl, $opt{sni}) if defined $opt{sni};

    $self->{$_} = Net::SSLeay::BIO_new(Net::SSLeay::BIO_s_mem())
        for qw( from to );

    Net::SSLeay::set_bio($ssl, $self->{from}, $self->{to});
    Net::SSLeay::set_connect_state($ssl);

    return $self;
}


sub verify {
    my ($self, $dir, $name) = @_;

    my $ssl = $self->{ssl};

    Net::SSLeay::CTX_load_verify_locations($self->{ctx}, "$dir/ca.pem", '')
        or die ssl_error("$dir/ca.pem");

    Net::SSLeay::set_verify($ssl, Net::SSLeay::VERIFY_PEER(), undef);

    my $param = Net::SSLeay::get0_param($ssl);

    $name =~ /\A[0-9.]+\z/
        ? Net::SSLeay::X509_VERIFY_PARAM_set1_ip_asc($param, $name)
        : Net::SSLeay::X509_VERIFY_PARAM_set1_host($param, $name)
        or die ssl_error($name);
}


# What is to be sent, for these bytes and whatever TLS itself has to say.

sub encrypt {
    my ($self, $bytes) = @_;

    $self->{plain} .= $bytes;
    $self->advance;

    my $out = '';

    while (Net::SSLeay::BIO_pending($self->{to})) {
        $out .= Net::SSLeay::BIO_read($self->{to});
    }

    return $out;
}


# What these bytes of the server say.

sub decrypt {
    my ($self, $bytes) = @_;

    Net::SSLeay::BIO_write($self->{from}, $bytes);

    $self->advance;

    my $in = '';

    while ($self->{ready} && !$self->{problem} && !$self->{ended}) {
        my ($piece, $n) = Net::SSLeay::read($self->{ssl}, 65536);

        if ($n <= 0) {
            $self->check($n);
            last;
        }

        $in .= $piece;
    }

    return $in;
}


# The handshake, then what waited for it.

sub advance {
    my ($self) = @_;

    return if $self->{problem};

    if (!$self->{ready}) {
        my $rc = Net::SSLeay::do_handshake($self->{ssl});

        return $self->check($rc) if $rc != 1;

        $self->{ready} = 1;
    }

    return if $self->{plain} eq '';

    my $n = Net::SSLeay::write($self->{ssl}, $self->{plain});

    return $self->check($n) if $n <= 0;

    substr($self->{plain}, 0, $n) = '';
}


sub check {
    my ($self, $rc) = @_;

    my $error = Net::SSLeay::get_error($self->{ssl}, $rc);

    if ($error == Net::SSLeay::ERROR_ZERO_RETURN()) {
        $self->{ended} = 1;

    } elsif ($error != Net::SSLeay::ERROR_WANT_READ()) {
        $self->{problem} = ssl_error($self->{ready} ? 'TLS'
                                                    : 'the TLS handshake');
        chomp $self->{problem};
    }

    return;
}


sub problem { $_[0]->{problem} }

# has the server said that this is the end?
sub ended { $_[0]->{ended} }

sub unsent { length $_[0]->{plain} }

sub protocol { Net::SSLeay::P_alpn_selected($_[0]->{ssl}) // '' }


sub ssl_error {
    my ($what) = @_;

    my $text = '';

    while (my $error = Net::SSLeay::ERR_get_error()) {
        $text .= ': ' . Net::SSLeay::ERR_error_string($error);
    }

    return "$what$text\n";
}


sub DESTROY {
    my ($self) = @_;

    Net::SSLeay::free($self->{ssl}) if $self->{ssl};
    Net::SSLeay::CTX_free($self->{ctx});
}


# NAME.pem and NAME.key of: ca; server, for 127.0.0.1, ::1 and localhost;
# client; wrong, for other.example; expired; and stranger, that no ca knows.

sub make_certificates {
    my ($dir) = @_;

    remove_tree($dir);
    make_path($dir);

    my $here = 'subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost';

    certificate($dir, 'ca', 'basicConstraints=critical,CA:TRUE');
    certificate($dir, 'stranger', $here);
    certificate($dir, 'server', $here, 'ca');
    certificate($dir, 'client', 'extendedKeyUsage=clientAuth', 'ca');
    certificate($dir, 'wrong', 'subjectAltName=DNS:other.example', 'ca');
    certificate($dir, '127.0.0.1', 'keyUsage=digitalSignature', 'ca');
    expire($dir, 'server', 'expired');
}


sub certificate {
    my ($dir, $name, $extension, $issuer) = @_;

    # nothing that the machine's own openssl.cnf would add

    open my $out, '>', "$dir/openssl.cnf" or die "openssl.cnf: $!\n";
    print $out "[req]\ndistinguished_name=dn\n[dn]\n[x]\n$extension\n";
    close $out;

    my @command = (qw( openssl req -x509 -newkey ec -pkeyopt
                       ec_paramgen_curve:prime256v1 -nodes -extensions x ),
                   -config => "$dir/openssl.cnf", -subj => "/CN=$name",
                   -days => 30,
                   -keyout => "$dir/$name.key", -out => "$dir/$name.pem",
                   $issuer ? (-CA => "$dir/$issuer.pem",
                              -CAkey => "$dir/$issuer.key") : ());

    my $said = do {
        open my $pipe, '-|', 'sh', '-c', '"$@" 2>&1', 'sh', @command
            or die "openssl: $!\n";
        local $/;
        <$pipe> // '';
    };

    -s "$dir/$name.pem" or die "openssl makes no certificate: $said\n";
}


# The same certificate, as it was valid long ago; the tool makes none such.

sub expire {
    my ($dir, $name, $copy) = @_;

    my ($cert, $key, $ca_key) = map { pem($_) } "$dir/$name.pem",
                                "$dir/$name.key", "$dir/ca.key";

    my %time = (notBefore => '2020-01-01', notAfter => '2020-01-02');

    for my $end (keys %time) {
        my $at = Net::SSLeay->can("X509_get_$end")->($cert);

        Net::SSLeay::P_ASN1_TIME_set_isotime($at, "$time{$end}T00:00:00Z");
    }

    Net::SSLeay::X509_sign($cert, $ca_key,
                           Net::SSLeay::EVP_get_digestbyname('sha256'))
        or die ssl_error($copy);

    my %text = (pem => Net::SSLeay::PEM_get_string_X509($cert),
                key => Net::SSLeay::PEM_get_string_PrivateKey($key));

    for my $kind (keys %text) {
        open my $out, '>', "$dir/$copy.$kind" or die "$copy.$kind: $!\n";
        print $out $text{$kind};
        close $out;
    }

    Net::SSLeay::X509_free($cert);
    Net::SSLeay::EVP_PKEY_free($_) for $key, $ca_key;
}


# A certificate or a key, by the end of the file's name.

sub pem {
    my ($file) = @_;

    my $bio = Net::SSLeay::BIO_new_file($file, 'r') or die ssl_error($file);
    my $what = $file =~ /key\z/ ? Net::SSLeay::PEM_read_bio_PrivateKey($bio)
                                : Net::SSLeay::PEM_read_bio_X509($bio);

    Net::SSLeay::BIO_free($bio);

    return $what || die ssl_error($file);
}


1;
