// What each state does with each kind of segment (RFC 9293 §3.10.7.4), and how connections end.

import { describe, expect, test } from 'vitest';
import { Harness, LISTEN_PORT } from './support/harness.ts';

const SYNCHRONIZED = [
  ['ESTABLISHED', () => new Harness().established(), 1, 1],
  ['CLOSE-WAIT', () => new Harness().closeWait(), 2, 1],
  ['FIN-WAIT-1', () => new Harness().finWait1(), 1, 1],
  ['FIN-WAIT-2', () => new Harness().finWait2(), 1, 2],
  ['CLOSING', () => new Harness().closing(), 2, 1],
  ['LAST-ACK', () => new Harness().lastAck(), 2, 1],
] as const;

describe.each(SYNCHRONIZED)('in %s', (state, make, next, una) => {
  test('the state is reached', () => {
    expect(make().state).toBe(state);
  });

  test('TCP-3: a segment outside the window is answered with an ACK and dropped', () => {
    const net = make();
    const [ack, ...more] = net.inject({ seq: next - 10, ack: una, data: 5 });
    expect(more).toEqual([]);
    expect(ack).toMatchObject({ ack: next, flags: '.', length: 0 });
    expect(net.inject({ seq: next + 2_000_000, ack: una, data: 5 })).toMatchObject([{ ack: next }]);
    expect(net.state).toBe(state);
  });

  test('TCP-3: a RST outside the window is dropped in silence', () => {
    const net = make();
    expect(net.inject({ seq: next - 1, flags: 'R' }, { seq: next + 7_000_000, flags: 'R' })).toEqual([]);
    expect(net.state).toBe(state);
  });

  test('TCP-4: a RST in the window, but not at RCV.NXT, gets a challenge ACK', () => {
    const net = make();
    expect(net.inject({ seq: next + 1, flags: 'R' })).toMatchObject([{ ack: next, flags: '.' }]);
    expect(net.state).toBe(state);
  });

  test('TCP-4: a RST at RCV.NXT resets', () => {
    const net = make();
    expect(net.inject({ seq: next, flags: 'R' })).toEqual([]);
    expect(net.state).toBe('CLOSED');
    expect(net.user.calls.at(-1)).toBe('closed');
    const orderly = state === 'CLOSING' || state === 'LAST-ACK';
    expect(net.user.error?.code).toBe(orderly ? undefined : 'ECONNRESET');
    expect(net.clock.nextDue).toBeUndefined();
  });

  test('TCP-4: a SYN gets a challenge ACK, wherever it stands', () => {
    for (const seq of [next, next + 5, next - 5, next + 7_000_000]) {
      const net = make();
      expect(net.inject({ seq, flags: 'S' })).toMatchObject([{ ack: next, flags: '.', length: 0 }]);
      expect(net.state).toBe(state);
    }
  });

  test('TCP-4: an ACK beyond SND.NXT is answered and dropped', () => {
    const net = make();
    expect(net.inject({ seq: next, ack: una + 5000 })).toMatchObject([{ ack: next, flags: '.' }]);
    expect(net.state).toBe(state);
  });

  test('TCP-4: an ACK older than any window there was is answered and dropped (RFC 5961 §5.2)', () => {
    const net = make();
    expect(net.inject({ seq: next, ack: una - 65_536, data: 5 })).toMatchObject([{ ack: next, flags: '.' }]);
    expect(net.connection.readableLength).toBe(0);
    expect(net.state).toBe(state);
  });

  test('TCP-4: an old ACK within that is no harm, and its data counts', () => {
    const net = make();
    const before = net.connection.readableLength;
    net.inject({ seq: next, ack: una - 65_535, data: 5 });
    const receives = ['ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2'].includes(state);
    expect(net.connection.readableLength - before).toBe(receives ? 5 : 0);
    expect(net.state).toBe(state);
  });

  test('TCP-4: challenge ACKs are rate-limited', () => {
    const net = make();
    const segments = Array.from({ length: 50 }, () => ({ seq: next, flags: 'S' }));
    expect(net.inject(...segments).length).toBe(10);
    expect(net.counters.get('tcp.challenge-suppressed')).toBe(40);
    net.wait(5000);
    expect(net.inject(segments[0]!).length).toBe(1);
  });

  test('a segment without ACK is dropped', () => {
    const net = make();
    expect(net.inject({ seq: next, flags: '', data: 3 })).toEqual([]);
    expect(net.counters.get('tcp.no-ack')).toBe(1);
  });

  test('abort sends RST and forgets', () => {
    const net = make();
    net.connection.abort();
    expect(net.take()).toMatchObject([{ flags: 'R.', ack: next }]);
    net.clock.settle();
    expect(net.state).toBe('CLOSED');
    expect(net.user.error).toBeUndefined();
    expect(net.user.calls.at(-1)).toBe('closed');
    expect(net.clock.nextDue).toBeUndefined();
  });
});

describe('TCP-3: to a closed window of ours', () => {
  test('only what begins at RCV.NXT is acceptable, and its data stays out', () => {
    const net = new Harness({ settings: { receiveBuffer: 1000 } }).established();
    net.inject({ seq: 1, ack: 1, data: 1000 });
    net.wait(50);
    expect(net.inject({ seq: 1001, ack: 1, data: 5 })).toMatchObject([{ ack: 1001, window: 0 }]);
    expect(net.inject({ seq: 1002, ack: 1, data: 5 })).toMatchObject([{ ack: 1001, window: 0 }]);
    expect(net.counters.get('tcp.out-of-window')).toBe(1);
    expect(net.connection.readableLength).toBe(1000);
    // A RST still has its effect.
    net.inject({ seq: 1001, flags: 'R' });
    expect(net.user.error?.code).toBe('ECONNRESET');
  });
});

describe('closing', () => {
  test('TCP-14: our FIN first: FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT', () => {
    const net = new Harness().established();
    net.connection.write(new Uint8Array(3));
    net.inject({ seq: 1, ack: 4 });
    net.connection.shutdown();
    expect(net.take()).toMatchObject([{ seq: 4, flags: 'F.' }]);
    expect(net.state).toBe('FIN-WAIT-1');
    net.inject({ seq: 1, ack: 5 });
    expect(net.state).toBe('FIN-WAIT-2');
    expect(net.inject({ seq: 1, ack: 5, flags: 'F.' })).toMatchObject([{ seq: 5, ack: 2, flags: '.' }]);
    expect(net.state).toBe('TIME-WAIT');
    expect(net.user.calls.at(-1)).toBe('closed');
    expect(net.user.error).toBeUndefined();
    expect(net.log.named('tcp.close')).toMatchObject([{ fields: { bytesSent: 3, bytesReceived: 0 } }]);
  });

  test('TCP-14: the peer first: CLOSE-WAIT, LAST-ACK, CLOSED', () => {
    const net = new Harness().established();
    expect(net.inject({ seq: 1, ack: 1, flags: 'FP.', data: 'bye' })).toMatchObject([{ ack: 5, flags: '.' }]);
    expect(net.state).toBe('CLOSE-WAIT');
    expect(net.user.calls).toEqual(['readable']);
    expect(net.connection.ended).toBe(false);
    expect(net.connection.read()?.length).toBe(3);
    expect(net.connection.ended).toBe(true);
    net.connection.shutdown();
    expect(net.take()).toMatchObject([{ seq: 1, flags: 'F.' }]);
    expect(net.state).toBe('LAST-ACK');
    net.inject({ seq: 5, ack: 2 });
    expect(net.state).toBe('CLOSED');
    expect(net.user.calls).toEqual(['readable', 'drained', 'closed']);
    expect(net.clock.nextDue).toBeUndefined();
  });

  test('TCP-14: FIN and the ACK of ours in one segment', () => {
    const net = new Harness().finWait1();
    net.inject({ seq: 1, ack: 2, flags: 'F.' });
    expect(net.state).toBe('TIME-WAIT');
  });

  test('TCP-14: FINs that cross go through CLOSING', () => {
    const net = new Harness().closing();
    expect(net.state).toBe('CLOSING');
    net.inject({ seq: 2, ack: 2 });
    expect(net.state).toBe('TIME-WAIT');
    expect(net.user.calls.at(-1)).toBe('closed');
  });

  test('TCP-14: FINs that cross with data on their way: all of it arrives', () => {
    const net = new Harness({ peer: { mss: 1000 } }).established();
    net.connection.write(new Uint8Array(2500));
    net.connection.shutdown();
    expect(net.take().at(-1)).toMatchObject({ seq: 2501, length: 0, flags: 'F.' });
    net.inject({ seq: 1, ack: 1, flags: 'FP.', data: 'bye' });
    expect(net.state).toBe('CLOSING');
    expect(net.connection.read()?.length).toBe(3);
    // Our FIN was lost with the data before it.
    net.inject({ seq: 5, ack: 1001 });
    const again = net.wait(1000);
    expect(again[0]).toMatchObject({ seq: 1001, length: 1000 });
    net.inject({ seq: 5, ack: 2001 });
    net.inject({ seq: 5, ack: 2502 });
    expect(net.state).toBe('TIME-WAIT');
    expect(net.user.error).toBeUndefined();
  });

  test('TCP-14: a FIN that is not acknowledged is sent again', () => {
    const net = new Harness().finWait1();
    expect(net.wait(200)).toMatchObject([{ seq: 1, length: 0, flags: 'F.' }]);
    expect(net.wait(400)).toMatchObject([{ seq: 1, length: 0, flags: 'F.' }]);
    net.inject({ seq: 1, ack: 2 });
    expect(net.state).toBe('FIN-WAIT-2');
  });

  test('TCP-14: a half-closed connection still receives', () => {
    const net = new Harness().finWait2();
    net.inject({ seq: 1, ack: 2, flags: 'P.', data: 'more' });
    expect(net.connection.read()?.length).toBe(4);
    expect(net.state).toBe('FIN-WAIT-2');
  });

  test('TCP-14: the other half still sends', () => {
    const net = new Harness().closeWait();
    net.connection.write(new Uint8Array(7));
    expect(net.take()).toMatchObject([{ seq: 1, ack: 2, length: 7 }]);
  });

  test('TCP-14: a FIN before a gap is held back', () => {
    const net = new Harness().established();
    expect(net.inject({ seq: 4, ack: 1, flags: 'F.', data: 'bye' })).toMatchObject([{ ack: 1 }]);
    expect(net.state).toBe('ESTABLISHED');
    expect(net.inject({ seq: 1, ack: 1, data: 'and' }).at(-1)).toMatchObject({ ack: 8 });
    expect(net.state).toBe('CLOSE-WAIT');
  });

  test('TCP-14: a FIN beyond a gap in another segment is told of in a SACK block, and counts once it is due', () => {
    const net = new Harness({ peer: { mss: 1460, sackPermitted: true } }).established();
    const [ack] = net.inject({ seq: 4, ack: 1, flags: 'F.' });
    expect(ack).toMatchObject({ ack: 1 });
    expect(ack!.options.sack?.length).toBe(1);
    expect(net.state).toBe('ESTABLISHED');
    expect(net.user.calls).toEqual([]);
    expect(net.inject({ seq: 1, ack: 1, data: 'and' }).at(-1)).toMatchObject({ ack: 5 });
    expect(net.state).toBe('CLOSE-WAIT');
    expect(net.connection.read()?.length).toBe(3);
    expect(net.connection.ended).toBe(true);
  });

  test('TCP-14: closing with unread data sends RST', () => {
    const net = new Harness().established();
    net.inject({ seq: 1, ack: 1, data: 'unread' });
    net.connection.close();
    expect(net.take()).toMatchObject([{ seq: 1, flags: 'R.' }]);
    expect(net.state).toBe('CLOSED');
  });

  test('TCP-14: data for whom nobody reads any more gets RST', () => {
    const net = new Harness().established();
    net.connection.close();
    net.inject({ seq: 1, ack: 2 });
    expect(net.state).toBe('FIN-WAIT-2');
    expect(net.inject({ seq: 1, ack: 2, data: 'more' })).toMatchObject([{ flags: 'R', seq: 2 }]);
    expect(net.state).toBe('CLOSED');
  });

  test('FIN-WAIT-2 of a connection that nobody owns ends after a minute; of one that is read, never', () => {
    const orphan = new Harness().established();
    orphan.connection.close();
    orphan.inject({ seq: 1, ack: 2 });
    orphan.wait(59_000);
    expect(orphan.state).toBe('FIN-WAIT-2');
    orphan.wait(1000);
    expect(orphan.state).toBe('CLOSED');
    expect(orphan.user.calls.at(-1)).toBe('closed');
    const owned = new Harness().finWait2();
    owned.wait(10_000_000);
    expect(owned.state).toBe('FIN-WAIT-2');
  });

  test('`closed` waits until all is read', () => {
    const net = new Harness().finWait1();
    net.inject({ seq: 1, ack: 2, flags: 'F.', data: 'last words' });
    expect(net.state).toBe('TIME-WAIT');
    expect(net.user.calls).not.toContain('closed');
    expect(net.connection.read()?.length).toBe(10);
    net.clock.settle();
    expect(net.user.calls.at(-1)).toBe('closed');
  });

  test('what came before a RST can still be read', () => {
    const net = new Harness().established();
    net.inject({ seq: 1, ack: 1, data: 'hello' }, { seq: 6, flags: 'R' });
    expect(net.user.error?.code).toBe('ECONNRESET');
    expect(net.connection.read()?.length).toBe(5);
  });

  test('TCP-14: the FIN waits for the data before it', () => {
    const net = new Harness({ peerWindow: 4 }).established();
    net.connection.write(new Uint8Array(6));
    net.connection.shutdown();
    expect(net.take()).toMatchObject([{ seq: 1, length: 4, flags: '.' }]);
    expect(net.inject({ seq: 1, ack: 5, window: 4 })).toMatchObject([{ seq: 5, length: 2, flags: 'FP.' }]);
  });
});

describe('TIME-WAIT', () => {
  const fin = { seq: 1, ack: 2, flags: 'F.' };

  test('TCP-14: a repeated FIN is acknowledged, and 2 MSL start again', () => {
    const net = new Harness().timeWait();
    net.wait(59_000);
    expect(net.inject(fin)).toMatchObject([{ seq: 2, ack: 2, flags: '.' }]);
    net.wait(59_000);
    expect(net.state).toBe('TIME-WAIT');
    net.wait(1000);
    expect(net.state).toBe('CLOSED');
    expect(net.clock.nextDue).toBeUndefined();
  });

  test('an old segment is acknowledged, a bare ACK is not', () => {
    const net = new Harness().timeWait();
    expect(net.inject({ seq: 1, ack: 2, data: 5 })).toMatchObject([{ ack: 2, flags: '.' }]);
    expect(net.inject({ seq: 2, ack: 2 })).toEqual([]);
  });

  test('RST at the exact number ends it', () => {
    const net = new Harness().timeWait();
    net.inject({ seq: 3, flags: 'R' });
    expect(net.state).toBe('TIME-WAIT');
    net.inject({ seq: 2, flags: 'R' });
    expect(net.state).toBe('CLOSED');
  });

  /** A connection that a listener took, and that ended in TIME-WAIT here. */
  function servedAndClosed(options: { timestamps?: { value: number; echo: number } } = {}): Harness {
    const net = new Harness({ peer: { mss: 1460, ...options } }).passive();
    if (options.timestamps) net.inject({ seq: 1, ack: 1, options });
    net.connection.shutdown();
    net.inject({ seq: 1, ack: 2, options, flags: 'F.' });
    expect(net.state).toBe('TIME-WAIT');
    return net;
  }

  test('TCP-14: a SYN with a greater number opens the port again, with a greater ISN (RFC 6191)', () => {
    const net = servedAndClosed();
    expect(net.inject({ seq: 2, flags: 'S' })).toMatchObject([{ flags: '.', ack: 2 }]);
    const [synAck] = net.inject({ seq: 100, flags: 'S' });
    expect(synAck).toMatchObject({ flags: 'S.', ack: 101 });
    expect(synAck!.seq).toBeGreaterThan(65_535);
    expect(net.state).toBe('SYN-RECEIVED');
  });

  test('TCP-14: where only the new connection would have timestamps, they are proof enough (RFC 6191 §2)', () => {
    const net = servedAndClosed();
    const timestamps = { value: 5, echo: 0 };
    expect(net.inject({ seq: -5000, flags: 'S', options: { timestamps } })).toMatchObject([{ flags: 'S.' }]);
  });

  test('TCP-14: where it would have none, its number decides', () => {
    const net = servedAndClosed({ timestamps: { value: 1000, echo: 0 } });
    expect(net.inject({ seq: -5000, flags: 'S' })).toMatchObject([{ flags: '.' }]);
    expect(net.inject({ seq: 100, flags: 'S' })).toMatchObject([{ flags: 'S.' }]);
  });

  test('TCP-14: so it does where the timestamps are equal', () => {
    const options = { timestamps: { value: 1000, echo: 0 } };
    const net = servedAndClosed(options);
    expect(net.inject({ seq: -5000, flags: 'S', options })).toMatchObject([{ flags: '.' }]);
    expect(net.inject({ seq: 100, flags: 'S', options })).toMatchObject([{ flags: 'S.' }]);
  });

  test('TCP-14: the new connection works, and what is still about of the old does not reach it', () => {
    const net = servedAndClosed();
    const [synAck] = net.inject({ seq: 100_000, flags: 'S' });
    const ack = synAck!.seq + 1;
    net.inject({ seq: 100_001, ack, data: 'new' });
    expect(net.accepted.length).toBe(2);
    expect(net.inject({ seq: 1, ack: 1, data: 'old' })).toMatchObject([{ ack: 100_004 }]);
    expect(net.accepted[1]!.read()).toEqual(new TextEncoder().encode('new'));
  });

  test('TCP-14: with timestamps a later one is enough, whatever the number', () => {
    const net = servedAndClosed({ timestamps: { value: 1000, echo: 0 } });
    const syn = (value: number) => ({ seq: -5000, flags: 'S', options: { timestamps: { value, echo: 0 } } });
    expect(net.inject(syn(999))).toMatchObject([{ flags: '.' }]);
    expect(net.inject(syn(1001))).toMatchObject([{ flags: 'S.' }]);
  });

  test('without a listener the SYN gets an ACK', () => {
    const net = new Harness().timeWait();
    expect(net.inject({ seq: 100, flags: 'S' })).toMatchObject([{ flags: '.', ack: 2 }]);
  });

  test('beyond the limit the oldest makes room', () => {
    const net = new Harness({ settings: { timeWaitLimit: 1 } }).timeWait();
    const first = net.port;
    net.timeWait();
    expect(net.port).not.toBe(first);
    expect(net.tcp.sockets().map(({ local }) => local.port)).toEqual([net.port]);
  });

  test('the port can be listened on', () => {
    const net = servedAndClosed();
    net.tcp.sockets();
    expect(() => net.tcp.listen({ port: LISTEN_PORT, accept() {} })).toThrow(/EADDRINUSE/);
  });
});

describe('ICMP-5: a connection that is open', () => {
  test.each([0, 1, 2, 3, 5, 13])('is not aborted by 3/%i', (code) => {
    const net = new Harness().established();
    net.connection.write(new Uint8Array(10));
    net.icmp(1, { code });
    net.icmp(1, { kind: 'time-exceeded', code: 0 });
    expect(net.state).toBe('ESTABLISHED');
  });
});

describe('the timer that a socket shows', () => {
  const timer = (net: Harness) => net.connectionInfo()?.timer;

  test('none while nothing is waited for', () => {
    expect(timer(new Harness().established())).toBeUndefined();
  });

  test('retransmission, with how often it went off', () => {
    const opening = new Harness().synSent();
    expect(timer(opening)).toEqual({ name: 'on', expiresIn: 1000, tries: 0 });
    opening.wait(1500);
    expect(timer(opening)).toEqual({ name: 'on', expiresIn: 1500, tries: 1 });
    const sending = new Harness().established();
    sending.connection.write(new Uint8Array(10));
    sending.wait(sending.detail('rto') + 1);
    expect(timer(sending)).toMatchObject({ name: 'on', tries: 1 });
    expect(timer(new Harness().passive())).toBeUndefined();
    const half = new Harness();
    half.listen();
    half.inject({ seq: 0, flags: 'S' });
    expect(timer(half)).toEqual({ name: 'on', expiresIn: 1000, tries: 0 });
  });

  test('window probes, keep-alive, and the ends of what nobody owns any more', () => {
    const shut = new Harness().established();
    shut.inject({ seq: 1, ack: 1, window: 0 });
    shut.connection.write(new Uint8Array(10));
    expect(timer(shut)).toMatchObject({ name: 'persist', tries: 0 });
    const idle = new Harness().established();
    idle.connection.setKeepAlive(true, 10_000);
    expect(timer(idle)).toEqual({ name: 'keepalive', expiresIn: 10_000, tries: 0 });
    const orphan = new Harness().finWait2();
    orphan.connection.close();
    expect(timer(orphan)).toEqual({ name: 'keepalive', expiresIn: 60_000, tries: 0 });
    const ended = new Harness().timeWait();
    ended.wait(20_000);
    expect(timer(ended)).toEqual({ name: 'timewait', expiresIn: 40_000, tries: 0 });
  });
});

describe('keep-alive', () => {
  test('TCP-15: is off by default', () => {
    expect(new Harness().established().wait(100_000_000)).toEqual([]);
  });

  test('TCP-15: probes an idle peer, and gives up after nine without answer', () => {
    const net = new Harness().established();
    net.connection.setKeepAlive(true, 10_000);
    expect(net.wait(10_000)).toMatchObject([{ seq: 0, ack: 1, flags: '.', length: 0 }]);
    net.inject({ seq: 1, ack: 1 });
    expect(net.wait(9999)).toEqual([]);
    expect(net.wait(75_000 * 9 + 1).map(({ flags }) => flags)).toEqual([...Array(9).fill('.'), 'R.']);
    expect(net.user.error?.code).toBe('ETIMEDOUT');
    expect(net.clock.nextDue).toBeUndefined();
  });

  test('TCP-15: waits two hours where it is not told', () => {
    const net = new Harness().established();
    net.connection.setKeepAlive(true);
    expect(net.wait(7_199_999)).toEqual([]);
    expect(net.wait(1)).toMatchObject([{ seq: 0, ack: 1, flags: '.', length: 0 }]);
  });

  test('TCP-15: any sign of life starts it again, and turning it off ends it', () => {
    const net = new Harness().established();
    net.connection.setKeepAlive(true, 10_000);
    net.wait(9000);
    net.inject({ seq: 1, ack: 1, data: 1 });
    expect(net.wait(9999).filter(({ seq }) => seq === 0)).toEqual([]);
    expect(net.wait(1)).toMatchObject([{ seq: 0 }]);
    net.connection.setKeepAlive(false);
    expect(net.wait(1_000_000)).toEqual([]);
  });

  test('TCP-15: a probe is answered', () => {
    const net = new Harness().established();
    expect(net.inject({ seq: 0, ack: 1 })).toMatchObject([{ seq: 1, ack: 1, flags: '.' }]);
  });
});
