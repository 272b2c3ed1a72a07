// Puts what several ends saw into one order. Of each end it comes in order, but a little late: a packet is held back
// until every end has said what it saw until then, or for a moment if one says nothing, as it is dead or frozen.
// Packets are blocks of pcapng, and stay in the memory that they came in.

import { blockBefore, blockLength, blockTime, timeHigh } from '../shared/wire/pcapng.ts';
import type { CaptureBuffer, Packets, Statistics } from './capture-reader.ts';

/** ms that something is held back at most. */
const WINDOW = 200;

/** Packets of an end that came together. */
interface Held {
  readonly buffer: CaptureBuffer;
  readonly to: number;
  readonly arrived: number;
  /** Where the first is that has not been written. */
  at: number;
}

interface End {
  readonly held: Held[];
  /** When the first of those packets passed; infinite if there are none. */
  next: number;
  /** Nothing comes any more that passed there before. */
  passed: number;
}

/**
 * Takes packets in the order of their times: runs of blocks, each of one end.
 * @param done called when they may be overwritten
 */
export type PacketWriter = (runs: readonly Uint8Array[], done: () => void) => void;

export class CaptureOrder {
  readonly #ends: readonly End[];
  /** Where times are counted from, to be numbers. */
  #since: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Immediate | undefined;

  constructor(
    ends: number,
    private readonly write: PacketWriter,
  ) {
    this.#ends = Array.from({ length: ends }, () => ({
      held: [],
      next: Number.POSITIVE_INFINITY,
      passed: Number.NEGATIVE_INFINITY,
    }));
  }

  /** @param index of the end */
  add(index: number, { buffer, from, to }: Packets): void {
    const end = this.#end(index);
    const { view } = buffer;
    if (end.held.length === 0) end.next = this.#time(view, from);
    end.passed = this.#time(view, blockBefore(view, to));
    end.held.push({ buffer, to, arrived: performance.now(), at: from });
    this.#timer ??= setTimeout(() => this.#release(), WINDOW);
    this.#soon ??= setImmediate(() => this.#writePassed());
  }

  /** All that an end saw before it said this has come. */
  passed(index: number, { view, at }: Statistics): void {
    this.#end(index).passed = this.#time(view, at);
    if (this.#timer) this.#soon ??= setImmediate(() => this.#writePassed());
  }

  /** Writes what is still held. */
  finish(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#soon);
    this.#write(Number.MAX_VALUE);
  }

  /** Writes everything up to when all ends have said what they saw. */
  #writePassed(): void {
    this.#soon = undefined;
    let latest = Number.POSITIVE_INFINITY;
    for (const { passed } of this.#ends) latest = Math.min(latest, passed);
    this.#write(latest);
  }

  /** Writes everything up to the latest of those that have waited long enough. */
  #release(): void {
    this.#timer = undefined;
    const now = performance.now();
    let latest = Number.NEGATIVE_INFINITY;
    for (const { held } of this.#ends)
      for (const { buffer, to, arrived } of held)
        if (now - arrived >= WINDOW)
          latest = Math.max(latest, this.#time(buffer.view, blockBefore(buffer.view, to)));
    this.#write(latest);
    let oldest = Number.POSITIVE_INFINITY;
    for (const { held } of this.#ends) oldest = Math.min(oldest, held[0]?.arrived ?? oldest);
    if (oldest < Number.POSITIVE_INFINITY)
      this.#timer = setTimeout(() => this.#release(), Math.max(1, oldest + WINDOW - now));
  }

  /** Writes packets up to a time. */
  #write(latest: number): void {
    const runs: Uint8Array[] = [];
    const emptied: CaptureBuffer[] = [];
    for (;;) {
      let first: End | undefined;
      let until = latest;
      for (const end of this.#ends) {
        if (end.next > until) continue;
        if (first && first.next <= end.next) until = end.next;
        else {
          if (first) until = first.next;
          first = end;
        }
      }
      if (!first) break;
      runs.push(this.#takeOf(first, until, emptied));
    }
    if (runs.length === 0) return;
    this.write(runs, () => {
      for (const buffer of emptied) buffer.letGo();
    });
  }

  /** The first packets of an end, those up to a time. @param emptied is given the buffer, if those are the last in it */
  #takeOf(end: End, until: number, emptied: CaptureBuffer[]): Uint8Array {
    const [held] = end.held;
    if (!held) throw new Error('an end without packets has none to write');
    const { at: from, to } = held;
    const { bytes, view } = held.buffer;
    while (end.next <= until) {
      held.at += blockLength(view, held.at);
      if (held.at < to) end.next = this.#time(view, held.at);
      else {
        end.held.shift();
        emptied.push(held.buffer);
        const [after] = end.held;
        end.next = after ? this.#time(after.buffer.view, after.at) : Number.POSITIVE_INFINITY;
        break;
      }
    }
    return bytes.subarray(from, held.at);
  }

  #end(index: number): End {
    const end = this.#ends[index];
    if (!end) throw new Error(`no end ${index}`);
    return end;
  }

  #time(view: DataView, at: number): number {
    this.#since ??= timeHigh(view, at);
    return blockTime(view, at, this.#since);
  }
}
