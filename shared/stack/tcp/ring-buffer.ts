// Bytes of a stream between two positions, in one circular array that grows as it is needed.

import { type BufferPool, SURE } from './buffer-pool.ts';

const SMALLEST = 4096;

/**
 * Positions count from the first byte that was not dropped yet. Bytes may be put ahead of `length`, as
 * segments that arrive out of order are; they become part of the stream by `extend`.
 */
export class RingBuffer {
  #bytes = new Uint8Array(0);
  #first = 0;
  #length = 0;
  /** Up to where anything has been put. */
  #extent = 0;

  /** @param pool what its memory comes of; without, there is as much as it needs */
  constructor(private readonly pool?: BufferPool) {}

  /** Bytes of the stream without a gap. */
  get length(): number {
    return this.#length;
  }

  /** Takes what there is memory for and returns how many bytes that were. */
  append(data: Uint8Array): number {
    const taken = this.put(this.#length, data);
    this.extend(taken);
    return taken;
  }

  /** Keeps of `data`, at `position`, what there is memory for, and returns how many bytes that were. */
  put(position: number, data: Uint8Array): number {
    const room = Math.max(this.#reserve(position + data.length) - position, 0);
    return this.#write(position, data.length <= room ? data : data.subarray(0, room));
  }

  #write(position: number, data: Uint8Array): number {
    if (data.length === 0) return 0;
    const at = this.#index(position);
    const straight = Math.min(data.length, this.#bytes.length - at);
    if (straight === data.length) this.#bytes.set(data, at);
    else {
      this.#bytes.set(data.subarray(0, straight), at);
      this.#bytes.set(data.subarray(straight), 0);
    }
    this.#extent = Math.max(this.#extent, position + data.length);
    return data.length;
  }

  /** Counts `count` more bytes, which have been put, to the stream. */
  extend(count: number): void {
    this.#length += count;
  }

  /** Copies `count` bytes from `position` on into `target` at `offset`. */
  copy(position: number, count: number, target: Uint8Array, offset: number): void {
    const at = this.#index(position);
    const straight = Math.min(count, this.#bytes.length - at);
    target.set(this.#bytes.subarray(at, at + straight), offset);
    if (straight < count) target.set(this.#bytes.subarray(0, count - straight), offset + straight);
  }

  /** Forgets the first `count` bytes. */
  drop(count: number): void {
    this.#first = this.#index(count);
    this.#length -= count;
    this.#extent -= count;
    if (this.#extent > 0) return;
    this.#first = 0;
    if (this.pool?.scarce) this.release();
  }

  /** Gives the memory back. */
  release(): void {
    this.pool?.resize(this.#bytes.length, 0);
    this.#bytes = new Uint8Array(0);
    this.#first = this.#length = this.#extent = 0;
  }

  #index(position: number): number {
    const index = this.#first + position;
    return index < this.#bytes.length ? index : index - this.#bytes.length;
  }

  /** Sees to `wanted` bytes, or to those that it is sure of; returns how many there are now. */
  #reserve(wanted: number): number {
    if (wanted <= this.#bytes.length) return this.#bytes.length;
    let size = Math.max(this.#bytes.length, SMALLEST);
    while (size < wanted) size *= 2;
    if (this.pool && !this.pool.resize(this.#bytes.length, size)) {
      if (this.#bytes.length >= SURE) return this.#bytes.length;
      size = SURE;
    }
    const grown = new Uint8Array(size);
    if (this.#extent > 0) this.copy(0, this.#extent, grown, 0);
    this.#bytes = grown;
    this.#first = 0;
    return size;
  }
}
