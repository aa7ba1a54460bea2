/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * push.js in Node, with npm's "ws", and the module.
 */

import { createRequire } from 'node:module';

import { record } from './lib/fakes.mjs';
import { Push } from './lib/push.mjs';
import { scenarios } from './lib/scenarios.mjs';

const require = createRequire(new URL('../../build/js/', import.meta.url));
const WebSocket = require('ws');


scenarios(async (url, options) => {
  const push = new Push(url, { WebSocket, ...options });
  const said = record(push);
  const messages = [];

  push.addEventListener('message', (m) => messages.push(m));

  return {
    said: async () => said,
    messages: async () => messages,
    cursor: async () => push.cursor,
    call: async (name, ...args) => push[name](...args)
  };
});
