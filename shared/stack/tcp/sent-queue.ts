// The segments that are on their way: when each was sent, and what is known of its fate. The scoreboard of
// RFC 6675, by which loss can be told by time (RFC 8985). Segments that left together are kept together, as a
// train, for as long as they share their fate: most are acknowledged together too.

import type { SackBlock } from '../../wire/tcp.ts';
import { type InOrder, SendingOrder } from './sending-order.ts';
import { seqAdd, seqAfter, seqAtOrAfter, seqAtOrBefore, seqBefore, seqDistance, seqMin } from './sequence.ts';

/**
 * One segment, or several of the same length that left together. Their places in the order of sending follow
 * each other, and `order` is that of the first.
 */
export interface SentTrain extends InOrder<SentTrain> {
  start: number;
  /** One past the last number; a FIN counts. */
  end: number;
  /** How many they are. */
  segments: number;
  /** ms on the clock, of the latest transmission. */
  sentAt: number;
  transmissions: number;
  /** Whether all that had been written went with the last of them (PSH, RFC 9293 §3.9.1.2). */
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
  readonly trains: SentTrain[];
  /** What arrived twice (D-SACK, RFC 2883). */
  readonly duplicate: SackBlock | undefined;
}

/** Bytes of each segment of a train. */
export function segmentLength({ start, end, segments }: SentTrain): number {
  return seqDistance(start, end) / segments;
}

export class SentQueue {
  /** By sequence number. */
  #trains: SentTrain[] = [];
  readonly #sendingOrder = new SendingOrder<SentTrain>();
  #transmissions = 0;
  #segments = 0;
  #inFlight = 0;
  #lost = 0;
  #sacked = 0;
  #sackedSegments = 0;
  /** No segment before this number is lost. */
  #lostFrom = 0;
  /** The SACK blocks that came last: all that lies in them is acknowledged or sacked. */
  #knownBlocks: readonly SackBlock[] = [];

  get empty(): boolean {
    return this.#trains.length === 0;
  }

  /** The train of the first segment. */
  get head(): SentTrain | undefined {
    return this.#trains[0];
  }

  /** The train of the last segment. */
  get last(): SentTrain | undefined {
    return this.#trains.at(-1);
  }

  /** By sequence number. */
  get trains(): readonly SentTrain[] {
    return this.#trains;
  }

  /** Those in flight, in the order in which they were sent; marking them lost on the way is safe. */
  get bySendingOrder(): Iterable<SentTrain> {
    return this.#sendingOrder;
  }

  get segments(): number {
    return this.#segments;
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

  /** What is between the numbers was sent, as so many segments of the same length. */
  add(start: number, end: number, now: number, push = false, segments = 1): void {
    const train: SentTrain = {
      start,
      end,
      segments,
      sentAt: now,
      order: this.#nextOrder(segments),
      earlier: undefined,
      later: undefined,
      transmissions: 1,
      push,
      state: 'in-flight',
    };
    this.#trains.push(train);
    this.#count(train, 1);
  }

  /** Takes in a cumulative acknowledgment and SACK blocks. */
  deliver(acknowledgment: number, blocks: readonly SackBlock[]): Delivery {
    const duplicate = duplicateBlock(acknowledgment, blocks);
    const delivery: Delivery = { acknowledged: 0, sacked: 0, delivered: 0, trains: [], duplicate };
    this.#acknowledge(acknowledgment, delivery);
    // By number, lest the order of blocks be taken for the order of arrival.
    const ordered = blocks.length > 1 ? [...blocks].sort((a, b) => seqDistance(b.start, a.start)) : blocks;
    this.#knownBlocks = ordered.filter((block) => this.#applyBlock(block, acknowledgment, delivery));
    return delivery;
  }

  /** The train of the first segment that is lost and waits to be sent again. */
  firstLost(): SentTrain | undefined {
    if (this.#lost === 0) return undefined;
    for (let index = this.#indexAt(this.#lostFrom); index < this.#trains.length; index++) {
      const train = this.#trains[index]!;
      if (train.state !== 'lost') continue;
      this.#lostFrom = train.start;
      return train;
    }
    return undefined;
  }

  markLost(train: SentTrain): void {
    if (train.state !== 'in-flight') return;
    this.#lostFrom = this.#lost === 0 ? train.start : seqMin(train.start, this.#lostFrom);
    this.#change(train, 'lost');
  }

  markAllLost(): void {
    for (const train of this.#trains) this.markLost(train);
  }

  /** What was taken for lost was only late. */
  markNoneLost(): void {
    for (const train of this.#trains) if (train.state === 'lost') this.#change(train, 'in-flight');
  }

  /** The receiver has given up data that it had SACKed, as RFC 2018 §8 lets it: SACKs count no more. */
  forgetSacks(): void {
    this.#knownBlocks = [];
    for (const train of this.#trains) if (train.state === 'sacked') this.#change(train, 'in-flight');
  }

  sentAgain(train: SentTrain, now: number): void {
    if (train.state === 'sacked') this.#knownBlocks = [];
    this.#count(train, -1);
    train.sentAt = now;
    train.order = this.#nextOrder(train.segments);
    train.transmissions++;
    train.state = 'in-flight';
    this.#count(train, 1);
  }

  /** Cuts a train after its first `segments`, if it has more, for what happens to these alone. */
  cut(train: SentTrain, segments: number): void {
    if (segments >= train.segments) return;
    const rest = part(train, segments, train.segments - segments);
    train.segments = segments;
    this.#insertRest(train, rest);
  }

  /** Makes two of a lone segment, the first of `length` bytes, for a path that takes smaller ones by now. */
  split(segment: SentTrain, length: number): void {
    // Of a segment that a block ended in, one of the two may lie in it whole.
    this.#knownBlocks = [];
    this.#insertRest(segment, { ...segment, start: seqAdd(segment.start, length) });
    this.#segments++;
    if (segment.state === 'sacked') this.#sackedSegments++;
  }

  /** The first segment, cut off its train. */
  cutFirst(): SentTrain | undefined {
    const { head } = this;
    if (head) this.cut(head, 1);
    return head;
  }

  /** The last segment, cut off its train. */
  cutLast(): SentTrain | undefined {
    const { last } = this;
    if (last && last.segments > 1) this.cut(last, last.segments - 1);
    return this.last;
  }

  clear(): void {
    this.#knownBlocks = [];
    this.#trains = [];
    this.#sendingOrder.clear();
    this.#segments = this.#inFlight = this.#lost = this.#sacked = this.#sackedSegments = 0;
  }

  /** The place of the first of so many that are sent now. */
  #nextOrder(segments: number): number {
    const order = this.#transmissions + 1;
    this.#transmissions += segments;
    return order;
  }

  /** `train` ends where `rest` begins; all in all nothing has changed. */
  #insertRest(train: SentTrain, rest: SentTrain): void {
    this.#trains.splice(this.#indexAt(train.start) + 1, 0, rest);
    train.end = rest.start;
    train.push = false;
    if (train.state === 'in-flight') this.#sendingOrder.addBehind(train, rest);
  }

  /** Cuts a train behind the last of its segments that end at `sequence` or before, if there are any. */
  #cutAt(train: SentTrain, sequence: number): void {
    const segments = Math.floor(seqDistance(train.start, sequence) / segmentLength(train));
    if (segments > 0) this.cut(train, segments);
  }

  #acknowledge(acknowledgment: number, delivery: Delivery): void {
    let whole = 0;
    for (const train of this.#trains) {
      if (seqAfter(train.end, acknowledgment)) break;
      whole++;
      this.#count(train, -1);
      tellAcknowledged(train, delivery);
    }
    if (whole > 0) this.#trains.splice(0, whole);
    const { head } = this;
    if (head && seqBefore(head.start, acknowledgment)) this.#trim(head, acknowledgment, delivery);
  }

  /** The beginning of the first train was acknowledged: some of its segments, and perhaps a part of the next. */
  #trim(head: SentTrain, acknowledgment: number, delivery: Delivery): void {
    const segments = Math.floor(seqDistance(head.start, acknowledgment) / segmentLength(head));
    if (segments > 0) {
      const arrived = part(head, 0, segments);
      this.#sum(arrived, -1);
      tellAcknowledged(arrived, delivery);
      head.start = arrived.end;
      head.order += segments;
      head.segments -= segments;
    }
    if (head.start !== acknowledgment) this.#trimSegment(head, acknowledgment, delivery);
  }

  /** The beginning of the first segment was acknowledged. */
  #trimSegment(head: SentTrain, acknowledgment: number, delivery: Delivery): void {
    this.cut(head, 1);
    const bytes = seqDistance(head.start, acknowledgment);
    delivery.acknowledged += bytes;
    if (head.state === 'in-flight') this.#inFlight -= bytes;
    else if (head.state === 'lost') this.#lost -= bytes;
    else this.#sacked -= bytes;
    if (head.state !== 'sacked') delivery.delivered += bytes;
    head.start = acknowledgment;
  }

  /** Whether the block can be meant as it stands. */
  #applyBlock(block: SackBlock, acknowledgment: number, delivery: Delivery): boolean {
    const { last } = this;
    // Below what is acknowledged it is a D-SACK; beyond what was sent, or turned round, it is nonsense.
    if (!last || seqAtOrBefore(block.start, acknowledgment) || seqAfter(block.end, last.end)) return false;
    if (seqAtOrBefore(block.end, block.start)) return false;
    for (let index = this.#indexAt(this.#newFrom(block)); index < this.#trains.length; index++) {
      const train = this.#trains[index]!;
      if (seqAtOrAfter(train.start, block.end)) break;
      if (train.state === 'sacked') continue;
      const before = seqDistance(train.start, block.start);
      if (before > 0) {
        // What begins before the block is not in it; the rest of the train comes next.
        this.cut(train, Math.ceil(before / segmentLength(train)));
        continue;
      }
      this.#cutAt(train, block.end);
      if (seqAfter(train.end, block.end)) break;
      this.#change(train, 'sacked');
      const bytes = seqDistance(train.start, train.end);
      delivery.sacked += bytes;
      delivery.delivered += bytes;
      delivery.trains.push(train);
    }
    return true;
  }

  /** Where what a block tells anew begins: mostly it is one that was there before, and has grown at its end. */
  #newFrom({ start, end }: SackBlock): number {
    const known = this.#knownBlocks.find(
      (block) => seqAtOrBefore(block.start, start) && seqAfter(block.end, start),
    );
    return known ? seqMin(known.end, end) : start;
  }

  /** Index of the train that `sequence` is in, or of the first behind it. */
  #indexAt(sequence: number): number {
    let low = 0;
    let high = this.#trains.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (seqAfter(this.#trains[middle]!.end, sequence)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #change(train: SentTrain, state: SentTrain['state']): void {
    this.#count(train, -1);
    train.state = state;
    this.#count(train, 1);
  }

  /** Counts a train among those of its state, or no more. */
  #count(train: SentTrain, sign: 1 | -1): void {
    this.#sum(train, sign);
    if (train.state !== 'in-flight') return;
    if (sign > 0) this.#sendingOrder.add(train);
    else this.#sendingOrder.remove(train);
  }

  #sum(train: SentTrain, sign: 1 | -1): void {
    const bytes = sign * seqDistance(train.start, train.end);
    const segments = sign * train.segments;
    this.#segments += segments;
    if (train.state === 'in-flight') this.#inFlight += bytes;
    else if (train.state === 'lost') this.#lost += bytes;
    else {
      this.#sacked += bytes;
      this.#sackedSegments += segments;
    }
  }
}

/** So many of a train's segments, without the first `from`. */
function part(train: SentTrain, from: number, segments: number): SentTrain {
  const length = segmentLength(train);
  const start = seqAdd(train.start, from * length);
  return {
    start,
    end: seqAdd(start, segments * length),
    segments,
    sentAt: train.sentAt,
    order: train.order + from,
    earlier: undefined,
    later: undefined,
    transmissions: train.transmissions,
    push: train.push && from + segments === train.segments,
    state: train.state,
  };
}

function tellAcknowledged(train: SentTrain, delivery: Delivery): void {
  const bytes = seqDistance(train.start, train.end);
  delivery.acknowledged += bytes;
  if (train.state === 'sacked') return;
  delivery.delivered += bytes;
  delivery.trains.push(train);
}

/** The first block tells of a duplicate if it lies below the acknowledgment, or within the second (RFC 2883 §4). */
function duplicateBlock(acknowledgment: number, blocks: readonly SackBlock[]): SackBlock | undefined {
  const first = blocks[0];
  const second = blocks[1];
  if (!first || seqAtOrBefore(first.end, first.start)) return undefined;
  if (seqBefore(first.start, acknowledgment)) return first;
  const within = second && seqAtOrAfter(first.start, second.start) && seqAtOrBefore(first.end, second.end);
  return within ? first : undefined;
}
