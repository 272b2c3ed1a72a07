// The transmit queue of a cable's end, as a NIC's: frames are copied into the message that they will leave
// in, and dropped from the tail when too much waits.

import type { Train } from '../core/train.ts';
import { BATCH_HEADER_LENGTH, beginFrame, finishBatch, framedLength, MOST_FRAMES } from './frame-batch.ts';

/** How many frames may wait, as Linux's txqueuelen. */
export const QUEUE_FRAMES = 1000;
/** How many bytes of frames may wait: as many full frames of the usual MTU. */
export const QUEUE_BYTES = 1514 * QUEUE_FRAMES;

/** Bytes of a message: as much as a socket is read at once, and room for the longest frame of an MTU of 9,000. */
const BATCH_CAPACITY = 64 * 1024;

/** Buffers that are kept for the next message. */
const SPARE_BUFFERS = 4;

/** Frames on their way into one message. */
export interface Batch {
  readonly buffer: Uint8Array;
  /** Bytes of `buffer` in use. */
  length: number;
  frames: number;
  /** Sum of the frames' own lengths. */
  bytes: number;
}

export class EgressQueue {
  /** In order; only the last one is still filled. */
  #batches: Batch[] = [];
  #spare: Uint8Array[] = [];
  #frames = 0;
  #bytes = 0;

  /** @param longestFrame bytes */
  constructor(private readonly longestFrame: number) {}

  get frames(): number {
    return this.#frames;
  }

  /** Whether a message is full, so that it may as well leave before the turn ends. */
  get hasFullBatch(): boolean {
    return this.#batches.length > 1;
  }

  /** Copies a frame to the queue's end; false if there is no room. */
  append(frame: Uint8Array): boolean {
    if (!this.#hasRoom(frame.length)) return false;
    const batch = this.#batchFor(frame.length);
    const at = beginFrame(batch.buffer, batch.length, frame.length);
    batch.buffer.set(frame, at);
    this.#count(batch, at, frame.length);
    return true;
  }

  /** Has the frames of a train written to the queue's end, and returns how many there was room for. */
  appendTrain(frames: Train): number {
    const { count, length } = frames;
    for (let index = 0; index < count; index++) {
      if (!this.#hasRoom(length)) return index;
      const batch = this.#batchFor(length);
      const at = beginFrame(batch.buffer, batch.length, length);
      frames.write(index, batch.buffer, at);
      this.#count(batch, at, length);
    }
    return count;
  }

  /** Takes the first message off, ready to be sent. Its buffer comes back by `recycle`. */
  shift(): Batch | undefined {
    const batch = this.#batches.shift();
    if (!batch) return undefined;
    finishBatch(batch.buffer, batch.frames);
    this.#frames -= batch.frames;
    this.#bytes -= batch.bytes;
    return batch;
  }

  /** Takes back the buffer of a message that has been sent. */
  recycle(batch: Batch): void {
    if (this.#spare.length < SPARE_BUFFERS) this.#spare.push(batch.buffer);
  }

  /** Forgets all that waits and returns how many frames that were. */
  clear(): number {
    const dropped = this.#frames;
    this.#batches = [];
    this.#frames = 0;
    this.#bytes = 0;
    return dropped;
  }

  #hasRoom(length: number): boolean {
    return this.#frames < QUEUE_FRAMES && this.#bytes + length <= QUEUE_BYTES;
  }

  /** A frame has been written to `batch` at `at`. */
  #count(batch: Batch, at: number, length: number): void {
    batch.length = at + length;
    batch.frames++;
    batch.bytes += length;
    this.#frames++;
    this.#bytes += length;
  }

  #batchFor(length: number): Batch {
    const last = this.#batches.at(-1);
    if (last && last.length + framedLength(length) <= last.buffer.length && last.frames < MOST_FRAMES)
      return last;
    const batch = { buffer: this.#buffer(), length: BATCH_HEADER_LENGTH, frames: 0, bytes: 0 };
    this.#batches.push(batch);
    return batch;
  }

  #buffer(): Uint8Array {
    const capacity = Math.max(BATCH_CAPACITY, BATCH_HEADER_LENGTH + framedLength(this.longestFrame));
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(capacity);
  }
}
