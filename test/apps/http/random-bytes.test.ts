import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { hashOfRandomBytes, RandomBytes } from '../../../shared/apps/http/random-bytes.ts';

const sequence = (seed: number, length: number): Promise<Buffer> => buffer(new RandomBytes(seed, length));

test('the same seed gives the same bytes, however many', async () => {
  const long = await sequence(7, 300_001);
  expect(long.length).toBe(300_001);
  expect((await sequence(7, 65_537)).equals(long.subarray(0, 65_537))).toBe(true);
  expect((await sequence(8, 100)).equals(long.subarray(0, 100))).toBe(false);
});

test('they look random', async () => {
  const counts = new Array<number>(256).fill(0);
  for (const byte of await sequence(1, 256_000)) counts[byte] = (counts[byte] ?? 0) + 1;
  expect(Math.min(...counts)).toBeGreaterThan(800);
  expect(Math.max(...counts)).toBeLessThan(1200);
});

test('the hash is that of the bytes', async () => {
  const bytes = await sequence(3, 200_000);
  const hash = createHash('sha256').update(bytes).digest('hex');
  expect(await hashOfRandomBytes(3, 200_000, () => false)).toBe(hash);
});

test('a hash that nobody waits for is given up', async () => {
  expect(await hashOfRandomBytes(3, 2 ** 34, () => true)).toBeUndefined();
});
