// Calls over /control, both sides. One WebSocket carries any number of calls at once; a call has params,
// byte streams with flow control, and ends with a result or an error.

import type { Readable, Writable } from 'node:stream';

/** A call as the side that serves it sees it. */
export interface IncomingCall {
  readonly params: unknown;
  /** What the caller sends. */
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Aborts when the caller signals (the reason is the signal's name, such as `SIGINT`), cancels or goes away. */
  readonly interrupt: AbortSignal;
}

/** Serves one method; the value is what msgpack can carry. An error with a `code` keeps it on the other side. */
export type ControlHandler = (call: IncomingCall) => unknown | Promise<unknown>;

/** A call as the side that made it sees it. */
export interface OutgoingCall {
  readonly result: Promise<unknown>;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Passes a signal on, such as `SIGINT`; the call goes on until it ends by itself. */
  signal(name: string): void;
  /** Ends the call on this side at once. */
  cancel(): void;
}

export interface ControlClient {
  /** A call without streams. `timeout` in ms rejects with ETIMEDOUT. */
  request(
    method: string,
    params?: unknown,
    options?: { timeout?: number; signal?: AbortSignal },
  ): Promise<unknown>;
  /** A call with streams. */
  open(method: string, params?: unknown): OutgoingCall;
  /** Resolves when the connection is gone, however. */
  readonly closed: Promise<void>;
  close(): void;
}
