// `/bytes/N` and its hash: N pseudo-random bytes that are the same for the same seed, faster than any net
// here carries them: the key stream of AES-128-CTR (NIST SP 800-38A §6.5) under a key made from the seed.

import { type Cipher, createCipheriv, createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** The most that one request may ask for, 16 GiB. */
export const MOST_BYTES = 16 * 1024 ** 3;

const BLOCK = 64 * 1024;
const zeros = new Uint8Array(BLOCK);

export class RandomBytes extends Readable {
  readonly #cipher: Cipher;
  #left: number;

  constructor(seed: number, length: number) {
    super({ highWaterMark: BLOCK });
    this.#cipher = keyStream(seed);
    this.#left = length;
  }

  override _read(): void {
    const length = Math.min(this.#left, BLOCK);
    this.#left -= length;
    this.push(length > 0 ? this.#cipher.update(zeros.subarray(0, length)) : null);
  }
}

/**
 * SHA-256 of the first `length` bytes of the seed's sequence, in hex; undefined if `unwanted()` became true.
 * Other work of the process goes on meanwhile.
 */
export async function hashOfRandomBytes(
  seed: number,
  length: number,
  unwanted: () => boolean,
): Promise<string | undefined> {
  const cipher = keyStream(seed);
  const hash = createHash('sha256');
  for (let left = length; left > 0; left -= BLOCK) {
    hash.update(cipher.update(zeros.subarray(0, Math.min(left, BLOCK))));
    await nextTurn();
    if (unwanted()) return undefined;
  }
  return hash.digest('hex');
}

function keyStream(seed: number): Cipher {
  const key = createHash('sha256').update(`bytes ${seed}`).digest().subarray(0, 16);
  return createCipheriv('aes-128-ctr', key, zeros.subarray(0, 16));
}
