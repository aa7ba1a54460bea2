#!/usr/bin/env perl

# Copyright (C) the ngx_http_push_module authors
#
# push.js and the demo page in Chromium, with the module.

use strict;
use warnings;

use lib 't/lib';
use TestPush::Node;

TestPush::Node::run(['browser.test.mjs'], needs => ['playwright-core'],
                    chromium => 1);
