# Copyright (C) the ngx_http_push_module authors
#
# Which pages may come: push_origin.

use strict;
use warnings;

use lib 't/lib';
use TestPush;

plan tests => claims();
run_tests();

__DATA__

=== a request without Origin passes
--- ws
a connect /ws?channel=news
http POST /pub?channel=news hello => 201
a recv hello
http GET /push => 200


=== by default only the site's own pages may connect
--- ws
a connect /ws?channel=news [Origin: http://127.0.0.1:$port]
b connect /ws?channel=news [Host: example.com | Origin: http://example.com]
for o in http://127.0.0.1 http://127.0.0.1:1 http://localhost:$port http://example.com https://127.0.0.1 http://127.0.0.1.example.com:$port http://127.0.0.1:$port.example.com http://example.com/127.0.0.1:$port {
c refused 403 /ws?channel=news [Origin: $o] => [Content-Type: application/json] .error exists
}


=== the scheme is not compared, and the ports 80 and 443 are dropped
--- ws
for o in http://example.com https://example.com http://example.com:80 https://example.com:443 HTTP://EXAMPLE.com {
a connect /ws?channel=news [Host: example.com | Origin: $o]
b connect /ws?channel=news [Host: example.com:80 | Origin: $o]
c connect /ws?channel=news [Host: Example.COM:443 | Origin: $o]
}
a refused 403 /ws?channel=news [Host: example.com | Origin: http://example.com:8080]
a refused 403 /ws?channel=news [Host: example.com:8080 | Origin: http://example.com]
a refused 403 /ws?channel=news [Host: example.com:8080 | Origin: http://example.com:8081]
b connect /ws?channel=news [Host: example.com:8080 | Origin: http://example.com:8080]
c connect /ws?channel=news [Host: [::1]:8080 | Origin: http://[::1]:8080]


=== an opaque, empty or broken Origin is never the same
--- ws
a refused 403 /ws?channel=news [Origin: null]
a refused 403 /ws?channel=news [Host: null | Origin: null]
a refused 403 /ws?channel=news [Host: example.com | Origin: example.com]
a refused 403 /ws?channel=news [Host: example.com | Origin: http://]
a refused 403 /ws?channel=news [Host: example.com | Origin: http://user@example.com]
a refused 403 /ws?channel=news [Host: example.com | Origin: http://example.com.]
a refused 403 /ws?channel=news [Host: example.com | Origin: http://example.comx]
a refused 403 /ws?channel=news [Host: example.com | Origin: http://xexample.com]
a refused 403 /ws?channel=news [Host: example.com | Origin: http://example.com http://evil.com]
a refused 403 /ws?channel=news [Host: example.com | Origin: http://example.com | Origin: http://evil.com]
a refused 403 /ws?channel=news [Host: example.com | Origin: http://evil.com | Origin: http://example.com]


=== publishers and the status are held to it, too
--- ws
http POST /pub?channel=news [Origin: http://evil.com] hello => 403 [Content-Type: application/json] .error exists
http GET /pub?channel=news [Origin: http://evil.com] => 403 .error exists
http DELETE /pub?channel=news [Origin: http://evil.com] => 403 .error exists
http GET /push [Origin: http://evil.com] => 403
http POST /pub?channel=news [Origin: http://127.0.0.1:$port] hello => 202
http GET /push [Origin: http://127.0.0.1:$port] => 200


=== push_origin any lets everybody come
--- with
push_origin any;
--- ws
a connect /ws?channel=news [Origin: http://evil.com]
b connect /ws?channel=news [Origin: null]
http POST /pub?channel=news [Origin: http://evil.com] hello => 201
a recv hello
b recv hello


=== patterns say who may come: * stops at a colon, ** does not
--- with
push_origin https://*.example.com http://localhost:** https://example.org;
--- ws
for o in https://a.example.com https://a.b.example.com http://localhost:1 http://localhost:8080 https://example.org {
a connect /ws?channel=news [Origin: $o]
}
for o in http://a.example.com https://example.com https://a.example.com:8443 https://a.example.com.evil.com http://localhost https://example.org:443x https://xexample.org null {
b refused 403 /ws?channel=news [Origin: $o]
}


=== with patterns only what they match passes, not the site itself
--- with
push_origin https://example.org;
--- ws
a refused 403 /ws?channel=news [Origin: http://127.0.0.1:$port]
b connect /ws?channel=news [Origin: https://example.org]


=== a variable in a pattern matches its value, literally
--- with
push_origin https://$arg_site;
--- ws
a connect /ws?channel=news&site=shop.example.com [Origin: https://shop.example.com]
b refused 403 /ws?channel=news&site=shop.example.com [Origin: https://blog.example.com]
# a star from outside is a star, not a pattern
c refused 403 /ws?channel=news&site=*.example.com [Origin: https://shop.example.com]
c refused 403 /ws?channel=news&site=** [Origin: https://shop.example.com]
# an empty value matches nothing
d refused 403 /ws?channel=news&site= [Origin: https://]
d refused 403 /ws?channel=news [Origin: https://]


=== the inner setting wins
--- http_config
push_origin any;
--- config
location /any  { push_channel $arg_channel; }
location /same { push_channel $arg_channel; push_origin same; }
location /pat  { push_channel $arg_channel; push_origin https://example.org; }
--- ws
a connect /any?channel=news [Origin: http://evil.com]
b refused 403 /same?channel=news [Origin: http://evil.com]
c refused 403 /pat?channel=news [Origin: http://evil.com]
d connect /pat?channel=news [Origin: https://example.org]


=== a refused origin is told in the log, at info, escaped and cut
--- ws
a refused 403 /ws?channel=news [Origin: http://{e*200}.com]
wait_log \[info\].*origin
no_log \[(?:warn|error)\]
no_log e{100}.*while
