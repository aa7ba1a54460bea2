#!/usr/bin/env perl

# Copyright (C) the ngx_http_push_module authors
#
# The lint can fail: each of its rules is broken once, in a small tree.

use strict;
use warnings;

use Cwd qw( abs_path );
use File::Basename qw( dirname );
use File::Path qw( make_path );
use File::Temp qw( tempdir );
use Test::More;

my $lint = dirname(abs_path($0)) . '/lint';

my $opening = "/*\n * Copyright (C) the ngx_http_push_module authors\n *\n"
              . " * Floor 0: a test.\n */\n";


# runs a check in a tree of these files, NAME => TEXT; output and exit code

sub lint {
    my ($check, %files) = @_;

    my $tree = tempdir(CLEANUP => 1);

    for my $name (keys %files) {
        make_path(dirname("$tree/$name"));
        open my $out, '>', "$tree/$name" or die "$name: $!\n";
        print $out $files{$name};
        close $out;
    }

    my $output = `$lint/$check $tree 2>&1`;

    return ($output, $? >> 8);
}


sub refuses {
    my ($claim, $rule, $check, %files) = @_;

    my ($output, $code) = lint($check, %files);

    ok($code == 1 && $output =~ $rule, $claim)
        or diag("exit code $code\n$output");
}


sub accepts {
    my ($claim, $check, %files) = @_;

    my ($output, $code) = lint($check, %files);

    ok($code == 0, $claim) or diag("exit code $code\n$output");
}


sub file { my ($path) = @_; $path =~ s{(\w+)\.}{ngx_http_push_$1.}; $path }
sub includes { join '', map { "#include \"ngx_http_push_$_.h\"\n" } @_ }

sub header {
    my ($name, $text) = @_;

    my $guard = '_NGX_HTTP_PUSH_' . uc($name) . '_H_INCLUDED_';

    return "$opening\n\n#ifndef $guard\n#define $guard\n\n\n$text\n\n"
           . "#endif\n";
}


# arrows

sub refuses_arrow {
    my ($claim, $rule, %files) = @_;

    refuses($claim, $rule, 'arrows', map { file($_), $files{$_} } keys %files);
}

my %floors = (
    'src/codec/frame.h' => "int f;\n",
    'src/core/hub.h' => "int f;\n",
    'src/core/msg.h' => includes('frame') . "int f;\n",
    'src/shm/zone.h' => includes('msg') . "int f;\n",
    'src/redis/link.h' => includes('msg') . "int f;\n",
    'src/session/session.h' => includes('hub', 'zone') . "int f;\n",
    'src/http/subscribe.h' => includes('session') . "int f;\n",
    'ngx_http_push_module.c' => includes('subscribe'),
);

accepts('arrows that point down are fine', 'arrows',
        map { /^ngx/ ? $_ : file($_), $floors{$_} } keys %floors);

refuses_arrow('core may not know session',
              qr/^src\S+hub\.h:1: src\/core is below src\/session: #incl/m,
              'src/core/hub.h' => includes('session'),
              'src/session/session.h' => "int f;\n");
refuses_arrow('core may not know shm', qr/src\/core may not know src\/shm/,
              'src/core/hub.h' => includes('zone'),
              'src/shm/zone.h' => "int f;\n");
refuses_arrow('redis may not know shm', qr/src\/redis may not know src\/shm/,
              'src/redis/link.h' => includes('zone'),
              'src/shm/zone.h' => "int f;\n");
refuses_arrow('a circle of headers', qr/circle of headers \(\S+a\.h -> \S+b/,
              'src/core/a.h' => includes('b') . "int f;\n",
              'src/core/b.h' => includes('a') . "int f;\n");
refuses_arrow('a circle of subjects', qr/circle of subjects \(a -> b -> a\)/,
              'src/core/a.h' => "int f;\n", 'src/core/b.h' => "int f;\n",
              'src/core/a.c' => includes('b'), 'src/core/b.c' => includes('a'));
refuses_arrow('an endpoint in another', qr/one endpoint never includes/,
              'src/http/api.c' => includes('publisher'),
              'src/http/publisher.h' => "int f;\n");
refuses_arrow('a transport that knows the hub', qr/a transport knows no hub/,
              'src/session/ws.c' => includes('hub'),
              'src/core/hub.h' => "int f;\n");
refuses_arrow('a transport that calls the hub', qr/a transport knows no hub/,
              'src/session/ws.c' => "x = ngx_http_push_hub_find(h);\n");
refuses_arrow('nginx in codec', qr/src\/codec knows nothing of nginx/,
              'src/codec/frame.c' => "#include <ngx_core.h>\n");
refuses_arrow('hiredis outside redis', qr/hiredis is known in src\/redis/,
              'src/core/hub.c' => "#include <hiredis/hiredis.h>\n");
refuses_arrow('yajl outside codec', qr/yajl is known in src\/codec/,
              'src/http/api.c' => "#include <yajl/yajl_parse.h>\n");
refuses_arrow('zlib outside deflate', qr/zlib is known in .*deflate/,
              'src/codec/frame.c' => "#include <zlib.h>\n");
refuses_arrow('a request on floor 1', qr/floor 1 knows no request/,
              'src/shm/zone.c' => "ngx_http_request_t  *r;\n");
refuses_arrow('a lock outside shm', qr/locks of the zone/,
              'src/http/status.c' => "ngx_shmtx_lock(&p->mutex);\n");
refuses_arrow('a .c file in another', qr/a \.c file is never included/,
              'src/core/hub.c' => "#include \"ngx_http_push_x.c\"\n");
refuses_arrow('an umbrella header', qr/an umbrella header/,
              'src/core/all.h' => includes('hub', 'msg'),
              'src/core/hub.h' => "int f;\n", 'src/core/msg.h' => "int f;\n");
refuses_arrow('a file called utils', qr/a file says what it is about/,
              'src/core/utils.c' => "int f;\n");
refuses_arrow('a room that is not in the plan', qr/no such room/,
              'src/lib/list.c' => "int f;\n");
refuses_arrow('a header that is not there', qr/no such header/,
              'src/core/hub.c' => includes('nothing'));
refuses('an empty tree', qr/no sources/, 'arrows', 'README' => '');


# text

sub refuses_text {
    my ($claim, $rule, $code, $name) = @_;

    $name //= 'core/hub';

    refuses($claim, $rule, 'text',
            file("src/$name.c") => "$opening\n\n$code");
}

my $function = "static int\nngx_http_push_hub_find(int a)\n{\n%s}\n";

accepts('a clean file is fine', 'text',
        file('src/core/hub.h') => header('hub', "int ngx_http_push_hub(int);"),
        file('src/core/hub.c') => "$opening\n\n#define NGX_HTTP_PUSH_HUB  1\n"
            . "\n\nstatic int  ngx_http_push_hub_n = 1;\n\n\n"
            . sprintf $function, "    if (a == 1) {\n        a = 2;\n    }\n\n"
                               . "    return \"/* TO\" \"DO ; { */\";\n");

refuses_text('81 columns', qr/over 80 columns/, '/* ' . 'x' x 76 . "*/\n");
refuses_text('a tab', qr/: a tab/, "int\tngx_http_push_hub_a;\n");
refuses_text('trailing blanks', qr/trailing blanks/, "/* x */ \n");
refuses_text('something left for later', qr/left for later/,
             '/* TO' . "DO */\n");
refuses_text('a // comment', qr/a comment is/, "// x\n");
refuses_text('an if without a brace', qr/a brace, always/,
             sprintf $function, "    if (a)\n        a = 1;\n");
refuses_text('an else without a brace', qr/a brace, always/,
             sprintf $function, "    if (a) {\n    } else\n        a = 1;\n");
refuses_text('an assignment in a condition', qr/no assignment/,
             sprintf $function, "    if ((a = 1) == 2) {\n    }\n");
refuses_text('a long function', qr/a function of 104 lines/,
             sprintf $function, "\n" x 101);
refuses_text('seven parameters', qr/a function of 7 parameters/,
             "static int\nngx_http_push_hub_f(int a, int b, int c, int d, "
             . "int e,\n    int f, int g)\n{\n}\n");
refuses_text('a function of another name', qr/begins with ngx_http_push_hub_/,
             "static int\nngx_http_push_find(int a)\n{\n}\n");
refuses_text('data of another name', qr/begins with ngx_http_push_hub_: table/,
             "static int  table[] = { 1 };\n");
refuses_text('a define of another name', qr/a define begins with/,
             "#define HUB_SIZE  1\n");
refuses_text('a return type on the line of the name', qr/return type stands/,
             "static int ngx_http_push_hub_find(int a)\n{\n}\n");
refuses_text('an assert above codec', qr/no assert above codec/,
             sprintf $function, "    assert(a);\n");
refuses('no copyright', qr/opens with the copyright/, 'text',
        file('src/core/hub.c') => "int ngx_http_push_hub_a;\n");
refuses('a header without a guard', qr/is guarded by/, 'text',
        file('src/core/hub.h') => "$opening\n\nint ngx_http_push_hub(int);\n");
refuses('storage in a header', qr/a header holds no storage/, 'text',
        file('src/core/hub.h') => header('hub', 'int  ngx_http_push_hub_n;'));
refuses('a long header', qr/a header of 1\d\d lines/, 'text',
        file('src/core/hub.h') => header('hub', "\n" x 130));
refuses('long functions, all of them', qr/the median function/, 'text',
        file('src/core/hub.c') => "$opening\n\n"
                                  . sprintf $function, "\n" x 40);


# config

my $config = join '', map { "ngx_push_$_=\"\"\n" }
                      qw( core shm redis session http );

refuses('a source that is not built', qr/utf8 is not listed/, 'config',
        config => "${config}ngx_push_codec=\"\n    frame\n\"\n",
        file('src/codec/frame.c') => '', file('src/codec/utf8.c') => '');
refuses('a source that is not there', qr/frame is listed/, 'config',
        config => "${config}ngx_push_codec=\"\n    frame\n\"\n");
refuses('a list that is not sorted', qr/is not sorted/, 'config',
        config => "${config}ngx_push_codec=\"\n    utf8\n    frame\n\"\n",
        file('src/codec/frame.c') => '', file('src/codec/utf8.c') => '');


# directives

my %offer = (
    'ngx_http_push_module.c' => "{ ngx_string(\"push_zone\"),\n",
    'src/http/ngx_http_push_variables.c' => "ngx_string(\"push_channel\")",
    'README' => "push_zone NAME\n\n\$push_channel\n",
    't/zone.t' => "push_zone zone=x:1m; \$push_channel\n",
);

accepts('what is offered, explained and tested is fine', 'directives', %offer);
refuses('a directive without a word in the README', qr/zone is not in the R/,
        'directives', %offer, README => "see push_zone, \$push_channel\n");
refuses('a variable without a word in the README', qr/nel is not in the READ/,
        'directives', %offer, README => "push_zone\n");
refuses('a directive without a test', qr/push_zone is in no test/,
        'directives', %offer, 't/zone.t' => "\$push_channel\n");
refuses('a directive that the README makes up', qr/the module has no push_ex/,
        'directives', %offer, README => "$offer{README}push_extra\n");
refuses('a name of another module', qr/belongs to another module/,
        'directives', %offer,
        'ngx_http_push_module.c' => 'ngx_string("push_subscriber")');


# script

my $lua = "local a\n--8<---\n\n-- why\nlocal b = '\\n\"'\n"
          . "--8<--- pub\n    return b\n--8<---\nlocal c\n";
my $macros = "\n#define NGX_HTTP_PUSH_SCRIPT_SHARED \\\n"
             . "    \"local b = '\\\\n\\\"'\\n\"\n"
             . "\n#define NGX_HTTP_PUSH_SCRIPT_PUB_TEXT \\\n"
             . "    \"return b\\n\"\n\n";
my $script = "/* push.lua { */\n%s/* } push.lua */\n";

my %lua = ('conf-examples/push.lua' => $lua);

accepts('a script that is the library\'s is fine', 'script', %lua,
        file('src/redis/script.c') => sprintf $script, $macros);
refuses('a script that is not the library\'s', qr/not as conf-ex.*local b/,
        'script', %lua, file('src/redis/script.c')
                        => sprintf $script, $macros =~ s/local/LOCAL/r);
refuses('a script that was not taken over', qr/not as conf-ex/,
        'script', %lua, file('src/redis/script.c') => sprintf $script, '');

my $acl = "    user push on >x ~push:*\n        +\@pubsub +hmget\n\n";
my $call = $lua =~ s/return b/redis.call('HMGET', b)/r;

%lua = ('conf-examples/push.lua' => $call,
        file('src/redis/script.c')
        => sprintf $script, $macros =~ s/return b/redis.call('HMGET', b)/r);

accepts('an ACL with all that the script calls is fine', 'script', %lua,
        README => $acl);
refuses('an ACL without what the script calls', qr/README: .* lacks hmget/,
        'script', %lua, README => $acl =~ s/hmget/lrange/r);
refuses('a manual without an ACL', qr/cluster\.conf: .* lacks all rights/,
        'script', %lua, 'conf-examples/cluster.conf' => "# redis\n");


# examples

my $conf = "worker_processes 1;\n\nevents {}\n\nhttp {\n    %s\n}\n";
my $twice = 'server { listen 127.0.0.1:8080; server_name a; } ' x 2;
my %built = ('build/ngx_http_push_module.so' => '');

accepts('an example that nginx accepts is fine', 'examples', %built,
        'conf-examples/a.conf' => sprintf $conf, 'keepalive_timeout 5s;');
refuses('an example that nginx refuses', qr/a\.conf.*unknown directive/s,
        'examples', %built,
        'conf-examples/a.conf' => sprintf $conf, 'keepalive_timeouts 5s;');
refuses('an example that nginx warns of', qr/a\.conf.*conflicting server/s,
        'examples', %built, 'conf-examples/a.conf' => sprintf $conf, $twice);
refuses('no example', qr/0 configurations/, 'examples', %built);

done_testing();
