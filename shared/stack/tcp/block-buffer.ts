// What has arrived of a stream, in blocks that are its reader's once it has read them: nothing is copied out.

import { type BufferPool, SURE } from './buffer-pool.ts';

/** Bytes of a block. */
const SMALLEST = 4096;
const LARGEST = 64 * 1024;

const NOTHING = new Uint8Array(0);

/**
 * Positions count from the first byte that was not read yet. Bytes may be put ahead of `length`, as segments that
 * arrive out of order are; they become part of the stream by `extend`.
 *
 * A block is about as large as what came from one time at which the reader had read all to the next, so that as a
 * rule it reads that in one piece, and a connection with little traffic has little memory.
 */
export class BlockBuffer {
  /** One behind the other in the stream. */
  #blocks: Uint8Array[] = [];
  /** Bytes of all blocks. */
  #size = 0;
  /** Bytes of the first block that have been read. */
  #first = 0;
  #length = 0;
  /** Up to where anything has been put. */
  #extent = 0;
  /** The most that waited for the reader since it had read all, and the time before. */
  #most = 0;
  #mostBefore = 0;

  /** @param pool what its memory comes of; without, there is as much as it needs */
  constructor(private readonly pool?: BufferPool) {}

  /** Bytes of the stream without a gap. */
  get length(): number {
    return this.#length;
  }

  /** Keeps of `bytes[from, to)`, at `position`, what there is memory for, and returns how many bytes that were. */
  put(position: number, bytes: Uint8Array, from: number, to: number): number {
    if (from === to) return 0;
    const at = this.#first + position;
    const room = this.#reserve(at + to - from) - at;
    if (room <= 0) return 0;
    const count = Math.min(to - from, room);
    this.#write(at, bytes, from, from + count);
    this.#extent = Math.max(this.#extent, position + count);
    return count;
  }

  /** Counts `count` more bytes, which have been put, to the stream. */
  extend(count: number): void {
    this.#length += count;
  }

  /** Takes the next bytes out, `limit` at most, as far as they lie in one block. The reader may keep them. */
  read(limit: number): Uint8Array {
    const block = this.#blocks[0];
    if (!block || this.#length === 0) return NOTHING;
    this.#most = Math.max(this.#most, this.#length);
    const count = Math.min(limit, this.#length, block.length - this.#first);
    const bytes = new Uint8Array(block.buffer, this.#first, count);
    this.#first += count;
    this.#length -= count;
    this.#extent -= count;
    if (this.#first === block.length) this.#dropFirst(block);
    if (this.#extent === 0) this.#emptied();
    return bytes;
  }

  /** A copy of the next bytes, `limit` at most. */
  peek(limit: number): Uint8Array {
    const copy = new Uint8Array(Math.min(limit, this.#length));
    let count = 0;
    for (let index = 0, at = this.#first; count < copy.length; index++, at = 0) {
      const part = this.#blocks[index]!.subarray(at, at + copy.length - count);
      copy.set(part, count);
      count += part.length;
    }
    return copy;
  }

  /** Gives the memory back. */
  release(): void {
    this.pool?.resize(this.#size, 0);
    this.#blocks = [];
    this.#size = this.#first = this.#length = this.#extent = 0;
  }

  /** @param at counted from the start of the first block; there is room from it on */
  #write(at: number, bytes: Uint8Array, from: number, to: number): void {
    // Mostly it is the last one.
    let index = this.#blocks.length - 1;
    let start = this.#size - this.#blocks[index]!.length;
    while (at < start) start -= this.#blocks[--index]!.length;
    let offset = at - start;
    for (let next = from; next < to; offset = 0) {
      const block = this.#blocks[index++]!;
      const count = Math.min(to - next, block.length - offset);
      block.set(count === bytes.length ? bytes : bytes.subarray(next, next + count), offset);
      next += count;
    }
  }

  #dropFirst(block: Uint8Array): void {
    this.#blocks.shift();
    this.#first = 0;
    this.pool?.resize(this.#size, this.#size - block.length);
    this.#size -= block.length;
  }

  /** A block that has no room for as much again is left to the reader, who would get that in two pieces. */
  #emptied(): void {
    this.#mostBefore = this.#most;
    this.#most = 0;
    if (this.pool?.scarce || this.#size - this.#first < this.#mostBefore) this.release();
  }

  /** Sees to `wanted` bytes of blocks, or to those that it is sure of; returns how many there are now. */
  #reserve(wanted: number): number {
    if (wanted <= this.#size) return this.#size;
    const each = this.#blockSize(wanted - this.#first);
    let size = this.#size + Math.ceil((wanted - this.#size) / each) * each;
    if (this.pool && !this.pool.resize(this.#size, size)) {
      if (this.#size >= SURE) return this.#size;
      size = SURE;
    }
    for (; this.#size < size; this.#size += this.#blocks.at(-1)!.length)
      this.#blocks.push(new Uint8Array(Buffer.allocUnsafeSlow(Math.min(each, size - this.#size)).buffer));
    return size;
  }

  /** @param unread bytes that there are to hold */
  #blockSize(unread: number): number {
    const expected = Math.max(unread, this.#mostBefore);
    let size = SMALLEST;
    while (size < expected && size < LARGEST) size *= 2;
    return size;
  }
}
