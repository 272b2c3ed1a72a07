// What a script writes where it does not say what: bytes that tell by themselves where in the stream they
// belong, so that data sent from the wrong place is seen.

export function patternByte(position: number): number {
  return (position ^ (position >>> 8) ^ (position >>> 16)) & 0xff;
}

/** `length` bytes from `position` of the stream on. */
export function pattern(position: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => patternByte(position + index));
}
