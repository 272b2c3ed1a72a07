// What has arrived, in blocks: against a model, what the reader keeps, and how much memory it takes.

import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../shared/core/random.ts';
import { BlockBuffer } from '../../../shared/stack/tcp/block-buffer.ts';
import { BufferPool, SURE } from '../../../shared/stack/tcp/buffer-pool.ts';

const KIB = 1024;

/** Appends so many bytes; how many were taken. */
function append(buffer: BlockBuffer, length: number): number {
  const taken = buffer.put(buffer.length, new Uint8Array(length), 0, length);
  buffer.extend(taken);
  return taken;
}

/** Reads to the end; the lengths of the pieces. */
function readAll(buffer: BlockBuffer): number[] {
  const lengths = [];
  while (buffer.length > 0) lengths.push(buffer.read(Number.POSITIVE_INFINITY).length);
  return lengths;
}

/** The blocks of all pieces. */
function blocksOf(pieces: readonly Uint8Array[]): ArrayBufferLike[] {
  return [...new Set(pieces.map(({ buffer }) => buffer))];
}

test.each([
  ['trickles', 60, 30_000],
  ['bursts', 9000, 1_500_000],
  ['floods', 150_000, 4_000_000],
])(
  'TCP-15: a stream that comes in %s is read as it was put, and what was read stays so',
  (kind, longest, total) => {
    for (let seed = 0; seed < 5; seed++) {
      const random = seededRandom(seed, kind);
      const stream = random.bytes(total);
      const pool = new BufferPool(Number.POSITIVE_INFINITY);
      const buffer = new BlockBuffer(pool);
      const pieces: Uint8Array[] = [];
      let put = 0;
      let read = 0;
      const expectNext = (bytes: Uint8Array): void =>
        expect(Buffer.compare(bytes, stream.subarray(read, read + bytes.length))).toBe(0);
      while (read < total) {
        const from = Math.min(put + random.integer(0, longest), total);
        const to = Math.min(from + random.integer(0, longest), total);
        const choice = random.integer(0, 3);
        if (choice === 0) {
          const limit = random.integer(0, 1) ? random.integer(1, longest) : Number.POSITIVE_INFINITY;
          const piece = buffer.read(limit);
          expect(piece.length > 0).toBe(put > read);
          expect(piece.length).toBeLessThanOrEqual(limit);
          expectNext(piece);
          read += piece.length;
          pieces.push(piece);
        } else if (choice === 1) {
          // First what lies beyond a gap, then the gap.
          expect(buffer.put(from - read, stream, from, to)).toBe(to - from);
          expect(buffer.put(put - read, stream, put, from)).toBe(from - put);
          buffer.extend(to - put);
          put = to;
        } else if (choice === 2) {
          expect(buffer.put(put - read, stream, put, from)).toBe(from - put);
          buffer.extend(from - put);
          put = from;
        } else {
          const limit = random.integer(0, longest);
          const copy = buffer.peek(limit);
          expect(copy.length).toBe(Math.min(limit, put - read));
          expectNext(copy);
        }
        expect(buffer.length).toBe(put - read);
      }
      expect(Buffer.compare(Buffer.concat(pieces), stream)).toBe(0);
      buffer.release();
      expect(pool.used).toBe(0);
    }
  },
);

describe('memory', () => {
  test('a few bytes at a time take 4 KiB, whatever comes in all', () => {
    const pieces: Uint8Array[] = [];
    const buffer = new BlockBuffer();
    for (let count = 0; count < 1000; count++) {
      append(buffer, 100);
      pieces.push(buffer.read(1000));
    }
    expect(pieces.every(({ length }) => length === 100)).toBe(true);
    const blocks = blocksOf(pieces);
    expect(new Set(blocks.map(({ byteLength }) => byteLength))).toEqual(new Set([4 * KIB]));
    expect(blocks).toHaveLength(Math.ceil(1000 / Math.floor(4096 / 100)));
  });

  test('a reader that keeps up reads what came meanwhile in one piece, once that has come before', () => {
    const buffer = new BlockBuffer();
    const bursts = Array.from({ length: 5 }, () => {
      for (let segment = 0; segment < 43; segment++) append(buffer, 1448);
      return readAll(buffer);
    });
    expect(bursts[0]!.length).toBeGreaterThan(1);
    expect(bursts.slice(1)).toEqual(Array.from({ length: 4 }, () => [43 * 1448]));
  });

  test('tiny segments that nobody reads take no more than their bytes and a block', () => {
    const pool = new BufferPool(Number.POSITIVE_INFINITY);
    const buffer = new BlockBuffer(pool);
    for (let count = 0; count < 300_000; count++) append(buffer, 1);
    expect(pool.used + SURE).toBeLessThan(300_000 + 64 * KIB);
    // Where all but the last byte of them is a gap, too.
    const sparse = new BlockBuffer();
    expect(sparse.put(300_000, Uint8Array.of(1), 0, 1)).toBe(1);
    expect(sparse.length).toBe(0);
  });

  test('what has been read is not the buffer’s any more', () => {
    const pool = new BufferPool(Number.POSITIVE_INFINITY);
    const buffer = new BlockBuffer(pool);
    append(buffer, 1024 * KIB);
    const whole = pool.used;
    while (buffer.length > 512 * KIB) buffer.read(Number.POSITIVE_INFINITY);
    expect(pool.used).toBeLessThanOrEqual(whole - 512 * KIB);
    readAll(buffer);
    expect(pool.used).toBe(0);
  });

  test('comes of a pool; a buffer is sure of 16 KiB and gives back what it has when memory is scarce', () => {
    const pool = new BufferPool(80_000);
    const hog = new BlockBuffer(pool);
    expect(append(hog, 64 * KIB)).toBe(64 * KIB);
    expect(pool.used).toBe(64 * KIB - SURE);
    const late = new BlockBuffer(pool);
    expect(append(late, 64 * KIB)).toBe(SURE);
    expect(append(late, 1)).toBe(0);
    expect(late.put(40_000, Uint8Array.of(1), 0, 1)).toBe(0);
    // With what it is sure of it goes on, as often as all has been read.
    expect(readAll(late)).toEqual([SURE]);
    expect(append(late, 64 * KIB)).toBe(SURE);
    expect(pool.scarce).toBe(true);
    hog.read(64 * KIB - 1);
    expect(pool.used).toBe(64 * KIB - SURE);
    hog.read(1);
    expect(pool.used).toBe(0);
    expect(append(late, 1000)).toBe(1000);
    late.release();
    expect(pool.used).toBe(0);
  });
});
