/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * push.js against a made-up world: which transport, when it comes back, what
 * it tells.  Needs Node and nothing else.
 */

import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';

import { Clock, fetches, record, settle, sockets } from './lib/fakes.mjs';
import { Push } from './lib/push.mjs';

const HTTP = ['eventsource', 'longpoll', 'stream'];
const TYPES = {
  eventsource: 'text/event-stream',
  stream: 'application/x-ndjson'
};

let clock, made, asked, push, said;


beforeEach(() => {
  clock = new Clock();
});

afterEach(() => {
  push?.close();
  push = undefined;
  clock.restore();
  delete globalThis.sessionStorage;
});


async function start(options = {}) {
  const world = { ...sockets(), ...fetches() };

  ({ made, asked } = world);
  push = new Push('http://push.test/events',
    { channels: 'news', WebSocket: world.WebSocket, fetch: world.fetch,
      ...options });
  said = record(push);
  await settle();
}


// The last_event_id of the newest request or socket.

function cursor() {
  const { searchParams } = (asked.at(-1) ?? made.at(-1)).url;

  return searchParams.getAll('last_event_id');
}


function remember(name) {
  globalThis.sessionStorage = name === undefined ? {} : { push: name };
}


test('the file is smaller than 8 KB', () => {
  const file = new URL('../../conf-examples/html/push.js', import.meta.url);

  assert.ok(statSync(file).size < 8192, `${statSync(file).size} bytes`);
});


test('a WebSocket comes first, with push.meta', async () => {
  await start();
  assert.equal(made.length, 1);
  assert.equal(made[0].url.href, 'ws://push.test/events?channel=news');
  assert.equal(made[0].protocols, 'push.meta');
  assert.equal(push.state, 'connecting');
  assert.equal(push.transport, null);
  made[0].open();
  assert.equal(push.state, 'open');
  assert.equal(push.transport, 'websocket');
  made[0].say('hello');
  assert.deepEqual(said, ['open websocket', 'hello']);
  assert.equal(asked.length, 0);
});


test('the address: query, names, token, cursors', async () => {
  const world = { ...sockets(), ...fetches() };

  push = new Push('https://push.test/events?v=a%20b', {
    channels: ['a b'.replace(' ', ':'), 'b=c', 'é&'],
    parameter: 'c',
    token: async () => 'x.y+z',
    lastEventId: ['-5', 'b=c=E:1'],
    ...world
  });
  await settle();
  assert.equal(world.made[0].url.href, 'wss://push.test/events?v=a%20b'
    + '&c=a%3Ab,b%3Dc,%C3%A9%26&token=x.y%2Bz'
    + '&last_event_id=-5&last_event_id=b%3Dc%3DE%3A1');
});


test('without channels and cursors the address is as it was', async () => {
  const world = sockets();

  push = new Push('http://push.test/mine', world);
  await settle();
  assert.match(world.made[0].url.href, /^ws:\/\/push\.test\/mine\??$/);
});


test('what a message tells', async () => {
  const got = [];

  await start();
  push.addEventListener('message', (e) => got.push(e));
  made[0].open();
  made[0].say('{"a":1}', { id: 'E:12', channel: 'room:1', event: 'tick: tock',
    'content-type': 'application/json' });
  made[0].say('a\n\nb: c\u2028d', { channel: 'é' });
  made[0].say('');

  const [a, b, c] = got;

  assert.deepEqual([a.id, a.channel, a.event, a.data, a.contentType],
    ['E:12', 'room:1', 'tick: tock', '{"a":1}', 'application/json']);
  assert.deepEqual([b.id, b.channel, b.event, b.data, b.contentType],
    [undefined, 'é', undefined, 'a\n\nb: c\u2028d', undefined]);
  assert.equal(c.data, '');
});


test('a binary message is an ArrayBuffer', async () => {
  let got;

  await start();
  push.addEventListener('message', (e) => { got = e; });
  made[0].open();
  assert.equal(made[0].binaryType, 'arraybuffer');
  made[0].say([10, 10, 0, 255], { id: 'E:1', channel: 'é' });
  assert.ok(got.data instanceof ArrayBuffer);
  assert.deepEqual([...new Uint8Array(got.data)], [10, 10, 0, 255]);
  assert.deepEqual([got.id, got.channel], ['E:1', 'é']);
});


test('it comes back with the last id of each channel', async () => {
  await start({ channels: ['a', 'b', 'c'], lastEventId: 'c=C:3' });
  made[0].open();
  made[0].say('1', { channel: 'a', id: 'A:1' });
  made[0].say('1', { channel: 'b', id: 'B:9' });
  made[0].say('2', { channel: 'a', id: 'A:2' });
  assert.deepEqual(push.cursor, ['a=A:2', 'b=B:9', 'c=C:3']);
  made[0].end(1012);
  await clock.pass(500);
  made[1].open();
  assert.deepEqual(cursor(), ['a=A:2', 'b=B:9', 'c=C:3']);
  assert.deepEqual(said,
    ['open websocket', '1', '1', '2', 'reconnect 1012 500', 'open websocket']);
});


test('a message that was shown is not shown again', async () => {
  await start({ channels: ['a', 'b'] });
  made[0].open();
  made[0].say('a9', { channel: 'a', id: 'E:9' });
  made[0].say('a10', { channel: 'a', id: 'E:10' });
  made[0].say('twice', { channel: 'a', id: 'E:10' });
  made[0].say('old', { channel: 'a', id: 'E:9' });
  made[0].say('b1', { channel: 'b', id: 'E:1' });
  made[0].say('new epoch', { channel: 'a', id: 'F:1' });
  made[0].say('no id', { channel: 'a' });
  made[0].say('no id', { channel: 'a' });
  assert.deepEqual(said.slice(1),
    ['a9', 'a10', 'b1', 'new epoch', 'no id', 'no id']);
  assert.deepEqual(push.cursor, ['a=F:1', 'b=E:1']);
});


test('a gap is told, and so is a deleted channel, which is left', async () => {
  await start({ channels: ['a', 'b'] });
  made[0].open();
  made[0].say('', { channel: 'a', event: 'push.gap' });
  made[0].say('x', { channel: 'b', id: 'E:1' });
  made[0].say('', { channel: 'b', event: 'push.deleted' });
  assert.deepEqual(said.slice(1), ['gap a', 'x', 'deleted b']);
  assert.deepEqual(push.channels, ['a']);
  made[0].say('y', { channel: 'a', id: 'E:1' });
  made[0].end(1012);
  await clock.pass(500);
  assert.equal(made[1].url.search, '?channel=a&last_event_id=a%3DE%3A1');
});


test('without an id it says itself that something may be missing', async () => {
  await start({ channels: ['a', 'b'] });
  made[0].open();
  made[0].say('x', { channel: 'a', id: 'E:1' });
  made[0].end(1006);
  await clock.pass(1000);
  made[1].open();
  assert.deepEqual(said.filter((line) => /^gap/.test(line)), ['gap b']);
});


for (const code of [1002, 1003, 1007, 1009, 4401, 4403, 4409, 4410, 1000]) {
  test(`after ${code} it does not come back`, async () => {
    await start();
    made[0].open();
    made[0].end(code, 'why');
    await clock.pass(1e6);
    assert.deepEqual(said, ['open websocket', `close ${code}`]);
    assert.equal(push.state, 'closed');
    assert.deepEqual([made.length, asked.length], [1, 0]);
  });
}


for (const code of [1001, 1005, 1006, 1012, 4408]) {
  test(`after ${code} it comes back soon`, async () => {
    await start();
    made[0].open();
    await clock.pass(6000);
    made[0].end(code);
    await clock.pass(1000);
    assert.equal(made.length, 2);
    assert.equal(made[1].url.pathname, '/events');
  });
}


for (const code of [1008, 1011, 1013]) {
  test(`after ${code} it comes back later`, async () => {
    await start();
    clock.chance = 0;
    made[0].open();
    made[0].end(code);
    await clock.pass(4999);
    assert.equal(made.length, 1);
    await clock.pass(1);
    assert.equal(made.length, 2);
  });
}


test('pauses double, up to the longest, and are by chance', async () => {
  await start({ transports: ['websocket'], max: 4000 });

  for (const chance of [1, 1, 1, 1, .5, 0]) {
    clock.chance = chance;
    made.at(-1).refuse();
    await clock.pass(4000);
  }

  assert.deepEqual(said, [1000, 2000, 4000, 4000, 2000, 0]
    .map((ms) => `reconnect 1006 ${ms}`));
  assert.equal(made.length, 7);
});


test('a connection that lasted makes pauses short again', async () => {
  await start({ transports: ['websocket'] });

  for (let i = 0; i < 5; i++) {
    made.at(-1).refuse();
    await clock.pass(30000);
  }

  made.at(-1).open();
  await clock.pass(5001);
  made.at(-1).end(1006);
  assert.equal(said.at(-1), 'reconnect 1006 500');
});


test('one that is cut as soon as it is open does not', async () => {
  await start({ transports: ['websocket'] });

  for (let i = 0; i < 3; i++) {
    made.at(-1).open();
    made.at(-1).end(1006);
    await clock.pass(4000);
  }

  assert.deepEqual(said.filter((line) => /reconnect/.test(line)),
    [1000, 2000, 4000].map((ms) => `reconnect 1006 ${ms}`));
});


test('what cannot be had is followed by the next at once', async () => {
  await start();
  made[0].refuse();
  await clock.pass(0);
  assert.equal(asked[0].accept, 'text/event-stream');
  asked[0].answer(426);
  await clock.pass(0);
  assert.equal(asked[1].accept, 'application/json');
  asked[1].answer(405);
  await clock.pass(0);
  assert.equal(asked[2].accept, 'application/x-ndjson');
  asked[2].fail();
  await clock.pass(0);
  assert.deepEqual([made.length, asked.length], [1, 3]);
  assert.match(said.at(-1), /^reconnect 1006 [1-9]/);
  await clock.pass(30000);
  assert.equal(made.length, 2);
});


test('a handshake that hangs is given up', async () => {
  await start();
  await clock.pass(10000);
  assert.ok(made[0].closed);
  assert.equal(asked[0].accept, 'text/event-stream');
  await clock.pass(10000);
  assert.ok(asked[0].aborted);
  assert.equal(asked[1].accept, 'application/json');
});


test('where there is no WebSocket the next is taken', async () => {
  const { asked, fetch } = fetches();

  push = new Push('http://push.test/events', { fetch, WebSocket: null,
    transports: ['websocket', 'longpoll'] });

  const WebSocket = globalThis.WebSocket;

  delete globalThis.WebSocket;
  await clock.pass(0);
  globalThis.WebSocket = WebSocket;
  assert.equal(asked[0].accept, 'application/json');
});


test('one that worked is tried three times before the next', async () => {
  await start();
  made[0].open();
  await clock.pass(6000);
  made[0].end(1006);
  await clock.pass(500);
  made[1].refuse();
  await clock.pass(1000);
  made[2].refuse();
  await clock.pass(2000);
  assert.equal(asked.length, 0);
  made[3].refuse();
  await clock.pass(0);
  assert.equal(asked[0].accept, 'text/event-stream');
});


test('what worked is remembered', async () => {
  remember();
  await start({ transports: ['websocket', ...HTTP] });
  made[0].refuse();
  await clock.pass(0);
  asked[0].answer(406);
  await clock.pass(0);
  asked[1].answer(204);
  await settle();
  assert.equal(globalThis.sessionStorage.push, 'longpoll');
  push.close();
  await start();
  assert.deepEqual([made.length, asked.length], [0, 1]);
  assert.equal(asked[0].accept, 'application/json');

  // ... and the others are still there
  asked[0].answer(405);
  await clock.pass(0);
  assert.equal(made.length, 1);
});


test('a memory of what is not wanted, or none, does no harm', async () => {
  remember('carrier pigeon');
  await start();
  assert.equal(made.length, 1);
  push.close();
  Object.defineProperty(globalThis, 'sessionStorage', { configurable: true,
    get() { throw new DOMException('no', 'SecurityError'); } });
  await start();
  made[0].open();
  assert.equal(push.state, 'open');
});


for (const [status, line] of Object.entries({
  400: 'close 4400', 401: 'close 4401', 403: 'close 4403', 404: 'close 4404',
  429: 'reconnect 4429 7000', 503: 'reconnect 4503 7000'
})) {
  test(`HTTP's ${status}: ${line}`, async () => {
    await start({ transports: ['longpoll'] });
    asked[0].answer(+status, { 'Retry-After': '6' });
    await settle();
    assert.deepEqual(said, [line]);
  });
}


test('an absurd Retry-After is none, or an hour', async () => {
  await start({ transports: ['longpoll'] });
  asked[0].answer(503, { 'Retry-After': 'Wed, 21 Oct 2015 07:28:00 GMT' });
  await clock.pass(6000);
  assert.equal(said.at(-1), 'reconnect 4503 6000');
  asked[1].answer(503, { 'Retry-After': '99999999' });
  await settle();
  assert.equal(said.at(-1), 'reconnect 4503 3602000');
});


test('a token that has run out is asked for again', async () => {
  let n = 0;

  await start({ token: () => `t${++n}` });
  assert.equal(made[0].url.searchParams.get('token'), 't1');
  made[0].open();
  await clock.pass(6000);
  made[0].end(4401);
  await clock.pass(1000);
  assert.equal(made[1].url.searchParams.get('token'), 't2');
});


test('a token that is a text is not', async () => {
  await start({ token: 't' });
  made[0].open();
  made[0].end(4401);
  await clock.pass(1e6);
  assert.deepEqual(said, ['open websocket', 'close 4401']);
});


test('close() while the token is awaited opens nothing', async () => {
  let give;

  await start({ token: () => new Promise((done) => { give = done; }) });
  push.close();
  give('late');
  await clock.pass(1e6);
  assert.deepEqual([made.length, asked.length], [0, 0]);
});


test('an event stream', async () => {
  await start({ transports: HTTP });
  assert.equal(asked[0].init.cache, 'no-store');

  const stream = asked[0].stream('text/event-stream; charset=utf-8');

  await settle();
  assert.deepEqual(said, []);
  stream.say(':ok\n\n');
  await settle();
  assert.deepEqual(said, ['open eventsource']);

  const got = [];

  push.addEventListener('message', (e) => got.push(e));
  stream.say('retry: 3000\n\nid: E:4\n\n');
  stream.say('id: E:5\nevent: tick\ndata: one\ndata:\ndata:  two\n');
  stream.say('\ndata: no id: here\u2028\n\n:\n\nid: E:6\nevent: push.binary\n'
    + 'data: AAH/\n\n');
  stream.raw(Uint8Array.of(...Buffer.from('data: ä\n\n').subarray(0, 7)));
  stream.raw(Uint8Array.of(...Buffer.from('data: ä\n\n').subarray(7)));
  stream.say('id: E:6\ndata: again\n\n');
  stream.say('event: push.gap\ndata: news\n\n');
  await settle();
  assert.deepEqual(got.map((e) => [e.id, e.event, e.channel]),
    [['E:5', 'tick', 'news'], [undefined, undefined, 'news'],
      ['E:6', undefined, 'news'], [undefined, undefined, 'news']]);
  assert.deepEqual([got[0].data, got[1].data, got[3].data],
    ['one\n\n two', 'no id: here\u2028', 'ä']);
  assert.deepEqual([...new Uint8Array(got[2].data)], [0, 1, 255]);
  assert.equal(said.at(-1), 'gap news');
  assert.deepEqual(push.cursor, ['news=E:6']);
});


test('the position of an event stream counts before its messages', async () => {
  await start({ transports: HTTP });

  const stream = asked[0].stream('text/event-stream');

  stream.say(':ok\n\nretry: 2000\nid: E:4\n\n');
  await settle();
  stream.end();
  await clock.pass(2499);
  assert.equal(asked.length, 1);
  await clock.pass(1);
  assert.equal(asked.length, 2);
  assert.deepEqual(cursor(), ['news=E:4']);
  asked[1].stream('text/event-stream').say(':ok\n\n');
  await settle();
  assert.deepEqual(said,
    ['open eventsource', 'reconnect 1012 2500', 'open eventsource']);
});


test('its last retry holds, also when it is cut', async () => {
  await start({ transports: HTTP });

  const stream = asked[0].stream('text/event-stream');

  stream.say('retry: 2000\n\n');
  await clock.pass(6000);
  stream.say('retry: 7000\n\n');
  await settle();
  stream.fail();
  await settle();
  assert.equal(said.at(-1), 'reconnect 1006 7500');
});


test('the cursor of several channels is given back as it came', async () => {
  await start({ transports: HTTP, channels: ['a', 'b'], lastEventId: '-3' });

  const stream = asked[0].stream('text/event-stream');

  stream.say(':ok\n\nid: 0000000a.A:1,0000000b.B:2\n\n');
  stream.say('id: 0000000a.A:2,0000000b.B:2\ndata: x\n\n');
  await settle();
  assert.deepEqual(said, ['open eventsource', 'x']);
  stream.end();
  await clock.pass(500);
  assert.deepEqual(cursor(), ['0000000a.A:2,0000000b.B:2']);
});


test('a stream whose last channel was deleted is over', async () => {
  await start({ transports: HTTP });

  const stream = asked[0].stream('text/event-stream');

  stream.say('event: push.deleted\ndata: news\n\n');
  stream.end();
  await clock.pass(1e6);
  assert.deepEqual(said, ['open eventsource', 'deleted news', 'close 4410']);
  assert.equal(asked.length, 1);
});


test('a stream of JSON', async () => {
  await start({ transports: ['stream'], channels: ['a', 'b'] });

  const got = [];

  push.addEventListener('message', (e) => got.push(e));

  const stream = asked[0].stream('application/x-ndjson');

  stream.say('\n{"id":"A:1","channel":"a","event":"tick","data":"x\\ny",');
  stream.say('"content_type":"text/plain"}\n\n{"channel":"b","base64":"/w=="}'
    + '\n{"id":"A:1","channel":"a","data":"again"}\n'
    + '{"channel":"b","event":"push.gap"}\n'
    + '{"channel":"b","event":"push.deleted"}\n');
  await settle();
  assert.deepEqual([got[0].id, got[0].channel, got[0].event, got[0].data,
    got[0].contentType], ['A:1', 'a', 'tick', 'x\ny', 'text/plain']);
  assert.deepEqual([...new Uint8Array(got[1].data)], [255]);
  assert.equal(got.length, 2);
  assert.deepEqual(said.slice(-2), ['gap b', 'deleted b']);
  assert.deepEqual(push.channels, ['a']);
});


test('a stream that says nothing for long is dead', async () => {
  await start({ transports: ['stream'] });

  const stream = asked[0].stream('application/x-ndjson');

  stream.say('\n');
  await clock.pass(80000);
  stream.say('\n');
  await clock.pass(89999);
  assert.ok(!asked[0].aborted);
  await clock.pass(1);
  assert.ok(asked[0].aborted);
  assert.match(said.at(-1), /^reconnect 1006/);
});


test('a WebSocket may be silent', async () => {
  await start();
  made[0].open();
  await clock.pass(1e7);
  assert.deepEqual(said, ['open websocket']);
});


test('polls follow each other with the cursor', async () => {
  await start({ transports: ['longpoll'] });
  asked[0].answer(200, { 'Content-Type': 'application/json', ETag: '"E:2"' },
    '[{"id":"E:1","channel":"news","data":"a"},'
    + '{"id":"E:2","channel":"news","data":"b"}]');
  await settle();
  assert.deepEqual(said, ['open longpoll', 'a', 'b']);
  assert.equal(asked.length, 2);
  assert.deepEqual(cursor(), ['news=E:2']);
  asked[1].answer(204, { ETag: 'W/"E:2"' });
  await settle();
  assert.equal(asked.length, 2, 'an empty answer is no reason to hurry');
  await clock.pass(500);
  assert.equal(asked.length, 3);
  asked[2].answer(200, { 'Content-Type': 'application/json', ETag: '"E:3"' },
    '[{"id":"E:2","channel":"news","data":"b"},'
    + '{"id":"E:3","channel":"news","data":"c"}]');
  await settle();
  assert.deepEqual(said, ['open longpoll', 'a', 'b', 'c']);
});


test('the cursor of an empty answer counts', async () => {
  await start({ transports: ['longpoll'], channels: ['a', 'b'] });
  asked[0].answer(204, { ETag: '"0000000a.A:1,0000000b.B:2"' });
  await clock.pass(500);
  assert.deepEqual(cursor(), ['0000000a.A:1,0000000b.B:2']);
});


test('a poll that is not refused at once is open', async () => {
  await start({ transports: ['longpoll'] });
  await clock.pass(999);
  assert.deepEqual(said, []);
  await clock.pass(1);
  assert.deepEqual(said, ['open longpoll']);
  await clock.pass(60000);
  assert.equal(asked.length, 1);
  await clock.pass(30000);
  assert.ok(asked[0].aborted);
});


test('a stream that says nothing yet, too', async () => {
  await start({ transports: ['stream'] });
  asked[0].stream('application/x-ndjson');
  await clock.pass(1000);
  assert.deepEqual(said, ['open stream']);
});


test('an answer that is none of ours is no message', async () => {
  await start({ transports: ['longpoll', 'stream'] });
  asked[0].answer(200, { 'Content-Type': 'text/html' }, '<p>Log in</p>');
  await clock.pass(0);
  assert.deepEqual(said, ['reconnect 1006 0']);
  assert.equal(asked[1].accept, 'application/x-ndjson');
});


test('the server may choose another transport', async () => {
  await start({ transports: ['stream'] });
  asked[0].stream('text/event-stream').say('data: x\n\n');
  await settle();
  assert.deepEqual(said, ['open eventsource', 'x']);
});


test('a change of transport keeps the cursor', async () => {
  await start();
  made[0].open();
  made[0].say('a', { id: 'E:1' });
  await clock.pass(6000);
  made[0].end(1006);
  await clock.pass(500);

  for (const ms of [1000, 2000, 0]) {
    made.at(-1).refuse();
    await clock.pass(ms);
  }

  assert.deepEqual(cursor(), ['news=E:1']);

  const stream = asked[0].stream('text/event-stream');

  stream.say(':ok\n\nid: E:1\n\nid: E:2\ndata: b\n\n');
  await clock.pass(6000);
  stream.fail();

  for (const ms of [500, 1000, 2000, 0]) {
    await clock.pass(ms);
    asked.at(-1).fail();
  }

  await clock.pass(0);
  assert.deepEqual(cursor(), ['news=E:2']);
  assert.deepEqual(said.filter((line) => !/reconnect/.test(line)),
    ['open websocket', 'a', 'open eventsource', 'b']);
});


test('publishing by WebSocket', async () => {
  await start();
  made[0].open();
  await push.publish('hello');
  await push.publish('you', { channel: 'news' });
  assert.deepEqual(made[0].sent, ['hello', 'you']);
  assert.equal(asked.length, 0);
});


for (const [why, options, more] of [
  ['an event', {}, { event: 'tick' }],
  ['another channel', {}, { channel: 'sport' }],
  ['one of several channels', { channels: ['news', 'sport'] },
    { channel: 'sport' }]
]) {
  test(`publishing by POST: ${why}`, async () => {
    await start({ ...options, credentials: 'include' });
    made[0].open();
    made[0].say('x', { id: 'E:1' });

    const done = push.publish('hello', more);

    await settle();
    assert.equal(made[0].sent.length, 0);

    const { init, url, answer } = asked[0];

    assert.equal(url.href,
      `http://push.test/events?channel=${more.channel ?? 'news'}`);
    assert.equal(init.method, 'POST');
    assert.equal(init.credentials, 'include');
    assert.equal(init.body, 'hello');
    assert.equal(init.headers?.['Push-Event'], more.event);
    answer(201, {}, '{"channel":"news","subscribers":1}');
    assert.deepEqual(await done, { channel: 'news', subscribers: 1 });
  });
}


test('publishing while there is no connection, and a refusal', async () => {
  await start();

  const done = push.publish('hello');

  await settle();
  asked[0].answer(403, {}, '{"error":"no"}');
  await assert.rejects(done, (e) => e.message === '{"error":"no"}'
    && e.cause.status === 403);
});


test('a loop gets every message, and ends', async () => {
  const got = [];

  await start();

  const loop = (async () => {
    for await (const { data } of push) {
      got.push(data);
      await settle();
    }
  })();

  made[0].open();
  made[0].say('a');
  made[0].say('b');
  made[0].say('', { event: 'push.gap' });
  await settle();
  made[0].end(1012);
  await clock.pass(500);
  made[1].open();
  made[1].say('c');
  made[1].end(4403);
  await loop;
  assert.deepEqual(got, ['a', 'b', 'c']);

  for await (const e of push) {
    assert.fail(`after the end: ${e.data}`);
  }
});


test('two loops, and one that is left', async () => {
  const got = [];

  await start();
  made[0].open();

  const one = (async () => {
    for await (const { data } of push) {
      got.push(`one ${data}`);
      break;
    }
  })();
  const two = (async () => {
    for await (const { data } of push) {
      got.push(`two ${data}`);
    }
  })();

  await settle();
  made[0].say('a');
  made[0].say('b');
  await one;
  push.close();
  await two;
  assert.deepEqual(got.sort(), ['one a', 'two a', 'two b']);
});


test('close() ends it at any time, once', async () => {
  await start();
  push.close();
  push.close();
  assert.ok(made[0].closed);
  made[0].end(1006);
  assert.deepEqual(said, ['close 1000']);
  await start();
  made[0].open();
  made[0].end(1012);
  push.close();
  await clock.pass(1e6);
  assert.equal(made.length, 1);
  assert.equal(clock.timers.size, 0);
  await start({ transports: ['stream'] });

  const stream = asked[0].stream('application/x-ndjson');

  push.addEventListener('message', () => push.close());
  stream.say('{"data":"a"}\n{"data":"b"}\n');
  await settle();
  assert.deepEqual(said, ['open stream', 'a', 'close 1000']);
  assert.ok(asked[0].aborted);
  assert.equal(clock.timers.size, 0);
});


test('a script tag has it, too', () => {
  assert.equal(globalThis.Push, Push);
});
