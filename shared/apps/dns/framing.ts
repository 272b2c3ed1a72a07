// DNS messages over TCP: each behind its length in 16 bits (RFC 1035 §4.2.2, RFC 7766 §8).

import { concatBytes, readU16, writeU16 } from '../../core/bytes.ts';

/** Length and message in one write, so that they leave in one segment (RFC 7766 §8). */
export function frameMessage(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(2 + message.length);
  writeU16(framed, 0, message.length);
  framed.set(message, 2);
  return framed;
}

/** Cuts a byte stream into messages, wherever the segments split it. Holds at most 64 KiB and a segment. */
export class MessageSplitter {
  #pending: Uint8Array = new Uint8Array(0);

  /** The messages that are whole now. */
  push(bytes: Uint8Array): Uint8Array[] {
    let rest = concatBytes([this.#pending, bytes]);
    const messages: Uint8Array[] = [];
    while (rest.length >= 2 && rest.length >= 2 + readU16(rest, 0)) {
      const end = 2 + readU16(rest, 0);
      messages.push(rest.subarray(2, end));
      rest = rest.subarray(end);
    }
    this.#pending = rest;
    return messages;
  }
}
