// Data on its way: acknowledgments, windows, timeouts, one segment at a time.

import { describe, expect, test } from 'vitest';
import { Harness, PEER_ISS } from './support/harness.ts';
import { MSS, ranges, sender } from './support/sender.ts';

describe('TCP-10: acknowledgments', () => {
  test('a single segment waits 40 ms for company', () => {
    const net = new Harness().established();
    expect(net.inject({ seq: 1, ack: 1, data: 1000 })).toEqual([]);
    expect(net.wait(39)).toEqual([]);
    expect(net.wait(1)).toMatchObject([{ ack: 1001, flags: '.' }]);
    expect(net.wait(1000)).toEqual([]);
  });

  test('the 40 ms begin with the first that waits', () => {
    const net = new Harness().established();
    net.inject({ seq: 1, ack: 1, data: 100 });
    net.wait(30);
    expect(net.inject({ seq: 101, ack: 1, data: 100 })).toEqual([]);
    expect(net.wait(10)).toMatchObject([{ ack: 201 }]);
  });

  test('a FIN is acknowledged at once', () => {
    const net = new Harness().established();
    expect(net.inject({ seq: 1, ack: 1, flags: 'F.', data: 10 })).toMatchObject([{ ack: 12 }]);
  });

  test('what came before is acknowledged at once, each time', () => {
    const net = new Harness().established();
    net.inject({ seq: 1, ack: 1, data: 100 });
    expect(net.inject({ seq: 1, ack: 1, data: 100 })).toMatchObject([{ ack: 101 }]);
    expect(net.inject({ seq: 1, ack: 1, data: 100 })).toMatchObject([{ ack: 101 }]);
  });

  test('filling a part of a gap: at once as well', () => {
    const net = new Harness().established();
    net.inject({ seq: 3001, ack: 1, data: 1000 });
    expect(net.inject({ seq: 1, ack: 1, data: 1000 })).toMatchObject([{ ack: 1001 }]);
    expect(net.inject({ seq: 1001, ack: 1, data: 1000 })).toMatchObject([{ ack: 2001 }]);
    expect(net.inject({ seq: 2001, ack: 1, data: 1000 })).toMatchObject([{ ack: 4001 }]);
    // No gap is left.
    expect(net.inject({ seq: 4001, ack: 1, data: 1000 })).toEqual([]);
  });

  test('every second full segment is acknowledged at once', () => {
    const net = new Harness().established();
    expect(net.inject({ seq: 1, ack: 1, data: 1000 })).toEqual([]);
    expect(net.inject({ seq: 1001, ack: 1, data: 1000 })).toMatchObject([{ ack: 2001 }]);
    expect(net.wait(1000)).toEqual([]);
  });

  test('segments of one batch share one', () => {
    const net = new Harness().established();
    const batch = Array.from({ length: 20 }, (_, index) => ({ seq: 1 + index * 1000, ack: 1, data: 1000 }));
    expect(net.inject(...batch)).toMatchObject([{ ack: 20_001 }]);
  });

  test('out of order, and filling a gap: each at once, in a batch too', () => {
    const net = new Harness().established();
    const out = net.inject(
      { seq: 1001, ack: 1, data: 1000 },
      { seq: 2001, ack: 1, data: 1000 },
      { seq: 1, ack: 1, data: 1000 },
    );
    expect(out.map(({ ack }) => ack)).toEqual([1, 1, 3001]);
  });

  test('an ACK rides on data that goes out', () => {
    const net = new Harness().established();
    net.inject({ seq: 1, ack: 1, data: 10 });
    net.connection.write(new Uint8Array(5));
    expect(net.take()).toMatchObject([{ seq: 1, ack: 11, length: 5 }]);
    expect(net.wait(100)).toEqual([]);
  });

  test('TCP-15: urgent data stays in the stream', () => {
    const net = new Harness().established();
    net.inject({ seq: 1, ack: 1, flags: 'U.', urgentPointer: 2, data: 'abc' });
    expect(net.connection.read()).toEqual(new TextEncoder().encode('abc'));
  });

  test('peek leaves what it shows', () => {
    const net = new Harness().established();
    net.inject({ seq: 1, ack: 1, data: 'abc' });
    expect(net.connection.peek(2)?.length).toBe(2);
    expect(net.connection.readableLength).toBe(3);
    expect(net.connection.read(1)?.length).toBe(1);
    expect(net.connection.read()?.length).toBe(2);
    expect(net.connection.read()).toBeUndefined();
  });
});

describe('TCP-15: Nagle', () => {
  test('a short segment waits while something is unacknowledged', () => {
    const net = sender();
    net.connection.write(new Uint8Array(1));
    expect(ranges(net.take())).toEqual(['1+1']);
    net.connection.write(new Uint8Array(2));
    net.connection.write(new Uint8Array(3));
    expect(net.take()).toEqual([]);
    expect(ranges(net.inject({ seq: 1, ack: 2 }))).toEqual(['2+5']);
  });

  test('setNoDelay lets it go, what waits too', () => {
    const net = sender();
    net.connection.write(new Uint8Array(1));
    net.connection.write(new Uint8Array(2));
    net.take();
    net.connection.setNoDelay(true);
    expect(ranges(net.take())).toEqual(['2+2']);
    net.connection.write(new Uint8Array(3));
    expect(ranges(net.take())).toEqual(['4+3']);
  });

  test('the end of a large write does not wait for its beginning, but the next small one for that end', () => {
    const net = sender();
    net.connection.write(new Uint8Array(2 * MSS + 1));
    expect(ranges(net.take())).toEqual(['1+1000', '1001+1000', '2001+1']);
    net.connection.write(new Uint8Array(1));
    expect(net.take()).toEqual([]);
    expect(ranges(net.inject({ seq: 1, ack: 2001 }))).toEqual([]);
    expect(ranges(net.inject({ seq: 1, ack: 2002 }))).toEqual(['2002+1']);
  });

  test('a full segment never waits', () => {
    const net = sender();
    net.connection.write(new Uint8Array(1));
    net.connection.write(new Uint8Array(2 * MSS + 1));
    expect(ranges(net.take())).toEqual(['1+1', '2+1000', '1002+1000']);
  });
});

describe('the send buffer', () => {
  test('takes what it has room for, and says when there is room again', () => {
    const net = new Harness({ settings: { sendBuffer: 3000 }, peer: { mss: MSS } }).established();
    expect(net.connection.write(new Uint8Array(5000))).toBe(3000);
    expect(net.connection.unacknowledged).toBe(3000);
    expect(net.connection.write(new Uint8Array(1))).toBe(0);
    net.inject({ seq: 1, ack: 501 });
    expect(net.user.calls).toEqual([]);
    net.inject({ seq: 1, ack: 1001 });
    expect(net.user.calls).toEqual(['writable']);
    net.inject({ seq: 1, ack: 3001 });
    expect(net.user.calls).toEqual(['writable', 'drained']);
  });

  test('is a copy: the caller may use its bytes again', () => {
    const net = sender();
    const data = new Uint8Array([1, 2, 3]);
    net.connection.write(data);
    net.connection.write(data);
    data.fill(9);
    net.take();
    expect(net.inject({ seq: 1, ack: 4 })[0]!.payload).toEqual(new Uint8Array([1, 2, 3]));
  });

  test('write after shutdown is a mistake, after the end it takes nothing', () => {
    const net = sender();
    net.connection.shutdown();
    expect(() => net.connection.write(new Uint8Array(1))).toThrow('write after the end');
    net.connection.abort();
    expect(net.connection.write(new Uint8Array(1))).toBe(0);
  });
});

describe('TCP-9: windows', () => {
  test('no more than the window is sent', () => {
    const net = sender({ peerWindow: 2500 });
    net.connection.write(new Uint8Array(10_000));
    expect(ranges(net.take())).toEqual(['1+1000', '1001+1000']);
    expect(ranges(net.inject({ seq: 1, ack: 2001, window: 3000 }))).toEqual([
      '2001+1000',
      '3001+1000',
      '4001+1000',
    ]);
  });

  test('a closed window is probed with one octet, with backoff, for as long as that is answered', () => {
    const net = sender();
    net.connection.write(new Uint8Array(1000));
    net.inject({ seq: 1, ack: 1001, window: 0 });
    net.connection.write(new Uint8Array(500));
    expect(net.take()).toEqual([]);
    let last = net.clock.now();
    const gaps: number[] = [];
    for (let probe = 0; probe < 20; probe++) {
      while (net.network.sent.length === 0) net.clock.step();
      expect(net.take()).toMatchObject([{ seq: 1001, length: 1 }]);
      gaps.push(net.clock.now() - last);
      last = net.clock.now();
      net.inject({ seq: 1, ack: 1001, window: 0 });
    }
    for (let index = 1; index < gaps.length; index++)
      expect(gaps[index]).toBe(Math.min(gaps[index - 1]! * 2, 60_000));
    expect(net.state).toBe('ESTABLISHED');
    expect(ranges(net.inject({ seq: 1, ack: 1001, window: 5000 }))).toEqual(['1001+500']);
  });

  test('not even where its answers have SACK blocks', () => {
    const net = sender({ peer: { sackPermitted: true }, peerWindow: 3000 });
    net.connection.write(new Uint8Array(3000));
    net.take();
    const { iss } = net;
    const sack = [{ start: (iss + 1001) >>> 0, end: (iss + 2001) >>> 0 }];
    for (let minute = 0; minute < 10; minute++) {
      net.inject({ seq: 1, ack: 1, window: 0, options: { sack } });
      expect(net.wait(60_000).length).toBeGreaterThan(0);
    }
    expect(net.state).toBe('ESTABLISHED');
  });

  test('a lost window update does not hang the connection: the probe is taken', () => {
    const net = sender({ peerWindow: 0 });
    net.connection.write(new Uint8Array(500));
    expect(ranges(net.wait(300))).toEqual(['1+1']);
    expect(ranges(net.inject({ seq: 1, ack: 2, window: 5000 }))).toEqual(['2+499']);
  });

  test('probes without answer are given up after 100 s', () => {
    const net = sender({ peerWindow: 0 });
    net.connection.write(new Uint8Array(500));
    net.wait(90_000);
    expect(net.state).toBe('ESTABLISHED');
    net.wait(100_000);
    expect(net.user.error?.code).toBe('ETIMEDOUT');
  });

  test('a FIN that the window has no room for is probed with', () => {
    const net = sender({ peerWindow: 0 });
    net.connection.shutdown();
    expect(net.take()).toEqual([]);
    expect(net.wait(300)).toMatchObject([{ seq: 1, length: 0, flags: 'F.' }]);
    net.inject({ seq: 1, ack: 2, window: 0 });
    expect(net.state).toBe('FIN-WAIT-2');
    expect(net.wait(100_000)).toEqual([]);
  });

  test('our ACKs keep fitting a closed window while it is probed', () => {
    const net = sender({ peerWindow: 0 });
    net.connection.write(new Uint8Array(500));
    net.wait(300);
    expect(net.inject({ seq: 1, ack: 1, window: 0, data: 10 }).concat(net.wait(50))).toMatchObject([
      { seq: 1, ack: 11, length: 0 },
    ]);
  });

  test('the sender does not send silly segments', () => {
    const net = sender({ peerWindow: 2000 });
    net.connection.write(new Uint8Array(5000));
    net.inject({ seq: 1, ack: 2001, window: 100 });
    expect(net.take()).toEqual([]);
    // Nor does it wait for ever.
    expect(ranges(net.wait(300))).toEqual(['2001+100']);
  });

  test('a window that shrank is tolerated', () => {
    const net = sender({ peerWindow: 5000 });
    net.connection.write(new Uint8Array(5000));
    expect(net.take().length).toBe(5);
    expect(net.inject({ seq: 1, ack: 1001, window: 500 })).toEqual([]);
    expect(net.inject({ seq: 1, ack: 5001, window: 500 })).toEqual([]);
    expect(net.connection.unacknowledged).toBe(0);
  });

  test('a window that closed over data in flight is probed by its first segment, and never given up while answered', () => {
    const net = sender({ peerWindow: 5000 });
    net.connection.write(new Uint8Array(3000));
    net.inject({ seq: 1, ack: 1001, window: 0 });
    for (let minute = 0; minute < 10; minute++) {
      const probes = net.wait(60_000);
      expect(probes.length).toBeGreaterThan(0);
      expect(new Set(ranges(probes))).toEqual(new Set(['1001+1000']));
      net.inject({ seq: 1, ack: 1001, window: 0 });
    }
    expect(net.state).toBe('ESTABLISHED');
    expect(ranges(net.inject({ seq: 1, ack: 1001, window: 5000 }))).toEqual(['1001+1000', '2001+1000']);
  });

  test('our window closes as data waits, and opens by an update when it is read', () => {
    const net = new Harness({ settings: { receiveBuffer: 4000 } }).established();
    const out = net.inject(...[0, 1, 2, 3].map((index) => ({ seq: 1 + index * 1000, ack: 1, data: 1000 })));
    expect(out).toMatchObject([{ ack: 4001, window: 0 }]);
    expect(net.inject({ seq: 4001, ack: 1, data: 1 })).toMatchObject([{ ack: 4001, window: 0 }]);
    net.connection.read(100);
    expect(net.take()).toEqual([]);
    net.connection.read(2000);
    expect(net.take()).toMatchObject([{ ack: 4001, window: 2100 }]);
  });

  test('to a closed window of ours an ACK still comes through', () => {
    const net = new Harness({ settings: { receiveBuffer: 1000 } }).established();
    net.inject({ seq: 1, ack: 1, data: 1000 });
    net.wait(50);
    net.connection.write(new Uint8Array(10));
    net.inject({ seq: 1001, ack: 11, data: 5 });
    expect(net.connection.unacknowledged).toBe(0);
    expect(net.connection.readableLength).toBe(1000);
  });
});

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

describe('SACK blocks of ours', () => {
  test('TCP-13: ours are offered: newest first, three beside timestamps, a duplicate before all', () => {
    const timestamps = { value: 1, echo: 0 };
    const net = sender({ peer: { sackPermitted: true, timestamps } });
    const data = (seq: number) => ({ seq, ack: 1, data: 100, options: { timestamps } });
    const out = net.inject(data(201), data(401), data(601), data(801), data(401));
    const sack = out.map(({ options }) =>
      options.sack?.map(({ start, end }) => [(start - PEER_ISS) | 0, (end - PEER_ISS) | 0]),
    );
    expect(sack).toEqual([
      [[201, 301]],
      [
        [401, 501],
        [201, 301],
      ],
      [
        [601, 701],
        [401, 501],
        [201, 301],
      ],
      [
        [801, 901],
        [601, 701],
        [401, 501],
      ],
      [
        [401, 501],
        [401, 501],
        [801, 901],
      ],
    ]);
  });

  test('TCP-13: data segments carry them too, and are so much shorter', () => {
    const net = sender({ peer: { sackPermitted: true } });
    net.inject({ seq: 101, ack: 1, data: 100 });
    net.connection.write(new Uint8Array(2000));
    expect(net.take()).toMatchObject([
      { length: MSS - 12, options: { sack: [{}] } },
      { length: MSS - 12 },
      { length: 24 },
    ]);
  });
});

describe('TCP-7: timestamps', () => {
  const first = { value: 1000, echo: 0 };

  test('once agreed, they are on every segment, and echo the latest', () => {
    const net = sender({ peer: { timestamps: first } });
    net.connection.write(new Uint8Array(10));
    expect(net.take()[0]!.options.timestamps).toMatchObject({ echo: 1000 });
    net.inject({ seq: 1, ack: 11, data: 5, options: { timestamps: { value: 1005, echo: 0 } } });
    net.connection.write(new Uint8Array(10));
    expect(net.take()[0]!.options.timestamps).toMatchObject({ echo: 1005 });
    net.connection.abort();
    expect(net.take()).toMatchObject([{ flags: 'R.', options: { timestamps: { echo: 1005 } } }]);
  });

  test('PAWS answers an old one with an ACK and drops it', () => {
    const net = sender({ peer: { timestamps: first } });
    const out = net.inject({ seq: 1, ack: 1, data: 5, options: { timestamps: { value: 999, echo: 0 } } });
    expect(out).toMatchObject([{ ack: 1, flags: '.' }]);
    expect(net.connection.readableLength).toBe(0);
    // A RST is no matter of age.
    net.inject({ seq: 1, flags: 'R' });
    expect(net.state).toBe('CLOSED');
  });

  test('a segment without them is dropped', () => {
    const net = sender({ peer: { timestamps: first } });
    expect(net.inject({ seq: 1, ack: 1, data: 5 })).toEqual([]);
    expect(net.counters.get('tcp.no-timestamp')).toBe(1);
  });

  test('TS.Recent moves only with the left edge', () => {
    const net = sender({ peer: { timestamps: first } });
    const at = (seq: number, value: number) =>
      net.inject({ seq, ack: 1, data: 5, options: { timestamps: { value, echo: 0 } } });
    expect(at(11, 1010)[0]!.options.timestamps).toMatchObject({ echo: 1000 });
    expect(at(1, 1005)[0]!.options.timestamps).toMatchObject({ echo: 1005 });
  });

  test('after 24 days of silence an old one proves nothing, and the next is told by it again', () => {
    const net = sender({ peer: { timestamps: first } });
    const at = (seq: number, value: number) =>
      net.inject({ seq, ack: 1, data: 5, options: { timestamps: { value, echo: 0 } } });
    net.wait(23 * 24 * 3_600_000);
    at(1, 999);
    expect(net.connection.readableLength).toBe(0);
    net.wait(2 * 24 * 3_600_000);
    at(1, 999);
    expect(net.connection.readableLength).toBe(5);
    at(6, 998);
    expect(net.connection.readableLength).toBe(5);
    at(6, 999);
    expect(net.connection.readableLength).toBe(10);
  });

  test('their order holds across 2^32', () => {
    const net = sender({ peer: { timestamps: { value: 0xffff_fffe, echo: 0 } } });
    const at = (seq: number, value: number) =>
      net.inject({ seq, ack: 1, data: 5, options: { timestamps: { value, echo: 0 } } });
    at(1, 3);
    at(6, 0xffff_ffff);
    expect(net.connection.readableLength).toBe(5);
    at(6, 4);
    expect(net.connection.readableLength).toBe(10);
  });

  test('a SYN,ACK without them means none', () => {
    const net = sender();
    net.connection.write(new Uint8Array(10));
    expect(net.take()[0]!.options).toEqual({});
  });
});

describe('ICMP-6: too big', () => {
  function withFlight(): Harness {
    const net = sender({ peer: { mss: 1460 } });
    net.connection.write(new Uint8Array(2920));
    expect(ranges(net.take())).toEqual(['1+1460', '1461+1460']);
    return net;
  }

  test('makes smaller segments at once, and is no sign of congestion', () => {
    const net = withFlight();
    const before = net.detail('cwnd');
    const out = net.icmp(1, { kind: 'too-big', code: 4, mtu: 1040 });
    expect(ranges(out).slice(0, 4)).toEqual(['1+1000', '1001+460', '1461+1000', '2461+460']);
    expect(net.detail('cwnd')).toBe(before);
    expect(net.detail('mss')).toBe(1000);
  });

  test('MTU 0 takes the next plateau', () => {
    const net = withFlight();
    net.icmp(1, { kind: 'too-big', code: 4, mtu: 0 });
    expect(net.detail('mss')).toBe(1492 - 40);
    net.icmp(1, { kind: 'too-big', code: 4, mtu: 0 });
    expect(net.detail('mss')).toBe(1006 - 40);
  });

  test('it never goes below 68', () => {
    const net = withFlight();
    for (let count = 0; count < 20; count++) net.icmp(1, { kind: 'too-big', code: 4, mtu: 0 });
    expect(net.detail('mss')).toBe(68 - 40);
    net.icmp(1, { kind: 'too-big', code: 4, mtu: 60 });
    expect(net.detail('mss')).toBe(68 - 40);
  });

  test('what is repeated for it begins no loss recovery, and the whole of it arrives', () => {
    const net = sender({ peer: { mss: 1460, sackPermitted: true } });
    net.connection.write(new Uint8Array(14_600));
    expect(net.take().length).toBe(10);
    net.icmp(1, { kind: 'too-big', code: 4, mtu: 540 });
    net.inject({ seq: 1, ack: 501 });
    expect(net.counters.get('tcp.fast-recovery')).toBe(0);
    let acked = 501;
    for (let round = 0; round < 40 && net.connection.unacknowledged > 0; round++) {
      net.inject({ seq: 1, ack: acked });
      acked = Math.min(acked + 1000, 14_601);
    }
    expect(net.connection.unacknowledged).toBe(0);
    expect(net.detail('ssthresh')).toBeNaN();
  });

  test('nonsense is ignored', () => {
    const net = withFlight();
    for (const mtu of [1500, 9000, 67, 1]) expect(net.icmp(1, { kind: 'too-big', code: 4, mtu })).toEqual([]);
    expect(net.icmp(100_000, { kind: 'too-big', code: 4, mtu: 1000 })).toEqual([]);
    expect(net.detail('mss')).toBe(1460);
  });

  test('a packet that the own network layer finds too long is made smaller at once', () => {
    const net = sender({ peer: { mss: 1460 } });
    net.network.mtu = 1040;
    net.connection.write(new Uint8Array(1460));
    expect(ranges(net.take())).toEqual(['1+1000', '1001+460']);
  });
});
