// Explicit congestion notification (RFC 3168): who agrees on it, what is marked, and what a mark brings about.

import { describe, expect, test } from 'vitest';
import type { TcpSettings } from '../../../shared/stack/tcp/settings.ts';
import { Harness, type PeerSegment } from './support/harness.ts';
import { MSS, ranges } from './support/sender.ts';

const NOT_CAPABLE = 0;
const CAPABLE = 2;
const CONGESTED = 3;

function client(ecn: TcpSettings['ecn'] = 'on', flags = 'SE.', peer: object = {}): Harness {
  const net = new Harness({ settings: { ecn, congestionControl: 'newreno' }, peer: { mss: MSS, ...peer } });
  net.synSent();
  net.inject({ flags, ack: 1, options: net.peerOptions });
  return net;
}

describe('TCP-5: ECN is agreed on', () => {
  test('by SYN with ECE and CWR, and SYN,ACK with ECE; neither is marked as capable', () => {
    const net = new Harness({ settings: { ecn: 'on' } });
    net.synSent();
    expect(net.take()).toMatchObject([{ flags: 'SEW', tos: NOT_CAPABLE }]);
    net.inject({ flags: 'SE.', ack: 1 });
    net.connection.write(new Uint8Array(10));
    expect(net.take()).toMatchObject([{ tos: CAPABLE }]);
  });

  test.each(['S.', 'SEW.'])('not by %s', (flags) => {
    const net = client('on', flags);
    net.connection.write(new Uint8Array(10));
    expect(net.take()).toMatchObject([{ tos: NOT_CAPABLE }]);
  });

  test('where a peer asks, and by itself nobody asks', () => {
    const net = new Harness();
    net.listen();
    const [synAck] = net.inject({ flags: 'SEW', options: { mss: MSS } });
    expect(synAck).toMatchObject({ flags: 'SE.', tos: NOT_CAPABLE });
    net.iss = synAck!.segment.sequence;
    net.inject({ seq: 1, ack: 1 });
    net.connection.write(new Uint8Array(10));
    expect(net.take()).toMatchObject([{ tos: CAPABLE }]);
    const other = new Harness();
    other.synSent();
    expect(other.take()).toMatchObject([{ flags: 'S' }]);
  });

  test.each([
    ['it is off', { ecn: 'off' }, 'SEW'],
    ['only one flag is there', {}, 'SE'],
    ['there is none', {}, 'S'],
  ] as const)('not where %s', (_name, settings, flags) => {
    const net = new Harness({ settings });
    net.listen();
    expect(net.inject({ flags })).toMatchObject([{ flags: 'S.' }]);
  });

  test('a SYN that nobody answered is repeated without it, and then it is not used (RFC 3168 §6.1.1.1)', () => {
    const net = new Harness({ settings: { ecn: 'on' } });
    net.synSent();
    expect(net.wait(1000)).toMatchObject([{ flags: 'S' }]);
    net.inject({ flags: 'SE.', ack: 1 });
    net.connection.write(new Uint8Array(10));
    expect(net.take()).toMatchObject([{ tos: NOT_CAPABLE }]);
  });

  test('a SYN cookie has no place for it', () => {
    const net = new Harness({ settings: { synBacklog: 0 } });
    net.listen();
    expect(net.inject({ flags: 'SEW' })).toMatchObject([{ flags: 'S.' }]);
  });
});

describe('TCP-11: what is marked as capable', () => {
  test('new data is; pure ACKs, what is sent again and window probes are not', () => {
    const net = client();
    net.connection.write(new Uint8Array(MSS));
    expect(net.take()).toMatchObject([{ length: MSS, tos: CAPABLE }]);
    expect(net.wait(200)).toMatchObject([{ length: MSS, tos: NOT_CAPABLE }]);
    expect(net.inject({ seq: 1, ack: 1001, flags: 'F.', window: 0 })).toMatchObject([{ tos: NOT_CAPABLE }]);
    net.connection.write(new Uint8Array(10));
    expect(net.wait(1000)[0]).toMatchObject({ length: 1, tos: NOT_CAPABLE });
  });

  test('the rest of the TOS octet stays what it is set to', () => {
    const net = client();
    net.connection.set({ typeOfService: 0xb9 });
    net.connection.write(new Uint8Array(10));
    expect(net.take()).toMatchObject([{ tos: 0xb8 | CAPABLE }]);
  });
});

describe('TCP-10: a mark on data', () => {
  /** Two full segments, which are acknowledged at once. */
  const two = (net: Harness, seq: number, more: Partial<PeerSegment> = {}) =>
    net.inject({ seq, ack: 1, data: MSS, ...more }, { seq: seq + MSS, ack: 1, data: MSS });

  test('is echoed by every ACK until the peer says CWR', () => {
    const net = client();
    expect(two(net, 1, { tos: CONGESTED })).toMatchObject([{ flags: 'E.' }]);
    expect(two(net, 2001, { tos: CAPABLE })).toMatchObject([{ flags: 'E.' }]);
    net.connection.write(new Uint8Array(10));
    expect(net.take()).toMatchObject([{ length: 10, flags: 'PE.' }]);
    expect(two(net, 4001, { flags: 'W.' })).toMatchObject([{ flags: '.' }]);
    expect(two(net, 6001, { flags: 'W.', tos: CONGESTED })).toMatchObject([{ flags: 'E.' }]);
  });

  test('is not, where it stands on a bare ACK or outside the window, or where ECN was not agreed on', () => {
    const net = client();
    net.inject({ seq: 1, ack: 1, tos: CONGESTED });
    net.inject({ seq: 7_000_000, ack: 1, data: 10, tos: CONGESTED });
    expect(two(net, 1)).toMatchObject([{ flags: '.' }]);
    expect(two(client('on', 'S.'), 1, { tos: CONGESTED })).toMatchObject([{ flags: '.' }]);
  });
});

describe('TCP-11: an echo of congestion', () => {
  function withFlight(): Harness {
    const net = client();
    net.connection.write(new Uint8Array(40 * MSS));
    expect(net.take().length).toBe(10);
    return net;
  }

  test('halves the window once for each window of data, and the next new data says so', () => {
    const net = withFlight();
    net.inject({ seq: 1, ack: 1001, flags: 'E.' });
    expect(net.detail('ssthresh')).toBe(4500);
    expect(net.detail('cwnd')).toBe(4500);
    net.inject({ seq: 1, ack: 3001, flags: 'E.' });
    expect(net.detail('cwnd')).toBe(4500);
    const [first, ...rest] = net.inject({ seq: 1, ack: 8001, flags: 'E.' });
    expect(first).toMatchObject({ seq: 10_001, flags: 'W.' });
    expect(rest.map(({ flags }) => flags)).toEqual(['.']);
    // What was sent after the reduction tells of another.
    net.inject({ seq: 1, ack: 11_001, flags: 'E.' });
    expect(net.detail('ssthresh')).toBeLessThan(4500);
    expect(net.counters.get('tcp.congestion-marked')).toBe(2);
    expect(net.counters.get('tcp.retransmitted')).toBe(0);
  });

  test('does so on a bare duplicate too, and the window does not grow by that ACK', () => {
    const net = withFlight();
    net.inject({ seq: 1, ack: 1, flags: 'E.', window: 60_000 });
    expect(net.detail('cwnd')).toBe(5000);
  });

  test('asks for nothing more during loss recovery; what that took away is told as well', () => {
    const net = withFlight();
    const dup = { seq: 1, ack: 1 };
    for (let count = 0; count < 3; count++) net.inject(dup);
    const ssthresh = net.detail('ssthresh');
    expect(ssthresh).toBe(5000);
    const sent = [...Array(8)].flatMap(() => net.inject({ ...dup, flags: 'E.' }));
    expect(net.detail('ssthresh')).toBe(ssthresh);
    const [first] = sent.filter(({ seq }) => seq > 10_000);
    expect(first?.flags).toContain('W');
  });

  test('is nothing where ECN was not agreed on', () => {
    const net = client('on', 'S.');
    net.connection.write(new Uint8Array(40 * MSS));
    net.inject({ seq: 1, ack: 1001, flags: 'E.' });
    expect(net.detail('cwnd')).toBe(11 * MSS);
    expect(ranges(net.inject({ seq: 1, ack: 2001, flags: 'E.' })).length).toBe(2);
  });
});
