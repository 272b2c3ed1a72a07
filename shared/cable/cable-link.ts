// One WebSocket connection of a cable, from its opening to its end: the hellos, then batches of frames.
// The port outlives it.

import type { RawData, WebSocket } from 'ws';
import type { Clock, Timer } from '../core/clock.ts';
import { Malformed } from '../core/errors.ts';
import type { Batch } from './egress-queue.ts';
import { decodeBatch, isBatch } from './frame-batch.ts';
import { decodeHello, encodeHello, type Hello } from './hello.ts';
import { handUp } from './passing.ts';

/** Close codes of RFC 6455 §7.4.1. */
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_PROTOCOL_ERROR = 1002;
export const CLOSE_POLICY = 1008;
const CLOSE_ABNORMAL = 1006;
const CLOSE_TOO_BIG = 1009;

/** ms that a peer may take from the opening to its hello. */
const HELLO_TIMEOUT = 5000;

/** Messages that may be with the socket at once; further frames wait in the queue, where they are counted. */
const MOST_UNSENT = 8;

/** What a link tells its port. */
export interface LinkOwner {
  /** The peer has said who it is; returns why it may not be here, if so. */
  introduced(link: CableLink, peer: Hello): string | undefined;
  frames(batch: Uint8Array[]): void;
  /** So many frames came after the end. */
  late(frames: number): void;
  /** The socket has taken a message and would take more. */
  writable(batch: Batch): void;
  /** The link carries nothing any more; told once. */
  closed(link: CableLink, code: number, reason: string): void;
}

export class CableLink {
  #peer: Hello | undefined;
  #closed = false;
  #unsent = 0;
  #helloTimer: Timer | undefined;

  /** @param socket open, or about to be */
  constructor(
    private readonly socket: WebSocket,
    own: Hello,
    private readonly owner: LinkOwner,
    clock: Clock,
  ) {
    const opened = () => {
      socket.send(encodeHello(own));
      this.#helloTimer = clock.after(HELLO_TIMEOUT, () => this.close(CLOSE_POLICY, 'no hello came'));
    };
    if (socket.readyState === socket.OPEN) opened();
    else socket.on('open', opened);
    socket.on('message', (data, isBinary) => this.#message(data, isBinary));
    socket.on('error', (error) => this.#ended(closeCodeOf(error), error.message));
    socket.on('close', (code, reason) => this.#ended(code, reason.toString()));
  }

  /** Who is at the other end, once it has said so and been accepted. */
  get peer(): Hello | undefined {
    return this.#peer;
  }

  /** Whether the socket takes another message now. */
  get writable(): boolean {
    return !this.#closed && this.#unsent < MOST_UNSENT;
  }

  send(batch: Batch): void {
    this.#unsent++;
    this.socket.send(batch.buffer.subarray(0, batch.length), (error) => {
      this.#unsent--;
      // After an error the system may still be reading the buffer: it does not go back.
      if (!error) this.owner.writable(batch);
    });
  }

  /** Ends the connection with a code and a reason for the peer, and at once for the port. */
  close(code: number, reason: string): void {
    if (this.#closed) return;
    // A connection that is still being made can't be told why.
    if (this.socket.readyState === this.socket.CONNECTING) this.socket.terminate();
    else this.socket.close(code, reason.slice(0, 120));
    this.#ended(code, reason);
  }

  #message(data: RawData, isBinary: boolean): void {
    if (this.#closed) return this.#tooLate(data, isBinary);
    if (!isBinary || !(data instanceof Uint8Array)) return this.#refuse('text-message');
    if (this.#peer) return this.#frames(data);
    this.#hello(data);
  }

  #hello(message: Uint8Array): void {
    const hello = isBatch(message) ? new Malformed('frames-before-hello') : decodeHello(message);
    if (hello instanceof Malformed) return this.#refuse(hello.reason);
    this.#helloTimer?.cancel();
    const objection = this.owner.introduced(this, hello);
    if (objection !== undefined) return this.close(CLOSE_POLICY, objection);
    this.#peer = hello;
  }

  #frames(message: Uint8Array): void {
    const batch = decodeBatch(message);
    if (batch instanceof Malformed) this.#refuse(batch.reason);
    else handUp(message, batch, () => this.owner.frames(batch));
  }

  /** What the peer sent before it heard of the end. */
  #tooLate(data: RawData, isBinary: boolean): void {
    const batch = this.#peer && isBinary && data instanceof Uint8Array ? decodeBatch(data) : undefined;
    if (Array.isArray(batch)) this.owner.late(batch.length);
  }

  #refuse(reason: string): void {
    this.close(CLOSE_PROTOCOL_ERROR, reason);
  }

  #ended(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#helloTimer?.cancel();
    this.owner.closed(this, code, reason);
  }
}

/** The code that `ws` closes a connection with after an error of its own; the event does not carry it. */
function closeCodeOf(error: Error & { code?: string }): number {
  if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return CLOSE_TOO_BIG;
  return error.code?.startsWith('WS_ERR') ? CLOSE_PROTOCOL_ERROR : CLOSE_ABNORMAL;
}
