// What an impaired uplink does to pings and transfers, at the level of stacks, on virtual time.

import { describe, expect, it } from 'vitest';
import { ImpairedPort, type LinkImpairment } from '../../shared/cable/impairment.ts';
import { ipv4 } from '../../shared/core/address.ts';
import type { Counters } from '../../shared/core/counters.ts';
import { ADDRESSES, DefaultNet } from '../support/default-net.ts';
import { isLikely } from '../support/sink-port.ts';
import { Talker } from '../support/tcp-talker.ts';

const WEB = ipv4(ADDRESSES.web);

/** The default net with what the router's end, or both ends, of the uplink do to frames. */
function impairedNet(here: LinkImpairment, there: LinkImpairment = {}, seed = 1) {
  const ports: Partial<Record<'a' | 'b', ImpairedPort>> = {};
  const net = new DefaultNet({
    decorate: (cable, side, port, clock) => {
      if (cable !== 'uplink') return port;
      ports[side] = new ImpairedPort(port, clock, [seed, cable, side], side === 'a' ? here : there);
      return ports[side];
    },
  });
  const { a, b } = ports;
  if (!a || !b) throw new Error('the net has no uplink');
  return { net, router: a, isp: b };
}

interface Pings {
  /** ms from question to answer, by sequence number; undefined where none came. */
  readonly times: (number | undefined)[];
  readonly uplink: ImpairedPort;
}

function ping(count: number, interval: number, here: LinkImpairment, seed = 1): Pings {
  const { net, router } = impairedNet({}, {}, seed);
  const sent: number[] = [];
  const times: (number | undefined)[] = Array.from({ length: count });
  const endpoint = net.laptop.stack.echo.open({
    replied: ({ sequence }) => {
      times[sequence] = net.clock.now() - (sent[sequence] ?? 0);
    },
    failed: () => {},
  });
  // ARP has been asked for everywhere before it counts.
  endpoint.send(WEB, 65_535, new Uint8Array(56));
  net.clock.advance(1000);
  router.set(here);
  for (let sequence = 0; sequence < count; sequence++) {
    sent[sequence] = net.clock.now();
    endpoint.send(WEB, sequence, new Uint8Array(56));
    net.clock.advance(interval);
  }
  net.clock.advance(10_000);
  return { times: times.slice(0, count), uplink: router };
}

const share = (times: readonly (number | undefined)[]) =>
  times.filter((time) => time === undefined).length / times.length;

function moments(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}

describe('10,000 pings over a cable that loses 10%', () => {
  it('lose their share, as the counts say, and the same ones for the same seed', () => {
    const first = ping(10_000, 10, { loss: 0.1 });
    const lost = first.times.flatMap((time, sequence) => (time === undefined ? [sequence] : []));
    expect(isLikely(share(first.times), 10_000, 0.1)).toBe(true);
    // Beside the pings, the cable carried ARP.
    const arpLost = first.uplink.counters.get('impairment.loss') - lost.length;
    expect(arpLost).toBeGreaterThanOrEqual(0);
    expect(arpLost).toBeLessThanOrEqual(first.uplink.seen - 10_001);

    expect(ping(10_000, 10, { loss: 0.1 }).times).toEqual(first.times);
    expect(ping(1000, 10, { loss: 0.1 }, 2).times).not.toEqual(first.times.slice(0, 1000));
  });
});

describe('pings over a delay of 50 ms ± 10', () => {
  it.each([
    ['uniform', 10 / Math.sqrt(3)],
    ['normal', 10],
  ] as const)('take so long, spread as %s', (distribution, deviation) => {
    const { times } = ping(2000, 100, { delay: 50, jitter: 10, distribution });
    const found = moments(times.map((time) => time ?? Number.NaN));
    expect(Math.abs(found.mean - 50)).toBeLessThan((5 * deviation) / Math.sqrt(2000) + 0.5);
    expect(Math.abs(found.deviation - deviation)).toBeLessThan(0.7);
  });
});

interface Download {
  /** Bits/s of data that arrived in the last half of it. */
  readonly goodput: number;
  /** What the server counted. */
  readonly counters: Counters;
}

/** A download over the uplink for `seconds`; requests and ACKs meet the delay alone. */
function download(impairment: LinkImpairment, seconds: number, seed = 1): Download {
  const { net } = impairedNet({ delay: impairment.delay }, impairment, seed);
  const { clock } = net;
  const server = new Talker({ clock, outgoing: new Uint8Array(20 << 20), listensFirst: false });
  const client = new Talker({ clock, outgoing: new Uint8Array(0) });
  net.web.stack.tcp.listen({
    port: 80,
    accept: (connection) => {
      server.connection = connection;
      connection.user = server;
      server.connected();
    },
  });
  client.connection = net.laptop.stack.tcp.connect({ address: WEB, port: 80, user: client });
  const half = seconds * 500;
  clock.advance(half);
  const before = client.heard.length;
  clock.advance(half);
  const goodput = ((client.heard.length - before) * 8000) / half;
  return { goodput, counters: net.web.counters };
}

function goodput(impairment: LinkImpairment, seconds: number): number {
  return download(impairment, seconds).goodput;
}

describe('a rate of 10mbit', () => {
  it('gives TCP a goodput within 5%', () => {
    const bits = goodput({ rate: 10e6 }, 4);
    expect(bits).toBeGreaterThan(9.5e6);
    expect(bits).toBeLessThanOrEqual(10e6);
  });

  it('does so with a delay and a little jitter', () => {
    const bits = goodput({ rate: 10e6, delay: 20, jitter: 2 }, 4);
    expect(bits).toBeGreaterThan(9.5e6);
    expect(bits).toBeLessThanOrEqual(10e6);
  });

  it('is not passed with loss on top, which costs TCP its share', () => {
    const bits = goodput({ rate: 10e6, delay: 5, loss: 0.001 }, 4);
    expect(bits).toBeGreaterThan(8e6);
    expect(bits).toBeLessThanOrEqual(10e6);
  });
});

describe('1% loss at a round trip of 40 ms, on 100mbit', () => {
  it('TCP-11, TCP-13: leaves what TCP gets by theory, and every loss is repaired without a timeout', () => {
    const seeds = [1, 2, 3, 4];
    const downloads = seeds.map((seed) => download({ rate: 100e6, delay: 20, loss: 0.01 }, 20, seed));
    const mean = downloads.reduce((sum, { goodput }) => sum + goodput, 0) / seeds.length;
    // Reno's share, which CUBIC does not fall below (RFC 9438 §4.3): MSS / RTT × sqrt(3 / 2 p).
    const share = ((1448 * 8) / 0.04) * Math.sqrt(1.5 / 0.01);
    expect(mean).toBeGreaterThan(0.95 * share);
    for (const { counters } of downloads) {
      expect(counters.get('tcp.fast-recovery')).toBeGreaterThan(10);
      expect(counters.get('tcp.retransmission-timeout')).toBe(0);
    }
  });
});
