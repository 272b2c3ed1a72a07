// What a device, a listener or a single connection has set otherwise.

import { describe, expect, test } from 'vitest';
import { FULL_OFFER, Harness, LISTEN_PORT, PEER_PORT, THERE } from './support/harness.ts';

describe('options that are turned off', () => {
  const off = { sack: false, timestamps: false, windowScaling: false };

  test('are not offered, and not taken from a SYN,ACK that has them all the same', () => {
    const net = new Harness({ settings: off });
    net.synSent();
    expect(net.take()[0]!.options).toEqual({ mss: 1460 });
    const [ack] = net.inject({ flags: 'S.', ack: 1, options: FULL_OFFER, window: 1000 });
    expect(ack!.options).toEqual({});
    expect(net.detail('sendWindow')).toBe(1000);
    const [dup] = net.inject({ seq: 11, ack: 1, data: 10 });
    expect(dup!.options).toEqual({});
  });

  test('are not offered back to a SYN that has them', () => {
    const net = new Harness({ settings: off });
    net.listen();
    expect(net.inject({ flags: 'S', options: FULL_OFFER })[0]!.options).toEqual({ mss: 1460 });
  });

  test('one by one', () => {
    const net = new Harness({ settings: { sack: false } });
    net.synSent();
    expect(Object.keys(net.take()[0]!.options).sort()).toEqual(['mss', 'timestamps', 'windowScale']);
  });
});

describe('settings of one connection', () => {
  test('TTL, TOS and MSS go with its packets, and with no other', () => {
    const net = new Harness();
    const settings = { timeToLive: 7, typeOfService: 0x20, maximumSegment: 1000 };
    net.tcp.connect({ address: THERE, port: PEER_PORT, user: net.user, settings });
    net.tcp.connect({ address: THERE, port: PEER_PORT, user: net.user });
    const [own, other] = net.network.sent;
    expect(own!.options).toMatchObject({ ttl: 7, tos: 0x20 });
    expect(own!.segment.options.mss).toBe(1000);
    expect(other!.options).toMatchObject({ ttl: 64, tos: 0 });
    expect(other!.segment.options.mss).toBe(1460);
  });

  test('change while it is open', () => {
    const net = new Harness().established();
    net.connection.set({ timeToLive: 9, typeOfService: 0xb8, maximumSegment: 500 });
    net.connection.write(new Uint8Array(1000));
    expect(net.network.sent.map(({ segment }) => segment.payload.length)).toEqual([500, 500]);
    expect(net.network.sent[0]!.options).toMatchObject({ ttl: 9, tos: 0xb8 });
  });

  test('a listener hands its own on', () => {
    const net = new Harness();
    net.listen().set({ receiveBuffer: 5000, timeToLive: 3 });
    const [synAck] = net.inject({ flags: 'S', options: { mss: 1460 } });
    expect(synAck!.window).toBe(5000);
    net.iss = synAck!.segment.sequence;
    net.inject({ seq: 1, ack: 1 });
    net.connection.write(new Uint8Array(1));
    expect(net.network.sent[0]!.options.ttl).toBe(3);
    expect(net.network.sent[0]!.segment.window).toBe(5000);
  });

  test('the receive buffer of an open connection: what was advertised is kept', () => {
    const net = new Harness({ settings: { receiveBuffer: 4000 } }).established();
    net.connection.set({ receiveBuffer: 1000 });
    const [ack] = [...net.inject({ seq: 1, ack: 1, data: 1500 }), ...net.wait(500)];
    expect(ack).toMatchObject({ ack: 1501, window: 2500 });
    net.connection.set({ receiveBuffer: 9000 });
    net.connection.read();
    expect(net.take()[0]).toMatchObject({ window: 9000 });
  });

  test('another congestion control goes on with the window that there is', () => {
    const net = new Harness().established();
    const before = net.detail('cwnd');
    net.connection.set({ congestionControl: 'newreno' });
    expect(net.connectionInfo()?.details).toMatchObject({ congestion: 'newreno', cwnd: before });
  });
});

test("TCP-5: the MSS that is announced is the link's, whatever was learned of the path", () => {
  const net = new Harness();
  net.network.mtu = 1200;
  net.tcp.connect({ address: THERE, port: PEER_PORT, user: net.user });
  expect(net.network.sent[0]!.segment.options.mss).toBe(1460);
});

test('TCP-8: a SYN is given up at just the time that is set', () => {
  const net = new Harness({ settings: { synTimeout: 5000 } }).synSent();
  net.wait(4999);
  expect(net.user.calls).toEqual([]);
  expect(net.wait(1)).toEqual([]);
  expect(net.user.error?.code).toBe('ETIMEDOUT');
});

test('TCP-7: a segment with an ACK of what was never sent does not set TS.Recent', () => {
  const timestamps = { value: 1000, echo: 0 };
  const net = new Harness({ peer: { mss: 1460, timestamps } }).established();
  const forged = { timestamps: { value: 900_000_000, echo: 0 } };
  expect(net.inject({ seq: 1, ack: 9999, options: forged })).toMatchObject([
    { options: { timestamps: { echo: 1000 } } },
  ]);
});

describe('a window that is not all used', () => {
  test('grows in slow start if half of it was', () => {
    const net = new Harness({ peer: { mss: 1000 } }).established();
    net.connection.write(new Uint8Array(6000));
    net.inject({ seq: 1, ack: 2001 });
    net.inject({ seq: 1, ack: 4001 });
    expect(net.detail('cwnd')).toBe(12_000);
  });

  test('does not grow if less was', () => {
    const net = new Harness({ peer: { mss: 1000 } }).established();
    net.connection.write(new Uint8Array(5000));
    net.inject({ seq: 1, ack: 5001 });
    expect(net.detail('cwnd')).toBe(10_000);
  });
});

describe('a corked connection', () => {
  test('sends full segments, and the rest when the cork is pulled', () => {
    const net = new Harness().established();
    net.connection.setNoDelay(true);
    net.connection.setCork(true);
    net.connection.write(new Uint8Array(2000));
    expect(net.take()).toMatchObject([{ seq: 1, length: 1460 }]);
    net.connection.setCork(false);
    expect(net.take()).toMatchObject([{ seq: 1461, length: 540 }]);
  });

  test('waits 200 ms at most, again and again', () => {
    const net = new Harness().established();
    net.connection.setCork(true);
    for (const seq of [1, 101]) {
      net.connection.write(new Uint8Array(100));
      expect(net.wait(199)).toEqual([]);
      expect(net.wait(1)).toMatchObject([{ seq, length: 100 }]);
      net.inject({ seq: 1, ack: seq + 100 });
    }
  });

  test('does not hold back the end of the stream', () => {
    const net = new Harness().established();
    net.connection.setCork(true);
    net.connection.write(new Uint8Array(100));
    net.connection.shutdown();
    expect(net.take()).toMatchObject([{ seq: 1, length: 100, flags: 'FP.' }]);
  });
});

test('a device is configured for what comes after', () => {
  const net = new Harness().established();
  net.tcp.configure({ timestamps: false, sack: false, windowScaling: false });
  net.connection.write(new Uint8Array(1));
  net.take();
  net.tcp.connect({ address: THERE, port: LISTEN_PORT, user: net.user });
  expect(net.network.sent[0]!.segment.options).toEqual({ mss: 1460 });
});

test('without slow start after idle the window stays what it was', () => {
  const net = new Harness({ settings: { slowStartAfterIdle: false } }).established();
  net.connection.setNoDelay(true);
  net.connection.write(new Uint8Array(20_000));
  net.inject({ seq: 1, ack: 14_601 });
  net.inject({ seq: 1, ack: 20_001 });
  const before = net.detail('cwnd');
  expect(before).toBeGreaterThan(14_600);
  net.wait(60_000);
  net.connection.write(new Uint8Array(1));
  expect(net.detail('cwnd')).toBe(before);
});
