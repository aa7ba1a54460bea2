/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Debian's Chromium without a window.
 */

import { createRequire } from 'node:module';

const require = createRequire(new URL('../../../build/js/', import.meta.url));

export function launch() {
  return require('playwright-core').chromium.launch({
    executablePath: process.env.PUSH_CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage']
  });
}
