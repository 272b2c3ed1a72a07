// The Internet checksum (RFC 1071) and its incremental update (RFC 1624).

/**
 * Adds the 16-bit words of `bytes[start, end)` to a running sum, which stays below 2^53 for any
 * frame. An odd last byte counts as the high half of a word. Only the last part of a sum may be odd.
 */
export function addToSum(sum: number, bytes: Uint8Array, start: number, end: number): number {
  const lastPair = end - 1;
  let words = 0;
  let offset = start;
  for (; offset < lastPair; offset += 2) words += (bytes[offset]! << 8) | bytes[offset + 1]!;
  if (offset < end) words += bytes[offset]! << 8;
  return sum + words;
}

/** Folds a sum to 16 bits with end-around carry. */
export function foldSum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return folded;
}

/** The checksum of a sum: its one's complement. */
export function finishSum(sum: number): number {
  return ~foldSum(sum) & 0xffff;
}

/** The checksum of `bytes[start, end)`; 0 over data that carries its own right checksum. */
export function checksum(bytes: Uint8Array, start = 0, end = bytes.length): number {
  return finishSum(addToSum(0, bytes, start, end));
}

/**
 * The checksum after a 16-bit word changed from `before` to `after`: HC' = ~(~HC + ~m + m')
 * (RFC 1624 §3, eqn. 3, which never gives the wrong zero that RFC 1141 gave).
 */
export function adjustChecksum16(old: number, before: number, after: number): number {
  let sum = (~old & 0xffff) + (~before & 0xffff) + after;
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** As `adjustChecksum16`, for a 32-bit field such as an address. */
export function adjustChecksum32(old: number, before: number, after: number): number {
  const high = adjustChecksum16(old, before >>> 16, after >>> 16);
  return adjustChecksum16(high, before & 0xffff, after & 0xffff);
}
