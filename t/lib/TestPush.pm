#
# Copyright (C) the ngx_http_push_module authors
#
# Test helper: Test::Nginx with scripted dialogues of many clients.
#

package TestPush;

=encoding utf8

=head1 NAME

TestPush - suites as pages of claims, on top of Test::Nginx

=head1 SYNOPSIS

    use lib 't/lib';
    use TestPush;

    plan tests => claims();
    run_tests();

    __DATA__

    === a message reaches every subscriber of its channel
    --- ws
    a connect /ws?channel=news
    b connect /ws?channel=news
    http POST /pub?channel=news hello => 201 .subscribers == 2
    a recv hello
    b recv hello

    === an unknown size is refused
    --- config
    push_max_message_size 12parsecs;
    --- must_die
    --- error_log
    "push_max_message_size"

=head1 BLOCKS

The title of a block is its claim.  A block with C<--- ws> runs as a script,
others are Test::Nginx's.  A script is one test, and every block has one more:
its log is clean and nginx leaves when it is asked to.  C<claims()> counts.

C<--- config> (inside C<server {}>) defaults to

    location /ws     { push_channel $arg_channel; push_transport websocket; }
    location /chat   { push_channel $arg_channel; push_transport websocket;
                       push_client_publish on; }
    location /pub    { push_publish $arg_channel; }
    location /push   { push_status json names; }

and, after C<use TestPush events =E<gt> 1>,

    location /events { push_channel $arg_channel split=,; }

=over

=item C<--- with>

Directives for the server above, beside its standard locations.

=item C<--- http_config>, C<--- main_config>

As in Test::Nginx.  The module is loaded by itself.

=item C<--- redis>

The block has a redis-server of its own on C<$TEST_REDIS_PORT>, with these
lines in its configuration.  A line C<down> means that the script will start
it; C<login USER PASSWORD> or C<login PASSWORD> is for the script's own client.
C<use TestPush redis =E<gt> 1> gives one to every block.  A line C<tls> opens
C<$TEST_REDIS_TLS_PORT>, too, with the certificate F<server>; C<tls NAME> with
that one (see C<--- tls>).

=item C<--- fake_redis>

The block has a fake Redis on C<$TEST_FAKE_PORT>; its lines are C<fake> steps
(below) that run before nginx starts.

=item C<--- second>

A second nginx with the same configuration, as another machine would have it,
on C<$TEST_PORT2>, C<$TEST_TLS_PORT2> and C<$TEST_H2_PORT2>, with a root and a
zone of its own.

=item C<--- tls>, C<--- tls: http2 cert=NAME>

The server listens by TLS, too, on C<$TEST_TLS_PORT>, with these parameters of
C<listen>.  A configuration that needs other certificates finds F<NAME.pem> and
F<NAME.key> in C<$TEST_TLS>, which are made when a block first asks: F<ca>;
F<server> (for 127.0.0.1, ::1, localhost) and F<client>; F<wrong> (for
other.example); F<expired>; F<stranger> (of no known ca); F<127.0.0.1> (has
nothing but this common name).

=item C<--- h2c>

The server speaks HTTP/2 without TLS on C<$TEST_H2_PORT>.

=item C<--- proxy>, C<--- proxy: PORT>

A TCP proxy on C<$TEST_PROXY_PORT>: to this port, else to the block's Redis,
real or fake, else to nginx.  C<proxy> steps tell it what to do.

=item C<--- origin>

An HTTP server on C<$TEST_ORIGIN_PORT>, for C<proxy_pass>, C<auth_request> or
the script's own clients; its lines are C<origin> steps that run before nginx
starts.

=item C<--- problem>

The script must fail, like this regular expression.

=item C<--- allow_log>

Regular expressions, one a line, of log lines that are no failure here.

=item C<--- leave: 10s>

How long nginx may take to leave at the end.

=back

In all these sections and in scripts C<$TEST_PORT>, C<$TEST_PORT2>,
C<$TEST_PORT3>, C<$TEST_REDIS_PORT>, C<$TEST_REDIS_TLS_PORT>,
C<$TEST_FAKE_PORT>, C<$TEST_TLS_PORT>, C<$TEST_H2_PORT>, C<$TEST_PROXY_PORT>,
C<$TEST_ORIGIN_PORT>, C<$TEST_TLS> (the folder of the certificates),
C<$TEST_ROOT> (the server's root), C<$TEST_TOP> (the tree's top) and
C<$TEST_MODULE> stand for their values.

Options of C<use TestPush>: C<redis =E<gt> 1>, C<workers =E<gt> 2>,
C<connections =E<gt> 512>, C<reuseport =E<gt> 1>, C<events =E<gt> 1>.

=head1 SCRIPTS

One step a line.  C<#> begins a comment line.  Every wait has a deadline (5 s;
more under a sanitizer or valgrind), and nothing ever just sleeps.  The end of a
script is a step too: a message, close or end that nobody awaited is a failure.

DATA is text as it stands; or C<"text"> with C<\n \r \t \0 \xHH \" \\>; or
C<hex:8180>; or C<file:PATH>, what is in that file of the tree.
C<{x*1000}> in it, or in a path, is a thousand times x.

=head2 Clients

A client is any name that is no step; a group name means each of its members.

Before every PATH C<tls> may stand: C<a connect tls /ws>, C<http POST tls /pub
hello>; and, but for WebSockets, C<h2> (HTTP/2, with TLS) or C<h2c> (without).
Options of a TLS connection: C<sni>, C<alpn> (C<none>), C<cert=client>,
C<version=1.2>, C<verify> (the name that the server must prove, or C<off>).

    a connect PATH [option=value ...] [[Header: value | !Header ...]]
                   [>> FRAME >> FRAME ...] [=> EXPECT]

A handshake that must succeed.  Options: C<method>, C<http> (1.0), C<port>,
C<from> (own address), C<rcvbuf>, C<drip=1> (byte by byte).  A header replaces
the usual one of its name, C<!Name> leaves it out.  Frames after C<<< >> >>> go
in the same packet.  C<a connect@2 PATH> lands in the second worker (by pid).

    a refused 403 PATH ... [=> EXPECT]      the answer must be this status
    connect_many p 100 PATH                 p1 .. p100, the group p; $i counts
    group g a b c
    a open [port=N]                         bare TCP
    a open tls|h2|h2c [port=N]              bare TLS; HTTP/2 without a request
    a write DATA                            bytes as they are
    a answer EXPECT                         the HTTP answer to them
    many p 100 sse PATH                     any such step for p1 .. p100

Clients of other transports; each verb takes C<@2>, options and headers as
C<connect> does:

    a sse PATH ... [=> EXPECT]      an EventSource: 200 and text/event-stream
    a reconnect                     the same again, with its Last-Event-ID
    a stream PATH ... [=> EXPECT]   200 and application/x-ndjson
    a poll PATH ... [BODY]          sends a request and does not wait
    a answer EXPECT                 ... now it does
    a status 200 [Name: value]      an answer's head, as soon as it is there

C<a poll PATH on=a> asks once more on the same connection, with HTTP/2 C<b sse
PATH on=a> beside what a asks for.  Of HTTP/2 only:

    a sse h2 PATH window=N  the server may send N bytes of each stream before
    a window N              ... it is given more; resume: as usual from now on
    a rst [CODE]            RST_STREAM; 8 (CANCEL)
    a recv_rst [CODE]       a recv_goaway [CODE]
    a h2_frame [type=N] [flags=N] [id=N] DATA

C<a leave> is C<rst> and the end of a connection that nobody else uses, C<a
abort> ends the connection.

=head2 Frames that a client sends

    a send TEXT             a binary HEX|DATA       a ping DATA     a pong DATA
    a close [CODE [REASON]]
    a raw HEX                                       bytes as they are
    a frame [op=1] [fin=1] [rsv=0] [mask=1] [key=HEX] [form=7|16|64] [len=N]
            DATA
    a zip [op=1] [parts=1] DATA                     compressed
    a bomb N                                        N MB of zeros, compressed
    a packet FRAME >> FRAME ...                     in one packet
    a drip FRAME >> FRAME ...                       byte by byte: each waits
                                                    until nginx has read it
    a pieces N FRAME >> ...                         N bytes at a time

C<send_binary> is C<binary>, C<text> is C<send>.

=head2 What a client waits for

    a recv DATA             the next message is this text (recv ~ REGEX: like)
    a recv_binary HEX|DATA
    a recv_packed DATA              the same, and compressed; recv_plain: not
    a recv_any_order x y
    a recv_range PREFIX 1 100       PREFIX1 .. PREFIX100, in order
    a recv_until DATA               whatever comes before
    a recv_in_order PREFIX SUFFIX CODE      PREFIX1SUFFIX, PREFIX2SUFFIX and so
                                    on, as many as come until the end (a
                                    close of CODE, if there is one)
    a recv_none 300ms               the only silence that may be waited for
    a recv_ping             a recv_no_ping          a recv_pong DATA
    a recv_close 1002|1007 [REASON]         none: without a code; any
    a recv_last 1012                the same after any messages
    a recv_eof              a clean end         a recv_gone     any end

    a eof                   the answer, or the connection, ends as it should

C<recv> and its like compare the data of whatever kind of message: a frame, an
event (C<push.binary> is C<recv_binary>), the C<data> or C<base64> of a line.
The whole of them:

    a event id=DATA event=DATA data=DATA    what a page would get: event=message
                                            if it has no type
    a last_event_id DATA    a comment [DATA | ~ REGEX]
    a retry 3000            a retry 1000..4000
    a line {"id":"x"}       a line of at least this JSON, or CHECKs: .id == x
    a heartbeat             an empty line
    a meta id=DATA channel=DATA event=DATA content-type=DATA body=DATA
    a meta_binary ...       messages of the dialect push.meta, text or binary

Fields that are not named are not compared; C<name~REGEX> and C<!name> (none, or
empty) do as well.  Quotes allow blanks.  Afterwards C<let x id:> keeps a field.

Pings are answered and counted, a close is answered: C<a auto_pong off>,
C<a auto_close off>.  C<a abort> (RST), C<a leave> (FIN), C<a shutdown> (half),
C<a stop_reading>, C<a resume>, C<a ignore> (what is left does not matter),
C<a forget>.

=head2 HTTP

    http METHOD PATH [option=value ...] [[Header: value ...]] [BODY] [=> EXPECT]
    http@2 ...                      through the second worker

C<http_json> is C<http>, and C<redis_expect> below C<redis>, for whoever reads
better so.

EXPECT: C<201 [Allow: GET, POST | !Name | Name ~ REGEX] CHECK && CHECK>, or
C<201|202> where either will do.
CHECK: C<~ REGEX>, C<!~ REGEX> or C<= DATA> for the body; C<json {"a":1}> for
JSON that has at least this (objects may have more, arrays not); or for JSON
C<.path OP value> with C<== != E<gt>= E<lt>= E<gt> E<lt> =~>, C<exists> and
C<absent>; a path is made of C<.key>, C<[0]>, C<[key=value]>, C<.#> (how many)
and C<.+key> (the sum).  Without EXPECT the status must be 200.

=head2 Redis

    redis COMMAND word "word" [=> TEXT | => ~ REGEX | => >= N]
    redis_server start|stop|kill|restart|pause|cont
    redis_server save NAME          what is stored now (with appendonly, its
                                    files; else by SAVE) is put aside
    redis_server start NAME         with that; "empty": with nothing

    proxy pause [up|down]           nothing passes; to the target, back, both
    proxy cont [up|down]            what was held back passes
    proxy strand                    the links of now are dead, nobody is told
    proxy drop                      closes all;  proxy reset  by RST
    proxy deaf                      accepts no more;  proxy listen

    origin answer [PATH] DATA       these bytes answer each request (for PATH)
    origin say DATA                 more, to all who have asked
    origin pieces N|random DATA     the same; each piece waits until the last
                                    one was read
    origin end                      closes when all is sent;  origin reset
    origin forget                   origin_seen starts anew
    origin_seen REGEX               a request that came in

    fake reply COMMAND|* [DATA]     answer this to it; without DATA: normally
    fake say all|sub|cmd DATA       to these links, unasked
    fake drip all|sub|cmd DATA      the same, byte by byte
    fake drop all|sub|cmd           close them
    fake slam [off]                 close whatever comes
    fake publish CHANNEL DATA
    fake reaches a CHANNEL          publish again and again until a has got one
    fake silent [off]               answer nothing
    fake pause                      read nothing; fake cont
    fake deaf                       accept no more; fake listen
    fake forget                     fake_seen starts anew
    fake_seen REGEX                 a command that came in

=head2 nginx

    nginx HUP|QUIT|TERM|USR1|USR2
    nginx reload                    HUP; the new workers are there, the old
                                    ones know that they shall leave
    nginx start
    nginx -t [FILE] => ~ REGEX      what nginx -t says (FILE: see file)
    conf s/old/new/                 edits nginx.conf
    kill9 worker of a               kill9 worker 2      kill9 PID
    pause worker of a               cont worker of a    (SIGSTOP, SIGCONT)
    wait workers == 2               old_workers, fake_links, fake_accepted,
                                    proxy_links, proxy_accepted,
                                    worker_rss (KB, the largest), or a group:
                                    those still connected
    wait nginx gone
    wait_log REGEX                  error.log;  wait_access REGEX  access.log
    no_access REGEX
    no_log REGEX                    log_count N REGEX       log_at_most N REGEX
    expect_log REGEX                such a line is no failure

=head2 The rest

    until STEP                      again and again until it passes
    fails REGEX STEP                it must, for such a reason; quotes allow
                                    blanks in REGEX
    within 500ms STEP               another deadline for one step
    deadline 20s                    ... for all that follow
    clock t                         elapsed t < 2s      elapsed t >= 1s
    repeat N {                      $i counts;  for x in a b c {
    }
    let x .path                     from the last JSON answer or line, or
    let x Header:                   a header of it, or a field of the last event
    let x worker_rss + 1000         a figure that can be waited for, and more
    let x value                     $x, $a.worker (pid), $a.port
    same $x == $y
    file NAME DATA                  in the folder of nginx.conf

=head1 ENVIRONMENT

=over

=item C<PUSH_MODULE> or C<TEST_NGINX_PUSH_MODULE>

The module's path; C<none> loads nothing.

=item C<PUSH_SANITIZE=1>

The module that C<make SANITIZE=1> builds, in an nginx that has the sanitizers'
libraries.

=item C<TEST_NGINX_USE_VALGRIND=1>

Each block under valgrind; what it finds is a failure of the block.

=item C<PUSH_TEST_PORT>

The first of the ports, fifteen for each suite.  Where they are in use those
900 further on are taken, so that two runs do not meet.

=item C<PUSH_TEST_ROOT>

The folder for the servers' roots, F<build/t>.

=item C<PUSH_TEST_ONLY>

A regular expression for the titles of blocks.

=item C<PUSH_TEST_SLOW>

A factor for deadlines.

=item C<TEST_NGINX_BINARY>, C<TEST_NGINX_LOG_LEVEL=debug>

As in Test::Nginx.

=back

=cut

use strict;
use warnings;

use Cwd ();
use File::Basename qw( basename dirname );
use File::Path qw( make_path remove_tree );
use IO::Socket::INET;
use Test::More ();
use TestPush::FakeRedis;
use TestPush::Nginx;
use TestPush::Origin;
use TestPush::Proxy;
use TestPush::Redis;
use TestPush::Script;
use Time::HiRes qw( time );

our %Option = (redis => 0, workers => 2, connections => 512, reuseport => 1,
               events => 0);

my $PORTS_PER_SUITE = 15;
my $PORTS_PER_RUN = 900;
my $RUNS = 12;

my $guard;

my ($top, $root, $port, $module, %value, $redis, $fake, $proxy, $origin, $nginx,
    $second, $certificates, @expected, $stop_problem);
my $slow = $ENV{PUSH_TEST_SLOW} || 1;

my $STANDARD = <<'_EOC_';
location /ws     { push_channel $arg_channel; push_transport websocket; }
location /chat   { push_channel $arg_channel; push_transport websocket;
                   push_client_publish on; }
location /pub    { push_publish $arg_channel; }
location /push   { push_status json names; }
_EOC_

my $EVENTS = "location /events { push_channel \$arg_channel split=,; }\n";

# what no block may leave in its log

my $FATAL = qr/\[(?:alert|crit|emerg)\]
              |ERROR:\ AddressSanitizer|runtime\ error:
              |exited\ on\ signal|exited\ with\ code\ [1-9]
              |open\ socket\ \S+\ left\ in\ connection/x;


sub import {
    my ($class, %option) = @_;

    @Option{ keys %option } = values %option;

    prepare_environment();

    # Test::Nginx exports into whoever loads it

    my $caller = caller;

    eval "package $caller; use Test::Nginx::Socket; 1" or die $@;

    { no strict 'refs'; *{"${caller}::claims"} = \&claims; }

    prepare_test_nginx();
}


# Port and server root follow from the suite's place among all suites, so that
# suites can run side by side.

sub prepare_environment {
    $top = Cwd::abs_path(dirname(__FILE__) . '/../..');

    my $suite = basename($0, '.t');
    my @suites = sort map { basename($_, '.t') } glob "$top/t/*.t";
    my ($index) = grep { $suites[$_] eq $suite } 0 .. $#suites;

    my $run = reserve_ports($index // @suites);

    my $parent = $ENV{PUSH_TEST_ROOT} || "$top/build/t";

    make_path($parent);
    $root = Cwd::abs_path($parent) . "/$suite" . ($run ? "-$run" : '');

    %value = (
        PORT => $port, PORT2 => $port + 1, PORT3 => $port + 2,
        REDIS_PORT => $port + 4, FAKE_PORT => $port + 5,
        TLS_PORT => $port + 6, TLS_PORT2 => $port + 7,
        H2_PORT => $port + 8, H2_PORT2 => $port + 9,
        PROXY_PORT => $port + 10, ORIGIN_PORT => $port + 11,
        REDIS_TLS_PORT => $port + 12,
        TLS => "$root-tls", ROOT => $root, TOP => $top,
    );

    $ENV{TEST_NGINX_SERVROOT} = $root;
    $ENV{TEST_NGINX_SERVER_PORT} = $port;
    $ENV{TEST_NGINX_CLIENT_PORT} = $port;
    $ENV{TEST_NGINX_STREAM_PORT} = $port + 3;
    $ENV{TEST_NGINX_LOG_LEVEL} ||= 'info';
    $ENV{TEST_NGINX_REUSE_PORT} = $Option{reuseport};

    if ($ENV{PUSH_SANITIZE}) {
        $ENV{TEST_NGINX_BINARY} = "$top/t/lib/nginx-sanitized";
        $ENV{PUSH_MODULE} ||= "$top/build/sanitize/ngx_http_push_module.so";
    }

    $module = $ENV{PUSH_MODULE} || $ENV{TEST_NGINX_PUSH_MODULE}
              || "$top/build/ngx_http_push_module.so";
    $module = "$top/$module" if $module !~ m{\A/|\Anone\z};

    $value{MODULE} = $module;

    die "there is no $module: \"make\" builds it\n"
        if $module !~ /\Anone\z/ && !-f $module;

    $slow *= 2 if $module =~ /sanitize/;

    if ($ENV{TEST_NGINX_USE_VALGRIND}) {
        $ENV{TEST_NGINX_USE_VALGRIND} =
            '--tool=memcheck --leak-check=full --show-possibly-lost=no'
            . ' --keep-debuginfo=yes'
            . ' --num-callers=40 --gen-suppressions=all'
            . " --suppressions=$top/t/valgrind.suppress"
            . " --log-file=$root/logs/valgrind.%p"
            if $ENV{TEST_NGINX_USE_VALGRIND} =~ /\A\d+\z/;
        $slow *= 6;
    }
}


# The suite's ports, or the same of another run: with reuseport two servers on
# one port would share its clients without a word.  The last port of a range is
# held while the suite runs.  Returns which run this is.

sub reserve_ports {
    my ($index) = @_;

    my $first = $ENV{PUSH_TEST_PORT} || 21000;

    for my $run (0 .. $RUNS - 1) {
        $port = $first + $PORTS_PER_RUN * $run + $PORTS_PER_SUITE * $index;

        $guard = listen_on($port + $PORTS_PER_SUITE - 1) or next;

        return $run if !grep { !listen_on($port + $_) } 0 .. 12;
    }

    die "ports $first and above are in use: set PUSH_TEST_PORT\n";
}


sub listen_on {
    my ($n) = @_;

    return IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $n,
                                 Listen => 1, ReuseAddr => 1);
}


sub prepare_test_nginx {
    no warnings 'once';

    # on the loopback address only
    $Test::Nginx::Util::ServerPort = "127.0.0.1:$port";

    Test::Nginx::Util::master_on();
    Test::Nginx::Util::no_shuffle();
    Test::Nginx::Util::workers($Option{workers});
    Test::Nginx::Util::worker_connections($Option{connections});
    Test::Nginx::Util::no_root_location();
    Test::Nginx::Util::add_block_preprocessor(\&prepare_block);
    Test::Nginx::Util::add_test_cleanup_handler(\&finish_block);

    my $helper = $Test::Nginx::Util::RunTestHelper;

    $Test::Nginx::Util::RunTestHelper = sub { run_block($helper, @_) };

    # Test::Nginx tries a configuration that nginx refuses for 30 s, and then
    # ends the whole run: ask nginx -t first

    no warnings 'redefine';

    my $write = \&Test::Nginx::Util::write_config_file;
    my $run = \&Test::Nginx::Util::run_test;

    *Test::Nginx::Util::write_config_file = sub ($$$) {
        $write->(@_);
        check_config($_[0]);
    };

    *Test::Nginx::Util::run_test = sub ($) {
        my ($block) = @_;

        # Test::Nginx warns of the very lines that such a block is about

        my $warn = $SIG{__WARN__} || sub { warn @_ };

        local $SIG{__WARN__} = sub {
            $warn->(@_) if !defined $block->must_die || $_[0] !~ /\[emerg\]/;
        };

        return if eval { start_services($block); $run->($block); 1 };

        Test::More::fail(title($block));
        Test::More::diag($@);
    };
}


sub title {
    my ($block) = @_;

    return $block->name =~ s/\A\Q$0\E //r;
}


sub conf_file { "$root/conf/nginx.conf" }


sub command {
    no warnings 'once';

    return "$Test::Nginx::Util::NginxBinary -e $root/logs/error.log -p $root/"
           . ' -c ' . conf_file();
}


sub check_config {
    my ($block) = @_;

    return if defined $block->must_die || $nginx;

    my $out = `@{[ command() ]} -t 2>&1`;

    die "nginx refuses the configuration:\n$out" if $?;

    # whatever was warned of is said again at the start
    truncate "$root/logs/error.log", 0;
}


sub expand {
    my ($text) = @_;

    $text =~ s/\$TEST_(?!NGINX_)([A-Z0-9_]+)/
               $value{$1} \/\/ die "there is no \$TEST_$1\n"/ge;

    make_certificates() if $text =~ /\Q$value{TLS}/;

    return $text;
}


# Once for all blocks of a suite, and only if one of them asks.

sub make_certificates {
    return if $certificates++;

    require TestPush::Tls;
    TestPush::Tls::make_certificates($value{TLS});
}


# Lines of server {} for the listening sockets that a block wants.

sub more_sockets {
    my ($block) = @_;

    my $reuseport = $Option{reuseport} ? ' reuseport' : '';
    my $lines = '';

    if (defined(my $tls = $block->tls)) {
        $tls =~ s/\s+/ /g;

        my ($words, $cert) = ($tls, 'server');

        $cert = $1 if $words =~ s/\bcert=(\w+)//;

        $lines .= "listen 127.0.0.1:\$TEST_TLS_PORT ssl $words$reuseport;\n"
                  . "ssl_certificate \$TEST_TLS/$cert.pem;\n"
                  . "ssl_certificate_key \$TEST_TLS/$cert.key;\n";

        # nginx before 1.23.4 does not offer what everybody uses
        $lines .= "ssl_protocols TLSv1.2 TLSv1.3;\n"
            if $block->config !~ /\bssl_protocols\b/;
    }

    $lines .= "listen 127.0.0.1:\$TEST_H2_PORT http2$reuseport;\n"
        if defined $block->h2c;

    return $lines;
}


# How many tests the blocks of this suite make.

sub claims {
    my $n = 0;

    for my $block (Test::Base::blocks()) {
        $block->set_value('SKIP', 1)
            if $ENV{PUSH_TEST_ONLY} && $block->name !~ /$ENV{PUSH_TEST_ONLY}/;

        next if defined $block->SKIP;

        $n += 2;

        for my $section (qw( error_log no_error_log )) {
            my $value = $block->$section // next;
            $n += ref $value eq 'ARRAY' ? @$value : ref $value ? 1
                  : grep { /\S/ } split /\n/, $value;
        }

        next if defined $block->ws || defined $block->must_die;

        $n++ if defined $block->response_body
                || defined $block->response_body_like;
        $n += grep { /\S/ } split /\n/, $block->response_headers // '';
    }

    return $n;
}


sub prepare_block {
    my ($block) = @_;

    @expected = ();
    $stop_problem = $nginx = $second = $redis = $fake = undef;
    $proxy = $origin = undef;

    $block->set_value(config => $STANDARD . ($Option{events} ? $EVENTS : '')
                                . ($block->with // ''))
        if !defined $block->config;

    $block->set_value(config => more_sockets($block) . $block->config);

    $block->set_value(main_config =>
                      ($module eq 'none' ? '' : "load_module $module;\n")
                      . ($block->main_config // ''));

    for my $section (qw( config http_config main_config ws redis fake_redis
                         proxy origin post_main_config ))
    {
        my $text = $block->$section;
        $block->set_value($section, expand($text)) if defined $text;
    }

    # whatever nginx says at its start is in the log, too
    $block->set_value(suppress_stderr => '');

}


sub start_services {
    my ($block) = @_;

    return if defined $block->SKIP;

    start_redis($block->redis // '') if defined $block->redis || $Option{redis};
    start_fake($block->fake_redis) if defined $block->fake_redis;
    start_proxy($block->proxy) if defined $block->proxy;
    start_origin($block->origin) if defined $block->origin;
}


# For steps that come before nginx.

sub early_script {
    return TestPush::Script->new(fake => $fake, origin => $origin, until => 0,
                                 nginx => TestPush::Nginx->new);
}


# To the port that is named; without one to Redis, the real or the fake one.

sub start_proxy {
    my ($target) = @_;

    ($target) = $target =~ /(\d+)/;
    $target //= $value{ $redis ? 'REDIS_PORT' : $fake ? 'FAKE_PORT' : 'PORT' };

    $proxy = TestPush::Proxy->new(port => $value{PROXY_PORT},
                                  target => $target);
}


sub start_origin {
    my ($lines) = @_;

    $origin = TestPush::Origin->new(port => $value{ORIGIN_PORT});

    my $script = early_script();

    $script->step_origin($_) for grep { /\S/ } split /\n/, $lines;
}


sub start_redis {
    my ($lines) = @_;

    my $down = $lines =~ s/^down$//m;
    $lines =~ s/^tls(?: (\S+))?$/redis_tls($1 \/\/ 'server')/me;
    my @login = $lines =~ s/^login (.+)$//m ? split ' ', $1 : ();

    $redis = TestPush::Redis->new(port => $value{REDIS_PORT},
                                  dir => "$root-redis", config => $lines,
                                  password => pop @login, user => pop @login);
    $redis->start if !$down;
}


sub redis_tls {
    my ($name) = @_;

    make_certificates();

    return "tls-port $value{REDIS_TLS_PORT}\ntls-auth-clients no\n"
           . "tls-cert-file $value{TLS}/$name.pem\n"
           . "tls-key-file $value{TLS}/$name.key\n"
           . "tls-ca-cert-file $value{TLS}/ca.pem";
}


sub start_fake {
    my ($lines) = @_;

    $fake = TestPush::FakeRedis->new(port => $value{FAKE_PORT});

    my $script = early_script();

    $script->step_fake($_) for grep { /\S/ } split /\n/, $lines;
}


# Stands in for Test::Nginx's own helper.

sub run_block {
    my ($helper, $block, $dry_run, $repeated) = @_;

    $nginx = TestPush::Nginx->new(root => $root, logs => "$root/logs",
                                  pid_file => "$root/logs/nginx.pid",
                                  conf_file => conf_file(),
                                  start => command());

    start_second() if defined $block->second;

    if (!defined $block->ws) {
        $helper->($block, $dry_run, $repeated);

    } else {
        run_script($block);
        &Test::Nginx::Socket::check_error_log($block, undef, $dry_run,
                                              $repeated, 0)
            if defined $block->error_log || defined $block->no_error_log;
    }

    my $leave = ($block->leave // '10s') =~ s/\s//gr;
    my $patience = TestPush::Script::seconds($leave);

    $stop_problem = $nginx->stop($patience * $slow);
    $stop_problem //= $second->stop($patience * $slow) if $second;
}


# A second nginx from the first one's configuration.

sub start_second {
    my $dir = "$root-second";

    remove_tree($dir);
    make_path("$dir/logs", "$dir/conf");

    open my $in, '<', conf_file() or die "nginx.conf: $!\n";
    my $text = do { local $/; <$in> };
    close $in;

    $text =~ s/\Q$root\E(?=\/)/$dir/g;
    $text =~ s/^daemon off;/daemon on;/m;
    $text =~ s/127\.0\.0\.1:$value{$_}\b/127.0.0.1:$value{$_ . 2}/g
        for qw( PORT TLS_PORT H2_PORT );

    open my $out, '>', "$dir/conf/nginx.conf" or die "nginx.conf: $!\n";
    print $out $text;
    close $out;

    my $start = command() =~ s/\Q$root\E(?=\/)/$dir/gr;

    $second = TestPush::Nginx->new(root => $dir, logs => "$dir/logs",
                                   pid_file => "$dir/logs/nginx.pid");

    system("$start 2>/dev/null") == 0
        or die "the second nginx does not start:\n" . `$start -t 2>&1`;
}


sub run_script {
    my ($block) = @_;

    my $script = TestPush::Script->new(
        nginx => $nginx, redis => $redis, fake => $fake, proxy => $proxy,
        origin => $origin, port => $port, tls_dir => $value{TLS},
        ports => { tls => $value{TLS_PORT}, h2 => $value{TLS_PORT},
                   h2c => $value{H2_PORT} },
        slow => $slow, expected => \@expected,
        vars => { port => $port, redis_port => $value{REDIS_PORT},
                  fake_port => $value{FAKE_PORT} });

    # under valgrind nginx is started in the background

    TestPush::Loop::run(time + 10 * $slow, sub {
        $nginx->master && $nginx->workers >= $Option{workers}
    });

    my $problem = $script->run($block->ws, line_of_script($block));

    # nginx must not wait for what nobody serves any more

    $_->drop_all for grep { $_ } $proxy, $origin;

    my $wanted = $block->problem;
    my $ok = defined $wanted ? ($problem // '') =~ /$wanted/
                             : !defined $problem;

    Test::More::ok($ok, title($block))
        or Test::More::diag($problem // 'the script does not fail');
}


# Where in the suite's file the first line of the script stands.

sub line_of_script {
    my ($block) = @_;

    my $title = title($block);

    open my $in, '<', $0 or return 1;

    my $inside;

    while (my $line = <$in>) {
        $inside = 1 if $line =~ /\A=== \Q$title\E\s*\z/;
        next if !$inside || $line !~ /\A--- ws\s*\z/;

        # Test::Base takes away leading blank lines
        while (defined(my $next = <$in>)) {
            return $. if $next =~ /\S/;
        }
    }

    return 1;
}


# After every block: what its log must not hold.

sub finish_block {
    my ($block) = @_;

    $_->end for grep { $_ } $proxy, $origin, $fake;
    $redis->end('KILL') if $redis;
    $proxy = $origin = $fake = $redis = undef;

    return if defined $block->SKIP;

    my @allowed = (@expected,
                   map { qr/$_/ }
                   grep { /\S/ } split /\n/, $block->allow_log // '');

    push @allowed, qr/\[emerg\]/ if defined $block->must_die;

    my @bad = defined $stop_problem ? "$stop_problem\n" : ();

    my @logs = ("$root/logs/error.log", glob "$root/logs/valgrind.*");

    push @logs, "$second->{logs}/error.log" if $second;

    for my $file (@logs) {
        open my $in, '<', $file or next;

        while (my $line = <$in>) {
            next if $file =~ /error\.log\z/ && $line !~ $FATAL;
            next if grep { $line =~ $_ } @allowed;

            push @bad, $line;

            # a sanitizer's report is more than one line
            push @bad, map { scalar <$in> // () } 1 .. 30
                if $line =~ /AddressSanitizer|runtime error:/;
        }
    }

    splice @bad, 60 if @bad > 60;

    Test::More::ok(!@bad, title($block) . ': the log is clean')
        or Test::More::diag(@bad);
}


1;
