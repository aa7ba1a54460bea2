/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * The demo page: one WebSocket to /events, publishing by POST to /publish,
 * figures from /publish and /push.  What comes from outside is written as
 * text only.
 */

'use strict';

(function () {

  const SHOWN = 200;            // messages in the list
  const SHOWN_LENGTH = 4096;    // characters of one of them
  const FIRST_PAUSE = 500;      // ms; doubles with each failure
  const LONGEST_PAUSE = 30000;
  const STEADY = 5000;          // open for so long: it works again
  const POLL = 2000;

  // A close code after which coming back would end the same way, and why.
  const FINAL = {
    1002: 'protocol error',
    1003: 'data not accepted',
    1007: 'not UTF-8',
    1009: 'message too large',
    4401: 'not authorized',
    4403: 'forbidden',
    4409: 'replaced by another connection',
    4410: 'channel deleted'
  };

  // The others that have a meaning of their own.
  const PASSING = {
    1006: 'lost, or refused',
    1008: 'too many messages',
    1011: 'internal error',
    1012: 'server restarts',
    1013: 'try again later',
    4408: 'no answer to a ping'
  };

  const $ = (id) => document.getElementById(id);
  const encoder = new TextEncoder();

  let channel = new URLSearchParams(location.search).get('channel') || 'news';
  let socket = null;
  let failures = 0;
  let openedAt = 0;
  let retry = 0;
  let total = 0;
  let waiting = [];             // messages that are not drawn yet


  function endpoint(path, query) {
    const url = new URL(path, location.href);

    url.search = new URLSearchParams(query);

    return url;
  }


  function show(kind, text) {
    $('state').dataset.kind = kind;
    $('state').textContent = text;
  }


  // Half of the pause is by chance: after a reload of the server all its
  // clients would come back in the same moment otherwise.

  function pause() {
    const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** failures);

    return longest / 2 + Math.random() * longest / 2;
  }


  function connect() {
    clearTimeout(retry);
    retry = 0;

    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }

    const url = endpoint('events', { channel });

    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';

    show('wait', 'connecting');

    socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    socket.onopen = opened;
    socket.onmessage = (event) => received(event.data);
    socket.onclose = closed;
  }


  function opened() {
    openedAt = Date.now();
    show('good', 'connected to ' + channel);
    refresh();
  }


  function closed(event) {
    const reason = event.reason || FINAL[event.code] || PASSING[event.code]
                   || 'closed';
    const text = event.code + ' ' + reason;

    socket = null;

    if (event.code in FINAL) {
      show('bad', text);
      return;
    }

    if (openedAt !== 0 && Date.now() - openedAt > STEADY) {
      failures = 0;
    }

    openedAt = 0;

    const ms = pause();

    failures++;
    show('wait', text + ', again in ' + (ms / 1000).toFixed(1) + ' s');
    retry = setTimeout(connect, ms);
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


  function received(data) {
    const binary = typeof data !== 'string';
    const size = binary ? data.byteLength : encoder.encode(data).length;

    total++;

    waiting.push({
      time: new Date(),
      size: size + (size === 1 ? ' byte' : ' bytes')
            + (binary ? ', binary' : ''),
      text: binary ? hex(data) : cut(data)
    });

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
      meta.append(time, element('span', m.size));
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
    failures = 0;
    openedAt = 0;

    history.replaceState(null, '', endpoint('', { channel }));
    document.title = channel + ' · ngx_http_push_module';

    clear();
    connect();
    refresh();
  }


  $('join').addEventListener('submit', (event) => {
    event.preventDefault();
    join();
  });

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

  window.addEventListener('online', () => {
    if (retry !== 0) {
      connect();
    }
  });

  setInterval(() => {
    if (!document.hidden) {
      refresh();
    }
  }, POLL);

  $('channel').value = channel;
  join();

})();
