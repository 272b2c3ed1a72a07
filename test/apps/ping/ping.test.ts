import { describe, expect, test } from 'vitest';
import { type PingOptions, type PingReply, type PingSummary, ping } from '../../../shared/apps/ping/ping.ts';
import { toHex } from '../../../shared/core/bytes.ts';
import { type FakeHost, type FakeIcmpSocket, FakeWire } from '../../support/fake-wire.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const DESTINATION = '8.8.8.8';

class Bench {
  readonly clock = new VirtualClock();
  readonly host: FakeHost = new FakeWire(this.clock).host('laptop', '192.168.0.24/24');
  readonly replies: PingReply[] = [];
  readonly reports: number[] = [];
  readonly sendErrors: string[] = [];
  readonly unanswered: number[] = [];
  readonly abort = new AbortController();
  summary: PingSummary | undefined;

  start(changes: Partial<PingOptions> = {}): FakeIcmpSocket {
    void ping(this.host, {
      destination: DESTINATION,
      interval: 1000,
      size: 56,
      timeout: 10_000,
      signal: this.abort.signal,
      onReply: (reply) => this.replies.push(reply),
      onReport: (_, sequence) => this.reports.push(sequence),
      onSendError: (error) => this.sendErrors.push(error.code),
      onUnanswered: (sequence) => this.unanswered.push(sequence),
      ...changes,
    }).then((summary) => {
      this.summary = summary;
    });
    this.clock.advance(0);
    return this.host.icmpSockets[0]!;
  }

  reply(socket: FakeIcmpSocket, sequence: number): void {
    const data = socket.sent.find((each) => each.sequence === sequence)?.data;
    socket.emit('reply', {
      from: DESTINATION,
      id: socket.id,
      sequence,
      ttl: 60,
      data,
      time: this.clock.now(),
    });
  }

  async end(limit = 100_000): Promise<PingSummary> {
    await this.clock.runUntilAsync(() => this.summary !== undefined, limit);
    if (!this.summary) throw new Error('it does not end');
    return this.summary;
  }
}

describe('requests', () => {
  test('the data is what iputils sends: the time as little-endian seconds and µs, then bytes that count up', () => {
    const bench = new Bench();
    bench.clock.advance(7_033_850);
    const [echo] = bench.start({ ttl: 9, dontFragment: true }).sent;
    expect(echo?.data).toHaveLength(56);
    expect(toHex(echo!.data.subarray(0, 16))).toBe('791b00000000000050f80c0000000000');
    expect(toHex(echo!.data.subarray(16, 20))).toBe('10111213');
    expect(echo?.data[55]).toBe(0x37);
    expect(echo).toMatchObject({
      destination: DESTINATION,
      sequence: 1,
      options: { ttl: 9, dontFragment: true },
    });
  });

  test('data that is too short for the time counts up from 0', () => {
    const [echo] = new Bench().start({ size: 4 }).sent;
    expect(echo?.data).toEqual(Uint8Array.of(0, 1, 2, 3));
  });

  test('they go out at the interval, whatever comes back', () => {
    const bench = new Bench();
    const socket = bench.start({ interval: 200 });
    bench.clock.advance(1000);
    expect(socket.sent.map(({ at, sequence }) => [at, sequence])).toEqual([
      [0, 1],
      [200, 2],
      [400, 3],
      [600, 4],
      [800, 5],
      [1000, 6],
    ]);
    expect(bench.unanswered).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('a flood', () => {
  test('sends the next as soon as the last is answered, or 10 ms later', async () => {
    const bench = new Bench();
    const socket = bench.start({ interval: 0, count: 5 });
    bench.clock.advance(3);
    bench.reply(socket, 1);
    bench.clock.advance(4);
    bench.reply(socket, 2);
    // The third is lost, and the answer to it that comes late is not that to the last.
    bench.clock.advance(12);
    bench.reply(socket, 3);
    bench.reply(socket, 4);
    bench.clock.advance(1);
    bench.reply(socket, 5);
    expect(socket.sent.map(({ at, sequence }) => [at, sequence])).toEqual([
      [0, 1],
      [3, 2],
      [7, 3],
      [17, 4],
      [19, 5],
    ]);
    expect(await bench.end()).toMatchObject({ transmitted: 5, received: 5, pipe: 2 });
  });
});

describe('replies', () => {
  test('the summary has min, average, max and mean deviation', async () => {
    const bench = new Bench();
    const socket = bench.start({ count: 3 });
    for (const [index, delay] of [10, 20, 60].entries()) {
      bench.clock.advance(index * 1000 + delay - bench.clock.now());
      bench.reply(socket, index + 1);
      bench.clock.advance((index + 1) * 1000 - bench.clock.now());
    }
    const summary = await bench.end();
    expect(bench.replies.map(({ sequence, time, size, ttl }) => [sequence, time, size, ttl])).toEqual([
      [1, 10, 64, 60],
      [2, 20, 64, 60],
      [3, 60, 64, 60],
    ]);
    expect(summary).toMatchObject({
      transmitted: 3,
      received: 3,
      duplicates: 0,
      errors: 0,
      loss: 0,
      time: 2060,
    });
    expect(summary.rtt).toEqual({
      min: 10,
      avg: 30,
      max: 60,
      mdev: Math.sqrt(4100 / 3 - 900),
      // 10, then 11.25, then this.
      ewma: 17.34375,
    });
    expect(socket.closed).toBe(true);
    expect(bench.clock.nextDue).toBeUndefined();
  });

  test('a second answer is a duplicate, one to nothing is ignored', async () => {
    const bench = new Bench();
    const socket = bench.start({ count: 2 });
    bench.reply(socket, 1);
    bench.reply(socket, 1);
    bench.reply(socket, 7);
    bench.clock.advance(1000);
    bench.reply(socket, 2);
    expect(bench.replies.map(({ duplicate }) => duplicate)).toEqual([false, true, false]);
    expect(await bench.end()).toMatchObject({ transmitted: 2, received: 2, duplicates: 1, loss: 0 });
  });

  test('after the last request it waits two round trips, or an interval', async () => {
    const bench = new Bench();
    const socket = bench.start({ count: 2 });
    bench.clock.advance(700);
    bench.reply(socket, 1);
    bench.clock.advance(300);
    expect(await bench.end()).toMatchObject({ transmitted: 2, received: 1, loss: 0.5, time: 2400 });
  });

  test('with no answer at all it waits for the timeout', async () => {
    const bench = new Bench();
    bench.start({ count: 2 });
    const summary = await bench.end();
    expect(summary).toMatchObject({ transmitted: 2, received: 0, loss: 1, time: 11_000 });
    expect(summary.rtt).toBeUndefined();
  });

  test('sequence numbers go on past 65,535', () => {
    const bench = new Bench();
    const socket = bench.start({ interval: 1 });
    bench.clock.advance(65_536);
    expect(socket.sent.slice(-2).map(({ sequence }) => sequence)).toEqual([0, 1]);
    bench.reply(socket, 1);
    expect(bench.replies[0]).toMatchObject({ sequence: 65_537, time: 0 });
  });
});

describe('ends', () => {
  test('a signal ends it with what there is', async () => {
    const bench = new Bench();
    const socket = bench.start();
    bench.clock.advance(1000);
    bench.reply(socket, 1);
    bench.abort.abort('SIGINT');
    expect(await bench.end()).toMatchObject({ transmitted: 2, received: 1, time: 1000 });
    expect(bench.clock.nextDue).toBeUndefined();
  });

  test('one that has aborted before sends nothing', async () => {
    const bench = new Bench();
    bench.abort.abort();
    bench.start();
    expect(await bench.end()).toMatchObject({ transmitted: 0, loss: 0 });
  });

  test('with a deadline it goes on until so many are answered', async () => {
    const bench = new Bench();
    const socket = bench.start({ count: 2, deadline: 10_000 });
    bench.clock.advance(3000);
    bench.reply(socket, 3);
    bench.reply(socket, 4);
    expect(await bench.end()).toMatchObject({ transmitted: 4, received: 2 });
  });

  test('the deadline ends it', async () => {
    const bench = new Bench();
    bench.start({ count: 2, deadline: 3500 });
    expect(await bench.end()).toMatchObject({ transmitted: 4, received: 0, time: 3500 });
  });

  test('an ICMP error counts as an answer', async () => {
    const bench = new Bench();
    const socket = bench.start({ count: 1 });
    socket.emit('report', {
      kind: 'unreachable',
      code: 1,
      mtu: 0,
      from: '192.168.0.1',
      destination: DESTINATION,
      port: 0,
      sequence: 1,
    });
    expect(bench.reports).toEqual([1]);
    expect(await bench.end()).toMatchObject({ received: 0, errors: 1, time: 0 });
  });

  test('what can not be sent is told, and counts as transmitted', async () => {
    const bench = new Bench();
    bench.host.sendError = 'EMSGSIZE';
    bench.start({ count: 2 });
    expect(await bench.end()).toMatchObject({ transmitted: 2, errors: 2, loss: 1 });
    expect(bench.sendErrors).toEqual(['EMSGSIZE', 'EMSGSIZE']);
  });
});
