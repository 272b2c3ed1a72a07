// What a peer, or many, can have TCP keep: bounded memory, bounded numbers, and work that does not grow with
// what is kept.

import { describe, expect, test } from 'vitest';
import { BufferPool, SURE } from '../../../shared/stack/tcp/buffer-pool.ts';
import { Demultiplexer } from '../../../shared/stack/tcp/demultiplexer.ts';
import { Ranges } from '../../../shared/stack/tcp/ranges.ts';
import { RingBuffer } from '../../../shared/stack/tcp/ring-buffer.ts';
import { Harness, type HarnessOptions, HERE, THERE } from './support/harness.ts';

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

describe('ranges beyond a gap', () => {
  test('are 1,024 at most; what would be one more is not taken, what joins two is', () => {
    const ranges = new Ranges();
    expect(numbers(1024).every((index) => ranges.add(index * 10, index * 10 + 1))).toBe(true);
    expect([ranges.add(20_000, 20_001), ranges.count]).toEqual([false, 1024]);
    expect([ranges.add(1, 10), ranges.count]).toEqual([true, 1023]);
    expect([ranges.add(20_000, 20_001), ranges.count]).toEqual([true, 1024]);
    expect([ranges.reach(0), ranges.count]).toEqual([11, 1023]);
  });

  test('TCP-13: blocks are told latest first, and of others once those are closed', () => {
    const ranges = new Ranges();
    for (const start of [100, 300, 500, 700, 900]) ranges.add(start, start + 100);
    ranges.add(300, 410);
    const starts = (limit: number) => ranges.latest(limit).map(({ start }) => start);
    expect(starts(4)).toEqual([300, 900, 700, 500]);
    expect(ranges.reach(905)).toBe(1000);
    expect(starts(4)).toEqual([]);
    for (let start = 2000; start < 3000; start += 20) ranges.add(start, start + 10);
    // The latest are swallowed by one that covers them.
    ranges.add(2500, 3000);
    expect(starts(4)).toEqual([2500, 2480, 2460, 2440]);
  });
});

describe('the memory of buffers', () => {
  test('comes of a pool; a buffer is sure of 16 KiB and gives back what it has when memory is scarce', () => {
    const pool = new BufferPool(80_000);
    const hog = new RingBuffer(pool);
    expect(hog.append(new Uint8Array(65_536))).toBe(65_536);
    expect(pool.used).toBe(65_536 - SURE);
    const late = new RingBuffer(pool);
    // 64 KiB more there are not.
    expect(late.append(new Uint8Array(65_536))).toBe(SURE);
    expect(late.put(40_000, new Uint8Array(1))).toBe(0);
    expect(late.append(new Uint8Array(1000))).toBe(1000);
    expect(pool.scarce).toBe(true);
    hog.drop(65_536);
    expect(pool.used).toBe(32_768 - SURE);
    expect(late.put(40_000, new Uint8Array(1))).toBe(1);
    late.release();
    expect(pool.used).toBe(0);
  });

  /** Connections from so many ports of the peer, open and accepted. */
  function opened(count: number, options: HarnessOptions): Harness {
    const harness = new Harness({ peer: { mss: 1460, windowScale: 7 }, ...options });
    harness.listen();
    for (const index of numbers(count)) connect(harness, 5000 + index);
    expect(harness.accepted).toHaveLength(count);
    return harness;
  }

  function connect(harness: Harness, port: number): void {
    harness.peer = { ...harness.peer, port };
    const [synAck] = harness.inject({ flags: 'S', options: harness.peerOptions });
    harness.iss = synAck!.segment.sequence;
    harness.inject({ seq: 1, ack: 1 });
  }

  test('one byte at the far end of a thousand windows does not take a thousand windows', () => {
    const limit = 4 * 1024 * 1024;
    const harness = opened(100, { settings: { bufferMemory: limit } });
    for (const [index, connection] of harness.accepted.entries()) {
      harness.peer = { ...harness.peer, port: 5000 + index };
      harness.iss = issOf(connection);
      harness.inject({ seq: 60_000, ack: 1, data: 'x' });
    }
    expect(harness.tcp.context.buffers.used).toBeLessThanOrEqual(limit);
    expect(harness.counters.get('tcp.no-memory')).toBeGreaterThan(0);
    // Who sends in order goes on nevertheless.
    const last = harness.accepted.at(-1)!;
    const [ack] = harness.inject({ seq: 1, ack: 1, data: 8000 }, { seq: 8001, ack: 1, data: 8000 });
    expect([ack?.ack, last.readableLength]).toEqual([16_001, 16_000]);
    for (const connection of harness.accepted) connection.abort();
    expect(harness.tcp.context.buffers.used).toBe(0);
  });

  test('a writer that gets no memory is told when there is some again', () => {
    const harness = opened(2, { settings: { bufferMemory: 0, sendBuffer: 1_000_000 } });
    const [first] = harness.accepted;
    harness.peer = { ...harness.peer, port: 5000 };
    harness.iss = issOf(first!);
    first!.user = harness.user;
    expect(first!.write(new Uint8Array(100_000))).toBe(16_384);
    expect(first!.write(new Uint8Array(100))).toBe(0);
    harness.inject({ seq: 1, ack: 14_601 });
    expect(harness.user.calls).toContain('writable');
    expect(first!.write(new Uint8Array(14_600))).toBe(14_600);
  });

  const issOf = (connection: unknown) => (connection as { tcb: { iss: number } }).tcb.iss;
});

test.each([65_536, 66_000])(
  'a peer that takes tiny segments has at most so many on their way as the send buffer has KiB: %i bytes',
  (sendBuffer) => {
    const harness = new Harness({
      peer: { mss: 1, windowScale: 14, sackPermitted: true },
      settings: { sendBuffer },
    });
    harness.passive();
    harness.take();
    harness.connection.write(new Uint8Array(sendBuffer));
    // It grows the congestion window by acknowledging all that came.
    let [most, sent] = [0, harness.take()];
    for (let round = 0; round < 12; round++) {
      harness.clock.advance(10);
      const ack = Math.max(...sent.map(({ seq, length }) => seq + length));
      sent = harness.inject({ seq: 1, ack });
      most = Math.max(most, sent.length);
      harness.connection.write(new Uint8Array(sendBuffer));
      sent.push(...harness.take());
    }
    expect(most).toBeGreaterThan(48);
    expect(most).toBeLessThanOrEqual(64);
  },
);

test('connections that nobody owns any more are bounded: the oldest is reset', () => {
  const harness = new Harness({ settings: { orphanLimit: 10 } });
  harness.listen();
  for (const index of numbers(12)) {
    harness.peer = { ...harness.peer, port: 5000 + index };
    const [synAck] = harness.inject({ flags: 'S' });
    harness.iss = synAck!.segment.sequence;
    harness.inject({ seq: 1, ack: 1 });
    harness.take();
    harness.accepted.at(-1)!.close();
    harness.clock.settle();
  }
  const states = harness.tcp.sockets().filter(({ state }) => state === 'FIN-WAIT-1');
  expect(states.map(({ remote }) => remote?.port)).toEqual(numbers(10).map((index) => 5002 + index));
  expect(harness.counters.get('tcp.too-many-orphans')).toBe(2);
  expect(harness.take().map(({ flags }) => flags)).toContain('R.');
});

test('a connection is found as fast among ten thousand that share its ports, or its peer, as among few', () => {
  const looksAmong = (remoteOf: (index: number) => { address: number; port: number }): number => {
    const demultiplexer = new Demultiplexer();
    let looks = 0;
    for (const index of numbers(10_000)) {
      const local = {
        port: 80,
        get address() {
          looks++;
          return HERE;
        },
      };
      const remote = remoteOf(index);
      demultiplexer.add({
        local,
        remote,
        segmentArrives: () => {},
        icmpErrorArrives: () => {},
        info: () => ({ state: 'LISTEN', local, receiveQueue: 0, sendQueue: 0, details: {} }),
      });
    }
    looks = 0;
    for (const index of numbers(10_000)) demultiplexer.find({ address: HERE, port: 80 }, remoteOf(index));
    return looks;
  };
  expect(looksAmong((index) => ({ address: THERE + index, port: 4000 }))).toBe(10_000);
  expect(looksAmong((index) => ({ address: THERE, port: 4000 + index }))).toBe(10_000);
});
