import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromHex, writeU16, writeU32 } from '../../shared/core/bytes.ts';
import {
  addToSum,
  adjustChecksum16,
  adjustChecksum32,
  checksum,
  foldSum,
} from '../../shared/core/checksum.ts';

test('RFC 1071 §3: the worked example sums to ddf2, checksum 220d', () => {
  const data = fromHex('00 01 f2 03 f4 f5 f6 f7');
  expect(foldSum(addToSum(0, data, 0, data.length))).toBe(0xddf2);
  expect(checksum(data)).toBe(0x220d);
});

test('RFC 1624 §4: HC dd2f, a field from 5555 to 3285, gives 0000', () => {
  expect(adjustChecksum16(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
});

test('an odd last byte counts as the high half of a word', () => {
  expect(foldSum(addToSum(0, fromHex('01 02 03'), 0, 3))).toBe(0x0102 + 0x0300);
});

test('carries fold in more than once', () => {
  const ones = new Uint8Array(65_535).fill(0xff);
  expect(foldSum(addToSum(0, ones, 0, 65_534))).toBe(0xffff);
});

test('an incremental update is what computing anew gives, on nonzero data', () => {
  const property = fc.property(
    fc.uint8Array({ minLength: 20, maxLength: 60 }),
    fc.nat(4),
    fc.integer({ min: 0, max: 0xffffffff }),
    (bytes, word, value) => {
      bytes[19] = 1; // RFC 1624 §3: only all-zero data tells +0 from -0
      const offset = word * 4;
      const before = checksum(bytes);
      const old =
        ((bytes[offset]! << 24) |
          (bytes[offset + 1]! << 16) |
          (bytes[offset + 2]! << 8) |
          bytes[offset + 3]!) >>>
        0;
      writeU32(bytes, offset, value);
      bytes[19] = 1;
      const now = word === 4 ? (value & 0xffffff00) + 1 : value;
      expect(adjustChecksum32(before, old, now >>> 0)).toBe(checksum(bytes));
      const half = offset + 2;
      const oldHalf = (bytes[half]! << 8) | bytes[half + 1]!;
      const wasSum = checksum(bytes);
      writeU16(bytes, half, 0x1234);
      expect(adjustChecksum16(wasSum, oldHalf, 0x1234)).toBe(checksum(bytes));
    },
  );
  fc.assert(property, { seed: 1 });
});

test('the sum is that of its words, wherever they lie in memory and however many they are', () => {
  const property = fc.property(
    fc.uint8Array({ minLength: 0, maxLength: 300 }),
    fc.nat(7),
    fc.nat(3),
    (data, offset, start) => {
      const bytes = new Uint8Array(new ArrayBuffer(offset + data.length), offset);
      bytes.set(data);
      let words = 0;
      for (let at = start; at < bytes.length; at += 2) words += (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
      const sum = addToSum(7, bytes, Math.min(start, bytes.length), bytes.length);
      // Sums that differ by a multiple of ffff are the same checksum, but for a sum of nothing.
      expect(foldSum(sum) % 0xffff).toBe((7 + words) % 0xffff);
    },
  );
  fc.assert(property, { numRuns: 2000 });
});
