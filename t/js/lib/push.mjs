/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * push.js as Node may import it: under a name that says it is a module.
 */

import { copyFileSync, mkdirSync, unlinkSync } from 'node:fs';

const top = new URL('../../../', import.meta.url);
const copy = new URL(`build/js/push-${process.pid}.mjs`, top);

mkdirSync(new URL('build/js', top), { recursive: true });
copyFileSync(new URL('conf-examples/html/push.js', top), copy);

export const { Push } = await import(copy);

unlinkSync(copy);
