#!/usr/bin/env perl

# Copyright (C) the ngx_http_push_module authors
#
# push.js in Node: in a made-up world, and with the module.

use strict;
use warnings;

use lib 't/lib';
use TestPush::Node;

TestPush::Node::run(['push.test.mjs', 'node.test.mjs'], needs => ['ws']);
