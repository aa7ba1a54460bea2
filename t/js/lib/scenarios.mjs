/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * What a client has to get through, whatever it runs in.  make(url, options)
 * gives one: said() is what record() in fakes.mjs has, call(name, ...args)
 * calls a method of its Push.
 */

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { Proxy, Server, pause, publisher, until } from './server.mjs';


// What was said is 1, 2, 3, ... n, and nothing of a gap.

function check_row(said, n) {
  const row = said.filter((line) => /^\d+$/.test(line));
  const wanted = Array.from({ length: n }, (_, i) => String(i + 1));
  const wrong = row.findIndex((line, i) => line !== wanted[i]);

  assert.equal(wrong, -1, `${row[wrong]} after ${row.slice(0, wrong).at(-1)}`);
  assert.equal(row.length, n);
  assert.deepEqual(said.filter((line) => /^(gap|close|del)/.test(line)), []);
}


// Three clients, while something is published all the time.  Who has never
// heard of a channel cannot come back to it, so each hears something before
// anything happens.

async function keeps_receiving(server, make, options, happen) {
  const channel = `row-${Math.random()}`;
  const clients = await Promise.all([1, 2, 3].map(() =>
    make(options.url ?? `${server.origin}/events`,
      { channels: channel, min: 50, ...options.push })));

  await until(async () => {
    await server.publish(channel, 'ready');
    return (await Promise.all(clients.map((client) => client.said())))
      .every((said) => said.includes('ready'));
  }, 'three subscribers');

  const row = publisher(server, channel);
  let n;

  try {
    await happen(clients, channel);
  } finally {
    n = await row.stop();
  }

  for (const client of clients) {
    await until(async () => (await client.said()).includes(String(n)),
      `message ${n}`);
    check_row(await client.said(), n);
  }

  return clients;
}


export function scenarios(make) {
  let server;

  const close_all = [];

  async function client(...args) {
    const c = await make(...args);

    close_all.push(() => c.call('close'));

    return c;
  }

  afterEach(async () => {
    await Promise.all(close_all.splice(0).map((close) => close()));
  });

  test('on shared memory', async (t) => {
    before(async () => { server = await Server.start(); });
    after(() => server.stop());

    await t.test('messages, events, bytes', async () => {
      const c = await client(`${server.origin}/events`,
        { channels: ['a', 'b'] });

      await until(async () => await server.subscribers('b') === 1, 'b');
      await server.publish('a', 'hello', { 'Push-Event': 'tick' });
      await server.publish('b', '{"é":1}', { 'Content-Type':
        'application/json' });
      await server.publish('b', Uint8Array.of(0, 10, 10, 255));
      await until(async () => (await c.said()).length === 4, 'messages');
      assert.deepEqual(await c.said(), ['open websocket', 'hello', '{"é":1}',
        'bytes 0,10,10,255']);
      assert.deepEqual((await c.messages()).map((m) =>
        [m.channel, m.event ?? null, m.contentType ?? null,
          /^[0-9a-f]{16}:\d$/.test(m.id)]),
      [['a', 'tick', 'text/plain;charset=UTF-8', true],
        ['b', null, 'application/json', true], ['b', null, null, true]]);
    });

    await t.test('publishing by the client', async () => {
      const c = await client(`${server.origin}/events`, { channels: 'own' });

      await until(async () => (await c.said()).length === 1, 'open');
      assert.equal(await c.call('publish', 'by frame') ?? null, null);
      await until(async () => (await c.said()).length === 2, 'by frame');

      const answer = await c.call('publish', 'by POST', { event: 'x' });

      assert.deepEqual([answer.channel, answer.offset, answer.subscribers],
        ['own', 2, 1]);
      await until(async () => (await c.said()).length === 3, 'by POST');
      assert.deepEqual((await c.messages()).map((m) => [m.data, m.event ?? '']),
        [['by frame', ''], ['by POST', 'x']]);
    });

    await t.test('who may not come stays away', async () => {
      const c = await client(`${server.origin}/shut`, { channels: 'x' });

      await until(async () => (await c.said()).includes('close 4403'), '4403');
    });

    await t.test('a deleted channel ends it', async () => {
      const c = await client(`${server.origin}/events`, { channels: 'gone' });

      await until(async () => await server.subscribers('gone') === 1, 'open');
      await fetch(`${server.origin}/publish?channel=gone`,
        { method: 'DELETE' });
      await until(async () => (await c.said()).length === 3, 'the end');
      assert.deepEqual(await c.said(),
        ['open websocket', 'deleted gone', 'close 4410']);
    });

    await t.test('the last messages first', async () => {
      for (const text of ['a', 'b', 'c']) {
        await server.publish('past', text);
      }

      const c = await client(`${server.origin}/events`,
        { channels: 'past', lastEventId: '-2' });

      await until(async () => (await c.said()).length === 3, 'two messages');
      await server.publish('past', 'd');
      await until(async () => (await c.said()).length === 4, 'the next');
      assert.deepEqual(await c.said(), ['open websocket', 'b', 'c', 'd']);

      const d = await client(`${server.origin}/events`,
        { channels: 'past', lastEventId: (await c.cursor())
          .map((id) => id.replace(/\d+$/, (n) => n - 1)) });

      await until(async () => (await d.said()).length === 2, 'd');
      assert.deepEqual(await d.said(), ['open websocket', 'd']);
    });

    await t.test('ten reloads', async () => {
      await keeps_receiving(server, client, {}, async (clients, channel) => {
        for (let i = 0; i < 10; i++) {
          await server.reload();
          await until(async () => await server.subscribers(channel) === 3,
            'clients that came back');
        }

        for (const c of clients) {
          assert.equal((await c.said()).filter((line) =>
            /^reconnect 1012/.test(line)).length, 10);
        }
      });
    });

    await t.test('killed workers', async () => {
      await keeps_receiving(server, client, {}, async (clients) => {
        for (const i of [0, 1, 0, 1]) {
          await server.kill_worker(i);
          await pause(500);
        }

        const said = (await Promise.all(clients.map((c) => c.said()))).flat();

        assert.ok(said.some((line) => /^reconnect 1006/.test(line)));
      });
    });
  });

  test('what is no longer kept is a gap', async (t) => {
    const s = await Server.start({ http: 'push_history 3;' });
    const proxy = await Proxy.start(s);

    t.after(async () => { await proxy.stop(); await s.stop(); });

    const c = await client(`${proxy.origin}/events`,
      { channels: 'short', transports: ['websocket'] });

    await until(async () => await s.subscribers('short') === 1, 'open');
    await s.publish('short', '1');
    await until(async () => (await c.said()).includes('1'), 'the first');
    proxy.refuse(/upgrade/);

    for (let i = 2; i <= 30; i++) {
      await s.publish('short', String(i));
    }

    proxy.refuse(/^$/);
    await until(async () => (await c.said()).includes('30'), 'the last');

    const rest = (await c.said()).filter((line) => !/connect|open/.test(line));

    assert.deepEqual(rest.slice(0, 2), ['1', 'gap short']);
    assert.equal(+rest[2], 33 - rest.length);
  });

  test('Redis restarts', async (t) => {
    const s = await Server.start({ redis: true });

    s.expected.push(/redis/);
    t.after(() => s.stop());
    await keeps_receiving(s, client, {}, async () => {
      for (let i = 0; i < 3; i++) {
        await pause(500);
        await s.redis.kill();
        await pause(300);
        await s.redis.start();
        await pause(1500);
      }
    });
  });
}
