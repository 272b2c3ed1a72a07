// The segments that are on their way: when each was sent, and what is known of its fate. The scoreboard of
// RFC 6675, kept by segment so that loss can also be told by time (RFC 8985).

import type { SackBlock } from '../../wire/tcp.ts';
import { seqAdd, seqAfter, seqAtOrAfter, seqAtOrBefore, seqBefore, seqDistance } from './sequence.ts';

export interface SentSegment {
  start: number;
  /** One past the last number; a FIN counts. */
  end: number;
  /** ms on the clock, of the latest transmission. */
  sentAt: number;
  transmissions: number;
  state: 'in-flight' | 'lost' | 'sacked';
}

/** What an acknowledgment told of, all in all. */
export interface Delivery {
  /** Bytes acknowledged by number. */
  acknowledged: number;
  /** Bytes newly told of by SACK blocks. */
  sacked: number;
  /** Whether any of the segments that this delivers was sent more than once. */
  ambiguous: boolean;
  /** When the first and the last of them were sent, each for the last time; ms on the clock. */
  firstSentAt: number;
  lastSentAt: number;
}

/** SACKed segments above one that make it lost (DupThresh, RFC 6675 §2). */
const DUP_THRESH = 3;

export class SentQueue {
  #segments: SentSegment[] = [];
  #inFlight = 0;
  #lost = 0;
  #sacked = 0;

  get empty(): boolean {
    return this.#segments.length === 0;
  }

  get head(): SentSegment | undefined {
    return this.#segments[0];
  }

  /** Oldest first. */
  get segments(): readonly SentSegment[] {
    return this.#segments;
  }

  /** Bytes taken to be in the network (`pipe`, RFC 6675 §4). */
  get inFlight(): number {
    return this.#inFlight;
  }

  get lost(): number {
    return this.#lost;
  }

  get sacked(): number {
    return this.#sacked;
  }

  push(start: number, end: number, now: number): void {
    this.#segments.push({ start, end, sentAt: now, transmissions: 1, state: 'in-flight' });
    this.#inFlight += seqDistance(start, end);
  }

  /** Takes in a cumulative acknowledgment and SACK blocks. */
  deliver(acknowledgment: number, blocks: readonly SackBlock[]): Delivery {
    const delivery: Delivery = {
      acknowledged: 0,
      sacked: 0,
      ambiguous: false,
      firstSentAt: Number.POSITIVE_INFINITY,
      lastSentAt: Number.NEGATIVE_INFINITY,
    };
    this.#acknowledge(acknowledgment, delivery);
    for (const block of blocks) this.#applyBlock(block, acknowledgment, delivery);
    return delivery;
  }

  /** The first segment that is lost and waits to be sent again. */
  firstLost(): SentSegment | undefined {
    return this.#lost === 0 ? undefined : this.#segments.find((segment) => segment.state === 'lost');
  }

  markLost(segment: SentSegment): void {
    if (segment.state === 'in-flight') this.#change(segment, 'lost');
  }

  /** After a timeout everything that was not SACKed counts as lost (RFC 6675 §5.1). */
  markAllLost(): void {
    for (const segment of this.#segments) this.markLost(segment);
  }

  /** The receiver has given up data that it had SACKed, as RFC 2018 §8 lets it: SACKs count no more. */
  forgetSacks(): void {
    for (const segment of this.#segments) if (segment.state === 'sacked') this.#change(segment, 'in-flight');
  }

  /**
   * Marks what IsLost of RFC 6675 §4 says is lost: three segments above it are SACKed, or more than two
   * segments' worth of bytes. What was sent again already is left to the timers.
   */
  markLostBySacks(mss: number): void {
    if (this.#sacked === 0) return;
    let segmentsAbove = 0;
    let bytesAbove = 0;
    for (let index = this.#segments.length - 1; index >= 0; index--) {
      const segment = this.#segments[index]!;
      if (segment.state === 'sacked') {
        segmentsAbove++;
        bytesAbove += seqDistance(segment.start, segment.end);
      } else if (segment.transmissions === 1) {
        if (segmentsAbove >= DUP_THRESH || bytesAbove > (DUP_THRESH - 1) * mss) this.markLost(segment);
      }
    }
  }

  sentAgain(segment: SentSegment, now: number): void {
    segment.sentAt = now;
    segment.transmissions++;
    this.#change(segment, 'in-flight');
  }

  /** Cuts a segment after `length` bytes, for a path that takes smaller ones by now. */
  split(segment: SentSegment, length: number): void {
    const middle = seqAdd(segment.start, length);
    const rest: SentSegment = { ...segment, start: middle };
    segment.end = middle;
    this.#segments.splice(this.#segments.indexOf(segment) + 1, 0, rest);
  }

  clear(): void {
    this.#segments = [];
    this.#inFlight = this.#lost = this.#sacked = 0;
  }

  #acknowledge(acknowledgment: number, delivery: Delivery): void {
    let whole = 0;
    for (const segment of this.#segments) {
      if (seqAfter(segment.end, acknowledgment)) break;
      whole++;
      this.#count(segment, -1);
      delivery.acknowledged += seqDistance(segment.start, segment.end);
      if (segment.state !== 'sacked') noteDelivered(segment, delivery);
    }
    if (whole > 0) this.#segments.splice(0, whole);
    const head = this.#segments[0];
    if (head && seqBefore(head.start, acknowledgment)) {
      this.#count(head, -1);
      delivery.acknowledged += seqDistance(head.start, acknowledgment);
      head.start = acknowledgment;
      this.#count(head, 1);
    }
  }

  #applyBlock(block: SackBlock, acknowledgment: number, delivery: Delivery): void {
    const last = this.#segments.at(-1);
    // Below what is acknowledged it is a D-SACK; beyond what was sent, or turned round, it is nonsense.
    if (!last || seqAtOrBefore(block.start, acknowledgment) || seqAfter(block.end, last.end)) return;
    if (seqAtOrBefore(block.end, block.start)) return;
    for (let index = this.#indexFrom(block.start); index < this.#segments.length; index++) {
      const segment = this.#segments[index]!;
      if (seqAfter(segment.end, block.end)) break;
      if (segment.state === 'sacked') continue;
      this.#change(segment, 'sacked');
      delivery.sacked += seqDistance(segment.start, segment.end);
      noteDelivered(segment, delivery);
    }
  }

  /** Index of the first segment that begins at `sequence` or after it. */
  #indexFrom(sequence: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (seqAtOrAfter(this.#segments[middle]!.start, sequence)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #change(segment: SentSegment, state: SentSegment['state']): void {
    this.#count(segment, -1);
    segment.state = state;
    this.#count(segment, 1);
  }

  #count(segment: SentSegment, sign: 1 | -1): void {
    const bytes = sign * seqDistance(segment.start, segment.end);
    if (segment.state === 'in-flight') this.#inFlight += bytes;
    else if (segment.state === 'lost') this.#lost += bytes;
    else this.#sacked += bytes;
  }
}

function noteDelivered({ sentAt, transmissions }: SentSegment, delivery: Delivery): void {
  if (transmissions > 1) delivery.ambiguous = true;
  delivery.firstSentAt = Math.min(delivery.firstSentAt, sentAt);
  delivery.lastSentAt = Math.max(delivery.lastSentAt, sentAt);
}
