// What crosses a port, as a device sends it to whoever captures there: Enhanced Packet Blocks of pcapng as they will
// stand in the file (wire/pcapng.ts), so that nobody on the way need touch a frame. Between them are blocks of
// statistics, which say how many frames were left out so far, and that all that passed before their time has been
// sent: one at first (from now on every frame is seen), one at the end, and some while nothing passes.

import type { Clock, Timer } from '../core/clock.ts';
import { encodeStatistics, packetBlockLength, writePacketBlock } from '../wire/pcapng.ts';

/** Bytes of blocks that go together. */
const CHUNK = 256 * 1024;

/** ms from one write to the next, unless a chunk is full: each costs the system more than many frames do. */
const PAUSE = 20;

/** ms without a frame after which it is said that there was none: who puts frames of several ends in order waits for that. */
const SILENCE = 50;

/** Chunks that are kept for what comes next. */
const MOST_SPARE = 2;

const HALF = 2 ** 32;

interface Chunk {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  used: number;
}

export interface CaptureOptions {
  /** The number that the port has in the file. */
  readonly interface: number;
  /** Bytes of a frame that are kept at most; 0: all. */
  readonly snapshotLength: number;
  /** ms that make Unix time of the clock's. */
  readonly clockOffset: number;
  /** Bytes that may wait; what comes beyond them is left out. */
  readonly backlog: () => number;
}

export class CaptureWriter {
  #seen = 0;
  #dropped = 0;
  readonly #longest: number;
  readonly #offsetHigh: number;
  readonly #offsetLow: number;
  /** The time of the last frame, on the clock and in the file: frames of one message share it. */
  #time = Number.NaN;
  #timeHigh = 0;
  #timeLow = 0;
  /** In order; only the last one is still filled. */
  readonly #waiting: Chunk[] = [];
  readonly #spare: Chunk[] = [];
  #writing = false;
  #flushing = false;
  /** When something was written last. */
  #written = Number.NEGATIVE_INFINITY;
  #silence: Timer | undefined;

  /** @param write calls back when the bytes may be overwritten */
  constructor(
    private readonly options: CaptureOptions,
    private readonly clock: Clock,
    private readonly write: (bytes: Uint8Array, done: () => void) => void,
  ) {
    const offset = nanoseconds(options.clockOffset);
    this.#offsetHigh = Number(offset >> 32n);
    this.#offsetLow = Number(offset & 0xffffffffn);
    this.#longest = options.snapshotLength || Number.POSITIVE_INFINITY;
    this.#writeStatistics();
    this.#watchSilence();
  }

  /** Frames that were left out, as too much waited. */
  get dropped(): number {
    return this.#dropped;
  }

  /** @param time of the clock, in ms */
  add(frame: Uint8Array, direction: 'in' | 'out', time: number): void {
    const { length } = frame;
    const captured = Math.min(length, this.#longest);
    const blockLength = packetBlockLength(captured);
    const chunk = this.#chunkFor(blockLength);
    this.#seen++;
    if (!chunk) {
      this.#dropped++;
      return;
    }
    if (time !== this.#time) this.#setTime(time);
    const packet = {
      interface: this.options.interface,
      timeHigh: this.#timeHigh,
      timeLow: this.#timeLow,
      captured,
      length,
      direction,
    };
    const at = writePacketBlock(chunk.view, chunk.used, packet);
    chunk.bytes.set(captured < length ? frame.subarray(0, captured) : frame, at);
    chunk.used += blockLength;
    if (this.#waiting.length > 1) this.#flush();
    else this.#flushSoon();
  }

  /** Hands over all that waits, and the count. */
  end(): void {
    this.#silence?.cancel();
    for (const { bytes, used } of this.#waiting.splice(0)) this.write(bytes.subarray(0, used), () => {});
    this.#writeStatistics();
  }

  #setTime(time: number): void {
    const low = this.#offsetLow + Math.round(time * 1e6);
    this.#time = time;
    this.#timeHigh = this.#offsetHigh + Math.floor(low / HALF);
    this.#timeLow = low % HALF;
  }

  #chunkFor(length: number): Chunk | undefined {
    const last = this.#waiting.at(-1);
    if (last && last.used + length <= CHUNK) return last;
    const chunks = this.#waiting.length + (this.#writing ? 1 : 0);
    if ((chunks + 1) * CHUNK > this.options.backlog()) return undefined;
    const chunk = this.#spare.pop() ?? newChunk();
    chunk.used = 0;
    this.#waiting.push(chunk);
    return chunk;
  }

  #flushSoon(): void {
    if (this.#flushing || this.#writing) return;
    this.#flushing = true;
    const flush = (): void => {
      this.#flushing = false;
      this.#flush();
    };
    const pause = this.#written + PAUSE - this.clock.now();
    if (pause > 0) this.clock.after(pause, flush);
    else this.clock.afterTurn(flush);
  }

  /** One chunk at a time, so that others are filled meanwhile. */
  #flush(): void {
    if (this.#writing) return;
    const chunk = this.#waiting.shift();
    if (!chunk) return;
    this.#writing = true;
    this.#written = this.clock.now();
    this.write(chunk.bytes.subarray(0, chunk.used), () => {
      this.#writing = false;
      if (this.#spare.length < MOST_SPARE) this.#spare.push(chunk);
      if (this.#waiting.length > 1) this.#flush();
      else if (this.#waiting.length > 0) this.#flushSoon();
    });
  }

  #watchSilence(): void {
    this.#silence = this.clock.after(SILENCE, () => {
      const silent = this.clock.now() - this.#written >= SILENCE;
      if (silent && !this.#writing && this.#waiting.length === 0) this.#writeStatistics();
      this.#watchSilence();
    });
  }

  #writeStatistics(): void {
    const time = nanoseconds(this.clock.now()) + nanoseconds(this.options.clockOffset);
    const counts = { received: BigInt(this.#seen), dropped: BigInt(this.#dropped) };
    this.write(encodeStatistics({ interface: this.options.interface, time, ...counts }), () => {});
  }
}

function newChunk(): Chunk {
  const bytes = Buffer.allocUnsafeSlow(CHUNK);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, CHUNK), used: 0 };
}

/** Unix time in ns is beyond a number's whole range: the fraction of a ms is added apart. */
function nanoseconds(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6));
}
