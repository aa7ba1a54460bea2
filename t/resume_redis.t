# Copyright (C) the ngx_http_push_module authors
#
# The claims of resume.t where Redis is the bus.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

spec_string(blocks_of('t/resume.t'));

plan tests => claims();
run_tests();


sub blocks_of {
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!\n";
    my $text = do { local $/; <$in> };

    $text =~ s/\A.*?^__DATA__\n//ms;
    $text =~ s{^--- http_config\n}
              {--- redis\n--- http_config\npush_redis redis://127.0.0.1:\$TEST_REDIS_PORT;\n}mg;
    $text =~ s{^# heard by (\d) workers: (\w+)$}
              {until redis PUBSUB NUMSUB $2 => ~ $2 $1}mg;

    return $text;
}
