// A call's byte streams over messages, with credit: who reads a stream says how much it has read, and no
// more than a window is ever under way or unread. So a slow reader slows the writer, and memory stays small.

import { Readable, Writable } from 'node:stream';
import { WINDOW } from './messages.ts';

/** Bytes of one message. */
const LONGEST_CHUNK = 64 * 1024;

/** Credit is given back in pieces of this many bytes, not for each read. */
const CREDIT_STEP = WINDOW / 4;

export interface Outlet {
  data(chunk: Uint8Array): void;
  end(): void;
}

/** The writing end. */
export class CreditWritable extends Writable {
  #credit = WINDOW;
  #rest: Uint8Array = new Uint8Array(0);
  #done: (() => void) | undefined;
  #outlet: Outlet | undefined;

  constructor(outlet: Outlet) {
    super();
    this.#outlet = outlet;
  }

  /** The reader has read `bytes`; false if it claims more than it was sent. */
  grant(bytes: number): boolean {
    if (this.#credit + bytes > WINDOW) return false;
    this.#credit += bytes;
    this.#push();
    return true;
  }

  /** Nobody reads any more: what is written from now on goes nowhere. */
  abandon(): void {
    this.#outlet = undefined;
    this.#push();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.#rest = chunk;
    this.#done = done;
    this.#push();
  }

  override _final(done: () => void): void {
    this.#outlet?.end();
    done();
  }

  #push(): void {
    while (this.#outlet && this.#rest.length > 0 && this.#credit > 0) {
      const length = Math.min(this.#rest.length, this.#credit, LONGEST_CHUNK);
      const chunk = this.#rest.subarray(0, length);
      this.#rest = this.#rest.subarray(length);
      this.#credit -= length;
      this.#outlet.data(chunk);
    }
    if (this.#outlet && this.#rest.length > 0) return;
    const done = this.#done;
    this.#done = undefined;
    done?.();
  }
}

/** The reading end. */
export class CreditReadable extends Readable {
  /** Bytes that the writer may still send. */
  #allowed = WINDOW;
  #ended = false;

  /** @param credit tells the writer that so many bytes more may come */
  constructor(private readonly credit: (bytes: number) => void) {
    super({ highWaterMark: WINDOW });
  }

  /** Takes what has come; false if it came beyond the window, or behind the end. */
  receive(chunk: Uint8Array): boolean {
    if (this.#ended || chunk.length > this.#allowed) return false;
    this.#allowed -= chunk.length;
    if (!this.destroyed) this.push(chunk);
    this.#giveCredit();
    return true;
  }

  /** The writer has ended the stream. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (!this.destroyed) this.push(null);
  }

  override _read(): void {
    // Data comes by itself, as far as there is credit for it.
  }

  override read(size?: number): unknown {
    const chunk: unknown = super.read(size);
    this.#giveCredit();
    return chunk;
  }

  #giveCredit(): void {
    const unread = this.destroyed ? 0 : this.readableLength;
    const bytes = WINDOW - this.#allowed - unread;
    if (this.#ended || bytes < CREDIT_STEP) return;
    this.#allowed += bytes;
    this.credit(bytes);
  }
}
