// What has arrived: the stream in order, what lies beyond gaps, the window that is left, and the SACK
// blocks that tell the peer of it (RFC 9293 §3.10.7.4, RFC 2018, RFC 2883).

import type { SackBlock } from '../../wire/tcp.ts';
import { BlockBuffer } from './block-buffer.ts';
import type { BufferPool } from './buffer-pool.ts';
import { Ranges } from './ranges.ts';
import { seqAdd, seqAtOrAfter, seqAtOrBefore, seqBefore, seqDistance, seqMax, seqMin } from './sequence.ts';

const LARGEST_FIELD = 0xffff;

/** How a segment fitted in. */
export type Arrival =
  /** It went on where the stream ended. */
  | 'in-order'
  /** As `in-order`, and more lay behind it already, or a gap is left behind it. */
  | 'gap-filling'
  | 'out-of-order'
  /** Nothing new in it, or no room for it. */
  | 'nothing-new'
  /** There is no memory for it, or too many gaps are remembered: it is as if it had been lost. */
  | 'no-memory';

export class ReceiveBuffer {
  /** RCV.NXT. */
  next: number;
  /** Whether the peer's FIN and all before it have arrived. */
  finished = false;
  /** Bytes of the stream that arrived in order so far. */
  total = 0;
  readonly #blocks: BlockBuffer;
  readonly #beyond = new Ranges();
  /** Sequence number of the peer's FIN, once it came. */
  #fin: number | undefined;
  /** Right edge of the window that the peer knows of. */
  #edge: number;
  #duplicate: SackBlock | undefined;
  #largestField = LARGEST_FIELD;

  /**
   * @param irs the peer's initial sequence number
   * @param capacity bytes
   */
  constructor(
    irs: number,
    private capacity: number,
    pool?: BufferPool,
  ) {
    this.#blocks = new BlockBuffer(pool);
    this.next = seqAdd(irs, 1);
    this.#edge = seqAdd(this.next, Math.min(capacity, LARGEST_FIELD));
  }

  /** No window is larger than its field can say, by `scale`: 64 KiB without one (RFC 7323 §2.2). */
  setScale(scale: number): void {
    this.#largestField = LARGEST_FIELD * (1 << scale);
  }

  /** From now on it holds `capacity` bytes; what the peer was told that it may send still fits in. */
  resize(capacity: number): void {
    this.capacity = capacity;
  }

  /** Bytes in order that nobody has read yet. */
  get readable(): number {
    return this.#blocks.length;
  }

  /** RCV.WND as the peer knows it. */
  get window(): number {
    return seqDistance(this.next, this.#edge);
  }

  get hasGap(): boolean {
    return this.#beyond.count > 0;
  }

  /** Takes what of a segment is new and lies in the window. */
  take(sequence: number, payload: Uint8Array, fin: boolean): Arrival {
    const end = seqAdd(sequence, payload.length);
    if (fin && this.#fin === undefined && seqAtOrAfter(end, this.next) && seqAtOrBefore(end, this.#edge))
      this.#fin = end;
    const start = seqMax(sequence, this.next);
    let last = seqMin(end, this.#edge);
    if (this.#fin !== undefined) last = seqMin(last, this.#fin);
    this.noticeDuplicate(sequence, end);
    // A FIN takes a sequence number behind the data, and is told of in SACK blocks like the data.
    const lastWithFin = this.#fin === last && fin ? seqAdd(last, 1) : last;
    if (this.finished || seqAtOrAfter(start, lastWithFin)) return 'nothing-new';

    const from = seqDistance(sequence, start);
    const to = Math.max(seqDistance(sequence, last), from);
    if (start === this.next) return this.#takeInOrder(payload, from, to);
    return this.#takeOutOfOrder(start, lastWithFin, payload, from, to);
  }

  /** Whether a segment without FIN is all that `takeNext` asks for. */
  isNext(sequence: number, length: number): boolean {
    return sequence === this.next && length <= this.window && !this.hasGap && this.#fin === undefined;
  }

  /** As `take`, of a segment that `isNext`; returns for how many of its bytes, `bytes[from, to)`, there was memory. */
  takeNext(bytes: Uint8Array, from: number, to: number): number {
    const kept = this.#blocks.put(this.#blocks.length, bytes, from, to);
    this.#advance(kept);
    return kept;
  }

  /** A copy of what `read` gives next, and of what lies behind it, up to `limit` bytes. */
  peek(limit: number): Uint8Array {
    return this.#blocks.peek(limit);
  }

  /** Up to `limit` bytes, as far as they lie in one piece, which is the caller's from now on. */
  read(limit: number): Uint8Array {
    return this.#blocks.read(limit);
  }

  /**
   * The window to put into a segment that leaves now, by `scale`; the peer may use it from then on. Its
   * right edge never goes back, and moves only by a worthwhile step (RFC 9293 §3.8.6.2.2).
   */
  advertise(scale: number, mss: number): number {
    const offered = this.#offeredEdge();
    if (seqDistance(this.#edge, offered) >= Math.min(this.#largest / 2, mss)) this.#edge = offered;
    // Rounded up, or each segment that is not a multiple of the scale would take the edge back a little.
    const unit = 1 << scale;
    const field = Math.min(Math.ceil(Math.max(this.window, 0) / unit), LARGEST_FIELD);
    this.#edge = seqMax(this.#edge, seqAdd(this.next, field * unit));
    return field;
  }

  /** Whether the peer has little window left, and reading has made much more of it. */
  windowUpdateDue(mss: number): boolean {
    const gain = seqDistance(this.#edge, this.#offeredEdge());
    const largest = this.#largest;
    if (this.finished || gain < Math.min(largest / 2, mss)) return false;
    return this.window < 2 * mss || (this.window < largest / 2 && gain >= largest / 4);
  }

  /** How many blocks `sackBlocks` would give. */
  get sackBlockCount(): number {
    return this.#beyond.count + (this.#duplicate ? 1 : 0);
  }

  /** At most `limit` blocks, the latest first (RFC 2018 §4), a duplicate before all (RFC 2883 §4). */
  sackBlocks(limit: number): SackBlock[] {
    const duplicate = this.#duplicate ? [this.#duplicate] : [];
    this.#duplicate = undefined;
    return [...duplicate, ...this.#beyond.latest(limit - duplicate.length)];
  }

  /** Nothing will be read any more. */
  release(): void {
    this.#blocks.release();
    this.#beyond.clear();
  }

  /** The largest window that there can be. */
  get #largest(): number {
    return Math.min(this.capacity, this.#largestField);
  }

  #offeredEdge(): number {
    const room = Math.max(this.capacity - this.readable, 0);
    return seqAdd(this.next, Math.min(room, this.#largestField));
  }

  /** Takes `bytes[from, to)`, which begins where the stream ends. */
  #takeInOrder(bytes: Uint8Array, from: number, to: number): Arrival {
    const hadGap = this.hasGap;
    const kept = this.takeNext(bytes, from, to);
    if (kept < to - from) return 'no-memory';
    const reached = this.#beyond.reach(this.next);
    this.#advance(seqDistance(this.next, this.#fin === undefined ? reached : seqMin(reached, this.#fin)));
    if (this.#fin === this.next) {
      this.next = seqAdd(this.next, 1);
      this.finished = true;
      this.#beyond.clear();
    }
    return hadGap ? 'gap-filling' : 'in-order';
  }

  #advance(count: number): void {
    this.#blocks.extend(count);
    this.total += count;
    this.next = seqAdd(this.next, count);
  }

  /** Takes `bytes[from, to)`, with the FIN if there is one [start, end) of the stream. */
  #takeOutOfOrder(start: number, end: number, bytes: Uint8Array, from: number, to: number): Arrival {
    const kept = this.#blocks.put(this.#blocks.length + seqDistance(this.next, start), bytes, from, to);
    if (kept < to - from) return 'no-memory';
    return this.#beyond.add(start, end) ? 'out-of-order' : 'no-memory';
  }

  /** Remembers the first part of [start, end) that had come before: reported once (RFC 2883 §4). */
  noticeDuplicate(start: number, end: number): void {
    if (start === end) return;
    if (seqBefore(start, this.next)) this.#duplicate = { start, end: seqMin(end, this.next) };
    else this.#duplicate = this.#beyond.overlap(start, end) ?? this.#duplicate;
  }
}
