/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * push.js: types and manual.
 *
 *     import { Push } from './push.js';
 *
 *     const push = new Push('/events', { channels: ['news'] });
 *
 *     push.addEventListener('message', (m) => show(m.data));
 *     push.addEventListener('gap', reload);
 *
 * or
 *
 *     for await (const m of push) {
 *       show(m.data);
 *     }
 *
 * or <script type="module" src="push.js"></script>, which makes
 * globalThis.Push.  It runs in pages, in workers, and in Node 18 and later,
 * where a release without a WebSocket of its own takes npm's "ws" by the
 * option WebSocket (and where the file has to be called push.mjs, unless a
 * package.json says that it is a module).
 *
 * It connects at once, comes back by itself, and goes on where it was: what
 * was missed is sent in order, each message is told once, and where some may
 * be missing there is a "gap".  For that the server has to keep messages:
 * push_history.
 *
 * Transports.  They are tried in order: websocket (it needs the protocol
 * "meta", which push_protocol has by default), eventsource, longpoll, stream;
 * the last three by fetch.  One that cannot be had is followed by the next at
 * once, one that has worked only when it has failed three times in a row.  The
 * one that worked last is the first to be tried by the next page of this tab
 * (sessionStorage.push).  All of them are asked for at the same URL, and none
 * loses or repeats a message when it takes over from another.
 *
 * Coming back.  The pause is by chance between nothing and 0.5 s after a
 * connection that has worked, twice that with each failure, 30 s at most.
 * After 1008, 1011 and 1013 it is at least 5 s; what the server asks for by
 * Retry-After, or by "retry:" in an event stream, is waited for, too.  After
 * the codes 1000, 1002, 1003, 1007, 1009, 4401, 4403, 4409 and 4410, and the
 * refusals 400, 401, 403 and 404 of HTTP, it would end in the same way: there
 * is a "close" and no return.
 */


/** What happens to a connection, as a number; README, "CLIENTS" has them.
 *
 * A refusal by HTTP is 4000 and its status: 4403 is forbidden in any case, and
 * 4503 the status 503.  1006 is a connection that was lost or could not be
 * had, 1012 also the end of a stream.
 */
export type PushCode = number;

export type PushTransport =
  'websocket' | 'eventsource' | 'longpoll' | 'stream';


export interface PushOptions {
  /** Goes into the URL: `?channel=news,sport`.  Without it the URL is taken
   * as it stands, for a location that names its channels itself.  For several
   * the location needs `push_channel $arg_channel split=,`. */
  channels?: string | readonly string[];

  /** The name of that parameter; "channel". */
  parameter?: string;

  /** Which to try, in this order; all four. */
  transports?: readonly PushTransport[];

  /** Where to begin: `'-20'` with the last 20 of each channel, or with what
   * `cursor` was.  Else with what is published from now on. */
  lastEventId?: string | readonly string[];

  /** Goes into the URL as `?token=`.  A function is asked before each
   * connection; with it 4401 is no end: the next one may do. */
  token?: string | (() => string | Promise<string>);

  /** Of fetch: "include" for a server of another origin that needs cookies
   * (see push_origin).  A WebSocket always sends them. */
  credentials?: RequestCredentials;

  /** The first of the pauses, and the longest, in ms; 500 and 30000. */
  min?: number;
  max?: number;

  /** Instead of the global ones. */
  WebSocket?: unknown;
  fetch?: typeof fetch;
}


/** A message that was published. */
export interface PushMessage extends Event {
  readonly type: 'message';

  /** Text, or the bytes of a binary message. */
  readonly data: string | ArrayBuffer;

  /** Whose message it is; undefined where the transport does not tell: an
   * event stream of several channels. */
  readonly channel?: string;

  /** The name that the publisher gave it: Push-Event. */
  readonly event?: string;

  /** Of the body, if the publisher has told it; by websocket, longpoll and
   * stream. */
  readonly contentType?: string;

  /** Its place in the channel, `EPOCH:OFFSET`, if the channel keeps messages.
   * From an event stream of several channels it is the cursor of them all. */
  readonly id?: string;
}

/** Messages of this channel may be missing here; get what they would have
 * told in another way. */
export interface PushGap extends Event {
  readonly type: 'gap';
  readonly channel?: string;
}

/** The channel was deleted.  The connection has no part in it any more, and
 * will not ask for it when it comes back. */
export interface PushDeleted extends Event {
  readonly type: 'deleted';
  readonly channel?: string;
}

/** The connection was lost, or could not be made; another attempt follows
 * after the delay (ms). */
export interface PushReconnect extends Event {
  readonly type: 'reconnect';
  readonly code: PushCode;
  readonly reason: string;
  readonly delay: number;
}

/** It is over: by close() (1000), or because the server will not have it. */
export interface PushClose extends Event {
  readonly type: 'close';
  readonly code: PushCode;
  readonly reason: string;
}

export interface PushEventMap {
  open: Event;
  message: PushMessage;
  gap: PushGap;
  deleted: PushDeleted;
  reconnect: PushReconnect;
  close: PushClose;
}


export class Push extends EventTarget {
  /** url: http or https, relative to the page. */
  constructor(url: string | URL, options?: PushOptions);

  readonly state: 'connecting' | 'open' | 'waiting' | 'closed';

  /** The one in use; null unless the state is open. */
  readonly transport: PushTransport | null;

  /** Without those that were deleted. */
  readonly channels: readonly string[];

  /** Where it stands: what may be kept, and given to another Push as
   * lastEventId. */
  readonly cursor: string[];

  /** Publishes, where push_client_publish allows it; to all channels of the
   * connection, or to the one that is named.
   *
   * By a frame where there is an open WebSocket, nothing but the data is to be
   * sent, and no choice of channels is made; then nothing tells whether
   * somebody got it.  Else by POST: resolves to the server's answer, rejects
   * with an Error of the server's words, whose cause is the Response. */
  publish(data: string | ArrayBuffer | ArrayBufferView | Blob,
    options?: { channel?: string; event?: string }): Promise<unknown>;

  /** Ends it, for good. */
  close(): void;

  /** The messages from now on, whatever time the loop takes for each; ends
   * with "close". */
  [Symbol.asyncIterator](): AsyncIterableIterator<PushMessage>;

  addEventListener<T extends keyof PushEventMap>(type: T,
    listener: ((this: Push, event: PushEventMap[T]) => unknown) | null,
    options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions): void;

  removeEventListener<T extends keyof PushEventMap>(type: T,
    listener: ((this: Push, event: PushEventMap[T]) => unknown) | null,
    options?: boolean | EventListenerOptions): void;
  removeEventListener(type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions): void;
}


declare global {
  var Push: typeof import('./push.js').Push;
}
