// Sequence numbers: 32 bits, compared around the wrap (RFC 9293 §3.4). Never compare them with a plain `<`. They are
// kept signed, negative from 2^31 on, for what is signed is a small integer to V8: it is not put on the heap, and a
// connection that passes 2^31 runs the code that was compiled for those below. So are timestamps (RFC 7323).

export function seqAdd(sequence: number, count: number): number {
  return (sequence + count) | 0;
}

/** How far `sequence` lies behind `base`; negative if it lies before it. */
export function seqDistance(base: number, sequence: number): number {
  return (sequence - base) | 0;
}

export function seqBefore(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

export function seqAtOrBefore(a: number, b: number): boolean {
  return ((a - b) | 0) <= 0;
}

export function seqAfter(a: number, b: number): boolean {
  return ((a - b) | 0) > 0;
}

export function seqAtOrAfter(a: number, b: number): boolean {
  return ((a - b) | 0) >= 0;
}

export function seqMax(a: number, b: number): number {
  return seqAfter(a, b) ? a : b;
}

export function seqMin(a: number, b: number): number {
  return seqBefore(a, b) ? a : b;
}

/** Whether `sequence` is one of the `length` numbers from `start` on. */
export function seqWithin(sequence: number, start: number, length: number): boolean {
  return (sequence - start) >>> 0 < length;
}
