// What is not acknowledged: timeouts, one segment at a time.

import { describe, expect, test } from 'vitest';
import { Harness } from './support/harness.ts';
import { MSS, ranges, sender } from './support/sender.ts';

describe('TCP-8: timeouts', () => {
  test('data is sent again after the RTO, which doubles, and given up after 100 s', () => {
    const net = sender();
    net.connection.write(new Uint8Array(100));
    net.take();
    const start = net.clock.now();
    const times: number[] = [];
    while (!net.user.calls.includes('closed')) {
      net.clock.step();
      for (const { flags, length } of net.take())
        if (length === 100) times.push(net.clock.now() - start);
        else expect(flags).toBe('R.');
    }
    // The handshake measured 0 ms, so that the RTO is at its floor.
    expect(times.slice(0, 5)).toEqual([200, 600, 1400, 3000, 6200]);
    expect(net.clock.now() - start).toBeGreaterThanOrEqual(100_000);
    expect(net.user.error).toMatchObject({ code: 'ETIMEDOUT', syscall: 'read' });
    expect(net.log.named('tcp.timeout').length).toBe(1);
    expect(net.clock.nextDue).toBeUndefined();
  });

  test('an ACK for half of a window counts as the two ACKs of a round trip do, and not as one of many', () => {
    const net = sender({ roundTrip: 100 });
    net.connection.write(new Uint8Array(10 * MSS));
    net.wait(150);
    net.inject({ seq: 1, ack: 5001 });
    // 100 before: of the difference half of the usual eighth, for two such ACKs make a round trip.
    expect(net.tcp.sockets()[0]?.details?.srtt).toBeCloseTo(103.125);
  });

  test('what is sent again has PSH where it had it before', () => {
    const net = sender();
    net.connection.write(new Uint8Array(2 * MSS));
    expect(net.take().map(({ flags }) => flags)).toEqual(['.', 'P.']);
    expect(net.wait(200)).toMatchObject([{ seq: 1, flags: '.' }]);
    expect(net.inject({ seq: 1, ack: 1001 })).toMatchObject([{ seq: 1001, flags: 'P.' }]);
  });

  test('an ACK of new data starts the timer again', () => {
    const net = sender();
    net.connection.write(new Uint8Array(2 * MSS));
    net.wait(150);
    net.inject({ seq: 1, ack: 1001 });
    expect(net.wait(199)).toEqual([]);
    expect(ranges(net.wait(200))).toContain('1001+1000');
  });

  test("Karn's rule: what was sent twice is not measured", () => {
    const net = sender();
    net.connection.write(new Uint8Array(100));
    net.wait(1000);
    const before = net.detail('srtt');
    net.inject({ seq: 1, ack: 101 });
    expect(net.detail('srtt')).toBe(before);
    expect(net.detail('rto')).toBeGreaterThan(200);
  });

  test('TCP-7: with timestamps it is, if it was the repetition that arrived', () => {
    for (const [arrived, expected] of [
      ['first', 0],
      ['repetition', 12.5],
    ] as const) {
      const net = sender({ peer: { timestamps: { value: 1, echo: 0 } } });
      net.connection.write(new Uint8Array(100));
      const [first] = net.take();
      const [repetition] = net.wait(200);
      net.wait(100);
      const echo = (arrived === 'first' ? first : repetition)!.options.timestamps!.value;
      net.inject({ seq: 1, ack: 101, options: { timestamps: { value: 2, echo } } });
      expect(net.detail('srtt')).toBe(expected);
    }
  });

  test('TCP-11: a timeout leaves a window of one segment, and slow start follows', () => {
    const net = sender();
    net.connection.write(new Uint8Array(20 * MSS));
    expect(net.take().length).toBe(10);
    expect(ranges(net.wait(200))).toEqual(['1+1000']);
    expect(net.detail('cwnd')).toBe(MSS);
    expect(net.detail('ssthresh')).toBe(5 * MSS);
    expect(ranges(net.inject({ seq: 1, ack: 1001 }))).toEqual(['1001+1000', '2001+1000']);
    expect(ranges(net.inject({ seq: 1, ack: 3001 }))).toEqual([
      '3001+1000',
      '4001+1000',
      '5001+1000',
      '6001+1000',
    ]);
  });

  test('a repeated SYN means 3 s for the first data, and a window of one segment', () => {
    const net = new Harness();
    net.synSent();
    net.wait(1000);
    net.inject({ flags: 'S.', ack: 1, options: { mss: MSS } });
    expect(net.detail('rto')).toBe(3000);
    expect(net.detail('cwnd')).toBe(MSS);
  });

  test('what the network refuses is sent again like what is lost', () => {
    const net = sender();
    net.network.sendError = 'ENETDOWN';
    net.connection.write(new Uint8Array(100));
    net.network.sendError = undefined;
    expect(ranges(net.wait(250))).toEqual(['1+100']);
    expect(net.counters.get('tcp.not-sent.ENETDOWN')).toBe(1);
  });
});
