/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * A client of the push server; its manual is push.d.ts.
 */

// the end, or a pause; 4000 + HTTP's status
const FINAL = /100[02379]|44(0[01349]|10)/;
const LATER = /10(08|11|13)|4429|4503/;

const ACCEPT = {
  websocket: 'none',
  eventsource: 'text/event-stream',
  longpoll: 'application/json',
  stream: 'application/x-ndjson'
};

const encode = encodeURIComponent;
const only = ({ channels: [one, two] }) => two ? undefined : one;
const ask = (p, url, init) => (p.options.fetch ?? fetch)(url,
  { credentials: p.options.credentials, ...init });

const chain = (p) => p.next = new Promise((done) => { p.said = done; });

function emit(p, type, fields) {
  const e = Object.assign(new Event(type), fields);
  p.said([e, type === 'close' || chain(p)]);
  p.dispatchEvent(e);
}

async function address(p, names, ids) {
  const { parameter = 'channel', token } = p.options;
  const key = token?.call ? await token() : token;

  return p.url + (p.url.search ? '&' : '?') + [
    names[0] && parameter + '=' + names.map(encode),
    key && 'token=' + encode(key),
    ...ids.map((id) => 'last_event_id=' + encode(id))
  ].filter(Boolean).join('&');
}

// the id of a channel or a cursor of all; false if known
function learn(p, id, ch) {
  if (!ch || id.includes('.')) {
    p.ids.clear();
    return p.begin = [id];
  }

  const [epoch, offset] = id.split(':');
  const [last, reached] = p.ids.get(ch)?.split(':') ?? [];

  return (epoch !== last || +offset > +reached) && p.ids.set(ch, id);
}

function take(p, { id, event, data, base64, ...m }) {
  if (event === 'push.binary') [event, base64, data] = [, data];

  const ours = event?.startsWith('push.');
  const channel = m.channel ?? (ours && data || only(p));
  const known = id && !learn(p, id, channel);

  data ??= base64 && Uint8Array.from(atob(base64),
    (c) => c.charCodeAt()).buffer;

  if (p.state === 'closed') return;

  if (ours) emit(p, event.slice(5), { channel });
  else if (!known && data != null) {
    emit(p, 'message', { id, channel, event, data,
      contentType: m.content_type ?? m['content-type'] });
  }

  if (event === 'push.deleted') {
    p.ids.delete(channel);
    if (only(p) === channel) lost(p, p.link, 4410);
    p.channels = p.channels.filter((name) => name !== channel);
  }
}

function fields(text) {
  const m = {};

  for (const line of text.split('\n')) {
    const [name, value = ''] = line.split(/: ?(.*)/s);

    m[name] = name in m ? m[name] + '\n' + value : value;
  }

  return m;
}

function frame(p, data) {
  const end = data.at ? data.indexOf('\n\n') : new Uint8Array(data)
    .findIndex((b, i, a) => b === 10 && a[i + 1] === 10);
  const head = data.slice(0, end);

  take(p, { ...fields(head.at ? head : new TextDecoder().decode(head)),
    data: data.slice(end + 2) });
}

async function read(p, link, body) {
  const json = link.name === 'stream';
  const reader = body.getReader();
  const utf8 = new TextDecoder();
  let rest = '';

  for (;;) {
    const { done, value } = await reader.read();

    if (done) return lost(p, link, 1012);

    opened(p, link);

    rest += utf8.decode(value, { stream: true });

    const parts = rest.split(json ? '\n' : '\n\n');

    rest = parts.pop();

    for (const part of parts) {
      const m = json ? JSON.parse(part || '{}') : fields(part);

      link.retry = m.retry ?? link.retry;
      take(p, m);
    }
  }
}

async function request(p, link, url) {
  const answer = await ask(p, url, {
    headers: { Accept: [ACCEPT[link.name], 'application/json;q=.1'] },
    cache: 'no-store',
    signal: link.over.signal
  });
  const header = (name) => answer.headers.get(name) ?? '';

  if (!answer.ok) {
    return lost(p, link, 4000 + answer.status, '', header('Retry-After') * 1e3);
  }

  link.name = Object.keys(ACCEPT).find((name) =>
    header('Content-Type').startsWith(ACCEPT[name])) ?? 'longpoll';

  if (link.name !== 'longpoll') return read(p, link, answer.body);

  const list = answer.status === 200 ? await answer.json() : [];
  const id = header('ETag').replace(/^W\/|"/g, '');

  opened(p, link);
  [...list, { id }].forEach((m) => take(p, m));

  if (!list[0]) await new Promise((done) => setTimeout(done, 500));
}

function socket(p, link, url) {
  const ws = link.ws = new (p.options.WebSocket ?? WebSocket)(
    url.replace('http', 'ws'), 'push.meta');

  ws.binaryType = 'arraybuffer';
  ws.onopen = () => opened(p, link);
  ws.onerror = () => {};
  ws.onclose = (e) => lost(p, link, e.code, e.reason);
  ws.onmessage = (e) => p.link === link && frame(p, e.data);
}

function drop(p, state) {
  clearTimeout(p.timer);
  p.link?.over.abort();
  p.link?.ws?.close();
  p.link = p.transport = null;
  p.state = state;
}

function watch(p, link, ms, then = lost) {
  clearTimeout(p.timer);
  p.timer = ms && setTimeout(then, ms, p, link, 1006);
}

async function connect(p) {
  drop(p, 'connecting');

  const link = p.link = { name: p.list[0], over: new AbortController() };
  const way = link.name === 'websocket' ? socket : request;
  const quiet = /poll|stream/.test(link.name);

  watch(p, link, quiet ? 1000 : 1e4, quiet ? opened : lost);

  try {
    do {
      const url = await address(p, p.channels, p.cursor);

      if (p.link === link) await way(p, link, url);
    } while (p.link === link && link.name === 'longpoll');
  } catch (e) {
    lost(p, link, 1006, e.message);
  }
}

function opened(p, link) {
  watch(p, link, !link.ws && 9e4);

  if (p.transport) return;

  p.transport = link.name;
  p.state = 'open';
  link.since = Date.now();

  try { sessionStorage.push = link.name; } catch {}
  emit(p, 'open');

  for (const channel of p.works ? p.channels : []) {
    if (!p.ids.has(channel) && !p.begin[0]) emit(p, 'gap', { channel });
  }

  p.works = link.name;
}

function lost(p, link, code, reason = '', wait = link?.retry) {
  if (p.link !== link || p.state === 'closed') return;

  const { min = 500, max = 3e4, token } = p.options;

  if (FINAL.test(code) && !(code === 4401 && token?.call)) {
    drop(p, 'closed');
    return emit(p, 'close', { code, reason });
  }

  const slow = LATER.test(code);
  const good = link.since && code < 4400
    && (code !== 1006 || Date.now() - link.since > 5e3);

  p.failures = good && !slow ? 0 : p.failures + 1;

  if (good || link.name === p.works && p.failures < 3) {
    p.tried = 0;
  } else {
    p.list.push(p.list.shift());
    p.tried = (p.tried + 1) % p.list.length;
  }

  const delay = p.tried ? 0
    : Math.max(Math.min(wait || 0, 36e5), slow && 5e3)
      + Math.random() * Math.min(max, min * 2 ** p.failures);

  drop(p, 'waiting');
  p.timer = setTimeout(connect, delay, p);
  emit(p, 'reconnect', { code, reason, delay });
}

export class Push extends EventTarget {
  ids = new Map();
  failures = 0;
  tried = 0;

  constructor(url, { channels = [], lastEventId = [], ...options } = {}) {
    super();
    this.options = options;
    this.url = new URL(url, globalThis.location?.href);
    this.channels = [].concat(channels);
    this.begin = [].concat(lastEventId);
    this.list = [...options.transports ?? Object.keys(ACCEPT)];

    try {
      const best = sessionStorage.push;
      this.list.sort((a, b) => (b === best) - (a === best));
    } catch {}

    chain(this);
    connect(this);
  }

  get cursor() {
    return [...this.ids].map((pair) => pair.join('=')).concat(this.begin);
  }

  close() {
    lost(this, this.link, 1000);
  }

  async publish(data, { channel = only(this), event } = {}) {
    if (this.transport === 'websocket' && channel === only(this) && !event) {
      return this.link.ws.send(data);
    }

    const names = channel ? [channel] : this.channels;
    const answer = await ask(this, await address(this, names, []), {
      method: 'POST',
      body: data,
      headers: event && { 'Push-Event': event }
    });

    if (answer.ok) return answer.json();

    throw Error(await answer.text(), { cause: answer });
  }

  async *[Symbol.asyncIterator]() {
    let { next } = this, e = this;

    while (e.type !== 'close') {
      [e, next] = await next;

      if (e.type === 'message') yield e;
    }
  }
}

globalThis.Push = Push;
