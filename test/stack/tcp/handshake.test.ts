// How connections begin: options, refusals, simultaneous opens, listeners under load.

import { describe, expect, test } from 'vitest';
import { ipv4 } from '../../../shared/core/address.ts';
import {
  FULL_OFFER,
  Harness,
  LISTEN_PORT,
  OWN_ISS,
  PEER_ISS,
  PEER_PORT,
  RecordingUser,
  THERE,
} from './support/harness.ts';

/** The bytes of a segment from the peer, its options as they are given. */
function rawSegment(seq: number, flags: number, options: readonly number[], length = 0): Uint8Array {
  const bytes = new Uint8Array(20 + options.length + length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, (PEER_PORT << 16) | LISTEN_PORT);
  view.setUint32(4, PEER_ISS + seq);
  view.setUint32(8, flags & 0x10 ? OWN_ISS + 1 : 0);
  bytes[12] = (5 + options.length / 4) << 4;
  bytes[13] = flags;
  view.setUint16(14, 65_535);
  bytes.set(options, 20);
  return bytes;
}

describe('active open', () => {
  test('the SYN offers everything, from an ephemeral port, with an unscaled window', () => {
    const net = new Harness();
    net.synSent();
    const [syn, ...more] = net.take();
    expect(more).toEqual([]);
    expect(syn).toMatchObject({ seq: 0, flags: 'S', window: 65_535, length: 0 });
    expect(syn!.segment.acknowledgment).toBe(0);
    expect(syn!.options).toEqual({
      mss: 1460,
      sackPermitted: true,
      windowScale: 6,
      timestamps: { value: expect.any(Number), echo: 0 },
    });
    expect(net.port).toBeGreaterThanOrEqual(49_152);
    expect(net.state).toBe('SYN-SENT');
  });

  test('SYN,ACK is acknowledged, and the user told after the turn', () => {
    const net = new Harness();
    net.synSent();
    const out = net.inject({ flags: 'S.', ack: 1, options: FULL_OFFER });
    expect(out).toMatchObject([{ seq: 1, ack: 1, flags: '.', length: 0 }]);
    expect(net.state).toBe('ESTABLISHED');
    expect(net.user.calls).toEqual(['connected']);
    const [open] = net.log.named('tcp.open');
    expect(open).toMatchObject({
      level: 'info',
      fields: { remote: '10.0.0.2:4000', mss: 1448, sendScale: 7, receiveScale: 6 },
    });
  });

  test('TCP-2: what a SYN,ACK brings beside is taken, and acknowledged with it (RFC 9293 §3.10.7.3)', () => {
    const net = new Harness();
    net.synSent();
    expect(net.inject({ flags: 'SF.', ack: 1, options: FULL_OFFER, data: 'hello' })).toMatchObject([
      { seq: 1, ack: 7, flags: '.' },
    ]);
    expect(net.user.calls).toEqual(['connected', 'readable']);
    expect(net.connection.read()?.length).toBe(5);
    expect(net.state).toBe('CLOSE-WAIT');
  });

  test('TCP-1: RST to a SYN means ECONNREFUSED', () => {
    const net = new Harness();
    net.synSent();
    expect(net.inject({ flags: 'R.', ack: 1 })).toEqual([]);
    expect(net.user.calls).toEqual(['closed']);
    expect(net.user.error).toMatchObject({
      code: 'ECONNREFUSED',
      syscall: 'connect',
      address: '10.0.0.2',
      port: PEER_PORT,
    });
    expect(net.clock.nextDue).toBeUndefined();
  });

  test('a RST that acknowledges nothing is ignored', () => {
    const net = new Harness();
    net.synSent();
    expect(net.inject({ flags: 'R' })).toEqual([]);
    expect(net.inject({ flags: 'R.', ack: 2 })).toEqual([]);
    expect(net.state).toBe('SYN-SENT');
  });

  test('TCP-2: an ACK of what was never sent gets RST, and the SYN still waits', () => {
    const net = new Harness();
    net.synSent();
    expect(net.inject({ flags: '.', ack: 77 })).toMatchObject([{ seq: 77, flags: 'R' }]);
    expect(net.inject({ flags: 'S.', ack: 2 })).toMatchObject([{ seq: 2, flags: 'R' }]);
    expect(net.state).toBe('SYN-SENT');
    expect(net.inject({ flags: '.', ack: 1 })).toEqual([]);
  });

  test.each([
    ['SYN,ACK (RFC 9293 §3.5, figure 7)', 'S.', 0],
    ['an ACK', '.', 1],
  ])('TCP-2: SYNs that cross open the connection, once ours is answered by %s', (_name, flags, seq) => {
    const net = new Harness();
    net.synSent();
    net.wait(20);
    const [synAck] = net.inject({ flags: 'S', options: FULL_OFFER });
    expect(synAck).toMatchObject({ seq: 0, ack: 1, flags: 'S.' });
    expect(synAck!.options).toMatchObject({ mss: 1460, sackPermitted: true, windowScale: 6 });
    expect(net.state).toBe('SYN-RECEIVED');
    const timestamps = { value: 1001, echo: 0 };
    expect(net.inject({ seq, ack: 1, flags, options: { ...FULL_OFFER, timestamps } })).toEqual([]);
    expect(net.state).toBe('ESTABLISHED');
    expect(net.user.calls).toEqual(['connected']);
    expect(net.detail('srtt')).toBe(20);
    net.connection.write(new Uint8Array(5));
    expect(net.take()).toMatchObject([{ seq: 1, ack: 1, length: 5 }]);
  });

  test('TCP-2: after SYNs crossed, an ACK of something else gets RST', () => {
    const net = new Harness();
    net.synSent();
    net.inject({ flags: 'S' });
    expect(net.inject({ seq: 1, ack: 5 })).toMatchObject([{ seq: 5, flags: 'R' }]);
    expect(net.inject({ seq: 0, ack: 5, flags: 'S.' })).toMatchObject([{ seq: 1, ack: 1, flags: '.' }]);
    expect(net.state).toBe('SYN-RECEIVED');
  });

  test('TCP-8: a SYN is repeated for three minutes at least, then ETIMEDOUT', () => {
    const net = new Harness();
    net.synSent();
    net.take();
    const start = net.clock.now();
    const times: number[] = [];
    while (net.user.calls.length === 0) {
      expect(net.clock.step()).toBe(true);
      for (const { flags } of net.take()) if (flags === 'S') times.push(net.clock.now() - start);
    }
    expect(times).toEqual([1000, 3000, 7000, 15_000, 31_000, 63_000, 123_000]);
    expect(net.clock.now() - start).toBeGreaterThanOrEqual(180_000);
    expect(net.user.error?.code).toBe('ETIMEDOUT');
    expect(net.clock.nextDue).toBeUndefined();
    expect(net.state).toBe('CLOSED');
  });

  test('errors that are known at once are thrown', () => {
    const net = new Harness();
    const connect = (extra: object) => () =>
      net.tcp.connect({ address: THERE, port: PEER_PORT, user: net.user, ...extra });
    expect(connect({ localAddress: ipv4('10.9.9.9') })).toThrow(/EADDRNOTAVAIL/);
    connect({ localPort: 50_000 })();
    expect(connect({ localPort: 50_000 })).toThrow(/connect EADDRINUSE 10\.0\.0\.2:4000/);
    net.network.pathError = 'ENETUNREACH';
    expect(connect({})).toThrow(/ENETUNREACH/);
  });

  test('a SYN that the network refuses is tried again', () => {
    const net = new Harness();
    net.network.sendError = 'ENETUNREACH';
    net.tcp.connect({ address: THERE, port: PEER_PORT, user: net.user });
    net.network.sendError = undefined;
    expect(net.wait(1000)).toMatchObject([{ flags: 'S' }]);
  });

  test('what is written and ended before the handshake goes out after it', () => {
    const net = new Harness();
    net.synSent();
    expect(net.connection.write(new Uint8Array(10))).toBe(10);
    net.connection.shutdown();
    net.take();
    const out = net.inject({ flags: 'S.', ack: 1, options: { mss: 1460 } });
    expect(out).toMatchObject([
      { seq: 1, flags: '.', length: 0 },
      { seq: 1, flags: 'FP.', length: 10 },
    ]);
    expect(net.state).toBe('FIN-WAIT-1');
  });

  test('close before the handshake ends it in silence', () => {
    const net = new Harness();
    net.synSent();
    net.take();
    net.connection.close();
    net.clock.settle();
    expect(net.take()).toEqual([]);
    expect(net.user.calls).toEqual(['closed']);
    expect(net.user.error).toBeUndefined();
    expect(net.clock.nextDue).toBeUndefined();
  });
});

describe('options', () => {
  test('TCP-5: without the MSS option segments have 536 bytes', () => {
    const net = new Harness({ peer: {} }).established();
    net.connection.write(new Uint8Array(1000));
    expect(net.take()).toMatchObject([{ length: 536 }, { length: 464 }]);
  });

  test('TCP-5: options come off the payload: 1448 with timestamps at an MTU of 1500', () => {
    const timestamps = { value: 1000, echo: 0 };
    const net = new Harness({ peer: { mss: 1460, timestamps } }).established();
    net.connection.write(new Uint8Array(3000));
    expect(net.take().map(({ length }) => length)).toEqual([1448, 1448, 104]);
  });

  test('TCP-5: a tiny MSS is taken as 48', () => {
    const net = new Harness({ peer: { mss: 1 } }).established();
    net.connection.write(new Uint8Array(48));
    expect(net.take()).toMatchObject([{ length: 48 }]);
  });

  test('TCP-5: unknown options are skipped, in a SYN and in data', () => {
    const net = new Harness();
    net.listen();
    // Kind 253 of 6 bytes, MSS of 1000, kind 30 of 4.
    net.raw(rawSegment(0, 2, [253, 6, 1, 2, 3, 4, 2, 4, 3, 0xe8, 30, 4, 0, 0, 0, 0]), true);
    net.clock.settle();
    const [synAck] = net.take();
    net.iss = synAck!.segment.sequence;
    net.raw(rawSegment(1, 0x10, [253, 4, 0, 0], 7), true);
    net.clock.settle();
    expect(net.connection.readableLength).toBe(7);
    expect(net.detail('mss')).toBe(1000);
  });

  test.each([
    ['0', [253, 0, 1, 1]],
    ['1', [253, 1, 1, 1]],
    ['past the header', [253, 40, 1, 1]],
    ['cut off', [1, 1, 1, 253]],
  ])('TCP-5: an option of length %s does no harm, and its segment is taken', (_name, options) => {
    const net = new Harness();
    net.listen();
    net.raw(rawSegment(0, 2, options), true);
    net.clock.settle();
    net.iss = net.take()[0]!.segment.sequence;
    net.raw(rawSegment(1, 0x10, options, 7), true);
    net.clock.settle();
    expect(net.connection.readableLength).toBe(7);
    expect(net.detail('mss')).toBe(536);
  });

  test('TCP-6: one that only the SYN,ACK offers, or that comes later, changes nothing', () => {
    const silent = new Harness({ settings: { windowScaling: false }, peer: FULL_OFFER }).established();
    silent.inject({ seq: 1, ack: 1, window: 1000, options: { timestamps: FULL_OFFER.timestamps } });
    expect(silent.connectionInfo()?.details).toMatchObject({
      sendWindow: 1000,
      sendScale: 0,
      receiveScale: 0,
    });
    const late = new Harness({ peer: { mss: 1460 } }).established();
    late.inject({ seq: 1, ack: 1, window: 1000, options: { windowScale: 7 } });
    expect(late.detail('sendWindow')).toBe(1000);
  });

  test('TCP-6: windows are scaled after the SYNs only, if both offered it', () => {
    const scaled = new Harness({ peer: { mss: 1460, windowScale: 3 }, peerWindow: 1000 }).established();
    expect(scaled.detail('sendWindow')).toBe(1000);
    scaled.inject({ seq: 1, ack: 1, window: 1000 });
    expect(scaled.detail('sendWindow')).toBe(8000);
    const plain = new Harness({ peer: { mss: 1460 }, peerWindow: 1000 }).established();
    plain.inject({ seq: 1, ack: 1, window: 1000 });
    expect(plain.detail('sendWindow')).toBe(1000);
    const [ack] = plain.inject({ seq: 1, ack: 1, data: 1460 }, { seq: 1461, ack: 1, data: 1460 });
    expect(ack).toMatchObject({ window: 65_535 });
  });

  test('TCP-6: a shift over 14 counts as 14', () => {
    const net = new Harness({ peer: { mss: 1460, windowScale: 200 } }).established();
    expect(net.detail('sendScale')).toBe(14);
  });
});

test('close() forgets everything without a word', () => {
  const net = new Harness().established();
  net.listen();
  net.connection.write(new Uint8Array(5000));
  net.take();
  net.tcp.close();
  expect(net.wait(1_000_000)).toEqual([]);
  expect(net.user.calls).toEqual([]);
  expect(net.tcp.sockets()).toEqual([]);
  expect(net.clock.nextDue).toBeUndefined();
});

test('the user is never called within a call of its own', () => {
  const net = new Harness();
  const user = new RecordingUser();
  const connection = net.tcp.connect({ address: THERE, port: PEER_PORT, user });
  connection.abort();
  expect(user.calls).toEqual([]);
  net.clock.settle();
  expect(user.calls).toEqual(['closed']);
});
