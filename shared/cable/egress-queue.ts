// The transmit queue of a cable's end, as a NIC's: frames are copied into the message that they will leave
// in, or stay in the one that they came in, and are dropped from the tail when too much waits.

import type { Train } from '../core/train.ts';
import { BATCH_HEADER_LENGTH, beginFrame, finishBatch, framedLength, MOST_FRAMES } from './frame-batch.ts';
import { isFrameOf, messageBegunBy } from './passing.ts';

/** How many frames may wait: more than nine TCP windows of ours, so that a few connections together fill no queue. */
export const QUEUE_FRAMES = 20_000;
/** How many bytes of frames may wait: as many full frames of the usual MTU. */
export const QUEUE_BYTES = 1514 * QUEUE_FRAMES;

/** Bytes of a message. Each costs as much again as some ten of its frames, and its TCP segments share an ACK. */
const BATCH_CAPACITY = 256 * 1024;

/**
 * Messages that pass through may be so many: one keeps all its memory for what may be a few frames of it, and
 * all take no more than the queue may. Beyond, frames are copied.
 */
const MOST_PASSING = Math.floor(QUEUE_BYTES / BATCH_CAPACITY);

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
  /** Whether it is a message that came, and passes through. */
  readonly passing: boolean;
}

export class EgressQueue {
  /** In order; only the last one is still filled. */
  #batches: Batch[] = [];
  #spare: Uint8Array[] = [];
  #frames = 0;
  #bytes = 0;
  #passing = 0;

  /** @param longestFrame bytes */
  constructor(private readonly longestFrame: number) {}

  get frames(): number {
    return this.#frames;
  }

  /** Whether a message is full, so that it may as well leave before the turn ends. */
  get hasFullBatch(): boolean {
    return this.#batches.length > 1;
  }

  /** Puts a frame at the queue's end, copied as a rule; false if there is no room. */
  append(frame: Uint8Array): boolean {
    if (!this.#hasRoom(frame.length)) return false;
    const passing = this.#messageOf(frame);
    const batch = passing ?? this.#batchFor(frame.length);
    const at = beginFrame(batch.buffer, batch.length, frame.length);
    if (!passing) batch.buffer.set(frame, at);
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
    if (batch.passing) this.#passing--;
    return batch;
  }

  /** Takes back the buffer of a message that has been sent. */
  recycle(batch: Batch): void {
    if (!batch.passing && this.#spare.length < SPARE_BUFFERS) this.#spare.push(batch.buffer);
  }

  /** Forgets all that waits and returns how many frames that were. */
  clear(): number {
    const dropped = this.#frames;
    this.#batches = [];
    this.#frames = 0;
    this.#bytes = 0;
    this.#passing = 0;
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

  /** The message that a frame came in, if it is the first of that, or the one before stood before it there too. */
  #messageOf(frame: Uint8Array): Batch | undefined {
    const last = this.#batches.at(-1);
    if (last?.passing && isFrameOf(last.buffer, last.frames, frame)) return last;
    const message = this.#passing < MOST_PASSING ? messageBegunBy(frame) : undefined;
    if (!message) return undefined;
    this.#passing++;
    return this.#begin(message, true);
  }

  #batchFor(length: number): Batch {
    const last = this.#batches.at(-1);
    const fits =
      last && last.length + framedLength(length) <= last.buffer.length && last.frames < MOST_FRAMES;
    return fits && !last.passing ? last : this.#begin(this.#buffer(), false);
  }

  #begin(buffer: Uint8Array, passing: boolean): Batch {
    const batch = { buffer, length: BATCH_HEADER_LENGTH, frames: 0, bytes: 0, passing };
    this.#batches.push(batch);
    return batch;
  }

  #buffer(): Uint8Array {
    const capacity = Math.max(BATCH_CAPACITY, BATCH_HEADER_LENGTH + framedLength(this.longestFrame));
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(capacity);
  }
}
