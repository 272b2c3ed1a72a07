// Bytes of a stream between two positions, in one circular array that grows as it is needed.

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

  /** Bytes of the stream without a gap. */
  get length(): number {
    return this.#length;
  }

  append(data: Uint8Array): void {
    this.put(this.#length, data);
    this.extend(data.length);
  }

  put(position: number, data: Uint8Array): void {
    if (position + data.length > this.#bytes.length) this.#grow(position + data.length);
    const at = this.#index(position);
    const straight = Math.min(data.length, this.#bytes.length - at);
    if (straight === data.length) this.#bytes.set(data, at);
    else {
      this.#bytes.set(data.subarray(0, straight), at);
      this.#bytes.set(data.subarray(straight), 0);
    }
    this.#extent = Math.max(this.#extent, position + data.length);
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
    if (this.#extent === 0) this.#first = 0;
  }

  /** Gives the memory back; nothing is put any more. */
  release(): void {
    this.#bytes = new Uint8Array(0);
    this.#first = this.#length = this.#extent = 0;
  }

  #index(position: number): number {
    const index = this.#first + position;
    return index < this.#bytes.length ? index : index - this.#bytes.length;
  }

  #grow(needed: number): void {
    let size = Math.max(this.#bytes.length, SMALLEST);
    while (size < needed) size *= 2;
    const grown = new Uint8Array(size);
    if (this.#extent > 0) this.copy(0, this.#extent, grown, 0);
    this.#bytes = grown;
    this.#first = 0;
  }
}
