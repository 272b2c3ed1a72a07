// Reads what a device sends of a capture (shared/device/capture-writer.ts). Packets stay the blocks that they came
// as, many at a time, and where they were read to.

import {
  blockLength,
  blockType,
  droppedOf,
  ENHANCED_PACKET,
  INTERFACE_STATISTICS,
} from '../shared/wire/pcapng.ts';

/** Type and length, which tell how much more is to come. */
const BLOCK_START = 8;

/** Type, length, and the length again. */
const SHORTEST_BLOCK = 12;

/** No block is longer: the largest MTU, and what stands around a frame in Ethernet and in the file. */
const LONGEST_BLOCK = 65_535 + 100;

/** Bytes that are read to one after the other; what is left of them at the end may be too few for a block. */
const BUFFER = 512 * 1024;
const LEAST_SPACE = 64 * 1024;

/** Buffers that are kept for what comes next. */
const MOST_SPARE = 512;

/** Memory that is read to. New memory for each read would cost more than all that is done with it. */
export class CaptureBuffer {
  readonly bytes = Buffer.allocUnsafeSlow(BUFFER);
  readonly view = new DataView(this.bytes.buffer, this.bytes.byteOffset, BUFFER);
  #holders = 0;

  constructor(private readonly spare: CaptureBuffer[]) {}

  hold(): this {
    this.#holders++;
    return this;
  }

  letGo(): void {
    if (--this.#holders === 0 && this.spare.length < MOST_SPARE) this.spare.push(this);
  }
}

/** Blocks of packets, one behind the other. Whoever is given them lets go of the buffer when done. */
export interface Packets {
  readonly buffer: CaptureBuffer;
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** What an end says in between. */
export interface Statistics {
  /** The block, for as long as it is told. */
  readonly view: DataView;
  readonly at: number;
  /** Frames that were left out since it was told last. */
  readonly dropped: number;
}

export class CaptureReader {
  #buffer: CaptureBuffer;
  /** Bytes that have been read, and those of them that were whole blocks. */
  #read = 0;
  #taken = 0;
  #dropped = 0;

  /**
   * @param spare buffers that captures of one net have in common
   * @param statistics told at first, from when on every frame is seen, and again from time to time
   */
  constructor(
    private readonly spare: CaptureBuffer[],
    private readonly packets: (packets: Packets) => void,
    private readonly statistics: (statistics: Statistics) => void,
  ) {
    this.#buffer = this.#take();
  }

  /** Where more is to be read to. */
  space(): Uint8Array {
    if (this.#read > BUFFER - LEAST_SPACE) this.#moveOn();
    return this.#buffer.bytes.subarray(this.#read);
  }

  /** Takes what has been read: as many bytes. @throws Error if they are of no capture */
  received(bytes: number): void {
    this.#read += bytes;
    const { view } = this.#buffer;
    let from = this.#taken;
    let count = 0;
    const handOver = (): void => {
      if (count > 0) this.#handOver(from, this.#taken, count);
      count = 0;
    };
    while (this.#taken + BLOCK_START <= this.#read) {
      const next = this.#taken + lengthOf(view, this.#taken);
      if (next > this.#read) break;
      if (blockType(view, this.#taken) === ENHANCED_PACKET) count++;
      else {
        handOver();
        const dropped = droppedOf(view, this.#taken);
        this.statistics({ view, at: this.#taken, dropped: dropped - this.#dropped });
        this.#dropped = dropped;
        from = next;
      }
      this.#taken = next;
    }
    handOver();
  }

  /** Nothing is read any more. */
  close(): void {
    this.#buffer.letGo();
  }

  #handOver(from: number, to: number, count: number): void {
    this.packets({ buffer: this.#buffer.hold(), from, to, count });
  }

  #take(): CaptureBuffer {
    return (this.spare.pop() ?? new CaptureBuffer(this.spare)).hold();
  }

  /** Takes another buffer, with what there is of a block. */
  #moveOn(): void {
    const next = this.#take();
    next.bytes.set(this.#buffer.bytes.subarray(this.#taken, this.#read));
    this.#buffer.letGo();
    this.#buffer = next;
    this.#read -= this.#taken;
    this.#taken = 0;
  }
}

function lengthOf(blocks: DataView, at: number): number {
  const length = blockLength(blocks, at);
  const type = blockType(blocks, at);
  const known = type === ENHANCED_PACKET || type === INTERFACE_STATISTICS;
  if (known && length >= SHORTEST_BLOCK && length <= LONGEST_BLOCK) return length;
  throw new Error(`a block of type ${type} and ${length} bytes: no capture`);
}
