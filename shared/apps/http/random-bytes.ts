// `/bytes/N` and its hash: N pseudo-random bytes that are the same for the same seed, faster than any net here
// carries them. They are a block of the key stream of AES-128-CTR (NIST SP 800-38A §6.5) under a key made from
// the seed, over and over. The block's length is a prime: what a stack cuts its buffers and packets to is no part
// of it, so that bytes which came twice, or in the wrong place, change the hash.

import { createCipheriv, createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** The most that one request may ask for, 16 GiB. */
export const MOST_BYTES = 16 * 1024 ** 3;

/** Bytes after which the sequence begins again. */
const PERIOD = 1_048_573;
/** Bytes that are given at a time at most. */
const CHUNK = 256 * 1024;

export class RandomBytes extends Readable {
  readonly #period: Buffer;
  readonly #length: number;
  #given = 0;

  constructor(seed: number, length: number) {
    super({ highWaterMark: CHUNK });
    this.#period = periodOf(seed);
    this.#length = length;
  }

  override _read(): void {
    const chunk = chunkAt(this.#period, this.#given, this.#length - this.#given);
    this.#given += chunk.length;
    this.push(chunk.length > 0 ? chunk : null);
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
  const period = periodOf(seed);
  const hash = createHash('sha256');
  for (let given = 0; given < length; ) {
    const chunk = chunkAt(period, given, length - given);
    hash.update(chunk);
    given += chunk.length;
    await nextTurn();
    if (unwanted()) return undefined;
  }
  return hash.digest('hex');
}

/** What comes at `position` of the sequence: up to `most` bytes, as a view that nobody may write to. */
function chunkAt(period: Buffer, position: number, most: number): Buffer {
  const start = position % PERIOD;
  return period.subarray(start, Math.min(start + Math.min(CHUNK, most), PERIOD));
}

/** The last one that was made: a server is asked for one seed, as a rule. */
let latest: { readonly seed: number; readonly period: Buffer } | undefined;

function periodOf(seed: number): Buffer {
  if (latest?.seed !== seed) latest = { seed, period: keyStream(seed, PERIOD) };
  return latest.period;
}

function keyStream(seed: number, length: number): Buffer {
  const key = createHash('sha256').update(`bytes ${seed}`).digest().subarray(0, 16);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}
