// The segments that are on their way: when each was sent, and what is known of its fate. The scoreboard of
// RFC 6675, kept by segment so that loss can be told by time (RFC 8985).

import type { SackBlock } from '../../wire/tcp.ts';
import { type InOrder, SendingOrder } from './sending-order.ts';
import { seqAdd, seqAfter, seqAtOrAfter, seqAtOrBefore, seqBefore, seqDistance, seqMin } from './sequence.ts';

export interface SentSegment extends InOrder<SentSegment> {
  start: number;
  /** One past the last number; a FIN counts. */
  end: number;
  /** ms on the clock, of the latest transmission. */
  sentAt: number;
  transmissions: number;
  /** Whether all that had been written went with it (PSH, RFC 9293 §3.9.1.2). */
  push: boolean;
  state: 'in-flight' | 'lost' | 'sacked';
}

/** What an acknowledgment told of, all in all. */
export interface Delivery {
  /** Bytes acknowledged by number. */
  acknowledged: number;
  /** Bytes newly told of by SACK blocks. */
  sacked: number;
  /** Bytes newly known to have arrived, either way. */
  delivered: number;
  /** The segments that these are, those acknowledged by number first, each group by sequence number. */
  readonly segments: SentSegment[];
  /** What arrived twice (D-SACK, RFC 2883). */
  readonly duplicate: SackBlock | undefined;
}

export class SentQueue {
  /** By sequence number. */
  #segments: SentSegment[] = [];
  readonly #sendingOrder = new SendingOrder<SentSegment>();
  #transmissions = 0;
  #inFlight = 0;
  #lost = 0;
  #sacked = 0;
  #sackedSegments = 0;
  /** No segment before this number is lost. */
  #lostFrom = 0;

  get empty(): boolean {
    return this.#segments.length === 0;
  }

  get head(): SentSegment | undefined {
    return this.#segments[0];
  }

  get last(): SentSegment | undefined {
    return this.#segments.at(-1);
  }

  /** By sequence number. */
  get segments(): readonly SentSegment[] {
    return this.#segments;
  }

  /** Those in flight, in the order in which they were sent; marking them lost on the way is safe. */
  get bySendingOrder(): Iterable<SentSegment> {
    return this.#sendingOrder;
  }

  /** Bytes taken to be in the network (`pipe`, RFC 6675 §4). */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Bytes that are lost and wait to be sent again. */
  get lost(): number {
    return this.#lost;
  }

  get sacked(): number {
    return this.#sacked;
  }

  get sackedSegments(): number {
    return this.#sackedSegments;
  }

  add(start: number, end: number, now: number, push = false): void {
    const order = ++this.#transmissions;
    const segment: SentSegment = {
      start,
      end,
      sentAt: now,
      order,
      earlier: undefined,
      later: undefined,
      transmissions: 1,
      push,
      state: 'in-flight',
    };
    this.#segments.push(segment);
    this.#count(segment, 1);
  }

  /** Takes in a cumulative acknowledgment and SACK blocks. */
  deliver(acknowledgment: number, blocks: readonly SackBlock[]): Delivery {
    const duplicate = duplicateBlock(acknowledgment, blocks);
    const delivery: Delivery = { acknowledged: 0, sacked: 0, delivered: 0, segments: [], duplicate };
    this.#acknowledge(acknowledgment, delivery);
    // By number, lest the order of blocks be taken for the order of arrival.
    const ordered = blocks.length > 1 ? [...blocks].sort((a, b) => seqDistance(b.start, a.start)) : blocks;
    for (const block of ordered) this.#applyBlock(block, acknowledgment, delivery);
    return delivery;
  }

  /** The first segment that is lost and waits to be sent again. */
  firstLost(): SentSegment | undefined {
    if (this.#lost === 0) return undefined;
    for (let index = this.#indexFrom(this.#lostFrom); index < this.#segments.length; index++) {
      const segment = this.#segments[index]!;
      if (segment.state !== 'lost') continue;
      this.#lostFrom = segment.start;
      return segment;
    }
    return undefined;
  }

  markLost(segment: SentSegment): void {
    if (segment.state !== 'in-flight') return;
    this.#lostFrom = this.#lost === 0 ? segment.start : seqMin(segment.start, this.#lostFrom);
    this.#change(segment, 'lost');
  }

  markAllLost(): void {
    for (const segment of this.#segments) this.markLost(segment);
  }

  /** What was taken for lost was only late. */
  markNoneLost(): void {
    for (const segment of this.#segments) if (segment.state === 'lost') this.#change(segment, 'in-flight');
  }

  /** The receiver has given up data that it had SACKed, as RFC 2018 §8 lets it: SACKs count no more. */
  forgetSacks(): void {
    for (const segment of this.#segments) if (segment.state === 'sacked') this.#change(segment, 'in-flight');
  }

  sentAgain(segment: SentSegment, now: number): void {
    this.#count(segment, -1);
    segment.sentAt = now;
    segment.order = ++this.#transmissions;
    segment.transmissions++;
    segment.state = 'in-flight';
    this.#count(segment, 1);
  }

  /** Cuts a segment after `length` bytes, for a path that takes smaller ones by now. */
  split(segment: SentSegment, length: number): void {
    const middle = seqAdd(segment.start, length);
    const rest: SentSegment = { ...segment, start: middle, earlier: undefined, later: undefined };
    this.#segments.splice(this.#indexFrom(segment.start) + 1, 0, rest);
    this.#count(segment, -1);
    segment.end = middle;
    segment.push = false;
    this.#count(segment, 1);
    this.#count(rest, 1);
  }

  clear(): void {
    this.#segments = [];
    this.#sendingOrder.clear();
    this.#inFlight = this.#lost = this.#sacked = this.#sackedSegments = 0;
  }

  #acknowledge(acknowledgment: number, delivery: Delivery): void {
    let whole = 0;
    for (const segment of this.#segments) {
      if (seqAfter(segment.end, acknowledgment)) break;
      whole++;
      this.#count(segment, -1);
      const bytes = seqDistance(segment.start, segment.end);
      delivery.acknowledged += bytes;
      if (segment.state === 'sacked') continue;
      delivery.delivered += bytes;
      delivery.segments.push(segment);
    }
    if (whole > 0) this.#segments.splice(0, whole);
    const head = this.#segments[0];
    if (head && seqBefore(head.start, acknowledgment)) this.#trim(head, acknowledgment, delivery);
  }

  /** The beginning of a segment was acknowledged. */
  #trim(head: SentSegment, acknowledgment: number, delivery: Delivery): void {
    const bytes = seqDistance(head.start, acknowledgment);
    delivery.acknowledged += bytes;
    if (head.state === 'in-flight') this.#inFlight -= bytes;
    else if (head.state === 'lost') this.#lost -= bytes;
    else this.#sacked -= bytes;
    if (head.state !== 'sacked') delivery.delivered += bytes;
    head.start = acknowledgment;
  }

  #applyBlock(block: SackBlock, acknowledgment: number, delivery: Delivery): void {
    const { last } = this;
    // Below what is acknowledged it is a D-SACK; beyond what was sent, or turned round, it is nonsense.
    if (!last || seqAtOrBefore(block.start, acknowledgment) || seqAfter(block.end, last.end)) return;
    if (seqAtOrBefore(block.end, block.start)) return;
    for (let index = this.#indexFrom(block.start); index < this.#segments.length; index++) {
      const segment = this.#segments[index]!;
      if (seqAfter(segment.end, block.end)) break;
      if (segment.state === 'sacked') continue;
      this.#change(segment, 'sacked');
      const bytes = seqDistance(segment.start, segment.end);
      delivery.sacked += bytes;
      delivery.delivered += bytes;
      delivery.segments.push(segment);
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

  /** Adds a segment to the sums of its state, or takes it out of them. */
  #count(segment: SentSegment, sign: 1 | -1): void {
    const bytes = sign * seqDistance(segment.start, segment.end);
    if (segment.state === 'lost') this.#lost += bytes;
    else if (segment.state === 'sacked') {
      this.#sacked += bytes;
      this.#sackedSegments += sign;
    } else {
      this.#inFlight += bytes;
      if (sign > 0) this.#sendingOrder.add(segment);
      else this.#sendingOrder.remove(segment);
    }
  }
}

/** The first block tells of a duplicate if it lies below the acknowledgment, or within the second (RFC 2883 §4). */
function duplicateBlock(
  acknowledgment: number,
  [first, second]: readonly SackBlock[],
): SackBlock | undefined {
  if (!first || seqAtOrBefore(first.end, first.start)) return undefined;
  if (seqBefore(first.start, acknowledgment)) return first;
  const within = second && seqAtOrAfter(first.start, second.start) && seqAtOrBefore(first.end, second.end);
  return within ? first : undefined;
}
