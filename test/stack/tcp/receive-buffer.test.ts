// Reassembly, windows and SACK blocks, with the tables of RFC 2018 and RFC 2883.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toHex } from '../../../shared/core/bytes.ts';
import { ReceiveBuffer } from '../../../shared/stack/tcp/receive-buffer.ts';
import { seqAdd } from '../../../shared/stack/tcp/sequence.ts';

/** A buffer whose next number is `next`. */
function bufferAt(next: number, capacity = 65_535): ReceiveBuffer {
  return new ReceiveBuffer(seqAdd(next, -1), capacity);
}

function bytes(length: number): Uint8Array {
  return new Uint8Array(length).fill(1);
}

/** As the RFCs print them: `5500-6000`. */
function blocks(buffer: ReceiveBuffer): string[] {
  return buffer.sackBlocks(4).map(({ start, end }) => `${start}-${end}`);
}

describe('RFC 2018 §4: segments of 500 bytes from 5000 on', () => {
  test('TCP-13: case 2, the first of eight is lost', () => {
    const buffer = bufferAt(5000);
    const seen = [];
    for (let start = 5500; start <= 8500; start += 500) {
      buffer.take(start, bytes(500), false);
      seen.push(blocks(buffer).join(' '));
      expect(buffer.next).toBe(5000);
    }
    expect(seen).toEqual([
      '5500-6000',
      '5500-6500',
      '5500-7000',
      '5500-7500',
      '5500-8000',
      '5500-8500',
      '5500-9000',
    ]);
  });

  test('TCP-13: case 3, the 2nd, 4th, 6th and 8th are lost', () => {
    const buffer = bufferAt(5000);
    const seen = [];
    for (const start of [5000, 6000, 7000, 8000]) {
      buffer.take(start, bytes(500), false);
      seen.push(`${buffer.next} ${blocks(buffer).join(' ')}`);
    }
    expect(seen).toEqual([
      '5500 ',
      '5500 6000-6500',
      '5500 7000-7500 6000-6500',
      '5500 8000-8500 7000-7500 6000-6500',
    ]);
    // Then the 4th arrives, and then the 2nd.
    buffer.take(6500, bytes(500), false);
    expect(`${buffer.next} ${blocks(buffer).join(' ')}`).toBe('5500 6000-7500 8000-8500');
    expect(buffer.take(5500, bytes(500), false)).toBe('gap-filling');
    expect(`${buffer.next} ${blocks(buffer).join(' ')}`).toBe('7500 8000-8500');
  });
});

describe('RFC 2883 §4: duplicates are reported once, before all others', () => {
  test('TCP-13: §4.1.1, a segment that was received in order', () => {
    const buffer = bufferAt(3000);
    buffer.take(3000, bytes(500), false);
    buffer.take(3500, bytes(500), false);
    expect(blocks(buffer)).toEqual([]);
    expect(buffer.take(3000, bytes(500), false)).toBe('nothing-new');
    expect(blocks(buffer)).toEqual(['3000-3500']);
    expect(blocks(buffer)).toEqual([]);
  });

  test('TCP-13: §4.1.2, one with a gap behind it', () => {
    const buffer = bufferAt(3000);
    buffer.take(3000, bytes(500), false);
    buffer.take(3500, bytes(500), false);
    buffer.take(4500, bytes(500), false);
    expect(blocks(buffer)).toEqual(['4500-5000']);
    buffer.take(3000, bytes(500), false);
    expect(blocks(buffer)).toEqual(['3000-3500', '4500-5000']);
  });

  test('TCP-13: §4.1.3, one that lies beyond a gap', () => {
    const buffer = bufferAt(3500);
    buffer.take(3500, bytes(500), false);
    buffer.take(4500, bytes(500), false);
    buffer.take(5000, bytes(500), false);
    expect(blocks(buffer)).toEqual(['4500-5500']);
    buffer.take(5000, bytes(500), false);
    expect(blocks(buffer)).toEqual(['5000-5500', '4500-5500']);
  });

  test('TCP-13: §4.2, of a segment that is new in part only the rest is reported', () => {
    const buffer = bufferAt(500);
    buffer.take(500, bytes(1000), false);
    buffer.take(1000, bytes(1000), false);
    expect(buffer.next).toBe(2000);
    expect(blocks(buffer)).toEqual(['1000-1500']);
  });

  test('TCP-13: §4.2, with a gap behind it', () => {
    const buffer = bufferAt(500);
    buffer.take(500, bytes(1000), false);
    buffer.take(2500, bytes(500), false);
    buffer.take(1000, bytes(1000), false);
    expect(buffer.next).toBe(2000);
    expect(blocks(buffer)).toEqual(['1000-1500', '2500-3000']);
  });

  test('TCP-13: §4.2, of two parts that came before only the first is reported', () => {
    const buffer = bufferAt(500);
    buffer.take(1000, bytes(500), false);
    buffer.take(2000, bytes(500), false);
    buffer.take(1000, bytes(2000), false);
    expect(blocks(buffer)).toEqual(['1000-1500', '1000-3000']);
  });

  test('TCP-13: §4.2.1, a part of a larger block beyond a gap', () => {
    const buffer = bufferAt(500);
    buffer.take(1000, bytes(500), false);
    buffer.take(2000, bytes(500), false);
    buffer.take(1500, bytes(500), false);
    expect(blocks(buffer)).toEqual(['1000-2500']);
    buffer.take(1500, bytes(500), false);
    expect(blocks(buffer)).toEqual(['1500-2000', '1000-2500']);
  });
});

describe('the FIN', () => {
  test('TCP-14: before a gap it is held back', () => {
    const buffer = bufferAt(100);
    expect(buffer.take(110, bytes(10), true)).toBe('out-of-order');
    expect(blocks(buffer)).toEqual(['110-121']);
    expect(buffer.finished).toBe(false);
    expect(buffer.take(100, bytes(10), false)).toBe('gap-filling');
    expect(buffer.finished).toBe(true);
    expect(buffer.next).toBe(121);
    expect(buffer.readable).toBe(20);
  });

  test('data behind it is left out', () => {
    const buffer = bufferAt(100);
    buffer.take(100, bytes(5), true);
    expect(buffer.take(106, bytes(5), false)).toBe('nothing-new');
    expect([buffer.next, buffer.readable]).toEqual([106, 5]);
  });
});

describe('the window', () => {
  test('TCP-9: its right edge never goes back, and silly steps are not made', () => {
    const buffer = bufferAt(0, 4000);
    expect(buffer.advertise(0, 1000)).toBe(4000);
    buffer.take(0, bytes(4000), false);
    expect(buffer.advertise(0, 1000)).toBe(0);
    buffer.read(999);
    expect(buffer.advertise(0, 1000)).toBe(0);
    expect(buffer.windowUpdateDue(1000)).toBe(false);
    buffer.read(1);
    expect(buffer.windowUpdateDue(1000)).toBe(true);
    expect(buffer.advertise(0, 1000)).toBe(1000);
    expect(buffer.windowUpdateDue(1000)).toBe(false);
  });

  test('TCP-3: is no larger than its field can say, whatever the buffer holds', () => {
    const buffer = bufferAt(0, 1_000_000);
    expect(buffer.advertise(0, 1000)).toBe(0xffff);
    expect(buffer.window).toBe(0xffff);
    expect(buffer.take(0x10000, bytes(10), false)).toBe('nothing-new');
    buffer.take(0, bytes(60_000), false);
    expect(buffer.advertise(0, 1000)).toBe(0xffff);
    buffer.setScale(4);
    expect([buffer.advertise(4, 1000) * 16, buffer.window]).toEqual([940_000, 940_000]);
  });

  test('what lies beyond it is cut off', () => {
    const buffer = bufferAt(0, 100);
    buffer.take(0, bytes(150), false);
    expect([buffer.next, buffer.readable, buffer.window]).toEqual([100, 100, 0]);
  });

  test('TCP-6: a scaled window is rounded up, so that the edge stays where it was', () => {
    const buffer = bufferAt(0, 100_000);
    let edge = 0;
    for (let at = 0; at < 50_000; at += 7) {
      const now = buffer.next + buffer.advertise(5, 1000) * 32;
      if (now < edge) expect(`${at}: ${now}`).toBe(`no less than ${edge}`);
      edge = now;
      buffer.take(at, bytes(7), false);
    }
    expect(edge).toBeGreaterThan(100_000);
  });
});

test('TCP-15: any order of overlapping pieces gives the stream, across 2^32', () => {
  const stream = Uint8Array.from({ length: 1000 }, (_, index) => (index * 7) & 255);
  const piece = fc.record({ at: fc.integer({ min: 0, max: 900 }), length: fc.integer({ min: 1, max: 200 }) });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const first = 0xffffff00;
      const buffer = bufferAt(first, 65_535);
      const cover = [];
      for (let at = 0; at < 1000; at += 100) cover.push({ at, length: 100 });
      for (const { at, length } of [...pieces, ...cover.reverse()]) {
        const end = Math.min(at + length, 1000);
        buffer.take(seqAdd(first, at), stream.subarray(at, end), end === 1000);
      }
      expect(buffer.finished).toBe(true);
      expect(toHex(buffer.read(Number.POSITIVE_INFINITY))).toBe(toHex(stream));
    }),
  );
});

test('a flood of tiny pieces is bounded', () => {
  const buffer = bufferAt(0, 65_535);
  for (let at = 2; at < 10_000; at += 2) buffer.take(at, bytes(1), false);
  expect(buffer.sackBlockCount).toBe(1024);
});
