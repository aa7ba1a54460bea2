/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * A world for push.js in which nothing happens by itself: the clock, chance,
 * WebSockets and fetch do what a test says.
 */

// Lets everything happen that needs no time.

export async function settle() {
  for (let i = 0; i < 5; i++) {
    await new Promise((done) => { setImmediate(done); });
  }
}


// Time and chance; chance is 1 (the longest pause) unless a test says else.

export class Clock {
  now = 1e9;
  chance = 1;
  timers = new Map();
  #last = 0;
  #real = { setTimeout, clearTimeout, now: Date.now, random: Math.random };

  constructor() {
    globalThis.setTimeout = (call, ms = 0, ...args) => {
      this.timers.set(++this.#last,
        { at: this.now + ms, call: () => call(...args) });
      return this.#last;
    };
    globalThis.clearTimeout = (id) => { this.timers.delete(id); };
    Date.now = () => this.now;
    Math.random = () => this.chance;
  }

  restore() {
    const { now, random, ...timers } = this.#real;

    Object.assign(globalThis, timers);
    Date.now = now;
    Math.random = random;
  }

  async pass(ms) {
    const end = this.now + ms;

    for (;;) {
      await settle();

      const due = [...this.timers].filter(([, t]) => t.at <= end)
        .sort(([, a], [, b]) => a.at - b.at)[0];

      if (!due) {
        break;
      }

      this.timers.delete(due[0]);
      this.now = Math.max(this.now, due[1].at);
      due[1].call();
    }

    this.now = end;
    await settle();
  }
}


// WebSockets: made.at(-1) is the newest.

export function sockets() {
  const made = [];

  class FakeSocket {
    protocol = 'push.meta';
    sent = [];
    closed = false;

    constructor(url, protocols) {
      this.url = new URL(url);
      this.protocols = protocols;
      made.push(this);
    }

    send(data) { this.sent.push(data); }
    close() { this.closed = true; }

    open() { this.onopen({}); }
    end(code, reason = '') { this.onclose({ code, reason }); }
    refuse() { this.onerror({}); this.end(1006); }

    say(body, lines = {}) {
      const head = Object.entries({ channel: 'news', ...lines })
        .map(([name, value]) => `${name}: ${value}\n`).join('') + '\n';

      this.onmessage({ data: typeof body === 'string' ? head + body
        : Uint8Array.from([...Buffer.from(head), ...body]).buffer });
    }
  }

  return { made, WebSocket: FakeSocket };
}


// fetch: asked.at(-1) is the newest request, to be answered or failed.

export function fetches() {
  const asked = [];

  function fetch(url, init) {
    const request = { url: new URL(url), init,
      accept: String(init.headers?.Accept).split(',')[0] };

    asked.push(request);

    return new Promise((resolve, reject) => {
      init.signal?.addEventListener('abort', () => {
        request.aborted = true;
        reject(new DOMException('aborted', 'AbortError'));
      });
      request.fail = () => reject(new TypeError('fetch failed'));
      request.answer = (status, headers = {}, body = null) =>
        resolve(new Response(body, { status, headers }));

      // an answer without an end: returns what writes to it
      request.stream = (type) => {
        let out;
        const body = new ReadableStream({ start(c) { out = c; } });
        const bytes = new TextEncoder();

        init.signal?.addEventListener('abort', () => out.error(Error('gone')));
        resolve(new Response(body, { headers: { 'Content-Type': type } }));

        return {
          say: (text) => out.enqueue(bytes.encode(text)),
          raw: (data) => out.enqueue(data),
          end: () => out.close(),
          fail: () => out.error(new TypeError('network error'))
        };
      };
    });
  }

  return { asked, fetch };
}


// What a Push says, one line an event.

export function record(push) {
  const said = [];
  const types = ['open', 'message', 'gap', 'deleted', 'reconnect', 'close'];

  for (const type of types) {
    push.addEventListener(type, (e) => said.push(
      type === 'message' ? typeof e.data === 'string' ? e.data
          : `bytes ${new Uint8Array(e.data)}`
        : type === 'reconnect' ? `reconnect ${e.code} ${e.delay}`
        : type === 'close' ? `close ${e.code}`
        : type === 'open' ? `open ${push.transport}`
        : `${type} ${e.channel}`));
  }

  return said;
}
