# Copyright (C) the ngx_http_push_module authors
#
# The claims of longpoll.t, stream.t and eventsource.t that need a history,
# where Redis is the bus.

use strict;
use warnings;

use lib 't/lib';
use TestPush events => 1;

spec_string(join '', map { blocks_of("t/$_.t") } qw( longpoll stream
                                                     eventsource ));

plan tests => claims();
run_tests();


sub blocks_of {
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!\n";
    my $text = do { local $/; <$in> };

    $text =~ s/\A.*?^__DATA__\n//ms;
    $text =~ s{^--- http_config\n}
              {--- redis\n--- http_config\npush_redis redis://127.0.0.1:\$TEST_REDIS_PORT;\n}mg;
    # others may be subscribed as well: a worker's history asks for a while

    $text =~ s/=> 202\b/=> 201|202/g;

    # whoever has no cursor is here when Redis knows of it

    $text =~ s{^(\S+(?:\ \S+\ \d+)?\ (?:sse|stream|poll)(?:@\d)?\ (?:\S+\ )?
                /events\?channel=(\w+)(?:,(\w+))?)(?!\S*last_event_id)(.*\n)}
              {$1 . $4 . join '', map { "until redis PUBSUB NUMSUB $_ => ~ $_ [1-9]\n" }
                                  grep { defined } $2, $3}xmge;

    return join '', grep { /push_redis/ } split /(?=^=== )/m, $text;
}
