// Listeners: how connections are accepted, refused and queued, and SYN cookies under load.

import { describe, expect, test } from 'vitest';
import { ipv4 } from '../../../shared/core/address.ts';
import { FULL_OFFER, Harness, LISTEN_PORT, PEER_PORT, THERE } from './support/harness.ts';

describe('passive open', () => {
  test('a SYN gets SYN,ACK with only what it offered, and ACK gives the connection', () => {
    const net = new Harness();
    net.listen();
    const [synAck] = net.inject({ flags: 'S', options: { mss: 1000 } });
    expect(synAck).toMatchObject({ ack: 1, flags: 'S.', window: 65_535, options: { mss: 1460 } });
    expect(Object.keys(synAck!.options)).toEqual(['mss']);
    net.iss = synAck!.segment.sequence;
    expect(net.state).toBe('SYN-RECEIVED');
    expect(net.accepted).toEqual([]);
    expect(net.inject({ seq: 1, ack: 1 })).toEqual([]);
    expect(net.accepted.length).toBe(1);
    expect(net.state).toBe('ESTABLISHED');
    expect(net.detail('mss')).toBe(1000);
    expect(net.log.named('tcp.open')[0]?.fields).toMatchObject({
      local: '10.0.0.1:80',
      remote: '10.0.0.2:4000',
    });
  });

  test('accept comes before the data that came with the ACK', () => {
    const net = new Harness();
    net.synReceived();
    net.inject({ seq: 1, ack: 1, flags: 'P.', data: 'hello' });
    expect(net.user.calls).toEqual(['readable']);
    expect(net.connection.read()).toEqual(new TextEncoder().encode('hello'));
  });

  test('TCP-2: RST is ignored, ACK gets RST, a broadcast SYN gets silence', () => {
    const net = new Harness();
    net.listen();
    expect(net.inject({ flags: 'R' })).toEqual([]);
    expect(net.inject({ flags: '.', ack: 9 })).toMatchObject([{ seq: 9, flags: 'R' }]);
    expect(net.inject({ flags: 'S.', ack: 9 })).toMatchObject([{ seq: 9, flags: 'R' }]);
    const syn = new Uint8Array(20);
    new DataView(syn.buffer).setUint32(0, (PEER_PORT << 16) | LISTEN_PORT);
    syn[12] = 5 << 4;
    syn[13] = 2;
    net.raw(syn, true, true);
    expect(net.take()).toEqual([]);
    expect(net.counters.get('tcp.broadcast')).toBe(1);
    // Addressed to us alone it is answered.
    net.raw(syn, true);
    expect(net.take()).toMatchObject([{ flags: 'S.' }]);
  });

  test('TCP-2: what has neither SYN nor ACK nor RST gets nothing', () => {
    const net = new Harness();
    net.listen();
    expect(net.inject({ flags: 'F' }, { flags: '', data: 5 }, { flags: 'P', data: 5 })).toEqual([]);
    expect(net.tcp.sockets().length).toBe(1);
  });

  test('a repeated SYN gets the same SYN,ACK again', () => {
    const net = new Harness();
    net.synReceived();
    expect(net.inject({ flags: 'S', options: { mss: 1460 } })).toMatchObject([
      { seq: 0, ack: 1, flags: 'S.' },
    ]);
  });

  test('TCP-4: another SYN within a handshake gets a challenge ACK', () => {
    const net = new Harness();
    net.synReceived();
    expect(net.inject({ seq: 500, flags: 'S' })).toMatchObject([{ seq: 1, ack: 1, flags: '.' }]);
  });

  test('TCP-4: the window of a handshake ends where the SYN,ACK said', () => {
    const net = new Harness({ settings: { receiveBuffer: 5000 } });
    net.synReceived();
    expect(net.inject({ seq: 5001, flags: 'R' })).toEqual([]);
    expect(net.inject({ seq: 5000, flags: 'R' })).toMatchObject([
      { seq: 1, ack: 1, flags: '.', window: 5000 },
    ]);
    expect(net.state).toBe('SYN-RECEIVED');
  });

  test('TCP-4: RST ends the handshake only by the exact number', () => {
    const net = new Harness();
    net.synReceived();
    expect(net.inject({ seq: 2, flags: 'R' })).toMatchObject([{ flags: '.' }]);
    expect(net.inject({ seq: 70_000, flags: 'R' })).toEqual([]);
    expect(net.state).toBe('SYN-RECEIVED');
    expect(net.inject({ seq: 1, flags: 'R' })).toEqual([]);
    expect(net.state).toBe('CLOSED');
    expect(net.clock.nextDue).toBeUndefined();
  });

  test('an ACK of something else gets RST', () => {
    const net = new Harness();
    net.synReceived();
    expect(net.inject({ seq: 1, ack: 5 })).toMatchObject([{ seq: 5, flags: 'R' }]);
    expect(net.state).toBe('SYN-RECEIVED');
  });

  test('TCP-8: SYN,ACK is repeated, and forgotten after three minutes', () => {
    const net = new Harness();
    net.synReceived();
    const again = net.wait(200_000).filter(({ flags }) => flags === 'S.');
    expect(again.length).toBe(7);
    expect(net.state).toBe('CLOSED');
    expect(net.clock.nextDue).toBeUndefined();
  });

  test('a listener that closes forgets handshakes', () => {
    const net = new Harness();
    const listener = net.listen();
    net.inject({ flags: 'S' });
    listener.close();
    expect(net.tcp.sockets()).toEqual([]);
    expect(net.wait(300_000)).toEqual([]);
  });

  test('EADDRINUSE and EADDRNOTAVAIL', () => {
    const net = new Harness();
    const listener = net.listen();
    const again = () => net.tcp.listen({ port: LISTEN_PORT, accept() {} });
    expect(again).toThrow(/listen EADDRINUSE/);
    expect(() => net.tcp.listen({ address: ipv4('10.0.0.1'), port: LISTEN_PORT, accept() {} })).toThrow(
      /EADDRINUSE/,
    );
    expect(() => net.tcp.listen({ address: ipv4('10.9.9.9'), port: 1, accept() {} })).toThrow(
      /EADDRNOTAVAIL/,
    );
    listener.close();
    again();
    const { local } = net.tcp.listen({ port: 0, accept() {} });
    expect(local.port).toBeGreaterThanOrEqual(49_152);
  });
});

describe('TCP-17: listeners under load', () => {
  test('connections beyond the backlog wait until there is room', () => {
    const net = new Harness();
    net.listen(1);
    const synAcks = [1, 2].map((port) => {
      net.peer = { address: THERE, port };
      return net.inject({ flags: 'S' })[0]!.segment.sequence;
    });
    // Both ACKs in one batch, before the user could accept either.
    synAcks.forEach((iss, index) => {
      net.iss = iss;
      net.peer = { address: THERE, port: index + 1 };
      net.hand({ seq: 1, ack: 1 });
    });
    net.clock.settle();
    expect(net.accepted.length).toBe(1);
    expect(net.counters.get('tcp.backlog-full')).toBe(1);
    net.inject({ seq: 1, ack: 1 });
    expect(net.accepted.length).toBe(2);
  });

  test.each([
    ['with timestamps', FULL_OFFER, { mss: 1448, sendScale: 7, receiveScale: 6 }],
    ['without', { mss: 1460, windowScale: 7 }, { mss: 1460, sendScale: 0, receiveScale: 0 }],
  ])('a real client gets through a flood by a SYN cookie, %s', (_name, options, details) => {
    const net = new Harness({ settings: { synBacklog: 4 } });
    net.listen();
    for (let port = 1; port <= 10; port++) {
      net.peer = { address: THERE, port };
      expect(net.inject({ flags: 'S' })).toMatchObject([{ flags: 'S.' }]);
    }
    expect(net.tcp.sockets().filter(({ state }) => state === 'SYN-RECEIVED').length).toBe(4);
    net.peer = { address: THERE, port: PEER_PORT };
    const [synAck] = net.inject({ flags: 'S', options });
    net.iss = synAck!.segment.sequence;
    expect(net.state).toBe('CLOSED');
    const echoed = synAck!.options.timestamps?.value;
    const timestamps = echoed === undefined ? undefined : { value: 1001, echo: echoed };
    net.inject({ seq: 1, ack: 1, flags: 'P.', data: 'hi', options: { timestamps } });
    expect(net.state).toBe('ESTABLISHED');
    expect(net.connection.read()?.length).toBe(2);
    expect(net.connectionInfo()?.details).toMatchObject(details);
    // Nobody else's ACK does.
    net.peer = { address: THERE, port: 4001 };
    expect(net.inject({ seq: 1, ack: 1 })).toMatchObject([{ flags: 'R' }]);
  });
});
