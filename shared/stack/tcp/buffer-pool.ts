// How many bytes the buffers of all connections of a device take together. Each buffer is sure of a little,
// so that every connection goes on; who would hold more has to leave it when there is no more.

/** Bytes that a buffer may take whatever others have. */
export const SURE = 16 * 1024;

export class BufferPool {
  #used = 0;

  /** @param limit bytes beyond what buffers are sure of */
  constructor(readonly limit: number) {}

  get used(): number {
    return this.#used;
  }

  /** Whether empty buffers should give back what they have. */
  get scarce(): boolean {
    return this.#used > this.limit / 2;
  }

  /** Whether a buffer of `before` bytes may become one of `after` bytes; if so, it is one. */
  resize(before: number, after: number): boolean {
    const change = share(after) - share(before);
    if (change > 0 && this.#used + change > this.limit) return false;
    this.#used += change;
    return true;
  }
}

function share(size: number): number {
  return Math.max(size - SURE, 0);
}
