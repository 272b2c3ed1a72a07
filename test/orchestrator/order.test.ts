// Logs of several devices are put in one order, and read line by line.

import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { linesOf } from '../../orchestrator/lines.ts';
import type { LogLine } from '../../orchestrator/log-lines.ts';
import { formatLogLine, mergeLogs, readLogLine } from '../../orchestrator/log-lines.ts';

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
