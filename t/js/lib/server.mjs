/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * The real thing: an nginx with the module, its Redis, a publisher that does
 * not give up, and a proxy that stands in the way of clients.
 */

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync }
  from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../../../', import.meta.url));
const port = +(process.env.PUSH_JS_PORT ?? 20900);
const parent = process.env.PUSH_JS_ROOT ?? `${top}build/t/pushjs`;
const sanitize = !!process.env.PUSH_SANITIZE;
const nginx = sanitize ? `${top}t/lib/nginx-sanitized`
  : process.env.PUSH_NGINX || 'nginx';
const module = process.env.PUSH_MODULE
  || `${top}build/${sanitize ? 'sanitize/' : ''}ngx_http_push_module.so`;

export const slow = sanitize ? 3 : 1;

export const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

let roots = 0;


// Until the condition holds; what it gave.

export async function until(condition, what = condition, seconds = 20) {
  const end = Date.now() + seconds * 1000 * slow;

  for (;;) {
    const value = await condition();

    if (value) {
      return value;
    }

    if (Date.now() > end) {
      throw new Error(`in vain: ${what}`);
    }

    await pause(20);
  }
}


function connects(to) {
  return new Promise((done) => {
    const socket = net.connect(to, '127.0.0.1');

    socket.on('connect', () => { socket.destroy(); done(true); });
    socket.on('error', () => done(false));
  });
}


function running(pid) {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}


class Redis {
  port = port + 1;

  constructor(dir) {
    this.dir = dir;
  }

  async start() {
    this.process = spawn('redis-server', ['--port', this.port, '--bind',
      '127.0.0.1', '--dir', this.dir, '--save', '', '--appendonly', 'yes',
      '--appendfsync', 'always'], { stdio: 'ignore' });
    await until(() => connects(this.port), 'redis-server');
  }

  async kill() {
    this.process.kill('SIGKILL');
    await until(() => this.process.signalCode, 'the end of redis-server');
  }
}


export class Server {
  port = port;
  origin = `http://127.0.0.1:${port}`;
  root = `${parent}/${process.pid}-${++roots}`;
  expected = [];        // lines that the log may have
  #n = 0;

  static async start({ http = '', redis = false } = {}) {
    const s = new Server();

    if (await connects(port)) {
      throw new Error(`port ${port} is in use`);
    }

    rmSync(s.root, { recursive: true, force: true });

    for (const dir of ['conf', 'logs', 'tmp']) {
      mkdirSync(`${s.root}/${dir}`, { recursive: true });
    }

    if (redis) {
      s.redis = new Redis(s.root);
      await s.redis.start();
      http += `push_redis redis://127.0.0.1:${s.redis.port} prefix=t:
                   recover=lenient;`;
    }

    writeFileSync(`${s.root}/conf/nginx.conf`, s.#conf(http));
    s.#nginx();
    await until(() => connects(port) && s.workers().length === 2, 'nginx');

    return s;
  }

  #conf(http) {
    const user = process.getuid() === 0 ? 'user root;' : '';
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path tmp/${name};`).join('\n    ');

    return `load_module ${module};
${user}
worker_processes 2;
error_log logs/error.log info;
pid logs/nginx.pid;
events { worker_connections 256; }
http {
    access_log off;
    default_type application/octet-stream;
    types { text/html html; text/javascript js; text/css css;
            image/svg+xml svg; }
    charset utf-8;
    ${paths}
    ${/push_history/.test(http) ? '' : 'push_history 10000;'}
    ${/push_drain/.test(http) ? '' : 'push_drain 300ms;'}
    ${http}
    server {
        listen 127.0.0.1:${port} reuseport;
        location = /events { push_channel $arg_channel split=,;
                             push_client_publish on; push_origin any; }
        location = /one { push_channel one; }
        location = /shut { push_channel x; deny all; }
        location = /publish { push_publish $arg_channel; }
        location = /push { push_status json names; }
        location / {
            root ${top}conf-examples/html;
            add_header Content-Security-Policy "default-src 'self'";
        }
        location /bare/ { alias ${top}conf-examples/html/; }
    }
}
`;
  }

  #nginx(...more) {
    execFileSync(nginx, ['-e', `${this.root}/logs/error.log`, '-p',
      `${this.root}/`, '-c', `${this.root}/conf/nginx.conf`, ...more]);
  }

  get pid() {
    return +readFileSync(`${this.root}/logs/nginx.pid`, 'latin1');
  }

  workers() {
    const file = `/proc/${this.pid}/task/${this.pid}/children`;

    return readFileSync(file, 'latin1').split(' ').filter(Boolean).map(Number)
      .filter(running);
  }

  // ... and waits until the old workers have left
  async reload() {
    const before = this.workers();

    this.#nginx('-s', 'reload');
    await until(() => !before.some(running), 'a reload', 30);
  }

  async kill_worker(i) {
    const before = this.workers();

    this.expected.push(/exited on signal 9/);
    process.kill(before[i], 'SIGKILL');
    await until(() => !running(before[i]) && this.workers().length === 2,
      'a new worker');
  }

  // The outcome may be unknown, so that it is tried again with the same id.
  async publish(channel, body, headers = {}) {
    const id = `${this.root}-${++this.#n}`;

    return until(async () => {
      try {
        const answer = await fetch(
          `${this.origin}/publish?channel=${encodeURIComponent(channel)}`,
          { method: 'POST', body, headers: { 'Push-Id': id, ...headers } });

        return answer.ok && await answer.json();

      } catch {
        return false;
      }
    }, `publishing ${body}`);
  }

  async status() {
    return (await fetch(`${this.origin}/push?channels=100`)).json();
  }

  async subscribers(channel) {
    const { channels } = await this.status();

    return channels.list.find(({ name }) => name === channel)?.subscribers ?? 0;
  }

  async stop() {
    const pid = this.pid;

    this.#nginx('-s', 'stop');
    await until(() => !running(pid), 'the end of nginx');
    await this.redis?.kill();

    const bad = readFileSync(`${this.root}/logs/error.log`, 'utf8').split('\n')
      .filter((line) => /\[(alert|crit|emerg)\]|Sanitizer|runtime error:/
        .test(line) && !this.expected.some((re) => re.test(line)));

    if (bad.length) {
      throw new Error(`in ${this.root}/logs/error.log:\n${bad.join('\n')}`);
    }

    rmSync(this.root, { recursive: true });
  }
}


// Publishes 1, 2, 3, ... to a channel until it is stopped; says how many.

export function publisher(server, channel, ms = 10) {
  let on = true;
  let n = 0;

  const done = (async () => {
    while (on) {
      await server.publish(channel, String(++n));
      await pause(ms);
    }

    return n;
  })();

  return { stop: () => { on = false; return done; }, get n() { return n; } };
}


// Between clients and nginx.  What it refuses gets 502; what is open when it
// begins to refuse is cut.

export class Proxy {
  port = port + 2;
  origin = `http://127.0.0.1:${this.port}`;
  refuses = /^$/;       // of "upgrade" and the Accept header
  seen = [];
  #open = new Set();

  static async start(server) {
    const p = new Proxy();

    p.http = http.createServer((request, answer) => {
      const { method, url, headers } = request;
      const kind = headers.accept ?? '';

      p.seen.push(`${method} ${kind}`);

      if (p.refuses.test(kind)) {
        answer.writeHead(502).end();
        return;
      }

      const to = http.request({ port: server.port, host: '127.0.0.1', method,
        path: url, headers }, (reply) => {
        answer.writeHead(reply.statusCode, reply.headers);
        answer.flushHeaders();
        reply.pipe(answer);
        reply.on('error', () => answer.destroy());
        p.#open.add(answer.socket);
      });

      to.on('error', () => answer.destroy());
      answer.on('close', () => to.destroy());
      request.pipe(to);
    });

    p.http.on('upgrade', (request, socket, head) => {
      p.seen.push('upgrade');
      socket.on('error', () => {});

      if (p.refuses.test('upgrade')) {
        socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n');
        return;
      }

      const to = net.connect(server.port, '127.0.0.1', () => {
        const lines = request.rawHeaders.map((text, i) =>
          text + (i % 2 ? '\r\n' : ': ')).join('');

        to.write(`GET ${request.url} HTTP/1.1\r\n${lines}\r\n`);
        to.write(head);
        socket.pipe(to).pipe(socket);
      });

      to.on('error', () => socket.destroy());
      to.on('close', () => socket.destroy());
      socket.on('close', () => to.destroy());
      p.#open.add(socket);
    });

    await new Promise((done) => { p.http.listen(p.port, '127.0.0.1', done); });

    return p;
  }

  cut() {
    for (const socket of this.#open) {
      socket?.destroy();
    }

    this.#open.clear();
  }

  refuse(kinds) {
    this.refuses = kinds;
    this.cut();
  }

  stop() {
    this.cut();
    this.http.closeAllConnections();

    return new Promise((done) => { this.http.close(done); });
  }
}
