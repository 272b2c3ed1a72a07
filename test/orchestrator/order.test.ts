// What comes from several devices is put in one order: logs and captured frames.

import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CaptureOrder } from '../../orchestrator/capture-order.ts';
import { linesOf } from '../../orchestrator/lines.ts';
import type { LogLine } from '../../orchestrator/log-lines.ts';
import { formatLogLine, mergeLogs, readLogLine } from '../../orchestrator/log-lines.ts';
import { encodeArmed, encodeCapturedFrame, readCapturedFrames } from '../../shared/control/capture-stream.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('frames that arrive late by less than the window are written in order', () => {
  const written: number[] = [];
  const order = new CaptureOrder<number>((item) => written.push(item));
  order.add(3n, 3);
  order.add(1n, 1);
  vi.advanceTimersByTime(150);
  order.add(2n, 2);
  order.add(5n, 5);
  expect(written).toEqual([]);
  vi.advanceTimersByTime(50);
  expect(written).toEqual([1, 2, 3]);
  order.add(4n, 4);
  order.finish();
  expect(written).toEqual([1, 2, 3, 4, 5]);
});

test('nothing is held for longer than the window', () => {
  const written: number[] = [];
  const order = new CaptureOrder<number>((item) => written.push(item));
  for (let item = 0; item < 100; item++) {
    order.add(BigInt(item), item);
    vi.advanceTimersByTime(10);
    expect(written.length).toBeGreaterThanOrEqual(item - 20);
  }
  vi.advanceTimersByTime(200);
  expect(written).toHaveLength(100);
});

test('logs in order each are merged to one in order', async () => {
  const log = fc.array(fc.nat(1000)).map((times) => times.sort((a, b) => a - b));
  await fc.assert(
    fc.asyncProperty(fc.array(log, { maxLength: 5 }), async (logs) => {
      const lines = logs.map((times) =>
        (async function* (): AsyncGenerator<LogLine> {
          for (const time of times) yield { time, raw: '' };
        })(),
      );
      const merged: number[] = [];
      for await (const { time } of mergeLogs(lines)) merged.push(time);
      expect(merged).toEqual(logs.flat().sort((a, b) => a - b));
    }),
    { seed: 3 },
  );
});

test('a line of a log is set for reading; what is cut off is no line', () => {
  const raw = '{"level":40,"time":1700000000000.25,"device":"web","event":"tcp.state","msg":"Listening"}';
  const line = readLogLine(raw);
  expect(formatLogLine(line ?? { time: 0, raw: '{}' }, 6, false)).toMatch(
    /^\d\d:\d\d:20\.000250 {2}web {5}tcp\.state {11}warn: Listening$/,
  );
  expect(readLogLine(raw.slice(0, 50))).toBeUndefined();
});

test('a stream of bytes comes as lines, wherever it is cut', async () => {
  const text = 'one\n\ntwo – three\nfour';
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 30 }), async (size) => {
      const bytes = Buffer.from(text);
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
      const lines: string[] = [];
      for await (const line of linesOf(Readable.from(pieces))) lines.push(line);
      expect(lines).toEqual(text.split('\n'));
    }),
    { seed: 4 },
  );
});

test('captured frames cross a stream whole, wherever it is cut', async () => {
  const frame = fc.record({
    direction: fc.constantFrom('in' as const, 'out' as const),
    time: fc.bigInt({ min: 0n, max: 2n ** 63n }),
    frame: fc.uint8Array({ minLength: 14, maxLength: 80 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(frame, { maxLength: 10 }),
      fc.integer({ min: 1, max: 100 }),
      async (frames, size) => {
        const bytes = Buffer.concat([encodeArmed(1n), ...frames.map(encodeCapturedFrame)]);
        const pieces: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
        let armed = 0;
        const read = [];
        for await (const captured of readCapturedFrames(Readable.from(pieces), () => armed++))
          read.push({ ...captured, frame: Uint8Array.from(captured.frame) });
        expect([armed, read]).toEqual([1, frames]);
      },
    ),
    { seed: 5 },
  );
  const nonsense = async () => {
    for await (const _ of readCapturedFrames(Readable.from([Buffer.alloc(20, 0xff)]), () => {}));
  };
  await expect(nonsense()).rejects.toThrowError(/no capture stream/);
});
