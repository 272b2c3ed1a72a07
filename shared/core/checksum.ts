// The Internet checksum (RFC 1071) and its incremental update (RFC 1624).

/** Bytes from which on it pays to read words instead of bytes. */
const WORTH_WORDS = 64;

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/**
 * Adds the 16-bit words of `bytes[start, end)` to a running sum, which stays below 2^53 for any
 * frame. An odd last byte counts as the high half of a word. Only the last part of a sum may be odd.
 */
export function addToSum(sum: number, bytes: Uint8Array, start: number, end: number): number {
  if (end - start < WORTH_WORDS || !IS_LITTLE_ENDIAN) return sum + bytewise(bytes, start, end);
  return sum + wordwise(bytes, start, end);
}

function bytewise(bytes: Uint8Array, start: number, end: number): number {
  const lastPair = end - 1;
  let words = 0;
  let offset = start;
  for (; offset < lastPair; offset += 2) words += (bytes[offset]! << 8) | bytes[offset + 1]!;
  if (offset < end) words += bytes[offset]! << 8;
  return words;
}

/** The bytes that were seen last, where they begin in their buffer, and their words from the first whole one on. */
let seen: Uint8Array | undefined;
let seenOffset = 0;
let seenFirst = 0;
let words: Uint32Array = new Uint32Array(0);

/** A message holds the segments of a train: a view of its words for each would cost a third of the sum. */
function lookAt(bytes: Uint8Array): void {
  seen = bytes;
  seenOffset = bytes.byteOffset;
  seenFirst = (seenOffset + 3) & ~3;
  words = new Uint32Array(bytes.buffer, seenFirst, Math.max(seenOffset + bytes.length - seenFirst, 0) >> 2);
}

/**
 * Reads the machine's own words of 32 bits, each of which counts as the sum of its halves, as 2^16 is 1 modulo
 * 2^16 - 1. The halves of ours are swapped in them, and so are those of their sum, which is swapped back (RFC
 * 1071 §2 (B)); words that begin at an odd byte have ours in order.
 */
function wordwise(bytes: Uint8Array, start: number, end: number): number {
  if (bytes !== seen) lookAt(bytes);
  const view = words;
  const first = start + (-(seenOffset + start) & 3);
  const count = (end - first) >> 2;
  // Sums that do not wait for each other.
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let index = (seenOffset + first - seenFirst) >> 2;
  const last = index + count;
  for (; index < last - 7; index += 8) {
    a += view[index]! + view[index + 1]!;
    b += view[index + 2]! + view[index + 3]!;
    c += view[index + 4]! + view[index + 5]!;
    d += view[index + 6]! + view[index + 7]!;
  }
  for (; index < last; index++) a += view[index]!;
  const folded = foldSum(a + b + c + d);
  let sum = (first - start) & 1 ? folded : ((folded & 0xff) << 8) | (folded >>> 8);
  for (let at = start; at < first; at++) sum += (at - start) & 1 ? bytes[at]! : bytes[at]! << 8;
  for (let at = first + 4 * count; at < end; at++) sum += (at - start) & 1 ? bytes[at]! : bytes[at]! << 8;
  return sum;
}

/** Folds a sum (under 2^53) to 16 bits with end-around carry. */
export function foldSum(sum: number): number {
  const high = Math.floor(sum / 0x100000000);
  let folded = (sum & 0xffff) + ((sum >>> 16) & 0xffff) + (high & 0xffff) + (high >>> 16);
  folded = (folded & 0xffff) + (folded >>> 16);
  return (folded & 0xffff) + (folded >>> 16);
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
