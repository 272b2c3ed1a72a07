// The calling side of /control.

import type { Readable, Writable } from 'node:stream';
import { type RawData, WebSocket } from 'ws';
import { systemClock } from '../core/clock.ts';
import { Malformed } from '../core/errors.ts';
import { CreditReadable, CreditWritable } from './byte-streams.ts';
import {
  type CallerMessage,
  CONTROL_PROTOCOL,
  decodeServerMessage,
  encodeMessage,
  LONGEST_MESSAGE,
  type ServerMessage,
} from './messages.ts';
import type { ControlClient, OutgoingCall } from './peer.ts';

/** ms to connect in: a frozen device accepts and says nothing. */
const CONNECT_TIMEOUT = 5000;

const CLOSE_TIMEOUT = 1000;

/**
 * @param url a device's base URL (as in its DeviceReady line) with `/control` behind it
 * @param timeout ms to connect in, 5,000 unless told
 * @throws Error with a code: ECONNREFUSED or ENOENT (nobody there), EACCES (wrong token), ETIMEDOUT (frozen), …
 */
export function connectControl(
  url: string,
  token: string,
  timeout = CONNECT_TIMEOUT,
): Promise<ControlClient> {
  const options = {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
    handshakeTimeout: timeout,
    maxPayload: LONGEST_MESSAGE,
    closeTimeout: CLOSE_TIMEOUT,
  };
  const socket = new WebSocket(url, CONTROL_PROTOCOL, options);
  return new Promise((resolve, reject) => {
    // The client stays to hear of errors and the close, which follow each other.
    const client = new Client(socket);
    socket.once('open', () => resolve(client));
    socket.once('error', (error) => reject(connectError(error, url)));
  });
}

function connectError(error: Error & { code?: string }, url: string): Error {
  const code =
    error.code ??
    (/401/.test(error.message) ? 'EACCES' : /timed out/.test(error.message) ? 'ETIMEDOUT' : 'EPROTO');
  return Object.assign(new Error(`cannot reach ${url}: ${error.message}`, { cause: error }), {
    code,
  });
}

class Client implements ControlClient {
  readonly closed: Promise<void>;
  readonly #calls = new Map<number, PendingCall>();
  #nextId = 0;

  constructor(private readonly socket: WebSocket) {
    socket.on('message', (data, isBinary) => this.#message(data, isBinary));
    socket.on('error', () => {}); // the close follows
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#fail();
        resolve();
      });
    });
  }

  async request(
    method: string,
    params?: unknown,
    options: { timeout?: number; signal?: AbortSignal } = {},
  ): Promise<unknown> {
    const { timeout, signal } = options;
    signal?.throwIfAborted();
    const call = this.#open(method, params);
    call.stdin.end();
    call.stdout.resume();
    call.stderr.resume();
    const timer =
      timeout === undefined
        ? undefined
        : systemClock.after(timeout, () =>
            call.giveUp(
              codedError('ETIMEDOUT', `${method} was not answered within ${Math.round(timeout)} ms`),
            ),
          );
    const abort = () => call.giveUp(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await call.result;
    } finally {
      timer?.cancel();
      signal?.removeEventListener('abort', abort);
    }
  }

  open(method: string, params?: unknown): OutgoingCall {
    return this.#open(method, params);
  }

  close(): void {
    this.socket.close(1000);
  }

  #open(method: string, params: unknown): PendingCall {
    const id = this.#nextId++;
    const call = new PendingCall(
      id,
      (message) => this.#send(message),
      () => this.#calls.delete(id),
    );
    if (this.socket.readyState !== this.socket.OPEN) {
      call.fail(codedError('ECONNRESET', 'the control connection is closed'));
      return call;
    }
    this.#send({ t: 'call', id, method, params });
    this.#calls.set(id, call);
    return call;
  }

  #send(message: CallerMessage): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(encodeMessage(message));
  }

  #message(data: RawData, isBinary: boolean): void {
    const message =
      isBinary && data instanceof Uint8Array ? decodeServerMessage(data) : new Malformed('text-message');
    const call = message instanceof Malformed ? undefined : this.#calls.get(message.id);
    if (message instanceof Malformed) this.#refuse(message.reason);
    else if (call?.receive(message) === false) this.#refuse('stream-overrun');
  }

  #refuse(reason: string): void {
    this.socket.close(1002, reason);
    this.#fail();
  }

  #fail(): void {
    for (const call of [...this.#calls.values()])
      call.fail(codedError('ECONNRESET', 'the control connection ended'));
  }
}

class PendingCall implements OutgoingCall {
  readonly result: Promise<unknown>;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly #stdin: CreditWritable;
  readonly #stdout: CreditReadable;
  readonly #stderr: CreditReadable;
  #settle!: { resolve(value: unknown): void; reject(reason: unknown): void };

  constructor(
    private readonly id: number,
    private readonly send: (message: CallerMessage) => void,
    private readonly over: () => void,
  ) {
    this.result = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Who looks only at the streams need not handle it.
    this.result.catch(() => {});
    this.stdin = this.#stdin = new CreditWritable({
      data: (data) => send({ t: 'data', id, stream: 'stdin', data }),
      end: () => send({ t: 'end', id, stream: 'stdin' }),
    });
    const incoming = (stream: 'stdout' | 'stderr') =>
      new CreditReadable((bytes) => send({ t: 'credit', id, stream, bytes }));
    this.stdout = this.#stdout = incoming('stdout');
    this.stderr = this.#stderr = incoming('stderr');
  }

  signal(name: string): void {
    this.send({ t: 'signal', id: this.id, name });
  }

  cancel(): void {
    this.giveUp(codedError('ECANCELED', 'the call was cancelled'));
  }

  /** Cancels, and rejects with `reason`. */
  giveUp(reason: unknown): void {
    this.send({ t: 'cancel', id: this.id });
    this.fail(reason);
  }

  /** Ends it without an answer; its streams end as broken. */
  fail(reason: unknown): void {
    this.#settle.reject(reason);
    this.#stdout.destroy();
    this.#stderr.destroy();
    this.#finish();
  }

  /** Takes what the server sends; false if that breaks the rules. */
  receive(message: ServerMessage): boolean {
    switch (message.t) {
      case 'data':
        return this.#incoming(message.stream).receive(message.data);
      case 'end':
        this.#incoming(message.stream).end();
        return true;
      case 'credit':
        return this.#stdin.grant(message.bytes);
      case 'result':
        this.#settle.resolve(message.value);
        break;
      case 'error':
        this.#settle.reject(codedError(message.code, message.message));
        break;
    }
    this.#stdout.end();
    this.#stderr.end();
    this.#finish();
    return true;
  }

  #incoming(stream: string): CreditReadable {
    return stream === 'stderr' ? this.#stderr : this.#stdout;
  }

  /** Nothing comes any more, and nothing that is written arrives. */
  #finish(): void {
    this.#stdin.abandon();
    this.over();
  }
}

function codedError(code: string | undefined, message: string): Error {
  return code === undefined ? new Error(message) : Object.assign(new Error(message), { code });
}
