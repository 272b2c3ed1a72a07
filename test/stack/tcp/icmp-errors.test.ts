// What ICMP errors do to connections.

import { describe, expect, test } from 'vitest';
import { Harness } from './support/harness.ts';
import { ranges, sender } from './support/sender.ts';

describe('ICMP-5 while connecting', () => {
  test('3/3 refuses at once', () => {
    const net = new Harness();
    net.synSent();
    net.icmp(0, { code: 3 });
    expect(net.user.error?.code).toBe('ECONNREFUSED');
  });

  test.each([
    [0, 'ENETUNREACH'],
    [1, 'EHOSTUNREACH'],
    [5, 'EHOSTUNREACH'],
  ])('3/%i is remembered until the connect gives up: %s', (code, expected) => {
    const net = new Harness();
    net.synSent();
    net.icmp(0, { code });
    expect(net.state).toBe('SYN-SENT');
    net.clock.advance(200_000);
    expect(net.user.error?.code).toBe(expected);
  });

  test('ICMP-5: time exceeded (11) is remembered too', () => {
    const net = new Harness();
    net.synSent();
    net.icmp(0, { kind: 'time-exceeded', code: 0 });
    expect(net.state).toBe('SYN-SENT');
    net.clock.advance(200_000);
    expect(net.user.error?.code).toBe('EHOSTUNREACH');
  });

  test('ICMP-5: what was remembered is forgotten when the peer answers', () => {
    const net = new Harness();
    net.synSent();
    net.icmp(0, { code: 1 });
    net.inject({ flags: 'S.', ack: 1, options: net.peerOptions });
    net.connection.write(new Uint8Array(10));
    net.clock.advance(300_000);
    expect(net.user.error?.code).toBe('ETIMEDOUT');
  });

  test('one that quotes another number is ignored', () => {
    const net = new Harness();
    net.synSent();
    net.icmp(1, { code: 3 });
    net.icmp(-1, { code: 3 });
    expect(net.state).toBe('SYN-SENT');
    expect(net.counters.get('tcp.icmp-not-in-flight')).toBe(2);
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
