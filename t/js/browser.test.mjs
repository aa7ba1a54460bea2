/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * push.js in Chromium, and the module.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch } from './lib/chromium.mjs';
import { record } from './lib/fakes.mjs';
import { scenarios } from './lib/scenarios.mjs';
import { Proxy, Server, until } from './lib/server.mjs';

let browser;

before(async () => { browser = await launch(); });
after(() => browser.close());


// A page of that origin that runs no script of its own.

async function blank(origin) {
  const page = await browser.newPage();

  page.errors = [];
  page.on('pageerror', (e) => page.errors.push(e.message));
  await page.goto(`${origin}/bare/demo.css`);

  return page;
}


scenarios(async (url, options) => {
  const page = await blank(new URL(url).origin);

  await page.evaluate(async ([url, options, record]) => {
    const { Push } = await import('/push.js');
    const push = globalThis.push = new Push(url, options);

    globalThis.said = (0, eval)(`(${record})`)(push);
    globalThis.messages = [];
    push.addEventListener('message', (m) => {
      const { id, channel, event, contentType, data } = m;

      globalThis.messages.push({ id, channel, event, contentType, data });
    });
  }, [url, options, String(record)]);

  return {
    said: () => page.evaluate('said'),
    messages: () => page.evaluate('messages'),
    cursor: () => page.evaluate('push.cursor'),
    call: async (name, ...args) => {
      const value = await page.evaluate(([name, args]) =>
        globalThis.push[name](...args), [name, args]);

      if (name === 'close') {
        await page.close();
      }

      return value;
    }
  };
});


test('in other places than a module of a page', async (t) => {
  let server;

  before(async () => { server = await Server.start(); });
  after(() => server.stop());

  await t.test('a script tag', async () => {
    const page = await blank(server.origin);

    await page.setContent('<script type=module src=/push.js></script>');
    await page.waitForFunction('globalThis.Push');
    await page.evaluate(`new Promise((done) => {
      new Push('/events', { channels: 'tag' }).addEventListener('open', done);
    })`);
    assert.equal(await server.subscribers('tag'), 1);
    await page.close();
  });

  await t.test('a worker', async () => {
    const page = await blank(server.origin);

    await page.evaluate(() => {
      const code = `
        const { Push } = await import('${location.origin}/push.js');
        const push = new Push('${location.origin}/events',
          { channels: 'worker' });
        push.addEventListener('open', () => postMessage('open'));
        push.addEventListener('message', (m) => postMessage(m.data));
      `;
      const url = URL.createObjectURL(new Blob([code],
        { type: 'text/javascript' }));

      globalThis.got = [];
      new Worker(url, { type: 'module' }).onmessage =
        (e) => globalThis.got.push(e.data);
    });
    await page.waitForFunction('got.length === 1');
    await server.publish('worker', 'hello');
    await page.waitForFunction('got.length === 2');
    assert.deepEqual(await page.evaluate('got'), ['open', 'hello']);
    await page.close();
  });

  await t.test('what worked is first on the next page of the tab', async () => {
    const page = await blank(server.origin);

    await page.evaluate(`import('/push.js').then(({ Push }) =>
      new Promise((done) => {
        new Push('/events', { channels: 'x' }).addEventListener('open', done);
      }))`);
    assert.equal(await page.evaluate('sessionStorage.push'), 'websocket');
    await page.close();
  });

  await t.test('a listener that throws stops nothing', async () => {
    const page = await blank(server.origin);

    await page.evaluate(`import('/push.js').then(({ Push }) => {
      globalThis.got = [];
      const push = new Push('/events', { channels: 'throw' });
      push.addEventListener('message', (m) => { throw Error(m.data); });
      push.addEventListener('message', (m) => got.push(m.data));
    })`);
    await until(async () => await server.subscribers('throw') === 1, 'open');
    await server.publish('throw', 'a');
    await server.publish('throw', 'b');
    await page.waitForFunction('got.length === 2');
    assert.deepEqual(page.errors, ['a', 'b']);
    await page.close();
  });
});


test('the demo page', async (t) => {
  let server, page, troubles;

  const text = (id) => page.locator(`#${id}`).textContent();
  const state = (wanted) => until(async () =>
    wanted.test(await text('state')), `state ${wanted}`);
  const shown = () => page.locator('#messages pre').allTextContents();

  // to be looked at: PUSH_JS_PICTURES=FOLDER
  async function picture(name) {
    const folder = process.env.PUSH_JS_PICTURES;

    if (folder) {
      await page.waitForTimeout(1600);
      await page.screenshot({ path: `${folder}/${name}.png` });
    }
  }

  before(async () => {
    server = await Server.start({ http: 'push_history 50;' });
    page = await browser.newPage({ viewport: { width: 1100, height: 760 } });
    troubles = [];
    page.on('pageerror', (e) => troubles.push(e.message));
    page.on('console', (m) => ['error', 'warning'].includes(m.type())
      && troubles.push(m.text()));
    await page.goto(`${server.origin}/index.html?channel=lobby`);
  });
  after(() => server.stop());

  await t.test('connects and tells how', async () => {
    await state(/^connected by websocket$/);
    await until(async () => await text('subscribers') === '1'
      && await text('connections') === '1' && await text('workers') === '2',
    'figures');
  });

  await t.test('publishes, and shows it as text', async () => {
    await page.fill('#body', 'hello <b>world</b>');
    await page.keyboard.press('Control+Enter');
    await until(async () => (await shown()).length === 1, 'hello');
    assert.deepEqual(await shown(), ['hello <b>world</b>']);
    assert.match(await text('answer'), /^201 .*"subscribers":1/);
    await server.publish('lobby', Uint8Array.of(222, 173, 255),
      { 'Push-Event': 'bytes' });
    await until(async () => (await shown()).length === 2, 'bytes');
    assert.equal((await shown())[0], 'de ad ff');
    assert.match(await page.locator('#messages .meta').first().textContent(),
      /bytes.*3 bytes, binary.*:2$/);
    await picture('light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await picture('dark');
    await page.emulateMedia({ colorScheme: 'light' });
  });

  await t.test('another channel has its own past', async () => {
    for (let i = 1; i <= 30; i++) {
      await server.publish('chat', `m${i}`);
    }

    await page.fill('#channel', 'chat');
    await page.click('#join button');
    await until(async () => (await shown()).length === 20, 'the past');
    assert.deepEqual((await shown()).slice(-1), ['m11']);
    assert.match(page.url(), /\?channel=chat$/);
    assert.equal(await page.title(), 'chat · ngx_http_push_module');
  });

  await t.test('comes back after a reload with what it missed', async () => {
    await server.reload();
    await server.publish('chat', 'after');
    await until(async () => (await shown())[0] === 'after', 'after');
    assert.equal((await shown()).length, 21);
    await state(/^connected by websocket$/);
    assert.deepEqual(troubles, []);
  });

  await t.test('tells of a gap, and of the end', async () => {
    const proxy = await Proxy.start(server);

    t.after(() => proxy.stop());
    await page.goto(`${proxy.origin}/index.html?channel=chat`
      + '&transport=websocket');
    await state(/^connected/);
    proxy.refuse(/^upgrade/);
    await state(/^1006 lost, or refused, again in \d+\.\d s$/);

    for (let i = 1; i <= 60; i++) {
      await server.publish('chat', `missed ${i}`);
    }

    proxy.refuse(/^$/);
    await state(/^connected/);
    await until(async () => (await shown())[0] === 'missed 60', 'the rest');
    assert.ok((await shown()).includes('Messages may be missing here.'));
    await fetch(`${server.origin}/publish?channel=chat`,
      { method: 'DELETE' });
    await state(/^4410 /);
    await until(async () => (await shown())[0] === 'The channel was deleted.',
      'the notice');
    await page.locator('#messages .notice').last().scrollIntoViewIfNeeded();
    await picture('gap');
    await page.fill('#channel', 'a,b');
    await page.selectOption('#transport', '');
    await state(/^4400 bad name of a channel$/);
    await page.setViewportSize({ width: 390, height: 844 });
    await picture('phone');
  });

  await page.close();
});
