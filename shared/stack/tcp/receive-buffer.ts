// What has arrived: the stream in order, what lies beyond gaps, the window that is left, and the SACK
// blocks that tell the peer of it (RFC 9293 §3.10.7.4, RFC 2018, RFC 2883).

import type { SackBlock } from '../../wire/tcp.ts';
import type { BufferPool } from './buffer-pool.ts';
import { Ranges } from './ranges.ts';
import { RingBuffer } from './ring-buffer.ts';
import { seqAdd, seqAtOrAfter, seqAtOrBefore, seqBefore, seqDistance, seqMax, seqMin } from './sequence.ts';

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
  readonly #ring: RingBuffer;
  readonly #beyond = new Ranges();
  /** Sequence number of the peer's FIN, once it came. */
  #fin: number | undefined;
  /** Right edge of the window that the peer knows of. */
  #edge: number;
  #duplicate: SackBlock | undefined;

  /**
   * @param irs the peer's initial sequence number
   * @param capacity bytes
   */
  constructor(
    irs: number,
    private capacity: number,
    pool?: BufferPool,
  ) {
    this.#ring = new RingBuffer(pool);
    this.next = seqAdd(irs, 1);
    this.#edge = seqAdd(this.next, Math.min(capacity, 0xffff));
  }

  /** From now on it holds `capacity` bytes; what the peer was told that it may send still fits in. */
  resize(capacity: number): void {
    this.capacity = capacity;
  }

  /** Bytes in order that nobody has read yet. */
  get readable(): number {
    return this.#ring.length;
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

    const isWhole = start === sequence && last === end;
    const data = isWhole
      ? payload
      : payload.subarray(seqDistance(sequence, start), Math.max(seqDistance(sequence, last), 0));
    if (start === this.next) return this.#takeInOrder(data);
    return this.#takeOutOfOrder(start, lastWithFin, data);
  }

  /** Copies up to `limit` bytes out. */
  peek(limit: number): Uint8Array {
    const length = Math.min(limit, this.readable);
    const { buffer, byteOffset } = Buffer.allocUnsafe(length);
    const data = new Uint8Array(buffer, byteOffset, length);
    this.#ring.copy(0, length, data, 0);
    return data;
  }

  read(limit: number): Uint8Array {
    const data = this.peek(limit);
    this.#ring.drop(data.length);
    return data;
  }

  /**
   * The window to put into a segment that leaves now, by `scale`; the peer may use it from then on. Its
   * right edge never goes back, and moves only by a worthwhile step (RFC 9293 §3.8.6.2.2).
   */
  advertise(scale: number, mss: number): number {
    const offered = this.#offeredEdge();
    if (seqDistance(this.#edge, offered) >= Math.min(this.capacity / 2, mss)) this.#edge = offered;
    // Rounded up, or each segment that is not a multiple of the scale would take the edge back a little.
    const unit = 1 << scale;
    const field = Math.min(Math.ceil(Math.max(this.window, 0) / unit), 0xffff);
    this.#edge = seqMax(this.#edge, seqAdd(this.next, field * unit));
    return field;
  }

  /** Whether the peer has little window left, and reading has made much more of it. */
  windowUpdateDue(mss: number): boolean {
    const gain = seqDistance(this.#edge, this.#offeredEdge());
    if (this.finished || gain < Math.min(this.capacity / 2, mss)) return false;
    return this.window < 2 * mss || (this.window < this.capacity / 2 && gain >= this.capacity / 4);
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
    this.#ring.release();
    this.#beyond.clear();
  }

  #offeredEdge(): number {
    return seqAdd(this.next, Math.max(this.capacity - this.readable, 0));
  }

  #takeInOrder(data: Uint8Array): Arrival {
    const hadGap = this.hasGap;
    const kept = this.#ring.put(this.#ring.length, data);
    this.#advance(seqAdd(this.next, kept));
    if (kept < data.length) return 'no-memory';
    const reached = this.#beyond.reach(this.next);
    this.#advance(this.#fin === undefined ? reached : seqMin(reached, this.#fin));
    if (this.#fin === this.next) {
      this.next = seqAdd(this.next, 1);
      this.finished = true;
      this.#beyond.clear();
    }
    return hadGap ? 'gap-filling' : 'in-order';
  }

  #advance(to: number): void {
    const count = seqDistance(this.next, to);
    this.#ring.extend(count);
    this.total += count;
    this.next = to;
  }

  #takeOutOfOrder(start: number, end: number, data: Uint8Array): Arrival {
    const kept = this.#ring.put(this.#ring.length + seqDistance(this.next, start), data);
    if (kept < data.length) return 'no-memory';
    return this.#beyond.add(start, end) ? 'out-of-order' : 'no-memory';
  }

  /** Remembers the first part of [start, end) that had come before: reported once (RFC 2883 §4). */
  noticeDuplicate(start: number, end: number): void {
    if (start === end) return;
    if (seqBefore(start, this.next)) this.#duplicate = { start, end: seqMin(end, this.next) };
    else this.#duplicate = this.#beyond.overlap(start, end) ?? this.#duplicate;
  }
}
