// DNS messages over TCP: each behind its length in 16 bits (RFC 1035 §4.2.2, RFC 7766 §8).

import { readU16, writeU16 } from '../../core/bytes.ts';

/** Length and message in one write, so that they leave in one segment (RFC 7766 §8). */
export function frameMessage(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(2 + message.length);
  writeU16(framed, 0, message.length);
  framed.set(message, 2);
  return framed;
}

const LENGTH = 2;

/** Cuts a byte stream into messages, wherever and however small the segments split it. Holds at most 64 KiB. */
export class MessageSplitter {
  /** The length, or the length and its message, as far as they have come. */
  #current = new Uint8Array(LENGTH);
  #filled = 0;

  /** The messages that are whole now. */
  push(bytes: Uint8Array): Uint8Array[] {
    const messages: Uint8Array[] = [];
    for (let offset = 0; offset < bytes.length; ) {
      const taken = Math.min(this.#current.length - this.#filled, bytes.length - offset);
      this.#current.set(bytes.subarray(offset, offset + taken), this.#filled);
      this.#filled += taken;
      offset += taken;
      if (this.#filled < this.#current.length) break;
      const message = this.#next();
      if (message) messages.push(message);
    }
    return messages;
  }

  /** What was waited for is whole: the message if it was that, else its length. */
  #next(): Uint8Array | undefined {
    const whole = this.#current;
    const length = readU16(whole, 0);
    if (whole.length === LENGTH && length > 0) {
      this.#current = new Uint8Array(LENGTH + length);
      this.#current.set(whole);
      return undefined;
    }
    this.#current = new Uint8Array(LENGTH);
    this.#filled = 0;
    return whole.subarray(LENGTH);
  }
}
