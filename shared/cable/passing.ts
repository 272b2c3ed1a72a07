// The message whose frames are being handed up just now. If they all leave again by one port, in their order, as in a
// router, then the message leaves as it came: nobody copies them (egress-queue.ts).

import { isAsWritten } from './frame-batch.ts';

/** Bytes; frames of shorter messages are better copied, and leave together. */
const WORTH_PASSING = 16 * 1024;

let message: Uint8Array | undefined;
let frames: readonly Uint8Array[] = [];

/** Hands up the frames of a message, as `receive` does, and knows them meanwhile. */
export function handUp(received: Uint8Array, batch: readonly Uint8Array[], receive: () => void): void {
  if (received.length < WORTH_PASSING || !isAsWritten(received, batch)) return receive();
  message = received;
  frames = batch;
  try {
    receive();
  } finally {
    message = undefined;
    frames = [];
  }
}

/** The message that is being handed up, if `frame` is its first. */
export function messageBegunBy(frame: Uint8Array): Uint8Array | undefined {
  const first = frames[0];
  if (!first) return undefined;
  // The network layer makes another view of a frame that it looks at more closely.
  const isFirst = frame === first || (frame.byteOffset === first.byteOffset && frame.buffer === first.buffer);
  return isFirst && frame.length === first.length ? message : undefined;
}

/** Whether `frame` is the one of that index in a message, which is being handed up. */
export function isFrameOf(of: Uint8Array, index: number, frame: Uint8Array): boolean {
  return of === message && frame === frames[index];
}
