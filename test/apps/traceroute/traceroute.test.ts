import { describe, expect, test } from 'vitest';
import {
  type TracerouteOptions,
  type TracerouteProbe,
  type TracerouteSummary,
  traceroute,
} from '../../../shared/apps/traceroute/traceroute.ts';
import { toHex } from '../../../shared/core/bytes.ts';
import type { SocketErrorReport } from '../../../shared/socket/sockets.ts';
import { type FakeHost, FakeWire, type SentDatagram } from '../../support/fake-wire.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const DESTINATION = '93.184.216.34';

type Report = Pick<SocketErrorReport, 'kind' | 'code' | 'from'> & { mtu?: number };

const expired = (from: string): Report => ({ kind: 'time-exceeded', code: 0, from });
const refused: Report = { kind: 'unreachable', code: 3, from: DESTINATION };

class Bench {
  readonly clock = new VirtualClock();
  readonly wire = new FakeWire(this.clock);
  readonly host: FakeHost = this.wire.host('laptop', '192.168.0.24/24');
  readonly probes: TracerouteProbe[] = [];
  readonly abort = new AbortController();
  outcome: TracerouteSummary | Error | undefined;

  start(changes: Partial<TracerouteOptions> = {}): void {
    traceroute(this.host, {
      destination: DESTINATION,
      method: 'udp',
      firstTtl: 1,
      maxTtl: 30,
      probes: 3,
      wait: 5000,
      signal: this.abort.signal,
      onProbe: (probe) => this.probes.push(probe),
      ...changes,
    }).then(
      (summary) => {
        this.outcome = summary;
      },
      (error: Error) => {
        this.outcome = error;
      },
    );
  }

  async end(): Promise<TracerouteSummary | Error | undefined> {
    await this.clock.runUntilAsync(() => this.outcome !== undefined, 1_000_000);
    return this.outcome;
  }

  /** The network: what comes back for a TTL, `delay` ms later. */
  answerUdp(answer: (ttl: number, port: number) => Report | undefined, delay = 10): void {
    this.wire.arrives = (datagram: SentDatagram) => {
      const { port, destination, options } = datagram;
      const report = answer(options.ttl ?? 64, port);
      if (report)
        this.clock.after(delay, () => {
          const socket = this.host.udpSockets[0];
          if (!socket?.closed) socket?.emit('report', { mtu: 0, ...report, destination, port });
        });
      return false;
    };
  }

  lines(): string[] {
    return this.probes.map(({ ttl, address, rtt, annotation }) =>
      [ttl, address ?? '*', rtt, annotation].filter((each) => each !== undefined).join(' '),
    );
  }
}

describe('UDP', () => {
  test('probes go to rising ports with three of each TTL, sixteen at once', () => {
    const bench = new Bench();
    bench.answerUdp(() => undefined);
    bench.start();
    expect(bench.wire.sent.map(({ port, options }) => [port, options.ttl])).toEqual(
      Array.from({ length: 16 }, (_, index) => [33_434 + index, 1 + Math.floor(index / 3)]),
    );
    expect(toHex(bench.wire.sent[0]!.data.subarray(0, 4))).toBe('40414243');
    expect(bench.wire.sent[0]?.data).toHaveLength(32);
  });

  test('routers that let the TTL run out, then the destination', async () => {
    const bench = new Bench();
    const hops = ['192.168.0.1', '51.0.0.1'];
    bench.answerUdp((ttl) => (ttl <= 2 ? expired(hops[ttl - 1]!) : refused));
    bench.start({ probes: 2 });
    expect(await bench.end()).toEqual({ reached: true, lastTtl: 3 });
    expect(bench.lines()).toEqual([
      '1 192.168.0.1 10',
      '1 192.168.0.1 10',
      '2 51.0.0.1 10',
      '2 51.0.0.1 10',
      `3 ${DESTINATION} 10`,
      `3 ${DESTINATION} 10`,
    ]);
    expect(bench.probes.map(({ final }) => final)).toEqual([false, false, false, false, true, true]);
    expect(bench.host.udpSockets[0]?.closed).toBe(true);
    await bench.clock.runUntilAsync(() => false, 100);
    expect(bench.clock.nextDue).toBeUndefined();
  });

  test('answers are told in order, whatever order they come in', async () => {
    const bench = new Bench();
    bench.wire.arrives = ({ port, destination, options }) => {
      const ttl = options.ttl ?? 0;
      const report = ttl < 3 ? expired(`10.0.0.${ttl}`) : refused;
      bench.clock.after(100 - 10 * ttl, () => {
        const socket = bench.host.udpSockets[0];
        if (!socket?.closed) socket?.emit('report', { mtu: 0, ...report, destination, port });
      });
      return false;
    };
    bench.start({ probes: 1 });
    await bench.end();
    expect(bench.lines()).toEqual(['1 10.0.0.1 90', '2 10.0.0.2 80', `3 ${DESTINATION} 70`]);
  });

  test('a silent hop costs one wait, and is told as unanswered', async () => {
    const bench = new Bench();
    bench.answerUdp((ttl) => (ttl === 2 ? undefined : ttl < 4 ? expired(`10.0.0.${ttl}`) : refused));
    bench.start();
    expect(await bench.end()).toEqual({ reached: true, lastTtl: 4 });
    expect(bench.lines().slice(3, 6)).toEqual(['2 *', '2 *', '2 *']);
    expect(bench.clock.now()).toBeLessThan(5100);
  });

  test('where nobody answers it ends at the last TTL', async () => {
    const bench = new Bench();
    bench.answerUdp(() => undefined);
    bench.start({ firstTtl: 3, maxTtl: 6, probes: 1 });
    expect(await bench.end()).toEqual({ reached: false, lastTtl: 6 });
    expect(bench.lines()).toEqual(['3 *', '4 *', '5 *', '6 *']);
  });

  test.each<[string, Report]>([
    ['!N', { kind: 'unreachable', code: 0, from: '10.0.0.1' }],
    ['!H', { kind: 'unreachable', code: 1, from: '10.0.0.1' }],
    ['!P', { kind: 'unreachable', code: 2, from: '10.0.0.1' }],
    ['!S', { kind: 'unreachable', code: 5, from: '10.0.0.1' }],
    ['!X', { kind: 'unreachable', code: 13, from: '10.0.0.1' }],
    ['!<7>', { kind: 'unreachable', code: 7, from: '10.0.0.1' }],
    ['!F-1200', { kind: 'too-big', code: 4, from: '10.0.0.1', mtu: 1200 }],
  ])('%s ends the way', async (annotation, report) => {
    const bench = new Bench();
    bench.answerUdp((ttl) => (ttl === 1 ? expired('192.168.0.1') : report));
    bench.start({ probes: 1 });
    expect(await bench.end()).toEqual({ reached: false, lastTtl: 2 });
    expect(bench.probes.at(-1)).toMatchObject({ ttl: 2, address: '10.0.0.1', annotation, final: true });
  });

  test('an answer after the wait, a second one, and one about other traffic are passed over', async () => {
    const bench = new Bench();
    bench.answerUdp((ttl) => (ttl === 1 ? expired('192.168.0.1') : refused), 10);
    bench.start({ probes: 1 });
    const report = { mtu: 0, ...expired('6.6.6.6'), port: 33_434 };
    bench.host.udpSockets[0]?.emit('report', { ...report, destination: '1.2.3.4' });
    bench.host.udpSockets[0]?.emit('report', { ...report, destination: DESTINATION, port: 99 });
    await bench.end();
    expect(bench.lines()).toEqual(['1 192.168.0.1 10', `2 ${DESTINATION} 10`]);
  });
});

test('ICMP: echo requests, and the destination replies', async () => {
  const bench = new Bench();
  bench.start({ method: 'icmp', probes: 1 });
  const socket = bench.host.icmpSockets[0]!;
  expect(socket.sent.slice(0, 3).map(({ sequence, options }) => [sequence, options.ttl])).toEqual([
    [1, 1],
    [2, 2],
    [3, 3],
  ]);
  bench.clock.advance(5);
  const about = { destination: DESTINATION, port: 0, mtu: 0, sequence: 1 };
  socket.emit('report', { ...expired('192.168.0.1'), ...about });
  const reply = {
    from: DESTINATION,
    id: socket.id,
    ttl: 60,
    data: new Uint8Array(0),
    time: bench.clock.now(),
  };
  socket.emit('reply', { ...reply, sequence: 2 });
  expect(await bench.end()).toEqual({ reached: true, lastTtl: 2 });
  expect(bench.lines()).toEqual(['1 192.168.0.1 5', `2 ${DESTINATION} 5`]);
  expect(socket.closed).toBe(true);
});

test('a signal ends it with what is known', async () => {
  const bench = new Bench();
  bench.answerUdp((ttl) => (ttl === 1 ? expired('192.168.0.1') : undefined));
  bench.start({ probes: 1 });
  bench.clock.advance(100);
  bench.abort.abort('SIGINT');
  expect(await bench.end()).toEqual({ reached: false, lastTtl: 1 });
  expect(bench.clock.nextDue).toBeUndefined();
});

test('what can not be sent is an error', async () => {
  const bench = new Bench();
  bench.host.sendError = 'ENETUNREACH';
  bench.start();
  expect(await bench.end()).toMatchObject({ code: 'ENETUNREACH' });
  expect(bench.host.udpSockets[0]?.closed).toBe(true);
  expect(bench.clock.nextDue).toBeUndefined();
});
