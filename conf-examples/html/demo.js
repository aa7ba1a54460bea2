/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * The demo page: push.js on /events, publishing by POST to /publish, figures
 * from /publish and /push.  What comes from outside is written as text only.
 */

import { Push } from './push.js';

const SHOWN = 200;              // messages in the list
const SHOWN_LENGTH = 4096;      // characters of one of them
const PAST = 20;                // messages from before, if they are kept
const POLL = 2000;              // ms

// Codes of push.js, where the server gives no reason.
const REASONS = {
  1000: 'closed',
  1006: 'lost, or refused',
  1011: 'internal error',
  1012: 'server restarts',
  1013: 'try again later',
  4400: 'bad name of a channel',
  4401: 'not authorized',
  4403: 'forbidden',
  4404: 'not found',
  4408: 'no answer to a ping',
  4410: 'channel deleted',
  4503: 'try again later'
};

const $ = (id) => document.getElementById(id);
const encoder = new TextEncoder();
const query = new URLSearchParams(location.search);

let channel = query.get('channel') || 'news';
let transport = query.get('transport') || '';
let push = null;
let total = 0;
let waiting = [];               // messages that are not drawn yet


function endpoint(path, search) {
  const url = new URL(path, location.href);

  url.search = new URLSearchParams(search);

  return url;
}


function show(kind, text) {
  $('state').dataset.kind = kind;
  $('state').textContent = text;
}


function why({ code, reason }) {
  return `${code} ${reason || REASONS[code] || 'closed'}`;
}


function connect() {
  push?.close();
  show('wait', 'connecting');

  const p = push = new Push('events', {
    channels: channel,
    lastEventId: `-${PAST}`,
    ...transport && { transports: [transport] }
  });

  // a former one has nothing to say any more
  const on = (type, call) => p.addEventListener(type,
    (event) => p === push && call(event));

  on('open', () => {
    show('good', `connected by ${p.transport}`);
    refresh();
  });

  on('message', received);
  on('gap', () => notice('Messages may be missing here.'));
  on('deleted', () => notice('The channel was deleted.'));

  on('reconnect', (event) => show('wait',
    `${why(event)}, again in ${(event.delay / 1000).toFixed(1)} s`));

  on('close', (event) => show('bad', why(event)));
}


function cut(text) {
  return text.length > SHOWN_LENGTH ? text.slice(0, SHOWN_LENGTH) + ' …'
                                    : text;
}


function hex(buffer) {
  const bytes = new Uint8Array(buffer, 0, Math.min(buffer.byteLength, 64));
  const text = Array.from(bytes, (b) => b.toString(16).padStart(2, '0'));

  return text.join(' ') + (buffer.byteLength > 64 ? ' …' : '');
}


function received({ data, event, id }) {
  const binary = typeof data !== 'string';
  const size = binary ? data.byteLength : encoder.encode(data).length;

  total++;

  queue({
    about: [event, size + (size === 1 ? ' byte' : ' bytes')
            + (binary ? ', binary' : ''), id],
    text: binary ? hex(data) : cut(data)
  });
}


function notice(text) {
  queue({ about: [], text, notice: true });
}


function queue(item) {
  waiting.push({ time: new Date(), ...item });

  if (waiting.length === 1) {
    requestAnimationFrame(draw);

  } else if (waiting.length > SHOWN) {
    waiting.shift();
  }
}


function element(tag, text) {
  const e = document.createElement(tag);

  e.textContent = text;

  return e;
}


function clock(time) {
  return time.toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hourCycle: 'h23'
  });
}


function draw() {
  const list = $('messages');

  for (const m of waiting) {
    const item = document.createElement('li');
    const meta = element('div', '');
    const time = element('time', clock(m.time));

    time.dateTime = m.time.toISOString();
    meta.className = 'meta';
    meta.append(time, ...m.about.filter(Boolean).map((text) =>
      element('span', text)));
    item.className = m.notice ? 'notice' : '';
    item.append(meta, element('pre', m.text));
    list.prepend(item);
  }

  waiting = [];

  while (list.childElementCount > SHOWN) {
    list.lastElementChild.remove();
  }

  count();
}


function count() {
  $('count').textContent = total === 0 ? 'none yet'
                           : total > SHOWN ? total + ', the last ' + SHOWN
                           : String(total);
}


function clear() {
  total = 0;
  waiting = [];
  $('messages').replaceChildren();
  count();
}


function answered(good, text) {
  $('answer').hidden = false;
  $('answer').dataset.kind = good ? 'good' : 'bad';
  $('answer').textContent = text;
}


async function publish() {
  try {
    const answer = await fetch(endpoint('publish', { channel }), {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain; charset=utf-8' },
      body: $('body').value
    });

    answered(answer.ok, answer.status + ' ' + await answer.text());

  } catch (error) {
    answered(false, String(error.message));
  }

  refresh();
}


async function ask(path, query) {
  const answer = await fetch(endpoint(path, query), {
    headers: { Accept: 'application/json' },
    cache: 'no-store'
  });

  return { status: answer.status, json: await answer.json() };
}


// Figures that could not be had are a dash, and the reason stands below.

async function refresh() {
  let trouble = '';

  try {
    const { status, json } = await ask('publish', { channel });

    $('subscribers').textContent = status === 404 ? 0
                                   : json.subscribers ?? '–';

    if (status !== 200 && status !== 404) {
      trouble = status + ' ' + json.error;
    }

  } catch (error) {
    $('subscribers').textContent = '–';
    trouble = 'the publisher endpoint does not answer';
  }

  try {
    const { json } = await ask('push', { format: 'json' });

    $('connections').textContent = json.totals?.connections ?? '–';
    $('workers').textContent = json.workers?.length ?? '–';

  } catch (error) {
    $('connections').textContent = $('workers').textContent = '–';
  }

  $('trouble').hidden = trouble === '';

  if ($('trouble').textContent !== trouble) {
    $('trouble').textContent = trouble;
  }
}


function join() {
  channel = $('channel').value.trim();
  transport = $('transport').value;

  history.replaceState(null, '',
    endpoint('', transport ? { channel, transport } : { channel }));
  document.title = `${channel} · ngx_http_push_module`;

  clear();
  connect();
  refresh();
}


$('join').addEventListener('submit', (event) => {
  event.preventDefault();
  join();
});

$('transport').addEventListener('change', join);

$('publish').addEventListener('submit', (event) => {
  event.preventDefault();
  publish();
});

$('body').addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    publish();
  }
});

$('clear').addEventListener('click', clear);

setInterval(() => {
  if (!document.hidden) {
    refresh();
  }
}, POLL);

$('channel').value = channel;
$('transport').value = transport;
join();
