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
