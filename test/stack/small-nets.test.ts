// A few stacks joined by cables in memory: two hosts, a router between hosts, hosts on a bridge.

import { describe, expect, test } from 'vitest';
import { ipv4, mac } from '../../shared/core/address.ts';
import { Counters } from '../../shared/core/counters.ts';
import type { FramePort } from '../../shared/core/frame-port.ts';
import { seededRandom } from '../../shared/core/random.ts';
import { Bridge } from '../../shared/stack/bridge.ts';
import { createStack, type Stack, type StackOptions } from '../../shared/stack/stack.ts';
import { memoryCable } from '../support/memory-cable.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { cidr } from '../support/stack-bench.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

let lastMac = mac('02:00:00:00:00:00');

function net() {
  const clock = new VirtualClock();
  const log = new RecordedLog();
  const counters = new Counters();
  const stack = (
    name: string,
    ports: Record<string, FramePort>,
    gateway?: string,
    options: Partial<StackOptions> = {},
  ): Stack =>
    createStack({
      clock,
      log,
      counters,
      random: (use) => seededRandom(name, use),
      interfaces: Object.entries(ports).map(([address, port], index) => ({
        name: `eth${index}`,
        mac: ++lastMac,
        port,
        addresses: [cidr(address)],
      })),
      routes: gateway ? [{ to: cidr('0.0.0.0/0'), via: ipv4(gateway) }] : [],
      forwarding: false,
      ...options,
    });
  /** Pings once and says what came of it. */
  const ping = (from: Stack, to: string, size = 56, ttl = 64): string => {
    let outcome = 'nothing';
    const echo = from.echo.open({
      replied: (reply) => {
        outcome = `${from.ipv4.format(reply.from)} ttl ${reply.ttl} ${reply.data.length}`;
      },
      failed: (error) => {
        outcome = `${from.ipv4.format(error.from)} ${error.kind} ${error.code}`;
      },
    });
    echo.send(ipv4(to), 1, new Uint8Array(size), { ttl });
    clock.advance(5000);
    echo.close();
    return outcome;
  };
  return { clock, log, counters, stack, ping };
}

describe('two hosts', () => {
  test('ARP-2: the first ping is answered', () => {
    const { clock, stack, ping } = net();
    const cable = memoryCable(clock);
    const left = stack('left', { '10.0.0.1/24': cable.a });
    stack('right', { '10.0.0.2/24': cable.b });
    expect(ping(left, '10.0.0.2')).toBe('10.0.0.2 ttl 64 56');
    expect(ping(left, '10.0.0.2', 65_507)).toBe('10.0.0.2 ttl 64 65507');
    expect(ping(left, '10.0.0.3')).toBe('10.0.0.1 unreachable 1');
  });

  test('ICMP-5: a TCP connect to a neighbour that is not there ends in EHOSTUNREACH', () => {
    const { clock, stack } = net();
    const cable = memoryCable(clock);
    const left = stack('left', { '10.0.0.1/24': cable.a });
    const closed: (string | undefined)[] = [];
    const user = {
      connected: () => {},
      readable: () => {},
      writable: () => {},
      drained: () => {},
      closed: (error?: { code: string }) => closed.push(error?.code),
    };
    left.tcp.connect({ address: ipv4('10.0.0.2'), port: 80, user });
    clock.advance(300_000);
    expect(closed).toEqual(['EHOSTUNREACH']);
  });
});

describe('a router between hosts', () => {
  function chain(mtu = 1500) {
    const base = net();
    const { clock, stack } = base;
    const near = memoryCable(clock);
    const far = memoryCable(clock, { mtu });
    const left = stack('left', { '10.0.1.2/24': near.a }, '10.0.1.1');
    const ports = { '10.0.1.1/24': near.b, '10.0.2.1/24': far.a };
    const router = stack('router', ports, undefined, { forwarding: true });
    const right = stack('right', { '10.0.2.2/24': far.b }, '10.0.2.1');
    return { ...base, left, router, right, far };
  }

  test('ping and traceroute', () => {
    const { left, ping } = chain();
    expect(ping(left, '10.0.2.2', 56, 1)).toBe('10.0.1.1 time-exceeded 0');
    expect(ping(left, '10.0.2.2', 56, 2)).toBe('10.0.2.2 ttl 63 56');
    expect(ping(left, '10.0.2.9')).toBe('10.0.1.1 unreachable 1');
    expect(ping(left, '8.8.8.8')).toBe('10.0.1.1 unreachable 0');
  });

  test('IP-6: the path MTU is found and then kept to', () => {
    const { left, ping, counters } = chain(1200);
    expect(ping(left, '10.0.2.2', 1400)).toBe('10.0.1.1 too-big 4');
    expect(ping(left, '10.0.2.2', 1400)).toBe('10.0.2.2 ttl 63 1400');
    expect(counters.get('ipv4.too-long')).toBe(1);
  });

  test('a cable that is cut makes hosts behind it unreachable, one that is joined again reachable', () => {
    const { left, ping, far } = chain();
    expect(ping(left, '10.0.2.2')).toBe('10.0.2.2 ttl 63 56');
    far.setCarrier(false);
    expect(ping(left, '10.0.2.2')).toBe('10.0.1.1 unreachable 1');
    far.setCarrier(true);
    expect(ping(left, '10.0.2.2')).toBe('10.0.2.2 ttl 63 56');
  });

  test('closed stacks leave no timers', () => {
    const { left, router, right, clock, ping } = chain();
    ping(left, '10.0.2.2');
    left.echo.open({ replied: () => {}, failed: () => {} }).send(ipv4('10.0.2.77'), 1, new Uint8Array(9));
    clock.settle();
    for (const each of [left, router, right]) each.close();
    expect(clock.nextDue).toBeUndefined();
  });
});

describe('three hosts on a bridge', () => {
  test('see each other and the device itself', () => {
    const { clock, stack, ping, counters } = net();
    const cables = [memoryCable(clock), memoryCable(clock), memoryCable(clock)] as const;
    const bridgeMac = mac('02:00:00:00:00:bb');
    const bridge = new Bridge({
      clock,
      log: new RecordedLog(),
      counters,
      mac: bridgeMac,
      ports: cables.map((cable, index) => ({ name: `lan${index}`, port: cable.b })),
    });
    const router = createStack({
      clock,
      log: new RecordedLog(),
      counters,
      random: (use) => seededRandom('router', use),
      interfaces: [{ name: 'lan', mac: bridgeMac, port: bridge.port, addresses: [cidr('192.168.0.1/24')] }],
      forwarding: true,
    });
    const hosts = cables.map((cable, index) =>
      stack(`host${index}`, { [`192.168.0.1${index}/24`]: cable.a }, '192.168.0.1'),
    );
    const [first, , third] = hosts;
    expect(ping(first!, '192.168.0.11')).toBe('192.168.0.11 ttl 64 56');
    expect(ping(third!, '192.168.0.1')).toBe('192.168.0.1 ttl 64 56');
    expect(ping(router, '192.168.0.12')).toBe('192.168.0.12 ttl 64 56');
    expect(bridge.table()).toHaveLength(3);
  });
});
