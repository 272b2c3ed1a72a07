// Seeded randomness: the same seed and labels give the same sequence, on every machine.

/** A generator of pseudo-random numbers; not for secrets. */
export interface Random {
  /** 0 to 2^32 - 1. */
  uint32(): number;
  /** At least 0, under 1. */
  fraction(): number;
  /** A whole number, both bounds included. */
  integer(lowest: number, highest: number): number;
  bytes(length: number): Uint8Array;
}

/** FNV-1a over UTF-16 units, then murmur3's finalizer so that near labels lie far apart. */
function hashLabel(text: string, basis: number): number {
  let hash = basis >>> 0;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return mix32(hash);
}

/** murmur3's 32-bit finalizer: every input bit reaches every output bit. */
export function mix32(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** One 32-bit number out of a seed and its labels, such as ("1", "laptop:eth0", "loss"). */
export function seedOf(...labels: readonly (string | number)[]): number {
  return hashLabel(labels.join('\u0000'), 0x811c9dc5);
}

/** sfc32 (Chris Doty-Humphrey, PractRand), seeded from labels: seed, device or end, incarnation, use. */
export function seededRandom(...labels: readonly (string | number)[]): Random {
  const text = labels.join('\u0000');
  let a = hashLabel(text, 0x811c9dc5);
  let b = hashLabel(text, 0x9e3779b9);
  let c = hashLabel(text, 0x7f4a7c15);
  let counter = 1;

  function uint32(): number {
    const result = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    return result >>> 0;
  }
  for (let warmUp = 0; warmUp < 12; warmUp++) uint32();

  const fraction = (): number => uint32() / 2 ** 32;
  return {
    uint32,
    fraction,
    integer: (lowest, highest) => lowest + Math.floor(fraction() * (highest - lowest + 1)),
    bytes: (length) => Uint8Array.from({ length }, () => uint32() & 255),
  };
}
