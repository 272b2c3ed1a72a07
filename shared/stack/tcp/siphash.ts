// SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash whose results say nothing of the key. For
// initial sequence numbers (RFC 6528), timestamp offsets and SYN cookies.

/** Four 32-bit words: the 128-bit key, low words first. */
export type SipKey = readonly [number, number, number, number];

/** The low and the high 32 bits of a hash. */
export type SipHash = readonly [number, number];

/** State words of 64 bits as pairs (low, high): v0 at 0 and 1, … v3 at 6 and 7. */
type State = Int32Array;

function add(state: State, to: number, from: number): void {
  const low = (state[to]! >>> 0) + (state[from]! >>> 0);
  state[to + 1] = state[to + 1]! + state[from + 1]! + (low > 0xffffffff ? 1 : 0);
  state[to] = low;
}

/** Rotates a word left by `bits`, under 32, and mixes another in. */
function rotateXor(state: State, word: number, bits: number, other: number): void {
  const low = state[word]!;
  const high = state[word + 1]!;
  state[word] = ((low << bits) | (high >>> (32 - bits))) ^ state[other]!;
  state[word + 1] = ((high << bits) | (low >>> (32 - bits))) ^ state[other + 1]!;
}

function swapHalves(state: State, word: number): void {
  const low = state[word]!;
  state[word] = state[word + 1]!;
  state[word + 1] = low;
}

function sipRounds(state: State, count: number): void {
  for (let round = 0; round < count; round++) {
    add(state, 0, 2);
    rotateXor(state, 2, 13, 0);
    swapHalves(state, 0);
    add(state, 4, 6);
    rotateXor(state, 6, 16, 4);
    add(state, 0, 6);
    rotateXor(state, 6, 21, 0);
    add(state, 4, 2);
    rotateXor(state, 2, 17, 4);
    swapHalves(state, 4);
  }
}

/** Hashes 32-bit words, taken as the bytes of a little-endian message. */
export function sipHash(key: SipKey, words: readonly number[]): SipHash {
  const [k0, k1, k2, k3] = key;
  const state = new Int32Array([
    k0 ^ 0x70736575,
    k1 ^ 0x736f6d65,
    k2 ^ 0x6e646f6d,
    k3 ^ 0x646f7261,
    k0 ^ 0x6e657261,
    k1 ^ 0x6c796765,
    k2 ^ 0x79746573,
    k3 ^ 0x74656462,
  ]);
  const absorb = (low: number, high: number): void => {
    state[6] = state[6]! ^ low;
    state[7] = state[7]! ^ high;
    sipRounds(state, 2);
    state[0] = state[0]! ^ low;
    state[1] = state[1]! ^ high;
  };
  const paired = words.length - (words.length % 2);
  for (let index = 0; index < paired; index += 2) absorb(words[index]!, words[index + 1]!);
  // The last block has what is left over, and the length in bytes in its highest byte.
  absorb(words[paired] ?? 0, (words.length * 4) << 24);
  state[4] = state[4]! ^ 0xff;
  sipRounds(state, 4);
  return [
    (state[0]! ^ state[2]! ^ state[4]! ^ state[6]!) >>> 0,
    (state[1]! ^ state[3]! ^ state[5]! ^ state[7]!) >>> 0,
  ];
}
