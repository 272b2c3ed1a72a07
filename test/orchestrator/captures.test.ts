// What several devices captured comes to one order, wherever their streams are cut.

import { Writable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CaptureOrder } from '../../orchestrator/capture-order.ts';
import { type CaptureBuffer, CaptureReader, type Packets } from '../../orchestrator/capture-reader.ts';
import { CaptureRecorder } from '../../orchestrator/capture-recorder.ts';
import { concatBytes } from '../../shared/core/bytes.ts';
import { blockLength, encodeStatistics, readPacketBlock } from '../../shared/wire/pcapng.ts';
import { packetBlock } from '../support/packet-block.ts';
import { range } from '../support/sink-port.ts';

/** Frames of these lengths, each filled with its number, and statistics before and after. */
function stream(lengths: readonly number[], dropped = 0): Uint8Array {
  const statistics = (left: number) =>
    encodeStatistics({ interface: 0, time: 1n, received: 0n, dropped: BigInt(left) });
  const blocks = lengths.map((length, index) =>
    packetBlock({
      interface: 0,
      time: BigInt(index),
      direction: 'in',
      frame: new Uint8Array(length).fill(index),
    }),
  );
  return concatBytes([statistics(0), ...blocks, statistics(dropped)]);
}

function framesOf({ buffer, from, to }: Pick<Packets, 'buffer' | 'from' | 'to'>) {
  const frames = [];
  for (let at = from; at < to; at += blockLength(buffer.view, at))
    frames.push(readPacketBlock(buffer.view, at).frame.slice());
  return frames;
}

describe('a reader', () => {
  it.each([
    ['short', fc.integer({ min: 14, max: 80 }), 10, 100],
    ['of all lengths, through several buffers', fc.integer({ min: 14, max: 65_553 }), 60, 100_000],
  ])(
    'takes frames that are %s whole, wherever their stream is cut',
    (_name, length, maxLength, longestPiece) => {
      fc.assert(
        fc.property(
          fc.array(length, { maxLength }),
          fc.integer({ min: 1, max: longestPiece }),
          (lengths, piece) => {
            const frames: Uint8Array[] = [];
            const told: number[] = [];
            let count = 0;
            const spare: CaptureBuffer[] = [];
            const reader = new CaptureReader(
              spare,
              (packets) => {
                frames.push(...framesOf(packets));
                count += packets.count;
                packets.buffer.letGo();
              },
              ({ dropped }) => told.push(dropped),
            );
            const bytes = stream(lengths, 5);
            for (let at = 0; at < bytes.length; ) {
              const space = reader.space();
              const next = bytes.subarray(at, at + Math.min(piece, space.length));
              space.set(next);
              reader.received(next.length);
              at += next.length;
            }
            reader.close();
            expect(frames.map((frame) => frame.length)).toEqual(lengths);
            expect(frames.every((frame, index) => frame.every((byte) => byte === (index & 255)))).toBe(true);
            expect([count, told]).toEqual([lengths.length, [0, 5]]);
            // All came back: one after the other was enough.
            expect(spare.length).toBeLessThanOrEqual(2);
          },
        ),
        { seed: 5, numRuns: 40 },
      );
    },
  );

  it('refuses what is no capture', () => {
    const reader = new CaptureReader(
      [],
      () => {},
      () => {},
    );
    reader.space().fill(0xff, 0, 20);
    expect(() => reader.received(20)).toThrow(/no capture/);
  });
});

describe('packets of several ends', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** An order of so many ends; a packet is known by its time. */
  function order(ends: number) {
    const written: number[] = [];
    const runs: number[] = [];
    const order = new CaptureOrder(ends, (blocks, done) => {
      for (const block of blocks) {
        const view = new DataView(block.buffer, block.byteOffset, block.length);
        for (let at = 0; at < block.length; at += blockLength(view, at))
          written.push(readPacketBlock(view, at).timeLow);
      }
      runs.push(blocks.length);
      done();
    });
    const spare: CaptureBuffer[] = [];
    const readers = range(ends).map(
      (end) =>
        new CaptureReader(
          spare,
          (packets) => order.add(end, packets),
          (statistics) => order.passed(end, statistics),
        ),
    );
    const come = (end: number, bytes: Uint8Array) => {
      readers[end]?.space().set(bytes);
      readers[end]?.received(bytes.length);
    };
    return {
      written,
      runs,
      finish: () => order.finish(),
      add: (end: number, ...times: number[]) =>
        come(
          end,
          concatBytes(
            times.map((time) =>
              packetBlock({ interface: end, time: BigInt(time), direction: 'in', frame: new Uint8Array(60) }),
            ),
          ),
        ),
      passed: (end: number, time: number) =>
        come(end, encodeStatistics({ interface: end, time: BigInt(time), received: 0n, dropped: 0n })),
    };
  }

  it('are written as soon as all ends have said what they saw', () => {
    const { written, runs, add, passed } = order(3);
    add(0, 1, 2, 3, 7);
    add(1, 4, 5, 6);
    vi.advanceTimersByTime(100);
    expect(written).toEqual([]);
    passed(2, 5);
    vi.advanceTimersByTime(1);
    expect(written).toEqual([1, 2, 3, 4, 5]);
    passed(2, 9);
    passed(1, 9);
    vi.advanceTimersByTime(1);
    expect(written).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(runs).toEqual([2, 2]);
  });

  it('that come late by less than the window are written in order, though one end says nothing', () => {
    const { written, add, finish } = order(4);
    add(0, 3);
    add(1, 1);
    vi.advanceTimersByTime(150);
    add(2, 2, 5);
    expect(written).toEqual([]);
    vi.advanceTimersByTime(50);
    expect(written).toEqual([1, 2, 3]);
    add(1, 4);
    finish();
    expect(written).toEqual([1, 2, 3, 4, 5]);
  });

  it('are not held for longer than the window', () => {
    const { written, add } = order(2);
    for (let time = 0; time < 100; time++) {
      add(0, time);
      vi.advanceTimersByTime(10);
      expect(written.length).toBeGreaterThanOrEqual(time - 20);
    }
    vi.advanceTimersByTime(200);
    expect(written).toHaveLength(100);
  });

  it('in order each become one order', () => {
    const times = fc.array(fc.nat(1000), { minLength: 1 }).map((all) => all.sort((a, b) => a - b));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), times), { maxLength: 6 }), (pieces) => {
        const { written, add, finish } = order(4);
        const all = new Map<number, number[]>();
        for (const [end, piece] of pieces) {
          // Of one end nothing comes out of turn.
          const last = all.get(end)?.at(-1) ?? 0;
          const later = piece.map((time) => last + time);
          all.set(end, [...(all.get(end) ?? []), ...later]);
          add(end, ...later);
        }
        finish();
        expect(written).toEqual([...all.values()].flat().sort((a, b) => a - b));
      }),
      { seed: 3 },
    );
  });
});

describe('a recorder', () => {
  it('whose output is slow lets no more come, until that has caught up', async () => {
    const pending: (() => void)[] = [];
    const output = new Writable({
      highWaterMark: 1,
      write: (_bytes, _encoding, done) => void pending.push(done),
      writev: (_chunks, done) => void pending.push(done),
    });
    const end = { name: 'laptop:eth0', device: 'laptop', interface: 'eth0', cable: undefined };
    const recorder = new CaptureRecorder([end], output, 0);
    const spare: CaptureBuffer[] = [];
    const reader = new CaptureReader(
      spare,
      (packets) => recorder.packets(0, packets),
      (statistics) => recorder.statistics(0, statistics),
    );
    const frame = new Uint8Array(60_000);
    const come = (time: bigint) => {
      const block = packetBlock({ interface: 0, time, direction: 'in', frame });
      reader.space().set(block);
      reader.received(block.length);
    };
    let again = 0;
    for (let time = 0n; time < 200n; time++) come(time);
    expect(recorder.ready(() => again++)).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
    // 12 MB are released, as the only end has said all; as many again are too much.
    for (let time = 200n; time < 400n; time++) come(time);
    await new Promise((resolve) => setImmediate(resolve));
    expect(recorder.ready(() => again++)).toBe(false);
    expect(spare).toEqual([]);
    while (pending.length > 0) {
      pending.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect([again, recorder.ready(() => again++), recorder.totals]).toEqual([
      1,
      true,
      { received: 400, dropped: 0 },
    ]);
    expect(spare.length).toBeGreaterThan(40);
  });
});
